//! `terrarium park compare`: what is published of a park beside what its record says.

use std::process::ExitCode;

use anyhow::{Context, bail};
use terrarium_model::{
    FigureBasis, ParkDefinition, Published, TimeZone, UnixSeconds, parse_rfc3339_with_offset,
};
use terrarium_proto::ledger::v1::{
    BalanceLine, BalanceRequest, GetNaturalBalanceRequest, Grouping, NaturalTotal, Period,
};
use terrarium_proto::twin::v1::GetParkRequest;

use super::figures::{DAYS_PER_YEAR, Ratio, Recorded};
use crate::client::{Client, ClientArgs};
use crate::output::{Format, print_json, print_line, table};
use crate::simulate::instant;

const SECONDS_PER_DAY: i64 = 86_400;
/// Decimals of figures and of percents.
const FIGURE_DECIMALS: u32 = 3;
const PERCENT_DECIMALS: u32 = 1;

/// Arguments of `terrarium park compare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Park [default: the server's only park]
    park: Option<String>,
    /// First day: a date of the park [default: a year before the end, or the first whole day]
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Day after the last: a date of the park [default: the end of the last whole day on record]
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
}

#[derive(serde::Serialize)]
struct Comparison<'a> {
    park: &'a str,
    from: String,
    to: String,
    days: i64,
    position: u64,
    rows: Vec<Row>,
}

#[derive(serde::Serialize)]
struct Row {
    figure: &'static str,
    name: String,
    name_zh: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'static str>,
    unit: &'static str,
    planned: Option<String>,
    measured: Option<String>,
    simulated: Option<String>,
    /// Simulated above planned, and above measured.
    difference_to_planned_percent: Option<String>,
    difference_to_measured_percent: Option<String>,
    basis: &'static str,
    source: String,
}

/// Runs `terrarium park compare`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("park compare")?;
    let server = client.connect().await?;
    let id = server.park_or_only(args.park.as_deref()).await?;
    let park = definition(&server, &id).await?;
    if park.published.is_empty() {
        bail!(
            "the definition of park {id} has no [[published]] rows to compare with; add them and define the park again"
        );
    }
    let (from, to) = period(&server, &args, &park).await?;
    let days = ((to.0 - from.0) + SECONDS_PER_DAY / 2) / SECONDS_PER_DAY;
    let (energy, totals, position) = books(&server, &park, from, to).await?;
    let recorded = Recorded {
        park: &park,
        energy: &energy,
        totals: &totals,
        days,
    };
    let rows = park.published.iter();
    let comparison = Comparison {
        park: park.id.as_str(),
        from: park.time_zone.format_rfc3339(from),
        to: park.time_zone.format_rfc3339(to),
        days,
        position,
        rows: rows
            .map(|published| row(published, recorded.figure(published)))
            .collect(),
    };
    print(format, &comparison)?;
    tell_what_is_missing(&energy, days);
    Ok(ExitCode::SUCCESS)
}

async fn definition(server: &Client, park: &str) -> anyhow::Result<ParkDefinition> {
    let request = GetParkRequest {
        park: park.to_owned(),
        moment: None,
    };
    let answer = server
        .twin()
        .get_park(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    Ok(ParkDefinition::parse(
        &answer.definition,
        "the recorded definition",
    )?)
}

/// Whole days of the park: as asked, else the last year on record.
async fn period(
    server: &Client,
    args: &Args,
    park: &ParkDefinition,
) -> anyhow::Result<(UnixSeconds, UnixSeconds)> {
    let zone = &park.time_zone;
    let on_record = balance(server, park, None).await?.1;
    let metered = |text: &str| {
        parse_rfc3339_with_offset(text).with_context(|| format!("the server's period {text}"))
    };
    let to = match &args.to {
        Some(to) => instant("--to", to, zone)?,
        None => midnight_before(zone, metered(&on_record.to)?),
    };
    let from = match &args.from {
        Some(from) => instant("--from", from, zone)?,
        None => {
            let year_before = UnixSeconds(to.0 - DAYS_PER_YEAR * SECONDS_PER_DAY);
            let first = metered(&on_record.from)?;
            let first_midnight = match midnight_before(zone, first) {
                midnight if midnight == first => first,
                // With an hour to spare for days that are longer than others.
                midnight => {
                    midnight_before(zone, UnixSeconds(midnight.0 + SECONDS_PER_DAY + 3_600))
                }
            };
            midnight_before(zone, UnixSeconds(year_before.0 + 3_600)).max(first_midnight)
        }
    };
    if to <= from {
        bail!(
            "there is no whole day on record of park {} to compare; simulate some first: terrarium simulate --park FILE --from DATE --batch",
            park.id
        );
    }
    Ok((from, to))
}

fn midnight_before(zone: &TimeZone, instant: UnixSeconds) -> UnixSeconds {
    let local_s = instant.0 + i64::from(zone.offset_seconds(instant));
    UnixSeconds(instant.0 - local_s.rem_euclid(SECONDS_PER_DAY))
}

async fn balance(
    server: &Client,
    park: &ParkDefinition,
    period: Option<Period>,
) -> anyhow::Result<(BalanceLine, Period)> {
    let request = BalanceRequest {
        park: park.id.to_string(),
        period,
        by: Grouping::Total.into(),
        ..BalanceRequest::default()
    };
    let answer = server
        .ledger()
        .balance(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    Ok((
        answer.total.unwrap_or_default(),
        answer.period.unwrap_or_default(),
    ))
}

async fn books(
    server: &Client,
    park: &ParkDefinition,
    from: UnixSeconds,
    to: UnixSeconds,
) -> anyhow::Result<(BalanceLine, Vec<NaturalTotal>, u64)> {
    let period = Period {
        from: park.time_zone.format_rfc3339(from),
        to: park.time_zone.format_rfc3339(to),
    };
    let (energy, _) = balance(server, park, Some(period.clone())).await?;
    let request = GetNaturalBalanceRequest {
        park: park.id.to_string(),
        period: Some(period),
    };
    let answer = server
        .natural_books()
        .get_natural_balance(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    Ok((energy, answer.totals, answer.position))
}

fn row(published: &Published, simulated: Option<Ratio>) -> Row {
    let percent = |published: Option<Ratio>| {
        let difference = simulated?.percent_above(published?)?;
        Some(difference.rounded(PERCENT_DECIMALS))
    };
    let planned = published.planned.as_ref().map(Ratio::of_decimal);
    let measured = published.measured.as_ref().map(Ratio::of_decimal);
    let figure = |ratio: Ratio| ratio.rounded(FIGURE_DECIMALS);
    Row {
        figure: published.figure.token(),
        name: published.name.en.clone(),
        name_zh: published.name.zh.clone(),
        asset: published.asset.as_ref().map(ToString::to_string),
        stream: published.stream.map(|stream| stream.token()),
        unit: published.figure.unit(),
        planned: planned.map(figure),
        measured: measured.map(figure),
        simulated: simulated.map(figure),
        difference_to_planned_percent: percent(planned),
        difference_to_measured_percent: percent(measured),
        basis: match (published.basis, simulated) {
            (FigureBasis::NotSimulated, _) | (_, None) => FigureBasis::NotSimulated.token(),
            (basis, Some(_)) => basis.token(),
        },
        source: published.source.clone(),
    }
}

fn print(format: Format, comparison: &Comparison<'_>) -> anyhow::Result<()> {
    if format == Format::Json {
        print_json(comparison)?;
        return Ok(());
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = comparison.rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.unit.to_owned(),
            or_dash(&row.planned),
            or_dash(&row.measured),
            or_dash(&row.simulated),
            or_dash(&row.difference_to_planned_percent),
            or_dash(&row.difference_to_measured_percent),
            row.basis.replace('_', " "),
        ]
    });
    let headers = [
        "figure",
        "unit",
        "planned",
        "measured",
        "simulated",
        "to planned %",
        "to measured %",
        "basis",
    ];
    print_line(table(&headers, &["figure", "unit", "basis"], rows))?;
    print_line(format!(
        "park {}, {} to {}: {} days, record through position {}",
        comparison.park, comparison.from, comparison.to, comparison.days, comparison.position
    ))?;
    Ok(())
}

fn tell_what_is_missing(energy: &BalanceLine, days: i64) {
    if !(DAYS_PER_YEAR..=DAYS_PER_YEAR + 1).contains(&days) {
        eprintln!(
            "note: {days} days are no year; figures of a year are scaled by {DAYS_PER_YEAR}/{days}, and seasons are not evened out"
        );
    }
    if energy.hours_missing > 0 {
        eprintln!(
            "note: {} of {} node hours have a gap and are in no figure of energy",
            energy.hours_missing, energy.hours_expected
        );
    }
}
