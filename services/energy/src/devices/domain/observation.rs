//! What is measured over intervals that never overlap: weather, and heat.

use std::fmt;

use terrarium_journal::{IntervalBook, Rejection, refuse_future};
use terrarium_model::{Interval, ParkId, UnixSeconds};
use terrarium_proto::energy::v1::{HeatMeteredV1, WeatherObservedV1};

use super::{DeviceEvent, DeviceFact};
use crate::domain::RATING_FACTOR;

/// Everything a decision needs beside the asset's own past.
#[derive(Clone, Debug)]
pub struct ObservationContext {
    /// Park of the asset.
    pub park: ParkId,
    /// The most heat in W that it gives, where that is known.
    pub rated_heat_w: Option<i64>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// A weather station, as its past left it.
#[derive(Default)]
pub struct WeatherStation {
    observed: IntervalBook<Seen>,
}

/// What a station saw, for people to compare.
#[derive(Clone, Debug, PartialEq)]
struct Seen(WeatherObservedV1);

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = [
            ("mC", self.0.air_temperature_mc.map(i64::from)),
            ("W/m2", self.0.irradiance_w_per_m2.map(i64::from)),
            ("mm/s", self.0.wind_mm_per_s.map(i64::from)),
            ("um/h", self.0.rain_um_per_h.map(i64::from)),
            ("permille", self.0.cloud_permille.map(i64::from)),
        ];
        let told: Vec<String> = values
            .into_iter()
            .filter_map(|(unit, value)| Some(format!("{} {unit}", value?)))
            .collect();
        formatter.write_str(&told.join(" "))
    }
}

impl WeatherStation {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.observed.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, observed: &WeatherObservedV1) -> bool {
        self.observed
            .is_forgotten(UnixSeconds(observed.interval_start_s))
    }

    /// Decides about an observation.
    pub fn decide(
        &self,
        context: &ObservationContext,
        observed: &WeatherObservedV1,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        let interval = interval_of(observed.interval_start_s, observed.interval_seconds);
        let seen = Seen(observed.clone());
        let is_new = self
            .observed
            .is_new("interval_start", &observed.station, interval, &seen)?;
        if !is_new {
            return Ok(Vec::new());
        }
        refuse_future("interval_start", interval.end(), context.now)?;
        Ok(vec![DeviceEvent::of(&context.park, observed.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        if let DeviceFact::WeatherObservedV1(observed) = &event.fact {
            let interval = interval_of(observed.interval_start_s, observed.interval_seconds);
            self.observed.insert(interval, Seen(observed.clone()));
        }
    }
}

/// A heat pump or solar collectors, as their past left them.
#[derive(Default)]
pub struct HeatSource {
    metered_wh: IntervalBook<i64>,
}

impl HeatSource {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.metered_wh.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, metered: &HeatMeteredV1) -> bool {
        self.metered_wh
            .is_forgotten(UnixSeconds(metered.interval_start_s))
    }

    /// Decides about an amount of heat.
    pub fn decide(
        &self,
        context: &ObservationContext,
        metered: &HeatMeteredV1,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        let heat_wh = metered.heat_wh;
        if heat_wh < 0 {
            return Err(Rejection::invalid(
                "heat_wh",
                format!("{heat_wh} Wh is below zero; a source of heat gives 0 Wh or more"),
            ));
        }
        if let Some(rated_w) = context.rated_heat_w {
            let most = i128::from(rated_w) * i128::from(RATING_FACTOR);
            if i128::from(heat_wh) * 3_600 > most * i128::from(metered.interval_seconds) {
                return Err(Rejection::invalid(
                    "heat_wh",
                    format!(
                        "{heat_wh} Wh in {} s is more than {RATING_FACTOR} times what {} gives ({rated_w} W); check the unit",
                        metered.interval_seconds, metered.source
                    ),
                ));
            }
        }
        let interval = interval_of(metered.interval_start_s, metered.interval_seconds);
        let is_new = self
            .metered_wh
            .is_new("heat_wh", &metered.source, interval, &heat_wh)?;
        if !is_new {
            return Ok(Vec::new());
        }
        refuse_future("interval_start", interval.end(), context.now)?;
        Ok(vec![DeviceEvent::of(&context.park, metered.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        if let DeviceFact::HeatMeteredV1(metered) = &event.fact {
            let interval = interval_of(metered.interval_start_s, metered.interval_seconds);
            self.metered_wh.insert(interval, metered.heat_wh);
        }
    }
}

fn interval_of(start_s: i64, seconds: u32) -> Interval {
    Interval {
        start: UnixSeconds(start_s),
        seconds,
    }
}

#[cfg(test)]
mod tests;
