//! The gRPC shell of a service: who may call, which park it is about, and from the wire to the desk and back.
//!
//! ```text
//! request -> Shell::call (role, park, trail, clock) -> Call -> Call::report | Call::answer -> Desk -> response
//! ```

use std::sync::Arc;

use terrarium_model::{ParkDefinition, ParkId, UnixSeconds};
use terrarium_proto::{ParkRequest, RecordedAnswer, ReportAnswer};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};

use crate::aggregate::Aggregate;
use crate::clocks::{ClockError, NEVER_SET, ParkClocks, RecordingTime};
use crate::desk::Desk;
use crate::parks::Parks;
use crate::provenance::Provenance;
use crate::refusal::field_status;
use crate::rejection::Rejection;
use crate::reports::{
    Addressed, ReportOutcome, Reports, refuse_too_many_reports, take_in_required_request_id,
};
use crate::store::EventStore;
use crate::stream::StreamName;
use crate::told_time::ToldTime;

/// Who may report what happened.
pub const MAY_REPORT: &[Role] = &[Role::Device, Role::Operator, Role::Simulator, Role::Admin];
/// Who may give commands and decide.
pub const MAY_COMMAND: &[Role] = &[Role::Operator, Role::Simulator, Role::Admin];
/// Who may verify what others closed.
pub const MAY_VERIFY: &[Role] = &[Role::Auditor, Role::Admin];
/// Who may read.
pub const MAY_READ: &[Role] = &Role::ALL;

/// What every service stands on.
#[derive(Clone)]
pub struct Shell {
    store: Arc<dyn EventStore>,
    parks: Arc<Parks>,
    clocks: Arc<ParkClocks>,
}

/// A request that may be carried out.
pub struct Call<R> {
    /// The park it is about.
    pub park: Arc<ParkDefinition>,
    /// What was sent.
    pub message: R,
    /// The park's time; [`NEVER_SET`] before the simulator has begun.
    pub now: UnixSeconds,
    /// Nothing is decided while the park has no time yet.
    needs_time: bool,
    decided_at: RecordingTime,
    provenance: Provenance,
}

impl Shell {
    /// Over a store.
    pub fn new(store: Arc<dyn EventStore>, clocks: Arc<ParkClocks>) -> Shell {
        Shell {
            parks: Arc::new(Parks::new(Arc::clone(&store))),
            store,
            clocks,
        }
    }

    /// Lets a request in: its caller has one of the roles, and its park is defined.
    pub async fn call<R: ParkRequest>(
        &self,
        request: Request<R>,
        allowed: &[Role],
    ) -> Result<Call<R>, Status> {
        actor(&request)?.require(allowed, request.get_ref().park())?;
        let provenance = Provenance::of_request(&request, request.get_ref().client_request_id())?;
        let told = ToldTime::of_request(&request, request.get_ref().park())?;
        let message = request.into_inner();
        let park = ParkId::new(message.park())
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        let park = self.parks.get(&park).await?;
        let decided_at = self.clocks.recording_time_of(&park, told).await?;
        Ok(Call {
            park,
            message,
            now: decided_at.now().seconds(),
            needs_time: true,
            decided_at,
            provenance,
        })
    }

    /// Ids of all aggregates of one kind that a park has, in order.
    pub async fn ids<A: Aggregate>(&self, park: &ParkDefinition) -> Result<Vec<String>, Status> {
        let prefix = format!("{}.{}-{}.", A::DOMAIN, A::KIND, park.id);
        let mut streams = self
            .store
            .streams_with_prefix(&prefix)
            .await
            .map_err(|error| Status::unavailable(format!("{error}; send again")))?;
        streams.sort();
        Ok(streams
            .iter()
            .map(|stream| stream[prefix.len()..].to_owned())
            .collect())
    }
}

/// The stream of an aggregate.
pub fn stream_of<A: Aggregate>(park: &ParkDefinition, id: &str) -> StreamName {
    StreamName::new(A::DOMAIN, A::KIND, park.id.as_str(), id)
}

impl<R> Call<R> {
    /// A command for an aggregate of the park.
    pub fn address<A: Aggregate>(
        &self,
        id: &str,
        context: A::Context,
        command: A::Command,
    ) -> Addressed<A> {
        Addressed {
            stream: stream_of::<A>(&self.park, id),
            context,
            command,
        }
    }

    /// Lets it be decided while the park has no time yet: what it says does not depend on it.
    pub fn at_any_time(self) -> Call<R> {
        Call {
            needs_time: false,
            ..self
        }
    }

    fn recorded_time(&self) -> Result<RecordingTime, Status> {
        if self.needs_time && self.decided_at.now() == NEVER_SET {
            return Err(ClockError::NeverSet(self.park.id.clone()).into());
        }
        Ok(self.decided_at)
    }

    /// The caller's own id of a command, which a command needs.
    pub fn command_id(&self) -> Result<Arc<str>, Status> {
        take_in_required_request_id(&self.provenance)
    }

    /// Name of the caller's credential.
    pub fn actor(&self) -> &str {
        &self.provenance.actor
    }

    /// Looks at an aggregate as it is now.
    pub async fn look<A: Aggregate, T>(
        &self,
        desk: &Desk<A>,
        id: &str,
        look: impl FnOnce(&A) -> T,
    ) -> Result<T, Status> {
        Ok(desk.look(&stream_of::<A>(&self.park, id), look).await?)
    }

    /// Decides about one command and waits until it is on disk. Gives the new events (none: it was so already) and a position
    /// that covers all they rest on.
    pub async fn carry_out<A: Aggregate<Rejection = Rejection>>(
        &self,
        desk: &Arc<Desk<A>>,
        addressed: Addressed<A>,
    ) -> Result<(Vec<A::Event>, u64), Status> {
        let recorded_time = self.recorded_time()?;
        desk.carry_out(addressed, recorded_time, self.provenance.clone())
            .await
    }

    /// As [`Call::carry_out`]; gives the answer.
    pub async fn answer<A: Aggregate<Rejection = Rejection>, Answer: RecordedAnswer>(
        &self,
        desk: &Arc<Desk<A>>,
        addressed: Addressed<A>,
    ) -> Result<Response<Answer>, Status> {
        let (events, recorded_position) = self.carry_out(desk, addressed).await?;
        Ok(Response::new(Answer::new(
            recorded_position,
            !events.is_empty(),
        )))
    }

    /// Decides about many reports and waits until they are on disk.
    pub async fn record<A: Aggregate<Rejection = Rejection>, One>(
        &self,
        desk: &Arc<Desk<A>>,
        reports: &[One],
        address: impl Fn(&One) -> Result<Addressed<A>, Rejection>,
    ) -> Result<ReportOutcome, Status> {
        let recorded_time = self.recorded_time()?;
        Reports::take_in(reports, address)
            .record(desk, recorded_time, &self.provenance)
            .await
    }

    /// Takes in the reports of a call, which stand in `field`; gives the answer.
    pub async fn report<A: Aggregate<Rejection = Rejection>, One, Answer: ReportAnswer>(
        &self,
        desk: &Arc<Desk<A>>,
        field: &'static str,
        reports: &[One],
        address: impl Fn(&One) -> Result<Addressed<A>, Rejection>,
    ) -> Result<Response<Answer>, Status> {
        refuse_too_many_reports(field, reports.len())?;
        let outcome = self.record(desk, reports, address).await?;
        Ok(Response::new(Answer::new(
            outcome.counts,
            outcome.rejections,
            outcome.recorded_position,
        )))
    }
}
