//! Decisions about the accounts: each gives the position it rests on, whether it is new, and its version.

use terrarium_journal::{Call, take_in_instant, take_in_text, take_in_token};
use terrarium_proto::carbon::v1 as wire;
use tonic::Status;

use super::CarbonApi;
use crate::domain::PolicyCommand;

impl CarbonApi {
    /// What belongs to the inventory.
    pub(super) async fn set_boundary(
        &self,
        call: &Call<wire::SetBoundaryPolicyRequest>,
    ) -> Result<(u64, bool, u32), Status> {
        let set = wire::BoundaryPolicySetV1 {
            version: 0,
            consolidation: call.message.consolidation,
            scope3_categories: call.message.scope3_categories.clone(),
            tenant_electricity: call.message.tenant_electricity,
            exclusions: call.message.exclusions.clone(),
            valid_from_s: take_in_instant("valid_from", &call.message.valid_from)?.0,
            time_s: 0,
        };
        self.set_policy(call, PolicyCommand::SetBoundary(set)).await
    }

    /// What targets and progress are measured against.
    pub(super) async fn set_base_year(
        &self,
        call: &Call<wire::SetBaseYearRequest>,
    ) -> Result<(u64, bool, u32), Status> {
        let set = wire::BaseYearSetV1 {
            version: 0,
            year: call.message.year,
            recalculation_permille: call.message.recalculation_permille,
            reason: take_in_text("reason", &call.message.reason)?,
            time_s: 0,
        };
        self.set_policy(call, PolicyCommand::SetBaseYear(set)).await
    }

    /// A target.
    pub(super) async fn set_target(
        &self,
        call: &Call<wire::SetTargetRequest>,
    ) -> Result<(u64, bool, u32), Status> {
        let target = take_in_token("target", &call.message.target)?;
        let set = wire::TargetSetV1 {
            target: target.to_string(),
            version: 0,
            scopes: call.message.scopes.clone(),
            base_year: 0,
            target_year: call.message.target_year,
            reduction_permille: call.message.reduction_permille,
            standard: call.message.standard.clone(),
            time_s: 0,
        };
        self.set_policy(call, PolicyCommand::SetTarget(set)).await
    }
}
