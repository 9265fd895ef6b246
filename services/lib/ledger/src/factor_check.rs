//! Whether rows of published factors can be what they say: each by itself, and beside its neighbours, the other years and the
//! other regions.
//!
//! Tables that are wrong by a thousand (g for kg, t/MWh for kg/MWh), by a column (another region's value) or by a copy (the year
//! before) are common in the wild; the carbon accounting note of the project, section 3.9, tells of three.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::{ActivityUnit, FactorUnit, ParameterUnit, UnixSeconds, format_rfc3339_utc};

use crate::factor_book::{FactorKind, FactorSet};

/// Consecutive years of one region may differ by this factor: the greatest step of a Chinese province from 2021 to 2022 is 1.27.
const MOST_FROM_YEAR_TO_YEAR: f64 = 1.5;
/// A region may lie this far from the middle of all regions of its year: the province of the most hydro power is at a fifth.
const MOST_FROM_REGION_TO_REGION: f64 = 10.0;
/// Regions are compared where there are so many.
const FEWEST_REGIONS: usize = 3;
/// Half of the 95 % interval is at most this, in millionths.
pub const MOST_U95_PPM: u32 = 3_000_000;
/// Rows that follow each other within this much time are consecutive.
const SECONDS_PER_DAY: i64 = 86_400;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// Place of the row among those checked.
    pub index: usize,
    /// Id of the row.
    pub row: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// A row to be checked.
#[derive(Clone, Copy, Debug)]
pub struct CheckedRow<'a> {
    /// The row.
    pub row: &'a FactorSet,
    /// Somebody said why its unusual magnitude is right.
    pub is_explained: bool,
}

/// Everything that is wrong with rows that are published together, in their order.
pub fn check_rows(rows: &[CheckedRow<'_>]) -> Vec<RowProblem> {
    let mut problems = Vec::new();
    let mut tell = |index: usize, problem: String| {
        problems.push(RowProblem {
            index,
            row: rows[index].row.detail.row.clone(),
            problem,
        });
    };
    repeated_ids(rows, &mut tell);
    for (index, checked) in rows.iter().enumerate() {
        by_itself(checked, |problem| tell(index, problem));
    }
    let mut series: BTreeMap<SeriesKey<'_>, Vec<usize>> = BTreeMap::new();
    for (index, checked) in rows.iter().enumerate() {
        series
            .entry(series_of(checked.row))
            .or_default()
            .push(index);
    }
    for of_series in series.values_mut() {
        of_series.sort_by_key(|index| rows[*index].row.valid_from);
        beside_the_years(rows, of_series, &mut tell);
    }
    beside_the_regions(rows, &mut tell);
    problems.sort_by_key(|problem| problem.index);
    problems
}

type SeriesKey<'a> = (&'a str, &'a str, FactorKind, &'a str, &'a str, FactorUnit);

fn series_of(row: &FactorSet) -> SeriesKey<'_> {
    (
        row.set.as_str(),
        &row.version,
        row.kind,
        &row.detail.subject,
        &row.region,
        row.unit,
    )
}

fn repeated_ids(rows: &[CheckedRow<'_>], tell: &mut impl FnMut(usize, String)) {
    let mut known = BTreeSet::new();
    for (index, checked) in rows.iter().enumerate() {
        let row = checked.row;
        if !known.insert((&row.set, &row.version, &row.detail.row)) {
            tell(
                index,
                format!(
                    "row \"{}\" stands twice in {}; give each row its own id",
                    row.detail.row, row.set
                ),
            );
        }
    }
}

fn by_itself(checked: &CheckedRow<'_>, mut tell: impl FnMut(String)) {
    let row = checked.row;
    let value = shown(row);
    if row.values[0] < 0 && !row.kind.is_marginal() {
        tell(format!(
            "{value} is below zero; only factors of the margin can be (operating_margin, build_margin, combined_margin, grid_marginal)"
        ));
        return;
    }
    if row.detail.u95_ppm > MOST_U95_PPM {
        tell(format!(
            "half of its 95 % interval is {} ppm; at most {MOST_U95_PPM} (300 %) says something",
            row.detail.u95_ppm
        ));
    }
    let (least, most) = plausible(row.kind, row.unit);
    let number = number_of(row);
    if !checked.is_explained && number != 0.0 && !(least..=most).contains(&number.abs()) {
        tell(format!(
            "{value} is outside of {least} to {most} {} where factors of kind {} lie; check unit and decimals, or say why with \
             unusual_because",
            row.unit,
            row.kind.token()
        ));
    }
}

fn beside_the_years(
    rows: &[CheckedRow<'_>],
    of_series: &[usize],
    tell: &mut impl FnMut(usize, String),
) {
    for pair in of_series.windows(2) {
        let (before, row) = (rows[pair[0]].row, rows[pair[1]].row);
        let index = pair[1];
        if (before.valid_from, before.valid_to) == (row.valid_from, row.valid_to) {
            tell(
                index,
                format!(
                    "row \"{}\" prices the same at the same time as row \"{}\"; keep one, or publish the other as a set of its own",
                    row.detail.row, before.detail.row
                ),
            );
            continue;
        }
        if row.valid_from < before.valid_to {
            tell(
                index,
                format!(
                    "it holds from {}, and row \"{}\" until {}: they overlap; end one where the other begins",
                    day(row.valid_from),
                    before.detail.row,
                    day(before.valid_to)
                ),
            );
            continue;
        }
        if row.valid_from.0 - before.valid_to.0 > SECONDS_PER_DAY && !rows[index].is_explained {
            tell(
                index,
                format!(
                    "nothing holds from {}, when row \"{}\" ends, to {}; fill the gap, or say why it is there with unusual_because",
                    day(before.valid_to),
                    before.detail.row,
                    day(row.valid_from)
                ),
            );
            continue;
        }
        let (one, other) = (number_of(before), number_of(row));
        let ratio = if one == 0.0 { 1.0 } else { other / one };
        let is_step = !(1.0 / MOST_FROM_YEAR_TO_YEAR..=MOST_FROM_YEAR_TO_YEAR).contains(&ratio);
        // Margins swing.
        if is_step && !row.kind.is_marginal() && !rows[index].is_explained {
            tell(
                index,
                format!(
                    "{} after {} of row \"{}\": no such step is usual from one year to the next; check the value, or say why with \
                     unusual_because",
                    shown(row),
                    shown(before),
                    before.detail.row
                ),
            );
        }
    }
}

fn beside_the_regions(rows: &[CheckedRow<'_>], tell: &mut impl FnMut(usize, String)) {
    let mut by_time: BTreeMap<(FactorKind, &str, FactorUnit, UnixSeconds), Vec<usize>> =
        BTreeMap::new();
    for (index, checked) in rows.iter().enumerate() {
        let row = checked.row;
        by_time
            .entry((row.kind, &row.detail.subject, row.unit, row.valid_from))
            .or_default()
            .push(index);
    }
    for of_time in by_time.into_values() {
        let mut numbers: Vec<f64> = of_time
            .iter()
            .map(|index| number_of(rows[*index].row))
            .collect();
        if numbers.len() < FEWEST_REGIONS {
            continue;
        }
        numbers.sort_by(f64::total_cmp);
        let middle = numbers[numbers.len() / 2];
        for index in of_time {
            let row = rows[index].row;
            let number = number_of(row);
            let is_far = number > middle * MOST_FROM_REGION_TO_REGION
                || number < middle / MOST_FROM_REGION_TO_REGION;
            if is_far && !row.kind.is_marginal() && !rows[index].is_explained {
                tell(
                    index,
                    format!(
                        "{} in {} lies more than {MOST_FROM_REGION_TO_REGION} times from the middle of {} regions, {middle}; check the \
                         value, or say why with unusual_because",
                        shown(row),
                        row.region,
                        numbers.len()
                    ),
                );
            }
        }
    }
}

/// Between which values factors of a kind and unit lie, from far below the least to far above the greatest that the project's carbon
/// accounting note lists; wide enough for any park, and far too narrow for a slip of a thousand.
fn plausible(kind: FactorKind, unit: FactorUnit) -> (f64, f64) {
    match (kind, unit) {
        (kind, _) if kind.is_of_electricity() => (0.001, 3.0),
        (FactorKind::Heat, FactorUnit::Emission { per, .. }) => match per {
            ActivityUnit::KilowattHour => (0.005, 1.0),
            ActivityUnit::Megajoule => (0.001, 0.3),
            ActivityUnit::Gigajoule => (1.0, 300.0),
            _ => (100.0, 300_000.0),
        },
        (FactorKind::FuelProperty, FactorUnit::Parameter(parameter)) => match parameter {
            ParameterUnit::GigajoulePerTonne => (5.0, 130.0),
            ParameterUnit::MegajoulePerNormalCubicMetre => (2.0, 100.0),
            ParameterUnit::KilogramCarbonPerGigajoule => (5.0, 40.0),
            ParameterUnit::KilogramPerLitre => (0.3, 1.2),
            _ => (0.5, 1.0),
        },
        (FactorKind::Fuel, FactorUnit::Emission { gas, per }) if gas.token() == "CO2" => {
            match per {
                ActivityUnit::Litre | ActivityUnit::Kilogram => (0.5, 5.0),
                ActivityUnit::Tonne => (300.0, 5_000.0),
                ActivityUnit::NormalCubicMetre | ActivityUnit::CubicMetre => (0.2, 5.0),
                ActivityUnit::Terajoule => (30_000.0, 130_000.0),
                ActivityUnit::TonneCoalEquivalent => (1_000.0, 4_000.0),
                _ => (0.01, 200.0),
            }
        }
        (FactorKind::WaterEnergy, _) => (0.01, 20.0),
        (FactorKind::Water, _) => (0.01, 10.0),
        (FactorKind::Decay | FactorKind::RefrigerantLeak, _) => (0.0001, 1.0),
        (FactorKind::Refrigerant, _) => (0.000_1, 1.0),
        (FactorKind::Transport, FactorUnit::Emission { per, .. }) => match per {
            ActivityUnit::TonneKilometre => (0.001, 5.0),
            _ => (0.005, 3.0),
        },
        (FactorKind::Tree, FactorUnit::Emission { per, .. }) => match per {
            ActivityUnit::TreeYear => (0.5, 200.0),
            _ => (100.0, 50_000.0),
        },
        (FactorKind::WarmingPotential, _) => (1.0, 40_000.0),
        (FactorKind::CoalEquivalent, _) => (0.01, 3.0),
        (FactorKind::Waste | FactorKind::WasteBiogenic, FactorUnit::Emission { gas, per })
            if per == ActivityUnit::Tonne && gas.token() != "N2O" =>
        {
            (0.5, 5_000.0)
        }
        (
            FactorKind::Compost,
            FactorUnit::Emission {
                per: ActivityUnit::Tonne,
                ..
            },
        ) => (0.01, 500.0),
        (FactorKind::Material, FactorUnit::Emission { per, .. }) => match per {
            ActivityUnit::Tonne => (0.5, 60_000.0),
            ActivityUnit::CubicMetre => (1.0, 5_000.0),
            _ => (0.000_5, 60.0),
        },
        _ => (1e-6, 1e6),
    }
}

fn number_of(row: &FactorSet) -> f64 {
    row.values[0] as f64 / 10_f64.powi(row.scale as i32)
}

fn shown(row: &FactorSet) -> String {
    format!("{} {}", row.value(0), row.unit)
}

fn day(instant: UnixSeconds) -> String {
    format_rfc3339_utc(instant)
}

#[cfg(test)]
mod tests {
    use terrarium_model::FactorSetId;

    use super::*;
    use crate::factor_book::FactorDetail;

    const YEAR_S: i64 = 31_536_000;

    fn row(id: &str, region: &str, year: i64, ten_thousandths: i64) -> FactorSet {
        FactorSet {
            set: FactorSetId::new("cn-grid").expect("valid"),
            version: "2023".to_owned(),
            publisher: "MEE".to_owned(),
            region: region.to_owned(),
            kind: FactorKind::GridAverage,
            unit: FactorUnit::KG_CO2_PER_KWH,
            valid_from: UnixSeconds(year * YEAR_S),
            valid_to: UnixSeconds((year + 1) * YEAR_S),
            published_on: "2026-01-15".to_owned(),
            source: "announcement".to_owned(),
            scale: 4,
            step_seconds: None,
            values: vec![ten_thousandths],
            detail: FactorDetail {
                row: id.to_owned(),
                ..FactorDetail::default()
            },
        }
    }

    fn problems(rows: &[FactorSet]) -> Vec<String> {
        let checked: Vec<CheckedRow<'_>> = rows
            .iter()
            .map(|row| CheckedRow {
                row,
                is_explained: false,
            })
            .collect();
        check_rows(&checked)
            .into_iter()
            .map(|problem| format!("{}: {}", problem.row, problem.problem))
            .collect()
    }

    fn good() -> Vec<FactorSet> {
        vec![
            row("north-1", "north", 1, 7_120),
            row("north-2", "north", 2, 6_776),
            row("north-3", "north", 3, 6_361),
            row("east-3", "east", 3, 5_500),
            row("south-west-3", "south-west", 3, 2_472),
        ]
    }

    fn only_problem(change: impl FnOnce(&mut Vec<FactorSet>)) -> String {
        let mut rows = good();
        change(&mut rows);
        let found = problems(&rows);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().expect("one")
    }

    #[test]
    fn rows_like_those_of_the_ministry_are_taken() {
        assert_eq!(problems(&good()), Vec::<String>::new());
    }

    #[test]
    fn a_row_that_stands_twice_is_named() {
        let twice = only_problem(|rows| rows.push(row("east-3", "central", 3, 5_271)));
        assert!(twice.contains("stands twice"), "{twice}");
        let same = only_problem(|rows| rows.push(row("east-3b", "east", 3, 5_501)));
        assert!(same.contains("same time as row \"east-3\""), "{same}");
    }

    #[test]
    fn overlaps_and_gaps_are_named_with_their_times() {
        let overlap = only_problem(|rows| rows[1].valid_to.0 += 10 * 86_400);
        assert!(
            overlap.starts_with("north-3: ") && overlap.contains("overlap"),
            "{overlap}"
        );
        let gap = only_problem(|rows| {
            rows.remove(1);
        });
        assert!(gap.contains("fill the gap"), "{gap}");
    }

    #[test]
    fn a_value_below_zero_is_refused_but_of_the_margin() {
        let negative = only_problem(|rows| {
            rows.truncate(1);
            rows[0].values[0] = -7_120;
        });
        assert!(negative.contains("below zero"), "{negative}");
        let mut marginal = row("m", "north", 1, -300);
        marginal.kind = FactorKind::GridMarginal;
        assert_eq!(problems(&[marginal]), Vec::<String>::new());
    }

    #[test]
    fn a_slip_of_the_unit_a_step_between_years_and_a_far_region_are_named() {
        let slip = only_problem(|rows| {
            rows.truncate(1);
            rows[0].values[0] = 7_120_000;
        });
        assert!(slip.contains("check unit and decimals"), "{slip}");
        let step = only_problem(|rows| {
            rows.truncate(2);
            rows[1].values[0] = 3_869;
        });
        assert!(step.contains("0.3869 kgCO2/kWh after 0.7120"), "{step}");
        let far = only_problem(|rows| rows[4].values[0] = 400);
        assert!(far.contains("regions"), "{far}");
    }

    #[test]
    fn who_says_why_a_magnitude_is_right_is_believed() {
        let rows = [row("a", "north", 1, 7_120), row("b", "north", 2, 2_000)];
        assert!(problems(&rows)[0].contains("no such step is usual"));
        let checked = rows.each_ref().map(|row| CheckedRow {
            row,
            is_explained: true,
        });
        assert_eq!(check_rows(&checked), Vec::new());
    }
}
