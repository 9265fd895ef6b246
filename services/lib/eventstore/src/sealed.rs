//! The indexes of the sealed segments, on disk: what is asked for often is kept in memory, within bounds.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use bytes::Bytes;
use terrarium_eventlog::SealedSegment;
use uuid::Uuid;

use crate::bloom;
use crate::error::ReadError;
use crate::index::StreamFacts;
use crate::lists::{ListKind, Run, cut_runs};
use crate::table::{BlockReader, HEADER_LEN, ID_BYTES, TableEntry, TableHeader, decode_runs};

/// Filters and directories of segments that are kept in memory, in bytes.
const KEPT_INDEX_BYTES: u64 = 512 << 20;
/// Answers that are kept in memory: half of them are forgotten when there are twice as many.
const KEPT_ANSWERS: usize = 128 * 1024;
/// Runs of a list that are read at once.
const RUNS_AT_ONCE: u64 = 4096;

/// The sealed segments of a log. A set never changes; sealing makes a new one.
#[derive(Debug)]
pub(crate) struct SealedSet {
    segments: Vec<Arc<SegmentIndex>>,
    /// Whether any segment may have a tombstone or metadata of a stream.
    has_rules: OnceLock<bool>,
    memory: Arc<Memory>,
}

/// What sets of one log share.
#[derive(Debug, Default)]
struct Memory {
    answers: Mutex<Generations<Answer>>,
    facts: Mutex<Generations<KnownFacts>>,
    loaded_bytes: AtomicU64,
    uses: AtomicU64,
}

/// What was found of names that were asked for, with its weight, in two generations.
#[derive(Debug)]
struct Generations<T> {
    new: HashMap<(ListKind, Box<str>), (T, usize)>,
    old: HashMap<(ListKind, Box<str>), (T, usize)>,
    /// Of all that is in `new`.
    weight: usize,
}

/// What all segments up to one tell of a stream.
#[derive(Clone, Copy, Debug)]
struct KnownFacts {
    /// How many segments were looked at.
    segments: usize,
    facts: StreamFacts,
}

#[derive(Clone, Debug)]
struct Answer {
    /// How many segments were looked at.
    segments: usize,
    parts: Arc<[ListPart]>,
}

/// A list's events in one segment.
#[derive(Clone, Debug)]
pub(crate) struct ListPart {
    /// Which segment.
    pub place: u32,
    pub entry: TableEntry,
}

/// The index of one sealed segment.
#[derive(Debug)]
struct SegmentIndex {
    sealed: Arc<SealedSegment>,
    header: OnceLock<TableHeader>,
    loaded: RwLock<Option<Arc<Loaded>>>,
    used: AtomicU64,
}

/// What is kept in memory of an index.
#[derive(Debug)]
struct Loaded {
    header: TableHeader,
    /// The sections up to the directory.
    bytes: Bytes,
}

impl SealedSet {
    pub fn new(sealed: &[Arc<SealedSegment>]) -> SealedSet {
        SealedSet {
            segments: sealed.iter().map(SegmentIndex::of).collect(),
            has_rules: OnceLock::new(),
            memory: Arc::default(),
        }
    }

    /// The set with one segment more.
    pub fn with(&self, sealed: &Arc<SealedSegment>) -> SealedSet {
        let mut segments = self.segments.clone();
        segments.push(SegmentIndex::of(sealed));
        SealedSet {
            segments,
            has_rules: OnceLock::new(),
            memory: self.memory.clone(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Header of the last segment's index.
    pub fn last_header(&self) -> Result<Option<TableHeader>, ReadError> {
        match self.segments.last() {
            None => Ok(None),
            Some(last) => Ok(Some(last.header()?)),
        }
    }

    /// Whether any segment may have a tombstone or metadata of a stream. Most logs have none.
    pub fn has_rules(&self) -> Result<bool, ReadError> {
        if let Some(known) = self.has_rules.get() {
            return Ok(*known);
        }
        let mut has_rules = false;
        for segment in &self.segments {
            has_rules = segment.has_rules()?;
            if has_rules {
                break;
            }
        }
        Ok(*self.has_rules.get_or_init(|| has_rules))
    }

    /// What is known of a stream. Looks at the newest segment that has events of it, and before that only at those with rules.
    pub fn stream_facts(&self, stream: &str) -> Result<StreamFacts, ReadError> {
        const KIND: ListKind = ListKind::Stream;
        let known = self.memory.facts().get(KIND, stream);
        let known = match known {
            Some(known) if known.segments == self.segments.len() => return Ok(known.facts),
            // A set that is older than the answer looks for itself.
            Some(known) if known.segments < self.segments.len() => known,
            _ => KnownFacts {
                segments: 0,
                facts: StreamFacts::default(),
            },
        };
        let hash = bloom::hash_of(KIND, stream);
        let mut facts = StreamFacts::default();
        for segment in self.segments[known.segments..].iter().rev() {
            if facts.count > 0 && !segment.has_rules()? {
                continue;
            }
            if let Some(entry) = segment.find(&self.memory, KIND, stream, hash)? {
                if facts.count == 0 && entry.count > 0 {
                    facts.count = entry.first_revision + entry.count;
                }
                facts.tombstone = facts.tombstone.or(entry.tombstone);
                facts.retention = facts.retention.or(entry.retention.as_deref().copied());
            }
        }
        let facts = facts.or_of_before(&known.facts);
        let segments = self.segments.len();
        let known = KnownFacts { segments, facts };
        self.memory.facts().put(KIND, stream, known, 1);
        self.stay_within_bounds();
        Ok(facts)
    }

    /// In which segments a list has something, oldest first.
    pub fn parts(&self, kind: ListKind, name: &str) -> Result<Arc<[ListPart]>, ReadError> {
        let known = self.memory.answers().get(kind, name);
        let (mut parts, first) = match known {
            Some(known) if known.segments == self.segments.len() => return Ok(known.parts),
            // A set that is older than the answer looks for itself.
            Some(known) if known.segments < self.segments.len() => {
                (known.parts.to_vec(), known.segments)
            }
            _ => (Vec::new(), 0),
        };
        let hash = bloom::hash_of(kind, name);
        for (place, segment) in self.segments.iter().enumerate().skip(first) {
            if let Some(entry) = segment.find(&self.memory, kind, name, hash)? {
                let place = place as u32;
                parts.push(ListPart { place, entry });
            }
        }
        let answer = Answer {
            segments: self.segments.len(),
            parts: Arc::from(parts),
        };
        let parts = answer.parts.clone();
        let weight = 1 + parts.len();
        self.memory.answers().put(kind, name, answer, weight);
        self.stay_within_bounds();
        Ok(parts)
    }

    /// The places of the events of a list's part with revisions in `wanted`.
    pub fn runs(
        &self,
        kind: ListKind,
        part: &ListPart,
        wanted: &Range<u64>,
    ) -> Result<Vec<Run>, ReadError> {
        self.segments[part.place as usize].runs(&self.memory, kind, &part.entry, wanted)
    }

    /// Gives the names of a kind that begin with `prefix`, and what is known of them in each segment, to `visit`.
    pub fn each_with_prefix(
        &self,
        kind: ListKind,
        prefix: &str,
        visit: &mut dyn FnMut(&str, &TableEntry),
    ) -> Result<(), ReadError> {
        for segment in &self.segments {
            segment.each_with_prefix(&self.memory, kind, prefix, visit)?;
        }
        Ok(())
    }

    /// A frame boundary at or before `position`, near it; `None` before the first frame of the log.
    pub fn checkpoint_before(&self, position: u64) -> Result<Option<u64>, ReadError> {
        let after = self
            .segments
            .partition_point(|segment| segment.sealed.first_frame() <= position);
        let Some(place) = after.checked_sub(1) else {
            return Ok(None);
        };
        let segment = &self.segments[place];
        let loaded = segment.load(&self.memory)?;
        let checkpoint = loaded.checkpoint_before(&segment.sealed, position);
        let gap = segment.sealed.gap_around(checkpoint);
        let gap = gap.map_err(|error| ReadError::Damaged {
            what: error.to_string(),
        })?;
        Ok(Some(gap.map_or(checkpoint, |gap| gap.start)))
    }

    /// Ids of the newest events and their frames, newest segment first, until there are `most`.
    pub fn newest_ids(&self, most: usize) -> Result<Vec<(Uuid, u64)>, ReadError> {
        let mut newest = Vec::new();
        for segment in self.segments.iter().rev() {
            if newest.len() >= most {
                break;
            }
            let mut ids = segment.ids(&self.memory)?;
            ids.reverse();
            newest.extend(ids);
        }
        newest.truncate(most);
        Ok(newest)
    }
}

impl Memory {
    fn answers(&self) -> std::sync::MutexGuard<'_, Generations<Answer>> {
        self.answers
            .lock()
            .expect("no one panics holding the answers")
    }

    fn facts(&self) -> std::sync::MutexGuard<'_, Generations<KnownFacts>> {
        self.facts.lock().expect("no one panics holding the facts")
    }
}

impl<T> Default for Generations<T> {
    fn default() -> Generations<T> {
        Generations {
            new: HashMap::new(),
            old: HashMap::new(),
            weight: 0,
        }
    }
}

impl<T: Clone> Generations<T> {
    fn get(&mut self, kind: ListKind, name: &str) -> Option<T> {
        let key = (kind, Box::from(name));
        if let Some((found, _)) = self.new.get(&key) {
            return Some(found.clone());
        }
        let (found, weight) = self.old.remove(&key)?;
        self.put(kind, name, found.clone(), weight);
        Some(found)
    }

    fn put(&mut self, kind: ListKind, name: &str, found: T, weight: usize) {
        self.weight += weight;
        self.new.insert((kind, Box::from(name)), (found, weight));
        if self.weight >= KEPT_ANSWERS {
            self.old = std::mem::take(&mut self.new);
            self.weight = 0;
        }
    }
}

impl SegmentIndex {
    fn of(sealed: &Arc<SealedSegment>) -> Arc<SegmentIndex> {
        Arc::new(SegmentIndex {
            sealed: sealed.clone(),
            header: OnceLock::new(),
            loaded: RwLock::default(),
            used: AtomicU64::new(0),
        })
    }

    fn malformed(&self) -> ReadError {
        ReadError::Damaged {
            what: format!(
                "{}: the index of the segment is not as this version writes it",
                self.sealed.path().display()
            ),
        }
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, ReadError> {
        self.sealed
            .read_index(range)
            .map_err(|error| ReadError::Damaged {
                what: error.to_string(),
            })
    }

    fn header(&self) -> Result<TableHeader, ReadError> {
        if let Some(header) = self.header.get() {
            return Ok(*header);
        }
        let index_bytes = self.sealed.index_bytes();
        let start = self.read(0..index_bytes.min(HEADER_LEN as u64))?;
        let header = TableHeader::decode(&start, index_bytes).ok_or_else(|| self.malformed())?;
        Ok(*self.header.get_or_init(|| header))
    }

    /// Whether it may have a tombstone or metadata of a stream.
    fn has_rules(&self) -> Result<bool, ReadError> {
        Ok(self.header()?.ruled != Some(0))
    }

    fn load(&self, memory: &Memory) -> Result<Arc<Loaded>, ReadError> {
        let now = memory.uses.fetch_add(1, Ordering::Relaxed);
        self.used.store(now, Ordering::Relaxed);
        let present = self.loaded.read().expect("no one panics holding an index");
        if let Some(loaded) = &*present {
            return Ok(loaded.clone());
        }
        drop(present);
        let header = self.header()?;
        let bytes = self.read(0..header.blocks_at())?;
        let loaded = Arc::new(Loaded { header, bytes });
        let kept = loaded.bytes.len() as u64;
        let mut present = self.loaded.write().expect("no one panics holding an index");
        if present.is_none() {
            *present = Some(loaded.clone());
            memory.loaded_bytes.fetch_add(kept, Ordering::Relaxed);
        }
        Ok(loaded)
    }

    /// Gives its memory back.
    fn unload(&self, memory: &Memory) {
        let mut present = self.loaded.write().expect("no one panics holding an index");
        if let Some(loaded) = present.take() {
            let freed = loaded.bytes.len() as u64;
            memory.loaded_bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    fn find(
        &self,
        memory: &Memory,
        kind: ListKind,
        name: &str,
        hash: u64,
    ) -> Result<Option<TableEntry>, ReadError> {
        let loaded = self.load(memory)?;
        if !bloom::may_hold(loaded.filter(), hash) {
            return Ok(None);
        }
        let key = key_of(kind, name);
        let Some(place) = loaded.block_for(&key) else {
            return Ok(None);
        };
        let block = self.read_block(&loaded, place)?;
        let mut entries = BlockReader::new(&block, self.sealed.base());
        while !entries.is_at_end() {
            let (found, entry) = entries.next_entry().ok_or_else(|| self.malformed())?;
            if found == key {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn read_block(&self, loaded: &Loaded, place: usize) -> Result<Bytes, ReadError> {
        let range = loaded.block_range(place).ok_or_else(|| self.malformed())?;
        self.read(range)
    }

    fn each_with_prefix(
        &self,
        memory: &Memory,
        kind: ListKind,
        prefix: &str,
        visit: &mut dyn FnMut(&str, &TableEntry),
    ) -> Result<(), ReadError> {
        let loaded = self.load(memory)?;
        let key_prefix = key_of(kind, prefix);
        let first = loaded.block_for(&key_prefix).unwrap_or(0);
        for place in first..loaded.header.blocks as usize {
            let block = self.read_block(&loaded, place)?;
            let mut entries = BlockReader::new(&block, self.sealed.base());
            while !entries.is_at_end() {
                let (key, entry) = entries.next_entry().ok_or_else(|| self.malformed())?;
                if key.starts_with(&key_prefix) {
                    let name = std::str::from_utf8(&key[1..]).map_err(|_| self.malformed())?;
                    visit(name, &entry);
                } else if key > &key_prefix[..] {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn runs(
        &self,
        memory: &Memory,
        kind: ListKind,
        entry: &TableEntry,
        wanted: &Range<u64>,
    ) -> Result<Vec<Run>, ReadError> {
        let end = entry.first_revision + entry.count;
        let wanted = wanted.start.max(entry.first_revision)..wanted.end.min(end);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let loaded = self.load(memory)?;
        let run_bytes = kind.run_bytes() as u64;
        let at = loaded.header.runs_at() + entry.runs_at;
        let read = |from: u64, to: u64| -> Result<_, ReadError> {
            let bytes = self.read(at + from * run_bytes..at + to * run_bytes)?;
            Ok(decode_runs(kind, &bytes))
        };
        // The run that holds the first wanted revision: each has one event or more, so it is not beyond that place.
        let runs = u64::from(entry.runs);
        let relative = wanted.start - entry.first_revision;
        let (mut low, mut high) = (0, (relative + 1).min(runs));
        if runs == entry.count {
            low = relative;
        }
        while high - low > RUNS_AT_ONCE {
            let middle = low + (high - low) / 2;
            if u64::from(read(middle, middle + 1)?[0].revision) <= relative {
                low = middle;
            } else {
                high = middle;
            }
        }
        let step = RUNS_AT_ONCE.min(high - low + (wanted.end - wanted.start));
        let mut found = Vec::new();
        while low < runs {
            // One more than is asked for says where the last one ends.
            let until = runs.min(low + step + 1);
            let mut stored = read(low, until)?;
            let part_end = if until < runs {
                let next = stored.pop().expect("more than one was read");
                entry.first_revision + u64::from(next.revision)
            } else {
                end
            };
            low += stored.len() as u64;
            found.extend(cut_runs(
                self.sealed.base(),
                entry.first_revision,
                &stored,
                part_end,
                &wanted,
            ));
            if part_end >= wanted.end {
                break;
            }
        }
        Ok(found)
    }

    /// Ids of the segment's newest events and their frames, oldest first.
    fn ids(&self, memory: &Memory) -> Result<Vec<(Uuid, u64)>, ReadError> {
        let header = self.load(memory)?.header;
        let bytes = self.read(header.ids_at()..header.end())?;
        let base = self.sealed.base();
        Ok(bytes
            .chunks_exact(ID_BYTES)
            .map(|entry| {
                let id = Uuid::from_bytes(entry[..16].try_into().expect("16 bytes"));
                let frame = u32::from_le_bytes(entry[16..].try_into().expect("4 bytes"));
                (id, base + u64::from(frame) * 8)
            })
            .collect())
    }
}

impl SealedSet {
    /// Frees the memory of the segments that were used longest ago, when there is too much.
    fn stay_within_bounds(&self) {
        let memory = &self.memory;
        if memory.loaded_bytes.load(Ordering::Relaxed) <= KEPT_INDEX_BYTES {
            return;
        }
        let mut by_use: Vec<_> = self.segments.iter().collect();
        by_use.sort_by_key(|segment| segment.used.load(Ordering::Relaxed));
        for segment in by_use {
            if memory.loaded_bytes.load(Ordering::Relaxed) <= KEPT_INDEX_BYTES / 2 {
                return;
            }
            segment.unload(memory);
        }
    }
}

impl Loaded {
    fn filter(&self) -> &[u8] {
        let header = &self.header;
        &self.bytes[header.filter_at() as usize..header.directory_at() as usize]
    }

    fn number(&self, at: u64) -> u32 {
        let at = at as usize;
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
    }

    fn key(&self, place: usize) -> &[u8] {
        let directory = self.header.directory_at();
        let begin = self.number(directory + place as u64 * 8 + 4);
        let end = if place + 1 < self.header.blocks as usize {
            self.number(directory + (place as u64 + 1) * 8 + 4)
        } else {
            self.header.key_bytes
        };
        let keys = &self.bytes[self.header.keys_at() as usize..];
        keys.get(begin as usize..end as usize).unwrap_or(&[])
    }

    /// The block that a key is in, if it is in any.
    fn block_for(&self, key: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.header.blocks as usize);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    fn block_range(&self, place: usize) -> Option<Range<u64>> {
        let directory = self.header.directory_at();
        let begin = u64::from(self.number(directory + place as u64 * 8));
        let end = if place + 1 < self.header.blocks as usize {
            u64::from(self.number(directory + (place as u64 + 1) * 8))
        } else {
            self.header.block_bytes
        };
        let at = self.header.blocks_at();
        (begin <= end && end <= self.header.block_bytes).then_some(at + begin..at + end)
    }

    fn checkpoint_before(&self, sealed: &SealedSegment, position: u64) -> u64 {
        let offset = (position - sealed.base()) / 8;
        let (mut low, mut high) = (0, u64::from(self.header.checkpoints));
        while low < high {
            let middle = low + (high - low) / 2;
            if u64::from(self.number(HEADER_LEN as u64 + middle * 4)) <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        match low.checked_sub(1) {
            Some(place) => {
                sealed.base() + u64::from(self.number(HEADER_LEN as u64 + place * 4)) * 8
            }
            None => sealed.first_frame(),
        }
    }
}

fn key_of(kind: ListKind, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 1);
    key.push(kind.tag());
    key.extend_from_slice(name.as_bytes());
    key
}
