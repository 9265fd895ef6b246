//! Which activity is counted where, and what is taken when the park decided nothing: read from `attribution.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use terrarium_model::ParkDefinition;

use super::fact::ProfileRecord;
use crate::books::Scope;

pub use crate::books::PARK;

/// From here on regions are of another country.
const ABROAD: &str = "world";

/// Where a line is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Scope and category of the GHG Protocol.
    pub scope: Scope,
    /// Category of ISO 14064-1:2018.
    pub iso_category: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rule: Vec<Rule>,
    waste_routes: BTreeMap<String, String>,
    regions: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    activity: String,
    place: WrittenPlace,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPlace {
    scope: u8,
    category: Option<u8>,
    iso: u8,
}

impl WrittenPlace {
    fn read(self) -> Place {
        let scope = match (self.scope, self.category) {
            (1, None) => Scope::One,
            (2, None) => Scope::Two,
            (3, Some(category @ 1..=15)) => Scope::Three(category),
            other => panic!("attribution.toml: {other:?} is no scope"),
        };
        assert!(
            (1..=6).contains(&self.iso),
            "attribution.toml: no category {}",
            self.iso
        );
        Place {
            scope,
            iso_category: self.iso,
        }
    }
}

struct Places {
    places: BTreeMap<String, Place>,
    waste_routes: BTreeMap<String, String>,
    regions: BTreeMap<String, Vec<String>>,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let table: Table =
        toml::from_str(include_str!("attribution.toml")).expect("the table is part of the program");
    let rules = table.rule.into_iter();
    Places {
        places: rules
            .map(|rule| (rule.activity, rule.place.read()))
            .collect(),
        waste_routes: table.waste_routes,
        regions: table.regions,
    }
});

/// Where an activity is counted by whoever does it; [`crate::claims::boundary`] says what that is to the park.
pub fn place(activity: &str) -> Place {
    PLACES.places.get(activity).copied().unwrap_or(Place {
        scope: Scope::Three(1),
        iso_category: 6,
    })
}

/// Regions whose factors stand in for a region's own, best first.
fn stand_ins(region: &str) -> &'static [String] {
    let regions = &PLACES.regions;
    regions.get(region).unwrap_or(&regions["other"])
}

/// Regions whose factors price a park's electricity, best first: its own, its regional grid, its country.
pub fn grid_regions(definition: &ParkDefinition) -> Vec<String> {
    let region = &definition.grid_region;
    let wider = stand_ins(region).iter();
    std::iter::once(region)
        .chain(wider.take_while(|wider| *wider != ABROAD))
        .cloned()
        .collect()
}

/// How a park's activities are accounted for at a moment.
#[derive(Clone, Debug)]
pub struct Profile {
    waste_routes: BTreeMap<String, String>,
    regions: Vec<String>,
    pinned_sets: BTreeMap<String, String>,
}

impl Profile {
    /// As the park decided, or as is usual.
    pub fn new(definition: &ParkDefinition, decided: Option<&ProfileRecord>) -> Profile {
        let mut waste_routes = PLACES.waste_routes.clone();
        let mut regions = vec![definition.grid_region.clone()];
        regions.extend(stand_ins(&definition.grid_region).iter().cloned());
        let mut pinned_sets = BTreeMap::new();
        if let Some(decided) = decided {
            waste_routes.extend(decided.waste_routes.iter().cloned());
            pinned_sets.extend(decided.pinned_sets.iter().cloned());
            if !decided.regions.is_empty() {
                regions.clone_from(&decided.regions);
            }
        }
        Profile {
            waste_routes,
            regions,
            pinned_sets,
        }
    }

    /// Where a stream of waste goes.
    pub fn waste_route(&self, stream: &str) -> &str {
        self.waste_routes
            .get(stream)
            .map_or("incineration", String::as_str)
    }

    /// Regions of factors, best first.
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The set that prices a kind, if one is pinned.
    pub fn pinned_set(&self, kind: &str) -> Option<&str> {
        self.pinned_sets.get(kind).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fact::ActivityKind;
    use super::*;

    #[test]
    fn every_activity_has_its_place() {
        for kind in ActivityKind::ALL {
            assert!(PLACES.places.contains_key(kind.token()), "{}", kind.token());
        }
    }

    /// Carbon accounting note of the project, section 1.1, table of parks.
    #[test]
    fn activities_stand_where_the_table_of_parks_has_them() {
        for (activity, scope) in [
            ("fuel", Scope::One),
            ("compost", Scope::One),
            ("heat", Scope::Two),
            ("waste", Scope::Three(5)),
            ("material", Scope::Three(2)),
        ] {
            assert_eq!(place(activity).scope, scope, "{activity}");
        }
    }
}
