//! Reports of some steps, sorted by the service they go to and turned into its words.

use terrarium_model::{Interval, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::water::v1 as water;

use crate::park::{
    CompostWork, Fact, TankFlowKind, TreeSurvey, V2gWish, VehicleDoing, VehicleOwner, WaterSource,
};

/// Equation behind the CO2 of surveys, for the record.
const TREE_METHOD: &str = "Chapman-Richards diameter by age, allometric biomass a x D^b, root share 0.26, carbon 0.48 (simulated)";

/// What a session's charger says, in its order.
pub enum SessionReport {
    Start(mobility::ReportSessionStartRequest),
    Meters(Vec<mobility::SessionMeter>),
    End(mobility::ReportSessionEndRequest),
}

/// What bins and the crew say, in their order.
pub enum WasteReport {
    Bins(Vec<waste::BinMeasurement>),
    Collected(waste::ReportCollectionRequest),
}

impl SessionReport {
    fn meters(&mut self) -> Option<&mut Vec<mobility::SessionMeter>> {
        match self {
            SessionReport::Meters(meters) => Some(meters),
            SessionReport::Start(_) | SessionReport::End(_) => None,
        }
    }
}

impl WasteReport {
    fn bins(&mut self) -> Option<&mut Vec<waste::BinMeasurement>> {
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
        request: water::StartIrrigationRequest,
    },
    Order(waste::OrderCollectionRequest),
    Acknowledge(waste::AcknowledgeCollectionRequest),
}

/// Reports of some steps.
pub struct Bundle {
    pub park: String,
    pub readings: Vec<energy::Reading>,
    pub storages: Vec<energy::StorageState>,
    pub observations: Vec<energy::WeatherObservation>,
    pub heat: Vec<energy::HeatAmount>,
    pub levels: Vec<water::TankLevel>,
    pub flows: Vec<water::TankFlowReading>,
    pub water: Vec<water::WaterReading>,
    pub irrigation_ends: Vec<IrrigationEnd>,
    pub waste: Vec<WasteReport>,
    pub compost: Vec<waste::CompostReport>,
    pub sessions: Vec<SessionReport>,
    pub visitors: Vec<mobility::VisitorCount>,
    pub vehicles: Vec<mobility::FleetVehicleReport>,
    pub trips: Vec<mobility::ShuttleTrip>,
    pub samples: Vec<water::QualitySample>,
    pub trees: Vec<TreeReport>,
    pub commands: Vec<Command>,
    /// The end of the last step.
    pub through: UnixSeconds,
    /// Most reports of a step are of the same times.
    last_time: Option<(UnixSeconds, String)>,
    last_start: Option<(UnixSeconds, String)>,
}

impl Bundle {
    pub fn new(park: &ParkId) -> Bundle {
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
            sessions: Vec::new(),
            visitors: Vec::new(),
            vehicles: Vec::new(),
            trips: Vec::new(),
            samples: Vec::new(),
            trees: Vec::new(),
            commands: Vec::new(),
            through: UnixSeconds(0),
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

    fn add_energy(&mut self, fact: Fact) {
        match fact {
            Fact::EnergyMetered {
                meter,
                interval,
                energy_wh,
            } => {
                let interval_start = self.start(interval);
                self.readings.push(energy::Reading {
                    meter: meter.to_string(),
                    quantity: "active_energy".to_owned(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    value: energy_wh.to_string(),
                    unit: "Wh".to_owned(),
                    correction: None,
                });
            }
            Fact::RegisterRead {
                meter,
                at,
                total_wh,
            } => {
                let interval_start = self.time(at);
                self.readings.push(energy::Reading {
                    meter: meter.to_string(),
                    quantity: "active_energy_register".to_owned(),
                    interval_start,
                    interval_seconds: 0,
                    value: total_wh.to_string(),
                    unit: "Wh".to_owned(),
                    correction: None,
                });
            }
            Fact::StorageReported {
                storage,
                at,
                stored_wh,
                power_w,
                charged_wh,
                discharged_wh,
            } => {
                let time = self.time(at);
                self.storages.push(energy::StorageState {
                    storage: storage.to_string(),
                    time,
                    stored_wh,
                    power_w,
                    charged_wh,
                    discharged_wh,
                });
            }
            Fact::WeatherObserved {
                station,
                interval,
                air_mc,
                irradiance_w_per_m2,
                wind_mm_per_s,
                rain_um_per_h,
                cloud_permille,
            } => {
                let interval_start = self.start(interval);
                self.observations.push(energy::WeatherObservation {
                    station: station.to_string(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    air_temperature_mc: Some(air_mc),
                    irradiance_w_per_m2: Some(irradiance_w_per_m2),
                    wind_mm_per_s: Some(wind_mm_per_s),
                    rain_um_per_h: Some(rain_um_per_h),
                    cloud_permille: Some(cloud_permille),
                });
            }
            Fact::HeatMetered {
                source,
                interval,
                heat_wh,
            } => {
                let interval_start = self.start(interval);
                self.heat.push(energy::HeatAmount {
                    source: source.to_string(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    heat_wh,
                });
            }
            _ => unreachable!("only reports of the energy domain come here"),
        }
    }

    fn add_water(&mut self, fact: Fact) {
        match fact {
            Fact::TankLevel { tank, at, level_l } => {
                let time = self.time(at);
                self.levels.push(water::TankLevel {
                    tank: tank.to_string(),
                    time,
                    level_l,
                });
            }
            Fact::TankFlow {
                tank,
                flow,
                interval,
                litres,
            } => {
                let interval_start = self.start(interval);
                self.flows.push(water::TankFlowReading {
                    tank: tank.to_string(),
                    flow: match flow {
                        TankFlowKind::RainIn => water::TankFlow::RainIn,
                        TankFlowKind::ReclaimedIn => water::TankFlow::ReclaimedIn,
                        TankFlowKind::SupplyIn => water::TankFlow::SupplyIn,
                        TankFlowKind::SpillOut => water::TankFlow::SpillOut,
                    }
                    .into(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    litres,
                });
            }
            Fact::WaterMetered {
                asset,
                source,
                interval,
                litres,
            } => {
                let interval_start = self.start(interval);
                self.water.push(water::WaterReading {
                    asset: asset.to_string(),
                    network: match source {
                        WaterSource::Supply => water::WaterNetwork::Supply,
                        WaterSource::Reclaimed => water::WaterNetwork::Reclaimed,
                        WaterSource::Rain => water::WaterNetwork::Rain,
                    }
                    .into(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    litres,
                });
            }
            Fact::IrrigationStarted { zone, at, litres } => self.commands.push(Command::Irrigate {
                started: at,
                request: water::StartIrrigationRequest {
                    park: self.park.clone(),
                    // Zone ids may be as long as a request id, so only the time makes it unique; the zone is part of the
                    // command.
                    client_request_id: format!("valve-{}", at.0),
                    zone: zone.to_string(),
                    litres,
                },
            }),
            Fact::IrrigationEnded {
                zone,
                started,
                at,
                litres,
            } => {
                let time = self.time(at);
                self.irrigation_ends.push(IrrigationEnd {
                    zone: zone.to_string(),
                    started,
                    time,
                    litres,
                });
            }
            Fact::WaterSampled {
                tank,
                sample,
                at,
                quality,
            } => {
                let time = self.time(at);
                self.samples.push(water::QualitySample {
                    tank: tank.to_string(),
                    sample,
                    time,
                    ph_milli: Some(quality.ph_milli),
                    turbidity_mntu: Some(quality.turbidity_mntu),
                    cod_ug_per_l: Some(quality.cod_ug_per_l),
                    ammonia_n_ug_per_l: Some(quality.ammonia_n_ug_per_l),
                    evidence_sha256: Default::default(),
                });
            }
            _ => unreachable!("only reports of the water domain come here"),
        }
    }

    fn add_waste(&mut self, fact: Fact) {
        match fact {
            Fact::BinMeasured {
                bin,
                at,
                fill_l,
                weight_g,
            } => {
                let measurement = waste::BinMeasurement {
                    bin: bin.to_string(),
                    time: self.time(at),
                    fill_l,
                    weight_g,
                };
                add_to_last(
                    &mut self.waste,
                    measurement,
                    WasteReport::bins,
                    WasteReport::Bins,
                );
            }
            Fact::Collected {
                collection,
                at,
                ticket,
                weight_g,
            } => {
                let request = waste::ReportCollectionRequest {
                    park: self.park.clone(),
                    client_request_id: format!("crew-{collection}"),
                    collection,
                    time: format_rfc3339_utc(at),
                    ticket,
                    weight_g,
                    ..waste::ReportCollectionRequest::default()
                };
                self.waste.push(WasteReport::Collected(request));
            }
            Fact::CollectionOrdered {
                collection,
                bins,
                due,
                ..
            } => self
                .commands
                .push(Command::Order(waste::OrderCollectionRequest {
                    park: self.park.clone(),
                    client_request_id: format!("order-{collection}"),
                    collection,
                    bins: bins.iter().map(ToString::to_string).collect(),
                    assignee: "crew-1".to_owned(),
                    due: format_rfc3339_utc(due),
                    ..waste::OrderCollectionRequest::default()
                })),
            Fact::CollectionAcknowledged { collection, .. } => {
                let request = waste::AcknowledgeCollectionRequest {
                    park: self.park.clone(),
                    client_request_id: format!("seen-{collection}"),
                    collection,
                };
                self.commands.push(Command::Acknowledge(request));
            }
            Fact::Compost {
                bay,
                batch,
                at,
                work,
            } => {
                let time = self.time(at);
                self.compost.push(waste::CompostReport {
                    bay: bay.to_string(),
                    batch,
                    time,
                    what: Some(compost_work(work)),
                });
            }
            _ => unreachable!("only reports of the waste domain come here"),
        }
    }

    fn add_mobility(&mut self, fact: Fact) {
        match fact {
            Fact::SessionStarted {
                charger,
                session,
                owner,
                at,
                v2g,
            } => {
                let request = mobility::ReportSessionStartRequest {
                    park: self.park.clone(),
                    client_request_id: format!("start-{session}"),
                    charger: charger.to_string(),
                    session,
                    vehicle_class: match owner {
                        VehicleOwner::Fleet => mobility::VehicleClass::Fleet,
                        VehicleOwner::Public => mobility::VehicleClass::Public,
                        VehicleOwner::Visitor => mobility::VehicleClass::Visitor,
                    }
                    .into(),
                    time: format_rfc3339_utc(at),
                    allows_discharge: v2g.is_some(),
                    v2g: v2g.map(v2g_terms),
                };
                self.sessions.push(SessionReport::Start(request));
            }
            Fact::SessionMetered {
                charger,
                session,
                at,
                energy_in_wh,
                energy_out_wh,
            } => {
                let meter = mobility::SessionMeter {
                    charger: charger.to_string(),
                    session,
                    time: self.time(at),
                    energy_in_wh,
                    energy_out_wh,
                };
                add_to_last(
                    &mut self.sessions,
                    meter,
                    SessionReport::meters,
                    SessionReport::Meters,
                );
            }
            Fact::SessionEnded {
                charger,
                session,
                at,
                energy_in_wh,
                energy_out_wh,
            } => {
                let request = mobility::ReportSessionEndRequest {
                    park: self.park.clone(),
                    client_request_id: format!("end-{session}"),
                    meter: Some(mobility::SessionMeter {
                        charger: charger.to_string(),
                        session,
                        time: format_rfc3339_utc(at),
                        energy_in_wh,
                        energy_out_wh,
                    }),
                };
                self.sessions.push(SessionReport::End(request));
            }
            Fact::VisitorsCounted {
                counter,
                interval,
                entered,
                left,
            } => {
                let interval_start = self.start(interval);
                self.visitors.push(mobility::VisitorCount {
                    counter: counter.to_string(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    entered,
                    left,
                });
            }
            _ => unreachable!("only reports of the mobility domain come here"),
        }
    }

    fn add_fleet(&mut self, fact: Fact) {
        match fact {
            Fact::VehicleReported {
                vehicle,
                at,
                doing,
                stored_wh,
                odometer_m,
            } => {
                let time = self.time(at);
                self.vehicles.push(mobility::FleetVehicleReport {
                    vehicle: vehicle.to_string(),
                    time,
                    state: match doing {
                        VehicleDoing::Parked => mobility::VehicleState::Parked,
                        VehicleDoing::Driving => mobility::VehicleState::Driving,
                        VehicleDoing::Charging => mobility::VehicleState::Charging,
                    }
                    .into(),
                    stored_wh,
                    odometer_m,
                });
            }
            Fact::ShuttleTripEnded {
                vehicle,
                trip,
                started,
                ended,
                distance_m,
                energy_wh,
                passengers,
            } => self.trips.push(mobility::ShuttleTrip {
                vehicle: vehicle.to_string(),
                trip,
                line: "round".to_owned(),
                started: format_rfc3339_utc(started),
                ended: format_rfc3339_utc(ended),
                distance_m,
                energy_wh,
                passengers,
            }),
            _ => unreachable!("only reports of the fleet come here"),
        }
    }

    fn add_trees(&mut self, fact: Fact) {
        let park = self.park.clone();
        self.trees.push(match fact {
            Fact::TreesPlanted {
                group,
                planting,
                at,
                survey,
            } => TreeReport::Planted(carbon::PlantTreesRequest {
                park,
                client_request_id: format!("plant-{}", at.0),
                group: group.to_string(),
                planting,
                time: format_rfc3339_utc(at),
                count: survey.living,
                mean_diameter_mm: survey.mean_diameter_mm,
                mean_height_cm: survey.mean_height_cm,
            }),
            Fact::TreesDied {
                group,
                loss,
                at,
                count,
            } => TreeReport::Died(carbon::ReportTreesDiedRequest {
                park,
                client_request_id: format!("died-{loss}"),
                group: group.to_string(),
                loss,
                time: format_rfc3339_utc(at),
                count,
                numbers: Vec::new(),
                cause: carbon::TreeLossCause::Other.into(),
            }),
            Fact::TreesSurveyed { group, at, survey } => {
                TreeReport::Surveyed(tree_survey(park, group.to_string(), at, survey))
            }
            _ => unreachable!("only reports of trees come here"),
        });
    }
}

fn tree_survey(
    park: String,
    group: String,
    at: UnixSeconds,
    survey: TreeSurvey,
) -> carbon::MonitorTreesRequest {
    carbon::MonitorTreesRequest {
        park,
        client_request_id: format!("survey-{}", at.0),
        group,
        time: format_rfc3339_utc(at),
        living: survey.living,
        mean_diameter_mm: survey.mean_diameter_mm,
        mean_height_cm: survey.mean_height_cm,
        co2_g: survey.co2_g,
        method: carbon::TreeCarbonMethod::Modelled.into(),
        source: TREE_METHOD.to_owned(),
        evidence_sha256: Default::default(),
    }
}

fn v2g_terms(wish: V2gWish) -> mobility::V2gTerms {
    mobility::V2gTerms {
        battery_wh: wish.battery_wh,
        stored_wh: wish.stored_wh,
        reserve_wh: wish.reserve_wh,
        departure: format_rfc3339_utc(wish.departure),
    }
}

fn compost_work(work: CompostWork) -> waste::compost_report::What {
    use waste::compost_report::What;
    match work {
        CompostWork::Fed { weight_g, source } => {
            What::Feed(waste::CompostFeed { weight_g, source })
        }
        CompostWork::Turned => What::Turning(waste::CompostTurning {}),
        CompostWork::Measured { temperature_mc } => What::Measurement(waste::CompostMeasurement {
            temperature_mc,
            moisture_permille: None,
        }),
        CompostWork::TakenOut { weight_g } => What::Product(waste::CompostProduct { weight_g }),
        CompostWork::Ended => What::End(waste::CompostEnd {}),
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
