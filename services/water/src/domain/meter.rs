//! A water meter: litres over intervals that never overlap.

use std::collections::BTreeMap;

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

/// Everything a decision needs beside the meter's own past.
#[derive(Clone, Debug)]
pub struct WaterMeterContext {
    /// Park of the asset.
    pub park: ParkId,
    /// What is metered.
    pub asset: AssetId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// Where metered water comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaterNetwork {
    /// The public supply.
    Supply,
    /// Treated waste water.
    Reclaimed,
    /// Collected rain.
    Rain,
}

/// Water that flowed to an asset over one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeteredWater {
    /// Where it comes from.
    pub network: WaterNetwork,
    /// When it flowed.
    pub interval: Interval,
    /// How much.
    pub litres: i64,
}

/// The event that water was metered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaterMetered {
    /// Follows from what the event says.
    pub id: Uuid,
    /// What is metered.
    pub asset: AssetId,
    /// The water.
    pub water: MeteredWater,
}

/// The water meters of one asset, as their past left them.
#[derive(Default)]
pub struct WaterMeter {
    readings: BTreeMap<(WaterNetwork, UnixSeconds), (u32, i64)>,
}

impl WaterMeter {
    /// Decides about a reading.
    pub fn decide(
        &self,
        context: &WaterMeterContext,
        water: &MeteredWater,
    ) -> Result<Vec<WaterMetered>, Rejection> {
        if water.litres < 0 {
            return Err(Rejection::invalid(
                "litres",
                format!(
                    "{} l is below zero; water in the other direction belongs to another meter",
                    water.litres
                ),
            ));
        }
        let interval = water.interval;
        if let Some(((_, start), (seconds, litres))) = self
            .readings
            .range((water.network, UnixSeconds(i64::MIN))..(water.network, interval.end()))
            .next_back()
        {
            let recorded = Interval {
                start: *start,
                seconds: *seconds,
            };
            if recorded == interval && *litres == water.litres {
                return Ok(Vec::new());
            }
            if recorded == interval {
                return Err(Rejection::already_exists(
                    "litres",
                    format!(
                        "{} at {}: {litres} l is recorded, and {} l was sent; check which one is right",
                        context.asset,
                        format_rfc3339_utc(interval.start),
                        water.litres
                    ),
                ));
            }
            if recorded.overlaps(interval) {
                return Err(Rejection::failed_precondition(
                    "interval_start",
                    format!(
                        "{} s from {} overlap the recorded {} s from {}; send each litre once",
                        interval.seconds,
                        format_rfc3339_utc(interval.start),
                        recorded.seconds,
                        format_rfc3339_utc(recorded.start)
                    ),
                ));
            }
        }
        refuse_future("interval_start", interval.end(), context.now)?;
        let network: &[u8] = match water.network {
            WaterNetwork::Supply => b"supply",
            WaterNetwork::Reclaimed => b"reclaimed",
            WaterNetwork::Rain => b"rain",
        };
        Ok(vec![WaterMetered {
            id: event_id(&[
                b"terrarium.water.metered",
                context.park.as_str().as_bytes(),
                context.asset.as_str().as_bytes(),
                network,
                &interval.start.0.to_le_bytes(),
                &interval.seconds.to_le_bytes(),
                &water.litres.to_le_bytes(),
            ]),
            asset: context.asset.clone(),
            water: *water,
        }])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &WaterMetered) {
        let water = &event.water;
        self.readings.insert(
            (water.network, water.interval.start),
            (water.interval.seconds, water.litres),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> WaterMeterContext {
        WaterMeterContext {
            park: ParkId::new("haotian").expect("valid"),
            asset: AssetId::new("toilets").expect("valid"),
            now: UnixSeconds(100_000),
        }
    }

    fn water(network: WaterNetwork, start: i64, seconds: u32, litres: i64) -> MeteredWater {
        MeteredWater {
            network,
            interval: Interval {
                start: UnixSeconds(start),
                seconds,
            },
            litres,
        }
    }

    #[test]
    fn litres_count_once_and_each_network_by_itself() {
        let mut meter = WaterMeter::default();
        let first = water(WaterNetwork::Supply, 0, 3_600, 12);
        meter.evolve(&meter.decide(&context(), &first).expect("new")[0]);
        assert_eq!(meter.decide(&context(), &first), Ok(Vec::new()));
        for (reading, code, field) in [
            (
                water(WaterNetwork::Supply, 0, 3_600, 13),
                RejectionCode::AlreadyExists,
                "litres",
            ),
            (
                water(WaterNetwork::Supply, 1_800, 3_600, 5),
                RejectionCode::FailedPrecondition,
                "interval_start",
            ),
            (
                water(WaterNetwork::Supply, 3_600, 3_600, -1),
                RejectionCode::InvalidArgument,
                "litres",
            ),
            (
                water(WaterNetwork::Supply, 99_000, 3_600, 1),
                RejectionCode::FailedPrecondition,
                "interval_start",
            ),
        ] {
            let refusal = meter
                .decide(&context(), &reading)
                .expect_err("a bad reading");
            assert_eq!((refusal.code, refusal.field), (code, field));
        }
        for good in [
            water(WaterNetwork::Supply, 3_600, 3_600, 0),
            water(WaterNetwork::Reclaimed, 0, 3_600, 13),
        ] {
            assert_eq!(
                meter.decide(&context(), &good).map(|events| events.len()),
                Ok(1)
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_never_overlaps(readings in prop::collection::vec((0i64..200, 1u32..40, 0i64..100), 1..60)) {
            let mut meter = WaterMeter::default();
            let mut taken: Vec<Interval> = Vec::new();
            for (start, seconds, litres) in readings {
                let reading = water(WaterNetwork::Rain, start, seconds, litres);
                let overlaps = taken.iter().any(|interval| interval.overlaps(reading.interval));
                match meter.decide(&context(), &reading) {
                    Ok(events) if !events.is_empty() => {
                        prop_assert!(!overlaps);
                        meter.evolve(&events[0]);
                        taken.push(reading.interval);
                    }
                    _ => prop_assert!(overlaps),
                }
            }
        }
    }
}
