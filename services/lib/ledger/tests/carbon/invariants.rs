//! Invariants 4 and 5 of the carbon accounting note, section 1.8, and replay, over random histories.

use proptest::prelude::*;
use terrarium_ledger::carbon::{
    ActivityKind, CarbonFact, EmbodiedRecord, TreeHappening, TreeMethod, TreeRecord, WaterFlow,
    gross_removal_net,
};
use terrarium_ledger::fact::InstrumentStep;
use terrarium_ledger::{
    AsOf, CarbonBook, Detail, Fact, Gas, GwpSet, InstrumentKind, LifeCycleModule, Posting,
};
use terrarium_model::{AmountUnit, UnixSeconds};

use crate::world::{
    DAY, HOUR, NEW_YEAR, activity, asset, ledger_of, library, reported, told, water, year,
};

/// What adds emissions.
fn emitting() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (0..8_000_i64, 0..1_000_000_i64).prop_map(|(hour, litres)| water(
            WaterFlow::Supply,
            hour,
            litres
        )),
        (0..9_usize, 0..360_i64, 1..100_000_000_i64, 0..3_u32).prop_map(
            |(what, day, amount, revision)| {
                let (kind, subject, unit) = [
                    (ActivityKind::FuelBurnt, "diesel", AmountUnit::Millilitre),
                    (ActivityKind::FuelDriven, "diesel", AmountUnit::Gram),
                    (ActivityKind::Compost, "wet-mass", AmountUnit::Gram),
                    (ActivityKind::Heat, "heat", AmountUnit::WattHour),
                    (ActivityKind::Freight, "lorry", AmountUnit::GramMetre),
                    (ActivityKind::RefrigerantLost, "R-410A", AmountUnit::Gram),
                    (ActivityKind::GasReleased, "N2O", AmountUnit::Gram),
                    (ActivityKind::WasteWater, "waste-water", AmountUnit::Litre),
                    (ActivityKind::Process, "quicklime", AmountUnit::Gram),
                ][what];
                let mut activity = activity(kind, subject, amount, unit);
                activity.interval.start = UnixSeconds(NEW_YEAR + day * DAY);
                activity.interval.seconds = (day * 7_200) as u32;
                activity.name = format!("{}-{}", kind.token(), day % 5);
                activity.revision = revision;
                reported(activity)
            }
        ),
    ]
}

/// What must not touch emissions: trees, instruments, embodied carbon.
fn beside() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (0..360_i64, 0..1_000_000_i64).prop_map(|(day, co2_g)| tree(
            day,
            TreeHappening::Surveyed {
                living: 90,
                co2_g,
                method: TreeMethod::Modelled,
                source: "a model".to_owned(),
            }
        )),
        (0..360_i64, 0..8_u32).prop_map(|(day, serial)| Fact::InstrumentMoved {
            registry: "cger".into(),
            serial: serial.to_string().into(),
            at: UnixSeconds(NEW_YEAR + day * DAY),
            step: if day % 3 == 0 {
                InstrumentStep::Issued {
                    kind: InstrumentKind::Credit,
                    amount: 1_000_000,
                    vintage: (UnixSeconds(NEW_YEAR), UnixSeconds(NEW_YEAR + DAY)),
                }
            } else {
                InstrumentStep::Retired {
                    period: "2025".into(),
                }
            },
        }),
        (0..360_i64, 0..1_000_i64).prop_map(|(day, co2e_mg)| Fact::Carbon(CarbonFact::Embodied(
            EmbodiedRecord {
                asset: asset("centre"),
                module: LifeCycleModule::A4,
                item: format!("item-{}", day % 4),
                revision: 0,
                time: UnixSeconds(NEW_YEAR + day * DAY),
                co2e_mg,
                source: "a declaration".to_owned(),
                evidence: None,
            }
        ))),
    ]
}

fn tree(day: i64, what: TreeHappening) -> Fact {
    Fact::Carbon(CarbonFact::Trees(TreeRecord {
        group: asset("pines"),
        time: UnixSeconds(NEW_YEAR + day * DAY),
        what,
    }))
}

fn of_book(postings: &[Posting], book: CarbonBook) -> Vec<Posting> {
    postings
        .iter()
        .filter(|posting| posting.book == book)
        .cloned()
        .collect()
}

/// A history of trees: plantings, surveys and losses with what the carbon service would fill in.
fn tree_history() -> impl Strategy<Value = Vec<Fact>> {
    (
        prop::bool::ANY,
        prop::collection::vec((1..40_i64, 0..3_usize, 1..50_u32, 0..500_000_i64), 1..12),
    )
        .prop_map(|(is_surveyed, steps)| {
            let (mut day, mut living, mut stock) = (0, 0_u32, 0_i64);
            let mut facts = Vec::new();
            for (number, (later, what, count, co2_g)) in steps.into_iter().enumerate() {
                day += later;
                match what {
                    1 if is_surveyed && living > 0 => {
                        stock = co2_g;
                        facts.push(tree(
                            day,
                            TreeHappening::Surveyed {
                                living,
                                co2_g,
                                method: TreeMethod::Measured,
                                source: "plots".to_owned(),
                            },
                        ));
                    }
                    2 if living > 0 => {
                        let count = count.min(living);
                        let reversed = stock * i64::from(count) / i64::from(living);
                        living -= count;
                        stock -= reversed;
                        facts.push(tree(
                            day,
                            TreeHappening::Lost {
                                loss: number.to_string(),
                                count,
                                reversed_co2_g: reversed,
                            },
                        ));
                    }
                    _ => {
                        living += count;
                        facts.push(tree(
                            day,
                            TreeHappening::Planted {
                                planting: number.to_string(),
                                count,
                            },
                        ));
                    }
                }
            }
            facts
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Invariant 4: emission totals do not change when the removal, instrument or embodied books change.
    #[test]
    fn emissions_do_not_move_with_the_other_books(
        emitting in prop::collection::vec(emitting(), 1..20),
        beside in prop::collection::vec(beside(), 1..20),
    ) {
        let alone = told(emitting.clone()).activity_postings(year(), AsOf::default());
        let both = told(emitting.into_iter().chain(beside)).activity_postings(year(), AsOf::default());
        prop_assert_eq!(of_book(&alone, CarbonBook::Emission), of_book(&both, CarbonBook::Emission));
        prop_assert_eq!(of_book(&alone, CarbonBook::Avoided), of_book(&both, CarbonBook::Avoided));
    }

    /// The emission book is never below zero, and no line of it is.
    #[test]
    fn nothing_emitted_is_below_zero(emitting in prop::collection::vec(emitting(), 1..20)) {
        for posting in told(emitting).activity_postings(year(), AsOf::default()) {
            prop_assert!(posting.gases.iter().all(|(_, mg)| mg >= 0), "{:?}", posting);
        }
    }

    /// Invariant 5: what went back is never more than what was taken up and what came with the trees, at any moment.
    #[test]
    fn reversals_never_exceed_the_stock(history in tree_history()) {
        let ledger = told(history.clone());
        let opening = history.iter().find_map(|fact| match fact {
            Fact::Carbon(CarbonFact::Trees(TreeRecord { what: TreeHappening::Surveyed { co2_g, .. }, .. })) => {
                Some(*co2_g * 1_000)
            }
            _ => None,
        });
        for day in (0..500).step_by(25) {
            let as_of = AsOf { at: Some(UnixSeconds(NEW_YEAR + day * DAY)), known_at: None };
            let period = terrarium_ledger::Period {
                from: UnixSeconds(NEW_YEAR),
                to: UnixSeconds(NEW_YEAR + 500 * DAY),
            };
            let mut stock = 0_i64;
            for posting in ledger.activity_postings(period, as_of) {
                let Detail::Removal { reversal, .. } = posting.detail else { continue };
                let mg = posting.gases.mg(Gas::Co2);
                prop_assert!(mg >= 0);
                stock += if reversal { -mg } else { mg };
            }
            prop_assert!(stock >= -opening.unwrap_or(0), "{} {:?}", stock, opening);
        }
    }

    /// Invariant 5 of a surveyed group: what was taken up less what went back is the stock that is left less the stock that came.
    #[test]
    fn the_removal_book_comes_to_the_stock_that_is_left(history in tree_history()) {
        let (mut planted, mut opening, mut stock) = (None, None, 0);
        for fact in &history {
            let Fact::Carbon(CarbonFact::Trees(TreeRecord { what, time, .. })) = fact else { continue };
            match what {
                TreeHappening::Surveyed { co2_g, .. } => {
                    // A month after planting the carbon is what the trees came with; later it has grown here.
                    let since = planted.map_or(0, |planted: UnixSeconds| time.0 - planted.0);
                    opening.get_or_insert(if since <= 30 * DAY { *co2_g } else { 0 });
                    stock = *co2_g;
                }
                TreeHappening::Lost { reversed_co2_g, .. } => stock -= reversed_co2_g,
                TreeHappening::Planted { .. } => {
                    planted.get_or_insert(*time);
                }
            }
        }
        let Some(opening) = opening else { return Ok(()) };
        let period = terrarium_ledger::Period {
            from: UnixSeconds(NEW_YEAR),
            to: UnixSeconds(NEW_YEAR + 600 * DAY),
        };
        let postings = told(history).activity_postings(period, AsOf::default());
        let (mut taken_up, mut gone_back) = (0, 0);
        for posting in &postings {
            match posting.detail {
                Detail::Removal { reversal: true, .. } => gone_back += posting.gases.mg(Gas::Co2),
                Detail::Removal { .. } => taken_up += posting.gases.mg(Gas::Co2),
                _ => {}
            }
        }
        prop_assert_eq!(taken_up - gone_back, (stock - opening) * 1_000);
        let totals = gross_removal_net(&postings, GwpSet::Ar6, |_| true).expect("CO2 has a potential");
        prop_assert_eq!(totals.removal.total_mg, taken_up - gone_back);
        prop_assert_eq!(totals.net.total_mg, totals.gross.total_mg - totals.removal.total_mg);
    }

    /// Months sum up to the year, to the milligram, and a month asked for alone is that month.
    #[test]
    fn months_sum_up_to_the_lines(emitting in prop::collection::vec(emitting(), 1..20)) {
        let ledger = told(emitting);
        let worked = ledger.worked(year(), AsOf::default(), false);
        // Lines that reach beyond the year are cut.
        let inside = |interval: terrarium_model::Interval| interval.end() <= year().to;
        prop_assume!(worked.lines.iter().all(|line| inside(line.posting.interval)));
        let postings = ledger.activity_postings(year(), AsOf::default());
        for gas in Gas::ALL {
            let of_lines: i64 = worked.lines.iter().map(|line| line.posting.gases.mg(gas)).sum();
            let of_months: i64 = postings.iter().map(|posting| posting.gases.mg(gas)).sum();
            prop_assert_eq!(of_lines, of_months);
        }
        let march = terrarium_ledger::Period {
            from: UnixSeconds(NEW_YEAR + 59 * DAY),
            to: UnixSeconds(NEW_YEAR + 90 * DAY),
        };
        let alone = ledger.activity_postings(march, AsOf::default());
        let of_year: Vec<Posting> = postings
            .into_iter()
            .filter(|posting| posting.interval.start == march.from)
            .collect();
        prop_assert_eq!(alone, of_year);
    }

    /// Streams may come in any order: the postings and the content hash are the same.
    #[test]
    fn the_order_of_arrival_changes_nothing(
        facts in prop::collection::vec(emitting(), 2..15),
        turn in 1..14_usize,
    ) {
        // Two reports of one revision of one activity can't be recorded; the first of them stands.
        let mut known = std::collections::BTreeSet::new();
        let facts: Vec<Fact> = facts
            .into_iter()
            .filter(|fact| match fact {
                Fact::Carbon(CarbonFact::Activity(activity)) => {
                    known.insert(format!("{:?} {} {}", activity.kind, activity.name, activity.revision))
                }
                Fact::Carbon(CarbonFact::Water(water)) => known.insert(format!("{:?}", water.interval)),
                _ => true,
            })
            .collect();
        let mut turned = facts.clone();
        let middle = turn.min(facts.len());
        turned.rotate_left(middle % facts.len().max(1));
        let mut one = told(facts.clone());
        let mut other = ledger_of(
            std::iter::once(crate::world::defined())
                .chain(turned)
                .chain(library()),
        );
        prop_assert_eq!(
            one.activity_postings(year(), AsOf::default()),
            other.activity_postings(year(), AsOf::default())
        );
        let mut again = told(facts);
        prop_assert_eq!(one.hashes(), again.hashes());
        let _ = other.hashes();
    }
}

#[test]
fn every_kind_of_fact_moves_the_content_hash() {
    let mut without = told([]);
    let bare = without.hashes().0;
    for fact in [
        water(WaterFlow::Supply, 1, 10),
        reported(activity(
            ActivityKind::Heat,
            "heat",
            1,
            AmountUnit::WattHour,
        )),
        tree(
            1,
            TreeHappening::Planted {
                planting: "p".to_owned(),
                count: 1,
            },
        ),
    ] {
        let mut with = told([fact.clone()]);
        let first = with.hashes().0;
        assert_ne!(first, bare, "{fact:?}");
        assert_eq!(with.hashes().0, first, "hashed again");
    }
    let mut one = told([water(WaterFlow::Supply, 1, 10)]);
    let before = one.hashes().0;
    let mut two = told([
        water(WaterFlow::Supply, 1, 10),
        water(WaterFlow::Supply, 2, 10),
    ]);
    assert_ne!(two.hashes().0, before);
    assert_eq!(HOUR, 3_600);
}
