//! The listening side.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Identity, ServerTlsConfig};
use tonic::{Request, Status};
use uuid::Uuid;

use super::connection::PromptConnection;
use super::credentials::Users;
use super::discovery::Discovery;
use super::protocol::gossip::gossip_server::GossipServer;
use super::protocol::served::streams_server::StreamsServer;
use super::protocol::server_features::server_features_server::ServerFeaturesServer;
use super::streams::StreamsApi;
use crate::store::EventStore;

/// Largest message: what the clients take too.
const MAX_MESSAGE_BYTES: usize = 17 << 20;
const MAX_CONCURRENT_STREAMS_PER_CONNECTION: u32 = 1024;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// So that an append of a hundred events comes in one frame.
const FRAME_BYTES: u32 = 256 << 10;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two tries to accept when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
const ACCEPT_QUEUE: usize = 16;

/// What clients have not taken so long after a stop, they don't get.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How a front is reached and by whom.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    pub listen: SocketAddr,
    /// Plain text without.
    pub tls: Option<TlsIdentity>,
    /// Everybody without.
    pub users: Option<Users>,
    /// Host and port that clients that look for a cluster are told; the address that they dialled without.
    pub advertise: Option<(String, u16)>,
}

/// Certificate chain and key, both PEM.
#[derive(Clone)]
pub struct TlsIdentity {
    pub certificate: String,
    pub key: String,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TlsIdentity")
    }
}

/// Why a front can't listen or serve.
#[derive(Debug, Error)]
pub enum FrontError {
    #[error(
        "won't listen on {address}: off loopback the event store needs TLS and users, and {missing} missing; or listen on 127.0.0.1"
    )]
    Unprotected {
        address: SocketAddr,
        missing: &'static str,
    },
    #[error("can't listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the certificate and key are refused: {0}; make a pair with `terrarium ca`")]
    Certificate(tonic::transport::Error),
    #[error("the event store's server failed: {0}")]
    Serve(tonic::transport::Error),
}

/// A bound front, not yet serving.
#[derive(Debug)]
pub struct Front {
    store: EventStore,
    listener: TcpListener,
    address: SocketAddr,
    settings: FrontSettings,
}

impl Front {
    /// Checks that the settings suffice for the address, and binds it.
    pub async fn bind(store: EventStore, settings: FrontSettings) -> Result<Front, FrontError> {
        let address = settings.listen;
        let missing = match (settings.tls.is_some(), settings.users.is_some()) {
            (true, true) => None,
            (false, true) => Some("TLS is"),
            (true, false) => Some("users are"),
            (false, false) => Some("both are"),
        };
        if let Some(missing) = missing.filter(|_| !address.ip().to_canonical().is_loopback()) {
            return Err(FrontError::Unprotected { address, missing });
        }
        let failed = |source| FrontError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Front {
            store,
            listener,
            address,
            settings,
        })
    }

    /// The bound address, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as clients write it.
    pub fn url(&self) -> String {
        let tls = self.settings.tls.is_some();
        format!("esdb://{}?tls={tls}", self.address)
    }

    /// Serves until `stop` completes; then subscriptions are ended and running calls finished, within 10 s.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<(), FrontError> {
        let mut builder = tonic::transport::Server::builder()
            .accept_http1(true)
            .max_concurrent_streams(MAX_CONCURRENT_STREAMS_PER_CONNECTION)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT));
        if let Some(tls) = &self.settings.tls {
            let identity = Identity::from_pem(&tls.certificate, &tls.key);
            builder = builder
                .tls_config(ServerTlsConfig::new().identity(identity))
                .map_err(FrontError::Certificate)?;
        }
        let (stopping, stopped) = watch::channel(false);
        let routes = routes(&self.store, &self.settings, stopped.clone());
        let stop = async move {
            stop.await;
            stopping.send_replace(true);
        };
        let serving =
            builder.serve_with_incoming_shutdown(routes, accept_from(self.listener), stop);
        let overdue = async move {
            let mut stopped = stopped;
            // A dropped sender means that serving is over.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        tokio::select! {
            served = serving => served.map_err(FrontError::Serve),
            () = overdue => {
                tracing::warn!("some clients did not take their answers in time; they are cut off");
                Ok(())
            }
        }
    }
}

fn routes(store: &EventStore, settings: &FrontSettings, stopped: watch::Receiver<bool>) -> Routes {
    let users = settings.users.clone();
    let authenticate = move |request: Request<()>| -> Result<Request<()>, Status> {
        if let Some(users) = &users {
            let authorization = request.metadata().get("authorization");
            users.check(authorization.and_then(|value| value.to_str().ok()))?;
        }
        Ok(request)
    };
    let streams = StreamsServer::new(StreamsApi {
        store: store.clone(),
        stopped,
    })
    .max_decoding_message_size(MAX_MESSAGE_BYTES)
    .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let discovery = Discovery {
        advertise: settings.advertise.clone(),
        instance: Uuid::new_v4(),
    };
    // Whoever looks for a server has no credentials yet: gossip and features are open, as clients expect.
    let router = Routes::new(InterceptedService::new(streams, authenticate))
        .add_service(ServerFeaturesServer::new(discovery.clone()))
        .add_service(GossipServer::new(discovery))
        .into_axum_router()
        .route("/health/live", get(|| async { StatusCode::NO_CONTENT }));
    Routes::from(router)
}

/// Accepts until the returned stream is dropped, which closes the listener.
fn accept_from(listener: TcpListener) -> ReceiverStream<Result<PromptConnection, io::Error>> {
    let (sender, receiver) = mpsc::channel(ACCEPT_QUEUE);
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    if sender
                        .send(Ok(PromptConnection::new(stream)))
                        .await
                        .is_err()
                    {
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
    ReceiverStream::new(receiver)
}
