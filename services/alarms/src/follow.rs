//! Follows the record, finds out when conditions begin and cease to hold, and has that recorded.
//!
//! After a start everything on record is folded before anything is decided: what an earlier run recorded is recognised by its
//! event id. From then on each transition goes to the desk at once; where the record can't be reached it waits and is sent
//! again, in order.
//!
//! In a simulated park many reports may be recorded together. What they say waits until their moment is decided, and so does a
//! newer definition of the park; it is then judged in the order of time, with what becomes due in between (`waiting`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use terrarium_journal::{
    Aggregate, ClockError, CommitPublisher, Desk, EventStore, LONGEST_OPEN_MS, PARK_DEFINED_V1,
    ParkClocks, ParkError, Parks, Pending, Position, Provenance, ReadError, RecordedEvent,
    StreamName, Submission, SubmitError, Subscription, read_status, recorded_time,
};
use terrarium_model::{MeterId, ParkClock, ParkDefinition, ParkId, UnixMillis};
use terrarium_proto::carbon::v1::ParkDefinedV1;
use terrarium_runtime::Shutdown;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tonic::Status;
use uuid::Uuid;

use crate::book::AlarmBook;
use crate::conditions::{ParkWatch, Transition};
use crate::domain::{Alarm, AlarmCommand, AlarmContext, transition_id};
use crate::events::TYPE_PREFIX;
use crate::observer::{NewObserver, Observer, ObserverError};
use crate::waiting::{Heard, Said, Waiting};

/// Events folded before transitions are recorded.
const FOLD_BATCH_EVENTS: usize = 2_000;
/// After a failure it is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// A listing waits this long for the fold to reach what was recorded before it.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(5);
/// Events by which a meter is heard; corrections are made by people.
const REPORTS_OF_METERS: [&str; 3] = [
    "terrarium.energy.v1.IntervalMeteredV1",
    "terrarium.energy.v1.RegisterReadV1",
    "terrarium.energy.v1.ReadingQuarantinedV1",
];

/// Why alarms can't be found out any more, or not for now.
#[derive(Debug, thiserror::Error)]
pub enum AlarmsError {
    /// An event that this version can't read.
    #[error("the alarms can't go on at position {position} of the record: {reason}")]
    Fold {
        /// Of the event.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// The record can't be read.
    #[error("the event store can't be read: {0}")]
    Store(#[from] ReadError),
    /// A transition is not recorded yet.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The time is not known.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The park is not known.
    #[error(transparent)]
    Park(#[from] ParkError),
}

impl AlarmsError {
    /// Whether it may be otherwise a little later.
    fn may_pass(&self) -> bool {
        match self {
            AlarmsError::Store(error) => matches!(error, ReadError::Unavailable(_)),
            AlarmsError::Fold { .. } => false,
            AlarmsError::Submit(error) => !matches!(error, SubmitError::Unreadable { .. }),
            AlarmsError::Clock(_) | AlarmsError::Park(_) => true,
        }
    }
}

impl From<AlarmsError> for Status {
    fn from(error: AlarmsError) -> Status {
        match error {
            AlarmsError::Submit(error) => error.into(),
            AlarmsError::Clock(error) => error.into(),
            AlarmsError::Park(error) => error.into(),
            AlarmsError::Fold { .. } => Status::data_loss(error.to_string()),
            AlarmsError::Store(error) => read_status(&error),
        }
    }
}

/// The alarms of all parks of a store.
pub struct Alarms {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) desk: Arc<Desk<Alarm>>,
    pub(crate) parks: Parks,
    pub(crate) clocks: Arc<ParkClocks>,
    fold: AsyncMutex<Fold>,
    books: RwLock<BTreeMap<ParkId, AlarmBook>>,
    folded: watch::Sender<Option<Position>>,
}

/// What is found out, as of one position.
struct Fold {
    new_observer: NewObserver,
    subscription: Subscription,
    observer: Box<dyn Observer>,
    parks: BTreeMap<ParkId, WatchedPark>,
    /// Parks that have, or once had, alarms. Nobody asks what is observed in others.
    with_alarms: BTreeSet<ParkId>,
    /// A park got its first alarms: what was observed in it before is not known, so the fold begins again.
    begins_again: bool,
    /// All that was on record at the start is folded.
    is_live: bool,
}

#[derive(Default)]
struct WatchedPark {
    /// By the newest definition that was judged.
    is_simulated: bool,
    watch: ParkWatch,
    /// Recorded, and not judged yet.
    waiting: Waiting,
    /// The newest moment that anything was recorded at, alarms included.
    newest: UnixMillis,
    /// Found out and not known to be recorded, in order.
    outstanding: Vec<Transition>,
    /// What an earlier run recorded otherwise is in line with what holds.
    is_reconciled: bool,
}

impl WatchedPark {
    /// Judges what waits up to a moment, in the order of time.
    fn judge(&mut self, until: UnixMillis) {
        for (moment, said) in self.waiting.take_until(until) {
            // What is due at this very moment is decided by what is said at it.
            self.advance(UnixMillis(moment.0 - 1));
            match said {
                Said::Heard(heard) => self.hear(heard, moment),
                Said::Defined(definition, heard) => {
                    self.define(&definition, heard.event, moment);
                    self.hear(heard, moment);
                }
            }
        }
    }

    fn define(&mut self, definition: &ParkDefinition, event: Uuid, moment: UnixMillis) {
        self.is_simulated = definition.clock == ParkClock::Simulated;
        self.watch
            .define(definition, event, moment, &mut self.outstanding);
    }

    fn hear(&mut self, heard: Heard, moment: UnixMillis) {
        heard.tell(moment, &mut self.watch, &mut self.outstanding);
    }

    fn advance(&mut self, now: UnixMillis) {
        self.watch.advance(now, &mut self.outstanding);
    }
}

impl Alarms {
    /// Over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clocks: Arc<ParkClocks>,
        new_observer: NewObserver,
    ) -> Arc<Alarms> {
        Arc::new(Alarms {
            desk: Desk::new(Arc::clone(&store), publisher),
            parks: Parks::new(Arc::clone(&store)),
            clocks,
            fold: AsyncMutex::new(Fold {
                subscription: Subscription::new(Arc::clone(&store), None),
                observer: new_observer(),
                new_observer,
                parks: BTreeMap::new(),
                with_alarms: BTreeSet::new(),
                begins_again: false,
                is_live: false,
            }),
            books: RwLock::new(BTreeMap::new()),
            folded: watch::channel(None).0,
            store,
        })
    }

    /// Finds out and records, until `shutdown`.
    pub async fn run(&self, shutdown: Shutdown) -> Result<(), AlarmsError> {
        let mut head = self.store.watch_last_position();
        loop {
            head.mark_unchanged();
            let settled = tokio::select! {
                settled = self.settle() => settled,
                () = shutdown.triggered() => return Ok(()),
            };
            let failed = match settled {
                Ok(_) => None,
                Err(error) if error.may_pass() => Some(error),
                Err(error) => return Err(error),
            };
            if let Some(error) = &failed {
                tracing::debug!(%error, "alarms are not recorded yet; trying again");
            }
            tokio::select! {
                grown = head.changed() => if grown.is_err() { return Ok(()) },
                () = shutdown.triggered() => return Ok(()),
                () = tokio::time::sleep(RETRY_AFTER), if failed.is_some() => {}
            }
        }
    }

    /// Folds all that is recorded now, and records what is found out. Gives a position that covers what was new.
    async fn settle(&self) -> Result<Option<Position>, AlarmsError> {
        let mut fold = self.fold.lock().await;
        self.settle_fold(&mut fold).await
    }

    async fn settle_fold(&self, fold: &mut Fold) -> Result<Option<Position>, AlarmsError> {
        let mut recorded = None;
        loop {
            let events = fold.subscription.available(FOLD_BATCH_EVENTS).await?;
            for event in &events {
                self.take_in(fold, event)?;
            }
            if fold.begins_again {
                self.begin_again(fold);
                continue;
            }
            let is_at_end = events.is_empty();
            for (park, until) in self.judgeable(fold, is_at_end).await? {
                self.judge(fold, &park, until);
            }
            self.folded.send_replace(fold.subscription.position());
            if is_at_end && !fold.is_live {
                self.go_live(fold);
            }
            if fold.is_live {
                recorded = recorded.max(self.record(fold, None).await?);
            }
            if is_at_end {
                return Ok(recorded);
            }
        }
    }

    /// Simulated parks of which something waits, and until when it can be judged now: what is decided can, and while the
    /// record is read again, what is older than any that may still come.
    async fn judgeable(
        &self,
        fold: &mut Fold,
        is_at_end: bool,
    ) -> Result<Vec<(ParkId, UnixMillis)>, AlarmsError> {
        let mut judgeable = Vec::new();
        for (id, watched) in &fold.parks {
            if watched.waiting.is_empty() {
                continue;
            }
            let until = if fold.is_live || is_at_end {
                let park = self.parks.get(id).await?;
                self.clocks.decided_until(&park).await?
            } else {
                UnixMillis(watched.newest.0 - LONGEST_OPEN_MS)
            };
            judgeable.push((id.clone(), until));
        }
        Ok(judgeable)
    }

    /// Judges what waits of a simulated park up to a moment, in the order of time.
    fn judge(&self, fold: &mut Fold, park: &ParkId, until: UnixMillis) {
        let Some(watched) = fold.parks.get_mut(park) else {
            return;
        };
        watched.judge(until);
        // Read again, a transition may stand in the record before what led to it is judged.
        let books = self.books();
        let Some(book) = books.get(park) else { return };
        watched.outstanding.retain(|transition| {
            let id = transition_id(park, &transition.alarm, &transition.command);
            let alarm = book.alarm(&transition.alarm);
            !id.is_some_and(|id| alarm.is_some_and(|alarm| alarm.has_recorded(&id)))
        });
    }

    fn begin_again(&self, fold: &mut Fold) {
        fold.subscription = Subscription::new(Arc::clone(&self.store), None);
        fold.observer = (fold.new_observer)();
        fold.parks.clear();
        fold.begins_again = false;
        fold.is_live = false;
        self.books_mut().clear();
        self.folded.send_replace(None);
    }

    fn go_live(&self, fold: &mut Fold) {
        fold.is_live = true;
        let parks: Vec<ParkId> = fold.parks.keys().cloned().collect();
        for park in parks {
            self.reconcile(fold, &park);
        }
    }

    /// What an earlier run recorded otherwise, because it asked the clock at other moments, is brought in line; once all that
    /// is on record is judged, for what is recorded of a later moment says nothing of this one.
    fn reconcile(&self, fold: &mut Fold, park: &ParkId) {
        let Some(watched) = fold.parks.get_mut(park) else {
            return;
        };
        if watched.is_reconciled || !watched.waiting.is_empty() {
            return;
        }
        watched.is_reconciled = true;
        if watched.outstanding.is_empty() {
            let books = self.books();
            let book = books.get(park);
            watched.outstanding = watched.watch.reconcile(|alarm| book?.alarm(alarm));
        }
    }

    fn take_in(&self, fold: &mut Fold, event: &RecordedEvent) -> Result<(), AlarmsError> {
        let unreadable = |reason: String| AlarmsError::Fold {
            position: event.position.0,
            reason,
        };
        let stream = StreamName::parse(Arc::clone(&event.stream))
            .map_err(|error| unreadable(error.to_string()))?;
        let park = ParkId::new(stream.park()).map_err(|error| unreadable(error.to_string()))?;
        let definition = match &*event.event_type == PARK_DEFINED_V1 {
            true => Some(read_definition(event).map_err(unreadable)?),
            false => None,
        };
        if let Some(definition) = &definition
            && !definition.alarms.is_empty()
            && fold.with_alarms.insert(park.clone())
        {
            // Nothing else of a park comes before its first definition.
            fold.begins_again |= event.revision > 0;
        }
        if event.event_type.starts_with(TYPE_PREFIX) {
            let mut books = self.books_mut();
            let book = books.entry(park.clone()).or_default();
            book.apply(event)
                .map_err(|error| unreadable(error.to_string()))?;
            fold.recognise(&park, event);
        }
        if !fold.with_alarms.contains(&park) {
            return Ok(());
        }
        fold.observe(&park, &stream, event, definition)
            .map_err(|error| unreadable(error.to_string()))
    }

    /// Has recorded what was found out, one commit for each alarm: at the moment that is being decided of one park, else as of
    /// when all is decided.
    async fn record(
        &self,
        fold: &mut Fold,
        deciding: Option<(&ParkId, UnixMillis)>,
    ) -> Result<Option<Position>, AlarmsError> {
        let mut recorded = None;
        for (id, watched) in &mut fold.parks {
            if watched.outstanding.is_empty() {
                continue;
            }
            let now = match deciding {
                Some((park, moment)) if park == id => moment,
                _ => {
                    let park = self.parks.get(id).await?;
                    let time = self.clocks.recording_time_or_never_set(&park).await?;
                    time.decided_until()
                }
            };
            let mut by_alarm: BTreeMap<Arc<str>, Vec<AlarmCommand>> = BTreeMap::new();
            for transition in &watched.outstanding {
                by_alarm
                    .entry(Arc::clone(&transition.alarm))
                    .or_default()
                    .push(transition.command.clone());
            }
            let position = self.submit(id, now, by_alarm).await?;
            watched.outstanding.clear();
            recorded = recorded.max(position);
        }
        Ok(recorded)
    }

    async fn submit(
        &self,
        park: &ParkId,
        now: UnixMillis,
        by_alarm: BTreeMap<Arc<str>, Vec<AlarmCommand>>,
    ) -> Result<Option<Position>, SubmitError> {
        let mut in_flight: Vec<(Arc<str>, Pending<Alarm>)> = Vec::with_capacity(by_alarm.len());
        for (alarm, commands) in by_alarm {
            let submission = Submission {
                stream: alarm_stream(park, &alarm),
                commands,
                context: AlarmContext {
                    park: park.clone(),
                    alarm: Arc::clone(&alarm),
                    now,
                },
                recorded_time: now.into(),
                provenance: Provenance::of_time(),
            };
            in_flight.push((alarm, self.desk.submit(submission).await?));
        }
        let mut recorded = None;
        for (alarm, pending) in in_flight {
            let (results, position) = pending.recorded().await?;
            for rejection in results.into_iter().filter_map(Result::err) {
                tracing::warn!(%park, %alarm, %rejection, "a transition was refused");
            }
            recorded = recorded.max(position);
        }
        Ok(recorded)
    }

    /// When something has to be decided in a park because time moves on, as far as is recorded now.
    pub(crate) async fn next_due(&self, park: &ParkId) -> Result<Option<UnixMillis>, AlarmsError> {
        let mut fold = self.fold.lock().await;
        self.settle_fold(&mut fold).await?;
        let watched = fold.parks.get(park);
        let condition = watched.and_then(|watched| watched.watch.next_due());
        let waits = watched.and_then(|watched| watched.waiting.first());
        let books = self.books();
        let shelvings = books.get(park).into_iter().flat_map(AlarmBook::alarms);
        let shelving = shelvings
            .filter_map(|(_, alarm)| Some(alarm.shelving()?.until))
            .min();
        let due = condition.into_iter().chain(waits).chain(shelving);
        Ok(due.min())
    }

    /// Decides what is due: delays that are over, meters that are silent, shelvings that end.
    pub(crate) async fn decide_due(
        &self,
        park: &ParkId,
        now: UnixMillis,
    ) -> Result<Option<Position>, AlarmsError> {
        let mut fold = self.fold.lock().await;
        let mut recorded = self.settle_fold(&mut fold).await?;
        self.judge(&mut fold, park, now);
        if let Some(watched) = fold.parks.get_mut(park) {
            watched.advance(now);
            if watched.newest <= now {
                self.reconcile(&mut fold, park);
            }
        }
        recorded = recorded.max(self.record(&mut fold, Some((park, now))).await?);
        let over = self.shelvings_over(park, now);
        recorded = recorded.max(self.submit(park, now, over).await?);
        // So that the next question after what is due knows what was decided now.
        Ok(recorded.max(self.settle_fold(&mut fold).await?))
    }

    fn shelvings_over(
        &self,
        park: &ParkId,
        now: UnixMillis,
    ) -> BTreeMap<Arc<str>, Vec<AlarmCommand>> {
        let books = self.books();
        let alarms = books.get(park).into_iter().flat_map(AlarmBook::alarms);
        alarms
            .filter_map(|(name, alarm)| {
                let shelving = alarm.shelving().filter(|shelving| shelving.until <= now)?;
                let command = AlarmCommand::EndShelving {
                    shelved: shelving.id,
                };
                Some((Arc::clone(name), vec![command]))
            })
            .collect()
    }

    /// Waits until all that was recorded before this call is folded. Gives how far it is; `None` when that takes too long:
    /// an alarm that is not folded yet would pass for none.
    pub(crate) async fn caught_up(&self) -> Option<Option<Position>> {
        let target = *self.store.watch_last_position().borrow();
        let mut folded = self.folded.subscribe();
        let reached = folded.wait_for(|position| *position >= target);
        let folded = tokio::time::timeout(CATCH_UP_DEADLINE, reached).await;
        folded.ok()?.ok().map(|position| *position)
    }

    pub(crate) fn books(&self) -> RwLockReadGuard<'_, BTreeMap<ParkId, AlarmBook>> {
        self.books.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn books_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<ParkId, AlarmBook>> {
        self.books.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fold {
    /// What is on record needs not be recorded again.
    fn recognise(&mut self, park: &ParkId, event: &RecordedEvent) {
        if let Some(watched) = self.parks.get_mut(park) {
            watched.outstanding.retain(|transition| {
                transition_id(park, &transition.alarm, &transition.command) != Some(event.id)
            });
        }
    }

    fn observe(
        &mut self,
        park: &ParkId,
        stream: &StreamName,
        event: &RecordedEvent,
        definition: Option<ParkDefinition>,
    ) -> Result<(), ObserverError> {
        let mut observed = Vec::new();
        self.observer.observe(event, &mut observed)?;
        let watched = self.parks.entry(park.clone()).or_default();
        let recorded = recorded_time(event).unwrap_or_default();
        watched.newest = watched.newest.max(recorded);
        let meter = match REPORTS_OF_METERS.contains(&&*event.event_type) {
            true => MeterId::new(stream.id()).ok(),
            false => None,
        };
        let heard = Heard {
            event: event.id,
            meter,
            observed,
        };
        let is_of_another_clock = definition
            .as_ref()
            .is_some_and(|definition| definition.clock != ParkClock::Simulated);
        if watched.is_simulated && !is_of_another_clock {
            match definition {
                Some(definition) => {
                    let said = Said::Defined(Box::new(definition), heard);
                    watched.waiting.add(recorded, event, said);
                }
                None if heard.says_nothing() => {}
                None => watched.waiting.add(recorded, event, Said::Heard(heard)),
            }
            return Ok(());
        }
        if let Some(definition) = definition {
            // By the clock before, nothing follows any more.
            watched.judge(UnixMillis(i64::MAX));
            watched.define(&definition, event.id, recorded);
        }
        watched.advance(recorded);
        watched.hear(heard, recorded);
        Ok(())
    }
}

fn read_definition(event: &RecordedEvent) -> Result<ParkDefinition, String> {
    let defined = <ParkDefinedV1 as prost::Message>::decode(event.data.clone())
        .map_err(|error| error.to_string())?;
    ParkDefinition::parse(&defined.definition_toml, "the recorded definition")
        .map_err(|error| error.to_string())
}

/// The stream of an alarm.
pub(crate) fn alarm_stream(park: &ParkId, alarm: &str) -> StreamName {
    StreamName::new(Alarm::DOMAIN, Alarm::KIND, park.as_str(), alarm)
}
