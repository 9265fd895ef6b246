//! The weather over a park: generated from a climate's normals, or read from a file of hourly values.

mod climate;
mod file;

use terrarium_model::{Site, SunPosition, TimeZone, UnixMillis, UnixSeconds};

pub use climate::{Climate, MonthlyNormals};
pub use file::{HourlyWeather, WeatherFileProblem};

use crate::calendar::{Date, LocalTime};
use crate::physics::sky::{self, Irradiance};

/// Where the weather is.
#[derive(Debug, Clone)]
pub struct Location {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    pub altitude_m: f64,
    pub time_zone: TimeZone,
}

impl Location {
    /// The place of a park; sea level where its definition gives no height.
    pub fn of_site(site: &Site, time_zone: TimeZone) -> Location {
        Location {
            latitude_deg: site.latitude_deg(),
            longitude_deg: site.longitude_deg(),
            altitude_m: site.elevation_m.unwrap_or(0) as f64,
            time_zone,
        }
    }

    /// The sun's position.
    pub fn sun(&self, at: UnixSeconds) -> SunPosition {
        terrarium_model::sun_position(
            UnixMillis(at.0 * 1_000),
            self.latitude_deg,
            self.longitude_deg,
        )
    }
}

/// Weather over one interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeatherStep {
    /// Where the sun stands in the middle of the interval.
    pub sun: SunPosition,
    /// Above the atmosphere, facing the sun, W/m2.
    pub extraterrestrial: f64,
    /// Mean over the interval.
    pub sky: Irradiance,
    pub air_c: f64,
    /// 10 m above ground.
    pub wind_m_s: f64,
    pub pressure_pa: f64,
    /// Actual vapour pressure.
    pub vapour_kpa: f64,
    /// Fallen in the interval.
    pub rain_mm: f64,
    /// Share of the sky that is covered, 0 to 1.
    pub cloud: f64,
}

/// Where the weather comes from.
pub struct Weather {
    climate: Climate,
    /// Replaces the climate's; rain stays the climate's where the file has none.
    file: Option<HourlyWeather>,
}

impl Weather {
    /// Weather that follows from a seed and the normals of Beijing.
    pub fn generated(location: Location, seed: u64) -> Weather {
        Weather {
            climate: Climate::new(location, MonthlyNormals::BEIJING, seed),
            file: None,
        }
    }

    /// The weather of a file, over and over each year.
    pub fn from_file(location: Location, seed: u64, file: HourlyWeather) -> Weather {
        Weather {
            file: Some(file),
            ..Weather::generated(location, seed)
        }
    }

    /// Whether the file has no rain, so that the generator's falls.
    pub fn lacks_rain(&self) -> bool {
        self.file.as_ref().is_some_and(|file| !file.has_rain())
    }

    /// The weather over an interval.
    pub fn step(&mut self, start: UnixSeconds, seconds: u32) -> WeatherStep {
        let middle = UnixSeconds(start.0 + i64::from(seconds) / 2);
        let location = self.climate.location();
        let sun = location.sun(middle);
        let local = LocalTime::of(middle, &location.time_zone);
        let extraterrestrial = sky::extraterrestrial(Date::of_day(local.day).day_of_year());
        let mut step = self.climate.step(start, seconds, sun, extraterrestrial);
        if let Some(file) = &self.file {
            file.replace(&mut step, start, seconds, self.climate.location());
        }
        step
    }
}
