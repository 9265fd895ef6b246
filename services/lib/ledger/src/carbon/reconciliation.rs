//! Invoices against meters: what was charged for, what was metered in the same time, and what lies between.

use terrarium_model::{AssetId, EnergyWh, Interval, MeterId, UnixSeconds, hour_shares};

use super::activity_book::ActivityBook;
use super::fact::{Carrier, InvoiceRecord, WaterFlow};
use crate::books::AsOf;

/// An invoice and its meters differ by more than this: they need a look. Class 2 of a water meter and class 2 of an electricity meter
/// allow 2 % (EN 62053-21, OIML R 49).
pub const TOLERANCE_PPM: u32 = 20_000;

/// One invoice beside what was metered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The invoice.
    pub invoice: InvoiceRecord,
    /// Wh or litres that the meters have for its time; `None`: they have no reading in it.
    pub metered: Option<i64>,
    /// Charged less metered.
    pub gap: Option<i64>,
    /// The gap in millionths of what was metered, without its sign.
    pub gap_ppm: Option<u32>,
    /// Whether invoice and meters agree within [`TOLERANCE_PPM`].
    pub agrees: bool,
}

/// All invoices that touch a stretch of time. `electricity` gives the Wh of a meter in an interval.
pub fn reconcile(
    book: &ActivityBook,
    electricity: impl Fn(&MeterId, Interval) -> Option<i64>,
    from: UnixSeconds,
    to: UnixSeconds,
    as_of: AsOf,
) -> Vec<Reconciliation> {
    book.invoices(as_of)
        .filter(|(_, invoice)| invoice.interval.start < to && invoice.interval.end() > from)
        .map(|(_, invoice)| {
            let parts: Vec<Option<i64>> = invoice
                .meters
                .iter()
                .map(|meter| match invoice.carrier {
                    Carrier::Electricity => MeterId::new(meter)
                        .ok()
                        .and_then(|meter| electricity(&meter, invoice.interval)),
                    Carrier::Water => AssetId::new(meter)
                        .ok()
                        .and_then(|asset| water(book, &asset, invoice.interval, as_of)),
                })
                .collect();
            let metered = parts
                .iter()
                .flatten()
                .copied()
                .reduce(|sum, part| sum + part);
            let gap = metered.map(|metered| invoice.amount - metered);
            let gap_ppm = metered.zip(gap).and_then(|(metered, gap)| {
                let ppm = i128::from(gap.abs()) * 1_000_000 / i128::from(metered.abs().max(1));
                u32::try_from(ppm).ok()
            });
            Reconciliation {
                invoice: invoice.clone(),
                metered,
                gap,
                gap_ppm,
                agrees: parts.iter().all(Option::is_some)
                    && gap_ppm.is_some_and(|ppm| ppm <= TOLERANCE_PPM),
            }
        })
        .collect()
}

fn water(book: &ActivityBook, asset: &AssetId, interval: Interval, as_of: AsOf) -> Option<i64> {
    let mut litres = None;
    for flow in [WaterFlow::Supply, WaterFlow::SupplyIntoTank] {
        let readings = book.water_readings(asset, flow, interval.start, interval.end(), as_of);
        for reading in readings {
            let within: i64 = hour_shares(reading.interval, EnergyWh(reading.litres))
                .filter(|share| {
                    interval.start <= share.hour_start && share.hour_start < interval.end()
                })
                .map(|share| share.energy.0)
                .sum();
            *litres.get_or_insert(0) += within;
        }
    }
    litres
}
