//! Purchased electricity, twice: location-based and market-based (GHG Protocol Scope 2 Guidance, chapters 6 and 7), what is lost
//! and emitted upstream of it (scope 3, category 3), and exports against their baseline.
//!
//! Market-based, the best that covers a Wh counts: certificates retired for the reporting period, then a contract, then the
//! supplier's rate, then the residual mix, then the grid's average; which of them it was is the posting's method. Certificates
//! are used up hour by hour from the start of the period that they were retired for. Certificates of the park's own plants never
//! cover imports: what they stand for was used on site or exported, and neither may count twice.
//!
//! What is bought to be sold on to others' cars is no scope 2 (Scope 2 Guidance 5.6) but scope 3, category 3; what comes back out
//! of their cars is bought from a third party, with the emissions that the car was charged with if they are known, else at the
//! grid's factor. No certificate, contract or supplier of the park covers that.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, EnergyWh, FactorUnit, Interval, SECONDS_PER_HOUR, UnixSeconds, emission_mg,
};

use crate::activity;
use crate::books::{Basis, CarbonBook, Detail, FactorUse, MethodId, Posting, Scope};
use crate::energy::certificates::{covered_by_certificates, generation_sold, sold_vintages};
use crate::energy::third_party::{BoughtPart, ThirdPartyHour};
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::{Gas, GasMasses};
use crate::park_ledger::Period;
use crate::view::View;

/// Half of the 95 % interval of a meter's energy, in millionths: class 2 of IEC 62053-21; `assumed` for every meter.
pub const METER_U95_PPM: u32 = 20_000;
/// Metered.
const METERED_TIER: u8 = 1;

/// What a line of purchased electricity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Location,
    Market(Cover),
    /// Generated and used on site, but its certificate was sold.
    AttributeSold,
    /// Bought from the grid and sold on.
    Resold,
    /// Bought out of others' cars, with what they were charged with.
    CarCarried {
        is_resold: bool,
    },
    /// Bought out of others' cars, of no known origin or zero-rated before.
    CarLocation {
        is_resold: bool,
    },
    /// The same, market-based.
    CarMarket(Cover),
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

/// Purchased electricity and exports of a period.
#[derive(Default)]
pub(crate) struct Purchased {
    /// Summed up by node and month of the park's zone.
    pub postings: Vec<Posting>,
    /// As in [`Books`](crate::books::Books::exports_sold_wh).
    pub exports_sold_wh: i64,
    /// As in [`Books`](crate::books::Books::resold_charge_wh).
    pub resold_charge_wh: i64,
}

/// What was purchased and exported over a period.
pub(crate) fn purchased(view: &View<'_>, period: Period) -> Purchased {
    let Some(definition) = view.definition() else {
        return Purchased::default();
    };
    let mut factors = Factors::default();
    let nodes: Vec<&AssetId> = view.nodes().collect();
    let vintages = sold_vintages(view);
    let ends = vintages.iter().map(|(vintage, _)| vintage.to);
    let until = ends.fold(period.to, UnixSeconds::max);
    let third: Vec<BTreeMap<UnixSeconds, ThirdPartyHour>> = nodes
        .iter()
        .map(|node| view.third_party_hours(node, until))
        .collect();
    let nothing = ThirdPartyHour::default();
    let covered = covered_by_certificates(view, period, &third);
    let sold = generation_sold(view, period, vintages, &third);
    let mut found = Purchased {
        exports_sold_wh: sold.exported_wh,
        ..Purchased::default()
    };
    for month in months(period, |instant| definition.time_zone.month_key(instant)) {
        let mut sums: Vec<BTreeMap<Key, Sum>> = Vec::new();
        sums.resize_with(nodes.len(), BTreeMap::new);
        for hour_start in month.hour_starts() {
            let hour_factors = factors.of_hour(view, hour_start);
            let mut certified = covered.get(&hour_start).copied().unwrap_or(0);
            let mut sold = sold.used.get(&hour_start).copied().unwrap_or(0);
            for ((node, sums), third) in nodes.iter().zip(&mut sums).zip(&third) {
                let hour = view.node_hour(node, hour_start);
                if !hour.complete {
                    continue;
                }
                let third = third.get(&hour_start).unwrap_or(&nothing);
                let resold = third.resold_grid_wh();
                found.resold_charge_wh += third.resold_charge_wh;
                let for_itself = hour.amounts.import.max(0) - resold;
                let by_certificate = certified.min(for_itself);
                certified -= by_certificate;
                let attribute_sold = sold.min(hour.amounts.self_use.max(0));
                sold -= attribute_sold;
                let parts = HourParts {
                    import: hour.amounts.import,
                    resold,
                    export: hour.amounts.export - third.foreign_export_wh,
                    by_certificate,
                    attribute_sold,
                };
                add_hour(sums, &hour_factors, &parts);
                add_bought(sums, view, &mut factors, &hour_factors, third);
            }
        }
        for (node, sums) in nodes.iter().zip(sums) {
            for (key, sum) in sums {
                let line = posting(node, month, key, &sum, &factors);
                found.postings.push(line);
            }
        }
    }
    found
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

/// Wh of a node and hour.
struct HourParts {
    import: i64,
    /// Of it, sold on to others' cars.
    resold: i64,
    export: i64,
    by_certificate: i64,
    attribute_sold: i64,
}

type Sums = BTreeMap<Key, Sum>;

/// One rounding for each entry: a node, an hour, a line.
fn add(sums: &mut Sums, line: Line, wh: i64, used: Option<Used>) {
    let mg = match used {
        None => Some(0),
        Some(used) => emission_mg(EnergyWh(wh), used.value).map(|mass| mass.0),
    };
    if let Some(mg) = mg {
        add_mass(sums, line, wh, mg, used);
    }
}

fn add_mass(sums: &mut Sums, line: Line, wh: i64, mg: i64, used: Option<Used>) {
    if wh != 0 {
        let key = (line, used.map(|used| used.factor));
        let sum = sums.entry(key).or_default();
        sum.wh += wh;
        sum.mg += mg;
    }
}

fn add_hour(sums: &mut Sums, factors: &HourFactors, parts: &HourParts) {
    let for_itself = parts.import - parts.resold;
    if let Some(location) = factors.location {
        add(sums, Line::Location, for_itself, Some(location));
        add(sums, Line::Resold, parts.resold, Some(location));
    }
    let by_certificate = parts.by_certificate;
    add(sums, Line::Market(Cover::Certificate), by_certificate, None);
    if let Some((cover, used)) = factors.market {
        let left = for_itself - by_certificate;
        add(sums, Line::Market(cover), left, Some(used));
    }
    if let Some((_, used)) = factors.residual {
        add(sums, Line::AttributeSold, parts.attribute_sold, Some(used));
    }
    if let Some(losses) = factors.losses {
        add(sums, Line::Losses, parts.import, Some(losses));
    }
    if let Some(upstream) = factors.upstream {
        add(sums, Line::Upstream, parts.import, Some(upstream));
    }
    if let Some((is_marginal, used)) = factors.baseline {
        add(
            sums,
            Line::Avoided { is_marginal },
            parts.export,
            Some(used),
        );
    }
}

/// What was bought out of others' cars.
fn add_bought(
    sums: &mut Sums,
    view: &View<'_>,
    all: &mut Factors,
    factors: &HourFactors,
    third: &ThirdPartyHour,
) {
    let for_itself = third.bought.iter().map(|part| (*part, false));
    let to_sell = third.bought_to_sell.iter().map(|part| (*part, true));
    for (part, is_resold) in for_itself.chain(to_sell) {
        match part {
            BoughtPart::Carried { since, wh, mg } => {
                let row = view.factor_row(FactorKind::GridAverage, since);
                let used = row.map(|row| all.take(&row));
                add_mass(sums, Line::CarCarried { is_resold }, wh, mg, used);
            }
            BoughtPart::AtGridFactor { wh } => {
                if let Some(location) = factors.location {
                    add(sums, Line::CarLocation { is_resold }, wh, Some(location));
                }
                // Scope 3 has one total.
                if let Some((cover, used)) = factors.residual.filter(|_| !is_resold) {
                    add(sums, Line::CarMarket(cover), wh, Some(used));
                }
            }
        }
    }
}

/// Book, scope, basis, activity and method of what was bought out of others' cars.
fn bought(
    is_resold: bool,
    basis: Basis,
    token: &'static str,
) -> (CarbonBook, Option<Scope>, Basis, &'static str, &'static str) {
    let (scope, activity) = if is_resold {
        (Scope::Three(3), activity::CAR_DISCHARGE_RESOLD)
    } else {
        (Scope::Two, activity::CAR_DISCHARGE)
    };
    (CarbonBook::Emission, Some(scope), basis, activity, token)
}

fn posting(node: &AssetId, month: Period, key: Key, sum: &Sum, factors: &Factors) -> Posting {
    let (line, factor) = key;
    let (book, scope, basis, done, token) = match line {
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
        Line::Resold => (
            CarbonBook::Emission,
            Some(Scope::Three(3)),
            Basis::Both,
            activity::GRID_IMPORT_RESOLD,
            "grid-import-resold",
        ),
        Line::CarCarried { is_resold } => bought(is_resold, Basis::Both, "car-discharge-carried"),
        Line::CarLocation { is_resold } => bought(
            is_resold,
            if is_resold {
                Basis::Both
            } else {
                Basis::Location
            },
            "car-discharge-grid-average",
        ),
        Line::CarMarket(cover) => bought(
            false,
            Basis::Market,
            match cover {
                Cover::ResidualMix => "car-discharge-residual-mix",
                _ => "car-discharge-grid-average",
            },
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
        activity: done.to_owned(),
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
