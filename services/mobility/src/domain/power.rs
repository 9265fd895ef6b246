//! Limits that a charger is asked to keep: asked, and then obeyed or missed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

use super::session::Sessions;
use super::{ChargerContext, ChargerEvent, ChargerFact, charger_event};

/// A charger has to answer within this time.
pub const ANSWER_WITHIN_S: i64 = 60;
/// A charger keeps a limit when its power is beyond it by no more than this share of its rating.
const TOLERANCE_PERCENT: i64 = 2;

/// A charger was asked to keep its power within a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerAsk {
    /// To the car in W; below zero: from the car.
    pub limit_w: i64,
    /// When.
    pub time: UnixSeconds,
    /// It has to answer until then.
    pub answer_by: UnixSeconds,
    /// The caller's own id of the command.
    pub client_request_id: Arc<str>,
}

/// Why a charger did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissReason {
    /// Its power was beyond the limit.
    NotFollowed,
    /// It answered too late.
    TooLate,
    /// It had not answered when a newer ask took this one's place.
    Replaced,
    /// It had not answered when its time was up.
    NotAnswered,
}

/// What a charger was asked for, as its past left it.
#[derive(Default)]
pub struct Asks {
    by_id: BTreeMap<Uuid, OneAsk>,
    /// The newest one.
    newest: Option<Uuid>,
}

struct OneAsk {
    ask: PowerAsk,
    outcome: Option<Outcome>,
}

struct Outcome {
    obeyed: bool,
    time: UnixSeconds,
    power_w: Option<i64>,
}

impl Asks {
    /// The newest ask.
    pub fn newest(&self) -> Option<&PowerAsk> {
        self.by_id.get(&self.newest?).map(|one| &one.ask)
    }

    /// Whether an ask was obeyed; `None` while it is open.
    pub fn obeyed(&self, asked: &Uuid) -> Option<bool> {
        self.by_id
            .get(asked)?
            .outcome
            .as_ref()
            .map(|outcome| outcome.obeyed)
    }

    /// Asks for a limit. An open ask is missed: the new one takes its place.
    pub(super) fn ask(
        &self,
        context: &ChargerContext,
        sessions: &Sessions,
        faults: &BTreeSet<Arc<str>>,
        limit_w: i64,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        let id = ask_id(&context.park, &context.charger, client_request_id);
        match self.by_id.get(&id) {
            Some(recorded) if recorded.ask.limit_w == limit_w => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "client_request_id",
                    format!(
                        "\"{client_request_id}\" asked charger {} for {} W before, not for {limit_w} W; give a new command an \
                         id of its own",
                        context.charger, recorded.ask.limit_w
                    ),
                ));
            }
            None => {}
        }
        refuse_impossible_limit(context, sessions, limit_w)?;
        if !faults.is_empty() {
            let faults: Vec<&str> = faults.iter().map(|fault| &**fault).collect();
            return Err(Rejection::failed_precondition(
                "charger",
                format!(
                    "charger {} has a fault ({}); have it repaired first",
                    context.charger,
                    faults.join(", ")
                ),
            ));
        }
        let mut events = Vec::new();
        if let Some(open) = self.newest.filter(|newest| self.obeyed(newest).is_none()) {
            events.push(missed(
                context,
                open,
                context.now,
                MissReason::Replaced,
                None,
            ));
        }
        events.push(ChargerEvent {
            id,
            charger: context.charger.clone(),
            fact: ChargerFact::PowerAsked(PowerAsk {
                limit_w,
                time: context.now,
                answer_by: UnixSeconds(context.now.0 + ANSWER_WITHIN_S),
                client_request_id: Arc::clone(client_request_id),
            }),
        });
        Ok(events)
    }

    /// The first second at which the open ask is missed.
    pub fn due(&self) -> Option<UnixSeconds> {
        let one = self.by_id.get(&self.newest?)?;
        one.outcome
            .is_none()
            .then_some(UnixSeconds(one.ask.answer_by.0 + 1))
    }

    /// Misses the open ask if its time is up.
    pub(super) fn miss_unanswered(&self, context: &ChargerContext) -> Vec<ChargerEvent> {
        match (self.newest, self.due()) {
            (Some(open), Some(due)) if due <= context.now => vec![missed(
                context,
                open,
                context.now,
                MissReason::NotAnswered,
                None,
            )],
            _ => Vec::new(),
        }
    }

    /// The charger answers.
    pub(super) fn answer(
        &self,
        context: &ChargerContext,
        asked: Uuid,
        time: UnixSeconds,
        power_w: i64,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        let Some(one) = self.by_id.get(&asked) else {
            return Err(Rejection::not_found(
                "ask_id",
                format!(
                    "charger {} was never asked {asked}; send the id of the ChargePowerAskedV1 event",
                    context.charger
                ),
            ));
        };
        match &one.outcome {
            Some(outcome) if (outcome.time, outcome.power_w) == (time, Some(power_w)) => {
                return Ok(Vec::new());
            }
            Some(outcome) => {
                return Err(Rejection::failed_precondition(
                    "ask_id",
                    format!(
                        "what charger {} was asked at {} was {} at {}; answer the newest ask",
                        context.charger,
                        format_rfc3339_utc(one.ask.time),
                        if outcome.obeyed { "obeyed" } else { "missed" },
                        format_rfc3339_utc(outcome.time)
                    ),
                ));
            }
            None => {}
        }
        if time.0 < one.ask.time.0 - terrarium_journal::CLOCK_TOLERANCE_S {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before the charger was asked, at {}; check its clock",
                    format_rfc3339_utc(time),
                    format_rfc3339_utc(one.ask.time)
                ),
            ));
        }
        refuse_future("time", time, context.now)?;
        let tolerance_w = context.rated_w * TOLERANCE_PERCENT / 100;
        let limit_w = one.ask.limit_w;
        let allowed_w = (limit_w.min(0) - tolerance_w)..=(limit_w.max(0) + tolerance_w);
        let reason = if !allowed_w.contains(&power_w) {
            MissReason::NotFollowed
        } else if time > one.ask.answer_by {
            MissReason::TooLate
        } else {
            let parts: [&[u8]; 4] = [
                b"power-obeyed",
                asked.as_bytes(),
                &time.0.to_le_bytes(),
                &power_w.to_le_bytes(),
            ];
            return Ok(vec![charger_event(
                context,
                &parts,
                ChargerFact::PowerObeyed {
                    asked,
                    time,
                    power_w,
                },
            )]);
        };
        Ok(vec![missed(context, asked, time, reason, Some(power_w))])
    }

    pub(super) fn evolve(&mut self, event: &ChargerEvent) {
        match &event.fact {
            ChargerFact::PowerAsked(ask) => {
                let one = OneAsk {
                    ask: ask.clone(),
                    outcome: None,
                };
                self.by_id.insert(event.id, one);
                self.newest = Some(event.id);
            }
            ChargerFact::PowerObeyed {
                asked,
                time,
                power_w,
            } => self.close(asked, true, *time, Some(*power_w)),
            ChargerFact::PowerMissed {
                asked,
                time,
                power_w,
                ..
            } => self.close(asked, false, *time, *power_w),
            _ => {}
        }
    }

    fn close(&mut self, asked: &Uuid, obeyed: bool, time: UnixSeconds, power_w: Option<i64>) {
        if let Some(one) = self.by_id.get_mut(asked) {
            one.outcome = Some(Outcome {
                obeyed,
                time,
                power_w,
            });
        }
    }
}

fn refuse_impossible_limit(
    context: &ChargerContext,
    sessions: &Sessions,
    limit_w: i64,
) -> Result<(), Rejection> {
    if limit_w.unsigned_abs() > context.rated_w.unsigned_abs() {
        return Err(Rejection::failed_precondition(
            "limit_w",
            format!(
                "{limit_w} W is beyond the rating of charger {} ({} W); ask for less",
                context.charger, context.rated_w
            ),
        ));
    }
    if limit_w >= 0 {
        return Ok(());
    }
    if !context.bidirectional {
        return Err(Rejection::failed_precondition(
            "limit_w",
            format!(
                "charger {} is not bidirectional and can take nothing from a car; ask for 0 W or more",
                context.charger
            ),
        ));
    }
    match sessions.running() {
        None => Err(Rejection::failed_precondition(
            "limit_w",
            format!(
                "no session runs at charger {}; there is no car to take energy from",
                context.charger
            ),
        )),
        Some((session, start)) if !start.allows_discharge => Err(Rejection::failed_precondition(
            "limit_w",
            format!(
                "the owner of session {session} does not allow energy to be taken from the car; ask for 0 W or more"
            ),
        )),
        Some(_) => Ok(()),
    }
}

fn missed(
    context: &ChargerContext,
    asked: Uuid,
    time: UnixSeconds,
    reason: MissReason,
    power_w: Option<i64>,
) -> ChargerEvent {
    // An ask has one outcome.
    let parts: [&[u8]; 2] = [b"power-missed", asked.as_bytes()];
    let fact = ChargerFact::PowerMissed {
        asked,
        time,
        reason,
        power_w,
    };
    charger_event(context, &parts, fact)
}

/// Id of what a command asks: the same command always gets the same id.
pub fn ask_id(park: &ParkId, charger: &AssetId, client_request_id: &str) -> Uuid {
    event_id(&[
        b"terrarium.mobility.power-asked",
        park.as_str().as_bytes(),
        charger.as_str().as_bytes(),
        client_request_id.as_bytes(),
    ])
}
