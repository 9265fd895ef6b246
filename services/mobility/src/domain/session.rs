//! Charging sessions: one at a time, and their totals never shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{ForgottenIds, Rejection, refuse_future};
use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use uuid::Uuid;

use super::{ChargerContext, ChargerEvent, ChargerFact, charger_event};

/// A total is too large beyond this many times what the charger's rating allows.
pub const RATING_FACTOR: i64 = 10;

/// Whose car it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VehicleClass {
    /// The park's own.
    Fleet,
    /// Anybody's.
    Public,
    /// A visitor's.
    Visitor,
}

/// What is known when a session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionStart {
    /// Whose car it is.
    pub vehicle_class: VehicleClass,
    /// When.
    pub time: UnixSeconds,
    /// The owner allows energy to be taken from the car.
    pub allows_discharge: bool,
    /// What the owner asks for in return, where that was agreed.
    pub owner: Option<OwnerTerms>,
}

/// What a car's owner asks for who allows energy to be taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerTerms {
    /// Wh that the car's battery holds when full.
    pub battery_wh: i64,
    /// Wh in it when the session began.
    pub stored_wh: i64,
    /// Wh that nobody may take it below.
    pub reserve_wh: i64,
    /// When the owner leaves.
    pub departure: UnixSeconds,
}

/// Energy since a session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Wh to the car.
    pub energy_in_wh: i64,
    /// Wh from the car.
    pub energy_out_wh: i64,
}

/// The sessions of one charger, as their past left them.
#[derive(Default)]
pub struct Sessions {
    by_id: BTreeMap<Arc<str>, Session>,
    /// The one that began last.
    last: Option<Arc<str>>,
    /// Totals that count nowhere.
    quarantined: BTreeSet<Uuid>,
    forgotten: ForgottenIds,
}

/// Sessions that stay, the newest ones; and that are there when the others are let go of.
const KEPT_SESSIONS: usize = 128;
const MOST_SESSIONS: usize = 256;

struct Session {
    start: SessionStart,
    ended: Option<UnixSeconds>,
    /// Its totals by time; nothing at the start.
    totals: BTreeMap<UnixSeconds, Totals>,
    /// It is on record that less was left than the owner asked for.
    is_undercut: bool,
}

impl Sessions {
    /// Lets go of sessions of the far past.
    pub(super) fn forget_old(&mut self) {
        if self.by_id.len() < MOST_SESSIONS {
            return;
        }
        let mut starts: Vec<UnixSeconds> = self
            .by_id
            .values()
            .map(|session| session.start.time)
            .collect();
        starts.sort_unstable();
        let oldest_kept = starts[starts.len() - KEPT_SESSIONS];
        let (last, forgotten) = (&self.last, &mut self.forgotten);
        self.by_id.retain(|id, session| {
            let stays = session.start.time >= oldest_kept
                || session.ended.is_none()
                || last.as_ref() == Some(id);
            if !stays {
                forgotten.add(id);
            }
            stays
        });
    }

    /// Whether a session may have been let go of.
    pub(super) fn is_forgotten(&self, session: &str) -> bool {
        self.forgotten.may_contain(session)
    }

    /// The running session.
    pub fn running(&self) -> Option<(&Arc<str>, &SessionStart)> {
        let last = self.last.as_ref()?;
        let session = self.by_id.get(last)?;
        session.ended.is_none().then_some((last, &session.start))
    }

    /// Wh in the car of the running session, as far as its owner told.
    pub fn stored_wh(&self) -> Option<i64> {
        let session = self.by_id.get(self.last.as_ref()?)?;
        let totals = session.totals.last_key_value().map(|(_, totals)| *totals);
        session.stored_wh(totals.unwrap_or_default())
    }

    /// A session began.
    pub(super) fn start(
        &self,
        context: &ChargerContext,
        session: &Arc<str>,
        start: &SessionStart,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        match self.by_id.get(session) {
            Some(recorded) if recorded.start == *start => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "session",
                    format!(
                        "session {session} of charger {} began at {} as another one; give each session an id of its own",
                        context.charger,
                        format_rfc3339_utc(recorded.start.time)
                    ),
                ));
            }
            None => {}
        }
        if let Some((running, its_start)) = self.running() {
            return Err(Rejection::failed_precondition(
                "session",
                format!(
                    "session {running} runs at charger {} since {}; report its end first",
                    context.charger,
                    format_rfc3339_utc(its_start.time)
                ),
            ));
        }
        let last_ended = self
            .last
            .as_ref()
            .and_then(|last| self.by_id.get(last)?.ended);
        if let Some(ended) = last_ended
            && start.time < ended
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before {}, when the last session of charger {} ended; report sessions in their order",
                    format_rfc3339_utc(start.time),
                    format_rfc3339_utc(ended),
                    context.charger
                ),
            ));
        }
        refuse_future("time", start.time, context.now)?;
        let fact = ChargerFact::SessionStarted {
            session: Arc::clone(session),
            start: *start,
        };
        let class: &[u8] = match start.vehicle_class {
            VehicleClass::Fleet => b"fleet",
            VehicleClass::Public => b"public",
            VehicleClass::Visitor => b"visitor",
        };
        let terms = start.owner.map_or_else(Vec::new, OwnerTerms::to_bytes);
        let mut parts: Vec<&[u8]> = vec![b"session-started", session.as_bytes(), class];
        let time = start.time.0.to_le_bytes();
        let allows_discharge = [u8::from(start.allows_discharge)];
        parts.extend([time.as_slice(), &allows_discharge]);
        if !terms.is_empty() {
            parts.push(&terms);
        }
        Ok(vec![charger_event(context, &parts, fact)])
    }

    /// The totals of a session were read; late ones may stand between those that are known.
    pub(super) fn meter(
        &self,
        context: &ChargerContext,
        session: &Arc<str>,
        time: UnixSeconds,
        totals: Totals,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        let known = self.known(context, session)?;
        match known.totals.get(&time) {
            Some(recorded) if *recorded == totals => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "energy_in_wh",
                    format!(
                        "session {session} at {}: {} Wh in and {} Wh out are recorded, and {} and {} were sent; check the \
                         charger's meter",
                        format_rfc3339_utc(time),
                        recorded.energy_in_wh,
                        recorded.energy_out_wh,
                        totals.energy_in_wh,
                        totals.energy_out_wh
                    ),
                ));
            }
            None => {}
        }
        if let Some(ended) = known.ended
            && time > ended
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "session {session} ended at {}, before {}; energy after it belongs to another session",
                    format_rfc3339_utc(ended),
                    format_rfc3339_utc(time)
                ),
            ));
        }
        known.refuse_before_start(time)?;
        refuse_future("time", time, context.now)?;
        if let Err(misfit) = known.refuse_misfit(context, time, totals) {
            return Ok(self.quarantine(context, session, time, totals, &misfit));
        }
        let fact = ChargerFact::SessionMetered {
            session: Arc::clone(session),
            time,
            totals,
        };
        let mut events = vec![totals_event(
            context,
            b"session-metered",
            session,
            time,
            totals,
            fact,
        )];
        events.extend(known.undercut(context, session, time, totals));
        Ok(events)
    }

    /// Totals that don't fit are kept out of everything.
    fn quarantine(
        &self,
        context: &ChargerContext,
        session: &Arc<str>,
        time: UnixSeconds,
        totals: Totals,
        misfit: &Rejection,
    ) -> Vec<ChargerEvent> {
        let event = quarantined_event(context, session, time, totals, &misfit.message);
        if self.quarantined.contains(&event.id) {
            return Vec::new();
        }
        vec![event]
    }

    /// A session came to its end.
    pub(super) fn end(
        &self,
        context: &ChargerContext,
        session: &Arc<str>,
        time: UnixSeconds,
        totals: Totals,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        let known = self.known(context, session)?;
        if let Some(ended) = known.ended {
            let recorded = known.totals.get(&ended).copied().unwrap_or_default();
            let kept_apart = quarantined_event(context, session, time, totals, "").id;
            if ended == time && (recorded == totals || self.quarantined.contains(&kept_apart)) {
                return Ok(Vec::new());
            }
            return Err(Rejection::already_exists(
                "session",
                format!(
                    "session {session} is recorded as ended at {} with {} Wh in and {} Wh out; it ends once",
                    format_rfc3339_utc(ended),
                    recorded.energy_in_wh,
                    recorded.energy_out_wh
                ),
            ));
        }
        if let Some((newest, _)) = known.totals.last_key_value()
            && time < *newest
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "session {session} was metered at {}, after {}; it can't end before",
                    format_rfc3339_utc(*newest),
                    format_rfc3339_utc(time)
                ),
            ));
        }
        known.refuse_before_start(time)?;
        refuse_future("time", time, context.now)?;
        let mut events = Vec::new();
        // The car is gone whatever the meter says: the session ends with the last totals that can be.
        let totals = match known.refuse_misfit(context, time, totals) {
            Ok(()) => totals,
            Err(misfit) => {
                events = self.quarantine(context, session, time, totals, &misfit);
                let last = known.totals.last_key_value();
                last.map_or_else(Totals::default, |(_, last)| *last)
            }
        };
        let fact = ChargerFact::SessionEnded {
            session: Arc::clone(session),
            vehicle_class: known.start.vehicle_class,
            started: known.start.time,
            ended: time,
            totals,
        };
        events.extend(known.undercut(context, session, time, totals));
        events.push(totals_event(
            context,
            b"session-ended",
            session,
            time,
            totals,
            fact,
        ));
        Ok(events)
    }

    pub(super) fn evolve(&mut self, event: &ChargerEvent) {
        match &event.fact {
            ChargerFact::SessionStarted { session, start } => {
                let begun = Session {
                    start: *start,
                    ended: None,
                    totals: BTreeMap::new(),
                    is_undercut: false,
                };
                self.by_id.insert(Arc::clone(session), begun);
                self.last = Some(Arc::clone(session));
            }
            ChargerFact::SessionMetered {
                session,
                time,
                totals,
            } => {
                if let Some(known) = self.by_id.get_mut(session) {
                    known.totals.insert(*time, *totals);
                }
            }
            ChargerFact::SessionEnded {
                session,
                ended,
                totals,
                ..
            } => {
                if let Some(known) = self.by_id.get_mut(session) {
                    known.ended = Some(*ended);
                    known.totals.insert(*ended, *totals);
                }
            }
            ChargerFact::ReserveUndercut { session, .. } => {
                if let Some(known) = self.by_id.get_mut(session) {
                    known.is_undercut = true;
                }
            }
            ChargerFact::MeterQuarantined { .. } => {
                self.quarantined.insert(event.id);
            }
            _ => {}
        }
    }

    fn known(&self, context: &ChargerContext, session: &Arc<str>) -> Result<&Session, Rejection> {
        self.by_id.get(session).ok_or_else(|| {
            Rejection::not_found(
                "session",
                format!(
                    "charger {} has no session {session}; report its start first",
                    context.charger
                ),
            )
        })
    }
}

impl OwnerTerms {
    fn to_bytes(self) -> Vec<u8> {
        [
            self.battery_wh,
            self.stored_wh,
            self.reserve_wh,
            self.departure.0,
        ]
        .into_iter()
        .flat_map(i64::to_le_bytes)
        .collect()
    }
}

impl Session {
    /// Wh in the car at these totals, as far as its owner told.
    fn stored_wh(&self, totals: Totals) -> Option<i64> {
        let owner = self.start.owner?;
        Some(owner.stored_wh + totals.energy_in_wh - totals.energy_out_wh)
    }

    /// Less is left than the owner asked for, and energy was taken from the car: said once a session.
    fn undercut(
        &self,
        context: &ChargerContext,
        session: &Arc<str>,
        time: UnixSeconds,
        totals: Totals,
    ) -> Option<ChargerEvent> {
        let owner = self.start.owner?;
        let stored_wh = self.stored_wh(totals)?;
        let is_undercut = totals.energy_out_wh > 0 && stored_wh < owner.reserve_wh;
        if !is_undercut || self.is_undercut {
            return None;
        }
        let fact = ChargerFact::ReserveUndercut {
            session: Arc::clone(session),
            time,
            stored_wh,
            reserve_wh: owner.reserve_wh,
        };
        let parts: [&[u8]; 2] = [b"reserve-undercut", session.as_bytes()];
        Some(charger_event(context, &parts, fact))
    }

    fn refuse_before_start(&self, time: UnixSeconds) -> Result<(), Rejection> {
        if time >= self.start.time {
            return Ok(());
        }
        Err(Rejection::failed_precondition(
            "time",
            format!(
                "{} is before the session's start at {}; check the charger's clock",
                format_rfc3339_utc(time),
                format_rfc3339_utc(self.start.time)
            ),
        ))
    }

    /// Refuses totals that don't fit between their neighbours in time.
    fn refuse_misfit(
        &self,
        context: &ChargerContext,
        time: UnixSeconds,
        totals: Totals,
    ) -> Result<(), Rejection> {
        if totals.energy_out_wh != 0 && !context.bidirectional {
            return Err(Rejection::invalid(
                "energy_out_wh",
                format!(
                    "charger {} is not bidirectional and can take nothing from a car; send 0, or correct the park definition",
                    context.charger
                ),
            ));
        }
        let nothing = (self.start.time, Totals::default());
        let earlier = self
            .totals
            .range(..=time)
            .next_back()
            .map_or(nothing, |(at, totals)| (*at, *totals));
        let later = self
            .totals
            .range(UnixSeconds(time.0.saturating_add(1))..)
            .next()
            .map(|(at, totals)| (*at, *totals));
        refuse_step(context, earlier, (time, totals))?;
        later.map_or(Ok(()), |later| refuse_step(context, (time, totals), later))
    }
}

fn refuse_step(
    context: &ChargerContext,
    (from, before): (UnixSeconds, Totals),
    (to, after): (UnixSeconds, Totals),
) -> Result<(), Rejection> {
    for (field, lower_wh, upper_wh) in [
        ("energy_in_wh", before.energy_in_wh, after.energy_in_wh),
        ("energy_out_wh", before.energy_out_wh, after.energy_out_wh),
    ] {
        if upper_wh < lower_wh {
            return Err(Rejection::failed_precondition(
                field,
                format!(
                    "the session's total would go from {lower_wh} Wh down to {upper_wh} Wh between {} and {}; check the \
                     charger's meter",
                    format_rfc3339_utc(from),
                    format_rfc3339_utc(to)
                ),
            ));
        }
        let energy_wh = i128::from(upper_wh) - i128::from(lower_wh);
        // Times are cut to whole seconds.
        let seconds = i128::from(to.0) - i128::from(from.0) + 1;
        if energy_wh * 3600 > i128::from(RATING_FACTOR) * i128::from(context.rated_w) * seconds {
            return Err(Rejection::failed_precondition(
                field,
                format!(
                    "{energy_wh} Wh in {seconds} s is more than {RATING_FACTOR} times what charger {} is rated for ({} W); \
                     check the meter's unit",
                    context.charger, context.rated_w
                ),
            ));
        }
    }
    Ok(())
}

/// Its id does not follow from the reason.
fn quarantined_event(
    context: &ChargerContext,
    session: &Arc<str>,
    time: UnixSeconds,
    totals: Totals,
    reason: &str,
) -> ChargerEvent {
    let fact = ChargerFact::MeterQuarantined {
        session: Arc::clone(session),
        time,
        totals,
        reason: reason.into(),
    };
    totals_event(context, b"session-quarantined", session, time, totals, fact)
}

fn totals_event(
    context: &ChargerContext,
    statement: &[u8],
    session: &Arc<str>,
    time: UnixSeconds,
    totals: Totals,
    fact: ChargerFact,
) -> ChargerEvent {
    let parts: [&[u8]; 5] = [
        statement,
        session.as_bytes(),
        &time.0.to_le_bytes(),
        &totals.energy_in_wh.to_le_bytes(),
        &totals.energy_out_wh.to_le_bytes(),
    ];
    charger_event(context, &parts, fact)
}
