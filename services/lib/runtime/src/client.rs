//! A channel to a Terrarium server.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::tls::{TlsError, client_tls};
use crate::traceparent;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// So that a large answer, such as a page of the Feed, comes in few frames.
const FRAME_BYTES: u32 = 256 << 10;

/// What the generated clients are built on: every call carries the token and the current trace.
pub type AuthorizedChannel = InterceptedService<Channel, CallMetadata>;

/// Where a server is and how to be let in.
#[derive(Clone, Default)]
pub struct ServerAddress {
    /// `http://127.0.0.1:7470` or `https://park.example:7470`.
    pub url: String,
    /// PEM file of the certificates to trust; needed for `https`.
    pub ca: Option<PathBuf>,
    /// Bearer token.
    pub token: Option<String>,
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerAddress")
            .field("url", &self.url)
            .field("ca", &self.ca)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "`{url}` is no server URL: write it like http://127.0.0.1:7470 or https://park.example:7470"
    )]
    BadUrl { url: String },
    #[error(
        "{url} needs the certificate of the authority that signed it: give its ca.pem (--tls-ca or TERRARIUM_TLS_CA)"
    )]
    NeedsAuthority { url: String },
    #[error("won't send a token unencrypted to {url}: use https, or a server on this machine")]
    TokenInClear { url: String },
    #[error("the token holds characters that no token has: check TERRARIUM_TOKEN or --token")]
    BadToken,
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("nothing answers at {url}: is `terrarium up` running? ({reason})")]
    NoAnswer { url: String, reason: String },
    #[error(
        "{url} answers, but can't be trusted: {reason}; check that ca.pem is of this server's authority and that its \
         certificate is for this host name"
    )]
    Untrusted { url: String, reason: String },
}

/// Connects within 5 s.
pub async fn connect(address: &ServerAddress) -> Result<AuthorizedChannel, ConnectError> {
    let url = || address.url.clone();
    let bad_url = || ConnectError::BadUrl { url: url() };
    let mut endpoint = Endpoint::from_shared(url()).map_err(|_| bad_url())?;
    let host = endpoint.uri().host().ok_or_else(bad_url)?;
    let is_loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback());
    let is_encrypted = match endpoint.uri().scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(bad_url()),
    };
    if address.token.is_some() && !is_encrypted && !is_loopback {
        return Err(ConnectError::TokenInClear { url: url() });
    }
    let call_metadata = CallMetadata::new(address.token.as_deref())?;
    endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES);
    if is_encrypted {
        let ca = address
            .ca
            .as_deref()
            .ok_or_else(|| ConnectError::NeedsAuthority { url: url() })?;
        endpoint =
            endpoint
                .tls_config(client_tls(ca)?)
                .map_err(|error| ConnectError::Untrusted {
                    url: url(),
                    reason: chain(&error),
                })?;
    }
    let channel = endpoint.connect().await.map_err(|error| {
        let reason = chain(&error);
        if reason.contains("certificate") {
            ConnectError::Untrusted { url: url(), reason }
        } else {
            ConnectError::NoAnswer { url: url(), reason }
        }
    })?;
    Ok(InterceptedService::new(channel, call_metadata))
}

/// The messages of an error and its sources, without repetitions.
fn chain(error: &dyn std::error::Error) -> String {
    let mut messages = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        let message = error.to_string();
        if !messages.iter().any(|known| known.contains(&message)) {
            messages.push(message);
        }
        source = error.source();
    }
    messages.join(": ")
}

/// Puts token and trace into every call.
#[derive(Clone)]
pub struct CallMetadata {
    authorization: Option<MetadataValue<Ascii>>,
}

impl fmt::Debug for CallMetadata {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token stays out of logs: its header value is marked sensitive and prints as such.
        formatter
            .debug_struct("CallMetadata")
            .field("authorization", &self.authorization)
            .finish()
    }
}

impl CallMetadata {
    fn new(token: Option<&str>) -> Result<Self, ConnectError> {
        let authorization = token
            .map(|token| {
                let mut value = MetadataValue::try_from(format!("Bearer {}", token.trim()))
                    .map_err(|_| ConnectError::BadToken)?;
                value.set_sensitive(true);
                Ok::<_, ConnectError>(value)
            })
            .transpose()?;
        Ok(Self { authorization })
    }
}

impl Interceptor for CallMetadata {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.authorization {
            request
                .metadata_mut()
                .insert("authorization", authorization.clone());
        }
        traceparent::inject(request.metadata_mut());
        Ok(request)
    }
}
