//! Heat pumps, solar collectors and chillers.

/// Coefficient of performance of an air-source heat pump that lifts heat by `lift_k` (Staffell et al. 2012, Energy and
/// Environmental Science 5:9291, figure 3; measured for 15 to 60 K, and held at those ends).
pub fn air_source_cop(lift_k: f64) -> f64 {
    let lift_k = lift_k.clamp(15.0, 60.0);
    6.81 - 0.121 * lift_k + 0.000630 * lift_k * lift_k
}

/// The same of a ground-source (or water-source) heat pump; measured for 20 to 60 K.
pub fn ground_source_cop(lift_k: f64) -> f64 {
    let lift_k = lift_k.clamp(20.0, 60.0);
    8.77 - 0.150 * lift_k + 0.000734 * lift_k * lift_k
}

/// Heat in W of a flat-plate collector: zero-loss efficiency 0.75, losses 3.5 W/m2K and 0.015 W/m2K2 (form of ISO 9806;
/// the figures are assumed, typical for selective flat plates).
pub fn flat_plate_w(area_m2: f64, in_plane_w_m2: f64, above_air_k: f64) -> f64 {
    let above_air_k = above_air_k.max(0.0);
    let per_m2 = 0.75 * in_plane_w_m2 - 3.5 * above_air_k - 0.015 * above_air_k * above_air_k;
    area_m2 * per_m2.max(0.0)
}

/// Coefficient of performance of a chiller as a share of Carnot's, evaporating at 5 C and condensing 12 K above the air;
/// share and temperatures are assumed.
pub fn chiller_cop(air_c: f64) -> f64 {
    const EVAPORATION_K: f64 = 278.15;
    const SHARE_OF_CARNOT: f64 = 0.5;
    let condensation_k = (air_c + 12.0 + 273.15).max(EVAPORATION_K + 15.0);
    SHARE_OF_CARNOT * EVAPORATION_K / (condensation_k - EVAPORATION_K)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_of_performance_are_staffells() {
        // The regression's values at 25, 35, 45 and 55 K.
        for (lift_k, expected) in [(25.0, 4.18), (35.0, 3.35), (45.0, 2.64), (55.0, 2.06)] {
            let cop = air_source_cop(lift_k);
            assert!((cop - expected).abs() < 0.005, "{lift_k} K: {cop}");
        }
        assert!((ground_source_cop(35.0) - 4.42).abs() < 0.005);
        assert_eq!(air_source_cop(80.0), air_source_cop(60.0));
    }

    #[test]
    fn a_collector_that_is_as_warm_as_the_air_has_its_optical_efficiency_and_never_cools_its_store()
    {
        assert_eq!(flat_plate_w(2.0, 1_000.0, 0.0), 1_500.0);
        assert_eq!(flat_plate_w(2.0, 50.0, 40.0), 0.0);
    }
}
