//! A log that lies in a folder, read without lock and without changing anything; a writer may be appending meanwhile.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::files::{FIRST_FORMAT_FILE_NAME, Files, list_segments, read_range, read_up_to};
use crate::footer::{INDEX_PAGE_BYTES, SEAL_START_BYTES, is_seal_start};
use crate::frame::{FRAME_HEADER_BYTES, Frame};
use crate::gap::{is_gap, parse_gap};
use crate::header::{FIRST_FORMAT_VERSION, HEADER_BYTES, SegmentHeader, read_u32};
use crate::reader::{FrameCursor, FrameError, FrameProblem, Source, Span, end_by_lengths};
use crate::recovery::{
    OpenError, check_chain, first_format_header, io_error, read_footers, segment_error,
};
use crate::segment::{IndexError, SealedSegment, SegmentError, read_header, read_sealed};
use crate::tail::{Rest, find_frame_of_later_batch, rest_behind};
use crate::tree::{GROUP_FRAMES, SubtreeHasher, TreeHasher, leaf_of, tree_root};

const CHUNK_BYTES: usize = 1024 * 1024;
/// Writers that come and go while the end of a log is looked for.
const QUIET_LOOKS: usize = 3;

/// The files of a log.
#[derive(Debug)]
pub struct LogFiles {
    pub(crate) sealed: Vec<Arc<SealedSegment>>,
    pub(crate) unsealed: Option<Unsealed>,
}

/// The segment that frames are added to.
#[derive(Debug)]
pub(crate) struct Unsealed {
    pub header: SegmentHeader,
    pub path: PathBuf,
    pub file: Arc<File>,
    /// Where its frames end, or the file does if something unknown is behind them.
    pub end: u64,
    /// Where the frames begin that a writer may still take back; `None` when nobody writes.
    pub unproven_from: Option<u64>,
}

impl LogFiles {
    /// Looks at the segments in `folder`, to which nobody writes: their headers, footers and how they follow each other.
    pub fn open(folder: &Path) -> Result<LogFiles, OpenError> {
        LogFiles::open_beside(folder, &|| Ok(false))
    }

    /// [`open`](Self::open) beside a writer, while `is_in_use` says that there is one.
    ///
    /// What a writer has not finished is left out. It is told from damage by the frames behind it: one of a later batch is
    /// written only when everything before it is durable.
    pub fn open_beside(
        folder: &Path,
        is_in_use: &dyn Fn() -> io::Result<bool>,
    ) -> Result<LogFiles, OpenError> {
        let bases = list_segments(folder).map_err(io_error("list the segments in", folder))?;
        let files = Arc::new(Files::of(folder));
        let Some((last, others)) = bases.split_last() else {
            return LogFiles::of_first_format(folder, is_in_use);
        };
        let mut sealed = read_footers(&files, others)?;
        let path = files.path(*last);
        let file = Arc::new(File::open(&path).map_err(io_error("open", &path))?);
        let mut unsealed = None;
        match read_sealed(&file) {
            Ok((_, footer)) => sealed.push(Arc::new(SealedSegment::new(footer, files.clone()))),
            Err(SegmentError::Footer(_)) => {
                let header = read_header(&file).map_err(segment_error(&path))?;
                unsealed = Some(Unsealed::of(header, path, file, is_in_use)?);
            }
            Err(error) => return Err(segment_error(&path)(error)),
        }
        let header = unsealed.as_ref().map(|unsealed| &unsealed.header);
        check_chain(&files, &bases, &sealed, header)?;
        Ok(LogFiles { sealed, unsealed })
    }

    /// A folder in which no program of format 2 has been yet.
    fn of_first_format(
        folder: &Path,
        is_in_use: &dyn Fn() -> io::Result<bool>,
    ) -> Result<LogFiles, OpenError> {
        let path = folder.join(FIRST_FORMAT_FILE_NAME);
        match first_format_header(&path)? {
            Some(header) if header.version == FIRST_FORMAT_VERSION => {
                let file = Arc::new(File::open(&path).map_err(io_error("open", &path))?);
                let unsealed = Unsealed::of(header, path, file, is_in_use)?;
                Ok(LogFiles {
                    sealed: Vec::new(),
                    unsealed: Some(unsealed),
                })
            }
            Some(_) => Err(OpenError::Layout {
                path,
                what: "the folder's log is in segments, and there are none".to_owned(),
            }),
            None => Err(io_error("open", &path)(io::ErrorKind::NotFound.into())),
        }
    }

    /// Where the frames begin that a writer may still take back; `None` when nobody writes.
    pub fn unproven_from(&self) -> Option<u64> {
        self.unsealed.as_ref()?.unproven_from
    }

    /// The sealed segments, in order.
    pub fn sealed(&self) -> &[Arc<SealedSegment>] {
        &self.sealed
    }

    /// The file that holds `position`, or the last one.
    pub fn path_at(&self, position: u64) -> Option<PathBuf> {
        let sealed = self.sealed.iter().find(|sealed| position < sealed.end());
        let unsealed = self.unsealed.as_ref().map(|unsealed| unsealed.path.clone());
        sealed
            .map(|sealed| sealed.path())
            .or(unsealed)
            .or_else(|| self.sealed.last().map(|last| last.path()))
    }

    /// Walks all frames from the first.
    pub fn frames(&self, chunk_bytes: usize) -> FrameCursor {
        let end_of_sealed = self.sealed.last().map_or(0, |last| last.end());
        let unsealed = self.unsealed.as_ref();
        let end = unsealed.map_or(end_of_sealed, |unsealed| unsealed.end);
        let source = Source::Files {
            sealed: self.sealed.clone(),
            last: unsealed.map(|unsealed| Span {
                file: unsealed.file.clone(),
                base: unsealed.header.base,
                end: unsealed.end,
            }),
        };
        FrameCursor::new(source, 0, end, chunk_bytes)
    }
}

impl Unsealed {
    fn of(
        header: SegmentHeader,
        path: PathBuf,
        file: Arc<File>,
        is_in_use: &dyn Fn() -> io::Result<bool>,
    ) -> Result<Unsealed, OpenError> {
        let (end, unproven_from) =
            end_of_frames(&file, header.base, is_in_use).map_err(io_error("read", &path))?;
        Ok(Unsealed {
            header,
            path,
            file,
            end,
            unproven_from,
        })
    }
}

/// Where the frames end for who reads them, and where those begin that a writer may still take back.
fn end_of_frames(
    file: &Arc<File>,
    base: u64,
    is_in_use: &dyn Fn() -> io::Result<bool>,
) -> io::Result<(u64, Option<u64>)> {
    // A look counts when nobody wrote before it and nobody after it.
    for _ in 0..QUIET_LOOKS {
        if is_in_use()? {
            break;
        }
        let end = look_for_end(file, base);
        if !is_in_use()? {
            return Ok((end?, None));
        }
    }
    let walked = settled_frames(file, base).map_err(io_of)?;
    if walked.bad.is_some() {
        // Whoever reads on stumbles over it and says what it is.
        return Ok((base + file.metadata()?.len(), Some(u64::MAX)));
    }
    let end = durable_end(file, base, &walked, || file.sync_data()).map_err(io_of)?;
    Ok((end, Some(walked.last_batch)))
}

fn io_of(error: FrameError) -> io::Error {
    match error.problem {
        FrameProblem::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// The end of the frames, behind anything unknown.
fn look_for_end(file: &File, base: u64) -> io::Result<u64> {
    let file_bytes = file.metadata()?.len();
    let end = end_by_lengths(file, base, file_bytes)?;
    Ok(
        match rest_behind(file, base, end, base + file_bytes, String::new())? {
            Rest::Zero | Rest::UnfinishedSeal => end,
            Rest::Torn(_) => base + file_bytes,
        },
    )
}

/// What is wrong with a sealed segment.
#[derive(Debug, Error)]
pub enum SealFault {
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error(
        "the records from byte {start} to byte {end} are not those that were sealed: they were changed, and their checksums with them"
    )]
    Records { start: u64, end: u64 },
    #[error("the segment has {actual} records, {expected} were sealed")]
    Count { expected: u64, actual: u64 },
    #[error("the hashes of the records are not those that were sealed")]
    Tree,
    #[error(
        "the records that are left and the hashes of those that were removed do not give what was sealed: more was changed than scavenging does"
    )]
    Removed,
    #[error("the list of the gaps that scavenging left is not that of its records")]
    Gaps,
    #[error("{0}")]
    IndexPart(#[from] IndexError),
    #[error("the index is not the one that was sealed")]
    Index,
    #[error("cannot read the segment: {0}")]
    Io(#[from] io::Error),
}

/// Compares the records of a segment with its seal, while somebody walks them.
#[derive(Debug, Default)]
pub struct SealCheck {
    tree: TreeHasher,
    /// Of the records that were sealed, as far as gaps tell of those that were removed.
    sealed_tree: SubtreeHasher,
    gaps: Vec<Range<u64>>,
    has_bad_gap: bool,
    removed_frames: u64,
    /// Where each group of records begins, and the last one ends.
    bounds: Vec<u64>,
    end: u64,
}

impl SealCheck {
    /// Takes a frame: its position, and all its bytes.
    pub fn push(&mut self, position: u64, frame: &[u8]) {
        if self.tree.frames().is_multiple_of(GROUP_FRAMES as u64) {
            self.bounds.push(position);
        }
        let leaf = leaf_of(frame);
        self.tree.push_leaf(leaf);
        self.end = position + frame.len() as u64;
        let body = &frame[FRAME_HEADER_BYTES..];
        if is_gap(body) {
            self.gaps.push(position..self.end);
            self.push_gap(body);
        } else {
            self.sealed_tree.push(0, leaf);
        }
    }

    fn push_gap(&mut self, body: &[u8]) {
        let before = self.sealed_tree.leaves();
        let is_good = parse_gap(body).is_some_and(|subtrees| {
            subtrees
                .into_iter()
                .all(|(level, digest)| self.sealed_tree.push(level, digest))
        });
        self.has_bad_gap |= !is_good;
        self.removed_frames += self.sealed_tree.leaves() - before;
    }

    /// Compares what was taken with the seal. All frames of the segment were taken.
    pub fn finish(mut self, sealed: &SealedSegment) -> Result<(), SealFault> {
        let footer = sealed.footer();
        let sealed_groups = sealed.groups()?;
        if tree_root(&sealed_groups) != footer.root {
            return Err(SealFault::Tree);
        }
        if self.tree.frames() != footer.frames {
            return Err(SealFault::Count {
                expected: footer.frames,
                actual: self.tree.frames(),
            });
        }
        self.bounds.push(self.end);
        let groups = self.tree.into_groups();
        let changed = groups
            .iter()
            .zip(&sealed_groups)
            .position(|(found, expected)| found != expected);
        if let Some(place) = changed {
            return Err(SealFault::Records {
                start: self.bounds[place],
                end: self.bounds[place + 1],
            });
        }
        let Some(scavenged) = &footer.scavenged else {
            return Ok(());
        };
        let is_what_was_sealed = !self.has_bad_gap
            && self.sealed_tree.leaves() == scavenged.sealed_frames
            && self.sealed_tree.root() == scavenged.sealed_root
            && self.removed_frames == scavenged.removed_frames;
        if !is_what_was_sealed {
            return Err(SealFault::Removed);
        }
        if sealed.gaps()? != self.gaps {
            return Err(SealFault::Gaps);
        }
        Ok(())
    }
}

/// Checks every part of a sealed segment: frames, tree, index.
pub fn check_segment(sealed: &SealedSegment) -> Result<(), SealFault> {
    let mut check = SealCheck::default();
    let mut frames = FrameCursor::over(sealed.span()?, CHUNK_BYTES);
    while let Some(frame) = frames.next() {
        let frame = frame?;
        check.push(frame.position, &frames.raw_frame(&frame));
    }
    check.finish(sealed)?;
    check_index(sealed)
}

/// Checks that the index of a sealed segment is the one that was sealed, page by page.
pub fn check_index(sealed: &SealedSegment) -> Result<(), SealFault> {
    use sha2::{Digest as _, Sha256};
    let mut digest = Sha256::new();
    let length = sealed.index_bytes();
    let step = 64 * INDEX_PAGE_BYTES;
    let mut at = 0;
    while at < length {
        let next = length.min(at + step);
        digest.update(&sealed.read_index(at..next)?);
        at = next;
    }
    let found: [u8; 32] = digest.finalize().into();
    if found != sealed.footer().index_digest {
        return Err(SealFault::Index);
    }
    let seal_mark = read_range(
        &*sealed.file()?,
        sealed.footer().seal_at(),
        sealed.footer().groups_at(),
    )?;
    if !is_seal_start(&seal_mark, sealed.base(), sealed.end()) {
        return Err(SealFault::Tree);
    }
    Ok(())
}

/// Length of what is copied of an unsealed segment: its header and its whole frames, all of them durable.
///
/// A bad frame ends it, unless a frame that was written later follows: then the bad one was durable once.
pub(crate) fn durable_bytes(unsealed: &Unsealed) -> Result<u64, FrameError> {
    let (file, base) = (&unsealed.file, unsealed.header.base);
    let walked = settled_frames(file, base)?;
    match walked.bad {
        Some(bad) => Err(bad),
        None => Ok(durable_end(file, base, &walked, || file.sync_data())? - base),
    }
}

/// Where the frames end that a power cut can't take away; of those that were found, and not of any that came since.
///
/// The last batch may not be synced yet, so it is synced; a writer may have taken it back meanwhile and written others in its
/// place, so it is looked at again. The batches before it are durable, or it would not have been written.
fn durable_end(
    file: &Arc<File>,
    base: u64,
    walked: &WholeFrames,
    sync: impl FnOnce() -> io::Result<()>,
) -> Result<u64, FrameError> {
    let Some(first) = walked.unproven.first() else {
        return Ok(walked.end);
    };
    let mut end = first.position;
    let io = |error: io::Error| FrameError {
        position: end,
        problem: error.into(),
    };
    sync().map_err(io)?;
    let span = Span {
        file: file.clone(),
        base,
        end: base + file.metadata().map_err(io)?.len(),
    };
    let mut frames = FrameCursor::from(span, end, CHUNK_BYTES);
    for found in &walked.unproven {
        match frames.next() {
            Some(Ok(frame)) if FoundFrame::of(&frame, &frames) == *found => end = found.end,
            Some(Err(error)) if is_failure(&error) => return Err(error),
            _ => break,
        }
    }
    Ok(end)
}

/// Whether the disk failed, rather than that a writer cut the file.
fn is_failure(error: &FrameError) -> bool {
    match &error.problem {
        FrameProblem::Io(error) => error.kind() != io::ErrorKind::UnexpectedEof,
        FrameProblem::Fault(_) | FrameProblem::Outside => false,
    }
}

/// The whole frames of an unsealed segment.
struct WholeFrames {
    end: u64,
    /// Where the last of them that were written together begin, ...
    last_batch: u64,
    /// ... and these, as far as they were walked over.
    unproven: Vec<FoundFrame>,
    /// What is wrong at the end.
    bad: Option<FrameError>,
}

/// Enough of a frame to know it again.
#[derive(PartialEq, Eq)]
struct FoundFrame {
    position: u64,
    end: u64,
    checksum: u32,
}

impl FoundFrame {
    /// Of the frame that was just read.
    fn of(frame: &Frame, frames: &FrameCursor) -> FoundFrame {
        FoundFrame {
            position: frame.position,
            end: frame.next_position(),
            checksum: read_u32(&frames.raw_frame(frame), 4),
        }
    }
}

/// The whole frames of a segment to which somebody may be writing; `bad` is left only where there is damage.
///
/// A bad frame is unfinished when no frame of a later batch is behind it. When there is one, the bad frame was finished by
/// then, so it is read again: if it is still bad, it is damaged.
fn settled_frames(file: &Arc<File>, base: u64) -> Result<WholeFrames, FrameError> {
    let mut walked = whole_frames(file, base, base + HEADER_BYTES)?;
    loop {
        let bad_at = walked.end;
        let io = |error: io::Error| FrameError {
            position: bad_at,
            problem: error.into(),
        };
        let mark = read_up_to(file, bad_at - base, SEAL_START_BYTES as usize).map_err(io)?;
        if walked.bad.is_none() || is_seal_start(&mark, base, bad_at) {
            walked.bad = None;
            return Ok(walked);
        }
        let end = base + file.metadata().map_err(io)?.len();
        match find_frame_of_later_batch(file, base, bad_at, end) {
            Ok(None) => {
                walked.bad = None;
                return Ok(walked);
            }
            Ok(Some(_)) => {}
            // The writer gave prepared space back.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(io(error)),
        }
        let mut again = whole_frames(file, base, bad_at)?;
        if again.end == bad_at {
            // A write that failed may have been undone, and others stand in its place.
            again = whole_frames(file, base, base + HEADER_BYTES)?;
            if again.end == bad_at {
                return Ok(again);
            }
        }
        walked = again;
    }
}

/// The whole frames from the frame at `start` on.
fn whole_frames(file: &Arc<File>, base: u64, start: u64) -> Result<WholeFrames, FrameError> {
    let mut walked = WholeFrames {
        end: start,
        last_batch: start,
        unproven: Vec::new(),
        bad: None,
    };
    loop {
        let length = file.metadata().map_err(|error| FrameError {
            position: walked.end,
            problem: error.into(),
        })?;
        let span = Span {
            file: file.clone(),
            base,
            end: base + length.len(),
        };
        let mut is_shorter_now = false;
        let mut frames = FrameCursor::from(span, walked.end, CHUNK_BYTES);
        while let Some(frame) = frames.next() {
            match frame {
                Ok(frame) => {
                    if walked.last_batch != frame.batch {
                        walked.last_batch = frame.batch;
                        walked.unproven.clear();
                    }
                    walked.end = frame.next_position();
                    walked.unproven.push(FoundFrame::of(&frame, &frames));
                }
                Err(FrameError {
                    problem: FrameProblem::Io(error),
                    ..
                }) if error.kind() == io::ErrorKind::UnexpectedEof => is_shorter_now = true,
                Err(error) if matches!(error.problem, FrameProblem::Io(_)) => return Err(error),
                Err(error) => walked.bad = Some(error),
            }
        }
        if !is_shorter_now {
            return Ok(walked);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::{LogSettings, LogWriter, RealDisk, open_log, segment_file_name};

    fn append(writer: &mut LogWriter, bodies: &[&[u8]]) -> u64 {
        for body in bodies {
            writer.stage(|buffer| buffer.extend_from_slice(body));
        }
        writer.flush().expect("the disk is fine")
    }

    fn log() -> (tempfile::TempDir, LogWriter, Arc<File>) {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let opened = open_log(
            folder.path(),
            &RealDisk,
            LogSettings::default(),
            &mut |_| Ok(()),
        );
        let path = folder.path().join(segment_file_name(0));
        let file = Arc::new(File::open(path).expect("a segment"));
        (folder, opened.expect("an empty log opens").writer, file)
    }

    #[test]
    fn what_is_written_after_the_frames_were_found_is_not_taken_for_durable() {
        let (_folder, mut writer, file) = log();
        append(&mut writer, &[b"first"]);
        let end = append(&mut writer, &[b"second", b"third"]);
        let walked = settled_frames(&file, 0).expect("readable");
        let durable = durable_end(&file, 0, &walked, || {
            // Another batch comes just before the sync, and one after it.
            append(&mut writer, &[b"fourth"]);
            append(&mut writer, &[b"fifth"]);
            Ok(())
        });
        assert_eq!(durable.expect("readable"), end);
    }

    #[test]
    fn what_a_writer_took_back_meanwhile_is_not_taken_for_durable() {
        let (folder, mut writer, file) = log();
        let first_end = append(&mut writer, &[b"first"]);
        append(&mut writer, &[b"second"]);
        let (other_folder, mut other, _) = log();
        append(&mut other, &[b"first"]);
        append(&mut other, &[b"sec0nd", b"third"]);
        drop(other);
        let others = std::fs::read(other_folder.path().join(segment_file_name(0))).expect("read");
        let walked = settled_frames(&file, 0).expect("readable");
        let path = folder.path().join(segment_file_name(0));
        let writing = File::options().write(true).open(path).expect("open");
        for instead in [&others[first_end as usize..], &[]] {
            let found = durable_end(&file, 0, &walked, || {
                writing.set_len(first_end)?;
                writing.write_all_at(instead, first_end)
            });
            assert_eq!(found.expect("readable"), first_end);
        }
        let failed = durable_end(&file, 0, &walked, || Err(io::ErrorKind::Other.into()));
        assert!(failed.is_err(), "a sync that fails proves nothing");
    }
}
