//! The operator's panels: functions of what is shown, answering with what the person did.
//!
//! - [`install`] (`theme`): font and colours; call once
//! - [`show`] (`layout`): all panels around the scene, or the plan; returns [`Command`]s and the room left for the scene
//! - `top_bar`, `banner`: park, time, lags, language; how the connection stands; the frame of a replay
//! - `alarm_list`, `alarm_card`: ISA-18.2 list with the rate gauge; cause, consequence, action, time left
//! - `overlay_panel`: the theme's chooser and legend
//! - `detail`, `trend`, `orders`: the selected asset; commands to it, in two steps
//! - `timeline_bar`: event density, alarm ticks, cursor, transport
//! - `search_box`, `plan`
//! - `single_line`, `symbols`: the electric and the water network as drawings
//! - `ledger_panel`, `claims_panel`: the carbon ledger, from its balance down to the events; claims with their netting lists
//! - `compare_panel`: moments A and B side by side
//! - `shift_window`, `help_sheet`, `visitors_page`
//! - `shapes`: signs that are drawn, not written
//! - `keys`: what the keyboard does

mod alarm_card;
mod alarm_list;
mod banner;
mod claims_panel;
mod compare_panel;
mod detail;
mod help_sheet;
mod keys;
mod layout;
mod ledger_panel;
mod orders;
mod overlay_panel;
mod plan;
mod search_box;
mod shapes;
mod shift_window;
mod single_line;
mod symbols;
mod theme;
mod timeline_bar;
mod top_bar;
mod trend;
mod visitors_page;

#[cfg(test)]
mod tests;

pub use layout::{Answer, Drafts, show};
pub use plan::plan;
pub use theme::install;

pub use terrarium_view_model::Command;
