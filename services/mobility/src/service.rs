//! The gRPC shell of the mobility service.

use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_journal::{
    Addressed, CommitPublisher, Desk, DueDecisions, EventStore, ParkClocks, Parks, Position,
    Provenance, Reports, StreamName, field_status, refuse_too_many_reports,
    take_in_required_request_id,
};
use terrarium_model::{AssetParameters, ParkDefinition, ParkId, UnixMillis};
use terrarium_proto::mobility::v1 as wire;
use terrarium_proto::mobility::v1::mobility_service_server::{
    MobilityService, MobilityServiceServer,
};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};

use crate::domain::power::ask_id;
use crate::domain::{Charger, ChargerCommand, ChargerContext, ChargerFact};
use crate::intake::{
    ChargerDefinition, find_charger, take_in_answer, take_in_fault, take_in_start, take_in_totals,
};

const MAY_REPORT: &[Role] = &[Role::Device, Role::Operator, Role::Simulator, Role::Admin];
const MAY_COMMAND: &[Role] = &[Role::Operator, Role::Simulator, Role::Admin];
const MAY_READ: &[Role] = &Role::ALL;

/// The mobility service of any number of parks.
#[derive(Clone)]
pub struct MobilityApi {
    chargers: Arc<Desk<Charger>>,
    parks: Arc<Parks>,
    clock: Arc<ParkClocks>,
}

impl MobilityApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clock: Arc<ParkClocks>,
    ) -> MobilityApi {
        MobilityApi {
            chargers: Desk::new(Arc::clone(&store), publisher),
            parks: Arc::new(Parks::new(store)),
            clock,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> MobilityServiceServer<MobilityApi> {
        MobilityServiceServer::new(self)
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

    /// Carries out one command. Gives a position that covers it, and whether it made something new.
    async fn carry_out(
        &self,
        park: &ParkDefinition,
        charger: ChargerDefinition,
        command: ChargerCommand,
        provenance: Provenance,
    ) -> Result<(u64, bool), Status> {
        let now = self.now(park).await?;
        let addressed = to_charger(park, charger, command, now);
        let (events, recorded_position) = self
            .chargers
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
        Ok((recorded_position, !events.is_empty()))
    }
}

#[tonic::async_trait]
impl MobilityService for MobilityApi {
    async fn report_session_start(
        &self,
        request: Request<wire::ReportSessionStartRequest>,
    ) -> Result<Response<wire::ReportSessionStartResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let charger = find_charger(&park, &request.charger)?;
        let command = take_in_start(&request)?;
        let (recorded_position, recorded) =
            self.carry_out(&park, charger, command, provenance).await?;
        Ok(Response::new(wire::ReportSessionStartResponse {
            recorded_position,
            recorded,
        }))
    }

    async fn report_session_meters(
        &self,
        request: Request<wire::ReportSessionMetersRequest>,
    ) -> Result<Response<wire::ReportSessionMetersResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        refuse_too_many_reports("meters", request.meters.len())?;
        let park = self.park(&request.park).await?;
        let now = self.now(&park).await?;
        let reports = Reports::take_in(&request.meters, |sent| {
            let charger = find_charger(&park, &sent.charger)?;
            let (session, time, totals) = take_in_totals(sent)?;
            let command = ChargerCommand::MeterSession {
                session,
                time,
                totals,
            };
            Ok(to_charger(&park, charger, command, now))
        });
        let outcome = reports
            .record(&self.chargers, &now.to_string(), &provenance)
            .await?;
        Ok(Response::new(wire::ReportSessionMetersResponse {
            counts: Some(outcome.counts),
            rejections: outcome.rejections,
            recorded_position: outcome.recorded_position,
        }))
    }

    async fn report_session_end(
        &self,
        request: Request<wire::ReportSessionEndRequest>,
    ) -> Result<Response<wire::ReportSessionEndResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let sent = request.meter.as_ref().ok_or_else(|| {
            field_status(
                Code::InvalidArgument,
                "meter",
                "it is missing; send the session's final totals",
            )
        })?;
        let charger = find_charger(&park, &sent.charger)?;
        let (session, time, totals) = take_in_totals(sent)?;
        let command = ChargerCommand::EndSession {
            session,
            time,
            totals,
        };
        let (recorded_position, recorded) =
            self.carry_out(&park, charger, command, provenance).await?;
        Ok(Response::new(wire::ReportSessionEndResponse {
            recorded_position,
            recorded,
        }))
    }

    async fn report_charger_fault(
        &self,
        request: Request<wire::ReportChargerFaultRequest>,
    ) -> Result<Response<wire::ReportChargerFaultResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let charger = find_charger(&park, &request.charger)?;
        let command = take_in_fault(&request)?;
        let (recorded_position, recorded) =
            self.carry_out(&park, charger, command, provenance).await?;
        Ok(Response::new(wire::ReportChargerFaultResponse {
            recorded_position,
            recorded,
        }))
    }

    async fn set_charge_power(
        &self,
        request: Request<wire::SetChargePowerRequest>,
    ) -> Result<Response<wire::SetChargePowerResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let client_request_id = take_in_required_request_id(&provenance)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let charger = find_charger(&park, &request.charger)?;
        let ask_id = ask_id(&park.id, &charger.id, &client_request_id);
        let command = ChargerCommand::SetPower {
            limit_w: request.limit_w,
            client_request_id,
        };
        let (recorded_position, recorded) =
            self.carry_out(&park, charger, command, provenance).await?;
        Ok(Response::new(wire::SetChargePowerResponse {
            ask_id: ask_id.to_string(),
            recorded_position,
            recorded,
        }))
    }

    async fn report_charge_power(
        &self,
        request: Request<wire::ReportChargePowerRequest>,
    ) -> Result<Response<wire::ReportChargePowerResponse>, Status> {
        actor(&request)?.require(MAY_REPORT, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let charger = find_charger(&park, &request.charger)?;
        let stream = charger_stream(&park, charger.id.as_str());
        let (asked, time, power_w) = take_in_answer(&request)?;
        let now = self.now(&park).await?;
        let command = ChargerCommand::ReportPower {
            asked,
            time,
            power_w,
        };
        let addressed = to_charger(&park, charger, command, now);
        let (events, recorded_position) = self
            .chargers
            .carry_out(addressed, now.to_string(), provenance)
            .await?;
        let obeyed = match events.first() {
            Some(event) => matches!(event.fact, ChargerFact::PowerObeyed { .. }),
            None => {
                self.chargers
                    .look(&stream, |charger| charger.asks().obeyed(&asked))
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
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let park = self.park(&request.get_ref().park).await?;
        let mut chargers = Vec::new();
        for asset in park.assets.values() {
            let AssetParameters::Charger { bidirectional } = asset.parameters else {
                continue;
            };
            let listed = self
                .chargers
                .look(&charger_stream(&park, asset.id.as_str()), |charger| {
                    wire::Charger {
                        charger: asset.id.to_string(),
                        rated_w: asset.rated_w.unwrap_or(0),
                        bidirectional,
                        session: charger
                            .sessions()
                            .running()
                            .map_or_else(String::new, |(session, _)| session.to_string()),
                        faults: charger
                            .faults()
                            .iter()
                            .map(|fault| fault.to_string())
                            .collect(),
                        asked_limit_w: charger.asks().newest().map(|ask| ask.limit_w),
                    }
                })
                .await?;
            chargers.push(listed);
        }
        Ok(Response::new(wire::ListChargersResponse { chargers }))
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
            let addressed = to_charger(park, charger, ChargerCommand::MissUnanswered, now);
            Some((addressed.command, addressed.context))
        }))
    }
}

fn to_charger(
    park: &ParkDefinition,
    charger: ChargerDefinition,
    command: ChargerCommand,
    now: UnixMillis,
) -> Addressed<Charger> {
    Addressed {
        stream: charger_stream(park, charger.id.as_str()),
        context: ChargerContext {
            park: park.id.clone(),
            charger: charger.id,
            rated_w: charger.rated_w,
            bidirectional: charger.bidirectional,
            now: now.seconds(),
        },
        command,
    }
}

fn charger_stream(park: &ParkDefinition, charger: &str) -> StreamName {
    StreamName::new("mobility", "charger", park.id.as_str(), charger)
}
