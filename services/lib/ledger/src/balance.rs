//! Totals of the books over a period.

use std::collections::BTreeMap;

use terrarium_model::{AssetId, ParkDefinition, SECONDS_PER_HOUR, UnixSeconds};

use crate::node_hour::{NodeHour, Totals};
use crate::park_ledger::Period;
use crate::view::View;

/// What the lines of a balance are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One line.
    Total,
    /// One for each node.
    Asset,
    /// One for each hour, day or month of the park's time zone.
    Hour,
    /// See [`Grouping::Hour`].
    Day,
    /// See [`Grouping::Hour`].
    Month,
}

/// Totals of a group of node hours. Only complete hours count; all others are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceLine {
    /// Asset id, or hour, day, month, or `total`.
    pub key: String,
    /// Wh.
    pub consumption_wh: i64,
    /// Wh.
    pub generation_wh: i64,
    /// Wh.
    pub import_wh: i64,
    /// Wh.
    pub export_wh: i64,
    /// Wh.
    pub self_use_wh: i64,
    /// Wh.
    pub unexplained_wh: i64,
    /// Wh put into stores.
    pub charge_wh: i64,
    /// Wh taken out of stores.
    pub discharge_wh: i64,
    /// mg of all imports at the grid's average: see [`Totals::scope2_location_mg`].
    pub scope2_location_mg: i64,
    /// mg of all exports at their baseline, never netted: see [`Totals::avoided_mg`].
    pub avoided_mg: i64,
    /// Node hours of the period.
    pub hours_expected: u64,
    /// Complete ones.
    pub hours_metered: u64,
    /// With a gap in some meter.
    pub hours_missing: u64,
    /// Complete, but without the factor they need.
    pub hours_without_factor: u64,
    /// Complete, with a reading that was spread over hour borders.
    pub hours_estimated: u64,
}

impl BalanceLine {
    /// Share of consumption matched hour by hour by clean energy of the same node, in millionths, rounded down:
    /// self-use over consumption (CFE score, carbon accounting by the hour). `None` if nothing was consumed.
    pub fn matched_ppm(&self) -> Option<u32> {
        if self.consumption_wh <= 0 {
            return None;
        }
        let share = i128::from(self.self_use_wh) * 1_000_000 / i128::from(self.consumption_wh);
        u32::try_from(share).ok()
    }

    /// Adds the sums of so many node hours, complete ones or not.
    pub fn add_totals(&mut self, totals: &Totals, hours: u64) {
        let amounts = &totals.amounts;
        self.consumption_wh += amounts.consumption;
        self.generation_wh += amounts.generation;
        self.import_wh += amounts.import;
        self.export_wh += amounts.export;
        self.self_use_wh += amounts.self_use;
        self.unexplained_wh += amounts.unexplained;
        self.charge_wh += amounts.charge;
        self.discharge_wh += amounts.discharge;
        self.scope2_location_mg += totals.scope2_location_mg;
        self.avoided_mg += totals.avoided_mg;
        self.hours_expected += hours;
        self.hours_metered += u64::from(totals.metered);
        self.hours_missing += hours - u64::from(totals.metered);
        self.hours_without_factor += u64::from(totals.without_factor);
        self.hours_estimated += u64::from(totals.estimated);
    }

    /// Adds a node hour.
    pub fn add_hour(&mut self, hour: &NodeHour) {
        self.add_totals(&Totals::of(hour), 1);
    }

    fn add_line(&mut self, other: &BalanceLine) {
        self.consumption_wh += other.consumption_wh;
        self.generation_wh += other.generation_wh;
        self.import_wh += other.import_wh;
        self.export_wh += other.export_wh;
        self.self_use_wh += other.self_use_wh;
        self.unexplained_wh += other.unexplained_wh;
        self.charge_wh += other.charge_wh;
        self.discharge_wh += other.discharge_wh;
        self.scope2_location_mg += other.scope2_location_mg;
        self.avoided_mg += other.avoided_mg;
        self.hours_expected += other.hours_expected;
        self.hours_metered += other.hours_metered;
        self.hours_missing += other.hours_missing;
        self.hours_without_factor += other.hours_without_factor;
        self.hours_estimated += other.hours_estimated;
    }
}

/// The balance of a park, or of one of its nodes: lines in order of their keys, and all of them together.
pub fn balance(
    view: &View<'_>,
    period: Period,
    grouping: Grouping,
    only: Option<&AssetId>,
) -> (Vec<BalanceLine>, BalanceLine) {
    let mut lines: BTreeMap<String, BalanceLine> = BTreeMap::new();
    if grouping == Grouping::Asset {
        for asset in view
            .nodes()
            .filter(|asset| only.is_none_or(|only| only == *asset))
        {
            lines
                .entry(asset.to_string())
                .or_insert_with(|| BalanceLine::of(asset.as_str()))
                .add_totals(&view.node_totals(asset, period), period.hours());
        }
    } else if let Some(definition) = view.definition() {
        let nodes = view.nodes().count() as u64;
        let only_node = only.and_then(|asset| view.node(asset));
        // Lines follow each other in time: a line is looked up once, not every hour.
        for part in parts(definition, grouping, period) {
            let mut line = BalanceLine::default();
            for hour_start in part.hour_starts() {
                match (only, only_node) {
                    (Some(_), Some((defined, node))) => {
                        line.add_hour(&view.hour(defined, node, hour_start));
                    }
                    (Some(_), None) => {}
                    (None, _) => line.add_totals(&view.park_hour(hour_start), nodes),
                }
            }
            lines
                .entry(key_of_hour(definition, grouping, part.from))
                .or_insert_with_key(|key| BalanceLine::of(key))
                .add_line(&line);
        }
    }
    let lines: Vec<BalanceLine> = lines.into_values().collect();
    let mut total = BalanceLine::of("total");
    for line in &lines {
        total.add_line(line);
    }
    (lines, total)
}

impl BalanceLine {
    /// An empty line.
    pub fn of(key: &str) -> BalanceLine {
        BalanceLine {
            key: key.to_owned(),
            ..BalanceLine::default()
        }
    }
}

/// The hours of a period that stand in one line together.
fn parts(definition: &ParkDefinition, grouping: Grouping, period: Period) -> Vec<Period> {
    let mut parts: Vec<Period> = Vec::new();
    let mut last = None;
    for hour_start in period.hour_starts() {
        let offset = i64::from(definition.time_zone.offset_seconds(hour_start));
        let local_day = (hour_start.0 + offset).div_euclid(86_400);
        let group = match grouping {
            Grouping::Total | Grouping::Asset => 0,
            Grouping::Hour => hour_start.0,
            // Days of one month share a key, under which their lines come together.
            Grouping::Day | Grouping::Month => local_day,
        };
        let to = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
        match parts.last_mut() {
            Some(part) if last == Some(group) => part.to = to,
            _ => parts.push(Period {
                from: hour_start,
                to,
            }),
        }
        last = Some(group);
    }
    parts
}

fn key_of_hour(definition: &ParkDefinition, grouping: Grouping, hour_start: UnixSeconds) -> String {
    match grouping {
        Grouping::Total | Grouping::Asset => "total".to_owned(),
        Grouping::Hour => definition.time_zone.hour_key(hour_start),
        Grouping::Day => definition.time_zone.day_key(hour_start),
        Grouping::Month => definition.time_zone.month_key(hour_start),
    }
}
