//! One condition: limit, deadband and delays, or silence.

use terrarium_model::{AlarmTest, AlarmTrigger, UnixMillis};
use uuid::Uuid;

use super::Observation;

/// What a condition judges by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Observed {
    Value(Observation),
    /// The park's clock reached what was due.
    Due(UnixMillis),
}

/// The condition began or ceased to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) holds: bool,
    pub(super) time: UnixMillis,
    pub(super) value: Option<i64>,
    pub(super) limit: Option<i64>,
    pub(super) cause: Uuid,
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    test: AlarmTest,
    delay_ms: i64,
    off_delay_ms: i64,
    holds: bool,
    last_change: Option<Change>,
    pending: Option<Pending>,
    /// The newest report of a meter that is watched for silence.
    heard: Option<Observation>,
}

/// The condition would change, once its delay is over.
#[derive(Clone, Debug)]
struct Pending {
    change: Change,
    /// The park's clock ends the delay then.
    clock_due: UnixMillis,
}

impl Condition {
    pub(super) fn new(test: &AlarmTest, delay_s: u32, off_delay_s: u32) -> Condition {
        Condition {
            test: test.clone(),
            delay_ms: i64::from(delay_s) * 1_000,
            off_delay_ms: i64::from(off_delay_s) * 1_000,
            holds: false,
            last_change: None,
            pending: None,
            heard: None,
        }
    }

    /// Goes on from the same alarm under an earlier definition; what is new in this one judges by the newest that is known.
    pub(super) fn take_over(
        &mut self,
        before: Option<Condition>,
        newest: Option<Observation>,
    ) -> Vec<Change> {
        let mut is_as_before = false;
        if let Some(before) = before {
            is_as_before = self.test == before.test
                && self.delay_ms == before.delay_ms
                && self.off_delay_ms == before.off_delay_ms;
            self.holds = before.holds;
            self.last_change = before.last_change;
            if is_as_before {
                self.pending = before.pending;
                self.heard = before.heard;
            }
        }
        match (newest, &self.test) {
            (Some(heard), AlarmTest::Silent { .. }) => {
                if !is_as_before {
                    self.heard = Some(heard);
                    self.listen();
                }
                Vec::new()
            }
            (Some(newest), _) if !is_as_before => self.judge(Observed::Value(newest)),
            _ => Vec::new(),
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.holds
    }

    pub(super) fn last_change(&self) -> Option<&Change> {
        self.last_change.as_ref()
    }

    /// When the park's clock has something to say about it.
    pub(super) fn due(&self) -> Option<UnixMillis> {
        self.pending.as_ref().map(|pending| pending.clock_due)
    }

    /// Takes in what was observed, and gives what changed.
    pub(super) fn judge(&mut self, observed: Observed) -> Vec<Change> {
        let mut changes = Vec::new();
        match (observed, &self.test) {
            (Observed::Due(now), _) => {
                let is_due = |pending: &Pending| pending.clock_due <= now;
                if self.pending.as_ref().is_some_and(is_due) {
                    changes.extend(self.end_delay());
                    self.listen();
                }
            }
            (Observed::Value(heard), AlarmTest::Silent { after_s, .. }) => {
                let limit = Some(*after_s);
                self.heard = Some(heard);
                if self.holds && self.pending.is_none() {
                    let time = UnixMillis(heard.recorded.0.saturating_add(self.off_delay_ms));
                    self.pending = Some(Pending {
                        change: Change {
                            holds: false,
                            time,
                            value: Some(0),
                            limit,
                            cause: heard.event,
                        },
                        clock_due: time,
                    });
                }
                if self.holds && self.is_over_by(heard.recorded) {
                    changes.extend(self.end_delay());
                }
                self.listen();
            }
            (Observed::Value(observation), _) => self.judge_value(observation, &mut changes),
        }
        changes
    }

    /// A meter that is heard is silent when nothing more comes.
    fn listen(&mut self) {
        if let (AlarmTest::Silent { after_s, .. }, Some(heard), false) =
            (&self.test, self.heard, self.holds)
        {
            self.pending = Some(silence(heard, after_s * 1_000));
        }
    }

    fn judge_value(&mut self, observation: Observation, changes: &mut Vec<Change>) {
        // The old value held until this one began.
        if self.is_over_by(observation.start) {
            changes.extend(self.end_delay());
        }
        let Some((is_beyond, limit)) = self.is_beyond(observation.value) else {
            return;
        };
        if is_beyond == self.holds {
            self.pending = None;
            return;
        }
        if self.pending.is_none() {
            let delay_ms = if is_beyond {
                self.delay_ms
            } else {
                self.off_delay_ms
            };
            let change = Change {
                holds: is_beyond,
                time: UnixMillis(observation.time.0.saturating_add(delay_ms)),
                value: Some(observation.value),
                limit: Some(limit),
                cause: observation.event,
            };
            let clock_from = observation.time.max(observation.recorded);
            self.pending = Some(Pending {
                change,
                clock_due: UnixMillis(clock_from.0.saturating_add(delay_ms)),
            });
        }
        if self.is_over_by(observation.time) {
            changes.extend(self.end_delay());
        }
    }

    /// Whether a value is beyond the limit, and which limit it is about.
    fn is_beyond(&self, value: i64) -> Option<(bool, i64)> {
        match &self.test {
            AlarmTest::Point {
                trigger, deadband, ..
            } => Some(beyond(*trigger, *deadband, self.holds, value)),
            AlarmTest::BalanceOpen {
                limit, deadband, ..
            } => {
                let trigger = AlarmTrigger::Above(*limit);
                Some(beyond(trigger, *deadband, self.holds, value))
            }
            AlarmTest::Silent { .. } => None,
        }
    }

    /// Whether the delay is over at the time of a sample. What waits for a delay is as late as the delay ends.
    fn is_over_by(&self, time: UnixMillis) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| pending.change.time <= time)
    }

    fn end_delay(&mut self) -> Option<Change> {
        let pending = self.pending.take()?;
        Some(self.change(pending.change))
    }

    /// Time goes one way for an alarm: what is found out late counts from the change before it at the earliest.
    fn change(&mut self, mut change: Change) -> Change {
        if let Some(last) = &self.last_change {
            change.time = change.time.max(last.time);
        }
        self.holds = change.holds;
        self.last_change = Some(change.clone());
        change
    }
}

/// A meter that was just heard is silent when nothing more comes.
fn silence(heard: Observation, after_ms: i64) -> Pending {
    let due = UnixMillis(heard.recorded.0.saturating_add(after_ms));
    Pending {
        change: Change {
            holds: true,
            time: due,
            value: Some(after_ms / 1_000),
            limit: Some(after_ms / 1_000),
            cause: heard.event,
        },
        clock_due: due,
    }
}

/// Whether a value is beyond the limit, and which limit it is about. Once beyond, it stays so until it is inside by the
/// deadband.
fn beyond(trigger: AlarmTrigger, deadband: i64, was_beyond: bool, value: i64) -> (bool, i64) {
    let margin = if was_beyond { deadband } else { 0 };
    let above = |limit: i64| value > limit.saturating_sub(margin);
    let below = |limit: i64| value < limit.saturating_add(margin);
    match trigger {
        AlarmTrigger::Above(limit) => (above(limit), limit),
        AlarmTrigger::Below(limit) => (below(limit), limit),
        AlarmTrigger::Outside { low, high } => {
            let nearer_high = i128::from(value) * 2 > i128::from(low) + i128::from(high);
            let limit = if nearer_high { high } else { low };
            (above(high) || below(low), limit)
        }
    }
}
