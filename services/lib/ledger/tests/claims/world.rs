//! Books by hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use terrarium_ledger::claims::policy::{
    BaseYear, Decided, PeriodState, Policy, ReportingPeriod, Target,
};
use terrarium_ledger::claims::{ClaimKind, Question, Statement};
use terrarium_ledger::gas::{Gas, GasMasses, GwpSet};
use terrarium_ledger::{
    AsOf, Basis, Books, CarbonBook, Detail, FactorMark, FactorUse, HourAmounts, InstrumentKind,
    InstrumentLine, InstrumentState, MethodId, Period, Pool, Posting, Scope, WithoutFactor,
};
use terrarium_model::{AssetId, Interval, ParkId, TimeZone, UnixSeconds};

/// 2025-01-01T00:00:00+08:00.
pub const START_OF_2025: i64 = 1_735_660_800;
pub const YEAR_S: i64 = 365 * 86_400;
pub const T: i64 = 1_000_000_000;

pub static SHANGHAI: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::named("Asia/Shanghai").expect("a zone"));

/// Books of the base year 2024.
pub fn base_books(postings: Vec<Posting>) -> Books {
    let mut books = books(postings);
    books.period = Period {
        from: UnixSeconds(START_OF_2025 - 366 * 86_400),
        to: UnixSeconds(START_OF_2025),
    };
    books
}

pub fn period_2025() -> Period {
    Period {
        from: UnixSeconds(START_OF_2025),
        to: UnixSeconds(START_OF_2025 + YEAR_S),
    }
}

/// A posting in January 2025; the rest is set by the caller.
pub fn posting(book: CarbonBook, activity: &str, co2_mg: i64) -> Posting {
    Posting {
        book,
        asset: AssetId::new("centre").expect("valid"),
        party: "park".into(),
        scope: None,
        iso_category: None,
        basis: Basis::Both,
        activity: activity.into(),
        interval: Interval {
            start: UnixSeconds(START_OF_2025),
            seconds: 31 * 86_400,
        },
        amount: 0,
        unit: "Wh",
        method: MethodId {
            token: "by-hand",
            version: 1,
        },
        factors: Vec::new(),
        gases: GasMasses::of(Gas::Co2, co2_mg),
        activity_u95_ppm: 0,
        tier: 1,
        detail: Detail::None,
    }
}

pub fn emission(scope: Scope, activity: &str, co2_mg: i64) -> Posting {
    Posting {
        scope: Some(scope),
        ..posting(CarbonBook::Emission, activity, co2_mg)
    }
}

/// Grid electricity, in both totals of scope 2.
pub fn grid(wh: i64, grams_per_mwh: i64) -> [Posting; 2] {
    let co2_mg = i64::try_from(i128::from(wh) * i128::from(grams_per_mwh) / 1_000).expect("fits");
    let of = |basis, token| Posting {
        basis,
        amount: wh,
        method: MethodId { token, version: 1 },
        factors: vec![FactorUse {
            key: "north-china/2023/0".into(),
            mark: FactorMark::Secondary,
            u95_ppm: 100_000,
        }],
        activity_u95_ppm: 20_000,
        ..emission(Scope::Two, "grid-import", co2_mg)
    };
    [
        of(Basis::Location, "scope2-location"),
        of(Basis::Market, "scope2-market"),
    ]
}

pub fn trees(co2_mg: i64, reversal: bool) -> Posting {
    Posting {
        unit: "mg",
        amount: co2_mg,
        detail: Detail::Removal {
            pool: Pool::LivingBiomass,
            reversal,
        },
        activity_u95_ppm: 540_000,
        ..posting(
            CarbonBook::Removal,
            if reversal { "tree-loss" } else { "tree-growth" },
            co2_mg,
        )
    }
}

pub fn credit(grams: i64, period: &str) -> InstrumentLine {
    InstrumentLine {
        registry: "ccer".into(),
        serial: "C-1".into(),
        kind: InstrumentKind::Credit,
        amount: grams,
        vintage: (UnixSeconds(0), UnixSeconds(1)),
        state: InstrumentState::Retired,
        since: UnixSeconds(START_OF_2025 + YEAR_S + 1),
        used_for: Some(period.into()),
        own_generation: false,
    }
}

pub fn certificate(wh: i64, period: &str) -> InstrumentLine {
    InstrumentLine {
        registry: "gec".into(),
        serial: "G-1".into(),
        kind: InstrumentKind::Certificate,
        amount: wh,
        ..credit(0, period)
    }
}

pub fn books(postings: Vec<Posting>) -> Books {
    Books {
        park: ParkId::new("haotian").expect("valid"),
        period: period_2025(),
        as_of: AsOf::default(),
        energy: BTreeMap::new(),
        node_hours: (8_760, 8_760),
        without_factor: WithoutFactor::default(),
        postings,
        instruments: Vec::new(),
        exports_sold_wh: 0,
        resold_charge_wh: 0,
    }
}

/// One hour with all of the energy.
pub fn hour(amounts: HourAmounts) -> BTreeMap<UnixSeconds, HourAmounts> {
    BTreeMap::from([(UnixSeconds(START_OF_2025), amounts)])
}

pub fn decided<T>(what: T) -> Decided<T> {
    Decided { what, position: 7 }
}

/// A policy with the year 2025 closed.
pub fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.periods.insert(
        "2025".into(),
        decided(ReportingPeriod {
            period: period_2025(),
            state: PeriodState::Closed,
        }),
    );
    policy
}

pub fn with_base_year_and_target(policy: &mut Policy) {
    policy.base_year = Some(decided(BaseYear {
        year: 2024,
        recalculation_permille: 50,
    }));
    policy.targets.insert(
        "near-term".into(),
        decided(Target {
            scopes: vec![1, 2, 3],
            base_year: 2024,
            target_year: 2034,
            reduction_permille: 500,
            standard: "SBTi".into(),
        }),
    );
}

pub fn question<'a>(books: &'a Books, policy: &'a Policy) -> Question<'a> {
    Question {
        books,
        policy,
        base_year: None,
        years: &[],
        beside: None,
        gwp: GwpSet::Ar6,
        provisional: false,
        now: UnixSeconds(START_OF_2025 + YEAR_S),
        zone: &SHANGHAI,
    }
}

pub fn claim(kind: ClaimKind, books: &Books, policy: &Policy) -> Statement {
    terrarium_ledger::claims::make(kind, &question(books, policy)).expect("can be made")
}

/// Every sum of postings in a statement is the sum of what its sources weigh.
pub fn assert_figures_lead_back(statement: &Statement) {
    use terrarium_ledger::claims::statement::{Source, Unit};
    for line in &statement.lines {
        let sources: Vec<(usize, i64)> = line
            .from
            .iter()
            .filter_map(|source| match source {
                Source::Posting { index, share_ppm } => Some((*index, *share_ppm)),
                _ => None,
            })
            .collect();
        if sources.is_empty() || line.unit != Unit::Co2eMg || line.id.starts_with("iso-1-") {
            continue;
        }
        let sum: i64 = sources
            .iter()
            .map(|(index, share_ppm)| {
                let mg = statement.postings[*index]
                    .gases
                    .co2e_mg(statement.gwp)
                    .expect("has a potential");
                mg * share_ppm / 1_000_000
            })
            .sum();
        let shown = line.value.expect("a sum");
        assert!(
            shown.abs_diff(sum) as usize <= sources.len()
                || (line.id == "removals-reversed" && shown == -sum),
            "{}: {shown} is not {sum}",
            line.id
        );
    }
}
