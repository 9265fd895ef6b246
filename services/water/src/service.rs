//! The gRPC shell of the water service.

use std::sync::Arc;

use terrarium_journal::{
    Addressed, Call, CommitPublisher, Desk, EventStore, MAY_COMMAND, MAY_READ, MAY_REPORT,
    ParkClocks, Shell, find_any_asset, take_in_event_id, take_in_instant, take_in_text,
};
use terrarium_model::{AssetId, AssetKind, AssetParameters, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::report::v1::QuarantinedReport;
use terrarium_proto::water::v1 as wire;
use terrarium_proto::water::v1::water_service_server::{WaterService, WaterServiceServer};
use tonic::{Request, Response, Status};

use crate::domain::irrigation::irrigation_id;
use crate::domain::meter::shown;
use crate::domain::{
    FlowContext, Irrigation, IrrigationCommand, IrrigationContext, LeakWatch, QualityContext, Tank,
    TankCommand, TankContext, TankFlows, WaterMeter, WaterMeterCommand, WaterMeterContext,
    WaterQuality,
};
use crate::events::alarm_to_wire;
use crate::intake::{
    TankDefinition, find_irrigation_zone, find_tank, other_zones_of_tank, take_in_flow,
    take_in_level, take_in_network, take_in_reading, take_in_sample,
};

/// The water service of any number of parks.
#[derive(Clone)]
pub struct WaterApi {
    shell: Shell,
    tanks: Arc<Desk<Tank>>,
    flows: Arc<Desk<TankFlows>>,
    qualities: Arc<Desk<WaterQuality>>,
    irrigations: Arc<Desk<Irrigation>>,
    meters: Arc<Desk<WaterMeter>>,
}

impl WaterApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clocks: Arc<ParkClocks>,
    ) -> WaterApi {
        WaterApi {
            shell: Shell::new(Arc::clone(&store), clocks),
            tanks: Desk::new(Arc::clone(&store), publisher.clone()),
            flows: Desk::new(Arc::clone(&store), publisher.clone()),
            qualities: Desk::new(Arc::clone(&store), publisher.clone()),
            irrigations: Desk::new(Arc::clone(&store), publisher.clone()),
            meters: Desk::new(store, publisher),
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> WaterServiceServer<WaterApi> {
        WaterServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    /// What a decision of an irrigation zone rests on: its tank, and the zones it shares it with.
    async fn irrigation_context<R>(
        &self,
        call: &Call<R>,
        zone: AssetId,
        tank: TankDefinition,
    ) -> Result<IrrigationContext, Status> {
        let tank_id = tank.id.as_str();
        let newest = call.look(&self.tanks, tank_id, Tank::newest).await?;
        let unfit_sample = call
            .look(&self.qualities, tank_id, |quality| {
                let newest = quality.newest()?;
                (!newest.fit_for_irrigation).then(|| newest.sample.as_str().into())
            })
            .await?;
        let mut promised_l = 0;
        for other in other_zones_of_tank(&call.park, &tank.id, &zone) {
            promised_l += call
                .look(&self.irrigations, other.as_str(), Irrigation::promised_l)
                .await?;
        }
        Ok(IrrigationContext {
            park: call.park.id.clone(),
            zone,
            tank: tank.id,
            tank_level_l: newest.map(|newest| newest.level_l),
            tank_reserve_l: tank.reserve_l,
            promised_l,
            unfit_sample,
            now: call.now,
        })
    }

    async fn quarantined_levels<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<QuarantinedReport>, Status> {
        let mut reports = Vec::new();
        for tank in self.shell.ids::<Tank>(&call.park).await? {
            let listed = call
                .look(&self.tanks, &tank, |aggregate| {
                    let quarantined = aggregate.quarantined();
                    quarantined
                        .map(|(id, (level, reason))| QuarantinedReport {
                            event_id: id.to_string(),
                            asset: tank.clone(),
                            time: format_rfc3339_utc(level.time),
                            report: format!("{} l", level.level_l),
                            reason: reason.to_string(),
                        })
                        .collect::<Vec<_>>()
                })
                .await?;
            reports.extend(listed);
        }
        Ok(reports)
    }

    async fn quarantined_readings<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<QuarantinedReport>, Status> {
        let mut reports = Vec::new();
        for asset in self.shell.ids::<WaterMeter>(&call.park).await? {
            let listed = call
                .look(&self.meters, &asset, |meter| {
                    let quarantined = meter.quarantined();
                    quarantined
                        .map(|(id, reading)| QuarantinedReport {
                            event_id: id.to_string(),
                            asset: asset.clone(),
                            time: format_rfc3339_utc(UnixSeconds(reading.interval_start_s)),
                            report: shown(reading).to_string(),
                            reason: reading.reason.clone(),
                        })
                        .collect::<Vec<_>>()
                })
                .await?;
            reports.extend(listed);
        }
        Ok(reports)
    }
}

#[tonic::async_trait]
impl WaterService for WaterApi {
    async fn report_tank_levels(
        &self,
        request: Request<wire::ReportTankLevelsRequest>,
    ) -> Result<Response<wire::ReportTankLevelsResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.tanks, "levels", &call.message.levels, |sent| {
            let (tank, level) = take_in_level(&call.park, sent)?;
            Ok(to_tank(&call, tank, TankCommand::Report(level)))
        })
        .await
    }

    async fn report_water_meters(
        &self,
        request: Request<wire::ReportWaterMetersRequest>,
    ) -> Result<Response<wire::ReportWaterMetersResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.meters, "readings", &call.message.readings, |sent| {
            let (asset, water) = take_in_reading(&call.park, sent)?;
            Ok(to_meter(&call, asset, WaterMeterCommand::Report(water)))
        })
        .await
    }

    async fn start_irrigation(
        &self,
        request: Request<wire::StartIrrigationRequest>,
    ) -> Result<Response<wire::StartIrrigationResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let client_request_id = call.command_id()?;
        let (zone, tank) = find_irrigation_zone(&call.park, &call.message.zone)?;
        let irrigation_id = irrigation_id(&call.park.id, &zone, &client_request_id);
        let command = IrrigationCommand::Start {
            litres: call.message.litres,
            client_request_id,
        };
        let context = self.irrigation_context(&call, zone, tank).await?;
        let start = call.address(&call.message.zone, context, command);
        let (events, recorded_position) = call.carry_out(&self.irrigations, start).await?;
        Ok(Response::new(wire::StartIrrigationResponse {
            irrigation_id: irrigation_id.to_string(),
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn report_irrigation_end(
        &self,
        request: Request<wire::ReportIrrigationEndRequest>,
    ) -> Result<Response<wire::ReportIrrigationEndResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let (zone, tank) = find_irrigation_zone(&call.park, &call.message.zone)?;
        let command = IrrigationCommand::ReportEnd {
            started: take_in_event_id("irrigation_id", &call.message.irrigation_id)?,
            time: take_in_instant("time", &call.message.time)?,
            litres: call.message.litres,
        };
        let context = self.irrigation_context(&call, zone, tank).await?;
        let end = call.address(&call.message.zone, context, command);
        call.answer(&self.irrigations, end).await
    }

    async fn list_tanks(
        &self,
        request: Request<wire::ListTanksRequest>,
    ) -> Result<Response<wire::ListTanksResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut tanks = Vec::new();
        for asset in call.park.assets.values() {
            let AssetParameters::Tank {
                capacity_l,
                reserve_l,
                ..
            } = &asset.parameters
            else {
                continue;
            };
            let (newest, alarms) = call
                .look(&self.tanks, asset.id.as_str(), |tank| {
                    (tank.newest(), tank.alarms().clone())
                })
                .await?;
            tanks.push(wire::Tank {
                tank: asset.id.to_string(),
                capacity_l: *capacity_l,
                reserve_l: *reserve_l,
                newest: newest.map(|newest| wire::TankLevel {
                    tank: asset.id.to_string(),
                    time: format_rfc3339_utc(newest.time),
                    level_l: newest.level_l,
                }),
                alarms: alarms
                    .into_iter()
                    .map(|alarm| alarm_to_wire(alarm).into())
                    .collect(),
            });
        }
        Ok(Response::new(wire::ListTanksResponse { tanks }))
    }

    async fn report_tank_flows(
        &self,
        request: Request<wire::ReportTankFlowsRequest>,
    ) -> Result<Response<wire::ReportTankFlowsResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.flows, "readings", &call.message.readings, |sent| {
            let (tank, flow) = take_in_flow(&call.park, sent)?;
            let context = FlowContext {
                park: call.park.id.clone(),
                tank,
                now: call.now,
            };
            Ok(call.address(&sent.tank, context, flow))
        })
        .await
    }

    async fn report_quality_samples(
        &self,
        request: Request<wire::ReportQualitySamplesRequest>,
    ) -> Result<Response<wire::ReportQualitySamplesResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.qualities, "samples", &call.message.samples, |sent| {
            let (tank, sample) = take_in_sample(&call.park, sent)?;
            let context = QualityContext {
                park: call.park.id.clone(),
                tank,
                now: call.now,
            };
            Ok(call.address(&sent.tank, context, sample))
        })
        .await
    }

    async fn list_quality(
        &self,
        request: Request<wire::ListQualityRequest>,
    ) -> Result<Response<wire::ListQualityResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut tanks = Vec::new();
        for asset in call.park.assets.values() {
            if asset.kind != AssetKind::Tank {
                continue;
            }
            let newest = call
                .look(&self.qualities, asset.id.as_str(), |quality| {
                    quality.newest().cloned()
                })
                .await?;
            tanks.extend(newest.map(|sample| wire::TankQuality {
                class: sample.class,
                fit_for_irrigation: sample.fit_for_irrigation,
                sample: Some(wire::QualitySample {
                    tank: sample.tank,
                    sample: sample.sample,
                    time: format_rfc3339_utc(UnixSeconds(sample.time_s)),
                    ph_milli: sample.ph_milli,
                    turbidity_mntu: sample.turbidity_mntu,
                    cod_ug_per_l: sample.cod_ug_per_l,
                    ammonia_n_ug_per_l: sample.ammonia_n_ug_per_l,
                    evidence_sha256: sample.evidence_sha256,
                }),
            }));
        }
        Ok(Response::new(wire::ListQualityResponse { tanks }))
    }

    async fn set_leak_watch(
        &self,
        request: Request<wire::SetLeakWatchRequest>,
    ) -> Result<Response<wire::SetLeakWatchResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let asset = find_any_asset(&call.park, "asset", &call.message.asset)?;
        let watch = LeakWatch {
            limit_l_per_h: call.message.limit_l_per_h,
            nights: call.message.nights,
        };
        let network = take_in_network(call.message.network())?;
        let command = WaterMeterCommand::SetWatch(network, watch);
        let set = to_meter(&call, asset.id.clone(), command);
        call.answer(&self.meters, set).await
    }

    async fn list_leaks(
        &self,
        request: Request<wire::ListLeaksRequest>,
    ) -> Result<Response<wire::ListLeaksResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut leaks = Vec::new();
        for asset in self.shell.ids::<WaterMeter>(&call.park).await? {
            let suspected = call
                .look(&self.meters, &asset, |meter| {
                    meter.leaks().cloned().collect::<Vec<_>>()
                })
                .await?;
            leaks.extend(suspected.into_iter().map(|leak| wire::Leak {
                asset: leak.asset,
                network: leak.network,
                since: format_rfc3339_utc(UnixSeconds(leak.time_s)),
                night_flows_l_per_h: leak.night_flows_l_per_h,
                limit_l_per_h: leak.limit_l_per_h,
            }));
        }
        Ok(Response::new(wire::ListLeaksResponse { leaks }))
    }

    async fn list_quarantined_water(
        &self,
        request: Request<wire::ListQuarantinedWaterRequest>,
    ) -> Result<Response<wire::ListQuarantinedWaterResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut reports = self.quarantined_levels(&call).await?;
        reports.extend(self.quarantined_readings(&call).await?);
        Ok(Response::new(wire::ListQuarantinedWaterResponse {
            reports,
        }))
    }

    async fn release_tank_level(
        &self,
        request: Request<wire::ReleaseTankLevelRequest>,
    ) -> Result<Response<wire::ReleaseTankLevelResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let tank = find_tank(&call.park, "tank", &call.message.tank)?;
        let command = TankCommand::Release {
            quarantined: take_in_event_id("event_id", &call.message.event_id)?,
            reason: take_in_text("reason", &call.message.reason)?.into(),
        };
        call.answer(&self.tanks, to_tank(&call, tank, command))
            .await
    }
}

fn to_tank<R>(call: &Call<R>, tank: TankDefinition, command: TankCommand) -> Addressed<Tank> {
    let context = TankContext {
        park: call.park.id.clone(),
        tank: tank.id.clone(),
        capacity_l: tank.capacity_l,
        reserve_l: tank.reserve_l,
        now: call.now,
    };
    call.address(tank.id.as_str(), context, command)
}

fn to_meter<R>(
    call: &Call<R>,
    asset: AssetId,
    command: WaterMeterCommand,
) -> Addressed<WaterMeter> {
    let context = WaterMeterContext {
        park: call.park.id.clone(),
        asset: asset.clone(),
        time_zone: call.park.time_zone.clone(),
        now: call.now,
    };
    call.address(asset.as_str(), context, command)
}
