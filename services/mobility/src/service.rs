//! The gRPC shell of the mobility service.

use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_journal::{
    Addressed, Call, CommitPublisher, Desk, DueDecisions, EventStore, MAY_COMMAND, MAY_READ,
    MAY_REPORT, ParkClocks, Position, Shell, field_status, take_in_event_id, take_in_text,
};
use terrarium_model::{
    AssetParameters, ParkDefinition, UnixMillis, UnixSeconds, format_rfc3339_utc,
};
use terrarium_proto::mobility::v1 as wire;
use terrarium_proto::mobility::v1::mobility_service_server::{
    MobilityService, MobilityServiceServer,
};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::domain::emergency::emergency_id;
use crate::domain::power::ask_id;
use crate::domain::{
    Charger, ChargerCommand, ChargerContext, ChargerFact, Emergency, EmergencyCommand,
    EmergencyContext, EntranceCounter, Vehicle, VehicleCommand, VehicleContext, VisitorContext,
};
use crate::intake::{
    ChargerDefinition, VehicleDefinition, as_vehicle, find_charger, find_vehicle, take_in_answer,
    take_in_count, take_in_fault, take_in_start, take_in_totals, take_in_trip,
    take_in_vehicle_report,
};

/// A park has one emergency supply.
const EMERGENCY: &str = "park";

/// The mobility service of any number of parks.
#[derive(Clone)]
pub struct MobilityApi {
    shell: Shell,
    chargers: Arc<Desk<Charger>>,
    emergencies: Arc<Desk<Emergency>>,
    vehicles: Arc<Desk<Vehicle>>,
    counters: Arc<Desk<EntranceCounter>>,
}

impl MobilityApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clocks: Arc<ParkClocks>,
    ) -> MobilityApi {
        MobilityApi {
            shell: Shell::new(Arc::clone(&store), clocks),
            chargers: Desk::new(Arc::clone(&store), publisher.clone()),
            emergencies: Desk::new(Arc::clone(&store), publisher.clone()),
            vehicles: Desk::new(Arc::clone(&store), publisher.clone()),
            counters: Desk::new(store, publisher),
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> MobilityServiceServer<MobilityApi> {
        MobilityServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    /// Asks one charger for what an emergency needs. `None`: it was not asked, and no emergency runs any more.
    async fn ask_in_emergency<R>(
        &self,
        call: &Call<R>,
        charger: ChargerDefinition,
        emergency: Uuid,
        still_needed_w: i64,
    ) -> Result<Option<Result<wire::EmergencyAsk, wire::EmergencyRefusal>>, Status> {
        let client_request_id: Arc<str> = format!("emergency-{emergency}").into();
        let id = charger.id.to_string();
        let ask_id = ask_id(&call.park.id, &charger.id, &client_request_id);
        let asked_w = call
            .look(&self.chargers, &id, |charger| {
                charger.asks().limit_w(&ask_id)
            })
            .await?;
        let is_running = call
            .look(&self.emergencies, EMERGENCY, Emergency::running)
            .await?
            == Some(emergency);
        let limit_w = match asked_w {
            Some(limit_w) => limit_w,
            None if is_running => -still_needed_w.min(charger.rated_w),
            None => return Ok(None),
        };
        let command = ChargerCommand::SetPower {
            limit_w,
            client_request_id,
        };
        match call
            .carry_out(&self.chargers, to_charger(call, charger, command))
            .await
        {
            Ok(_) => Ok(Some(Ok(wire::EmergencyAsk {
                charger: id,
                ask_id: ask_id.to_string(),
                limit_w,
            }))),
            Err(status) if status.code() == Code::FailedPrecondition => {
                Ok(Some(Err(wire::EmergencyRefusal {
                    charger: id,
                    reason: status.message().to_owned(),
                })))
            }
            Err(status) => Err(status),
        }
    }
}

#[tonic::async_trait]
impl MobilityService for MobilityApi {
    async fn report_session_start(
        &self,
        request: Request<wire::ReportSessionStartRequest>,
    ) -> Result<Response<wire::ReportSessionStartResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let charger = find_charger(&call.park, &call.message.charger)?;
        let start = to_charger(&call, charger, take_in_start(&call.message)?);
        call.answer(&self.chargers, start).await
    }

    async fn report_session_meters(
        &self,
        request: Request<wire::ReportSessionMetersRequest>,
    ) -> Result<Response<wire::ReportSessionMetersResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.chargers, "meters", &call.message.meters, |sent| {
            let charger = find_charger(&call.park, &sent.charger)?;
            let (session, time, totals) = take_in_totals(sent)?;
            let command = ChargerCommand::MeterSession {
                session,
                time,
                totals,
            };
            Ok(to_charger(&call, charger, command))
        })
        .await
    }

    async fn report_session_end(
        &self,
        request: Request<wire::ReportSessionEndRequest>,
    ) -> Result<Response<wire::ReportSessionEndResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let sent = call.message.meter.as_ref().ok_or_else(|| {
            field_status(
                Code::InvalidArgument,
                "meter",
                "it is missing; send the session's final totals",
            )
        })?;
        let charger = find_charger(&call.park, &sent.charger)?;
        let (session, time, totals) = take_in_totals(sent)?;
        let command = ChargerCommand::EndSession {
            session,
            time,
            totals,
        };
        call.answer(&self.chargers, to_charger(&call, charger, command))
            .await
    }

    async fn report_charger_fault(
        &self,
        request: Request<wire::ReportChargerFaultRequest>,
    ) -> Result<Response<wire::ReportChargerFaultResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let charger = find_charger(&call.park, &call.message.charger)?;
        let fault = to_charger(&call, charger, take_in_fault(&call.message)?);
        call.answer(&self.chargers, fault).await
    }

    async fn set_charge_power(
        &self,
        request: Request<wire::SetChargePowerRequest>,
    ) -> Result<Response<wire::SetChargePowerResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let client_request_id = call.command_id()?;
        let charger = find_charger(&call.park, &call.message.charger)?;
        let ask_id = ask_id(&call.park.id, &charger.id, &client_request_id);
        let command = ChargerCommand::SetPower {
            limit_w: call.message.limit_w,
            client_request_id,
        };
        let set = to_charger(&call, charger, command);
        let (events, recorded_position) = call.carry_out(&self.chargers, set).await?;
        Ok(Response::new(wire::SetChargePowerResponse {
            ask_id: ask_id.to_string(),
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn report_charge_power(
        &self,
        request: Request<wire::ReportChargePowerRequest>,
    ) -> Result<Response<wire::ReportChargePowerResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let charger = find_charger(&call.park, &call.message.charger)?;
        let (asked, time, power_w) = take_in_answer(&call.message)?;
        let command = ChargerCommand::ReportPower {
            asked,
            time,
            power_w,
        };
        let answer = to_charger(&call, charger, command);
        let (events, recorded_position) = call.carry_out(&self.chargers, answer).await?;
        let obeyed = match events.first() {
            Some(event) => matches!(event.fact, ChargerFact::PowerObeyed { .. }),
            None => {
                call.look(&self.chargers, &call.message.charger, |charger| {
                    charger.asks().obeyed(&asked)
                })
                .await?
                    == Some(true)
            }
        };
        Ok(Response::new(wire::ReportChargePowerResponse {
            recorded_position,
            recorded: !events.is_empty(),
            obeyed,
        }))
    }

    async fn list_chargers(
        &self,
        request: Request<wire::ListChargersRequest>,
    ) -> Result<Response<wire::ListChargersResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut chargers = Vec::new();
        for asset in call.park.assets.values() {
            let AssetParameters::Charger { bidirectional } = asset.parameters else {
                continue;
            };
            let listed = call
                .look(&self.chargers, asset.id.as_str(), |charger| {
                    let running = charger.sessions().running();
                    let owner = running.and_then(|(_, start)| start.owner);
                    wire::Charger {
                        charger: asset.id.to_string(),
                        rated_w: asset.rated_w.unwrap_or(0),
                        bidirectional,
                        session: running
                            .map_or_else(String::new, |(session, _)| session.to_string()),
                        faults: charger
                            .faults()
                            .iter()
                            .map(|fault| fault.to_string())
                            .collect(),
                        asked_limit_w: charger.asks().newest().map(|ask| ask.limit_w),
                        stored_wh: running.and_then(|_| charger.sessions().stored_wh()),
                        reserve_wh: owner.map(|owner| owner.reserve_wh),
                        departure: owner
                            .map_or_else(String::new, |owner| format_rfc3339_utc(owner.departure)),
                    }
                })
                .await?;
            chargers.push(listed);
        }
        Ok(Response::new(wire::ListChargersResponse { chargers }))
    }

    async fn start_emergency_supply(
        &self,
        request: Request<wire::StartEmergencySupplyRequest>,
    ) -> Result<Response<wire::StartEmergencySupplyResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let client_request_id = call.command_id()?;
        let emergency = emergency_id(&call.park.id, &client_request_id);
        let command = EmergencyCommand::Start {
            need_w: call.message.need_w,
            reason: take_in_text("reason", &call.message.reason)?.into(),
            client_request_id,
        };
        let start = to_emergency(&call, command);
        let (events, recorded_position) = call.carry_out(&self.emergencies, start).await?;
        let mut answer = wire::StartEmergencySupplyResponse {
            emergency_id: emergency.to_string(),
            recorded_position,
            recorded: !events.is_empty(),
            asks: Vec::new(),
            refusals: Vec::new(),
        };
        let mut still_needed_w = call.message.need_w;
        for charger in bidirectional_chargers(&call) {
            if still_needed_w <= 0 {
                break;
            }
            let asked = self
                .ask_in_emergency(&call, charger, emergency, still_needed_w)
                .await?;
            match asked {
                Some(Ok(ask)) => {
                    still_needed_w += ask.limit_w;
                    answer.asks.push(ask);
                }
                Some(Err(refusal)) => answer.refusals.push(refusal),
                None => {}
            }
        }
        Ok(Response::new(answer))
    }

    async fn end_emergency_supply(
        &self,
        request: Request<wire::EndEmergencySupplyRequest>,
    ) -> Result<Response<wire::EndEmergencySupplyResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let started = take_in_event_id("emergency_id", &call.message.emergency_id)?;
        let end = to_emergency(&call, EmergencyCommand::End { started });
        let (events, mut recorded_position) = call.carry_out(&self.emergencies, end).await?;
        let asked_as = format!("emergency-{started}");
        for charger in bidirectional_chargers(&call) {
            let feeds_for_it = call
                .look(&self.chargers, charger.id.as_str(), |charger| {
                    let newest = charger.asks().newest();
                    newest.is_some_and(|ask| *ask.client_request_id == *asked_as)
                })
                .await?;
            if !feeds_for_it {
                continue;
            }
            let command = ChargerCommand::SetPower {
                limit_w: 0,
                client_request_id: format!("emergency-end-{started}").into(),
            };
            // A charger that has a fault meanwhile gives nothing anyway.
            match call
                .carry_out(&self.chargers, to_charger(&call, charger, command))
                .await
            {
                Ok((_, position)) => recorded_position = recorded_position.max(position),
                Err(status) if status.code() == Code::FailedPrecondition => {}
                Err(status) => return Err(status),
            }
        }
        Ok(Response::new(wire::EndEmergencySupplyResponse {
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn report_fleet_vehicles(
        &self,
        request: Request<wire::ReportFleetVehiclesRequest>,
    ) -> Result<Response<wire::ReportFleetVehiclesResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.vehicles, "reports", &call.message.reports, |sent| {
            let vehicle = find_vehicle(&call.park, &sent.vehicle)?;
            let command = VehicleCommand::Report(take_in_vehicle_report(sent)?);
            Ok(to_vehicle(&call, vehicle, command))
        })
        .await
    }

    async fn report_shuttle_trips(
        &self,
        request: Request<wire::ReportShuttleTripsRequest>,
    ) -> Result<Response<wire::ReportShuttleTripsResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.vehicles, "trips", &call.message.trips, |sent| {
            let trip = take_in_trip(&call.park, sent)?;
            let shuttle = find_vehicle(&call.park, &sent.vehicle)?;
            Ok(to_vehicle(&call, shuttle, VehicleCommand::EndTrip(trip)))
        })
        .await
    }

    async fn list_fleet(
        &self,
        request: Request<wire::ListFleetRequest>,
    ) -> Result<Response<wire::ListFleetResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let mut vehicles = Vec::new();
        for vehicle in call.park.assets.values().filter_map(as_vehicle) {
            let listed = call
                .look(&self.vehicles, vehicle.id.as_str(), |aggregate| {
                    wire::FleetVehicle {
                        vehicle: vehicle.id.to_string(),
                        is_shuttle: vehicle.is_shuttle,
                        battery_wh: vehicle.battery_wh,
                        newest: aggregate.newest().map(|newest| wire::FleetVehicleReport {
                            vehicle: vehicle.id.to_string(),
                            time: format_rfc3339_utc(UnixSeconds(newest.time_s)),
                            state: newest.state,
                            stored_wh: newest.stored_wh,
                            odometer_m: newest.odometer_m,
                        }),
                        trips: aggregate.trip_sums().trips,
                        distance_m: aggregate.trip_sums().distance_m,
                        energy_wh: aggregate.trip_sums().energy_wh,
                    }
                })
                .await?;
            vehicles.push(listed);
        }
        Ok(Response::new(wire::ListFleetResponse { vehicles }))
    }

    async fn report_visitors(
        &self,
        request: Request<wire::ReportVisitorsRequest>,
    ) -> Result<Response<wire::ReportVisitorsResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        call.report(&self.counters, "counts", &call.message.counts, |sent| {
            let (counter, counted) = take_in_count(&call.park, sent)?;
            let context = VisitorContext {
                park: call.park.id.clone(),
                counter,
                now: call.now,
            };
            Ok(call.address(&sent.counter, context, counted))
        })
        .await
    }
}

/// Asks that were not answered in time.
impl DueDecisions for MobilityApi {
    fn next_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
    ) -> BoxFuture<'a, Result<Option<UnixMillis>, Status>> {
        Box::pin(self.chargers.next_due(&park.id))
    }

    fn decide_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Position>, Status>> {
        Box::pin(self.chargers.decide_due(&park.id, now, move |stream| {
            let charger = find_charger(park, stream.id()).ok()?;
            let context = charger_context(park, charger, now.seconds());
            Some((ChargerCommand::MissUnanswered, context))
        }))
    }
}

fn to_charger<R>(
    call: &Call<R>,
    charger: ChargerDefinition,
    command: ChargerCommand,
) -> Addressed<Charger> {
    let id = charger.id.clone();
    let context = charger_context(&call.park, charger, call.now);
    call.address(id.as_str(), context, command)
}

fn charger_context(
    park: &ParkDefinition,
    charger: ChargerDefinition,
    now: UnixSeconds,
) -> ChargerContext {
    ChargerContext {
        park: park.id.clone(),
        charger: charger.id,
        rated_w: charger.rated_w,
        bidirectional: charger.bidirectional,
        now,
    }
}

fn to_vehicle<R>(
    call: &Call<R>,
    vehicle: VehicleDefinition,
    command: VehicleCommand,
) -> Addressed<Vehicle> {
    let context = VehicleContext {
        park: call.park.id.clone(),
        vehicle: vehicle.id.clone(),
        battery_wh: vehicle.battery_wh,
        now: call.now,
    };
    call.address(vehicle.id.as_str(), context, command)
}

fn to_emergency<R>(call: &Call<R>, command: EmergencyCommand) -> Addressed<Emergency> {
    let context = EmergencyContext {
        park: call.park.id.clone(),
        now: call.now,
    };
    call.address(EMERGENCY, context, command)
}

/// In the order of their ids.
fn bidirectional_chargers<R>(call: &Call<R>) -> Vec<ChargerDefinition> {
    let chargers = call.park.assets.values().filter_map(|asset| {
        let charger = find_charger(&call.park, asset.id.as_str()).ok()?;
        charger.bidirectional.then_some(charger)
    });
    chargers.collect()
}
