//! Chargers: sessions, faults, and what they were asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::AssetId;
use terrarium_proto::mobility::v1 as wire;
use terrarium_twin::{PointName, Quality, Quantity};
use uuid::Uuid;

use super::samples::{Happened, Samples, Span, per_hour};

const ASKED: i64 = 1;
const OBEYED: i64 = 2;
const MISSED: i64 = 3;

/// A charger, as its past left it.
#[derive(Default)]
pub(super) struct Charger {
    session: Option<Session>,
    /// At each time that one came or went: the fault, and whether it is present from then on.
    faults: BTreeMap<i64, BTreeMap<Arc<str>, bool>>,
    /// Event of the newest ask.
    ask: Option<Uuid>,
}

/// The running session.
struct Session {
    id: String,
    /// Wh to the car and from it since it began, by time; nothing at the start.
    totals_wh: BTreeMap<i64, (i64, i64)>,
}

pub(super) fn observe(
    samples: &mut Samples<'_>,
    chargers: &mut BTreeMap<AssetId, Charger>,
    id: Uuid,
    message: &str,
    payload: Payload<'_>,
) -> Result<Option<Happened>, EventCodecError> {
    let (time_s, charger) = match message {
        "ChargeSessionStartedV1" => {
            let message: wire::ChargeSessionStartedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let past = chargers.entry(charger.clone()).or_default();
            past.started(samples, &charger, &message);
            (message.time_s, charger)
        }
        "ChargeSessionMeteredV1" => {
            let message: wire::ChargeSessionMeteredV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let past = chargers.entry(charger.clone()).or_default();
            past.metered(samples, &charger, &message);
            (message.time_s, charger)
        }
        "ChargeSessionEndedV1" => {
            let message: wire::ChargeSessionEndedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let past = chargers.entry(charger.clone()).or_default();
            past.ended(samples, &charger, &message);
            (message.ended_s, charger)
        }
        "ChargerFaultRaisedV1" => {
            let message: wire::ChargerFaultRaisedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let past = chargers.entry(charger.clone()).or_default();
            past.fault(samples, &charger, message.time_s, &message.fault, true);
            (message.time_s, charger)
        }
        "ChargerFaultClearedV1" => {
            let message: wire::ChargerFaultClearedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let past = chargers.entry(charger.clone()).or_default();
            past.fault(samples, &charger, message.time_s, &message.fault, false);
            (message.time_s, charger)
        }
        "ChargePowerAskedV1" => {
            let message: wire::ChargePowerAskedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            chargers.entry(charger.clone()).or_default().ask = Some(id);
            let time_s = message.time_s;
            samples.instant(&charger, Quantity::AskedLimitW, time_s, message.limit_w);
            samples.instant(&charger, Quantity::AskState, time_s, ASKED);
            (time_s, charger)
        }
        "ChargePowerObeyedV1" => {
            let message: wire::ChargePowerObeyedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let asked = payload.event_id(&message.asked_event_id)?;
            if chargers
                .get(&charger)
                .is_some_and(|past| past.ask == Some(asked))
            {
                samples.instant(&charger, Quantity::AskState, message.time_s, OBEYED);
            }
            (message.time_s, charger)
        }
        "ChargePowerMissedV1" => {
            let message: wire::ChargePowerMissedV1 = payload.read()?;
            let charger = payload.asset(&message.charger)?;
            let asked = payload.event_id(&message.asked_event_id)?;
            if chargers
                .get(&charger)
                .is_some_and(|past| past.ask == Some(asked))
            {
                samples.instant(&charger, Quantity::AskState, message.time_s, MISSED);
            }
            (message.time_s, charger)
        }
        _ => return Ok(None),
    };
    Ok(Some(Happened::at(time_s, Some(charger))))
}

impl Charger {
    fn started(
        &mut self,
        samples: &mut Samples<'_>,
        charger: &AssetId,
        message: &wire::ChargeSessionStartedV1,
    ) {
        let time_s = message.time_s;
        self.session = Some(Session {
            id: message.session.clone(),
            totals_wh: BTreeMap::from([(time_s, (0, 0))]),
        });
        samples.instant(charger, Quantity::Session, time_s, 1);
        let class = i64::from(message.vehicle_class);
        samples.instant(charger, Quantity::VehicleClass, time_s, class);
        samples.instant(charger, Quantity::SessionPowerW, time_s, 0);
        samples.instant(charger, Quantity::SessionInWh, time_s, 0);
        samples.instant(charger, Quantity::SessionOutWh, time_s, 0);
    }

    /// Power follows from the difference of neighbouring totals. Totals that come late part a stretch in two.
    fn metered(
        &mut self,
        samples: &mut Samples<'_>,
        charger: &AssetId,
        message: &wire::ChargeSessionMeteredV1,
    ) {
        let running = self.session.as_mut();
        let Some(session) = running.filter(|session| session.id == message.session) else {
            return;
        };
        let time_s = message.time_s;
        let totals_wh = (message.energy_in_wh, message.energy_out_wh);
        session.totals_wh.insert(time_s, totals_wh);
        samples.instant(charger, Quantity::SessionInWh, time_s, totals_wh.0);
        samples.instant(charger, Quantity::SessionOutWh, time_s, totals_wh.1);
        let power = PointName::of_asset(charger, Quantity::SessionPowerW);
        let at = (&time_s, &totals_wh);
        let later = (Bound::Excluded(time_s), Bound::Unbounded);
        let before = session.totals_wh.range(..time_s).next_back();
        let after = session.totals_wh.range(later).next();
        for (opening, closing) in [before.zip(Some(at)), Some(at).zip(after)]
            .into_iter()
            .flatten()
        {
            let (span, power_w) = mean_power_w(opening, closing);
            samples.over(&power, span, power_w, Quality::Good);
        }
    }

    fn ended(
        &mut self,
        samples: &mut Samples<'_>,
        charger: &AssetId,
        message: &wire::ChargeSessionEndedV1,
    ) {
        let time_s = message.ended_s;
        let totals_wh = (message.energy_in_wh, message.energy_out_wh);
        let power = PointName::of_asset(charger, Quantity::SessionPowerW);
        let running = self
            .session
            .take_if(|session| session.id == message.session);
        if let Some(session) = running
            && let Some(last) = session.totals_wh.range(..time_s).next_back()
        {
            let (span, power_w) = mean_power_w(last, (&time_s, &totals_wh));
            samples.over_until(&power, span, power_w);
        }
        samples.of_instant(&power, time_s, 0);
        samples.instant(charger, Quantity::Session, time_s, 0);
        samples.instant(charger, Quantity::VehicleClass, time_s, 0);
        samples.instant(charger, Quantity::SessionInWh, time_s, totals_wh.0);
        samples.instant(charger, Quantity::SessionOutWh, time_s, totals_wh.1);
    }

    /// A fault that is told late counts for the later times, too.
    fn fault(
        &mut self,
        samples: &mut Samples<'_>,
        charger: &AssetId,
        time_s: i64,
        fault: &str,
        is_present: bool,
    ) {
        let changes = self.faults.entry(time_s).or_default();
        changes.insert(Arc::from(fault), is_present);
        let mut present = BTreeSet::new();
        for (at_s, changes) in &self.faults {
            for (fault, is_present) in changes {
                if *is_present {
                    present.insert(fault);
                } else {
                    present.remove(fault);
                }
            }
            if *at_s >= time_s {
                samples.instant(charger, Quantity::Faults, *at_s, present.len() as i64);
            }
        }
    }
}

/// To the car less from the car.
fn mean_power_w(opening: (&i64, &(i64, i64)), closing: (&i64, &(i64, i64))) -> (Span, i64) {
    let span = Span {
        from_s: *opening.0,
        to_s: *closing.0,
    };
    let in_wh = closing.1.0 - opening.1.0;
    let out_wh = closing.1.1 - opening.1.1;
    (span, per_hour(in_wh - out_wh, span.seconds()))
}
