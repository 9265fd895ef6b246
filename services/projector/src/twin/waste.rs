//! Bins.

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::{AssetId, AssetParameters, ParkDefinition, round_half_even_div};
use terrarium_proto::waste::v1 as wire;
use terrarium_twin::Quantity;

use super::samples::{Happened, Samples};

pub(super) fn observe(
    samples: &mut Samples<'_>,
    message: &str,
    payload: Payload<'_>,
    definition: Option<&ParkDefinition>,
) -> Result<Option<Happened>, EventCodecError> {
    let (time_s, bin) = match message {
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
        _ => return Ok(None),
    };
    Ok(Some(Happened::at(time_s, Some(bin))))
}

fn capacity_l(definition: Option<&ParkDefinition>, bin: &AssetId) -> Option<i64> {
    match definition?.assets.get(bin)?.parameters {
        AssetParameters::Bin { capacity_l, .. } => Some(capacity_l),
        _ => None,
    }
}
