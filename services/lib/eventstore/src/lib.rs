//! Streams of events, their revisions and the one global order, kept in a `terrarium-eventlog`.
//!
//! # Map
//!
//! - [`EventStore`] (`store.rs`, reading in `read.rs`) is the whole public face; `event.rs` and `error.rs` have its words.
//! - `writer.rs` is the one thread that appends: it takes what is queued, decides, writes, syncs once, answers.
//! - `index.rs` is what is kept in memory: positions by stream, and where the commits begin.
//! - `encoding.rs` turns a commit into bytes and back; `names.rs` keeps one copy of each stream and type name.
//! - [`Scan`] (`scan.rs`) reads a log offline, without lock or trust, and names the first thing that is wrong.
//!
//! # Promises
//!
//! - A commit is appended whole or not at all, and only at exactly the revision it expects.
//! - An answer `Ok` means durable: the events survive a power cut. Nothing is readable before it is durable.
//! - Appending the same commit again (same stream, revision and ids) changes nothing and answers the first positions.
//! - Positions only grow; they are opaque to callers, and are byte offsets in the log.
//!
//! # Folder
//!
//! | file | what |
//! |---|---|
//! | `lock` | held by the process that has the store open; its process id |
//! | `log/events.log` | the log, format in `terrarium-eventlog` |
//! | `log/torn-<position>.bin` | an unfinished end that a crash left and that opening cut off |
//!
//! # Format of a commit, the body of one frame
//!
//! All integers are little endian; text is UTF-8.
//!
//! | size | field |
//! |---|---|
//! | 1 | kind, 1 = commit |
//! | 2 | length of the stream name, 1 ..= 256 |
//! | n | stream name |
//! | 8 | revision of the first event: how many events the stream had before |
//! | 4 | number of events, at least 1 |
//!
//! then for each event, with nothing between or after them:
//!
//! | size | field |
//! |---|---|
//! | 16 | event id; the event's [`Position`] is the offset of this byte in the log |
//! | 2 | length of the event type, 1 ..= 128 |
//! | n | event type |
//! | 4 | length of the data |
//! | n | data |
//! | 4 | length of the metadata; data and metadata together are at most 1 MiB |
//! | n | metadata |

mod encoding;
mod error;
mod event;
mod index;
mod names;
mod read;
mod scan;
mod store;
mod writer;

pub use error::{AppendError, OpenError, ReadError, TooLarge};
pub use event::{
    Appended, MAX_COMMIT_BYTES, MAX_EVENT_BYTES, MAX_STREAM_NAME_BYTES, MAX_TYPE_BYTES, Position,
    ProposedCommit, ProposedEvent, RecordedEvent, Statistics,
};
pub use scan::{Scan, ScanError, ScanProblem};
pub use store::EventStore;
pub use terrarium_eventlog::{Recovery, TornTail};
