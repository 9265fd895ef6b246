//! Where the sun stands: one sun for the whole product.

use solar_positioning::time::JulianDate;
use solar_positioning::{Location, SolarPositions, delta_t};

use crate::park::Site;
use crate::time::UnixMillis;

const MILLIS_PER_DAY: f64 = 86_400_000.0;
/// Julian date of 1970-01-01T00:00:00Z.
const JULIAN_DATE_OF_UNIX_EPOCH: f64 = 2_440_587.5;
const DAYS_PER_YEAR: f64 = 365.2425;

/// Where the sun's middle stands, as seen without an atmosphere (no refraction).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SunPosition {
    /// Degrees clockwise from north, 0 to 360.
    pub azimuth_deg: f64,
    /// Degrees from straight up, 0 to 180; more than 90 is below the horizon.
    pub zenith_deg: f64,
}

impl SunPosition {
    /// Degrees above the horizon, negative below it.
    pub fn elevation_deg(self) -> f64 {
        90.0 - self.zenith_deg
    }
}

/// The sun's position by NREL's solar position algorithm (Reda and Andreas 2003, within 0.0003 degrees), with the
/// difference of terrestrial and universal time after Espenak and Meeus.
///
/// Latitude is in degrees north, longitude in degrees east.
///
/// # Panics
/// If latitude or longitude is outside of -90 to 90 or -180 to 180, or the year outside of -500 to 3000.
pub fn sun_position(at: UnixMillis, latitude_deg: f64, longitude_deg: f64) -> SunPosition {
    let days = at.0 as f64 / MILLIS_PER_DAY;
    let position = delta_t::estimate(1970.0 + days / DAYS_PER_YEAR)
        .and_then(|delta_t_s| JulianDate::new(days + JULIAN_DATE_OF_UNIX_EPOCH, delta_t_s))
        .and_then(|time| {
            let location = Location {
                latitude: latitude_deg,
                longitude: longitude_deg,
            };
            SolarPositions::new().at_from_julian(time, location, 0.0, None)
        })
        .expect("coordinates are on Earth and the year is one of -500 to 3000");
    SunPosition {
        azimuth_deg: position.azimuth(),
        zenith_deg: position.zenith_angle(),
    }
}

impl Site {
    /// Degrees north.
    pub fn latitude_deg(&self) -> f64 {
        f64::from(self.latitude_udeg) / 1e6
    }

    /// Degrees east.
    pub fn longitude_deg(&self) -> f64 {
        f64::from(self.longitude_udeg) / 1e6
    }

    /// The sun's position over the site's origin; see [`sun_position`].
    pub fn sun_position(&self, at: UnixMillis) -> SunPosition {
        sun_position(at, self.latitude_deg(), self.longitude_deg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_rfc3339_with_offset;

    #[test]
    fn the_worked_example_of_the_solar_position_algorithm_is_met() {
        // Reda and Andreas, NREL/TP-560-34302, appendix A.5: 2003-10-17 12:30:30 at UTC-7, 39.742476 N, 105.1786 W;
        // topocentric zenith 50.11162 (with refraction by 0.02), azimuth 194.34024 degrees. The example stands 1,830 m
        // high, which moves the zenith by less than 0.0002 degrees.
        let at = parse_rfc3339_with_offset("2003-10-17T12:30:30-07:00").unwrap();
        let sun = sun_position(UnixMillis(at.0 * 1_000), 39.742476, -105.1786);
        assert!((sun.azimuth_deg - 194.34024).abs() < 0.001, "{sun:?}");
        let refraction_deg = 0.0163;
        assert!(
            (sun.zenith_deg - refraction_deg - 50.11162).abs() < 0.002,
            "{sun:?}"
        );
    }

    #[test]
    fn at_noon_the_sun_of_beijing_stands_in_the_south_and_at_midnight_below_the_horizon() {
        let at = |text| UnixMillis(parse_rfc3339_with_offset(text).unwrap().0 * 1_000);
        let noon = sun_position(at("2025-06-21T12:17:00+08:00"), 39.73, 116.14);
        assert!((noon.azimuth_deg - 180.0).abs() < 1.5, "{noon:?}");
        assert!((noon.elevation_deg() - 73.7).abs() < 0.1, "{noon:?}");
        let midnight = sun_position(at("2025-06-21T00:17:00+08:00"), 39.73, 116.14);
        assert!(midnight.elevation_deg() < -25.0, "{midnight:?}");
    }
}
