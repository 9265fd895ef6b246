//! Water of plants and soil after FAO Irrigation and Drainage Paper 56 (Allen, Pereira, Raes and Smith 1998).

use std::f64::consts::PI;

/// Weather of one day, as the reference evapotranspiration needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DayOfWeather {
    pub min_c: f64,
    pub max_c: f64,
    /// Mean actual vapour pressure in kPa.
    pub vapour_kpa: f64,
    /// Mean wind in m/s, 2 m above ground.
    pub wind_2m_m_s: f64,
    /// Global radiation in MJ/m2.
    pub radiation_mj: f64,
    /// Heat that goes into the soil in MJ/m2; 0 for a day.
    pub soil_heat_mj: f64,
}

/// Radiation above the atmosphere over a day in MJ/m2 (equations 21 to 25). `day_of_year` counts from 1.
pub fn extraterrestrial_mj(latitude_deg: f64, day_of_year: u32) -> f64 {
    let latitude = latitude_deg.to_radians();
    let angle = 2.0 * PI / 365.0 * f64::from(day_of_year);
    let distance = 1.0 + 0.033 * angle.cos();
    let declination = 0.409 * (angle - 1.39).sin();
    let sunset = (-latitude.tan() * declination.tan())
        .clamp(-1.0, 1.0)
        .acos();
    24.0 * 60.0 / PI
        * 0.0820
        * distance
        * (sunset * latitude.sin() * declination.sin()
            + latitude.cos() * declination.cos() * sunset.sin())
}

/// Saturation vapour pressure in kPa at a temperature (equation 11).
pub fn saturation_kpa(temperature_c: f64) -> f64 {
    0.6108 * (17.27 * temperature_c / (temperature_c + 237.3)).exp()
}

/// Wind at 2 m from wind measured higher, over grass (equation 47).
pub fn wind_at_2m(wind_m_s: f64, measured_at_m: f64) -> f64 {
    wind_m_s * 4.87 / (67.8 * measured_at_m - 5.42).ln()
}

/// Reference evapotranspiration in mm a day by the Penman-Monteith equation (equation 6), from the day's extraterrestrial
/// radiation and the altitude.
pub fn reference_evapotranspiration_mm(
    day: &DayOfWeather,
    extraterrestrial_mj: f64,
    altitude_m: f64,
) -> f64 {
    const STEFAN_BOLTZMANN_MJ: f64 = 4.903e-9;
    const GRASS_ALBEDO: f64 = 0.23;
    let mean_c = (day.min_c + day.max_c) / 2.0;
    let pressure_kpa = 101.3 * ((293.0 - 0.0065 * altitude_m) / 293.0).powf(5.26);
    let psychrometric = 0.665e-3 * pressure_kpa;
    let slope = 4098.0 * saturation_kpa(mean_c) / (mean_c + 237.3).powi(2);
    let saturation = (saturation_kpa(day.min_c) + saturation_kpa(day.max_c)) / 2.0;

    let clear_sky_mj = (0.75 + 2e-5 * altitude_m) * extraterrestrial_mj;
    let clearness = (day.radiation_mj / clear_sky_mj.max(1e-9)).clamp(0.0, 1.0);
    let kelvin_4 = |celsius: f64| (celsius + 273.16).powi(4);
    let longwave_mj = STEFAN_BOLTZMANN_MJ * (kelvin_4(day.max_c) + kelvin_4(day.min_c)) / 2.0
        * (0.34 - 0.14 * day.vapour_kpa.max(0.0).sqrt())
        * (1.35 * clearness - 0.35);
    let net_mj = (1.0 - GRASS_ALBEDO) * day.radiation_mj - longwave_mj;

    let radiation_term = 0.408 * slope * (net_mj - day.soil_heat_mj);
    let wind_term =
        psychrometric * 900.0 / (mean_c + 273.0) * day.wind_2m_m_s * (saturation - day.vapour_kpa);
    let et0 =
        (radiation_term + wind_term) / (slope + psychrometric * (1.0 + 0.34 * day.wind_2m_m_s));
    et0.max(0.0)
}

/// What grows on a piece of ground and how deep it roots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planting {
    /// Crop coefficient: evapotranspiration against the reference.
    pub kc: f64,
    /// Water between field capacity and wilting, in mm of the rooted soil.
    pub available_mm: f64,
    /// Share of it that may be missing before the plants suffer.
    pub depletion_share: f64,
    /// Share of the water given that reaches the roots.
    pub irrigation_efficiency: f64,
}

impl Planting {
    /// Lawn and flowers: cool-season turf (table 12), loam rooted 0.5 m deep, sprinklers. Assumed.
    pub const LAWN: Planting = Planting {
        kc: 0.85,
        available_mm: 80.0,
        depletion_share: 0.45,
        irrigation_efficiency: 0.75,
    };
    /// Native trees and shrubs: landscape coefficient, loam rooted 1 m deep, drip lines. Assumed.
    pub const WOOD: Planting = Planting {
        kc: 0.50,
        available_mm: 150.0,
        depletion_share: 0.50,
        irrigation_efficiency: 0.90,
    };
}

/// The water that is missing in the rooted soil (root-zone depletion, chapter 8).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Soil {
    pub planting: Planting,
    depletion_mm: f64,
}

impl Soil {
    /// Soil that lacks a quarter of its available water.
    pub fn new(planting: Planting) -> Soil {
        Soil {
            planting,
            depletion_mm: planting.available_mm / 4.0,
        }
    }

    /// How much is missing to field capacity, in mm.
    pub fn depletion_mm(&self) -> f64 {
        self.depletion_mm
    }

    /// Stress coefficient Ks, 1 for plants that lack nothing (equation 84).
    pub fn stress(&self) -> f64 {
        let Planting {
            available_mm,
            depletion_share,
            ..
        } = self.planting;
        ((available_mm - self.depletion_mm) / ((1.0 - depletion_share) * available_mm))
            .clamp(0.0, 1.0)
    }

    /// Lets a day pass: evapotranspiration, rain that infiltrates, and water given (equation 85; what is too much drains).
    pub fn pass_day(&mut self, et0_mm: f64, infiltrated_rain_mm: f64, irrigation_mm: f64) {
        let crop_mm = et0_mm * self.planting.kc * self.stress();
        let reached_mm = infiltrated_rain_mm + irrigation_mm * self.planting.irrigation_efficiency;
        self.depletion_mm =
            (self.depletion_mm + crop_mm - reached_mm).clamp(0.0, self.planting.available_mm);
    }

    /// Water to give, in mm, once more is missing than the plants bear; fills the soil up.
    pub fn need_mm(&self) -> f64 {
        let bearable_mm = self.planting.depletion_share * self.planting.available_mm;
        if self.depletion_mm <= bearable_mm {
            return 0.0;
        }
        self.depletion_mm / self.planting.irrigation_efficiency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, within: f64) {
        assert!(
            (value - expected).abs() <= within,
            "{value} is not {expected} within {within}"
        );
    }

    #[test]
    fn extraterrestrial_radiation_is_that_of_example_8() {
        // 3 September (day 246) at 20 degrees south: 32.2 MJ/m2.
        near(extraterrestrial_mj(-20.0, 246), 32.2, 0.05);
    }

    #[test]
    fn reference_evapotranspiration_is_that_of_example_17() {
        // Bangkok in April, 13.73 N, 2 m: 5.72 mm a day.
        let extraterrestrial = extraterrestrial_mj(13.73, 105);
        near(extraterrestrial, 38.06, 0.05);
        let april = DayOfWeather {
            min_c: 25.6,
            max_c: 34.8,
            vapour_kpa: 2.85,
            wind_2m_m_s: 2.0,
            radiation_mj: 22.65,
            soil_heat_mj: 0.14,
        };
        near(
            reference_evapotranspiration_mm(&april, extraterrestrial, 2.0),
            5.72,
            0.02,
        );
    }

    #[test]
    fn reference_evapotranspiration_is_that_of_example_18() {
        // Brussels on 6 July (day 187), 50.80 N, 100 m: 3.9 mm.
        let extraterrestrial = extraterrestrial_mj(50.80, 187);
        near(extraterrestrial, 41.09, 0.05);
        let day = DayOfWeather {
            min_c: 12.3,
            max_c: 21.5,
            vapour_kpa: 1.409,
            wind_2m_m_s: wind_at_2m(10.0 / 3.6, 10.0),
            radiation_mj: 22.07,
            soil_heat_mj: 0.0,
        };
        near(day.wind_2m_m_s, 2.078, 0.002);
        near(
            reference_evapotranspiration_mm(&day, extraterrestrial, 100.0),
            3.88,
            0.02,
        );
    }

    #[test]
    fn soil_dries_until_it_needs_water_and_is_full_after_it_got_it() {
        let mut soil = Soil::new(Planting::LAWN);
        let mut days = 0;
        while soil.need_mm() == 0.0 {
            soil.pass_day(5.0, 0.0, 0.0);
            days += 1;
        }
        assert_eq!(days, 4);
        let need_mm = soil.need_mm();
        soil.pass_day(0.0, 0.0, need_mm);
        assert!(soil.depletion_mm() < 1e-9);
        soil.pass_day(0.0, 100.0, 0.0);
        assert_eq!(soil.depletion_mm(), 0.0);
    }

    #[test]
    fn parched_plants_drink_less_and_soil_never_lacks_more_than_it_holds() {
        let mut soil = Soil::new(Planting::WOOD);
        for _ in 0..1_000 {
            soil.pass_day(8.0, 0.0, 0.0);
        }
        assert!(soil.stress() < 0.01);
        assert!(soil.depletion_mm() <= Planting::WOOD.available_mm);
    }
}
