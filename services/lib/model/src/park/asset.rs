use super::tokens::tokens;
use crate::id::AssetId;

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
    DcBus,
    Tank,
    IrrigationZone,
    Fixture,
    Bin,
    CompostBay,
    TreeGroup,
    HeatPump,
    SolarThermal,
    Chiller,
    Lighting,
    Display,
    WeatherStation,
    EntranceCounter,
    Vehicle,
    Shuttle,
}

impl AssetKind {
    /// Whether an asset of this kind can't be understood without its rated electric power.
    pub fn needs_rated_power(self) -> bool {
        match self {
            AssetKind::Pv
            | AssetKind::Wind
            | AssetKind::Battery
            | AssetKind::Charger
            | AssetKind::HeatPump
            | AssetKind::Chiller
            | AssetKind::Lighting
            | AssetKind::Display => true,
            AssetKind::Building
            | AssetKind::Load
            | AssetKind::ConnectionPoint
            | AssetKind::DcBus
            | AssetKind::Tank
            | AssetKind::IrrigationZone
            | AssetKind::Fixture
            | AssetKind::Bin
            | AssetKind::CompostBay
            | AssetKind::TreeGroup
            | AssetKind::SolarThermal
            | AssetKind::WeatherStation
            | AssetKind::EntranceCounter
            | AssetKind::Vehicle
            | AssetKind::Shuttle => false,
        }
    }
}

/// What assets of one kind have in common to be told. The keys in the definition file are the names of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetParameters {
    /// Connection points, displays, weather stations and entrance counters: their rated power is all, if that.
    None,
    /// What it works for; a load of no other role where the file says nothing.
    Load { role: LoadRole },
    /// 4 m high where the file gives no height.
    Building { height_m: i64 },
    /// Tilt from the horizontal, azimuth clockwise from north; 30 and 180 (due south) where the file gives none.
    Pv { tilt_deg: i32, azimuth_deg: i32 },
    /// A small turbine, hub at 18 m and rotor of 7 m, where the file gives none.
    Wind { hub_height_m: i64, rotor_m: i64 },
    /// What it can store between empty and full.
    Battery {
        capacity_wh: i64,
        chemistry: Chemistry,
    },
    /// One-way where the file says nothing; the rated power is that of charging and, if it can, of giving back.
    Charger { bidirectional: bool },
    /// A direct-current bus that panels, storage and chargers hang on.
    DcBus { voltage_v: i64 },
    /// Never drawn below its reserve, which is at most its capacity.
    Tank {
        capacity_l: i64,
        reserve_l: i64,
        water: WaterClass,
    },
    /// Ground that is watered from one tank.
    IrrigationZone { area_m2: i64, tank: AssetId },
    /// Taps, toilets and basins of one sort; fed from a tank, or from the mains where there is none.
    Fixture {
        count: i64,
        water: WaterClass,
        tank: Option<AssetId>,
    },
    /// Full at its capacity or at its weight limit, whichever comes first.
    Bin {
        capacity_l: i64,
        limit_g: i64,
        waste: WasteStream,
    },
    /// The most it takes.
    CompostBay { capacity_kg: i64 },
    /// Trees of one species, counted.
    TreeGroup { count: i64, species: String },
    /// Its heat output at rated conditions, and where it takes the heat from. The rated power is the electric one.
    HeatPump {
        heat_w: i64,
        heat_source: HeatSource,
    },
    /// Collector area; tilt and azimuth as of [`AssetParameters::Pv`].
    SolarThermal {
        area_m2: i64,
        tilt_deg: i32,
        azimuth_deg: i32,
    },
    /// Its cooling output at rated conditions. The rated power is the electric one.
    Chiller { cooling_w: i64 },
    /// The rated power is that of all lamps together.
    Lighting { lamps: i64 },
    /// An electric car or cart of the park's own.
    Vehicle { capacity_wh: i64 },
    /// An electric vehicle that takes visitors round, and how many at once.
    Shuttle { capacity_wh: i64, seats: i64 },
}

/// What stores the energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chemistry {
    Lithium,
    Flow,
    Supercapacitor,
}

/// Where water comes from, and so what it may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaterClass {
    Rain,
    Reclaimed,
    Drinking,
}

/// What is thrown together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WasteStream {
    Recyclable,
    Residual,
    Kitchen,
    Garden,
    Hazardous,
}

/// What a load works for, and so what its power follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadRole {
    /// Nothing else in the park.
    General,
    /// It lifts the water of the irrigation zones.
    IrrigationPump,
    /// It lifts water from tanks of reclaimed water.
    ReclaimedPump,
    /// It shreds garden waste for the compost.
    Shredder,
}

/// Where a heat pump takes its heat from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeatSource {
    Air,
    Ground,
    Water,
}

tokens!(AssetKind {
    Building "building",
    Pv "pv",
    Wind "wind",
    Battery "battery",
    Charger "charger",
    Load "load",
    ConnectionPoint "connection_point",
    DcBus "dc_bus",
    Tank "tank",
    IrrigationZone "irrigation_zone",
    Fixture "fixture",
    Bin "bin",
    CompostBay "compost_bay",
    TreeGroup "tree_group",
    HeatPump "heat_pump",
    SolarThermal "solar_thermal",
    Chiller "chiller",
    Lighting "lighting",
    Display "display",
    WeatherStation "weather_station",
    EntranceCounter "entrance_counter",
    Vehicle "vehicle",
    Shuttle "shuttle",
});
tokens!(Chemistry {
    Lithium "lithium",
    Flow "flow",
    Supercapacitor "supercapacitor",
});
tokens!(WaterClass {
    Rain "rain",
    Reclaimed "reclaimed",
    Drinking "drinking",
});
tokens!(WasteStream {
    Recyclable "recyclable",
    Residual "residual",
    Kitchen "kitchen",
    Garden "garden",
    Hazardous "hazardous",
});
tokens!(LoadRole {
    General "general",
    IrrigationPump "irrigation_pump",
    ReclaimedPump "reclaimed_pump",
    Shredder "shredder",
});
tokens!(HeatSource {
    Air "air",
    Ground "ground",
    Water "water",
});
