//! What holds for any hours of stores, chargers and other people's cars.

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::claims::ClaimKind;
use terrarium_ledger::energy::lots::LotOrder;
use terrarium_ledger::energy::sessions::CarOwner;
use terrarium_ledger::energy::stores::StoreOwner;
use terrarium_ledger::entry::EntryLine;
use terrarium_ledger::{
    AsOf, Books, CarbonBook, Fact, GwpSet, How, InstrumentStep, ParkLedger, PeriodStep,
};

use crate::cars::{METERS, ledger_with, provisional, session};
use crate::invariants::{certificate, instrument, moved, opened};
use crate::world::*;

const HOURS: i64 = 8;
/// One Wh is this many mg, so that no rounding hides anything.
const MG_PER_WH: i64 = 600;

/// Wh of the meters, in the order of [`METERS`], and which car comes to the charger and to the pole.
type AnyHour = ([i64; 7], [Arrival; 2]);

#[derive(Clone, Copy, Debug)]
enum Arrival {
    /// Whoever is there stays.
    None,
    /// Whoever is there leaves.
    Leaves,
    Comes(CarOwner),
}

fn any_hours() -> impl Strategy<Value = Vec<AnyHour>> {
    let wh = || prop_oneof![2 => Just(0_i64), 3 => 0_i64..20_000, 1 => 0_i64..10];
    let arrival = || {
        prop_oneof![
            3 => Just(Arrival::None),
            1 => Just(Arrival::Leaves),
            1 => Just(Arrival::Comes(CarOwner::Park)),
            2 => Just(Arrival::Comes(CarOwner::Other)),
        ]
    };
    let hour = (proptest::array::uniform7(wh()), [arrival(), arrival()]);
    proptest::collection::vec(hour, HOURS as usize)
}

fn readings(hours: &[AnyHour]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (number, (wh, _)) in (0..).zip(hours) {
        for ((asset, measures), wh) in METERS.iter().zip(wh) {
            facts.push(hourly(&format!("{asset}.{measures}"), number, *wh));
        }
    }
    facts
}

fn sessions(hours: &[AnyHour]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (place, charger) in ["charger", "pole"].into_iter().enumerate() {
        let mut there: Option<(CarOwner, i64)> = None;
        for (number, (_, arrivals)) in (0..).zip(hours) {
            if matches!(arrivals[place], Arrival::None) {
                continue;
            }
            if let Some((owner, since)) = there.take() {
                facts.extend(session(charger, owner, since, number));
            }
            if let Arrival::Comes(owner) = arrivals[place] {
                there = Some((owner, number));
            }
        }
        if let Some((owner, since)) = there {
            facts.extend(session(charger, owner, since, HOURS));
        }
    }
    facts
}

fn average(version: &str, from: i64, to: i64, thousandths: i64) -> Fact {
    let published_on = format!("2020-01-0{version}");
    let set = constant_factor("average", version, &published_on, from, to, thousandths);
    published(set)
}

fn books(ledger: &ParkLedger) -> Books {
    let books = ledger.books(period(0, HOURS), AsOf::default());
    books.expect("the park is defined")
}

/// Wh and mg of an activity that are not of the market-based total.
fn posted(books: &Books, activity: &str) -> (i64, i64) {
    let of_it = books.postings.iter().filter(|posting| {
        posting.activity == activity && posting.basis != terrarium_ledger::Basis::Market
    });
    of_it.fold((0, 0), |(wh, mg), posting| {
        let gases: i64 = posting.gases.iter().map(|(_, mg)| mg).sum();
        (wh + posting.amount, mg + gases)
    })
}

/// Wh and mg of a line of all entries.
fn entered(ledger: &ParkLedger, line: EntryLine) -> (i64, i64) {
    let hours = period(0, HOURS).hour_starts();
    hours
        .flat_map(|hour_start| ledger.entries(&asset("hub"), hour_start))
        .filter(|entry| entry.id.line == line)
        .fold((0, 0), |(wh, mg), entry| {
            let mass = entry.mass.expect("priced").0;
            (wh + entry.energy.0, mg + mass)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Invariants 3 and 8: every imported Wh is the park's or sold on, once; only the sun avoids anything, and never more than left.
    #[test]
    fn imports_are_used_or_sold_on_and_only_own_exports_avoid_anything(hours in any_hours(), has_sun in any::<bool>()) {
        let mut hours = hours;
        if !has_sun {
            hours.iter_mut().for_each(|(wh, _)| wh[0] = 0);
        }
        let mut facts = vec![average("1", 0, HOURS, MG_PER_WH)];
        facts.extend(readings(&hours));
        facts.extend(sessions(&hours));
        let ledger = ledger_with(&facts);
        let books = books(&ledger);
        let energy = |of: fn(&terrarium_ledger::HourAmounts) -> i64| -> i64 { books.energy.values().map(of).sum() };
        let (import, export) = (energy(|amounts| amounts.import), energy(|amounts| amounts.export));

        let (own, sold_on) = (posted(&books, "grid-import"), posted(&books, "grid-import:resold"));
        prop_assert_eq!(own.0 + sold_on.0, import);
        prop_assert_eq!(entered(&ledger, EntryLine::Scope2Location), (own.0 + sold_on.0, own.1 + sold_on.1));
        prop_assert!(own.0 >= 0 && sold_on.0 >= 0);
        // What each visitor's car took from the grid was sold, as far as the grid's meter saw it.
        let stores = ledger.present().store_hours(&asset("hub"), hour(HOURS), LotOrder::Fifo);
        let sold: i64 = stores.iter().filter(|store| store.owner == StoreOwner::Other).map(|store| store.charged_grid_wh).sum();
        prop_assert_eq!(books.resold_charge_wh, sold);
        prop_assert!(sold_on.0 >= sold);

        let avoided = posted(&books, "grid-export");
        prop_assert!(0 <= avoided.0 && avoided.0 <= export, "{} of {}", avoided.0, export);
        prop_assert_eq!(avoided.1, avoided.0 * MG_PER_WH);
        prop_assert_eq!(entered(&ledger, EntryLine::AvoidedExport).0, export);
        if !has_sun {
            prop_assert_eq!(avoided.0, 0, "nothing was generated");
        }
        let others_export: i64 = stores
            .iter()
            .filter(|store| store.owner != StoreOwner::Park)
            .flat_map(|store| &store.exported)
            .map(|taken| taken.delivered_wh)
            .sum();
        prop_assert!(avoided.0 <= export - others_export);
        for posting in &books.postings {
            prop_assert!(posting.amount >= 0, "{:?}", posting);
            prop_assert!(posting.book != CarbonBook::Avoided || posting.scope.is_none());
        }
    }

    /// LEED Zero: the site's own exports, less those whose certificates were sold, also after the period.
    #[test]
    fn leed_zero_counts_own_exports_whose_certificates_were_kept(hours in any_hours(), sold_wh in 1_i64..60_000) {
        let mut facts = vec![average("1", 0, HOURS, MG_PER_WH)];
        facts.extend(readings(&hours));
        facts.extend(sessions(&hours));
        let kept = posted(&books(&ledger_with(&facts)), "grid-export").0;
        facts.extend([
            certificate("own", sold_wh, 0, HOURS),
            instrument("own", 100, InstrumentStep::Held { own_generation: true }),
            instrument("own", 1_000, InstrumentStep::Sold),
        ]);
        let ledger = ledger_with(&facts);
        let leed = provisional(&ledger, &books(&ledger), ClaimKind::LeedZero);
        prop_assert_eq!(leed.value("exported-renewables"), Some((kept - sold_wh).max(0) * MG_PER_WH));
    }

    /// Invariant 7 where one month's figures hang on another's: whatever moves them has its entry, without a gap.
    #[test]
    fn no_month_moves_without_an_entry_whatever_stores_and_certificates_carry_over(
        hours in any_hours(),
        order in proptest::collection::vec(any::<Index>(), 30),
        closed_after in any::<Index>(),
        corrected in proptest::collection::vec((0..HOURS, 0..METERS.len(), 0_i64..20_000), 0..3),
        certified in proptest::option::of((1_i64..40_000, 1_i64..40_000)),
    ) {
        let mut facts = vec![opened("year", 0, HOURS)];
        let months: Vec<String> = (0..HOURS / 2).map(|month| format!("month-{month}")).collect();
        facts.extend((0..).zip(&months).map(|(month, id)| opened(id, month * 2, month * 2 + 2)));
        let mut unordered = readings(&hours);
        // Certificates of the whole time tie all of it together; without them only stores do. Their steps keep their order.
        let chains = certified.map_or_else(Vec::new, |(retired_wh, sold_wh)| vec![
            vec![
                certificate("own", sold_wh, 0, HOURS - 1),
                instrument("own", HOURS, InstrumentStep::Held { own_generation: true }),
                instrument("own", HOURS, InstrumentStep::Sold),
            ],
            vec![
                certificate("bought", retired_wh, 0, HOURS),
                instrument("bought", HOURS, InstrumentStep::Retired { period: "year".into() }),
            ],
        ]);
        unordered.extend(sessions(&hours));
        unordered.push(average("1", 0, HOURS, 700));
        unordered.push(average("2", 1, 4, 600));
        for chain in chains {
            facts.extend(chain[..chain.len() - 1].iter().cloned());
            unordered.push(chain[chain.len() - 1].clone());
        }
        let mut told = Vec::new();
        for pick in order.iter().cycle() {
            if unordered.is_empty() {
                break;
            }
            told.push(unordered.swap_remove(pick.index(unordered.len())));
        }
        for (number, meter, wh) in corrected {
            let (asset, measures) = METERS[meter];
            let id = format!("{asset}.{measures}");
            told.push(counted_as(&id, interval(number * HOUR, 3_600), wh, 1, How::Corrected));
        }
        let close = closed_after.index(told.len());
        for id in &months {
            told.insert(close, moved(id, HOURS, PeriodStep::Closed));
        }
        facts.extend(told);
        let ledger = ledger_with(&facts);
        let view = ledger.present();
        for (month, id) in (0..).zip(&months) {
            let entries = view.restatements(id, GwpSet::Ar6).expect("opened").expect("CO2 has a potential");
            let mut last = view.reported(id, GwpSet::Ar6).expect("closed").expect("CO2 has a potential");
            for entry in &entries {
                prop_assert_eq!(entry.before.books_sha256, last.books_sha256, "{} {:?}", id, entry);
                last = entry.after;
            }
            let now = ledger.books(period(month * 2, month * 2 + 2), AsOf::default()).expect("defined");
            prop_assert_eq!(last.books_sha256, now.sha256(), "{} moved without an entry", id);
        }
    }
}
