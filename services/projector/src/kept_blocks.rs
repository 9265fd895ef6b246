//! Day blocks of all parks in a file: a start takes the readings of the ledger from it instead of taking in each of them again.
//!
//! ```text
//! "TRMBLK" version fold | position | id and digest of the event there | parks | of each: id, length, day blocks | SHA-256 of it all
//! ```
//!
//! The file is disposable. It counts only if its version is this build's, and that of the fold whose sums it holds, its checksum
//! fits, and the record has at its position the event that it was written after, with the same digest of its stream up to it. The
//! rest of the record (all that is no reading) is folded as ever, and the state hash at that position is the same.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use terrarium_journal::{Digest, EventStore, Position, ReadError};
use terrarium_ledger::DayBlocks;
use terrarium_ledger::bytes::{Bytes, Damaged, Unread};
use terrarium_ledger::hash::Hasher;
use terrarium_model::ParkId;
use uuid::Uuid;

use crate::projection::{FOLD_VERSION, Projection};

const MAGIC: &[u8] = b"TRMBLK";
/// Grows with every change of what day blocks hold or how they are written.
const VERSION: u32 = 2;
const SHA256_BYTES: usize = 32;

/// The event that day blocks were written after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub position: u64,
    pub event: Uuid,
    /// Of its stream up to it.
    pub digest: [u8; 32],
}

/// Day blocks of all parks as of one event.
pub(crate) struct KeptBlocks {
    pub mark: Mark,
    pub parks: BTreeMap<ParkId, DayBlocks>,
}

/// Why day blocks were not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotUsed {
    #[error("they can't be read: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error("another version wrote them")]
    OtherVersion,
    #[error("the record has another event at position {0}")]
    OtherRecord(u64),
    #[error("the record can't be read: {0}")]
    Record(#[from] ReadError),
}

impl KeptBlocks {
    /// Place of the file below a data folder.
    pub fn path(data: &Path) -> PathBuf {
        data.join("projection").join("day-blocks.bin")
    }

    /// Reads the file and holds it against the record; `None`: there is none.
    pub async fn load(path: &Path, store: &dyn EventStore) -> Result<Option<KeptBlocks>, NotUsed> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let kept = KeptBlocks::read(&bytes)?;
        let at = kept.mark.position;
        let last = *store.watch_last_position().borrow();
        if last.is_none_or(|last| last.0 < at) {
            return Err(NotUsed::OtherRecord(at));
        }
        let event = store.event_at(Position(at)).await?;
        match Mark::of(at, event.id, &event.metadata) {
            Some(mark) if mark == kept.mark => Ok(Some(kept)),
            _ => Err(NotUsed::OtherRecord(at)),
        }
    }

    /// Reads the file's bytes.
    pub fn read(bytes: &[u8]) -> Result<KeptBlocks, NotUsed> {
        let length = bytes.len().checked_sub(SHA256_BYTES).ok_or(Damaged)?;
        let (content, checksum) = bytes.split_at(length);
        let unread = &mut Unread::new(content);
        if unread.raw(MAGIC.len())? != MAGIC {
            return Err(Damaged.into());
        }
        if unread.u32()? != VERSION || unread.u32()? != FOLD_VERSION {
            return Err(NotUsed::OtherVersion);
        }
        if checksum != sha256(content) {
            return Err(Damaged.into());
        }
        let mark = Mark {
            position: unread.u64()?,
            event: Uuid::from_bytes(unread.array()?),
            digest: unread.array()?,
        };
        let mut parks = BTreeMap::new();
        for _ in 0..unread.count()? {
            let park = ParkId::new(unread.text()?).map_err(|_| Damaged)?;
            let length = unread.u64()?;
            let length = usize::try_from(length).map_err(|_| Damaged)?;
            parks.insert(park, DayBlocks::read(unread.raw(length)?)?);
        }
        Ok(KeptBlocks { mark, parks })
    }

    /// The day blocks of a projection as bytes.
    pub fn bytes_of(projection: &Projection, mark: Mark) -> Vec<u8> {
        let mut bytes = Bytes::default();
        bytes
            .raw(MAGIC)
            .u32(VERSION)
            .u32(FOLD_VERSION)
            .u64(mark.position)
            .raw(mark.event.as_bytes())
            .raw(&mark.digest)
            .count(projection.parks().len());
        for (park, ledger) in projection.parks() {
            let blocks = ledger.day_blocks();
            bytes
                .text(park.as_str())
                .u64(blocks.len() as u64)
                .raw(&blocks);
        }
        let mut bytes = bytes.into_vec();
        let checksum = sha256(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// Puts the bytes where the next start looks: wholly or not at all.
    pub fn write(bytes: &[u8], path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let unfinished = path.with_extension("tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(unfinished, path)
    }
}

impl Mark {
    /// Of an event; `None` where it carries no digest.
    pub fn of(position: u64, event: Uuid, metadata: &[u8]) -> Option<Mark> {
        let digest = Digest::of_metadata(metadata).ok()?;
        Some(Mark {
            position,
            event,
            digest: digest.0,
        })
    }
}

fn sha256(bytes: &[u8]) -> [u8; SHA256_BYTES] {
    let mut hasher = Hasher::new("day-blocks");
    hasher.bytes(bytes);
    hasher.finish()
}

#[cfg(test)]
pub(crate) mod tests;
