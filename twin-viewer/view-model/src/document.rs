//! A text with headings and tables that is written as Markdown or as one HTML page.

use std::fmt::Write;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Html,
}

impl Format {
    /// Of a file's name; Markdown where it is no HTML.
    pub fn of_file(name: &str) -> Format {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".html") || name.ends_with(".htm") {
            Format::Html
        } else {
            Format::Markdown
        }
    }

    /// What a file's name ends in.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Markdown => "md",
            Format::Html => "html",
        }
    }
}

/// A text in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    pub title: String,
    /// As in HTML: `en` or `zh-Hans`.
    pub language: &'static str,
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Heading(String),
    Paragraph(String),
    /// The first row is the header.
    Table(Vec<Vec<String>>),
}

impl Document {
    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(crate) fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    /// A table; nothing where it has no row but the header.
    pub(crate) fn table(&mut self, rows: Vec<Vec<String>>) {
        if rows.len() > 1 {
            self.blocks.push(Block::Table(rows));
        }
    }

    /// The whole text.
    pub fn written(&self, format: Format) -> String {
        match format {
            Format::Markdown => self.markdown(),
            Format::Html => self.html(),
        }
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n", plain(&self.title));
        for block in &self.blocks {
            text.push('\n');
            match block {
                Block::Heading(heading) => {
                    let _ = writeln!(text, "## {}", plain(heading));
                }
                Block::Paragraph(paragraph) => {
                    let _ = writeln!(text, "{}", plain(paragraph));
                }
                Block::Table(rows) => {
                    for (number, row) in rows.iter().enumerate() {
                        let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
                        let _ = writeln!(text, "| {} |", cells.join(" | "));
                        if number == 0 {
                            let _ = writeln!(text, "|{}", " --- |".repeat(row.len()));
                        }
                    }
                }
            }
        }
        text
    }

    fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n",
            self.language
        );
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => {
                    let _ = writeln!(text, "<h2>{}</h2>", escaped(heading));
                }
                Block::Paragraph(paragraph) => {
                    let _ = writeln!(text, "<p>{}</p>", escaped(paragraph));
                }
                Block::Table(rows) => {
                    text.push_str("<table>\n");
                    for (number, row) in rows.iter().enumerate() {
                        let tag = if number == 0 { "th" } else { "td" };
                        text.push_str("<tr>");
                        for cell in row {
                            let _ = write!(text, "<{tag}>{}</{tag}>", escaped(cell));
                        }
                        text.push_str("</tr>\n");
                    }
                    text.push_str("</table>\n");
                }
            }
        }
        text.push_str("</html>\n");
        text
    }
}

const STYLE: &str = "body{font:14px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse;margin:1em 0}th,td{border:1px solid #bbb;padding:.25em .6em;text-align:left}th{background:#eee}";

/// One line, without what Markdown would take for markup.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => plain.push(' '),
            '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '\\' => {
                plain.push('\\');
                plain.push(character);
            }
            other => plain.push(other),
        }
    }
    plain
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_text_and_never_markup() {
        let mut document = Document {
            title: "A & B".into(),
            language: "en",
            ..Document::default()
        };
        document.heading("Alarms");
        document.table(vec![vec!["name".into()], vec!["<script>|\nx".into()]]);
        document.table(vec![vec!["nothing below".into()]]);
        let markdown = document.written(Format::Markdown);
        assert_eq!(
            markdown,
            "# A & B\n\n## Alarms\n\n| name |\n| --- |\n| \\<script\\>\\| x |\n"
        );
        let html = document.written(Format::of_file("Report.HTML"));
        assert!(html.contains("<h1>A &amp; B</h1>"));
        assert!(html.contains("<td>&lt;script&gt;|\nx</td>"));
    }
}
