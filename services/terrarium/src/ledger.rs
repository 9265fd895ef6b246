//! `terrarium ledger`: questions to the carbon ledger.

mod carbon;
mod explain;
mod restated;
mod tables;

use std::process::ExitCode;

use clap::ValueEnum;
use terrarium_proto::ledger::v1::{
    AsOf, BalanceRequest, Book, CompletenessRequest, EntriesRequest, ExplainRequest, Grouping,
    Period, RestatementsRequest, RestatementsResponse, WatchRequest,
};

use crate::client::{Client, ClientArgs};
use crate::output::{Format, print_json, print_json_line, print_line};
use crate::wire::{CsvLines, Shape, print_csv};

/// What to ask the ledger.
#[derive(Debug, clap::Subcommand)]
pub enum Query {
    /// Totals of energy and carbon over a period, grouped
    ///
    /// JSON is BalanceResponse, CSV its lines (BalanceLine).
    Balance {
        #[command(flatten)]
        period: PeriodArgs,
        /// One line for each ...
        #[arg(long, value_enum, default_value_t = By::Asset)]
        by: By,
        /// Only this asset
        #[arg(long)]
        asset: Option<String>,
    },
    /// The entries behind a balance, in order of asset, hour, book
    ///
    /// JSON (one object per line) and CSV have the fields of Entry.
    Entries {
        #[command(flatten)]
        period: PeriodArgs,
        /// Only this asset
        #[arg(long)]
        asset: Option<String>,
        /// Only this book
        #[arg(long, value_enum)]
        book: Option<BookArg>,
    },
    /// From one entry's kilograms down to the readings, the factor row and the rounding
    ///
    /// JSON is ExplainResponse.
    Explain {
        /// Id that `ledger entries` shows
        entry: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        #[command(flatten)]
        as_of: AsOfArgs,
    },
    /// Which hours of a period are there, and which are missing
    ///
    /// JSON is CompletenessResponse, CSV its meters without their gaps (MeterCompleteness).
    Completeness {
        #[command(flatten)]
        period: PeriodArgs,
    },
    /// The carbon books beside electricity: water, waste, fuels, gases, transport, materials, trees; --from and --to are needed
    ///
    /// JSON is ListPostingsResponse, CSV its postings (Posting).
    Postings {
        #[command(flatten)]
        period: PeriodArgs,
        /// One by one with their ids instead of by month
        #[arg(long)]
        lines: bool,
        /// Warming potentials of the totals: sar, ar4, ar5, ar6, ar6-20 [default: ar6]
        #[arg(long)]
        gwp: Option<String>,
    },
    /// From one posting's gases down to steps, factors, events and documents
    ///
    /// JSON is ExplainPostingResponse.
    ExplainPosting {
        /// Id that `ledger postings --lines` shows
        posting: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        #[command(flatten)]
        as_of: AsOfArgs,
    },
    /// What a factor is: source, gas, units, region, period, years, publisher, context, alternatives, notes
    ///
    /// JSON is ExplainFactorResponse.
    Factor {
        /// Key that postings show: set/version/row
        key: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Invoices against meters; --from and --to are needed
    ///
    /// JSON is ReconcileResponse, CSV its invoices (ReconciledInvoice).
    Reconcile {
        #[command(flatten)]
        period: PeriodArgs,
    },
    /// What was reported of a reporting period, and what has changed since it was closed
    ///
    /// JSON is RestatementsResponse, CSV its restatements (Restatement).
    Restatements {
        /// Id of the reporting period
        period: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        #[command(flatten)]
        as_of: AsOfArgs,
        /// Warming potentials: sar, ar4, ar5, ar6 or ar6-20
        #[arg(long, default_value = "ar6")]
        gwp: String,
    },
    /// Print node hours as they change, until interrupted
    ///
    /// JSON (one object per line) and CSV have the fields of HourBalance.
    Watch {
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        /// Only this asset
        #[arg(long)]
        asset: Option<String>,
    },
}

/// A park's time, half-open.
#[derive(Debug, clap::Args)]
pub struct PeriodArgs {
    /// Park [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
    /// Start, RFC 3339 with an offset [default: the park's first metered hour]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End (exclusive), RFC 3339 with an offset [default: the end of the park's last metered hour]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    as_of: AsOfArgs,
}

/// The two times of a question.
#[derive(Debug, clap::Args)]
pub struct AsOfArgs {
    /// Only what was over by then, RFC 3339 with an offset [default: everything]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Only what was recorded by then: RFC 3339 with an offset, or a position of the record [default: everything]
    #[arg(long, value_name = "TIME|POSITION")]
    known_at: Option<String>,
}

impl AsOfArgs {
    /// As the wire carries it.
    pub fn as_of(&self) -> Option<AsOf> {
        if self.at.is_none() && self.known_at.is_none() {
            return None;
        }
        let known_at = self.known_at.clone().unwrap_or_default();
        let position = known_at.parse::<u64>().ok();
        Some(AsOf {
            at: self.at.clone().unwrap_or_default(),
            known_at: position.map_or(known_at, |_| String::new()),
            known_at_position: position,
        })
    }
}

impl PeriodArgs {
    fn period(&self) -> Option<Period> {
        Some(Period {
            from: self.from.clone().unwrap_or_default(),
            to: self.to.clone().unwrap_or_default(),
        })
    }
}

/// What each line of a balance stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    Total,
    Asset,
    Hour,
    Day,
    Month,
}

impl By {
    fn grouping(self) -> Grouping {
        match self {
            By::Total => Grouping::Total,
            By::Asset => Grouping::Asset,
            By::Hour => Grouping::Hour,
            By::Day => Grouping::Day,
            By::Month => Grouping::Month,
        }
    }

    fn name(self) -> &'static str {
        match self {
            By::Total => "total",
            By::Asset => "asset",
            By::Hour => "hour",
            By::Day => "day",
            By::Month => "month",
        }
    }
}

/// A book of the ledger.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum BookArg {
    Energy,
    Emission,
    Avoided,
}

impl BookArg {
    fn book(self) -> Book {
        match self {
            BookArg::Energy => Book::Energy,
            BookArg::Emission => Book::Emission,
            BookArg::Avoided => Book::Avoided,
        }
    }
}

/// Runs `terrarium ledger`.
pub async fn run(client: &ClientArgs, query: Query) -> anyhow::Result<ExitCode> {
    let format = client.format;
    match query {
        Query::Explain { .. } => {
            format.or_refuse_csv("ledger explain")?;
        }
        Query::ExplainPosting { .. } => {
            format.or_refuse_csv("ledger explain-posting")?;
        }
        Query::Factor { .. } => {
            format.or_refuse_csv("ledger factor")?;
        }
        _ => {}
    }
    let server = client.connect().await?;
    match query {
        Query::Balance { period, by, asset } => balance(&server, format, period, by, asset).await?,
        Query::Entries {
            period,
            asset,
            book,
        } => entries(&server, format, period, asset, book).await?,
        Query::Explain { entry, park, as_of } => {
            explain(&server, format, entry, park, as_of.as_of()).await?
        }
        Query::Completeness { period } => completeness(&server, format, period).await?,
        Query::Postings { period, lines, gwp } => {
            carbon::postings(&server, format, period, lines, gwp).await?;
        }
        Query::ExplainPosting {
            posting,
            park,
            as_of,
        } => carbon::explain_posting(&server, format, posting, park, as_of.as_of()).await?,
        Query::Factor { key, park } => carbon::factor(&server, format, key, park).await?,
        Query::Reconcile { period } => carbon::reconcile(&server, format, period).await?,
        Query::Restatements {
            period,
            park,
            as_of,
            gwp,
        } => {
            let request = RestatementsRequest {
                park: server.park_or_only(park.as_deref()).await?,
                period,
                as_of: as_of.as_of(),
                gwp,
                after_position: 0,
            };
            restatements(&server, format, request).await?;
        }
        Query::Watch { park, asset } => watch(&server, format, park, asset).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn balance(
    server: &Client,
    format: Format,
    period: PeriodArgs,
    by: By,
    asset: Option<String>,
) -> anyhow::Result<()> {
    let request = BalanceRequest {
        park: server.park_or_only(period.park.as_deref()).await?,
        period: period.period(),
        by: by.grouping() as i32,
        asset: asset.unwrap_or_default(),
        as_of: period.as_of.as_of(),
    };
    let balance = server
        .ledger()
        .balance(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.BalanceResponse").json(&balance))?
        }
        Format::Csv => print_csv(
            &Shape::of("terrarium.ledger.v1.BalanceLine"),
            &balance.lines,
        )?,
        Format::Table => print_line(tables::balance(&balance, by))?,
    }
    Ok(())
}

async fn entries(
    server: &Client,
    format: Format,
    period: PeriodArgs,
    asset: Option<String>,
    book: Option<BookArg>,
) -> anyhow::Result<()> {
    let request = EntriesRequest {
        park: server.park_or_only(period.park.as_deref()).await?,
        period: period.period(),
        asset: asset.unwrap_or_default(),
        book: book.map_or(Book::Unspecified, BookArg::book) as i32,
        as_of: period.as_of.as_of(),
    };
    let shape = Shape::of("terrarium.ledger.v1.Entry");
    let mut answers = server
        .ledger()
        .entries(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    let csv = CsvLines::new(&shape);
    match format {
        Format::Table => print_line(tables::entry_header())?,
        Format::Csv => csv.print_header()?,
        Format::Json => {}
    }
    while let Some(answer) = answers
        .message()
        .await
        .map_err(|status| server.failed(status))?
    {
        if format == Format::Csv {
            csv.print(&answer.entries)?;
            continue;
        }
        for entry in &answer.entries {
            match format {
                Format::Json => print_json_line(&shape.json(entry))?,
                _ => print_line(tables::entry_row(entry))?,
            }
        }
    }
    Ok(())
}

async fn explain(
    server: &Client,
    format: Format,
    entry_id: String,
    park: Option<String>,
    as_of: Option<AsOf>,
) -> anyhow::Result<()> {
    let park = server.park_or_only(park.as_deref()).await?;
    let request = ExplainRequest {
        park,
        entry_id,
        as_of,
    };
    let answer = server
        .ledger()
        .explain(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.ExplainResponse").json(&answer))?
        }
        _ => print_line(explain::tree(&answer))?,
    }
    Ok(())
}

async fn completeness(server: &Client, format: Format, period: PeriodArgs) -> anyhow::Result<()> {
    let park = server.park_or_only(period.park.as_deref()).await?;
    let request = CompletenessRequest {
        park,
        period: period.period(),
        as_of: period.as_of.as_of(),
    };
    let answer = server
        .ledger()
        .completeness(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.CompletenessResponse").json(&answer))?
        }
        Format::Csv => print_csv(
            &Shape::of("terrarium.ledger.v1.MeterCompleteness"),
            &answer.meters,
        )?,
        Format::Table => print_line(tables::completeness(&answer))?,
    }
    Ok(())
}

async fn restatements(
    server: &Client,
    format: Format,
    mut request: RestatementsRequest,
) -> anyhow::Result<()> {
    let mut answer = RestatementsResponse::default();
    loop {
        let mut part = server
            .ledger()
            .restatements(request.clone())
            .await
            .map_err(|status| server.failed(status))?
            .into_inner();
        let earlier = std::mem::take(&mut answer.restatements);
        part.restatements.splice(0..0, earlier);
        answer = part;
        match answer.more_after_position.take() {
            Some(position) => request.after_position = position,
            None => break,
        }
    }
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.RestatementsResponse").json(&answer))?
        }
        Format::Csv => print_csv(
            &Shape::of("terrarium.ledger.v1.Restatement"),
            &answer.restatements,
        )?,
        Format::Table => print_line(restated::table_of(&answer))?,
    }
    Ok(())
}

async fn watch(
    server: &Client,
    format: Format,
    park: Option<String>,
    asset: Option<String>,
) -> anyhow::Result<()> {
    let park = server.park_or_only(park.as_deref()).await?;
    let request = WatchRequest {
        park,
        asset: asset.unwrap_or_default(),
    };
    let shape = Shape::of("terrarium.ledger.v1.HourBalance");
    let mut answers = server
        .ledger()
        .watch(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    let csv = CsvLines::new(&shape);
    match format {
        Format::Table => print_line(tables::watch_header())?,
        Format::Csv => csv.print_header()?,
        Format::Json => {}
    }
    while let Some(answer) = answers
        .message()
        .await
        .map_err(|status| server.failed(status))?
    {
        if format == Format::Csv {
            csv.print(&answer.hours)?;
            continue;
        }
        for hour in &answer.hours {
            match format {
                Format::Json => print_json_line(&shape.json(hour))?,
                _ => print_line(tables::watch_row(hour))?,
            }
        }
    }
    Ok(())
}
