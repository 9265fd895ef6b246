//! Panels and inverters: PVWatts version 5 (Dobos 2014, NREL/TP-6A20-62641) behind a cell temperature.

/// Cell temperature in degrees C (Faiman 2008): `25.0` and `6.84` W/m2K are his coefficients for an open rack.
pub fn faiman_cell_c(in_plane_w_m2: f64, air_c: f64, wind_m_s: f64) -> f64 {
    air_c + in_plane_w_m2 / (25.0 + 6.84 * wind_m_s)
}

/// How panels are mounted, for the cell temperature of King et al. 2004 (SAND2004-3535, table 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SapmMounting {
    /// Empirical coefficients a and b.
    pub a: f64,
    pub b: f64,
    /// Cell above module back at 1000 W/m2, in K.
    pub cell_above_back_k: f64,
}

impl SapmMounting {
    /// Glass on both sides in an open rack.
    pub const OPEN_RACK_GLASS_GLASS: SapmMounting = SapmMounting {
        a: -3.47,
        b: -0.0594,
        cell_above_back_k: 3.0,
    };
}

/// Cell temperature in degrees C by the Sandia array performance model (King et al. 2004, equations 11 and 12).
pub fn sapm_cell_c(in_plane_w_m2: f64, air_c: f64, wind_m_s: f64, mounting: SapmMounting) -> f64 {
    let back_c = in_plane_w_m2 * (mounting.a + mounting.b * wind_m_s).exp() + air_c;
    back_c + in_plane_w_m2 / 1000.0 * mounting.cell_above_back_k
}

/// Direct-current power in W of panels rated `rated_w` at 1000 W/m2 and 25 C; `gamma_per_k` is negative, about -0.0035
/// for crystalline silicon.
pub fn pvwatts_dc_w(in_plane_w_m2: f64, cell_c: f64, rated_w: f64, gamma_per_k: f64) -> f64 {
    in_plane_w_m2 * 0.001 * rated_w * (1.0 + gamma_per_k * (cell_c - 25.0))
}

/// Losses of a system, each a share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PvLosses {
    pub soiling: f64,
    pub shading: f64,
    pub snow: f64,
    pub mismatch: f64,
    pub wiring: f64,
    pub connections: f64,
    pub light_induced_degradation: f64,
    pub nameplate: f64,
    pub age: f64,
    pub availability: f64,
}

impl PvLosses {
    /// The defaults of PVWatts version 5, table 2; together 14.08 %.
    pub const PVWATTS: PvLosses = PvLosses {
        soiling: 0.02,
        shading: 0.03,
        snow: 0.0,
        mismatch: 0.02,
        wiring: 0.02,
        connections: 0.005,
        light_induced_degradation: 0.015,
        nameplate: 0.01,
        age: 0.0,
        availability: 0.03,
    };

    /// The share that is lost, each loss taken from what the others leave.
    pub fn share(&self) -> f64 {
        let losses = [
            self.soiling,
            self.shading,
            self.snow,
            self.mismatch,
            self.wiring,
            self.connections,
            self.light_induced_degradation,
            self.nameplate,
            self.age,
            self.availability,
        ];
        1.0 - losses.iter().map(|loss| 1.0 - loss).product::<f64>()
    }
}

/// Alternating-current power in W behind an inverter that takes at most `rated_dc_w`; nominal efficiency 0.96 of 0.9637
/// (PVWatts version 5, equations 10 to 12).
pub fn pvwatts_inverter_w(dc_w: f64, rated_dc_w: f64) -> f64 {
    const NOMINAL: f64 = 0.96;
    const REFERENCE: f64 = 0.9637;
    let load = dc_w / rated_dc_w;
    if load <= 0.0 {
        return 0.0;
    }
    let efficiency = NOMINAL / REFERENCE * (-0.0162 * load - 0.0059 / load + 0.9858);
    (efficiency * dc_w).clamp(0.0, NOMINAL * rated_dc_w)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-5, "{value} is not {expected}");
    }

    #[test]
    fn cell_temperatures_are_pvlibs() {
        // pvlib tests/test_temperature.py: faiman(900, 20, 5) and sapm_cell(900, 20, 5, -3.47, -.0594, 3).
        near(faiman_cell_c(900.0, 20.0, 5.0), 35.20270);
        let cell = sapm_cell_c(900.0, 20.0, 5.0, SapmMounting::OPEN_RACK_GLASS_GLASS);
        assert!((cell - 43.509).abs() < 0.001, "{cell}");
    }

    #[test]
    fn panels_and_losses_are_pvlibs() {
        // pvlib tests/test_pvsystem.py: pvwatts_dc(900, 30, 100, -0.003) and pvwatts_losses().
        near(pvwatts_dc_w(900.0, 30.0, 100.0, -0.003), 88.65);
        assert!((PvLosses::PVWATTS.share() - 0.140_757).abs() < 1e-4);
    }

    #[test]
    fn inverters_are_pvlibs() {
        // pvlib tests/test_inverter.py: pvwatts(90, 100, 0.95) with its eta_inv_ref; ours has 0.96.
        near(pvwatts_inverter_w(90.0, 100.0) * 0.95 / 0.96, 85.58556604);
        near(pvwatts_inverter_w(0.0, 100.0), 0.0);
        near(pvwatts_inverter_w(1_000.0, 100.0), 96.0);
    }
}
