//! What devices report, in the units of their displays.

use terrarium_model::{AssetId, Interval, MeterId, UnixSeconds};

/// Where metered water comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaterSource {
    Supply,
    Reclaimed,
    Rain,
}

/// Water that flows into a tank or over its rim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TankFlowKind {
    RainIn,
    ReclaimedIn,
    SupplyIn,
    SpillOut,
}

/// Whose car is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VehicleOwner {
    Fleet,
    Public,
    Visitor,
}

/// What a vehicle of the park is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VehicleDoing {
    Parked,
    Driving,
    Charging,
}

/// What a laboratory finds in a sample of water.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    pub ph_milli: u32,
    pub turbidity_mntu: i64,
    pub cod_ug_per_l: i64,
    pub ammonia_n_ug_per_l: i64,
}

impl Quality {
    /// Whether it may be given to green space: GB/T 18920-2020, table 1 (pH 6 to 9, turbidity up to 10 NTU).
    pub fn is_fit_for_irrigation(&self) -> bool {
        (6_000..=9_000).contains(&self.ph_milli) && self.turbidity_mntu <= 10_000
    }
}

/// What an owner asks for who allows energy to be taken from the car.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V2gWish {
    pub battery_wh: i64,
    pub stored_wh: i64,
    pub reserve_wh: i64,
    pub departure: UnixSeconds,
}

/// Something that happened to a batch of compost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompostWork {
    Fed { weight_g: i64, source: String },
    Turned,
    Measured { temperature_mc: i64 },
    TakenOut { weight_g: i64 },
    Ended,
}

/// A survey of a group of trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeSurvey {
    pub living: u32,
    pub mean_diameter_mm: u32,
    pub mean_height_cm: u32,
    pub co2_g: i64,
}

/// One report of one device, or of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Energy of an interval.
    EnergyMetered {
        meter: MeterId,
        interval: Interval,
        energy_wh: i64,
    },
    /// A cumulative counter at an instant.
    RegisterRead {
        meter: MeterId,
        at: UnixSeconds,
        total_wh: i64,
    },
    StorageReported {
        storage: AssetId,
        at: UnixSeconds,
        stored_wh: i64,
        power_w: i64,
        charged_wh: i64,
        discharged_wh: i64,
    },
    WeatherObserved {
        station: AssetId,
        interval: Interval,
        air_mc: i32,
        irradiance_w_per_m2: u32,
        wind_mm_per_s: u32,
        rain_um_per_h: u32,
        cloud_permille: u32,
    },
    HeatMetered {
        source: AssetId,
        interval: Interval,
        heat_wh: i64,
    },
    TankLevel {
        tank: AssetId,
        at: UnixSeconds,
        level_l: i64,
    },
    TankFlow {
        tank: AssetId,
        flow: TankFlowKind,
        interval: Interval,
        litres: i64,
    },
    WaterMetered {
        asset: AssetId,
        source: WaterSource,
        interval: Interval,
        litres: i64,
    },
    /// The irrigation controller opens a zone's valve. A command: the park's clock has to stand at `at`.
    IrrigationStarted {
        zone: AssetId,
        at: UnixSeconds,
        litres: i64,
    },
    /// ... and closes it. `started` is the `at` of its start.
    IrrigationEnded {
        zone: AssetId,
        started: UnixSeconds,
        at: UnixSeconds,
        litres: i64,
    },
    BinMeasured {
        bin: AssetId,
        at: UnixSeconds,
        fill_l: i64,
        weight_g: i64,
    },
    /// The crew is asked to empty bins. A command: the park's clock has to stand at `at`.
    CollectionOrdered {
        collection: String,
        bins: Vec<AssetId>,
        at: UnixSeconds,
        due: UnixSeconds,
    },
    /// The crew has seen the order. A command.
    CollectionAcknowledged { collection: String, at: UnixSeconds },
    /// The bins were emptied, and the load was weighed.
    Collected {
        collection: String,
        at: UnixSeconds,
        ticket: String,
        weight_g: i64,
    },
    SessionStarted {
        charger: AssetId,
        session: String,
        owner: VehicleOwner,
        at: UnixSeconds,
        v2g: Option<V2gWish>,
    },
    SessionMetered {
        charger: AssetId,
        session: String,
        at: UnixSeconds,
        energy_in_wh: i64,
        energy_out_wh: i64,
    },
    SessionEnded {
        charger: AssetId,
        session: String,
        at: UnixSeconds,
        energy_in_wh: i64,
        energy_out_wh: i64,
    },
    VehicleReported {
        vehicle: AssetId,
        at: UnixSeconds,
        doing: VehicleDoing,
        stored_wh: i64,
        odometer_m: i64,
    },
    ShuttleTripEnded {
        vehicle: AssetId,
        trip: String,
        started: UnixSeconds,
        ended: UnixSeconds,
        distance_m: i64,
        energy_wh: i64,
        passengers: u32,
    },
    /// A sample of a tank's water was looked into.
    WaterSampled {
        tank: AssetId,
        sample: String,
        at: UnixSeconds,
        quality: Quality,
    },
    Compost {
        bay: AssetId,
        batch: String,
        at: UnixSeconds,
        work: CompostWork,
    },
    VisitorsCounted {
        counter: AssetId,
        interval: Interval,
        entered: u32,
        left: u32,
    },
    TreesPlanted {
        group: AssetId,
        planting: String,
        at: UnixSeconds,
        survey: TreeSurvey,
    },
    TreesDied {
        group: AssetId,
        loss: String,
        at: UnixSeconds,
        count: u32,
    },
    TreesSurveyed {
        group: AssetId,
        at: UnixSeconds,
        survey: TreeSurvey,
    },
}

impl Fact {
    /// Whether it is a command whose right time is the park's clock, rather than a report that says its own time.
    pub fn is_command(&self) -> bool {
        matches!(
            self,
            Fact::IrrigationStarted { .. }
                | Fact::CollectionOrdered { .. }
                | Fact::CollectionAcknowledged { .. }
        )
    }

    /// Whether a service may be waiting for it with a deadline, so that what is due before it has to be decided before it is
    /// said.
    pub fn meets_a_deadline(&self) -> bool {
        matches!(self, Fact::Collected { .. })
    }

    /// From when on it can be known: its instant, or the end of its interval.
    pub fn known_at(&self) -> UnixSeconds {
        match self {
            Fact::EnergyMetered { interval, .. }
            | Fact::WeatherObserved { interval, .. }
            | Fact::HeatMetered { interval, .. }
            | Fact::TankFlow { interval, .. }
            | Fact::WaterMetered { interval, .. }
            | Fact::VisitorsCounted { interval, .. } => interval.end(),
            Fact::RegisterRead { at, .. }
            | Fact::StorageReported { at, .. }
            | Fact::TankLevel { at, .. }
            | Fact::IrrigationStarted { at, .. }
            | Fact::IrrigationEnded { at, .. }
            | Fact::BinMeasured { at, .. }
            | Fact::CollectionOrdered { at, .. }
            | Fact::CollectionAcknowledged { at, .. }
            | Fact::Collected { at, .. }
            | Fact::SessionStarted { at, .. }
            | Fact::SessionMetered { at, .. }
            | Fact::SessionEnded { at, .. }
            | Fact::VehicleReported { at, .. }
            | Fact::ShuttleTripEnded { ended: at, .. }
            | Fact::WaterSampled { at, .. }
            | Fact::Compost { at, .. }
            | Fact::TreesPlanted { at, .. }
            | Fact::TreesDied { at, .. }
            | Fact::TreesSurveyed { at, .. } => *at,
        }
    }

    /// The device or thing that it is about.
    pub fn device(&self) -> &str {
        match self {
            Fact::EnergyMetered { meter, .. } | Fact::RegisterRead { meter, .. } => meter.as_str(),
            Fact::StorageReported { storage: id, .. }
            | Fact::WeatherObserved { station: id, .. }
            | Fact::HeatMetered { source: id, .. }
            | Fact::TankLevel { tank: id, .. }
            | Fact::TankFlow { tank: id, .. }
            | Fact::WaterMetered { asset: id, .. }
            | Fact::IrrigationStarted { zone: id, .. }
            | Fact::IrrigationEnded { zone: id, .. }
            | Fact::BinMeasured { bin: id, .. }
            | Fact::SessionStarted { charger: id, .. }
            | Fact::SessionMetered { charger: id, .. }
            | Fact::SessionEnded { charger: id, .. }
            | Fact::VehicleReported { vehicle: id, .. }
            | Fact::ShuttleTripEnded { vehicle: id, .. }
            | Fact::WaterSampled { tank: id, .. }
            | Fact::Compost { bay: id, .. }
            | Fact::VisitorsCounted { counter: id, .. }
            | Fact::TreesPlanted { group: id, .. }
            | Fact::TreesDied { group: id, .. }
            | Fact::TreesSurveyed { group: id, .. } => id.as_str(),
            Fact::CollectionOrdered { collection, .. }
            | Fact::CollectionAcknowledged { collection, .. }
            | Fact::Collected { collection, .. } => collection,
        }
    }
}
