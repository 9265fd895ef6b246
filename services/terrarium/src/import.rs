//! `terrarium import`: sends meter readings and emission factors from files.

mod decisions;
mod factor_file;
mod factor_table_file;
mod factors;
mod readings;
mod readings_file;
mod upload;

use std::process::ExitCode;

use crate::client::ClientArgs;

/// What is imported.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Send meter readings from a CSV file
    ///
    /// The file's header is `interval_start,interval_seconds,meter,quantity,value,unit`; times are RFC 3339 with an offset, values
    /// decimals with a point. The whole file is checked before anything is sent. Sending a file again is harmless:
    /// what was recorded already is recognised.
    ///
    /// With --format json one object is printed: readings, recorded, already_recorded, quarantined, rejected, seconds,
    /// through_position, reconnections, finished, rejections [{line, field, code, message}], quarantined_readings [{line,
    /// quarantine_id, reason, finding}]. Each list holds at most the first 10,000.
    Readings(readings::Args),
    /// Publish sets and tables of factors from TOML files, or from folders of them such as deploy/factors/library
    ///
    /// A table: [table] with set, version, publisher, published_on, document and what all rows share, and a [[row]] each with row, kind,
    /// subject, region, unit, valid_from and valid_to (or year), value, locator, mark (verified, secondary, default), u95_percent,
    /// context, tags, note, unusual_because. All files are checked against each other before anything is sent.
    ///
    /// A single set has the keys set, version, publisher, region, kind, unit, valid_from, valid_to, published_on, source, and either
    /// constant = "0.5306" or a section [hourly] with file, time_column, value_column.
    ///
    /// With --format json one object is printed for each set: park, set, version, values, recorded, recorded_position.
    Factors(factors::Args),
    /// Record a park's decisions from a TOML file: boundary, owner, parties, base year, targets, stages, indicators, life cycle, periods
    ///
    /// Sections: profile, boundary, base_year, life_cycle; lists: party, target, stage, indicator, embodied, period. Sending a file
    /// again is harmless.
    ///
    /// With --format json one object is printed: park, recorded, already_recorded.
    Decisions(decisions::Args),
}

/// Runs `terrarium import`.
pub async fn run(client: &ClientArgs, what: What) -> anyhow::Result<ExitCode> {
    match what {
        What::Readings(args) => readings::run(client, args).await,
        What::Factors(args) => factors::run(client, args).await,
        What::Decisions(args) => decisions::run(client, args).await,
    }
}
