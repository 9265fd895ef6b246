//! Meters of electricity, heat and cold: mean power over the metered intervals.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_energy::MeterFact;
use terrarium_energy::domain::{QuarantineReason, RecordedReading};
use terrarium_ledger::{CountedReading, MeterBook, Quality as LedgerQuality, Sight};
use terrarium_model::{Interval, Measures, MeterId, SECONDS_PER_HOUR, UnixSeconds};
use terrarium_twin::{PointName, Quality, Quantity};

use super::Known;
use super::samples::{Happened, Samples, Span, per_hour};

/// First and last read of each register so far. A meter's book may already hold all the reads that follow, and who is the
/// first or the last need not step over them to find no neighbour.
pub(super) type Registers = BTreeMap<MeterId, (UnixSeconds, UnixSeconds)>;

pub(super) fn observe(
    samples: &mut Samples<'_>,
    registers: &mut Registers,
    fact: &MeterFact,
    known: &Known<'_>,
    position: u64,
) -> Happened {
    let (reading, how) = match fact {
        MeterFact::IntervalMetered(reading)
        | MeterFact::RegisterRead(reading)
        | MeterFact::RegisterContinued { reading, .. }
        | MeterFact::Swapped { last: reading, .. } => (reading, How::Counts { corrected: false }),
        MeterFact::Corrected { reading, .. } => (reading, How::Counts { corrected: true }),
        MeterFact::QuarantineDecided {
            reading, corrected, ..
        } => (
            reading,
            How::Counts {
                corrected: *corrected,
            },
        ),
        MeterFact::Quarantined {
            reading, reason, ..
        } => (reading, How::KeptApart { reason: *reason }),
    };
    let end_s = reading.interval.end().0;
    let neighbours = match how {
        How::Counts { .. } if reading.interval.seconds == 0 => {
            Neighbours::of(registers, &reading.meter, reading.interval.start)
        }
        _ => Neighbours::default(),
    };
    let meter = known
        .definition()
        .and_then(|definition| definition.meters.get(&reading.meter));
    let Some(meter) = meter else {
        return Happened::at(end_s, None);
    };
    let point = PointName {
        asset: meter.asset.clone(),
        quantity: quantity_of(meter.measures),
        source: Arc::from(meter.id.as_str()),
    };
    match how {
        // Nobody knows yet whether that time comes; the reading is in the index.
        How::KeptApart {
            reason: QuarantineReason::InFuture,
        } => {}
        How::KeptApart { .. } => {
            samples.uncertain(&point, span_of(reading.interval));
        }
        How::Counts { .. } if reading.interval.seconds == 0 => {
            if let Some(book) = known.meter(&reading.meter) {
                register_read(samples, &point, reading, neighbours, book, position);
            }
        }
        How::Counts { corrected } => {
            let span = span_of(reading.interval);
            let energy_wh = reading.energy.map_or(0, |energy| energy.0);
            let quality = quality(span, corrected);
            samples.over(&point, span, per_hour(energy_wh, span.seconds()), quality);
        }
    }
    Happened::at(end_s, Some(meter.asset.clone()))
}

/// Whether a register was read before and after a moment, as far as is known.
#[derive(Clone, Copy, Default)]
struct Neighbours {
    has_earlier: bool,
    has_later: bool,
}

impl Neighbours {
    /// Of a read at a time, which is among those known from now on.
    fn of(registers: &mut Registers, meter: &MeterId, time: UnixSeconds) -> Neighbours {
        let Some((first, last)) = registers.get_mut(meter) else {
            registers.insert(meter.clone(), (time, time));
            return Neighbours::default();
        };
        let neighbours = Neighbours {
            has_earlier: *first < time,
            has_later: time < *last,
        };
        (*first, *last) = ((*first).min(time), (*last).max(time));
        neighbours
    }
}

enum How {
    Counts { corrected: bool },
    KeptApart { reason: QuarantineReason },
}

fn quantity_of(measures: Measures) -> Quantity {
    match measures {
        Measures::Consumption => Quantity::ConsumptionW,
        Measures::Generation => Quantity::GenerationW,
        Measures::GridImport => Quantity::GridImportW,
        Measures::GridExport => Quantity::GridExportW,
        Measures::StorageCharge => Quantity::StorageChargeW,
        Measures::StorageDischarge => Quantity::StorageDischargeW,
        Measures::HeatSupply => Quantity::HeatW,
        Measures::HeatUse => Quantity::HeatUseW,
        Measures::ColdSupply => Quantity::ColdW,
        Measures::ColdUse => Quantity::ColdUseW,
    }
}

fn span_of(interval: Interval) -> Span {
    Span {
        from_s: interval.start.0,
        to_s: interval.end().0,
    }
}

/// What a person corrected stands in for what was reported; what covers more than an hour says little of any moment.
fn quality(span: Span, corrected: bool) -> Quality {
    if corrected {
        Quality::Substituted
    } else if span.seconds() > SECONDS_PER_HOUR {
        Quality::Estimated
    } else {
        Quality::Good
    }
}

/// A read of a register ends one interval and, when it comes late or is corrected, begins another.
fn register_read(
    samples: &mut Samples<'_>,
    point: &PointName,
    reading: &RecordedReading,
    neighbours: Neighbours,
    book: &MeterBook,
    position: u64,
) {
    let time = reading.interval.start;
    // What was recorded later is another event's to tell.
    let sight = Sight {
        known_at: position,
        ..Sight::ALL
    };
    let Some(read) = book.seen_at(time, sight) else {
        return;
    };
    let is_read = |(_, other): &(UnixSeconds, CountedReading)| other.seconds == 0;
    let after = UnixSeconds(time.0 + 1);
    let seen_before = || book.seen_before(time, sight).filter(is_read);
    let seen_after = || book.seen_from(after, sight).filter(is_read);
    let earlier = neighbours.has_earlier.then(seen_before).flatten();
    let later = neighbours.has_later.then(seen_after).flatten();
    if let Some((start, opening)) = earlier {
        between(samples, point, (start, &opening), (time, &read));
    }
    if let Some((end, closing)) = later {
        between(samples, point, (time, &read), (end, &closing));
    }
}

fn between(
    samples: &mut Samples<'_>,
    point: &PointName,
    opening: (UnixSeconds, &CountedReading),
    closing: (UnixSeconds, &CountedReading),
) {
    let span = Span {
        from_s: opening.0.0,
        to_s: closing.0.0,
    };
    let energy_wh = closing.1.continued_wh() - opening.1.continued_wh();
    let corrected = [opening.1, closing.1]
        .iter()
        .any(|read| read.quality.has(LedgerQuality::CORRECTED));
    samples.over(
        point,
        span,
        per_hour(energy_wh, span.seconds()),
        quality(span, corrected),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_looks_for_neighbours_only_on_the_sides_where_some_are_known() {
        let meter = MeterId::new("centre.load").expect("valid");
        let mut registers = Registers::new();
        let told = [10, 20, 15, 5, 20, 5, 30].map(|time| {
            let of = Neighbours::of(&mut registers, &meter, UnixSeconds(time));
            (of.has_earlier, of.has_later)
        });
        let expected = [
            (false, false),
            (true, false),
            (true, true),
            (false, true),
            // Those that are read a second time, corrected.
            (true, false),
            (false, true),
            (true, false),
        ];
        assert_eq!(told, expected);
        let other = MeterId::new("hub.load").expect("valid");
        let of = Neighbours::of(&mut registers, &other, UnixSeconds(7));
        assert!(!of.has_earlier && !of.has_later);
    }
}
