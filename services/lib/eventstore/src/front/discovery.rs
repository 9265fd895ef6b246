//! What this server can do and where it is.

use std::net::SocketAddr;

use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::protocol::gossip::gossip_server::Gossip;
use super::protocol::gossip::member_info::VNodeState;
use super::protocol::gossip::{ClusterInfo, EndPoint, MemberInfo};
use super::protocol::server_features::server_features_server::ServerFeatures;
use super::protocol::server_features::{SupportedMethod, SupportedMethods};
use super::protocol::shared;
use super::reply::wire_uuid;
use crate::clock::Clock;

/// Clients choose features by it; it is the last version whose stream protocol this server speaks in full.
const PROTOCOL_VERSION: &str = "23.10.0";

/// Service, method, features: in the spelling that clients look for.
const SUPPORTED: [(&str, &str, &[&str]); 7] = [
    ("event_store.client.streams.streams", "append", &[]),
    (
        "event_store.client.streams.streams",
        "batchappend",
        &["deadline_duration"],
    ),
    ("event_store.client.streams.streams", "delete", &[]),
    (
        "event_store.client.streams.streams",
        "read",
        &["position", "events"],
    ),
    ("event_store.client.streams.streams", "tombstone", &[]),
    ("event_store.client.gossip.gossip", "read", &[]),
    (
        "event_store.client.server_features.serverfeatures",
        "getsupportedmethods",
        &[],
    ),
];

#[derive(Clone, Debug)]
pub(super) struct Discovery {
    /// What clients are told to dial; otherwise the address that they dialled.
    pub advertise: Option<(String, u16)>,
    pub instance: Uuid,
}

#[tonic::async_trait]
impl ServerFeatures for Discovery {
    async fn get_supported_methods(
        &self,
        _request: Request<shared::Empty>,
    ) -> Result<Response<SupportedMethods>, Status> {
        let methods = SUPPORTED
            .iter()
            .map(|(service, method, features)| SupportedMethod {
                method_name: (*method).to_owned(),
                service_name: (*service).to_owned(),
                features: features
                    .iter()
                    .map(|feature| (*feature).to_owned())
                    .collect(),
            })
            .collect();
        Ok(Response::new(SupportedMethods {
            methods,
            event_store_server_version: PROTOCOL_VERSION.to_owned(),
        }))
    }
}

#[tonic::async_trait]
impl Gossip for Discovery {
    async fn read(&self, request: Request<shared::Empty>) -> Result<Response<ClusterInfo>, Status> {
        let (address, port) = match &self.advertise {
            Some((address, port)) => (address.clone(), *port),
            None => {
                let dialled = dialled_address(&request).ok_or_else(|| {
                    Status::internal("the connection has no local address: advertise one")
                })?;
                (dialled.ip().to_canonical().to_string(), dialled.port())
            }
        };
        Ok(Response::new(ClusterInfo {
            members: vec![MemberInfo {
                instance_id: Some(wire_uuid(&self.instance, true)),
                time_stamp: i64::try_from(Clock::system().now().0).unwrap_or(i64::MAX),
                state: VNodeState::Leader.into(),
                is_alive: true,
                http_end_point: Some(EndPoint {
                    address,
                    port: u32::from(port),
                }),
            }],
        }))
    }
}

fn dialled_address<T>(request: &Request<T>) -> Option<SocketAddr> {
    let extensions = request.extensions();
    let plain = extensions.get::<TcpConnectInfo>();
    let secured = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
    plain
        .or(secured.map(TlsConnectInfo::get_ref))
        .and_then(TcpConnectInfo::local_addr)
}
