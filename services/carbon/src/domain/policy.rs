//! What a park decided about its accounts: boundary, base year, targets; [`claim_basis`]: what claims rest on beside.

mod claim_basis;

use std::collections::BTreeMap;

use claim_basis::ClaimBasis;
use terrarium_journal::{Event, Fact, Rejection, Setting, facts};
use terrarium_model::{ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1::{
    BaseYearSetV1, BoundaryPolicySetV1, Consolidation, IndicatorReportedV1, LifeCyclePlanSetV1,
    PartySetV1, ReportingProfileSetV1, StageCriteriaSetV1, TargetSetV1, TenantElectricity,
};

/// The first year of the Kyoto Protocol's base years; before it nobody has an inventory.
const FIRST_BASE_YEAR: u32 = 1990;
/// Longest text about exclusions, in bytes.
const LONGEST_EXCLUSIONS_BYTES: usize = 2_000;
/// Longest name of a standard, in bytes.
const LONGEST_STANDARD_BYTES: usize = 100;
/// Further ahead than this is no target.
const MOST_YEARS_AHEAD: u32 = 100;

facts! {
    /// What was decided.
    pub enum PolicyFact in "terrarium.carbon.v1" {
        BoundaryPolicySetV1 at time_s,
        BaseYearSetV1 at time_s,
        TargetSetV1 at time_s,
        ReportingProfileSetV1 at time_s,
        PartySetV1 at time_s,
        StageCriteriaSetV1 at time_s,
        IndicatorReportedV1 at time_s,
        LifeCyclePlanSetV1 at time_s,
    }
}

/// Everything a decision needs beside the earlier ones.
#[derive(Clone, Debug)]
pub struct PolicyContext {
    /// The park.
    pub park: ParkId,
    /// The park's time.
    pub now: UnixSeconds,
    /// The year it is in the park's zone.
    pub this_year: u32,
}

/// What can be decided. Version, time and base year are filled in.
#[derive(Clone, Debug)]
pub enum PolicyCommand {
    /// What belongs to the inventory.
    SetBoundary(BoundaryPolicySetV1),
    /// What targets and progress are measured against.
    SetBaseYear(BaseYearSetV1),
    /// A target.
    SetTarget(TargetSetV1),
    /// Kind of park and who owns it.
    SetProfile(ReportingProfileSetV1),
    /// What somebody in the park is to it.
    SetParty(PartySetV1),
    /// What the stages ask for.
    SetStages(StageCriteriaSetV1),
    /// An indicator that no meter measures.
    ReportIndicator(IndicatorReportedV1),
    /// The plan of the park's life.
    SetLifeCycle(LifeCyclePlanSetV1),
}

impl PolicyCommand {
    /// What it asks to set; what is filled in aside.
    pub fn setting(&self) -> Option<Setting> {
        self.as_fact().setting()
    }

    fn as_fact(&self) -> PolicyFact {
        match self {
            PolicyCommand::SetBoundary(sent) => sent.clone().into(),
            PolicyCommand::SetBaseYear(sent) => sent.clone().into(),
            PolicyCommand::SetTarget(sent) => sent.clone().into(),
            PolicyCommand::SetProfile(sent) => (*sent).into(),
            PolicyCommand::SetParty(sent) => sent.clone().into(),
            PolicyCommand::SetStages(sent) => sent.clone().into(),
            PolicyCommand::ReportIndicator(sent) => sent.clone().into(),
            PolicyCommand::SetLifeCycle(sent) => sent.clone().into(),
        }
    }
}

impl PolicyFact {
    /// What it sets: in order, and without what is filled in. `None`: an indicator, which is reported and not set.
    pub fn setting(&self) -> Option<Setting> {
        let mut asked = self.clone();
        let (version, time_s) = match &mut asked {
            PolicyFact::BoundaryPolicySetV1(set) => {
                set.scope3_categories.sort_unstable();
                (&mut set.version, &mut set.time_s)
            }
            PolicyFact::BaseYearSetV1(set) => (&mut set.version, &mut set.time_s),
            PolicyFact::TargetSetV1(set) => {
                set.scopes.sort_unstable();
                set.base_year = 0;
                (&mut set.version, &mut set.time_s)
            }
            PolicyFact::ReportingProfileSetV1(set) => (&mut set.version, &mut set.time_s),
            PolicyFact::PartySetV1(set) => (&mut set.version, &mut set.time_s),
            PolicyFact::StageCriteriaSetV1(set) => (&mut set.version, &mut set.time_s),
            PolicyFact::LifeCyclePlanSetV1(set) => (&mut set.version, &mut set.time_s),
            PolicyFact::IndicatorReportedV1(_) => return None,
        };
        (*version, *time_s) = (0, 0);
        Some(Setting::of(&[
            asked.event_type().as_bytes(),
            &asked.payload(),
        ]))
    }
}

/// The decisions of one park.
#[derive(Default)]
pub struct Policy {
    boundary: Option<BoundaryPolicySetV1>,
    base_year: Option<BaseYearSetV1>,
    targets: BTreeMap<String, TargetSetV1>,
    basis: ClaimBasis,
    /// Boundaries, base years and targets as they were set, the newest last.
    history: Vec<PolicyFact>,
}

impl Policy {
    /// The boundary policy in force or to come.
    pub fn boundary(&self) -> Option<&BoundaryPolicySetV1> {
        self.boundary.as_ref()
    }

    /// The base year.
    pub fn base_year(&self) -> Option<&BaseYearSetV1> {
        self.base_year.as_ref()
    }

    /// The targets, by id.
    pub fn targets(&self) -> &BTreeMap<String, TargetSetV1> {
        &self.targets
    }

    /// Version of the newest boundary, base year or target that is what a command asks for; 0: none is.
    pub fn version_of(&self, command: &PolicyCommand) -> u32 {
        let Some(asked) = command.setting() else {
            return 0;
        };
        let mut newest_first = self.history.iter().rev();
        match newest_first.find(|set| set.setting().as_ref() == Some(&asked)) {
            Some(PolicyFact::BoundaryPolicySetV1(set)) => set.version,
            Some(PolicyFact::BaseYearSetV1(set)) => set.version,
            Some(PolicyFact::TargetSetV1(set)) => set.version,
            _ => 0,
        }
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &PolicyContext,
        command: &PolicyCommand,
    ) -> Result<Vec<Event<PolicyFact>>, Rejection> {
        match command {
            PolicyCommand::SetBoundary(sent) => self.set_boundary(context, sent),
            PolicyCommand::SetBaseYear(sent) => self.set_base_year(context, sent),
            PolicyCommand::SetTarget(sent) => self.set_target(context, sent),
            PolicyCommand::SetProfile(sent) => self.basis.set_profile(context, sent),
            PolicyCommand::SetParty(sent) => self.basis.set_party(context, sent),
            PolicyCommand::SetStages(sent) => self.basis.set_stages(context, sent),
            PolicyCommand::ReportIndicator(sent) => self.basis.report_indicator(context, sent),
            PolicyCommand::SetLifeCycle(sent) => self.basis.set_life_cycle(context, sent),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<PolicyFact>) {
        match &event.fact {
            PolicyFact::BoundaryPolicySetV1(set) => self.boundary = Some(set.clone()),
            PolicyFact::BaseYearSetV1(set) => self.base_year = Some(set.clone()),
            PolicyFact::TargetSetV1(set) => {
                self.targets.insert(set.target.clone(), set.clone());
            }
            of_claims => {
                self.basis.evolve(of_claims);
                return;
            }
        }
        self.history.push(event.fact.clone());
    }

    fn set_boundary(
        &self,
        context: &PolicyContext,
        sent: &BoundaryPolicySetV1,
    ) -> Result<Vec<Event<PolicyFact>>, Rejection> {
        let mut set = BoundaryPolicySetV1 {
            version: self.boundary.as_ref().map_or(0, |before| before.version),
            time_s: self.boundary.as_ref().map_or(0, |before| before.time_s),
            ..sent.clone()
        };
        set.scope3_categories.sort_unstable();
        if self.boundary.as_ref() == Some(&set) {
            return Ok(Vec::new());
        }
        if set.consolidation() == Consolidation::Unspecified {
            return Err(Rejection::invalid(
                "consolidation",
                "it is not known; send EQUITY_SHARE, FINANCIAL_CONTROL or OPERATIONAL_CONTROL",
            ));
        }
        if set.tenant_electricity() == TenantElectricity::Unspecified {
            return Err(Rejection::invalid(
                "tenant_electricity",
                "it is not known; send NONE, SCOPE2 or SCOPE3_CATEGORY_13",
            ));
        }
        refuse_repeated_or_beyond("scope3_categories", &set.scope3_categories, 15)?;
        if set.exclusions.len() > LONGEST_EXCLUSIONS_BYTES {
            return Err(Rejection::invalid(
                "exclusions",
                format!(
                    "it has {} bytes; write {LONGEST_EXCLUSIONS_BYTES} at most",
                    set.exclusions.len()
                ),
            ));
        }
        if let Some(before) = &self.boundary
            && set.valid_from_s <= before.valid_from_s
        {
            return Err(Rejection::failed_precondition(
                "valid_from",
                format!(
                    "policy {} holds from {} on; the next one begins after that",
                    before.version,
                    format_rfc3339_utc(UnixSeconds(before.valid_from_s))
                ),
            ));
        }
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }

    fn set_base_year(
        &self,
        context: &PolicyContext,
        sent: &BaseYearSetV1,
    ) -> Result<Vec<Event<PolicyFact>>, Rejection> {
        let mut set = BaseYearSetV1 {
            version: self.base_year.as_ref().map_or(0, |before| before.version),
            time_s: self.base_year.as_ref().map_or(0, |before| before.time_s),
            ..sent.clone()
        };
        if self.base_year.as_ref() == Some(&set) {
            return Ok(Vec::new());
        }
        if !(FIRST_BASE_YEAR..context.this_year).contains(&set.year) {
            return Err(Rejection::invalid(
                "year",
                format!(
                    "{} is no base year; send one from {FIRST_BASE_YEAR} on that is over",
                    set.year
                ),
            ));
        }
        if !(1..=1_000).contains(&set.recalculation_permille) {
            return Err(Rejection::invalid(
                "recalculation_permille",
                format!(
                    "{} is no threshold; send thousandths, 1 to 1000",
                    set.recalculation_permille
                ),
            ));
        }
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }

    fn set_target(
        &self,
        context: &PolicyContext,
        sent: &TargetSetV1,
    ) -> Result<Vec<Event<PolicyFact>>, Rejection> {
        let Some(base_year) = self.base_year.as_ref().map(|set| set.year) else {
            return Err(Rejection::failed_precondition(
                "target",
                "no base year is set that a target could be measured against; set it first",
            ));
        };
        let before = self.targets.get(&sent.target);
        let mut set = TargetSetV1 {
            version: before.map_or(0, |before| before.version),
            time_s: before.map_or(0, |before| before.time_s),
            base_year,
            ..sent.clone()
        };
        set.scopes.sort_unstable();
        if before == Some(&set) {
            return Ok(Vec::new());
        }
        refuse_repeated_or_beyond("scopes", &set.scopes, 3)?;
        if set.scopes.is_empty() {
            return Err(Rejection::invalid(
                "scopes",
                "there is none; send 1, 2 or 3",
            ));
        }
        if !(base_year + 1..=base_year + MOST_YEARS_AHEAD).contains(&set.target_year) {
            return Err(Rejection::invalid(
                "target_year",
                format!(
                    "{} is not after the base year {base_year}, or too far ahead; send {} to {}",
                    set.target_year,
                    base_year + 1,
                    base_year + MOST_YEARS_AHEAD
                ),
            ));
        }
        if !(1..=1_000).contains(&set.reduction_permille) {
            return Err(Rejection::invalid(
                "reduction_permille",
                format!(
                    "{} is no reduction; send thousandths, 1 to 1000",
                    set.reduction_permille
                ),
            ));
        }
        if set.standard.len() > LONGEST_STANDARD_BYTES {
            return Err(Rejection::invalid(
                "standard",
                format!(
                    "it has {} bytes; write {LONGEST_STANDARD_BYTES} at most",
                    set.standard.len()
                ),
            ));
        }
        set.version += 1;
        set.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, set)])
    }
}

/// Sorted numbers from 1 to a last one, each once.
fn refuse_repeated_or_beyond(
    field: &'static str,
    sorted: &[u32],
    last: u32,
) -> Result<(), Rejection> {
    let is_repeated = sorted.windows(2).any(|pair| pair[0] == pair[1]);
    if is_repeated || sorted.iter().any(|number| !(1..=last).contains(number)) {
        return Err(Rejection::invalid(
            field,
            format!("send numbers from 1 to {last}, each once"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> PolicyContext {
        PolicyContext {
            park: ParkId::new("haotian").expect("valid"),
            now: UnixSeconds(1_000),
            this_year: 2026,
        }
    }

    fn boundary(valid_from_s: i64, scope3_categories: &[u32]) -> PolicyCommand {
        PolicyCommand::SetBoundary(BoundaryPolicySetV1 {
            consolidation: Consolidation::OperationalControl.into(),
            scope3_categories: scope3_categories.to_vec(),
            tenant_electricity: TenantElectricity::None.into(),
            valid_from_s,
            ..BoundaryPolicySetV1::default()
        })
    }

    fn base_year(year: u32, recalculation_permille: u32) -> PolicyCommand {
        PolicyCommand::SetBaseYear(BaseYearSetV1 {
            year,
            recalculation_permille,
            reason: "first full year".into(),
            ..BaseYearSetV1::default()
        })
    }

    fn target(target_year: u32, reduction_permille: u32, scopes: &[u32]) -> PolicyCommand {
        PolicyCommand::SetTarget(TargetSetV1 {
            target: "half".into(),
            scopes: scopes.to_vec(),
            target_year,
            reduction_permille,
            ..TargetSetV1::default()
        })
    }

    fn carry_out(policy: &mut Policy, command: &PolicyCommand) -> usize {
        let events = policy.decide(&context(), command).expect("a good command");
        for event in &events {
            policy.evolve(event);
        }
        events.len()
    }

    #[test]
    fn each_decision_has_a_version_and_saying_it_again_changes_nothing() {
        let mut policy = Policy::default();
        for command in [
            boundary(0, &[5, 1]),
            boundary(500, &[1]),
            base_year(2023, 50),
            target(2030, 500, &[2, 1]),
            target(2030, 600, &[1, 2]),
        ] {
            assert_eq!(carry_out(&mut policy, &command), 1);
            assert_eq!(carry_out(&mut policy, &command), 0);
        }
        assert_eq!(policy.boundary().map(|set| set.version), Some(2));
        let target = &policy.targets()["half"];
        assert_eq!((target.version, target.base_year), (2, 2023));
    }

    /// Carries commands out; each is known by what it set, and by nothing else, whatever came since.
    pub(super) fn each_sets_its_own(policy: &mut Policy, commands: &[PolicyCommand]) {
        let mut decided = Vec::new();
        for command in commands {
            let events = policy.decide(&context(), command).expect("a good command");
            policy.evolve(&events[0]);
            decided.push(events[0].fact.setting());
        }
        for (place, command) in commands.iter().enumerate() {
            let asked = command.setting();
            assert!(asked.is_some(), "{command:?}");
            let sets_it: Vec<bool> = decided.iter().map(|set| *set == asked).collect();
            let only_its_own: Vec<bool> = (0..decided.len()).map(|other| other == place).collect();
            assert_eq!(sets_it, only_its_own, "{command:?}");
        }
    }

    #[test]
    fn a_command_is_known_by_the_decision_that_it_led_to_whatever_came_since() {
        let mut policy = Policy::default();
        let commands = [
            boundary(0, &[5, 1]),
            base_year(2023, 50),
            base_year(2024, 50),
            target(2030, 500, &[2, 1]),
            target(2030, 600, &[1, 2]),
        ];
        each_sets_its_own(&mut policy, &commands);
        for (place, command) in commands.iter().enumerate() {
            assert_eq!(policy.version_of(command), [1, 1, 2, 1, 2][place]);
        }
    }

    #[test]
    fn a_decision_without_sense_is_refused() {
        use RejectionCode::{FailedPrecondition, InvalidArgument};
        let mut policy = Policy::default();
        let refusal = policy
            .decide(&context(), &target(2030, 500, &[1]))
            .expect_err("no base year");
        assert_eq!(refusal.code, FailedPrecondition);
        carry_out(&mut policy, &boundary(0, &[]));
        carry_out(&mut policy, &base_year(2023, 50));
        for (command, code, field) in [
            (boundary(0, &[1]), FailedPrecondition, "valid_from"),
            (boundary(5, &[16]), InvalidArgument, "scope3_categories"),
            (boundary(5, &[2, 2]), InvalidArgument, "scope3_categories"),
            (base_year(2026, 50), InvalidArgument, "year"),
            (base_year(1989, 50), InvalidArgument, "year"),
            (
                base_year(2024, 0),
                InvalidArgument,
                "recalculation_permille",
            ),
            (target(2023, 500, &[1]), InvalidArgument, "target_year"),
            (
                target(2030, 1_001, &[1]),
                InvalidArgument,
                "reduction_permille",
            ),
            (target(2030, 500, &[]), InvalidArgument, "scopes"),
            (target(2030, 500, &[4]), InvalidArgument, "scopes"),
        ] {
            let refusal = policy.decide(&context(), &command).expect_err(field);
            assert_eq!((refusal.code, refusal.field), (code, field), "{command:?}");
        }
    }
}
