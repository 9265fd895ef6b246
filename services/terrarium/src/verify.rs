//! `terrarium verify`: checks the record byte by byte and rebuilds everything from the first event.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use terrarium_eventstore::{Position, Scan, ScanError};
use terrarium_journal::{Digest, RecordedEvent, verify_digest};
use terrarium_projector::{Checkpoint, Projection};
use terrarium_proto::ledger::v1::GetStateRequest;

use crate::client::ClientArgs;
use crate::output::{Format, count, print_json, print_line};

/// A record that is broken in many places is not told in full.
const MOST_PROBLEMS: usize = 100;

/// Arguments of `terrarium verify`. Reads the log of the data folder (`--data`) without changing anything; a server may be
/// running on it.
///
/// Checks every frame and checksum, the digest chain of every stream, and that all events fold; then compares the rebuilt state
/// hash with that of the running projector and of the last checkpoint.
///
/// With --format json: events, position, state_hash, content_hash, compared [{with, position, state_hash, equal}], problems
/// [{position, stream, revision, event_id, what}]. Exit code 1 when there is a problem.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compare with the log and checkpoint alone, not with a running server
    #[arg(long)]
    offline: bool,
}

/// What was found.
#[derive(serde::Serialize, Default)]
struct Report {
    events: u64,
    position: Option<u64>,
    state_hash: String,
    content_hash: String,
    compared: Vec<Comparison>,
    problems: Vec<Problem>,
}

#[derive(serde::Serialize)]
struct Comparison {
    with: &'static str,
    position: u64,
    state_hash: String,
    equal: bool,
}

#[derive(serde::Serialize)]
struct Problem {
    position: u64,
    stream: Option<String>,
    revision: Option<u64>,
    event_id: Option<String>,
    what: String,
}

/// A state hash that the rebuild has to reach.
struct Expected {
    with: &'static str,
    position: u64,
    state_hash: String,
}

/// Runs `terrarium verify`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("verify")?;
    let data = client
        .data
        .clone()
        .unwrap_or_else(|| PathBuf::from("terrarium-data"));
    let mut expected = Vec::new();
    expected.extend(Checkpoint::read(&data).map(|checkpoint| Expected {
        with: "checkpoint",
        position: checkpoint.position,
        state_hash: checkpoint.state_hash,
    }));
    if !args.offline && (client.url.is_some() || data.join("endpoint.json").exists()) {
        expected.extend(live_state(client).await);
    }
    expected.sort_by_key(|expected| expected.position);
    let report = tokio::task::spawn_blocking(move || rebuild(&data, expected)).await?;
    print_report(&report, format)?;
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn live_state(client: &ClientArgs) -> Option<Expected> {
    let server = client.connect().await.ok()?;
    let state = server
        .ledger()
        .get_state(GetStateRequest { hashes: true })
        .await
        .ok()?
        .into_inner();
    Some(Expected {
        with: "running projector",
        position: state.position?,
        state_hash: hex::encode(state.state_hash),
    })
}

fn rebuild(data: &Path, expected: Vec<Expected>) -> Report {
    let mut scan = match Scan::open(data) {
        Ok(scan) => scan,
        Err(error) => {
            let problems = vec![scan_problem(&error)];
            return Report {
                problems,
                ..Report::default()
            };
        }
    };
    let progress = ProgressBar::new(scan.log_bytes()).with_style(
        ProgressStyle::with_template("checking the record {bar:40} {bytes}/{total_bytes}")
            .expect("a valid template"),
    );
    let mut report = Report::default();
    let mut digests: BTreeMap<Arc<str>, Digest> = BTreeMap::new();
    let mut projection = Projection::default();
    let mut expected = expected.into_iter().peekable();
    let mut folds = true;
    while let Some(scanned) = scan.next() {
        let event = match scanned {
            Ok(event) => event,
            Err(error) => {
                report.problems.push(scan_problem(&error));
                folds = false;
                break;
            }
        };
        report.events += 1;
        report.position = Some(event.position.0);
        let known = digests
            .get(&event.stream)
            .copied()
            .unwrap_or(Digest::BEFORE_FIRST);
        let digest = match verify_digest(&known, &event) {
            Ok(digest) => digest,
            Err(error) => {
                report.problems.push(problem(
                    &event,
                    format!("it is not what was recorded: {error}"),
                ));
                folds = false;
                // Going on from what stands there shows whether later events were changed too.
                Digest::of_metadata(&event.metadata).unwrap_or(known)
            }
        };
        digests.insert(Arc::clone(&event.stream), digest);
        if folds {
            let mut touched = BTreeMap::new();
            if let Err(error) = projection.apply(&event, &mut touched) {
                report.problems.push(problem(&event, error.to_string()));
                folds = false;
            }
        }
        while folds && let Some(due) = expected.next_if(|due| due.position <= event.position.0) {
            compare(&mut report, &mut projection, due, event.position);
        }
        if report.problems.len() >= MOST_PROBLEMS {
            break;
        }
        if report.events.is_multiple_of(4096) {
            progress.set_position(scan.scanned_bytes());
        }
    }
    progress.finish_and_clear();
    if folds {
        for due in expected {
            report.problems.push(Problem {
                position: due.position,
                stream: None,
                revision: None,
                event_id: None,
                what: format!(
                    "the {} was at this position, but the log ends before it: events are missing at its end; restore the log from \
                     a backup",
                    due.with
                ),
            });
        }
        let hashes = projection.hashes();
        report.state_hash = hex::encode(hashes.state);
        report.content_hash = hex::encode(hashes.content);
    }
    report
}

fn compare(report: &mut Report, projection: &mut Projection, due: Expected, position: Position) {
    let rebuilt = hex::encode(projection.hashes().state);
    let equal = due.position == position.0 && rebuilt == due.state_hash;
    if !equal {
        report.problems.push(Problem {
            position: due.position,
            stream: None,
            revision: None,
            event_id: None,
            what: format!(
                "the {} had state hash {} here, the rebuild has {rebuilt}; the projection is wrong, not the record: restart it",
                due.with, due.state_hash
            ),
        });
    }
    report.compared.push(Comparison {
        with: due.with,
        position: due.position,
        state_hash: rebuilt,
        equal,
    });
}

fn scan_problem(error: &ScanError) -> Problem {
    Problem {
        position: error.position,
        stream: error.stream.as_ref().map(ToString::to_string),
        revision: error.revision,
        event_id: None,
        what: error.to_string(),
    }
}

fn problem(event: &RecordedEvent, what: String) -> Problem {
    Problem {
        position: event.position.0,
        stream: Some(event.stream.to_string()),
        revision: Some(event.revision),
        event_id: Some(event.id.to_string()),
        what,
    }
}

fn print_report(report: &Report, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        print_json(&serde_json::to_value(report)?)?;
        return Ok(());
    }
    print_line(format!("events        {}", count(report.events)))?;
    if let Some(position) = report.position {
        print_line(format!("position      {position}"))?;
    }
    for problem in &report.problems {
        let place = match (&problem.stream, problem.revision) {
            (Some(stream), Some(revision)) => {
                format!("{stream}#{revision} at position {}", problem.position)
            }
            _ => format!("position {}", problem.position),
        };
        let id = problem
            .event_id
            .as_ref()
            .map_or(String::new(), |id| format!(" (event {id})"));
        print_line(format!("PROBLEM       {place}{id}: {}", problem.what))?;
    }
    if report.problems.is_empty() {
        print_line(format!("state hash    {}", report.state_hash))?;
        print_line(format!("content hash  {}", report.content_hash))?;
        for comparison in &report.compared {
            print_line(format!(
                "equal to the {} at position {}",
                comparison.with, comparison.position
            ))?;
        }
        print_line(
            "every frame, checksum and digest is right, and the rebuild gives the same state",
        )?;
    }
    Ok(())
}
