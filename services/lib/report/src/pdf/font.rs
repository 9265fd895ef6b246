//! One typeface for both languages: a subset of Noto Sans CJK SC under the SIL Open Font License, the one that the viewer has
//! too. Each file carries only the glyphs that it writes.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::TableProvider;
use skrifa::{FontRef, MetadataProvider, Tag};
use subsetter::GlyphRemapper;

use crate::ReportError;

const FONT: &[u8] = include_bytes!("../../../../../twin-viewer/ui/fonts/terrarium-sans-sc.otf");
const SYSTEM: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};
/// Stands for characters that the typeface lacks.
const MISSING: char = '?';

/// The typeface and what was written with it.
pub struct Font {
    font: FontRef<'static>,
    units_per_em: f32,
    glyphs: GlyphRemapper,
    /// By the glyph's number in the file: its character and width in thousandths.
    written: BTreeMap<u16, (char, f32)>,
}

/// As a typesetter sets it: CO2 with its subscript.
fn set(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut before = ['\0'; 2];
    text.chars().map(move |character| {
        let is_index = before == ['C', 'O'] && character == '2';
        before = [before[1], character];
        if is_index { '₂' } else { character }
    })
}

impl Font {
    /// The typeface.
    pub fn new() -> Result<Font, ReportError> {
        let font = FontRef::new(FONT).map_err(|error| ReportError::Font(error.to_string()))?;
        let units_per_em = font
            .head()
            .map_err(|error| ReportError::Font(error.to_string()))?
            .units_per_em();
        Ok(Font {
            font,
            units_per_em: f32::from(units_per_em),
            glyphs: GlyphRemapper::new(),
            written: BTreeMap::new(),
        })
    }

    fn glyph(&self, character: char) -> u16 {
        let of = |character: char| {
            let glyph = self.font.charmap().map(character)?;
            u16::try_from(glyph.to_u32()).ok()
        };
        of(character).or_else(|| of(MISSING)).unwrap_or(0)
    }

    /// Width in thousandths of the size.
    fn advance(&self, glyph: u16) -> f32 {
        let metrics = self
            .font
            .glyph_metrics(Size::unscaled(), LocationRef::default());
        let width = metrics
            .advance_width(skrifa::GlyphId::from(glyph))
            .unwrap_or(self.units_per_em);
        width * 1_000.0 / self.units_per_em
    }

    /// Width of a text in points.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        set(text)
            .map(|character| self.advance(self.glyph(character)))
            .sum::<f32>()
            * size
            / 1_000.0
    }

    /// A text as glyph numbers, two bytes each.
    pub fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len() * 2);
        for character in set(text) {
            let glyph = self.glyph(character);
            let number = self.glyphs.remap(glyph);
            let width = self.advance(glyph);
            self.written.entry(number).or_insert((character, width));
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    /// Writes the typeface under `font`, with three references of its own from `next` on.
    pub fn embed(&self, pdf: &mut Pdf, font: Ref, next: i32) -> Result<(), ReportError> {
        let [cid, descriptor, cmap, file] = [0, 1, 2, 3].map(|step| Ref::new(next + step));
        let name = Name(b"TERRAR+TerrariumSansSC");
        let subset = subsetter::subset(FONT, 0, &self.glyphs)
            .map_err(|error| ReportError::Font(error.to_string()))?;
        let subset = FontRef::new(&subset).map_err(|error| ReportError::Font(error.to_string()))?;
        let outlines = subset
            .table_data(Tag::new(b"CFF "))
            .ok_or_else(|| ReportError::Font("it has no CFF outlines".to_owned()))?;
        let packed = super::canvas::packed(outlines.as_bytes());

        pdf.type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(cmap);
        let mut cid_font = pdf.cid_font(cid);
        cid_font
            .subtype(CidFontType::Type0)
            .base_font(name)
            .system_info(SYSTEM)
            .font_descriptor(descriptor)
            .default_width(1_000.0);
        {
            let mut widths = cid_font.widths();
            for (number, (_, width)) in &self.written {
                widths.consecutive(*number, [*width]);
            }
        }
        cid_font.finish();
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-100.0, -300.0, 1_100.0, 1_000.0))
            .italic_angle(0.0)
            .ascent(880.0)
            .descent(-120.0)
            .cap_height(733.0)
            .stem_v(80.0)
            .font_file3(file);
        let mut characters = UnicodeCmap::<u16>::new(Name(b"Custom"), SYSTEM);
        for (number, (character, _)) in &self.written {
            characters.pair(*number, *character);
        }
        let characters = characters.finish();
        pdf.cmap(cmap, &characters);
        let mut stream = pdf.stream(file, &packed);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        stream.finish();
        Ok(())
    }
}
