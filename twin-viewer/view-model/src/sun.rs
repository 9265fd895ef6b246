use solar_positioning::time::JulianDate;
use solar_positioning::{RefractionCorrection, SolarPositions};

use crate::park_view::Location;

/// Where the sun stands, seen from the park.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sun {
    /// Above the horizon, with refraction; below zero it is night.
    pub elevation_deg: f32,
    /// Clockwise from north.
    pub azimuth_deg: f32,
}

impl Sun {
    /// The sun at a moment. NREL's solar position algorithm (Reda and Andreas 2004, 0.0003 degrees); `None` outside of the
    /// years that it holds for.
    pub fn at(location: Location, moment_ms: i64) -> Option<Sun> {
        const UNIX_EPOCH_JULIAN: f64 = 2_440_587.5;
        const MS_PER_DAY: f64 = 86_400_000.0;
        // Earth's rotation against atomic time in the 2020s (IERS); a second moves the sun by less than a pixel.
        const DELTA_T_S: f64 = 69.0;
        let julian = UNIX_EPOCH_JULIAN + moment_ms as f64 / MS_PER_DAY;
        let place = solar_positioning::Location {
            latitude: location.latitude_deg,
            longitude: location.longitude_deg,
        };
        let position = SolarPositions::new()
            .at_from_julian(
                JulianDate::new(julian, DELTA_T_S).ok()?,
                place,
                location.elevation_m,
                Some(RefractionCorrection::standard()),
            )
            .ok()?;
        Some(Sun {
            elevation_deg: position.elevation_angle() as f32,
            azimuth_deg: position.azimuth() as f32,
        })
    }

    /// Unit vector from the ground towards the sun: east, up, north.
    pub fn direction(&self) -> [f32; 3] {
        let (elevation, azimuth) = (
            self.elevation_deg.to_radians(),
            self.azimuth_deg.to_radians(),
        );
        [
            elevation.cos() * azimuth.sin(),
            elevation.sin(),
            elevation.cos() * azimuth.cos(),
        ]
    }

    /// 0 in the night, 1 by day, between them in civil twilight.
    pub fn daylight(&self) -> f32 {
        const CIVIL_TWILIGHT_DEG: f32 = -6.0;
        (1.0 - self.elevation_deg / CIVIL_TWILIGHT_DEG).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of Reda and Andreas 2004 (NREL/TP-560-34302, table A5.1): zenith 50.11162, azimuth 194.34024 at
    /// 820 mbar and 11 degrees C; the air here is standard, which moves it by less than 0.01 degrees.
    #[test]
    fn the_sun_stands_where_the_papers_example_has_it() {
        let golden = Location {
            latitude_deg: 39.742_476,
            longitude_deg: -105.178_6,
            elevation_m: 1_830.14,
        };
        // 2003-10-17 12:30:30, seven hours behind UTC.
        let sun = Sun::at(golden, 1_066_419_030_000).expect("2003 is in the algorithm's years");
        assert!((sun.elevation_deg - 39.888_38).abs() < 0.01, "{sun:?}");
        assert!((sun.azimuth_deg - 194.340_24).abs() < 0.01, "{sun:?}");
        assert_eq!(sun.daylight(), 1.0);
        let [east, up, north] = sun.direction();
        assert!((east * east + up * up + north * north - 1.0).abs() < 1e-5);
        assert!(north < 0.0, "at noon the sun is in the south");
    }
}
