//! `terrarium serve`: some roles in this process.

use std::process::ExitCode;

use terrarium_runtime::{shutdown_on_signals, telemetry};

use crate::host::{self, Role};
use crate::up::ServerArgs;

/// Arguments of `terrarium serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Roles to run. Roles that work on one embedded event store have to share a process; with --eventstore-url and
    /// --nats-url each can have its own
    #[arg(required = true, value_enum, num_args = 1..)]
    roles: Vec<Role>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `terrarium serve`.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = args.server.settings()?;
    let _telemetry = telemetry::init("terrarium", settings.log_format)?;
    let shutdown = shutdown_on_signals()?;
    host::run(settings, &args.roles.into_iter().collect(), shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
