//! The statement as a workbook: figures, netting list, postings, charts.

use rust_xlsxwriter::{
    Chart, ChartType, DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet,
};
use terrarium_ledger::claims::statement::Unit;
use terrarium_proto::ledger::v1 as wire;

use crate::ReportError;
use crate::sheet::{self, Language};

/// Rows that a chart covers in a sheet.
const CHART_ROWS: u32 = 18;

/// The workbook's bytes.
pub fn xlsx(statement: &wire::Statement, language: Language) -> Result<Vec<u8>, ReportError> {
    let mut workbook = Workbook::new();
    // A fixed moment: the same statement gives the same bytes.
    let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
    let properties = DocProperties::new()
        .set_title(language.of(statement.title.as_ref()))
        .set_creation_datetime(&made);
    workbook.set_properties(&properties);
    figures(workbook.add_worksheet(), statement, language)?;
    netting(workbook.add_worksheet(), statement, language)?;
    postings(workbook.add_worksheet(), statement, language)?;
    if !statement.charts.is_empty() {
        charts(workbook.add_worksheet(), statement, language)?;
    }
    Ok(workbook.save_to_buffer()?)
}

fn header() -> Format {
    Format::new()
        .set_bold()
        .set_background_color(0x00DD_E6E4)
        .set_text_wrap()
}

fn head(sheet: &mut Worksheet, row: u32, titles: &[&str]) -> Result<(), ReportError> {
    for (column, title) in (0_u16..).zip(titles) {
        sheet.write_string_with_format(row, column, *title, &header())?;
    }
    Ok(())
}

/// The number format in which people read a unit; the cell holds the figure in the unit that people read.
fn number_format(unit: &str) -> Format {
    Format::new().set_num_format(match Unit::parse(unit) {
        Some(Unit::Count) => "#,##0",
        Some(Unit::Ppm) => "0.00",
        _ => "#,##0.000",
    })
}

fn read(value: i64, unit: &str) -> f64 {
    let power = Unit::parse(unit).map_or(0, |unit| unit.read_in().1);
    // For a spreadsheet only: the exact figure stands beside it as text.
    value as f64 / 10_f64.powi(power as i32)
}

fn figures(
    page: &mut Worksheet,
    statement: &wire::Statement,
    language: Language,
) -> Result<(), ReportError> {
    page.set_name(language.pick("Statement", "声明"))?;
    let bold = Format::new().set_bold().set_font_size(14);
    page.write_string_with_format(0, 0, language.of(statement.title.as_ref()), &bold)?;
    let mut row = 1;
    for (name, value) in sheet::heading(statement, language) {
        page.write_string(row, 0, &name)?;
        page.write_string(row, 1, &value)?;
        row += 1;
    }
    let verdict = statement.verdict.clone().unwrap_or_default();
    page.write_string(row, 0, sheet::verdict(&verdict.kind, language))?;
    page.write_string(row, 1, language.of(verdict.words.as_ref()))?;
    row += 2;
    head(
        page,
        row,
        &[
            language.pick("Figure", "项目"),
            language.pick("Value", "数值"),
            language.pick("Unit", "单位"),
            language.pick("± (95 %)", "±（95%）"),
            language.pick("Remark", "备注"),
            language.pick("Where it comes from", "来源"),
            language.pick("Id", "标识"),
            language.pick("Exact", "精确值"),
            language.pick("Unit of exact", "精确值单位"),
        ],
    )?;
    page.set_freeze_panes(row + 1, 1)?;
    for line in sheet::rows(statement, language) {
        row += 1;
        let depth = u8::try_from(line.depth).unwrap_or(0);
        let mut label = Format::new().set_indent(depth);
        if matches!(line.role.as_str(), "sum" | "result") {
            label = label.set_bold();
        }
        page.write_string_with_format(row, 0, &line.label, &label)?;
        let is_date = line.exact_unit == Unit::Date.token();
        match line.exact {
            Some(value) if !is_date => {
                let format = number_format(&line.exact_unit);
                page.write_number_with_format(row, 1, read(value, &line.exact_unit), &format)?;
            }
            _ => {
                let right = Format::new().set_align(FormatAlign::Right);
                page.write_string_with_format(row, 1, &line.shown, &right)?;
            }
        }
        page.write_string(row, 2, &line.unit)?;
        if let Some(half) = line.exact_half95.filter(|half| *half != 0) {
            let format = number_format(&line.exact_unit);
            page.write_number_with_format(row, 3, read(half, &line.exact_unit), &format)?;
        }
        page.write_string(row, 4, &line.remark)?;
        page.write_string(row, 5, &line.sources)?;
        page.write_string(row, 6, &line.id)?;
        let exact = line
            .exact
            .map_or_else(String::new, |value| value.to_string());
        page.write_string(row, 7, &exact)?;
        page.write_string(row, 8, &line.exact_unit)?;
    }
    row += 2;
    for note in &statement.notes {
        page.write_string(row, 0, language.of(Some(note)))?;
        row += 1;
    }
    for (column, width) in [
        (0, 58),
        (1, 16),
        (2, 10),
        (3, 12),
        (4, 44),
        (5, 44),
        (6, 28),
        (7, 20),
        (8, 12),
    ] {
        page.set_column_width(column, width)?;
    }
    Ok(())
}

fn netting(
    page: &mut Worksheet,
    statement: &wire::Statement,
    language: Language,
) -> Result<(), ReportError> {
    page.set_name(language.pick("Netting", "抵扣清单"))?;
    head(
        page,
        0,
        &[
            language.pick("Flow", "项目"),
            language.pick("Treatment", "处理"),
            language.pick("Amount", "数量"),
            language.pick("Why", "原因"),
        ],
    )?;
    for (row, line) in (1_u32..).zip(&statement.netting) {
        page.write_string(row, 0, language.of(line.flow.as_ref()))?;
        page.write_string(row, 1, sheet::treatment(&line.treatment, language))?;
        page.write_string(row, 2, sheet::amount(line.amount, &line.unit))?;
        page.write_string(row, 3, language.of(line.why.as_ref()))?;
    }
    for (column, width) in [(0, 44), (1, 14), (2, 20), (3, 100)] {
        page.set_column_width(column, width)?;
    }
    Ok(())
}

fn postings(
    page: &mut Worksheet,
    statement: &wire::Statement,
    language: Language,
) -> Result<(), ReportError> {
    page.set_name(language.pick("Postings", "账目"))?;
    head(
        page,
        0,
        &[
            "#",
            language.pick("Book", "账簿"),
            language.pick("Asset", "资产"),
            language.pick("Party", "责任方"),
            language.pick("Scope", "范围"),
            language.pick("Category", "类别"),
            language.pick("Basis", "依据"),
            language.pick("Activity", "活动"),
            language.pick("From", "开始"),
            language.pick("Amount", "数量"),
            language.pick("Unit", "单位"),
            "tCO2e",
            language.pick("Method", "方法"),
            language.pick("Factors", "因子"),
            language.pick("Tier", "数据等级"),
            "mgCO2e",
        ],
    )?;
    page.set_freeze_panes(1, 0)?;
    for (row, posting) in (1_u32..).zip(&statement.postings) {
        page.write_number(row, 0, f64::from(row))?;
        page.write_string(row, 1, &posting.book)?;
        page.write_string(row, 2, &posting.asset)?;
        page.write_string(row, 3, &posting.party)?;
        page.write_number(row, 4, f64::from(posting.scope))?;
        page.write_number(row, 5, f64::from(posting.category))?;
        page.write_string(row, 6, &posting.basis)?;
        page.write_string(row, 7, &posting.activity)?;
        page.write_string(row, 8, &posting.interval_start)?;
        page.write_number(row, 9, posting.amount as f64)?;
        page.write_string(row, 10, &posting.unit)?;
        let format = number_format(Unit::Co2eMg.token());
        page.write_number_with_format(
            row,
            11,
            read(posting.co2e_mg, Unit::Co2eMg.token()),
            &format,
        )?;
        page.write_string(row, 12, &posting.method)?;
        page.write_string(row, 13, posting.factors.join(", "))?;
        page.write_number(row, 14, f64::from(posting.tier))?;
        page.write_string(row, 15, posting.co2e_mg.to_string())?;
    }
    for (column, width) in [
        (1, 10),
        (2, 22),
        (7, 24),
        (8, 26),
        (9, 14),
        (11, 14),
        (12, 22),
        (13, 40),
        (15, 18),
    ] {
        page.set_column_width(column, width)?;
    }
    Ok(())
}

fn charts(
    page: &mut Worksheet,
    statement: &wire::Statement,
    language: Language,
) -> Result<(), ReportError> {
    let name = language.pick("Charts", "图表");
    page.set_name(name)?;
    let mut row = 0;
    for chart in &statement.charts {
        let top = row;
        page.write_string_with_format(row, 0, language.of(chart.title.as_ref()), &header())?;
        for (column, series) in (1_u16..).zip(&chart.series) {
            page.write_string_with_format(
                row,
                column,
                language.of(series.title.as_ref()),
                &header(),
            )?;
        }
        for (number, label) in chart.labels.iter().enumerate() {
            row += 1;
            page.write_string(row, 0, label)?;
            for (column, series) in (1_u16..).zip(&chart.series) {
                if let Some(value) = series.values.get(number).and_then(|value| value.value) {
                    page.write_number(row, column, read(value, &chart.unit))?;
                }
            }
        }
        let kind = if chart.kind == "lines" {
            ChartType::Line
        } else {
            ChartType::ColumnStacked
        };
        let mut picture = Chart::new(kind);
        picture.title().set_name(language.of(chart.title.as_ref()));
        for (column, _) in (1_u16..).zip(&chart.series) {
            picture
                .add_series()
                .set_name((name, top, column))
                .set_categories((name, top + 1, 0, row, 0))
                .set_values((name, top + 1, column, row, column));
        }
        let beside = u16::try_from(chart.series.len()).unwrap_or(1) + 2;
        page.insert_chart(top, beside, &picture)?;
        row = (row + 2).max(top + CHART_ROWS);
    }
    page.set_column_width(0, 24)?;
    Ok(())
}
