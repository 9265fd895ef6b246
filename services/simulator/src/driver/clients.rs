//! One client for each service, all over one channel, and what they have to remember.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use terrarium_model::UnixSeconds;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_proto::energy::v1::energy_device_service_client::EnergyDeviceServiceClient;
use terrarium_proto::energy::v1::energy_service_client::EnergyServiceClient;
use terrarium_proto::feed::v1::feed_service_client::FeedServiceClient;
use terrarium_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_runtime::AuthorizedChannel;

const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The services that devices talk to.
pub struct Clients {
    pub energy: EnergyServiceClient<AuthorizedChannel>,
    pub devices: EnergyDeviceServiceClient<AuthorizedChannel>,
    pub water: WaterServiceClient<AuthorizedChannel>,
    pub waste: WasteServiceClient<AuthorizedChannel>,
    pub mobility: MobilityServiceClient<AuthorizedChannel>,
    pub carbon: CarbonServiceClient<AuthorizedChannel>,
    pub clock: ClockServiceClient<AuthorizedChannel>,
    pub ledger: LedgerServiceClient<AuthorizedChannel>,
    pub feed: FeedServiceClient<AuthorizedChannel>,
    /// Ids of irrigations that run: by zone, with their start.
    irrigations: Mutex<BTreeMap<String, (UnixSeconds, String)>>,
}

impl Clients {
    pub fn new(channel: AuthorizedChannel) -> Clients {
        let ledger = LedgerServiceClient::new(channel.clone());
        Clients {
            energy: EnergyServiceClient::new(channel.clone())
                .max_decoding_message_size(MAX_ANSWER_BYTES),
            devices: EnergyDeviceServiceClient::new(channel.clone()),
            water: WaterServiceClient::new(channel.clone()),
            waste: WasteServiceClient::new(channel.clone()),
            mobility: MobilityServiceClient::new(channel.clone()),
            carbon: CarbonServiceClient::new(channel.clone()),
            feed: FeedServiceClient::new(channel.clone())
                .max_decoding_message_size(MAX_ANSWER_BYTES),
            clock: ClockServiceClient::new(channel),
            ledger: ledger.max_decoding_message_size(MAX_ANSWER_BYTES),
            irrigations: Mutex::new(BTreeMap::new()),
        }
    }

    /// Keeps the id that an irrigation got, for its end.
    pub fn remember_irrigation(&self, zone: &str, started: UnixSeconds, irrigation_id: String) {
        let mut irrigations = self
            .irrigations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        irrigations.insert(zone.to_owned(), (started, irrigation_id));
    }

    /// The id of the irrigation of a zone that began then.
    pub fn irrigation_id(&self, zone: &str, started: UnixSeconds) -> Option<String> {
        let irrigations = self
            .irrigations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (known_start, irrigation_id) = irrigations.get(zone)?;
        (*known_start == started).then(|| irrigation_id.clone())
    }
}
