//! A store as text, to keep it, look into it with other tools, or move it to another store.
//!
//! # Form
//!
//! JSON, one value a line, each line ended by a line feed:
//!
//! 1. `{"terrarium_eventstore_export":1}`, with `"removed_commits":N` if the store was scavenged
//! 2. one line for each event, in the global order: `stream`, `revision`, `id` (UUID), `type`, `json` (whether the data are),
//!    `recorded` (100 ns since 1970-01-01 UTC), `data` and `metadata` (base64, RFC 4648 section 4)
//! 3. `{"events":N,"sha256":"..."}`: how many there were, and the SHA-256 of all bytes before this line
//!
//! Positions are left out: they belong to one log. Metadata streams, soft deletions and tombstones are events like others.
//!
//! # Importing
//!
//! Events keep stream, revision, id, type, content, time and order; only the id of a tombstone is made anew. What is there
//! already stays as it is, so an import that was cut off is begun again with the same file; what contradicts the store is refused
//! with its line, and so is what is older than the store's newest event, behind which it would lose its time. The export of a
//! scavenged store can be read by other tools, but not be taken in: its streams would go on with other numbers.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{AppendError, ReadError};
use crate::event::{
    ContentType, ExpectedRevision, MAX_EVENT_BYTES, ProposedCommit, ProposedEvent, RecordedEvent,
    TOMBSTONE_REVISION, Ticks,
};
use crate::scan::Scan;
use crate::scan_error::ScanError;
use crate::store::EventStore;

/// Of this form.
const FORM: u32 = 1;
/// An event at its largest in base64, its names escaped, and the rest of its line.
const LINE_MAX_BYTES: usize = MAX_EVENT_BYTES / 3 * 4 + 16 * 1024;
/// Appended at once, at most.
const BATCH_EVENTS: usize = 4_096;
const BATCH_BYTES: usize = 8 << 20;
/// Of one commit, well below what a commit may have.
const COMMIT_EVENTS: usize = 1_000;
const COMMIT_BYTES: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    terrarium_eventstore_export: u32,
    /// How many commits scavenging took out of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed_commits: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    stream: String,
    revision: u64,
    id: Uuid,
    #[serde(rename = "type")]
    event_type: String,
    json: bool,
    recorded: u64,
    data: String,
    metadata: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    events: u64,
    sha256: String,
}

/// Why a store could not be written out.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Log(Box<ScanError>),
    #[error("can't write the export: {0}")]
    Write(#[from] std::io::Error),
}

impl From<ScanError> for ExportError {
    fn from(error: ScanError) -> ExportError {
        ExportError::Log(Box::new(error))
    }
}

/// Why an export could not be read or taken in. What was taken in before stays.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error("can't read the export: {0}")]
    Read(#[from] std::io::Error),
    #[error("line {line} of the export is wrong: {reason}")]
    Line { line: u64, reason: String },
    #[error(
        "the export ends after line {line} without its last line, so some of it is missing: get a whole copy and import it again"
    )]
    CutOff { line: u64 },
    #[error(
        "the export was changed after it was written ({what} in its last line differ from what was read): get a good copy"
    )]
    Changed { what: &'static str },
    #[error(
        "line {line} of the export contradicts the store: {reason}; import into the store that it was begun with, or into an empty one"
    )]
    Conflict { line: u64, reason: String },
    #[error(
        "the export is of a store from which {removed_commits} commits were scavenged: copy the store with `terrarium eventstore \
         backup` and `restore`, which keep revisions and positions"
    )]
    Scavenged { removed_commits: u64 },
    #[error(
        "line {line} of the export was recorded before the newest event of the store, and times in a store never fall: import into \
         the store that it was begun with, or into an empty one"
    )]
    Older { line: u64 },
    #[error("the store took nothing from line {line} of the export on: {reason}")]
    Store { line: u64, reason: String },
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Events that are new in the store.
    pub imported: u64,
    /// Events that were there before.
    pub already_there: u64,
}

/// Writes every event of a log; gives their number. Anything wrong in the log ends it before its last line.
pub fn export(scan: Scan, output: &mut dyn Write) -> Result<u64, ExportError> {
    let mut hash = Sha256::new();
    let mut line = Vec::new();
    let mut write = |line: &mut Vec<u8>| {
        line.push(b'\n');
        hash.update(&line);
        output.write_all(line)
    };
    let (scavenged_segments, removed_commits) = scan.scavenged();
    let head = Head {
        terrarium_eventstore_export: FORM,
        removed_commits: (scavenged_segments > 0).then_some(removed_commits),
    };
    serde_json::to_writer(&mut line, &head).map_err(std::io::Error::from)?;
    write(&mut line)?;
    let mut events = 0;
    for event in scan {
        line.clear();
        serde_json::to_writer(&mut line, &line_of(&event?)).map_err(std::io::Error::from)?;
        write(&mut line)?;
        events += 1;
    }
    line.clear();
    let sha256 = hex(&hash.finalize());
    serde_json::to_writer(&mut line, &Tail { events, sha256 }).map_err(std::io::Error::from)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()?;
    Ok(events)
}

fn line_of(event: &RecordedEvent) -> EventLine {
    EventLine {
        stream: event.stream.to_string(),
        revision: event.revision,
        id: event.id,
        event_type: event.event_type.to_string(),
        json: event.content_type == ContentType::Json,
        recorded: event.recorded.0,
        data: BASE64_STANDARD.encode(&event.data),
        metadata: BASE64_STANDARD.encode(&event.metadata),
    }
}

/// Reads a whole export and takes nothing in; gives the number of its events.
pub fn check_export(input: &mut dyn BufRead) -> Result<u64, ImportError> {
    let mut lines = ExportLines::new(input)?;
    while lines.next_event()?.is_some() {}
    Ok(lines.events)
}

/// Events of an export, each with the number of its line.
struct ExportLines<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
    events: u64,
    hash: Sha256,
    buffer: Vec<u8>,
    /// How many events of each stream were read.
    events_of: HashMap<Arc<str>, u64>,
}

struct ExportedEvent {
    line: u64,
    /// How many events of the stream the export has before this one.
    events_before: u64,
    stream: Arc<str>,
    revision: u64,
    recorded: Ticks,
    event: ProposedEvent,
}

impl<'a> ExportLines<'a> {
    fn new(input: &'a mut dyn BufRead) -> Result<ExportLines<'a>, ImportError> {
        let mut lines = ExportLines {
            input,
            line: 0,
            events: 0,
            hash: Sha256::new(),
            buffer: Vec::new(),
            events_of: HashMap::new(),
        };
        lines.read_line()?;
        let head: Head = serde_json::from_slice(&lines.buffer)
            .map_err(|_| lines.wrong("it is not the first line of an export"))?;
        if head.terrarium_eventstore_export != FORM {
            let form = head.terrarium_eventstore_export;
            return Err(lines.wrong(format!(
                "the export has form {form}, and this version reads form {FORM}: use the version that wrote it"
            )));
        }
        if let Some(removed_commits) = head.removed_commits {
            return Err(ImportError::Scavenged { removed_commits });
        }
        lines.hash.update(&lines.buffer);
        Ok(lines)
    }

    fn wrong(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Line {
            line: self.line,
            reason: reason.into(),
        }
    }

    /// Reads a line with its end into the buffer.
    fn read_line(&mut self) -> Result<(), ImportError> {
        self.buffer.clear();
        let mut limited = std::io::Read::take(&mut *self.input, LINE_MAX_BYTES as u64 + 1);
        limited.read_until(b'\n', &mut self.buffer)?;
        if self.buffer.is_empty() {
            return Err(ImportError::CutOff { line: self.line });
        }
        self.line += 1;
        if self.buffer.last() == Some(&b'\n') {
            return Ok(());
        }
        if self.buffer.len() > LINE_MAX_BYTES {
            return Err(self.wrong(format!("it has more than {LINE_MAX_BYTES} bytes")));
        }
        Err(ImportError::CutOff { line: self.line })
    }

    /// The next event; `None` after the last, when the whole export has proved to be good.
    fn next_event(&mut self) -> Result<Option<ExportedEvent>, ImportError> {
        self.read_line()?;
        // Only the last line begins like this: an event's first field is its stream.
        if self.buffer.starts_with(b"{\"events\":") {
            return self.end().map(|()| None);
        }
        self.hash.update(&self.buffer);
        let event: EventLine =
            serde_json::from_slice(&self.buffer).map_err(|error| self.wrong(error.to_string()))?;
        let decode = |what: &str, text: &str| {
            BASE64_STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|error| self.wrong(format!("its {what} is not base64: {error}")))
        };
        let proposed = ProposedEvent {
            id: event.id,
            event_type: Arc::from(event.event_type),
            content_type: if event.json {
                ContentType::Json
            } else {
                ContentType::Binary
            },
            data: decode("data", &event.data)?,
            metadata: decode("metadata", &event.metadata)?,
        };
        let stream: Arc<str> = Arc::from(event.stream);
        let events_before = self.count(&stream, event.revision)?;
        self.events += 1;
        Ok(Some(ExportedEvent {
            line: self.line,
            events_before,
            stream,
            revision: event.revision,
            recorded: Ticks(event.recorded),
            event: proposed,
        }))
    }

    /// Counts an event; gives how many of its stream were before it. A stream has no gaps.
    fn count(&mut self, stream: &Arc<str>, revision: u64) -> Result<u64, ImportError> {
        let before = self.events_of.get(stream).copied().unwrap_or(0);
        if revision == TOMBSTONE_REVISION {
            return Ok(before);
        }
        if revision != before {
            return Err(self.wrong(format!(
                "it is revision {revision} of {stream}, of which {before} events are before it"
            )));
        }
        self.events_of.insert(stream.clone(), before + 1);
        Ok(before)
    }

    fn end(&mut self) -> Result<(), ImportError> {
        let tail: Tail =
            serde_json::from_slice(&self.buffer).map_err(|error| self.wrong(error.to_string()))?;
        if tail.events != self.events {
            return Err(ImportError::Changed {
                what: "the number of events",
            });
        }
        if tail.sha256 != hex(&self.hash.finalize_reset()) {
            return Err(ImportError::Changed { what: "the bytes" });
        }
        let rest = self.input.fill_buf()?;
        if !rest.is_empty() {
            self.line += 1;
            return Err(self.wrong("nothing may follow the last line"));
        }
        Ok(())
    }
}

/// The time that the events of an import get: their own.
#[derive(Clone, Debug, Default)]
pub struct ImportClock(Arc<AtomicU64>);

impl ImportClock {
    /// For the store that is imported into; nobody else may write to it meanwhile.
    pub fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::new(move || Ticks(now.load(Ordering::Acquire)))
    }

    fn set(&self, now: Ticks) {
        self.0.store(now.0, Ordering::Release);
    }
}

/// Takes an export into a store that was opened with the clock of `clock`.
pub async fn import(
    store: &EventStore,
    clock: &ImportClock,
    input: &mut (dyn BufRead + Send),
) -> Result<Imported, ImportError> {
    let mut lines = ExportLines::new(input)?;
    let mut batch = Batch::default();
    let mut imported = Imported::default();
    while let Some(event) = lines.next_event()? {
        let is_tombstone = event.revision == TOMBSTONE_REVISION;
        if is_tombstone || !batch.takes(&event) {
            batch.append(store, clock, &mut imported).await?;
        }
        if is_tombstone {
            clock.set(event.recorded);
            tombstone(store, &event, &mut imported).await?;
            continue;
        }
        batch.add(event);
    }
    batch.append(store, clock, &mut imported).await?;
    Ok(imported)
}

/// Ends a stream that holds all events of the export and no others: another one is not the stream that the export ended.
async fn tombstone(
    store: &EventStore,
    event: &ExportedEvent,
    imported: &mut Imported,
) -> Result<(), ImportError> {
    let events = event.events_before;
    if is_older(store, event.recorded, event.line)? {
        let facts = store.contents().stream_facts(&event.stream);
        let facts = facts.map_err(|error| unreadable(event.line, &error))?;
        if facts.tombstone.is_none() && facts.count == events {
            return Err(ImportError::Older { line: event.line });
        }
    }
    let expected = match events.checked_sub(1) {
        Some(last) => ExpectedRevision::Exact(last),
        None => ExpectedRevision::NoStream,
    };
    let conflict = |present: u64| ImportError::Conflict {
        line: event.line,
        reason: format!(
            "the export ends {} after {events} events, and the store has {present} of it",
            event.stream
        ),
    };
    match store.tombstone(&event.stream, expected).await {
        Ok(_) => imported.imported += 1,
        Err(AppendError::StreamDeleted) => {
            let present = store.stream_revision(&event.stream);
            if present != events {
                return Err(conflict(present));
            }
            imported.already_there += 1;
        }
        Err(AppendError::WrongExpectedRevision { actual }) => return Err(conflict(actual)),
        Err(error) => {
            return Err(ImportError::Store {
                line: event.line,
                reason: error.to_string(),
            });
        }
    }
    Ok(())
}

/// Events that were recorded at one time, as commits that are appended at once.
#[derive(Default)]
struct Batch {
    recorded: Ticks,
    /// Each with the line of its first event.
    commits: Vec<(u64, ProposedCommit)>,
    events: usize,
    bytes: usize,
    commit_bytes: usize,
}

impl Batch {
    fn takes(&self, event: &ExportedEvent) -> bool {
        self.commits.is_empty()
            || (self.recorded == event.recorded
                && self.events < BATCH_EVENTS
                && self.bytes < BATCH_BYTES)
    }

    fn add(&mut self, added: ExportedEvent) {
        self.recorded = added.recorded;
        let bytes = added.event.data.len() + added.event.metadata.len();
        self.events += 1;
        self.bytes += bytes;
        let continued = self.commits.last_mut().filter(|(_, commit)| {
            commit.stream == added.stream
                && commit.expected_revision + commit.events.len() as u64 == added.revision
                && commit.events.len() < COMMIT_EVENTS
                && self.commit_bytes + bytes <= COMMIT_BYTES
        });
        if let Some((_, commit)) = continued {
            self.commit_bytes += bytes;
            commit.events.push(added.event);
            return;
        }
        self.commit_bytes = bytes;
        self.commits.push((
            added.line,
            ProposedCommit {
                stream: added.stream,
                expected_revision: added.revision,
                events: vec![added.event],
            },
        ));
    }

    /// Refuses the first commit that the store does not hold.
    fn refuse_new(&self, store: &EventStore) -> Result<(), ImportError> {
        for (line, commit) in &self.commits {
            let facts = store.contents().stream_facts(&commit.stream);
            let actual = facts.map_err(|error| unreadable(*line, &error))?.count;
            if actual == commit.expected_revision {
                return Err(ImportError::Older { line: *line });
            }
            if !is_there(store, commit) {
                let error = AppendError::WrongExpectedRevision { actual };
                return Err(conflict(*line, commit, &error));
            }
        }
        Ok(())
    }

    async fn append(
        &mut self,
        store: &EventStore,
        clock: &ImportClock,
        imported: &mut Imported,
    ) -> Result<(), ImportError> {
        let batch = std::mem::take(self);
        let Some((first_line, _)) = batch.commits.first() else {
            return Ok(());
        };
        if is_older(store, batch.recorded, *first_line)? {
            batch.refuse_new(store)?;
        }
        clock.set(batch.recorded);
        let commits = batch
            .commits
            .iter()
            .map(|(_, commit)| commit.clone())
            .collect();
        let results = store.restore(commits).await;
        for ((line, commit), result) in batch.commits.into_iter().zip(results) {
            let events = commit.events.len() as u64;
            match result {
                Ok(appended) if appended.already_there => imported.already_there += events,
                Ok(_) => imported.imported += events,
                Err(AppendError::StreamDeleted) if is_there(store, &commit) => {
                    imported.already_there += events;
                }
                Err(
                    error
                    @ (AppendError::WrongExpectedRevision { .. } | AppendError::StreamDeleted),
                ) => return Err(conflict(line, &commit, &error)),
                Err(error) => {
                    return Err(ImportError::Store {
                        line,
                        reason: error.to_string(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Whether a time is before that of the store's newest event.
fn is_older(store: &EventStore, recorded: Ticks, line: u64) -> Result<bool, ImportError> {
    let newest = store.contents().last_recorded();
    Ok(recorded < newest.map_err(|error| unreadable(line, &error))?)
}

fn conflict(line: u64, commit: &ProposedCommit, error: &AppendError) -> ImportError {
    let (stream, revision) = (&commit.stream, commit.expected_revision);
    ImportError::Conflict {
        line,
        reason: format!("revision {revision} of {stream}: {error}"),
    }
}

fn unreadable(line: u64, error: &ReadError) -> ImportError {
    ImportError::Store {
        line,
        reason: error.to_string(),
    }
}

/// Whether a stream that takes nothing any more holds these very events.
fn is_there(store: &EventStore, commit: &ProposedCommit) -> bool {
    let there = store.read_stream(
        &commit.stream,
        commit.expected_revision,
        commit.events.len(),
    );
    there.is_ok_and(|there| {
        there.len() == commit.events.len()
            && there
                .iter()
                .zip(&commit.events)
                .all(|(there, wanted)| there.id == wanted.id)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
