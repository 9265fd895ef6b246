//! Devices and the crew learn from the record what they are asked for, and answer before the park's time moves on.

use prost::Message;
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::feed::v1::{CloudEvent, SubscribeRequest};
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::water::v1 as water;
use tonic::Status;

use super::DriveError;
use super::clients::Clients;
use super::sending::{Answer, Patience, ask};
use super::tally::Tally;
use crate::park::{Keep, Kept, OWN_COLLECTIONS, OWN_IRRIGATIONS, ParkSimulation, answer};

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

    /// Reads until the end of the record, or until the stream breaks.
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
        while let Some(batch) = batches.message().await? {
            for event in &batch.events {
                self.take_in(event, clients, simulation)?;
            }
            self.read_through = batch.position.or(self.read_through);
        }
        Ok(())
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
                let is_own = started.client_request_id.starts_with(OWN_IRRIGATIONS);
                if let (false, Ok(zone)) = (is_own, AssetId::new(&started.zone)) {
                    let time = UnixSeconds(started.time_s);
                    clients.remember_irrigation(zone.as_str(), time, event.id.clone());
                    park.irrigate(zone, started.litres, time);
                }
            }
            IRRIGATION_ENDED => {
                let ended = water::IrrigationEndedV1::decode(data).map_err(unreadable)?;
                let id = hyphenated(&ended.started_event_id).unwrap_or_default();
                if let Some((zone, started)) = clients.irrigation(&id)
                    && let Ok(zone) = AssetId::new(&zone)
                {
                    park.end_irrigation(zone, started, UnixSeconds(ended.time_s));
                }
            }
            _ => {}
        }
        Ok(())
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

    /// Has the devices answer that are asked now. Some never do; their asks are missed in time. What they answered is read
    /// from the record, like everything else.
    pub async fn answer(
        &mut self,
        clients: &Clients,
        park: &ParkId,
        seed: u64,
        now: UnixSeconds,
        retry_for: std::time::Duration,
    ) -> Result<Tally, DriveError> {
        let mut tally = Tally::default();
        for one in &self.open {
            let Some(value) = answer(seed, &one.device, one.what, one.value, one.time) else {
                continue;
            };
            let is_power = one.what == Keep::ChargePowerW;
            if is_power {
                send_power(clients, park, one, value, now, retry_for, &mut tally).await?;
            } else {
                send_setpoint(clients, park, one, value, now, retry_for, &mut tally).await?;
            }
        }
        Ok(tally)
    }

    /// Whether somebody waits for an answer.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }
}

async fn send_setpoint(
    clients: &Clients,
    park: &ParkId,
    one: &Ask,
    value: i64,
    now: UnixSeconds,
    retry_for: std::time::Duration,
    tally: &mut Tally,
) -> Result<(), DriveError> {
    const CALL: &str = "EnergyDeviceService.ReportSetpoint";
    let request = energy::ReportSetpointRequest {
        park: park.to_string(),
        device: one.device.to_string(),
        ask_id: one.id.clone(),
        time: format_rfc3339_utc(now),
        value,
        client_request_id: String::new(),
    };
    let sent = ask(CALL, retry_for, || {
        let mut devices = clients.devices.clone();
        let request = request.clone();
        async move { devices.report_setpoint(request).await }
    });
    match sent.await? {
        Answer::Taken(taken) => note(tally, CALL, taken.recorded, taken.recorded_position),
        Answer::Refused(status) => tally.note_refused(CALL, &status),
        Answer::NotThere => tally.note_not_taken(CALL, 1),
    }
    Ok(())
}

async fn send_power(
    clients: &Clients,
    park: &ParkId,
    one: &Ask,
    power_w: i64,
    now: UnixSeconds,
    retry_for: std::time::Duration,
    tally: &mut Tally,
) -> Result<(), DriveError> {
    const CALL: &str = "MobilityService.ReportChargePower";
    let request = mobility::ReportChargePowerRequest {
        park: park.to_string(),
        charger: one.device.to_string(),
        ask_id: one.id.clone(),
        time: format_rfc3339_utc(now),
        power_w,
        client_request_id: String::new(),
    };
    let sent = ask(CALL, retry_for, || {
        let mut chargers = clients.mobility.clone();
        let request = request.clone();
        async move { chargers.report_charge_power(request).await }
    });
    match sent.await? {
        Answer::Taken(taken) => note(tally, CALL, taken.recorded, taken.recorded_position),
        Answer::Refused(status) => tally.note_refused(CALL, &status),
        Answer::NotThere => tally.note_not_taken(CALL, 1),
    }
    Ok(())
}

fn note(tally: &mut Tally, call: &'static str, is_new: bool, position: u64) {
    let is_new = u64::from(is_new);
    tally.note_recorded(call, is_new, 1 - is_new, position);
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
