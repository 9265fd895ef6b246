//! The chain of custody of hazardous waste: consigned, handed over, treated.

use std::sync::Arc;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::waste::v1::{
    CustodyHandedOverV1, HazardousConsignedV1, HazardousTreatedV1, HazardousTreatment,
};

/// Two scales may differ by this share of what was held, in per cent (assumed). Beyond it something was lost or added.
const TOLERANCE_PERCENT: i128 = 5;

facts! {
    /// What happened to a consignment.
    pub enum CustodyFact in "terrarium.waste.v1" {
        HazardousConsignedV1 at time_s,
        CustodyHandedOverV1 at time_s,
        HazardousTreatedV1 at time_s,
    }
}

/// Everything a decision needs beside the consignment's own past.
#[derive(Clone, Debug)]
pub struct CustodyContext {
    /// Park that the waste comes from.
    pub park: ParkId,
    /// Number of the manifest.
    pub manifest: Arc<str>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked of a consignment. The messages are as they will be recorded.
#[derive(Clone, Debug)]
pub enum CustodyCommand {
    /// Begin the chain.
    Consign(HazardousConsignedV1),
    /// The next holder has it.
    HandOver(CustodyHandedOverV1),
    /// The holder treated it. The weight is what was held.
    Treat(HazardousTreatedV1),
}

/// A consignment, as its past left it.
#[derive(Default)]
pub struct Consignment {
    consigned: Option<HazardousConsignedV1>,
    handovers: Vec<CustodyHandedOverV1>,
    treated: Option<HazardousTreatedV1>,
}

impl Consignment {
    /// How it began, once it did.
    pub fn consigned(&self) -> Option<&HazardousConsignedV1> {
        self.consigned.as_ref()
    }

    /// Everyone who held it, in order.
    pub fn holders(&self) -> Vec<String> {
        let first = self.consigned.iter().map(|consigned| &consigned.holder);
        let next = self.handovers.iter().map(|handover| &handover.to);
        first.chain(next).cloned().collect()
    }

    /// How it was treated; unspecified while it is not.
    pub fn treatment(&self) -> HazardousTreatment {
        self.treated.as_ref().map_or(
            HazardousTreatment::Unspecified,
            HazardousTreatedV1::treatment,
        )
    }

    /// Grams that the holder has.
    pub fn weight_g(&self) -> i64 {
        let first_g = self.consigned.as_ref().map_or(0, |first| first.weight_g);
        self.handovers.last().map_or(first_g, |last| last.weight_g)
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &CustodyContext,
        command: &CustodyCommand,
    ) -> Result<Vec<Event<CustodyFact>>, Rejection> {
        match command {
            CustodyCommand::Consign(consigned) => self.consign(context, consigned),
            CustodyCommand::HandOver(handover) => self.hand_over(context, handover),
            CustodyCommand::Treat(treated) => self.treat(context, treated),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<CustodyFact>) {
        match &event.fact {
            CustodyFact::HazardousConsignedV1(consigned) => {
                self.consigned = Some(consigned.clone());
            }
            CustodyFact::CustodyHandedOverV1(handover) => self.handovers.push(handover.clone()),
            CustodyFact::HazardousTreatedV1(treated) => self.treated = Some(treated.clone()),
        }
    }

    fn consign(
        &self,
        context: &CustodyContext,
        consigned: &HazardousConsignedV1,
    ) -> Result<Vec<Event<CustodyFact>>, Rejection> {
        match &self.consigned {
            Some(recorded) if recorded == consigned => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "manifest",
                    format!(
                        "manifest {} is recorded for {} g of {} held by {}; a manifest number is used once",
                        context.manifest, recorded.weight_g, recorded.waste_code, recorded.holder
                    ),
                ));
            }
            None => {}
        }
        if consigned.weight_g <= 0 {
            return Err(Rejection::invalid(
                "weight_g",
                format!("{} g is nothing; send 1 g or more", consigned.weight_g),
            ));
        }
        refuse_future("time", UnixSeconds(consigned.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, consigned.clone())])
    }

    fn hand_over(
        &self,
        context: &CustodyContext,
        handover: &CustodyHandedOverV1,
    ) -> Result<Vec<Event<CustodyFact>>, Rejection> {
        self.refuse_unknown(context)?;
        if self.handovers.contains(handover) {
            return Ok(Vec::new());
        }
        self.refuse_out_of_chain(context, "from", &handover.from, handover.time_s)?;
        if handover.from == handover.to {
            return Err(Rejection::invalid(
                "to",
                format!("{} holds it already; name the next holder", handover.to),
            ));
        }
        let held_g = self.weight_g();
        let difference_g = i128::from(handover.weight_g) - i128::from(held_g);
        if handover.weight_g <= 0
            || difference_g.abs() * 100 > i128::from(held_g) * TOLERANCE_PERCENT
        {
            return Err(Rejection::failed_precondition(
                "weight_g",
                format!(
                    "{} held {held_g} g under manifest {}, and {} received {} g; scales may differ by {TOLERANCE_PERCENT} %, \
                     find out where the rest is",
                    handover.from, context.manifest, handover.to, handover.weight_g
                ),
            ));
        }
        refuse_future("time", UnixSeconds(handover.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, handover.clone())])
    }

    fn treat(
        &self,
        context: &CustodyContext,
        treated: &HazardousTreatedV1,
    ) -> Result<Vec<Event<CustodyFact>>, Rejection> {
        self.refuse_unknown(context)?;
        let treated = HazardousTreatedV1 {
            weight_g: self.weight_g(),
            ..treated.clone()
        };
        if self.treated.as_ref() == Some(&treated) {
            return Ok(Vec::new());
        }
        self.refuse_out_of_chain(context, "holder", &treated.holder, treated.time_s)?;
        refuse_future("time", UnixSeconds(treated.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, treated)])
    }

    fn refuse_unknown(&self, context: &CustodyContext) -> Result<(), Rejection> {
        if self.consigned.is_some() {
            return Ok(());
        }
        Err(Rejection::not_found(
            "manifest",
            format!(
                "park {} has no manifest \"{}\"; consign the waste first",
                context.park, context.manifest
            ),
        ))
    }

    /// Refuses what the holder does not do, what comes before the last handover, and anything after the treatment.
    fn refuse_out_of_chain(
        &self,
        context: &CustodyContext,
        field: &'static str,
        who: &str,
        time_s: i64,
    ) -> Result<(), Rejection> {
        if let Some(treated) = &self.treated {
            return Err(Rejection::failed_precondition(
                "manifest",
                format!(
                    "what manifest {} stands for was treated by {} at {}; its chain is closed",
                    context.manifest,
                    treated.holder,
                    format_rfc3339_utc(UnixSeconds(treated.time_s))
                ),
            ));
        }
        let holder = self.holders().pop().unwrap_or_default();
        if holder != who {
            return Err(Rejection::failed_precondition(
                field,
                format!(
                    "{who} does not hold manifest {}, {holder} does; report the handovers in between first",
                    context.manifest
                ),
            ));
        }
        let first_s = self.consigned.as_ref().map_or(0, |first| first.time_s);
        let since_s = self.handovers.last().map_or(first_s, |last| last.time_s);
        if time_s < since_s {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before {holder} got it, at {}",
                    format_rfc3339_utc(UnixSeconds(time_s)),
                    format_rfc3339_utc(UnixSeconds(since_s))
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> CustodyContext {
        CustodyContext {
            park: ParkId::new("haotian").expect("valid"),
            manifest: "m-1".into(),
            now: UnixSeconds(10_000),
        }
    }

    fn consigned(weight_g: i64) -> CustodyCommand {
        CustodyCommand::Consign(HazardousConsignedV1 {
            manifest: "m-1".into(),
            bin: "bin-hazardous".into(),
            waste_code: "900-023-29".into(),
            holder: "park".into(),
            weight_g,
            time_s: 100,
        })
    }

    fn handover(from: &str, to: &str, weight_g: i64, time_s: i64) -> CustodyCommand {
        CustodyCommand::HandOver(CustodyHandedOverV1 {
            manifest: "m-1".into(),
            from: from.into(),
            to: to.into(),
            weight_g,
            time_s,
            ..CustodyHandedOverV1::default()
        })
    }

    fn treated(holder: &str, time_s: i64) -> CustodyCommand {
        CustodyCommand::Treat(HazardousTreatedV1 {
            manifest: "m-1".into(),
            holder: holder.into(),
            treatment: HazardousTreatment::Recycled.into(),
            time_s,
            ..HazardousTreatedV1::default()
        })
    }

    fn carry_out(chain: &mut Consignment, command: &CustodyCommand) -> usize {
        let events = chain.decide(&context(), command).expect("a good command");
        for event in &events {
            chain.evolve(event);
        }
        events.len()
    }

    #[test]
    fn hazardous_waste_is_followed_from_hand_to_hand_until_it_is_treated() {
        let mut chain = Consignment::default();
        for command in [
            consigned(2_000),
            handover("park", "carrier-1", 1_990, 200),
            handover("carrier-1", "plant-7", 1_985, 300),
            treated("plant-7", 400),
        ] {
            assert_eq!(carry_out(&mut chain, &command), 1);
            assert_eq!(carry_out(&mut chain, &command), 0, "sent again");
        }
        assert_eq!(chain.holders(), ["park", "carrier-1", "plant-7"]);
        assert_eq!(
            (chain.weight_g(), chain.treatment()),
            (1_985, HazardousTreatment::Recycled)
        );
    }

    #[test]
    fn a_chain_has_no_gap_and_no_end_but_one() {
        use RejectionCode::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
        let mut chain = Consignment::default();
        let refused = |chain: &Consignment, command: &CustodyCommand| {
            let refusal = chain.decide(&context(), command).expect_err("refused");
            (refusal.code, refusal.field)
        };
        assert_eq!(
            refused(&chain, &handover("park", "carrier-1", 1, 200)),
            (NotFound, "manifest")
        );
        assert_eq!(
            refused(&chain, &consigned(0)),
            (InvalidArgument, "weight_g")
        );
        carry_out(&mut chain, &consigned(2_000));
        for (command, expected) in [
            (consigned(2_001), (AlreadyExists, "manifest")),
            (
                handover("carrier-1", "plant-7", 2_000, 200),
                (FailedPrecondition, "from"),
            ),
            (
                handover("park", "park", 2_000, 200),
                (InvalidArgument, "to"),
            ),
            (
                handover("park", "carrier-1", 1_899, 200),
                (FailedPrecondition, "weight_g"),
            ),
            (
                handover("park", "carrier-1", 2_000, 99),
                (FailedPrecondition, "time"),
            ),
            (treated("plant-7", 200), (FailedPrecondition, "holder")),
        ] {
            assert_eq!(refused(&chain, &command), expected, "{command:?}");
        }
        carry_out(&mut chain, &treated("park", 200));
        assert_eq!(
            refused(&chain, &handover("park", "carrier-1", 2_000, 300)),
            (FailedPrecondition, "manifest")
        );
    }
}
