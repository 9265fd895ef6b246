//! What is measured over intervals that never overlap: weather, and heat.

use std::collections::BTreeMap;

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds, format_rfc3339_utc};

use super::{DeviceEvent, DeviceFact, device_event};
use crate::domain::RATING_FACTOR;

/// Everything a decision needs beside the asset's own past.
#[derive(Clone, Debug)]
pub struct ObservationContext {
    /// Park of the asset.
    pub park: ParkId,
    /// The weather station, or the source of heat.
    pub asset: AssetId,
    /// The most heat in W that it gives, where that is known.
    pub rated_heat_w: Option<i64>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What a weather station saw. What it has no sensor for is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Thousandths of a degree Celsius.
    pub air_temperature_mc: Option<i32>,
    /// W/m2 on the horizontal.
    pub irradiance_w_per_m2: Option<u32>,
    /// mm/s.
    pub wind_mm_per_s: Option<u32>,
    /// Micrometres an hour.
    pub rain_um_per_h: Option<u32>,
    /// Thousandths of the sky.
    pub cloud_permille: Option<u32>,
}

impl Weather {
    /// As an event's id is made of it: each value behind a 1, a 0 where there is none; little endian.
    fn as_bytes(&self) -> Vec<u8> {
        let values = [
            self.air_temperature_mc.map(i64::from),
            self.irradiance_w_per_m2.map(i64::from),
            self.wind_mm_per_s.map(i64::from),
            self.rain_um_per_h.map(i64::from),
            self.cloud_permille.map(i64::from),
        ];
        let mut bytes = Vec::new();
        for value in values {
            bytes.push(u8::from(value.is_some()));
            bytes.extend(value.map(i64::to_le_bytes).into_iter().flatten());
        }
        bytes
    }
}

/// What one asset measured, interval by interval.
#[derive(Debug)]
struct Intervals<V> {
    by_start: BTreeMap<UnixSeconds, (u32, V)>,
}

impl<V> Default for Intervals<V> {
    fn default() -> Self {
        Intervals {
            by_start: BTreeMap::new(),
        }
    }
}

impl<V: Copy + PartialEq> Intervals<V> {
    /// Whether it is new; refused where something else is recorded of the same time.
    fn is_new(
        &self,
        context: &ObservationContext,
        interval: Interval,
        value: &V,
    ) -> Result<bool, Rejection> {
        let neighbour = self
            .by_start
            .range(..interval.end())
            .next_back()
            .filter(|(start, (seconds, _))| start.0 + i64::from(*seconds) > interval.start.0);
        match neighbour {
            Some((start, (seconds, recorded)))
                if (*start, *seconds) == (interval.start, interval.seconds) =>
            {
                if recorded == value {
                    return Ok(false);
                }
                Err(Rejection::already_exists(
                    "interval_start",
                    format!(
                        "something else is recorded of {} at {} for {seconds} s; each interval is told once",
                        context.asset,
                        format_rfc3339_utc(*start)
                    ),
                ))
            }
            Some((start, (seconds, _))) => Err(Rejection::failed_precondition(
                "interval_start",
                format!(
                    "the {} s from {} overlap the recorded {seconds} s of {} from {}; intervals never overlap",
                    interval.seconds,
                    format_rfc3339_utc(interval.start),
                    context.asset,
                    format_rfc3339_utc(*start)
                ),
            )),
            None => {
                refuse_future("interval_start", interval.end(), context.now)?;
                Ok(true)
            }
        }
    }

    fn take_in(&mut self, interval: Interval, value: V) {
        self.by_start
            .insert(interval.start, (interval.seconds, value));
    }

    fn newest(&self) -> Option<(Interval, V)> {
        let (start, (seconds, value)) = self.by_start.last_key_value()?;
        let interval = Interval {
            start: *start,
            seconds: *seconds,
        };
        Some((interval, *value))
    }
}

/// A weather station, as its past left it.
#[derive(Default)]
pub struct WeatherStation {
    observed: Intervals<Weather>,
}

impl WeatherStation {
    /// What it saw last.
    pub fn newest(&self) -> Option<(Interval, Weather)> {
        self.observed.newest()
    }

    /// Decides about an observation.
    pub fn decide(
        &self,
        context: &ObservationContext,
        interval: Interval,
        weather: &Weather,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        if !self.observed.is_new(context, interval, weather)? {
            return Ok(Vec::new());
        }
        let said = weather.as_bytes();
        let parts: [&[u8]; 4] = [
            b"weather-observed",
            &interval.start.0.to_le_bytes(),
            &interval.seconds.to_le_bytes(),
            &said,
        ];
        let fact = DeviceFact::WeatherObserved {
            interval,
            weather: *weather,
        };
        Ok(vec![device_event(
            &context.park,
            &context.asset,
            &parts,
            fact,
        )])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        if let DeviceFact::WeatherObserved { interval, weather } = &event.fact {
            self.observed.take_in(*interval, *weather);
        }
    }
}

/// A heat pump or solar collectors, as their past left them.
#[derive(Default)]
pub struct HeatSource {
    metered: Intervals<i64>,
}

impl HeatSource {
    /// What it gave last: the interval and Wh.
    pub fn newest(&self) -> Option<(Interval, i64)> {
        self.metered.newest()
    }

    /// Decides about an amount of heat.
    pub fn decide(
        &self,
        context: &ObservationContext,
        interval: Interval,
        heat_wh: i64,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        if heat_wh < 0 {
            return Err(Rejection::invalid(
                "heat_wh",
                format!("{heat_wh} Wh is below zero; a source of heat gives 0 Wh or more"),
            ));
        }
        if let Some(rated_w) = context.rated_heat_w {
            let most = i128::from(rated_w) * i128::from(RATING_FACTOR);
            if i128::from(heat_wh) * 3_600 > most * i128::from(interval.seconds) {
                return Err(Rejection::invalid(
                    "heat_wh",
                    format!(
                        "{heat_wh} Wh in {} s is more than {RATING_FACTOR} times what {} gives ({rated_w} W); check the unit",
                        interval.seconds, context.asset
                    ),
                ));
            }
        }
        if !self.metered.is_new(context, interval, &heat_wh)? {
            return Ok(Vec::new());
        }
        let parts: [&[u8]; 4] = [
            b"heat-metered",
            &interval.start.0.to_le_bytes(),
            &interval.seconds.to_le_bytes(),
            &heat_wh.to_le_bytes(),
        ];
        let fact = DeviceFact::HeatMetered { interval, heat_wh };
        Ok(vec![device_event(
            &context.park,
            &context.asset,
            &parts,
            fact,
        )])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        if let DeviceFact::HeatMetered { interval, heat_wh } = &event.fact {
            self.metered.take_in(*interval, *heat_wh);
        }
    }
}

#[cfg(test)]
mod tests;
