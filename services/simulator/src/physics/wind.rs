//! Wind turbines: wind at hub height, density of the air there, power from both. Formulas as in windpowerlib.

use std::f64::consts::PI;

/// Density of air that power curves are given for, kg/m3.
pub const STANDARD_DENSITY: f64 = 1.225;

/// Wind in m/s at `height_m` by the power law (Hellman); 1/7 is the usual exponent on open land.
pub fn power_law(wind_m_s: f64, measured_at_m: f64, height_m: f64, exponent: f64) -> f64 {
    wind_m_s * (height_m / measured_at_m).powf(exponent)
}

/// Wind in m/s at `height_m` by the logarithmic profile over ground of `roughness_m` with obstacles of `obstacle_m`
/// (Quaschning 2019, equation 5.12; displacement 0.7 of the obstacles).
pub fn logarithmic_profile(
    wind_m_s: f64,
    measured_at_m: f64,
    height_m: f64,
    roughness_m: f64,
    obstacle_m: f64,
) -> f64 {
    let displacement_m = 0.7 * obstacle_m;
    wind_m_s * ((height_m - displacement_m) / roughness_m).ln()
        / ((measured_at_m - displacement_m) / roughness_m).ln()
}

/// Density in kg/m3 at hub height by the barometric formula, from the pressure in Pa at `pressure_height_m` and the
/// temperature in K at the hub: the pressure falls by 1 hPa every 8 m.
pub fn hub_density(pressure_pa: f64, pressure_height_m: f64, hub_height_m: f64, hub_k: f64) -> f64 {
    const STANDARD_PRESSURE_PA: f64 = 101_330.0;
    const STANDARD_K: f64 = 288.15;
    let hub_hpa = pressure_pa / 100.0 - (hub_height_m - pressure_height_m) / 8.0;
    hub_hpa * STANDARD_DENSITY * STANDARD_K * 100.0 / (STANDARD_PRESSURE_PA * hub_k)
}

/// Power against wind, between the wind a turbine starts and stops at.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerCurve {
    /// Wind in m/s and power in W, both growing.
    points: Vec<(f64, f64)>,
}

/// A turbine starts at this wind, m/s. Assumed, as is usual for machines of today.
const CUT_IN_M_S: f64 = 3.0;
/// ... and stops at this one.
const CUT_OUT_M_S: f64 = 25.0;
/// Share of the wind's power that the rotor takes below its rating. Assumed; Betz's limit is 0.593.
const POWER_COEFFICIENT: f64 = 0.42;

impl PowerCurve {
    /// A curve for a machine of which only rating and rotor are known: a constant power coefficient until the rating is
    /// reached, at the standard density.
    pub fn of_rotor(rated_w: f64, rotor_m: f64) -> PowerCurve {
        let swept_m2 = PI * rotor_m * rotor_m / 4.0;
        let power =
            |wind: f64| 0.5 * STANDARD_DENSITY * swept_m2 * POWER_COEFFICIENT * wind.powi(3);
        let steps = ((CUT_OUT_M_S - CUT_IN_M_S) * 4.0) as usize;
        let points = (0..=steps)
            .map(|step| {
                let wind = CUT_IN_M_S + step as f64 / 4.0;
                (wind, power(wind).min(rated_w))
            })
            .collect();
        PowerCurve { points }
    }

    /// Power in W at the standard density, straight between the points and nothing outside of them.
    pub fn power_w(&self, wind_m_s: f64) -> f64 {
        let after = self.points.partition_point(|(wind, _)| *wind < wind_m_s);
        match (
            after.checked_sub(1).map(|before| self.points[before]),
            self.points.get(after),
        ) {
            (Some((wind0, power0)), Some((wind1, power1))) => {
                power0 + (power1 - power0) * (wind_m_s - wind0) / (wind1 - wind0)
            }
            (None, Some((wind, power))) if *wind == wind_m_s => *power,
            _ => 0.0,
        }
    }

    /// Power in W in air of another density: the curve's winds are moved (Svenningsen 2010).
    pub fn power_at_density_w(&self, wind_m_s: f64, density: f64) -> f64 {
        // The exponent belongs to the wind of the curve, which is the one that is looked for; two rounds bring it
        // within 0.01 m/s for densities from 0.9 to 1.4.
        let ratio = STANDARD_DENSITY / density;
        let mut of_curve = wind_m_s;
        for _ in 0..2 {
            of_curve = wind_m_s / ratio.powf(density_exponent(of_curve));
        }
        self.power_w(of_curve)
    }
}

fn density_exponent(wind_m_s: f64) -> f64 {
    (wind_m_s / 15.0 - 1.0 / 6.0).clamp(1.0 / 3.0, 2.0 / 3.0)
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
    fn wind_profiles_are_windpowerlibs() {
        // windpowerlib tests/test_wind_speed.py: 5 and 6.5 m/s at 10 m, hub at 100 m, roughness 0.15 m.
        near(
            logarithmic_profile(5.0, 10.0, 100.0, 0.15, 0.0),
            7.74136523,
            1e-6,
        );
        near(
            logarithmic_profile(6.5, 10.0, 100.0, 0.15, 12.0),
            17.61402865,
            1e-6,
        );
        let exponent = 1.0 / (100.0_f64 / 0.15).ln();
        near(power_law(5.0, 10.0, 100.0, exponent), 7.12462437, 1e-6);
    }

    #[test]
    fn density_is_windpowerlibs() {
        // windpowerlib tests/test_density.py: 101,125 Pa at 0 m and 267 K at the hub of 100 m.
        near(hub_density(101_125.0, 0.0, 100.0, 267.0), 1.30305336, 1e-6);
    }

    #[test]
    fn a_turbine_starts_reaches_its_rating_and_stops() {
        let curve = PowerCurve::of_rotor(2.5e6, 121.0);
        assert_eq!(curve.power_w(2.9), 0.0);
        assert!(curve.power_w(3.0) > 0.0);
        near(
            curve.power_w(6.0),
            0.5 * 1.225 * PI * 121.0 * 121.0 / 4.0 * 0.42 * 216.0,
            1.0,
        );
        assert_eq!(curve.power_w(12.0), 2.5e6);
        assert_eq!(curve.power_w(25.0), 2.5e6);
        assert_eq!(curve.power_w(25.1), 0.0);
    }

    #[test]
    fn thin_air_gives_less_below_the_rating_and_the_same_above() {
        let curve = PowerCurve::of_rotor(2.5e6, 121.0);
        near(
            curve.power_at_density_w(6.0, 1.225),
            curve.power_w(6.0),
            1e-6,
        );
        // Below 7.5 m/s the exponent is 1/3, so power is in proportion to density.
        near(
            curve.power_at_density_w(6.0, 1.1025) / curve.power_w(6.0),
            0.9,
            0.01,
        );
        assert_eq!(curve.power_at_density_w(20.0, 1.0), 2.5e6);
    }
}
