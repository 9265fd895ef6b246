//! Hourly weather of a typical year from a file: PVGIS's TMY CSV, or EnergyPlus' EPW.

use terrarium_model::UnixSeconds;
use thiserror::Error;

use super::{Location, WeatherStep};
use crate::calendar::Date;
use crate::physics::sky::{self, Irradiance};
use crate::physics::soil;

/// Hours of a typical year, which has no 29 February.
const HOURS: usize = 8_760;

/// What is wrong with a weather file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WeatherFileProblem {
    /// Neither of the two forms.
    #[error(
        "{file}: this is neither a PVGIS TMY file (CSV with a line that starts with `time(UTC),T2m`) nor an EPW file (first line starts with `LOCATION,`); download one of the two"
    )]
    UnknownForm { file: String },
    /// A line that can't be read.
    #[error("{file}:{line}: {what}")]
    Line {
        file: String,
        line: usize,
        what: String,
    },
    /// Not a year.
    #[error(
        "{file}: {found} hours of weather are there, a year has {HOURS}; download the whole file again"
    )]
    NotAYear { file: String, found: usize },
}

#[derive(Debug, Clone, Copy)]
struct Hour {
    air_c: f64,
    humidity: f64,
    sky: Irradiance,
    wind_m_s: f64,
    pressure_pa: f64,
    rain_mm: Option<f64>,
    cloud: Option<f64>,
}

/// A typical year, hour by hour.
#[derive(Debug, Clone)]
pub struct HourlyWeather {
    hours: Vec<Hour>,
    /// Seconds from an hour's place in the year (UTC) to the instant that its irradiance belongs to.
    irradiance_offset_s: i64,
    /// The same of all other values.
    offset_s: i64,
}

impl HourlyWeather {
    /// Reads a file by its content; `file` stands before each problem.
    pub fn parse(text: &str, file: &str) -> Result<HourlyWeather, WeatherFileProblem> {
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with("LOCATION,") {
            return parse_epw(text, file);
        }
        if text.lines().any(|line| line.starts_with("time(UTC),T2m")) {
            return parse_pvgis(text, file);
        }
        Err(WeatherFileProblem::UnknownForm {
            file: file.to_owned(),
        })
    }

    /// Whether rain is in it.
    pub fn has_rain(&self) -> bool {
        self.hours
            .iter()
            .any(|hour| hour.rain_mm.is_some_and(|mm| mm > 0.0))
    }

    /// Puts this file's weather in the place of the generated one. Between the hours values lie on lines; irradiance
    /// follows the sun, with the clearness on lines.
    pub fn replace(
        &self,
        step: &mut WeatherStep,
        start: UnixSeconds,
        seconds: u32,
        location: &Location,
    ) {
        let middle = UnixSeconds(start.0 + i64::from(seconds) / 2);
        let (before, after, share) = self.around(middle, self.offset_s);
        let line = |of: fn(&Hour) -> f64| {
            of(&self.hours[before]) * (1.0 - share) + of(&self.hours[after]) * share
        };
        step.air_c = line(|hour| hour.air_c);
        step.wind_m_s = line(|hour| hour.wind_m_s);
        step.pressure_pa = line(|hour| hour.pressure_pa);
        step.vapour_kpa = line(|hour| hour.humidity * soil::saturation_kpa(hour.air_c));
        if let (Some(first), Some(second)) = (self.hours[before].cloud, self.hours[after].cloud) {
            step.cloud = first * (1.0 - share) + second * share;
        }
        if self.has_rain() {
            let of_hour = self.hours[before].rain_mm.unwrap_or(0.0);
            step.rain_mm = of_hour * f64::from(seconds) / 3_600.0;
        }
        step.sky = self.sky_at(middle, step, location);
    }

    fn sky_at(&self, at: UnixSeconds, step: &WeatherStep, location: &Location) -> Irradiance {
        const TURBIDITY: f64 = 4.0;
        let clear = |zenith_deg| {
            sky::ineichen(
                zenith_deg,
                location.altitude_m,
                TURBIDITY,
                step.extraterrestrial,
            )
            .ghi
        };
        let clear_now = clear(step.sun.zenith_deg);
        if clear_now <= 0.0 {
            return Irradiance::default();
        }
        let (before, after, share) = self.around(at, self.irradiance_offset_s);
        let into_hour_s = (share * 3_600.0) as i64;
        let sample = |hour: usize, instant: UnixSeconds| {
            let clear = clear(location.sun(instant).zenith_deg);
            let sky = self.hours[hour].sky;
            // Close to the horizon a clearness means nothing.
            (clear > 20.0 && sky.ghi > 0.0).then(|| (sky.ghi / clear, sky.dhi / sky.ghi))
        };
        let first = sample(before, UnixSeconds(at.0 - into_hour_s));
        let second = sample(after, UnixSeconds(at.0 - into_hour_s + 3_600));
        let (clearness, diffuse) = match (first, second) {
            (Some((clear0, diffuse0)), Some((clear1, diffuse1))) => (
                clear0 * (1.0 - share) + clear1 * share,
                diffuse0 * (1.0 - share) + diffuse1 * share,
            ),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return Irradiance::default(),
        };
        let ghi = clear_now * clearness.clamp(0.0, 1.3);
        let cos_zenith = step.sun.zenith_deg.to_radians().cos();
        if step.sun.zenith_deg > 87.0 {
            return Irradiance {
                ghi,
                dni: 0.0,
                dhi: ghi,
            };
        }
        let dhi = ghi * diffuse.clamp(0.0, 1.0);
        Irradiance {
            ghi,
            dni: (ghi - dhi) / cos_zenith,
            dhi,
        }
    }

    /// The two hours around an instant, and how far it is between them.
    fn around(&self, at: UnixSeconds, offset_s: i64) -> (usize, usize, f64) {
        let shifted = UnixSeconds(at.0 - offset_s);
        let date = Date::of_day(shifted.0.div_euclid(86_400));
        let second_of_day = shifted.0.rem_euclid(86_400);
        let before = hour_of_typical_year(date, second_of_day / 3_600);
        let share = (second_of_day % 3_600) as f64 / 3_600.0;
        (before, (before + 1) % HOURS, share)
    }
}

/// A 29 February has the weather of the 28th.
fn hour_of_typical_year(date: Date, hour: i64) -> usize {
    let day = if date.month == 2 {
        date.day.min(28)
    } else {
        date.day
    };
    let in_common_year = Date {
        year: 2025,
        month: date.month,
        day,
    };
    (i64::from(in_common_year.day_of_year() - 1) * 24 + hour) as usize
}

/// The fields of one line.
struct Fields<'a> {
    file: &'a str,
    line: usize,
    fields: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    fn new(file: &'a str, line: usize, text: &'a str) -> Fields<'a> {
        Fields {
            file,
            line,
            fields: text.split(',').map(str::trim).collect(),
        }
    }

    fn problem(&self, what: String) -> WeatherFileProblem {
        WeatherFileProblem::Line {
            file: self.file.to_owned(),
            line: self.line,
            what,
        }
    }

    fn number(&self, index: usize, name: &str) -> Result<f64, WeatherFileProblem> {
        let text = self.fields.get(index).copied().ok_or_else(|| {
            self.problem(format!(
                "there are {} fields and {name} should be number {}; the line was cut off, download the file again",
                self.fields.len(),
                index + 1
            ))
        })?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.problem(format!(
                "{name} is `{}`, which is no number; correct it or download the file again",
                text.chars().take(40).collect::<String>()
            ))),
        }
    }

    fn within(
        &self,
        index: usize,
        name: &str,
        least: f64,
        most: f64,
    ) -> Result<f64, WeatherFileProblem> {
        let number = self.number(index, name)?;
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        Err(self.problem(format!(
            "{name} is {number}, which is not between {least} and {most}; correct it or download the file again"
        )))
    }
}

fn parse_pvgis(text: &str, file: &str) -> Result<HourlyWeather, WeatherFileProblem> {
    let mut hours = Vec::with_capacity(HOURS);
    let mut irradiance_offset_h = 0.0;
    let mut in_table = false;
    for (index, text) in text.lines().enumerate() {
        let fields = Fields::new(file, index + 1, text);
        if let Some(offset) = text.strip_prefix("Irradiance Time Offset (h):") {
            irradiance_offset_h = Fields::new(file, index + 1, offset).within(
                0,
                "the irradiance time offset",
                -1.0,
                1.0,
            )?;
        }
        if text.starts_with("time(UTC),T2m") {
            in_table = true;
            continue;
        }
        if !in_table {
            continue;
        }
        if text.trim().is_empty() {
            break;
        }
        hours.push(Hour {
            air_c: fields.within(1, "T2m", -90.0, 60.0)?,
            humidity: fields.within(2, "RH", 0.0, 105.0)? / 100.0,
            sky: Irradiance {
                ghi: fields.within(3, "G(h)", -5.0, 1_600.0)?.max(0.0),
                dni: fields.within(4, "Gb(n)", -5.0, 1_600.0)?.max(0.0),
                dhi: fields.within(5, "Gd(h)", -5.0, 1_600.0)?.max(0.0),
            },
            wind_m_s: fields.within(7, "WS10m", 0.0, 120.0)?,
            pressure_pa: fields.within(9, "SP", 30_000.0, 110_000.0)?,
            rain_mm: None,
            cloud: None,
        });
    }
    whole_year(
        HourlyWeather {
            hours,
            irradiance_offset_s: (irradiance_offset_h * 3_600.0) as i64,
            offset_s: 0,
        },
        file,
    )
}

fn parse_epw(text: &str, file: &str) -> Result<HourlyWeather, WeatherFileProblem> {
    const HEADER_LINES: usize = 8;
    let mut hours = Vec::with_capacity(HOURS);
    let mut zone_h = 0.0;
    for (index, text) in text.lines().enumerate() {
        let fields = Fields::new(file, index + 1, text);
        if index == 0 {
            zone_h = fields.within(8, "the time zone", -12.0, 14.0)?;
        }
        if index < HEADER_LINES || text.trim().is_empty() {
            continue;
        }
        // 29 February of a leap year has no place in a typical year.
        if (fields.number(1, "the month")?, fields.number(2, "the day")?) == (2.0, 29.0) {
            continue;
        }
        let missing_at = |value: f64, missing: f64| (value < missing).then_some(value);
        hours.push(Hour {
            air_c: fields.within(6, "dry bulb temperature", -90.0, 60.0)?,
            humidity: fields.within(8, "relative humidity", 0.0, 110.0)? / 100.0,
            pressure_pa: fields.within(9, "pressure", 30_000.0, 120_000.0)?,
            sky: Irradiance {
                ghi: fields.within(13, "global horizontal radiation", 0.0, 1_600.0)?,
                dni: fields.within(14, "direct normal radiation", 0.0, 1_600.0)?,
                dhi: fields.within(15, "diffuse horizontal radiation", 0.0, 1_600.0)?,
            },
            wind_m_s: fields.within(21, "wind speed", 0.0, 120.0)?,
            cloud: missing_at(fields.number(22, "sky cover")?, 11.0).map(|tenths| tenths / 10.0),
            rain_mm: match fields.fields.get(33) {
                Some(_) => missing_at(fields.number(33, "liquid precipitation depth")?, 999.0),
                None => None,
            },
        });
    }
    // Hour 1 is the mean from 0 to 1 o'clock local standard time: half past midnight.
    let middle_s = 1_800 - (zone_h * 3_600.0) as i64;
    whole_year(
        HourlyWeather {
            hours,
            irradiance_offset_s: middle_s,
            offset_s: middle_s,
        },
        file,
    )
}

fn whole_year(weather: HourlyWeather, file: &str) -> Result<HourlyWeather, WeatherFileProblem> {
    if weather.hours.len() != HOURS {
        return Err(WeatherFileProblem::NotAYear {
            file: file.to_owned(),
            found: weather.hours.len(),
        });
    }
    Ok(weather)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use terrarium_model::TimeZone;

    use super::*;
    use crate::weather::Weather;

    fn location() -> Location {
        Location {
            latitude_deg: 39.73,
            longitude_deg: 116.14,
            altitude_m: 45.0,
            time_zone: TimeZone::named("Asia/Shanghai").unwrap(),
        }
    }

    /// A year of PVGIS with a temperature that is the hour of the day, and the sun's height as irradiance.
    fn pvgis() -> String {
        let mut text = String::from(
            "Latitude (decimal degrees): 39.730\r\nLongitude (decimal degrees): 116.140\r\nElevation (m): 45.0\r\n\r\n\
             month,year\r\n1,2015\r\ntime(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP\r\n",
        );
        for hour in 0..8_760_i64 {
            let at = UnixSeconds(1_735_689_600 + hour * 3_600);
            let up = location().sun(at).zenith_deg.to_radians().cos().max(0.0);
            writeln!(
                text,
                "2015:{hour},{},50.0,{:.1},{:.1},{:.1},300.0,2.5,180,101000.0",
                hour % 24,
                800.0 * up,
                if up > 0.0 { 600.0 } else { 0.0 },
                200.0 * up
            )
            .unwrap();
        }
        text.push_str("\r\nT2m: 2-m air temperature (degree Celsius)\r\n");
        text
    }

    #[test]
    fn values_of_a_pvgis_file_are_met_at_their_hours_and_lie_on_lines_between() {
        let file = HourlyWeather::parse(&pvgis(), "tmy.csv").unwrap();
        let mut weather = Weather::from_file(location(), 1, file);
        assert!(weather.lacks_rain());
        // 2026-06-21T04:00Z is noon in Beijing; intervals are around the instant.
        let noon = UnixSeconds(1_782_014_400);
        let step = weather.step(UnixSeconds(noon.0 - 450), 900);
        assert!((step.air_c - 4.0).abs() < 1e-9, "{step:?}");
        assert!((step.sky.ghi - 800.0 * step.sun.zenith_deg.to_radians().cos()).abs() < 1.0);
        assert!((step.sky.dni - 600.0).abs() < 5.0, "{step:?}");
        let later = weather.step(UnixSeconds(noon.0 + 450), 900);
        assert!((later.air_c - 4.25).abs() < 1e-9, "{later:?}");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let problem = |text: &str| HourlyWeather::parse(text, "w.csv").unwrap_err().to_string();
        assert!(problem("hello").contains("neither a PVGIS"));
        let broken = pvgis().replacen(",50.0,", ",wet,", 1);
        assert_eq!(
            problem(&broken),
            "w.csv:8: RH is `wet`, which is no number; correct it or download the file again"
        );
        let cut: String = pvgis()
            .lines()
            .take(100)
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(problem(&cut).contains("93 hours"), "{}", problem(&cut));
    }

    #[test]
    fn an_epw_file_is_read_in_its_zone() {
        let mut text =
            String::from("LOCATION,Beijing,Beijing,CHN,CSWD,545110,39.80,116.47,8.0,31.3\n");
        text.push_str(&"DESIGN CONDITIONS,0\n".repeat(7));
        for hour in 0..8_760 {
            let fields = [
                "2005",
                "1",
                "1",
                "1",
                "0",
                "flags",
                &(hour % 24).to_string(),
                "0",
                "40",
                "101000",
                "0",
                "0",
                "0",
                "0",
                "0",
                "0",
                "0",
                "0",
                "0",
                "0",
                "180",
                "2.0",
                "5",
                "5",
                "20",
                "77777",
                "9",
                "999999999",
                "0",
                "0",
                "0",
                "88",
                "0",
                "1.0",
                "1.0",
            ]
            .join(",");
            text.push_str(&fields);
            text.push('\n');
        }
        let file = HourlyWeather::parse(&text, "b.epw").unwrap();
        assert!(file.has_rain());
        let mut weather = Weather::from_file(location(), 1, file);
        // The third hour of a local day, 2 to 3 o'clock, has its mean at half past two: 18:30 UTC of the day before.
        let step = weather.step(UnixSeconds(1_782_064_800 + 1_800 - 450), 900);
        assert!((step.air_c - 2.0).abs() < 1e-9, "{step:?}");
        assert!((step.rain_mm - 0.25).abs() < 1e-9);
        assert_eq!(step.cloud, 0.5);
    }
}
