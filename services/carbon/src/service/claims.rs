//! What claims rest on, and the verification of periods, over gRPC.

use terrarium_journal::{
    MAY_COMMAND, MAY_READ, MAY_REPORT, MAY_VERIFY, take_in_evidence, take_in_instant, take_in_text,
    take_in_token,
};
use terrarium_proto::carbon::v1 as wire;
use terrarium_proto::carbon::v1::claims_service_server::{ClaimsService, ClaimsServiceServer};
use tonic::{Request, Response, Status};

use super::{CarbonApi, accounts};
use crate::domain::{PeriodStep, PolicyCommand};

impl CarbonApi {
    /// The claims' side, as tonic serves it.
    pub fn into_claims_server(self) -> ClaimsServiceServer<CarbonApi> {
        ClaimsServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl ClaimsService for CarbonApi {
    async fn set_reporting_profile(
        &self,
        request: Request<wire::SetReportingProfileRequest>,
    ) -> Result<Response<wire::SetReportingProfileResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let set = wire::ReportingProfileSetV1 {
            version: 0,
            role: call.message.role,
            equity_ppm: call.message.equity_ppm,
            development_zone: call.message.development_zone,
            time_s: 0,
        };
        let set = accounts::to_policy(&call, PolicyCommand::SetProfile(set));
        call.answer(&self.policies, set).await
    }

    async fn set_party(
        &self,
        request: Request<wire::SetPartyRequest>,
    ) -> Result<Response<wire::SetPartyResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let set = wire::PartySetV1 {
            party: take_in_token("party", &call.message.party)?.to_string(),
            version: 0,
            relation: call.message.relation,
            park_operates: call.message.park_operates,
            park_controls_financially: call.message.park_controls_financially,
            equity_ppm: call.message.equity_ppm,
            time_s: 0,
        };
        let set = accounts::to_policy(&call, PolicyCommand::SetParty(set));
        call.answer(&self.policies, set).await
    }

    async fn set_stage_criteria(
        &self,
        request: Request<wire::SetStageCriteriaRequest>,
    ) -> Result<Response<wire::SetStageCriteriaResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        for criterion in &call.message.criteria {
            take_in_token("criteria.indicator", &criterion.indicator)?;
        }
        let set = wire::StageCriteriaSetV1 {
            version: 0,
            criteria: call.message.criteria.clone(),
            source: take_in_text("source", &call.message.source)?,
            time_s: 0,
        };
        let set = accounts::to_policy(&call, PolicyCommand::SetStages(set));
        call.answer(&self.policies, set).await
    }

    async fn report_indicator(
        &self,
        request: Request<wire::ReportIndicatorRequest>,
    ) -> Result<Response<wire::ReportIndicatorResponse>, Status> {
        let call = self.shell.call(request, MAY_REPORT).await?;
        let reported = wire::IndicatorReportedV1 {
            indicator: take_in_token("indicator", &call.message.indicator)?.to_string(),
            value_ppm: call.message.value_ppm,
            time_s: take_in_instant("time", &call.message.time)?.0,
            source: take_in_text("source", &call.message.source)?,
            evidence_sha256: take_in_evidence("evidence_sha256", &call.message.evidence_sha256)?,
        };
        let report = accounts::to_policy(&call, PolicyCommand::ReportIndicator(reported));
        call.answer(&self.policies, report).await
    }

    async fn set_life_cycle_plan(
        &self,
        request: Request<wire::SetLifeCyclePlanRequest>,
    ) -> Result<Response<wire::SetLifeCyclePlanResponse>, Status> {
        let call = self.shell.call(request, MAY_COMMAND).await?;
        let set = wire::LifeCyclePlanSetV1 {
            version: 0,
            plan: call.message.plan.clone(),
            time_s: 0,
        };
        let set = accounts::to_policy(&call, PolicyCommand::SetLifeCycle(set));
        call.answer(&self.policies, set).await
    }

    async fn plan_sampling(
        &self,
        request: Request<wire::PlanSamplingRequest>,
    ) -> Result<Response<wire::PlanSamplingResponse>, Status> {
        let call = self.shell.call(request, MAY_VERIFY).await?;
        let planned = wire::PeriodSamplingPlannedV1 {
            materiality_permille: call.message.materiality_permille,
            items: call.message.items.clone(),
            ..wire::PeriodSamplingPlannedV1::default()
        };
        let step = PeriodStep::PlanSampling(planned);
        let plan = accounts::to_period(&call, &call.message.period, step)?;
        call.answer(&self.periods, plan).await
    }

    async fn raise_finding(
        &self,
        request: Request<wire::RaiseFindingRequest>,
    ) -> Result<Response<wire::RaiseFindingResponse>, Status> {
        let call = self.shell.call(request, MAY_VERIFY).await?;
        let raised = wire::PeriodFindingRaisedV1 {
            finding: take_in_token("finding", &call.message.finding)?.to_string(),
            text: call.message.text.clone(),
            misstatement_mg: call.message.misstatement_mg,
            entries: call.message.entries.clone(),
            ..wire::PeriodFindingRaisedV1::default()
        };
        let step = PeriodStep::RaiseFinding(raised);
        let raise = accounts::to_period(&call, &call.message.period, step)?;
        call.answer(&self.periods, raise).await
    }

    async fn resolve_finding(
        &self,
        request: Request<wire::ResolveFindingRequest>,
    ) -> Result<Response<wire::ResolveFindingResponse>, Status> {
        let call = self.shell.call(request, MAY_VERIFY).await?;
        let resolved = wire::PeriodFindingResolvedV1 {
            finding: take_in_token("finding", &call.message.finding)?.to_string(),
            resolution: call.message.resolution.clone(),
            ..wire::PeriodFindingResolvedV1::default()
        };
        let step = PeriodStep::ResolveFinding(resolved);
        let resolve = accounts::to_period(&call, &call.message.period, step)?;
        call.answer(&self.periods, resolve).await
    }

    async fn get_verification(
        &self,
        request: Request<wire::GetVerificationRequest>,
    ) -> Result<Response<wire::GetVerificationResponse>, Status> {
        let call = self.shell.call(request, MAY_READ).await?;
        let answer = call
            .look(&self.periods, accounts::WHOLE_PARK, |periods| {
                let Some(known) = periods.verification(&call.message.period) else {
                    return wire::GetVerificationResponse::default();
                };
                wire::GetVerificationResponse {
                    plan: known.planned().cloned(),
                    findings: known
                        .findings()
                        .map(|finding| wire::VerificationFinding {
                            raised: Some(finding.raised.clone()),
                            resolved: finding.resolved.clone(),
                        })
                        .collect(),
                }
            })
            .await?;
        Ok(Response::new(answer))
    }
}
