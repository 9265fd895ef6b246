//! Every text of the viewer in English and in Chinese (`words/catalogue`). A text without one of them does not compile.

use terrarium_model::{AssetKind, ConnectionKind, Name};

use crate::alarm::{AlarmPriority, AlarmState};
use crate::quality::Quality;
use crate::quantity::Quantity;
use crate::shift_record::AlarmEvent;
use crate::single_line::Drawing;

/// The languages of the viewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    #[default]
    English,
    Chinese,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// A name of the park file in this language.
    pub fn of(self, name: &Name) -> &str {
        match self {
            Language::English => &name.en,
            Language::Chinese => &name.zh,
        }
    }

    /// Its own name for itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// The one to switch to.
    pub fn other(self) -> Language {
        match self {
            Language::English => Language::Chinese,
            Language::Chinese => Language::English,
        }
    }
}

macro_rules! words {
    ($($word:ident => $english:literal, $chinese:literal;)+) => {
        /// A text of the viewer. `{name}` stands for what [`Word::with`] fills in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Word { $($word,)+ }

        impl Word {
            /// All of them.
            pub const ALL: &[Word] = &[$(Word::$word,)+];

            /// The text.
            pub fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Word::$word, Language::English) => $english,
                      (Word::$word, Language::Chinese) => $chinese,)+
                }
            }
        }
    };
}

mod catalogue;

pub use catalogue::Word;

impl Word {
    /// The text with its `{names}` filled in. A name that is not filled in stays, so that it is seen.
    pub fn with(self, language: Language, parts: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.text(language);
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let part = parts.iter().find(|(known, _)| *known == name);
            match part {
                Some((_, part)) => filled.push_str(part),
                None => {
                    filled.push('{');
                    filled.push_str(name);
                    filled.push('}');
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// The word for a quantity.
    pub fn of_quantity(quantity: Quantity) -> Word {
        match quantity {
            Quantity::ConsumptionW => Word::QConsumption,
            Quantity::GenerationW => Word::QGeneration,
            Quantity::GridImportW => Word::QGridImport,
            Quantity::GridExportW => Word::QGridExport,
            Quantity::StorageChargeW => Word::QStorageCharge,
            Quantity::StorageDischargeW => Word::QStorageDischarge,
            Quantity::HeatW => Word::QHeat,
            Quantity::HeatUseW => Word::QHeatUse,
            Quantity::ColdW => Word::QCold,
            Quantity::ColdUseW => Word::QColdUse,
            Quantity::Islanded => Word::QIslanded,
            Quantity::StoredWh => Word::QStored,
            Quantity::StoragePowerW => Word::QStoragePower,
            Quantity::Session => Word::QSession,
            Quantity::SessionPowerW => Word::QSessionPower,
            Quantity::SessionInWh => Word::QSessionIn,
            Quantity::SessionOutWh => Word::QSessionOut,
            Quantity::VehicleClass => Word::QVehicleClass,
            Quantity::Faults => Word::QFaults,
            Quantity::AskedLimitW => Word::QAskedLimit,
            Quantity::AskState => Word::QAskState,
            Quantity::AskedReserveWh => Word::QAskedReserve,
            Quantity::VehicleState => Word::QVehicleState,
            Quantity::LevelL => Word::QLevel,
            Quantity::Irrigating => Word::QIrrigating,
            Quantity::IrrigatedL => Word::QIrrigated,
            Quantity::SupplyLPerH => Word::QSupply,
            Quantity::ReclaimedLPerH => Word::QReclaimed,
            Quantity::RainLPerH => Word::QRain,
            Quantity::LeakSuspected => Word::QLeakSuspected,
            Quantity::FillPermille => Word::QFill,
            Quantity::WeightG => Word::QWeight,
            Quantity::Overflowing => Word::QOverflowing,
            Quantity::CompostG => Word::QCompost,
            Quantity::CompostTemperatureMc => Word::QCompostTemperature,
            Quantity::Trees => Word::QTrees,
            Quantity::TreeHeightCm => Word::QTreeHeight,
            Quantity::TreeCo2G => Word::QTreeCo2,
            Quantity::VisitorsPerH => Word::QVisitors,
            Quantity::AirTemperatureMc => Word::QAirTemperature,
            Quantity::IrradianceWPerM2 => Word::QIrradiance,
            Quantity::WindMmPerS => Word::QWind,
            Quantity::RainUmPerH => Word::QRainfall,
            Quantity::CloudPermille => Word::QCloud,
            Quantity::AlarmState => Word::QAlarmState,
        }
    }

    /// The word for a kind of asset.
    pub fn of_kind(kind: AssetKind) -> Word {
        match kind {
            AssetKind::Building => Word::KindBuilding,
            AssetKind::Pv => Word::KindPv,
            AssetKind::Wind => Word::KindWind,
            AssetKind::Battery => Word::KindBattery,
            AssetKind::Charger => Word::KindCharger,
            AssetKind::Load => Word::KindLoad,
            AssetKind::ConnectionPoint => Word::KindConnectionPoint,
            AssetKind::DcBus => Word::KindDcBus,
            AssetKind::Tank => Word::KindTank,
            AssetKind::IrrigationZone => Word::KindIrrigationZone,
            AssetKind::Fixture => Word::KindFixture,
            AssetKind::Bin => Word::KindBin,
            AssetKind::CompostBay => Word::KindCompostBay,
            AssetKind::TreeGroup => Word::KindTreeGroup,
            AssetKind::HeatPump => Word::KindHeatPump,
            AssetKind::SolarThermal => Word::KindSolarThermal,
            AssetKind::Chiller => Word::KindChiller,
            AssetKind::Lighting => Word::KindLighting,
            AssetKind::Display => Word::KindDisplay,
            AssetKind::WeatherStation => Word::KindWeatherStation,
            AssetKind::EntranceCounter => Word::KindEntranceCounter,
            AssetKind::Vehicle => Word::KindVehicle,
            AssetKind::Shuttle => Word::KindShuttle,
        }
    }

    /// The word for what flows along a connection.
    pub fn of_connection(kind: ConnectionKind) -> Word {
        match kind {
            ConnectionKind::Electric => Word::FlowElectric,
            ConnectionKind::Water => Word::FlowWater,
            ConnectionKind::Waste => Word::FlowWaste,
            ConnectionKind::Heat => Word::FlowHeat,
            ConnectionKind::Cold => Word::FlowCold,
        }
    }

    /// The word for what an alarm's event says.
    pub fn of_alarm_event(event: AlarmEvent) -> Word {
        match event {
            AlarmEvent::Raised => Word::EventRaised,
            AlarmEvent::Cleared => Word::EventCleared,
            AlarmEvent::Acknowledged => Word::EventAcknowledged,
            AlarmEvent::Shelved => Word::EventShelved,
            AlarmEvent::Unshelved => Word::EventUnshelved,
            AlarmEvent::Suppressed => Word::EventSuppressed,
            AlarmEvent::Released => Word::EventReleased,
            AlarmEvent::RemovedFromService => Word::EventRemoved,
            AlarmEvent::ReturnedToService => Word::EventReturned,
        }
    }

    /// The word for a way to draw the park.
    pub fn of_drawing(drawing: Drawing) -> Word {
        match drawing {
            Drawing::Scene => Word::Scene,
            Drawing::Plan => Word::Plan,
            Drawing::Electric => Word::DrawingElectric,
            Drawing::Water => Word::DrawingWater,
        }
    }

    /// The word for a quality.
    pub fn of_quality(quality: Quality) -> Word {
        match quality {
            Quality::Good => Word::QualityGood,
            Quality::Estimated => Word::QualityEstimated,
            Quality::Substituted => Word::QualitySubstituted,
            Quality::Uncertain => Word::QualityUncertain,
            Quality::OutOfRange => Word::QualityOutOfRange,
            Quality::FutureStamp => Word::QualityFutureStamp,
            Quality::Stale => Word::QualityStale,
            Quality::Bad => Word::QualityBad,
        }
    }

    /// The word for a priority.
    pub fn of_priority(priority: AlarmPriority) -> Word {
        match priority {
            AlarmPriority::High => Word::PriorityHigh,
            AlarmPriority::Medium => Word::PriorityMedium,
            AlarmPriority::Low => Word::PriorityLow,
        }
    }

    /// The name of a claim of the ledger; `None`: not known to this viewer.
    pub fn of_claim(token: &str) -> Option<Word> {
        Some(match token {
            "ghgp_inventory_location" => Word::ClaimGhgpLocation,
            "ghgp_inventory_market" => Word::ClaimGhgpMarket,
            "iso14064" => Word::ClaimIso14064,
            "cn_guideline" => Word::ClaimCnGuideline,
            "ndrc_zero_carbon_park" => Word::ClaimZeroCarbonPark,
            "iso14068_neutrality" => Word::ClaimNeutrality,
            "leed_zero" => Word::ClaimLeedZero,
            "sbti" => Word::ClaimSbti,
            "lifecycle_neutrality" => Word::ClaimLifeCycle,
            "cfe_hourly" => Word::ClaimCfeHourly,
            "stage" => Word::ClaimStage,
            _ => return None,
        })
    }

    /// The word for an alarm's state.
    pub fn of_alarm_state(state: AlarmState) -> Word {
        match state {
            AlarmState::Normal => Word::StateNormal,
            AlarmState::Unacknowledged => Word::StateUnacknowledged,
            AlarmState::Acknowledged => Word::StateAcknowledged,
            AlarmState::ReturnedUnacknowledged => Word::StateReturned,
            AlarmState::Shelved => Word::Shelved,
            AlarmState::Suppressed => Word::StateSuppressed,
            AlarmState::OutOfService => Word::StateOutOfService,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn both_languages_fill_in_the_same_parts() {
        for word in Word::ALL {
            let [english, chinese] = Language::ALL.map(|language| names(word.text(language)));
            assert_eq!(english, chinese, "{word:?}");
        }
    }

    #[test]
    fn carbon_dioxide_is_written_with_its_subscript() {
        for word in Word::ALL {
            for language in Language::ALL {
                assert!(!word.text(language).contains("CO2"), "{word:?}");
            }
        }
    }

    #[test]
    fn parts_are_filled_in_and_a_forgotten_one_is_seen() {
        let filled = Word::CoverageMeters.with(Language::Chinese, &[("have", "37"), ("of", "40")]);
        assert_eq!(filled, "40 个设备中的 37 个");
        let forgotten = Word::CoverageMeters.with(Language::English, &[("of", "40")]);
        assert_eq!(forgotten, "{have} of 40 assets");
    }
}
