//! The twin over gRPC.
//!
//! Nothing here keeps a queue: a stream looks at the twin when its caller can take an update, so that a slow caller gets
//! the newest state and the fold never waits for anybody. Locks are held for one look at a time.
//!
//! - `follow`: the state now and as it changes
//! - `replay`: the state on the way from one moment to another
//! - `history`: the course of points, and how many events there were when
//! - `events`: events around a moment

mod events;
mod follow;
mod history;
mod replay;

use std::pin::Pin;
use std::sync::Arc;

use terrarium_journal::{ParkClocks, field_status};
use terrarium_model::{ParkClock, ParkDefinition, ParkId, UnixMillis};
use terrarium_proto::twin::v1 as wire;
use terrarium_proto::twin::v1::twin_service_server::{TwinService, TwinServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use terrarium_twin::{Cursor, PointId, Value};
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};

use crate::follow::Projector;
use crate::twin::ParkTwin;
use crate::twin_wire::{Told, values_to_wire};

const MAY_READ: &[Role] = &[
    Role::Device,
    Role::Operator,
    Role::Auditor,
    Role::Partner,
    Role::Admin,
];

/// The twin service over a projector.
#[derive(Clone)]
pub struct TwinApi {
    projector: Arc<Projector>,
    clocks: Arc<ParkClocks>,
    shutdown: Shutdown,
}

/// A park under the projection's lock.
struct Seen<'a> {
    twin: &'a ParkTwin,
    definition: &'a Arc<ParkDefinition>,
    position: u64,
}

impl Seen<'_> {
    /// The park's time. Where the simulator moves the clock of another process, time has come at least as far as the
    /// events.
    fn now_ms(&self, clock: UnixMillis) -> i64 {
        let extent_ms = self.twin.points().events().extent_ms();
        match (self.definition.clock, extent_ms) {
            (ParkClock::Simulated, Some((_, last_ms))) => clock.0.max(last_ms),
            _ => clock.0,
        }
    }

    /// Passes if the moment lies in the record.
    fn require_moment(&self, field: &str, moment_ms: i64, clock: UnixMillis) -> Result<(), Status> {
        let extent_ms = self.twin.points().events().extent_ms();
        let Some((first_ms, last_ms)) = extent_ms else {
            return Err(field_status(
                Code::InvalidArgument,
                field,
                format!(
                    "nothing has happened in park {} yet; ask for its state now",
                    self.definition.id
                ),
            ));
        };
        let last_ms = last_ms.max(clock.0);
        if (first_ms..=last_ms).contains(&moment_ms) {
            return Ok(());
        }
        Err(field_status(
            Code::InvalidArgument,
            field,
            format!(
                "{moment_ms} ({}) is outside of the record, which goes from {first_ms} ({}) to {last_ms} ({})",
                UnixMillis(moment_ms),
                UnixMillis(first_ms),
                UnixMillis(last_ms)
            ),
        ))
    }
}

impl TwinApi {
    /// Serves what `projector` holds, by these clocks.
    pub fn new(projector: Arc<Projector>, clocks: Arc<ParkClocks>, shutdown: Shutdown) -> TwinApi {
        TwinApi {
            projector,
            clocks,
            shutdown,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> TwinServiceServer<TwinApi> {
        TwinServiceServer::new(self)
    }

    /// Checks the caller and waits until everything recorded before the question is folded, so that one reads what one
    /// wrote.
    async fn admit<T>(&self, request: &Request<T>, park: &str) -> Result<(), Status> {
        actor(request)?.require(MAY_READ, park)?;
        self.level().await
    }

    async fn level(&self) -> Result<(), Status> {
        if self.projector.caught_up().await {
            return Ok(());
        }
        Err(Status::unavailable(
            "the projection is still catching up with the record; try again in a moment",
        ))
    }

    /// Looks at a park. The fold waits meanwhile.
    fn look<R>(
        &self,
        park: &str,
        query: impl FnOnce(&Seen<'_>) -> Result<R, Status>,
    ) -> Result<R, Status> {
        let projection = self.projector.read();
        let known = ParkId::new(park).ok().and_then(|park| {
            let definition = projection.park(&park)?.definition()?;
            Some((definition, projection.twin(&park)?))
        });
        let Some((definition, twin)) = known else {
            return Err(field_status(
                Code::NotFound,
                "park",
                format!("no park \"{park}\" is defined here; `terrarium status` lists the parks"),
            ));
        };
        query(&Seen {
            twin,
            definition,
            position: projection.position().unwrap_or(0),
        })
    }

    /// What a park's clock says.
    async fn clock(&self, park: &str) -> Result<UnixMillis, Status> {
        let definition = self.look(park, |seen| Ok(seen.definition.clone()))?;
        self.clocks
            .now_or_never_set(&definition)
            .await
            .map_err(Status::from)
    }

    /// Passes if the record goes as far as this position.
    fn require_position(&self, field: &str, position: u64) -> Result<(), Status> {
        let head = self.projector.head();
        if head >= Some(position) {
            return Ok(());
        }
        let end = head.map_or("it is empty".to_owned(), |head| {
            format!("its last event is at {head}")
        });
        Err(field_status(
            Code::InvalidArgument,
            field,
            format!(
                "the record does not reach position {position}: {end}; leave it out for the state now"
            ),
        ))
    }

    async fn snapshot_at(
        &self,
        park: &str,
        moment: Option<wire::moment::At>,
    ) -> Result<wire::TwinUpdate, Status> {
        let clock = self.clock(park).await?;
        if let Some(wire::moment::At::Position(position)) = moment {
            self.require_position("moment.position", position)?;
        }
        self.look(park, |seen| {
            let points = seen.twin.points();
            let (values, moment_ms): (Vec<(PointId, Value)>, i64) = match moment {
                None => (points.changed_after(None).collect(), seen.now_ms(clock)),
                Some(wire::moment::At::Position(position)) => (
                    points.at_position(position).collect(),
                    points.events().last_ms_at_position(position).unwrap_or(0),
                ),
                Some(wire::moment::At::TimeMs(moment_ms)) => {
                    seen.require_moment("moment.time_ms", moment_ms, clock)?;
                    (Cursor::default().seek(points, moment_ms).values, moment_ms)
                }
            };
            let contained = match moment {
                Some(wire::moment::At::Position(position)) => position.min(seen.position),
                _ => seen.position,
            };
            Ok(wire::TwinUpdate {
                new_points: Told::default().new_points(seen.twin, &values),
                values: Some(values_to_wire(&values)),
                cleared: Vec::new(),
                moment_ms,
                position: Some(contained),
                head_position: self.projector.head(),
                caught_up: true,
            })
        })
    }
}

fn park_summary(seen: &Seen<'_>, clock: UnixMillis) -> wire::ParkSummary {
    let extent_ms = seen.twin.points().events().extent_ms();
    wire::ParkSummary {
        park: seen.definition.id.to_string(),
        name_en: seen.definition.name.en.clone(),
        name_zh: seen.definition.name.zh.clone(),
        first_ms: extent_ms.map(|(first_ms, _)| first_ms),
        last_ms: extent_ms.map(|(_, last_ms)| last_ms),
        now_ms: seen.now_ms(clock),
    }
}

fn definition_at(
    seen: &Seen<'_>,
    moment: Option<wire::moment::At>,
) -> Result<wire::GetParkResponse, Status> {
    let up_to = match moment {
        Some(wire::moment::At::Position(position)) => position,
        _ => seen.position,
    };
    let definitions = seen.twin.definitions().iter();
    let recorded = definitions
        .rev()
        .find(|definition| definition.position <= up_to)
        .ok_or_else(|| {
            field_status(
                Code::NotFound,
                "moment.position",
                format!(
                    "park {} was not defined yet at position {up_to}; ask for a later one",
                    seen.definition.id
                ),
            )
        })?;
    Ok(wire::GetParkResponse {
        park: seen.definition.id.to_string(),
        definition: recorded.toml.to_string(),
        position: recorded.position,
    })
}

type Updates = Pin<Box<dyn Stream<Item = Result<wire::TwinUpdate, Status>> + Send>>;

#[tonic::async_trait]
impl TwinService for TwinApi {
    type FollowStream = Updates;
    type ReplayStream = Updates;

    async fn list_parks(
        &self,
        request: Request<wire::ListParksRequest>,
    ) -> Result<Response<wire::ListParksResponse>, Status> {
        let caller = actor(&request)?;
        caller.require_role(MAY_READ)?;
        self.level().await?;
        let visible: Vec<String> = {
            let projection = self.projector.read();
            let parks = projection.parks().iter();
            parks
                .filter(|(_, ledger)| ledger.definition().is_some())
                .map(|(park, _)| park.to_string())
                .filter(|park| caller.park.as_deref().is_none_or(|own| own == park))
                .collect()
        };
        let mut parks = Vec::with_capacity(visible.len());
        for park in &visible {
            let clock = self.clock(park).await?;
            parks.push(self.look(park, |seen| Ok(park_summary(seen, clock)))?);
        }
        Ok(Response::new(wire::ListParksResponse { parks }))
    }

    async fn get_park(
        &self,
        request: Request<wire::GetParkRequest>,
    ) -> Result<Response<wire::GetParkResponse>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        let request = request.into_inner();
        let moment = request.moment.and_then(|moment| moment.at);
        if let Some(wire::moment::At::Position(position)) = moment {
            self.require_position("moment.position", position)?;
        }
        self.look(&request.park, |seen| definition_at(seen, moment))
            .map(Response::new)
    }

    async fn snapshot(
        &self,
        request: Request<wire::SnapshotRequest>,
    ) -> Result<Response<wire::TwinUpdate>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        let request = request.into_inner();
        let moment = request.moment.and_then(|moment| moment.at);
        self.snapshot_at(&request.park, moment)
            .await
            .map(Response::new)
    }

    async fn follow(
        &self,
        request: Request<wire::FollowRequest>,
    ) -> Result<Response<Updates>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        self.start_follow(request.into_inner()).map(Response::new)
    }

    async fn replay(
        &self,
        request: Request<wire::ReplayRequest>,
    ) -> Result<Response<Updates>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        self.start_replay(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn history(
        &self,
        request: Request<wire::HistoryRequest>,
    ) -> Result<Response<wire::HistoryResponse>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        self.histories(request.get_ref()).map(Response::new)
    }

    async fn density(
        &self,
        request: Request<wire::DensityRequest>,
    ) -> Result<Response<wire::DensityResponse>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        self.event_density(request.get_ref()).map(Response::new)
    }

    async fn list_events(
        &self,
        request: Request<wire::ListEventsRequest>,
    ) -> Result<Response<wire::ListEventsResponse>, Status> {
        self.admit(&request, &request.get_ref().park).await?;
        self.events_around(request.get_ref())
            .await
            .map(Response::new)
    }
}
