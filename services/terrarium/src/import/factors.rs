//! `terrarium import factors`: publishes one factor set from a file.

use std::path::PathBuf;
use std::process::ExitCode;

use terrarium_proto::carbon::v1::PublishFactorSetRequest;
use terrarium_proto::carbon::v1::factor_set::Values;

use crate::client::ClientArgs;
use crate::import::factor_file::read_factor_set;
use crate::output::{Format, count, print_json_line, print_line};

/// Arguments of `terrarium import factors`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// TOML file
    file: PathBuf,
    /// Park to publish the set to [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
    /// CSV file of the hourly values, instead of the one that the TOML file names
    #[arg(long, value_name = "CSV")]
    series: Option<PathBuf>,
}

#[derive(serde::Serialize)]
struct Published<'a> {
    park: &'a str,
    set: &'a str,
    version: &'a str,
    values: usize,
    recorded: bool,
    recorded_position: u64,
}

/// Runs `terrarium import factors`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("import factors")?;
    let factor_set = read_factor_set(&args.file, args.series.as_deref())?;
    let (set, version) = (factor_set.set.clone(), factor_set.version.clone());
    let values = match &factor_set.values {
        Some(Values::Series(series)) => series.hourly.len(),
        _ => 1,
    };
    let server = client.connect().await?;
    let park = server.park_or_only(args.park.as_deref()).await?;
    let request = PublishFactorSetRequest {
        park: park.clone(),
        factor_set: Some(factor_set),
        client_request_id: uuid::Uuid::new_v4().to_string(),
    };
    let answer = server
        .carbon()
        .publish_factor_set(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    let published = Published {
        park: &park,
        set: &set,
        version: &version,
        values,
        recorded: answer.recorded,
        recorded_position: answer.recorded_position,
    };
    match format {
        Format::Json => print_json_line(&published)?,
        _ => {
            let outcome = if answer.recorded {
                "recorded"
            } else {
                "already recorded"
            };
            let values = count(values as u64);
            print_line(format!(
                "{outcome}: factor set {set}, version {version}, {values} values, for park {park}, at position {}",
                answer.recorded_position
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
