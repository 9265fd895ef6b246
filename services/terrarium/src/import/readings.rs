//! `terrarium import readings`: the whole of it, from the file to the summary.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use terrarium_proto::energy::v1::Correction;

use crate::client::ClientArgs;
use crate::exit;
use crate::import::readings_file::ReadingsFile;
use crate::import::upload::{QuarantinedLine, Rejection, Tally, Upload, UploadPlan, UploadStopped};
use crate::output::{Format, count, print_json_line, print_line};

/// Rejections and quarantine notices that the summary for people lists, of each.
const LISTED_NOTICES: usize = 20;
const MAX_REASON_BYTES: usize = 500;

/// Arguments of `terrarium import readings`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV file
    file: PathBuf,
    /// Park that the meters belong to [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
    /// Each reading replaces the recorded one of its interval
    #[arg(long)]
    as_correction: bool,
    /// Why the readings are corrected, for the record [default: names the file]
    #[arg(long, requires = "as_correction", value_name = "TEXT")]
    reason: Option<String>,
    /// Give up when the server was unavailable for so long since the last progress
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    retry_for: u64,
}

/// Runs `terrarium import readings`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("import readings")?;
    let correction = correction_of(&args)?;
    let readings = ReadingsFile::check(&args.file)?;
    let file = ReadingsFile::open(&args.file)?;
    let park = match &args.park {
        Some(park) => park.clone(),
        None => client.connect().await?.park_or_only(None).await?,
    };

    let started = Instant::now();
    let plan = UploadPlan {
        client,
        park,
        correction,
        retry_for: Duration::from_secs(args.retry_for),
        client_request_id: uuid::Uuid::new_v4().to_string(),
    };
    let progress = progress_bar(readings);
    let mut upload = Upload::new(plan, file, progress.clone());
    let mut outcome = upload.run().await;
    progress.finish_and_clear();
    let tally = upload.tally;
    if outcome.is_ok() {
        outcome = check_all_accounted_for(readings, &tally);
    }

    let summary = Summary::new(readings, started.elapsed(), &tally, outcome.is_ok());
    match format {
        Format::Json => print_json_line(&summary)?,
        _ => summary.print(&args.file)?,
    }
    match outcome {
        Ok(()) => Ok(ExitCode::from(finished_code(&summary))),
        Err(stopped) => {
            eprintln!("error: {stopped}");
            Ok(ExitCode::from(stopped_code(&stopped)))
        }
    }
}

fn correction_of(args: &Args) -> anyhow::Result<Option<Correction>> {
    if !args.as_correction {
        return Ok(None);
    }
    let reason = args.reason.clone().unwrap_or_else(|| {
        let name = args.file.file_name().unwrap_or_default().to_string_lossy();
        format!("correction imported from {name}")
    });
    if reason.len() > MAX_REASON_BYTES {
        bail!(
            "--reason has {} bytes; shorten it to {MAX_REASON_BYTES}",
            reason.len()
        );
    }
    Ok(Some(Correction {
        replaces_revision: None,
        reason,
    }))
}

fn progress_bar(readings: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:30} {human_pos} of {human_len} readings, {per_sec}, {eta} left {msg}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    // Draws on stderr, and only when that is a terminal.
    ProgressBar::new(readings).with_style(style)
}

fn check_all_accounted_for(readings: u64, tally: &Tally) -> Result<(), UploadStopped> {
    let counts = &tally.counts;
    let accounted_for =
        counts.recorded + counts.already_recorded + counts.quarantined + counts.rejected;
    if accounted_for == readings {
        return Ok(());
    }
    Err(UploadStopped::Protocol(format!(
        "{accounted_for} of {readings} readings are accounted for"
    )))
}

fn finished_code(summary: &Summary<'_>) -> u8 {
    if summary.rejected > 0 {
        exit::SOME_REJECTED
    } else if summary.quarantined > 0 {
        exit::SOME_QUARANTINED
    } else {
        0
    }
}

fn stopped_code(stopped: &UploadStopped) -> u8 {
    match stopped {
        UploadStopped::GaveUp(..) => exit::UNAVAILABLE,
        UploadStopped::Refused(_) | UploadStopped::File(_) | UploadStopped::Protocol(_) => {
            exit::FAILURE
        }
    }
}

/// What became of the file's readings, as `--format json` prints it.
#[derive(serde::Serialize)]
struct Summary<'a> {
    readings: u64,
    recorded: u64,
    already_recorded: u64,
    quarantined: u64,
    rejected: u64,
    seconds: f64,
    through_position: u64,
    reconnections: u64,
    finished: bool,
    rejections: &'a [Rejection],
    quarantined_readings: &'a [QuarantinedLine],
    #[serde(skip)]
    acknowledged: u64,
}

impl<'a> Summary<'a> {
    fn new(readings: u64, took: Duration, tally: &'a Tally, finished: bool) -> Summary<'a> {
        Summary {
            readings,
            recorded: tally.counts.recorded,
            already_recorded: tally.counts.already_recorded,
            quarantined: tally.counts.quarantined,
            rejected: tally.counts.rejected,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            through_position: tally.through_position,
            reconnections: tally.reconnections,
            finished,
            rejections: &tally.rejections,
            quarantined_readings: &tally.quarantined,
            acknowledged: tally.acknowledged,
        }
    }

    fn print(&self, file: &Path) -> std::io::Result<()> {
        for line in self.lines(&file.display().to_string()) {
            print_line(line)?;
        }
        Ok(())
    }

    fn lines(&self, file: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for rejection in self.rejections.iter().take(LISTED_NOTICES) {
            lines.push(format!(
                "{file}, line {}: rejected: {}: {}",
                rejection.line, rejection.field, rejection.message
            ));
        }
        lines.extend(more_line(self.rejected, "rejected"));
        for notice in self.quarantined_readings.iter().take(LISTED_NOTICES) {
            let QuarantinedLine {
                line,
                quarantine_id,
                finding,
                ..
            } = notice;
            lines.push(format!(
                "{file}, line {line}: quarantined as {quarantine_id}: {finding}"
            ));
        }
        lines.extend(more_line(self.quarantined, "quarantined"));
        lines.push(format!(
            "{} readings in the file: {} recorded, {} already recorded, {} quarantined, {} rejected",
            count(self.readings),
            count(self.recorded),
            count(self.already_recorded),
            count(self.quarantined),
            count(self.rejected)
        ));
        if self.acknowledged < self.readings {
            lines.push(format!(
                "{} not acknowledged",
                count(self.readings - self.acknowledged)
            ));
        }
        let rate = if self.seconds > 0.0 {
            self.acknowledged as f64 / self.seconds
        } else {
            0.0
        };
        let reconnected = match self.reconnections {
            0 => String::new(),
            times => format!(", connected again {times} times"),
        };
        lines.push(format!(
            "{:.3} s, {} readings/s, recorded through position {}{reconnected}",
            self.seconds,
            count(rate as u64),
            self.through_position
        ));
        lines
    }
}

fn more_line(total: u64, what: &str) -> Option<String> {
    let listed = LISTED_NOTICES as u64;
    (total > listed).then(|| {
        format!(
            "... and {} more {what} (--format json lists them)",
            count(total - listed)
        )
    })
}

#[cfg(test)]
mod tests {
    use terrarium_proto::energy::v1::ReadingCounts;

    use super::*;
    use crate::client::CallError;

    fn tally(recorded: u64, quarantined: u64, rejected: u64) -> Tally {
        let counts = ReadingCounts {
            recorded,
            already_recorded: 0,
            quarantined,
            rejected,
        };
        Tally {
            counts,
            acknowledged: recorded + quarantined + rejected,
            ..Tally::default()
        }
    }

    fn code(tally: &Tally) -> u8 {
        finished_code(&Summary::new(
            tally.acknowledged,
            Duration::from_secs(1),
            tally,
            true,
        ))
    }

    #[test]
    fn the_exit_code_tells_what_became_of_the_readings() {
        assert_eq!(code(&tally(10, 0, 0)), 0);
        assert_eq!(code(&tally(8, 0, 2)), exit::SOME_REJECTED);
        assert_eq!(code(&tally(8, 2, 0)), exit::SOME_QUARANTINED);
        assert_eq!(code(&tally(6, 2, 2)), exit::SOME_REJECTED);
        let away = || CallError::refused("http://127.0.0.1:1", tonic::Status::unavailable("away"));
        assert_eq!(
            stopped_code(&UploadStopped::GaveUp(away(), 60.0)),
            exit::UNAVAILABLE
        );
        assert_eq!(stopped_code(&UploadStopped::Refused(away())), exit::FAILURE);
    }

    #[test]
    fn readings_that_nobody_accounts_for_are_a_failure() {
        assert!(check_all_accounted_for(10, &tally(8, 1, 1)).is_ok());
        assert!(check_all_accounted_for(11, &tally(8, 1, 1)).is_err());
    }

    #[test]
    fn the_summary_lists_the_first_rejections_with_their_lines() {
        let mut tally = tally(0, 0, 25);
        tally.rejections = (0..25)
            .map(|n| Rejection {
                line: n + 2,
                field: "unit".into(),
                code: 3,
                message: "no such unit".into(),
            })
            .collect();
        let summary = Summary::new(25, Duration::from_millis(500), &tally, true);
        let lines = summary.lines("a.csv");
        assert_eq!(lines[0], "a.csv, line 2: rejected: unit: no such unit");
        assert_eq!(
            lines[20],
            "... and 5 more rejected (--format json lists them)"
        );
        assert_eq!(
            lines[21],
            "25 readings in the file: 0 recorded, 0 already recorded, 0 quarantined, 25 rejected"
        );
        assert_eq!(
            lines[22],
            "0.500 s, 50 readings/s, recorded through position 0"
        );
    }
}
