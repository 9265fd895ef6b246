//! `terrarium report`: statements in every form.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde_json::{Map, Value as Json};
use terrarium_proto::ledger::v1::{
    ListClaimsRequest, Period, PortfolioRequest, PortfolioTransfer, ReportRequest, Statement,
};
use terrarium_report::Language;

use crate::client::{Client, ClientArgs};
use crate::ledger::AsOfArgs;
use crate::output::{Form, print_json, print_line};
use crate::wire::Shape;

/// Arguments of `terrarium report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Park [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
    /// Claim, such as ghgp_inventory_location, iso14064, stage; `list` shows them all
    #[arg(long, required_unless_present = "portfolio")]
    claim: Option<String>,
    /// Several parks as one, location-based: PARK,PARK,...; what is named with --transfer counts once
    #[arg(
        long,
        value_name = "PARKS",
        value_delimiter = ',',
        conflicts_with_all = ["park", "claim", "period", "beside"]
    )]
    portfolio: Vec<String>,
    /// What a park of the portfolio takes from another, such as plant:office:centre:heat-import
    #[arg(long, value_name = "FROM:TO:ASSET:ACTIVITY", requires = "portfolio")]
    transfer: Vec<String>,
    /// Name of a reporting period, such as 2025 [default: all that is metered]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from", "to"])]
    period: Option<String>,
    /// Start, RFC 3339 with an offset
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End (exclusive), RFC 3339 with an offset
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    as_of: AsOfArgs,
    /// Warming potentials: sar, ar4, ar5, ar6 or ar6-20
    #[arg(long, default_value = "ar6")]
    gwp: String,
    /// Say it although the period is open; the statement is marked so
    #[arg(long)]
    provisional: bool,
    /// A park whose books stand beside, such as the simulation of this one
    #[arg(long, value_name = "PARK")]
    beside: Option<String>,
    /// Language
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Language of a statement.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

impl Lang {
    fn language(self) -> Language {
        match self {
            Lang::En => Language::En,
            Lang::Zh => Language::Zh,
        }
    }
}

/// Runs `terrarium report`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let server = client.connect().await?;
    if args.claim.as_deref() == Some("list") {
        list(&server).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_binary = client.form.format().is_none();
    if is_binary && args.output.is_none() && std::io::stdout().is_terminal() {
        bail!("a terminal can't show this form; name a file with --output, or redirect the output");
    }
    let (statement, position) = if args.portfolio.is_empty() {
        claim(&server, &args).await?
    } else {
        portfolio(&server, &args).await?
    };
    let language = args.lang.language();
    let bytes = match client.form {
        Form::Table => format!("{}\n", terrarium_report::table(&statement, language)).into_bytes(),
        Form::Csv => terrarium_report::csv(&statement, language)?,
        Form::Parquet => terrarium_report::parquet(&statement, language)?,
        Form::Xlsx => terrarium_report::xlsx(&statement, language)?,
        Form::Pdf => terrarium_report::pdf(&statement, language)?,
        Form::Json => {
            let json = json(&statement, position);
            if args.output.is_none() {
                print_json(&json)?;
                return Ok(ExitCode::SUCCESS);
            }
            serde_json::to_vec_pretty(&json)?
        }
    };
    match &args.output {
        Some(file) => std::fs::write(file, &bytes)
            .with_context(|| format!("can't write {}", file.display()))?,
        None => std::io::stdout().lock().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The statement of one park.
async fn claim(server: &Client, args: &Args) -> anyhow::Result<(Statement, u64)> {
    let request = ReportRequest {
        park: server.park_or_only(args.park.as_deref()).await?,
        claim: args.claim.clone().unwrap_or_default(),
        period: Some(Period {
            from: args.from.clone().unwrap_or_default(),
            to: args.to.clone().unwrap_or_default(),
        }),
        period_name: args.period.clone().unwrap_or_default(),
        gwp: args.gwp.clone(),
        provisional: args.provisional,
        beside: args.beside.clone().unwrap_or_default(),
        as_of: args.as_of.as_of(),
    };
    let answer = server
        .reports()
        .report(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    Ok((answer.statement.unwrap_or_default(), answer.position))
}

/// The statement of several parks.
async fn portfolio(server: &Client, args: &Args) -> anyhow::Result<(Statement, u64)> {
    let transfers = args
        .transfer
        .iter()
        .map(|text| transfer(text))
        .collect::<anyhow::Result<_>>()?;
    let request = PortfolioRequest {
        parks: args.portfolio.clone(),
        period: Some(Period {
            from: args.from.clone().unwrap_or_default(),
            to: args.to.clone().unwrap_or_default(),
        }),
        transfers,
        gwp: args.gwp.clone(),
        as_of: args.as_of.as_of(),
        provisional: args.provisional,
    };
    let answer = server
        .reports()
        .portfolio(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    Ok((answer.statement.unwrap_or_default(), answer.position))
}

/// Reads FROM:TO:ASSET:ACTIVITY; an activity may have a colon of its own.
fn transfer(text: &str) -> anyhow::Result<PortfolioTransfer> {
    let mut parts = text.splitn(4, ':').map(str::to_owned);
    let (Some(from), Some(to), Some(asset), Some(activity)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        bail!(
            "--transfer {text}: it has four parts, FROM:TO:ASSET:ACTIVITY, such as plant:office:centre:heat-import; what is posted \
             shows `terrarium ledger postings`"
        );
    };
    Ok(PortfolioTransfer {
        from,
        to,
        asset,
        activity,
    })
}

async fn list(server: &Client) -> anyhow::Result<()> {
    let claims = server
        .reports()
        .list_claims(ListClaimsRequest {})
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    for claim in claims.claims {
        let note = if claim.promise { " *" } else { "" };
        print_line(format!("{}{note}", claim.claim))?;
    }
    print_line(
        "Over closed periods, or --provisional. * promises something: all that it rests on needs a factor, or --provisional.",
    )?;
    Ok(())
}

/// The statement with its figures by name: `figures.total-location`, `years.2025.total-location`.
fn json(statement: &Statement, position: u64) -> Json {
    let mut json = Shape::of("terrarium.ledger.v1.Statement").json(statement);
    let figures: Map<String, Json> = statement
        .lines
        .iter()
        .map(|line| (line.id.clone(), line.value.map_or(Json::Null, Json::from)))
        .collect();
    let years: Map<String, Json> = statement
        .years
        .iter()
        .map(|year| {
            let figures: Map<String, Json> = year
                .figures
                .iter()
                .map(|figure| (figure.id.clone(), Json::from(figure.value)))
                .collect();
            (year.year.clone(), Json::Object(figures))
        })
        .collect();
    if let Json::Object(object) = &mut json {
        object.insert("figures".to_owned(), Json::Object(figures));
        object.insert("years".to_owned(), Json::Object(years));
        object.insert("position".to_owned(), Json::from(position));
    }
    json
}
