//! Where the panels stand.

use egui::{Frame, Margin, Panel, Rect, ScrollArea, Ui};
use terrarium_view_model::{Command, Drawing, Overlay, Page, ViewState};

use crate::{
    alarm_card, alarm_list, banner, compare_panel, detail, help_sheet, keys, ledger_panel, orders,
    overlay_panel, plan, search_box, shift_window, single_line, theme, timeline_bar, top_bar,
    visitors_page,
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
    /// Where a single-line drawing is looked at: zoom and shift in points. `None`: all of it.
    pub(crate) diagram_view: Option<(f32, egui::Vec2)>,
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
            diagram_view: None,
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

/// Draws all panels. The scene is drawn behind them by somebody else; plan and drawings are drawn here.
pub fn show(ui: &mut Ui, state: &ViewState, drafts: &mut Drafts) -> Answer {
    let mut commands = Vec::new();
    keys::read(ui, state, &mut commands);
    match state.page {
        Page::Desk => desk(ui, state, drafts, &mut commands),
        Page::Park => {
            Panel::top("top-bar")
                .frame(frame())
                .show(ui, |ui| top_bar::title(ui, state, &mut commands));
            notices(ui, state, &mut commands);
            if state.shown_overlay() != Overlay::None {
                Panel::bottom("legend")
                    .frame(frame())
                    .show(ui, |ui| overlay_panel::show(ui, state, &mut commands));
            }
        }
        Page::Ledger => {
            Panel::top("top-bar")
                .frame(frame())
                .show(ui, |ui| top_bar::title(ui, state, &mut commands));
            notices(ui, state, &mut commands);
        }
        Page::Visitors => {
            let room = frame().inner_margin(Margin::symmetric(20, 10));
            Panel::top("visitors-title")
                .frame(room)
                .show(ui, |ui| visitors_page::title(ui, state, &mut commands));
            notices(ui, state, &mut commands);
            Panel::left("visitors")
                .frame(room)
                .default_size(420.0)
                .resizable(false)
                .show(ui, |ui| {
                    ScrollArea::vertical().show(ui, |ui| visitors_page::show(ui, state));
                });
        }
    }
    let scene = ui.available_rect_before_wrap();
    if state.page == Page::Ledger {
        frame()
            .inner_margin(Margin::symmetric(30, 16))
            .show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                ScrollArea::vertical().show(ui, |ui| ledger_panel::show(ui, state, &mut commands));
            });
    } else if state.drawing == Drawing::Plan {
        plan::plan(ui, state, drafts, &mut commands);
    } else if let Some(network) = state.drawing.network() {
        single_line::show(ui, state, drafts, network, &mut commands);
    }
    shift_window::show(ui, state, &mut commands);
    help_sheet::show(ui, state, &mut commands);
    banner::frame(ui, state);
    Answer { commands, scene }
}

fn frame() -> Frame {
    Frame::new()
        .fill(theme::PANEL)
        .inner_margin(Margin::symmetric(8, 5))
}

fn notices(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let notices = banner::notices(state);
    if !notices.is_empty() {
        Panel::top("banner")
            .frame(Frame::NONE)
            .show_separator_line(false)
            .show(ui, |ui| banner::show(ui, state, notices, commands));
    }
}

/// All panels of the operator.
fn desk(ui: &mut Ui, state: &ViewState, drafts: &mut Drafts, commands: &mut Vec<Command>) {
    Panel::top("top-bar")
        .frame(frame())
        .show(ui, |ui| top_bar::show(ui, state, commands));
    notices(ui, state, commands);
    Panel::bottom("timeline")
        .frame(frame())
        .show(ui, |ui| timeline_bar::show(ui, state, drafts, commands));
    Panel::left("alarms")
        .frame(frame())
        .default_size(300.0)
        .size_range(220.0..=480.0)
        .show(ui, |ui| {
            ScrollArea::vertical().show(ui, |ui| {
                alarm_list::show(ui, state, commands);
                alarm_card::show(ui, state, drafts, commands);
            });
        });
    // A panel keeps the width that its widest content took: that of the ledger is not for what stands there afterwards.
    let name = match (state.shows_carbon, state.comparison.is_on()) {
        (true, _) => "detail-with-ledger",
        (false, true) => "detail-with-differences",
        (false, false) => "detail",
    };
    Panel::right(name)
        .frame(frame())
        .default_size(320.0)
        .size_range(240.0..=560.0)
        .show(ui, |ui| {
            ScrollArea::vertical().show(ui, |ui| {
                search_box::show(ui, state, commands);
                orders::show(ui, state, commands);
                overlay_panel::show(ui, state, commands);
                compare_panel::show(ui, state, commands);
                if state.shows_carbon {
                    ledger_panel::show(ui, state, commands);
                }
                detail::show(ui, state, drafts, commands);
            });
        });
}
