//! `terrarium health`: whether a server is ready, by the standard gRPC health service.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::ClientArgs;
use crate::output::{Format, print_json, print_line};

/// A server that is this slow is not ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Arguments of `terrarium health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Service to ask about, such as terrarium.energy.v1.EnergyService [default: the whole server]
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "NAME"
    )]
    service: String,
}

/// Runs `terrarium health`; JSON is {service, serving}.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("health")?;
    let server = client.connect().await?;
    let request = HealthCheckRequest {
        service: args.service.clone(),
    };
    let mut health = HealthClient::new(server.channel());
    let Ok(answer) = tokio::time::timeout(ANSWER_WITHIN, health.check(request)).await else {
        bail!(
            "the server did not answer within {} s",
            ANSWER_WITHIN.as_secs()
        );
    };
    let status = match answer {
        Ok(answer) => answer.into_inner().status(),
        Err(status) if status.code() == tonic::Code::NotFound => {
            bail!("the server has no service \"{}\"", args.service)
        }
        Err(status) => return Err(server.failed(status).into()),
    };
    let is_serving = status == ServingStatus::Serving;
    match format {
        Format::Json => print_json(&serde_json::json!({
            "service": args.service, "serving": is_serving,
        }))?,
        _ => print_line(if is_serving { "ready" } else { "not ready" })?,
    }
    Ok(if is_serving {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
