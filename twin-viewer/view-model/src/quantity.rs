/// Declares the quantities of `terrarium.twin.v1.Quantity` with their number on the wire, unit and way of reporting.
macro_rules! quantities {
    ($($name:ident = $wire:literal, $unit:ident, $reported:ident;)+) => {
        /// What a point's value says: `terrarium.twin.v1.Quantity`. A quantity that this viewer does not know is left out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Quantity { $($name = $wire,)+ }

        impl Quantity {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Quantity] = &[$(Quantity::$name,)+];

            /// The quantity with this number on the wire.
            pub fn from_wire(number: i32) -> Option<Quantity> {
                match number {
                    $($wire => Some(Quantity::$name),)+
                    _ => None,
                }
            }

            /// Which unit its whole numbers count.
            pub fn unit(self) -> Unit {
                match self { $(Quantity::$name => Unit::$unit,)+ }
            }

            /// Whether it is told at intervals, or only when it changes.
            pub fn reported(self) -> Reported {
                match self { $(Quantity::$name => Reported::$reported,)+ }
            }
        }
    };
}

/// The unit that a point's whole numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    Watt,
    WattHour,
    /// 0 or 1.
    Flag,
    Count,
    /// The number of an enum on the wire.
    State,
    Litre,
    LitrePerHour,
    Permille,
    Gram,
    MilliCelsius,
    Centimetre,
    PerHour,
    WattPerM2,
    MillimetrePerSecond,
    MicrometrePerHour,
}

/// How a quantity comes about, and so whether its age says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// Old values are stale.
    AtIntervals,
    /// A value holds until the next one.
    OnChange,
}

quantities! {
    ConsumptionW = 1, Watt, AtIntervals;
    GenerationW = 2, Watt, AtIntervals;
    GridImportW = 3, Watt, AtIntervals;
    GridExportW = 4, Watt, AtIntervals;
    StorageChargeW = 5, Watt, AtIntervals;
    StorageDischargeW = 6, Watt, AtIntervals;
    StoredWh = 10, WattHour, AtIntervals;
    StoragePowerW = 11, Watt, AtIntervals;
    Session = 20, Flag, OnChange;
    SessionPowerW = 21, Watt, AtIntervals;
    SessionInWh = 22, WattHour, OnChange;
    SessionOutWh = 23, WattHour, OnChange;
    VehicleClass = 24, State, OnChange;
    Faults = 25, Count, OnChange;
    AskedLimitW = 26, Watt, OnChange;
    AskState = 27, State, OnChange;
    LevelL = 30, Litre, AtIntervals;
    Irrigating = 31, Flag, OnChange;
    IrrigatedL = 32, Litre, OnChange;
    SupplyLPerH = 33, LitrePerHour, AtIntervals;
    ReclaimedLPerH = 34, LitrePerHour, AtIntervals;
    RainLPerH = 35, LitrePerHour, AtIntervals;
    FillPermille = 40, Permille, AtIntervals;
    WeightG = 41, Gram, AtIntervals;
    Overflowing = 42, Flag, OnChange;
    CompostG = 43, Gram, OnChange;
    CompostTemperatureMc = 44, MilliCelsius, AtIntervals;
    Trees = 50, Count, OnChange;
    TreeHeightCm = 51, Centimetre, OnChange;
    TreeCo2G = 52, Gram, OnChange;
    VisitorsPerH = 60, PerHour, AtIntervals;
    AirTemperatureMc = 70, MilliCelsius, AtIntervals;
    IrradianceWPerM2 = 71, WattPerM2, AtIntervals;
    WindMmPerS = 72, MillimetrePerSecond, AtIntervals;
    RainUmPerH = 73, MicrometrePerHour, AtIntervals;
    CloudPermille = 74, Permille, AtIntervals;
    AlarmState = 80, State, OnChange;
}

impl Quantity {
    /// Its number on the wire.
    pub fn wire(self) -> i32 {
        self as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_is_found_by_its_number() {
        for quantity in Quantity::ALL {
            assert_eq!(Quantity::from_wire(quantity.wire()), Some(*quantity));
        }
        assert_eq!(Quantity::from_wire(0), None);
        assert_eq!(Quantity::from_wire(999), None);
    }
}
