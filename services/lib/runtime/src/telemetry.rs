//! Logs to standard error, and traces over OTLP/gRPC when the standard variables are set.
//!
//! `RUST_LOG` filters both (default `info`). `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`
//! turns the export on; the other `OTEL_*` variables of the OpenTelemetry specification apply.

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::settings::LogFormat;

const ENDPOINT_VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const FLUSH_DEADLINE: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "RUST_LOG is no log filter: {0}; write it like `info` or `info,terrarium_energy=debug`"
    )]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("can't export traces as the OTEL_* variables ask: {0}; unset them to run without")]
    Exporter(#[from] ExporterBuildError),
    #[error("logging is already set up in this process")]
    AlreadySet,
}

/// Keep it until the end of `main`: dropping it sends the last spans, within 3 s.
#[must_use = "dropping the guard ends the export of traces"]
#[derive(Debug)]
pub struct TelemetryGuard {
    provider: Option<SdkTracerProvider>,
}

impl TelemetryGuard {
    pub fn exports_traces(&self) -> bool {
        self.provider.is_some()
    }
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown_with_timeout(FLUSH_DEADLINE)
        {
            eprintln!("the last traces were not delivered: {error}");
        }
    }
}

/// Sets up logs and traces for the whole process, once.
///
/// `service` names the process in traces (`OTEL_SERVICE_NAME` overrides it). Must run inside a multi-thread tokio
/// runtime when traces are exported, and the guard must be dropped inside it.
pub fn init(service: &str, log_format: LogFormat) -> Result<TelemetryGuard, TelemetryError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.trim().is_empty() => EnvFilter::try_new(text)?,
        _ => EnvFilter::new("info"),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match log_format {
        LogFormat::Text => {
            let is_colourful =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            lines.with_ansi(is_colourful).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let provider = tracer_provider(service)?;
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("terrarium")));
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(logs)
        .with(traces);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySet)?;
    Ok(TelemetryGuard { provider })
}

/// `None` when no endpoint is set.
fn tracer_provider(service: &str) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let is_wanted = ENDPOINT_VARIABLES
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|endpoint| !endpoint.is_empty()));
    let is_disabled =
        std::env::var("OTEL_SDK_DISABLED").is_ok_and(|text| text.eq_ignore_ascii_case("true"));
    if !is_wanted || is_disabled {
        return Ok(None);
    }
    let exporter = SpanExporter::builder().with_tonic().build()?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(service.to_owned());
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    Ok(Some(provider))
}
