//! What the carbon books are told by the domains beside electricity.

use std::sync::Arc;

use terrarium_model::{AmountUnit, AssetId, Interval, UnixSeconds};

use crate::books::LifeCycleModule;

/// One thing that happened, as the carbon books see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarbonFact {
    /// Water flowed.
    Water(WaterMetered),
    /// An activity was reported, or reported again with a greater revision.
    Activity(Arc<Activity>),
    /// Bins were emptied and the load was weighed.
    Collected(WasteCollected),
    /// The load of a collection was weighed on a weighbridge; it counts before what the collection said.
    Weighed(WasteWeighed),
    /// A bin was emptied in a collection.
    Emptied(BinEmptied),
    /// Something happened to a tree group.
    Trees(TreeRecord),
    /// Embodied carbon was recorded, or corrected with a greater revision.
    Embodied(EmbodiedRecord),
    /// It was decided how activities are accounted for.
    Profile(ProfileRecord),
    /// A document was attached.
    Evidence(EvidenceRecord),
    /// An invoice was recorded.
    Invoice(InvoiceRecord),
}

/// What metered water is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaterFlow {
    /// Drinking water to an asset.
    Supply,
    /// Reclaimed water to an asset; of one that hangs on a tank it was counted where it ran into the tank.
    Reclaimed,
    /// Rain to an asset: its pumps are metered as electricity.
    Rain,
    /// Drinking water into a tank.
    SupplyIntoTank,
    /// Reclaimed water into a tank.
    ReclaimedIntoTank,
}

impl WaterFlow {
    /// As in ids.
    pub fn token(self) -> &'static str {
        match self {
            WaterFlow::Supply => "supply",
            WaterFlow::Reclaimed => "reclaimed",
            WaterFlow::Rain => "rain",
            WaterFlow::SupplyIntoTank => "supply-into-tank",
            WaterFlow::ReclaimedIntoTank => "reclaimed-into-tank",
        }
    }
}

/// Water that flowed in one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaterMetered {
    /// Where to.
    pub asset: AssetId,
    /// What.
    pub flow: WaterFlow,
    /// When.
    pub interval: Interval,
    /// How much.
    pub litres: i64,
}

macro_rules! activity_kinds {
    ($($(#[$doc:meta])* $kind:ident $token:literal,)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ActivityKind {
            $($(#[$doc])* $kind,)+
        }

        impl ActivityKind {
            /// All kinds.
            pub const ALL: &[ActivityKind] = &[$(ActivityKind::$kind,)+];

            /// From its token.
            pub fn parse(token: &str) -> Option<ActivityKind> {
                match token {
                    $($token => Some(ActivityKind::$kind),)+
                    _ => None,
                }
            }

            /// The token.
            pub fn token(self) -> &'static str {
                match self {
                    $(ActivityKind::$kind => $token,)+
                }
            }
        }
    };
}

activity_kinds! {
    /// Water, by where it comes from.
    Water "water",
    /// Waste water that was treated elsewhere.
    WasteWater "waste-water",
    /// Waste that left the park, by "stream/route".
    Waste "waste",
    /// Material that was put into the park's own compost.
    Compost "compost",
    /// A fuel was burnt in plant of the park.
    FuelBurnt "fuel",
    /// A fuel was burnt in vehicles of the park.
    FuelDriven "vehicle-fuel",
    /// Refrigerant was topped up: as much was lost before.
    RefrigerantLost "refrigerant",
    /// A charge that leaks at a usual rate, where no log is kept: "refrigerant/equipment".
    RefrigerantHeld "refrigerant-charge",
    /// An industrial process.
    Process "process",
    /// A gas that was measured or worked out elsewhere.
    GasReleased "gas",
    /// Heat was bought.
    Heat "heat",
    /// Goods were carried to the park.
    Freight "freight",
    /// Goods were carried from the park.
    FreightOut "freight-out",
    /// People travelled for the park.
    BusinessTravel "business-travel",
    /// Staff came to work.
    Commuting "commuting",
    /// Visitors came and went.
    VisitorTravel "visitor-travel",
    /// A material was built in.
    Material "material",
}

impl ActivityKind {
    /// Whether it can be reported to the carbon service. The others follow from meters and scales.
    pub fn is_reported(self) -> bool {
        !matches!(
            self,
            ActivityKind::Water | ActivityKind::Waste | ActivityKind::Compost
        )
    }

    /// Steps that it is counted in.
    pub fn units(self) -> &'static [AmountUnit] {
        match self {
            ActivityKind::Water | ActivityKind::WasteWater => &[AmountUnit::Litre],
            ActivityKind::Waste
            | ActivityKind::Compost
            | ActivityKind::RefrigerantLost
            | ActivityKind::RefrigerantHeld
            | ActivityKind::Process
            | ActivityKind::GasReleased => &[AmountUnit::Gram],
            ActivityKind::FuelBurnt | ActivityKind::FuelDriven => &[
                AmountUnit::Gram,
                AmountUnit::Millilitre,
                AmountUnit::NormalLitre,
                AmountUnit::WattHour,
            ],
            ActivityKind::Heat => &[AmountUnit::WattHour],
            ActivityKind::Freight | ActivityKind::FreightOut => {
                &[AmountUnit::GramMetre, AmountUnit::Metre]
            }
            ActivityKind::BusinessTravel
            | ActivityKind::Commuting
            | ActivityKind::VisitorTravel => &[AmountUnit::PersonMetre, AmountUnit::Metre],
            ActivityKind::Material => &[AmountUnit::Gram, AmountUnit::Litre],
        }
    }
}

/// Something that was done, and how well that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What was done.
    pub kind: ActivityKind,
    /// With what: "diesel", "residual/incineration", "R-410A", "lorry-rigid-17t", ...
    pub subject: String,
    /// Where.
    pub asset: AssetId,
    /// Its own id among those of the asset and kind.
    pub name: String,
    /// Who answers for it: "park", or the opaque id of a tenant or partner.
    pub party: String,
    /// When; of no length: at once.
    pub interval: Interval,
    /// How much.
    pub amount: i64,
    /// In which steps.
    pub unit: AmountUnit,
    /// 0 at first; a correction has a greater one.
    pub revision: u32,
    /// Tier of the data, 1 (metered and calibrated) to 6 (assumed).
    pub tier: u8,
    /// Half of the 95 % interval of the amount, in millionths.
    pub u95_ppm: u32,
    /// Where it is written: invoice, log, ticket.
    pub source: String,
    /// SHA-256 of that document.
    pub evidence: Option<[u8; 32]>,
}

/// Half of the 95 % interval of a datum of a tier, where nothing better is known: the upper end of each row (project default, carbon
/// accounting note, section 4.2).
pub fn u95_ppm_of_tier(tier: u8) -> u32 {
    match tier {
        0 | 1 => 20_000,
        2 => 50_000,
        3 => 200_000,
        4 => 300_000,
        5 => 500_000,
        _ => 1_000_000,
    }
}

/// Bins were emptied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasteCollected {
    /// Id of the collection.
    pub collection: String,
    /// When.
    pub time: UnixSeconds,
    /// Grams on the ticket.
    pub weight_g: i64,
    /// Which.
    pub bins: Vec<AssetId>,
    /// SHA-256 of the ticket.
    pub evidence: Option<[u8; 32]>,
}

/// A load was weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasteWeighed {
    /// Id of the collection.
    pub collection: String,
    /// When.
    pub time: UnixSeconds,
    /// Grams of the load.
    pub net_g: i64,
    /// SHA-256 of the ticket.
    pub evidence: Option<[u8; 32]>,
}

/// A bin was emptied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinEmptied {
    /// The bin.
    pub bin: AssetId,
    /// Id of the collection.
    pub collection: String,
    /// When.
    pub time: UnixSeconds,
    /// Grams that the bin weighed last.
    pub weight_g: Option<i64>,
}

/// Something that happened to a tree group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRecord {
    /// The group.
    pub group: AssetId,
    /// When.
    pub time: UnixSeconds,
    /// What.
    pub what: TreeHappening,
}

/// What happened to trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeHappening {
    /// Trees were planted.
    Planted {
        /// Id of the planting.
        planting: String,
        /// How many.
        count: u32,
    },
    /// The group was surveyed.
    Surveyed {
        /// Living trees.
        living: u32,
        /// Grams of CO2 held.
        co2_g: i64,
        /// How it was worked out.
        method: TreeMethod,
        /// Equation, table or tool.
        source: String,
    },
    /// Trees died or were felled.
    Lost {
        /// Id of the loss.
        loss: String,
        /// How many.
        count: u32,
        /// Grams of CO2 that are held no more.
        reversed_co2_g: i64,
    },
}

/// How the CO2 in trees was worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeMethod {
    /// Measured, with an allometric equation.
    Measured,
    /// A growth model.
    Modelled,
    /// A default per tree or area.
    Default,
}

/// Embodied carbon of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbodiedRecord {
    /// The asset.
    pub asset: AssetId,
    /// Module of EN 15978.
    pub module: LifeCycleModule,
    /// Material or work within the asset.
    pub item: String,
    /// 0 at first; a correction has a greater one.
    pub revision: u32,
    /// When it was or will be emitted.
    pub time: UnixSeconds,
    /// Milligrams of CO2 equivalent.
    pub co2e_mg: i64,
    /// The declaration, calculation or table behind it.
    pub source: String,
    /// SHA-256 of that document.
    pub evidence: Option<[u8; 32]>,
}

/// Decisions about how activities are accounted for; it holds until the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRecord {
    /// 1 for the first, and one more for each that replaces it.
    pub version: u32,
    /// From when on.
    pub valid_from: UnixSeconds,
    /// Whether the park is let to tenants.
    pub is_landlord: bool,
    /// Route of each waste stream: (stream, route).
    pub waste_routes: Vec<(String, String)>,
    /// Regions of factors, best first; empty: the grid's region and its usual fall-backs.
    pub regions: Vec<String>,
    /// The set that prices a kind: (kind, set).
    pub pinned_sets: Vec<(String, String)>,
}

/// A document about something of the park.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// SHA-256 of the document.
    pub sha256: [u8; 32],
    /// What it is: "calibration", "invoice", ...
    pub kind: String,
    /// What it is about: an asset, a meter, an activity.
    pub about: String,
    /// What it holds for.
    pub interval: Interval,
    /// In a person's words.
    pub note: String,
}

/// What a supplier charged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceRecord {
    /// Opaque id of the supplier.
    pub supplier: String,
    /// Its number.
    pub number: String,
    /// 0 at first; a correction has a greater one.
    pub revision: u32,
    /// Meters that it is about: of electricity, or assets with metered water.
    pub meters: Vec<String>,
    /// What was delivered.
    pub carrier: Carrier,
    /// When.
    pub interval: Interval,
    /// Wh or litres.
    pub amount: i64,
    /// SHA-256 of the invoice.
    pub evidence: Option<[u8; 32]>,
}

/// What an invoice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// Wh.
    Electricity,
    /// Litres of drinking water.
    Water,
}
