//! Weather that follows from a seed and a climate's monthly normals.
//!
//! Every day's noise depends on the seed and that day and a few days before it, so the weather of a day is the same
//! whenever a run begins.

use std::f64::consts::TAU;

use terrarium_model::{SunPosition, UnixSeconds};

use super::{Location, WeatherStep};
use crate::calendar::{Date, LocalTime};
use crate::chance::Chance;
use crate::physics::{sky, soil};

/// What a climate's months are like; January first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthlyNormals {
    /// Mean daily maximum and minimum, C.
    pub max_c: [f64; 12],
    pub min_c: [f64; 12],
    /// Sum of the month.
    pub rain_mm: [f64; 12],
    /// Days with 0.1 mm or more.
    pub rainy_days: [f64; 12],
    /// Hours of sunshine of the month.
    pub sunshine_h: [f64; 12],
    /// Mean relative humidity, 0 to 1.
    pub humidity: [f64; 12],
    /// Mean wind 10 m above ground.
    pub wind_m_s: [f64; 12],
}

impl MonthlyNormals {
    /// Beijing: temperature, rain, rainy days, sunshine and humidity are the normals of 1991 to 2020 of the China
    /// Meteorological Administration for station 54511 as secondary tables print them; not compared with the
    /// administration's own, so count each of them as assumed. Wind is assumed.
    pub const BEIJING: MonthlyNormals = MonthlyNormals {
        max_c: [
            2.3, 6.1, 13.2, 21.0, 27.2, 30.8, 31.8, 30.7, 26.5, 19.3, 10.3, 3.7,
        ],
        min_c: [
            -6.9, -4.2, 1.9, 9.0, 15.1, 19.8, 23.1, 22.1, 16.7, 9.2, 0.9, -4.9,
        ],
        rain_mm: [
            2.2, 5.8, 8.6, 21.7, 36.1, 72.4, 169.7, 113.4, 53.7, 28.7, 13.5, 2.2,
        ],
        rainy_days: [
            1.6, 2.3, 3.0, 4.7, 6.0, 10.0, 11.9, 10.5, 7.1, 5.2, 2.9, 1.6,
        ],
        sunshine_h: [
            188.1, 189.1, 231.1, 243.2, 265.1, 221.6, 190.5, 205.3, 206.1, 199.9, 173.4, 177.1,
        ],
        humidity: [
            0.43, 0.42, 0.40, 0.43, 0.47, 0.58, 0.69, 0.71, 0.64, 0.58, 0.54, 0.46,
        ],
        wind_m_s: [2.3, 2.5, 2.8, 3.0, 2.7, 2.4, 2.0, 1.8, 1.9, 2.0, 2.2, 2.3],
    };
}

/// Days whose noise reaches into today's.
const MEMORY_DAYS: i64 = 10;
/// Hours whose noise reaches into this hour's wind.
const MEMORY_HOURS: usize = 24;
/// Linke turbidity of the clear days of a northern Chinese city through the year, January first. Assumed.
const LINKE_TURBIDITY: [f64; 12] = [3.0, 3.2, 3.6, 3.9, 4.0, 4.2, 4.2, 4.0, 3.6, 3.4, 3.2, 3.0];

/// A generator of weather.
pub struct Climate {
    location: Location,
    normals: MonthlyNormals,
    seed: u64,
    today: Option<Day>,
}

/// What is settled for a whole local day.
struct Day {
    number: i64,
    linke_turbidity: f64,
    mean_c: f64,
    range_c: f64,
    vapour_kpa: f64,
    /// Share of the clear sky's irradiance that arrives.
    clearness: f64,
    /// Deviation of the clearness of each quarter of an hour.
    flicker: Vec<f64>,
    /// Wind of each hour and of the next midnight.
    wind_m_s: Vec<f64>,
    rain: Option<Rain>,
}

/// Rain that falls evenly.
struct Rain {
    start_s: i64,
    seconds: i64,
    mm: f64,
}

impl Climate {
    /// Weather of a place from its normals.
    pub fn new(location: Location, normals: MonthlyNormals, seed: u64) -> Climate {
        Climate {
            location,
            normals,
            seed,
            today: None,
        }
    }

    /// Where the weather is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The weather over an interval; sun and extraterrestrial irradiance are those of its middle.
    pub fn step(
        &mut self,
        start: UnixSeconds,
        seconds: u32,
        sun: SunPosition,
        extraterrestrial: f64,
    ) -> WeatherStep {
        let middle = UnixSeconds(start.0 + i64::from(seconds) / 2);
        let local = LocalTime::of(middle, &self.location.time_zone);
        if self
            .today
            .as_ref()
            .is_none_or(|day| day.number != local.day)
        {
            self.today = Some(self.day(local.day));
        }
        let day = self.today.as_ref().expect("it was made just now");
        let clearness = day.clearness_at(local);
        let clear = sky::ineichen(
            sun.zenith_deg,
            self.location.altitude_m,
            day.linke_turbidity,
            extraterrestrial,
        );
        WeatherStep {
            sun,
            extraterrestrial,
            sky: sky::erbs(clear.ghi * clearness, sun.zenith_deg, extraterrestrial),
            // Coldest at 5, warmest at 15 o'clock: a cosine that is slower downhill.
            air_c: day.mean_c + 0.5 * day.range_c * daily_wave(local.hour()),
            wind_m_s: day.wind_at(local),
            pressure_pa: sky::pressure_at(self.location.altitude_m),
            vapour_kpa: day.vapour_kpa,
            rain_mm: day.rain_mm(local, i64::from(seconds)),
            cloud: (1.0 - clearness).clamp(0.0, 1.0),
        }
    }

    fn day(&self, number: i64) -> Day {
        let date = Date::of_day(number);
        let of_month = |values: &[f64; 12]| between_months(values, date);
        let (max_c, min_c) = (of_month(&self.normals.max_c), of_month(&self.normals.min_c));
        let mut today = Chance::of(self.seed, "weather", number, "day");

        let rainy_days = of_month(&self.normals.rainy_days);
        let is_rainy = today.happens(rainy_days / 30.4);
        let linke_turbidity = of_month(&LINKE_TURBIDITY);
        let clear_share = self.mean_clearness(date, linke_turbidity);
        let clearness = self.clearness(number, clear_share, rainy_days / 30.4, is_rainy);
        let rain = is_rainy.then(|| {
            let mean_mm = of_month(&self.normals.rain_mm) / rainy_days;
            let seconds = 3_600 + (today.uniform() * 8.0 * 3_600.0) as i64;
            Rain {
                start_s: (today.uniform() * (86_400 - seconds) as f64) as i64,
                seconds,
                mm: today.gamma(0.8, mean_mm / 0.8),
            }
        });

        let season_c = 2.3 + 0.7 * (TAU * f64::from(date.day_of_year()) / 365.0).cos();
        let mean_c =
            (max_c + min_c) / 2.0 + season_c * self.daily_noise(number, "temperature", 0.65);
        let mean_humidity = of_month(&self.normals.humidity);
        let flicker = (0..96).map(|_| today.normal()).collect();
        Day {
            number,
            linke_turbidity,
            mean_c,
            range_c: (max_c - min_c) * (0.55 + 0.45 * clearness / clear_share),
            vapour_kpa: mean_humidity * soil::saturation_kpa(mean_c),
            clearness,
            flicker,
            wind_m_s: self.wind_of_day(number, of_month(&self.normals.wind_m_s)),
            rain,
        }
    }

    /// Share of the clear sky's irradiation that arrives in the mean of a month: Angstrom and Prescott's relation with
    /// FAO-56's coefficients (equation 35) gives what arrives.
    fn mean_clearness(&self, date: Date, linke_turbidity: f64) -> f64 {
        let day_of_year = date.day_of_year();
        let latitude = self.location.latitude_deg.to_radians();
        let declination = 0.409 * (TAU * f64::from(day_of_year) / 365.0 - 1.39).sin();
        let sunset = (-latitude.tan() * declination.tan())
            .clamp(-1.0, 1.0)
            .acos();
        let possible_h = (24.0 / std::f64::consts::PI * sunset).max(1.0);
        let sunshine_h = between_months(&self.normals.sunshine_h, date) / 30.4;
        let arrives_mj = (0.25 + 0.50 * (sunshine_h / possible_h).clamp(0.0, 1.0))
            * soil::extraterrestrial_mj(self.location.latitude_deg, day_of_year);

        const PARTS: u32 = 48;
        let extraterrestrial = sky::extraterrestrial(day_of_year);
        let clear_w: f64 = (0..PARTS)
            .map(|part| {
                let hour_angle = TAU * ((f64::from(part) + 0.5) / f64::from(PARTS) - 0.5);
                let cos_zenith = latitude.sin() * declination.sin()
                    + latitude.cos() * declination.cos() * hour_angle.cos();
                let zenith_deg = cos_zenith.clamp(-1.0, 1.0).acos().to_degrees();
                let altitude_m = self.location.altitude_m;
                sky::ineichen(zenith_deg, altitude_m, linke_turbidity, extraterrestrial).ghi
            })
            .sum::<f64>()
            / f64::from(PARTS);
        let clear_mj = clear_w * 0.0864;
        (arrives_mj / clear_mj.max(0.1)).clamp(0.1, 0.95)
    }

    /// The day's clearness: rainy days are dull, and the others so much clearer that the month keeps its mean.
    fn clearness(&self, number: i64, mean: f64, rainy_share: f64, is_rainy: bool) -> f64 {
        const DULLER_IN_RAIN: f64 = 0.35;
        let mean_of_such_days = if is_rainy {
            mean - DULLER_IN_RAIN * (1.0 - rainy_share)
        } else {
            mean + DULLER_IN_RAIN * rainy_share
        };
        let noise = self.daily_noise(number, "clearness", 0.4);
        // As far up as down, so that the mean stays where it is.
        let most = (1.05 - mean_of_such_days)
            .min(mean_of_such_days - 0.08)
            .max(0.0);
        mean_of_such_days + (0.18 * noise).clamp(-most, most)
    }

    /// Normal noise of deviation 1 with a memory: a moving average over the days before, weighted like an autoregression.
    fn daily_noise(&self, number: i64, purpose: &str, memory: f64) -> f64 {
        let mut sum = 0.0;
        let mut squares = 0.0;
        for back in 0..MEMORY_DAYS {
            let weight = memory.powi(back as i32);
            sum += weight * Chance::of(self.seed, "weather", number - back, purpose).normal();
            squares += weight * weight;
        }
        sum / squares.sqrt()
    }

    /// Hourly winds of a Weibull distribution of shape 2 (Rayleigh), strongest in the afternoon.
    fn wind_of_day(&self, number: i64, mean_m_s: f64) -> Vec<f64> {
        const MEMORY: f64 = 0.85;
        let noises: Vec<f64> = (number - 1..=number + 1)
            .flat_map(|day| {
                let mut chance = Chance::of(self.seed, "weather", day, "wind");
                (0..24).map(move |_| chance.normal())
            })
            .collect();
        let weights: Vec<f64> = (0..MEMORY_HOURS)
            .map(|back| MEMORY.powi(back as i32))
            .collect();
        let norm = weights
            .iter()
            .map(|weight| weight * weight)
            .sum::<f64>()
            .sqrt();
        (0..=24)
            .map(|hour| {
                let newest = 24 + hour;
                let noise: f64 = weights
                    .iter()
                    .enumerate()
                    .map(|(back, weight)| weight * noises[newest - back])
                    .sum::<f64>()
                    / norm;
                let afternoon = 1.0 + 0.25 * (TAU * (hour as f64 - 15.0) / 24.0).cos();
                mean_m_s * afternoon * rayleigh_of(noise)
            })
            .collect()
    }
}

impl Day {
    fn clearness_at(&self, local: LocalTime) -> f64 {
        let quarter = (local.second_of_day / 900) as usize;
        let near = |offset: usize| self.flicker[(quarter + offset).min(95)];
        let flicker = (near(0) + near(1) + near(2)) / 3.0_f64.sqrt();
        // Half-covered skies flicker; clear and overcast ones don't.
        let unrest = 0.6 * self.clearness * (1.05 - self.clearness).max(0.0);
        (self.clearness + unrest * flicker).clamp(0.05, 1.05)
    }

    fn wind_at(&self, local: LocalTime) -> f64 {
        let hour = (local.second_of_day / 3_600) as usize;
        let share = local.hour().fract();
        self.wind_m_s[hour] * (1.0 - share) + self.wind_m_s[hour + 1] * share
    }

    /// Of an interval around `middle`. Rain stays within its day, so nothing is lost at midnight.
    fn rain_mm(&self, middle: LocalTime, seconds: i64) -> f64 {
        let Some(rain) = &self.rain else { return 0.0 };
        let start_s = middle.second_of_day - seconds / 2;
        let overlap_s =
            (start_s + seconds).min(rain.start_s + rain.seconds) - start_s.max(rain.start_s);
        rain.mm * overlap_s.max(0) as f64 / rain.seconds as f64
    }
}

/// From -1 at 5 o'clock to 1 at 15 o'clock and back.
fn daily_wave(hour: f64) -> f64 {
    let since_coldest = (hour - 5.0).rem_euclid(24.0);
    let phase = if since_coldest < 10.0 {
        since_coldest / 20.0
    } else {
        0.5 + (since_coldest - 10.0) / 28.0
    };
    -(TAU * phase).cos()
}

/// Monthly values as a line through the middles of the months.
fn between_months(values: &[f64; 12], date: Date) -> f64 {
    let position = f64::from(date.month - 1) + (f64::from(date.day) - 15.5) / 30.4;
    let before = position.floor();
    let share = position - before;
    let at = |month: f64| values[(month as i64).rem_euclid(12) as usize];
    at(before) * (1.0 - share) + at(before + 1.0) * share
}

/// Turns normal noise into a Rayleigh-distributed factor of mean 1.
fn rayleigh_of(noise: f64) -> f64 {
    /// Gamma(1 + 1/2), the mean of a Weibull distribution of shape 2 and scale 1.
    const MEAN: f64 = 0.886_227;
    let exceeds = 0.5 * erfc(noise / std::f64::consts::SQRT_2);
    (-exceeds.max(1e-12).ln()).sqrt() / MEAN
}

/// Complementary error function (Abramowitz and Stegun 1964, 7.1.26, within 1.5e-7).
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let positive = series * (-x * x).exp();
    if x >= 0.0 { positive } else { 2.0 - positive }
}

#[cfg(test)]
mod tests {
    use terrarium_model::TimeZone;

    use super::*;
    use crate::weather::Weather;

    fn beijing() -> Location {
        Location {
            latitude_deg: 39.73,
            longitude_deg: 116.14,
            altitude_m: 45.0,
            time_zone: TimeZone::named("Asia/Shanghai").unwrap(),
        }
    }

    /// Hours of a year of local time, 2025.
    fn hours() -> impl Iterator<Item = UnixSeconds> {
        (0..8_760).map(|hour| UnixSeconds(1_735_660_800 + hour * 3_600))
    }

    #[test]
    fn the_years_of_eight_seeds_have_the_normals_of_beijing() {
        let (mut rain_mm, mut ghi_kwh, mut air_c, mut wind) = (0.0, 0.0, 0.0, 0.0);
        const SEEDS: u64 = 8;
        for seed in 0..SEEDS {
            let mut weather = Weather::generated(beijing(), seed);
            for start in hours() {
                let step = weather.step(start, 3_600);
                rain_mm += step.rain_mm;
                ghi_kwh += step.sky.ghi / 1_000.0;
                air_c += step.air_c / 8_760.0;
                wind += step.wind_m_s / 8_760.0;
            }
        }
        let mean = |sum: f64| sum / SEEDS as f64;
        let near = |what: &str, value: f64, expected: f64, share: f64| {
            assert!(
                (value / expected - 1.0).abs() < share,
                "{what}: {value} is not within {share} of {expected}"
            );
        };
        near("rain", mean(rain_mm), 528.0, 0.08);
        // Angstrom and Prescott's relation gives about 1,490 kWh/m2 for the sunshine of Beijing.
        near("irradiation", mean(ghi_kwh), 1_490.0, 0.06);
        near("temperature", mean(air_c), 13.0, 0.06);
        near("wind", mean(wind), 2.3, 0.05);
    }

    #[test]
    fn a_day_has_the_same_weather_whenever_the_run_begins() {
        let start = UnixSeconds(1_750_000_000 / 900 * 900);
        let mut from_before = Weather::generated(beijing(), 7);
        for step in 0..1_000 {
            from_before.step(UnixSeconds(start.0 - (1_000 - step) * 900), 900);
        }
        assert_eq!(
            from_before.step(start, 900),
            Weather::generated(beijing(), 7).step(start, 900)
        );
    }

    #[test]
    fn nights_are_dark_and_summer_noons_are_bright() {
        let mut weather = Weather::generated(beijing(), 1);
        let mut brightest: f64 = 0.0;
        for start in hours() {
            let step = weather.step(start, 3_600);
            if step.sun.zenith_deg > 91.0 {
                assert_eq!(step.sky.ghi, 0.0);
            }
            brightest = brightest.max(step.sky.ghi);
        }
        assert!((850.0..1_100.0).contains(&brightest), "{brightest}");
    }
}
