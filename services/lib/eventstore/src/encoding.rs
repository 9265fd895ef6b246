use std::ops::Range;

use bytes::Bytes;
use terrarium_eventlog::is_gap;
use thiserror::Error;
use uuid::Uuid;

use crate::error::{AppendError, TooLarge};
use crate::event::{
    ContentType, MAX_COMMIT_BYTES, MAX_EVENT_BYTES, MAX_STREAM_NAME_BYTES, MAX_TYPE_BYTES,
    Position, ProposedEvent, RecordedEvent, TOMBSTONE_REVISION, Ticks,
};
use crate::names::NameCache;
use crate::retention::METADATA_PREFIX;

/// Read, no longer written: without times and content types.
const KIND_COMMIT_V1: u8 = 1;
const KIND_COMMIT_V2: u8 = 2;
const COMMIT_IS_TOMBSTONE: u8 = 1;
const EVENT_IS_JSON: u8 = 1;
const COMMIT_FIXED_BYTES: usize = 1 + 1 + 8 + 2 + 8 + 4;
pub(crate) const EVENT_FIXED_BYTES: usize = 16 + 1 + 2 + 4 + 4;
/// The metadata of a stream with the longest name has a stream too.
const MAX_STORED_STREAM_NAME_BYTES: usize = MAX_STREAM_NAME_BYTES + METADATA_PREFIX.len();

/// Checks every limit that [`encode_commit`] relies on.
pub(crate) fn check_limits(stream: &str, events: &[ProposedEvent]) -> Result<(), AppendError> {
    if stream.is_empty() || events.iter().any(|event| event.event_type.is_empty()) {
        return Err(AppendError::Empty);
    }
    let own_name = stream.strip_prefix(METADATA_PREFIX).unwrap_or(stream);
    if own_name.len() > MAX_STREAM_NAME_BYTES {
        return Err(TooLarge::StreamName {
            bytes: stream.len(),
        }
        .into());
    }
    let mut commit_bytes = COMMIT_FIXED_BYTES + stream.len();
    for (index, event) in events.iter().enumerate() {
        if event.event_type.len() > MAX_TYPE_BYTES {
            return Err(TooLarge::EventType {
                index,
                bytes: event.event_type.len(),
            }
            .into());
        }
        let content_bytes = event.data.len() + event.metadata.len();
        if content_bytes > MAX_EVENT_BYTES {
            return Err(TooLarge::Event {
                index,
                bytes: content_bytes,
            }
            .into());
        }
        commit_bytes += EVENT_FIXED_BYTES + event.event_type.len() + content_bytes;
    }
    if commit_bytes > MAX_COMMIT_BYTES {
        return Err(TooLarge::Commit {
            bytes: commit_bytes,
        }
        .into());
    }
    Ok(())
}

/// What a commit says besides its events.
pub(crate) struct CommitHead<'a> {
    pub stream: &'a str,
    pub first_revision: u64,
    pub recorded: Ticks,
}

/// Appends the encoded commit to `out`; returns the offset of every event's record from the commit's first byte.
///
/// The caller has called [`check_limits`], so no length below can be cut short.
pub(crate) fn encode_commit(
    out: &mut Vec<u8>,
    head: &CommitHead<'_>,
    events: &[ProposedEvent],
) -> Vec<usize> {
    let start = out.len();
    let is_tombstone = head.first_revision == TOMBSTONE_REVISION;
    out.push(KIND_COMMIT_V2);
    out.push(if is_tombstone { COMMIT_IS_TOMBSTONE } else { 0 });
    out.extend_from_slice(&head.recorded.0.to_le_bytes());
    out.extend_from_slice(&(head.stream.len() as u16).to_le_bytes());
    out.extend_from_slice(head.stream.as_bytes());
    out.extend_from_slice(&head.first_revision.to_le_bytes());
    out.extend_from_slice(&(events.len() as u32).to_le_bytes());
    let mut offsets = Vec::with_capacity(events.len());
    for event in events {
        offsets.push(out.len() - start);
        out.extend_from_slice(event.id.as_bytes());
        out.push(match event.content_type {
            ContentType::Binary => 0,
            ContentType::Json => EVENT_IS_JSON,
        });
        out.extend_from_slice(&(event.event_type.len() as u16).to_le_bytes());
        out.extend_from_slice(event.event_type.as_bytes());
        out.extend_from_slice(&(event.data.len() as u32).to_le_bytes());
        out.extend_from_slice(&event.data);
        out.extend_from_slice(&(event.metadata.len() as u32).to_le_bytes());
        out.extend_from_slice(&event.metadata);
    }
    offsets
}

/// What is wrong inside a commit whose checksum is right.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum CommitFault {
    #[error("its kind is {0}, and only kinds 1 and 2 (commits) are known")]
    Kind(u8),
    #[error("its flags are {0:#04x}, which says something unknown")]
    Flags(u8),
    #[error("it is a tombstone with {count} events at revision {first_revision}")]
    Tombstone { first_revision: u64, count: u32 },
    #[error("it ends inside its {0}")]
    Ends(&'static str),
    #[error("its {what} is {bytes} bytes long, outside 1 ..= {max}")]
    NameLength {
        what: &'static str,
        bytes: usize,
        max: usize,
    },
    #[error("its {0} is not UTF-8")]
    NotText(&'static str),
    #[error("an event has {bytes} bytes of data and metadata, more than {max}", max = MAX_EVENT_BYTES)]
    EventLength { bytes: usize },
    #[error("it says that it holds no events")]
    NoEvents,
    #[error("its revision {first_revision} plus {count} events is beyond any stream")]
    Revision { first_revision: u64, count: u32 },
    #[error("{0} bytes are left over after its last event")]
    LeftOver(usize),
}

/// Walks the bytes of a commit, checking everything.
pub(crate) struct CommitReader<'a> {
    body: &'a [u8],
    pub stream: &'a str,
    pub first_revision: u64,
    pub count: u32,
    pub recorded: Ticks,
    pub is_tombstone: bool,
    /// Commits that stood here were scavenged: there are no events.
    pub is_removed: bool,
    has_event_flags: bool,
    /// How many events were read.
    pub events_read: u32,
    /// Offset in the body of what is read next.
    pub offset: usize,
    done: bool,
}

/// One event's record inside a commit; ranges are offsets in the body.
pub(crate) struct EventView<'a> {
    pub offset: usize,
    pub revision: u64,
    pub id: Uuid,
    pub event_type: &'a str,
    pub content_type: ContentType,
    pub recorded: Ticks,
    pub data: Range<usize>,
    pub metadata: Range<usize>,
}

impl<'a> CommitReader<'a> {
    pub fn new(body: &'a [u8]) -> Result<CommitReader<'a>, CommitFault> {
        if is_gap(body) {
            return Ok(CommitReader::of_removed(body));
        }
        let mut offset = 0;
        let kind = take(body, &mut offset, 1, "kind")?[0];
        let (flags, recorded) = match kind {
            KIND_COMMIT_V1 => (0, Ticks::default()),
            KIND_COMMIT_V2 => {
                let flags = take(body, &mut offset, 1, "flags")?[0];
                (flags, Ticks(take_u64(body, &mut offset, "time")?))
            }
            kind => return Err(CommitFault::Kind(kind)),
        };
        if flags & !COMMIT_IS_TOMBSTONE != 0 {
            return Err(CommitFault::Flags(flags));
        }
        let is_tombstone = flags & COMMIT_IS_TOMBSTONE != 0;
        let stream = take_name(
            body,
            &mut offset,
            "stream name",
            MAX_STORED_STREAM_NAME_BYTES,
        )?;
        let first_revision = take_u64(body, &mut offset, "revision")?;
        let count = take_u32(body, &mut offset, "number of events")?;
        if count == 0 {
            return Err(CommitFault::NoEvents);
        }
        if is_tombstone && (first_revision != TOMBSTONE_REVISION || count != 1) {
            return Err(CommitFault::Tombstone {
                first_revision,
                count,
            });
        }
        let is_in_range = first_revision
            .checked_add(u64::from(count))
            .is_some_and(|next| next <= TOMBSTONE_REVISION);
        if !is_tombstone && !is_in_range {
            return Err(CommitFault::Revision {
                first_revision,
                count,
            });
        }
        Ok(CommitReader {
            body,
            stream,
            first_revision,
            count,
            recorded,
            is_tombstone,
            is_removed: false,
            has_event_flags: kind == KIND_COMMIT_V2,
            events_read: 0,
            offset,
            done: false,
        })
    }

    fn of_removed(body: &'a [u8]) -> CommitReader<'a> {
        CommitReader {
            body,
            stream: "",
            first_revision: 0,
            count: 0,
            recorded: Ticks::default(),
            is_tombstone: false,
            is_removed: true,
            has_event_flags: false,
            events_read: 0,
            offset: body.len(),
            done: true,
        }
    }

    /// Number of events in the stream after this commit.
    pub fn next_revision(&self) -> u64 {
        self.first_revision + u64::from(self.count)
    }

    fn read_event(&mut self) -> Result<EventView<'a>, CommitFault> {
        let body = self.body;
        let mut offset = self.offset;
        let start = offset;
        let id = take(body, &mut offset, 16, "event id")?;
        let flags = if self.has_event_flags {
            take(body, &mut offset, 1, "event flags")?[0]
        } else {
            0
        };
        let content_type = match flags {
            0 => ContentType::Binary,
            EVENT_IS_JSON => ContentType::Json,
            flags => return Err(CommitFault::Flags(flags)),
        };
        let event_type = take_name(body, &mut offset, "event type", MAX_TYPE_BYTES)?;
        let data = take_range(body, &mut offset, "data")?;
        let metadata = take_range(body, &mut offset, "metadata")?;
        let content_bytes = data.len() + metadata.len();
        if content_bytes > MAX_EVENT_BYTES {
            return Err(CommitFault::EventLength {
                bytes: content_bytes,
            });
        }
        let revision = self.first_revision + u64::from(self.events_read);
        self.offset = offset;
        self.events_read += 1;
        let id = Uuid::from_bytes(id.try_into().expect("sixteen bytes were taken"));
        Ok(EventView {
            offset: start,
            revision,
            id,
            event_type,
            content_type,
            recorded: self.recorded,
            data,
            metadata,
        })
    }
}

impl<'a> Iterator for CommitReader<'a> {
    type Item = Result<EventView<'a>, CommitFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if self.events_read == self.count {
            self.done = true;
            let left_over = self.body.len() - self.offset;
            return (left_over > 0).then_some(Err(CommitFault::LeftOver(left_over)));
        }
        let event = self.read_event();
        self.done = event.is_err();
        Some(event)
    }
}

impl EventView<'_> {
    /// The event as callers see it; data and metadata stay slices of `body`.
    pub fn to_recorded(
        &self,
        body: &Bytes,
        body_position: u64,
        stream: &std::sync::Arc<str>,
        names: &NameCache<'_>,
    ) -> RecordedEvent {
        RecordedEvent {
            position: Position(body_position + self.offset as u64),
            stream: stream.clone(),
            revision: self.revision,
            id: self.id,
            event_type: names.intern(self.event_type),
            content_type: self.content_type,
            recorded: self.recorded,
            data: body.slice(self.data.clone()),
            metadata: body.slice(self.metadata.clone()),
        }
    }
}

fn take<'a>(
    body: &'a [u8],
    offset: &mut usize,
    bytes: usize,
    what: &'static str,
) -> Result<&'a [u8], CommitFault> {
    let taken = body
        .get(*offset..)
        .and_then(|rest| rest.get(..bytes))
        .ok_or(CommitFault::Ends(what))?;
    *offset += bytes;
    Ok(taken)
}

fn take_u32(body: &[u8], offset: &mut usize, what: &'static str) -> Result<u32, CommitFault> {
    Ok(u32::from_le_bytes(
        take(body, offset, 4, what)?
            .try_into()
            .expect("four bytes were taken"),
    ))
}

fn take_u64(body: &[u8], offset: &mut usize, what: &'static str) -> Result<u64, CommitFault> {
    Ok(u64::from_le_bytes(
        take(body, offset, 8, what)?
            .try_into()
            .expect("eight bytes were taken"),
    ))
}

fn take_name<'a>(
    body: &'a [u8],
    offset: &mut usize,
    what: &'static str,
    max: usize,
) -> Result<&'a str, CommitFault> {
    let length = take(body, offset, 2, what)?;
    let bytes = usize::from(u16::from_le_bytes(
        length.try_into().expect("two bytes were taken"),
    ));
    if bytes == 0 || bytes > max {
        return Err(CommitFault::NameLength { what, bytes, max });
    }
    std::str::from_utf8(take(body, offset, bytes, what)?).map_err(|_| CommitFault::NotText(what))
}

fn take_range(
    body: &[u8],
    offset: &mut usize,
    what: &'static str,
) -> Result<Range<usize>, CommitFault> {
    let bytes = take_u32(body, offset, what)? as usize;
    let start = *offset;
    take(body, offset, bytes, what)?;
    Ok(start..*offset)
}
