//! One statement in every form: the same figures in each, the same bytes each time.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use terrarium_proto::ledger::v1 as wire;
use terrarium_report::{Language, csv, parquet, pdf, table, xlsx};

fn words(en: &str, zh: &str) -> Option<wire::Words> {
    Some(wire::Words {
        en: en.to_owned(),
        zh: zh.to_owned(),
    })
}

fn line(id: &str, en: &str, zh: &str, value: Option<i64>) -> wire::StatementLine {
    wire::StatementLine {
        id: id.to_owned(),
        words: words(en, zh),
        value,
        unit: "mgCO2e".to_owned(),
        half95: value.map(|value| value.abs() / 10),
        role: "sum".to_owned(),
        sources: vec![wire::FigureSource {
            source: Some(wire::figure_source::Source::Posting(0)),
            share_ppm: 1_000_000,
        }],
        ..wire::StatementLine::default()
    }
}

/// A statement with a chart of each kind, a figure that is not known, and more postings than a page holds.
fn statement() -> wire::Statement {
    let chart = |kind: &str| wire::Chart {
        title: words("Emissions by month", "逐月排放"),
        kind: kind.to_owned(),
        unit: "mgCO2e".to_owned(),
        labels: (1..=12).map(|month| format!("2025-{month:02}")).collect(),
        series: vec![wire::ChartSeries {
            title: words("Scope 2", "范围二"),
            values: (0..12_i64)
                .map(|month| wire::ChartValue {
                    value: (month != 5).then_some((month - 4) * 1_000_000_000),
                })
                .collect(),
        }],
    };
    wire::Statement {
        claim: "ghgp_inventory_location".to_owned(),
        title: words("Greenhouse gas inventory", "温室气体清单"),
        standard: words("GHG Protocol", "温室气体核算体系"),
        park: "haotian".to_owned(),
        park_name: words("Haotian Carbon-Neutral Park", "昊天碳中和公园"),
        period: Some(wire::Period {
            from: "2025-01-01T00:00:00+08:00".to_owned(),
            to: "2026-01-01T00:00:00+08:00".to_owned(),
        }),
        gwp: "ar6".to_owned(),
        lines: vec![
            line(
                "scope2-location",
                "Scope 2, location-based",
                "范围二（基于位置）",
                Some(31_800_000_000),
            ),
            line("lost", "Not known", "未知", None),
        ],
        netting: vec![wire::NettingLine {
            flow: words("Exported electricity", "外送电力"),
            treatment: "beside".to_owned(),
            amount: Some(15_900_000_000),
            unit: "mgCO2e".to_owned(),
            why: words("Never taken from one's own.", "不从自身清单扣除。"),
        }],
        verdict: Some(wire::Verdict {
            kind: "stated".to_owned(),
            words: words("31.8 tCO2e.", "31.8 tCO2e。"),
        }),
        notes: vec![words("A note.", "说明。").expect("words")],
        charts: vec![chart("stacked-bars"), chart("lines")],
        postings: (0..90)
            .map(|number| wire::StatementPosting {
                book: "emission".to_owned(),
                asset: format!("asset-{number}"),
                activity: "grid-import".to_owned(),
                interval_start: "2025-01-01T00:00:00+08:00".to_owned(),
                amount: 1_000_000,
                unit: "Wh".to_owned(),
                method: "scope2-location/1".to_owned(),
                co2e_mg: 530_600_000,
                ..wire::StatementPosting::default()
            })
            .collect(),
        calculated_by: "terrarium".to_owned(),
        ..wire::Statement::default()
    }
}

#[test]
fn the_same_statement_gives_the_same_bytes_in_every_form() {
    let statement = statement();
    for language in [Language::En, Language::Zh] {
        let forms = || {
            [
                table(&statement, language).into_bytes(),
                csv(&statement, language).expect("csv"),
                parquet(&statement, language).expect("parquet"),
                xlsx(&statement, language).expect("xlsx"),
                pdf(&statement, language).expect("pdf"),
            ]
        };
        let first = forms();
        assert!(first.iter().all(|bytes| !bytes.is_empty()));
        assert!(first == forms(), "{language:?}");
    }
}

#[test]
fn the_table_and_the_csv_say_the_figure_its_interval_and_where_it_comes_from() {
    let text = table(&statement(), Language::En);
    for part in ["31.8 tCO2e", "± 3.180", "told beside", "Stated: 31.8"] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let text = table(&statement(), Language::Zh);
    assert!(
        text.contains("昊天碳中和公园") && text.contains("另列"),
        "{text}"
    );
    let bytes = csv(&statement(), Language::En).expect("csv");
    let text = String::from_utf8(bytes).expect("text");
    assert!(
        text.contains("scope2-location,\"Scope 2, location-based\",31800000000,mgCO2e,3180000000")
    );
    assert!(text.contains("postings 1"));
}

#[test]
fn the_parquet_file_reads_back_with_what_is_not_known_absent() {
    let bytes = parquet(&statement(), Language::En).expect("parquet");
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a file");
    assert_eq!(reader.metadata().file_metadata().num_rows(), 2);
    let rows: Vec<_> = reader
        .get_row_iter(None)
        .expect("rows")
        .map(|row| row.expect("a row"))
        .collect();
    assert_eq!(rows[0].get_string(4).expect("an id"), "scope2-location");
    assert_eq!(rows[0].get_long(6).expect("a value"), 31_800_000_000);
    assert!(rows[1].get_long(6).is_err());
}

/// For a look at the pages: `TERRARIUM_REPORT_PAGES=folder cargo test -p terrarium-report pages`.
#[test]
fn the_pages_have_all_postings_on_as_many_pages_as_it_takes() {
    for (language, name) in [(Language::En, "en"), (Language::Zh, "zh")] {
        let bytes = pdf(&statement(), language).expect("pdf");
        assert!(bytes.starts_with(b"%PDF-"));
        let pages = bytes
            .windows(b"/Type /Page\n".len())
            .filter(|window| *window == b"/Type /Page\n")
            .count();
        assert!(pages >= 3, "{pages} pages");
        if let Some(folder) = std::env::var_os("TERRARIUM_REPORT_PAGES") {
            let file = std::path::Path::new(&folder).join(format!("statement-{name}.pdf"));
            std::fs::write(file, &bytes).expect("written");
        }
    }
}
