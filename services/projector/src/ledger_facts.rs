//! From the carbon events of instruments, periods and decisions, and from charging sessions, to what the ledger is told.

use std::sync::Arc;

use terrarium_carbon::domain::{InstrumentFact, PeriodFact, PolicyFact};
use terrarium_carbon::events::{CarbonEvent, TYPE_PREFIX, decode};
use terrarium_journal::{EventCodecError, Fact as _, Payload, RecordedEvent};
use terrarium_ledger::energy::sessions::CarOwner;
use terrarium_ledger::{Fact, InstrumentKind, InstrumentStep, PeriodStep, RestatementReason};
use terrarium_model::UnixSeconds;
use terrarium_proto::{carbon::v1 as wire, mobility::v1 as mobility};

use crate::claim_facts;

/// Beginnings of the messages that are told.
const KNOWN: [&str; 10] = [
    "Instrument",
    "Period",
    "BaseYear",
    "Boundary",
    "Target",
    "ReportingProfile",
    "Party",
    "StageCriteria",
    "Indicator",
    "LifeCyclePlan",
];

/// What an event tells the ledger; `None`: nothing.
pub(crate) fn of_carbon(event: &RecordedEvent) -> Result<Option<Fact>, EventCodecError> {
    let Some(message) = event.event_type.strip_prefix(TYPE_PREFIX) else {
        return Ok(None);
    };
    let is_told = KNOWN.iter().any(|kind| message.starts_with(kind));
    if !is_told {
        return Ok(None);
    }
    Ok(match decode(event.id, &event.event_type, &event.data)? {
        CarbonEvent::Instrument(instrument) => Some(instrument_moved(&instrument.fact)),
        CarbonEvent::Period(period) => period_moved(&period.fact),
        CarbonEvent::Policy(policy) => match &policy.fact {
            PolicyFact::BaseYearSetV1(set) => Some(Fact::BaseYearSet {
                year: set.year,
                recalculation_permille: set.recalculation_permille,
                at: UnixSeconds(set.time_s),
            }),
            other => claim_facts::decided(other),
        },
        // `carbon_facts` tells of these.
        CarbonEvent::Trees(_)
        | CarbonEvent::Embodied(_)
        | CarbonEvent::Activity(_)
        | CarbonEvent::Evidence(_)
        | CarbonEvent::Invoice(_)
        | CarbonEvent::Profile(_) => None,
    })
}

/// What an event of a charger tells the ledger: whose car was there, and when. What it was given says the charger's meter.
pub(crate) fn of_mobility(event: &RecordedEvent) -> Result<Option<Fact>, EventCodecError> {
    let payload = Payload::new(&event.event_type, &event.data);
    let (charger, session, class, started_s, ended_s) = match &*event.event_type {
        "terrarium.mobility.v1.ChargeSessionStartedV1" => {
            let message: mobility::ChargeSessionStartedV1 = payload.read()?;
            let class = message.vehicle_class();
            (
                message.charger,
                message.session,
                class,
                message.time_s,
                None,
            )
        }
        "terrarium.mobility.v1.ChargeSessionEndedV1" => {
            let message: mobility::ChargeSessionEndedV1 = payload.read()?;
            let class = message.vehicle_class();
            let ended_s = Some(message.ended_s);
            (
                message.charger,
                message.session,
                class,
                message.started_s,
                ended_s,
            )
        }
        _ => return Ok(None),
    };
    let owner = match class {
        mobility::VehicleClass::Fleet => CarOwner::Park,
        mobility::VehicleClass::Public
        | mobility::VehicleClass::Visitor
        | mobility::VehicleClass::Unspecified => CarOwner::Other,
    };
    Ok(Some(Fact::ChargeSession {
        charger: payload.asset(&charger)?,
        session: session.into(),
        owner,
        start: UnixSeconds(started_s),
        end: ended_s.map(UnixSeconds),
    }))
}

fn instrument_moved(fact: &InstrumentFact) -> Fact {
    let (registry, serial, step) = match fact {
        InstrumentFact::InstrumentIssuedV1(issued) => {
            let kind = match issued.kind() {
                wire::InstrumentKind::Credit => InstrumentKind::Credit,
                wire::InstrumentKind::Allowance => InstrumentKind::Allowance,
                wire::InstrumentKind::Certificate | wire::InstrumentKind::Unspecified => {
                    InstrumentKind::Certificate
                }
            };
            let step = InstrumentStep::Issued {
                kind,
                amount: issued.amount,
                vintage: (
                    UnixSeconds(issued.vintage_from_s),
                    UnixSeconds(issued.vintage_to_s),
                ),
            };
            (&issued.registry, &issued.serial, step)
        }
        InstrumentFact::InstrumentHeldV1(held) => {
            let step = InstrumentStep::Held {
                own_generation: held.acquired_from == "own",
            };
            (&held.registry, &held.serial, step)
        }
        InstrumentFact::InstrumentRetiredV1(retired) => {
            let step = InstrumentStep::Retired {
                period: retired.period.as_str().into(),
            };
            (&retired.registry, &retired.serial, step)
        }
        InstrumentFact::InstrumentSoldV1(sold) => {
            (&sold.registry, &sold.serial, InstrumentStep::Sold)
        }
        InstrumentFact::InstrumentSurrenderedV1(surrendered) => {
            let step = InstrumentStep::Surrendered {
                period: surrendered.period.as_str().into(),
            };
            (&surrendered.registry, &surrendered.serial, step)
        }
    };
    Fact::InstrumentMoved {
        registry: registry.as_str().into(),
        serial: serial.as_str().into(),
        at: fact.time(),
        step,
    }
}

/// Sampling plans and findings change no figure.
fn period_moved(fact: &PeriodFact) -> Option<Fact> {
    let (period, by, step) = match fact {
        PeriodFact::PeriodOpenedV1(opened) => {
            let step = PeriodStep::Opened {
                from: UnixSeconds(opened.from_s),
                to: UnixSeconds(opened.to_s),
            };
            (&opened.period, &opened.by, step)
        }
        PeriodFact::PeriodClosedV1(closed) => (&closed.period, &closed.by, PeriodStep::Closed),
        PeriodFact::PeriodReviewedV1(reviewed) => {
            (&reviewed.period, &reviewed.by, PeriodStep::Reviewed)
        }
        PeriodFact::PeriodVerifiedV1(verified) => {
            (&verified.period, &verified.by, PeriodStep::Verified)
        }
        PeriodFact::PeriodRestatedV1(restated) => {
            let reason = match restated.reason() {
                wire::RestatementReason::LateData => RestatementReason::LateData,
                wire::RestatementReason::NewFactors => RestatementReason::NewFactors,
                wire::RestatementReason::MethodChange => RestatementReason::MethodChange,
                wire::RestatementReason::BoundaryChange => RestatementReason::BoundaryChange,
                wire::RestatementReason::CorrectedData | wire::RestatementReason::Unspecified => {
                    RestatementReason::CorrectedData
                }
            };
            (&restated.period, &restated.by, PeriodStep::Restated(reason))
        }
        PeriodFact::PeriodSamplingPlannedV1(_)
        | PeriodFact::PeriodFindingRaisedV1(_)
        | PeriodFact::PeriodFindingResolvedV1(_) => return None,
    };
    Some(Fact::PeriodMoved {
        period: Arc::from(period.as_str()),
        at: fact.time(),
        by: Arc::from(by.as_str()),
        step,
    })
}
