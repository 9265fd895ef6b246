use toml::de::DeTable;

use super::definition::{AccuracyClass, ConnectionKind, Measures, Name, ParkClock, Reports};
use super::geometry::{Site, SitePath, SitePolygon, SiteWater};
use super::problem::{ParkErrors, Problems};
use super::published::{DraftPublished, read_published};
use super::read_alarm::{DraftAlarm, read_alarm};
use super::read_asset::{DraftAsset, read_asset, read_rated_w};
use super::read_site::{read_outline, read_path, read_site, read_water};
use super::table::{Located, Table, note_wrong_type, read_whole, tokens_list};

/// Longest park definition that is read, in bytes.
pub const MOST_DEFINITION_BYTES: usize = 512 * 1024;
/// What the text says, table by table. A value that is absent here was noted as a problem, unless it is optional.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) park: Option<DraftPark>,
    pub(super) zones: Vec<DraftZone>,
    pub(super) assets: Vec<DraftAsset>,
    pub(super) connections: Vec<DraftConnection>,
    pub(super) meters: Vec<DraftMeter>,
    pub(super) site: Option<Site>,
    pub(super) paths: Vec<Option<SitePath>>,
    pub(super) waters: Vec<Option<SiteWater>>,
    pub(super) alarms: Vec<DraftAlarm>,
    pub(super) published: Vec<DraftPublished>,
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
    pub(super) outline: Option<SitePolygon>,
}

#[derive(Debug)]
pub(super) struct DraftConnection {
    pub(super) at: usize,
    pub(super) kind: Option<ConnectionKind>,
    pub(super) from: Option<Located<String>>,
    pub(super) to: Option<Located<String>>,
    pub(super) loss_w: i64,
}

#[derive(Debug)]
pub(super) struct DraftMeter {
    pub(super) id: Option<Located<String>>,
    pub(super) asset: Option<Located<String>>,
    pub(super) measures: Option<Measures>,
    pub(super) reports: Option<Reports>,
    pub(super) rated_w: Option<i64>,
    pub(super) accuracy: Option<AccuracyClass>,
    pub(super) register_digits: Option<u32>,
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
        site: read_site(&root, &mut problems),
        paths: root.read_each("paths", read_path, &mut problems),
        waters: root.read_each("waters", read_water, &mut problems),
        alarms: root.read_each("alarms", read_alarm, &mut problems),
        published: root.read_each("published", read_published, &mut problems),
    };
    if root.get("site").is_none() {
        note_geometry_without_site(&root, &mut problems);
    }
    Ok((draft, problems))
}

const ROOT_KEYS: &[&str] = &[
    "park",
    "zones",
    "assets",
    "connections",
    "meters",
    "site",
    "paths",
    "waters",
    "alarms",
    "published",
];
const PARK_KEYS: &[&str] = &["id", "name", "time_zone", "clock", "grid_region"];
const ZONE_KEYS: &[&str] = &["id", "name", "outline"];
const CONNECTION_KEYS: &[&str] = &["kind", "from", "to", "loss_w"];
/// 100 MW: more than any line of a park carries.
const MOST_LOSS_W: i64 = 100_000_000;
const METER_KEYS: &[&str] = &[
    "id",
    "asset",
    "measures",
    "reports",
    "rated_kw",
    "accuracy",
    "register_digits",
];

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
        outline: read_outline(table, problems),
    }
}

fn read_connection(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftConnection {
    table.note_unknown_keys(CONNECTION_KEYS, problems);
    let kind = table.choice("kind", ConnectionKind::TOKENS, problems);
    DraftConnection {
        at: table.at,
        kind,
        from: table.required_text("from", "grid", problems),
        to: table.required_text("to", "home-01", problems),
        loss_w: read_loss_w(table, kind, problems),
    }
}

/// What a line of heat or cold loses; no other kind of line has a loss.
fn read_loss_w(
    table: &Table<'_>,
    kind: Option<ConnectionKind>,
    problems: &mut Problems<'_>,
) -> i64 {
    let Some(value) = table.get("loss_w") else {
        return 0;
    };
    if let Some(kind) = kind
        && !matches!(kind, ConnectionKind::Heat | ConnectionKind::Cold)
    {
        problems.note(
            value.span().start,
            format!("{} of kind \"{kind}\" has a loss_w", table.place),
            "leave it out: only lines of kind \"heat\" or \"cold\" have one",
        );
        return 0;
    }
    read_whole("loss_w", value, 0..=MOST_LOSS_W, problems).unwrap_or(0)
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
    let reports = table.choice("reports", Reports::TOKENS, problems);
    DraftMeter {
        id: table.required_text("id", "home-01.load", problems),
        asset: table.required_text("asset", "home-01", problems),
        measures,
        reports,
        accuracy: table
            .get("accuracy")
            .and_then(|_| table.choice("accuracy", AccuracyClass::TOKENS, problems)),
        register_digits: read_register_digits(table, reports, problems),
        rated_w: match table.required("rated_kw", "rated_kw = 20.0 (in kW)", problems) {
            Some(value) => read_rated_w(value, problems),
            None => None,
        },
    }
}

/// Whole kWh digits of a register; only a register has them.
fn read_register_digits(
    table: &Table<'_>,
    reports: Option<Reports>,
    problems: &mut Problems<'_>,
) -> Option<u32> {
    let value = table.get("register_digits")?;
    if reports == Some(Reports::Interval) {
        problems.note(
            value.span().start,
            format!("{} has register_digits, but reports intervals", table.place),
            "leave it out, or write reports = \"register\"",
        );
        return None;
    }
    let digits = read_whole("register_digits", value, 1..=12, problems)?;
    u32::try_from(digits).ok()
}

/// Points are counted from the site's origin, so they need one. Told once, at the first thing that has a place.
fn note_geometry_without_site(root: &Table<'_>, problems: &mut Problems<'_>) {
    let keys_with_points = [
        ("zones", "outline"),
        ("assets", "at"),
        ("paths", "line"),
        ("waters", "outline"),
    ];
    let first = keys_with_points
        .iter()
        .filter_map(|(tables, key)| {
            let elements = root.get(tables)?.get_ref().as_array()?;
            let with_key = elements
                .iter()
                .filter_map(|element| element.get_ref().as_table()?.get(*key));
            with_key.map(|value| value.span().start).min()
        })
        .min();
    if let Some(at) = first {
        problems.note(
            at,
            "things have places, but the file has no table [site] to count them from",
            "write [site] with latitude and longitude of the point that all places are counted from",
        );
    }
}

fn note_syntax_error(problems: &mut Problems<'_>, at: usize, message: &str) {
    problems.note(
        at,
        format!("this is no TOML: {}", message.trim().replace('\n', " ")),
        "mend this line (https://toml.io shows the form), then check again",
    );
}
