/// How a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A segment is sealed once its frames reach this many bytes. A group of frames is never split, so segments end up larger.
    pub segment_bytes: u64,
    /// Appends are refused while less than this is free on the disk; 0 goes on to the last byte.
    pub low_disk_bytes: u64,
}

impl LogSettings {
    /// 64 MiB.
    pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
    /// 16 MiB.
    pub const DEFAULT_LOW_DISK_BYTES: u64 = 16 << 20;

    /// A segment that can't be sealed takes no more frames beyond this: 16 times the usual size, 16 GiB at most.
    pub fn largest_segment_bytes(&self) -> u64 {
        self.segment_bytes.saturating_mul(16).min(16 << 30)
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings {
            segment_bytes: LogSettings::DEFAULT_SEGMENT_BYTES,
            low_disk_bytes: LogSettings::DEFAULT_LOW_DISK_BYTES,
        }
    }
}
