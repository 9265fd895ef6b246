//! `terrarium import`: sends meter readings and emission factors from files.

mod decisions;
mod factor_file;
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
    /// Publish a set of emission factors from a TOML file
    ///
    /// Keys: set, version, publisher, region, kind, unit, valid_from, valid_to, published_on, source, and either
    /// constant = "0.5306" or a section [hourly] with file, time_column, value_column.
    ///
    /// With --format json one object is printed: park, set, version, values, recorded, recorded_position.
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
