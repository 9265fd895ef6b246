//! A gRPC server with health, reflection, identity, tracing and a graceful stop.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::ServerTlsConfig;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::identity::{Authenticator, IdentityError, TokenBook};
use crate::malformed::BlameMalformedRequests;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::tls::{TlsError, server_tls};
use crate::traceparent::TraceRequests;

/// The largest message a service takes or sends unless it sets its own limits, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;

const MAX_CONCURRENT_STREAMS_PER_CONNECTION: u32 = 256;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two tries to accept when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
const ACCEPT_QUEUE: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("nothing to listen on: set `listen`, for example to 127.0.0.1:7470")]
    NoAddress,
    #[error(
        "won't listen on {address}: off loopback a server needs TLS and tokens, and {missing} missing; {remedy}. \
         Or listen on 127.0.0.1"
    )]
    Unprotected {
        address: SocketAddr,
        missing: &'static str,
        remedy: String,
    },
    #[error("can't listen on {address}: {source}{}", bind_remedy(.source))]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the certificate and key are refused: {0}; make a pair with `terrarium ca`")]
    Certificate(tonic::transport::Error),
    #[error("the descriptors for server reflection are refused: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("the server failed: {0}")]
    Serve(tonic::transport::Error),
}

fn bind_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: stop it, or choose another `listen` (port 0 takes a free one)"
        }
        io::ErrorKind::AddrNotAvailable => "; no network interface has this address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges: choose another",
        _ => "",
    }
}

/// Says which services are ready, to `grpc.health.v1.Health` and so to load balancers and probes.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    names: Arc<Mutex<BTreeSet<String>>>,
}

impl Health {
    fn new() -> Self {
        Self {
            reporter: HealthReporter::new(),
            names: Arc::new(Mutex::new(BTreeSet::from([String::new()]))),
        }
    }

    /// `service`: full name such as `terrarium.energy.v1.Energy`, or empty for the whole server.
    pub async fn set(&self, service: &str, is_serving: bool) {
        self.names
            .lock()
            .expect("no holder panics")
            .insert(service.to_owned());
        let status = if is_serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        self.reporter.set_service_status(service, status).await;
    }

    /// Ends every `Watch`, which would otherwise hold up a graceful stop.
    async fn end_watches(mut self) {
        let names = std::mem::take(&mut *self.names.lock().expect("no holder panics"));
        for name in names {
            self.reporter.clear_service_status(&name).await;
        }
    }
}

/// Bound, not yet serving.
#[derive(Debug)]
pub struct GrpcServer {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    tls: Option<ServerTlsConfig>,
    authenticator: Authenticator,
    health: Health,
    stop_deadline: Duration,
}

impl GrpcServer {
    /// Reads certificate and tokens, checks that they suffice for the addresses, and binds these.
    ///
    /// Off loopback both are needed. On loopback each is used if it is set.
    pub async fn bind(settings: &Settings) -> Result<Self, ServerError> {
        if settings.listen.is_empty() {
            return Err(ServerError::NoAddress);
        }
        for &address in &settings.listen {
            check_protection(address, settings.tls.is_some(), settings.tokens.is_some())?;
        }
        let tls = settings.tls.as_ref().map(server_tls).transpose()?;
        let authenticator = match &settings.tokens {
            Some(path) => Authenticator::with_tokens(TokenBook::read(path)?),
            None => Authenticator::open(),
        };
        let mut listeners = Vec::with_capacity(settings.listen.len());
        let mut addresses = Vec::with_capacity(settings.listen.len());
        for &address in &settings.listen {
            let failed = |source| ServerError::Bind { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push(listener);
        }
        Ok(Self {
            listeners,
            addresses,
            tls,
            authenticator,
            health: Health::new(),
            stop_deadline: Duration::from_secs(settings.stop_deadline_s),
        })
    }

    /// The bound addresses, with real ports, in the order of `settings.listen`.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The first address as clients write it: `http://127.0.0.1:7470`, with `https` when TLS is on.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addresses[0])
    }

    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves `routes` until `shutdown`, then takes no new connection or request, lets running requests finish, and
    /// cuts what is left when the stop deadline has passed. Streams that never end by themselves should listen to
    /// `shutdown` too.
    ///
    /// `descriptors`: encoded `FileDescriptorSet` for server reflection (v1 and v1alpha).
    pub async fn serve(
        self,
        routes: Routes,
        descriptors: &[u8],
        shutdown: Shutdown,
    ) -> Result<(), ServerError> {
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(descriptors)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let health_service = HealthService::from_health_reporter(self.health.reporter.clone());
        let routes = routes
            .add_service(HealthServer::new(health_service))
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .prepare();

        let mut builder = tonic::transport::Server::builder()
            .max_concurrent_streams(MAX_CONCURRENT_STREAMS_PER_CONNECTION)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT));
        if let Some(tls) = self.tls {
            builder = builder.tls_config(tls).map_err(ServerError::Certificate)?;
        }

        let cut = Shutdown::new();
        let connections = accept_from(self.listeners, &cut);
        tracing::info!(addresses = ?self.addresses, "listening");
        let stop_accepting = {
            let (shutdown, health) = (shutdown.clone(), self.health);
            async move {
                shutdown.triggered().await;
                health.end_watches().await;
            }
        };
        let serving = builder
            .layer(TraceRequests)
            .layer(self.authenticator)
            .layer(BlameMalformedRequests)
            .serve_with_incoming_shutdown(routes, connections, stop_accepting);
        let cut_at_deadline = async {
            shutdown.triggered().await;
            tokio::time::sleep(self.stop_deadline).await;
            tracing::warn!(
                deadline_s = self.stop_deadline.as_secs(),
                "stop deadline passed, cutting the connections that are left"
            );
            cut.trigger();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = serving => outcome.map_err(ServerError::Serve),
            () = cut_at_deadline => unreachable!("it never completes"),
        }
    }
}

fn check_protection(
    address: SocketAddr,
    has_tls: bool,
    has_tokens: bool,
) -> Result<(), ServerError> {
    if address.ip().to_canonical().is_loopback() || (has_tls && has_tokens) {
        return Ok(());
    }
    let make_tls = format!(
        "make a certificate with `terrarium ca --host {}` and set tls.certificate and tls.key",
        if address.ip().is_unspecified() {
            "<this machine's name>".to_owned()
        } else {
            address.ip().to_string()
        }
    );
    let make_tokens = "make a token with `terrarium token create` and set `tokens` to its file";
    let (missing, remedy) = match (has_tls, has_tokens) {
        (false, false) => ("both are", format!("{make_tls}; {make_tokens}")),
        (false, true) => ("TLS is", make_tls),
        (true, _) => ("tokens are", make_tokens.to_owned()),
    };
    Err(ServerError::Unprotected {
        address,
        missing,
        remedy,
    })
}

/// Accepts until the returned stream is dropped, which closes the listeners.
fn accept_from(
    listeners: Vec<TcpListener>,
    cut: &Shutdown,
) -> ReceiverStream<Result<Connection, io::Error>> {
    let (sender, receiver) = mpsc::channel(ACCEPT_QUEUE);
    for listener in listeners {
        let (sender, cut) = (sender.clone(), cut.clone());
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = sender.closed() => return,
                };
                match accepted {
                    Ok((stream, _)) => {
                        let connection = Connection::new(stream, cut.clone());
                        if sender.send(Ok(connection)).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "can't accept a connection");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                }
            }
        });
    }
    ReceiverStream::new(receiver)
}

/// A TCP connection that reads as aborted once it is cut: tonic itself can only wait for its peers to leave.
struct Connection {
    stream: TcpStream,
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Connection {
    fn new(stream: TcpStream, cut: Shutdown) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "can't set TCP_NODELAY");
        }
        Self {
            stream,
            cut: Some(Box::pin(async move { cut.triggered().await })),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_cut = match &mut self.cut {
            Some(cut) => cut.as_mut().poll(context).is_ready(),
            None => true,
        };
        if is_cut {
            self.cut = None;
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_needs_tls_and_tokens_and_the_refusal_says_which_is_missing() {
        let outside: SocketAddr = "0.0.0.0:7470".parse().expect("an address");
        for (has_tls, has_tokens, missing, remedies) in [
            (
                false,
                false,
                "both are missing",
                vec!["terrarium ca", "terrarium token create"],
            ),
            (false, true, "TLS is missing", vec!["terrarium ca"]),
            (
                true,
                false,
                "tokens are missing",
                vec!["terrarium token create"],
            ),
        ] {
            let message = check_protection(outside, has_tls, has_tokens)
                .expect_err("unprotected")
                .to_string();
            assert!(message.contains(missing), "{message}");
            for remedy in remedies {
                assert!(message.contains(remedy), "{message}");
            }
        }
        assert!(check_protection(outside, true, true).is_ok());
    }

    #[test]
    fn loopback_needs_neither() {
        for address in [
            "127.0.0.1:0",
            "127.8.8.8:1",
            "[::1]:0",
            "[::ffff:127.0.0.1]:0",
        ] {
            let address = address.parse().expect("an address");
            assert!(check_protection(address, false, false).is_ok(), "{address}");
        }
    }
}
