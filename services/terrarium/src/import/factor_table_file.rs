//! A file with a table of factors (TOML): `[table]` says what all rows share, each `[[row]]` the rest.

use serde::Deserialize;
use terrarium_model::Decimal;
use terrarium_proto::carbon::v1::{FactorMark, FactorTable, FactorTableRow};

use super::factor_file::FactorFileProblem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    table: Head,
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    set: String,
    version: String,
    publisher: String,
    published_on: String,
    document: String,
    /// Of the years of rows, such as "+08:00".
    offset: Option<String>,
    #[serde(flatten)]
    shared: Shared,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    row: String,
    value: String,
    locator: String,
    /// Instead of `valid_from` and `valid_to`: one year of the table's offset.
    year: Option<i32>,
    unusual_because: Option<String>,
    #[serde(flatten)]
    own: Shared,
}

/// What a row may say, and the table for all rows that don't.
#[derive(Clone, Default, Deserialize)]
struct Shared {
    kind: Option<String>,
    subject: Option<String>,
    region: Option<String>,
    unit: Option<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    mark: Option<String>,
    /// Half of the 95 % interval in per cent of the value.
    u95_percent: Option<String>,
    context: Option<String>,
    tags: Option<Vec<String>>,
    note: Option<String>,
}

/// Whether a file holds a table rather than one set.
pub fn is_table(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "[table]")
}

/// Reads a table. What the values say is checked by the service's own rules.
pub fn read_factor_table(file: &str, text: &str) -> Result<FactorTable, FactorFileProblem> {
    let content: TableFile =
        toml::from_str(text).map_err(|error| FactorFileProblem::Malformed {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
    let head = &content.table;
    let rows = content
        .row
        .iter()
        .map(|row| {
            read_row(head, row).map_err(|reason| FactorFileProblem::Row {
                file: file.to_owned(),
                row: row.row.clone(),
                reason,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(FactorTable {
        set: head.set.clone(),
        version: head.version.clone(),
        publisher: head.publisher.clone(),
        published_on: head.published_on.clone(),
        document: head.document.clone(),
        rows,
    })
}

fn read_row(head: &Head, row: &Row) -> Result<FactorTableRow, String> {
    let of = |key: &str, own: &Option<String>, shared: &Option<String>| {
        own.clone().or_else(|| shared.clone()).ok_or_else(|| {
            format!("{key} is missing; give it in the row, or for all rows in [table]")
        })
    };
    let (own, shared) = (&row.own, &head.shared);
    let (valid_from, valid_to) = match row.year {
        Some(year) => {
            if own.valid_from.is_some() || own.valid_to.is_some() {
                return Err("it has a year and valid_from or valid_to; keep one of them".to_owned());
            }
            let offset = head.offset.as_deref().ok_or(
                "it has a year, and [table] has no offset; write such as offset = \"+08:00\"",
            )?;
            (
                format!("{year:04}-01-01T00:00:00{offset}"),
                format!("{:04}-01-01T00:00:00{offset}", year + 1),
            )
        }
        None => (
            of("valid_from", &own.valid_from, &shared.valid_from)?,
            of("valid_to", &own.valid_to, &shared.valid_to)?,
        ),
    };
    let mark = match of("mark", &own.mark, &shared.mark)?.as_str() {
        "verified" => FactorMark::Verified,
        "secondary" => FactorMark::Secondary,
        "default" => FactorMark::Default,
        other => {
            return Err(format!(
                "mark \"{other}\" is not known; write verified (the primary document was seen), secondary or default"
            ));
        }
    };
    let percent = of("u95_percent", &own.u95_percent, &shared.u95_percent)?;
    let u95_ppm = Decimal::parse(&percent)
        .ok()
        .and_then(|percent| percent.to_integer_units(10_000, 1))
        .and_then(|ppm| u32::try_from(ppm).ok())
        .ok_or_else(|| {
            format!("u95_percent \"{percent}\" is no percentage; write such as \"10\"")
        })?;
    Ok(FactorTableRow {
        row: row.row.clone(),
        kind: of("kind", &own.kind, &shared.kind)?,
        subject: of("subject", &own.subject, &shared.subject)?,
        region: of("region", &own.region, &shared.region)?,
        unit: of("unit", &own.unit, &shared.unit)?,
        valid_from,
        valid_to,
        value: row.value.clone(),
        locator: row.locator.clone(),
        mark: mark.into(),
        u95_ppm,
        context: own
            .context
            .clone()
            .or_else(|| shared.context.clone())
            .unwrap_or_default(),
        tags: own
            .tags
            .clone()
            .or_else(|| shared.tags.clone())
            .unwrap_or_default(),
        note: own
            .note
            .clone()
            .or_else(|| shared.note.clone())
            .unwrap_or_default(),
        unusual_because: row.unusual_because.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use terrarium_carbon::table_intake::take_in_table;
    use terrarium_ledger::factor_check::{CheckedRow, check_rows};
    use terrarium_ledger::{FactorKind, Gas, GwpSet};

    use super::*;

    const HEAD: &str = "[table]\nset = \"cn\"\nversion = \"1\"\npublisher = \"MEE\"\npublished_on = \"2026-01-15\"\n\
        document = \"a table\"\nkind = \"grid_average\"\nsubject = \"electricity\"\nunit = \"kgCO2/kWh\"\noffset = \"+08:00\"\n\
        mark = \"secondary\"\nu95_percent = \"10\"\n";
    const ROW: &str = "[[row]]\nrow = \"north-2023\"\nregion = \"north-china\"\nyear = 2023\nvalue = \"0.6361\"\nlocator = \"North\"\n";

    fn read(text: &str) -> Result<FactorTable, String> {
        read_factor_table("t.toml", text).map_err(|problem| problem.to_string())
    }

    #[test]
    fn rows_take_over_what_the_table_says_for_all() {
        let table = read(&format!("{HEAD}{ROW}")).expect("good");
        let row = &table.rows[0];
        assert_eq!(
            (row.valid_from.as_str(), row.valid_to.as_str()),
            ("2023-01-01T00:00:00+08:00", "2024-01-01T00:00:00+08:00")
        );
        assert_eq!((row.kind.as_str(), row.u95_ppm), ("grid_average", 100_000));
        assert!(take_in_table(&table).is_ok());
    }

    #[test]
    fn what_a_row_lacks_or_has_twice_is_named() {
        for (text, said) in [
            (
                format!("{}{ROW}", HEAD.replace("mark = \"secondary\"\n", "")),
                "mark is missing",
            ),
            (
                format!("{}{ROW}", HEAD.replace("secondary", "seen")),
                "mark \"seen\"",
            ),
            (
                format!("{}{ROW}", HEAD.replace("\"10\"", "\"ten\"")),
                "no percentage",
            ),
            (
                format!("{}{ROW}", HEAD.replace("offset = \"+08:00\"\n", "")),
                "no offset",
            ),
            (
                format!("{HEAD}{ROW}valid_to = \"2024-01-01T00:00:00+08:00\"\n"),
                "keep one of them",
            ),
            (format!("{HEAD}{ROW}valeu = \"1\"\n"), "valeu"),
        ] {
            let problem = read(&text).expect_err(said);
            assert!(problem.contains(said), "{problem}");
        }
    }

    fn library() -> Vec<(String, FactorTable)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/factors/library");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("the library")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files
            .into_iter()
            .map(|path| {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(&path).expect("readable");
                let table = read_factor_table(&name, &text).expect("a good table");
                (name, table)
            })
            .collect()
    }

    #[test]
    fn every_table_of_the_library_is_taken_and_all_regions_agree_with_each_other() {
        let mut rows = Vec::new();
        for (name, table) in library() {
            let publication =
                take_in_table(&table).unwrap_or_else(|error| panic!("{name}: {error}"));
            rows.extend(publication.rows().to_vec());
        }
        let checked: Vec<CheckedRow<'_>> = rows
            .iter()
            .map(|row| CheckedRow {
                row,
                is_explained: row.detail.note.contains("unusual: "),
            })
            .collect();
        assert_eq!(check_rows(&checked), Vec::new());
        assert!(rows.len() > 250, "{}", rows.len());
        let has = |kind: FactorKind| rows.iter().any(|row| row.kind == kind);
        for kind in [
            FactorKind::GridAverage,
            FactorKind::ResidualMix,
            FactorKind::FossilOnly,
            FactorKind::OperatingMargin,
            FactorKind::Heat,
            FactorKind::FuelProperty,
            FactorKind::WaterEnergy,
            FactorKind::Waste,
            FactorKind::Compost,
            FactorKind::Transport,
            FactorKind::Material,
            FactorKind::Tree,
            FactorKind::Refrigerant,
        ] {
            assert!(has(kind), "{}", kind.token());
        }
    }

    /// The note of the project marks nothing of the grid as seen on the ministry's own page.
    #[test]
    fn nothing_is_called_verified_that_was_read_in_a_secondary_source() {
        for (name, table) in library() {
            for row in &table.rows {
                assert_ne!(row.mark(), FactorMark::Verified, "{name}, {}", row.row);
            }
        }
    }

    #[test]
    fn the_warming_potentials_of_the_library_are_those_that_views_weigh_with() {
        let (_, table) = library()
            .into_iter()
            .find(|(_, table)| table.set == "ipcc-warming-potentials")
            .expect("the table");
        for row in &table.rows {
            let (set, gas) = row.subject.split_once('/').expect("set/gas");
            let set = GwpSet::parse(set).expect(&row.subject);
            let gas = Gas::parse(gas).expect(&row.subject);
            let tenths = Decimal::parse(&row.value)
                .expect("a decimal")
                .to_integer_units(10, 1);
            assert_eq!(set.tenths(gas), tenths, "{}", row.subject);
        }
    }
}
