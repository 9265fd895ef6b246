//! What a factor answers about itself: the competency questions 11 to 25 of the TEC toolkit's ontologies PECO and ECFO (what a
//! conversion factor is), in the order of the project's note on peers.

use terrarium_model::{ActivityUnit, FactorUnit, Gas, format_rfc3339_utc};

use crate::books::FactorMark;
use crate::factor_book::{FactorBook, FactorRow, FactorSet};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Number of the question, 11 to 25.
    pub question: u8,
    /// The question, short.
    pub asked: &'static str,
    /// One or more answers; none: nothing is recorded.
    pub answers: Vec<String>,
}

/// All answers of a factor, in order.
pub fn answers(row: &FactorRow, book: &FactorBook) -> Vec<Answer> {
    let set = &row.set;
    let detail = &set.detail;
    let (from, to) = set.row_validity(row.row);
    let some = |text: &str| {
        if text.is_empty() {
            Vec::new()
        } else {
            vec![text.to_owned()]
        }
    };
    let list: [(u8, &'static str, Vec<String>); 15] = [
        (11, "emission source", some(&detail.subject)),
        (12, "unit of the source", vec![source_unit(set)]),
        (
            13,
            "target gas",
            gas_of(set)
                .map(|gas| gas.token().to_owned())
                .into_iter()
                .collect(),
        ),
        (14, "unit of the gas", vec![target_unit(set)]),
        (15, "region", some(&set.region)),
        (
            16,
            "period",
            vec![format!(
                "{} to {}",
                format_rfc3339_utc(from),
                format_rfc3339_utc(to)
            )],
        ),
        (
            17,
            "over the years in this region",
            over_the_years(set, book),
        ),
        (18, "publisher", some(&set.publisher)),
        (19, "added context", some(&detail.context)),
        (
            20,
            "other factors of this source and gas",
            alternatives(set, book),
        ),
        (21, "tags", detail.tags.clone()),
        (22, "warnings and notes", notes(set)),
        (23, "value", vec![row.value().to_string()]),
        (
            24,
            "formula of the gas",
            gas_of(set)
                .map(|gas| formula(gas).to_owned())
                .into_iter()
                .collect(),
        ),
        (25, "symbols of the units", vec![set.unit.token()]),
    ];
    list.into_iter()
        .map(|(question, asked, answers)| Answer {
            question,
            asked,
            answers,
        })
        .collect()
}

fn gas_of(set: &FactorSet) -> Option<Gas> {
    set.unit.gas()
}

fn source_unit(set: &FactorSet) -> String {
    match set.unit {
        FactorUnit::Emission { per, .. } => per.token().to_owned(),
        FactorUnit::Parameter(parameter) => parameter
            .token()
            .split_once('/')
            .map_or("1", |(_, per)| per)
            .to_owned(),
    }
}

fn target_unit(set: &FactorSet) -> String {
    match set.unit {
        FactorUnit::Emission { .. } => "kg".to_owned(),
        FactorUnit::Parameter(parameter) => parameter
            .token()
            .split_once('/')
            .map_or(parameter.token(), |(of, _)| of)
            .to_owned(),
    }
}

fn same_question(one: &FactorSet, other: &FactorSet) -> bool {
    one.kind == other.kind
        && one.detail.subject == other.detail.subject
        && one.unit.gas() == other.unit.gas()
        && parameter_of(one) == parameter_of(other)
}

fn parameter_of(set: &FactorSet) -> Option<FactorUnit> {
    matches!(set.unit, FactorUnit::Parameter(_)).then_some(set.unit)
}

fn over_the_years(set: &FactorSet, book: &FactorBook) -> Vec<String> {
    let mut years: Vec<(i64, String)> = book
        .all(set.kind, &set.detail.subject)
        .map(|(other, _)| other)
        .filter(|other| {
            same_question(set, other)
                && other.region == set.region
                && other.unit == set.unit
                && other.step_seconds.is_none()
        })
        .map(|other| {
            let year = format_rfc3339_utc(terrarium_model::UnixSeconds(
                // The middle of the valid time lies in the year that is meant, whatever the zone.
                other.valid_from.0 + (other.valid_to.0 - other.valid_from.0) / 2,
            ));
            (
                other.valid_from.0,
                format!("{}: {} ({})", &year[..4], other.value(0), other.key()),
            )
        })
        .collect();
    years.sort();
    years.into_iter().map(|(_, text)| text).collect()
}

fn alternatives(set: &FactorSet, book: &FactorBook) -> Vec<String> {
    book.all(set.kind, &set.detail.subject)
        .map(|(other, _)| other)
        .filter(|other| same_question(set, other) && other.key() != set.key())
        .map(|other| {
            format!(
                "{} {} in {} ({})",
                other.value(0),
                other.unit,
                other.region,
                other.key()
            )
        })
        .collect()
}

fn notes(set: &FactorSet) -> Vec<String> {
    let mut notes = Vec::new();
    match set.detail.mark {
        FactorMark::Verified => {}
        FactorMark::Secondary => {
            notes.push("read in a secondary source, not in the primary document".to_owned());
        }
        FactorMark::Default => {
            notes.push("default of the project: blocks a period from being verified".to_owned());
        }
    }
    if set.kind.is_marginal() {
        notes.push("of the margin: for the avoided book only".to_owned());
    }
    if set.unit.per() == Some(ActivityUnit::NormalCubicMetre) {
        notes.push("gas at 20 degrees Celsius and 101.325 kPa".to_owned());
    }
    if !set.detail.note.is_empty() {
        notes.push(set.detail.note.clone());
    }
    notes
}

/// Chemical formula of a gas.
pub fn formula(gas: Gas) -> &'static str {
    match gas {
        Gas::Co2 => "CO2",
        Gas::Ch4 | Gas::Ch4Fossil | Gas::Ch4Biogenic => "CH4",
        Gas::N2o => "N2O",
        Gas::Sf6 => "SF6",
        Gas::Nf3 => "NF3",
        Gas::Cf4 => "CF4",
        Gas::Hfc23 => "CHF3",
        Gas::Hfc32 => "CH2F2",
        Gas::Hfc125 => "C2HF5",
        Gas::Hfc134a => "CH2FCF3",
        Gas::Hfc143a => "CH3CF3",
        Gas::Hfc152a => "CH3CHF2",
        Gas::Hcfc22 => "CHClF2",
        Gas::Co2e => "a sum of gases weighed as CO2",
    }
}
