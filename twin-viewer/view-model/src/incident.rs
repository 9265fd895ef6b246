//! An incident bundle: the park at a moment, what happened around it, and the way back there.

use serde_json::{Value as Json, json};

use crate::format;
use crate::request::EventLine;
use crate::view_state::ViewState;

/// How far around the moment events are told.
pub const AROUND_MS: i64 = 15 * 60_000;

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    pub name: &'static str,
    pub text: String,
}

/// The files of a bundle without its picture. `events` in the order they happened.
pub fn incident_bundle(state: &ViewState, events: &[EventLine]) -> Vec<BundleFile> {
    let Some(park) = state.park() else {
        return Vec::new();
    };
    let moment_ms = state.timeline.shown_ms();
    let link = state.link_to(moment_ms);
    let head = json!({
        "park": park.id,
        "moment": park.time_zone.format_rfc3339(terrarium_model::UnixMillis(moment_ms).seconds()),
        "moment_ms": moment_ms,
        "is_live": state.timeline.is_live(),
        "connection_is_live": state.connection == crate::request::Connection::Live,
        "position": state.position,
        "link": link,
    });
    let lines: String = events
        .iter()
        .map(|event| format!("{}\n", event_json(event)))
        .collect();
    let pretty = |json: &Json| {
        let mut text = serde_json::to_string_pretty(json).unwrap_or_default();
        text.push('\n');
        text
    };
    vec![
        BundleFile {
            name: "incident.json",
            text: pretty(&head),
        },
        BundleFile {
            name: "values.json",
            text: pretty(&values(state)),
        },
        BundleFile {
            name: "alarms.json",
            text: pretty(&alarms(state)),
        },
        BundleFile {
            name: "events.jsonl",
            text: lines,
        },
        BundleFile {
            name: "link.txt",
            text: format!("{link}\n"),
        },
    ]
}

fn values(state: &ViewState) -> Json {
    let Some(table) = state.table() else {
        return json!([]);
    };
    let shown = state.shown();
    let slots = table.slots().iter();
    slots
        .filter_map(|slot| {
            let reading = table.reading(slot, shown)?;
            Some(json!({
                "asset": slot.name.asset,
                "quantity": format!("{:?}", slot.name.quantity),
                "source": slot.name.source,
                "value": reading.value,
                "text": format::value_text(slot.name.quantity, reading.value, state.language),
                "time_ms": reading.time_ms,
                "quality": format!("{:?}", reading.quality),
            }))
        })
        .collect()
}

/// Alarms as they stand now, whatever moment is shown: their list is always live.
fn alarms(state: &ViewState) -> Json {
    state
        .alarms
        .all()
        .map(|alarm| {
            json!({
                "alarm": alarm.id,
                "asset": alarm.definition.asset,
                "name": state.language.of(&alarm.definition.name),
                "state": format!("{:?}", alarm.status.state),
                "is_active": alarm.status.is_active,
                "occurrence": alarm.status.occurrence,
                "raised_ms": alarm.status.raised_ms,
                "value": alarm.status.value,
                "limit": alarm.status.limit,
                "actor": alarm.status.actor,
                "reason": alarm.status.reason,
            })
        })
        .collect()
}

fn event_json(event: &EventLine) -> Json {
    json!({
        "position": event.position,
        "id": event.id,
        "type": event.kind,
        "domain": event.domain,
        "asset": event.asset,
        "time_ms": event.time_ms,
    })
}
