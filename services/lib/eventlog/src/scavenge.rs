//! Removing records from a sealed segment: what is left keeps its position, and the segment its seal.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::disk::{Disk, LogFile, copy_range, is_out_of_space, write_all};
use crate::files::{Files, read_range, segment_file_name};
use crate::footer::{Footer, Scavenged, encode_seal_start};
use crate::frame::Frame;
use crate::gap::{Gap, LONG_GAP_BYTES, Subtree, is_gap, parse_gap};
use crate::header::HEADER_BYTES;
use crate::offline::{SealCheck, SealFault, check_segment};
use crate::reader::{FrameCursor, FrameError};
use crate::segment::{SealedSegment, encode_gaps, seal_body};
use crate::tree::{Digest, TreeHasher, leaf_of, tree_root};

const CHUNK_BYTES: usize = 1024 * 1024;

/// Why a segment was left as it was.
#[derive(Debug, Error)]
pub enum ScavengeError {
    #[error("{} is damaged, and was left as it is: {fault}; restore it from a backup", path.display())]
    Damaged { path: PathBuf, fault: SealFault },
    #[error("{} is damaged, and was left as it is: byte {position}: {what}; restore it from a backup", path.display())]
    Record {
        path: PathBuf,
        position: u64,
        what: String,
    },
    #[error(
        "no space to write {} beside what is there ({source}): free as much as a segment has, then scavenge again",
        path.display()
    )]
    StorageFull { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}; what was there before is still there", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// What was removed from a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub frames: u64,
    pub bytes: u64,
}

/// Rewrites a sealed segment without the frames that `is_removable` names; `None`: it names none, and nothing was written.
///
/// The caller holds the lock of the data folder, and nobody reads the segment meanwhile. What is written is checked before it takes
/// the segment's place, at once and durably: a crash leaves the segment as it was, or as it is to be.
pub fn scavenge_segment(
    folder: &Path,
    disk: &dyn Disk,
    sealed: &SealedSegment,
    is_removable: &mut dyn FnMut(&Frame) -> Result<bool, String>,
) -> Result<Option<Removed>, ScavengeError> {
    let Some(plan) = Plan::make(sealed, is_removable)? else {
        return Ok(None);
    };
    let path = folder.join(segment_file_name(sealed.base()));
    let new_path = path.with_extension("segment.new");
    let written = disk
        .create(&new_path)
        .and_then(|mut file| plan.write(sealed, &mut *file));
    if let Err(source) = written {
        // It is harmless, but takes space; a crash leaves it too.
        let _ = std::fs::remove_file(&new_path);
        let path = new_path;
        return Err(if is_out_of_space(&source) {
            ScavengeError::StorageFull { path, source }
        } else {
            ScavengeError::Io { path, source }
        });
    }
    let copy = SealedSegment::new(plan.footer, Arc::new(Files::not_in_place(folder)));
    check_segment(&copy).map_err(|fault| ScavengeError::Damaged {
        path: new_path.clone(),
        fault,
    })?;
    disk.rename(&new_path, &path)
        .and_then(|()| disk.sync_folder(folder))
        .map_err(|source| ScavengeError::Io { path, source })?;
    Ok(Some(plan.removed))
}

/// What a scavenged segment consists of.
struct Plan {
    /// Frames that are copied as they are.
    kept: Vec<Range<u64>>,
    gaps: Vec<Gap>,
    tree: TreeHasher,
    /// Hashes of the groups of that tree.
    groups: Vec<Digest>,
    footer: Footer,
    /// Beyond what was removed before.
    removed: Removed,
}

/// Removed frames that follow each other.
#[derive(Default)]
struct Run {
    frames: Vec<RemovedFrame>,
}

struct RemovedFrame {
    begin: u64,
    end: u64,
    batch: u64,
    /// Number of its first leaf in the tree of what was sealed.
    leaf: u64,
    subtrees: Vec<Subtree>,
}

impl Plan {
    fn make(
        sealed: &SealedSegment,
        is_removable: &mut dyn FnMut(&Frame) -> Result<bool, String>,
    ) -> Result<Option<Plan>, ScavengeError> {
        let io = |source| ScavengeError::Io {
            path: sealed.path(),
            source,
        };
        let damaged = |fault| ScavengeError::Damaged {
            path: sealed.path(),
            fault,
        };
        let mut plan = Plan {
            kept: Vec::new(),
            gaps: Vec::new(),
            tree: TreeHasher::default(),
            groups: Vec::new(),
            footer: sealed.footer().clone(),
            removed: Removed::default(),
        };
        let mut check = SealCheck::default();
        let mut run = Run::default();
        let mut leaf = 0;
        let mut frames = FrameCursor::over(sealed.span().map_err(io)?, CHUNK_BYTES);
        while let Some(frame) = frames.next() {
            let frame = frame.map_err(|error: FrameError| damaged(error.into()))?;
            let raw = frames.raw_frame(&frame);
            check.push(frame.position, &raw);
            let what_is_wrong = |what| ScavengeError::Record {
                path: sealed.path(),
                position: frame.position,
                what,
            };
            if is_gap(&frame.body) {
                let subtrees = parse_gap(&frame.body).ok_or_else(|| damaged(SealFault::Removed))?;
                leaf = run.push(&frame, leaf, subtrees);
            } else if is_removable(&frame).map_err(what_is_wrong)? {
                plan.removed.frames += 1;
                plan.removed.bytes += raw.len() as u64;
                leaf = run.push(&frame, leaf, vec![(0, leaf_of(&raw))]);
            } else {
                plan.end_run(&mut run, Some(&frame));
                plan.keep(&frame, &raw);
                leaf += 1;
            }
        }
        plan.end_run(&mut run, None);
        check.finish(sealed).map_err(damaged)?;
        if plan.removed.frames == 0 {
            return Ok(None);
        }
        plan.complete_footer();
        Ok(Some(plan))
    }

    fn keep(&mut self, frame: &Frame, raw: &[u8]) {
        self.tree.push(raw);
        match self.kept.last_mut() {
            Some(last) if last.end == frame.position => last.end = frame.next_position(),
            _ => self.kept.push(frame.position..frame.next_position()),
        }
    }

    /// Puts gaps in the place of removed frames; `next` is the kept frame behind them.
    fn end_run(&mut self, run: &mut Run, next: Option<&Frame>) {
        let frames = std::mem::take(&mut run.frames);
        let Some(first) = frames.first() else {
            return;
        };
        let first_begin = first.begin;
        // A frame is of the batch of the one before it or begins one: the gap before `next` is of the same batch as `next`.
        let batch_of_next = next.map(|next| next.batch).filter(|batch| {
            *batch > first_begin && next.is_some_and(|next| *batch < next.position)
        });
        let mut batch = first.batch;
        let mut gap = Gap::new(first_begin, batch);
        for frame in frames {
            let begins_batch = batch_of_next == Some(frame.begin);
            if begins_batch {
                batch = frame.begin;
            }
            let is_long = gap.end > gap.begin && frame.end - gap.begin > LONG_GAP_BYTES;
            if gap.end > gap.begin && (begins_batch || is_long) {
                let whole = std::mem::replace(&mut gap, Gap::new(frame.begin, batch));
                self.add_gap(whole);
            }
            let mut leaf = frame.leaf;
            for subtree in frame.subtrees {
                gap.push(leaf, subtree);
                leaf += 1 << subtree.0;
            }
            gap.end = frame.end;
        }
        self.add_gap(gap);
    }

    fn add_gap(&mut self, gap: Gap) {
        let (frame, _) = gap.encode();
        self.tree.push(&frame);
        self.gaps.push(gap);
    }

    fn complete_footer(&mut self) {
        let before = self.footer.scavenged.take();
        let (sealed_frames, sealed_root, frames, bytes) = match before {
            Some(before) => (
                before.sealed_frames,
                before.sealed_root,
                before.removed_frames,
                before.removed_bytes,
            ),
            None => (self.footer.frames, self.footer.root, 0, 0),
        };
        let gaps = encode_gaps(&self.gap_ranges());
        self.footer.frames = self.tree.frames();
        self.footer.scavenged = Some(Scavenged {
            sealed_frames,
            sealed_root,
            removed_frames: frames + self.removed.frames,
            removed_bytes: bytes + self.removed.bytes,
            gaps: self.gaps.len() as u64,
            gaps_checksum: crc32c::crc32c(&gaps),
        });
        let groups = std::mem::take(&mut self.tree).into_groups();
        self.footer.root = tree_root(&groups);
        self.groups = groups;
    }

    fn gap_ranges(&self) -> Vec<Range<u64>> {
        self.gaps.iter().map(|gap| gap.begin..gap.end).collect()
    }

    /// Writes the whole file and syncs it. What is zero in a gap is not written, and takes no space.
    fn write(&self, sealed: &SealedSegment, file: &mut dyn LogFile) -> io::Result<()> {
        let source = sealed.file()?;
        let (base, footer) = (sealed.base(), &self.footer);
        copy_range(&source, file, 0..HEADER_BYTES)?;
        for kept in &self.kept {
            copy_range(&source, file, kept.start - base..kept.end - base)?;
        }
        for gap in &self.gaps {
            let (frame, used) = gap.encode();
            write_all(file, &frame[..used], gap.begin - base)?;
        }
        let mark = encode_seal_start(base, footer.end, footer.frames);
        write_all(file, &mark, footer.seal_at())?;
        let index_at = sealed.footer().index_at();
        let index = read_range(&source, index_at, sealed.footer().gaps_at())?;
        let (index, checksums) = index.split_at(footer.index_bytes as usize);
        let mut end = seal_body(&self.groups, index, checksums);
        end.extend_from_slice(&encode_gaps(&self.gap_ranges()));
        end.extend_from_slice(&footer.encode_scavenged());
        end.extend_from_slice(&footer.encode());
        write_all(file, &end, footer.groups_at())?;
        file.sync_data()
    }
}

impl Run {
    /// Takes a removed frame, or a gap; gives the number of the leaf behind it.
    fn push(&mut self, frame: &Frame, leaf: u64, subtrees: Vec<Subtree>) -> u64 {
        let leaves = subtrees.iter().fold(0u64, |leaves, (level, _)| {
            leaves.saturating_add(1u64.checked_shl(u32::from(*level)).unwrap_or(u64::MAX))
        });
        self.frames.push(RemovedFrame {
            begin: frame.position,
            end: frame.next_position(),
            batch: frame.batch,
            leaf,
            subtrees,
        });
        leaf.saturating_add(leaves)
    }
}
