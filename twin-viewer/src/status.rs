//! What the viewer shows, told to other programs: a line of JSON with every change, and the accessibility tree as a file. For
//! wall controllers, screen readers' tools and tests.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bevy::prelude::*;
use bevy_egui::{EguiContexts, EguiOutput, EguiPostUpdateSet, egui};
use egui::accesskit::{Node, Role, Toggled};
use serde_json::{Value as Json, json};
use terrarium_view_model::{AssetIndex, Connection, Mark, Outcome, SentCommand, ViewState};

use crate::files::write_whole;
use crate::view::View;

/// Where it is told.
#[derive(Resource)]
pub struct StatusOut {
    lines: Option<Box<dyn Write + Send + Sync>>,
    controls: Option<PathBuf>,
    told: String,
    told_controls: String,
}

impl StatusOut {
    /// `-` is standard output.
    pub fn new(lines: Option<&str>, controls: Option<PathBuf>) -> Result<StatusOut> {
        let lines: Option<Box<dyn Write + Send + Sync>> = match lines {
            None => None,
            Some("-") => Some(Box::new(std::io::stdout())),
            Some(file) => {
                let opened = File::create(file);
                let file =
                    opened.with_context(|| format!("--status-out {file} can't be written"))?;
                Some(Box::new(file))
            }
        };
        Ok(StatusOut {
            lines,
            controls,
            told: String::new(),
            told_controls: String::new(),
        })
    }
}

/// Tells what changed, once per frame.
pub struct StatusPlugin;

impl Plugin for StatusPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, listen).add_systems(
            PostUpdate,
            (tell_controls, tell_status)
                .chain()
                .in_set(EguiPostUpdateSet::PostProcessOutput),
        );
    }
}

/// The tree is only made where somebody wants it.
fn listen(mut contexts: EguiContexts<'_, '_>, out: Res<'_, StatusOut>) -> Result<(), BevyError> {
    if out.controls.is_some() {
        contexts.ctx_mut()?.enable_accesskit();
    }
    Ok(())
}

fn tell_status(view: Res<'_, View>, mut out: ResMut<'_, StatusOut>) {
    if out.lines.is_none() {
        return;
    }
    let line = status(&view.0).to_string();
    if line == out.told {
        return;
    }
    out.told.clone_from(&line);
    if let Some(lines) = &mut out.lines
        && writeln!(lines, "{line}")
            .and_then(|()| lines.flush())
            .is_err()
    {
        // Nobody listens any more.
        out.lines = None;
    }
}

fn tell_controls(outputs: Query<'_, '_, &EguiOutput>, mut out: ResMut<'_, StatusOut>) {
    let Some(path) = out.controls.clone() else {
        return;
    };
    for output in &outputs {
        let Some(update) = &output.platform_output.accesskit_update else {
            continue;
        };
        let scale = f64::from(output.pixels_per_point);
        let focus = update.focus;
        let nodes = update.nodes.iter();
        let controls: Vec<Json> = nodes
            .filter_map(|(id, node)| control(node, scale, *id == focus))
            .collect();
        let text = json!({ "controls": controls }).to_string();
        if text == out.told_controls {
            continue;
        }
        match write_whole(&path, text.as_bytes()) {
            Ok(()) => out.told_controls = text,
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "controls can't be written");
                out.controls = None;
            }
        }
    }
}

/// A control with its words and its place in pixels of the window: left, top, right, bottom.
fn control(node: &Node, scale: f64, is_focused: bool) -> Option<Json> {
    let bounds = node.bounds()?;
    let words = [node.label(), node.value(), node.placeholder()];
    let text = words.into_iter().flatten().find(|text| !text.is_empty());
    // A field for text may have none; it is still there to be written in.
    let text = match (text, node.role()) {
        (_, Role::TextRun) => return None,
        (Some(text), _) => text,
        (None, Role::TextInput | Role::SpinButton) => "",
        (None, _) => return None,
    };
    let px = |points: f64| (points * scale).round() as i64;
    Some(json!({
        "role": format!("{:?}", node.role()),
        "text": text,
        "value": node.value(),
        "at": [px(bounds.x0), px(bounds.y0), px(bounds.x1), px(bounds.y1)],
        "is_disabled": node.is_disabled(),
        "is_on": node.toggled() == Some(Toggled::True),
        "is_focused": is_focused,
    }))
}

/// All that matters of what is shown.
pub fn status(state: &ViewState) -> Json {
    let timeline = &state.timeline;
    let park = state.park();
    let name = |asset: &AssetIndex| park.map(|park| park.asset(*asset).id.clone());
    let selected: Vec<String> = state.selection.all().iter().filter_map(name).collect();
    let found: Vec<String> = state.found.iter().filter_map(name).collect();
    let trail = &state.trail;
    let list = trail.list.as_ref();
    json!({
        "park": park.map(|park| &park.id),
        "connection": connection(&state.connection),
        "is_live": timeline.is_live(),
        "is_waiting": timeline.is_waiting(),
        "is_playing": timeline.is_playing(),
        "moment_ms": timeline.shown_ms(),
        "now_ms": timeline.now_ms(),
        "first_ms": timeline.record().0,
        "position": state.position,
        "may_command": state.allows_commands(),
        "language": match state.language {
            terrarium_view_model::Language::English => "en",
            terrarium_view_model::Language::Chinese => "zh",
        },
        "page": state.page.token(),
        "drawing": state.drawing.token(),
        "overlay": state.overlay.token(),
        "selected": selected,
        "query": state.query,
        "found": found,
        "open_alarm": state.open_alarm,
        "alarms_listed": state.alarms.listed().len(),
        "alarms_unacknowledged": state.alarms.unacknowledged(),
        "sent": state.sent.iter().map(sent).collect::<Vec<Json>>(),
        "ledger_position": state.carbon.position,
        "entries_of": list.map(|list| &list.asset),
        "entries": list.map(|list| list.entries.len()),
        "entry": trail.entry,
        "explained": trail.explanation.as_ref().map(|explanation| &explanation.entry.id),
        "sought_event": trail.sought_event,
        "claim": state.claims.asked,
        "stated": state.claims.statement.as_ref().map(|statement| &statement.claim),
        "figure": state.claims.line,
        "marks_ms": [state.comparison.moment_ms(Mark::A), state.comparison.moment_ms(Mark::B)],
        "is_comparing": state.comparison.is_on(),
        "has_shift_report": state.shift.is_some(),
        "saved": state.saved.as_ref().map(|saved| match saved {
            Ok(path) => json!({ "path": path }),
            Err(reason) => json!({ "reason": reason }),
        }),
        "link": state.link(),
    })
}

fn connection(connection: &Connection) -> &'static str {
    match connection {
        Connection::Idle => "idle",
        Connection::Connecting { .. } => "connecting",
        Connection::Live => "live",
        Connection::StaleSince { .. } => "cut",
        Connection::WrongVersion { .. } => "wrong version",
        Connection::NotAllowed { .. } => "not allowed",
        Connection::NoSuchPark { .. } => "no such park",
    }
}

fn sent(sent: &SentCommand) -> Json {
    let outcome = match &sent.outcome {
        None => json!(null),
        Some(Outcome::Recorded { position }) => json!({ "recorded": position }),
        Some(Outcome::Refused { reason }) => json!({ "refused": reason }),
    };
    json!({
        "number": sent.number,
        "command": format!("{:?}", sent.command),
        "outcome": outcome,
    })
}
