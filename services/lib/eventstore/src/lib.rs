//! Streams of events, their revisions and the one global order, kept in a `terrarium-eventlog`.
//!
//! # Map
//!
//! - [`EventStore`] (`store.rs`) is the public face; `event.rs`, `error.rs` and `clock.rs` have its words.
//! - `writer.rs` is the one thread that appends: it takes what is queued and stages it, has it written and synced at once while
//!   more is staged, publishes, answers. `decide.rs` has its rules: expected revisions (`verdict.rs`), and retries that change
//!   nothing (`recent.rs` remembers the newest ids); `group.rs` knows what is staged and not yet durable.
//! - `read.rs` reads what was recorded; `page.rs` reads as clients do, in both directions, without what metadata hides
//!   (`retention.rs`), with links and the virtual streams `$ce-<category>` and `$et-<type>`.
//! - `subscribe.rs` follows all events or a stream; `filter.rs` says which events get through.
//! - [`Replay`] (`replay.rs`) walks everything as fast as it can be read, [`Walk`] (`walk.rs`) page by page.
//! - `index.rs` says where events are, by stream, category and type (`lists.rs`): of the unsealed segment in memory
//!   (`active.rs`), of the sealed ones on disk (`table.rs` is the format, `sealed.rs` reads it, `bloom.rs` says where not to look).
//! - `encoding.rs` turns a commit into bytes and back; `names.rs` keeps one copy of each stream and type name.
//! - [`Scan`] (`scan.rs`) reads a log offline, without lock or trust, and names the first thing that is wrong (`scan_error.rs`).
//! - [`export`] and [`import`] (`transfer.rs`) turn a store into text and back.
//! - [`back_up`] and [`restore`] (`backup.rs`) copy a store while it is open, and back.
//! - [`scavenge`] (`scavenge.rs`) gives back the space of what streams no longer show.
//! - [`front`] speaks the EventStoreDB gRPC protocol for a store.
//!
//! # Promises
//!
//! - A commit is appended whole or not at all, and only if its stream is as the commit expects.
//! - An answer `Ok` means durable: the events survive a power cut. Nothing is readable before it is durable.
//! - Appending the same events again at an exact revision changes nothing and answers the first positions, unless they were
//!   scavenged: then it is refused, or they are new to a stream that was deleted and is expected to be. Without an exact revision
//!   it holds for the newest 65,536 events that were not scavenged, also after reopening.
//! - Opening reads the last segment of the log and nothing else; memory holds the index of that segment, and of the others
//!   what was asked for lately, within bounds.
//! - A disk that is nearly full refuses appends ([`LogSettings::low_disk_bytes`]) and accepts them again when there is space.
//! - Positions only grow; they are opaque to callers, and are byte offsets in the log.
//! - Deleting and truncating hides events from readers of their stream; the log and the global order keep them until somebody
//!   calls [`scavenge`]. The journals of a park set no metadata, so nothing of them is ever hidden or removed.
//!
//! # Folder
//!
//! | file | what |
//! |---|---|
//! | `lock` | held by the process that has the store open; its process id |
//! | `log/` | the log in segments, its files and their format are in `terrarium-eventlog`; each sealed segment holds its index |
//!
//! # Format of a commit, the body of one frame
//!
//! All integers are little endian; text is UTF-8.
//!
//! | size | field |
//! |---|---|
//! | 1 | kind, 2 = commit |
//! | 1 | flags: bit 0 = this is a tombstone, the others are 0 |
//! | 8 | time of recording, in 100 ns since 1970-01-01 UTC; never less than in the commit before |
//! | 2 | length of the stream name, 1 ..= 256, or 258 if it begins with `$$` |
//! | n | stream name |
//! | 8 | revision of the first event: how many events the stream had before; 2^63 - 1 for a tombstone |
//! | 4 | number of events, at least 1 |
//!
//! then for each event, with nothing between or after them:
//!
//! | size | field |
//! |---|---|
//! | 16 | event id; the event's [`Position`] is the offset of this byte in the log |
//! | 1 | flags: bit 0 = the data are JSON, the others are 0 |
//! | 2 | length of the event type, 1 ..= 128 |
//! | n | event type |
//! | 4 | length of the data |
//! | n | data |
//! | 4 | length of the metadata; data and metadata together are at most 1 MiB |
//! | n | metadata |
//!
//! Metadata of a stream `s` is the last event of type `$metadata` of stream `$$s`.
//!
//! # Index of a sealed segment
//!
//! Format in `table.rs`. It says of every stream, category and event type with events in the segment: revision of the first one
//! here, how many, where; of streams also tombstone and what their metadata hides. It is made from the records before it
//! alone, so a check makes it again and compares.
//!
//! Commits of kind 1 are read and no longer written: they have neither flags nor times.

mod active;
mod all_page;
mod backup;
mod bloom;
mod clock;
mod decide;
mod encoding;
mod error;
mod event;
mod filter;
pub mod front;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod index;
mod links;
mod lists;
mod names;
mod opening;
mod page;
mod pending;
mod read;
mod recent;
mod replay;
mod retention;
mod scan;
mod scan_error;
mod scavenge;
mod sealed;
mod segment_scan;
mod store;
mod subscribe;
mod table;
mod transfer;
mod verdict;
mod walk;
mod writer;

pub use all_page::AllCursor;
pub use backup::{CopyError, back_up, restore};
pub use clock::Clock;
pub use error::{AppendError, OpenError, ReadError, TooLarge};
pub use event::{
    Append, Appended, ContentType, ExpectedRevision, MAX_COMMIT_BYTES, MAX_EVENT_BYTES,
    MAX_STREAM_NAME_BYTES, MAX_TYPE_BYTES, METADATA_TYPE, Position, ProposedCommit, ProposedEvent,
    RecordedEvent, Statistics, TOMBSTONE_REVISION, TOMBSTONE_TYPE, Ticks, Written,
};
pub use filter::{Filter, FilterError, FilterOn};
pub use links::{LINK_TYPE, ResolvedEvent};
pub use page::{Direction, PageLimit, StreamPage};
pub use pending::Pending;
pub use replay::{EventRef, RecordedCommit, Replay};
pub use scan::Scan;
pub use scan_error::{ScanError, ScanProblem};
pub use scavenge::{ScavengeError, Scavenged, scavenge, scavenge_on};
pub use store::EventStore;
pub use subscribe::{AllItem, AllSubscription, StreamItem, StreamSubscription, SubscriptionError};
pub use terrarium_eventlog::{BackupError, Copied, LogSettings, RealDisk, Recovery, TornTail};
pub use transfer::{ExportError, ImportClock, ImportError, Imported, check_export, export, import};
pub use walk::{Walk, Walked};
