//! One `[[alarms]]` table: what all alarms have, and the limits of its condition.

use super::alarm::{AlarmCondition, AlarmPriority, Balanced, PointQuantity};
use super::definition::{Carrier, Name};
use super::problem::Problems;
use super::table::{Located, Table, note_wrong_type, read_text, read_whole};

/// What an alarm watches everything of that its condition fits is called.
pub(super) const ALL: &str = "all";

/// Keys that an alarm of any condition may have.
const COMMON_KEYS: &[&str] = &[
    "id",
    "condition",
    "assets",
    "meters",
    "priority",
    "name",
    "cause",
    "consequence",
    "action",
    "respond_within_s",
    "delay_s",
    "off_delay_s",
    "suppressed_while",
];

/// A week: what may wait longer is no alarm.
const LONGEST_S: i64 = 7 * 86_400;
/// Far beyond every quantity of a park.
const MOST_VALUE: i64 = 1_000_000_000_000_000;
/// Water that flows without a pause for this long, through a night, is looked into (assumed).
const LEAK_DELAY_S: i64 = 4 * 3_600;

#[derive(Debug)]
pub(super) struct DraftAlarm {
    pub(super) at: usize,
    /// What it is called in messages.
    pub(super) place: String,
    pub(super) id: Option<Located<String>>,
    pub(super) condition: Option<AlarmCondition>,
    pub(super) limits: Option<DraftLimits>,
    pub(super) assets: DraftWatched,
    pub(super) meters: DraftWatched,
    pub(super) priority: Option<AlarmPriority>,
    pub(super) name: Option<Name>,
    pub(super) cause: Option<Name>,
    pub(super) consequence: Option<Name>,
    pub(super) action: Option<Name>,
    pub(super) respond_within_s: Option<u32>,
    pub(super) delay_s: Option<u32>,
    pub(super) off_delay_s: Option<u32>,
    pub(super) suppressed_while: Option<Located<String>>,
}

/// What a list of watched things says.
#[derive(Debug)]
pub(super) enum DraftWatched {
    Absent,
    /// It was noted as a problem.
    Unread,
    All {
        at: usize,
    },
    Listed(Vec<Located<String>>),
}

/// Limits as the file gives them.
#[derive(Debug, Clone)]
pub(super) enum DraftLimits {
    /// The asset says itself that something is wrong.
    Flag(PointQuantity),
    TankLow {
        /// Of the capacity; its reserve where absent.
        limit_percent: Option<i64>,
        deadband_percent: i64,
    },
    TankHigh {
        limit_percent: i64,
        deadband_percent: i64,
    },
    Storage {
        low_percent: i64,
        high_percent: i64,
        deadband_percent: i64,
    },
    Silent,
    /// Wh of a node's hour, litres of a tank's.
    Balance {
        of: Balanced,
        limit: i64,
        deadband: i64,
    },
    Point {
        /// Absent: that of each meter.
        quantity: Option<PointQuantity>,
        is_above: bool,
        limit: i64,
        deadband: i64,
    },
}

pub(super) fn read_alarm(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftAlarm {
    let condition = table.choice("condition", AlarmCondition::TOKENS, problems);
    let limits = condition.and_then(|condition| read_limits(condition, table, problems));
    if let Some(condition) = condition {
        let known: Vec<&str> = [COMMON_KEYS, limit_keys(condition)].concat();
        table.note_unknown_keys(&known, problems);
    }
    let default_delay_s = match condition {
        Some(AlarmCondition::LeakSuspected) => LEAK_DELAY_S,
        _ => 0,
    };
    DraftAlarm {
        at: table.at,
        place: table.place.clone(),
        id: table.required_text("id", "bin-full", problems),
        condition,
        limits,
        assets: read_watched("assets", table, problems),
        meters: read_watched("meters", table, problems),
        priority: table.choice("priority", AlarmPriority::TOKENS, problems),
        name: table.name(problems),
        cause: table.in_both_languages("cause", "Paper jams the flap", "投口被堵", problems),
        consequence: table.in_both_languages(
            "consequence",
            "Waste lies beside the bin",
            "垃圾散落桶外",
            problems,
        ),
        action: table.in_both_languages("action", "Order a collection", "安排清运", problems),
        respond_within_s: read_seconds("respond_within_s", 10, None, table, problems),
        delay_s: match condition {
            Some(AlarmCondition::MeterSilent) => read_seconds("delay_s", 60, None, table, problems),
            _ => read_seconds("delay_s", 0, Some(default_delay_s), table, problems),
        },
        off_delay_s: read_seconds("off_delay_s", 0, Some(0), table, problems),
        suppressed_while: table
            .get("suppressed_while")
            .and_then(|value| read_text("suppressed_while", value, problems)),
    }
}

/// Keys that only alarms of this condition have.
fn limit_keys(condition: AlarmCondition) -> &'static [&'static str] {
    match condition {
        AlarmCondition::BinOverflow
        | AlarmCondition::ChargerFault
        | AlarmCondition::MeterSilent => &[],
        AlarmCondition::TankLow | AlarmCondition::TankHigh => {
            &["limit_percent", "deadband_percent"]
        }
        AlarmCondition::StorageOutOfLimits => &["low_percent", "high_percent", "deadband_percent"],
        AlarmCondition::BalanceOpen
        | AlarmCondition::HeatBalanceOpen
        | AlarmCondition::ColdBalanceOpen => &["limit_wh", "deadband_wh"],
        AlarmCondition::WaterBalanceOpen => &["limit_l", "deadband_l"],
        AlarmCondition::LeakSuspected
        | AlarmCondition::TemperatureHigh
        | AlarmCondition::TemperatureLow => &["limit", "deadband"],
        AlarmCondition::PointAbove | AlarmCondition::PointBelow => {
            &["quantity", "limit", "deadband"]
        }
    }
}

/// `None` if any of it was noted as a problem.
fn read_limits(
    condition: AlarmCondition,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<DraftLimits> {
    let limits = match condition {
        AlarmCondition::BinOverflow => DraftLimits::Flag(PointQuantity::Overflowing),
        AlarmCondition::ChargerFault => DraftLimits::Flag(PointQuantity::Faults),
        AlarmCondition::MeterSilent => DraftLimits::Silent,
        AlarmCondition::TankLow => {
            let limit_percent = match table.get("limit_percent") {
                Some(value) => Some(read_whole("limit_percent", value, 1..=99, problems)?),
                None => None,
            };
            DraftLimits::TankLow {
                limit_percent,
                deadband_percent: percent_or("deadband_percent", 2, table, problems)?,
            }
        }
        AlarmCondition::TankHigh => {
            let limit_percent = percent_or("limit_percent", 95, table, problems);
            let deadband_percent = percent_or("deadband_percent", 2, table, problems);
            DraftLimits::TankHigh {
                limit_percent: limit_percent?,
                deadband_percent: deadband_percent?,
            }
        }
        AlarmCondition::StorageOutOfLimits => read_storage_limits(table, problems)?,
        AlarmCondition::BalanceOpen
        | AlarmCondition::HeatBalanceOpen
        | AlarmCondition::ColdBalanceOpen => {
            let limit_wh = required_value("limit_wh", "500 (in Wh of an hour)", table, problems);
            let deadband_wh = deadband("deadband_wh", table, problems);
            DraftLimits::Balance {
                of: match condition {
                    AlarmCondition::HeatBalanceOpen => Balanced::Thermal(Carrier::Heat),
                    AlarmCondition::ColdBalanceOpen => Balanced::Thermal(Carrier::Cold),
                    _ => Balanced::Electricity,
                },
                limit: limit_wh?,
                deadband: deadband_wh?,
            }
        }
        AlarmCondition::WaterBalanceOpen => {
            let limit_l = required_value("limit_l", "200 (in litres of an hour)", table, problems);
            let deadband_l = deadband("deadband_l", table, problems);
            DraftLimits::Balance {
                of: Balanced::Water,
                limit: limit_l?,
                deadband: deadband_l?,
            }
        }
        AlarmCondition::LeakSuspected => DraftLimits::Point {
            quantity: Some(PointQuantity::SupplyLPerH),
            is_above: true,
            limit: required_value("limit", "20 (in litres an hour)", table, problems)?,
            deadband: deadband("deadband", table, problems)?,
        },
        AlarmCondition::TemperatureHigh | AlarmCondition::TemperatureLow => DraftLimits::Point {
            quantity: Some(PointQuantity::CompostTemperatureMc),
            is_above: condition == AlarmCondition::TemperatureHigh,
            limit: required_value(
                "limit",
                "70000 (in thousandths of a degree Celsius)",
                table,
                problems,
            )?,
            deadband: deadband("deadband", table, problems)?,
        },
        AlarmCondition::PointAbove | AlarmCondition::PointBelow => {
            read_point_limits(condition == AlarmCondition::PointAbove, table, problems)?
        }
    };
    Some(limits)
}

fn read_storage_limits(table: &Table<'_>, problems: &mut Problems<'_>) -> Option<DraftLimits> {
    let low = required_percent("low_percent", 10, table, problems);
    let high = required_percent("high_percent", 95, table, problems);
    let deadband_percent = percent_or("deadband_percent", 2, table, problems);
    let (low_percent, high_percent) = (low?, high?);
    if low_percent >= high_percent {
        problems.note(
            table.at,
            format!(
                "{}: low_percent = {low_percent} is not below high_percent = {high_percent}",
                table.place
            ),
            "write the lower limit as low_percent",
        );
        return None;
    }
    Some(DraftLimits::Storage {
        low_percent,
        high_percent,
        deadband_percent: deadband_percent?,
    })
}

fn read_point_limits(
    is_above: bool,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<DraftLimits> {
    let quantity = match table.get("quantity") {
        Some(_) => Some(table.choice("quantity", PointQuantity::TOKENS, problems)?),
        None => None,
    };
    let limit = required_value("limit", "5000 (in the quantity's unit)", table, problems);
    let deadband = deadband("deadband", table, problems);
    Some(DraftLimits::Point {
        quantity,
        is_above,
        limit: limit?,
        deadband: deadband?,
    })
}

fn percent_or(
    key: &str,
    default: i64,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    match table.get(key) {
        Some(value) => read_whole(key, value, 0..=100, problems),
        None => Some(default),
    }
}

fn required_percent(
    key: &str,
    example: i64,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    let value = table.required(
        key,
        &format!("{key} = {example} (of its capacity)"),
        problems,
    )?;
    read_whole(key, value, 0..=100, problems)
}

fn required_value(
    key: &str,
    example: &str,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    let value = table.required(key, &format!("{key} = {example}"), problems)?;
    read_whole(key, value, -MOST_VALUE..=MOST_VALUE, problems)
}

fn deadband(key: &str, table: &Table<'_>, problems: &mut Problems<'_>) -> Option<i64> {
    match table.get(key) {
        Some(value) => read_whole(key, value, 0..=MOST_VALUE, problems),
        None => Some(0),
    }
}

/// Seconds, at most a week. Without a default the key must be there.
fn read_seconds(
    key: &str,
    least: i64,
    default: Option<i64>,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<u32> {
    let seconds = match (table.get(key), default) {
        (Some(value), _) => read_whole(key, value, least..=LONGEST_S, problems)?,
        (None, Some(default)) => default,
        (None, None) => {
            table.required(key, &format!("{key} = 1800 (in seconds)"), problems);
            return None;
        }
    };
    u32::try_from(seconds).ok()
}

fn read_watched(key: &str, table: &Table<'_>, problems: &mut Problems<'_>) -> DraftWatched {
    let Some(value) = table.get(key) else {
        return DraftWatched::Absent;
    };
    let wanted = format!("{key} = [\"id\", \"id\"], or {key} = \"{ALL}\" for all that it fits");
    let at = value.span().start;
    if value.get_ref().as_str() == Some(ALL) {
        return DraftWatched::All { at };
    }
    let Some(elements) = value.get_ref().as_array() else {
        note_wrong_type(problems, key, value, &wanted);
        return DraftWatched::Unread;
    };
    if elements.is_empty() {
        problems.note(at, format!("{key} is empty"), format!("write {wanted}"));
        return DraftWatched::Unread;
    }
    let mut ids: Vec<Located<String>> = Vec::with_capacity(elements.len());
    let mut all_read = true;
    for element in elements {
        let Some(id) = read_text(key, element, problems) else {
            all_read = false;
            continue;
        };
        if ids.iter().any(|listed| listed.value == id.value) {
            problems.note(
                id.at,
                format!("{key} lists \"{}\" twice", id.value),
                "leave one out",
            );
            all_read = false;
        }
        ids.push(id);
    }
    if all_read {
        DraftWatched::Listed(ids)
    } else {
        DraftWatched::Unread
    }
}
