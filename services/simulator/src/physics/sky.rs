//! Sunlight: above the atmosphere, under a clear sky, split into beam and diffuse, and on a tilted plane.
//!
//! Irradiances are in W/m2, angles in degrees. Formulas follow pvlib-python (Holmgren et al. 2018), so that its figures
//! are ours.

use std::f64::consts::PI;

use terrarium_model::SunPosition;

/// Irradiance of the sky in W/m2.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Irradiance {
    /// Global, on the horizontal.
    pub ghi: f64,
    /// Direct, on a plane that faces the sun.
    pub dni: f64,
    /// Diffuse, on the horizontal.
    pub dhi: f64,
}

/// Which way a plane faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// From the horizontal.
    pub tilt_deg: f64,
    /// Clockwise from north.
    pub azimuth_deg: f64,
}

/// How diffuse light is moved to a tilted plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkyModel {
    /// Every part of the sky is as bright as any other.
    Isotropic,
    /// The sun's surroundings are brighter (Hay and Davies 1980).
    HayDavies,
    /// The sun's surroundings and the horizon are brighter (Perez et al. 1990).
    Perez,
}

/// The light's share that the ground gives back. Urban ground, as in pvlib's table.
pub const URBAN_ALBEDO: f64 = 0.18;

/// Solar constant of Spencer's series as pvlib takes it, W/m2.
const SOLAR_CONSTANT: f64 = 1366.1;

/// Irradiance above the atmosphere on a plane that faces the sun (Spencer 1971). `day_of_year` counts from 1.
pub fn extraterrestrial(day_of_year: u32) -> f64 {
    let angle = 2.0 * PI * (f64::from(day_of_year) - 1.0) / 365.0;
    SOLAR_CONSTANT
        * (1.00011
            + 0.034221 * angle.cos()
            + 0.00128 * angle.sin()
            + 0.000719 * (2.0 * angle).cos()
            + 0.000077 * (2.0 * angle).sin())
}

/// Air mass relative to the zenith (Kasten and Young 1989); `None` when the sun is down.
pub fn relative_air_mass(zenith_deg: f64) -> Option<f64> {
    (zenith_deg <= 90.0).then(|| {
        1.0 / (cos_deg(zenith_deg) + 0.50572 * (6.07995 + (90.0 - zenith_deg)).powf(-1.6364))
    })
}

/// Pressure in Pa of the standard atmosphere at an altitude in m, as pvlib's `alt2pres`.
pub fn pressure_at(altitude_m: f64) -> f64 {
    100.0 * ((44331.514 - altitude_m) / 11880.516).powf(1.0 / 0.1902632)
}

/// Global irradiance under a clear sky from the zenith alone (Haurwitz 1945).
pub fn haurwitz(zenith_deg: f64) -> f64 {
    let cos_zenith = cos_deg(zenith_deg);
    if cos_zenith <= 0.0 {
        return 0.0;
    }
    1098.0 * cos_zenith * (-0.059 / cos_zenith).exp()
}

/// Irradiance under a clear sky (Ineichen and Perez 2002). Linke turbidity is about 3 in clean air, 5 to 7 in a city's
/// summer haze.
pub fn ineichen(
    zenith_deg: f64,
    altitude_m: f64,
    linke_turbidity: f64,
    extraterrestrial: f64,
) -> Irradiance {
    let cos_zenith = cos_deg(zenith_deg).max(0.0);
    let Some(relative) = relative_air_mass(zenith_deg) else {
        return Irradiance::default();
    };
    if cos_zenith <= 0.0 {
        return Irradiance::default();
    }
    let air_mass = relative * pressure_at(altitude_m) / 101_325.0;
    let fh1 = (-altitude_m / 8000.0).exp();
    let fh2 = (-altitude_m / 1250.0).exp();
    let cg1 = 5.09e-5 * altitude_m + 0.868;
    let cg2 = 3.92e-5 * altitude_m + 0.0387;
    let ghi = cg1
        * extraterrestrial
        * cos_zenith
        * (-cg2 * air_mass * (fh1 + fh2 * (linke_turbidity - 1.0))).exp();
    let b = 0.664 + 0.163 / fh1;
    let beam = extraterrestrial * b * (-0.09 * air_mass * (linke_turbidity - 1.0)).exp();
    let beam_share =
        (1.0 - (0.1 - 0.2 * (-linke_turbidity).exp()) / (0.1 + 0.882 / fh1)) / cos_zenith;
    let dni = beam.min(ghi * beam_share.clamp(0.0, 1e20));
    Irradiance {
        ghi,
        dni,
        dhi: ghi - dni * cos_zenith,
    }
}

/// Splits global irradiance into direct and diffuse (Erbs, Klein and Duffie 1982). Within 3 degrees of the horizon all of
/// it counts as diffuse, as in pvlib.
pub fn erbs(ghi: f64, zenith_deg: f64, extraterrestrial: f64) -> Irradiance {
    let horizontal = extraterrestrial * cos_deg(zenith_deg).max(0.065);
    let kt = (ghi / horizontal).clamp(0.0, 1.0);
    let diffuse_share = if kt <= 0.22 {
        1.0 - 0.09 * kt
    } else if kt <= 0.8 {
        0.9511 - 0.1604 * kt + 4.388 * kt.powi(2) - 16.638 * kt.powi(3) + 12.336 * kt.powi(4)
    } else {
        0.165
    };
    let dhi = diffuse_share * ghi;
    let dni = (ghi - dhi) / cos_deg(zenith_deg);
    if zenith_deg > 87.0 || ghi < 0.0 || dni < 0.0 {
        return Irradiance {
            ghi,
            dni: 0.0,
            dhi: ghi,
        };
    }
    Irradiance { ghi, dni, dhi }
}

/// Cosine of the angle between the sun and the plane's upright; negative when the sun is behind it.
pub fn incidence_cosine(plane: Plane, sun: SunPosition) -> f64 {
    let (tilt, zenith) = (plane.tilt_deg.to_radians(), sun.zenith_deg.to_radians());
    let turn = (sun.azimuth_deg - plane.azimuth_deg).to_radians();
    (tilt.cos() * zenith.cos() + tilt.sin() * zenith.sin() * turn.cos()).clamp(-1.0, 1.0)
}

/// Irradiance in a tilted plane: direct, diffuse from the sky, and what the ground gives back.
pub fn in_plane(
    plane: Plane,
    sun: SunPosition,
    sky: Irradiance,
    extraterrestrial: f64,
    albedo: f64,
    model: SkyModel,
) -> f64 {
    let cos_tilt = cos_deg(plane.tilt_deg);
    let cos_incidence = incidence_cosine(plane, sun).max(0.0);
    let from_sky = match model {
        SkyModel::Isotropic => sky.dhi * 0.5 * (1.0 + cos_tilt),
        SkyModel::HayDavies => {
            let anisotropy = sky.dni / extraterrestrial;
            let beam_ratio = cos_incidence / cos_deg(sun.zenith_deg).max(0.01745);
            sky.dhi
                * (anisotropy * beam_ratio + (1.0 - anisotropy) * 0.5 * (1.0 + cos_tilt)).max(0.0)
        }
        SkyModel::Perez => perez_diffuse(plane, sun, sky, extraterrestrial, cos_incidence),
    };
    let from_ground = sky.ghi * albedo * 0.5 * (1.0 - cos_tilt);
    sky.dni * cos_incidence + from_sky + from_ground
}

/// Upper ends of the first seven of eight bins of sky clearness (Perez et al. 1990, table 1).
const PEREZ_BINS: [f64; 7] = [1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2];
/// f11, f12, f13, f21, f22, f23 of each bin ("all sites composite 1990").
const PEREZ_COEFFICIENTS: [[f64; 6]; 8] = [
    [-0.0080, 0.5880, -0.0620, -0.0600, 0.0720, -0.0220],
    [0.1300, 0.6830, -0.1510, -0.0190, 0.0660, -0.0290],
    [0.3300, 0.4870, -0.2210, 0.0550, -0.0640, -0.0260],
    [0.5680, 0.1870, -0.2950, 0.1090, -0.1520, -0.0140],
    [0.8730, -0.3920, -0.3620, 0.2260, -0.4620, 0.0010],
    [1.1320, -1.2370, -0.4120, 0.2880, -0.8230, 0.0560],
    [1.0600, -1.6000, -0.3590, 0.2640, -1.1270, 0.1310],
    [0.6780, -0.3270, -0.2500, 0.1560, -1.3770, 0.2510],
];

fn perez_diffuse(
    plane: Plane,
    sun: SunPosition,
    sky: Irradiance,
    extraterrestrial: f64,
    cos_incidence: f64,
) -> f64 {
    let Some(air_mass) = relative_air_mass(sun.zenith_deg) else {
        return 0.0;
    };
    if sky.dhi <= 0.0 {
        return 0.0;
    }
    let zenith = sun.zenith_deg.to_radians();
    let kappa_z3 = 1.041 * zenith.powi(3);
    let brightness = sky.dhi * air_mass / extraterrestrial;
    let clearness = ((sky.dhi + sky.dni) / sky.dhi + kappa_z3) / (1.0 + kappa_z3);
    let bin = PEREZ_BINS.iter().filter(|end| clearness >= **end).count();
    let [f11, f12, f13, f21, f22, f23] = PEREZ_COEFFICIENTS[bin];
    let around_sun = (f11 + f12 * brightness + f13 * zenith).max(0.0);
    let at_horizon = f21 + f22 * brightness + f23 * zenith;
    let beam_ratio = cos_incidence / cos_deg(sun.zenith_deg).max(cos_deg(85.0));
    let tilt = plane.tilt_deg.to_radians();
    let isotropic = 0.5 * (1.0 - around_sun) * (1.0 + tilt.cos());
    (sky.dhi * (isotropic + around_sun * beam_ratio + at_horizon * tilt.sin())).max(0.0)
}

fn cos_deg(angle_deg: f64) -> f64 {
    angle_deg.to_radians().cos()
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
    fn extraterrestrial_irradiance_is_that_of_spencers_series() {
        // pvlib 0.16 get_extra_radiation(300), (4) and (180).
        near(extraterrestrial(300), 1383.6362028955045, 1e-9);
        near(extraterrestrial(4), 1414.0153529248955, 1e-9);
        near(extraterrestrial(180), 1320.6535361857293, 1e-9);
    }

    #[test]
    fn air_mass_doubles_at_sixty_degrees_and_is_38_at_the_horizon() {
        near(relative_air_mass(0.0).unwrap(), 1.0, 0.001);
        near(relative_air_mass(60.0).unwrap(), 1.994, 0.001);
        // Kasten and Young 1989, table: 37.92 at the horizon.
        near(relative_air_mass(90.0).unwrap(), 37.92, 0.01);
        assert_eq!(relative_air_mass(90.1), None);
    }

    #[test]
    fn haurwitz_gives_pvlibs_documented_values() {
        // pvlib tests/test_clearsky.py, by apparent elevation.
        for (elevation_deg, expected) in [
            (-20.0, 0.0),
            (-0.05, 0.0),
            (5.0, 48.6298687941956),
            (10.0, 135.741748091813),
            (30.0, 487.894132885425),
            (90.0, 1035.09203253450),
        ] {
            near(haurwitz(90.0 - elevation_deg), expected, 1e-6);
        }
    }

    #[test]
    fn erbs_gives_pvlibs_documented_values() {
        // pvlib 0.16 erbs(50, 85, 180) and erbs(1000, 10, 180).
        let extra = extraterrestrial(180);
        let split = erbs(50.0, 85.0, extra);
        near(split.dni, 123.41677945, 1e-6);
        near(split.dhi, 39.24351892, 1e-6);
        let split = erbs(1000.0, 10.0, extra);
        near(split.dni, 842.33927653, 1e-6);
        near(split.dhi, 170.45774981, 1e-6);
        assert_eq!(erbs(0.0, 120.0, extra).dni, 0.0);
    }

    #[test]
    fn a_flat_plane_gets_the_global_irradiance_whatever_the_sky_model() {
        let sun = SunPosition {
            azimuth_deg: 150.0,
            zenith_deg: 40.0,
        };
        let flat = Plane {
            tilt_deg: 0.0,
            azimuth_deg: 180.0,
        };
        let sky = erbs(600.0, 40.0, 1367.0);
        for model in [SkyModel::Isotropic, SkyModel::HayDavies, SkyModel::Perez] {
            near(in_plane(flat, sun, sky, 1367.0, 0.2, model), 600.0, 1e-6);
        }
    }
}
