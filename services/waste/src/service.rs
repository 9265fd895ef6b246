//! The gRPC shell of the waste service.

use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_journal::{
    Addressed, CommitPublisher, Desk, DueDecisions, EventStore, ParkClocks, Parks, Position,
    Provenance, Reports, StreamName, field_status, refuse_too_many_reports, take_in_token,
};
use terrarium_model::{ParkDefinition, ParkId, UnixMillis, format_rfc3339_utc};
use terrarium_proto::waste::v1 as wire;
use terrarium_proto::waste::v1::waste_service_server::{WasteService, WasteServiceServer};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};

use crate::domain::{
    Bin, BinCommand, BinContext, Collection, CollectionCommand, CollectionContext,
};
use crate::events::bins_to_wire;
use crate::intake::{
    BinDefinition, find_bin, take_in_execution, take_in_measurement, take_in_order,
};

const MAY_REPORT: &[Role] = &[Role::Device, Role::Operator, Role::Simulator, Role::Admin];
const MAY_COMMAND: &[Role] = &[Role::Operator, Role::Simulator, Role::Admin];
const MAY_READ: &[Role] = &Role::ALL;

/// The waste service of any number of parks.
#[derive(Clone)]
pub struct WasteApi {
    bins: Arc<Desk<Bin>>,
    collections: Arc<Desk<Collection>>,
    store: Arc<dyn EventStore>,
    parks: Arc<Parks>,
    clock: Arc<ParkClocks>,
}

impl WasteApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clock: Arc<ParkClocks>,
    ) -> WasteApi {
        WasteApi {
            bins: Desk::new(Arc::clone(&store), publisher.clone()),
            collections: Desk::new(Arc::clone(&store), publisher),
            parks: Arc::new(Parks::new(Arc::clone(&store))),
            store,
            clock,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> WasteServiceServer<WasteApi> {
        WasteServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    async fn park(&self, park: &str) -> Result<Arc<ParkDefinition>, Status> {
        let park = ParkId::new(park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        Ok(self.parks.get(&park).await?)
    }

    async fn now(&self, park: &ParkDefinition) -> Result<UnixMillis, Status> {
        Ok(self.clock.now(park).await?)
    }

    /// Empties the bins of an executed collection. A stop in between leaves some of them full on record; the report of the
    /// collection was not acknowledged then, and sending it again empties the others.
    async fn empty_bins(
        &self,
        park: &ParkDefinition,
        collection: &Arc<str>,
        provenance: &Provenance,
    ) -> Result<(u64, bool), Status> {
        let (bins, due, executed, time) = self
            .collections
            .look(&collection_stream(park, collection), |aggregate| {
                let order = aggregate.order()?;
                let (executed, execution) = aggregate.executed()?;
                Some((order.bins.clone(), order.due, *executed, execution.time))
            })
            .await?
            .expect("its execution is recorded");
        let now = self.now(park).await?;
        let emptied = Reports::take_in(&bins, |bin| {
            // A bin that left the park since has nothing to be emptied.
            let bin = find_bin(park, "bins", bin.as_str())?;
            let command = BinCommand::Empty {
                time,
                collection: Arc::clone(collection),
                executed,
            };
            Ok(to_bin(park, bin, command, now))
        });
        let outcome = emptied
            .record(&self.bins, &now.to_string(), provenance)
            .await?;
        Ok((outcome.recorded_position, time > due))
    }
}

#[tonic::async_trait]
impl WasteService for WasteApi {
    async fn report_bins(
        &self,
        request: Request<wire::ReportBinsRequest>,
    ) -> Result<Response<wire::ReportBinsResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        refuse_too_many_reports("measurements", request.measurements.len())?;
        let park = self.park(&request.park).await?;
        let now = self.now(&park).await?;
        let reports = Reports::take_in(&request.measurements, |sent| {
            let (bin, measurement) = take_in_measurement(&park, sent)?;
            Ok(to_bin(&park, bin, BinCommand::Report(measurement), now))
        });
        let outcome = reports
            .record(&self.bins, &now.to_string(), &provenance)
            .await?;
        Ok(Response::new(wire::ReportBinsResponse {
            counts: Some(outcome.counts),
            rejections: outcome.rejections,
            recorded_position: outcome.recorded_position,
        }))
    }

    async fn order_collection(
        &self,
        request: Request<wire::OrderCollectionRequest>,
    ) -> Result<Response<wire::OrderCollectionResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let (collection, order) = take_in_order(&park, &request)?;
        let now = self.now(&park).await?;
        let addressed = to_collection(&park, collection, CollectionCommand::Order(order), now);
        let (events, recorded_position) = self
            .collections
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
        Ok(Response::new(wire::OrderCollectionResponse {
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn acknowledge_collection(
        &self,
        request: Request<wire::AcknowledgeCollectionRequest>,
    ) -> Result<Response<wire::AcknowledgeCollectionResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let collection = take_in_token("collection", &request.collection)?;
        let now = self.now(&park).await?;
        let addressed = to_collection(&park, collection, CollectionCommand::Acknowledge, now);
        let (events, recorded_position) = self
            .collections
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
        Ok(Response::new(wire::AcknowledgeCollectionResponse {
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn report_collection(
        &self,
        request: Request<wire::ReportCollectionRequest>,
    ) -> Result<Response<wire::ReportCollectionResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let collection = take_in_token("collection", &request.collection)?;
        let execution = take_in_execution(&request)?;
        let command = CollectionCommand::ReportExecution(execution);
        let now = self.now(&park).await?;
        let addressed = to_collection(&park, Arc::clone(&collection), command, now);
        let (events, executed_position) = self
            .collections
            .carry_out(addressed, now.to_string(), provenance.clone())
            .await?;
        let (emptied_position, late) = self.empty_bins(&park, &collection, &provenance).await?;
        Ok(Response::new(wire::ReportCollectionResponse {
            recorded_position: executed_position.max(emptied_position),
            recorded: !events.is_empty(),
            late,
        }))
    }

    async fn report_missed_collection(
        &self,
        request: Request<wire::ReportMissedCollectionRequest>,
    ) -> Result<Response<wire::ReportMissedCollectionResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let collection = take_in_token("collection", &request.collection)?;
        let now = self.now(&park).await?;
        let addressed = to_collection(&park, collection, CollectionCommand::ReportMissed, now);
        let (events, recorded_position) = self
            .collections
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
        Ok(Response::new(wire::ReportMissedCollectionResponse {
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn list_open_collections(
        &self,
        request: Request<wire::ListOpenCollectionsRequest>,
    ) -> Result<Response<wire::ListOpenCollectionsResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let park = self.park(&request.get_ref().park).await?;
        let prefix = format!("waste.collection-{}.", park.id);
        let mut streams = self
            .store
            .streams_with_prefix(&prefix)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        streams.sort();
        let mut collections = Vec::new();
        for stream in streams {
            let collection = &stream[prefix.len()..];
            let open = self
                .collections
                .look(&collection_stream(&park, collection), |aggregate| {
                    let order = aggregate
                        .order()
                        .filter(|_| aggregate.executed().is_none())?;
                    Some(wire::OpenCollection {
                        collection: collection.to_owned(),
                        bins: bins_to_wire(&order.bins),
                        assignee: order.assignee.to_string(),
                        due: format_rfc3339_utc(order.due),
                        acknowledged: aggregate.is_acknowledged(),
                        missed: aggregate.is_missed(),
                    })
                })
                .await?;
            collections.extend(open);
        }
        Ok(Response::new(wire::ListOpenCollectionsResponse {
            collections,
        }))
    }
}

/// Collections that were not made in time.
impl DueDecisions for WasteApi {
    fn next_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
    ) -> BoxFuture<'a, Result<Option<UnixMillis>, Status>> {
        Box::pin(self.collections.next_due(&park.id))
    }

    fn decide_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Position>, Status>> {
        Box::pin(self.collections.decide_due(&park.id, now, move |stream| {
            let command = CollectionCommand::ReportMissed;
            let addressed = to_collection(park, stream.id().into(), command, now);
            Some((addressed.command, addressed.context))
        }))
    }
}

fn to_collection(
    park: &ParkDefinition,
    collection: Arc<str>,
    command: CollectionCommand,
    now: UnixMillis,
) -> Addressed<Collection> {
    Addressed {
        stream: collection_stream(park, &collection),
        context: CollectionContext {
            park: park.id.clone(),
            collection,
            now: now.seconds(),
        },
        command,
    }
}

fn to_bin(
    park: &ParkDefinition,
    bin: BinDefinition,
    command: BinCommand,
    now: UnixMillis,
) -> Addressed<Bin> {
    Addressed {
        stream: StreamName::new("waste", "bin", park.id.as_str(), bin.id.as_str()),
        context: BinContext {
            park: park.id.clone(),
            bin: bin.id,
            capacity_l: bin.capacity_l,
            limit_g: bin.limit_g,
            now: now.seconds(),
        },
        command,
    }
}

fn collection_stream(park: &ParkDefinition, collection: &str) -> StreamName {
    StreamName::new("waste", "collection", park.id.as_str(), collection)
}
