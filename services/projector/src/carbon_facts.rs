//! What the events of water, waste and carbon mean to the carbon books. Pure.

use std::sync::Arc;

use bytes::Bytes;
use terrarium_journal::{EventCodecError, Payload, RecordedEvent};
use terrarium_ledger::LifeCycleModule;
use terrarium_ledger::carbon::{
    Activity, ActivityKind, BinEmptied, CarbonFact, Carrier, EmbodiedRecord, EvidenceRecord,
    InvoiceRecord, ProfileRecord, TreeHappening, TreeMethod, TreeRecord, WasteCollected,
    WasteWeighed, WaterFlow, WaterMetered, u95_ppm_of_tier,
};
use terrarium_model::{AmountUnit, AssetId, Interval, UnixSeconds};
use terrarium_proto::{carbon::v1 as carbon, waste::v1 as waste, water::v1 as water};

/// The fact that an event tells; `None`: it says nothing of carbon.
pub(crate) fn read(event: &RecordedEvent) -> Result<Option<CarbonFact>, EventCodecError> {
    let payload = Payload::new(&event.event_type, &event.data);
    Ok(match &*event.event_type {
        "terrarium.water.v1.WaterMeteredV1" => water_metered(payload)?,
        "terrarium.water.v1.TankFlowMeteredV1" => tank_flow(payload)?,
        "terrarium.waste.v1.CollectionExecutedV1" => Some(collected(payload)?),
        "terrarium.waste.v1.WeighbridgeTicketRecordedV1" => Some(weighed(payload)?),
        "terrarium.waste.v1.BinEmptiedV1" => Some(emptied(payload)?),
        "terrarium.waste.v1.CompostFedV1" => Some(compost_fed(payload)?),
        "terrarium.carbon.v1.ActivityReportedV1" => Some(activity(payload)?),
        "terrarium.carbon.v1.TreesPlantedV1"
        | "terrarium.carbon.v1.TreesMonitoredV1"
        | "terrarium.carbon.v1.TreesDiedV1" => trees(&event.event_type, payload)?,
        "terrarium.carbon.v1.EmbodiedCarbonRecordedV1" => Some(embodied(payload)?),
        "terrarium.carbon.v1.EvidenceAttachedV1" => Some(evidence(payload)?),
        "terrarium.carbon.v1.InvoiceRecordedV1" => Some(invoice(payload)?),
        "terrarium.carbon.v1.AccountingProfileSetV1" => Some(profile(payload)?),
        _ => None,
    })
}

fn at(start_s: i64, seconds: u32) -> Interval {
    Interval {
        start: UnixSeconds(start_s),
        seconds,
    }
}

fn from_to(from_s: i64, to_s: i64) -> Interval {
    at(from_s, u32::try_from(to_s - from_s).unwrap_or(u32::MAX))
}

fn sha256(bytes: &Bytes) -> Option<[u8; 32]> {
    bytes.as_ref().try_into().ok()
}

fn water_metered(payload: Payload<'_>) -> Result<Option<CarbonFact>, EventCodecError> {
    let message: water::WaterMeteredV1 = payload.read()?;
    let flow = match message.network() {
        water::WaterNetwork::Supply => WaterFlow::Supply,
        water::WaterNetwork::Reclaimed => WaterFlow::Reclaimed,
        water::WaterNetwork::Rain => WaterFlow::Rain,
        water::WaterNetwork::Unspecified => return Ok(None),
    };
    Ok(Some(CarbonFact::Water(WaterMetered {
        asset: payload.asset(&message.asset)?,
        flow,
        interval: at(message.interval_start_s, message.interval_seconds),
        litres: message.litres,
    })))
}

fn tank_flow(payload: Payload<'_>) -> Result<Option<CarbonFact>, EventCodecError> {
    let message: water::TankFlowMeteredV1 = payload.read()?;
    let flow = match message.flow() {
        water::TankFlow::SupplyIn => WaterFlow::SupplyIntoTank,
        water::TankFlow::ReclaimedIn => WaterFlow::ReclaimedIntoTank,
        water::TankFlow::RainIn | water::TankFlow::SpillOut | water::TankFlow::Unspecified => {
            return Ok(None);
        }
    };
    Ok(Some(CarbonFact::Water(WaterMetered {
        asset: payload.asset(&message.tank)?,
        flow,
        interval: at(message.interval_start_s, message.interval_seconds),
        litres: message.litres,
    })))
}

fn collected(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: waste::CollectionExecutedV1 = payload.read()?;
    let bins = message.bins.iter().map(|bin| payload.asset(bin));
    Ok(CarbonFact::Collected(WasteCollected {
        bins: bins.collect::<Result<Vec<AssetId>, _>>()?,
        collection: message.collection,
        time: UnixSeconds(message.time_s),
        weight_g: message.weight_g,
        evidence: sha256(&message.evidence_sha256),
    }))
}

fn weighed(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: waste::WeighbridgeTicketRecordedV1 = payload.read()?;
    Ok(CarbonFact::Weighed(WasteWeighed {
        collection: message.collection,
        time: UnixSeconds(message.time_s),
        net_g: message.net_g,
        evidence: sha256(&message.evidence_sha256),
    }))
}

fn emptied(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: waste::BinEmptiedV1 = payload.read()?;
    Ok(CarbonFact::Emptied(BinEmptied {
        bin: payload.asset(&message.bin)?,
        collection: message.collection,
        time: UnixSeconds(message.time_s),
        weight_g: message.weight_g,
    }))
}

/// Each feed is an activity of its own.
fn compost_fed(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    const TIER: u8 = 2;
    let message: waste::CompostFedV1 = payload.read()?;
    Ok(CarbonFact::Activity(Arc::new(Activity {
        kind: ActivityKind::Compost,
        subject: "wet-mass".to_owned(),
        asset: payload.asset(&message.bay)?,
        name: format!("{}-{}-{}", message.batch, message.time_s, message.source),
        party: "park".to_owned(),
        interval: at(message.time_s, 0),
        amount: message.weight_g,
        unit: AmountUnit::Gram,
        revision: 0,
        tier: TIER,
        u95_ppm: u95_ppm_of_tier(TIER),
        source: format!("feed of batch {} from {}", message.batch, message.source),
        evidence: None,
    })))
}

fn activity(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: carbon::ActivityReportedV1 = payload.read()?;
    let kind = ActivityKind::parse(&message.kind)
        .ok_or_else(|| payload.malformed("it names no kind of activity"))?;
    let unit = AmountUnit::parse(&message.amount_unit)
        .ok_or_else(|| payload.malformed("it names no unit of an amount"))?;
    Ok(CarbonFact::Activity(Arc::new(Activity {
        kind,
        asset: payload.asset(&message.asset)?,
        subject: message.subject,
        name: message.activity,
        party: message.party,
        interval: at(message.interval_start_s, message.interval_seconds),
        amount: message.amount,
        unit,
        revision: message.revision,
        tier: u8::try_from(message.tier).unwrap_or(6),
        u95_ppm: message.u95_ppm,
        source: message.source,
        evidence: sha256(&message.evidence_sha256),
    })))
}

fn trees(event_type: &str, payload: Payload<'_>) -> Result<Option<CarbonFact>, EventCodecError> {
    let (group, time_s, what) = if event_type.ends_with("TreesPlantedV1") {
        let message: carbon::TreesPlantedV1 = payload.read()?;
        let what = TreeHappening::Planted {
            planting: message.planting,
            count: message.count,
        };
        (message.group, message.time_s, what)
    } else if event_type.ends_with("TreesMonitoredV1") {
        let message: carbon::TreesMonitoredV1 = payload.read()?;
        let what = TreeHappening::Surveyed {
            living: message.living,
            co2_g: message.co2_g,
            method: match message.method() {
                carbon::TreeCarbonMethod::Measured => TreeMethod::Measured,
                carbon::TreeCarbonMethod::Modelled => TreeMethod::Modelled,
                carbon::TreeCarbonMethod::Default | carbon::TreeCarbonMethod::Unspecified => {
                    TreeMethod::Default
                }
            },
            source: message.source,
        };
        (message.group, message.time_s, what)
    } else {
        let message: carbon::TreesDiedV1 = payload.read()?;
        let what = TreeHappening::Lost {
            loss: message.loss,
            count: message.count,
            reversed_co2_g: message.reversed_co2_g,
        };
        (message.group, message.time_s, what)
    };
    Ok(Some(CarbonFact::Trees(TreeRecord {
        group: payload.asset(&group)?,
        time: UnixSeconds(time_s),
        what,
    })))
}

fn embodied(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    use carbon::LifeCycleModule as Wire;
    let message: carbon::EmbodiedCarbonRecordedV1 = payload.read()?;
    let module = match message.module() {
        Wire::A1A3 => LifeCycleModule::A1A3,
        Wire::A4 => LifeCycleModule::A4,
        Wire::A5 => LifeCycleModule::A5,
        Wire::B1 => LifeCycleModule::B1,
        Wire::B2 => LifeCycleModule::B2,
        Wire::B3 => LifeCycleModule::B3,
        Wire::B4 => LifeCycleModule::B4,
        Wire::B5 => LifeCycleModule::B5,
        Wire::C1 => LifeCycleModule::C1,
        Wire::C2 => LifeCycleModule::C2,
        Wire::C3 => LifeCycleModule::C3,
        Wire::C4 => LifeCycleModule::C4,
        Wire::D => LifeCycleModule::D,
        Wire::Unspecified => return Err(payload.malformed("it names no module of EN 15978")),
    };
    Ok(CarbonFact::Embodied(EmbodiedRecord {
        asset: payload.asset(&message.asset)?,
        module,
        item: message.item,
        revision: message.revision,
        time: UnixSeconds(message.time_s),
        co2e_mg: message.co2e_mg,
        source: message.source,
        evidence: sha256(&message.evidence_sha256),
    }))
}

fn evidence(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: carbon::EvidenceAttachedV1 = payload.read()?;
    let kind = message
        .kind()
        .as_str_name()
        .trim_start_matches("EVIDENCE_KIND_")
        .to_lowercase()
        .replace('_', "-");
    Ok(CarbonFact::Evidence(EvidenceRecord {
        sha256: sha256(&message.sha256)
            .ok_or_else(|| payload.malformed("its sha256 does not have 32 bytes"))?,
        kind,
        interval: from_to(message.from_s, message.to_s),
        about: message.about,
        note: message.note,
    }))
}

fn invoice(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: carbon::InvoiceRecordedV1 = payload.read()?;
    let carrier = match message.carrier() {
        carbon::InvoiceCarrier::Electricity => Carrier::Electricity,
        carbon::InvoiceCarrier::Water => Carrier::Water,
        carbon::InvoiceCarrier::Unspecified => {
            return Err(payload.malformed("it does not say what is charged for"));
        }
    };
    Ok(CarbonFact::Invoice(InvoiceRecord {
        carrier,
        interval: from_to(message.from_s, message.to_s),
        supplier: message.supplier,
        number: message.number,
        revision: message.revision,
        meters: message.meters,
        amount: message.amount,
        evidence: sha256(&message.evidence_sha256),
    }))
}

fn profile(payload: Payload<'_>) -> Result<CarbonFact, EventCodecError> {
    let message: carbon::AccountingProfileSetV1 = payload.read()?;
    Ok(CarbonFact::Profile(ProfileRecord {
        version: message.version,
        valid_from: UnixSeconds(message.valid_from_s),
        is_landlord: message.landlord,
        waste_routes: message
            .waste_routes
            .into_iter()
            .map(|routing| (routing.stream, routing.route))
            .collect(),
        regions: message.regions,
        pinned_sets: message
            .pinned_sets
            .into_iter()
            .map(|pinned| (pinned.kind, pinned.set))
            .collect(),
    }))
}
