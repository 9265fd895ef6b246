use super::asset::AssetKind;
use super::definition::{Carrier, Name};
use super::tokens::tokens;
use crate::id::{AlarmDefinitionId, AssetId, MeterId};

/// An alarm of the park, as ANSI/ISA-18.2 wants it rationalised: what can be wrong, what follows, what the operator does
/// about it and in which time. It stands for one alarm for each thing that it watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmDefinition {
    pub id: AlarmDefinitionId,
    pub condition: AlarmCondition,
    pub priority: AlarmPriority,
    pub name: Name,
    pub cause: Name,
    pub consequence: Name,
    /// What the operator does. An alarm without an action would be an event.
    pub action: Name,
    /// Time there is to act, in seconds.
    pub respond_within_s: u32,
    /// It is raised when the condition has held for this long, in seconds.
    pub delay_s: u32,
    /// It is cleared when the condition has not held for this long, in seconds.
    pub off_delay_s: u32,
    /// It says nothing of its own while the condition of this alarm holds.
    pub suppressed_while: Option<AlarmDefinitionId>,
    /// In the order of the file; at least one.
    pub watches: Vec<AlarmWatch>,
}

/// One thing that an alarm watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmWatch {
    pub asset: AssetId,
    /// The meter, where it watches one.
    pub meter: Option<MeterId>,
    pub test: AlarmTest,
}

impl AlarmDefinition {
    /// Id of the alarm of one of the things that it watches: the definition's id, "/", the meter or else the asset.
    pub fn alarm_id(&self, watch: &AlarmWatch) -> String {
        let watched = watch
            .meter
            .as_ref()
            .map_or(watch.asset.as_str(), MeterId::as_str);
        format!("{}/{watched}", self.id)
    }
}

/// What must hold for an alarm to be raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmTest {
    /// A point's value has crossed a limit. It counts as back when it is inside by the deadband, in the point's unit.
    Point {
        quantity: PointQuantity,
        trigger: AlarmTrigger,
        deadband: i64,
    },
    /// A meter that reported once has not done so for this many seconds.
    Silent { meter: MeterId, after_s: i64 },
    /// More than this of an hour is explained by no meter: Wh of a node or a network, litres of a tank.
    BalanceOpen {
        of: Balanced,
        limit: i64,
        deadband: i64,
    },
}

/// Which balance of an asset is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Balanced {
    /// Of a node, Wh.
    Electricity,
    /// Of a tank, litres.
    Water,
    /// Of a network, by its node, Wh.
    Thermal(Carrier),
}

/// On which side of a limit the alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmTrigger {
    Above(i64),
    Below(i64),
    /// Below `low` or above `high`.
    Outside {
        low: i64,
        high: i64,
    },
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmCondition {
    BinOverflow,
    TankLow,
    TankHigh,
    StorageOutOfLimits,
    ChargerFault,
    MeterSilent,
    BalanceOpen,
    WaterBalanceOpen,
    HeatBalanceOpen,
    ColdBalanceOpen,
    LeakSuspected,
    TemperatureHigh,
    TemperatureLow,
    PointAbove,
    PointBelow,
}

/// How soon an alarm wants to be answered beside others. EEMUA 191 recommends about 5 % high, 15 % medium and 80 % low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmPriority {
    Low,
    Medium,
    High,
}

/// Quantities of points that a limit can be set on; the unit is part of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointQuantity {
    ConsumptionW,
    GenerationW,
    GridImportW,
    GridExportW,
    StorageChargeW,
    StorageDischargeW,
    HeatW,
    HeatUseW,
    ColdW,
    ColdUseW,
    StoredWh,
    StoragePowerW,
    SessionPowerW,
    Faults,
    LevelL,
    SupplyLPerH,
    ReclaimedLPerH,
    RainLPerH,
    FillPermille,
    WeightG,
    Overflowing,
    CompostG,
    CompostTemperatureMc,
    Trees,
    VisitorsPerH,
    AirTemperatureMc,
    IrradianceWPerM2,
    WindMmPerS,
    RainUmPerH,
}

impl PointQuantity {
    /// Number of the quantity in `terrarium.twin.v1.Quantity`.
    pub fn number(self) -> i32 {
        match self {
            PointQuantity::ConsumptionW => 1,
            PointQuantity::GenerationW => 2,
            PointQuantity::GridImportW => 3,
            PointQuantity::GridExportW => 4,
            PointQuantity::StorageChargeW => 5,
            PointQuantity::StorageDischargeW => 6,
            PointQuantity::HeatW => 7,
            PointQuantity::HeatUseW => 12,
            PointQuantity::ColdW => 13,
            PointQuantity::ColdUseW => 14,
            PointQuantity::StoredWh => 10,
            PointQuantity::StoragePowerW => 11,
            PointQuantity::SessionPowerW => 21,
            PointQuantity::Faults => 25,
            PointQuantity::LevelL => 30,
            PointQuantity::SupplyLPerH => 33,
            PointQuantity::ReclaimedLPerH => 34,
            PointQuantity::RainLPerH => 35,
            PointQuantity::FillPermille => 40,
            PointQuantity::WeightG => 41,
            PointQuantity::Overflowing => 42,
            PointQuantity::CompostG => 43,
            PointQuantity::CompostTemperatureMc => 44,
            PointQuantity::Trees => 50,
            PointQuantity::VisitorsPerH => 60,
            PointQuantity::AirTemperatureMc => 70,
            PointQuantity::IrradianceWPerM2 => 71,
            PointQuantity::WindMmPerS => 72,
            PointQuantity::RainUmPerH => 73,
        }
    }

    /// Whether it is told by meters, and not by the asset itself.
    pub fn is_metered(self) -> bool {
        matches!(
            self,
            PointQuantity::ConsumptionW
                | PointQuantity::GenerationW
                | PointQuantity::GridImportW
                | PointQuantity::GridExportW
                | PointQuantity::StorageChargeW
                | PointQuantity::StorageDischargeW
                | PointQuantity::HeatW
                | PointQuantity::HeatUseW
                | PointQuantity::ColdW
                | PointQuantity::ColdUseW
        )
    }

    /// The kind of asset that tells it, where only one does.
    pub fn kind(self) -> Option<AssetKind> {
        match self {
            PointQuantity::StoredWh | PointQuantity::StoragePowerW => Some(AssetKind::Battery),
            PointQuantity::SessionPowerW | PointQuantity::Faults => Some(AssetKind::Charger),
            PointQuantity::LevelL => Some(AssetKind::Tank),
            PointQuantity::FillPermille | PointQuantity::WeightG | PointQuantity::Overflowing => {
                Some(AssetKind::Bin)
            }
            PointQuantity::CompostG | PointQuantity::CompostTemperatureMc => {
                Some(AssetKind::CompostBay)
            }
            PointQuantity::Trees => Some(AssetKind::TreeGroup),
            PointQuantity::VisitorsPerH => Some(AssetKind::EntranceCounter),
            PointQuantity::AirTemperatureMc
            | PointQuantity::IrradianceWPerM2
            | PointQuantity::WindMmPerS
            | PointQuantity::RainUmPerH => Some(AssetKind::WeatherStation),
            PointQuantity::ConsumptionW
            | PointQuantity::GenerationW
            | PointQuantity::GridImportW
            | PointQuantity::GridExportW
            | PointQuantity::StorageChargeW
            | PointQuantity::StorageDischargeW
            | PointQuantity::HeatW
            | PointQuantity::HeatUseW
            | PointQuantity::ColdW
            | PointQuantity::ColdUseW
            | PointQuantity::SupplyLPerH
            | PointQuantity::ReclaimedLPerH
            | PointQuantity::RainLPerH => None,
        }
    }
}

tokens!(AlarmCondition {
    BinOverflow "bin_overflow",
    TankLow "tank_low",
    TankHigh "tank_high",
    StorageOutOfLimits "storage_out_of_limits",
    ChargerFault "charger_fault",
    MeterSilent "meter_silent",
    BalanceOpen "balance_open",
    WaterBalanceOpen "water_balance_open",
    HeatBalanceOpen "heat_balance_open",
    ColdBalanceOpen "cold_balance_open",
    LeakSuspected "leak_suspected",
    TemperatureHigh "temperature_high",
    TemperatureLow "temperature_low",
    PointAbove "point_above",
    PointBelow "point_below",
});
tokens!(AlarmPriority {
    Low "low",
    Medium "medium",
    High "high",
});
tokens!(PointQuantity {
    ConsumptionW "consumption_w",
    GenerationW "generation_w",
    GridImportW "grid_import_w",
    GridExportW "grid_export_w",
    StorageChargeW "storage_charge_w",
    StorageDischargeW "storage_discharge_w",
    HeatW "heat_w",
    HeatUseW "heat_use_w",
    ColdW "cold_w",
    ColdUseW "cold_use_w",
    StoredWh "stored_wh",
    StoragePowerW "storage_power_w",
    SessionPowerW "session_power_w",
    Faults "faults",
    LevelL "level_l",
    SupplyLPerH "supply_l_per_h",
    ReclaimedLPerH "reclaimed_l_per_h",
    RainLPerH "rain_l_per_h",
    FillPermille "fill_permille",
    WeightG "weight_g",
    Overflowing "overflowing",
    CompostG "compost_g",
    CompostTemperatureMc "compost_temperature_mc",
    Trees "trees",
    VisitorsPerH "visitors_per_h",
    AirTemperatureMc "air_temperature_mc",
    IrradianceWPerM2 "irradiance_w_per_m2",
    WindMmPerS "wind_mm_per_s",
    RainUmPerH "rain_um_per_h",
});
