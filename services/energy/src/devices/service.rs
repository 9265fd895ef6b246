//! The gRPC shell of the energy devices.

use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_journal::{
    Call, CommitPublisher, Desk, DueDecisions, EventStore, MAY_COMMAND, MAY_READ, MAY_REPORT,
    ParkClocks, Position, Shell, take_in_event_id, take_in_instant,
};
use terrarium_model::{AssetId, ParkDefinition, UnixMillis, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::energy::v1 as wire;
use terrarium_proto::energy::v1::energy_device_service_server::{
    EnergyDeviceService, EnergyDeviceServiceServer,
};
use terrarium_proto::report::v1::QuarantinedReport;
use tonic::{Request, Response, Status};

use super::domain::{
    DeviceFact, DeviceRating, HeatSource, Island, IslandContext, ObservationContext,
    SetpointCommand, SetpointContext, Setpoints, Storage, StorageContext, WeatherStation, ask_id,
};
use super::intake::{
    find_device, storage_definition, take_in_heat, take_in_island, take_in_storage, take_in_weather,
};

/// Quarantined reports of one store that are listed.
const MOST_LISTED_REPORTS: usize = 100;

/// The energy devices of any number of parks.
#[derive(Clone)]
pub struct EnergyDeviceApi {
    shell: Shell,
    storages: Arc<Desk<Storage>>,
    stations: Arc<Desk<WeatherStation>>,
    heat_sources: Arc<Desk<HeatSource>>,
    setpoints: Arc<Desk<Setpoints>>,
    islands: Arc<Desk<Island>>,
}

impl EnergyDeviceApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clocks: Arc<ParkClocks>,
    ) -> EnergyDeviceApi {
        EnergyDeviceApi {
            storages: Desk::new(Arc::clone(&store), publisher.clone()),
            stations: Desk::new(Arc::clone(&store), publisher.clone()),
            heat_sources: Desk::new(Arc::clone(&store), publisher.clone()),
            setpoints: Desk::new(Arc::clone(&store), publisher.clone()),
            islands: Desk::new(Arc::clone(&store), publisher),
            shell: Shell::new(store, clocks),
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> EnergyDeviceServiceServer<EnergyDeviceApi> {
        EnergyDeviceServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    /// What a decision about a device rests on: what it can do, and what its store holds.
    async fn setpoint_context<R>(
        &self,
        call: &Call<R>,
        device: &str,
    ) -> Result<SetpointContext, Status> {
        let (device, mut rating) = find_device(&call.park, device)?;
        if let DeviceRating::Storage { stored_wh, .. } = &mut rating {
            *stored_wh = call
                .look(&self.storages, device.as_str(), |storage| {
                    storage.newest().map(|report| report.stored_wh)
                })
                .await?;
        }
        Ok(SetpointContext {
            park: call.park.id.clone(),
            device,
            rating,
            now: call.now,
        })
    }

    async fn list_storage<R>(
        &self,
        call: &Call<R>,
        asset: &terrarium_model::Asset,
    ) -> Result<Option<wire::Storage>, Status> {
        let Some(definition) = storage_definition(asset) else {
            return Ok(None);
        };
        let id = definition.id.as_str();
        let (newest, quarantined) = call
            .look(&self.storages, id, |storage| {
                let newest = storage.newest().cloned();
                let mut listed: Vec<QuarantinedReport> = storage
                    .quarantined()
                    .rev()
                    .take(MOST_LISTED_REPORTS)
                    .map(|(event, report)| QuarantinedReport {
                        event_id: event.to_string(),
                        asset: report.storage.clone(),
                        time: format_rfc3339_utc(UnixSeconds(report.time_s)),
                        report: format!(
                            "{} Wh held, {} W, {} Wh in, {} Wh out",
                            report.stored_wh,
                            report.power_w,
                            report.charged_wh,
                            report.discharged_wh
                        ),
                        reason: report.finding.clone(),
                    })
                    .collect();
                listed.reverse();
                (newest, listed)
            })
            .await?;
        let reserve_wh = call
            .look(&self.setpoints, id, Setpoints::reserve_wh)
            .await?;
        Ok(Some(wire::Storage {
            storage: id.to_owned(),
            capacity_wh: definition.capacity_wh,
            rated_w: definition.rated_w,
            newest: newest.map(|report| wire::StorageState {
                time: format_rfc3339_utc(UnixSeconds(report.time_s)),
                storage: report.storage,
                stored_wh: report.stored_wh,
                power_w: report.power_w,
                charged_wh: report.charged_wh,
                discharged_wh: report.discharged_wh,
            }),
            reserve_wh,
            quarantined,
        }))
    }
}

#[tonic::async_trait]
impl EnergyDeviceService for EnergyDeviceApi {
    async fn report_storage(
        &self,
        request: Request<wire::ReportStorageRequest>,
    ) -> Result<Response<wire::ReportStorageResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.storages, "states", &call.message.states, |sent| {
            let (storage, report) = take_in_storage(&call.park, sent)?;
            let context = StorageContext {
                park: call.park.id.clone(),
                capacity_wh: storage.capacity_wh,
                rated_w: storage.rated_w,
                now: call.now,
            };
            Ok(call.address(storage.id.as_str(), context, report))
        })
        .await
    }

    async fn report_weather(
        &self,
        request: Request<wire::ReportWeatherRequest>,
    ) -> Result<Response<wire::ReportWeatherResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let observations = &call.message.observations;
        call.report(&self.stations, "observations", observations, |sent| {
            let observed = take_in_weather(&call.park, sent)?;
            let context = observation_context(&call, None);
            Ok(call.address(&observed.station.clone(), context, observed))
        })
        .await
    }

    async fn report_heat(
        &self,
        request: Request<wire::ReportHeatRequest>,
    ) -> Result<Response<wire::ReportHeatResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(
            &self.heat_sources,
            "amounts",
            &call.message.amounts,
            |sent| {
                let (rated_heat_w, metered) = take_in_heat(&call.park, sent)?;
                let context = observation_context(&call, rated_heat_w);
                Ok(call.address(&metered.source.clone(), context, metered))
            },
        )
        .await
    }

    async fn ask_setpoint(
        &self,
        request: Request<wire::AskSetpointRequest>,
    ) -> Result<Response<wire::AskSetpointResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let client_request_id = call.command_id()?;
        let context = self.setpoint_context(&call, &call.message.device).await?;
        let ask_id = ask_id(&context.park, &context.device, &client_request_id);
        let command = SetpointCommand::Ask {
            kind: call.message.kind(),
            value: call.message.value,
            client_request_id,
        };
        let addressed = call.address(&context.device.to_string(), context, command);
        let (events, recorded_position) = call.carry_out(&self.setpoints, addressed).await?;
        Ok(Response::new(wire::AskSetpointResponse {
            ask_id: ask_id.to_string(),
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn report_setpoint(
        &self,
        request: Request<wire::ReportSetpointRequest>,
    ) -> Result<Response<wire::ReportSetpointResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let context = self.setpoint_context(&call, &call.message.device).await?;
        let asked = take_in_event_id("ask_id", &call.message.ask_id)?;
        let command = SetpointCommand::Answer {
            asked,
            time: take_in_instant("time", &call.message.time)?,
            value: call.message.value,
        };
        let device = context.device.to_string();
        let addressed = call.address(&device, context, command);
        let (events, recorded_position) = call.carry_out(&self.setpoints, addressed).await?;
        let obeyed = match events.first() {
            Some(event) => matches!(event.fact, DeviceFact::SetpointObeyedV1(_)),
            None => {
                let before = |setpoints: &Setpoints| setpoints.obeyed(&asked);
                call.look(&self.setpoints, &device, before).await? == Some(true)
            }
        };
        Ok(Response::new(wire::ReportSetpointResponse {
            recorded_position,
            recorded: !events.is_empty(),
            obeyed,
        }))
    }

    async fn report_island(
        &self,
        request: Request<wire::ReportIslandRequest>,
    ) -> Result<Response<wire::ReportIslandResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let (node, command) = take_in_island(&call.park, &call.message)?;
        let context = IslandContext {
            park: call.park.id.clone(),
            node: node.clone(),
            now: call.now,
        };
        let addressed = call.address(node.as_str(), context, command);
        call.answer(&self.islands, addressed).await
    }

    async fn list_devices(
        &self,
        request: Request<wire::ListDevicesRequest>,
    ) -> Result<Response<wire::ListDevicesResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut listed = wire::ListDevicesResponse::default();
        for asset in call.park.assets.values() {
            listed
                .storages
                .extend(self.list_storage(&call, asset).await?);
        }
        for device in self.shell.ids::<Setpoints>(&call.park).await? {
            let newest = |setpoints: &Setpoints| list_setpoints(&device, setpoints);
            listed
                .setpoints
                .extend(call.look(&self.setpoints, &device, newest).await?);
        }
        for node in self.shell.ids::<Island>(&call.park).await? {
            let running = call.look(&self.islands, &node, Island::running).await?;
            listed
                .islands
                .extend(running.map(|(since, grid_failed)| wire::Island {
                    node: node.clone(),
                    since: format_rfc3339_utc(since),
                    grid_failed,
                }));
        }
        Ok(Response::new(listed))
    }
}

/// Asks that were not answered in time.
impl DueDecisions for EnergyDeviceApi {
    fn next_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
    ) -> BoxFuture<'a, Result<Option<UnixMillis>, Status>> {
        Box::pin(self.setpoints.next_due(&park.id))
    }

    fn decide_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Position>, Status>> {
        Box::pin(self.setpoints.decide_due(&park.id, now, move |stream| {
            // An asset that left the park, or became something else, still did not answer.
            let device = AssetId::new(stream.id()).ok()?;
            let rating = find_device(park, stream.id())
                .map_or(DeviceRating::Consumer { rated_w: 0 }, |(_, rating)| rating);
            let context = SetpointContext {
                park: park.id.clone(),
                device,
                rating,
                now: now.seconds(),
            };
            Some((SetpointCommand::MissUnanswered, context))
        }))
    }
}

fn observation_context<R>(call: &Call<R>, rated_heat_w: Option<i64>) -> ObservationContext {
    ObservationContext {
        park: call.park.id.clone(),
        rated_heat_w,
        now: call.now,
    }
}

fn list_setpoints(device: &str, setpoints: &Setpoints) -> Vec<wire::Setpoint> {
    setpoints
        .newest()
        .map(|(id, ask, obeyed)| wire::Setpoint {
            device: device.to_owned(),
            kind: ask.kind,
            value: ask.value,
            state: match obeyed {
                None => wire::AskState::Asked,
                Some(true) => wire::AskState::Obeyed,
                Some(false) => wire::AskState::Missed,
            }
            .into(),
            ask_id: id.to_string(),
            time: format_rfc3339_utc(UnixSeconds(ask.time_s)),
            answer_by: format_rfc3339_utc(UnixSeconds(ask.answer_by_s)),
        })
        .collect()
}
