//! Setpoints that devices are asked to keep: asked, and then obeyed or missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{CLOCK_TOLERANCE_S, Rejection, event_id_bytes, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use terrarium_proto::energy::v1::{
    SetpointAskedV1, SetpointKind, SetpointMiss, SetpointMissedV1, SetpointObeyedV1,
};
use uuid::Uuid;

use super::{DeviceEvent, DeviceFact};

/// A device has to answer within this time.
pub const ANSWER_WITHIN_S: i64 = 60;
/// A device keeps a power when it is off by no more than this share of its rating.
const TOLERANCE_PERCENT: i64 = 2;

/// The unit of what a device is asked to keep.
fn unit(kind: SetpointKind) -> &'static str {
    match kind {
        SetpointKind::ReserveWh => "Wh",
        _ => "W",
    }
}

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRating {
    /// A battery.
    Storage {
        /// W, in both directions.
        rated_w: i64,
        /// Wh between empty and full.
        capacity_wh: i64,
        /// Wh held by its newest report.
        stored_wh: Option<i64>,
    },
    /// Something that uses power.
    Consumer {
        /// W.
        rated_w: i64,
    },
    /// Something that generates power.
    Generator {
        /// W.
        rated_w: i64,
    },
}

impl DeviceRating {
    fn rated_w(self) -> i64 {
        match self {
            DeviceRating::Storage { rated_w, .. }
            | DeviceRating::Consumer { rated_w }
            | DeviceRating::Generator { rated_w } => rated_w,
        }
    }

    fn knows(self, kind: SetpointKind) -> bool {
        matches!(
            (self, kind),
            (
                DeviceRating::Storage { .. },
                SetpointKind::ChargeLimitW
                    | SetpointKind::DischargeLimitW
                    | SetpointKind::ReserveWh
                    | SetpointKind::StoragePowerW
            ) | (
                DeviceRating::Consumer { .. },
                SetpointKind::ConsumptionLimitW
            ) | (
                DeviceRating::Generator { .. },
                SetpointKind::GenerationLimitW
            )
        )
    }
}

/// Everything a decision needs beside the device's own past.
#[derive(Clone, Debug)]
pub struct SetpointContext {
    /// Park of the device.
    pub park: ParkId,
    /// The device.
    pub device: AssetId,
    /// What it can do.
    pub rating: DeviceRating,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked of a device.
#[derive(Clone, Debug)]
pub enum SetpointCommand {
    /// Keep a setpoint.
    Ask {
        /// What.
        kind: SetpointKind,
        /// In the unit of the kind.
        value: i64,
        /// The caller's own id of the command.
        client_request_id: Arc<str>,
    },
    /// The device's answer.
    Answer {
        /// Event that asked.
        asked: Uuid,
        /// When.
        time: UnixSeconds,
        /// What it keeps.
        value: i64,
    },
    /// Asks that were not answered in time are missed.
    MissUnanswered,
}

/// What a device was asked for, as its past left it.
#[derive(Default)]
pub struct Setpoints {
    by_id: BTreeMap<Uuid, OneAsk>,
    /// The newest ask of each kind.
    newest: BTreeMap<SetpointKind, Uuid>,
    /// The reserve that it said it keeps, Wh.
    reserve_kept_wh: i64,
}

struct OneAsk {
    ask: SetpointAskedV1,
    outcome: Option<Outcome>,
}

struct Outcome {
    obeyed: bool,
    time_s: i64,
    value: Option<i64>,
}

impl Setpoints {
    /// The newest ask of each kind, its event, and whether it was obeyed once that is known.
    pub fn newest(&self) -> impl Iterator<Item = (Uuid, &SetpointAskedV1, Option<bool>)> {
        self.newest.values().map(|id| {
            let one = &self.by_id[id];
            let obeyed = one.outcome.as_ref().map(|outcome| outcome.obeyed);
            (*id, &one.ask, obeyed)
        })
    }

    /// Whether an ask was obeyed; `None` while it is open.
    pub fn obeyed(&self, asked: &Uuid) -> Option<bool> {
        let outcome = self.by_id.get(asked)?.outcome.as_ref()?;
        Some(outcome.obeyed)
    }

    /// Wh that must stay in the store: what it said it keeps, or is asked to, whichever is more.
    pub fn reserve_wh(&self) -> i64 {
        let asked_wh = self
            .open()
            .find(|(_, ask)| ask.kind() == SetpointKind::ReserveWh)
            .map_or(0, |(_, ask)| ask.value);
        self.reserve_kept_wh.max(asked_wh)
    }

    /// The first second at which an open ask is missed.
    pub fn due(&self) -> Option<UnixSeconds> {
        self.open()
            .map(|(_, ask)| UnixSeconds(ask.answer_by_s + 1))
            .min()
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &SetpointContext,
        command: &SetpointCommand,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        match command {
            SetpointCommand::Ask {
                kind,
                value,
                client_request_id,
            } => self.ask(context, *kind, *value, client_request_id),
            SetpointCommand::Answer { asked, time, value } => {
                self.answer(context, *asked, *time, *value)
            }
            SetpointCommand::MissUnanswered => Ok(self
                .open()
                .filter(|(_, ask)| ask.answer_by_s < context.now.0)
                .map(|(id, ask)| {
                    let reason = SetpointMiss::NotAnswered;
                    missed(context, id, ask.kind(), context.now, reason, None)
                })
                .collect()),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        match &event.fact {
            DeviceFact::SetpointAskedV1(ask) => {
                let one = OneAsk {
                    ask: ask.clone(),
                    outcome: None,
                };
                self.by_id.insert(event.id, one);
                self.newest.insert(ask.kind(), event.id);
            }
            DeviceFact::SetpointObeyedV1(obeyed) => {
                if obeyed.kind() == SetpointKind::ReserveWh {
                    self.reserve_kept_wh = obeyed.value;
                }
                let outcome = Outcome {
                    obeyed: true,
                    time_s: obeyed.time_s,
                    value: Some(obeyed.value),
                };
                self.close(&obeyed.asked_event_id, outcome);
            }
            DeviceFact::SetpointMissedV1(missed) => {
                let outcome = Outcome {
                    obeyed: false,
                    time_s: missed.time_s,
                    value: missed.value,
                };
                self.close(&missed.asked_event_id, outcome);
            }
            _ => {}
        }
    }

    /// Newest asks without an outcome, in the order of their kinds.
    fn open(&self) -> impl Iterator<Item = (Uuid, &SetpointAskedV1)> {
        self.newest()
            .filter(|(_, _, obeyed)| obeyed.is_none())
            .map(|(id, ask, _)| (id, ask))
    }

    fn close(&mut self, asked: &[u8], outcome: Outcome) {
        // Only events that this very aggregate made are taken in; their ids are whole.
        let one = Uuid::from_slice(asked)
            .ok()
            .and_then(|asked| self.by_id.get_mut(&asked));
        if let Some(one) = one {
            one.outcome = Some(outcome);
        }
    }

    /// Asks for a setpoint. An open ask of the same kind is missed: the new one takes its place.
    fn ask(
        &self,
        context: &SetpointContext,
        kind: SetpointKind,
        value: i64,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        let id = ask_id(&context.park, &context.device, client_request_id);
        if let Some(recorded) = self.by_id.get(&id) {
            let ask = &recorded.ask;
            if (ask.kind(), ask.value) == (kind, value) {
                return Ok(Vec::new());
            }
            return Err(Rejection::already_exists(
                "client_request_id",
                format!(
                    "\"{client_request_id}\" asked {} for something else before ({} {}); give a new command an id of its own",
                    context.device,
                    ask.value,
                    unit(ask.kind())
                ),
            ));
        }
        self.refuse_impossible(context, kind, value)?;
        let mut events: Vec<DeviceEvent> = self
            .open()
            .filter(|(_, ask)| ask.kind() == kind)
            .map(|(open, _)| {
                missed(
                    context,
                    open,
                    kind,
                    context.now,
                    SetpointMiss::Replaced,
                    None,
                )
            })
            .collect();
        let asked = SetpointAskedV1 {
            device: context.device.to_string(),
            kind: kind.into(),
            value,
            time_s: context.now.0,
            answer_by_s: context.now.0 + ANSWER_WITHIN_S,
            client_request_id: client_request_id.to_string(),
        };
        events.push(DeviceEvent {
            id,
            fact: asked.into(),
            causation: None,
        });
        Ok(events)
    }

    fn refuse_impossible(
        &self,
        context: &SetpointContext,
        kind: SetpointKind,
        value: i64,
    ) -> Result<(), Rejection> {
        if !context.rating.knows(kind) {
            return Err(Rejection::invalid(
                "kind",
                format!(
                    "{} knows no such setpoint; charge and discharge limits, reserve and power are for batteries, consumption \
                     limits for what uses power, generation limits for what generates it",
                    context.device
                ),
            ));
        }
        if value < 0 && kind != SetpointKind::StoragePowerW {
            return Err(Rejection::invalid(
                "value",
                format!("{value} {} is below zero; send 0 or more", unit(kind)),
            ));
        }
        let most = match (kind, context.rating) {
            (SetpointKind::ReserveWh, DeviceRating::Storage { capacity_wh, .. }) => capacity_wh,
            (_, rating) => rating.rated_w(),
        };
        if value.unsigned_abs() > most.unsigned_abs() {
            return Err(Rejection::failed_precondition(
                "value",
                format!(
                    "{value} {unit} is beyond what {} can do ({most} {unit}); ask for less",
                    context.device,
                    unit = unit(kind)
                ),
            ));
        }
        match context.rating {
            DeviceRating::Storage { stored_wh, .. }
                if kind == SetpointKind::StoragePowerW && value < 0 =>
            {
                self.refuse_discharge_below_reserve(context, stored_wh)
            }
            _ => Ok(()),
        }
    }

    fn refuse_discharge_below_reserve(
        &self,
        context: &SetpointContext,
        stored_wh: Option<i64>,
    ) -> Result<(), Rejection> {
        let reserve_wh = self.reserve_wh();
        match stored_wh {
            None => Err(Rejection::failed_precondition(
                "value",
                format!(
                    "store {} has not reported how much it holds; wait for its report before it is discharged",
                    context.device
                ),
            )),
            Some(stored_wh) if stored_wh <= reserve_wh => Err(Rejection::failed_precondition(
                "value",
                format!(
                    "store {} holds {stored_wh} Wh, and {reserve_wh} Wh must stay in it; charge it first, or ask for a lower \
                     reserve",
                    context.device
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    fn answer(
        &self,
        context: &SetpointContext,
        asked: Uuid,
        time: UnixSeconds,
        value: i64,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        let Some(one) = self.by_id.get(&asked) else {
            return Err(Rejection::not_found(
                "ask_id",
                format!(
                    "{} was never asked {asked}; send the id of the SetpointAskedV1 event",
                    context.device
                ),
            ));
        };
        if let Some(outcome) = &one.outcome {
            if (outcome.time_s, outcome.value) == (time.0, Some(value)) {
                return Ok(Vec::new());
            }
            return Err(Rejection::failed_precondition(
                "ask_id",
                format!(
                    "what {} was asked at {} was {} at {}; answer the newest ask",
                    context.device,
                    format_rfc3339_utc(UnixSeconds(one.ask.time_s)),
                    if outcome.obeyed { "obeyed" } else { "missed" },
                    format_rfc3339_utc(UnixSeconds(outcome.time_s))
                ),
            ));
        }
        if time.0 < one.ask.time_s - CLOCK_TOLERANCE_S {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before {} was asked, at {}; check its clock",
                    format_rfc3339_utc(time),
                    context.device,
                    format_rfc3339_utc(UnixSeconds(one.ask.time_s))
                ),
            ));
        }
        refuse_future("time", time, context.now)?;
        let kind = one.ask.kind();
        let reason = if !is_kept(&one.ask, value, context.rating.rated_w()) {
            SetpointMiss::NotFollowed
        } else if time.0 > one.ask.answer_by_s {
            SetpointMiss::TooLate
        } else {
            let obeyed = SetpointObeyedV1 {
                device: context.device.to_string(),
                kind: kind.into(),
                asked_event_id: event_id_bytes(&asked),
                time_s: time.0,
                value,
            };
            return Ok(vec![
                DeviceEvent::of(&context.park, obeyed).because_of(asked),
            ]);
        };
        Ok(vec![missed(
            context,
            asked,
            kind,
            time,
            reason,
            Some(value),
        )])
    }
}

/// A limit is kept by anything up to it, a reserve by anything from it up, a power by what is near it.
fn is_kept(ask: &SetpointAskedV1, value: i64, rated_w: i64) -> bool {
    let tolerance_w = rated_w * TOLERANCE_PERCENT / 100;
    match ask.kind() {
        SetpointKind::ReserveWh => value >= ask.value,
        SetpointKind::StoragePowerW => value.abs_diff(ask.value) <= tolerance_w.unsigned_abs(),
        SetpointKind::ChargeLimitW
        | SetpointKind::DischargeLimitW
        | SetpointKind::ConsumptionLimitW
        | SetpointKind::GenerationLimitW
        | SetpointKind::Unspecified => (0..=ask.value + tolerance_w).contains(&value),
    }
}

fn missed(
    context: &SetpointContext,
    asked: Uuid,
    kind: SetpointKind,
    time: UnixSeconds,
    reason: SetpointMiss,
    value: Option<i64>,
) -> DeviceEvent {
    let missed = SetpointMissedV1 {
        device: context.device.to_string(),
        kind: kind.into(),
        asked_event_id: event_id_bytes(&asked),
        time_s: time.0,
        reason: reason.into(),
        value,
    };
    // An ask has one outcome.
    DeviceEvent::once(&context.park, &[asked.as_bytes()], missed).because_of(asked)
}

/// Id of what a command asks: the same command always gets the same id.
pub fn ask_id(park: &ParkId, device: &AssetId, client_request_id: &str) -> Uuid {
    event_id(&[
        b"terrarium.energy.setpoint-asked",
        park.as_str().as_bytes(),
        device.as_str().as_bytes(),
        client_request_id.as_bytes(),
    ])
}

#[cfg(test)]
mod tests;
