//! `terrarium quarantine`: readings that are kept out of the balances until someone decides.

use std::process::ExitCode;

use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use terrarium_proto::energy::v1::{
    CorrectQuarantinedRequest, ListQuarantinedRequest, QuarantineReason, QuarantinedReading,
    ReleaseQuarantinedRequest,
};

use crate::client::{Client, ClientArgs};
use crate::output::{Format, count, print_json_line, print_line, short_enum, table};
use crate::wire::{Shape, print_csv};

const PAGE_READINGS: u32 = 1_000;

/// What to do about quarantined readings.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List the readings that nobody has decided about yet
    ///
    /// JSON (one object per line) and CSV have the fields of QuarantinedReading.
    List {
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Let a quarantined reading count as it is
    ///
    /// JSON: quarantine_id, recorded_position.
    Release {
        /// Id that `quarantine list` shows
        id: String,
        /// Why it may count, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Give the right value for a quarantined reading; it counts from now on
    ///
    /// JSON: quarantine_id, recorded_position.
    Correct {
        /// Id that `quarantine list` shows
        id: String,
        /// The right decimal
        #[arg(long, allow_negative_numbers = true)]
        value: String,
        /// Its unit, such as kWh
        #[arg(long)]
        unit: String,
        /// Where the value comes from, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
}

/// Runs `terrarium quarantine`.
pub async fn run(client: &ClientArgs, action: Action) -> anyhow::Result<ExitCode> {
    let server = client.connect().await?;
    match action {
        Action::List { park } => {
            let park = server.park_or_only(park.as_deref()).await?;
            let readings = all_quarantined(&server, &park).await?;
            print_list(client.format, &park, &readings)?;
        }
        Action::Release { id, reason, park } => {
            let format = client.format.or_refuse_csv("quarantine release")?;
            let park = server.park_or_only(park.as_deref()).await?;
            let client_request_id = uuid::Uuid::new_v4().to_string();
            let request = ReleaseQuarantinedRequest {
                park,
                quarantine_id: id.clone(),
                reason,
                client_request_id,
            };
            let answer = server
                .energy()
                .release_quarantined(request)
                .await
                .map_err(|status| server.failed(status))?;
            print_decision(
                format,
                &id,
                "released",
                answer.into_inner().recorded_position,
            )?;
        }
        Action::Correct {
            id,
            value,
            unit,
            reason,
            park,
        } => {
            let format = client.format.or_refuse_csv("quarantine correct")?;
            let park = server.park_or_only(park.as_deref()).await?;
            let client_request_id = uuid::Uuid::new_v4().to_string();
            let quarantine_id = id.clone();
            let request = CorrectQuarantinedRequest {
                park,
                quarantine_id,
                value,
                unit,
                reason,
                client_request_id,
            };
            let answer = server
                .energy()
                .correct_quarantined(request)
                .await
                .map_err(|status| server.failed(status))?;
            print_decision(
                format,
                &id,
                "corrected",
                answer.into_inner().recorded_position,
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn all_quarantined(server: &Client, park: &str) -> anyhow::Result<Vec<QuarantinedReading>> {
    let mut readings = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListQuarantinedRequest {
            park: park.to_owned(),
            page_size: PAGE_READINGS,
            page_token,
        };
        let answer = server
            .energy()
            .list_quarantined(request)
            .await
            .map_err(|status| server.failed(status))?;
        let page = answer.into_inner();
        readings.extend(page.readings);
        if page.next_page_token.is_empty() {
            return Ok(readings);
        }
        page_token = page.next_page_token;
    }
}

fn print_list(format: Format, park: &str, readings: &[QuarantinedReading]) -> anyhow::Result<()> {
    let shape = Shape::of("terrarium.energy.v1.QuarantinedReading");
    match format {
        Format::Json => {
            for reading in readings {
                print_json_line(&shape.json(reading))?;
            }
        }
        Format::Csv => print_csv(&shape, readings)?,
        Format::Table if readings.is_empty() => {
            print_line(format!("no reading of park {park} is in quarantine"))?
        }
        Format::Table => {
            let headers = [
                "id",
                "meter",
                "interval start",
                "seconds",
                "value",
                "unit",
                "reason",
                "finding",
            ];
            let left = ["id", "meter", "interval start", "unit", "reason", "finding"];
            print_line(table(&headers, &left, readings.iter().map(row_of)))?;
            print_line(format!(
                "{} in quarantine; decide with `quarantine release` or `quarantine correct`",
                count(readings.len() as u64)
            ))?;
        }
    }
    Ok(())
}

fn row_of(quarantined: &QuarantinedReading) -> Vec<String> {
    let reading = quarantined.reading.clone().unwrap_or_default();
    let reason = QuarantineReason::try_from(quarantined.reason).unwrap_or_default();
    vec![
        quarantined.quarantine_id.clone(),
        reading.meter,
        format_rfc3339_utc(UnixSeconds(reading.interval_start_s)),
        reading.interval_seconds.to_string(),
        reading.value,
        reading.unit,
        short_enum(reason.as_str_name(), "QUARANTINE_REASON_"),
        quarantined.finding.clone(),
    ]
}

fn print_decision(format: Format, id: &str, decision: &str, position: u64) -> std::io::Result<()> {
    match format {
        Format::Json => print_json_line(
            &serde_json::json!({ "quarantine_id": id, "recorded_position": position }),
        ),
        _ => print_line(format!("{id} {decision}, at position {position}")),
    }
}
