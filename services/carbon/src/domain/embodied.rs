//! Embodied carbon of one asset: by module of EN 15978 and item, corrected by revisions.

use std::collections::BTreeMap;

use terrarium_journal::{Event, Rejection, facts};
use terrarium_model::{AssetId, ParkId};
use terrarium_proto::carbon::v1::{EmbodiedCarbonRecordedV1, LifeCycleModule};

facts! {
    /// What was recorded of an asset's embodied carbon.
    pub enum EmbodiedFact in "terrarium.carbon.v1" {
        EmbodiedCarbonRecordedV1 at time_s,
    }
}

/// Everything a decision needs beside what is recorded.
#[derive(Clone, Debug)]
pub struct EmbodiedContext {
    /// Park of the asset.
    pub park: ParkId,
    /// The asset.
    pub asset: AssetId,
}

/// The embodied carbon of one asset.
#[derive(Default)]
pub struct EmbodiedCarbon {
    /// By module and item: all revisions in order.
    items: BTreeMap<(i32, String), Vec<EmbodiedCarbonRecordedV1>>,
}

impl EmbodiedCarbon {
    /// The newest revision of each item, in the order of module and item.
    pub fn newest(&self) -> impl Iterator<Item = &EmbodiedCarbonRecordedV1> {
        self.items.values().filter_map(|revisions| revisions.last())
    }

    /// Decides about a record. It may lie in the future: what demolition will emit is known today.
    pub fn decide(
        &self,
        context: &EmbodiedContext,
        sent: &EmbodiedCarbonRecordedV1,
    ) -> Result<Vec<Event<EmbodiedFact>>, Rejection> {
        let module = sent.module();
        if module == LifeCycleModule::Unspecified {
            return Err(Rejection::invalid(
                "module",
                "it is not known; send one of A1_A3 to D of EN 15978",
            ));
        }
        // Timber binds carbon in A1-A3, and module D stands beyond the boundary.
        let may_be_negative = matches!(module, LifeCycleModule::A1A3 | LifeCycleModule::D);
        if sent.co2e_mg < 0 && !may_be_negative {
            return Err(Rejection::invalid(
                "co2e_mg",
                format!("{} mg is below zero; only A1-A3 and D can be", sent.co2e_mg),
            ));
        }
        let revisions = self
            .items
            .get(&(sent.module, sent.item.clone()))
            .map_or(&[][..], Vec::as_slice);
        if revisions.get(sent.revision as usize) == Some(sent) {
            return Ok(Vec::new());
        }
        let next = revisions.len();
        if sent.revision as usize == next {
            return Ok(vec![Event::of(&context.park, sent.clone())]);
        }
        let recorded_mg = revisions.last().map_or(0, |newest| newest.co2e_mg);
        if (sent.revision as usize) < next {
            return Err(Rejection::already_exists(
                "revision",
                format!(
                    "item {} of {} is recorded with {recorded_mg} mg; send another value as revision {next}",
                    sent.item, context.asset
                ),
            ));
        }
        Err(Rejection::failed_precondition(
            "revision",
            format!(
                "item {} of {} has {next} revisions; the next one is {next}, not {}",
                sent.item, context.asset, sent.revision
            ),
        ))
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<EmbodiedFact>) {
        let EmbodiedFact::EmbodiedCarbonRecordedV1(record) = &event.fact;
        self.items
            .entry((record.module, record.item.clone()))
            .or_default()
            .push(record.clone());
    }
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn record(module: LifeCycleModule, revision: u32, co2e_mg: i64) -> EmbodiedCarbonRecordedV1 {
        EmbodiedCarbonRecordedV1 {
            asset: "centre".into(),
            module: module.into(),
            item: "concrete-c30".into(),
            revision,
            time_s: 5,
            co2e_mg,
            source: "GB/T 51366-2019, annex D".into(),
            ..EmbodiedCarbonRecordedV1::default()
        }
    }

    #[test]
    fn another_value_is_a_correction_with_the_next_revision() {
        let context = EmbodiedContext {
            park: ParkId::new("haotian").expect("valid"),
            asset: AssetId::new("centre").expect("valid"),
        };
        let a1_a3 = |revision, co2e_mg| record(LifeCycleModule::A1A3, revision, co2e_mg);
        let mut embodied = EmbodiedCarbon::default();
        for sent in [a1_a3(0, 295_000_000), a1_a3(1, 300_000_000)] {
            let events = embodied.decide(&context, &sent).expect("in order");
            embodied.evolve(&events[0]);
            assert_eq!(embodied.decide(&context, &sent), Ok(Vec::new()));
        }
        let newest: Vec<i64> = embodied.newest().map(|record| record.co2e_mg).collect();
        assert_eq!(newest, [300_000_000]);
        for (sent, code, field) in [
            (a1_a3(1, 1), RejectionCode::AlreadyExists, "revision"),
            (a1_a3(3, 1), RejectionCode::FailedPrecondition, "revision"),
            (
                record(LifeCycleModule::A4, 0, -1),
                RejectionCode::InvalidArgument,
                "co2e_mg",
            ),
            (
                record(LifeCycleModule::Unspecified, 0, 1),
                RejectionCode::InvalidArgument,
                "module",
            ),
        ] {
            let refusal = embodied.decide(&context, &sent).expect_err(field);
            assert_eq!((refusal.code, refusal.field), (code, field));
        }
        for module in [LifeCycleModule::D, LifeCycleModule::A5] {
            let co2e_mg = if module == LifeCycleModule::D { -5 } else { 5 };
            assert!(
                embodied
                    .decide(&context, &record(module, 0, co2e_mg))
                    .is_ok()
            );
        }
    }
}
