//! The index of a sealed segment as bytes: writing it. `sealed.rs` reads it.
//!
//! All integers are little endian; a varint is LEB128. Sections follow each other in this order:
//!
//! | section | what |
//! |---|---|
//! | header | 128 bytes, see [`TableHeader`] |
//! | checkpoints | u32 each: a frame's offset in units of 8 bytes, about one every 16 KiB |
//! | filter | of all names, see `bloom.rs` |
//! | directory | for each block u32 offset of the block and u32 offset of its first key, then these keys |
//! | blocks | names in order with what is known of them, about 4 KiB each |
//! | runs | for each name its runs, in order: u32 frame in units of 8 bytes, u32 revision less the first here, and for types u32 ordinal in the commit |
//! | ids | the newest events, oldest first: 16 bytes id, u32 frame in units of 8 bytes |
//!
//! The sections up to the directory are small and stay in memory while the segment is used; of the others only pages are read.

use crate::active::{ActiveIndex, List};
use crate::bloom;
use crate::event::Ticks;
use crate::lists::{ListKind, StoredRun};
use crate::retention::Retention;

const MAGIC: [u8; 8] = *b"TERRINDX";
const VERSION: u32 = 2;
/// Does not say how many of its streams have rules.
const FIRST_VERSION: u32 = 1;
pub(crate) const HEADER_LEN: usize = 128;
const CHECKPOINT_BYTES: u32 = 16 * 1024 / 8;
const BLOCK_BYTES: usize = 4096;
pub(crate) const ID_BYTES: usize = 20;

const HAS_EVENTS: u8 = 1;
const HAS_TOMBSTONE: u8 = 2;
const HAS_RETENTION: u8 = 4;

/// Counts of a log before a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub events: u64,
    pub commits: u64,
    /// Streams that have or had events.
    pub streams: u64,
}

/// The first part of a sealed index. Offsets in bytes: events, commits, new streams at 16, 24, 32; the same before the segment at
/// 40, 48, 56; time and position of the last commit at 64, 72; then the lengths of the sections, and at 116 the streams with rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableHeader {
    pub here: Totals,
    pub before: Totals,
    pub last_recorded: Ticks,
    pub last_position: u64,
    pub checkpoints: u32,
    pub filter_bytes: u32,
    pub blocks: u32,
    pub key_bytes: u32,
    pub block_bytes: u64,
    pub run_bytes: u64,
    pub ids: u32,
    /// Streams that the segment has a tombstone or metadata of; `None`: the first version did not count them.
    pub ruled: Option<u32>,
}

impl TableHeader {
    pub fn filter_at(&self) -> u64 {
        HEADER_LEN as u64 + u64::from(self.checkpoints) * 4
    }

    pub fn directory_at(&self) -> u64 {
        self.filter_at() + u64::from(self.filter_bytes)
    }

    pub fn keys_at(&self) -> u64 {
        self.directory_at() + u64::from(self.blocks) * 8
    }

    /// Length of the sections that stay in memory, too.
    pub fn blocks_at(&self) -> u64 {
        self.keys_at() + u64::from(self.key_bytes)
    }

    pub fn runs_at(&self) -> u64 {
        self.blocks_at() + self.block_bytes
    }

    pub fn ids_at(&self) -> u64 {
        self.runs_at() + self.run_bytes
    }

    pub fn end(&self) -> u64 {
        self.ids_at() + u64::from(self.ids) * ID_BYTES as u64
    }

    /// Counts of the log up to and with the segment.
    pub fn totals(&self) -> Totals {
        Totals {
            events: self.before.events + self.here.events,
            commits: self.before.commits + self.here.commits,
            streams: self.before.streams + self.here.streams,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(&MAGIC);
        let version = self.ruled.map_or(FIRST_VERSION, |_| VERSION);
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&(HEADER_LEN as u32).to_le_bytes());
        for number in [
            self.here.events,
            self.here.commits,
            self.here.streams,
            self.before.events,
            self.before.commits,
            self.before.streams,
            self.last_recorded.0,
            self.last_position,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [
            self.checkpoints,
            self.filter_bytes,
            self.blocks,
            self.key_bytes,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.block_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.run_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.ids.to_le_bytes());
        bytes.extend_from_slice(&self.ruled.unwrap_or(0).to_le_bytes());
        bytes.resize(HEADER_LEN, 0);
        bytes
    }

    /// `None`: this is no index of this version, or not one of `index_bytes`.
    pub fn decode(bytes: &[u8], index_bytes: u64) -> Option<TableHeader> {
        if bytes.len() < HEADER_LEN {
            return None;
        }
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let short = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let totals = |at: usize| Totals {
            events: long(at),
            commits: long(at + 8),
            streams: long(at + 16),
        };
        let header = TableHeader {
            here: totals(16),
            before: totals(40),
            last_recorded: Ticks(long(64)),
            last_position: long(72),
            checkpoints: short(80),
            filter_bytes: short(84),
            blocks: short(88),
            key_bytes: short(92),
            block_bytes: long(96),
            run_bytes: long(104),
            ids: short(112),
            ruled: (short(8) != FIRST_VERSION).then(|| short(116)),
        };
        let is_possible = header.block_bytes <= index_bytes
            && header.run_bytes <= index_bytes
            && header.end() == index_bytes;
        (is_possible && bytes[..HEADER_LEN] == header.encode()).then_some(header)
    }
}

/// What a sealed index knows of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableEntry {
    /// Revision of the first event in the segment, and how many there are.
    pub first_revision: u64,
    pub count: u64,
    /// Offset of the runs in their section, and how many there are.
    pub runs_at: u64,
    pub runs: u32,
    pub tombstone: Option<u64>,
    pub retention: Option<Box<Retention>>,
}

/// Writes the index of a segment that is to be sealed. `first_revision` says how many events of a list were before it.
pub(crate) fn build<E>(
    index: &ActiveIndex,
    before: Totals,
    mut first_revision: impl FnMut(ListKind, &str, &List) -> Result<u64, E>,
) -> Result<Vec<u8>, E> {
    let mut writer = TableWriter::default();
    for kind in ListKind::ALL {
        let mut lists: Vec<_> = index.all_lists(kind).collect();
        lists.sort_unstable_by_key(|(name, _)| *name);
        for (name, list) in lists {
            let first = match list.count {
                0 => 0,
                _ => first_revision(kind, name, list)?,
            };
            writer.add(kind, name, list, first, index.base());
        }
    }
    Ok(writer.finish(index, before))
}

/// Rewrites the header of an index as the version in which `other` was written.
pub(crate) fn write_as(table: &mut [u8], other: &TableHeader) {
    if other.ruled.is_none()
        && let Some(header) = TableHeader::decode(table, table.len() as u64)
    {
        let ruled = None;
        table[..HEADER_LEN].copy_from_slice(&TableHeader { ruled, ..header }.encode());
    }
}

#[derive(Default)]
struct TableWriter {
    hashes: Vec<u64>,
    /// Offset of each block, and of its first key.
    directory: Vec<(u32, u32)>,
    keys: Vec<u8>,
    blocks: Vec<u8>,
    runs: Vec<u8>,
    ruled: u32,
}

impl TableWriter {
    fn add(&mut self, kind: ListKind, name: &str, list: &List, first_revision: u64, base: u64) {
        self.hashes.push(bloom::hash_of(kind, name));
        let begins_block = self
            .directory
            .last()
            .is_none_or(|(begin, _)| self.blocks.len() - *begin as usize >= BLOCK_BYTES);
        if begins_block {
            let entry = (self.blocks.len() as u32, self.keys.len() as u32);
            self.directory.push(entry);
            self.keys.push(kind.tag());
            self.keys.extend_from_slice(name.as_bytes());
        }
        self.ruled += u32::from(list.tombstone.is_some() || list.retention.is_some());
        let out = &mut self.blocks;
        put_varint(out, name.len() as u64 + 1);
        out.push(kind.tag());
        out.extend_from_slice(name.as_bytes());
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        out.push(
            flag(list.count > 0, HAS_EVENTS)
                | flag(list.tombstone.is_some(), HAS_TOMBSTONE)
                | flag(list.retention.is_some(), HAS_RETENTION),
        );
        if list.count > 0 {
            put_varint(out, first_revision);
            put_varint(out, list.count);
            put_varint(out, self.runs.len() as u64);
            put_varint(out, list.runs.len() as u64);
        }
        if let Some(position) = list.tombstone {
            put_varint(out, position - base);
        }
        if let Some(retention) = &list.retention {
            put_retention(out, retention);
        }
        for run in &list.runs {
            self.runs.extend_from_slice(&run.frame.to_le_bytes());
            self.runs.extend_from_slice(&run.revision.to_le_bytes());
            if kind == ListKind::EventType {
                self.runs.extend_from_slice(&run.ordinal.to_le_bytes());
            }
        }
    }

    fn finish(self, index: &ActiveIndex, before: Totals) -> Vec<u8> {
        let checkpoints = checkpoints(index.frames());
        let filter = bloom::build(&self.hashes);
        let header = TableHeader {
            here: Totals {
                events: index.events(),
                commits: index.commits(),
                streams: index.new_streams(),
            },
            before,
            last_recorded: index.last_recorded(),
            last_position: index.last_position().map_or(0, |position| position.0),
            checkpoints: checkpoints.len() as u32,
            filter_bytes: filter.len() as u32,
            blocks: self.directory.len() as u32,
            key_bytes: self.keys.len() as u32,
            block_bytes: self.blocks.len() as u64,
            run_bytes: self.runs.len() as u64,
            ids: index.ids().len() as u32,
            ruled: Some(self.ruled),
        };
        let mut out = header.encode();
        out.reserve(header.end() as usize);
        for frame in checkpoints {
            out.extend_from_slice(&frame.to_le_bytes());
        }
        out.extend_from_slice(&filter);
        for (block, key) in self.directory {
            out.extend_from_slice(&block.to_le_bytes());
            out.extend_from_slice(&key.to_le_bytes());
        }
        out.extend_from_slice(&self.keys);
        out.extend_from_slice(&self.blocks);
        out.extend_from_slice(&self.runs);
        for (id, frame) in index.ids() {
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(&frame.to_le_bytes());
        }
        out
    }
}

fn checkpoints(frames: &[u32]) -> Vec<u32> {
    let mut checkpoints: Vec<u32> = Vec::new();
    for frame in frames {
        if checkpoints
            .last()
            .is_none_or(|last| frame - last >= CHECKPOINT_BYTES)
        {
            checkpoints.push(*frame);
        }
    }
    checkpoints
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_retention(out: &mut Vec<u8>, retention: &Retention) {
    let parts = [
        retention.max_count,
        retention.max_age.map(|age| age.0),
        Some(retention.truncate_before),
        retention.deleted_at,
    ];
    let mut present = 0u8;
    for (place, part) in parts.iter().enumerate() {
        present |= u8::from(part.is_some()) << place;
    }
    out.push(present);
    for part in parts.into_iter().flatten() {
        put_varint(out, part);
    }
}

/// Reads the entries of a block. `None`: the block is not as this version writes it.
pub(crate) struct BlockReader<'a> {
    rest: &'a [u8],
    base: u64,
}

impl<'a> BlockReader<'a> {
    pub fn new(block: &'a [u8], base: u64) -> BlockReader<'a> {
        BlockReader { rest: block, base }
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn retention(&mut self) -> Option<Retention> {
        let present = self.byte()?;
        let mut parts = [None; 4];
        for (place, part) in parts.iter_mut().enumerate() {
            if present & (1 << place) != 0 {
                *part = Some(self.varint()?);
            }
        }
        let [max_count, max_age, truncate_before, deleted_at] = parts;
        Some(Retention {
            max_count,
            max_age: max_age.map(Ticks),
            truncate_before: truncate_before?,
            deleted_at,
        })
    }

    /// The next key (tag and name) and its entry; `None` at the end and where the block is broken.
    pub fn next_entry(&mut self) -> Option<(&'a [u8], TableEntry)> {
        let key_bytes = self.varint()? as usize;
        let (key, rest) = self.rest.split_at_checked(key_bytes)?;
        self.rest = rest;
        let flags = self.byte()?;
        let mut entry = TableEntry {
            first_revision: 0,
            count: 0,
            runs_at: 0,
            runs: 0,
            tombstone: None,
            retention: None,
        };
        if flags & HAS_EVENTS != 0 {
            entry.first_revision = self.varint()?;
            entry.count = self.varint()?;
            entry.runs_at = self.varint()?;
            entry.runs = self.varint()?.try_into().ok()?;
        }
        if flags & HAS_TOMBSTONE != 0 {
            entry.tombstone = Some(self.base.checked_add(self.varint()?)?);
        }
        if flags & HAS_RETENTION != 0 {
            entry.retention = Some(Box::new(self.retention()?));
        }
        Some((key, entry))
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Reads runs as they stand in their section.
pub(crate) fn decode_runs(kind: ListKind, bytes: &[u8]) -> Vec<StoredRun> {
    let short =
        |run: &[u8], at: usize| u32::from_le_bytes(run[at..at + 4].try_into().expect("four bytes"));
    bytes
        .chunks_exact(kind.run_bytes())
        .map(|run| StoredRun {
            frame: short(run, 0),
            revision: short(run, 4),
            ordinal: if kind == ListKind::EventType {
                short(run, 8)
            } else {
                0
            },
        })
        .collect()
}
