//! Limits of alarms in the unit of the point that they are set on, and what a condition is about.

use super::alarm::{AlarmCondition, AlarmTest, AlarmTrigger, PointQuantity};
use super::asset::{AssetKind, AssetParameters};
use super::definition::Measures;
use super::read_alarm::DraftLimits;

/// Limits that are a share of what the asset holds.
pub(super) fn of_capacity(limits: &DraftLimits, parameters: &AssetParameters) -> Option<AlarmTest> {
    let capacity = match parameters {
        AssetParameters::Tank { capacity_l, .. } => *capacity_l,
        AssetParameters::Battery { capacity_wh, .. } => *capacity_wh,
        _ => return None,
    };
    let share = |percent: i64| {
        i64::try_from(i128::from(capacity) * i128::from(percent) / 100)
            .expect("a share is no more than the whole")
    };
    let (quantity, trigger, deadband_percent) = match (limits, parameters) {
        (
            DraftLimits::TankLow {
                limit_percent,
                deadband_percent,
            },
            AssetParameters::Tank { reserve_l, .. },
        ) => {
            let limit_l = limit_percent.map_or(*reserve_l, share);
            let trigger = AlarmTrigger::Below(limit_l);
            (PointQuantity::LevelL, trigger, *deadband_percent)
        }
        (
            DraftLimits::TankHigh {
                limit_percent,
                deadband_percent,
            },
            _,
        ) => {
            let trigger = AlarmTrigger::Above(share(*limit_percent));
            (PointQuantity::LevelL, trigger, *deadband_percent)
        }
        (
            DraftLimits::Storage {
                low_percent,
                high_percent,
                deadband_percent,
            },
            _,
        ) => {
            let trigger = AlarmTrigger::Outside {
                low: share(*low_percent),
                high: share(*high_percent),
            };
            (PointQuantity::StoredWh, trigger, *deadband_percent)
        }
        _ => return None,
    };
    Some(AlarmTest::Point {
        quantity,
        trigger,
        deadband: share(deadband_percent),
    })
}

pub(super) fn one_sided(is_above: bool, limit: i64) -> AlarmTrigger {
    match is_above {
        true => AlarmTrigger::Above(limit),
        false => AlarmTrigger::Below(limit),
    }
}

/// The kind of asset that a condition is about, if it is about one.
pub(super) fn kind_for(condition: AlarmCondition, limits: &DraftLimits) -> Option<AssetKind> {
    match (condition, limits) {
        (
            AlarmCondition::TankLow | AlarmCondition::TankHigh | AlarmCondition::WaterBalanceOpen,
            _,
        ) => Some(AssetKind::Tank),
        (AlarmCondition::StorageOutOfLimits, _) => Some(AssetKind::Battery),
        (_, DraftLimits::Flag(quantity)) => quantity.kind(),
        (_, DraftLimits::Point { quantity, .. }) => quantity.and_then(PointQuantity::kind),
        _ => None,
    }
}

pub(super) fn quantity_of(measures: Measures) -> PointQuantity {
    match measures {
        Measures::Consumption => PointQuantity::ConsumptionW,
        Measures::Generation => PointQuantity::GenerationW,
        Measures::GridImport => PointQuantity::GridImportW,
        Measures::GridExport => PointQuantity::GridExportW,
        Measures::StorageCharge => PointQuantity::StorageChargeW,
        Measures::StorageDischarge => PointQuantity::StorageDischargeW,
        Measures::HeatSupply => PointQuantity::HeatW,
        Measures::HeatUse => PointQuantity::HeatUseW,
        Measures::ColdSupply => PointQuantity::ColdW,
        Measures::ColdUse => PointQuantity::ColdUseW,
    }
}
