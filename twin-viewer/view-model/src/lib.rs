//! What the twin shows, as values: the scene's objects, overlays, timeline, alarms and words. No Bevy, no network.
//!
//! - `view_state`: [`ViewState`], all that is shown; takes [`Report`]s of the network and [`Command`]s of the person in
//! - `park_view`: the park in metres, with names in both languages
//! - `quantity`, `point_table`, `quality`: points, their newest values, and how far they can be trusted
//! - `asset_state`: what is drawn of one asset
//! - `overlay`, `color`: one theme over the whole park, on scales that everybody can read
//! - `alarm`: the alarm list of ISA-18.2
//! - `timeline`: live and replay
//! - `selection`, `search`, `camera`, `sun`
//! - `carbon`: figures of the ledger
//! - `request`: what is asked of the services and what is heard from them
//! - `words`, `format`: every text in English and Chinese; numbers, units, times

mod alarm;
mod asset_state;
mod camera;
mod carbon;
pub mod color;
mod command;
pub mod format;
mod overlay;
mod park_view;
mod point_table;
mod quality;
mod quantity;
mod request;
mod search;
mod selection;
mod sun;
mod timeline;
mod view_state;
mod words;

pub use alarm::{
    Alarm, AlarmDefinition, AlarmList, AlarmPriority, AlarmRate, AlarmState, AlarmStatus,
    AlarmTransition, RateBand,
};
pub use asset_state::{
    Ask, AssetAlarm, AssetState, ChargeSession, TreeState, Weather, quality_in_range,
};
pub use camera::{Bookmark, CameraPose, CameraWish};
pub use carbon::{CarbonBalances, CarbonLine};
pub use command::Command;
pub use overlay::{
    Coverage, Legend, LegendUnit, Overlay, OverlayCell, OverlayValue, OverlayView, quality_color,
};
pub use park_view::{
    AssetIndex, AssetView, ConnectionView, GroundPoint, Location, ParkView, PathView, WaterView,
    ZoneView,
};
pub use point_table::{NewPoint, PointName, PointSlot, PointTable, Reading, Sample, TwinDelta};
pub use quality::{Quality, Shown, fade, quality_at};
pub use quantity::{Quantity, Unit};
pub use request::{Connection, EventLine, Outcome, ParkCommand, PointHistory, Report, Request};
pub use search::SearchIndex;
pub use selection::Selection;
pub use sun::Sun;
pub use timeline::{Density, LoopMode, SPEEDS, TimeMode, Timeline, Want};
pub use view_state::{Lags, SentCommand, ViewState};
pub use words::{Language, Word};
