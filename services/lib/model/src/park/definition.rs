use std::collections::{BTreeMap, BTreeSet};

use super::alarm::AlarmDefinition;
use super::asset::{AssetKind, AssetParameters};
use super::geometry::{Place, Site, SitePath, SitePolygon, SiteWater};
use super::problem::ParkErrors;
use super::published::Published;
use super::tokens::tokens;
use super::{parse, validate};
use crate::id::{AlarmDefinitionId, AssetId, MeterId, ParkId, ZoneId};
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
    /// Where the park lies and how far it reaches, where the definition says so.
    pub site: Option<Site>,
    pub zones: BTreeMap<ZoneId, Zone>,
    pub assets: BTreeMap<AssetId, Asset>,
    /// In the order of the file.
    pub connections: Vec<Connection>,
    pub meters: BTreeMap<MeterId, Meter>,
    /// The assets that the grid connects to directly. The ledger balances each of them hour by hour.
    pub nodes: BTreeMap<AssetId, Node>,
    /// Everything that lines of heat or of cold join, by carrier and node. The natural books balance each of them hour by hour.
    pub thermal_networks: BTreeMap<(Carrier, AssetId), ThermalNetwork>,
    /// Ways to walk and drive on, in the order of the file.
    pub paths: Vec<SitePath>,
    /// Ponds and streams, in the order of the file.
    pub waters: Vec<SiteWater>,
    pub alarms: BTreeMap<AlarmDefinitionId, AlarmDefinition>,
    /// Published figures to compare with, in the order of the file.
    pub published: Vec<Published>,
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
    pub outline: Option<SitePolygon>,
}

/// Something in the park that is twinned: energy, water or waste flows through it, or it grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub id: AssetId,
    pub kind: AssetKind,
    pub zone: ZoneId,
    pub name: Name,
    /// Rated electric power in W, where the definition gives one; always there for the kinds that need it
    /// ([`AssetKind::needs_rated_power`]).
    pub rated_w: Option<i64>,
    /// What its kind needs to be known by. The variant follows from `kind`.
    pub parameters: AssetParameters,
    /// Where it stands, where the definition says so.
    pub place: Option<Place>,
    /// Keys of this asset whose figure has no source: those that the file lists, and those that were left to their
    /// default. In the order of the alphabet, each once.
    pub assumed: Vec<String>,
    /// Where the figures come from.
    pub source: Option<String>,
}

/// A line between two ends. Electric lines from the public grid lead into the park; those between assets lead towards
/// the node that the asset belongs to. Other lines lead the way that the water, the waste, the heat or the cold flows, from
/// asset to asset; the balance of electricity does not follow them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub kind: ConnectionKind,
    pub from: ConnectionSource,
    pub to: AssetId,
    /// What a line of heat or cold loses while it is in use, W, at its usual temperatures; 0 where the definition gives none.
    pub loss_w: i64,
}

/// What flows through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionKind {
    Electric,
    Water,
    Waste,
    Heat,
    Cold,
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
    /// The node whose balance the meter counts in; of heat and cold that of its network.
    pub node: AssetId,
    pub measures: Measures,
    pub reports: Reports,
    /// Rated power in W, 1 or more. A reading of more than ten times this is quarantined.
    pub rated_w: i64,
    /// How exact it is, where the definition says so.
    pub accuracy: Option<AccuracyClass>,
    /// Whole kWh digits of a register: after 999 it reads 0 again if there are 3. `None`: it never comes round.
    pub register_digits: Option<u32>,
}

impl Meter {
    /// The content in Wh at which the register reads 0 again.
    pub fn register_wraps_at_wh(&self) -> Option<i64> {
        self.register_digits
            .map(|digits| 1_000 * 10_i64.pow(digits))
    }
}

/// Which flow a meter measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measures {
    Consumption,
    Generation,
    GridImport,
    GridExport,
    /// Into a store of the node.
    StorageCharge,
    /// Out of a store of the node.
    StorageDischarge,
    /// From a source of heat into its network.
    HeatSupply,
    /// From a network of heat to who needs it.
    HeatUse,
    /// From a source of cold into its network.
    ColdSupply,
    /// From a network of cold to who needs it.
    ColdUse,
}

impl Measures {
    /// What carries the energy; `None`: electricity.
    pub fn carrier(self) -> Option<Carrier> {
        match self {
            Measures::HeatSupply | Measures::HeatUse => Some(Carrier::Heat),
            Measures::ColdSupply | Measures::ColdUse => Some(Carrier::Cold),
            Measures::Consumption
            | Measures::Generation
            | Measures::GridImport
            | Measures::GridExport
            | Measures::StorageCharge
            | Measures::StorageDischarge => None,
        }
    }

    /// Whether it is what a source gives to a network of heat or cold.
    pub fn is_thermal_supply(self) -> bool {
        matches!(self, Measures::HeatSupply | Measures::ColdSupply)
    }
}

/// Warm or chilled water.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    Heat,
    Cold,
}

impl Carrier {
    /// Lines that it flows through.
    pub fn connection(self) -> ConnectionKind {
        match self {
            Carrier::Heat => ConnectionKind::Heat,
            Carrier::Cold => ConnectionKind::Cold,
        }
    }
}

/// Sources and users of heat (or of cold) that lines join. Sources are where lines only begin, users where they only end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThermalNetwork {
    pub carrier: Carrier,
    /// What the network is told by: the asset where most of its lines meet; of several one that lines lead to, then the first by
    /// its id.
    pub node: AssetId,
    pub sources: BTreeSet<AssetId>,
    pub users: BTreeSet<AssetId>,
    pub lines: Vec<ThermalLine>,
    /// In the order of their ids.
    pub meters: Vec<MeterId>,
    /// Every source and every user of it has a meter, so that its balance can be told.
    pub is_metered: bool,
}

/// A line of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThermalLine {
    pub from: AssetId,
    pub to: AssetId,
    /// As of [`Connection::loss_w`].
    pub loss_w: i64,
}

/// Accuracy class of an electricity meter for active energy: IEC 62053-21 (1, 2) and IEC 62053-22 (0.1S, 0.2S, 0.5S);
/// 0.5 is of IEC 62053-21:2020. Of heat and cold: the class of the flow sensor by EN 1434-1 (1, 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccuracyClass {
    Class01S,
    Class02S,
    Class05S,
    Class05,
    Class1,
    Class2,
}

impl AccuracyClass {
    /// The class index: the limit of error at reference conditions and unity power factor, in thousandths.
    pub fn error_limit_permille(self) -> u32 {
        match self {
            AccuracyClass::Class01S => 1,
            AccuracyClass::Class02S => 2,
            AccuracyClass::Class05S | AccuracyClass::Class05 => 5,
            AccuracyClass::Class1 => 10,
            AccuracyClass::Class2 => 20,
        }
    }
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
    /// What goes into its stores and comes out of them is metered.
    pub has_storage_meters: bool,
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

tokens!(ParkClock {
    Wall "wall",
    Simulated "simulated",
});
tokens!(ConnectionKind {
    Electric "electric",
    Water "water",
    Waste "waste",
    Heat "heat",
    Cold "cold",
});
tokens!(Carrier {
    Heat "heat",
    Cold "cold",
});
tokens!(Measures {
    Consumption "consumption",
    Generation "generation",
    GridImport "grid_import",
    GridExport "grid_export",
    StorageCharge "storage_charge",
    StorageDischarge "storage_discharge",
    HeatSupply "heat_supply",
    HeatUse "heat_use",
    ColdSupply "cold_supply",
    ColdUse "cold_use",
});
tokens!(AccuracyClass {
    Class01S "0.1S",
    Class02S "0.2S",
    Class05S "0.5S",
    Class05 "0.5",
    Class1 "1",
    Class2 "2",
});
tokens!(Reports {
    Interval "interval",
    Register "register",
});
