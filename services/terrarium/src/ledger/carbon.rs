//! `terrarium ledger postings`, `explain-posting`, `factor`, `reconcile`: the carbon books beside electricity.

use terrarium_proto::ledger::v1::{
    ExplainFactorRequest, ExplainPostingRequest, ListPostingsRequest, ReconcileRequest, Spread,
};

use super::PeriodArgs;
use crate::client::Client;
use crate::output::{Format, print_json, print_line};
use crate::wire::{Shape, print_csv};

const MG_PER_KG: f64 = 1e6;

/// Which postings.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Only what this party answers for: park, or the id of a tenant or partner
    #[arg(long)]
    party: Option<String>,
    /// With purchased and exported electricity, summed up by month; totals take the location-based part
    #[arg(long)]
    electricity: bool,
    /// Warming potentials of the totals: sar, ar4, ar5, ar6, ar6-20 [default: ar6]
    #[arg(long)]
    gwp: Option<String>,
}

/// Runs `terrarium ledger postings`.
pub(super) async fn postings(
    server: &Client,
    format: Format,
    period: PeriodArgs,
    lines: bool,
    which: Which,
) -> anyhow::Result<()> {
    let request = ListPostingsRequest {
        park: server.park_or_only(period.park.as_deref()).await?,
        period: period.period(),
        lines,
        as_of: period.as_of.as_of(),
        gwp: which.gwp.unwrap_or_default(),
        party: which.party.unwrap_or_default(),
        electricity: which.electricity,
    };
    let answer = server
        .carbon_books()
        .list_postings(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            return Ok(print_json(
                &Shape::of("terrarium.ledger.v1.ListPostingsResponse").json(&answer),
            )?);
        }
        Format::Csv => {
            return print_csv(&Shape::of("terrarium.ledger.v1.Posting"), &answer.postings);
        }
        Format::Table => {}
    }
    for posting in &answer.postings {
        let gases: Vec<String> = posting
            .gases
            .iter()
            .map(|mass| format!("{:.3} kg {}", mass.mg as f64 / MG_PER_KG, mass.gas))
            .collect();
        let scope = match (posting.scope, posting.category) {
            (0, _) => "-".to_owned(),
            (3, category) => format!("3.{category}"),
            (scope, _) => scope.to_string(),
        };
        let name = if posting.posting_id.is_empty() {
            format!("{:.10} {}", posting.interval_start, posting.asset)
        } else {
            posting.posting_id.clone()
        };
        let sign = if posting.reversal { "reversal of " } else { "" };
        print_line(format!(
            "{name}  {}  scope {scope}  {}  {} {}  {sign}{}  tier {}",
            posting.book,
            posting.activity,
            posting.amount,
            posting.unit,
            gases.join(", "),
            posting.tier
        ))?;
    }
    for unpriced in &answer.unpriced {
        print_line(format!(
            "not counted: {} of {} from {}: {}",
            unpriced.activity, unpriced.asset, unpriced.interval_start, unpriced.problem
        ))?;
    }
    let total = |name: &str, spread: Option<&Spread>| {
        let spread = spread.copied().unwrap_or_default();
        print_line(format!(
            "{name}: {:.3} kg CO2e, 95 % within {:.3} kg",
            spread.total_mg as f64 / MG_PER_KG,
            spread.half_width_mg as f64 / MG_PER_KG
        ))
    };
    total("gross", answer.gross.as_ref())?;
    total("removal", answer.removal.as_ref())?;
    total("net", answer.net.as_ref())?;
    Ok(())
}

/// Runs `terrarium ledger explain-posting`.
pub(super) async fn explain_posting(
    server: &Client,
    format: Format,
    request: ExplainPostingRequest,
) -> anyhow::Result<()> {
    let answer = server
        .carbon_books()
        .explain_posting(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    if format == Format::Json {
        return Ok(print_json(
            &Shape::of("terrarium.ledger.v1.ExplainPostingResponse").json(&answer),
        )?);
    }
    if let Some(posting) = &answer.posting {
        print_line(format!("{}  {}", posting.posting_id, posting.method))?;
        print_line(format!("  {} answers for it", posting.party))?;
    }
    if let Some(place) = &answer.place {
        print_line(format!(
            "  at {} ({}, {}) in zone {} of park {}",
            place.asset, place.asset_kind, place.name_en, place.zone, place.park
        ))?;
    }
    if let Some(result) = &answer.result {
        print_line(format!(
            "  comes to {:.3} kg CO2e, 95 % within {:.3} kg",
            result.total_mg as f64 / MG_PER_KG,
            result.half_width_mg as f64 / MG_PER_KG
        ))?;
    }
    for step in &answer.steps {
        let inputs: Vec<String> = step
            .inputs
            .iter()
            .map(|input| format!("{} = {} {}", input.name, input.value, input.unit))
            .collect();
        print_line(format!("  {}", step.formula))?;
        print_line(format!("    takes {}", inputs.join("; ")))?;
        if let Some(output) = &step.output {
            print_line(format!(
                "    gives {} = {} {}",
                output.name, output.value, output.unit
            ))?;
        }
    }
    for factor in &answer.factors {
        print_line(format!(
            "  factor {}/{}/{}: {} {} of {}, {} ({}, {}; {})",
            factor.set,
            factor.version,
            factor.row_id,
            factor.value,
            factor.unit,
            factor.region,
            factor.publisher,
            factor.source,
            factor.locator,
            factor.mark
        ))?;
    }
    for event in &answer.events {
        print_line(format!(
            "  event {} at position {} by {}",
            event.r#type, event.position, event.actor
        ))?;
    }
    for report in &answer.corrected {
        let event = report.event.clone().unwrap_or_default();
        print_line(format!(
            "  replaces revision {}: {} {} ({}), position {} by {}",
            report.revision, report.amount, report.unit, report.source, event.position, event.actor
        ))?;
    }
    print_line(format!("  calculated by {}", answer.calculated_by))?;
    print_line(format!("  written in {}", answer.source))?;
    for sha256 in &answer.evidence_sha256 {
        print_line(format!("  document {}", hex::encode(sha256)))?;
    }
    for attached in &answer.attached {
        print_line(format!("  attached {attached}"))?;
    }
    Ok(())
}

/// Runs `terrarium ledger factor`.
pub(super) async fn factor(
    server: &Client,
    format: Format,
    key: String,
    park: Option<String>,
    at: Option<String>,
) -> anyhow::Result<()> {
    let request = ExplainFactorRequest {
        park: server.park_or_only(park.as_deref()).await?,
        key,
        at: at.unwrap_or_default(),
    };
    let answer = server
        .carbon_books()
        .explain_factor(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    if format == Format::Json {
        return Ok(print_json(
            &Shape::of("terrarium.ledger.v1.ExplainFactorResponse").json(&answer),
        )?);
    }
    for one in &answer.answers {
        let shown = if one.answers.is_empty() {
            "nothing recorded".to_owned()
        } else {
            one.answers.join("; ")
        };
        print_line(format!("{} {}: {shown}", one.question, one.asked))?;
    }
    Ok(())
}

/// Runs `terrarium ledger reconcile`.
pub(super) async fn reconcile(
    server: &Client,
    format: Format,
    period: PeriodArgs,
) -> anyhow::Result<()> {
    let request = ReconcileRequest {
        park: server.park_or_only(period.park.as_deref()).await?,
        period: period.period(),
        as_of: period.as_of.as_of(),
    };
    let answer = server
        .carbon_books()
        .reconcile(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.ReconcileResponse").json(&answer))?;
        }
        Format::Csv => print_csv(
            &Shape::of("terrarium.ledger.v1.ReconciledInvoice"),
            &answer.invoices,
        )?,
        Format::Table => {
            for invoice in &answer.invoices {
                let metered = invoice
                    .metered
                    .map_or_else(|| "nothing".to_owned(), |metered| metered.to_string());
                let agrees = if invoice.agrees {
                    "agrees"
                } else {
                    "needs a look"
                };
                print_line(format!(
                    "{} {} {} to {}: charged {}, metered {metered}; {agrees}",
                    invoice.supplier, invoice.number, invoice.from, invoice.to, invoice.charged
                ))?;
            }
        }
    }
    Ok(())
}
