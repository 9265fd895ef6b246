//! `terrarium import decisions`: what a park decided about its accounts, from a file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Deserialize;
use terrarium_proto::carbon::v1 as wire;
use tonic::Response;

use crate::client::{Client, ClientArgs};
use crate::output::{Format, print_json_line, print_line};

/// Arguments of `terrarium import decisions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// TOML file
    file: PathBuf,
    /// Park that decided [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    profile: Option<Profile>,
    boundary: Option<Boundary>,
    base_year: Option<BaseYear>,
    life_cycle: Option<LifeCycle>,
    #[serde(default)]
    party: Vec<Party>,
    #[serde(default)]
    target: Vec<Target>,
    stages: Option<Stages>,
    #[serde(default)]
    indicator: Vec<Indicator>,
    #[serde(default)]
    embodied: Vec<Embodied>,
    #[serde(default)]
    period: Vec<Period>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    role: String,
    equity_ppm: u32,
    development_zone: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Boundary {
    consolidation: String,
    scope3_categories: Vec<u32>,
    tenant_electricity: String,
    #[serde(default)]
    exclusions: String,
    valid_from: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaseYear {
    year: u32,
    recalculation_permille: u32,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifeCycle {
    opening: String,
    years: u32,
    generation_kwh: i64,
    self_use_kwh: i64,
    generation_credit_kg: i64,
    export_credit_kg: i64,
    grid_g_per_mwh: i64,
    trees_kg: i64,
    crown_kg_per_year: i64,
    crown_years: u32,
    design_saving_kg: i64,
    stated_year: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Party {
    id: String,
    relation: String,
    #[serde(default)]
    park_operates: bool,
    #[serde(default)]
    park_controls_financially: bool,
    #[serde(default)]
    equity_ppm: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    id: String,
    scopes: Vec<u32>,
    target_year: u32,
    reduction_permille: u32,
    #[serde(default)]
    standard: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stages {
    source: String,
    criterion: Vec<Criterion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Criterion {
    stage: String,
    measure: String,
    indicator: String,
    at_least_ppm: Option<i64>,
    at_most_ppm: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Indicator {
    id: String,
    value_ppm: i64,
    time: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embodied {
    asset: String,
    module: String,
    item: String,
    #[serde(default)]
    revision: u32,
    time: String,
    co2e_kg: i64,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    id: String,
    from: String,
    to: String,
}

const MG_PER_KG: i64 = 1_000_000;
const WH_PER_KWH: i64 = 1_000;

/// A value of an enum by the end of its name: "LANDLORD" of "PARK_ROLE_LANDLORD".
macro_rules! named {
    ($enumeration:ty, $prefix:literal, $text:expr, $field:literal) => {{
        let text = $text.to_uppercase().replace('-', "_");
        <$enumeration>::from_str_name(&format!("{}{text}", $prefix))
            .with_context(|| format!("{} = \"{}\" is not known", $field, $text))?
            .into()
    }};
}

/// What became of the decisions of a file.
#[derive(Default)]
struct Outcome {
    recorded: u64,
    already_recorded: u64,
}

impl Outcome {
    fn count(&mut self, recorded: bool) {
        if recorded {
            self.recorded += 1;
        } else {
            self.already_recorded += 1;
        }
    }
}

/// Sends one decision; its answer says whether it was new.
macro_rules! send {
    ($server:expr, $outcome:expr, $call:expr) => {{
        let answer: Result<Response<_>, tonic::Status> = $call.await;
        let answer = answer.map_err(|status| $server.failed(status))?;
        $outcome.count(answer.into_inner().recorded);
    }};
}

/// Runs `terrarium import decisions`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("import decisions")?;
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("can't read {}", args.file.display()))?;
    let decisions: Decisions =
        toml::from_str(&text).with_context(|| format!("in {}", args.file.display()))?;
    let server = client.connect().await?;
    let park = server.park_or_only(args.park.as_deref()).await?;
    let mut outcome = Outcome::default();
    accounts(&server, &park, &decisions, &mut outcome).await?;
    claims(&server, &park, &decisions, &mut outcome).await?;
    match format {
        Format::Json => print_json_line(&serde_json::json!({
            "park": park,
            "recorded": outcome.recorded,
            "already_recorded": outcome.already_recorded,
        }))?,
        _ => print_line(format!(
            "park {park}: {} decisions recorded, {} were recorded already",
            outcome.recorded, outcome.already_recorded
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Periods, boundary, base year, targets, embodied carbon: the service of the accounts.
async fn accounts(
    server: &Client,
    park: &str,
    decisions: &Decisions,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut carbon = server.carbon();
    for period in &decisions.period {
        let request = wire::OpenPeriodRequest {
            park: park.to_owned(),
            period: period.id.clone(),
            from: period.from.clone(),
            to: period.to.clone(),
            client_request_id: request_id(),
        };
        send!(server, outcome, carbon.open_period(request));
    }
    if let Some(boundary) = &decisions.boundary {
        let request = wire::SetBoundaryPolicyRequest {
            park: park.to_owned(),
            consolidation: named!(
                wire::Consolidation,
                "CONSOLIDATION_",
                boundary.consolidation,
                "boundary.consolidation"
            ),
            scope3_categories: boundary.scope3_categories.clone(),
            tenant_electricity: named!(
                wire::TenantElectricity,
                "TENANT_ELECTRICITY_",
                boundary.tenant_electricity,
                "boundary.tenant_electricity"
            ),
            exclusions: boundary.exclusions.clone(),
            valid_from: boundary.valid_from.clone(),
            client_request_id: request_id(),
        };
        send!(server, outcome, carbon.set_boundary_policy(request));
    }
    if let Some(base) = &decisions.base_year {
        let request = wire::SetBaseYearRequest {
            park: park.to_owned(),
            year: base.year,
            recalculation_permille: base.recalculation_permille,
            reason: base.reason.clone(),
            client_request_id: request_id(),
        };
        send!(server, outcome, carbon.set_base_year(request));
    }
    for target in &decisions.target {
        let request = wire::SetTargetRequest {
            park: park.to_owned(),
            target: target.id.clone(),
            scopes: target.scopes.clone(),
            target_year: target.target_year,
            reduction_permille: target.reduction_permille,
            standard: target.standard.clone(),
            client_request_id: request_id(),
        };
        send!(server, outcome, carbon.set_target(request));
    }
    for item in &decisions.embodied {
        let request = wire::RecordEmbodiedCarbonRequest {
            park: park.to_owned(),
            asset: item.asset.clone(),
            module: named!(
                wire::LifeCycleModule,
                "LIFE_CYCLE_MODULE_",
                item.module,
                "embodied.module"
            ),
            item: item.item.clone(),
            revision: item.revision,
            time: item.time.clone(),
            co2e_mg: item.co2e_kg * MG_PER_KG,
            source: item.source.clone(),
            evidence_sha256: Default::default(),
            client_request_id: request_id(),
        };
        send!(server, outcome, carbon.record_embodied_carbon(request));
    }
    Ok(())
}

/// Profile, parties, stages, indicators, life cycle: the service of the claims.
async fn claims(
    server: &Client,
    park: &str,
    decisions: &Decisions,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut claims = server.claims();
    if let Some(profile) = &decisions.profile {
        let request = wire::SetReportingProfileRequest {
            park: park.to_owned(),
            role: named!(wire::ParkRole, "PARK_ROLE_", profile.role, "profile.role"),
            equity_ppm: profile.equity_ppm,
            development_zone: profile.development_zone,
            client_request_id: request_id(),
        };
        send!(server, outcome, claims.set_reporting_profile(request));
    }
    for party in &decisions.party {
        let request = wire::SetPartyRequest {
            park: park.to_owned(),
            party: party.id.clone(),
            relation: named!(
                wire::PartyRelation,
                "PARTY_RELATION_",
                party.relation,
                "party.relation"
            ),
            park_operates: party.park_operates,
            park_controls_financially: party.park_controls_financially,
            equity_ppm: party.equity_ppm,
            client_request_id: request_id(),
        };
        send!(server, outcome, claims.set_party(request));
    }
    if let Some(stages) = &decisions.stages {
        let request = wire::SetStageCriteriaRequest {
            park: park.to_owned(),
            criteria: stages
                .criterion
                .iter()
                .map(criterion)
                .collect::<anyhow::Result<_>>()?,
            source: stages.source.clone(),
            client_request_id: request_id(),
        };
        send!(server, outcome, claims.set_stage_criteria(request));
    }
    for indicator in &decisions.indicator {
        let request = wire::ReportIndicatorRequest {
            park: park.to_owned(),
            indicator: indicator.id.clone(),
            value_ppm: indicator.value_ppm,
            time: indicator.time.clone(),
            source: indicator.source.clone(),
            evidence_sha256: Default::default(),
            client_request_id: request_id(),
        };
        send!(server, outcome, claims.report_indicator(request));
    }
    if let Some(life) = &decisions.life_cycle {
        let request = wire::SetLifeCyclePlanRequest {
            park: park.to_owned(),
            plan: Some(plan(life)?),
            client_request_id: request_id(),
        };
        send!(server, outcome, claims.set_life_cycle_plan(request));
    }
    Ok(())
}

fn criterion(criterion: &Criterion) -> anyhow::Result<wire::StageCriterion> {
    let (cutoff_ppm, at_most) = match (criterion.at_least_ppm, criterion.at_most_ppm) {
        (Some(cutoff), None) => (cutoff, false),
        (None, Some(cutoff)) => (cutoff, true),
        _ => bail!(
            "criterion {} of {} needs one of at_least_ppm and at_most_ppm",
            criterion.indicator,
            criterion.stage
        ),
    };
    Ok(wire::StageCriterion {
        stage: named!(
            wire::ParkStage,
            "PARK_STAGE_",
            criterion.stage,
            "stages.criterion.stage"
        ),
        measure: named!(
            wire::StageMeasure,
            "STAGE_MEASURE_",
            criterion.measure,
            "stages.criterion.measure"
        ),
        indicator: criterion.indicator.clone(),
        cutoff_ppm,
        at_most,
    })
}

fn plan(life: &LifeCycle) -> anyhow::Result<wire::LifeCyclePlan> {
    let opening = terrarium_model::parse_rfc3339_with_offset(&life.opening)
        .with_context(|| format!("life_cycle.opening = \"{}\"", life.opening))?;
    Ok(wire::LifeCyclePlan {
        opening_s: opening.0,
        years: life.years,
        generation_wh: life.generation_kwh * WH_PER_KWH,
        self_use_wh: life.self_use_kwh * WH_PER_KWH,
        generation_credit_mg: life.generation_credit_kg * MG_PER_KG,
        export_credit_mg: life.export_credit_kg * MG_PER_KG,
        // Grams a MWh are milligrams a kWh.
        grid_mg_per_kwh: life.grid_g_per_mwh,
        trees_mg: life.trees_kg * MG_PER_KG,
        crown_mg_per_year: life.crown_kg_per_year * MG_PER_KG,
        crown_years: life.crown_years,
        design_saving_mg: life.design_saving_kg * MG_PER_KG,
        stated_year: life.stated_year,
        source: life.source.clone(),
    })
}
