//! Which activity is counted where, and what is taken when the park decided nothing: read from `attribution.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use terrarium_model::ParkDefinition;

use super::fact::ProfileRecord;
use crate::books::Scope;

/// The party that is the park itself.
pub const PARK: &str = "park";

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
    park: Option<WrittenPlace>,
    tenant: Option<WrittenPlace>,
    owner_operated: Option<WrittenPlace>,
    landlord: Option<WrittenPlace>,
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
    park: BTreeMap<String, Place>,
    tenant: BTreeMap<String, Place>,
    partner: Place,
    partner_of_landlord: Place,
    waste_routes: BTreeMap<String, String>,
    regions: BTreeMap<String, Vec<String>>,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let table: Table =
        toml::from_str(include_str!("attribution.toml")).expect("the table is part of the program");
    let mut places = Places {
        park: BTreeMap::new(),
        tenant: BTreeMap::new(),
        partner: Place {
            scope: Scope::Three(1),
            iso_category: 4,
        },
        partner_of_landlord: Place {
            scope: Scope::Three(13),
            iso_category: 5,
        },
        waste_routes: table.waste_routes,
        regions: table.regions,
    };
    for rule in table.rule {
        if let Some(place) = rule.owner_operated {
            places.partner = place.read();
        }
        if let Some(place) = rule.landlord {
            places.partner_of_landlord = place.read();
        }
        if let Some(place) = rule.park {
            places.park.insert(rule.activity.clone(), place.read());
        }
        if let Some(place) = rule.tenant {
            places.tenant.insert(rule.activity, place.read());
        }
    }
    places
});

/// How a park's activities are accounted for at a moment.
#[derive(Clone, Debug)]
pub struct Profile {
    is_landlord: bool,
    waste_routes: BTreeMap<String, String>,
    regions: Vec<String>,
    pinned_sets: BTreeMap<String, String>,
}

impl Profile {
    /// As the park decided, or as is usual.
    pub fn new(definition: &ParkDefinition, decided: Option<&ProfileRecord>) -> Profile {
        let mut waste_routes = PLACES.waste_routes.clone();
        let mut regions = vec![definition.grid_region.clone()];
        regions.extend(
            PLACES
                .regions
                .get(&definition.grid_region)
                .unwrap_or(&PLACES.regions["other"])
                .iter()
                .cloned(),
        );
        let mut pinned_sets = BTreeMap::new();
        if let Some(decided) = decided {
            waste_routes.extend(decided.waste_routes.iter().cloned());
            pinned_sets.extend(decided.pinned_sets.iter().cloned());
            if !decided.regions.is_empty() {
                regions.clone_from(&decided.regions);
            }
        }
        Profile {
            is_landlord: decided.is_some_and(|decided| decided.is_landlord),
            waste_routes,
            regions,
            pinned_sets,
        }
    }

    /// Where an activity of a party is counted.
    pub fn place(&self, activity: &str, party: &str) -> Place {
        let of_park = || {
            PLACES.park.get(activity).copied().unwrap_or(Place {
                scope: Scope::Three(1),
                iso_category: 6,
            })
        };
        if party == PARK {
            return of_park();
        }
        if self.is_landlord {
            return PLACES
                .tenant
                .get(activity)
                .copied()
                .unwrap_or(PLACES.partner_of_landlord);
        }
        match of_park() {
            // What a partner burns and loses is no direct emission of the park.
            place if matches!(place.scope, Scope::One | Scope::Two) => PLACES.partner,
            place => place,
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

    fn profile(is_landlord: bool) -> Profile {
        Profile {
            is_landlord,
            waste_routes: PLACES.waste_routes.clone(),
            regions: Vec::new(),
            pinned_sets: BTreeMap::new(),
        }
    }

    #[test]
    fn every_activity_has_its_place() {
        for kind in ActivityKind::ALL {
            assert!(PLACES.park.contains_key(kind.token()), "{}", kind.token());
            assert!(PLACES.tenant.contains_key(kind.token()), "{}", kind.token());
        }
    }

    /// Carbon accounting note of the project, section 1.1, table of parks.
    #[test]
    fn a_landlord_counts_its_tenants_as_leased_assets_and_an_owner_counts_partners_as_services() {
        let owner = profile(false);
        assert_eq!(owner.place("fuel", PARK).scope, Scope::One);
        assert_eq!(owner.place("compost", PARK).scope, Scope::One);
        assert_eq!(owner.place("waste", PARK).scope, Scope::Three(5));
        assert_eq!(owner.place("material", PARK).scope, Scope::Three(2));
        assert_eq!(owner.place("fuel", "contractor-1").scope, Scope::Three(1));
        let landlord = profile(true);
        assert_eq!(landlord.place("fuel", PARK).scope, Scope::One);
        assert_eq!(landlord.place("fuel", "tenant-3").scope, Scope::Three(13));
        assert_eq!(landlord.place("heat", "tenant-3").iso_category, 5);
    }
}
