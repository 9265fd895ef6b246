//! gRPC clients of a server.

use std::time::Duration;

use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_proto::carbon::v1::claims_service_client::ClaimsServiceClient;
use terrarium_proto::energy::v1::energy_service_client::EnergyServiceClient;
use terrarium_proto::feed::v1::feed_service_client::FeedServiceClient;
use terrarium_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use tonic::transport::{Channel, Endpoint, Error};

const MAX_ANSWER_BYTES: usize = 64 << 20;
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// The services of one server, over one connection.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The connection itself.
    pub channel: Channel,
    /// Takes readings.
    pub energy: EnergyServiceClient<Channel>,
    /// Takes factors.
    pub carbon: CarbonServiceClient<Channel>,
    /// Takes what claims rest on.
    pub claims: ClaimsServiceClient<Channel>,
    /// Answers for the ledger.
    pub ledger: LedgerServiceClient<Channel>,
    /// Sends the record.
    pub feed: FeedServiceClient<Channel>,
    /// Tells what every asset is doing.
    pub twin: TwinServiceClient<Channel>,
}

/// Connects to `url`, such as `http://127.0.0.1:7470`.
pub async fn connect(url: &str) -> Result<Clients, Error> {
    let channel = Endpoint::from_shared(url.to_owned())?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .connect()
        .await?;
    Ok(Clients {
        energy: EnergyServiceClient::new(channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES),
        claims: ClaimsServiceClient::new(channel.clone()),
        carbon: CarbonServiceClient::new(channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES),
        ledger: LedgerServiceClient::new(channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES),
        feed: FeedServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
        twin: TwinServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
        channel,
    })
}
