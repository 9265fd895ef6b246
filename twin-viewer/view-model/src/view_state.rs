//! All that the viewer shows, as one value. Reports from the network and commands of the person change it; nothing else does.

mod apply;

use std::collections::{BTreeMap, VecDeque};

use terrarium_model::ParkDefinition;

use crate::alarm::AlarmList;
use crate::asset_state::{AssetState, Weather};
use crate::camera::{Bookmark, CameraPose, CameraWish};
use crate::carbon::CarbonBalances;
use crate::overlay::{Overlay, OverlayView};
use crate::park_view::{AssetIndex, ParkView};
use crate::point_table::{PointTable, TwinDelta};
use crate::quality::Shown;
use crate::request::{Connection, EventLine, Outcome, ParkCommand, PointHistory, Report, Request};
use crate::search::SearchIndex;
use crate::selection::Selection;
use crate::sun::Sun;
use crate::timeline::Timeline;
use crate::words::Language;

const MOST_FOUND: usize = 12;
const MOST_SENT: usize = 20;
const DENSITY_BUCKETS: u32 = 240;
const HOUR_MS: i64 = 3_600_000;
/// Pages are asked for anew after this much of the park's time at the earliest.
const LEAST_PAGE_AGE_MS: i64 = 5_000;
/// What the trend and the carbon panel look back on.
const LOOK_BACK_MS: i64 = 24 * HOUR_MS;

/// How old what is shown is, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lags {
    /// Moment shown less the time of the newest metered value, in ms.
    pub sensor_ms: Option<i64>,
    /// The newest message waited so long on its way into the picture, in ms.
    pub stream_ms: Option<u32>,
    /// Events on record that are not in the picture.
    pub projection_events: Option<u64>,
}

/// A command to the park that was sent, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCommand {
    pub number: u64,
    pub command: ParkCommand,
    /// `None`: no answer yet.
    pub outcome: Option<Outcome>,
}

/// All that the viewer shows.
#[derive(Debug, Clone, Default)]
pub struct ViewState {
    pub language: Language,
    pub connection: Connection,
    /// Why the park can't be drawn, where its definition was refused.
    pub park_problem: Option<String>,
    pub timeline: Timeline,
    pub alarms: AlarmList,
    pub selection: Selection,
    pub overlay: Overlay,
    pub carbon: CarbonBalances,
    pub lags: Lags,
    pub weather: Weather,
    /// Every event up to it is in the picture.
    pub position: Option<u64>,
    /// The alarm whose card is open.
    pub open_alarm: Option<String>,
    pub shows_plan: bool,
    pub shows_carbon: bool,
    pub reduced_motion: bool,
    pub ui_scale: Option<f32>,
    pub query: String,
    pub found: Vec<AssetIndex>,
    /// The course of the selected asset's points.
    pub history: Vec<PointHistory>,
    /// Events of the selected asset.
    pub events: Vec<EventLine>,
    /// A command that waits for its confirmation.
    pub proposed: Option<ParkCommand>,
    /// The newest last.
    pub sent: VecDeque<SentCommand>,
    pub bookmarks: Vec<Bookmark>,
    /// What the camera saw last.
    pub camera: Option<CameraPose>,
    /// What could not be fetched last, and why.
    pub failure: Option<(&'static str, String)>,
    drawn: Option<Drawn>,
    camera_wish: Option<CameraWish>,
    next_number: u64,
    /// The park's clock when the timeline's pages were asked for last.
    pages_asked_ms: Option<i64>,
}

/// A park with its values.
#[derive(Debug, Clone)]
struct Drawn {
    park: ParkView,
    search: SearchIndex,
    table: PointTable,
    states: Vec<AssetState>,
    overlay_view: OverlayView,
    /// Grows with every change of what is drawn.
    generation: u64,
    /// Position of the definition: grows when the park itself changed.
    park_generation: u64,
}

impl ViewState {
    /// The park; `None` before its definition came.
    pub fn park(&self) -> Option<&ParkView> {
        self.drawn.as_ref().map(|drawn| &drawn.park)
    }

    /// Points and their values.
    pub fn table(&self) -> Option<&PointTable> {
        self.drawn.as_ref().map(|drawn| &drawn.table)
    }

    /// What is drawn of every asset, by index.
    pub fn states(&self) -> &[AssetState] {
        self.drawn.as_ref().map_or(&[], |drawn| &drawn.states)
    }

    /// What is drawn of an asset.
    pub fn state_of(&self, asset: AssetIndex) -> Option<&AssetState> {
        self.states().get(asset.0 as usize)
    }

    /// The colours of the chosen overlay.
    pub fn overlay_view(&self) -> Option<&OverlayView> {
        self.drawn.as_ref().map(|drawn| &drawn.overlay_view)
    }

    /// Grows whenever states or colours changed, so that an idle scene does nothing.
    pub fn generation(&self) -> u64 {
        self.drawn.as_ref().map_or(0, |drawn| drawn.generation)
    }

    /// Grows whenever another park definition is drawn.
    pub fn park_generation(&self) -> u64 {
        self.drawn.as_ref().map_or(0, |drawn| drawn.park_generation)
    }

    /// The moment drawn and whether it can be trusted to be the newest.
    pub fn shown(&self) -> Shown {
        Shown {
            moment_ms: self.timeline.shown_ms(),
            is_cut: self.timeline.is_live() && self.connection != Connection::Live,
        }
    }

    /// The sun at the moment drawn.
    pub fn sun(&self) -> Option<Sun> {
        Sun::at(self.park()?.location?, self.timeline.shown_ms())
    }

    /// What the camera is to do, once.
    pub fn take_camera_wish(&mut self) -> Option<CameraWish> {
        self.camera_wish.take()
    }

    /// Takes in what the network reports. What to ask for next.
    pub fn take(&mut self, report: Report) -> Vec<Request> {
        match report {
            Report::Connection(connection) => {
                let was_cut = self.shown().is_cut;
                self.connection = connection;
                if self.shown().is_cut != was_cut {
                    self.redraw();
                }
                Vec::new()
            }
            Report::Park {
                definition,
                first_ms,
                now_ms,
            } => self.take_park(&definition, first_ms, now_ms),
            Report::Live { delta, waited_ms } => {
                if !self.timeline.is_live() {
                    return Vec::new();
                }
                self.timeline.live_arrived(delta.moment_ms);
                self.lags.stream_ms = Some(waited_ms);
                self.take_delta(&delta);
                Vec::new()
            }
            Report::LiveMoment { first_ms, now_ms } => {
                self.timeline.know_record(first_ms, now_ms);
                let shows_live = self.timeline.is_live() && !self.timeline.is_waiting();
                if shows_live && self.connection == Connection::Live {
                    // Nothing new was recorded, yet what is there grows older.
                    self.timeline.live_arrived(now_ms);
                    self.redraw();
                }
                self.outdated_pages(now_ms)
            }
            Report::Replay { delta, is_end } => {
                if self.timeline.is_live() {
                    return Vec::new();
                }
                let next = self.timeline.replay_arrived(delta.moment_ms, is_end);
                self.take_delta(&delta);
                match next {
                    Some(want) => vec![Request::Show(want)],
                    // The picture stands still: the panels tell of the same moment.
                    None if is_end => self.moment_requests(),
                    None => Vec::new(),
                }
            }
            Report::NoFurtherEvent => {
                self.timeline.step_found_nothing();
                Vec::new()
            }
            other => {
                self.take_page(other);
                Vec::new()
            }
        }
    }

    fn take_page(&mut self, report: Report) {
        match report {
            Report::Alarms {
                alarms,
                position,
                counted,
            } => {
                self.alarms.reset(alarms, position, counted);
                self.redraw();
            }
            Report::AlarmTransitions(transitions) => {
                for transition in transitions {
                    self.alarms.apply(transition);
                }
                self.redraw();
            }
            Report::History(mut histories) => {
                let selected = self.selected_id();
                histories.retain(|history| {
                    selected.is_some_and(|selected| selected == history.point.asset)
                });
                self.history = histories;
            }
            Report::Events { asset, events } => {
                let selected = self.selected_id();
                if selected.is_some_and(|selected| selected == asset) {
                    self.events = events;
                }
            }
            Report::Density(density) => self.timeline.density = density,
            Report::Carbon(carbon) => {
                self.carbon = *carbon;
                self.redraw();
            }
            Report::Outcome { number, outcome } => {
                if let Some(sent) = self.sent.iter_mut().find(|sent| sent.number == number) {
                    sent.outcome = Some(outcome);
                }
            }
            Report::Failed { what, reason } => self.failure = Some((what, reason)),
            Report::Connection(_)
            | Report::Park { .. }
            | Report::Live { .. }
            | Report::LiveMoment { .. }
            | Report::Replay { .. }
            | Report::NoFurtherEvent => {}
        }
    }

    fn take_park(&mut self, definition: &str, first_ms: Option<i64>, now_ms: i64) -> Vec<Request> {
        self.timeline.know_record(first_ms, now_ms);
        let parsed = match ParkDefinition::parse(definition, "park") {
            Ok(parsed) => parsed,
            Err(problems) => {
                self.park_problem = Some(problems.to_string());
                return Vec::new();
            }
        };
        self.park_problem = None;
        let park = ParkView::new(&parsed);
        let is_known = self.park().is_some_and(|known| *known == park);
        if !is_known {
            self.draw_park(park);
        }
        self.refetch_pages()
    }

    fn draw_park(&mut self, park: ParkView) {
        self.selection = Selection::default();
        self.found.clear();
        let park_generation = self.park_generation() + 1;
        let generation = self.generation() + 1;
        self.camera_wish = Some(CameraWish::To(CameraPose::home(&park)));
        let states = vec![AssetState::default(); park.assets.len()];
        let table = match self.drawn.take() {
            Some(drawn) => drawn.table.moved_to(&park),
            None => PointTable::new(&park),
        };
        self.drawn = Some(Drawn {
            search: SearchIndex::new(&park),
            table,
            overlay_view: OverlayView::of(self.overlay, &park, &states, &self.carbon),
            states,
            park,
            generation,
            park_generation,
        });
        self.redraw();
    }

    /// What the panels need anew while the park's clock goes on: when a bucket of the timeline has passed.
    fn outdated_pages(&mut self, now_ms: i64) -> Vec<Request> {
        let (from_ms, to_ms) = self.timeline.view();
        let bucket_ms = (to_ms - from_ms) / i64::from(DENSITY_BUCKETS);
        let is_due = self
            .pages_asked_ms
            .is_none_or(|asked_ms| now_ms - asked_ms >= bucket_ms.max(LEAST_PAGE_AGE_MS));
        if !is_due || self.drawn.is_none() {
            return Vec::new();
        }
        self.pages_asked_ms = Some(now_ms);
        let mut requests = self.refetch_pages();
        if self.timeline.is_live() {
            requests.extend(self.selection_requests());
        }
        requests
    }

    /// What the panels tell of the moment shown.
    fn moment_requests(&self) -> Vec<Request> {
        let mut requests = self.selection_requests();
        requests.push(self.carbon_request());
        requests
    }

    fn refetch_pages(&self) -> Vec<Request> {
        let (from_ms, to_ms) = self.timeline.view();
        vec![
            Request::Density {
                from_ms,
                to_ms,
                buckets: DENSITY_BUCKETS,
            },
            self.carbon_request(),
        ]
    }

    fn carbon_request(&self) -> Request {
        let to_ms = self.timeline.shown_ms().max(self.timeline.record().0) / HOUR_MS * HOUR_MS;
        Request::Carbon {
            from_ms: to_ms - LOOK_BACK_MS,
            to_ms,
        }
    }

    fn take_delta(&mut self, delta: &TwinDelta) {
        let Some(drawn) = &mut self.drawn else {
            return;
        };
        drawn.table.apply(&drawn.park, delta);
        self.position = delta.position.or(self.position);
        self.lags.projection_events = delta
            .head_position
            .zip(self.position)
            .map(|(head, position)| head.saturating_sub(position));
        self.redraw();
    }

    /// Works out again what is drawn. States depend on the moment too (age), so all of them are looked at.
    fn redraw(&mut self) {
        let shown = self.shown();
        let Some(drawn) = &mut self.drawn else {
            return;
        };
        self.weather = Weather::of(&drawn.table, shown);
        drawn.states = drawn
            .park
            .indexed()
            .map(|(asset, _)| {
                AssetState::of(
                    &drawn.park,
                    &drawn.table,
                    &self.alarms,
                    asset,
                    &self.weather,
                    shown,
                )
            })
            .collect();
        drawn.overlay_view =
            OverlayView::of(self.overlay, &drawn.park, &drawn.states, &self.carbon);
        drawn.generation += 1;
        self.lags.sensor_ms = drawn
            .table
            .newest_metered_ms()
            .map(|time_ms| shown.moment_ms - time_ms);
    }

    fn selected_id(&self) -> Option<&str> {
        let asset = self.selection.single()?;
        Some(&self.park()?.asset(asset).id)
    }

    /// What the detail panel needs of the selected asset.
    pub fn selection_requests(&self) -> Vec<Request> {
        let Some((asset, drawn)) = self.selection.single().zip(self.drawn.as_ref()) else {
            return Vec::new();
        };
        let to_ms = self.timeline.shown_ms();
        let points = drawn
            .table
            .points_of(asset)
            .filter(|slot| slot.name.quantity != crate::quantity::Quantity::AlarmState)
            .map(|slot| slot.name.clone())
            .collect();
        vec![
            Request::History {
                points,
                from_ms: to_ms - LOOK_BACK_MS,
                to_ms,
            },
            Request::Events {
                asset: drawn.park.asset(asset).id.clone(),
                from_ms: to_ms,
                backwards: true,
            },
        ]
    }

    /// The alarms of an asset, listed or not.
    pub fn alarms_of(&self, asset: &str) -> Vec<&crate::alarm::Alarm> {
        self.alarms
            .all()
            .filter(|alarm| alarm.definition.asset == asset)
            .collect()
    }

    /// Sums over the selected assets: power, and how many have one.
    pub fn selected_power(&self) -> (i64, crate::overlay::Coverage) {
        let states: BTreeMap<AssetIndex, &AssetState> = self
            .selection
            .all()
            .iter()
            .filter_map(|asset| Some((*asset, self.state_of(*asset)?)))
            .collect();
        let powers: Vec<i64> = states.values().filter_map(|state| state.power_w).collect();
        let coverage = crate::overlay::Coverage {
            have: powers.len() as u32,
            of: states.len() as u32,
        };
        (powers.into_iter().sum(), coverage)
    }
}
