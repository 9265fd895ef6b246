//! Sealing the active segment: its index, hashes and footer, and the next segment.

use std::sync::Arc;

use crate::disk::write_all;
use crate::flush::FlushFault;
use crate::footer::{Footer, encode_seal_start};
use crate::header::HEADER_BYTES;
use crate::segment::{SealedSegment, index_checksums, seal_body};
use crate::tree::tree_root;
use crate::writer::{Active, AppendError, LogWriter};

impl LogWriter {
    /// Seals the active segment with the index of the layer above, and goes on in a new one.
    ///
    /// Nothing may be staged or in flight. When there is no space for it the segment stays as it is, and takes frames for a while longer.
    pub fn seal(&mut self, index: &[u8]) -> Result<Arc<SealedSegment>, AppendError> {
        assert!(self.is_settled(), "frames are staged");
        assert!(self.active.frames > 0, "there is nothing to seal");
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if let Err(error) = self.hash_the_rest() {
            return Err(self.fail(format!(
                "the segment to be sealed cannot be read again ({error})"
            )));
        }
        let groups = std::mem::take(&mut self.tree).into_groups();
        let (checksums, page_checksums) = index_checksums(index);
        let footer = Footer {
            base: self.active.base,
            number: self.active.number,
            end: self.active.end,
            frames: self.active.frames,
            index_bytes: index.len() as u64,
            page_checksums,
            root: tree_root(&groups),
            index_digest: crate::tree::digest_of(index),
            previous_seal: self.active.previous_seal,
            scavenged: None,
        };
        let body = seal_body(&groups, index, &checksums);
        self.write_seal(&footer, &body)?;
        let sealed = Arc::new(SealedSegment::new(footer, self.shared.files.clone()));
        self.continue_after(&sealed);
        // A disk that is full now may have space at the next flush, which makes the file then.
        let _ = self.create_active();
        Ok(sealed)
    }

    /// The mark is durable before anything follows it, so that recovery always knows an unfinished seal; and the footer
    /// comes when all before it is durable, so that a good footer vouches for it.
    fn write_seal(&mut self, footer: &Footer, body: &[u8]) -> Result<(), AppendError> {
        let mark = encode_seal_start(footer.base, footer.end, footer.frames);
        self.write_part_of_seal(footer.seal_at(), &mark, None)?;
        self.write_part_of_seal(footer.groups_at(), body, Some(footer.file_bytes()))?;
        self.write_part_of_seal(footer.footer_at(), &footer.encode(), None)
    }

    fn write_part_of_seal(
        &mut self,
        offset: u64,
        bytes: &[u8],
        file_bytes: Option<u64>,
    ) -> Result<(), AppendError> {
        let frames_end = self.active.end - self.active.base;
        let file = self.active.file.as_mut();
        let file = file.expect("a segment with frames has a file");
        let mut written = write_all(&mut *file.file, bytes, offset);
        if let Some(file_bytes) = file_bytes {
            written = written.and_then(|()| file.file.set_len(file_bytes));
        }
        let outcome = match written {
            Ok(()) => file.sync().map_err(|error| FlushFault::of_sync(&error)),
            Err(error) => Err(file.undo_write(frames_end, error)),
        };
        self.syncs += std::mem::take(&mut file.syncs);
        outcome.map_err(|fault| {
            if let FlushFault::NotWritten(error) = &fault {
                // The tree was taken for the footer; it is read again for the next attempt.
                self.hashed_until = self.active.base + HEADER_BYTES;
                self.postpone_seal(error.to_string());
            }
            self.append_error(fault)
        })
    }

    fn continue_after(&mut self, sealed: &Arc<SealedSegment>) {
        let base = sealed.end();
        self.active = Active {
            base,
            number: sealed.footer().number + 1,
            previous_seal: sealed.footer().seal(),
            end: base + HEADER_BYTES,
            frames: 0,
            file: None,
        };
        self.hashed_until = self.active.end;
        self.unsealed_because = None;
        self.seal_from = base.saturating_add(self.settings.segment_bytes);
        let mut segments = self.segments_mut();
        segments.sealed.push(sealed.clone());
        segments.active_base = base;
        segments.active_file = None;
    }
}
