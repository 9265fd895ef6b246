//! Lines of a period, by month of the park.

use std::collections::BTreeMap;

use terrarium_model::{
    AmountUnit, AssetId, AssetParameters, Interval, ParkDefinition, SECONDS_PER_HOUR, TimeZone,
    UnixSeconds,
};

use super::activity_book::{ActivityBook, WaterReading};
use super::attribution::PARK;
use super::fact::{Activity, ActivityKind, WasteCollected, WaterFlow, u95_ppm_of_tier};
use super::method::Workbench;
use super::worked::{Unpriced, Worked};
use crate::books::{AsOf, Posting};
use crate::factor_book::FactorBook;
use crate::gas::{GasMasses, GwpSet};
use crate::park_ledger::Period;

/// Tier of a flow meter and of a weighbridge.
const METERED_TIER: u8 = 2;
/// A bin's part of a load that was weighed as a whole, by what the bins weighed, or evenly.
const SHARED_TIER: u8 = 3;

/// Everything that touches a period: its lines over their whole intervals, and the activities without one.
#[derive(Default)]
pub struct WorkedPeriod {
    /// In the order of the books they come from.
    pub lines: Vec<Worked>,
    /// What could not be priced.
    pub unpriced: Vec<Unpriced>,
}

/// Works out all activities that touch a period.
pub fn work_period(
    definition: &ParkDefinition,
    factors: &FactorBook,
    book: &ActivityBook,
    period: Period,
    as_of: AsOf,
    explains: bool,
) -> WorkedPeriod {
    let period = Period {
        from: period.from,
        to: as_of.clip(period.to),
    };
    let bench = Workbench::new(definition, factors, book, as_of, explains);
    let mut worked = WorkedPeriod::default();
    let mut take = |activity: &Activity, told_at: &[u64]| match bench.work(activity, told_at) {
        Ok(lines) => worked.lines.extend(lines),
        Err(unpriced) => worked.unpriced.push(unpriced),
    };
    for (asset, flow) in book.water_flows() {
        let Some(subject) = priced_water(definition, asset, flow) else {
            continue;
        };
        for reading in book.water_readings(asset, flow, period.from, period.to, as_of) {
            take(
                &water_activity(asset, subject, flow, reading),
                &[reading.position],
            );
        }
    }
    for (origin, activity) in book.activities(as_of) {
        if touches(activity.interval, period) {
            take(activity, &[origin.position]);
        }
    }
    for (origin, collected, weighed) in book.collections(as_of) {
        let mut told_at = vec![origin.position];
        let (mut grams, mut evidence) = (collected.weight_g, collected.evidence);
        if let Some((origin, weighed)) = weighed {
            told_at.push(origin.position);
            grams = weighed.net_g;
            evidence = weighed.evidence.or(evidence);
        }
        let at_once = Interval {
            start: collected.time,
            seconds: 0,
        };
        if !touches(at_once, period) {
            continue;
        }
        for (activity, problem) in loads(&bench, book, collected, grams, evidence, as_of) {
            match problem {
                None => take(&activity, &told_at),
                Some(problem) => worked_problem(&mut take, &activity, problem),
            }
        }
    }
    for (group, history) in book.trees(as_of) {
        let lines = bench.tree_lines(group, &history);
        worked.lines.extend(
            lines
                .into_iter()
                .filter(|line| touches(line.posting.interval, period)),
        );
    }
    for (origin, record) in book.embodied(as_of) {
        let line = bench.embodied_line(record, origin);
        if touches(line.posting.interval, period) {
            worked.lines.push(line);
        }
    }
    worked
}

/// An unroutable load is told as an activity without a factor.
fn worked_problem(take: &mut impl FnMut(&Activity, &[u64]), activity: &Activity, problem: String) {
    let told = Activity {
        subject: problem,
        ..activity.clone()
    };
    take(&told, &[]);
}

fn touches(interval: Interval, period: Period) -> bool {
    if interval.seconds == 0 {
        return period.from <= interval.start && interval.start < period.to;
    }
    interval.start < period.to && interval.end() > period.from
}

/// What a flow of water is priced as; `None` where its energy is metered as electricity, or it was counted upstream.
fn priced_water(
    definition: &ParkDefinition,
    asset: &AssetId,
    flow: WaterFlow,
) -> Option<&'static str> {
    let hangs_on_tank = || {
        definition
            .assets
            .get(asset)
            .is_some_and(|asset| match &asset.parameters {
                AssetParameters::IrrigationZone { .. } => true,
                AssetParameters::Fixture { tank, .. } => tank.is_some(),
                _ => false,
            })
    };
    match flow {
        WaterFlow::SupplyIntoTank => Some("tap-water"),
        WaterFlow::ReclaimedIntoTank => Some("reclaimed-water"),
        WaterFlow::Rain => None,
        WaterFlow::Supply | WaterFlow::Reclaimed if hangs_on_tank() => None,
        WaterFlow::Supply => Some("tap-water"),
        WaterFlow::Reclaimed => Some("reclaimed-water"),
    }
}

fn water_activity(
    asset: &AssetId,
    subject: &str,
    flow: WaterFlow,
    reading: WaterReading,
) -> Activity {
    Activity {
        kind: ActivityKind::Water,
        subject: subject.to_owned(),
        asset: asset.clone(),
        name: flow.token().to_owned(),
        party: PARK.to_owned(),
        interval: reading.interval,
        amount: reading.litres,
        unit: AmountUnit::Litre,
        revision: 0,
        tier: METERED_TIER,
        u95_ppm: u95_ppm_of_tier(METERED_TIER),
        source: "flow meter".to_owned(),
        evidence: None,
    }
}

/// A load, bin by bin: by what the bins weighed if all of them did, else evenly; the grams sum up to the ticket's.
fn loads(
    bench: &Workbench<'_>,
    book: &ActivityBook,
    collected: &WasteCollected,
    grams: i64,
    evidence: Option<[u8; 32]>,
    as_of: AsOf,
) -> Vec<(Activity, Option<String>)> {
    let weights: Option<Vec<i64>> = collected
        .bins
        .iter()
        .map(|bin| book.emptied_g(&collected.collection, bin, as_of))
        .collect();
    let weights = weights
        .filter(|weights| weights.iter().sum::<i64>() > 0 && weights.iter().all(|g| *g >= 0))
        .unwrap_or_else(|| vec![1; collected.bins.len()]);
    let total = i128::from(weights.iter().sum::<i64>().max(1));
    let tier = if collected.bins.len() == 1 {
        METERED_TIER
    } else {
        SHARED_TIER
    };
    let mut done = 0_i128;
    let mut given = 0_i64;
    collected
        .bins
        .iter()
        .zip(weights)
        .map(|(bin, weight)| {
            done += i128::from(weight);
            let through = (i128::from(grams) * done / total) as i64;
            let part = through - given;
            given = through;
            let subject = bench.waste_subject(bin, collected.time);
            let problem = subject.as_ref().err().cloned();
            let activity = Activity {
                kind: ActivityKind::Waste,
                subject: subject.unwrap_or_default(),
                asset: bin.clone(),
                name: collected.collection.clone(),
                party: PARK.to_owned(),
                interval: Interval {
                    start: collected.time,
                    seconds: 0,
                },
                amount: part,
                unit: AmountUnit::Gram,
                revision: 0,
                tier,
                u95_ppm: u95_ppm_of_tier(tier),
                source: "weighbridge ticket".to_owned(),
                evidence,
            };
            (activity, problem)
        })
        .collect()
}

/// The starts of the months that a period touches, and its end.
fn month_borders(zone: &TimeZone, period: Period) -> Vec<UnixSeconds> {
    let mut borders = vec![period.from];
    let mut key = zone.month_key(period.from);
    let mut hour = UnixSeconds(period.from.start_of_hour().0 + SECONDS_PER_HOUR);
    while hour < period.to {
        // A day at a time, and by the hour around a border.
        let day_on = UnixSeconds(hour.0 + 24 * SECONDS_PER_HOUR);
        if day_on < period.to && zone.month_key(day_on) == key {
            hour = day_on;
            continue;
        }
        let here = zone.month_key(hour);
        if here != key {
            borders.push(hour);
            key = here;
        }
        hour = UnixSeconds(hour.0 + SECONDS_PER_HOUR);
    }
    borders.push(period.to);
    borders
}

/// The part of `total` up to so many seconds of an interval: floors of the cumulative sum, so that parts sum up exactly.
fn through(total: i64, seconds: i64, of_seconds: i64) -> i64 {
    let product = i128::from(total) * i128::from(seconds.clamp(0, of_seconds));
    product.div_euclid(i128::from(of_seconds)) as i64
}

/// Sums lines up by month. Lines of one activity of one asset share their meter's error: their half-widths add up.
pub fn by_month(zone: &TimeZone, period: Period, as_of: AsOf, lines: &[Worked]) -> Vec<Posting> {
    let period = Period {
        from: period.from,
        to: as_of.clip(period.to),
    };
    if period.to <= period.from {
        return Vec::new();
    }
    let borders = month_borders(zone, period);
    let mut sums: BTreeMap<(usize, Posting), Sum> = BTreeMap::new();
    for line in lines {
        let posting = &line.posting;
        let first = borders
            .partition_point(|border| *border <= posting.interval.start)
            .saturating_sub(1);
        for month in first..borders.len() - 1 {
            let (from, to) = (borders[month], borders[month + 1]);
            if from > posting.interval.start && from >= posting.interval.end() {
                break;
            }
            let Some((amount, gases)) = part_of(posting, from, to) else {
                continue;
            };
            let key = Posting {
                interval: Interval {
                    start: from,
                    seconds: (to.0 - from.0) as u32,
                },
                amount: 0,
                gases: GasMasses::NONE,
                activity_u95_ppm: 0,
                tier: 0,
                ..posting.clone()
            };
            sums.entry((month, key))
                .or_default()
                .add(posting, amount, &gases);
        }
    }
    sums.into_iter()
        .map(|((_, key), sum)| Posting {
            amount: sum.amount,
            activity_u95_ppm: sum.u95_ppm(),
            tier: sum.tier,
            gases: sum.gases,
            ..key
        })
        .collect()
}

/// The part of a line in a stretch of time; `None` outside of it.
fn part_of(posting: &Posting, from: UnixSeconds, to: UnixSeconds) -> Option<(i64, GasMasses)> {
    let interval = posting.interval;
    if interval.seconds == 0 {
        return (from <= interval.start && interval.start < to)
            .then(|| (posting.amount, posting.gases.clone()));
    }
    let length = i64::from(interval.seconds);
    let begin = (from.0 - interval.start.0).clamp(0, length);
    let end = (to.0 - interval.start.0).clamp(0, length);
    if begin >= end {
        return None;
    }
    let part = |total: i64| through(total, end, length) - through(total, begin, length);
    let mut gases = GasMasses::NONE;
    for (gas, mg) in posting.gases.iter() {
        gases.add(gas, part(mg));
    }
    // What is counted in trees is there all the time; what flows is spread.
    let amount = if posting.unit == AmountUnit::Count.token() {
        posting.amount
    } else {
        part(posting.amount)
    };
    Some((amount, gases))
}

#[derive(Default)]
struct Sum {
    amount: i64,
    gases: GasMasses,
    tier: u8,
    /// Weight of the lines, and their weighted half-widths.
    weight: i128,
    weighted_ppm: i128,
}

impl Sum {
    fn add(&mut self, posting: &Posting, amount: i64, gases: &GasMasses) {
        if posting.unit == AmountUnit::Count.token() {
            self.amount = self.amount.max(amount);
        } else {
            self.amount += amount;
        }
        self.gases.add_all(gases);
        self.tier = self.tier.max(posting.tier);
        let weight = weight_of(gases);
        self.weight += weight;
        self.weighted_ppm += weight * i128::from(posting.activity_u95_ppm);
    }

    fn u95_ppm(&self) -> u32 {
        if self.weight == 0 {
            return 0;
        }
        u32::try_from(self.weighted_ppm / self.weight).unwrap_or(u32::MAX)
    }
}

/// How much lines weigh against each other: CO2 equivalents of the sixth report, or the plain mass where a gas has none there.
fn weight_of(gases: &GasMasses) -> i128 {
    gases.co2e_mg(GwpSet::Ar6).map_or_else(
        |_| gases.iter().map(|(_, mg)| i128::from(mg.abs())).sum(),
        |mg| i128::from(mg.abs()),
    )
}
