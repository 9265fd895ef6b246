//! Cars at chargers, worked by hand: what visitors get is sold, what comes back is bought, and the fleet is the park's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use terrarium_ledger::claims::policy::Policy;
use terrarium_ledger::claims::{ClaimKind, Question, Statement, make};
use terrarium_ledger::energy::lots::LotOrder;
use terrarium_ledger::energy::sessions::CarOwner;
use terrarium_ledger::energy::stores::StoreOwner;
use terrarium_ledger::entry::EntryLine;
use terrarium_ledger::{
    AsOf, Basis, Books, CarbonBook, Fact, Grouping, GwpSet, ParkLedger, Scope, balance,
};
use terrarium_model::ParkDefinition;

use crate::world::*;

pub const METERS: [(&str, &str); 7] = [
    ("hub", "generation"),
    ("hub", "consumption"),
    ("battery", "storage_charge"),
    ("battery", "storage_discharge"),
    ("charger", "storage_charge"),
    ("charger", "storage_discharge"),
    ("pole", "consumption"),
];

/// A hub with panels, a load, a battery, a two-way charger and a one-way charging pole.
pub fn charging_park() -> Arc<ParkDefinition> {
    let mut text = String::from(
        "[park]\nid = \"demo\"\nname = { en = \"Demo\", zh = \"演示\" }\ntime_zone = \"Etc/UTC\"\nclock = \"wall\"\n\
         grid_region = \"caiso\"\n\n[[zones]]\nid = \"street\"\nname = { en = \"Street\", zh = \"街区\" }\n\
         \n[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"hub\"\n",
    );
    for (id, kind) in [
        ("hub", "kind = \"building\""),
        (
            "battery",
            "kind = \"battery\"\nrated_kw = 50\ncapacity_wh = 100000\nchemistry = \"lithium\"",
        ),
        (
            "charger",
            "kind = \"charger\"\nrated_kw = 30\nbidirectional = true",
        ),
        (
            "pole",
            "kind = \"charger\"\nrated_kw = 30\nbidirectional = false",
        ),
    ] {
        text.push_str(&format!(
            "\n[[assets]]\nid = \"{id}\"\n{kind}\nzone = \"street\"\nname = {{ en = \"{id}\", zh = \"甲{id}\" }}\n"
        ));
        if id != "hub" {
            text.push_str(&format!(
                "\n[[connections]]\nkind = \"electric\"\nfrom = \"{id}\"\nto = \"hub\"\n"
            ));
        }
    }
    for (asset, measures) in METERS {
        text.push_str(&format!(
            "\n[[meters]]\nid = \"{asset}.{measures}\"\nasset = \"{asset}\"\nmeasures = \"{measures}\"\n\
             reports = \"interval\"\nrated_kw = 100.0\n"
        ));
    }
    parse_park(&text)
}

/// Wh of an hour in the order of [`METERS`].
///
/// 0: a visitor's car takes 2,000 and the battery 1,000, all from the grid. 1: the sun gives 5,000; the load takes 1,000, the
/// battery 1,000, the car 3,000. 2: the load of 4,000 gets 2,700 out of the car. 3: the load of 500 gets the battery's 500, and the
/// car's 2,000 go to the grid. 4: a car of the fleet takes 1,000 from the grid and gives 900 back to the load in 5. 6: the pole
/// gives a visitor 600 beside a load of 400; half of it all is the sun's.
const DAY: [[i64; 7]; 7] = [
    [0, 0, 1_000, 0, 2_000, 0, 0],
    [5_000, 1_000, 1_000, 0, 3_000, 0, 0],
    [0, 4_000, 0, 0, 0, 2_700, 0],
    [0, 500, 0, 500, 0, 2_000, 0],
    [0, 0, 0, 0, 1_000, 0, 0],
    [0, 900, 0, 0, 0, 900, 0],
    [500, 400, 0, 0, 0, 0, 600],
];

pub fn session(charger: &str, owner: CarOwner, from: i64, to: i64) -> [Fact; 2] {
    let told = |end| Fact::ChargeSession {
        charger: asset(charger),
        session: format!("{charger}-{from}").into(),
        owner,
        start: hour(from),
        end,
    };
    [told(None), told(Some(hour(to)))]
}

fn day(sessions: impl IntoIterator<Item = [Fact; 2]>) -> Vec<Fact> {
    let mut average = constant_factor("average", "1", "2020-01-01", 0, 24, 6_361);
    average.scale = 4;
    let mut facts = vec![published(average)];
    for (number, hour) in (0..).zip(DAY) {
        for ((asset, measures), wh) in METERS.iter().zip(hour) {
            facts.push(hourly(&format!("{asset}.{measures}"), number, wh));
        }
    }
    facts.extend(sessions.into_iter().flatten());
    facts
}

fn visitors_and_fleet() -> [[Fact; 2]; 3] {
    [
        session("charger", CarOwner::Other, 0, 4),
        session("charger", CarOwner::Park, 4, 6),
        session("pole", CarOwner::Other, 6, 7),
    ]
}

pub fn ledger_with(facts: &[Fact]) -> ParkLedger {
    let mut all = vec![defined(&charging_park(), 1)];
    all.extend(facts.iter().cloned());
    ledger_of(&all)
}

fn books(ledger: &ParkLedger) -> Books {
    let books = ledger.books(period(0, 7), AsOf::default());
    books.expect("the park is defined")
}

/// Wh and mg by scope, total and activity.
fn told(books: &Books) -> BTreeMap<(Option<Scope>, Basis, String), (i64, i64)> {
    let mut told = BTreeMap::new();
    for posting in &books.postings {
        let key = (posting.scope, posting.basis, posting.activity.clone());
        let sum: &mut (i64, i64) = told.entry(key).or_default();
        sum.0 += posting.amount;
        sum.1 += posting.gases.iter().map(|(_, mg)| mg).sum::<i64>();
    }
    told
}

#[test]
fn what_visitors_cars_get_is_sold_and_what_they_give_is_bought() {
    let ledger = ledger_with(&day(visitors_and_fleet()));
    let books = books(&ledger);
    let two = |basis| move |activity: &str| (Some(Scope::Two), basis, activity.to_owned());
    let three = |activity: &str| (Some(Scope::Three(3)), Basis::Both, activity.to_owned());
    let (location, market, both) = (two(Basis::Location), two(Basis::Market), two(Basis::Both));
    // Imports: 3,000 + 1,300 + 1,000 + 500. Of them 2,000 went into the visitor's car, and of the pole's 600 the half that was
    // not the sun's.
    let expected = BTreeMap::from([
        (location("grid-import"), (3_500, 2_226_350)),
        (market("grid-import"), (3_500, 2_226_350)),
        (three("grid-import:resold"), (2_300, 1_463_030)),
        // First in, first out: 2,000 Wh of the night give 1,800 with all that they were charged with; 1,000 of the sun give 900.
        // Sold to the driver as the park's own power they were zero there, and are not zero again.
        (both("car-discharge"), (1_800, 1_272_200)),
        (location("car-discharge"), (900, 572_490)),
        (market("car-discharge"), (900, 572_490)),
        // 2,000 of the sun give 1,800; where 200 more came from nobody knows. Bought and sold on to the grid at once.
        (three("car-discharge:resold"), (2_000, 1_272_200)),
    ]);
    assert_eq!(told(&books), expected);
    let exported: i64 = books.energy.values().map(|amounts| amounts.export).sum();
    assert_eq!(exported, 2_000, "it avoids nothing: it is not the park's");
    assert!(
        books
            .postings
            .iter()
            .all(|posting| posting.book != CarbonBook::Avoided)
    );
}

/// Entries and balances are of what crossed the grid's border at each node; postings and claims tell whose it was.
#[test]
fn entries_price_all_that_crossed_the_border_and_postings_tell_whose_it_was() {
    let ledger = ledger_with(&day(visitors_and_fleet()));
    let entries: Vec<_> = period(0, 7)
        .hour_starts()
        .flat_map(|hour_start| ledger.entries(&asset("hub"), hour_start))
        .collect();
    let of_line = |line: EntryLine| -> (i64, i64) {
        let of_it = entries.iter().filter(|entry| entry.id.line == line);
        of_it.fold((0, 0), |(wh, mg), entry| {
            let mass = entry.mass.expect("priced").0;
            (wh + entry.energy.0, mg + mass)
        })
    };
    let told = told(&books(&ledger));
    let posted = |scope, basis, activity: &str| {
        let key = (scope, basis, activity.to_owned());
        told.get(&key).copied().unwrap_or_default()
    };
    let own = posted(Some(Scope::Two), Basis::Location, "grid-import");
    let sold_on = posted(Some(Scope::Three(3)), Basis::Both, "grid-import:resold");
    assert_eq!(
        of_line(EntryLine::Scope2Location),
        (own.0 + sold_on.0, own.1 + sold_on.1)
    );
    // All that left came out of a visitor's car: it avoids nothing, and has no posting in the avoided book.
    assert_eq!(of_line(EntryLine::AvoidedExport), (2_000, 1_272_200));
    assert_eq!(posted(None, Basis::Both, "grid-export"), (0, 0));
    let (_, total) = balance(&ledger.present(), period(0, 7), Grouping::Total, None);
    assert_eq!(
        (total.scope2_location_mg, total.avoided_mg),
        (own.1 + sold_on.1, 1_272_200)
    );
}

/// Scope 2, category 3 of scope 3 and the avoided book are claims' ground; two views go by other rules and say so.
#[test]
fn claims_take_what_visitors_cars_got_and_gave_for_nobodys_consumption_and_no_renewable() {
    let ledger = ledger_with(&day(visitors_and_fleet()));
    let books = books(&ledger);
    assert_eq!(books.resold_charge_wh, 2_000);
    let of = |kind| provisional(&ledger, &books, kind);
    // 2,000 Wh went to the grid, all of them out of a visitor's car.
    let leed = of(ClaimKind::LeedZero);
    assert_eq!(leed.value("exported-renewables"), Some(0));
    // Used: 7,400 Wh, the pole's 600 among them; bought: 5,800, 2,000 of them for the visitor's two-way car.
    let indicators = of(ClaimKind::NdrcZeroCarbonPark);
    assert_eq!(indicators.value("clean-share"), Some(486_486));
}

/// A statement over an open period.
pub fn provisional(ledger: &ParkLedger, books: &Books, kind: ClaimKind) -> Statement {
    let question = Question {
        books,
        policy: &Policy::of(&ledger.present()),
        base_year: None,
        years: &[],
        beside: None,
        gwp: GwpSet::Ar6,
        provisional: true,
        now: books.period.to,
        zone: &ledger.definition().expect("the park is defined").time_zone,
    };
    make(kind, &question).expect("can be made")
}

#[test]
fn each_store_has_lots_of_its_own_and_a_car_that_left_took_its_content_with_it() {
    let ledger = ledger_with(&day(visitors_and_fleet()));
    let hours = ledger
        .present()
        .store_hours(&asset("hub"), hour(24), LotOrder::Fifo);
    let told: Vec<_> = hours
        .iter()
        .map(|store| {
            let number = (store.hour_start.0 - MIDNIGHT) / HOUR;
            (number, store.store.as_str(), store.owner, store.stored_wh)
        })
        .collect();
    let (park, other) = (StoreOwner::Park, StoreOwner::Other);
    assert_eq!(
        told,
        [
            (0, "battery", park, 1_000),
            (0, "charger", other, 2_000),
            (1, "battery", park, 2_000),
            (1, "charger", other, 5_000),
            (2, "charger", other, 2_000),
            // 500 / 0.9, rounded up.
            (3, "battery", park, 1_444),
            (3, "charger", other, 0),
            (4, "charger", park, 1_000),
            (5, "charger", park, 0),
        ]
    );
}

/// Without a session nothing proves a sale, and nobody knows where what came out of a car had come from.
#[test]
fn a_charger_of_which_no_session_is_on_record_sells_nothing_and_is_bought_from_at_the_grids_factor()
{
    let ledger = ledger_with(&day([]));
    let told = told(&books(&ledger));
    let of = |activity: &str| -> i64 {
        told.iter()
            .filter(|((_, basis, done), _)| done == activity && *basis != Basis::Market)
            .map(|(_, (wh, _))| wh)
            .sum()
    };
    assert_eq!(of("grid-import"), 5_800);
    assert_eq!(of("grid-import:resold"), 0);
    assert_eq!(of("car-discharge"), 2_700 + 900);
}

#[test]
fn a_battery_charges_a_car_without_the_grid() {
    let mut facts = day(visitors_and_fleet());
    // 8: the battery gives 500 to a visitor's car that takes 800.
    for ((asset, measures), wh) in METERS.iter().zip([0, 0, 0, 500, 800, 0, 0]) {
        facts.push(hourly(&format!("{asset}.{measures}"), 8, wh));
    }
    facts.extend(session("charger", CarOwner::Other, 8, 9));
    let ledger = ledger_with(&facts);
    let hours = ledger
        .present()
        .store_hours(&asset("hub"), hour(24), LotOrder::Fifo);
    let car = hours.last().expect("the car's hour");
    assert_eq!(
        (
            car.charged_on_site_wh,
            car.charged_store_wh,
            car.charged_grid_wh
        ),
        (0, 500, 300)
    );
    assert_eq!(car.stored_wh, 800);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_of_sessions_and_readings_moves_nothing(facts in Just(day(visitors_and_fleet())).prop_shuffle()) {
        let (mut one, mut other) = (ledger_with(&day(visitors_and_fleet())), ledger_with(&facts));
        prop_assert_eq!(books(&other).sha256(), books(&one).sha256());
        prop_assert_eq!(other.hashes().0, one.hashes().0);
        let stores = |ledger: &ParkLedger| ledger.present().store_hours(&asset("hub"), hour(24), LotOrder::Fifo);
        prop_assert_eq!(stores(&other), stores(&one));
    }
}
