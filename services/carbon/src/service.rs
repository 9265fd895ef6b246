//! The gRPC shell of the carbon service.

mod accounts;
mod checked;
mod claims;
mod decisions;
mod instruments;
mod publications;

use std::sync::Arc;

use terrarium_journal::{
    CommitPublisher, Desk, EventStore, MAY_COMMAND, MAY_READ, MAY_REPORT, MAY_VERIFY, ParkClocks,
    Parks, Provenance, Shell, take_in_instant, take_in_text,
};
use terrarium_model::ParkDefinition;
use terrarium_proto::carbon::v1 as wire;
use terrarium_proto::carbon::v1::carbon_service_server::{CarbonService, CarbonServiceServer};
use terrarium_runtime::{Role, actor};
use tonic::{Request, Response, Status};

use crate::accounts_intake::{
    InstrumentName, find_group, take_in_embodied, take_in_hold, take_in_issue, take_in_loss,
    take_in_planting, take_in_retirement, take_in_sale, take_in_surrender, take_in_survey,
};
use crate::activities_intake::{
    take_in_activity, take_in_document, take_in_invoice, take_in_profile,
};
use crate::domain::{
    AccountingProfile, Activities, ActivitiesContext, EmbodiedCarbon, EmbodiedContext, Evidence,
    EvidenceContext, FactorSetRecord, Instrument, Invoices, InvoicesContext, ParkRecord,
    PeriodStep, Periods, Policy, ProfileContext, TreeCommand, TreeGroup,
};

const MAY_REVIEW: &[Role] = &[Role::Operator, Role::Auditor, Role::Admin];
const MAY_DEFINE: &[Role] = &[Role::Admin];
const MAY_PUBLISH: &[Role] = &[Role::Operator, Role::Admin];

/// The carbon service of any number of parks.
#[derive(Clone)]
pub struct CarbonApi {
    definitions: Arc<Desk<ParkRecord>>,
    factor_sets: Arc<Desk<FactorSetRecord>>,
    tree_groups: Arc<Desk<TreeGroup>>,
    embodied: Arc<Desk<EmbodiedCarbon>>,
    instruments: Arc<Desk<Instrument>>,
    periods: Arc<Desk<Periods>>,
    policies: Arc<Desk<Policy>>,
    activities: Arc<Desk<Activities>>,
    evidence: Arc<Desk<Evidence>>,
    invoices: Arc<Desk<Invoices>>,
    profiles: Arc<Desk<AccountingProfile>>,
    parks: Arc<Parks>,
    clock: Arc<ParkClocks>,
    shell: Shell,
    store: Arc<dyn EventStore>,
}

impl CarbonApi {
    /// The service over a store and a bus.
    pub fn new(
        store: Arc<dyn EventStore>,
        publisher: CommitPublisher,
        clock: Arc<ParkClocks>,
    ) -> CarbonApi {
        CarbonApi {
            definitions: Desk::new(Arc::clone(&store), publisher.clone()),
            factor_sets: Desk::new(Arc::clone(&store), publisher.clone()),
            tree_groups: Desk::new(Arc::clone(&store), publisher.clone()),
            embodied: Desk::new(Arc::clone(&store), publisher.clone()),
            instruments: Desk::new(Arc::clone(&store), publisher.clone()),
            periods: Desk::new(Arc::clone(&store), publisher.clone()),
            policies: Desk::new(Arc::clone(&store), publisher.clone()),
            activities: Desk::new(Arc::clone(&store), publisher.clone()),
            evidence: Desk::new(Arc::clone(&store), publisher.clone()),
            invoices: Desk::new(Arc::clone(&store), publisher.clone()),
            profiles: Desk::new(Arc::clone(&store), publisher),
            parks: Arc::new(Parks::new(Arc::clone(&store))),
            shell: Shell::new(Arc::clone(&store), Arc::clone(&clock)),
            store,
            clock,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> CarbonServiceServer<CarbonApi> {
        CarbonServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }
}

#[tonic::async_trait]
impl CarbonService for CarbonApi {
    async fn define_park(
        &self,
        request: Request<wire::DefineParkRequest>,
    ) -> Result<Response<wire::DefineParkResponse>, Status> {
        let caller = actor(&request)?;
        caller.require_role(MAY_DEFINE)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        if let Ok(definition) = ParkDefinition::parse(&request.definition_toml, "definition_toml") {
            caller.require(MAY_DEFINE, definition.id.as_str())?;
        }
        let (park, recorded_position, recorded) =
            self.define(&request.definition_toml, provenance).await?;
        Ok(Response::new(wire::DefineParkResponse {
            park: park.to_string(),
            recorded_position,
            recorded,
        }))
    }

    async fn publish_factor_set(
        &self,
        request: Request<wire::PublishFactorSetRequest>,
    ) -> Result<Response<wire::PublishFactorSetResponse>, Status> {
        actor(&request)?.require(MAY_PUBLISH, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let (recorded_position, recorded) = self.publish_set(request, provenance).await?;
        Ok(Response::new(wire::PublishFactorSetResponse {
            recorded_position,
            recorded,
        }))
    }

    async fn publish_factor_table(
        &self,
        request: Request<wire::PublishFactorTableRequest>,
    ) -> Result<Response<wire::PublishFactorTableResponse>, Status> {
        actor(&request)?.require(MAY_PUBLISH, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let (recorded_position, recorded) = self.publish_table(request, provenance).await?;
        Ok(Response::new(wire::PublishFactorTableResponse {
            recorded_position,
            recorded,
        }))
    }

    async fn report_activity(
        &self,
        request: Request<wire::ReportActivityRequest>,
    ) -> Result<Response<wire::ReportActivityResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let (asset, report) = take_in_activity(&call.park, &call.message)?;
        let context = ActivitiesContext {
            park: call.park.id.clone(),
            asset: asset.clone(),
            now: call.now,
        };
        let report = call.address(asset.as_str(), context, report);
        call.answer(&self.activities, report).await
    }

    async fn list_activities(
        &self,
        request: Request<wire::ListActivitiesRequest>,
    ) -> Result<Response<wire::ListActivitiesResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let activities = self.reported_activities(&call).await?;
        Ok(Response::new(wire::ListActivitiesResponse { activities }))
    }

    async fn attach_evidence(
        &self,
        request: Request<wire::AttachEvidenceRequest>,
    ) -> Result<Response<wire::AttachEvidenceResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let document = take_in_document(&call.park, &call.message)?;
        let context = EvidenceContext {
            park: call.park.id.clone(),
            now: call.now,
        };
        let attach = call.address(accounts::WHOLE_PARK, context, document);
        call.answer(&self.evidence, attach).await
    }

    async fn list_evidence(
        &self,
        request: Request<wire::ListEvidenceRequest>,
    ) -> Result<Response<wire::ListEvidenceResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let evidence = call
            .look(&self.evidence, accounts::WHOLE_PARK, |evidence| {
                evidence.attached().cloned().collect()
            })
            .await?;
        Ok(Response::new(wire::ListEvidenceResponse { evidence }))
    }

    async fn record_invoice(
        &self,
        request: Request<wire::RecordInvoiceRequest>,
    ) -> Result<Response<wire::RecordInvoiceResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let invoice = take_in_invoice(&call.park, &call.message)?;
        let context = InvoicesContext {
            park: call.park.id.clone(),
        };
        let supplier = invoice.supplier.clone();
        let record = call.address(&supplier, context, invoice);
        call.answer(&self.invoices, record).await
    }

    async fn list_invoices(
        &self,
        request: Request<wire::ListInvoicesRequest>,
    ) -> Result<Response<wire::ListInvoicesResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let invoices = self.recorded_invoices(&call).await?;
        Ok(Response::new(wire::ListInvoicesResponse { invoices }))
    }

    async fn set_accounting_profile(
        &self,
        request: Request<wire::SetAccountingProfileRequest>,
    ) -> Result<Response<wire::SetAccountingProfileResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let profile = take_in_profile(&call.message)?;
        let context = ProfileContext {
            park: call.park.id.clone(),
            now: call.now,
        };
        let set = call.address(accounts::WHOLE_PARK, context, profile.clone());
        let (events, recorded_position) = call.carry_out(&self.profiles, set).await?;
        let version = call
            .look(&self.profiles, accounts::WHOLE_PARK, |profiles| {
                profiles.version_of(&profile)
            })
            .await?;
        Ok(Response::new(wire::SetAccountingProfileResponse {
            recorded_position,
            recorded: !events.is_empty(),
            version,
        }))
    }

    async fn plant_trees(
        &self,
        request: Request<wire::PlantTreesRequest>,
    ) -> Result<Response<wire::PlantTreesResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let group = find_group(&call.park, &call.message.group)?;
        let planting = take_in_planting(&group, &call.message)?;
        let id = planting.planting.clone();
        let plant = accounts::to_trees(&call, group, TreeCommand::Plant(planting));
        let (events, recorded_position) = call.carry_out(&self.tree_groups, plant).await?;
        let first_number = call
            .look(&self.tree_groups, &call.message.group, |group| {
                group
                    .planting(&id)
                    .map_or(0, |planted| planted.first_number)
            })
            .await?;
        Ok(Response::new(wire::PlantTreesResponse {
            recorded_position,
            recorded: !events.is_empty(),
            first_number,
        }))
    }

    async fn monitor_trees(
        &self,
        request: Request<wire::MonitorTreesRequest>,
    ) -> Result<Response<wire::MonitorTreesResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let group = find_group(&call.park, &call.message.group)?;
        let survey = take_in_survey(&group, &call.message)?;
        let monitor = accounts::to_trees(&call, group, TreeCommand::Monitor(survey));
        call.answer(&self.tree_groups, monitor).await
    }

    async fn report_trees_died(
        &self,
        request: Request<wire::ReportTreesDiedRequest>,
    ) -> Result<Response<wire::ReportTreesDiedResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let group = find_group(&call.park, &call.message.group)?;
        let loss = take_in_loss(&group, &call.message)?;
        let id = loss.loss.clone();
        let lose = accounts::to_trees(&call, group, TreeCommand::Lose(loss));
        let (events, recorded_position) = call.carry_out(&self.tree_groups, lose).await?;
        let reversed_co2_g = call
            .look(&self.tree_groups, &call.message.group, |group| {
                group.loss(&id).map_or(0, |died| died.reversed_co2_g)
            })
            .await?;
        Ok(Response::new(wire::ReportTreesDiedResponse {
            recorded_position,
            recorded: !events.is_empty(),
            reversed_co2_g,
        }))
    }

    async fn list_tree_groups(
        &self,
        request: Request<wire::ListTreeGroupsRequest>,
    ) -> Result<Response<wire::ListTreeGroupsResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let groups = self.tree_groups(&call).await?;
        Ok(Response::new(wire::ListTreeGroupsResponse { groups }))
    }

    async fn record_embodied_carbon(
        &self,
        request: Request<wire::RecordEmbodiedCarbonRequest>,
    ) -> Result<Response<wire::RecordEmbodiedCarbonResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let (asset, record) = take_in_embodied(&call.park, &call.message)?;
        let context = EmbodiedContext {
            park: call.park.id.clone(),
            asset: asset.clone(),
        };
        let record = call.address(asset.as_str(), context, record);
        call.answer(&self.embodied, record).await
    }

    async fn list_embodied_carbon(
        &self,
        request: Request<wire::ListEmbodiedCarbonRequest>,
    ) -> Result<Response<wire::ListEmbodiedCarbonResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let items = self.embodied_carbon(&call).await?;
        Ok(Response::new(wire::ListEmbodiedCarbonResponse { items }))
    }

    async fn issue_instrument(
        &self,
        request: Request<wire::IssueInstrumentRequest>,
    ) -> Result<Response<wire::IssueInstrumentResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let name = InstrumentName::take_in(&call.message.registry, &call.message.serial)?;
        let fact = take_in_issue(&name, &call.message)?;
        self.step(&call, &name, fact).await
    }

    async fn hold_instrument(
        &self,
        request: Request<wire::HoldInstrumentRequest>,
    ) -> Result<Response<wire::HoldInstrumentResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let name = InstrumentName::take_in(&call.message.registry, &call.message.serial)?;
        let fact = take_in_hold(&name, &call.message)?;
        self.step(&call, &name, fact).await
    }

    async fn retire_instrument(
        &self,
        request: Request<wire::RetireInstrumentRequest>,
    ) -> Result<Response<wire::RetireInstrumentResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let name = InstrumentName::take_in(&call.message.registry, &call.message.serial)?;
        let fact = take_in_retirement(&name, &call.message)?;
        self.step(&call, &name, fact).await
    }

    async fn sell_instrument(
        &self,
        request: Request<wire::SellInstrumentRequest>,
    ) -> Result<Response<wire::SellInstrumentResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let name = InstrumentName::take_in(&call.message.registry, &call.message.serial)?;
        let fact = take_in_sale(&name, &call.message)?;
        self.step(&call, &name, fact).await
    }

    async fn surrender_instrument(
        &self,
        request: Request<wire::SurrenderInstrumentRequest>,
    ) -> Result<Response<wire::SurrenderInstrumentResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let name = InstrumentName::take_in(&call.message.registry, &call.message.serial)?;
        let fact = take_in_surrender(&name, &call.message)?;
        self.step(&call, &name, fact).await
    }

    async fn list_instruments(
        &self,
        request: Request<wire::ListInstrumentsRequest>,
    ) -> Result<Response<wire::ListInstrumentsResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let instruments = self.instruments(&call).await?;
        Ok(Response::new(wire::ListInstrumentsResponse { instruments }))
    }

    async fn open_period(
        &self,
        request: Request<wire::OpenPeriodRequest>,
    ) -> Result<Response<wire::OpenPeriodResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let step = PeriodStep::Open {
            from: take_in_instant("from", &call.message.from)?,
            to: take_in_instant("to", &call.message.to)?,
        };
        let open = accounts::to_period(&call, &call.message.period, step)?;
        call.answer(&self.periods, open).await
    }

    async fn close_period(
        &self,
        request: Request<wire::ClosePeriodRequest>,
    ) -> Result<Response<wire::ClosePeriodResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let close = accounts::to_period(&call, &call.message.period, PeriodStep::Close)?;
        call.answer(&self.periods, close).await
    }

    async fn review_period(
        &self,
        request: Request<wire::ReviewPeriodRequest>,
    ) -> Result<Response<wire::ReviewPeriodResponse>, Status> {
        let call = self.shell.call(request, MAY_REVIEW).await?;
        let review = accounts::to_period(&call, &call.message.period, PeriodStep::Review)?;
        call.answer(&self.periods, review).await
    }

    async fn verify_period(
        &self,
        request: Request<wire::VerifyPeriodRequest>,
    ) -> Result<Response<wire::VerifyPeriodResponse>, Status> {
        let call = self.shell.call(request, MAY_VERIFY).await?;
        self.refuse_unchecked_factors(&call.park, &call.message.period)
            .await?;
        let step = PeriodStep::Verify {
            assurance: call.message.assurance(),
            statement_sha256: call.message.statement_sha256.clone(),
        };
        let verify = accounts::to_period(&call, &call.message.period, step)?;
        call.answer(&self.periods, verify).await
    }

    async fn restate_period(
        &self,
        request: Request<wire::RestatePeriodRequest>,
    ) -> Result<Response<wire::RestatePeriodResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let client_request_id = call.command_id()?;
        let step = PeriodStep::Restate {
            reason: call.message.reason(),
            explanation: take_in_text("explanation", &call.message.explanation)?.into(),
            client_request_id: Arc::clone(&client_request_id),
        };
        let restate = accounts::to_period(&call, &call.message.period, step)?;
        let (events, recorded_position) = call.carry_out(&self.periods, restate).await?;
        let restatement = call
            .look(&self.periods, accounts::WHOLE_PARK, |periods| {
                periods.restatement(&call.park.id, &call.message.period, &client_request_id)
            })
            .await?;
        Ok(Response::new(wire::RestatePeriodResponse {
            recorded_position,
            recorded: !events.is_empty(),
            restatement: restatement.unwrap_or(0),
        }))
    }

    async fn list_periods(
        &self,
        request: Request<wire::ListPeriodsRequest>,
    ) -> Result<Response<wire::ListPeriodsResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let periods = self.periods(&call).await?;
        Ok(Response::new(wire::ListPeriodsResponse { periods }))
    }

    async fn set_boundary_policy(
        &self,
        request: Request<wire::SetBoundaryPolicyRequest>,
    ) -> Result<Response<wire::SetBoundaryPolicyResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let (recorded_position, recorded, version) = self.set_boundary(&call).await?;
        Ok(Response::new(wire::SetBoundaryPolicyResponse {
            recorded_position,
            recorded,
            version,
        }))
    }

    async fn set_base_year(
        &self,
        request: Request<wire::SetBaseYearRequest>,
    ) -> Result<Response<wire::SetBaseYearResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let (recorded_position, recorded, version) = self.set_base_year(&call).await?;
        Ok(Response::new(wire::SetBaseYearResponse {
            recorded_position,
            recorded,
            version,
        }))
    }

    async fn set_target(
        &self,
        request: Request<wire::SetTargetRequest>,
    ) -> Result<Response<wire::SetTargetResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let (recorded_position, recorded, version) = self.set_target(&call).await?;
        Ok(Response::new(wire::SetTargetResponse {
            recorded_position,
            recorded,
            version,
        }))
    }

    async fn get_policy(
        &self,
        request: Request<wire::GetPolicyRequest>,
    ) -> Result<Response<wire::GetPolicyResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let answer = call
            .look(&self.policies, accounts::WHOLE_PARK, |policy| {
                wire::GetPolicyResponse {
                    boundary: policy.boundary().cloned(),
                    base_year: policy.base_year().cloned(),
                    targets: policy.targets().values().cloned().collect(),
                }
            })
            .await?;
        Ok(Response::new(answer))
    }
}
