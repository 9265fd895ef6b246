//! A park on a stage of its own, told what to show.

use std::path::{Path, PathBuf};

use bevy::render::renderer::RenderAdapterInfo;
use terrarium_model::{AssetKind, ParkDefinition};
use terrarium_view_model::{
    Alarm, AlarmDefinition, AlarmPriority, AlarmState, AlarmStatus, AssetView, CarbonBalances,
    CarbonLine, Command, Density, NewPoint, ParkView, PointName, Quality, Quantity, Report, Sample,
    TwinDelta, ViewState,
};

use super::golden::compare;
use super::kept::LateShader;
use crate::offscreen::OffscreenStage;
use crate::panels::Bare;
use crate::picture::Picture;
use crate::rig::Rig;
use crate::view::{Reader, View};
use crate::{cameras, start};

const HOUR_MS: i64 = 3_600_000;

/// A park on the stage.
pub struct Show {
    pub stage: OffscreenStage,
    driver: String,
}

impl Show {
    pub fn of(park: &str, at: &str, size: (u32, u32), bare: bool) -> Show {
        let late = LateShader::default();
        let mut stage = OffscreenStage::with(size, 1, |app| late.install(app))
            .expect("a software adapter is installed");
        stage.world().insert_resource(Bare(bare));
        stage.world().insert_resource(view_of(park, at));
        let info = stage.world().resource::<RenderAdapterInfo>();
        let driver = format!("{} {}", info.name, info.driver_info);
        let mut show = Show { stage, driver };
        show.look("home");
        show
    }

    /// Another park on the same stage.
    pub fn change_to(&mut self, park: &str, at: &str) {
        let mut view = view_of(park, at);
        let known = &mut self.stage.world().resource_mut::<View>().0;
        // The stage sees by its number that the park is another one.
        while view.0.park_generation() <= known.park_generation() {
            let definition = std::fs::read_to_string(file_of("zne-homes")).expect("a shipped park");
            for text in [
                definition,
                std::fs::read_to_string(file_of(park)).expect("a shipped park"),
            ] {
                let now_ms = view.0.timeline.now_ms();
                view.0.take(Report::Park {
                    definition: text,
                    first_ms: None,
                    now_ms,
                });
            }
        }
        view.0.take_camera_wish();
        *known = view.0;
        self.look("home");
    }

    pub fn does(&mut self, command: Command) {
        self.stage.world().resource_mut::<View>().0.apply(command);
    }

    pub fn state(&mut self) -> &ViewState {
        &self.stage.world().resource::<View>().0
    }

    /// Values of every asset at a moment, rain with them or not.
    pub fn values(&mut self, at: &str, rain_um_per_h: i64) {
        self.at(at);
        let state = self.state();
        let delta = values_of(
            state.park().expect("a park"),
            state.timeline.now_ms(),
            rain_um_per_h,
            0,
        );
        self.take(Report::Live {
            delta,
            waited_ms: 0,
        });
    }

    pub fn look(&mut self, camera: &str) {
        let world = self.stage.world();
        let pose = cameras::named(world.resource::<View>().0.park().expect("a park"), camera)
            .expect("a camera");
        world.resource_mut::<Rig>().jump(pose);
    }

    pub fn take(&mut self, report: Report) {
        self.stage.world().resource_mut::<View>().0.take(report);
    }

    pub fn at(&mut self, at: &str) {
        let now_ms = start::moment_ms("--at", at).expect("a moment");
        self.take(Report::LiveMoment {
            first_ms: None,
            now_ms,
        });
    }

    pub fn picture(&mut self) -> Picture {
        self.stage.picture().expect("a picture")
    }

    /// As another reader gets it.
    pub fn picture_for(&mut self, reader: Reader) -> Picture {
        let world = self.stage.world();
        let usual = *world.resource::<Reader>();
        world.insert_resource(reader);
        self.lay_out_anew();
        let picture = self.picture();
        self.stage.world().insert_resource(usual);
        self.lay_out_anew();
        picture
    }

    fn lay_out_anew(&mut self) {
        use bevy::prelude::DetectChangesMut;
        self.stage.world().resource_mut::<View>().set_changed();
    }

    /// A day of record before now, with something happening in it.
    pub fn past(&mut self) {
        let now_ms = self.state().timeline.now_ms();
        let from_ms = now_ms - 24 * HOUR_MS;
        self.take(Report::LiveMoment {
            first_ms: Some(from_ms),
            now_ms,
        });
        let domains = ["energy", "water", "waste", "mobility"].map(|domain| {
            let busy = |bucket: u32| (bucket * 7 + domain.len() as u32 * 13) % 23;
            (domain.to_owned(), (0..240).map(busy).collect())
        });
        self.take(Report::Density(Density {
            from_ms,
            to_ms: now_ms,
            domains: domains.into(),
        }));
    }

    /// Shows what the values were at a moment.
    pub fn replay(&mut self, at: &str) {
        let moment_ms = start::moment_ms("--at", at).expect("a moment");
        self.does(Command::SeekExact { moment_ms });
        let delta = self.values_then(moment_ms);
        self.take(Report::Replay {
            delta,
            is_end: true,
        });
    }

    pub fn values_then(&mut self, moment_ms: i64) -> TwinDelta {
        let hour = moment_ms.div_euclid(HOUR_MS).rem_euclid(24);
        values_of(self.state().park().expect("a park"), moment_ms, 0, hour)
    }

    /// These alarms and no others.
    pub fn alarms(&mut self, alarms: Vec<Alarm>) {
        let position = self.state().alarms.position().unwrap_or(0) + 1;
        self.take(Report::Alarms {
            alarms,
            position: Some(position),
            counted: None,
        });
    }

    pub fn assert_golden(&mut self, name: &str) -> Picture {
        let picture = self.picture();
        compare(&picture, name, &self.driver);
        picture
    }
}

pub fn file_of(park: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../deploy/parks/{park}.toml"))
}

fn view_of(park: &str, at: &str) -> View {
    let mut view = View::default();
    view.0.reduced_motion = true;
    start::park_of_file(&mut view, &file_of(park), Some(at)).expect("a shipped park can be shown");
    view.0.take_camera_wish();
    view
}

/// A value of each asset that has one, other ones from asset to asset and from hour to hour.
pub fn values_of(park: &ParkView, moment_ms: i64, rain_um_per_h: i64, hour: i64) -> TwinDelta {
    let mut delta = TwinDelta {
        begins_anew: true,
        moment_ms,
        position: Some(1),
        head_position: Some(1),
        caught_up: true,
        ..TwinDelta::default()
    };
    for (number, asset) in (0_i64..).zip(&park.assets) {
        for (quantity, value) in values_of_asset(asset, number + hour, rain_um_per_h) {
            let point = delta.new_points.len() as u32;
            let name = PointName {
                asset: asset.id.clone(),
                quantity,
                source: String::new(),
            };
            delta.new_points.insert(
                point,
                NewPoint {
                    name,
                    usual_interval_s: 900,
                },
            );
            let sample = Sample {
                value,
                time_ms: moment_ms,
                recorded: Quality::Good,
            };
            delta.values.insert(point, Some(sample));
        }
    }
    delta
}

fn values_of_asset(asset: &AssetView, number: i64, rain_um_per_h: i64) -> Vec<(Quantity, i64)> {
    let share = |whole: i64| whole * (30 + number * 17 % 60) / 100;
    let rated_w = asset.rated_w.unwrap_or(5_000);
    let held = share(asset.capacity().unwrap_or(0));
    match asset.kind {
        AssetKind::Battery => vec![
            (Quantity::StoredWh, held),
            (Quantity::StoragePowerW, -share(rated_w)),
        ],
        AssetKind::Pv | AssetKind::Wind => vec![(Quantity::GenerationW, share(rated_w))],
        AssetKind::Tank => vec![(Quantity::LevelL, held)],
        AssetKind::CompostBay => vec![(Quantity::CompostG, held)],
        AssetKind::Bin => vec![(Quantity::FillPermille, share(1_000))],
        AssetKind::Charger => {
            let way = if number % 2 == 0 { 1 } else { -1 };
            vec![
                (Quantity::Session, 1),
                (Quantity::SessionPowerW, way * share(rated_w)),
            ]
        }
        AssetKind::WeatherStation => {
            let cloud = if rain_um_per_h > 0 { 950 } else { 100 };
            vec![
                (Quantity::RainUmPerH, rain_um_per_h),
                (Quantity::CloudPermille, cloud),
            ]
        }
        AssetKind::Building | AssetKind::HeatPump | AssetKind::Chiller | AssetKind::Load => {
            vec![(Quantity::ConsumptionW, share(rated_w))]
        }
        _ => Vec::new(),
    }
}

/// A balance of the moment shown, in which every asset with a meter has a line.
pub fn balances(state: &ViewState) -> CarbonBalances {
    let park = state.park().expect("a park");
    let (from_ms, to_ms) = state.ledger_range_ms();
    let text = |ms: i64| {
        park.time_zone
            .format_rfc3339(terrarium_model::UnixMillis(ms).seconds())
    };
    let mut carbon = CarbonBalances {
        from: text(from_ms),
        to: text(to_ms),
        position: Some(4_711),
        ..CarbonBalances::default()
    };
    for (number, asset) in (1_i64..)
        .zip(&park.assets)
        .filter(|(_, asset)| !asset.meters.is_empty())
    {
        let consumption_wh = 10_000 * number;
        let line = CarbonLine {
            consumption_wh,
            unexplained_wh: (number % 7 - 3) * 400,
            scope2_location_mg: consumption_wh * (number * 53 % 600),
            hours_expected: 24,
            hours_metered: 24,
            ..CarbonLine::default()
        };
        carbon.total.consumption_wh += line.consumption_wh;
        carbon.total.scope2_location_mg += line.scope2_location_mg;
        carbon.by_asset.insert(asset.id.clone(), line);
    }
    carbon.total.hours_expected = 24;
    carbon.total.hours_metered = 24;
    carbon
}

/// Everything that can be wrong with a park by its definition, raised at a moment.
pub fn alarms_of(park: &str, raised_ms: i64) -> Vec<Alarm> {
    let text = std::fs::read_to_string(file_of(park)).expect("a shipped park");
    let park = ParkDefinition::parse(&text, "park").expect("a shipped park is right");
    let of_one = |definition: &terrarium_model::AlarmDefinition| {
        let alarm = |watch| raised(definition, watch, raised_ms);
        definition.watches.iter().map(alarm).collect::<Vec<Alarm>>()
    };
    park.alarms.values().flat_map(of_one).collect()
}

fn raised(
    definition: &terrarium_model::AlarmDefinition,
    watch: &terrarium_model::AlarmWatch,
    raised_ms: i64,
) -> Alarm {
    Alarm {
        id: definition.alarm_id(watch),
        definition: AlarmDefinition {
            asset: watch.asset.as_str().to_owned(),
            condition: definition.condition.token().to_owned(),
            priority: match definition.priority {
                terrarium_model::AlarmPriority::Low => AlarmPriority::Low,
                terrarium_model::AlarmPriority::Medium => AlarmPriority::Medium,
                terrarium_model::AlarmPriority::High => AlarmPriority::High,
            },
            name: definition.name.clone(),
            cause: definition.cause.clone(),
            consequence: definition.consequence.clone(),
            action: definition.action.clone(),
            respond_within_s: definition.respond_within_s,
            quantity: None,
        },
        status: AlarmStatus {
            state: AlarmState::Unacknowledged,
            is_active: true,
            occurrence: String::new(),
            raised_ms: Some(raised_ms),
            changed_ms: Some(raised_ms),
            shelved_until_ms: None,
            actor: String::new(),
            reason: String::new(),
            value: None,
            limit: None,
        },
    }
}
