//! From a table of factors as sent to rows that can be published. Pure.

use std::sync::Arc;

use terrarium_ledger::factor_check::{CheckedRow, check_rows};
use terrarium_ledger::{FactorDetail, FactorKind, FactorSet};
use terrarium_model::{
    Decimal, FactorSetId, FactorUnit, FactorValue, UnixSeconds, parse_rfc3339_with_offset,
};
use terrarium_proto::carbon::v1 as wire;

use crate::domain::FactorPublication;
use crate::events::mark_from_wire;

/// Rows of one table at most: it is one event.
pub const MOST_ROWS: usize = 500;
/// Most tags of a row, and their longest in bytes.
const MOST_TAGS: usize = 20;
const LONGEST_TAG_BYTES: usize = 40;
const LONGEST_NOTE_BYTES: usize = 500;

/// Why a table can't be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidTable {
    /// Field at fault, with the place of the row.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Checks a table row by row, and the rows against each other.
pub fn take_in_table(sent: &wire::FactorTable) -> Result<FactorPublication, InvalidTable> {
    let invalid = |field: &str, problem: String| InvalidTable {
        field: field.to_owned(),
        problem,
    };
    if sent.rows.is_empty() || sent.rows.len() > MOST_ROWS {
        return Err(invalid(
            "rows",
            format!(
                "there are {}; publish 1 to {MOST_ROWS} rows as one set",
                sent.rows.len()
            ),
        ));
    }
    let set = FactorSetId::new(&sent.set).map_err(|error| invalid("set", error.to_string()))?;
    let mut rows = Vec::with_capacity(sent.rows.len());
    for (index, row) in sent.rows.iter().enumerate() {
        let taken = take_in_row(sent, &set, row).map_err(|(field, problem)| {
            invalid(
                &format!("rows[{index}].{field}"),
                format!("row \"{}\": {problem}", row.row),
            )
        })?;
        // What all rows share is at fault in the table.
        taken.check().map_err(|refusal| {
            let of_table = matches!(
                refusal.field,
                "version" | "publisher" | "published_on" | "source"
            );
            let field = match refusal.field {
                "source" => "document".to_owned(),
                field if of_table => field.to_owned(),
                field => format!("rows[{index}].{field}"),
            };
            invalid(&field, refusal.problem)
        })?;
        rows.push(taken);
    }
    let checked: Vec<CheckedRow<'_>> = rows
        .iter()
        .zip(&sent.rows)
        .map(|(row, sent)| CheckedRow {
            row,
            is_explained: !sent.unusual_because.trim().is_empty(),
        })
        .collect();
    if let Some(problem) = check_rows(&checked).into_iter().next() {
        return Err(invalid(
            &format!("rows[{}].value", problem.index),
            format!("row \"{}\": {}", problem.row, problem.problem),
        ));
    }
    FactorPublication::table(rows.into_iter().map(Arc::new).collect())
        .ok_or_else(|| invalid("rows", "a row has no id; give each one".to_owned()))
}

type FieldProblem = (&'static str, String);

fn take_in_row(
    table: &wire::FactorTable,
    set: &FactorSetId,
    sent: &wire::FactorTableRow,
) -> Result<FactorSet, FieldProblem> {
    // Row ids have the alphabet of set ids.
    FactorSetId::new(&sent.row).map_err(|error| ("row", error.to_string()))?;
    let value = Decimal::parse(&sent.value)
        .map_err(|error| ("value", error.to_string()))
        .and_then(|decimal| {
            FactorValue::from_decimal(&decimal)
                .ok_or_else(|| ("value", format!("{decimal} does not fit; check its unit")))
        })?;
    let instant = |field: &'static str, text: &str| -> Result<UnixSeconds, FieldProblem> {
        parse_rfc3339_with_offset(text).map_err(|error| (field, error.to_string()))
    };
    let mark = mark_from_wire(sent.mark()).ok_or_else(|| {
        (
            "mark",
            "it is not known; send VERIFIED, SECONDARY or DEFAULT".to_owned(),
        )
    })?;
    let kinds = || {
        let kinds: Vec<&str> = FactorKind::ALL.iter().map(|kind| kind.token()).collect();
        kinds.join(", ")
    };
    Ok(FactorSet {
        set: set.clone(),
        version: table.version.clone(),
        publisher: table.publisher.clone(),
        region: sent.region.clone(),
        kind: FactorKind::parse(&sent.kind).ok_or_else(|| {
            (
                "kind",
                format!("\"{}\" is not known; write one of {}", sent.kind, kinds()),
            )
        })?,
        unit: FactorUnit::parse(&sent.unit).map_err(|error| ("unit", error.to_string()))?,
        valid_from: instant("valid_from", &sent.valid_from)?,
        valid_to: instant("valid_to", &sent.valid_to)?,
        published_on: table.published_on.clone(),
        source: table.document.clone(),
        scale: value.scale,
        step_seconds: None,
        values: vec![value.mantissa],
        detail: FactorDetail {
            row: sent.row.clone(),
            subject: sent.subject.clone(),
            locator: text("locator", &sent.locator, 1)?,
            mark,
            u95_ppm: sent.u95_ppm,
            context: text("context", &sent.context, 0)?,
            tags: tags(&sent.tags)?,
            note: note(sent)?,
        },
    })
}

fn text(field: &'static str, text: &str, least: usize) -> Result<String, FieldProblem> {
    let text = text.trim();
    if text.len() < least || text.len() > LONGEST_NOTE_BYTES {
        return Err((
            field,
            format!(
                "it has {} bytes; write {least} to {LONGEST_NOTE_BYTES}",
                text.len()
            ),
        ));
    }
    Ok(text.to_owned())
}

fn tags(sent: &[String]) -> Result<Vec<String>, FieldProblem> {
    let is_good =
        |tag: &String| !tag.is_empty() && tag.len() <= LONGEST_TAG_BYTES && !tag.contains('\n');
    if sent.len() > MOST_TAGS || !sent.iter().all(is_good) {
        return Err((
            "tags",
            format!("write at most {MOST_TAGS} of 1 to {LONGEST_TAG_BYTES} bytes"),
        ));
    }
    Ok(sent.to_vec())
}

/// Why a magnitude is unusual stays with the row.
fn note(sent: &wire::FactorTableRow) -> Result<String, FieldProblem> {
    let note = text("note", &sent.note, 0)?;
    let because = text("unusual_because", &sent.unusual_because, 0)?;
    Ok(match (note.is_empty(), because.is_empty()) {
        (_, true) => note,
        (true, false) => format!("unusual: {because}"),
        (false, false) => format!("{note}; unusual: {because}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, region: &str, year: i32, value: &str) -> wire::FactorTableRow {
        wire::FactorTableRow {
            row: id.into(),
            kind: "grid_average".into(),
            subject: "electricity".into(),
            region: region.into(),
            unit: "kgCO2/kWh".into(),
            valid_from: format!("{year}-01-01T00:00:00+08:00"),
            valid_to: format!("{}-01-01T00:00:00+08:00", year + 1),
            value: value.into(),
            locator: "table 2".into(),
            mark: wire::FactorMark::Secondary.into(),
            u95_ppm: 100_000,
            ..wire::FactorTableRow::default()
        }
    }

    fn table() -> wire::FactorTable {
        wire::FactorTable {
            set: "cn-grid".into(),
            version: "2023".into(),
            publisher: "MEE".into(),
            published_on: "2026-01-15".into(),
            document: "announcement".into(),
            rows: vec![
                row("north-2022", "north-china", 2022, "0.6776"),
                row("north-2023", "north-china", 2023, "0.6361"),
            ],
        }
    }

    #[test]
    fn a_good_table_is_one_publication_of_its_rows() {
        let taken = take_in_table(&table()).expect("good");
        assert_eq!(taken.rows().len(), 2);
        assert_eq!(taken.rows()[1].value(0).to_string(), "0.6361");
    }

    #[test]
    fn each_fault_is_named_by_its_row_and_remedy() {
        type Change = fn(&mut wire::FactorTable);
        let cases: [(&str, &str, Change); 14] = [
            ("set", "factor set id", |table| table.set = "CN grid".into()),
            ("version", "write 1 to", |table| table.version.clear()),
            ("document", "write 1 to", |table| table.document.clear()),
            ("published_on", "YYYY-MM-DD", |table| {
                table.published_on = "2026".into()
            }),
            ("rows", "1 to 500", |table| table.rows.clear()),
            ("rows[1].row", "id", |table| {
                table.rows[1].row = "no id".into()
            }),
            ("rows[1].kind", "grid_average", |table| {
                table.rows[1].kind = "grid".into()
            }),
            ("rows[0].unit", "HFC-134a", |table| {
                table.rows[0].unit = "kgCO3/kWh".into()
            }),
            ("rows[0].unit", "does not fit", |table| {
                table.rows[0].unit = "kgCO2/km".into()
            }),
            ("rows[1].value", "decimal", |table| {
                table.rows[1].value = "0,6361".into()
            }),
            ("rows[1].value", "below zero", |table| {
                table.rows[1].value = "-0.6361".into()
            }),
            ("rows[1].value", "overlap", |table| {
                table.rows[1].valid_from = "2022-07-01T00:00:00+08:00".into();
            }),
            ("rows[1].mark", "VERIFIED", |table| table.rows[1].mark = 0),
            ("rows[0].locator", "write 1 to", |table| {
                table.rows[0].locator.clear()
            }),
        ];
        for (field, remedy, change) in cases {
            let mut changed = table();
            change(&mut changed);
            let refusal = take_in_table(&changed).expect_err(field);
            assert_eq!(refusal.field, field, "{refusal}");
            assert!(refusal.problem.contains(remedy), "{refusal}");
        }
    }

    #[test]
    fn an_unusual_magnitude_needs_a_reason_which_stays_with_the_row() {
        let mut sent = table();
        sent.rows[1].value = "0.2000".into();
        assert!(
            take_in_table(&sent)
                .expect_err("a step")
                .problem
                .contains("unusual_because")
        );
        sent.rows[1].unusual_because = "a wet year".into();
        let taken = take_in_table(&sent).expect("explained");
        assert_eq!(taken.rows()[1].detail.note, "unusual: a wet year");
    }
}
