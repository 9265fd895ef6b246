//! The gRPC shell of the energy service.

use std::pin::Pin;
use std::sync::Arc;

use terrarium_journal::{
    CommitPublisher, Desk, EventStore, ParkClocks, Parks, Provenance, RecordingTime, ToldTime,
    field_status,
};
use terrarium_model::{MeterId, ParkDefinition, ParkId, UnixMillis};
use terrarium_proto::energy::v1 as wire;
use terrarium_proto::energy::v1::energy_service_server::{EnergyService, EnergyServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::domain::{Meter, MeterContext};

/// Readings of one request or batch at most.
pub const MOST_READINGS_PER_BATCH: usize = 2_000;

pub(crate) const MAY_REPORT: &[Role] =
    &[Role::Device, Role::Operator, Role::Simulator, Role::Admin];
pub(crate) const MAY_DECIDE: &[Role] = &[Role::Operator, Role::Admin];
pub(crate) const MAY_READ: &[Role] = &Role::ALL;

/// The energy service of any number of parks.
#[derive(Clone)]
pub struct EnergyApi {
    pub(crate) desk: Arc<Desk<Meter>>,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) parks: Arc<Parks>,
    pub(crate) clock: Arc<ParkClocks>,
    pub(crate) shutdown: Shutdown,
}

impl EnergyApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clock: Arc<ParkClocks>,
        shutdown: Shutdown,
    ) -> EnergyApi {
        EnergyApi {
            desk: Desk::new(Arc::clone(&store), publisher),
            parks: Arc::new(Parks::new(Arc::clone(&store))),
            store,
            clock,
            shutdown,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> EnergyServiceServer<EnergyApi> {
        EnergyServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    pub(crate) async fn park(&self, park: &str) -> Result<Arc<ParkDefinition>, Status> {
        let park = ParkId::new(park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        Ok(self.parks.get(&park).await?)
    }

    /// What time it is in a park.
    pub(crate) async fn now(&self, park: &ParkDefinition) -> Result<UnixMillis, Status> {
        Ok(self.clock.now(park).await?)
    }

    /// When what is reported now, or at a told time, is recorded.
    pub(crate) async fn recording_time(
        &self,
        park: &ParkDefinition,
        told: Option<ToldTime>,
    ) -> Result<RecordingTime, Status> {
        match told {
            Some(_) => Ok(self.clock.recording_time_of(park, told).await?),
            None => Ok(self.clock.recording_time(park).await?),
        }
    }

    pub(crate) fn context(
        &self,
        park: &ParkDefinition,
        meter: &MeterId,
        now: UnixMillis,
    ) -> Option<MeterContext> {
        let definition = park.meters.get(meter)?;
        Some(MeterContext {
            park: park.id.clone(),
            meter: meter.clone(),
            reports: definition.reports,
            rated_w: definition.rated_w,
            register_wraps_at_wh: definition.register_wraps_at_wh(),
            now: now.seconds(),
        })
    }
}

type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl EnergyService for EnergyApi {
    type StreamReadingsStream = ResponseStream<wire::StreamReadingsResponse>;

    async fn report_readings(
        &self,
        request: Request<wire::ReportReadingsRequest>,
    ) -> Result<Response<wire::ReportReadingsResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let told = ToldTime::of_request(&request, &request.get_ref().park)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let recorded_time = self.recording_time(&park, told).await?;
        let outcome = self
            .decide_batch(&park, 0, &request.readings, recorded_time, &provenance)
            .await?
            .recorded()
            .await?;
        Ok(Response::new(wire::ReportReadingsResponse {
            counts: outcome.counts,
            rejections: outcome.rejections,
            quarantined: outcome.quarantined,
            recorded_position: outcome.recorded_position,
        }))
    }

    async fn stream_readings(
        &self,
        request: Request<Streaming<wire::StreamReadingsRequest>>,
    ) -> Result<Response<Self::StreamReadingsStream>, Status> {
        let caller = actor(&request)?;
        ToldTime::refuse(&request)?;
        let provenance = Provenance::of_request(&request, "")?;
        let responses =
            crate::stream::take_in_stream(self.clone(), caller, provenance, request.into_inner());
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn swap_meter(
        &self,
        request: Request<wire::SwapMeterRequest>,
    ) -> Result<Response<wire::SwapMeterResponse>, Status> {
        actor(&request)?.require(MAY_DECIDE, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        self.swap(request.get_ref(), provenance)
            .await
            .map(Response::new)
    }

    async fn list_quarantined(
        &self,
        request: Request<wire::ListQuarantinedRequest>,
    ) -> Result<Response<wire::ListQuarantinedResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        self.list_quarantine(request.get_ref())
            .await
            .map(Response::new)
    }

    async fn release_quarantined(
        &self,
        request: Request<wire::ReleaseQuarantinedRequest>,
    ) -> Result<Response<wire::ReleaseQuarantinedResponse>, Status> {
        actor(&request)?.require(MAY_DECIDE, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let recorded_position = self.release(request.get_ref(), provenance).await?;
        Ok(Response::new(wire::ReleaseQuarantinedResponse {
            recorded_position,
        }))
    }

    async fn correct_quarantined(
        &self,
        request: Request<wire::CorrectQuarantinedRequest>,
    ) -> Result<Response<wire::CorrectQuarantinedResponse>, Status> {
        actor(&request)?.require(MAY_DECIDE, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let recorded_position = self.correct(request.get_ref(), provenance).await?;
        Ok(Response::new(wire::CorrectQuarantinedResponse {
            recorded_position,
        }))
    }
}

/// What is known once a batch is recorded.
#[derive(Default)]
pub(crate) struct BatchOutcome {
    pub counts: Option<wire::ReadingCounts>,
    pub rejections: Vec<wire::ReadingRejection>,
    pub quarantined: Vec<wire::QuarantineNotice>,
    pub recorded_position: u64,
}
