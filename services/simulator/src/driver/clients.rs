//! One client for each service, all over one channel, and what they have to remember.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use terrarium_model::UnixSeconds;
use terrarium_proto::PARK_TIME;
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
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Tells with each call what time it is in the park, once that is set.
pub type TellingChannel = InterceptedService<AuthorizedChannel, TellTime>;

/// The time that calls tell: the same for all clones.
#[derive(Clone, Default)]
pub struct TellTime(Arc<Mutex<Option<MetadataValue<Ascii>>>>);

impl TellTime {
    fn set(&self, decided_until: UnixSeconds, now: UnixSeconds) {
        let text = format!("{}000/{}000", decided_until.0, now.0);
        let told = MetadataValue::try_from(text).expect("digits and a slash");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }
}

impl Interceptor for TellTime {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = told.as_ref() {
            request.metadata_mut().insert(PARK_TIME, told.clone());
        }
        drop(told);
        Ok(request)
    }
}

/// The services that devices talk to.
pub struct Clients {
    pub energy: EnergyServiceClient<TellingChannel>,
    pub devices: EnergyDeviceServiceClient<TellingChannel>,
    pub water: WaterServiceClient<TellingChannel>,
    pub waste: WasteServiceClient<TellingChannel>,
    pub mobility: MobilityServiceClient<TellingChannel>,
    pub carbon: CarbonServiceClient<TellingChannel>,
    pub clock: ClockServiceClient<TellingChannel>,
    pub ledger: LedgerServiceClient<TellingChannel>,
    pub feed: FeedServiceClient<TellingChannel>,
    told: TellTime,
    /// Ids of irrigations by zone and start.
    irrigations: Mutex<BTreeMap<(String, UnixSeconds), String>>,
}

impl Clients {
    pub fn new(channel: AuthorizedChannel) -> Clients {
        let told = TellTime::default();
        let channel = TellingChannel::new(channel, told.clone());
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
            told,
            irrigations: Mutex::new(BTreeMap::new()),
        }
    }

    /// From now on calls tell that it is `now` in the park, a simulated one, and until when all is decided. What they say is
    /// recorded by that, also where the server was killed and does not know it any more.
    pub fn tell_time(&self, decided_until: UnixSeconds, now: UnixSeconds) {
        self.told.set(decided_until, now);
    }

    /// Keeps the id that an irrigation got, for its end.
    pub fn remember_irrigation(&self, zone: &str, started: UnixSeconds, irrigation_id: String) {
        let mut irrigations = self
            .irrigations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        irrigations.insert((zone.to_owned(), started), irrigation_id);
    }

    /// The id of the irrigation of a zone that began then.
    pub fn irrigation_id(&self, zone: &str, started: UnixSeconds) -> Option<String> {
        let irrigations = self
            .irrigations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        irrigations.get(&(zone.to_owned(), started)).cloned()
    }
}
