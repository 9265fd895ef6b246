//! From a call to the aggregates of the accounts, and their lists.

use terrarium_journal::{Addressed, Call, Rejection, take_in_token};
use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1 as wire;
use tonic::Status;

use super::CarbonApi;
use crate::accounts_intake::{TreeGroupDefinition, find_group};
use crate::domain::{
    Activities, EmbodiedCarbon, Invoices, PeriodCommand, PeriodContext, PeriodStep, Periods,
    Policy, PolicyCommand, PolicyContext, TreeCommand, TreeContext, TreeGroup,
};

/// A park has its periods and its policy once.
pub(super) const WHOLE_PARK: &str = "park";

pub(super) fn to_trees<R>(
    call: &Call<R>,
    group: TreeGroupDefinition,
    command: TreeCommand,
) -> Addressed<TreeGroup> {
    let context = TreeContext {
        park: call.park.id.clone(),
        group: group.id.clone(),
        most: group.most,
        now: call.now,
    };
    call.address(group.id.as_str(), context, command)
}

pub(super) fn to_period<R>(
    call: &Call<R>,
    period: &str,
    step: PeriodStep,
) -> Result<Addressed<Periods>, Rejection> {
    let context = PeriodContext {
        park: call.park.id.clone(),
        by: call.actor().into(),
        now: call.now,
    };
    let command = PeriodCommand {
        period: take_in_token("period", period)?,
        step,
    };
    Ok(call.address(WHOLE_PARK, context, command))
}

pub(super) fn to_policy<R>(call: &Call<R>, command: PolicyCommand) -> Addressed<Policy> {
    let day = call.park.time_zone.day_key(call.now);
    let year = day.split('-').next().and_then(|year| year.parse().ok());
    let context = PolicyContext {
        park: call.park.id.clone(),
        now: call.now,
        this_year: year.unwrap_or(0),
    };
    call.address(WHOLE_PARK, context, command)
}

impl CarbonApi {
    /// Sets boundary, base year or a target. Gives the position it rests on, whether it is new, and its version: what it was
    /// recorded with when this was sent before, also where it is no more in force.
    pub(super) async fn set_policy<R>(
        &self,
        call: &Call<R>,
        command: PolicyCommand,
    ) -> Result<(u64, bool, u32), Status> {
        let set = to_policy(call, command.clone());
        let (events, recorded_position) = call.carry_out(&self.policies, set).await?;
        let version = call
            .look(&self.policies, WHOLE_PARK, |policy| {
                policy.version_of(&command)
            })
            .await?;
        Ok((recorded_position, !events.is_empty(), version))
    }

    pub(super) async fn tree_groups<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<wire::TreeGroup>, Status> {
        let mut groups = Vec::new();
        for id in self.shell.ids::<TreeGroup>(&call.park).await? {
            // A group that left the park since is not listed.
            let Ok(definition) = find_group(&call.park, &id) else {
                continue;
            };
            let listed = call
                .look(&self.tree_groups, &id, |group| {
                    let survey = group.newest_survey();
                    wire::TreeGroup {
                        group: id.clone(),
                        species: definition.species,
                        planted: group.planted(),
                        living: group.living(),
                        co2_g: group.co2_g(),
                        reversed_co2_g: group.reversed_co2_g(),
                        mean_diameter_mm: survey.map_or(0, |survey| survey.mean_diameter_mm),
                        mean_height_cm: survey.map_or(0, |survey| survey.mean_height_cm),
                        surveyed: survey.map_or_else(String::new, |survey| {
                            format_rfc3339_utc(UnixSeconds(survey.time_s))
                        }),
                    }
                })
                .await?;
            groups.push(listed);
        }
        Ok(groups)
    }

    pub(super) async fn embodied_carbon<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<wire::EmbodiedCarbon>, Status> {
        let mut items = Vec::new();
        for asset in self.shell.ids::<EmbodiedCarbon>(&call.park).await? {
            let newest = call
                .look(&self.embodied, &asset, |embodied| {
                    embodied.newest().cloned().collect::<Vec<_>>()
                })
                .await?;
            items.extend(newest.into_iter().map(|record| wire::EmbodiedCarbon {
                asset: record.asset,
                module: record.module,
                item: record.item,
                revision: record.revision,
                time: format_rfc3339_utc(UnixSeconds(record.time_s)),
                co2e_mg: record.co2e_mg,
                source: record.source,
            }));
        }
        Ok(items)
    }

    pub(super) async fn reported_activities<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<wire::ActivityReportedV1>, Status> {
        let mut activities = Vec::new();
        for asset in self.shell.ids::<Activities>(&call.park).await? {
            let newest = call
                .look(&self.activities, &asset, |activities| {
                    activities.newest().cloned().collect::<Vec<_>>()
                })
                .await?;
            activities.extend(newest);
        }
        Ok(activities)
    }

    pub(super) async fn recorded_invoices<R>(
        &self,
        call: &Call<R>,
    ) -> Result<Vec<wire::InvoiceRecordedV1>, Status> {
        let mut invoices = Vec::new();
        for supplier in self.shell.ids::<Invoices>(&call.park).await? {
            let newest = call
                .look(&self.invoices, &supplier, |invoices| {
                    invoices.newest().cloned().collect::<Vec<_>>()
                })
                .await?;
            invoices.extend(newest);
        }
        Ok(invoices)
    }

    pub(super) async fn periods<R>(&self, call: &Call<R>) -> Result<Vec<wire::Period>, Status> {
        call.look(&self.periods, WHOLE_PARK, |periods| {
            let in_order = periods.in_order().into_iter();
            in_order
                .map(|(id, period)| wire::Period {
                    period: id.clone(),
                    from: format_rfc3339_utc(period.from),
                    to: format_rfc3339_utc(period.to),
                    state: period.state.into(),
                    restatements: period.restatements,
                    closed_by: period.closed_by.clone(),
                    verified_by: period.verified_by.clone(),
                    reviewed_by: period.reviewed_by.clone(),
                })
                .collect()
        })
        .await
    }
}
