//! The gRPC shell of the park clock, and the loop that carries out what is due.

use std::sync::Arc;
use std::time::Duration;

use terrarium_model::{ParkClock, ParkDefinition, ParkId, UnixMillis, format_rfc3339_utc};
use terrarium_proto::clock::v1 as wire;
use terrarium_proto::clock::v1::clock_service_server::{ClockService, ClockServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use tonic::{Code, Request, Response, Status};

use crate::clocks::{NEVER_SET, ParkClocks, SimulatedClock};
use crate::due::DueDecisions;
use crate::parks::Parks;
use crate::refusal::field_status;
use crate::store::{EventStore, Position};

pub(crate) const MAY_ADVANCE: &[Role] = &[Role::Simulator, Role::Admin];
/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
pub(crate) const LATEST_MS: i64 = 253_402_300_799_999;
/// Decisions that become due at one moment because of others at the same moment, at most so deep.
const MOST_ROUNDS_AT_ONE_MOMENT: u32 = 1_000;
/// Reports may follow over a day at most, so that whoever reads the record again knows how far they are out of order.
pub const LONGEST_OPEN_MS: i64 = 86_400_000;
/// How often parks that go by wall time are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Moves the clocks of simulated parks, and has everything decided that becomes due.
#[derive(Clone)]
pub struct ClockApi {
    clocks: Arc<ParkClocks>,
    parks: Arc<Parks>,
    store: Arc<dyn EventStore>,
    services: Arc<[Arc<dyn DueDecisions>]>,
}

impl ClockApi {
    /// Over the clocks that the services of this process go by, and those services that decide things because time moves
    /// on; they are asked in this order.
    pub fn new(
        store: Arc<dyn EventStore>,
        clocks: Arc<ParkClocks>,
        services: Vec<Arc<dyn DueDecisions>>,
    ) -> ClockApi {
        ClockApi {
            clocks,
            parks: Arc::new(Parks::new(Arc::clone(&store))),
            store,
            services: services.into(),
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> ClockServiceServer<ClockApi> {
        ClockServiceServer::new(self)
    }

    /// Carries out what is due in parks that go by wall time, until `shutdown`.
    pub async fn follow_wall_time(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.triggered() => return,
            }
            if let Err(status) = self.decide_in_wall_parks().await {
                tracing::warn!(%status, "what is due could not be decided; trying again");
            }
        }
    }

    async fn decide_in_wall_parks(&self) -> Result<(), Status> {
        const PREFIX: &str = "carbon.park-";
        let streams = self
            .store
            .streams_with_prefix(PREFIX)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let ids = streams
            .iter()
            .filter_map(|stream| ParkId::new(stream[PREFIX.len()..].split('.').next()?).ok());
        for id in ids {
            // One park that can't be read keeps no other from its deadlines.
            if let Err(status) = self.decide_in_wall_park(&id).await {
                tracing::warn!(park = %id, %status, "what is due could not be decided; trying again");
            }
        }
        Ok(())
    }

    async fn decide_in_wall_park(&self, id: &ParkId) -> Result<(), Status> {
        let park = self.parks.get(id).await?;
        if park.clock == ParkClock::Wall {
            let now = self.clocks.now(&park).await?;
            if self.next_due(&park).await?.is_some_and(|due| due <= now) {
                self.decide_due(&park, now).await?;
            }
        }
        Ok(())
    }

    async fn next_due(&self, park: &ParkDefinition) -> Result<Option<UnixMillis>, Status> {
        let mut earliest: Option<UnixMillis> = None;
        for service in &*self.services {
            let due = service.next_due(park).await?;
            earliest = earliest.into_iter().chain(due).min();
        }
        Ok(earliest)
    }

    async fn decide_due(
        &self,
        park: &ParkDefinition,
        now: UnixMillis,
    ) -> Result<Option<Position>, Status> {
        let mut recorded = None;
        for service in &*self.services {
            recorded = recorded.max(service.decide_due(park, now).await?);
        }
        Ok(recorded)
    }

    /// Moves a simulated park's time to `to`, by way of every moment at which something is due; where reports follow, without
    /// deciding anything.
    async fn advance_park(
        &self,
        park: &ParkDefinition,
        to: UnixMillis,
        step: Step,
    ) -> Result<Option<Position>, Status> {
        let clock = self.clocks.simulated(&park.id).await?;
        let _step = clock.stepping.lock().await;
        if let Some(decided_until) = step.decided_until {
            clock.take_over(decided_until);
        }
        let decided_until = clock.decided_until();
        if to < decided_until {
            return Err(field_status(
                Code::InvalidArgument,
                "now_ms",
                format!(
                    "{} ({}) is before {} ({}), until when all is decided in park {}; time never goes back",
                    to.0,
                    format_rfc3339_utc(to.seconds()),
                    decided_until.0,
                    format_rfc3339_utc(decided_until.seconds()),
                    park.id,
                ),
            ));
        }
        if step.reports_follow {
            open(park, &clock, to)?;
            return Ok(None);
        }
        let mut recorded = None;
        let mut rounds_at_moment = 0;
        let mut moment = clock.decided_until();
        while let Some(due) = self.next_due(park).await?.filter(|due| *due <= to) {
            rounds_at_moment = if due > moment {
                1
            } else {
                rounds_at_moment + 1
            };
            if rounds_at_moment > MOST_ROUNDS_AT_ONE_MOMENT {
                return Err(Status::internal(format!(
                    "in park {} something stays due at {}, however often it is decided",
                    park.id,
                    format_rfc3339_utc(due.seconds())
                )));
            }
            // What was due before all this (nobody asked while the process was away) is decided now.
            moment = moment.max(due);
            recorded = recorded.max(self.decide_due(park, moment).await?);
            clock.decide_until(moment);
        }
        clock.decide_until(to);
        Ok(recorded)
    }

    async fn park(&self, park: &str) -> Result<Arc<ParkDefinition>, Status> {
        let park = ParkId::new(park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        Ok(self.parks.get(&park).await?)
    }
}

/// How a clock is moved.
struct Step {
    reports_follow: bool,
    /// What the caller knows of it.
    decided_until: Option<UnixMillis>,
}

/// Lets in what is reported up to `to`; it is decided later.
fn open(park: &ParkDefinition, clock: &SimulatedClock, to: UnixMillis) -> Result<(), Status> {
    let now = clock.now();
    if now == NEVER_SET {
        return Err(field_status(
            Code::FailedPrecondition,
            "reports_follow",
            format!(
                "the clock of park {} was never set; advance it without reports_follow to the moment from which reports follow, \
                 or say decided_until_ms",
                park.id
            ),
        ));
    }
    // Whoever does not say so goes on from where the clock stands.
    clock.take_over(now);
    let decided_until = clock.decided_until();
    if to.0 - decided_until.0 > LONGEST_OPEN_MS {
        return Err(field_status(
            Code::InvalidArgument,
            "now_ms",
            format!(
                "{} is more than a day after {}, until when all is decided in park {}; send fewer reports together",
                format_rfc3339_utc(to.seconds()),
                format_rfc3339_utc(decided_until.seconds()),
                park.id
            ),
        ));
    }
    clock.open(to);
    Ok(())
}

#[tonic::async_trait]
impl ClockService for ClockApi {
    async fn advance(
        &self,
        request: Request<wire::AdvanceRequest>,
    ) -> Result<Response<wire::AdvanceResponse>, Status> {
        actor(&request)?.require(MAY_ADVANCE, &request.get_ref().park)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        if park.clock == ParkClock::Wall {
            return Err(field_status(
                Code::FailedPrecondition,
                "park",
                format!(
                    "park {} goes by wall time, which nobody moves; write clock = \"simulated\" in its definition to simulate it",
                    park.id
                ),
            ));
        }
        if !(1..=LATEST_MS).contains(&request.now_ms) {
            return Err(field_status(
                Code::InvalidArgument,
                "now_ms",
                format!(
                    "{} is no time from 1970 to 9999; send milliseconds since 1970-01-01T00:00:00Z",
                    request.now_ms
                ),
            ));
        }
        let told_ms = request.decided_until_ms;
        if told_ms.is_some_and(|told_ms| !(1..=request.now_ms).contains(&told_ms)) {
            return Err(field_status(
                Code::InvalidArgument,
                "decided_until_ms",
                "it is no time up to now_ms; send until when all is decided, or leave it out",
            ));
        }
        let to = UnixMillis(request.now_ms);
        let step = Step {
            reports_follow: request.reports_follow,
            decided_until: told_ms.map(UnixMillis),
        };
        let recorded = self.advance_park(&park, to, step).await?;
        Ok(Response::new(wire::AdvanceResponse {
            recorded_position: recorded.map(|position| position.0),
        }))
    }

    async fn get_now(
        &self,
        request: Request<wire::GetNowRequest>,
    ) -> Result<Response<wire::GetNowResponse>, Status> {
        actor(&request)?.require(&Role::ALL, &request.get_ref().park)?;
        let park = self.park(&request.get_ref().park).await?;
        let now = self.clocks.now_or_never_set(&park).await?;
        let decided_until = self.clocks.decided_until(&park).await?;
        let is_simulated = park.clock == ParkClock::Simulated;
        let is_known = !is_simulated || now != NEVER_SET;
        Ok(Response::new(wire::GetNowResponse {
            now_ms: is_known.then_some(now.0),
            is_simulated,
            decided_until_ms: is_known.then_some(decided_until.0),
        }))
    }
}
