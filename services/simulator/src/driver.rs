//! Sends what a park's devices report to the public gRPC APIs, step by step, and moves the park's clock.
//!
//! Several steps go out together, in two phases: the clock is opened up to the end of the last of them, all their reports are
//! sent, device beside device, in batches (each device's in their order), and then everything is decided that became due on the
//! way, in the order of time, by what was reported until then. So what devices report and services decide, alarms included, is
//! the same whatever the bundle's size. Commands follow, dated by the park's clock: a step with one (a valve opens, a crew is
//! called) is the last of its bundle, and one that says something that a service waits for with a deadline is the first. A step
//! that says something of another time than its own is a bundle of its own; so is each step while somebody waits for an answer,
//! because what is missed stands in the record between the reports of two steps then.
//!
//! Each call tells the bundle's time, so that a server that is killed in the middle of a bundle and started again records the
//! rest of it as if nothing had happened.

mod asks;
mod bundle;
mod clients;
mod sending;
mod steps;
mod tally;

use std::time::{Duration, Instant};

use terrarium_model::{ParkId, UnixMillis, UnixSeconds};
use terrarium_proto::carbon::v1::DefineParkRequest;
use terrarium_proto::clock::v1::{AdvanceRequest, GetNowRequest};
use terrarium_proto::ledger::v1::GetStateRequest;
use terrarium_runtime::AuthorizedChannel;
use thiserror::Error;
use tonic::{Code, Status};

pub use tally::{Rejected, Tally};

use crate::faults::FaultyDelivery;
use crate::park::ParkSimulation;
use asks::Asks;
use clients::Clients;
use steps::Steps;

/// How fast simulated time passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// As fast as the services acknowledge.
    Batch,
    /// So many times as fast as the wall's clock; 1 is real time.
    Times(f64),
}

/// How a run goes.
#[derive(Debug, Clone)]
pub struct DriveOptions {
    /// The last step ends then, or before.
    pub until: UnixSeconds,
    pub speed: Speed,
    /// Steps that are sent together at [`Speed::Batch`].
    pub steps_together: u32,
    /// How long without an answer until giving up.
    pub retry_for: Duration,
}

/// Where a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Everything until then is acknowledged.
    pub through: UnixSeconds,
    pub steps: u64,
    pub tally: &'a Tally,
}

/// Why a run stopped before its end.
#[derive(Debug, Error)]
pub enum DriveError {
    /// The server refused a call that has nothing to do with a single report.
    #[error("{call}: {}", .status.message())]
    Refused {
        call: &'static str,
        status: Box<Status>,
    },
    /// The server was away for too long.
    #[error(
        "{call}: gave up after {seconds} s without an answer ({}); run the same command again, it goes on where the record ends",
        .status.message()
    )]
    Unavailable {
        call: &'static str,
        seconds: u64,
        status: Box<Status>,
    },
    /// The park goes by the wall's clock and the run lies ahead of it.
    #[error(
        "park {park} goes by the wall's clock and it is {now} there, so nothing after that can be reported; write clock = \"simulated\" in its definition, or choose an earlier --to"
    )]
    AheadOfTheWall { park: ParkId, now: UnixSeconds },
}

/// What a park's server says of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkTime {
    pub is_simulated: bool,
    /// `None`: the simulated clock was never set.
    pub now: Option<UnixSeconds>,
    /// All that was due until then is known to be decided; before `now` where a run was cut off between reports and decisions,
    /// and by a day after a restart of the server, which does not know it any more.
    pub decided_until: Option<UnixSeconds>,
}

impl ParkTime {
    /// Whether it is not known that all is decided that became due in a bundle that ends then.
    fn is_undecided(&self, through: UnixSeconds) -> bool {
        self.decided_until.is_none_or(|decided| through > decided)
    }

    /// Whether the park was not there before.
    fn is_ahead(&self, through: UnixSeconds) -> bool {
        let is_open = self.decided_until < self.now;
        self.now
            .is_none_or(|now| through > now || (through == now && is_open))
    }
}

/// The most steps that may be sent together.
pub const MOST_STEPS_TOGETHER: u32 = 96;
/// Services take reports of a day together at most.
const MOST_TOGETHER_S: i64 = 86_400;

/// A park's devices as clients of its services.
pub struct Driver {
    park: ParkId,
    clients: Clients,
    retry_for: Duration,
    /// What became of everything sent so far.
    pub tally: Tally,
}

impl Driver {
    /// Devices of a park that report over a channel.
    pub fn new(channel: AuthorizedChannel, park: ParkId, retry_for: Duration) -> Driver {
        Driver {
            park,
            clients: Clients::new(channel),
            retry_for,
            tally: Tally::default(),
        }
    }

    /// Whether the server knows the park.
    pub async fn is_defined(&self) -> Result<bool, DriveError> {
        let call = "LedgerService.GetState";
        let state = sending::patiently(call, self.retry_for, || {
            let mut ledger = self.clients.ledger.clone();
            async move { ledger.get_state(GetStateRequest { hashes: false }).await }
        })
        .await?;
        Ok(state
            .parks
            .iter()
            .any(|park| park.park == self.park.as_str()))
    }

    /// Defines the park.
    pub async fn define(&self, definition_toml: &str) -> Result<(), DriveError> {
        let call = "CarbonService.DefinePark";
        sending::patiently(call, self.retry_for, || {
            let mut carbon = self.clients.carbon.clone();
            let request = DefineParkRequest {
                definition_toml: definition_toml.to_owned(),
                client_request_id: format!("simulate-{}", self.park),
            };
            async move { carbon.define_park(request).await }
        })
        .await?;
        Ok(())
    }

    /// What time it is in the park.
    pub async fn time(&self) -> Result<ParkTime, DriveError> {
        let answer = sending::patiently("ClockService.GetNow", self.retry_for, || {
            let mut clock = self.clients.clock.clone();
            let park = self.park.to_string();
            async move { clock.get_now(GetNowRequest { park }).await }
        })
        .await?;
        Ok(ParkTime {
            is_simulated: answer.is_simulated,
            now: answer.now_ms.map(|now_ms| UnixMillis(now_ms).seconds()),
            decided_until: answer
                .decided_until_ms
                .map(|decided_ms| UnixMillis(decided_ms).seconds()),
        })
    }

    /// Steps the park until the end of the run. Steps that the record has already are taken without sending, but for
    /// those of the last bundle, which may have been cut off in the middle; sent again they change nothing.
    pub async fn run(
        &mut self,
        simulation: &mut ParkSimulation,
        faults: &mut FaultyDelivery,
        options: &DriveOptions,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<(), DriveError> {
        let time = self.time().await?;
        if !time.is_simulated && time.now.is_some_and(|now| now < options.until) {
            let now = time.now.unwrap_or_default();
            let park = self.park.clone();
            return Err(DriveError::AheadOfTheWall { park, now });
        }
        let steps_together = match options.speed {
            Speed::Batch => options.steps_together.max(1),
            Speed::Times(_) => 1,
        };
        if time.is_simulated && time.now.is_none() {
            // Reports follow a moment that the clock knows.
            self.advance(simulation.next_start(), None).await?;
        }
        let recorded = time.now.filter(|_| time.is_simulated);
        let mut pace: Option<(Instant, UnixSeconds)> = None;
        // What an earlier run was asked for and did is done again when its time comes.
        let mut asks = Asks::default();
        match recorded {
            Some(now) => {
                self.clients.tell_time(now, now);
                self.answer_asks(&mut asks, simulation, now).await?;
            }
            None => {
                asks.read(&self.clients, &self.park, simulation, self.retry_for)
                    .await?;
            }
        }
        let is_paced = matches!(options.speed, Speed::Times(_));
        let mut stands_at = recorded;
        let mut steps = Steps::new(simulation, faults, options.until);
        loop {
            let most_steps = if asks.is_open() { 1 } else { steps_together };
            let Some(bundle) = steps.bundle(&self.park, most_steps) else {
                return Ok(());
            };
            let (from, through) = (bundle.from, bundle.through);
            // The run before this one may have sent more steps together.
            let margin_s = i64::from(MOST_STEPS_TOGETHER * steps.interval_s()).min(MOST_TOGETHER_S);
            if recorded.is_some_and(|recorded| through.0 + margin_s <= recorded.0) {
                continue;
            }
            if let Speed::Times(times) = options.speed
                && time.is_ahead(through)
            {
                let (since, from) = *pace.get_or_insert_with(|| (Instant::now(), through));
                let simulated_s = (through.0 - from.0) as f64 / times;
                let due = since + Duration::from_secs_f64(simulated_s.max(0.0));
                tokio::time::sleep_until(due.into()).await;
            }
            let moves_time = time.is_simulated && time.is_undecided(through);
            if time.is_simulated {
                self.clients.tell_time(from, through);
            }
            if moves_time {
                self.open(through, from).await?;
            }
            let tally = sending::send_reports(&self.clients, &bundle, self.retry_for).await?;
            self.tally.add(tally);
            if moves_time {
                // Asked since the last step: answered before the deadline is decided on.
                if let Some(before) = stands_at.filter(|_| is_paced) {
                    self.answer_asks(&mut asks, steps.simulation(), before)
                        .await?;
                }
                self.advance(through, Some(from)).await?;
                stands_at = Some(through);
            }
            if time.is_simulated {
                self.clients.tell_time(through, through);
            }
            // An earlier run went on only after its commands were answered. What was refused then because of somebody else's
            // command must not be taken now that this one is over.
            if recorded.is_none_or(|recorded| through >= recorded) {
                let tally = sending::send_commands(&self.clients, &bundle, self.retry_for).await?;
                self.tally.add(tally);
            }
            if moves_time {
                self.answer_asks(&mut asks, steps.simulation(), through)
                    .await?;
            }
            progress(Progress {
                through,
                steps: steps.taken(),
                tally: &self.tally,
            });
        }
    }

    /// Whoever asked while the clock stood still is answered, as far as devices answer.
    async fn answer_asks(
        &mut self,
        asks: &mut Asks,
        simulation: &mut ParkSimulation,
        now: UnixSeconds,
    ) -> Result<(), DriveError> {
        asks.read(&self.clients, &self.park, simulation, self.retry_for)
            .await?;
        if asks.is_open() {
            let answers = asks.answers(&self.park, simulation.seed(), now);
            let sent = sending::send_answers(&self.clients, &answers, self.retry_for);
            self.tally.add(sent.await?);
            // So that they hold from the step on that they would hold from in a run that reads them from the record.
            asks.read(&self.clients, &self.park, simulation, self.retry_for)
                .await?;
        }
        Ok(())
    }

    /// Reports up to `to` follow.
    async fn open(
        &mut self,
        to: UnixSeconds,
        decided_until: UnixSeconds,
    ) -> Result<(), DriveError> {
        self.move_clock(to, Some(decided_until), true).await
    }

    /// All that was due up to `to` is decided, from the moment on until when it is already, if that is known.
    async fn advance(
        &mut self,
        to: UnixSeconds,
        decided_until: Option<UnixSeconds>,
    ) -> Result<(), DriveError> {
        self.move_clock(to, decided_until, false).await
    }

    async fn move_clock(
        &mut self,
        to: UnixSeconds,
        decided_until: Option<UnixSeconds>,
        reports_follow: bool,
    ) -> Result<(), DriveError> {
        let answer = sending::patiently("ClockService.Advance", self.retry_for, || {
            let mut clock = self.clients.clock.clone();
            let request = AdvanceRequest {
                park: self.park.to_string(),
                now_ms: to.0 * 1_000,
                reports_follow,
                decided_until_ms: decided_until.map(|decided| decided.0 * 1_000),
            };
            async move { clock.advance(request).await }
        })
        .await?;
        let position = answer.recorded_position.unwrap_or_default();
        self.tally.position = self.tally.position.max(position);
        Ok(())
    }
}

impl DriveError {
    fn refused(call: &'static str, status: Status) -> DriveError {
        DriveError::Refused {
            call,
            status: Box::new(status),
        }
    }

    /// Whether trying again later may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, DriveError::Unavailable { .. })
    }
}

/// Whether a status is about the one report or command, not about the server or us.
fn is_about_the_report(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
    )
}
