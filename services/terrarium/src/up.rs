//! `terrarium up`: all services of a park in one process.

use std::path::PathBuf;
use std::process::ExitCode;

use terrarium_runtime::{Settings, shutdown_on_signals, telemetry};

use crate::host::{self, Role};

/// Arguments of `terrarium up`. What is not given comes from the environment (`TERRARIUM_<NAME>`), then from the settings
/// file, then from the defaults.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Flags that every server command takes.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// Settings file (TOML); `terrarium config check` shows what is in force
    #[arg(long, env = "TERRARIUM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of everything this process keeps [default: terrarium-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Park files, or folders of them
    #[arg(long = "park", value_name = "FILE", num_args = 1..)]
    parks: Vec<PathBuf>,
    /// Addresses of the gRPC server; port 0 takes a free one; off loopback only with TLS and tokens [default: 127.0.0.1:7470]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// NATS server to use, or those of a cluster with commas between [default: a child nats-server]
    #[arg(long, value_name = "URL")]
    nats_url: Option<String>,
    /// Certificate (PEM) of the authority that signed the NATS servers' certificates; they have to speak TLS then
    #[arg(long, value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// On how many servers of a NATS cluster each commit is kept: 1, 3 or 5 [default: 1]
    #[arg(long, value_name = "NUMBER")]
    nats_replicas: Option<u64>,
    /// The nats-server program for the child [default: nats-server]
    #[arg(long, value_name = "PROGRAM")]
    nats_server: Option<PathBuf>,
    /// Event store to use, such as esdb://127.0.0.1:2113?tls=false [default: the embedded one in the data folder]
    #[arg(long, visible_alias = "eventstore", value_name = "URL")]
    eventstore_url: Option<String>,
    /// Server certificate (PEM); see `terrarium ca create`
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Key of the server certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Token file; see `terrarium token create`
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
}

impl ServerArgs {
    /// Layers the flags over environment, file and defaults.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let text = |path: &PathBuf| path.display().to_string();
        let single = [
            ("data", self.data.as_ref().map(text)),
            ("nats_url", self.nats_url.clone()),
            ("nats_ca", self.nats_ca.as_ref().map(text)),
            (
                "nats_replicas",
                self.nats_replicas.map(|number| number.to_string()),
            ),
            ("nats_server", self.nats_server.as_ref().map(text)),
            ("eventstore_url", self.eventstore_url.clone()),
            ("tls.certificate", self.tls_certificate.as_ref().map(text)),
            ("tls.key", self.tls_key.as_ref().map(text)),
            ("tokens", self.tokens.as_ref().map(text)),
        ];
        let mut flags: Vec<(&str, String)> = single
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        flags.extend(self.parks.iter().map(|park| ("parks", text(park))));
        flags.extend(
            self.listen
                .iter()
                .map(|address| ("listen", address.clone())),
        );
        let effective = Settings::load(self.config.as_deref(), &flags)?;
        for warning in &effective.warnings {
            eprintln!("warning: {warning}");
        }
        Ok(effective.settings)
    }
}

/// Runs `terrarium up`.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = args.server.settings()?;
    let _telemetry = telemetry::init("terrarium", settings.log_format)?;
    let shutdown = shutdown_on_signals()?;
    host::run(settings, &Role::ALL.into(), shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
