//! What the network hands to the viewer. Values merge, so the viewer always gets the newest soon; everything else keeps its
//! order in a bounded queue that pushes back.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use terrarium_view_model::{Report, TwinDelta};
use tokio::sync::mpsc;

use crate::Wake;

/// Ordered reports that wait for the viewer at most; then alarms and pages wait on the network's side.
const MOST_ORDERED: usize = 1_024;

pub(crate) struct Lanes {
    values: Mutex<ValueLane>,
    ordered: mpsc::Sender<Report>,
    waiting: Mutex<Waiting>,
    /// Something was announced and not yet taken.
    is_announced: AtomicBool,
    wake: Wake,
    /// Updates merged into another before they were taken.
    pub(crate) merged: AtomicU64,
}

struct Waiting {
    ordered: mpsc::Receiver<Report>,
    refused: Vec<Report>,
}

/// The values of the present view that were not taken yet.
#[derive(Default)]
struct ValueLane {
    /// Of the view; what arrives for an older one is dropped.
    generation: u64,
    pending: Option<Pending>,
}

struct Pending {
    delta: TwinDelta,
    kind: ViewKind,
    arrived: Instant,
}

/// Whether values are those of now or of a moment of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Live,
    Replay { is_end: bool },
}

impl fmt::Debug for Lanes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lanes").finish_non_exhaustive()
    }
}

impl Lanes {
    pub(crate) fn new(wake: Wake) -> Lanes {
        let (ordered, receiver) = mpsc::channel(MOST_ORDERED);
        Lanes {
            values: Mutex::default(),
            ordered,
            waiting: Mutex::new(Waiting {
                ordered: receiver,
                refused: Vec::new(),
            }),
            is_announced: AtomicBool::new(false),
            wake,
            merged: AtomicU64::new(0),
        }
    }

    /// Another view is asked for: what came for the last one is dropped, now and later. The new view's generation.
    pub(crate) fn begin_view(&self) -> u64 {
        let mut lane = held(&self.values);
        lane.generation += 1;
        lane.pending = None;
        lane.generation
    }

    /// Values of a view. False: another view is asked for by now.
    pub(crate) fn put_values(&self, generation: u64, delta: TwinDelta, kind: ViewKind) -> bool {
        let mut lane = held(&self.values);
        if lane.generation != generation {
            return false;
        }
        match &mut lane.pending {
            Some(pending) => {
                pending.delta.merge(delta);
                pending.kind = kind;
                pending.arrived = Instant::now();
                self.merged.fetch_add(1, Ordering::Relaxed);
            }
            empty => {
                *empty = Some(Pending {
                    delta,
                    kind,
                    arrived: Instant::now(),
                });
            }
        }
        drop(lane);
        self.announce();
        true
    }

    /// Waits while the queue is full; gives up silently only when the viewer is gone.
    pub(crate) async fn put(&self, report: Report) {
        if self.ordered.send(report).await.is_ok() {
            self.announce();
        }
    }

    /// From the viewer's own thread, which must not wait.
    pub(crate) fn refuse_at_once(&self, report: Report) {
        held(&self.waiting).refused.push(report);
        self.announce();
    }

    /// Wakes the viewer once for everything that waits, so that a flood of messages is no flood of wake-ups.
    fn announce(&self) {
        if !self.is_announced.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    pub(crate) fn take(&self) -> Vec<Report> {
        self.is_announced.store(false, Ordering::Release);
        // Values are taken first and handed out last: every ordered report that came before them is then in.
        let values = held(&self.values).pending.take();
        let mut waiting = held(&self.waiting);
        let mut reports = std::mem::take(&mut waiting.refused);
        while let Ok(report) = waiting.ordered.try_recv() {
            reports.push(report);
        }
        drop(waiting);
        reports.extend(values.map(|pending| match pending.kind {
            ViewKind::Live => Report::Live {
                delta: pending.delta,
                waited_ms: u32::try_from(pending.arrived.elapsed().as_millis()).unwrap_or(u32::MAX),
            },
            ViewKind::Replay { is_end } => Report::Replay {
                delta: pending.delta,
                is_end,
            },
        }));
        reports
    }

    /// Nothing is taken any more: whoever waits for room stops waiting.
    pub(crate) fn close(&self) {
        held(&self.waiting).ordered.close();
    }
}

/// A lane holds whole values at every moment, so a panic elsewhere does not spoil it.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use terrarium_view_model::{Connection, Quality, Sample};

    use super::*;

    fn lanes() -> (Lanes, Arc<AtomicU32>) {
        let woken = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&woken);
        let wake: Wake = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        (Lanes::new(wake), woken)
    }

    fn delta(point: u32, value: i64, moment_ms: i64) -> TwinDelta {
        let sample = Sample {
            value,
            time_ms: moment_ms,
            recorded: Quality::Good,
        };
        TwinDelta {
            values: [(point, Some(sample))].into(),
            moment_ms,
            ..TwinDelta::default()
        }
    }

    #[test]
    fn values_merge_and_the_viewer_is_woken_once() {
        let (lanes, woken) = lanes();
        for step in 0..1_000 {
            assert!(lanes.put_values(
                0,
                delta(step % 7, i64::from(step), i64::from(step)),
                ViewKind::Live
            ));
        }
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        let reports = lanes.take();
        let [Report::Live { delta, .. }] = &reports[..] else {
            panic!("one merged report: {reports:?}");
        };
        assert_eq!(delta.values.len(), 7);
        assert_eq!(delta.moment_ms, 999);
        assert!(lanes.take().is_empty());
    }

    #[test]
    fn what_arrives_for_a_view_that_is_left_is_dropped() {
        let (lanes, _) = lanes();
        assert!(lanes.put_values(0, delta(1, 5, 10), ViewKind::Live));
        let generation = lanes.begin_view();
        assert!(!lanes.put_values(0, delta(1, 6, 11), ViewKind::Live));
        assert!(
            lanes.take().is_empty(),
            "nothing live may be shown in replay"
        );
        assert!(lanes.put_values(
            generation,
            delta(1, 2, 3),
            ViewKind::Replay { is_end: true }
        ));
        assert_eq!(lanes.take().len(), 1);
    }

    #[tokio::test]
    async fn ordered_reports_keep_their_order_and_push_back_when_nobody_takes_them() {
        let (lanes, _) = lanes();
        let lanes = Arc::new(lanes);
        for number in 0..MOST_ORDERED {
            let now_ms = i64::try_from(number).expect("small");
            let first_ms = None;
            lanes.put(Report::LiveMoment { first_ms, now_ms }).await;
        }
        let theirs = Arc::clone(&lanes);
        let waits =
            tokio::spawn(async move { theirs.put(Report::Connection(Connection::Live)).await });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished(), "a full lane makes the network wait");
        let reports = lanes.take();
        assert_eq!(reports.len(), MOST_ORDERED);
        assert!(matches!(reports[3], Report::LiveMoment { now_ms: 3, .. }));
        waits.await.expect("it goes on once there is room");
        assert_eq!(lanes.take(), [Report::Connection(Connection::Live)]);
    }
}
