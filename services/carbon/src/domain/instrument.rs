//! One certificate, credit or allowance: issued, held, and then retired, sold or surrendered, once.

use std::sync::Arc;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1::{
    InstrumentHeldV1, InstrumentIssuedV1, InstrumentKind, InstrumentRetiredV1, InstrumentSoldV1,
    InstrumentState, InstrumentSurrenderedV1,
};

facts! {
    /// What happened to an instrument.
    pub enum InstrumentFact in "terrarium.carbon.v1" {
        InstrumentIssuedV1 at time_s,
        InstrumentHeldV1 at time_s,
        InstrumentRetiredV1 at time_s,
        InstrumentSoldV1 at time_s,
        InstrumentSurrenderedV1 at time_s,
    }
}

/// Everything a decision needs beside the instrument's own past.
#[derive(Clone, Debug)]
pub struct InstrumentContext {
    /// The park.
    pub park: ParkId,
    /// Registry and serial number, for messages.
    pub name: Arc<str>,
    /// The park's time.
    pub now: UnixSeconds,
    /// Another park that holds it or has used it.
    pub elsewhere: Option<Elsewhere>,
}

/// The same serial number in another park.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The other park.
    pub park: ParkId,
    /// Where it stands there: held, retired or surrendered.
    pub state: InstrumentState,
    /// Since when.
    pub since: UnixSeconds,
    /// The reporting period it was used for there; empty: none.
    pub period: String,
}

impl Elsewhere {
    /// What stands in the way; `None` where the other park only knows of it or has sold it.
    pub fn of(park: ParkId, instrument: &Instrument) -> Option<Elsewhere> {
        use InstrumentState::{Held, Retired, Surrendered};
        let (state, since) = instrument.state();
        matches!(state, Held | Retired | Surrendered).then(|| Elsewhere {
            park,
            state,
            since,
            period: instrument.period().to_owned(),
        })
    }
}

/// An instrument, as its past left it.
#[derive(Default)]
pub struct Instrument {
    issued: Option<InstrumentIssuedV1>,
    /// Everything that happened to it, in order.
    history: Vec<InstrumentFact>,
}

impl Instrument {
    /// How it was issued, once it was.
    pub fn issued(&self) -> Option<&InstrumentIssuedV1> {
        self.issued.as_ref()
    }

    /// Where it stands, and since when.
    pub fn state(&self) -> (InstrumentState, UnixSeconds) {
        self.history
            .last()
            .map_or((InstrumentState::Unspecified, UnixSeconds(0)), |last| {
                (state_after(last), terrarium_journal::Fact::time(last))
            })
    }

    /// The period that it was retired or surrendered for.
    pub fn period(&self) -> &str {
        match self.history.last() {
            Some(InstrumentFact::InstrumentRetiredV1(retired)) => &retired.period,
            Some(InstrumentFact::InstrumentSurrenderedV1(surrendered)) => &surrendered.period,
            _ => "",
        }
    }

    /// Decides whether something can happen to it.
    pub fn decide(
        &self,
        context: &InstrumentContext,
        fact: &InstrumentFact,
    ) -> Result<Vec<Event<InstrumentFact>>, Rejection> {
        if self.history.contains(fact) {
            return Ok(Vec::new());
        }
        match fact {
            InstrumentFact::InstrumentIssuedV1(issued) => self.refuse_issue(context, issued)?,
            _ => self.refuse_step(context, fact)?,
        }
        refuse_used_elsewhere(context, fact)?;
        let time = terrarium_journal::Fact::time(fact);
        let (_, since) = self.state();
        if !self.history.is_empty() && time < since {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before {}, when the last thing happened to {}; send when it was",
                    format_rfc3339_utc(time),
                    format_rfc3339_utc(since),
                    context.name
                ),
            ));
        }
        refuse_future("time", time, context.now)?;
        Ok(vec![Event::of(&context.park, fact.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<InstrumentFact>) {
        if let InstrumentFact::InstrumentIssuedV1(issued) = &event.fact {
            self.issued = Some(issued.clone());
        }
        self.history.push(event.fact.clone());
    }

    fn refuse_issue(
        &self,
        context: &InstrumentContext,
        issued: &InstrumentIssuedV1,
    ) -> Result<(), Rejection> {
        if let Some(recorded) = &self.issued {
            return Err(Rejection::already_exists(
                "serial",
                format!(
                    "{} was issued at {} with another content; a serial number exists once",
                    context.name,
                    format_rfc3339_utc(UnixSeconds(recorded.time_s))
                ),
            ));
        }
        if issued.kind() == InstrumentKind::Unspecified {
            return Err(Rejection::invalid(
                "kind",
                "it is not known; send CERTIFICATE, CREDIT or ALLOWANCE",
            ));
        }
        if issued.amount < 1 {
            return Err(Rejection::invalid(
                "amount",
                format!("{} is nothing; send Wh or grams, 1 or more", issued.amount),
            ));
        }
        if issued.vintage_to_s <= issued.vintage_from_s {
            return Err(Rejection::invalid(
                "vintage_to",
                "it is not after vintage_from; send what the instrument was issued for",
            ));
        }
        Ok(())
    }

    /// Only what is held can be used, and only once.
    fn refuse_step(
        &self,
        context: &InstrumentContext,
        fact: &InstrumentFact,
    ) -> Result<(), Rejection> {
        use InstrumentState::{Held, Issued, Unspecified};
        let (state, since) = self.state();
        if state == Unspecified {
            return Err(Rejection::not_found(
                "serial",
                format!("{} is not known here; report its issue first", context.name),
            ));
        }
        let wanted = state_after(fact);
        let needs = if wanted == Held { Issued } else { Held };
        if state != needs {
            return Err(Rejection::failed_precondition(
                "serial",
                format!(
                    "{} is {} since {}; only what is {} can be {}",
                    context.name,
                    word(state),
                    format_rfc3339_utc(since),
                    word(needs),
                    word(wanted)
                ),
            ));
        }
        let is_allowance = self
            .issued
            .as_ref()
            .is_some_and(|issued| issued.kind() == InstrumentKind::Allowance);
        match fact {
            InstrumentFact::InstrumentRetiredV1(_) if is_allowance => {
                Err(Rejection::failed_precondition(
                    "serial",
                    format!(
                        "{} is an allowance; it is surrendered, not retired",
                        context.name
                    ),
                ))
            }
            InstrumentFact::InstrumentSurrenderedV1(_) if !is_allowance => {
                Err(Rejection::failed_precondition(
                    "serial",
                    format!(
                        "{} is no allowance; certificates and credits are retired, not surrendered",
                        context.name
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// What another park holds or has used is not taken up here; selling it is the way out where two came to hold it.
fn refuse_used_elsewhere(
    context: &InstrumentContext,
    fact: &InstrumentFact,
) -> Result<(), Rejection> {
    let Some(elsewhere) = &context.elsewhere else {
        return Ok(());
    };
    if matches!(fact, InstrumentFact::InstrumentSoldV1(_)) {
        return Ok(());
    }
    let for_period = match elsewhere.period.as_str() {
        "" => String::new(),
        period => format!(" for {period}"),
    };
    let remedy = if elsewhere.state == InstrumentState::Held {
        "report its sale there first"
    } else {
        "a serial number is used once; check the registry's receipt"
    };
    Err(Rejection::failed_precondition(
        "serial",
        format!(
            "{} is {} in park {}{for_period} since {}; {remedy}",
            context.name,
            word(elsewhere.state),
            elsewhere.park,
            format_rfc3339_utc(elsewhere.since),
        ),
    ))
}

fn state_after(fact: &InstrumentFact) -> InstrumentState {
    match fact {
        InstrumentFact::InstrumentIssuedV1(_) => InstrumentState::Issued,
        InstrumentFact::InstrumentHeldV1(_) => InstrumentState::Held,
        InstrumentFact::InstrumentRetiredV1(_) => InstrumentState::Retired,
        InstrumentFact::InstrumentSoldV1(_) => InstrumentState::Sold,
        InstrumentFact::InstrumentSurrenderedV1(_) => InstrumentState::Surrendered,
    }
}

fn word(state: InstrumentState) -> &'static str {
    match state {
        InstrumentState::Unspecified => "unknown",
        InstrumentState::Issued => "issued",
        InstrumentState::Held => "held",
        InstrumentState::Retired => "retired",
        InstrumentState::Sold => "sold",
        InstrumentState::Surrendered => "surrendered",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> InstrumentContext {
        InstrumentContext {
            park: ParkId::new("haotian").expect("valid"),
            name: "ccer CN-1".into(),
            now: UnixSeconds(10_000),
            elsewhere: None,
        }
    }

    fn issued(kind: InstrumentKind) -> InstrumentFact {
        InstrumentIssuedV1 {
            registry: "ccer".into(),
            serial: "CN-1".into(),
            kind: kind.into(),
            amount: 1_000_000,
            vintage_from_s: 0,
            vintage_to_s: 100,
            time_s: 200,
            project: "afforestation".into(),
            ..InstrumentIssuedV1::default()
        }
        .into()
    }

    fn held(time_s: i64) -> InstrumentFact {
        InstrumentHeldV1 {
            time_s,
            acquired_from: "own".into(),
            ..InstrumentHeldV1::default()
        }
        .into()
    }

    fn retired(time_s: i64, period: &str) -> InstrumentFact {
        InstrumentRetiredV1 {
            time_s,
            period: period.into(),
            ..InstrumentRetiredV1::default()
        }
        .into()
    }

    fn sold(time_s: i64) -> InstrumentFact {
        InstrumentSoldV1 {
            time_s,
            ..InstrumentSoldV1::default()
        }
        .into()
    }

    fn surrendered(time_s: i64) -> InstrumentFact {
        InstrumentSurrenderedV1 {
            time_s,
            ..InstrumentSurrenderedV1::default()
        }
        .into()
    }

    fn after(facts: &[InstrumentFact]) -> Instrument {
        let mut instrument = Instrument::default();
        for fact in facts {
            let events = instrument.decide(&context(), fact).expect("a good step");
            instrument.evolve(&events[0]);
        }
        instrument
    }

    fn refused(instrument: &Instrument, fact: &InstrumentFact) -> Rejection {
        instrument.decide(&context(), fact).expect_err("refused")
    }

    #[test]
    fn a_retired_credit_can_not_be_retired_sold_or_surrendered_again() {
        let credit = after(&[
            issued(InstrumentKind::Credit),
            held(300),
            retired(400, "2025"),
        ]);
        assert_eq!(
            (credit.state().0, credit.period()),
            (InstrumentState::Retired, "2025")
        );
        assert_eq!(
            credit.decide(&context(), &retired(400, "2025")),
            Ok(Vec::new()),
            "sent again"
        );
        for fact in [retired(500, "2026"), sold(500), surrendered(500), held(500)] {
            let refusal = refused(&credit, &fact);
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::FailedPrecondition, "serial")
            );
            assert!(refusal.message.contains("is retired since"), "{refusal}");
        }
    }

    #[test]
    fn each_kind_has_its_end_and_nothing_is_used_before_it_is_held() {
        let unknown = refused(&Instrument::default(), &retired(400, "2025"));
        assert_eq!(unknown.code, RejectionCode::NotFound);
        let only_issued = after(&[issued(InstrumentKind::Credit)]);
        let refusal = refused(&only_issued, &retired(400, "2025"));
        assert!(refusal.message.contains("only what is held"), "{refusal}");
        let allowance = after(&[issued(InstrumentKind::Allowance), held(300)]);
        let refusal = refused(&allowance, &retired(400, "2025"));
        assert!(
            refusal.message.contains("surrendered, not retired"),
            "{refusal}"
        );
        assert!(allowance.decide(&context(), &surrendered(400)).is_ok());
        let certificate = after(&[issued(InstrumentKind::Certificate), held(300)]);
        let refusal = refused(&certificate, &surrendered(400));
        assert!(refusal.message.contains("no allowance"), "{refusal}");
        let refusal = refused(&certificate, &sold(299));
        assert_eq!(refusal.field, "time");
    }

    #[test]
    fn what_another_park_holds_or_has_used_is_not_taken_up_here() {
        let other = || ParkId::new("yizhuang").expect("valid");
        let in_other = |facts: &[InstrumentFact]| Elsewhere::of(other(), &after(facts));
        let credit = issued(InstrumentKind::Credit);
        assert_eq!(
            in_other(std::slice::from_ref(&credit)),
            None,
            "only known there"
        );
        let given_on = [credit.clone(), held(300), sold(400)];
        assert_eq!(in_other(&given_on), None, "sold");
        for (facts, said) in [
            (
                vec![credit.clone(), held(300)],
                "is held in park yizhuang since 1970-01-01T00:05:00Z; report its sale there first",
            ),
            (
                vec![credit.clone(), held(300), retired(400, "2025")],
                "is retired in park yizhuang for 2025 since",
            ),
        ] {
            let there = InstrumentContext {
                elsewhere: in_other(&facts),
                ..context()
            };
            let held_here = after(&[credit.clone(), held(300)]);
            for (instrument, step) in [
                (Instrument::default(), credit.clone()),
                (after(std::slice::from_ref(&credit)), held(350)),
                (held_here, retired(500, "2025")),
            ] {
                let refusal = instrument.decide(&there, &step).expect_err("used there");
                assert_eq!(refusal.field, "serial");
                assert!(refusal.message.contains(said), "{refusal}");
            }
            let held_here = after(&[credit.clone(), held(300)]);
            assert!(held_here.decide(&there, &sold(500)).is_ok(), "the way out");
        }
    }

    #[test]
    fn a_serial_number_is_issued_once() {
        let credit = after(&[issued(InstrumentKind::Credit)]);
        let refusal = refused(&credit, &issued(InstrumentKind::Certificate));
        assert_eq!(refusal.code, RejectionCode::AlreadyExists);
        let nothing = Instrument::default();
        type Change = fn(&mut InstrumentIssuedV1);
        let cases: [(Change, &str); 4] = [
            (|issued| issued.kind = 0, "kind"),
            (|issued| issued.amount = 0, "amount"),
            (|issued| issued.vintage_to_s = 0, "vintage_to"),
            (|issued| issued.time_s = 10_061, "time"),
        ];
        for (change, field) in cases {
            let InstrumentFact::InstrumentIssuedV1(mut changed) = issued(InstrumentKind::Credit)
            else {
                unreachable!("made above");
            };
            change(&mut changed);
            assert_eq!(refused(&nothing, &changed.into()).field, field);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_an_instrument_is_used_at_most_once(steps in prop::collection::vec((0u8..5, 0i64..10_000), 1..40)) {
            let mut credit = Instrument::default();
            let mut used = 0;
            for (kind, time) in steps {
                let fact = match kind {
                    0 => issued(InstrumentKind::Credit),
                    1 => held(time),
                    2 => retired(time, "2025"),
                    3 => sold(time),
                    _ => surrendered(time),
                };
                let Ok(events) = credit.decide(&context(), &fact) else { continue };
                for event in &events {
                    used += u32::from(kind >= 2);
                    credit.evolve(event);
                }
            }
            prop_assert!(used <= 1);
        }
    }
}
