//! Words that everything else in Terrarium is written in. Pure: no files, no clock, no async.
//!
//! - [`id`](crate::ParkId): names of parks, zones, assets, meters and factor sets, validated when made
//! - `time`: instants, intervals, RFC 3339 in and out, time zones, the clock as a trait
//! - `unit`, `quantity`: decimals as reported, units, and the whole Wh and mg that balances are made of
//! - `hour_share`: an interval's energy, hour by hour, to the Wh
//! - `factor`: emission factors and their one rounding
//! - `factor_unit`: what factors are per what, and the whole steps that activities are counted in
//! - `gas`: greenhouse gases by name
//! - `sun`: where the sun stands
//! - `event_id`: ids that follow from what an event says
//! - `shelf`: where goes what is seldom asked for
//! - `park`: the park definition (TOML) and everything that can be wrong with it

mod event_id;
mod factor;
mod factor_unit;
mod found;
mod gas;
mod hour_share;
mod id;
mod park;
mod quantity;
mod shelf;
mod sun;
mod time;
mod unit;

pub use event_id::event_id;
pub use factor::{FactorValue, emission_fraction_mg, emission_mg};
pub use factor_unit::{ActivityUnit, AmountUnit, FactorUnit, ParameterUnit, UnknownFactorUnit};
pub use gas::Gas;
pub use hour_share::{HourShare, HourShares, hour_share_at, hour_shares};
pub use id::{AlarmDefinitionId, AssetId, FactorSetId, InvalidId, MeterId, ParkId, ZoneId};
pub use park::{
    AccuracyClass, AlarmCondition, AlarmDefinition, AlarmPriority, AlarmTest, AlarmTrigger,
    AlarmWatch, Asset, AssetKind, AssetParameters, Balanced, Carrier, Chemistry, Connection,
    ConnectionKind, ConnectionSource, FigureBasis, HeatSource, LoadRole, MOST_DEFINITION_BYTES,
    Measures, Meter, Name, Node, NodeMetering, ParkClock, ParkDefinition, ParkErrors, ParkProblem,
    Place, PointQuantity, Published, PublishedFigure, Reports, Site, SitePath, SitePoint,
    SitePolygon, SiteSize, SiteWater, ThermalLine, ThermalNetwork, WasteStream, WaterClass, Zone,
};
pub use quantity::{
    Decimal, DecimalError, EnergyError, EnergyWh, MOST_ENERGY_PER_READING_WH, MassMg, energy_wh,
    round_half_even_div,
};
pub use shelf::Shelf;
pub use sun::{SunPosition, sun_position};
pub use time::{
    Clock, FixedClock, Interval, SECONDS_PER_HOUR, TimeError, TimeZone, UnixMillis, UnixSeconds,
    UnknownTimeZone, format_rfc3339_utc, parse_rfc3339_with_offset,
};
pub use unit::{Dimension, Unit, UnknownUnit};
