//! What every service process stands on.
//!
//! - [`settings`]: defaults, file, environment and flags in layers, each value with its source
//! - [`identity`]: roles, named tokens, and who is asking ([`Actor`])
//! - [`tls`]: certificates for both ends, and a local authority to sign them
//! - [`server`]: a gRPC server with health, reflection, identity, tracing and a graceful stop
//! - `malformed`: requests that are no protobuf message
//! - [`client`]: a channel to such a server
//! - [`clock`]: wall time
//! - [`shutdown`]: one switch that everything long-lived listens to
//! - [`telemetry`]: logs, and traces over OTLP when the standard variables are set
//! - [`traceparent`]: the trace a request belongs to, carried with or without an exporter
//! - [`nats_server`]: the `nats-server` that `terrarium up` keeps as a child process

pub mod client;
pub mod clock;
pub mod identity;
mod malformed;
pub mod nats_server;
mod nats_store;
pub mod server;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod traceparent;

pub use client::{AuthorizedChannel, ConnectError, ServerAddress, connect};
pub use clock::WallClock;
pub use identity::{Actor, Authenticator, Role, TokenBook, actor, create_token};
pub use malformed::blame_the_request;
pub use nats_server::{NatsChild, NatsError, NatsRestarter};
pub use server::{GrpcServer, MAX_MESSAGE_BYTES, ServerError};
pub use settings::{
    EffectiveSettings, LogFormat, Settings, SettingsError, TlsSettings, without_credentials,
};
pub use shutdown::{Shutdown, shutdown_on_signals};
pub use telemetry::{TelemetryError, TelemetryGuard};
pub use tls::ensure_crypto_provider;
pub use traceparent::{Traceparent, current_traceparent, request_traceparent};
