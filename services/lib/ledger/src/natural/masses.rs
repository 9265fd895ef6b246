//! Mass, balanced one by one: a collection's ticket against what its bins weighed, a batch of compost when it ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, UnixSeconds};

use super::tanks::BalanceSums;
use crate::hash::Hasher;

/// All collections and batches of a park.
#[derive(Default)]
pub(super) struct Masses {
    collections: BTreeMap<Arc<str>, Collection>,
    batches: BTreeMap<(AssetId, Arc<str>), Batch>,
}

#[derive(Default)]
struct Collection {
    /// Time, bins and net weight of the ticket.
    ticket: Option<(UnixSeconds, u32, i64)>,
    emptied: u32,
    emptied_g: i64,
    /// Bins that had not weighed themselves.
    unknown: u32,
}

#[derive(Default)]
struct Batch {
    fed_g: i64,
    taken_g: i64,
    /// Time, and what was fed and taken by the end's own words.
    ended: Option<(UnixSeconds, i64, i64)>,
}

impl Masses {
    pub(super) fn emptied(&mut self, collection: &Arc<str>, weight_g: Option<i64>) {
        let one = self.collections.entry(Arc::clone(collection)).or_default();
        one.emptied += 1;
        one.emptied_g += weight_g.unwrap_or(0);
        one.unknown += u32::from(weight_g.is_none());
    }

    pub(super) fn weighed(
        &mut self,
        collection: &Arc<str>,
        at: UnixSeconds,
        bins: u32,
        weight_g: i64,
    ) {
        let one = self.collections.entry(Arc::clone(collection)).or_default();
        one.ticket = Some((at, bins, weight_g));
    }

    pub(super) fn moved(&mut self, bay: &AssetId, batch: &Arc<str>, weight_g: i64) {
        let key = (bay.clone(), Arc::clone(batch));
        let one = self.batches.entry(key).or_default();
        one.fed_g += weight_g.max(0);
        one.taken_g += (-weight_g).max(0);
    }

    pub(super) fn ended(
        &mut self,
        bay: &AssetId,
        batch: &Arc<str>,
        at: UnixSeconds,
        fed_g: i64,
        product_g: i64,
    ) {
        let key = (bay.clone(), Arc::clone(batch));
        self.batches.entry(key).or_default().ended = Some((at, fed_g, product_g));
    }

    /// Grams that the ticket says beside what the bins weighed, once both are known.
    pub(super) fn difference_g(&self, collection: &str) -> Option<i64> {
        let one = self.collections.get(collection)?;
        let (_, weight_g) = one.closed()?;
        Some(weight_g - one.emptied_g)
    }

    /// Collections of the period: what the bins gave in, what the tickets say out.
    pub(super) fn collections(&self, from: UnixSeconds, to: UnixSeconds) -> BalanceSums {
        let mut sums = BalanceSums::default();
        for one in self.collections.values() {
            if let Some((at, weight_g)) = one.closed()
                && from <= at
                && at < to
            {
                sums.add(one.emptied_g, weight_g, 0);
            }
        }
        sums
    }

    /// Batches that ended in the period, bay by bay.
    pub(super) fn bays(
        &self,
        from: UnixSeconds,
        to: UnixSeconds,
    ) -> BTreeMap<&AssetId, BalanceSums> {
        let mut bays: BTreeMap<&AssetId, BalanceSums> = BTreeMap::new();
        for ((bay, _), batch) in &self.batches {
            if let Some((at, fed_g, product_g)) = batch.ended
                && from <= at
                && at < to
            {
                let lost_g = fed_g - product_g;
                let sums = bays.entry(bay).or_default();
                sums.add(batch.fed_g, batch.taken_g + lost_g, 0);
            }
        }
        bays
    }

    /// Lets go of the collections and batches that were over before a moment.
    pub(super) fn forget_before(&mut self, moment: UnixSeconds) {
        self.collections.retain(|_, one| {
            let closed = one.closed();
            closed.is_none_or(|(at, _)| at >= moment)
        });
        self.batches
            .retain(|_, batch| batch.ended.is_none_or(|(at, ..)| at >= moment));
    }

    /// Writes down all of it.
    pub(super) fn hash(&self, hasher: &mut Hasher) {
        for (collection, one) in &self.collections {
            let (at, bins, weight_g) = one.ticket.unwrap_or((UnixSeconds(-1), 0, 0));
            hasher
                .text(collection)
                .number(at.0)
                .number(i64::from(bins))
                .number(weight_g)
                .number(i64::from(one.emptied))
                .number(one.emptied_g)
                .number(i64::from(one.unknown));
        }
        for ((bay, batch), one) in &self.batches {
            let (at, fed_g, product_g) = one.ended.unwrap_or((UnixSeconds(-1), 0, 0));
            hasher
                .text(bay.as_str())
                .text(batch)
                .number(one.fed_g)
                .number(one.taken_g)
                .number(at.0)
                .number(fed_g)
                .number(product_g);
        }
    }
}

impl Collection {
    /// Time and weight of the ticket, where all of its bins are known too.
    fn closed(&self) -> Option<(UnixSeconds, i64)> {
        let (at, bins, weight_g) = self.ticket?;
        (self.emptied == bins && self.unknown == 0).then_some((at, weight_g))
    }
}
