//! `terrarium twin`: what every asset is doing, now or at any moment of the record.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value as Json;
use terrarium_model::{UnixMillis, parse_rfc3339_with_offset};
use terrarium_proto::twin::v1::{
    HistoryRequest, ListEventsRequest, Moment, PointName, Quality, Quantity, SnapshotRequest,
    TwinEvent, TwinUpdate, moment::At,
};

use crate::client::{Client, ClientArgs};
use crate::output::{Format, print_json_line, print_line, short_enum, table};

const QUANTITY_PREFIX: &str = "QUANTITY_";
const QUALITY_PREFIX: &str = "QUALITY_";

/// What to ask the twin.
#[derive(Debug, clap::Subcommand)]
pub enum Query {
    /// Every point's value at one moment
    ///
    /// JSON (one object per line) and CSV: asset, quantity, source, value, time_ms, quality.
    Snapshot {
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        /// What happened until then, as known now; RFC 3339 with an offset [default: now]
        #[arg(long, value_name = "TIME", conflicts_with = "position")]
        at: Option<String>,
        /// What was on record up to this position
        #[arg(long)]
        position: Option<u64>,
        /// Only this asset
        #[arg(long)]
        asset: Option<String>,
    },
    /// The course of a point over a range
    ///
    /// JSON (one object per line) and CSV: time_ms, value, quality.
    History {
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        /// Asset of the point
        #[arg(long)]
        asset: String,
        /// Quantity of the point, such as consumption_w
        #[arg(long, value_parser = quantity_named)]
        quantity: Quantity,
        /// Meter or alarm that it comes from [default: the asset itself]
        #[arg(long, default_value = "")]
        source: String,
        /// Start, RFC 3339 with an offset [default: the first moment of the record]
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// End (inclusive), RFC 3339 with an offset [default: the last moment of the record]
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// At most so many samples, 4 to 20,000
        #[arg(long, default_value_t = 2_000)]
        most: u32,
    },
    /// Events around a moment, in the order they happened
    ///
    /// JSON (one object per line) and CSV: position, id, type, domain, asset, time_ms; JSON also values.
    Events {
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
        /// From this moment on, RFC 3339 with an offset [default: the first moment of the record, or the last backwards]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The ones before that moment, the last one first
        #[arg(long)]
        backwards: bool,
        /// Only of this asset
        #[arg(long)]
        asset: Option<String>,
        /// Only of this domain
        #[arg(long)]
        domain: Option<String>,
        /// At most so many, 1 to 1,000
        #[arg(long, default_value_t = 20)]
        most: u32,
    },
}

/// Runs `terrarium twin`.
pub async fn run(client: &ClientArgs, query: Query) -> anyhow::Result<ExitCode> {
    let server = client.connect().await?;
    match query {
        Query::Snapshot {
            park,
            at,
            position,
            asset,
        } => {
            let park = server.park_or_only(park.as_deref()).await?;
            let at = match (at, position) {
                (Some(time), _) => Some(At::TimeMs(moment_ms("--at", &time)?)),
                (None, position) => position.map(At::Position),
            };
            let request = SnapshotRequest {
                park,
                moment: at.map(|at| Moment { at: Some(at) }),
            };
            let update = server
                .twin()
                .snapshot(request)
                .await
                .map_err(|status| server.failed(status))?
                .into_inner();
            print_rows(client.format, &point_rows(&update, asset.as_deref()))?;
        }
        Query::History {
            park,
            asset,
            quantity,
            source,
            from,
            to,
            most,
        } => {
            let park = server.park_or_only(park.as_deref()).await?;
            let (first_ms, last_ms) = extent_ms(&server, &park).await?;
            let request = HistoryRequest {
                park,
                points: vec![PointName {
                    asset,
                    quantity: quantity.into(),
                    source,
                }],
                from_ms: from.map_or(Ok(first_ms), |time| moment_ms("--from", &time))?,
                to_ms: to.map_or(Ok(last_ms), |time| moment_ms("--to", &time))?,
                most_samples: most,
            };
            print_rows(client.format, &history_rows(&server, request).await?)?;
        }
        Query::Events {
            park,
            at,
            backwards,
            asset,
            domain,
            most,
        } => {
            let park = server.park_or_only(park.as_deref()).await?;
            let (first_ms, last_ms) = extent_ms(&server, &park).await?;
            let end_ms = if backwards { last_ms + 1 } else { first_ms };
            let request = ListEventsRequest {
                park,
                asset: asset.unwrap_or_default(),
                domain: domain.unwrap_or_default(),
                from_ms: at.map_or(Ok(end_ms), |time| moment_ms("--at", &time))?,
                backwards,
                most_events: most,
                beyond_position: None,
            };
            let answer = server
                .twin()
                .list_events(request)
                .await
                .map_err(|status| server.failed(status))?
                .into_inner();
            print_rows(client.format, &event_rows(&answer.events))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn quantity_named(name: &str) -> Result<Quantity, String> {
    let full_name = format!("{QUANTITY_PREFIX}{}", name.to_uppercase());
    Quantity::from_str_name(&full_name)
        .or_else(|| Quantity::from_str_name(name))
        .filter(|quantity| *quantity != Quantity::Unspecified)
        .ok_or_else(|| {
            "no such quantity; `terrarium twin snapshot` shows those that are there".to_owned()
        })
}

fn moment_ms(flag: &str, time: &str) -> anyhow::Result<i64> {
    let instant = parse_rfc3339_with_offset(time).with_context(|| flag.to_owned())?;
    Ok(instant.0.saturating_mul(1_000))
}

/// First and last moment of a park's record; 0 when nothing happened yet.
async fn extent_ms(server: &Client, park: &str) -> anyhow::Result<(i64, i64)> {
    let parks = server
        .twin()
        .list_parks(terrarium_proto::twin::v1::ListParksRequest {})
        .await
        .map_err(|status| server.failed(status))?
        .into_inner()
        .parks;
    let known = parks.iter().find(|known| known.park == park);
    Ok(known.map_or((0, 0), |known| {
        (
            known.first_ms.unwrap_or_default(),
            known.last_ms.unwrap_or_default(),
        )
    }))
}

/// A row of any of the answers: names and values, and how a value looks to people where it looks different.
struct Row(Vec<(&'static str, Json, Option<String>)>);

fn point_rows(update: &TwinUpdate, only: Option<&str>) -> Vec<Row> {
    let Some(values) = &update.values else {
        return Vec::new();
    };
    // A snapshot numbers its points in the order of first appearance; people look for names.
    let mut places: Vec<usize> = (0..values.points.len()).collect();
    let point = |place: usize| {
        let index = values.points[place];
        update.new_points.iter().find(|point| point.index == index)
    };
    places.sort_by_key(|place| {
        point(*place).map(|point| (&point.asset, point.quantity, &point.source))
    });
    let rows = places.into_iter().filter_map(|place| {
        let point = point(place)?;
        if only.is_some_and(|only| only != point.asset) {
            return None;
        }
        Some(Row(vec![
            ("asset", point.asset.as_str().into(), None),
            quantity_cell(point.quantity()),
            ("source", point.source.as_str().into(), None),
            ("value", values.values[place].into(), None),
            time_cell(values.times_ms[place]),
            quality_cell(values.qualities[place]),
        ]))
    });
    rows.collect()
}

async fn history_rows(server: &Client, request: HistoryRequest) -> anyhow::Result<Vec<Row>> {
    let answer = server
        .twin()
        .history(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    let rows = answer.histories.iter().flat_map(|course| {
        (0..course.times_ms.len()).map(|place| {
            Row(vec![
                time_cell(course.times_ms[place]),
                ("value", course.values[place].into(), None),
                quality_cell(course.qualities[place]),
            ])
        })
    });
    Ok(rows.collect())
}

fn event_rows(events: &[TwinEvent]) -> Vec<Row> {
    let row = |event: &TwinEvent| {
        let moved = event.values.iter().map(|value| {
            let quantity = value.quantity().as_str_name();
            let name = short_enum(quantity, QUANTITY_PREFIX);
            let json = serde_json::json!({
                "quantity": quantity, "source": value.source, "value": value.value
            });
            (json, format!("{name} {}", value.value))
        });
        let (values, brief): (Vec<Json>, Vec<String>) = moved.unzip();
        let short_type = event.r#type.rsplit('.').next().unwrap_or_default();
        Row(vec![
            ("position", event.position.into(), None),
            ("id", event.id.as_str().into(), None),
            (
                "type",
                event.r#type.as_str().into(),
                Some(short_type.to_owned()),
            ),
            ("domain", event.domain.as_str().into(), None),
            ("asset", event.asset.as_str().into(), None),
            time_cell(event.time_ms),
            ("values", values.into(), Some(brief.join(", "))),
        ])
    };
    events.iter().map(row).collect()
}

fn time_cell(time_ms: i64) -> (&'static str, Json, Option<String>) {
    let time = UnixMillis(time_ms).to_string();
    ("time_ms", time_ms.into(), Some(time))
}

fn quantity_cell(quantity: Quantity) -> (&'static str, Json, Option<String>) {
    let name = quantity.as_str_name();
    let short = name.trim_start_matches(QUANTITY_PREFIX).to_lowercase();
    ("quantity", name.into(), Some(short))
}

fn quality_cell(quality: i32) -> (&'static str, Json, Option<String>) {
    let quality = Quality::try_from(quality).unwrap_or(Quality::Unspecified);
    let name = quality.as_str_name();
    (
        "quality",
        name.into(),
        Some(short_enum(name, QUALITY_PREFIX)),
    )
}

fn print_rows(format: Format, rows: &[Row]) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            for Row(cells) in rows {
                let object: serde_json::Map<String, Json> = cells
                    .iter()
                    .map(|(name, value, _)| ((*name).to_owned(), value.clone()))
                    .collect();
                print_json_line(&Json::Object(object))?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
            let flat = |Row(cells): &Row, pick: fn(&(&str, Json, Option<String>)) -> String| {
                let cells = cells.iter().filter(|(_, value, _)| !value.is_array());
                cells.map(pick).collect::<Vec<String>>()
            };
            if let Some(first) = rows.first() {
                writer.write_record(flat(first, |(name, ..)| (*name).to_owned()))?;
            }
            for row in rows {
                writer.write_record(flat(row, |(_, value, _)| match value {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                }))?;
            }
            writer.flush()?;
        }
        Format::Table => print_line(people_table(rows))?,
    }
    Ok(())
}

fn people_table(rows: &[Row]) -> String {
    let Some(Row(first)) = rows.first() else {
        return "nothing".to_owned();
    };
    let header = |name: &'static str| if name == "time_ms" { "time" } else { name };
    let headers: Vec<&str> = first.iter().map(|(name, ..)| header(name)).collect();
    let numbers = ["value", "position"];
    let left: Vec<&str> = headers
        .iter()
        .copied()
        .filter(|name| !numbers.contains(name))
        .collect();
    let cells = rows.iter().map(|Row(cells)| {
        let shown = cells.iter().map(|(_, value, shown)| match (shown, value) {
            (Some(shown), _) => shown.clone(),
            (None, Json::String(text)) => text.clone(),
            (None, other) => other.to_string(),
        });
        shown.collect()
    });
    table(&headers, &left, cells)
}

#[cfg(test)]
mod tests {
    use terrarium_proto::twin::v1::{Point, Values};

    use super::*;

    #[test]
    fn a_snapshot_is_listed_by_names_with_the_moment_for_people() {
        let point = |index, asset: &str| Point {
            index,
            asset: asset.into(),
            quantity: Quantity::ConsumptionW.into(),
            ..Default::default()
        };
        let update = TwinUpdate {
            new_points: vec![point(0, "b"), point(1, "a")],
            values: Some(Values {
                points: vec![0, 1],
                values: vec![7, 8],
                times_ms: vec![1_000, 2_000],
                qualities: vec![Quality::Good.into(), Quality::Uncertain.into()],
            }),
            ..Default::default()
        };
        let printed = people_table(&point_rows(&update, None));
        let lines: Vec<&str> = printed.lines().collect();
        assert!(lines[1].contains('a') && lines[1].contains("1970-01-01T00:00:02.000Z"));
        assert!(lines[1].contains("uncertain") && lines[2].contains("consumption_w"));
        assert_eq!(point_rows(&update, Some("b")).len(), 1);
        assert_eq!(people_table(&[]), "nothing");
    }

    #[test]
    fn a_quantity_is_known_by_its_short_and_its_full_name() {
        assert_eq!(quantity_named("level_l"), Ok(Quantity::LevelL));
        assert_eq!(quantity_named("QUANTITY_LEVEL_L"), Ok(Quantity::LevelL));
        assert!(quantity_named("unspecified").is_err());
        assert!(quantity_named("gas").is_err());
    }
}
