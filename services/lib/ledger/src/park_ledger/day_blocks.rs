//! The readings of a ledger and the sums that follow from them, as day blocks: what a start from them saves is to take in every
//! single reading again.
//!
//! Everything else (definitions, factors, instruments, periods, decisions, activities) is little and comes from the record. A
//! ledger that took those facts in up to the position of the blocks, and no reading, takes the blocks and is the ledger that took
//! in everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, MeterId};

use super::ParkLedger;
use crate::accounts::PeriodBook;
use crate::accounts::periods::Runs;
use crate::bytes::{Bytes, Damaged, Unread};
use crate::energy::kept::{NodeBook, ParkHours};
use crate::energy::meter_book::MeterBook;

/// Readings and sums of one park, read and not yet taken in.
pub struct DayBlocks {
    meters: BTreeMap<MeterId, MeterBook>,
    nodes: BTreeMap<AssetId, NodeBook>,
    park_hours: ParkHours,
    runs: Runs,
}

impl DayBlocks {
    /// Reads what [`ParkLedger::day_blocks`] wrote.
    pub fn read(bytes: &[u8]) -> Result<DayBlocks, Damaged> {
        let unread = &mut Unread::new(bytes);
        let mut meters = BTreeMap::new();
        for _ in 0..unread.count()? {
            let id = MeterId::new(unread.text()?).map_err(|_| Damaged)?;
            meters.insert(id, MeterBook::read_from(unread)?);
        }
        let mut nodes = BTreeMap::new();
        for _ in 0..unread.count()? {
            let id = AssetId::new(unread.text()?).map_err(|_| Damaged)?;
            nodes.insert(id, NodeBook::read_from(unread)?);
        }
        let blocks = DayBlocks {
            meters,
            nodes,
            park_hours: ParkHours::read_from(unread)?,
            runs: PeriodBook::read_runs(unread)?,
        };
        if !unread.is_empty() {
            return Err(Damaged);
        }
        Ok(blocks)
    }

    /// The readings of a meter.
    pub fn meter(&self, meter: &MeterId) -> Option<&MeterBook> {
        self.meters.get(meter)
    }
}

impl ParkLedger {
    /// Readings and sums as bytes.
    pub fn day_blocks(&self) -> Vec<u8> {
        let mut bytes = Bytes::default();
        bytes.count(self.meter_numbers.len());
        for (meter, number) in &self.meter_numbers {
            bytes.text(meter.as_str());
            self.meters[*number].write_to(&mut bytes);
        }
        bytes.count(self.nodes.len());
        for (asset, book) in self.nodes().zip(&self.nodes) {
            bytes.text(asset.as_str());
            book.write_to(&mut bytes);
        }
        self.park_hours.write_to(&mut bytes);
        self.periods.write_runs(&mut bytes);
        bytes.into_vec()
    }

    /// Takes readings and sums in, in a ledger that took in everything else up to the same position.
    pub fn take_day_blocks(&mut self, blocks: DayBlocks) {
        for (meter, mut book) in blocks.meters {
            let number = self.number(&meter);
            if let Some(shelf) = &self.shelf {
                book.put_on(Arc::clone(shelf));
            }
            self.meters[number] = book;
        }
        let mut nodes = blocks.nodes;
        let own: Vec<AssetId> = self.nodes().cloned().collect();
        self.nodes = own
            .iter()
            .map(|asset| nodes.remove(asset).unwrap_or_default())
            .collect();
        self.park_hours = blocks.park_hours;
        if let Some(shelf) = &self.shelf {
            let nodes = self.nodes.iter_mut();
            nodes.for_each(|node| node.days.put_on(Arc::clone(shelf)));
            self.park_hours.put_on(Arc::clone(shelf));
        }
        self.periods.take_runs(blocks.runs);
    }
}
