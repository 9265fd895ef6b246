//! What claims rest on beside boundary, base year and targets: who owns and controls what, what the stages ask for, reported
//! indicators, the plan of the park's life.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_journal::{Event, Rejection, refuse_future};
use terrarium_model::UnixSeconds;
use terrarium_proto::carbon::v1::{
    IndicatorReportedV1, LifeCyclePlan, LifeCyclePlanSetV1, ParkRole, ParkStage, PartyRelation,
    PartySetV1, ReportingProfileSetV1, StageCriteriaSetV1, StageMeasure,
};

use super::{PolicyContext, PolicyFact};

/// The whole of something.
const WHOLE_PPM: u32 = 1_000_000;
/// Measures of a stage.
const MEASURES: usize = 8;
/// More criteria than this say nothing any more.
const MOST_CRITERIA: usize = 200;
/// Longest life of a plan.
const MOST_YEARS: u32 = 100;
/// As in postings: the park itself.
const PARK: &str = "park";
/// Larger figures are a slip of units: a tenth of what 64 bits hold.
const MOST_MG: i64 = i64::MAX / 10;

#[derive(Default)]
pub(super) struct ClaimBasis {
    profile: Option<ReportingProfileSetV1>,
    parties: BTreeMap<String, PartySetV1>,
    stages: Option<StageCriteriaSetV1>,
    indicators: BTreeMap<(String, i64), IndicatorReportedV1>,
    life_cycle: Option<LifeCyclePlanSetV1>,
}

type Decided = Result<Vec<Event<PolicyFact>>, Rejection>;

impl ClaimBasis {
    pub(super) fn evolve(&mut self, fact: &PolicyFact) {
        match fact {
            PolicyFact::ReportingProfileSetV1(set) => self.profile = Some(*set),
            PolicyFact::PartySetV1(set) => {
                self.parties.insert(set.party.clone(), set.clone());
            }
            PolicyFact::StageCriteriaSetV1(set) => self.stages = Some(set.clone()),
            PolicyFact::IndicatorReportedV1(reported) => {
                let key = (reported.indicator.clone(), reported.time_s);
                self.indicators.insert(key, reported.clone());
            }
            PolicyFact::LifeCyclePlanSetV1(set) => self.life_cycle = Some(set.clone()),
            _ => {}
        }
    }

    pub(super) fn set_profile(
        &self,
        context: &PolicyContext,
        sent: &ReportingProfileSetV1,
    ) -> Decided {
        let before = self.profile.unwrap_or_default();
        let mut set = ReportingProfileSetV1 {
            version: before.version,
            time_s: before.time_s,
            ..*sent
        };
        if self.profile == Some(set) {
            return Ok(Vec::new());
        }
        if set.role() == ParkRole::Unspecified {
            return Err(Rejection::invalid(
                "role",
                "it is not known; send OWNER_OPERATED or LANDLORD",
            ));
        }
        refuse_share("equity_ppm", set.equity_ppm, 1)?;
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }

    pub(super) fn set_party(&self, context: &PolicyContext, sent: &PartySetV1) -> Decided {
        let before = self.parties.get(&sent.party);
        let mut set = PartySetV1 {
            version: before.map_or(0, |before| before.version),
            time_s: before.map_or(0, |before| before.time_s),
            ..sent.clone()
        };
        if before == Some(&set) {
            return Ok(Vec::new());
        }
        if set.party == PARK {
            return Err(Rejection::invalid(
                "party",
                "\"park\" is the park itself; set its profile instead",
            ));
        }
        if set.relation() == PartyRelation::Unspecified {
            return Err(Rejection::invalid(
                "relation",
                "it is not known; send TENANT, JOINT_VENTURE, CONCESSION, SUPPLIER or LESSOR",
            ));
        }
        refuse_share("equity_ppm", set.equity_ppm, 0)?;
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }

    pub(super) fn set_stages(&self, context: &PolicyContext, sent: &StageCriteriaSetV1) -> Decided {
        let before = self.stages.clone().unwrap_or_default();
        let mut set = StageCriteriaSetV1 {
            version: before.version,
            time_s: before.time_s,
            ..sent.clone()
        };
        if self.stages.as_ref() == Some(&set) {
            return Ok(Vec::new());
        }
        refuse_criteria(&set)?;
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }

    pub(super) fn report_indicator(
        &self,
        context: &PolicyContext,
        sent: &IndicatorReportedV1,
    ) -> Decided {
        let key = (sent.indicator.clone(), sent.time_s);
        match self.indicators.get(&key) {
            Some(recorded) if recorded == sent => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "value_ppm",
                    format!(
                        "indicator {} is recorded with {} for that time; send another value for the time from which it holds",
                        sent.indicator, recorded.value_ppm
                    ),
                ));
            }
            None => {}
        }
        refuse_future("time", UnixSeconds(sent.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, sent.clone())])
    }

    pub(super) fn set_life_cycle(
        &self,
        context: &PolicyContext,
        sent: &LifeCyclePlanSetV1,
    ) -> Decided {
        let before = self.life_cycle.clone().unwrap_or_default();
        let mut set = LifeCyclePlanSetV1 {
            version: before.version,
            time_s: before.time_s,
            ..sent.clone()
        };
        if self.life_cycle.as_ref() == Some(&set) {
            return Ok(Vec::new());
        }
        let Some(plan) = &set.plan else {
            return Err(Rejection::invalid("plan", "it is missing; send the plan"));
        };
        refuse_plan(plan)?;
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }
}

fn refuse_share(field: &'static str, ppm: u32, least: u32) -> Result<(), Rejection> {
    if (least..=WHOLE_PPM).contains(&ppm) {
        return Ok(());
    }
    Err(Rejection::invalid(
        field,
        format!("{ppm} is no share; send millionths, {least} to {WHOLE_PPM}"),
    ))
}

/// Every stage that is used names all eight measures, and no predicate stands there twice.
fn refuse_criteria(set: &StageCriteriaSetV1) -> Result<(), Rejection> {
    if set.criteria.is_empty() || set.criteria.len() > MOST_CRITERIA {
        return Err(Rejection::invalid(
            "criteria",
            format!(
                "there are {}; send 1 to {MOST_CRITERIA}",
                set.criteria.len()
            ),
        ));
    }
    let mut measures: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (number, criterion) in set.criteria.iter().enumerate() {
        if criterion.stage() == ParkStage::Unspecified
            || criterion.measure() == StageMeasure::Unspecified
        {
            return Err(Rejection::invalid(
                "criteria",
                format!("criterion {number} has no known stage or measure"),
            ));
        }
        let key = (
            criterion.stage,
            criterion.measure,
            &criterion.indicator,
            criterion.at_most,
        );
        if !seen.insert(key) {
            return Err(Rejection::invalid(
                "criteria",
                format!(
                    "criterion {number} names indicator {} a second time for its stage and measure; send it once",
                    criterion.indicator
                ),
            ));
        }
        measures
            .entry(criterion.stage)
            .or_default()
            .insert(criterion.measure);
    }
    for (stage, measures) in &measures {
        if measures.len() < MEASURES {
            let name = ParkStage::try_from(*stage).unwrap_or_default();
            return Err(Rejection::invalid(
                "criteria",
                format!(
                    "{} has criteria for {} of the {MEASURES} measures; give each measure at least one",
                    name.as_str_name(),
                    measures.len()
                ),
            ));
        }
    }
    Ok(())
}

fn refuse_plan(plan: &LifeCyclePlan) -> Result<(), Rejection> {
    if !(1..=MOST_YEARS).contains(&plan.years) {
        return Err(Rejection::invalid(
            "plan.years",
            format!("{} years are no life; send 1 to {MOST_YEARS}", plan.years),
        ));
    }
    if plan.crown_years > plan.years {
        return Err(Rejection::invalid(
            "plan.crown_years",
            "they are more than the years of the life",
        ));
    }
    for (field, value) in [
        ("plan.generation_wh", plan.generation_wh),
        ("plan.self_use_wh", plan.self_use_wh),
        ("plan.generation_credit_mg", plan.generation_credit_mg),
        ("plan.export_credit_mg", plan.export_credit_mg),
        ("plan.grid_mg_per_kwh", plan.grid_mg_per_kwh),
        ("plan.trees_mg", plan.trees_mg),
        ("plan.crown_mg_per_year", plan.crown_mg_per_year),
        ("plan.design_saving_mg", plan.design_saving_mg),
    ] {
        if !(0..=MOST_MG).contains(&value) {
            return Err(Rejection::invalid(
                field,
                format!("{value} is out of range; send 0 to {MOST_MG}"),
            ));
        }
    }
    if plan.self_use_wh > plan.generation_wh {
        return Err(Rejection::invalid(
            "plan.self_use_wh",
            format!(
                "{} Wh are more than the {} Wh generated",
                plan.self_use_wh, plan.generation_wh
            ),
        ));
    }
    if plan.source.is_empty() || plan.source.len() > 500 {
        return Err(Rejection::invalid(
            "plan.source",
            "say where the plan stands, in 1 to 500 bytes",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;
    use terrarium_model::ParkId;
    use terrarium_proto::carbon::v1::StageCriterion;

    use super::super::tests::each_sets_its_own;
    use super::super::{Policy, PolicyCommand};
    use super::*;

    fn context() -> PolicyContext {
        PolicyContext {
            park: ParkId::new("haotian").expect("valid"),
            now: UnixSeconds(1_000_000),
            this_year: 2026,
        }
    }

    fn profile(equity_ppm: u32) -> ReportingProfileSetV1 {
        ReportingProfileSetV1 {
            role: ParkRole::Landlord.into(),
            equity_ppm,
            ..ReportingProfileSetV1::default()
        }
    }

    fn party(name: &str, relation: PartyRelation) -> PartySetV1 {
        PartySetV1 {
            party: name.into(),
            relation: relation.into(),
            ..PartySetV1::default()
        }
    }

    fn life(plan: LifeCyclePlan) -> LifeCyclePlanSetV1 {
        LifeCyclePlanSetV1 {
            plan: Some(plan),
            ..LifeCyclePlanSetV1::default()
        }
    }

    fn plan() -> LifeCyclePlan {
        LifeCyclePlan {
            years: 25,
            generation_wh: 112_000_000,
            self_use_wh: 82_000_000,
            source: "published".into(),
            ..LifeCyclePlan::default()
        }
    }

    fn criteria(measures: i32) -> StageCriteriaSetV1 {
        StageCriteriaSetV1 {
            criteria: (1..=measures)
                .map(|measure| StageCriterion {
                    stage: ParkStage::LowCarbon.into(),
                    measure,
                    indicator: "metered-hours".into(),
                    cutoff_ppm: 900_000,
                    at_most: false,
                })
                .collect(),
            source: "assumed".into(),
            ..StageCriteriaSetV1::default()
        }
    }

    #[test]
    fn decisions_are_counted_and_the_same_again_changes_nothing() {
        let mut policy = Policy::default();
        for command in [
            PolicyCommand::SetProfile(profile(500_000)),
            PolicyCommand::SetParty(party("tenant-a", PartyRelation::Tenant)),
            PolicyCommand::SetStages(criteria(8)),
            PolicyCommand::SetLifeCycle(life(plan())),
            PolicyCommand::ReportIndicator(IndicatorReportedV1 {
                indicator: "staff-trained".into(),
                value_ppm: 800_000,
                time_s: 5,
                source: "register".into(),
                ..IndicatorReportedV1::default()
            }),
        ] {
            let events = policy.decide(&context(), &command).expect("decided");
            assert_eq!(events.len(), 1, "{command:?}");
            policy.evolve(&events[0]);
            assert_eq!(policy.decide(&context(), &command), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_command_is_known_by_what_it_set_alone() {
        let renamed = StageCriteriaSetV1 {
            source: "published".into(),
            ..criteria(8)
        };
        let longer = LifeCyclePlan {
            years: 30,
            ..plan()
        };
        let commands = [
            PolicyCommand::SetProfile(profile(500_000)),
            PolicyCommand::SetProfile(profile(600_000)),
            PolicyCommand::SetParty(party("tenant-a", PartyRelation::Tenant)),
            PolicyCommand::SetParty(party("tenant-b", PartyRelation::Tenant)),
            PolicyCommand::SetParty(party("tenant-a", PartyRelation::Lessor)),
            PolicyCommand::SetStages(criteria(8)),
            PolicyCommand::SetStages(renamed),
            PolicyCommand::SetLifeCycle(life(plan())),
            PolicyCommand::SetLifeCycle(life(longer)),
        ];
        each_sets_its_own(&mut Policy::default(), &commands);
    }

    #[test]
    fn what_no_claim_could_rest_on_is_refused_with_its_field() {
        let policy = Policy::default();
        let set_life = |plan| PolicyCommand::SetLifeCycle(life(plan));
        for (command, field) in [
            (PolicyCommand::SetStages(criteria(7)), "criteria"),
            (
                set_life(LifeCyclePlan {
                    self_use_wh: 113_000_000,
                    ..plan()
                }),
                "plan.self_use_wh",
            ),
            (set_life(LifeCyclePlan { years: 0, ..plan() }), "plan.years"),
            (
                set_life(LifeCyclePlan {
                    trees_mg: -1,
                    ..plan()
                }),
                "plan.trees_mg",
            ),
            (
                PolicyCommand::SetParty(PartySetV1 {
                    party: "park".into(),
                    ..PartySetV1::default()
                }),
                "party",
            ),
            (PolicyCommand::SetProfile(profile(0)), "equity_ppm"),
        ] {
            let refusal = policy.decide(&context(), &command).expect_err(field);
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::InvalidArgument, field)
            );
        }
    }

    #[test]
    fn who_names_no_relation_is_told_all_there_are() {
        let unknown = PolicyCommand::SetParty(party("tenant-a", PartyRelation::Unspecified));
        let refusal = Policy::default().decide(&context(), &unknown);
        let refusal = refusal.expect_err("no relation");
        for number in 1.. {
            let Ok(relation) = PartyRelation::try_from(number) else {
                break;
            };
            let name = relation.as_str_name().trim_start_matches("PARTY_RELATION_");
            assert!(refusal.message.contains(name), "{name}: {refusal}");
        }
    }
}
