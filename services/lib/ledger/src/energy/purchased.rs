//! Purchased electricity, twice: location-based and market-based (GHG Protocol Scope 2 Guidance, chapters 6 and 7), what is lost
//! and emitted upstream of it (scope 3, category 3), and exports against their baseline.
//!
//! Market-based, the best that covers a Wh counts: certificates retired for the reporting period, then a contract, then the
//! supplier's rate, then the residual mix, then the grid's average; which of them it was is the posting's method. Certificates
//! are used up hour by hour from the start of the period that they were retired for. Certificates of the park's own plants never
//! cover imports: what they stand for was used on site or exported, and neither may count twice.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, EnergyWh, FactorUnit, Interval, SECONDS_PER_HOUR, UnixSeconds, emission_mg,
};

use crate::books::{
    Basis, CarbonBook, Detail, FactorUse, InstrumentKind, InstrumentState, MethodId, Posting, Scope,
};
use crate::energy::lots::LotOrder;
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::{Gas, GasMasses};
use crate::park_ledger::Period;
use crate::view::View;

/// Half of the 95 % interval of a meter's energy, in millionths: class 2 of IEC 62053-21; `assumed` for every meter.
pub const METER_U95_PPM: u32 = 20_000;
/// Metered.
const METERED_TIER: u8 = 1;
/// A certificate may be as much older than the period that it was retired for (quality criterion 4 of the Scope 2 Guidance says
/// "close to"; a year is `assumed`).
const OLDEST_VINTAGE_S: i64 = 366 * 86_400;

/// What a line of purchased electricity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Location,
    Market(Cover),
    /// Generated and used on site, but its certificate was sold.
    AttributeSold,
    Losses,
    Upstream,
    Avoided {
        is_marginal: bool,
    },
}

/// What covers a Wh in the market-based total, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cover {
    Certificate,
    Contract,
    Supplier,
    ResidualMix,
    GridAverage,
}

/// What is left after certificates, best first.
const HIERARCHY: [(FactorKind, Cover); 4] = [
    (FactorKind::Contract, Cover::Contract),
    (FactorKind::Supplier, Cover::Supplier),
    (FactorKind::ResidualMix, Cover::ResidualMix),
    (FactorKind::GridAverage, Cover::GridAverage),
];

/// Amount and result of the hours of one line.
#[derive(Default)]
struct Sum {
    wh: i64,
    mg: i64,
}

/// Line, and the factor by its place in the list of those used.
type Key = (Line, Option<usize>);

/// Factors of one hour.
struct HourFactors {
    location: Option<Used>,
    market: Option<(Cover, Used)>,
    residual: Option<(Cover, Used)>,
    losses: Option<Used>,
    upstream: Option<Used>,
    baseline: Option<(bool, Used)>,
}

#[derive(Clone, Copy)]
struct Used {
    factor: usize,
    value: terrarium_model::FactorValue,
}

/// All factors used, by key.
#[derive(Default)]
struct Factors {
    used: Vec<(FactorUse, Gas)>,
    places: BTreeMap<String, usize>,
}

impl Factors {
    fn take(&mut self, row: &FactorRow) -> Used {
        let used = row.used();
        let next = self.used.len();
        let factor = *self.places.entry(used.key.clone()).or_insert(next);
        if factor == next {
            self.used.push((used, gas_of(row.set.unit)));
        }
        Used {
            factor,
            value: row.value(),
        }
    }

    fn of_hour(&mut self, view: &View<'_>, hour_start: UnixSeconds) -> HourFactors {
        let mut take = |kind| view.factor_row(kind, hour_start).map(|row| self.take(&row));
        let location = take(FactorKind::GridAverage);
        let covers = HIERARCHY.map(|(kind, cover)| take(kind).map(|used| (cover, used)));
        let marginal = take(FactorKind::GridMarginal);
        HourFactors {
            location,
            market: covers.into_iter().flatten().next(),
            residual: covers[2].or(covers[3]),
            losses: take(FactorKind::GridLosses),
            upstream: take(FactorKind::ElectricityUpstream),
            baseline: marginal
                .map(|used| (true, used))
                .or(location.map(|used| (false, used))),
        }
    }
}

fn gas_of(unit: FactorUnit) -> Gas {
    match unit {
        FactorUnit::Emission { gas, .. } => gas,
        // No parameter prices electricity: such sets are refused.
        FactorUnit::Parameter(_) => Gas::Co2e,
    }
}

/// Postings of purchased electricity and exports over a period, summed up by node and month of the park's zone.
pub(crate) fn postings(view: &View<'_>, period: Period) -> Vec<Posting> {
    let Some(definition) = view.definition() else {
        return Vec::new();
    };
    let mut factors = Factors::default();
    let covered = covered_by_certificates(view, period);
    let sold = attributes_sold(view, period);
    let nodes: Vec<&AssetId> = view.nodes().collect();
    let foreign: Vec<BTreeMap<UnixSeconds, i64>> = nodes
        .iter()
        .map(|node| foreign_exports(view, node, period))
        .collect();
    let mut postings = Vec::new();
    for month in months(period, |instant| definition.time_zone.month_key(instant)) {
        let mut sums: Vec<BTreeMap<Key, Sum>> = Vec::new();
        sums.resize_with(nodes.len(), BTreeMap::new);
        for hour_start in month.hour_starts() {
            let hour_factors = factors.of_hour(view, hour_start);
            let mut certified = covered.get(&hour_start).copied().unwrap_or(0);
            let mut sold = sold.get(&hour_start).copied().unwrap_or(0);
            for ((node, sums), foreign) in nodes.iter().zip(&mut sums).zip(&foreign) {
                let hour = view.node_hour(node, hour_start);
                if !hour.complete {
                    continue;
                }
                let by_certificate = certified.min(hour.amounts.import.max(0));
                certified -= by_certificate;
                let attribute_sold = sold.min(hour.amounts.self_use.max(0));
                sold -= attribute_sold;
                add_hour(
                    sums,
                    &hour_factors,
                    hour.amounts.import,
                    hour.amounts.export - foreign.get(&hour_start).copied().unwrap_or(0),
                    by_certificate,
                    attribute_sold,
                );
            }
        }
        for (node, sums) in nodes.iter().zip(sums) {
            for (key, sum) in sums {
                postings.push(posting(node, month, key, &sum, &factors));
            }
        }
    }
    postings
}

/// The months of a zone within a period; the first and last may be parts.
pub(crate) fn months(period: Period, key: impl Fn(UnixSeconds) -> String) -> Vec<Period> {
    let mut months: Vec<(String, Period)> = Vec::new();
    for hour_start in period.hour_starts() {
        let hour_end = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
        let month = key(hour_start);
        match months.last_mut() {
            Some((last, part)) if *last == month => part.to = hour_end,
            _ => {
                let part = Period {
                    from: hour_start,
                    to: hour_end,
                };
                months.push((month, part));
            }
        }
    }
    months.into_iter().map(|(_, part)| part).collect()
}

fn add_hour(
    sums: &mut BTreeMap<Key, Sum>,
    factors: &HourFactors,
    import: i64,
    export: i64,
    by_certificate: i64,
    attribute_sold: i64,
) {
    // One rounding for each entry: a node, an hour, a line.
    let mut add = |line: Line, wh: i64, used: Option<Used>| {
        let mg = match used {
            None => Some(0),
            Some(used) => emission_mg(EnergyWh(wh), used.value).map(|mass| mass.0),
        };
        if let Some(mg) = mg.filter(|_| wh != 0) {
            let sum = sums
                .entry((line, used.map(|used| used.factor)))
                .or_default();
            sum.wh += wh;
            sum.mg += mg;
        }
    };
    if let Some(location) = factors.location {
        add(Line::Location, import, Some(location));
    }
    add(Line::Market(Cover::Certificate), by_certificate, None);
    if let Some((cover, used)) = factors.market {
        add(Line::Market(cover), import - by_certificate, Some(used));
    }
    if let Some((_, used)) = factors.residual {
        add(Line::AttributeSold, attribute_sold, Some(used));
    }
    if let Some(losses) = factors.losses {
        add(Line::Losses, import, Some(losses));
    }
    if let Some(upstream) = factors.upstream {
        add(Line::Upstream, import, Some(upstream));
    }
    if let Some((is_marginal, used)) = factors.baseline {
        add(Line::Avoided { is_marginal }, export, Some(used));
    }
}

fn posting(node: &AssetId, month: Period, key: Key, sum: &Sum, factors: &Factors) -> Posting {
    let (line, factor) = key;
    let (book, scope, basis, activity, token) = match line {
        Line::Location => (
            CarbonBook::Emission,
            Some(Scope::Two),
            Basis::Location,
            "grid-import",
            "scope2-location",
        ),
        Line::Market(cover) => (
            CarbonBook::Emission,
            Some(Scope::Two),
            Basis::Market,
            "grid-import",
            match cover {
                Cover::Certificate => "scope2-market-certificate",
                Cover::Contract => "scope2-market-contract",
                Cover::Supplier => "scope2-market-supplier",
                Cover::ResidualMix => "scope2-market-residual-mix",
                Cover::GridAverage => "scope2-market-grid-average",
            },
        ),
        Line::AttributeSold => (
            CarbonBook::Emission,
            Some(Scope::Two),
            Basis::Market,
            "self-use-attribute-sold",
            "scope2-market-residual-mix",
        ),
        Line::Losses => (
            CarbonBook::Emission,
            Some(Scope::Three(3)),
            Basis::Both,
            "grid-losses",
            "grid-losses",
        ),
        Line::Upstream => (
            CarbonBook::Emission,
            Some(Scope::Three(3)),
            Basis::Both,
            "electricity-upstream",
            "electricity-upstream",
        ),
        Line::Avoided { .. } => (
            CarbonBook::Avoided,
            None,
            Basis::Both,
            "grid-export",
            "avoided-export",
        ),
    };
    let used = factor.map(|factor| &factors.used[factor]);
    Posting {
        book,
        asset: node.clone(),
        party: "park".to_owned(),
        scope,
        iso_category: match scope {
            Some(Scope::One) => Some(1),
            Some(Scope::Two) => Some(2),
            Some(Scope::Three(_)) => Some(4),
            None => None,
        },
        basis,
        activity: activity.to_owned(),
        interval: Interval {
            start: month.from,
            seconds: u32::try_from(month.to.0 - month.from.0).unwrap_or(u32::MAX),
        },
        amount: sum.wh,
        unit: "Wh",
        method: MethodId { token, version: 1 },
        factors: used.into_iter().map(|(used, _)| used.clone()).collect(),
        gases: used.map_or(GasMasses::NONE, |(_, gas)| GasMasses::of(*gas, sum.mg)),
        activity_u95_ppm: METER_U95_PPM,
        tier: METERED_TIER,
        detail: match line {
            Line::Avoided { is_marginal } => Detail::Avoided {
                baseline: if is_marginal {
                    "grid-marginal".to_owned()
                } else {
                    "grid-average".to_owned()
                },
            },
            _ => Detail::None,
        },
    }
}

/// Exported Wh of each hour that a store gave and that were not generated on site: they avoid nothing, what they were charged with
/// was emitted elsewhere.
fn foreign_exports(view: &View<'_>, node: &AssetId, period: Period) -> BTreeMap<UnixSeconds, i64> {
    view.store_hours(node, period.to, LotOrder::Fifo)
        .iter()
        .filter(|hour| period.contains(hour.hour_start))
        .map(|hour| (hour.hour_start, hour.foreign_export_wh()))
        .filter(|(_, wh)| *wh != 0)
        .collect()
}

/// Wh of each hour that certificates cover, park-wide. Certificates count for the reporting period that they were retired for,
/// from its start on, whatever part of it is asked for.
fn covered_by_certificates(view: &View<'_>, period: Period) -> BTreeMap<UnixSeconds, i64> {
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
            let used = left.min(import);
            left -= used;
            if used > 0 && period.contains(hour_start) {
                covered.insert(hour_start, used);
            }
        }
    }
    covered
}

/// Wh of each hour that were generated and used on site and whose certificates were sold. A sold certificate stands for exported
/// Wh of its vintage first; only what exceeds all exports was used on site.
fn attributes_sold(view: &View<'_>, period: Period) -> BTreeMap<UnixSeconds, i64> {
    let mut sold_at: BTreeMap<UnixSeconds, i64> = BTreeMap::new();
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
            *by_vintage.entry(line.vintage).or_default() += line.amount;
        }
    }
    for ((from, to), sold) in by_vintage {
        let vintage = Period {
            from: from.start_of_hour(),
            to,
        };
        let exported: i64 = vintage
            .hour_starts()
            .map(|hour_start| view.park_hour(hour_start).amounts.export.max(0))
            .sum();
        let mut left = (sold - exported).max(0);
        for hour_start in vintage.hour_starts() {
            if left == 0 {
                break;
            }
            let before = sold_at.get(&hour_start).copied().unwrap_or(0);
            let self_use = view.park_hour(hour_start).amounts.self_use.max(0) - before;
            let used = left.min(self_use.max(0));
            left -= used;
            if used > 0 {
                *sold_at.entry(hour_start).or_default() += used;
            }
        }
    }
    sold_at.retain(|hour_start, _| period.contains(*hour_start));
    sold_at
}
