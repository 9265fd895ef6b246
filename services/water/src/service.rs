//! The gRPC shell of the water service.

use std::sync::Arc;

use terrarium_journal::{
    Addressed, CommitPublisher, Desk, EventStore, ParkClocks, Parks, Provenance, Reports,
    StreamName, field_status, refuse_too_many_reports, take_in_instant,
    take_in_required_request_id,
};
use terrarium_model::{
    AssetId, AssetParameters, ParkDefinition, ParkId, UnixMillis, format_rfc3339_utc,
};
use terrarium_proto::water::v1 as wire;
use terrarium_proto::water::v1::water_service_server::{WaterService, WaterServiceServer};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::domain::irrigation::irrigation_id;
use crate::domain::{
    Irrigation, IrrigationCommand, IrrigationContext, Tank, TankContext, WaterMeter,
    WaterMeterContext,
};
use crate::events::alarm_to_wire;
use crate::intake::{
    TankDefinition, find_irrigation_zone, other_zones_of_tank, take_in_level, take_in_reading,
};

const MAY_REPORT: &[Role] = &[Role::Device, Role::Operator, Role::Simulator, Role::Admin];
const MAY_COMMAND: &[Role] = &[Role::Operator, Role::Simulator, Role::Admin];
const MAY_READ: &[Role] = &Role::ALL;

/// The water service of any number of parks.
#[derive(Clone)]
pub struct WaterApi {
    tanks: Arc<Desk<Tank>>,
    irrigations: Arc<Desk<Irrigation>>,
    meters: Arc<Desk<WaterMeter>>,
    parks: Arc<Parks>,
    clock: Arc<ParkClocks>,
}

impl WaterApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clock: Arc<ParkClocks>,
    ) -> WaterApi {
        WaterApi {
            tanks: Desk::new(Arc::clone(&store), publisher.clone()),
            irrigations: Desk::new(Arc::clone(&store), publisher.clone()),
            meters: Desk::new(Arc::clone(&store), publisher),
            parks: Arc::new(Parks::new(store)),
            clock,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> WaterServiceServer<WaterApi> {
        WaterServiceServer::new(self)
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

    /// What a decision of an irrigation zone rests on: its tank, and the zones it shares it with.
    async fn irrigation_context(
        &self,
        park: &ParkDefinition,
        zone: AssetId,
        tank: TankDefinition,
        now: UnixMillis,
    ) -> Result<IrrigationContext, Status> {
        let newest = self
            .tanks
            .look(&tank_stream(park, &tank.id), Tank::newest)
            .await?;
        let mut promised_l = 0;
        for other in other_zones_of_tank(park, &tank.id, &zone) {
            promised_l += self
                .irrigations
                .look(&zone_stream(park, other), Irrigation::promised_l)
                .await?;
        }
        Ok(IrrigationContext {
            park: park.id.clone(),
            zone,
            tank: tank.id,
            tank_level_l: newest.map(|newest| newest.level_l),
            tank_reserve_l: tank.reserve_l,
            promised_l,
            now: now.seconds(),
        })
    }
}

#[tonic::async_trait]
impl WaterService for WaterApi {
    async fn report_tank_levels(
        &self,
        request: Request<wire::ReportTankLevelsRequest>,
    ) -> Result<Response<wire::ReportTankLevelsResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        refuse_too_many_reports("levels", request.levels.len())?;
        let park = self.park(&request.park).await?;
        let now = self.now(&park).await?;
        let reports = Reports::take_in(&request.levels, |sent| {
            let (tank, level) = take_in_level(&park, sent)?;
            Ok(Addressed {
                stream: tank_stream(&park, &tank.id),
                context: TankContext {
                    park: park.id.clone(),
                    tank: tank.id,
                    capacity_l: tank.capacity_l,
                    reserve_l: tank.reserve_l,
                    now: now.seconds(),
                },
                command: level,
            })
        });
        let outcome = reports
            .record(&self.tanks, &now.to_string(), &provenance)
            .await?;
        Ok(Response::new(wire::ReportTankLevelsResponse {
            counts: Some(outcome.counts),
            rejections: outcome.rejections,
            recorded_position: outcome.recorded_position,
        }))
    }

    async fn report_water_meters(
        &self,
        request: Request<wire::ReportWaterMetersRequest>,
    ) -> Result<Response<wire::ReportWaterMetersResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        refuse_too_many_reports("readings", request.readings.len())?;
        let park = self.park(&request.park).await?;
        let now = self.now(&park).await?;
        let reports = Reports::take_in(&request.readings, |sent| {
            let (asset, water) = take_in_reading(&park, sent)?;
            Ok(Addressed {
                stream: StreamName::new("water", "meter", park.id.as_str(), asset.as_str()),
                context: WaterMeterContext {
                    park: park.id.clone(),
                    asset,
                    now: now.seconds(),
                },
                command: water,
            })
        });
        let outcome = reports
            .record(&self.meters, &now.to_string(), &provenance)
            .await?;
        Ok(Response::new(wire::ReportWaterMetersResponse {
            counts: Some(outcome.counts),
            rejections: outcome.rejections,
            recorded_position: outcome.recorded_position,
        }))
    }

    async fn start_irrigation(
        &self,
        request: Request<wire::StartIrrigationRequest>,
    ) -> Result<Response<wire::StartIrrigationResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let client_request_id = take_in_required_request_id(&provenance)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let (zone, tank) = find_irrigation_zone(&park, &request.zone)?;
        let now = self.now(&park).await?;
        let irrigation_id = irrigation_id(&park.id, &zone, &client_request_id);
        let addressed = Addressed {
            stream: zone_stream(&park, &zone),
            context: self.irrigation_context(&park, zone, tank, now).await?,
            command: IrrigationCommand::Start {
                litres: request.litres,
                client_request_id,
            },
        };
        let (events, recorded_position) = self
            .irrigations
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
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
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let (zone, tank) = find_irrigation_zone(&park, &request.zone)?;
        let started = Uuid::parse_str(&request.irrigation_id).map_err(|_| {
            field_status(
                Code::InvalidArgument,
                "irrigation_id",
                format!(
                    "\"{}\" is no id; send the one that StartIrrigation gave",
                    request.irrigation_id
                ),
            )
        })?;
        let now = self.now(&park).await?;
        let command = IrrigationCommand::ReportEnd {
            started,
            time: take_in_instant("time", &request.time)?,
            litres: request.litres,
        };
        let addressed = Addressed {
            stream: zone_stream(&park, &zone),
            context: self.irrigation_context(&park, zone, tank, now).await?,
            command,
        };
        let (events, recorded_position) = self
            .irrigations
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
        Ok(Response::new(wire::ReportIrrigationEndResponse {
            recorded_position,
            recorded: !events.is_empty(),
        }))
    }

    async fn list_tanks(
        &self,
        request: Request<wire::ListTanksRequest>,
    ) -> Result<Response<wire::ListTanksResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let park = self.park(&request.get_ref().park).await?;
        let mut tanks = Vec::new();
        for asset in park.assets.values() {
            let AssetParameters::Tank {
                capacity_l,
                reserve_l,
                ..
            } = &asset.parameters
            else {
                continue;
            };
            let (newest, alarms) = self
                .tanks
                .look(&tank_stream(&park, &asset.id), |tank| {
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
}

fn tank_stream(park: &ParkDefinition, tank: &AssetId) -> StreamName {
    StreamName::new("water", "tank", park.id.as_str(), tank.as_str())
}

fn zone_stream(park: &ParkDefinition, zone: &AssetId) -> StreamName {
    StreamName::new("water", "irrigation", park.id.as_str(), zone.as_str())
}
