use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use thiserror::Error;

use crate::files::{Files, read_range};
use crate::footer::{
    FOOTER_WITH_SCAVENGE_BYTES, Footer, FooterFault, GAP_ENTRY_BYTES, INDEX_PAGE_BYTES,
    page_checksums, parse_footer,
};
use crate::header::{HEADER_BYTES, HeaderFault, SegmentHeader, check_header, read_u32, read_u64};
use crate::reader::Span;
use crate::tree::Digest;

/// A segment that no more frames are added to.
#[derive(Debug)]
pub struct SealedSegment {
    footer: Footer,
    files: Arc<Files>,
    page_checksums: OnceLock<Bytes>,
    gaps: OnceLock<Vec<Range<u64>>>,
}

/// Why a part of a sealed segment's index could not be read.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct IndexError {
    pub path: PathBuf,
    pub problem: IndexProblem,
}

/// What is wrong with an index.
#[derive(Debug, Error)]
pub enum IndexProblem {
    #[error("cannot read the index: {0}")]
    Io(#[from] io::Error),
    #[error("the list of the index's checksums is damaged")]
    Checksums,
    #[error("the list of the gaps that scavenging left is damaged")]
    Gaps,
    #[error("bytes {start} to {end} of the file, a part of the index, are damaged")]
    Page { start: u64, end: u64 },
    #[error("bytes {start} to {end} of the index were asked for, which has {length}")]
    Range { start: u64, end: u64, length: u64 },
}

/// Why a file is no sealed segment.
#[derive(Debug, Error)]
pub enum SegmentError {
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Header(#[from] HeaderFault),
    #[error(transparent)]
    Footer(#[from] FooterFault),
}

impl SealedSegment {
    pub(crate) fn new(footer: Footer, files: Arc<Files>) -> SealedSegment {
        SealedSegment {
            footer,
            files,
            page_checksums: OnceLock::new(),
            gaps: OnceLock::new(),
        }
    }

    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Position of the segment in the log.
    pub fn base(&self) -> u64 {
        self.footer.base
    }

    /// Position after the segment's last frame.
    pub fn end(&self) -> u64 {
        self.footer.end
    }

    /// Position of the segment's first frame.
    pub fn first_frame(&self) -> u64 {
        self.footer.base + HEADER_BYTES
    }

    pub fn path(&self) -> PathBuf {
        self.files.path(self.footer.base)
    }

    pub(crate) fn file(&self) -> io::Result<Arc<File>> {
        self.files.open(self.footer.base)
    }

    /// Its frames, in its file, which is opened unless it is open.
    pub(crate) fn span(&self) -> io::Result<Span> {
        Ok(Span {
            file: self.file()?,
            base: self.base(),
            end: self.end(),
        })
    }

    /// Length of the index that the layer above gave when the segment was sealed.
    pub fn index_bytes(&self) -> u64 {
        self.footer.index_bytes
    }

    /// A part of the index; the pages that hold it are checked.
    pub fn read_index(&self, range: Range<u64>) -> Result<Bytes, IndexError> {
        self.read_index_part(range).map_err(|problem| IndexError {
            path: self.path(),
            problem,
        })
    }

    fn read_index_part(&self, range: Range<u64>) -> Result<Bytes, IndexProblem> {
        if range.start > range.end || range.end > self.footer.index_bytes {
            return Err(IndexProblem::Range {
                start: range.start,
                end: range.end,
                length: self.footer.index_bytes,
            });
        }
        let file = self.file()?;
        let checksums = self.checksums(&file)?;
        let first_page = range.start / INDEX_PAGE_BYTES;
        let begin = first_page * INDEX_PAGE_BYTES;
        let end = range
            .end
            .next_multiple_of(INDEX_PAGE_BYTES)
            .min(self.footer.index_bytes);
        let at = self.footer.index_at();
        let pages = read_range(&file, at + begin, at + end)?;
        let expected = &checksums[first_page as usize * 4..];
        for (number, page) in pages.chunks(INDEX_PAGE_BYTES as usize).enumerate() {
            if crc32c::crc32c(page) != read_u32(expected, number * 4) {
                let start = at + begin + number as u64 * INDEX_PAGE_BYTES;
                let end = start + page.len() as u64;
                return Err(IndexProblem::Page { start, end });
            }
        }
        Ok(pages.slice((range.start - begin) as usize..(range.end - begin) as usize))
    }

    fn checksums(&self, file: &File) -> Result<&Bytes, IndexProblem> {
        if let Some(checksums) = self.page_checksums.get() {
            return Ok(checksums);
        }
        let start = self.footer.page_checksums_at();
        let checksums = read_range(file, start, self.footer.gaps_at())?;
        if crc32c::crc32c(&checksums) != self.footer.page_checksums {
            return Err(IndexProblem::Checksums);
        }
        Ok(self.page_checksums.get_or_init(|| checksums))
    }

    /// Where records were removed: the frames that fill their place, in order.
    pub fn gaps(&self) -> Result<&[Range<u64>], IndexError> {
        let gaps = self.read_gaps().map_err(|problem| IndexError {
            path: self.path(),
            problem,
        })?;
        Ok(gaps)
    }

    fn read_gaps(&self) -> Result<&[Range<u64>], IndexProblem> {
        let Some(scavenged) = &self.footer.scavenged else {
            return Ok(&[]);
        };
        if let Some(gaps) = self.gaps.get() {
            return Ok(gaps);
        }
        let start = self.footer.gaps_at();
        let end = start + scavenged.gaps * GAP_ENTRY_BYTES;
        let bytes = read_range(&*self.file()?, start, end)?;
        if crc32c::crc32c(&bytes) != scavenged.gaps_checksum {
            return Err(IndexProblem::Gaps);
        }
        let gaps = bytes.chunks_exact(GAP_ENTRY_BYTES as usize);
        let gaps = gaps.map(|gap| read_u64(gap, 0)..read_u64(gap, 8)).collect();
        Ok(self.gaps.get_or_init(|| gaps))
    }

    /// The gap that `position` is in, if records were removed there.
    pub fn gap_around(&self, position: u64) -> Result<Option<Range<u64>>, IndexError> {
        let gaps = self.gaps()?;
        let after = gaps.partition_point(|gap| gap.start <= position);
        let before = after.checked_sub(1).map(|place| gaps[place].clone());
        Ok(before.filter(|gap| position < gap.end))
    }

    /// The hashes of the groups of records, as they were when the segment was sealed.
    pub(crate) fn groups(&self) -> io::Result<Vec<Digest>> {
        let file = self.file()?;
        let bytes = read_range(&file, self.footer.groups_at(), self.footer.index_at())?;
        let groups = bytes.chunks_exact(32);
        Ok(groups
            .map(|group| group.try_into().expect("a chunk of 32 bytes"))
            .collect())
    }
}

/// The list of gaps as it stands in a file.
pub(crate) fn encode_gaps(gaps: &[Range<u64>]) -> Vec<u8> {
    let numbers = gaps.iter().flat_map(|gap| [gap.start, gap.end]);
    numbers.flat_map(u64::to_le_bytes).collect()
}

/// The parts of a seal that stand between the mark and the footer.
pub(crate) fn seal_body(groups: &[Digest], index: &[u8], checksums: &[u8]) -> Vec<u8> {
    let bytes = groups.len() * 32 + index.len() + checksums.len();
    let mut body = Vec::with_capacity(bytes);
    for group in groups {
        body.extend_from_slice(group);
    }
    body.extend_from_slice(index);
    body.extend_from_slice(checksums);
    body
}

/// Checksums of an index's pages and the checksum over them.
pub(crate) fn index_checksums(index: &[u8]) -> (Vec<u8>, u32) {
    let checksums = page_checksums(index);
    let over_all = crc32c::crc32c(&checksums);
    (checksums, over_all)
}

/// Reads the header and the footer of a segment's file.
pub fn read_sealed(file: &File) -> Result<(SegmentHeader, Footer), SegmentError> {
    let header = read_header(file)?;
    let (footer, length) = read_file_end(file, FOOTER_WITH_SCAVENGE_BYTES)?;
    let footer = parse_footer(&footer, length)?;
    if footer.base != header.base || footer.number != header.number {
        return Err(FooterFault::Base(footer.base).into());
    }
    if footer.previous_seal != header.previous_seal {
        return Err(FooterFault::Fields.into());
    }
    Ok((header, footer))
}

/// The last bytes of a file, at most `most`, and its length. Whoever writes to it may shorten it meanwhile.
fn read_file_end(file: &File, most: u64) -> io::Result<(Bytes, u64)> {
    loop {
        let length = file.metadata()?.len();
        match read_range(file, length.saturating_sub(most), length) {
            Err(error)
                if error.kind() == io::ErrorKind::UnexpectedEof
                    && file.metadata()?.len() != length => {}
            read => return Ok((read?, length)),
        }
    }
}

/// Reads the header of a segment's file.
pub fn read_header(file: &File) -> Result<SegmentHeader, SegmentError> {
    let length = file.metadata()?.len();
    let start = read_range(file, 0, length.min(HEADER_BYTES))?;
    Ok(check_header(&start)?)
}
