//! The statement on A4 pages: verdict, charts, figures, what is netted, notes, and the postings that figures come from.
//!
//! - [`font`]: one typeface for both languages, cut down to what is written
//! - [`canvas`]: pages, text, lines
//! - [`chart`]: bars and lines

mod canvas;
mod chart;
mod font;

use terrarium_proto::ledger::v1 as wire;

use crate::ReportError;
use crate::sheet::{self, Language, Row};
use canvas::{Canvas, Colour, INK, LINE, QUIET, TINT};

/// Postings printed at most; the other forms have them all.
const MOST_POSTINGS: usize = 400;

/// The pages' bytes.
pub fn pdf(statement: &wire::Statement, language: Language) -> Result<Vec<u8>, ReportError> {
    let footer = format!(
        "{} · {} · {}",
        language.of(statement.park_name.as_ref()),
        language.of(statement.title.as_ref()),
        statement.calculated_by
    );
    let mut canvas = Canvas::new(footer)?;
    title(&mut canvas, statement, language);
    verdict(&mut canvas, statement, language);
    for picture in statement.charts.iter().take(1) {
        chart::draw(&mut canvas, picture, language);
    }
    figures(&mut canvas, statement, language);
    for picture in statement.charts.iter().skip(1) {
        chart::draw(&mut canvas, picture, language);
    }
    netting(&mut canvas, statement, language);
    notes(&mut canvas, statement, language);
    postings(&mut canvas, statement, language);
    canvas.finish(language.of(statement.title.as_ref()))
}

fn title(canvas: &mut Canvas, statement: &wire::Statement, language: Language) {
    canvas.paragraph(language.of(statement.title.as_ref()), 20.0, INK);
    canvas.space(4.0);
    for (name, value) in sheet::heading(statement, language) {
        canvas.pair(&name, &value, 96.0, 9.0);
    }
    canvas.space(8.0);
}

/// Colour of a verdict: calm, saturated only where something does not hold.
fn verdict_colour(kind: &str) -> Colour {
    match kind {
        "holds" => Colour(0.85, 0.94, 0.88),
        "holds-straddling" | "by-credits" | "unknown" => Colour(0.99, 0.93, 0.80),
        "fails" => Colour(0.98, 0.87, 0.83),
        _ => TINT,
    }
}

fn verdict(canvas: &mut Canvas, statement: &wire::Statement, language: Language) {
    let verdict = statement.verdict.clone().unwrap_or_default();
    canvas.boxed(
        sheet::verdict(&verdict.kind, language),
        language.of(verdict.words.as_ref()),
        verdict_colour(&verdict.kind),
    );
    if statement.provisional {
        canvas.paragraph(
            language.pick("Provisional: the period is open.", "暂定：报告期尚未关闭。"),
            9.0,
            Colour(0.75, 0.25, 0.10),
        );
    }
    canvas.space(6.0);
}

fn figures(canvas: &mut Canvas, statement: &wire::Statement, language: Language) {
    canvas.heading(language.pick("Figures", "数据"));
    // Widths of label, figure, unit and interval.
    let columns = [292.0, 84.0, 46.0, 77.0];
    canvas.table_head(
        &columns,
        &[
            language.pick("Figure", "项目"),
            language.pick("Value", "数值"),
            "",
            language.pick("± (95 %)", "±（95%）"),
        ],
        &[false, true, false, true],
    );
    for row in sheet::rows(statement, language) {
        figure_row(canvas, &columns, &row);
    }
    canvas.space(10.0);
}

fn figure_row(canvas: &mut Canvas, columns: &[f32; 4], row: &Row) {
    let indent = 10.0 * row.depth as f32;
    let is_strong = matches!(row.role.as_str(), "result");
    let colour = if matches!(row.role.as_str(), "beside" | "limit") {
        QUIET
    } else {
        INK
    };
    let label = canvas.wrap(&row.label, 9.0, columns[0] - indent - 6.0);
    let remark = if row.remark.is_empty() {
        Vec::new()
    } else {
        canvas.wrap(&row.remark, 7.5, columns[0] + 190.0 - indent)
    };
    let height = 12.5 * label.len() as f32 + 10.0 * remark.len() as f32;
    canvas.need(height);
    if is_strong {
        canvas.band(height, TINT);
    }
    let top = canvas.y();
    for (number, text) in label.iter().enumerate() {
        canvas.text_at(indent, top - 9.5 - 12.5 * number as f32, 9.0, colour, text);
    }
    let right = columns[0] + columns[1];
    canvas.text_right(right, top - 9.5, 9.0, colour, &row.shown);
    canvas.text_at(right + 4.0, top - 9.5, 8.0, QUIET, &row.unit);
    if !row.shown_half95.is_empty() {
        let text = format!("± {}", row.shown_half95);
        canvas.text_right(columns.iter().sum(), top - 9.5, 8.0, QUIET, &text);
    }
    let below = top - 12.5 * label.len() as f32;
    for (number, text) in remark.iter().enumerate() {
        canvas.text_at(indent, below - 7.5 - 10.0 * number as f32, 7.5, QUIET, text);
    }
    canvas.down(height);
    canvas.rule(LINE, 0.3);
}

fn netting(canvas: &mut Canvas, statement: &wire::Statement, language: Language) {
    canvas.heading(language.pick("What is counted and what is not", "计入与不计入"));
    for line in &statement.netting {
        let flow = canvas.wrap(language.of(line.flow.as_ref()), 9.0, 160.0);
        let why = canvas.wrap(language.of(line.why.as_ref()), 8.5, 182.0);
        let height = 12.0 * flow.len().max(why.len()) as f32 + 3.0;
        canvas.need(height);
        let top = canvas.y();
        let treatment = sheet::treatment(&line.treatment, language);
        for (number, text) in flow.iter().enumerate() {
            canvas.text_at(0.0, top - 10.0 - 12.0 * number as f32, 9.0, INK, text);
        }
        canvas.text_at(166.0, top - 10.0, 8.5, QUIET, treatment);
        let amount = sheet::amount(line.amount, &line.unit);
        canvas.text_right(308.0, top - 10.0, 8.5, INK, &amount);
        for (number, text) in why.iter().enumerate() {
            canvas.text_at(316.0, top - 10.0 - 12.0 * number as f32, 8.5, QUIET, text);
        }
        canvas.down(height);
        canvas.rule(LINE, 0.3);
    }
    canvas.space(10.0);
}

fn notes(canvas: &mut Canvas, statement: &wire::Statement, language: Language) {
    if statement.notes.is_empty() {
        return;
    }
    canvas.heading(language.pick("What a reader has to know", "阅读须知"));
    for note in &statement.notes {
        canvas.paragraph(language.of(Some(note)), 9.0, INK);
        canvas.space(3.0);
    }
    canvas.space(8.0);
}

fn postings(canvas: &mut Canvas, statement: &wire::Statement, language: Language) {
    if statement.postings.is_empty() {
        return;
    }
    canvas.heading(language.pick("Postings behind the figures", "数据所依据的账目"));
    // Right-hand ends of number, amount and tonnes; starts of the others.
    let columns = [22.0, 66.0, 82.0, 122.0, 70.0, 60.0, 77.0];
    canvas.table_head(
        &columns,
        &[
            "#",
            language.pick("Book", "账簿"),
            language.pick("Asset", "资产"),
            language.pick("Activity, method", "活动、方法"),
            language.pick("From", "开始"),
            "tCO2e",
            language.pick("Amount", "数量"),
        ],
        &[false, false, false, false, false, true, true],
    );
    for (number, posting) in statement.postings.iter().take(MOST_POSTINGS).enumerate() {
        let texts = [
            (number + 1).to_string(),
            posting.book.clone(),
            posting.asset.clone(),
            format!("{}, {}", posting.activity, posting.method),
            posting.interval_start.get(..10).unwrap_or("").to_owned(),
            sheet::tonnes(posting.co2e_mg),
            sheet::posted(posting),
        ];
        canvas.table_row(
            &columns,
            &texts,
            &[false, false, false, false, false, true, true],
        );
    }
    if statement.postings.len() > MOST_POSTINGS {
        let rest = statement.postings.len() - MOST_POSTINGS;
        canvas.paragraph(
            &match language {
                Language::En => format!("{rest} more: see the workbook or the JSON."),
                Language::Zh => format!("另有 {rest} 条，见工作簿或 JSON。"),
            },
            8.5,
            QUIET,
        );
    }
}
