//! Energy certificates, hour by hour: which imports they cover, and which own generation was sold away with them.

use std::collections::BTreeMap;

use terrarium_model::UnixSeconds;

use super::third_party::ThirdPartyHour;
use crate::books::{InstrumentKind, InstrumentState};
use crate::period::Period;
use crate::view::View;

/// A certificate may be as much older than the period that it was retired for (quality criterion 4 of the Scope 2 Guidance says
/// "close to"; a year is `assumed`).
const OLDEST_VINTAGE_S: i64 = 366 * 86_400;

/// Wh of each hour that certificates cover, park-wide. Certificates count for the reporting period that they were retired for,
/// from its start on, whatever part of it is asked for.
pub(crate) fn covered_by_certificates(
    view: &View<'_>,
    period: Period,
    third: &[BTreeMap<UnixSeconds, ThirdPartyHour>],
) -> BTreeMap<UnixSeconds, i64> {
    let resold_at = |hour_start: UnixSeconds| -> i64 {
        let of_nodes = third.iter().filter_map(|hours| hours.get(&hour_start));
        of_nodes.map(ThirdPartyHour::resold_grid_wh).sum()
    };
    let mut covered = BTreeMap::new();
    let ledger = view.ledger();
    for reporting in ledger.periods.all(view.sight()) {
        if reporting.period.from >= period.to || period.from >= reporting.period.to {
            continue;
        }
        let mut left: i64 = ledger
            .instruments
            .lines(UnixSeconds(i64::MAX), view.sight())
            .iter()
            .filter(|line| {
                line.kind == InstrumentKind::Certificate
                    && line.state == InstrumentState::Retired
                    && line.used_for.as_deref() == Some(&*reporting.id)
                    && !line.own_generation
                    && line.vintage.0 < reporting.period.to
                    && line.vintage.1.0 > reporting.period.from.0 - OLDEST_VINTAGE_S
            })
            .map(|line| line.amount)
            .sum();
        for hour_start in reporting.period.hour_starts() {
            if left == 0 || hour_start >= period.to {
                break;
            }
            let import = view.park_hour(hour_start).amounts.import.max(0);
            let used = left.min((import - resold_at(hour_start)).max(0));
            left -= used;
            if used > 0 && period.contains(hour_start) {
                covered.insert(hour_start, used);
            }
        }
    }
    covered
}

/// Certificates of the park's own plants that were sold, whenever: Wh by vintage, in the order in which they are looked for.
/// Outside of the metered time nothing is known to have been generated.
pub(crate) fn sold_vintages(view: &View<'_>) -> Vec<(Period, i64)> {
    let Some(metered) = view.metered_period() else {
        return Vec::new();
    };
    let mut by_vintage: BTreeMap<(UnixSeconds, UnixSeconds), i64> = BTreeMap::new();
    for line in view
        .ledger()
        .instruments
        .lines(UnixSeconds(i64::MAX), view.sight())
    {
        if line.kind == InstrumentKind::Certificate
            && line.state == InstrumentState::Sold
            && line.own_generation
        {
            let (from, to) = line.vintage;
            *by_vintage.entry((to, from)).or_default() += line.amount;
        }
    }
    by_vintage
        .into_iter()
        .map(|((to, from), sold)| {
            let vintage = Period {
                from: from.start_of_hour().max(metered.from),
                to: to.min(metered.to),
            };
            (vintage, sold)
        })
        .collect()
}

/// Own generation whose certificates were sold.
#[derive(Default)]
pub(crate) struct SoldGeneration {
    /// Of what was used on site, Wh by hour.
    pub used: BTreeMap<UnixSeconds, i64>,
    /// Of what was exported, Wh.
    pub exported_wh: i64,
}

/// Which generation of a period was sold away with certificates of these vintages. They stand for exported Wh of their vintages
/// first, each Wh for one certificate, and only for exports of the park's own generation; only what exceeds all of those was used
/// on site. Of vintages that overlap, the one that ends first takes first, and each its earliest hours.
pub(crate) fn generation_sold(
    view: &View<'_>,
    period: Period,
    mut vintages: Vec<(Period, i64)>,
    third: &[BTreeMap<UnixSeconds, ThirdPartyHour>],
) -> SoldGeneration {
    let foreign_at = |hour_start: UnixSeconds| -> i64 {
        let of_nodes = third.iter().filter_map(|hours| hours.get(&hour_start));
        of_nodes.map(|third| third.foreign_export_wh).sum()
    };
    let mut hours: BTreeMap<UnixSeconds, (i64, i64)> = BTreeMap::new();
    for (vintage, _) in &vintages {
        for hour_start in vintage.hour_starts() {
            hours.entry(hour_start).or_insert_with(|| {
                let amounts = view.park_hour(hour_start).amounts;
                let own_export = amounts.export - foreign_at(hour_start);
                (own_export.max(0), amounts.self_use.max(0))
            });
        }
    }
    let within = |vintage: &Period| vintage.from..vintage.to.max(vintage.from);
    let mut found = SoldGeneration::default();
    for (vintage, sold) in &mut vintages {
        for (hour_start, (exported, _)) in hours.range_mut(within(vintage)) {
            let used = (*sold).min(*exported);
            *exported -= used;
            *sold -= used;
            if period.contains(*hour_start) {
                found.exported_wh += used;
            }
        }
    }
    for (vintage, sold) in &mut vintages {
        for (hour_start, (_, self_use)) in hours.range_mut(within(vintage)) {
            let used = (*sold).min(*self_use);
            *self_use -= used;
            *sold -= used;
            if used > 0 && period.contains(*hour_start) {
                *found.used.entry(*hour_start).or_default() += used;
            }
        }
    }
    found
}
