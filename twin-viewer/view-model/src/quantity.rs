/// Declares the quantities of `terrarium.twin.v1.Quantity` with their number on the wire and unit.
macro_rules! quantities {
    ($($name:ident = $wire:literal, $unit:ident;)+) => {
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

quantities! {
    ConsumptionW = 1, Watt;
    GenerationW = 2, Watt;
    GridImportW = 3, Watt;
    GridExportW = 4, Watt;
    StorageChargeW = 5, Watt;
    StorageDischargeW = 6, Watt;
    HeatW = 7, Watt;
    Islanded = 8, Flag;
    StoredWh = 10, WattHour;
    StoragePowerW = 11, Watt;
    HeatUseW = 12, Watt;
    ColdW = 13, Watt;
    ColdUseW = 14, Watt;
    Session = 20, Flag;
    SessionPowerW = 21, Watt;
    SessionInWh = 22, WattHour;
    SessionOutWh = 23, WattHour;
    VehicleClass = 24, State;
    Faults = 25, Count;
    AskedLimitW = 26, Watt;
    AskState = 27, State;
    AskedReserveWh = 28, WattHour;
    VehicleState = 29, State;
    LevelL = 30, Litre;
    Irrigating = 31, Flag;
    IrrigatedL = 32, Litre;
    SupplyLPerH = 33, LitrePerHour;
    ReclaimedLPerH = 34, LitrePerHour;
    RainLPerH = 35, LitrePerHour;
    LeakSuspected = 36, Flag;
    FillPermille = 40, Permille;
    WeightG = 41, Gram;
    Overflowing = 42, Flag;
    CompostG = 43, Gram;
    CompostTemperatureMc = 44, MilliCelsius;
    Trees = 50, Count;
    TreeHeightCm = 51, Centimetre;
    TreeCo2G = 52, Gram;
    VisitorsPerH = 60, PerHour;
    AirTemperatureMc = 70, MilliCelsius;
    IrradianceWPerM2 = 71, WattPerM2;
    WindMmPerS = 72, MillimetrePerSecond;
    RainUmPerH = 73, MicrometrePerHour;
    CloudPermille = 74, Permille;
    AlarmState = 80, State;
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
