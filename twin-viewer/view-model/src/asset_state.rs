//! What the scene and the plan draw of one asset, from its points and alarms.

use terrarium_model::{AssetKind, AssetParameters};

use crate::alarm::{AlarmList, AlarmPriority};
use crate::park_view::{AssetIndex, AssetView, ParkView};
use crate::point_table::{PointTable, Reading};
use crate::quality::{Quality, Shown};
use crate::quantity::Quantity;

/// An asset at the moment shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssetState {
    /// Power in W: above zero it takes, below zero it gives (generation, discharge, a car that gives back).
    pub power_w: Option<i64>,
    /// The size of `power_w` against the rated power, 0 to 1.
    pub load: Option<f32>,
    /// How full it is, 0 to 1: the charge of a store, the level of a tank, the fill of a bin, of a compost bay.
    pub full: Option<f32>,
    /// Water through it, in litres an hour.
    pub flow_l_per_h: Option<i64>,
    pub is_irrigating: bool,
    pub is_overflowing: bool,
    /// Faults that are present.
    pub faults: i64,
    pub session: Option<ChargeSession>,
    pub ask: Ask,
    pub trees: Option<TreeState>,
    pub compost_c: Option<f32>,
    /// Rotor speed in revolutions a minute.
    pub rotor_rpm: Option<f32>,
    /// The worst alarm that is in the list.
    pub alarm: Option<AssetAlarm>,
    /// The worst quality of its values; `None`: it has none.
    pub quality: Option<Quality>,
    /// How strongly it is drawn, 0.3 (old) to 1.
    pub fade: f32,
}

/// A charging session that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeSession {
    /// Below zero: the car gives back.
    pub power_w: i64,
    pub in_wh: i64,
    pub out_wh: i64,
    /// `terrarium.mobility.v1.VehicleClass`; 0: not told.
    pub vehicle_class: i64,
}

impl ChargeSession {
    /// Energy flows from the car to the park.
    pub fn gives_back(&self) -> bool {
        self.power_w < 0
    }
}

/// What became of the newest limit that was asked of a charger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ask {
    #[default]
    None,
    Asked {
        limit_w: i64,
    },
    Obeyed {
        limit_w: i64,
    },
    Missed {
        limit_w: i64,
    },
}

/// The living trees of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeState {
    pub living: i64,
    /// Mean height.
    pub height_cm: Option<i64>,
    /// Grams of CO2 held.
    pub co2_g: Option<i64>,
}

/// An alarm of an asset as the scene marks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetAlarm {
    pub priority: AlarmPriority,
    pub is_unacknowledged: bool,
}

/// Weather of the park, from the newest observations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Weather {
    pub air_temperature_c: Option<f32>,
    pub irradiance_w_per_m2: Option<f32>,
    pub wind_m_per_s: Option<f32>,
    pub rain_mm_per_h: Option<f32>,
    /// 0 clear, 1 overcast.
    pub cloud: Option<f32>,
}

impl Weather {
    /// The weather at the moment shown.
    pub fn of(table: &PointTable, shown: Shown) -> Weather {
        let thousandths = |quantity| {
            let reading = table.newest_of(quantity, shown)?;
            // Old weather is none: the scene would show a sky that is gone.
            (reading.quality < Quality::Stale).then_some(reading.value as f32 / 1_000.0)
        };
        Weather {
            air_temperature_c: thousandths(Quantity::AirTemperatureMc),
            irradiance_w_per_m2: thousandths(Quantity::IrradianceWPerM2)
                .map(|thousands| thousands * 1_000.0),
            wind_m_per_s: thousandths(Quantity::WindMmPerS),
            rain_mm_per_h: thousandths(Quantity::RainUmPerH),
            cloud: thousandths(Quantity::CloudPermille),
        }
    }
}

impl AssetState {
    /// Works the state of an asset out.
    pub fn of(
        park: &ParkView,
        table: &PointTable,
        alarms: &AlarmList,
        asset: AssetIndex,
        weather: &Weather,
        shown: Shown,
    ) -> AssetState {
        let view = park.asset(asset);
        let total = |quantity| table.total(asset, quantity, shown);
        let value = |quantity| total(quantity).map(|reading| reading.value);
        let is_set = |quantity| value(quantity).is_some_and(|value| value != 0);

        let session = is_set(Quantity::Session).then(|| ChargeSession {
            power_w: value(Quantity::SessionPowerW).unwrap_or(0),
            in_wh: value(Quantity::SessionInWh).unwrap_or(0),
            out_wh: value(Quantity::SessionOutWh).unwrap_or(0),
            vehicle_class: value(Quantity::VehicleClass).unwrap_or(0),
        });
        let power_w = power_of(view, session, value);
        let (quality, fade) = trust(view, table, asset, shown);
        AssetState {
            power_w,
            load: power_w.zip(view.rated_w).map(|(power_w, rated_w)| {
                (power_w.unsigned_abs() as f32 / rated_w.max(1) as f32).min(1.0)
            }),
            full: full(view, value),
            flow_l_per_h: flow(table, asset, shown),
            is_irrigating: is_set(Quantity::Irrigating),
            is_overflowing: is_set(Quantity::Overflowing),
            faults: value(Quantity::Faults).unwrap_or(0),
            session,
            ask: ask(
                value(Quantity::AskState),
                value(Quantity::AskedLimitW).unwrap_or(0),
            ),
            trees: value(Quantity::Trees).map(|living| TreeState {
                living,
                height_cm: value(Quantity::TreeHeightCm),
                co2_g: value(Quantity::TreeCo2G),
            }),
            compost_c: value(Quantity::CompostTemperatureMc).map(|value| value as f32 / 1_000.0),
            rotor_rpm: rotor_rpm(view, power_w, weather),
            alarm: alarms.worst_of(&view.id),
            quality,
            fade,
        }
    }
}

/// Consumption less generation; a store's by its meters, or else by its own report; a charger's by its session where it
/// has no meter.
fn power_of(
    view: &AssetView,
    session: Option<ChargeSession>,
    value: impl Fn(Quantity) -> Option<i64>,
) -> Option<i64> {
    let difference = |takes, gives| match (value(takes), value(gives)) {
        (None, None) => None,
        (takes, gives) => Some(takes.unwrap_or(0) - gives.unwrap_or(0)),
    };
    let metered = difference(Quantity::ConsumptionW, Quantity::GenerationW);
    match view.kind {
        AssetKind::Battery => difference(Quantity::StorageChargeW, Quantity::StorageDischargeW)
            .or_else(|| value(Quantity::StoragePowerW))
            .or(metered),
        AssetKind::Charger => session.map(|session| session.power_w).or(metered),
        _ => metered.or_else(|| difference(Quantity::GridImportW, Quantity::GridExportW)),
    }
}

fn full(view: &AssetView, value: impl Fn(Quantity) -> Option<i64>) -> Option<f32> {
    let held = |quantity| {
        let capacity = view.capacity()?.max(1);
        Some((value(quantity)? as f64 / capacity as f64) as f32)
    };
    let share = match view.kind {
        AssetKind::Battery | AssetKind::Vehicle | AssetKind::Shuttle => held(Quantity::StoredWh),
        AssetKind::Tank => held(Quantity::LevelL),
        AssetKind::CompostBay => held(Quantity::CompostG),
        _ => value(Quantity::FillPermille).map(|fill| fill as f32 / 1_000.0),
    };
    share.map(|share| share.clamp(0.0, 1.0))
}

fn flow(table: &PointTable, asset: AssetIndex, shown: Shown) -> Option<i64> {
    const FLOWS: [Quantity; 3] = [
        Quantity::SupplyLPerH,
        Quantity::ReclaimedLPerH,
        Quantity::RainLPerH,
    ];
    FLOWS
        .into_iter()
        .filter_map(|quantity| table.total(asset, quantity, shown))
        .map(|reading| reading.value)
        .reduce(i64::saturating_add)
}

fn ask(state: Option<i64>, limit_w: i64) -> Ask {
    match state {
        Some(1) => Ask::Asked { limit_w },
        Some(2) => Ask::Obeyed { limit_w },
        Some(3) => Ask::Missed { limit_w },
        _ => Ask::None,
    }
}

/// A turbine turns at a tip-speed ratio of 6 (three blades; Burton et al., Wind Energy Handbook, section 3.8: 6 to 8) while
/// it gives power. Where the wind is not known, at two thirds of 12 m/s by its load. For the eye only.
fn rotor_rpm(view: &AssetView, power_w: Option<i64>, weather: &Weather) -> Option<f32> {
    const TIP_SPEED_RATIO: f32 = 6.0;
    const WIND_AT_RATED_M_PER_S: f32 = 8.0;
    let AssetParameters::Wind { rotor_m, .. } = view.parameters else {
        return None;
    };
    let given_w = (-power_w?).max(0);
    if given_w == 0 {
        return Some(0.0);
    }
    let wind_m_per_s = weather.wind_m_per_s.unwrap_or_else(|| {
        let load = given_w as f32 / view.rated_w.unwrap_or(given_w).max(1) as f32;
        WIND_AT_RATED_M_PER_S * load.clamp(0.0, 1.0).cbrt()
    });
    let circumference_m = std::f32::consts::PI * rotor_m as f32;
    Some(TIP_SPEED_RATIO * wind_m_per_s / circumference_m * 60.0)
}

/// The worst quality of all points of an asset, and the faintest fade. Out of range is found here, where the asset is known.
fn trust(
    view: &AssetView,
    table: &PointTable,
    asset: AssetIndex,
    shown: Shown,
) -> (Option<Quality>, f32) {
    let mut worst = None;
    let mut faintest = 1.0_f32;
    for slot in table.points_of(asset) {
        if slot.name.quantity == Quantity::AlarmState {
            continue;
        }
        let Some(reading) = table.reading(slot, shown) else {
            continue;
        };
        let quality = quality_in_range(view, slot.name.quantity, reading);
        worst = worst.max(Some(quality));
        faintest = faintest.min(reading.fade);
    }
    (worst, faintest)
}

/// A reading's quality with the range of the asset looked at too.
pub fn quality_in_range(view: &AssetView, quantity: Quantity, reading: Reading) -> Quality {
    let is_inside = range_of(view, quantity)
        .is_none_or(|(least, most)| (least..=most).contains(&reading.value));
    if is_inside {
        reading.quality
    } else {
        reading.quality.max(Quality::OutOfRange)
    }
}

/// The values that a quantity of an asset can have, where that is known. Power may exceed the rating by a fifth: assumed.
fn range_of(view: &AssetView, quantity: Quantity) -> Option<(i64, i64)> {
    let up_to_capacity = || view.capacity().map(|capacity| (0, capacity));
    let most_w = || view.rated_w.map(|rated_w| rated_w + rated_w / 5);
    match quantity {
        Quantity::StoredWh | Quantity::LevelL | Quantity::CompostG => up_to_capacity(),
        // A bin may be heaped up to a fifth above its rim.
        Quantity::FillPermille => Some((0, 1_200)),
        Quantity::CloudPermille => Some((0, 1_000)),
        Quantity::GenerationW
        | Quantity::StorageChargeW
        | Quantity::StorageDischargeW
        | Quantity::ConsumptionW => most_w().map(|most| (0, most)),
        Quantity::StoragePowerW | Quantity::SessionPowerW => most_w().map(|most| (-most, most)),
        _ => None,
    }
}
