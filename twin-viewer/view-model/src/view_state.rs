//! All that the viewer shows, as one value. Reports from the network and commands of the person change it; nothing else does.

mod apply;
mod files;
mod take;

use std::collections::{BTreeMap, VecDeque};

use crate::alarm::AlarmList;
use crate::asset_state::{AssetState, Weather};
use crate::audience::{Audience, Page};
use crate::camera::{Bookmark, CameraPose, CameraWish};
use crate::carbon::CarbonBalances;
use crate::claims::Claims;
use crate::comparison::Comparison;
use crate::incident::Incident;
use crate::ledger_trail::LedgerTrail;
use crate::overlay::{Overlay, OverlayView};
use crate::park_view::{AssetIndex, ParkView};
use crate::point_table::PointTable;
use crate::quality::Shown;
use crate::request::{Connection, EventLine, Outcome, ParkCommand, PointHistory, Request};
use crate::search::SearchIndex;
use crate::selection::Selection;
use crate::shift_record::ShiftRecord;
use crate::single_line::Drawing;
use crate::sun::Sun;
use crate::timeline::Timeline;
use crate::words::Language;

pub use files::FileWish;

const MOST_FOUND: usize = 12;
const MOST_SENT: usize = 20;
const HOUR_MS: i64 = 3_600_000;
/// Requests whose failure the panel tells that lacks the answer.
const ASKED_BY_PANELS: [&str; 10] = [
    "alarms",
    "carbon",
    "claim",
    "claims",
    "comparison",
    "density",
    "entries",
    "events",
    "explanation",
    "history",
];
/// What the trend looks back on.
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
    pub audience: Audience,
    pub page: Page,
    pub drawing: Drawing,
    pub shows_help: bool,
    pub shows_carbon: bool,
    /// What is open of the ledger.
    pub trail: LedgerTrail,
    pub claims: Claims,
    /// Moments A and B.
    pub comparison: Comparison,
    /// The shift whose report is open.
    pub shift: Option<Box<ShiftRecord>>,
    /// What became of the file that was written last: its path, or why not. It is told until the next command.
    pub saved: Option<Result<String, String>>,
    pub reduced_motion: bool,
    pub ui_scale: Option<f32>,
    pub query: String,
    pub found: Vec<AssetIndex>,
    /// The course of the selected asset's points.
    pub history: Vec<PointHistory>,
    /// Events of the selected asset.
    pub events: Vec<EventLine>,
    /// Whose events came last, and so its course too.
    events_of: Option<String>,
    /// A command that waits for its confirmation.
    pub proposed: Option<ParkCommand>,
    /// The newest last.
    pub sent: VecDeque<SentCommand>,
    pub bookmarks: Vec<Bookmark>,
    /// What the camera saw last.
    pub camera: Option<CameraPose>,
    /// What could not be fetched, by [`Request::name`], and why. What a panel lacks is told there until it is asked for
    /// again or comes; all else until the next command ([`ViewState::failures_of_no_panel`]).
    pub failures: BTreeMap<&'static str, String>,
    drawn: Option<Drawn>,
    camera_wish: Option<CameraWish>,
    file_wishes: Vec<FileWish>,
    /// A bundle that waits for its events.
    incident: Option<Incident>,
    next_number: u64,
    /// The state's position and the stretch of the ledger when the balance was asked for last.
    carbon_asked: Option<(Option<u64>, (i64, i64))>,
    /// The park's clock when the timeline's pages were asked for last.
    pages_asked_ms: Option<i64>,
    /// The park's clock when the selected asset's pages were asked for last because time went on.
    selection_asked_ms: Option<i64>,
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

    /// Whether commands to the park may be given: at a desk, from a live picture, over a connection that stands.
    pub fn allows_commands(&self) -> bool {
        self.audience.may_command()
            && self.timeline.allows_commands()
            && self.connection == Connection::Live
    }

    /// Whether the scene is what is drawn, and not a plan or drawing in its place.
    pub fn shows_scene(&self) -> bool {
        self.drawing == Drawing::Scene && self.page != Page::Ledger
    }

    /// Whether the ledger's figures are on the screen.
    pub fn shows_ledger(&self) -> bool {
        self.shows_carbon
            || matches!(self.page, Page::Ledger | Page::Visitors)
            || matches!(self.overlay, Overlay::CarbonIntensity | Overlay::Imbalance)
    }

    /// Whether all has come that the panels on the screen wait for, so that a picture of them is whole.
    pub fn is_settled(&self) -> bool {
        let trail = &self.trail;
        let ledger = !self.shows_ledger() || self.is_balance_of_moment();
        let entries = trail.asked.is_none() || trail.list.is_some();
        let explanation = trail.entry.is_none() || trail.explanation.is_some();
        let claim = self.claims.asked.is_none() || self.claims.statement.is_some();
        let comparison = !self.comparison.is_on() || self.comparison.is_complete();
        let events = match self.selection.single() {
            Some(_) => self.events_of.is_some(),
            None => true,
        };
        let view = !self.timeline.is_waiting() && self.alarms.is_told();
        view && ledger && entries && explanation && claim && comparison && events
    }

    /// Why a page could not be fetched, by [`Request::name`].
    pub fn failure_of(&self, what: &str) -> Option<&str> {
        self.failures.get(what).map(String::as_str)
    }

    /// What could not be done and no panel tells: by its name, with the reason.
    pub fn failures_of_no_panel(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let told = self.failures.iter();
        told.filter(|(what, _)| !ASKED_BY_PANELS.contains(what))
            .map(|(what, reason)| (*what, reason.as_str()))
    }

    /// The theme that the park is coloured by: the chosen one, or that of the comparison.
    pub fn shown_overlay(&self) -> Overlay {
        self.overlay_view()
            .map_or(self.overlay, |view| view.overlay)
    }

    /// The balance that came last is that of the period which the moment shown asks for.
    pub fn is_balance_of_moment(&self) -> bool {
        let (_, to_ms) = self.ledger_range_ms();
        let to = terrarium_model::parse_rfc3339_with_offset(&self.carbon.to);
        to.is_ok_and(|to| to.0 * 1_000 == to_ms)
    }

    /// The sun at the moment drawn.
    pub fn sun(&self) -> Option<Sun> {
        Sun::at(self.park()?.location?, self.timeline.shown_ms())
    }

    /// What the camera is to do, once.
    pub fn take_camera_wish(&mut self) -> Option<CameraWish> {
        self.camera_wish.take()
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
