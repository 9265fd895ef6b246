//! What recorded events say to the natural books: water, heat, mass, vehicles and trees.

use std::sync::Arc;

use terrarium_journal::{EventCodecError, Payload, RecordedEvent};
use terrarium_ledger::natural::{NaturalFact, Network, TankPipe};
use terrarium_model::{Interval, UnixSeconds};
use terrarium_proto::{
    carbon::v1 as carbon, energy::v1 as energy, mobility::v1 as mobility, waste::v1 as waste,
    water::v1 as water,
};

/// The fact of an event; `None`: these books have no account for it. What is in quarantine is in no book.
pub(crate) fn read(event: &RecordedEvent) -> Result<Option<NaturalFact>, EventCodecError> {
    let payload = Payload::new(&event.event_type, &event.data);
    let Some(message) = event.event_type.strip_prefix("terrarium.") else {
        return Ok(None);
    };
    Ok(match message {
        "water.v1.TankFlowMeteredV1" => tank_flow(payload)?,
        "water.v1.WaterMeteredV1" => water_used(payload)?,
        "water.v1.TankLevelMeasuredV1" => {
            let message: water::TankLevelMeasuredV1 = payload.read()?;
            Some(NaturalFact::TankLevel {
                tank: payload.asset(&message.tank)?,
                at: UnixSeconds(message.time_s),
                litres: message.level_l,
            })
        }
        "energy.v1.HeatMeteredV1" => {
            let message: energy::HeatMeteredV1 = payload.read()?;
            Some(NaturalFact::HeatGiven {
                source: payload.asset(&message.source)?,
                interval: interval(message.interval_start_s, message.interval_seconds),
                heat_wh: message.heat_wh,
            })
        }
        "waste.v1.BinEmptiedV1" => {
            let message: waste::BinEmptiedV1 = payload.read()?;
            Some(NaturalFact::BinEmptied {
                bin: payload.asset(&message.bin)?,
                at: UnixSeconds(message.time_s),
                collection: Arc::from(message.collection),
                weight_g: message.weight_g,
            })
        }
        "waste.v1.CollectionExecutedV1" => {
            let message: waste::CollectionExecutedV1 = payload.read()?;
            Some(NaturalFact::CollectionWeighed {
                collection: Arc::from(message.collection),
                at: UnixSeconds(message.time_s),
                bins: message.bins.len() as u32,
                weight_g: message.weight_g,
            })
        }
        "waste.v1.CompostFedV1" => {
            let message: waste::CompostFedV1 = payload.read()?;
            Some(NaturalFact::CompostMoved {
                bay: payload.asset(&message.bay)?,
                batch: Arc::from(message.batch),
                at: UnixSeconds(message.time_s),
                weight_g: message.weight_g,
            })
        }
        "waste.v1.CompostProductTakenV1" => {
            let message: waste::CompostProductTakenV1 = payload.read()?;
            Some(NaturalFact::CompostMoved {
                bay: payload.asset(&message.bay)?,
                batch: Arc::from(message.batch),
                at: UnixSeconds(message.time_s),
                weight_g: -message.weight_g,
            })
        }
        "waste.v1.CompostBatchClosedV1" => {
            let message: waste::CompostBatchClosedV1 = payload.read()?;
            Some(NaturalFact::CompostEnded {
                bay: payload.asset(&message.bay)?,
                batch: Arc::from(message.batch),
                at: UnixSeconds(message.time_s),
                fed_g: message.fed_g,
                product_g: message.product_g,
            })
        }
        "mobility.v1.ChargeSessionEndedV1" => {
            let message: mobility::ChargeSessionEndedV1 = payload.read()?;
            Some(NaturalFact::SessionEnded {
                charger: payload.asset(&message.charger)?,
                at: UnixSeconds(message.ended_s),
                in_wh: message.energy_in_wh,
                out_wh: message.energy_out_wh,
            })
        }
        "mobility.v1.ShuttleTripEndedV1" => {
            let message: mobility::ShuttleTripEndedV1 = payload.read()?;
            Some(NaturalFact::ShuttleTrip {
                vehicle: payload.asset(&message.vehicle)?,
                at: UnixSeconds(message.ended_s),
                distance_m: message.distance_m,
            })
        }
        "mobility.v1.VisitorsCountedV1" => {
            let message: mobility::VisitorsCountedV1 = payload.read()?;
            Some(NaturalFact::VisitorsCounted {
                counter: payload.asset(&message.counter)?,
                interval: interval(message.interval_start_s, message.interval_seconds),
                entered: i64::from(message.entered),
            })
        }
        "carbon.v1.TreesMonitoredV1" => {
            let message: carbon::TreesMonitoredV1 = payload.read()?;
            Some(NaturalFact::TreesSurveyed {
                group: payload.asset(&message.group)?,
                at: UnixSeconds(message.time_s),
                co2_g: message.co2_g,
            })
        }
        "carbon.v1.TreesDiedV1" => {
            let message: carbon::TreesDiedV1 = payload.read()?;
            Some(NaturalFact::TreesDied {
                group: payload.asset(&message.group)?,
                at: UnixSeconds(message.time_s),
                count: i64::from(message.count),
                co2_g: message.co2_g,
            })
        }
        _ => None,
    })
}

fn tank_flow(payload: Payload<'_>) -> Result<Option<NaturalFact>, EventCodecError> {
    let message: water::TankFlowMeteredV1 = payload.read()?;
    let pipe = match message.flow() {
        water::TankFlow::RainIn => TankPipe::RainIn,
        water::TankFlow::ReclaimedIn => TankPipe::ReclaimedIn,
        water::TankFlow::SupplyIn => TankPipe::SupplyIn,
        water::TankFlow::SpillOut => TankPipe::SpillOut,
        water::TankFlow::Unspecified => return Err(payload.malformed("it names no flow")),
    };
    Ok(Some(NaturalFact::TankFlow {
        tank: payload.asset(&message.tank)?,
        pipe,
        interval: interval(message.interval_start_s, message.interval_seconds),
        litres: message.litres,
    }))
}

fn water_used(payload: Payload<'_>) -> Result<Option<NaturalFact>, EventCodecError> {
    let message: water::WaterMeteredV1 = payload.read()?;
    let network = match message.network() {
        water::WaterNetwork::Supply => Network::Supply,
        water::WaterNetwork::Reclaimed => Network::Reclaimed,
        water::WaterNetwork::Rain => Network::Rain,
        water::WaterNetwork::Unspecified => {
            return Err(payload.malformed("it names no water network"));
        }
    };
    Ok(Some(NaturalFact::WaterUsed {
        asset: payload.asset(&message.asset)?,
        network,
        interval: interval(message.interval_start_s, message.interval_seconds),
        litres: message.litres,
    }))
}

fn interval(start_s: i64, seconds: u32) -> Interval {
    Interval {
        start: UnixSeconds(start_s),
        seconds,
    }
}
