//! A meter's book as bytes.

use terrarium_model::{EnergyWh, UnixSeconds};
use uuid::Uuid;

use super::meter_book::{CountedReading, MeterBook, Quarantined, Superseded};
use crate::bytes::{Bytes, Damaged, Unread};
use crate::days::Days;
use crate::entry::Quality;

impl CountedReading {
    pub(super) fn write_to(&self, bytes: &mut Bytes) {
        bytes
            .u32(self.seconds)
            .u32(self.revision)
            .i64(self.energy.0)
            .i64(self.offset.0)
            .i64(self.next_offset.0)
            .u64(self.position)
            .u8(self.quality.0);
    }

    pub(super) fn read_from(unread: &mut Unread<'_>) -> Result<CountedReading, Damaged> {
        Ok(CountedReading {
            seconds: unread.u32()?,
            revision: unread.u32()?,
            energy: EnergyWh(unread.i64()?),
            offset: EnergyWh(unread.i64()?),
            next_offset: EnergyWh(unread.i64()?),
            position: unread.u64()?,
            quality: Quality(unread.u8()?),
        })
    }
}

impl MeterBook {
    pub(crate) fn write_to(&self, bytes: &mut Bytes) {
        bytes.u64(self.counted).u32(self.longest_s);
        self.days.write_to(bytes);
        bytes.count(self.superseded.len());
        for ((start, position), superseded) in &self.superseded {
            bytes.i64(start.0).u64(*position);
            superseded.reading.write_to(bytes);
            bytes.u64(superseded.replaced_at);
        }
        bytes.count(self.quarantined.len());
        for (event, quarantined) in &self.quarantined {
            // Nothing is decided at the position that nothing ever has.
            bytes
                .raw(event.as_bytes())
                .u64(quarantined.position)
                .u64(quarantined.decided_at.unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn read_from(unread: &mut Unread<'_>) -> Result<MeterBook, Damaged> {
        let mut book = MeterBook {
            counted: unread.u64()?,
            longest_s: unread.u32()?,
            days: Days::read_from(unread)?,
            ..MeterBook::default()
        };
        for _ in 0..unread.count()? {
            let key = (UnixSeconds(unread.i64()?), unread.u64()?);
            let superseded = Superseded {
                reading: CountedReading::read_from(unread)?,
                replaced_at: unread.u64()?,
            };
            book.superseded.insert(key, superseded);
        }
        for _ in 0..unread.count()? {
            let event = Uuid::from_bytes(unread.array()?);
            let position = unread.u64()?;
            let decided_at = Some(unread.u64()?).filter(|decided| *decided != u64::MAX);
            let quarantined = Quarantined {
                position,
                decided_at,
            };
            book.quarantined.insert(event, quarantined);
        }
        Ok(book)
    }
}
