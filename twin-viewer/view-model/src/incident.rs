//! An incident bundle: the park at a moment, what happened around it, and the way back there.

use serde_json::{Value as Json, json};

use crate::format;
use crate::request::{EventLine, EventsAround, Request};
use crate::view_state::ViewState;

/// How far around the moment events are told.
const AROUND_MS: i64 = 15 * 60_000;

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    pub name: &'static str,
    pub text: String,
}

/// A bundle whose events are still on their way: the state of the moment at which it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Incident {
    pub(crate) name: String,
    pub(crate) moment_ms: i64,
    head: Json,
    values: Json,
    alarms: Json,
    link: String,
}

impl Incident {
    /// Of what is shown; `None` without a park.
    pub(crate) fn of(state: &ViewState, name: String) -> Option<Incident> {
        let park = state.park()?;
        let moment_ms = state.timeline.shown_ms();
        let link = state.link_to(moment_ms);
        let text_of = |ms: i64| {
            let moment = terrarium_model::UnixMillis(ms).seconds();
            park.time_zone.format_rfc3339(moment)
        };
        let now_ms = state.timeline.now_ms();
        let head = json!({
            "park": park.id,
            "moment": text_of(moment_ms),
            "moment_ms": moment_ms,
            "is_live": state.timeline.is_live(),
            "connection_is_live": state.connection == crate::request::Connection::Live,
            "position": state.position,
            // Their list is always live, whatever moment is shown.
            "alarms_as_of": text_of(now_ms),
            "alarms_as_of_ms": now_ms,
            "alarms_as_of_position": state.alarms.position(),
            "link": link,
        });
        Some(Incident {
            name,
            moment_ms,
            head,
            values: values(state),
            alarms: alarms(state),
            link,
        })
    }

    /// What happened around it.
    pub(crate) fn request(&self) -> Request {
        Request::Around {
            from_ms: self.moment_ms - AROUND_MS,
            moment_ms: self.moment_ms,
            to_ms: self.moment_ms + AROUND_MS,
        }
    }

    /// The files of the bundle without its picture.
    pub(crate) fn files(mut self, around: &EventsAround) -> Vec<BundleFile> {
        self.head["events_from_ms"] = json!(around.from_ms);
        self.head["events_to_ms"] = json!(around.to_ms);
        self.head["events_cut_short"] = json!(around.is_cut_short);
        let lines: String = around
            .events
            .iter()
            .map(|event| format!("{}\n", event_json(event)))
            .collect();
        let pretty = |json: &Json| {
            let mut text = serde_json::to_string_pretty(json).unwrap_or_default();
            text.push('\n');
            text
        };
        let file = |name: &'static str, text: String| BundleFile { name, text };
        vec![
            file("incident.json", pretty(&self.head)),
            file("values.json", pretty(&self.values)),
            file("alarms.json", pretty(&self.alarms)),
            file("events.jsonl", lines),
            file("link.txt", format!("{}\n", self.link)),
        ]
    }
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

/// Alarms as they stand now.
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
