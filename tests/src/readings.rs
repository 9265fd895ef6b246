//! Readings from and to CSV files, and made ones.

use std::collections::BTreeMap;
use std::path::Path;

use terrarium_proto::energy::v1::{MeteredReading, Reading};

use crate::seed::Seed;

/// Columns of a readings file.
pub const HEADER: [&str; 6] = [
    "interval_start",
    "interval_seconds",
    "meter",
    "quantity",
    "value",
    "unit",
];

/// What makes a reading this one and no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadingKey {
    /// Meter id.
    pub meter: String,
    /// Unix seconds UTC.
    pub interval_start_s: i64,
    /// 0 for a register.
    pub interval_seconds: u32,
    /// As reported, without zeros at the end.
    pub value: String,
    /// As reported.
    pub unit: String,
    /// 0 unless it is a correction.
    pub revision: u32,
}

impl ReadingKey {
    /// Of a first report.
    pub fn of_report(reading: &Reading) -> ReadingKey {
        ReadingKey {
            meter: reading.meter.clone(),
            interval_start_s: seconds_of(&reading.interval_start),
            interval_seconds: reading.interval_seconds,
            value: canonical(&reading.value),
            unit: reading.unit.clone(),
            revision: 0,
        }
    }

    /// Of a recorded reading.
    pub fn of_recorded(reading: &MeteredReading) -> ReadingKey {
        ReadingKey {
            meter: reading.meter.clone(),
            interval_start_s: reading.interval_start_s,
            interval_seconds: reading.interval_seconds,
            value: canonical(&reading.value),
            unit: reading.unit.clone(),
            revision: reading.revision,
        }
    }
}

/// A decimal without zeros after its last digit that matters: `1.50` and `1.5` say the same.
pub fn canonical(decimal: &str) -> String {
    match decimal.split_once('.') {
        Some(_) => decimal
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        None => decimal.to_owned(),
    }
}

/// Unix seconds of an RFC 3339 instant with an offset.
///
/// # Panics
/// When it is none.
pub fn seconds_of(instant: &str) -> i64 {
    let timestamp: jiff::Timestamp = instant
        .parse()
        .unwrap_or_else(|error| panic!("{instant} is no instant: {error}"));
    timestamp.as_second()
}

/// RFC 3339 UTC of Unix seconds.
pub fn instant_of(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .expect("our times are near the present")
        .to_string()
}

/// All readings of a file in its order.
///
/// # Panics
/// When the file can't be read.
pub fn read_csv(path: &Path) -> Vec<Reading> {
    let mut rows =
        csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Reading {
            interval_start: row[0].to_owned(),
            interval_seconds: row[1].parse().expect("seconds are a number"),
            meter: row[2].to_owned(),
            quantity: row[3].to_owned(),
            value: row[4].to_owned(),
            unit: row[5].to_owned(),
            correction: None,
        }
    };
    rows.records().map(read).collect()
}

/// Any CSV file with a header, each row by column name.
///
/// # Panics
/// When the file can't be read.
pub fn read_rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut rows =
        csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    rows.deserialize()
        .map(|row| row.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

/// Writes a readings file.
///
/// # Panics
/// When the file can't be written.
pub fn write_csv<'a>(path: &Path, readings: impl IntoIterator<Item = &'a Reading>) {
    let mut rows =
        csv::Writer::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut write = |row: [&str; 6]| {
        rows.write_record(row)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    write(HEADER);
    for reading in readings {
        let seconds = reading.interval_seconds.to_string();
        write([
            &reading.interval_start,
            &seconds,
            &reading.meter,
            &reading.quantity,
            &reading.value,
            &reading.unit,
        ]);
    }
    rows.flush()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// One reading of an interval meter in kWh.
pub fn reading(meter: &str, interval_start: &str, interval_seconds: u32, value: &str) -> Reading {
    Reading {
        meter: meter.to_owned(),
        quantity: "active_energy".to_owned(),
        interval_start: interval_start.to_owned(),
        interval_seconds,
        value: value.to_owned(),
        unit: "kWh".to_owned(),
        correction: None,
    }
}

/// Made readings of the ten homes' twenty meters for so many hours from 1 August 2016 on, hour by hour.
pub fn made_for_ten_homes(seed: &mut Seed, hours: u32) -> Vec<Reading> {
    let first_hour = seconds_of("2016-08-01T07:00:00Z");
    let mut readings = Vec::with_capacity(hours as usize * 20);
    for hour in 0..hours {
        let start = instant_of(first_hour + i64::from(hour) * 3600);
        for home in 1..=10 {
            for (meter, most) in [("load", 80_000), ("pv", 30_000)] {
                let tenths_wh = seed.below(most);
                let value = format!("{}.{:04}", tenths_wh / 10_000, tenths_wh % 10_000);
                readings.push(reading(
                    &format!("home-{home:02}.{meter}"),
                    &start,
                    3600,
                    &value,
                ));
            }
        }
    }
    readings
}
