use std::collections::BTreeMap;
use std::fmt;

use super::problem::ParkErrors;
use super::{parse, validate};
use crate::id::{AssetId, MeterId, ParkId, ZoneId};
use crate::time::TimeZone;

/// A park: zones, assets, how they are connected, and the meters. Only made by [`ParkDefinition::parse`], so every
/// reference leads somewhere and every meter belongs to exactly one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkDefinition {
    pub id: ParkId,
    pub name: Name,
    pub time_zone: TimeZone,
    pub clock: ParkClock,
    /// Region whose factors price imported and exported energy.
    pub grid_region: String,
    pub zones: BTreeMap<ZoneId, Zone>,
    pub assets: BTreeMap<AssetId, Asset>,
    /// In the order of the file.
    pub connections: Vec<Connection>,
    pub meters: BTreeMap<MeterId, Meter>,
    /// The assets that the grid connects to directly. The ledger balances each of them hour by hour.
    pub nodes: BTreeMap<AssetId, Node>,
}

impl ParkDefinition {
    /// Reads a park definition (TOML). All problems of the text are told at once; `file_name` stands before each.
    pub fn parse(text: &str, file_name: &str) -> Result<ParkDefinition, ParkErrors> {
        let (draft, problems) = parse::read_draft(text, file_name)?;
        validate::validate(&draft, problems)
    }
}

/// What something is called, in English and in Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub en: String,
    pub zh: String,
}

/// Which time is "now" in the park.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParkClock {
    /// UTC wall time.
    Wall,
    /// The simulator's time.
    Simulated,
}

/// A part of the park's ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    pub id: ZoneId,
    pub name: Name,
}

/// Something in the park that energy flows through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub id: AssetId,
    pub kind: AssetKind,
    pub zone: ZoneId,
    pub name: Name,
    /// Rated power in W, where the definition gives one.
    pub rated_w: Option<i64>,
}

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssetKind {
    Building,
    Pv,
    Wind,
    Battery,
    Charger,
    Load,
    ConnectionPoint,
}

/// A line between two ends. Lines from the public grid lead into the park; lines between assets lead towards the
/// node that the asset belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub kind: ConnectionKind,
    pub from: ConnectionSource,
    pub to: AssetId,
}

/// What flows through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    Electric,
}

/// Where a connection starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionSource {
    /// The public grid, `"grid"` in the definition.
    Grid,
    Asset(AssetId),
}

/// A meter and what it measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    pub id: MeterId,
    pub asset: AssetId,
    /// The node whose balance the meter counts in.
    pub node: AssetId,
    pub measures: Measures,
    pub reports: Reports,
    /// Rated power in W, 1 or more. A reading of more than ten times this is quarantined.
    pub rated_w: i64,
}

/// Which flow a meter measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measures {
    Consumption,
    Generation,
    GridImport,
    GridExport,
}

/// How a meter reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reports {
    /// The energy of each interval.
    Interval,
    /// A counter that only grows; energy is the difference of neighbouring reads.
    Register,
}

/// An asset that the grid connects to directly, with everything metered behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub asset: AssetId,
    pub metering: NodeMetering,
    /// In the order of their ids; at least one.
    pub meters: Vec<MeterId>,
}

/// Which side of a node's balance is metered, and so which side follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeMetering {
    /// Consumption is metered; import and export follow.
    Consumption,
    /// Import is metered; consumption follows.
    Grid,
    /// Both are metered; what does not add up is shown as unexplained.
    ConsumptionAndGrid,
}

/// Gives an enum its tokens in the definition file: what is read and what is printed are one list.
macro_rules! tokens {
    ($name:ident { $($variant:ident $token:literal,)+ }) => {
        impl $name {
            /// Every value with its token in the definition file.
            pub const TOKENS: &[(&str, $name)] = &[$(($token, $name::$variant),)+];

            /// The token in the definition file.
            pub fn token(self) -> &'static str {
                match self {
                    $($name::$variant => $token,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.token())
            }
        }
    };
}

tokens!(ParkClock {
    Wall "wall",
    Simulated "simulated",
});
tokens!(AssetKind {
    Building "building",
    Pv "pv",
    Wind "wind",
    Battery "battery",
    Charger "charger",
    Load "load",
    ConnectionPoint "connection_point",
});
tokens!(ConnectionKind {
    Electric "electric",
});
tokens!(Measures {
    Consumption "consumption",
    Generation "generation",
    GridImport "grid_import",
    GridExport "grid_export",
});
tokens!(Reports {
    Interval "interval",
    Register "register",
});
