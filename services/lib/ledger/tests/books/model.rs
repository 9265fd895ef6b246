//! The books against a model as plain as the rules: one house, hour by hour, in any order of arrival and at any moment's
//! knowledge. It shares nothing with the ledger but the numbers that both are told.

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::{AsOf, CarbonBook, Fact, FactorKind, Grouping, How, balance};

use crate::world::*;

const HOURS: usize = 6;
/// Factors are told in hundred-thousandths of kg/kWh: Wh times that is hundredths of a milligram, which has ties to round.
const PER_MG: i128 = 100;

/// One hour of the house.
#[derive(Clone, Copy, Debug)]
struct Told {
    used_wh: i64,
    made_wh: i64,
    average: i64,
    /// Of the release after that one.
    next_average: i64,
    marginal: i64,
    corrected_wh: Option<i64>,
}

fn any_hour() -> impl Strategy<Value = Told> {
    // Ties to round, and whatever lies between them.
    let factor = || prop_oneof![(0_i64..2_000).prop_map(|step| step * 50), 0_i64..100_000];
    (
        (0_i64..5_000, 0_i64..5_000),
        (factor(), factor()),
        prop_oneof![
            (-200_i64..2_000).prop_map(|step| step * 50),
            -10_000_i64..100_000
        ],
        proptest::option::of(0_i64..5_000),
    )
        .prop_map(
            |((used_wh, made_wh), (average, next_average), marginal, corrected_wh)| Told {
                used_wh,
                made_wh,
                average,
                next_average,
                marginal,
                corrected_wh,
            },
        )
}

const RELEASES: [&str; 2] = ["2020-01-01", "2021-01-01"];

fn factors(kind: FactorKind, published_on: &str, values: &[i64]) -> Fact {
    let mut set = hourly_factors(kind.token(), published_on, published_on, 0, values);
    set.kind = kind;
    set.scale = 5;
    Fact::FactorSetPublished(std::sync::Arc::new(set))
}

/// The definition first, reports and factors in any order, corrections last.
fn facts(hours: &[Told], order: &[Index]) -> Vec<Fact> {
    let values = |of: fn(&Told) -> i64| -> Vec<i64> { hours.iter().map(of).collect() };
    let average = FactorKind::GridAverage;
    let mut unordered = vec![
        factors(average, RELEASES[0], &values(|hour| hour.average)),
        factors(average, RELEASES[1], &values(|hour| hour.next_average)),
        factors(
            FactorKind::GridMarginal,
            RELEASES[0],
            &values(|hour| hour.marginal),
        ),
    ];
    for (number, hour) in (0..).zip(hours) {
        unordered.push(hourly("home.load", number, hour.used_wh));
        unordered.push(hourly("home.pv", number, hour.made_wh));
    }
    let mut facts = vec![defined(&park(), 1)];
    for pick in order.iter().cycle() {
        if unordered.is_empty() {
            break;
        }
        facts.push(unordered.swap_remove(pick.index(unordered.len())));
    }
    for (number, hour) in (0..).zip(hours) {
        if let Some(wh) = hour.corrected_wh {
            let place = interval(number * HOUR, 3_600);
            facts.push(counted_as("home.load", place, wh, 1, How::Corrected));
        }
    }
    facts
}

/// What the model knows of an hour.
#[derive(Clone, Copy, Default)]
struct Known {
    used_wh: Option<i64>,
    made_wh: Option<i64>,
    average: Option<i64>,
    /// Of the later release, which prices the hour as soon as it is known.
    next_average: Option<i64>,
    marginal: Option<i64>,
}

fn known(facts: &[Fact]) -> [Known; HOURS] {
    let mut hours = [Known::default(); HOURS];
    for fact in facts {
        match fact {
            Fact::ReadingCounted {
                meter,
                interval,
                energy,
                ..
            } => {
                let number = (interval.start.0 - MIDNIGHT) / HOUR;
                let hour = &mut hours[usize::try_from(number).expect("after midnight")];
                match meter.as_str() {
                    "home.load" => hour.used_wh = Some(energy.0),
                    _ => hour.made_wh = Some(energy.0),
                }
            }
            Fact::FactorSetPublished(set) => {
                for (hour, value) in hours.iter_mut().zip(&set.values) {
                    match set.kind {
                        FactorKind::GridAverage if set.published_on == RELEASES[1] => {
                            hour.next_average = Some(*value);
                        }
                        FactorKind::GridAverage => hour.average = Some(*value),
                        _ => hour.marginal = Some(*value),
                    }
                }
            }
            _ => {}
        }
    }
    hours
}

/// Half to even, by its definition.
fn rounded(hundredths: i128) -> i64 {
    let whole = hundredths.div_euclid(PER_MG);
    let rest = hundredths.rem_euclid(PER_MG);
    let up = rest * 2 > PER_MG || (rest * 2 == PER_MG && whole.rem_euclid(2) == 1);
    i64::try_from(whole + i128::from(up)).expect("small")
}

/// Sums over the model's hours: import, export, self-use, mg of scope 2, mg avoided.
fn expected(hours: &[Known]) -> [i64; 5] {
    let mut sums = [0; 5];
    for hour in hours {
        let (Some(used), Some(made)) = (hour.used_wh, hour.made_wh) else {
            continue;
        };
        let import = if used > made { used - made } else { 0 };
        let export = if made > used { made - used } else { 0 };
        let self_use = if made < used { made } else { used };
        for (sum, wh) in sums.iter_mut().zip([import, export, self_use]) {
            *sum += wh;
        }
        let priced = |wh: i64, factor: Option<i64>| {
            factor.map(|factor| rounded(i128::from(wh) * i128::from(factor)))
        };
        let average = hour.next_average.or(hour.average);
        let baseline = hour.marginal.or(average);
        let bought = if import > 0 {
            priced(import, average)
        } else {
            Some(0)
        };
        let given = if export > 0 {
            priced(export, baseline)
        } else {
            Some(0)
        };
        if let (Some(bought), Some(given)) = (bought, given) {
            sums[3] += bought;
            sums[4] += given;
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Invariants 1, 2, 3 and 6: each Wh goes one way, is priced once with one rounding, and any moment's knowledge is told again.
    #[test]
    fn the_books_say_what_the_plain_model_says_at_any_moments_knowledge(
        hours in proptest::collection::vec(any_hour(), HOURS),
        order in proptest::collection::vec(any::<Index>(), 20),
        cut in any::<Index>(),
    ) {
        let facts = facts(&hours, &order);
        let ledger = ledger_of(&facts);
        for cut in [cut.index(facts.len()), facts.len() - 1] {
            let as_of = AsOf { at: None, known_at: Some(cut as u64) };
            let known = known(&facts[..=cut]);
            let whole = period(0, HOURS as i64);
            let home = asset("home");
            let (_, total) = balance(&ledger.view(as_of), whole, Grouping::Total, Some(&home));
            let [import, export, self_use, scope2_mg, avoided_mg] = expected(&known);
            prop_assert_eq!(
                [total.import_wh, total.export_wh, total.self_use_wh, total.scope2_location_mg, total.avoided_mg],
                [import, export, self_use, scope2_mg, avoided_mg],
                "known at {}", cut
            );
            if known.iter().any(|hour| hour.average.is_none() || hour.next_average.is_none() || hour.marginal.is_none()) {
                continue;
            }
            let Some(books) = ledger.books(whole, as_of) else { continue };
            let of = |token: &str, book: CarbonBook| -> (i64, i64) {
                let postings = books.postings.iter();
                postings
                    .filter(|posting| posting.asset == home && posting.book == book && posting.method.token == token)
                    .fold((0, 0), |(wh, mg), posting| {
                        let gases: i64 = posting.gases.iter().map(|(_, mg)| mg).sum();
                        (wh + posting.amount, mg + gases)
                    })
            };
            prop_assert_eq!(of("scope2-location", CarbonBook::Emission), (import, scope2_mg));
            prop_assert_eq!(of("scope2-market-grid-average", CarbonBook::Emission), (import, scope2_mg));
            prop_assert_eq!(of("avoided-export", CarbonBook::Avoided), (export, avoided_mg));
        }
    }
}
