//! What time it is in each park: the wall's time, or the simulator's.
//!
//! A simulated clock stands still until it is advanced and never goes back. After a restart it says the newest time that
//! any event of its park was recorded at: the streams of the park are looked up, and the last event of each is read. The
//! record does not tell which reports of the last day were still to come, nor what of it was decided. So nothing of that day
//! is taken for decided until the simulator says what is, and each of its calls says itself when it is ([`ToldTime`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terrarium_model::{
    Clock, ParkClock, ParkDefinition, ParkId, UnixMillis, UnixSeconds, parse_rfc3339_with_offset,
};

use crate::clock_api::LONGEST_OPEN_MS;
use crate::envelope::Metadata;
use crate::store::{EventStore, ReadError, RecordedEvent};
use crate::stream::StreamName;
use crate::told_time::ToldTime;

/// A simulated clock before it is first set. What needs no time to be right, such as the definition of the park itself, is
/// recorded at this moment.
pub const NEVER_SET: UnixMillis = UnixMillis(0);

/// When something is recorded, by the clock of its park.
///
/// While reports follow ([`crate::ClockApi`]), what is reported is recorded as of the moment from which it can be known, so that
/// it is the same however many reports are sent together. What is late, and everything else, is recorded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingTime {
    now: UnixMillis,
    decided_until: UnixMillis,
}

impl RecordingTime {
    /// The park's time: nothing later is taken.
    pub fn now(self) -> UnixMillis {
        self.now
    }

    /// All that was due until then is decided: now, or before that while reports follow.
    pub fn decided_until(self) -> UnixMillis {
        self.decided_until
    }

    /// When an event is recorded that can be known from `known_at` on, in a stream whose newest event was recorded at
    /// `newest`: never before that.
    pub fn of(self, known_at: Option<UnixSeconds>, newest: Option<UnixMillis>) -> UnixMillis {
        let known_at = known_at.map(|known_at| UnixMillis(known_at.0.saturating_mul(1_000)));
        let own = match known_at {
            Some(known_at) if self.decided_until < known_at && known_at < self.now => known_at,
            _ => self.now,
        };
        // A wall clock that was ahead by more than that was wrong, and must not hold up the stream until it is right.
        let not_before = newest.filter(|newest| newest.0 - own.0 <= LONGEST_OPEN_MS);
        not_before.map_or(own, |newest| own.max(newest))
    }
}

impl From<ToldTime> for RecordingTime {
    fn from(told: ToldTime) -> RecordingTime {
        RecordingTime {
            now: told.now,
            decided_until: told.decided_until,
        }
    }
}

impl From<UnixMillis> for RecordingTime {
    /// Whatever it is, it is recorded then.
    fn from(now: UnixMillis) -> RecordingTime {
        RecordingTime {
            now,
            decided_until: now,
        }
    }
}

/// The clocks of all parks of this process.
pub struct ParkClocks {
    store: Arc<dyn EventStore>,
    wall: Arc<dyn Clock>,
    simulated: Mutex<BTreeMap<ParkId, Arc<SimulatedClock>>>,
}

/// Time that stands still between steps.
pub(crate) struct SimulatedClock {
    moments: Mutex<Moments>,
    /// One step at a time.
    pub(crate) stepping: tokio::sync::Mutex<()>,
}

/// `decided_until <= now`, and less only while reports follow, or while it is not known what is decided.
#[derive(Clone, Copy)]
struct Moments {
    now: UnixMillis,
    decided_until: UnixMillis,
    /// Read from the record, and nobody said since until when all is decided.
    is_restored: bool,
}

/// Why a park's time is not known.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The simulator has not begun.
    #[error(
        "the clock of park \"{0}\" is simulated and was never set; move it with ClockService.Advance, as the simulator does"
    )]
    NeverSet(ParkId),
    /// The record does not answer for now; ask again.
    #[error("{0}")]
    Unavailable(String),
    /// The caller tells the time of a park that goes by the wall's.
    #[error(
        "park \"{0}\" goes by wall time, which nobody tells; leave the call's park time out, or write clock = \"simulated\" in its definition"
    )]
    ToldInWallPark(ParkId),
    /// The store does not tell.
    #[error("the time of park \"{park}\" can't be read from the record: {reason}")]
    Unreadable {
        /// The park.
        park: ParkId,
        /// What is wrong.
        reason: String,
    },
}

impl ParkClocks {
    /// Clocks over the record that they go by after a restart, and the wall's clock.
    pub fn new(store: Arc<dyn EventStore>, wall: Arc<dyn Clock>) -> Arc<ParkClocks> {
        Arc::new(ParkClocks {
            store,
            wall,
            simulated: Mutex::new(BTreeMap::new()),
        })
    }

    /// What time it is in a park.
    pub async fn now(&self, park: &ParkDefinition) -> Result<UnixMillis, ClockError> {
        match self.now_or_never_set(park).await? {
            NEVER_SET => Err(ClockError::NeverSet(park.id.clone())),
            now => Ok(now),
        }
    }

    /// What time it is in a park, for what does not depend on it; [`NEVER_SET`] before the simulator has begun.
    pub async fn now_or_never_set(&self, park: &ParkDefinition) -> Result<UnixMillis, ClockError> {
        match park.clock {
            ParkClock::Wall => Ok(self.wall.now()),
            ParkClock::Simulated => Ok(self.simulated(&park.id).await?.now()),
        }
    }

    /// When what is reported now is recorded in a park.
    pub async fn recording_time(&self, park: &ParkDefinition) -> Result<RecordingTime, ClockError> {
        let time = self.recording_time_or_never_set(park).await?;
        match time.now {
            NEVER_SET => Err(ClockError::NeverSet(park.id.clone())),
            _ => Ok(time),
        }
    }

    /// The same, for what does not depend on it.
    pub async fn recording_time_or_never_set(
        &self,
        park: &ParkDefinition,
    ) -> Result<RecordingTime, ClockError> {
        match park.clock {
            ParkClock::Wall => Ok(self.wall.now().into()),
            ParkClock::Simulated => Ok(self.simulated(&park.id).await?.recording_time()),
        }
    }

    /// When what came with a told time is recorded, else as [`ParkClocks::recording_time_or_never_set`].
    pub async fn recording_time_of(
        &self,
        park: &ParkDefinition,
        told: Option<ToldTime>,
    ) -> Result<RecordingTime, ClockError> {
        let Some(told) = told else {
            return self.recording_time_or_never_set(park).await;
        };
        if park.clock == ParkClock::Wall {
            return Err(ClockError::ToldInWallPark(park.id.clone()));
        }
        self.simulated(&park.id).await?.open(told.now);
        Ok(told.into())
    }

    /// Until when all that is due in a park is known to be decided: now, before that while reports follow, and a day before
    /// the newest on record after a restart, until the simulator says what is.
    pub async fn decided_until(&self, park: &ParkDefinition) -> Result<UnixMillis, ClockError> {
        match park.clock {
            ParkClock::Wall => Ok(self.wall.now()),
            ParkClock::Simulated => Ok(self.simulated(&park.id).await?.decided_until()),
        }
    }

    /// The clock of a simulated park, from the record when it is asked for the first time.
    pub(crate) async fn simulated(&self, park: &ParkId) -> Result<Arc<SimulatedClock>, ClockError> {
        if let Some(clock) = self.lock().get(park) {
            return Ok(Arc::clone(clock));
        }
        let newest = self.newest_recorded_time(park).await?;
        let clock = Arc::new(SimulatedClock::restored(newest.unwrap_or(NEVER_SET)));
        // Another call may have been quicker; there is one clock.
        Ok(Arc::clone(self.lock().entry(park.clone()).or_insert(clock)))
    }

    async fn newest_recorded_time(&self, park: &ParkId) -> Result<Option<UnixMillis>, ClockError> {
        let unreadable = |reason: String| ClockError::Unreadable {
            park: park.clone(),
            reason,
        };
        let not_read = |error: ReadError| match error {
            ReadError::Unavailable(reason) => ClockError::Unavailable(reason),
            error => unreadable(error.to_string()),
        };
        let streams = self.store.streams_with_prefix("").await.map_err(not_read)?;
        let mut newest = None;
        for stream in streams {
            let Some(stream) = StreamName::parse(stream)
                .ok()
                .filter(|name| name.park() == park.as_str())
            else {
                continue;
            };
            // Time never goes back, so the last event of a stream has its newest time.
            let last = self.last_event(stream.as_str()).await.map_err(not_read)?;
            let Some(last) = last else { continue };
            let recorded = recorded_time(&last)
                .ok_or_else(|| unreadable(format!("the last event of {stream} has no time")))?;
            newest = newest.max(Some(recorded));
        }
        Ok(newest)
    }

    /// The store gives events from a revision on and does not say how many there are, so the last one is found by probing
    /// ahead: twice as far while there is something, then half as far.
    async fn last_event(&self, stream: &str) -> Result<Option<RecordedEvent>, ReadError> {
        let mut last = None;
        let (mut events_found, mut ahead, mut has_ended) = (0_u64, 1_u64, false);
        while ahead > 0 {
            let probed = self
                .store
                .read_stream(stream, events_found + ahead - 1, 1)
                .await?;
            match probed.into_iter().next() {
                Some(event) => {
                    events_found = event.revision + 1;
                    last = Some(event);
                }
                None => has_ended = true,
            }
            ahead = if has_ended { ahead / 2 } else { ahead * 2 };
        }
        Ok(last)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ParkId, Arc<SimulatedClock>>> {
        self.simulated
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimulatedClock {
    /// As the record knows it, whose newest event was recorded then.
    fn restored(newest: UnixMillis) -> SimulatedClock {
        let moments = Moments {
            now: newest,
            decided_until: match newest {
                NEVER_SET => NEVER_SET,
                newest => UnixMillis(newest.0 - LONGEST_OPEN_MS),
            },
            is_restored: true,
        };
        SimulatedClock {
            moments: Mutex::new(moments),
            stepping: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.moments().now
    }

    /// All that is due until then is known to be decided.
    pub(crate) fn decided_until(&self) -> UnixMillis {
        self.moments().decided_until
    }

    /// Without a told time, what comes after a restart is recorded now, whatever it says.
    fn recording_time(&self) -> RecordingTime {
        let moments = self.moments();
        match moments.is_restored {
            true => moments.now.into(),
            false => RecordingTime {
                now: moments.now,
                decided_until: moments.decided_until,
            },
        }
    }

    /// Whoever moves the clock says until when all is decided; it counts where that is not known here. Only whoever holds
    /// [`SimulatedClock::stepping`] may.
    pub(crate) fn take_over(&self, decided_until: UnixMillis) {
        let mut moments = self.moments();
        if moments.is_restored {
            moments.now = moments.now.max(decided_until);
            moments.decided_until = decided_until;
            moments.is_restored = false;
        }
    }

    /// Lets in what is reported up to `now`. Never back.
    pub(crate) fn open(&self, now: UnixMillis) {
        let mut moments = self.moments();
        moments.now = moments.now.max(now);
    }

    /// All that is due up to `moment` is decided, and it is no earlier than that. Only whoever holds
    /// [`SimulatedClock::stepping`] may; never back.
    pub(crate) fn decide_until(&self, moment: UnixMillis) {
        let mut moments = self.moments();
        moments.now = moments.now.max(moment);
        moments.decided_until = moments.decided_until.max(moment);
        if moments.decided_until == moments.now {
            moments.is_restored = false;
        }
    }

    fn moments(&self) -> MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When an event was recorded, by the clock of its park. `None`: its metadata is not ours.
///
/// Folds ask it of every event, so the metadata is not parsed as a whole where it is written as we write it: within a JSON
/// text a quote is escaped, so the attribute's name between quotes stands there once.
pub fn recorded_time(event: &RecordedEvent) -> Option<UnixMillis> {
    const ATTRIBUTE: &[u8] = b"\"recordedtime\":\"";
    let metadata = &event.metadata[..];
    let Some(place) = memchr::memmem::find(metadata, ATTRIBUTE) else {
        return parse_recorded_time(&Metadata::parse(metadata).ok()?.recordedtime);
    };
    let value = &metadata[place + ATTRIBUTE.len()..];
    let end = value.iter().position(|byte| *byte == b'"')?;
    parse_recorded_time(std::str::from_utf8(&value[..end]).ok()?)
}

/// Reads what [`UnixMillis`] prints: `2026-11-20T19:05:01.123Z`.
fn parse_recorded_time(text: &str) -> Option<UnixMillis> {
    let (seconds, fraction) = text.strip_suffix('Z')?.split_once('.')?;
    let seconds = parse_rfc3339_with_offset(&format!("{seconds}Z")).ok()?;
    let has_three_digits =
        fraction.len() == 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let millis: i64 = fraction.parse().ok().filter(|_| has_three_digits)?;
    Some(UnixMillis(seconds.0 * 1_000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn recorded_time_does_not_fall_within_a_stream() {
        let open = RecordingTime {
            now: UnixMillis(10_000),
            decided_until: UnixMillis(2_000),
        };
        let known_at = |seconds| Some(UnixSeconds(seconds));
        assert_eq!(open.of(known_at(5), None), UnixMillis(5_000));
        assert_eq!(
            open.of(known_at(5), Some(UnixMillis(7_000))),
            UnixMillis(7_000)
        );
        assert_eq!(
            open.of(known_at(5), Some(UnixMillis(4_000))),
            UnixMillis(5_000)
        );
        // What is late, and what nobody can know before, is recorded now.
        assert_eq!(open.of(known_at(2), None), UnixMillis(10_000));
        assert_eq!(open.of(None, None), UnixMillis(10_000));
        // A decision at a moment before the reports that came first.
        let decided = RecordingTime::from(UnixMillis(3_000));
        assert_eq!(
            decided.of(known_at(3), Some(UnixMillis(10_000))),
            UnixMillis(10_000)
        );
        // A clock that once was years ahead holds nothing up.
        let ahead = UnixMillis(3_000 + LONGEST_OPEN_MS + 1);
        assert_eq!(decided.of(None, Some(ahead)), UnixMillis(3_000));
    }

    #[test]
    fn nothing_of_the_last_day_is_decided_after_a_restart_until_somebody_says_so() {
        let newest = UnixMillis(100 * HOUR_MS);
        let clock = SimulatedClock::restored(newest);
        assert_eq!(clock.now(), newest);
        assert_eq!(
            clock.decided_until(),
            UnixMillis(newest.0 - LONGEST_OPEN_MS)
        );
        assert_eq!(clock.recording_time(), newest.into());
        clock.take_over(UnixMillis(98 * HOUR_MS));
        assert_eq!(clock.now(), newest);
        assert_eq!(clock.decided_until(), UnixMillis(98 * HOUR_MS));
        // Known by now.
        clock.take_over(UnixMillis(105 * HOUR_MS));
        assert_eq!(clock.decided_until(), UnixMillis(98 * HOUR_MS));
        clock.decide_until(UnixMillis(102 * HOUR_MS));
        assert_eq!(clock.recording_time(), UnixMillis(102 * HOUR_MS).into());
    }

    #[test]
    fn the_recorded_time_is_found_in_metadata_however_they_are_written() {
        let at = |metadata: String| {
            recorded_time(&RecordedEvent {
                position: crate::store::Position(1),
                stream: "energy.meter-p.a".into(),
                revision: 0,
                id: uuid::Uuid::nil(),
                event_type: "x.V1".into(),
                content_type: crate::store::ContentType::Binary,
                recorded: crate::store::Ticks(0),
                data: bytes::Bytes::new(),
                metadata: metadata.into(),
            })
        };
        let whole = |between: &str, actor: &str| {
            format!(
                "{{\"id\":\"i\",\"source\":\"s\",\"specversion\":\"1.0\",\"type\":\"t\",\"subject\":\"x\",\"time\":\"t\",\"actor\":\"{actor}\",\"recordedtime\"{between}\"2026-11-20T19:05:01.123Z\",\"schemaversion\":1}}"
            )
        };
        let expected = Some(UnixMillis(1_795_201_501_123));
        assert_eq!(at(whole(":", "local")), expected);
        assert_eq!(at(whole(" : ", "local")), expected);
        let sly = "\\\"recordedtime\\\":\\\"2000-01-01T00:00:00.000Z\\\"";
        assert_eq!(at(whole(":", sly)), expected);
        assert_eq!(at("{}".into()), None);
        assert_eq!(at("no metadata".into()), None);
    }

    #[test]
    fn a_recorded_time_reads_back_to_the_millisecond() {
        for millis in [0, 1, 999, 1_763_000_000_123, -1] {
            let text = UnixMillis(millis).to_string();
            assert_eq!(
                parse_recorded_time(&text),
                Some(UnixMillis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "2026-11-20T19:05:01Z",
            "2026-11-20T19:05:01.12Z",
            "2026-11-20T19:05:01.123+08:00",
        ] {
            assert_eq!(parse_recorded_time(text), None, "{text}");
        }
    }
}
