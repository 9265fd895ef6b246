//! What the twin shows, as values: the scene's objects, overlays, timeline, alarms and words. No Bevy, no network.
//!
//! - `view_state`: [`ViewState`], all that is shown; takes [`Report`]s of the network and [`Command`]s of the person in
//!   (`view_state/apply`)
//! - `park_view`: the park in metres, with names in both languages
//! - `quantity`, `point_table`, `quality`: points, their newest values, and how far they can be trusted
//! - `asset_state`: what is drawn of one asset
//! - `overlay`, `color`: one theme over the whole park, on scales that everybody can read
//! - `alarm`: the alarm list of ISA-18.2
//! - `timeline`: live and replay
//! - `selection`, `search`, `camera`, `sun`
//! - `carbon`, `ledger_trail`: figures of the ledger, and the way from a kilogram down to its events; `claims`: statements
//!   over the books with their netting lists
//! - `comparison`: two moments side by side
//! - `single_line`: a network as a drawing
//! - `audience`, `kiosk`, `visitors`: who a screen is for, screens that follow one another, figures for the public
//! - `shift_record`, `shift_report`, `incident`, `document`: what is written to files
//! - `deep_link`: links to a view
//! - `request`: what is asked of the services and what is heard from them
//! - `words`, `format`: every text in English and Chinese; numbers, units, times

mod alarm;
mod asset_state;
mod audience;
mod camera;
mod carbon;
mod claims;
pub mod color;
mod command;
mod comparison;
mod deep_link;
mod document;
pub mod format;
mod incident;
mod kiosk;
mod ledger_trail;
mod overlay;
mod park_view;
mod point_table;
mod quality;
mod quantity;
mod request;
mod search;
mod selection;
mod shift_record;
mod shift_report;
mod single_line;
mod sun;
mod timeline;
mod view_state;
mod visitors;
mod words;

pub use alarm::{
    Alarm, AlarmDefinition, AlarmList, AlarmPriority, AlarmRate, AlarmState, AlarmStatus,
    AlarmTransition, RateBand,
};
pub use asset_state::{
    Ask, AssetAlarm, AssetState, ChargeSession, TreeState, Weather, quality_in_range,
};
pub use audience::{Audience, Page};
pub use camera::{Bookmark, CameraPose, CameraWish};
pub use carbon::{CarbonBalances, CarbonLine};
pub use claims::{
    ClaimName, Claims, FigureSource, NettingLine, Statement, StatementLine, StatementPosting,
    Treatment, Words, figure_text,
};
pub use command::Command;
pub use comparison::{Comparison, Difference, Mark};
pub use deep_link::{DeepLink, LinkError};
pub use document::{Block, Document, Format};
pub use incident::BundleFile;
pub use kiosk::{Kiosk, KioskError, Screen};
pub use ledger_trail::{
    Contribution, EnergyAccount, EntryList, EventMark, Explanation, FactorUsed, LedgerBook,
    LedgerEntry, LedgerPeriod, LedgerTrail,
};
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
pub use request::{
    Connection, EventLine, EventsAround, Outcome, ParkCommand, PointHistory, Report, Request,
};
pub use search::SearchIndex;
pub use selection::Selection;
pub use shift_record::{
    AlarmEvent, AlarmLine, MeterQuality, OrderLine, OrderStep, OrderValue, ShiftRecord,
};
pub use shift_report::{LONGEST_SHIFT_MS, shift_report};
pub use single_line::{DiagramItem, DiagramNode, Drawing, SingleLine, Wire};
pub use sun::Sun;
pub use timeline::{Density, LoopMode, SPEEDS, TimeMode, Timeline, Want};
pub use view_state::{FileWish, Lags, SentCommand, ViewState};
pub use visitors::VisitorFigures;
pub use words::{Language, Word};
