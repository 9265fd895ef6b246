//! A4 pages from top to bottom: text, tables, lines. Lengths in points.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::font::Font;
use crate::ReportError;
use crate::text::sheet_words;

const PAGE_WIDTH: f32 = 595.28;
const PAGE_HEIGHT: f32 = 841.89;
const MARGIN: f32 = 48.0;
const FOOTER: f32 = 34.0;
/// What stands between the margins.
pub const WIDTH: f32 = PAGE_WIDTH - 2.0 * MARGIN;
const FONT_NAME: Name<'static> = Name(b"F0");

/// Red, green, blue, 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Colour(pub f32, pub f32, pub f32);

/// Text.
pub const INK: Colour = Colour(0.10, 0.12, 0.12);
/// Text that stands back.
pub const QUIET: Colour = Colour(0.42, 0.45, 0.45);
/// Thin lines.
pub const LINE: Colour = Colour(0.82, 0.84, 0.84);
/// Behind what matters.
pub const TINT: Colour = Colour(0.93, 0.95, 0.94);

/// Pages that are being written.
pub struct Canvas {
    font: Font,
    pages: Vec<Content>,
    y: f32,
    footer: String,
}

/// Compressed, as streams of a file are.
pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // A vector takes whatever is written to it.
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
}

impl Canvas {
    /// The first page.
    pub fn new(footer: String) -> Result<Canvas, ReportError> {
        let mut canvas = Canvas {
            font: Font::new()?,
            pages: Vec::new(),
            y: 0.0,
            footer,
        };
        canvas.next_page();
        Ok(canvas)
    }

    fn next_page(&mut self) {
        self.pages.push(Content::new());
        self.y = PAGE_HEIGHT - MARGIN;
    }

    fn page(&mut self) -> &mut Content {
        self.pages.last_mut().expect("there is a first page")
    }

    /// Where the next thing begins.
    pub fn y(&self) -> f32 {
        self.y
    }

    /// Goes on further down.
    pub fn down(&mut self, height: f32) {
        self.y -= height;
    }

    /// Leaves room, unless at the top.
    pub fn space(&mut self, height: f32) {
        self.y -= height;
    }

    /// Begins a page unless so much fits on this one.
    pub fn need(&mut self, height: f32) {
        if self.y - height < MARGIN + FOOTER {
            self.next_page();
        }
    }

    /// Width of a text.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        self.font.width(text, size)
    }

    /// Lines of a text that fit a width.
    pub fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = 0.0;
        for piece in sheet_words(text) {
            let wide = self.width(piece, size);
            if used > 0.0 && used + wide > width {
                lines.push(String::new());
                used = 0.0;
            }
            let piece = if used == 0.0 {
                piece.trim_start()
            } else {
                piece
            };
            used += self.width(piece, size);
            if let Some(line) = lines.last_mut() {
                line.push_str(piece);
            }
        }
        lines
    }

    /// Text at a place: `x` from the left margin, `y` from the bottom of the page.
    pub fn text_at(&mut self, x: f32, y: f32, size: f32, colour: Colour, text: &str) {
        if text.is_empty() {
            return;
        }
        let bytes = self.font.encode(text);
        let page = self.page();
        page.begin_text();
        page.set_font(FONT_NAME, size);
        page.set_fill_rgb(colour.0, colour.1, colour.2);
        page.set_text_matrix([1.0, 0.0, 0.0, 1.0, MARGIN + x, y]);
        page.show(Str(&bytes));
        page.end_text();
    }

    /// Text that ends at a place.
    pub fn text_right(&mut self, x: f32, y: f32, size: f32, colour: Colour, text: &str) {
        let wide = self.width(text, size);
        self.text_at(x - wide, y, size, colour, text);
    }

    /// A text over the whole width.
    pub fn paragraph(&mut self, text: &str, size: f32, colour: Colour) {
        for line in self.wrap(text, size, WIDTH) {
            self.need(size * 1.4);
            let y = self.y - size;
            self.text_at(0.0, y, size, colour, &line);
            self.down(size * 1.4);
        }
    }

    /// A heading that stays with what follows.
    pub fn heading(&mut self, text: &str) {
        self.need(60.0);
        self.space(4.0);
        let y = self.y - 12.0;
        self.text_at(0.0, y, 12.0, INK, text);
        self.down(20.0);
    }

    /// A name and its value.
    pub fn pair(&mut self, name: &str, value: &str, at: f32, size: f32) {
        let lines = self.wrap(value, size, WIDTH - at);
        self.need(size * 1.4 * lines.len() as f32);
        let y = self.y - size;
        self.text_at(0.0, y, size, QUIET, name);
        for line in lines {
            let y = self.y - size;
            self.text_at(at, y, size, INK, &line);
            self.down(size * 1.4);
        }
    }

    /// A text in a coloured box under its title.
    pub fn boxed(&mut self, title: &str, text: &str, colour: Colour) {
        let lines = self.wrap(text, 10.0, WIDTH - 20.0);
        let height = 30.0 + 14.0 * lines.len() as f32;
        self.need(height);
        self.band(height, colour);
        let top = self.y;
        self.text_at(10.0, top - 17.0, 11.5, INK, title);
        for (number, line) in lines.iter().enumerate() {
            self.text_at(10.0, top - 33.0 - 14.0 * number as f32, 10.0, INK, line);
        }
        self.down(height + 6.0);
    }

    /// A coloured band behind what comes next.
    pub fn band(&mut self, height: f32, colour: Colour) {
        let y = self.y - height;
        self.fill(0.0, y, WIDTH, height, colour);
    }

    /// A filled rectangle.
    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        let page = self.page();
        page.set_fill_rgb(colour.0, colour.1, colour.2);
        page.rect(MARGIN + x, y, width, height);
        page.fill_nonzero();
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(f32, f32)], colour: Colour, width: f32) {
        let page = self.page();
        page.set_stroke_rgb(colour.0, colour.1, colour.2);
        page.set_line_width(width);
        for (number, (x, y)) in points.iter().enumerate() {
            if number == 0 {
                page.move_to(MARGIN + x, *y);
            } else {
                page.line_to(MARGIN + x, *y);
            }
        }
        page.stroke();
    }

    /// A line over the whole width, here.
    pub fn rule(&mut self, colour: Colour, width: f32) {
        let y = self.y;
        self.line(&[(0.0, y), (WIDTH, y)], colour, width);
    }

    /// Head of a table.
    pub fn table_head(&mut self, columns: &[f32], titles: &[&str], right: &[bool]) {
        self.need(40.0);
        let texts: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
        self.cells(columns, &texts, right, 8.0, QUIET, 13.0);
        self.rule(QUIET, 0.5);
    }

    /// Row of a table.
    pub fn table_row(&mut self, columns: &[f32], texts: &[String], right: &[bool]) {
        self.need(12.0);
        self.cells(columns, texts, right, 7.5, INK, 11.5);
        self.rule(LINE, 0.2);
    }

    fn cells(
        &mut self,
        columns: &[f32],
        texts: &[String],
        right: &[bool],
        size: f32,
        colour: Colour,
        height: f32,
    ) {
        let y = self.y - size - 1.0;
        let mut x = 0.0;
        for ((width, text), right) in columns.iter().zip(texts).zip(right) {
            let text = self.cut(text, size, width - 3.0);
            if *right {
                self.text_right(x + width, y, size, colour, &text);
            } else {
                self.text_at(x, y, size, colour, &text);
            }
            x += width;
        }
        self.down(height);
    }

    /// A text cut to a width.
    pub fn cut(&self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let mut cut = String::new();
        for character in text.chars() {
            cut.push(character);
            if self.width(&cut, size) + size * 0.6 > width {
                cut.pop();
                break;
            }
        }
        format!("{cut}…")
    }

    /// The file.
    pub fn finish(mut self, title: &str) -> Result<Vec<u8>, ReportError> {
        self.number_pages();
        let mut pdf = Pdf::new();
        let [catalog, tree, info, font] = [1, 2, 3, 4].map(Ref::new);
        // Four references for the typeface's parts, then two for each page.
        let first_page = 9;
        let count = i32::try_from(self.pages.len()).unwrap_or(i32::MAX);
        let page_ref = |number: i32| Ref::new(first_page + 2 * number);
        pdf.catalog(catalog).pages(tree);
        pdf.document_info(info).title(TextStr(title));
        pdf.pages(tree).kids((0..count).map(page_ref)).count(count);
        for (number, content) in (0..).zip(self.pages) {
            let stream = Ref::new(page_ref(number).get() + 1);
            let mut page = pdf.page(page_ref(number));
            page.media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT));
            page.parent(tree);
            page.contents(stream);
            page.resources().fonts().pair(FONT_NAME, font);
            page.finish();
            let bytes = packed(&content.finish());
            pdf.stream(stream, &bytes).filter(Filter::FlateDecode);
        }
        self.font.embed(&mut pdf, font, 5)?;
        Ok(pdf.finish())
    }

    fn number_pages(&mut self) {
        let count = self.pages.len();
        let footer = self.footer.clone();
        let finished = std::mem::take(&mut self.pages);
        for (number, page) in finished.into_iter().enumerate() {
            self.pages.push(page);
            self.line(&[(0.0, MARGIN + 12.0), (WIDTH, MARGIN + 12.0)], LINE, 0.4);
            let footer = self.cut(&footer, 7.5, WIDTH - 60.0);
            self.text_at(0.0, MARGIN, 7.5, QUIET, &footer);
            let page = format!("{} / {count}", number + 1);
            self.text_right(WIDTH, MARGIN, 7.5, QUIET, &page);
        }
    }
}
