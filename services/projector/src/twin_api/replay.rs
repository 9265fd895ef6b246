//! The state on the way from one moment to another.

use std::time::Duration;

use terrarium_journal::field_status;
use terrarium_proto::twin::v1 as wire;
use terrarium_twin::Cursor;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::{TwinApi, Updates};
use crate::twin_wire::{Told, values_to_wire};

const UPDATES_IN_FLIGHT: usize = 2;
const MOST_STEPS: u64 = 1_000_000;
/// Sleeping longer than this at once would be a century of a standing picture.
const LONGEST_PAUSE_S: f64 = 3e9;

/// The moments of a replay.
#[derive(Clone, Copy)]
struct Path {
    from_ms: i64,
    to_ms: i64,
    step_ms: u64,
    /// Park seconds per second; 0: no pace.
    speed: f64,
}

impl Path {
    fn of(request: &wire::ReplayRequest) -> Result<Path, Status> {
        let refused =
            |field: &str, message: String| Err(field_status(Code::InvalidArgument, field, message));
        if request.step_ms == 0 {
            return refused(
                "step_ms",
                "it is 0, and a replay would never move; give 1 or more".to_owned(),
            );
        }
        if !request.speed.is_finite() || request.speed < 0.0 {
            return refused(
                "speed",
                format!(
                    "{} is no speed; give park seconds per second, 0 for as fast as you take them; backwards is `to_ms` before \
                     `from_ms`",
                    request.speed
                ),
            );
        }
        let path = Path {
            from_ms: request.from_ms,
            to_ms: request.to_ms,
            step_ms: request.step_ms.into(),
            speed: request.speed,
        };
        if path.last_step() > MOST_STEPS {
            return refused(
                "step_ms",
                format!(
                    "from {} to {} it makes {} steps; make at most {MOST_STEPS} with longer ones",
                    path.from_ms,
                    path.to_ms,
                    path.last_step()
                ),
            );
        }
        Ok(path)
    }

    /// The start is step 0; the last one may be shorter.
    fn last_step(&self) -> u64 {
        self.from_ms.abs_diff(self.to_ms).div_ceil(self.step_ms)
    }

    fn moment_ms(&self, step: u64) -> i64 {
        let way_ms = self.from_ms.abs_diff(self.to_ms).min(step * self.step_ms);
        if self.to_ms < self.from_ms {
            self.from_ms.saturating_sub_unsigned(way_ms)
        } else {
            self.from_ms.saturating_add_unsigned(way_ms)
        }
    }

    /// How long after the start a step is due.
    fn due_after(&self, step: u64) -> Duration {
        if self.speed == 0.0 {
            return Duration::ZERO;
        }
        let seconds = (step * self.step_ms) as f64 / 1_000.0 / self.speed;
        Duration::from_secs_f64(seconds.min(LONGEST_PAUSE_S))
    }

    /// The last step that is due by now; at least the next one.
    fn step_due(&self, next: u64, elapsed: Duration) -> u64 {
        if self.speed == 0.0 {
            return next;
        }
        let due = elapsed.as_secs_f64() * self.speed * 1_000.0 / self.step_ms as f64;
        (due as u64).clamp(next, self.last_step())
    }
}

impl TwinApi {
    pub(super) fn start_replay(&self, request: wire::ReplayRequest) -> Result<Updates, Status> {
        let path = Path::of(&request)?;
        self.look(&request.park, |seen| {
            seen.require_moment("from_ms", path.from_ms)?;
            seen.require_moment("to_ms", path.to_ms)
        })?;
        let (updates, stream) = mpsc::channel(UPDATES_IN_FLIGHT);
        let api = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = api.replay(&request.park, path, &updates) => {}
                () = api.shutdown.triggered() => {}
                () = updates.closed() => {}
            }
        });
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    async fn replay(
        &self,
        park: &str,
        path: Path,
        updates: &mpsc::Sender<Result<wire::TwinUpdate, Status>>,
    ) {
        let started = Instant::now();
        let mut cursor = Cursor::default();
        let mut told = Told::default();
        let mut step = 0;
        loop {
            tokio::time::sleep_until(started + path.due_after(step)).await;
            let Ok(permit) = updates.reserve().await else {
                return;
            };
            step = path.step_due(step, started.elapsed());
            let is_last = step == path.last_step();
            let moment_ms = path.moment_ms(step);
            let update = self.look(park, |seen| {
                let changes = cursor.seek(seen.twin.points(), moment_ms);
                Ok(wire::TwinUpdate {
                    new_points: told.new_points(seen.twin, &changes.values),
                    values: Some(values_to_wire(&changes.values)),
                    cleared: changes.cleared.iter().map(|id| id.0).collect(),
                    moment_ms,
                    position: Some(seen.position),
                    head_position: self.projector.head(),
                    caught_up: is_last,
                })
            });
            let failed = update.is_err();
            permit.send(update);
            if failed || is_last {
                return;
            }
            step += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(from_ms: i64, to_ms: i64, step_ms: u32, speed: f64) -> Path {
        Path::of(&wire::ReplayRequest {
            park: "p".into(),
            from_ms,
            to_ms,
            step_ms,
            speed,
        })
        .expect("a path")
    }

    #[test]
    fn a_path_ends_where_it_was_asked_to_in_both_directions() {
        let moments = |path: Path| -> Vec<i64> {
            (0..=path.last_step())
                .map(|step| path.moment_ms(step))
                .collect()
        };
        assert_eq!(moments(path(0, 25, 10, 0.0)), [0, 10, 20, 25]);
        assert_eq!(moments(path(25, 0, 10, 0.0)), [25, 15, 5, 0]);
        assert_eq!(moments(path(7, 7, 10, 0.0)), [7]);
    }

    #[test]
    fn steps_that_a_slow_caller_missed_are_merged() {
        let path = path(0, 1_000_000, 1_000, 100.0);
        assert_eq!(path.due_after(100), Duration::from_secs(1));
        assert_eq!(path.step_due(3, Duration::from_millis(500)), 50);
        assert_eq!(path.step_due(60, Duration::from_millis(500)), 60);
        assert_eq!(path.step_due(3, Duration::from_secs(99)), 1_000);
    }
}
