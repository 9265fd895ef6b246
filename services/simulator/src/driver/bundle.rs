//! Reports of some steps, sorted by the service they go to and turned into its words.

mod energy;
mod mobility;
mod trees;
mod waste;
mod water;

use std::collections::BTreeMap;

use terrarium_model::{Interval, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::energy::v1 as energy_wire;
use terrarium_proto::mobility::v1 as mobility_wire;
use terrarium_proto::waste::v1 as waste_wire;
use terrarium_proto::water::v1 as water_wire;

use crate::park::Fact;

/// What a charger says of its sessions, in its order.
pub enum SessionReport {
    Start(mobility_wire::ReportSessionStartRequest),
    Meters(Vec<mobility_wire::SessionMeter>),
    End(mobility_wire::ReportSessionEndRequest),
}

/// What a vehicle of the park says, in its order.
pub enum FleetReport {
    Vehicle(Vec<mobility_wire::FleetVehicleReport>),
    Trips(Vec<mobility_wire::ShuttleTrip>),
}

/// What bins and the crew say, in their order.
pub enum WasteReport {
    Bins(Vec<waste_wire::BinMeasurement>),
    Collected(waste_wire::ReportCollectionRequest),
}

impl SessionReport {
    fn meters(&mut self) -> Option<&mut Vec<mobility_wire::SessionMeter>> {
        match self {
            SessionReport::Meters(meters) => Some(meters),
            SessionReport::Start(_) | SessionReport::End(_) => None,
        }
    }
}

impl FleetReport {
    fn vehicle(&mut self) -> Option<&mut Vec<mobility_wire::FleetVehicleReport>> {
        match self {
            FleetReport::Vehicle(reports) => Some(reports),
            FleetReport::Trips(_) => None,
        }
    }

    fn trips(&mut self) -> Option<&mut Vec<mobility_wire::ShuttleTrip>> {
        match self {
            FleetReport::Trips(trips) => Some(trips),
            FleetReport::Vehicle(_) => None,
        }
    }
}

impl WasteReport {
    fn bins(&mut self) -> Option<&mut Vec<waste_wire::BinMeasurement>> {
        match self {
            WasteReport::Bins(bins) => Some(bins),
            WasteReport::Collected(_) => None,
        }
    }
}

/// What gardeners say of trees, in its order.
pub enum TreeReport {
    Planted(carbon::PlantTreesRequest),
    Died(carbon::ReportTreesDiedRequest),
    Surveyed(carbon::MonitorTreesRequest),
}

/// An irrigation that came to its end.
pub struct IrrigationEnd {
    pub zone: String,
    pub started: UnixSeconds,
    pub time: String,
    pub litres: i64,
}

/// Something that has to be said while the park's clock stands at its time.
pub enum Command {
    Irrigate {
        started: UnixSeconds,
        request: water_wire::StartIrrigationRequest,
    },
    Order(waste_wire::OrderCollectionRequest),
    Acknowledge(waste_wire::AcknowledgeCollectionRequest),
}

/// Reports of some steps.
pub struct Bundle {
    pub park: String,
    pub readings: Vec<energy_wire::Reading>,
    pub storages: Vec<energy_wire::StorageState>,
    pub observations: Vec<energy_wire::WeatherObservation>,
    pub heat: Vec<energy_wire::HeatAmount>,
    pub levels: Vec<water_wire::TankLevel>,
    pub flows: Vec<water_wire::TankFlowReading>,
    pub water: Vec<water_wire::WaterReading>,
    pub irrigation_ends: Vec<IrrigationEnd>,
    pub waste: Vec<WasteReport>,
    pub compost: Vec<waste_wire::CompostReport>,
    /// By charger.
    pub sessions: BTreeMap<String, Vec<SessionReport>>,
    pub visitors: Vec<mobility_wire::VisitorCount>,
    /// By vehicle.
    pub fleet: BTreeMap<String, Vec<FleetReport>>,
    pub samples: Vec<water_wire::QualitySample>,
    pub trees: Vec<TreeReport>,
    pub commands: Vec<Command>,
    /// The start of the first step.
    pub from: UnixSeconds,
    /// The end of the last step.
    pub through: UnixSeconds,
    /// Most reports of a step are of the same times.
    last_time: Option<(UnixSeconds, String)>,
    last_start: Option<(UnixSeconds, String)>,
}

impl Bundle {
    /// Without any step yet; the first one begins at `from`.
    pub fn new(park: &ParkId, from: UnixSeconds) -> Bundle {
        Bundle {
            park: park.to_string(),
            readings: Vec::new(),
            storages: Vec::new(),
            observations: Vec::new(),
            heat: Vec::new(),
            levels: Vec::new(),
            flows: Vec::new(),
            water: Vec::new(),
            irrigation_ends: Vec::new(),
            waste: Vec::new(),
            compost: Vec::new(),
            sessions: BTreeMap::new(),
            visitors: Vec::new(),
            fleet: BTreeMap::new(),
            samples: Vec::new(),
            trees: Vec::new(),
            commands: Vec::new(),
            from,
            through: from,
            last_time: None,
            last_start: None,
        }
    }

    /// Adds what is said in a step.
    pub fn add_step(&mut self, interval: Interval, facts: Vec<Fact>) {
        self.through = interval.end();
        for fact in facts {
            self.add(fact);
        }
    }

    fn time(&mut self, at: UnixSeconds) -> String {
        remembered(&mut self.last_time, at)
    }

    fn start(&mut self, interval: Interval) -> String {
        remembered(&mut self.last_start, interval.start)
    }

    fn add(&mut self, fact: Fact) {
        match fact {
            Fact::EnergyMetered { .. }
            | Fact::RegisterRead { .. }
            | Fact::StorageReported { .. }
            | Fact::WeatherObserved { .. }
            | Fact::HeatMetered { .. } => self.add_energy(fact),
            Fact::TankLevel { .. }
            | Fact::TankFlow { .. }
            | Fact::WaterMetered { .. }
            | Fact::IrrigationStarted { .. }
            | Fact::IrrigationEnded { .. }
            | Fact::WaterSampled { .. } => self.add_water(fact),
            Fact::BinMeasured { .. }
            | Fact::CollectionOrdered { .. }
            | Fact::CollectionAcknowledged { .. }
            | Fact::Collected { .. }
            | Fact::Compost { .. } => self.add_waste(fact),
            Fact::SessionStarted { .. }
            | Fact::SessionMetered { .. }
            | Fact::SessionEnded { .. }
            | Fact::VisitorsCounted { .. } => self.add_mobility(fact),
            Fact::VehicleReported { .. } | Fact::ShuttleTripEnded { .. } => self.add_fleet(fact),
            Fact::TreesPlanted { .. } | Fact::TreesDied { .. } | Fact::TreesSurveyed { .. } => {
                self.add_trees(fact);
            }
        }
    }
}

/// Adds one to the last report if that takes many of its sort, else begins such a report.
fn add_to_last<Report, One>(
    reports: &mut Vec<Report>,
    one: One,
    many: impl Fn(&mut Report) -> Option<&mut Vec<One>>,
    begin: impl Fn(Vec<One>) -> Report,
) {
    match reports.last_mut().and_then(many) {
        Some(many) => many.push(one),
        None => reports.push(begin(vec![one])),
    }
}

fn remembered(last: &mut Option<(UnixSeconds, String)>, at: UnixSeconds) -> String {
    match last {
        Some((known, text)) if *known == at => text.clone(),
        _ => {
            let text = format_rfc3339_utc(at);
            *last = Some((at, text.clone()));
            text
        }
    }
}
