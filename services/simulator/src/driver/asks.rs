//! Devices and the crew learn from the record what they are asked for, and answer before the park's time moves on.

use std::collections::BTreeMap;

use prost::Message;
use terrarium_model::{
    AssetId, ParkId, UnixSeconds, format_rfc3339_utc, parse_rfc3339_with_offset,
};
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::feed::v1::{CloudEvent, SubscribeRequest};
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::water::v1 as water;
use tonic::Status;

use super::DriveError;
use super::clients::Clients;
use super::sending::Patience;
use crate::park::{
    Irrigation, Keep, Kept, OWN_COLLECTIONS, ParkSimulation, answer, own_irrigation_start,
};

const SETPOINT_ASKED: &str = "terrarium.energy.v1.SetpointAskedV1";
const SETPOINT_OBEYED: &str = "terrarium.energy.v1.SetpointObeyedV1";
const SETPOINT_MISSED: &str = "terrarium.energy.v1.SetpointMissedV1";
const POWER_ASKED: &str = "terrarium.mobility.v1.ChargePowerAskedV1";
const POWER_OBEYED: &str = "terrarium.mobility.v1.ChargePowerObeyedV1";
const POWER_MISSED: &str = "terrarium.mobility.v1.ChargePowerMissedV1";
const COLLECTION_ORDERED: &str = "terrarium.waste.v1.CollectionOrderedV1";
const IRRIGATION_STARTED: &str = "terrarium.water.v1.IrrigationStartedV1";
const IRRIGATION_ENDED: &str = "terrarium.water.v1.IrrigationEndedV1";

/// What devices and the crew want to know of.
const FOLLOWED: [&str; 9] = [
    SETPOINT_ASKED,
    SETPOINT_OBEYED,
    SETPOINT_MISSED,
    POWER_ASKED,
    POWER_OBEYED,
    POWER_MISSED,
    COLLECTION_ORDERED,
    IRRIGATION_STARTED,
    IRRIGATION_ENDED,
];

/// What is asked of the park's devices and people, as far as the record was read.
#[derive(Default)]
pub struct Asks {
    read_through: Option<u64>,
    open: Vec<Ask>,
    /// Irrigations that have not ended, by the UUID text of their start.
    irrigations: BTreeMap<String, Irrigation>,
}

/// What a device says to whoever asked it.
pub enum DeviceAnswer {
    Setpoint(energy::ReportSetpointRequest),
    ChargePower(mobility::ReportChargePowerRequest),
}

/// One ask that nobody answered yet.
struct Ask {
    /// UUID text of the event.
    id: String,
    device: AssetId,
    what: Keep,
    value: i64,
    time: UnixSeconds,
}

impl Asks {
    /// Reads what was recorded since the last time. What is on record already from an earlier run holds again when its time
    /// comes.
    pub async fn read(
        &mut self,
        clients: &Clients,
        park: &ParkId,
        simulation: &mut ParkSimulation,
        retry_for: std::time::Duration,
    ) -> Result<(), DriveError> {
        const CALL: &str = "FeedService.Subscribe";
        let mut patience = Patience::new(CALL, retry_for);
        loop {
            let before = self.read_through;
            match self.read_on(clients, park, simulation).await {
                Ok(()) => return Ok(()),
                Err(status) => {
                    // What was read is kept; the next stream goes on after it.
                    if self.read_through > before {
                        patience.renew();
                    }
                    patience.wait(status).await?;
                }
            }
        }
    }

    /// Reads until the end of the record, or until the stream breaks or ends before that: a server that is stopped may end it
    /// as if it was all.
    async fn read_on(
        &mut self,
        clients: &Clients,
        park: &ParkId,
        simulation: &mut ParkSimulation,
    ) -> Result<(), Status> {
        let request = SubscribeRequest {
            park: park.to_string(),
            after_position: self.read_through,
            types: FOLLOWED.map(str::to_owned).to_vec(),
            stop_when_caught_up: true,
            ..SubscribeRequest::default()
        };
        let mut feed = clients.feed.clone();
        let mut batches = feed.subscribe(request).await?.into_inner();
        let mut is_whole = false;
        while let Some(batch) = batches.message().await? {
            for event in &batch.events {
                self.take_in(event, clients, simulation)?;
            }
            self.read_through = batch.position.or(self.read_through);
            is_whole |= batch.caught_up;
        }
        is_whole.then_some(()).ok_or_else(|| {
            Status::unavailable("the feed ended before all that is on record was sent")
        })
    }

    fn take_in(
        &mut self,
        event: &CloudEvent,
        clients: &Clients,
        park: &mut ParkSimulation,
    ) -> Result<(), Status> {
        let data = event.data.clone();
        let unreadable = |error: prost::DecodeError| {
            Status::data_loss(format!("event {} can't be read: {error}", event.id))
        };
        match event.r#type.as_str() {
            SETPOINT_ASKED => {
                let asked = energy::SetpointAskedV1::decode(data).map_err(unreadable)?;
                if let Some(what) = keep_of(asked.kind()) {
                    self.ask(event, &asked.device, what, asked.value, asked.time_s);
                }
            }
            POWER_ASKED => {
                let asked = mobility::ChargePowerAskedV1::decode(data).map_err(unreadable)?;
                let (charger, limit_w) = (&asked.charger, asked.limit_w);
                self.ask(event, charger, Keep::ChargePowerW, limit_w, asked.time_s);
            }
            SETPOINT_OBEYED => {
                let obeyed = energy::SetpointObeyedV1::decode(data).map_err(unreadable)?;
                self.close(&obeyed.asked_event_id, Some(obeyed.time_s), park);
            }
            POWER_OBEYED => {
                let obeyed = mobility::ChargePowerObeyedV1::decode(data).map_err(unreadable)?;
                self.close(&obeyed.asked_event_id, Some(obeyed.time_s), park);
            }
            SETPOINT_MISSED => {
                let missed = energy::SetpointMissedV1::decode(data).map_err(unreadable)?;
                self.close(&missed.asked_event_id, None, park);
            }
            POWER_MISSED => {
                let missed = mobility::ChargePowerMissedV1::decode(data).map_err(unreadable)?;
                self.close(&missed.asked_event_id, None, park);
            }
            COLLECTION_ORDERED => {
                let ordered = waste::CollectionOrderedV1::decode(data).map_err(unreadable)?;
                if !ordered.collection.starts_with(OWN_COLLECTIONS) {
                    let bins = ordered.bins.iter().filter_map(|bin| AssetId::new(bin).ok());
                    let bins: Vec<AssetId> = bins.collect();
                    let time = UnixSeconds(ordered.time_s);
                    park.order_collection(&ordered.collection, &bins, time);
                }
            }
            IRRIGATION_STARTED => {
                let started = water::IrrigationStartedV1::decode(data).map_err(unreadable)?;
                self.irrigation_started(event, &started, clients, park);
            }
            IRRIGATION_ENDED => {
                let ended = water::IrrigationEndedV1::decode(data).map_err(unreadable)?;
                let id = hyphenated(&ended.started_event_id).unwrap_or_default();
                if let Some(irrigation) = self.irrigations.remove(&id) {
                    // It may be of long ago; nobody could know it before it was on record.
                    let known = recorded(event).unwrap_or(UnixSeconds(ended.time_s));
                    park.irrigation_ended(irrigation, known);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whoever started it, its end needs its id.
    fn irrigation_started(
        &mut self,
        event: &CloudEvent,
        started: &water::IrrigationStartedV1,
        clients: &Clients,
        park: &mut ParkSimulation,
    ) {
        let Ok(zone) = AssetId::new(&started.zone) else {
            return;
        };
        let time = UnixSeconds(started.time_s);
        let own = own_irrigation_start(&started.client_request_id, time);
        let irrigation = Irrigation {
            zone,
            started: own.unwrap_or(time),
            is_own: own.is_some(),
        };
        let zone = irrigation.zone.as_str();
        clients.remember_irrigation(zone, irrigation.started, event.id.clone());
        self.irrigations
            .insert(event.id.clone(), irrigation.clone());
        park.irrigation_started(irrigation, started.litres);
    }

    fn ask(&mut self, event: &CloudEvent, device: &str, what: Keep, value: i64, time_s: i64) {
        if let Ok(device) = AssetId::new(device) {
            self.open.push(Ask {
                id: event.id.clone(),
                device,
                what,
                value,
                time: UnixSeconds(time_s),
            });
        }
    }

    /// An ask is answered on record; from then on the device keeps it, if it obeyed.
    fn close(&mut self, asked: &[u8], obeyed_s: Option<i64>, park: &mut ParkSimulation) {
        let is_meant = |ask: &Ask| hyphenated(asked).is_some_and(|id| id == ask.id);
        let Some(place) = self.open.iter().position(is_meant) else {
            return;
        };
        let ask = self.open.remove(place);
        if let Some(since_s) = obeyed_s {
            park.keep(Kept {
                device: ask.device,
                what: ask.what,
                value: ask.value,
                since: UnixSeconds(since_s),
            });
        }
    }

    /// What devices say that are asked now. Some never answer; their asks are missed in time. What they answered is read from
    /// the record, like everything else.
    pub fn answers(&self, park: &ParkId, seed: u64, now: UnixSeconds) -> Vec<DeviceAnswer> {
        let answered = self.open.iter().filter_map(|one| {
            let value = answer(seed, &one.device, one.what, one.value, one.time)?;
            Some(one.answered(park, value, now))
        });
        answered.collect()
    }

    /// Whether somebody waits for an answer.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }
}

impl Ask {
    fn answered(&self, park: &ParkId, value: i64, now: UnixSeconds) -> DeviceAnswer {
        let (park, device) = (park.to_string(), self.device.to_string());
        let (ask_id, time) = (self.id.clone(), format_rfc3339_utc(now));
        match self.what {
            Keep::ChargePowerW => DeviceAnswer::ChargePower(mobility::ReportChargePowerRequest {
                park,
                charger: device,
                ask_id,
                time,
                power_w: value,
                client_request_id: String::new(),
            }),
            _ => DeviceAnswer::Setpoint(energy::ReportSetpointRequest {
                park,
                device,
                ask_id,
                time,
                value,
                client_request_id: String::new(),
            }),
        }
    }
}

fn keep_of(kind: energy::SetpointKind) -> Option<Keep> {
    Some(match kind {
        energy::SetpointKind::ChargeLimitW => Keep::ChargeLimitW,
        energy::SetpointKind::DischargeLimitW => Keep::DischargeLimitW,
        energy::SetpointKind::ReserveWh => Keep::ReserveWh,
        energy::SetpointKind::StoragePowerW => Keep::StoragePowerW,
        energy::SetpointKind::ConsumptionLimitW => Keep::ConsumptionLimitW,
        energy::SetpointKind::GenerationLimitW => Keep::GenerationLimitW,
        energy::SetpointKind::Unspecified => return None,
    })
}

/// When an event was recorded, by the clock of its park, cut to the second.
fn recorded(event: &CloudEvent) -> Option<UnixSeconds> {
    let metadata: serde_json::Value = serde_json::from_slice(&event.metadata).ok()?;
    let (seconds, _) = metadata["recordedtime"].as_str()?.split_once('.')?;
    parse_rfc3339_with_offset(&format!("{seconds}Z")).ok()
}

/// A UUID of 16 bytes as text.
fn hyphenated(id: &[u8]) -> Option<String> {
    let digits: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    (id.len() == 16).then(|| {
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
        parts.map(|part| &digits[part]).join("-")
    })
}

#[cfg(test)]
mod tests;
