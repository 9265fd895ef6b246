//! From the park's decisions to what claims rest on.

use terrarium_carbon::domain::PolicyFact;
use terrarium_journal::Fact as _;
use terrarium_ledger::Fact;
use terrarium_ledger::claims::boundary::{
    Boundary, Consolidation, ParkRole, Party, Relation, TenantEnergy,
};
use terrarium_ledger::claims::life_cycle::LifeCyclePlan;
use terrarium_ledger::claims::policy::{Decision, Target};
use terrarium_ledger::claims::stage::{
    Criterion, Cutoff, Indicator, Measure, Stage, StageCriteria,
};
use terrarium_model::UnixSeconds;
use terrarium_proto::carbon::v1 as wire;

/// What a decision tells the ledger; `None`: nothing that claims rest on.
pub(crate) fn decided(fact: &PolicyFact) -> Option<Fact> {
    let decision = match fact {
        PolicyFact::BoundaryPolicySetV1(set) => boundary(set),
        PolicyFact::TargetSetV1(set) => Decision::Target(
            set.target.clone(),
            Target {
                scopes: set.scopes.clone(),
                base_year: set.base_year,
                target_year: set.target_year,
                reduction_permille: set.reduction_permille,
                standard: set.standard.clone(),
            },
        ),
        PolicyFact::ReportingProfileSetV1(set) => Decision::Profile {
            role: match set.role() {
                wire::ParkRole::Landlord => ParkRole::Landlord,
                wire::ParkRole::OwnerOperated | wire::ParkRole::Unspecified => {
                    ParkRole::OwnerOperated
                }
            },
            equity_ppm: set.equity_ppm,
            development_zone: set.development_zone,
        },
        PolicyFact::PartySetV1(set) => Decision::Party(
            set.party.clone(),
            Party {
                relation: match set.relation() {
                    wire::PartyRelation::JointVenture => Relation::JointVenture,
                    wire::PartyRelation::Concession => Relation::Concession,
                    wire::PartyRelation::Supplier => Relation::Supplier,
                    wire::PartyRelation::Lessor => Relation::Lessor,
                    wire::PartyRelation::Tenant | wire::PartyRelation::Unspecified => {
                        Relation::Tenant
                    }
                },
                park_operates: set.park_operates,
                park_controls_financially: set.park_controls_financially,
                equity_ppm: set.equity_ppm,
            },
        ),
        PolicyFact::StageCriteriaSetV1(set) => Decision::Stages(criteria(set)),
        PolicyFact::IndicatorReportedV1(reported) => Decision::Indicator(
            reported.indicator.clone(),
            Indicator {
                value: reported.value_ppm,
                at: UnixSeconds(reported.time_s),
                source: reported.source.clone(),
                evidence: reported.evidence_sha256.as_ref().try_into().ok(),
            },
        ),
        PolicyFact::LifeCyclePlanSetV1(set) => Decision::LifeCycle(plan(set.plan.as_ref()?)),
        PolicyFact::BaseYearSetV1(_) => return None,
    };
    Some(Fact::Decided {
        decision: decision.into(),
        at: fact.time(),
    })
}

fn boundary(set: &wire::BoundaryPolicySetV1) -> Decision {
    Decision::Boundary {
        valid_from: UnixSeconds(set.valid_from_s),
        boundary: Boundary {
            consolidation: match set.consolidation() {
                wire::Consolidation::EquityShare => Consolidation::EquityShare,
                wire::Consolidation::FinancialControl => Consolidation::FinancialControl,
                wire::Consolidation::OperationalControl | wire::Consolidation::Unspecified => {
                    Consolidation::OperationalControl
                }
            },
            scope3: set
                .scope3_categories
                .iter()
                .filter_map(|category| u8::try_from(*category).ok())
                .collect(),
            tenants: match set.tenant_electricity() {
                wire::TenantElectricity::Scope2 => TenantEnergy::OwnScopes,
                wire::TenantElectricity::Scope3Category13 => TenantEnergy::DownstreamLeased,
                wire::TenantElectricity::None | wire::TenantElectricity::Unspecified => {
                    TenantEnergy::NoTenants
                }
            },
            exclusions: set.exclusions.clone(),
            ..Boundary::default()
        },
    }
}

fn criteria(set: &wire::StageCriteriaSetV1) -> StageCriteria {
    let mut criteria = StageCriteria {
        source: set.source.clone(),
        ..StageCriteria::default()
    };
    for sent in &set.criteria {
        let stage = match sent.stage() {
            wire::ParkStage::LowCarbon => Stage::LowCarbon,
            wire::ParkStage::NearZero => Stage::NearZero,
            wire::ParkStage::Zero => Stage::Zero,
            wire::ParkStage::Unspecified => continue,
        };
        // The wire's numbers are in the order of `ALL`, from 1 on.
        let measure = usize::try_from(sent.measure)
            .ok()
            .and_then(|number| Measure::ALL.get(number.checked_sub(1)?));
        let Some(measure) = measure else { continue };
        criteria.stages.entry(stage).or_default().push(Criterion {
            measure: *measure,
            indicator: sent.indicator.clone(),
            cutoff: if sent.at_most {
                Cutoff::AtMost(sent.cutoff_ppm)
            } else {
                Cutoff::AtLeast(sent.cutoff_ppm)
            },
        });
    }
    criteria
}

fn plan(plan: &wire::LifeCyclePlan) -> LifeCyclePlan {
    LifeCyclePlan {
        opening: UnixSeconds(plan.opening_s),
        years: plan.years,
        generation_wh: plan.generation_wh,
        self_use_wh: plan.self_use_wh,
        generation_credit_mg: plan.generation_credit_mg,
        export_credit_mg: plan.export_credit_mg,
        grid_mg_per_kwh: plan.grid_mg_per_kwh,
        trees_mg: plan.trees_mg,
        crown: (plan.crown_mg_per_year, plan.crown_years),
        design_saving_mg: plan.design_saving_mg,
        stated_year: plan.stated_year,
        source: plan.source.clone(),
    }
}
