//! How a park's activities are accounted for: owner-operated or landlord, waste routes, regions and sets of factors.

use std::collections::BTreeSet;

use prost::Message;
use terrarium_journal::{Event, Rejection, Setting, facts};
use terrarium_ledger::FactorKind;
use terrarium_model::{FactorSetId, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1::AccountingProfileSetV1;

/// Streams and routes that the books know.
const STREAMS: [&str; 5] = ["recyclable", "residual", "kitchen", "garden", "hazardous"];
const ROUTES: [&str; 5] = [
    "landfill",
    "incineration",
    "composting",
    "anaerobic-digestion",
    "recycling",
];

facts! {
    /// What was decided.
    pub enum ProfileFact in "terrarium.carbon.v1" {
        AccountingProfileSetV1 at time_s,
    }
}

/// Everything a decision needs beside the one before.
#[derive(Clone, Debug)]
pub struct ProfileContext {
    /// The park.
    pub park: ParkId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The decisions of one park.
#[derive(Default)]
pub struct AccountingProfile {
    newest: Option<AccountingProfileSetV1>,
    history: Vec<ProfileFact>,
}

impl AccountingProfile {
    /// The one in force or to come.
    pub fn newest(&self) -> Option<&AccountingProfileSetV1> {
        self.newest.as_ref()
    }

    /// Decides about a profile; version and time are filled in.
    pub fn decide(
        &self,
        context: &ProfileContext,
        sent: &AccountingProfileSetV1,
    ) -> Result<Vec<Event<ProfileFact>>, Rejection> {
        let version = self.newest.as_ref().map_or(0, |before| before.version);
        let time_s = self.newest.as_ref().map_or(0, |before| before.time_s);
        let mut set = in_order(sent, version, time_s);
        if self.newest.as_ref() == Some(&set) {
            return Ok(Vec::new());
        }
        check_routes(&set)?;
        check_sets(&set)?;
        if let Some(before) = &self.newest
            && set.valid_from_s <= before.valid_from_s
        {
            return Err(Rejection::failed_precondition(
                "valid_from",
                format!(
                    "the profile before holds from {}; a new one holds from a later moment",
                    format_rfc3339_utc(UnixSeconds(before.valid_from_s))
                ),
            ));
        }
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }

    /// Version of the newest profile that is what was sent; 0: none is.
    pub fn version_of(&self, sent: &AccountingProfileSetV1) -> u32 {
        let asked = AccountingProfile::setting(sent);
        let mut newest_first = self.history.iter().rev();
        let set = newest_first.find(|ProfileFact::AccountingProfileSetV1(set)| {
            AccountingProfile::setting(set) == asked
        });
        set.map_or(0, |ProfileFact::AccountingProfileSetV1(set)| set.version)
    }

    /// What is set by what was sent, or by what is recorded of it.
    pub fn setting(sent: &AccountingProfileSetV1) -> Setting {
        Setting::of(&[&in_order(sent, 0, 0).encode_to_vec()])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<ProfileFact>) {
        let ProfileFact::AccountingProfileSetV1(set) = &event.fact;
        self.newest = Some(set.clone());
        self.history.push(event.fact.clone());
    }
}

/// As it is recorded.
fn in_order(sent: &AccountingProfileSetV1, version: u32, time_s: i64) -> AccountingProfileSetV1 {
    let mut set = AccountingProfileSetV1 {
        version,
        time_s,
        ..sent.clone()
    };
    set.waste_routes
        .sort_by(|one, other| one.stream.cmp(&other.stream));
    set.pinned_sets
        .sort_by(|one, other| one.kind.cmp(&other.kind));
    set
}

fn check_routes(set: &AccountingProfileSetV1) -> Result<(), Rejection> {
    let mut known = BTreeSet::new();
    for routing in &set.waste_routes {
        if !STREAMS.contains(&routing.stream.as_str()) || !ROUTES.contains(&routing.route.as_str())
        {
            return Err(Rejection::invalid(
                "waste_routes",
                format!(
                    "\"{}\" to \"{}\" is not known; streams are {}, routes are {}",
                    routing.stream,
                    routing.route,
                    STREAMS.join(", "),
                    ROUTES.join(", ")
                ),
            ));
        }
        if !known.insert(&routing.stream) {
            return Err(Rejection::invalid(
                "waste_routes",
                format!("stream {} stands twice; send it once", routing.stream),
            ));
        }
    }
    Ok(())
}

fn check_sets(set: &AccountingProfileSetV1) -> Result<(), Rejection> {
    let mut known = BTreeSet::new();
    for pinned in &set.pinned_sets {
        if FactorKind::parse(&pinned.kind).is_none() {
            let kinds: Vec<&str> = FactorKind::ALL.iter().map(|kind| kind.token()).collect();
            return Err(Rejection::invalid(
                "pinned_sets",
                format!(
                    "\"{}\" is no kind of factors; kinds are {}",
                    pinned.kind,
                    kinds.join(", ")
                ),
            ));
        }
        FactorSetId::new(&pinned.set)
            .map_err(|error| Rejection::invalid("pinned_sets", error.to_string()))?;
        if !known.insert(&pinned.kind) {
            return Err(Rejection::invalid(
                "pinned_sets",
                format!("kind {} stands twice; send it once", pinned.kind),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use terrarium_proto::carbon::v1::{PinnedFactorSet, WasteRouting};

    use super::*;

    fn sent(valid_from_s: i64) -> AccountingProfileSetV1 {
        AccountingProfileSetV1 {
            valid_from_s,
            landlord: true,
            waste_routes: vec![WasteRouting {
                stream: "residual".into(),
                route: "landfill".into(),
            }],
            pinned_sets: vec![PinnedFactorSet {
                kind: "fuel_property".into(),
                set: "cn-fuels-24".into(),
            }],
            reason: "let to tenants".into(),
            ..AccountingProfileSetV1::default()
        }
    }

    #[test]
    fn a_profile_is_replaced_by_a_later_one_and_known_words_only_are_taken() {
        let context = ProfileContext {
            park: ParkId::new("haotian").expect("valid"),
            now: UnixSeconds(9),
        };
        let mut profile = AccountingProfile::default();
        let events = profile.decide(&context, &sent(5)).expect("first");
        profile.evolve(&events[0]);
        assert_eq!(profile.decide(&context, &sent(5)), Ok(Vec::new()));
        assert_eq!(profile.newest().map(|newest| newest.version), Some(1));
        let refusals = [
            (
                "valid_from",
                AccountingProfileSetV1 {
                    landlord: false,
                    ..sent(5)
                },
            ),
            (
                "waste_routes",
                AccountingProfileSetV1 {
                    waste_routes: vec![WasteRouting {
                        stream: "residual".into(),
                        route: "sea".into(),
                    }],
                    ..sent(6)
                },
            ),
            (
                "pinned_sets",
                AccountingProfileSetV1 {
                    pinned_sets: vec![PinnedFactorSet {
                        kind: "fuels".into(),
                        set: "x".into(),
                    }],
                    ..sent(6)
                },
            ),
        ];
        for (field, refused) in refusals {
            assert_eq!(
                profile.decide(&context, &refused).expect_err(field).field,
                field
            );
        }
    }
}
