//! What the events say, worked out independently of the projector.

use std::collections::BTreeMap;

use prost::Message;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::feed::v1::CloudEvent;
use terrarium_proto::twin::v1::{Quality, Quantity};
use terrarium_tests::{Shown, repository};

/// What a meter measured over an interval, read independently of the projector.
#[derive(Clone, Copy, Debug)]
struct Metered {
    start_s: i64,
    end_s: i64,
    energy_wh: i64,
    corrected: bool,
}

impl Metered {
    fn shown(&self, at_s: i64) -> Shown {
        let seconds = i128::from(self.end_s - self.start_s);
        let twice = 2 * i128::from(self.energy_wh) * 3_600;
        // Half to even.
        let floor = (twice / 2).div_euclid(seconds);
        let rest = twice - 2 * floor * seconds;
        let value = floor + i128::from(rest > seconds || (rest == seconds && floor % 2 != 0));
        let quality = match (self.corrected, seconds > 3_600) {
            (true, _) => Quality::Substituted,
            (false, true) => Quality::Estimated,
            (false, false) => Quality::Good,
        };
        Shown {
            value: value as i64,
            time_ms: at_s * 1_000,
            quality,
        }
    }
}

/// The demo park as its events up to a position have it: for each meter its intervals, in order of time.
pub struct Recomputed {
    /// Asset and quantity of each meter, as the park file has them.
    points: BTreeMap<String, (String, Quantity)>,
    meters: BTreeMap<String, Vec<Metered>>,
}

impl Recomputed {
    pub fn of(events: &[CloudEvent], up_to: u64) -> Recomputed {
        let mut counted: BTreeMap<String, BTreeMap<i64, (energy::MeteredReading, bool)>> =
            BTreeMap::new();
        for event in events.iter().filter(|event| event.position <= up_to) {
            let (reading, corrected) = match event.r#type.as_str() {
                "terrarium.energy.v1.IntervalMeteredV1" => {
                    let message = energy::IntervalMeteredV1::decode(event.data.clone());
                    (message.expect("readable").reading, false)
                }
                "terrarium.energy.v1.RegisterReadV1" => {
                    let message = energy::RegisterReadV1::decode(event.data.clone());
                    (message.expect("readable").reading, false)
                }
                "terrarium.energy.v1.ReadingCorrectedV1" => {
                    let message = energy::ReadingCorrectedV1::decode(event.data.clone());
                    (message.expect("readable").reading, true)
                }
                _ => continue,
            };
            let reading = reading.expect("a reading");
            let of_meter = counted.entry(reading.meter.clone()).or_default();
            of_meter.insert(reading.interval_start_s, (reading, corrected));
        }
        let intervals = |readings: BTreeMap<i64, (energy::MeteredReading, bool)>| {
            let mut register: Option<(i64, i64)> = None;
            let mut intervals = Vec::new();
            for (start_s, (reading, corrected)) in readings {
                let energy_wh = reading.energy_wh.expect("energy");
                if reading.interval_seconds > 0 {
                    intervals.push(Metered {
                        start_s,
                        end_s: start_s + i64::from(reading.interval_seconds),
                        energy_wh,
                        corrected,
                    });
                } else if let Some((opened_s, opening_wh)) = register.replace((start_s, energy_wh))
                {
                    intervals.push(Metered {
                        start_s: opened_s,
                        end_s: start_s,
                        energy_wh: energy_wh - opening_wh,
                        corrected,
                    });
                }
            }
            intervals
        };
        Recomputed {
            points: points_of_park_file(),
            meters: counted
                .into_iter()
                .map(|(meter, readings)| (meter, intervals(readings)))
                .collect(),
        }
    }

    fn shown(
        &self,
        choose: impl Fn(&[Metered]) -> Option<Shown>,
    ) -> BTreeMap<(String, Quantity, String), Shown> {
        let shown = self.meters.iter().filter_map(|(meter, intervals)| {
            let (asset, quantity) = self.points[meter].clone();
            Some(((asset, quantity, meter.clone()), choose(intervals)?))
        });
        shown.collect()
    }

    /// What was so at a moment: of the interval that ended last, unless another one was under way.
    pub fn at_time(&self, moment_ms: i64) -> BTreeMap<(String, Quantity, String), Shown> {
        self.shown(|intervals| {
            let ended = intervals
                .iter()
                .rfind(|metered| metered.end_s * 1_000 <= moment_ms);
            let under_way = intervals.iter().find(|metered| {
                metered.start_s * 1_000 <= moment_ms && moment_ms < metered.end_s * 1_000
            });
            match (ended, under_way) {
                (Some(ended), _) if ended.end_s * 1_000 == moment_ms => {
                    Some(ended.shown(ended.end_s))
                }
                (_, Some(under_way)) => Some(under_way.shown(under_way.start_s)),
                (ended, None) => ended.map(|ended| ended.shown(ended.end_s)),
            }
        })
    }

    pub fn newest(&self) -> BTreeMap<(String, Quantity, String), Shown> {
        self.shown(|intervals| intervals.last().map(|newest| newest.shown(newest.end_s)))
    }
}

fn points_of_park_file() -> BTreeMap<String, (String, Quantity)> {
    let file = repository().join("deploy/parks/demo.toml");
    let text = std::fs::read_to_string(file).expect("the park file");
    let park: toml::Table = text.parse().expect("TOML");
    let meters = park["meters"].as_array().expect("meters");
    meters
        .iter()
        .map(|meter| {
            let word = |key: &str| meter[key].as_str().expect("a text").to_owned();
            let quantity = match word("measures").as_str() {
                "consumption" => Quantity::ConsumptionW,
                "generation" => Quantity::GenerationW,
                "grid_import" => Quantity::GridImportW,
                "grid_export" => Quantity::GridExportW,
                other => panic!("the demo park measures {other}"),
            };
            (word("id"), (word("asset"), quantity))
        })
        .collect()
}
