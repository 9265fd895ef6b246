//! Where the panels stand.

use egui::{Frame, Margin, Panel, Rect, ScrollArea, Ui};
use terrarium_view_model::{Command, ViewState};

use crate::{
    alarm_card, alarm_list, banner, carbon_panel, detail, keys, orders, overlay_panel, plan,
    search_box, theme, timeline_bar, top_bar,
};

/// What a person is writing and has not sent: it lives between frames and is nobody else's business.
#[derive(Debug, Clone)]
pub struct Drafts {
    pub(crate) shelve_reason: String,
    pub(crate) shelve_minutes: i64,
    pub(crate) irrigate_l: i64,
    pub(crate) limit_kw: f64,
    /// Where the plan is looked at: zoom, and its middle in metres east and north. `None`: the whole park.
    pub(crate) plan_view: Option<(f32, [f32; 2])>,
    /// Start of a range that is being drawn on the timeline.
    pub(crate) range_from_ms: Option<i64>,
}

impl Default for Drafts {
    fn default() -> Drafts {
        Drafts {
            shelve_reason: String::new(),
            shelve_minutes: 60,
            irrigate_l: 500,
            limit_kw: 7.0,
            plan_view: None,
            range_from_ms: None,
        }
    }
}

/// What came of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the person did, to be applied at the end of the frame.
    pub commands: Vec<Command>,
    /// Where the scene is seen, in points. Clicks elsewhere are not for it.
    pub scene: Rect,
}

/// Draws all panels. The scene is drawn behind them by somebody else; the plan is drawn here.
pub fn show(ui: &mut Ui, state: &ViewState, drafts: &mut Drafts) -> Answer {
    let mut commands = Vec::new();
    keys::read(ui, state, &mut commands);
    let frame = Frame::new()
        .fill(theme::PANEL)
        .inner_margin(Margin::symmetric(8, 5));
    Panel::top("top-bar")
        .frame(frame)
        .show(ui, |ui| top_bar::show(ui, state, &mut commands));
    Panel::top("banner")
        .frame(Frame::NONE)
        .show_separator_line(false)
        .show(ui, |ui| banner::show(ui, state, &mut commands));
    Panel::bottom("timeline").frame(frame).show(ui, |ui| {
        timeline_bar::show(ui, state, drafts, &mut commands)
    });
    Panel::left("alarms")
        .frame(frame)
        .default_size(300.0)
        .size_range(220.0..=480.0)
        .show(ui, |ui| {
            ScrollArea::vertical().show(ui, |ui| {
                alarm_list::show(ui, state, &mut commands);
                alarm_card::show(ui, state, drafts, &mut commands);
            });
        });
    Panel::right("detail")
        .frame(frame)
        .default_size(320.0)
        .size_range(240.0..=560.0)
        .show(ui, |ui| {
            ScrollArea::vertical().show(ui, |ui| {
                search_box::show(ui, state, &mut commands);
                orders::show(ui, state, &mut commands);
                overlay_panel::show(ui, state, &mut commands);
                if state.shows_carbon {
                    carbon_panel::show(ui, state, &mut commands);
                }
                detail::show(ui, state, drafts, &mut commands);
            });
        });
    let scene = ui.available_rect_before_wrap();
    if state.shows_plan {
        plan::plan(ui, state, drafts, &mut commands);
    }
    banner::frame(ui, state);
    Answer { commands, scene }
}
