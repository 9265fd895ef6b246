//! The gRPC shell of the waste service.

use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_journal::{
    Addressed, Call, CommitPublisher, Desk, DueDecisions, EventStore, MAY_COMMAND, MAY_READ,
    MAY_REPORT, ParkClocks, Position, Rejection, Shell, take_in_event_id, take_in_text,
    take_in_token,
};
use terrarium_model::{AssetKind, ParkDefinition, UnixMillis, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::report::v1::QuarantinedReport;
use terrarium_proto::waste::v1 as wire;
use terrarium_proto::waste::v1::waste_service_server::{WasteService, WasteServiceServer};
use tonic::{Request, Response, Status};

use crate::domain::{
    Bin, BinCommand, BinContext, Collection, CollectionCommand, CollectionContext, CompostBay,
    CompostContext, Consignment, Contamination, ContaminationContext, CustodyCommand,
    CustodyContext, Weighing, WeighingContext,
};
use crate::events::bins_to_wire;
use crate::intake::{
    BinDefinition, find_bay, find_bin, take_in_compost, take_in_consignment, take_in_contamination,
    take_in_execution, take_in_handover, take_in_measurement, take_in_order, take_in_ticket,
    take_in_treatment,
};

/// The waste service of any number of parks.
#[derive(Clone)]
pub struct WasteApi {
    shell: Shell,
    bins: Arc<Desk<Bin>>,
    collections: Arc<Desk<Collection>>,
    weighings: Arc<Desk<Weighing>>,
    contaminations: Arc<Desk<Contamination>>,
    bays: Arc<Desk<CompostBay>>,
    consignments: Arc<Desk<Consignment>>,
}

impl WasteApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clocks: Arc<ParkClocks>,
    ) -> WasteApi {
        WasteApi {
            shell: Shell::new(Arc::clone(&store), clocks),
            bins: Desk::new(Arc::clone(&store), publisher.clone()),
            collections: Desk::new(Arc::clone(&store), publisher.clone()),
            weighings: Desk::new(Arc::clone(&store), publisher.clone()),
            contaminations: Desk::new(Arc::clone(&store), publisher.clone()),
            bays: Desk::new(Arc::clone(&store), publisher.clone()),
            consignments: Desk::new(store, publisher),
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> WasteServiceServer<WasteApi> {
        WasteServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    /// Empties the bins of an executed collection. A stop in between leaves some of them full on record; the report of the
    /// collection was not acknowledged then, and sending it again empties the others.
    async fn empty_bins<R>(
        &self,
        call: &Call<R>,
        collection: &Arc<str>,
    ) -> Result<(u64, bool), Status> {
        let (bins, due, executed, time) = call
            .look(&self.collections, collection, |aggregate| {
                let order = aggregate.order()?;
                let (executed, execution) = aggregate.executed()?;
                Some((order.bins.clone(), order.due, *executed, execution.time))
            })
            .await?
            .expect("its execution is recorded");
        let emptied = call
            .record(&self.bins, &bins, |bin| {
                // A bin that left the park since has nothing to be emptied.
                let bin = find_bin(&call.park, "bins", bin.as_str())?;
                let command = BinCommand::Empty {
                    time,
                    collection: Arc::clone(collection),
                    executed,
                };
                Ok(to_bin(call, bin, command))
            })
            .await?;
        Ok((emptied.recorded_position, time > due))
    }

    /// Grams that the bins of a collection weighed themselves; `None` if not all had reported.
    async fn bins_g<R>(&self, call: &Call<R>, collection: &str) -> Result<Option<i64>, Status> {
        let bins = call
            .look(&self.collections, collection, |aggregate| {
                aggregate.order().map(|order| order.bins.clone())
            })
            .await?
            .unwrap_or_default();
        let mut sum_g = 0;
        for bin in bins {
            let emptied_g = call
                .look(&self.bins, bin.as_str(), |bin| bin.emptied_g(collection))
                .await?;
            match emptied_g {
                Some(weight_g) => sum_g += weight_g,
                None => return Ok(None),
            }
        }
        Ok(Some(sum_g))
    }
}

#[tonic::async_trait]
impl WasteService for WasteApi {
    async fn report_bins(
        &self,
        request: Request<wire::ReportBinsRequest>,
    ) -> Result<Response<wire::ReportBinsResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(
            &self.bins,
            "measurements",
            &call.message.measurements,
            |sent| {
                let (bin, measurement) = take_in_measurement(&call.park, sent)?;
                Ok(to_bin(&call, bin, BinCommand::Report(measurement)))
            },
        )
        .await
    }

    async fn order_collection(
        &self,
        request: Request<wire::OrderCollectionRequest>,
    ) -> Result<Response<wire::OrderCollectionResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let (collection, order) = take_in_order(&call.park, &call.message)?;
        let order = to_collection(&call, collection, CollectionCommand::Order(order));
        call.answer(&self.collections, order).await
    }

    async fn acknowledge_collection(
        &self,
        request: Request<wire::AcknowledgeCollectionRequest>,
    ) -> Result<Response<wire::AcknowledgeCollectionResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let collection = take_in_token("collection", &call.message.collection)?;
        let acknowledge = to_collection(&call, collection, CollectionCommand::Acknowledge);
        call.answer(&self.collections, acknowledge).await
    }

    async fn report_collection(
        &self,
        request: Request<wire::ReportCollectionRequest>,
    ) -> Result<Response<wire::ReportCollectionResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let collection = take_in_token("collection", &call.message.collection)?;
        let execution = take_in_execution(&call.message)?;
        let command = CollectionCommand::ReportExecution(execution);
        let executed = to_collection(&call, Arc::clone(&collection), command);
        let (events, executed_position) = call.carry_out(&self.collections, executed).await?;
        let (emptied_position, late) = self.empty_bins(&call, &collection).await?;
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
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let collection = take_in_token("collection", &call.message.collection)?;
        let missed = to_collection(&call, collection, CollectionCommand::ReportMissed);
        call.answer(&self.collections, missed).await
    }

    async fn list_open_collections(
        &self,
        request: Request<wire::ListOpenCollectionsRequest>,
    ) -> Result<Response<wire::ListOpenCollectionsResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut collections = Vec::new();
        for collection in self.shell.ids::<Collection>(&call.park).await? {
            let open = call
                .look(&self.collections, &collection, |aggregate| {
                    let order = aggregate
                        .order()
                        .filter(|_| aggregate.executed().is_none())?;
                    Some(wire::OpenCollection {
                        collection: collection.clone(),
                        bins: bins_to_wire(&order.bins),
                        assignee: order.assignee.to_string(),
                        due: format_rfc3339_utc(order.due),
                        acknowledged: aggregate.is_acknowledged(),
                        missed: aggregate.is_missed(),
                        route: order.route.to_string(),
                    })
                })
                .await?;
            collections.extend(open);
        }
        Ok(Response::new(wire::ListOpenCollectionsResponse {
            collections,
        }))
    }

    async fn report_weighbridge_ticket(
        &self,
        request: Request<wire::ReportWeighbridgeTicketRequest>,
    ) -> Result<Response<wire::ReportWeighbridgeTicketResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let ticket = take_in_ticket(&call.message)?;
        let collection = ticket.collection.clone();
        let net_g = ticket.gross_g.saturating_sub(ticket.tare_g);
        let (is_ordered, execution) = call
            .look(&self.collections, &collection, |aggregate| {
                let execution = aggregate.executed().map(|(_, execution)| execution.clone());
                (aggregate.order().is_some(), execution)
            })
            .await?;
        if !is_ordered {
            return Err(unknown_collection(&call, &collection).into());
        }
        let bins_g = self.bins_g(&call, &collection).await?;
        let context = WeighingContext {
            park: call.park.id.clone(),
            collection: collection.as_str().into(),
            execution,
            bins_g,
            now: call.now,
        };
        let weighed = call.address(&collection, context, ticket);
        let (events, recorded_position) = call.carry_out(&self.weighings, weighed).await?;
        let all_net_g = call
            .look(&self.weighings, &collection, Weighing::net_g)
            .await?;
        Ok(Response::new(wire::ReportWeighbridgeTicketResponse {
            recorded_position,
            recorded: !events.is_empty(),
            net_g,
            difference_g: bins_g.map(|bins_g| all_net_g - bins_g),
        }))
    }

    async fn report_contamination(
        &self,
        request: Request<wire::ReportContaminationRequest>,
    ) -> Result<Response<wire::ReportContaminationResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let bin = find_bin(&call.park, "bin", &call.message.bin)?;
        let found = take_in_contamination(&bin, &call.message)?;
        let context = ContaminationContext {
            park: call.park.id.clone(),
            bin: bin.id.clone(),
            stream: bin.waste,
            now: call.now,
        };
        let found = call.address(bin.id.as_str(), context, found);
        call.answer(&self.contaminations, found).await
    }

    async fn report_compost(
        &self,
        request: Request<wire::ReportCompostRequest>,
    ) -> Result<Response<wire::ReportCompostResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.bays, "reports", &call.message.reports, |sent| {
            let (bay, capacity_g) = find_bay(&call.park, &sent.bay)?;
            let command = take_in_compost(sent)?;
            let context = CompostContext {
                park: call.park.id.clone(),
                bay,
                capacity_g,
                now: call.now,
            };
            Ok(call.address(&sent.bay, context, command))
        })
        .await
    }

    async fn list_compost_batches(
        &self,
        request: Request<wire::ListCompostBatchesRequest>,
    ) -> Result<Response<wire::ListCompostBatchesResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut batches = Vec::new();
        for asset in call.park.assets.values() {
            if asset.kind != AssetKind::CompostBay {
                continue;
            }
            let open = call
                .look(&self.bays, asset.id.as_str(), |bay| bay.open().cloned())
                .await?;
            batches.extend(open.map(|batch| wire::CompostBatch {
                bay: asset.id.to_string(),
                batch: batch.id.to_string(),
                started: format_rfc3339_utc(batch.started),
                fed_g: batch.fed_g,
                product_g: batch.product_g,
                turns: batch.turns,
                temperature_mc: batch.core.map(|(_, temperature_mc)| temperature_mc),
                moisture_permille: batch.moisture_permille,
                hot_s: batch.hot_s,
            }));
        }
        Ok(Response::new(wire::ListCompostBatchesResponse { batches }))
    }

    async fn consign_hazardous(
        &self,
        request: Request<wire::ConsignHazardousRequest>,
    ) -> Result<Response<wire::ConsignHazardousResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let consigned = take_in_consignment(&call.park, &call.message)?;
        let manifest = consigned.manifest.clone();
        let consign = to_custody(&call, &manifest, CustodyCommand::Consign(consigned));
        call.answer(&self.consignments, consign).await
    }

    async fn hand_over_custody(
        &self,
        request: Request<wire::HandOverCustodyRequest>,
    ) -> Result<Response<wire::HandOverCustodyResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let handover = take_in_handover(&call.message)?;
        let manifest = handover.manifest.clone();
        let hand_over = to_custody(&call, &manifest, CustodyCommand::HandOver(handover));
        call.answer(&self.consignments, hand_over).await
    }

    async fn report_hazardous_treated(
        &self,
        request: Request<wire::ReportHazardousTreatedRequest>,
    ) -> Result<Response<wire::ReportHazardousTreatedResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let treated = take_in_treatment(&call.message)?;
        let manifest = treated.manifest.clone();
        let treat = to_custody(&call, &manifest, CustodyCommand::Treat(treated));
        call.answer(&self.consignments, treat).await
    }

    async fn list_consignments(
        &self,
        request: Request<wire::ListConsignmentsRequest>,
    ) -> Result<Response<wire::ListConsignmentsResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut consignments = Vec::new();
        for manifest in self.shell.ids::<Consignment>(&call.park).await? {
            let listed = call
                .look(&self.consignments, &manifest, |chain| {
                    let consigned = chain.consigned()?;
                    let holders = chain.holders();
                    Some(wire::Consignment {
                        manifest: manifest.clone(),
                        bin: consigned.bin.clone(),
                        waste_code: consigned.waste_code.clone(),
                        holder: holders.last().cloned().unwrap_or_default(),
                        weight_g: chain.weight_g(),
                        holders,
                        treatment: chain.treatment().into(),
                    })
                })
                .await?;
            consignments.extend(listed);
        }
        Ok(Response::new(wire::ListConsignmentsResponse {
            consignments,
        }))
    }

    async fn list_quarantined_bin_measurements(
        &self,
        request: Request<wire::ListQuarantinedBinMeasurementsRequest>,
    ) -> Result<Response<wire::ListQuarantinedBinMeasurementsResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut reports = Vec::new();
        for bin in self.shell.ids::<Bin>(&call.park).await? {
            let quarantined = call
                .look(&self.bins, &bin, |aggregate| {
                    let listed = aggregate.quarantined();
                    listed
                        .map(|(id, (measurement, reason))| QuarantinedReport {
                            event_id: id.to_string(),
                            asset: bin.clone(),
                            time: format_rfc3339_utc(measurement.time),
                            report: format!("{} l, {} g", measurement.fill_l, measurement.weight_g),
                            reason: reason.to_string(),
                        })
                        .collect::<Vec<_>>()
                })
                .await?;
            reports.extend(quarantined);
        }
        Ok(Response::new(
            wire::ListQuarantinedBinMeasurementsResponse { reports },
        ))
    }

    async fn release_bin_measurement(
        &self,
        request: Request<wire::ReleaseBinMeasurementRequest>,
    ) -> Result<Response<wire::ReleaseBinMeasurementResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let bin = find_bin(&call.park, "bin", &call.message.bin)?;
        let command = BinCommand::Release {
            quarantined: take_in_event_id("event_id", &call.message.event_id)?,
            reason: take_in_text("reason", &call.message.reason)?.into(),
        };
        call.answer(&self.bins, to_bin(&call, bin, command)).await
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
            let context = collection_context(park, stream.id().into(), now.seconds());
            Some((CollectionCommand::ReportMissed, context))
        }))
    }
}

fn to_bin<R>(call: &Call<R>, bin: BinDefinition, command: BinCommand) -> Addressed<Bin> {
    let context = BinContext {
        park: call.park.id.clone(),
        bin: bin.id.clone(),
        capacity_l: bin.capacity_l,
        limit_g: bin.limit_g,
        now: call.now,
    };
    call.address(bin.id.as_str(), context, command)
}

fn to_collection<R>(
    call: &Call<R>,
    collection: Arc<str>,
    command: CollectionCommand,
) -> Addressed<Collection> {
    let context = collection_context(&call.park, Arc::clone(&collection), call.now);
    call.address(&collection, context, command)
}

fn collection_context(
    park: &ParkDefinition,
    collection: Arc<str>,
    now: UnixSeconds,
) -> CollectionContext {
    CollectionContext {
        park: park.id.clone(),
        collection,
        now,
    }
}

fn to_custody<R>(
    call: &Call<R>,
    manifest: &str,
    command: CustodyCommand,
) -> Addressed<Consignment> {
    let context = CustodyContext {
        park: call.park.id.clone(),
        manifest: manifest.into(),
        now: call.now,
    };
    call.address(manifest, context, command)
}

fn unknown_collection<R>(call: &Call<R>, collection: &str) -> Rejection {
    Rejection::not_found(
        "collection",
        format!(
            "park {} has no collection \"{collection}\"; order it first",
            call.park.id
        ),
    )
}
