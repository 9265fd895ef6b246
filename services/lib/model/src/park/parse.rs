use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::definition::{AssetKind, ConnectionKind, Measures, Name, ParkClock, Reports};
use super::problem::{ParkErrors, Problems, list, nearest, nearest_or_all};
use crate::found::shown;
use crate::quantity::Decimal;

/// Longest park definition that is read, in bytes.
pub const MOST_DEFINITION_BYTES: usize = 512 * 1024;
/// Longest name or region, in characters.
const MOST_TEXT_CHARACTERS: usize = 200;
/// 100 GW: far above any park, and ten times it over a year of hours stays far inside 64 bits of Wh.
const MOST_RATED_W: i64 = 100_000_000_000;

/// A value and the byte of the text where it stands.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// What the text says, table by table. A value that is absent here was noted as a problem, unless it is optional.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) park: Option<DraftPark>,
    pub(super) zones: Vec<DraftZone>,
    pub(super) assets: Vec<DraftAsset>,
    pub(super) connections: Vec<DraftConnection>,
    pub(super) meters: Vec<DraftMeter>,
}

#[derive(Debug)]
pub(super) struct DraftPark {
    pub(super) at: usize,
    pub(super) id: Option<Located<String>>,
    pub(super) name: Option<Name>,
    pub(super) time_zone: Option<Located<String>>,
    pub(super) clock: Option<ParkClock>,
    pub(super) grid_region: Option<Located<String>>,
}

#[derive(Debug)]
pub(super) struct DraftZone {
    pub(super) id: Option<Located<String>>,
    pub(super) name: Option<Name>,
}

#[derive(Debug)]
pub(super) struct DraftAsset {
    pub(super) id: Option<Located<String>>,
    pub(super) kind: Option<AssetKind>,
    pub(super) zone: Option<Located<String>>,
    pub(super) name: Option<Name>,
    pub(super) rated_w: Option<i64>,
}

#[derive(Debug)]
pub(super) struct DraftConnection {
    pub(super) at: usize,
    pub(super) kind: Option<ConnectionKind>,
    pub(super) from: Option<Located<String>>,
    pub(super) to: Option<Located<String>>,
}

#[derive(Debug)]
pub(super) struct DraftMeter {
    pub(super) id: Option<Located<String>>,
    pub(super) asset: Option<Located<String>>,
    pub(super) measures: Option<Measures>,
    pub(super) reports: Option<Reports>,
    pub(super) rated_w: Option<i64>,
}

/// Reads the text as far as its form goes. Fails at once only where the rest could not be understood.
pub(super) fn read_draft<'t>(
    text: &'t str,
    file_name: &'t str,
) -> Result<(Draft, Problems<'t>), ParkErrors> {
    if text.len() > MOST_DEFINITION_BYTES {
        let mut problems = Problems::new("", file_name);
        problems.note(
            0,
            format!(
                "the park definition has {} bytes, more than {MOST_DEFINITION_BYTES} (512 KiB)",
                text.len()
            ),
            "leave out comments, or divide the park",
        );
        return Err(problems.into_errors());
    }
    // The mark stands before column 1, so places in the rest need no shift.
    let (text, has_byte_order_mark) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut problems = Problems::new(text, file_name);
    if has_byte_order_mark {
        problems.note(
            0,
            "the file starts with a byte-order mark",
            "save it as UTF-8 without BOM",
        );
    }

    let (document, syntax_errors) = DeTable::parse_recoverable(text);
    if !syntax_errors.is_empty() {
        for error in syntax_errors {
            let at = error.span().map_or(text.len(), |span| span.start);
            note_syntax_error(&mut problems, at, error.message());
        }
        return Err(problems.into_errors());
    }

    let root = Table {
        place: "the file".to_owned(),
        at: 0,
        entries: document.get_ref(),
    };
    root.note_unknown_keys(ROOT_KEYS, &mut problems);
    let draft = Draft {
        park: read_park(&root, &mut problems),
        zones: root.read_each("zones", read_zone, &mut problems),
        assets: root.read_each("assets", read_asset, &mut problems),
        connections: root.read_each("connections", read_connection, &mut problems),
        meters: root.read_each("meters", read_meter, &mut problems),
    };
    Ok((draft, problems))
}

const ROOT_KEYS: &[&str] = &["park", "zones", "assets", "connections", "meters"];
const PARK_KEYS: &[&str] = &["id", "name", "time_zone", "clock", "grid_region"];
const ZONE_KEYS: &[&str] = &["id", "name"];
const ASSET_KEYS: &[&str] = &["id", "kind", "zone", "name", "rated_kw"];
const CONNECTION_KEYS: &[&str] = &["kind", "from", "to"];
const METER_KEYS: &[&str] = &["id", "asset", "measures", "reports", "rated_kw"];

fn read_park(root: &Table<'_>, problems: &mut Problems<'_>) -> Option<DraftPark> {
    let Some(value) = root.get("park") else {
        problems.note(
            0,
            "the file has no table [park]",
            "write [park] with id, name, time_zone, clock and grid_region",
        );
        return None;
    };
    let at = value.span().start;
    let Some(entries) = value.get_ref().as_table() else {
        note_wrong_type(problems, "park", value, "a table: [park]");
        return None;
    };
    let table = Table {
        place: "[park]".to_owned(),
        at,
        entries,
    };
    table.note_unknown_keys(PARK_KEYS, problems);
    Some(DraftPark {
        at,
        id: table.required_text("id", "my-park", problems),
        name: table.name(problems),
        time_zone: table.required_text("time_zone", "Asia/Shanghai", problems),
        clock: table.choice("clock", ParkClock::TOKENS, problems),
        grid_region: table.required_text("grid_region", "caiso", problems),
    })
}

fn read_zone(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftZone {
    table.note_unknown_keys(ZONE_KEYS, problems);
    DraftZone {
        id: table.required_text("id", "street", problems),
        name: table.name(problems),
    }
}

fn read_asset(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftAsset {
    table.note_unknown_keys(ASSET_KEYS, problems);
    DraftAsset {
        id: table.required_text("id", "home-01", problems),
        kind: table.choice("kind", AssetKind::TOKENS, problems),
        zone: table.required_text("zone", "street", problems),
        name: table.name(problems),
        rated_w: match table.get("rated_kw") {
            Some(value) => read_rated_w(value, problems),
            None => None,
        },
    }
}

fn read_connection(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftConnection {
    table.note_unknown_keys(CONNECTION_KEYS, problems);
    DraftConnection {
        at: table.at,
        kind: table.choice("kind", ConnectionKind::TOKENS, problems),
        from: table.required_text("from", "grid", problems),
        to: table.required_text("to", "home-01", problems),
    }
}

fn read_meter(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftMeter {
    table.note_unknown_keys(METER_KEYS, problems);
    let measures = if table.get("measures").is_some() {
        table.choice("measures", Measures::TOKENS, problems)
    } else {
        problems.note(
            table.at,
            format!(
                "{} measures nothing: it has no key \"measures\"",
                table.place
            ),
            format!("write measures = one of {}", tokens_list(Measures::TOKENS)),
        );
        None
    };
    DraftMeter {
        id: table.required_text("id", "home-01.load", problems),
        asset: table.required_text("asset", "home-01", problems),
        measures,
        reports: table.choice("reports", Reports::TOKENS, problems),
        rated_w: match table.required("rated_kw", "rated_kw = 20.0 (in kW)", problems) {
            Some(value) => read_rated_w(value, problems),
            None => None,
        },
    }
}

/// A table of the document, what it is called in messages, and where it starts.
struct Table<'d> {
    place: String,
    at: usize,
    entries: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.entries
            .iter()
            .find(|(found, _)| found.get_ref() == key)
            .map(|(_, value)| value)
    }

    fn note_unknown_keys(&self, allowed: &[&'static str], problems: &mut Problems<'_>) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if allowed.contains(&name) {
                continue;
            }
            let what = format!("{} has an unknown key {}", self.place, shown(name));
            let remedy = match nearest(name, allowed.iter().copied()) {
                Some(near) => format!(
                    "did you mean \"{near}\"? Known keys are {}",
                    list(allowed.iter().copied())
                ),
                None => format!(
                    "leave it out; known keys are {}",
                    list(allowed.iter().copied())
                ),
            };
            problems.note(key.span().start, what, remedy);
        }
    }

    /// Reads every table of an array of tables; an absent array is an empty one.
    fn read_each<T>(
        &self,
        key: &str,
        read: impl Fn(&Table<'_>, &mut Problems<'_>) -> T,
        problems: &mut Problems<'_>,
    ) -> Vec<T> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(elements) = value.get_ref().as_array() else {
            note_wrong_type(
                problems,
                key,
                value,
                &format!("an array of tables: [[{key}]]"),
            );
            return Vec::new();
        };
        let mut drafts = Vec::with_capacity(elements.len());
        for element in elements {
            let Some(entries) = element.get_ref().as_table() else {
                note_wrong_type(
                    problems,
                    key,
                    element,
                    &format!("an array of tables: [[{key}]]"),
                );
                continue;
            };
            let mut table = Table {
                place: format!("[[{key}]]"),
                at: element.span().start,
                entries,
            };
            if let Some(id) = table.get("id").and_then(|id| id.get_ref().as_str()) {
                table.place = format!("[[{key}]] {}", shown(id));
            }
            drafts.push(read(&table, problems));
        }
        drafts
    }

    /// The value of a key that must be there.
    fn required(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<&'d Spanned<DeValue<'d>>> {
        let value = self.get(key);
        if value.is_none() {
            problems.note(
                self.at,
                format!("{} has no key \"{key}\"", self.place),
                format!("write {example}"),
            );
        }
        value
    }

    fn required_text(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Located<String>> {
        let value = self.required(key, &format!("{key} = \"{example}\""), problems)?;
        read_text(key, value, problems)
    }

    /// The value of a key that must be one of the tokens.
    fn choice<T: Copy>(
        &self,
        key: &str,
        tokens: &[(&'static str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let example = format!("{key} = one of {}", tokens_list(tokens));
        let value = self.required(key, &example, problems)?;
        let text = read_text(key, value, problems)?;
        let choice = tokens.iter().find(|(token, _)| *token == text.value);
        if choice.is_none() {
            let remedy = nearest_or_all(&text.value, tokens.iter().map(|(token, _)| *token));
            problems.note(
                text.at,
                format!("{key} = {} is not known", shown(&text.value)),
                remedy,
            );
        }
        choice.map(|(_, chosen)| *chosen)
    }

    /// The name in both languages.
    fn name(&self, problems: &mut Problems<'_>) -> Option<Name> {
        let value = self.required(
            "name",
            "name = { en = \"Home 1\", zh = \"一号住宅\" }",
            problems,
        )?;
        let Some(entries) = value.get_ref().as_table() else {
            note_wrong_type(problems, "name", value, "{ en = \"...\", zh = \"...\" }");
            return None;
        };
        let table = Table {
            place: format!("name of {}", self.place),
            at: value.span().start,
            entries,
        };
        table.note_unknown_keys(&["en", "zh"], problems);
        let en = table.required_text("en", "Home 1", problems);
        let zh = table.required_text("zh", "一号住宅", problems);
        Some(Name {
            en: en?.value,
            zh: zh?.value,
        })
    }
}

/// A text that says something: not empty, not too long, nothing in it that a table can't print.
fn read_text(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Option<Located<String>> {
    let at = value.span().start;
    let Some(text) = value.get_ref().as_str() else {
        note_wrong_type(problems, key, value, "a text in quotes");
        return None;
    };
    if text.trim().is_empty() {
        problems.note(
            at,
            format!("{key} is empty"),
            "write a text that is not empty",
        );
        return None;
    }
    if text.trim() != text || text.chars().any(char::is_control) {
        problems.note(
            at,
            format!(
                "{key} = {} has spaces around it or control characters in it",
                shown(text)
            ),
            "leave them out",
        );
        return None;
    }
    let characters = text.chars().count();
    if characters > MOST_TEXT_CHARACTERS {
        problems.note(
            at,
            format!("{key} has {characters} characters"),
            format!("write at most {MOST_TEXT_CHARACTERS}"),
        );
        return None;
    }
    Some(Located {
        value: text.to_owned(),
        at,
    })
}

/// The rated power in whole watts, from the digits as written and by no float.
fn read_rated_w(value: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Option<i64> {
    let at = value.span().start;
    let digits = match value.get_ref() {
        DeValue::Float(float) => float.as_str(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
        _ => {
            note_wrong_type(
                problems,
                "rated_kw",
                value,
                "a number of kW, such as rated_kw = 4.0",
            );
            return None;
        }
    };
    let decimal = match Decimal::parse(digits.strip_prefix('+').unwrap_or(digits)) {
        Ok(decimal) => decimal,
        Err(error) => {
            problems.note(
                at,
                format!("rated_kw: {error}"),
                "write kW as a plain decimal, such as rated_kw = 4.0",
            );
            return None;
        }
    };
    match decimal.to_integer_units(1_000, 1) {
        Some(watts @ 1..=MOST_RATED_W) => Some(watts),
        Some(..=0) => {
            problems.note(
                at,
                format!("rated_kw = {decimal} is no rating"),
                "write the rated power in kW, above zero (at least 0.001)",
            );
            None
        }
        _ => {
            problems.note(
                at,
                format!("rated_kw = {decimal} is more than 100,000,000 kW"),
                "write the rated power in kW, not in W",
            );
            None
        }
    }
}

fn note_wrong_type(
    problems: &mut Problems<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    wanted: &str,
) {
    let found = value.get_ref().type_str();
    problems.note(
        value.span().start,
        format!("{key} is of type {found}"),
        format!("write {wanted}"),
    );
}

fn note_syntax_error(problems: &mut Problems<'_>, at: usize, message: &str) {
    problems.note(
        at,
        format!("this is no TOML: {}", message.trim().replace('\n', " ")),
        "mend this line (https://toml.io shows the form), then check again",
    );
}

fn tokens_list<T>(tokens: &[(&'static str, T)]) -> String {
    list(tokens.iter().map(|(token, _)| *token))
}
