//! Bins and compost bays.

use std::collections::BTreeMap;

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::{AssetId, AssetParameters, ParkDefinition, round_half_even_div};
use terrarium_proto::waste::v1 as wire;
use terrarium_twin::{PointName, Quantity};

use super::samples::{Happened, RunningTotal, Samples, Span};

/// The batch in a compost bay.
pub(super) struct Batch {
    id: String,
    weight_g: RunningTotal,
}

/// Batches by their bays.
pub(super) type Batches = BTreeMap<AssetId, Batch>;

pub(super) fn observe(
    samples: &mut Samples<'_>,
    batches: &mut Batches,
    message: &str,
    payload: Payload<'_>,
    definition: Option<&ParkDefinition>,
) -> Result<Option<Happened>, EventCodecError> {
    let (time_s, asset) = match message {
        "BinWeighedV1" => {
            let message: wire::BinWeighedV1 = payload.read()?;
            let bin = payload.asset(&message.bin)?;
            if let Some(capacity_l) = capacity_l(definition, &bin) {
                let fill_permille = round_half_even_div(
                    i128::from(message.fill_l) * 1_000,
                    i128::from(capacity_l.max(1)),
                );
                let fill_permille = i64::try_from(fill_permille).unwrap_or(i64::MAX);
                samples.instant(&bin, Quantity::FillPermille, message.time_s, fill_permille);
            }
            samples.instant(&bin, Quantity::WeightG, message.time_s, message.weight_g);
            (message.time_s, bin)
        }
        "BinOverflowRaisedV1" => {
            let message: wire::BinOverflowRaisedV1 = payload.read()?;
            let bin = payload.asset(&message.bin)?;
            samples.instant(&bin, Quantity::Overflowing, message.time_s, 1);
            (message.time_s, bin)
        }
        "BinOverflowClearedV1" => {
            let message: wire::BinOverflowClearedV1 = payload.read()?;
            let bin = payload.asset(&message.bin)?;
            samples.instant(&bin, Quantity::Overflowing, message.time_s, 0);
            (message.time_s, bin)
        }
        "BinEmptiedV1" => {
            let message: wire::BinEmptiedV1 = payload.read()?;
            let bin = payload.asset(&message.bin)?;
            if capacity_l(definition, &bin).is_some() {
                samples.instant(&bin, Quantity::FillPermille, message.time_s, 0);
            }
            samples.instant(&bin, Quantity::WeightG, message.time_s, 0);
            (message.time_s, bin)
        }
        "BinMeasurementQuarantinedV1" => {
            let message: wire::BinMeasurementQuarantinedV1 = payload.read()?;
            let bin = payload.asset(&message.bin)?;
            for quantity in [Quantity::FillPermille, Quantity::WeightG] {
                let point = PointName::of_asset(&bin, quantity);
                samples.uncertain(&point, Span::instant(message.time_s));
            }
            (message.time_s, bin)
        }
        "CompostFedV1" => {
            let message: wire::CompostFedV1 = payload.read()?;
            let bay = payload.asset(&message.bay)?;
            let (batch, time_s) = (message.batch, message.time_s);
            compost_changed(samples, batches, &bay, batch, time_s, message.weight_g);
            (time_s, bay)
        }
        "CompostProductTakenV1" => {
            let message: wire::CompostProductTakenV1 = payload.read()?;
            let bay = payload.asset(&message.bay)?;
            let (batch, time_s) = (message.batch, message.time_s);
            compost_changed(samples, batches, &bay, batch, time_s, -message.weight_g);
            (time_s, bay)
        }
        "CompostMeasuredV1" => {
            let message: wire::CompostMeasuredV1 = payload.read()?;
            let bay = payload.asset(&message.bay)?;
            let quantity = Quantity::CompostTemperatureMc;
            samples.instant(&bay, quantity, message.time_s, message.temperature_mc);
            (message.time_s, bay)
        }
        "CompostBatchClosedV1" => {
            let message: wire::CompostBatchClosedV1 = payload.read()?;
            let bay = payload.asset(&message.bay)?;
            batches.remove(&bay);
            samples.instant(&bay, Quantity::CompostG, message.time_s, 0);
            (message.time_s, bay)
        }
        _ => return Ok(None),
    };
    Ok(Some(Happened::at(time_s, Some(asset))))
}

fn capacity_l(definition: Option<&ParkDefinition>, bin: &AssetId) -> Option<i64> {
    match definition?.assets.get(bin)?.parameters {
        AssetParameters::Bin { capacity_l, .. } => Some(capacity_l),
        _ => None,
    }
}

fn compost_changed(
    samples: &mut Samples<'_>,
    batches: &mut Batches,
    bay: &AssetId,
    batch: String,
    time_s: i64,
    weight_g: i64,
) {
    let is_running = batches.get(bay).is_some_and(|running| running.id == batch);
    if !is_running {
        let fresh = Batch {
            id: batch,
            weight_g: RunningTotal::default(),
        };
        batches.insert(bay.clone(), fresh);
    }
    if let Some(running) = batches.get_mut(bay) {
        let point = PointName::of_asset(bay, Quantity::CompostG);
        running.weight_g.add(samples, &point, time_s, weight_g);
    }
}
