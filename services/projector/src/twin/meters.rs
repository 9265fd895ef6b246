//! Meters of electricity, heat and cold: mean power over the metered intervals.

use std::sync::Arc;

use terrarium_energy::MeterFact;
use terrarium_energy::domain::{QuarantineReason, RecordedReading};
use terrarium_ledger::{CountedReading, MeterBook, Quality as LedgerQuality, Sight};
use terrarium_model::{Interval, Measures, SECONDS_PER_HOUR, UnixSeconds};
use terrarium_twin::{PointName, Quality, Quantity};

use super::Known;
use super::samples::{Happened, Samples, Span, per_hour};

pub(super) fn observe(
    samples: &mut Samples<'_>,
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
                register_read(samples, &point, reading, book, position);
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
    let earlier = book.seen_before(time, sight).filter(is_read);
    let after = UnixSeconds(time.0 + 1);
    let later = book.seen_from(after, sight).filter(is_read);
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
