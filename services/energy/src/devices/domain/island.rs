//! Parts of the park that run without the public grid.

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::energy::v1::{IslandEndedV1, IslandStartedV1};

use super::{DeviceEvent, DeviceFact};

/// Everything a decision needs beside the node's own past.
#[derive(Clone, Debug)]
pub struct IslandContext {
    /// Park of the node.
    pub park: ParkId,
    /// What was separated from the grid.
    pub node: AssetId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// That a node runs by itself, or does no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IslandCommand {
    /// It left the grid.
    Start {
        /// When.
        time: UnixSeconds,
        /// The grid failed.
        grid_failed: bool,
    },
    /// It is connected again.
    End {
        /// When.
        time: UnixSeconds,
    },
}

/// A node, as its past left it.
#[derive(Default)]
pub struct Island {
    /// Since when it runs by itself, and whether the grid failed.
    running: Option<(UnixSeconds, bool)>,
    newest: Option<UnixSeconds>,
}

impl Island {
    /// Since when it runs by itself, and whether the grid failed.
    pub fn running(&self) -> Option<(UnixSeconds, bool)> {
        self.running
    }

    /// Decides about a report.
    pub fn decide(
        &self,
        context: &IslandContext,
        command: &IslandCommand,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        let (time, fact): (_, DeviceFact) = match (command, self.running) {
            (IslandCommand::Start { .. }, Some(_)) | (IslandCommand::End { .. }, None) => {
                return Ok(Vec::new());
            }
            (&IslandCommand::Start { time, grid_failed }, None) => {
                let started = IslandStartedV1 {
                    node: context.node.to_string(),
                    time_s: time.0,
                    grid_failed,
                };
                (time, started.into())
            }
            (&IslandCommand::End { time }, Some((started, _))) => {
                let ended = IslandEndedV1 {
                    node: context.node.to_string(),
                    started_s: started.0,
                    time_s: time.0,
                };
                (time, ended.into())
            }
        };
        if let Some(newest) = self.newest
            && time <= newest
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} was reported at {} already, and {} is no later; send what holds now",
                    context.node,
                    format_rfc3339_utc(newest),
                    format_rfc3339_utc(time)
                ),
            ));
        }
        refuse_future("time", time, context.now)?;
        Ok(vec![DeviceEvent::of(&context.park, fact)])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        match &event.fact {
            DeviceFact::IslandStartedV1(started) => {
                let time = UnixSeconds(started.time_s);
                self.running = Some((time, started.grid_failed));
                self.newest = Some(time);
            }
            DeviceFact::IslandEndedV1(ended) => {
                self.running = None;
                self.newest = Some(UnixSeconds(ended.time_s));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> IslandContext {
        IslandContext {
            park: ParkId::new("haotian").expect("valid"),
            node: AssetId::new("grid-connection").expect("valid"),
            now: UnixSeconds(1_000),
        }
    }

    fn start(time: i64) -> IslandCommand {
        IslandCommand::Start {
            time: UnixSeconds(time),
            grid_failed: true,
        }
    }

    fn end(time: i64) -> IslandCommand {
        IslandCommand::End {
            time: UnixSeconds(time),
        }
    }

    #[test]
    fn an_island_starts_and_ends_once_each() {
        let mut island = Island::default();
        assert_eq!(island.decide(&context(), &end(5)), Ok(Vec::new()));
        for (command, running) in [
            (start(10), Some((UnixSeconds(10), true))),
            (end(20), None),
            (start(30), Some((UnixSeconds(30), true))),
        ] {
            let events = island.decide(&context(), &command).expect("it may");
            assert_eq!(events.len(), 1);
            island.evolve(&events[0]);
            assert_eq!(island.running(), running);
            assert_eq!(island.decide(&context(), &command), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_report_from_before_the_newest_or_from_the_future_is_refused() {
        let mut island = Island::default();
        let events = island.decide(&context(), &start(10)).expect("it may");
        island.evolve(&events[0]);
        for time in [10, 9, 1_061] {
            let refusal = island
                .decide(&context(), &end(time))
                .expect_err("wrong time");
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::FailedPrecondition, "time"),
                "{refusal}"
            );
        }
    }
}
