//! The park definition: what is there, where it stands, how it is connected, and what is metered.
//!
//! `definition`, `asset`, `alarm` and `geometry` hold the types. `parse` reads the TOML into a draft that remembers where
//! each value stands, by way of `table`, `read_asset`, `parameter_reader`, `read_site` and `read_alarm`; `references` finds
//! what ids refer to; `topology` follows the connections, `thermal` those of heat and cold; `validate` turns the draft into a definition (`check_alarms` and
//! `alarm_limits` its alarms), `published` holds and reads the figures to compare with, and `problem` is how all that can be wrong is told.

mod alarm;
mod alarm_limits;
mod asset;
mod check_alarms;
mod definition;
mod geometry;
mod parameter_reader;
mod parse;
mod problem;
mod published;
mod read_alarm;
mod read_asset;
mod read_site;
mod references;
mod table;
mod thermal;
mod tokens;
mod topology;
mod validate;

#[cfg(test)]
mod tests;

pub use alarm::{
    AlarmCondition, AlarmDefinition, AlarmPriority, AlarmTest, AlarmTrigger, AlarmWatch, Balanced,
    PointQuantity,
};
pub use asset::{
    AssetKind, AssetParameters, Chemistry, HeatSource, LoadRole, WasteStream, WaterClass,
};
pub use definition::{
    AccuracyClass, Asset, Carrier, Connection, ConnectionKind, ConnectionSource, Measures, Meter,
    Name, Node, NodeMetering, ParkClock, ParkDefinition, Reports, ThermalLine, ThermalNetwork,
    Zone,
};
pub use geometry::{Place, Site, SitePath, SitePoint, SitePolygon, SiteSize, SiteWater};
pub use parse::MOST_DEFINITION_BYTES;
pub use problem::{ParkErrors, ParkProblem};
pub use published::{FigureBasis, Published, PublishedFigure};
