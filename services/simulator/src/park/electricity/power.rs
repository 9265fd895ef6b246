//! How much devices make and use.

use crate::calendar::LocalTime;
use crate::physics::pv::{self, PvLosses};
use crate::physics::sky::{self, Plane, SkyModel};
use crate::physics::wind::{self, PowerCurve};
use crate::weather::WeatherStep;

/// Shading beyond that of PVWatts' defaults: panels of a park stand between trees. Calibrated, so that Haotian's 98 kW
/// yield the 112 MWh a year that were planned for them: 110 to 117 in years of six seeds, scaled from runs with 0.13.
const PARK_SHADING: f64 = 0.15;
/// Power of crystalline silicon per K, of the module's rating (PVWatts version 5, standard module: -0.47 %; -0.35 % is
/// typical of today's). Assumed.
const GAMMA_PER_K: f64 = -0.0035;
/// Exponent of the wind profile at the edge of a city. Assumed.
const HELLMAN_EXPONENT: f64 = 0.22;

pub(super) fn irradiance_in(plane: Plane, weather: &WeatherStep) -> f64 {
    if weather.sky.ghi <= 0.0 {
        return 0.0;
    }
    sky::in_plane(
        plane,
        weather.sun,
        weather.sky,
        weather.extraterrestrial,
        sky::URBAN_ALBEDO,
        SkyModel::Perez,
    )
}

pub(super) fn panels_w(in_plane: f64, weather: &WeatherStep, rated_w: f64) -> f64 {
    let cell_c = pv::faiman_cell_c(in_plane, weather.air_c, weather.wind_m_s);
    let dc_w = pv::pvwatts_dc_w(in_plane, cell_c, rated_w, GAMMA_PER_K);
    let after_losses_w = dc_w * (1.0 - PvLosses::PVWATTS.share()) * (1.0 - PARK_SHADING);
    pv::pvwatts_inverter_w(after_losses_w, rated_w)
}

pub(super) fn turbine_w(curve: &PowerCurve, hub_m: f64, weather: &WeatherStep) -> f64 {
    let at_hub = wind::power_law(weather.wind_m_s, 10.0, hub_m, HELLMAN_EXPONENT);
    let density = wind::hub_density(weather.pressure_pa, 0.0, hub_m, weather.air_c + 273.15);
    curve.power_at_density_w(at_hub, density)
}

/// How much of a building is open: 1 in the day, 0 at night, a quarter of a workplace at weekends.
pub(super) fn opening(is_workplace: bool, local: LocalTime) -> f64 {
    let open = (7.0..20.0).contains(&local.hour());
    match (open, is_workplace && local.is_weekend()) {
        (false, _) => 0.0,
        (true, true) => 0.25,
        (true, false) => 1.0,
    }
}

/// Share of a building's rating that it uses: a base, people, and heating or cooling outside of 16 to 24 C. Assumed; that
/// of places of work is calibrated, so that Yizhuang makes about half of its electricity, as was published for 2020.
pub(super) fn building_share(is_workplace: bool, local: LocalTime, air_c: f64) -> f64 {
    let (base, people) = if is_workplace {
        (0.20, 0.34)
    } else {
        (0.07, 0.15)
    };
    let beyond_k = (16.0 - air_c).max(air_c - 24.0).max(0.0);
    base + opening(is_workplace, local) * (people + 0.012 * beyond_k).min(0.6)
}
