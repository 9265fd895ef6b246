//! What can be observed, how good it is, and the names of points.

use std::sync::Arc;

use terrarium_model::AssetId;

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a point's value says, and in which unit. The codes are those of `terrarium.twin.v1.Quantity`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Quantity {
            $($(#[$doc])* $name = $code,)*
        }

        impl Quantity {
            /// Every quantity, in the order of the codes.
            pub const ALL: &[Quantity] = &[$(Quantity::$name,)*];

            /// The quantity of a code.
            pub fn from_code(code: i32) -> Option<Quantity> {
                match code {
                    $($code => Some(Quantity::$name),)*
                    _ => None,
                }
            }
        }
    };
}

quantities! {
    /// Mean power used over a metered interval, W.
    ConsumptionW = 1,
    /// Mean power generated over a metered interval, W.
    GenerationW = 2,
    /// Mean power from the grid over a metered interval, W.
    GridImportW = 3,
    /// Mean power into the grid over a metered interval, W.
    GridExportW = 4,
    /// Mean power into a store over a metered interval, W.
    StorageChargeW = 5,
    /// Mean power out of a store over a metered interval, W.
    StorageDischargeW = 6,
    /// Mean heat given over a metered interval, W.
    HeatW = 7,
    /// 1 while it runs without the public grid, else 0.
    Islanded = 8,
    /// Energy held by a store or a vehicle of the park, Wh.
    StoredWh = 10,
    /// A store's own report of its power, W; above zero: it is charged.
    StoragePowerW = 11,
    /// Mean heat taken from a network over a metered interval, W.
    HeatUseW = 12,
    /// Mean cold given over a metered interval, W.
    ColdW = 13,
    /// Mean cold taken from a network over a metered interval, W.
    ColdUseW = 14,
    /// 1 while a session runs, else 0.
    Session = 20,
    /// Mean power of the running session since its last report, W; below zero: the car gives back.
    SessionPowerW = 21,
    /// To the car in the running or the last session, Wh.
    SessionInWh = 22,
    /// From the car in the running or the last session, Wh.
    SessionOutWh = 23,
    /// Whose car it is: a code of `terrarium.mobility.v1.VehicleClass`; 0: none.
    VehicleClass = 24,
    /// Faults that are present.
    Faults = 25,
    /// The newest limit asked for, W.
    AskedLimitW = 26,
    /// 0 none, 1 asked, 2 obeyed, 3 missed.
    AskState = 27,
    /// The newest reserve asked for, Wh.
    AskedReserveWh = 28,
    /// A code of `terrarium.mobility.v1.VehicleState`.
    VehicleState = 29,
    /// In a tank, litres.
    LevelL = 30,
    /// 1 while a zone is irrigated, else 0.
    Irrigating = 31,
    /// Given to a zone since the record began, litres.
    IrrigatedL = 32,
    /// Mean flow from the public supply over a metered interval, litres an hour.
    SupplyLPerH = 33,
    /// Mean flow of reclaimed water over a metered interval, litres an hour.
    ReclaimedLPerH = 34,
    /// Mean flow of rain water over a metered interval, litres an hour.
    RainLPerH = 35,
    /// 1 while a leak is suspected, else 0.
    LeakSuspected = 36,
    /// How full a bin is, thousandths.
    FillPermille = 40,
    /// In a bin, grams.
    WeightG = 41,
    /// 1 while a bin overflows, else 0.
    Overflowing = 42,
    /// In a compost bay since its batch began, grams.
    CompostG = 43,
    /// Of the compost, thousandths of a degree Celsius.
    CompostTemperatureMc = 44,
    /// Living trees of a group.
    Trees = 50,
    /// Mean height, cm.
    TreeHeightCm = 51,
    /// CO2 held in the living trees of a group, grams.
    TreeCo2G = 52,
    /// People who came in over an interval, per hour.
    VisitorsPerH = 60,
    /// Thousandths of a degree Celsius.
    AirTemperatureMc = 70,
    /// On the horizontal, W/m2.
    IrradianceWPerM2 = 71,
    /// mm/s.
    WindMmPerS = 72,
    /// Micrometres an hour.
    RainUmPerH = 73,
    /// Thousandths of the sky.
    CloudPermille = 74,
    /// A code of `terrarium.alarm.v1.AlarmState`.
    AlarmState = 80,
}

impl Quantity {
    /// The code on the wire.
    pub fn code(self) -> i32 {
        i32::from(self as u16)
    }

    /// Whether it is reported again and again, so that silence says something. Others are told when they change.
    pub fn reports_regularly(self) -> bool {
        !matches!(
            self,
            Quantity::Session
                | Quantity::SessionPowerW
                | Quantity::SessionInWh
                | Quantity::SessionOutWh
                | Quantity::VehicleClass
                | Quantity::Faults
                | Quantity::AskedLimitW
                | Quantity::AskState
                | Quantity::AskedReserveWh
                | Quantity::VehicleState
                | Quantity::Islanded
                | Quantity::LeakSuspected
                | Quantity::Irrigating
                | Quantity::IrrigatedL
                | Quantity::Overflowing
                | Quantity::CompostG
                | Quantity::Trees
                | Quantity::TreeHeightCm
                | Quantity::TreeCo2G
                | Quantity::AlarmState
        )
    }
}

/// How far a value can be trusted, as far as the record says. The codes are those of `terrarium.twin.v1.Quality`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Quality {
    /// As reported.
    Good = 1,
    /// Spread over more than an hour, or worked out from others.
    Estimated = 2,
    /// Corrected by a person.
    Substituted = 3,
    /// The newest report is in quarantine; the value is the last one that counts.
    Uncertain = 4,
}

impl Quality {
    /// The code on the wire.
    pub fn code(self) -> i32 {
        i32::from(self as u8)
    }

    /// The quality of a code.
    pub(crate) fn from_code(code: i64) -> Quality {
        match code {
            1 => Quality::Good,
            2 => Quality::Estimated,
            3 => Quality::Substituted,
            _ => Quality::Uncertain,
        }
    }
}

/// What tells a point from every other of its park.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointName {
    /// The asset.
    pub asset: AssetId,
    /// What is observed of it.
    pub quantity: Quantity,
    /// Id of the meter or the alarm that it comes from, or what was asked of the asset; empty where the asset itself reports.
    pub source: Arc<str>,
}

impl PointName {
    /// What an asset itself reports.
    pub fn of_asset(asset: &AssetId, quantity: Quantity) -> PointName {
        PointName {
            asset: asset.clone(),
            quantity,
            source: Arc::from(""),
        }
    }
}

/// Number of a point within its park, in the order of first appearance on the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_is_found_by_its_code() {
        for quantity in Quantity::ALL {
            assert_eq!(Quantity::from_code(quantity.code()), Some(*quantity));
        }
        assert_eq!(Quantity::from_code(0), None);
        assert_eq!(Quantity::from_code(9_999), None);
    }
}
