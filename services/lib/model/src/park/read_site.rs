//! Where things are: `[site]`, `[[paths]]`, `[[waters]]`, and the places and outlines of assets and zones.

use toml::Spanned;
use toml::de::DeValue;

use super::geometry::{
    Place, Site, SitePath, SitePoint, SitePolygon, SiteSize, SiteWater, crossing_sides,
    doubled_area_cm2,
};
use super::problem::Problems;
use super::table::{Table, note_wrong_type, read_decimal, read_whole};
use crate::quantity::Decimal;

const SITE_KEYS: &[&str] = &["latitude", "longitude", "elevation_m", "outline"];
const PATH_KEYS: &[&str] = &["name", "width", "line"];
const WATER_KEYS: &[&str] = &["name", "outline"];

/// 10 km.
const FARTHEST_CM: i64 = 1_000_000;
/// 2 km, more than anything built.
const LARGEST_CM: i64 = 200_000;
/// Most points of one polygon or line. Every side is compared with every other.
const MOST_POINTS: usize = 500;

/// The site; `None` where the file has none or it was noted as a problem.
pub(super) fn read_site(root: &Table<'_>, problems: &mut Problems<'_>) -> Option<Site> {
    let value = root.get("site")?;
    let Some(entries) = value.get_ref().as_table() else {
        note_wrong_type(problems, "site", value, "a table: [site]");
        return None;
    };
    let table = Table {
        place: "[site]".to_owned(),
        at: value.span().start,
        entries,
    };
    table.note_unknown_keys(SITE_KEYS, problems);
    let latitude_udeg = read_angle(&table, "latitude", "39.73", 90, problems);
    let longitude_udeg = read_angle(&table, "longitude", "116.14", 180, problems);
    let elevation_m = table
        .get("elevation_m")
        .and_then(|value| read_whole("elevation_m", value, -500..=9_000, problems));
    let outline = read_outline(&table, problems);
    Some(Site {
        latitude_udeg: latitude_udeg?,
        longitude_udeg: longitude_udeg?,
        elevation_m,
        outline,
    })
}

/// An angle in degrees, written as text so that it is read digit by digit; in millionths of a degree.
fn read_angle(
    table: &Table<'_>,
    key: &str,
    example: &str,
    most_degrees: i64,
    problems: &mut Problems<'_>,
) -> Option<i32> {
    let wanted = format!("{key} = \"{example}\" (degrees, from -{most_degrees} to {most_degrees})");
    let value = table.required(key, &wanted, problems)?;
    let decimal = match value.get_ref().as_str() {
        Some(text) => Decimal::parse(text).ok(),
        None => {
            note_wrong_type(problems, key, value, &wanted);
            return None;
        }
    };
    let most_udeg = most_degrees * 1_000_000;
    let udeg = decimal
        .and_then(|degrees| degrees.to_integer_units(1_000_000, 1))
        .filter(|udeg| (-most_udeg..=most_udeg).contains(udeg));
    if udeg.is_none() {
        problems.note(
            value.span().start,
            format!("{key} is no number of degrees from -{most_degrees} to {most_degrees}"),
            format!("write {wanted}"),
        );
    }
    udeg.and_then(|udeg| i32::try_from(udeg).ok())
}

pub(super) fn read_path(table: &Table<'_>, problems: &mut Problems<'_>) -> Option<SitePath> {
    table.note_unknown_keys(PATH_KEYS, problems);
    let name = table.get("name").and_then(|_| table.name(problems));
    let width_cm = table
        .required("width", "width = 2.5 (in metres)", problems)
        .and_then(|value| read_extent_cm("width", value, problems));
    let line = table
        .required(
            "line",
            "line = [[0, 0], [10, 5]] (metres east and north)",
            problems,
        )
        .and_then(|value| read_points("line", value, 2, problems));
    Some(SitePath {
        name,
        width_cm: width_cm?,
        line: line?,
    })
}

pub(super) fn read_water(table: &Table<'_>, problems: &mut Problems<'_>) -> Option<SiteWater> {
    table.note_unknown_keys(WATER_KEYS, problems);
    let name = table.get("name").and_then(|_| table.name(problems));
    table.required(
        "outline",
        "outline = [[0, 0], [10, 0], [5, 8]] (metres east and north)",
        problems,
    )?;
    Some(SiteWater {
        name,
        outline: read_outline(table, problems)?,
    })
}

/// Where an asset stands, from its keys `at`, `size`, `raised` and `turn_deg`.
pub(super) fn read_place(table: &Table<'_>, problems: &mut Problems<'_>) -> Option<Place> {
    let size = table
        .get("size")
        .and_then(|value| read_size(value, problems));
    let turn_deg = table.get("turn_deg").map(|value| {
        let degrees = read_whole("turn_deg", value, -360..=360, problems).unwrap_or(0);
        i32::try_from(degrees).expect("a turn of at most 360 degrees fits 32 bits")
    });
    let raised_cm = table.get("raised").map(|value| {
        let bounds = -LARGEST_CM..=LARGEST_CM;
        read_centimetres(
            "raised",
            value,
            bounds,
            "metres from -2000 to 2000",
            problems,
        )
        .unwrap_or(0)
    });
    let Some(at) = table.get("at") else {
        for key in ["size", "raised", "turn_deg"] {
            if let Some(value) = table.get(key) {
                problems.note(
                    value.span().start,
                    format!("{} has {key}, but no key \"at\"", table.place),
                    "write at = [x, y] (metres east and north of the site's origin), or leave it out",
                );
            }
        }
        return None;
    };
    Some(Place {
        at: read_point("at", at, problems)?,
        size,
        raised_cm: raised_cm.unwrap_or(0),
        turn_deg: turn_deg.unwrap_or(0),
    })
}

fn read_size(value: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Option<SiteSize> {
    let wanted = "size = [width, depth, height] (in metres)";
    let elements = value
        .get_ref()
        .as_array()
        .filter(|elements| elements.len() == 3);
    let Some(elements) = elements else {
        problems.note(
            value.span().start,
            "size is no list of three numbers",
            format!("write {wanted}"),
        );
        return None;
    };
    let mut extents = elements
        .iter()
        .map(|element| read_extent_cm("size", element, problems));
    let (width_cm, depth_cm, height_cm) = (extents.next()?, extents.next()?, extents.next()?);
    Some(SiteSize {
        width_cm: width_cm?,
        depth_cm: depth_cm?,
        height_cm: height_cm?,
    })
}

/// The polygon under `outline`, if there is one.
pub(super) fn read_outline(table: &Table<'_>, problems: &mut Problems<'_>) -> Option<SitePolygon> {
    let value = table.get("outline")?;
    let points = read_points("outline", value, 3, problems)?;
    let at = value.span().start;
    if doubled_area_cm2(&points) == 0 {
        problems.note(
            at,
            format!("outline of {} encloses nothing", table.place),
            "write points that do not lie in one line",
        );
        return None;
    }
    if let Some((first, second)) = crossing_sides(&points) {
        problems.note(
            at,
            format!(
                "outline of {} meets itself: its sides {} and {} cross or touch",
                table.place,
                first + 1,
                second + 1
            ),
            "write the points in their order around the ground, each once, the first not again at the end",
        );
        return None;
    }
    Some(SitePolygon { points })
}

fn read_points(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    fewest: usize,
    problems: &mut Problems<'_>,
) -> Option<Vec<SitePoint>> {
    let Some(elements) = value.get_ref().as_array() else {
        note_wrong_type(problems, key, value, "a list of points: [[0, 0], [10, 5]]");
        return None;
    };
    if !(fewest..=MOST_POINTS).contains(&elements.len()) {
        problems.note(
            value.span().start,
            format!("{key} has {} points", elements.len()),
            format!("write {fewest} to {MOST_POINTS} points, such as [[0, 0], [10, 0], [5, 8]]"),
        );
        return None;
    }
    let points: Vec<Option<SitePoint>> = elements
        .iter()
        .map(|element| read_point(key, element, problems))
        .collect();
    points.into_iter().collect()
}

fn read_point(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Option<SitePoint> {
    let elements = value
        .get_ref()
        .as_array()
        .filter(|elements| elements.len() == 2);
    let Some(elements) = elements else {
        problems.note(
            value.span().start,
            format!("{key} has something that is no point"),
            "write [x, y]: metres east and north of the site's origin",
        );
        return None;
    };
    let bounds = -FARTHEST_CM..=FARTHEST_CM;
    let mut read = |element| {
        read_centimetres(
            key,
            element,
            bounds.clone(),
            "metres from -10000 to 10000",
            problems,
        )
    };
    let (east_cm, north_cm) = (read(&elements[0]), read(&elements[1]));
    Some(SitePoint {
        east_cm: east_cm?,
        north_cm: north_cm?,
    })
}

/// A width, depth or height.
fn read_extent_cm(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Option<i32> {
    read_centimetres(
        key,
        value,
        1..=LARGEST_CM,
        "metres from 0.01 to 2000",
        problems,
    )
}

/// Metres in the file, whole centimetres from here on.
fn read_centimetres(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    bounds: std::ops::RangeInclusive<i64>,
    wanted: &str,
    problems: &mut Problems<'_>,
) -> Option<i32> {
    let metres = read_decimal(key, value, wanted, problems)?;
    let centimetres = metres
        .to_integer_units(100, 1)
        .filter(|centimetres| bounds.contains(centimetres));
    if centimetres.is_none() {
        problems.note(
            value.span().start,
            format!("{key}: {metres} m is out of range"),
            format!("write {wanted}"),
        );
    }
    centimetres.and_then(|centimetres| i32::try_from(centimetres).ok())
}
