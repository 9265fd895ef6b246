//! What a person's commands make of what is shown.

use super::{ASKED_BY_PANELS, MOST_FOUND, MOST_SENT, SentCommand, ViewState};
use crate::audience::Page;
use crate::camera::{Bookmark, CameraPose, CameraWish};
use crate::command::Command;
use crate::comparison::Mark;
use crate::deep_link::DeepLink;
use crate::ledger_trail::LedgerPeriod;
use crate::park_view::AssetIndex;
use crate::request::{Connection, Outcome, Request};
use crate::timeline::Want;

/// Why a command without a connection is not sent.
pub(crate) const NOT_CONNECTED: &str =
    "not connected: nothing was sent; give it again when the view is live";

impl ViewState {
    /// Takes in what the person did. What to ask of the services.
    pub fn apply(&mut self, command: Command) -> Vec<Request> {
        // Told once, and the person goes on.
        self.saved = None;
        self.failures
            .retain(|what, _| ASKED_BY_PANELS.contains(what));
        let requests = self.carry_out(command);
        for request in &requests {
            self.failures.remove(request.name());
        }
        requests
    }

    fn carry_out(&mut self, command: Command) -> Vec<Request> {
        match command {
            Command::Follow
            | Command::Pause
            | Command::Play { .. }
            | Command::SeekExact { .. }
            | Command::SeekClamped { .. }
            | Command::StepEvent { .. }
            | Command::SetSpeed { .. }
            | Command::SetLoop(_)
            | Command::SelectRange(_)
            | Command::ZoomTimeline(_) => self.apply_to_time(command),
            Command::Select(_)
            | Command::ToggleSelect(_)
            | Command::SelectMany(_)
            | Command::ClearSelection
            | Command::SelectionBack
            | Command::SelectNext { .. }
            | Command::SelectionForward => {
                self.apply_to_selection(command);
                self.selection_requests()
            }
            Command::Propose(command) => {
                if self.timeline.allows_commands() && self.audience.may_command() {
                    self.proposed = Some(command);
                }
                Vec::new()
            }
            Command::Confirm => self.send_proposed(),
            Command::ShowCarbon(_)
            | Command::SetLedgerPeriod(_)
            | Command::ListEntries(_)
            | Command::Explain(_)
            | Command::ShowClaims(_)
            | Command::MakeClaim(_)
            | Command::OpenFigure(_)
            | Command::JumpToEvent { .. }
            | Command::ShowPage(_) => self.apply_to_ledger(command),
            Command::SetMark(mark) => self.set_mark(mark, self.timeline.shown_ms()),
            Command::Compare(on) => self.compare(on),
            Command::GoTo(link) => self.go_to(link),
            Command::MakeShiftReport { from_ms, to_ms } => {
                self.ask_shift(from_ms, to_ms).into_iter().collect()
            }
            Command::SaveIncident => self.ask_bundle().into_iter().collect(),
            other => {
                self.apply_to_view(other);
                Vec::new()
            }
        }
    }

    fn apply_to_ledger(&mut self, command: Command) -> Vec<Request> {
        match command {
            Command::ShowCarbon(shows) => {
                self.shows_carbon = shows;
                if shows {
                    vec![self.carbon_request()]
                } else {
                    Vec::new()
                }
            }
            Command::ShowPage(page) => {
                self.page = page.for_audience(self.audience);
                if self.page == Page::Visitors {
                    self.trail.period = LedgerPeriod::Day;
                }
                vec![self.carbon_request()]
            }
            Command::SetLedgerPeriod(period) => {
                self.trail.period = period;
                self.claims.statement = None;
                let mut requests = vec![self.carbon_request()];
                requests.extend(self.trail_requests());
                requests.extend(self.claim_request());
                requests
            }
            Command::ShowClaims(shows) => {
                self.claims.shows = shows;
                let is_unknown = shows && self.claims.names.is_empty();
                is_unknown
                    .then_some(Request::ClaimNames)
                    .into_iter()
                    .collect()
            }
            Command::MakeClaim(claim) => {
                self.claims.ask(claim);
                self.claim_request().into_iter().collect()
            }
            Command::OpenFigure(line) => {
                self.claims.line = line;
                Vec::new()
            }
            Command::ListEntries(asked) => {
                self.trail.ask(asked);
                self.trail_requests()
            }
            Command::Explain(entry) => {
                self.trail.ask_why(entry.clone());
                let request = entry.map(|entry| Request::Explain { entry });
                request.into_iter().collect()
            }
            Command::JumpToEvent {
                moment_ms,
                position,
                asset,
            } => {
                let mut requests = Vec::new();
                if let Some(asset) = asset {
                    self.apply_to_selection(Command::Select(asset));
                    self.apply_to_camera(Command::FlyTo(asset));
                }
                self.trail.sought_event = Some(position);
                requests.extend(self.apply_to_time(Command::SeekExact { moment_ms }));
                requests
            }
            _ => Vec::new(),
        }
    }

    fn set_mark(&mut self, mark: Mark, moment_ms: i64) -> Vec<Request> {
        if self.park().is_none() || !self.comparison.put(mark, moment_ms) {
            return Vec::new();
        }
        self.redraw();
        vec![Request::Compare { moment_ms }]
    }

    /// Comparing shows B, so that the values beside the differences are those of one moment of the record.
    fn compare(&mut self, on: bool) -> Vec<Request> {
        self.comparison.turn(on);
        let moments = self.comparison.moments_ms().filter(|_| on);
        let mut requests = Vec::new();
        if let Some((_, b_ms)) = moments
            && (self.timeline.is_live() || self.timeline.shown_ms() != b_ms)
        {
            requests = self.apply_to_time(Command::SeekExact { moment_ms: b_ms });
        }
        self.redraw();
        requests
    }

    /// What a link leaves out stays as it is, but its moment: without one it leads to now.
    fn go_to(&mut self, link: DeepLink) -> Vec<Request> {
        let mut requests = Vec::new();
        if let Some(overlay) = link.overlay {
            self.apply_to_view(Command::SetOverlay(overlay));
        }
        if let Some(drawing) = link.drawing {
            self.drawing = drawing;
        }
        if let Some(pose) = link.camera {
            self.camera_wish = Some(CameraWish::To(pose));
        }
        if link.alarm.is_some() && self.audience.sees_alarms() {
            self.open_alarm = link.alarm;
        }
        let selected = link.select.as_deref();
        let asset = selected.and_then(|id| self.park().and_then(|park| park.index_of(id)));
        if let Some(asset) = asset {
            self.apply_to_selection(Command::Select(asset));
        }
        if let Some(entry) = link.entry {
            requests.extend(self.apply_to_ledger(Command::ShowCarbon(true)));
            requests.extend(self.apply_to_ledger(Command::Explain(Some(entry))));
        }
        if let Some((a_ms, b_ms)) = link.compare_ms {
            requests.extend(self.set_mark(Mark::A, a_ms));
            requests.extend(self.set_mark(Mark::B, b_ms));
            requests.extend(self.compare(true));
        }
        match link.moment_ms {
            Some(moment_ms) => {
                requests.extend(self.apply_to_time(Command::SeekExact { moment_ms }))
            }
            None if link.compare_ms.is_none() && !self.timeline.is_live() => {
                requests.extend(self.apply_to_time(Command::Follow));
            }
            None => {}
        }
        requests.extend(self.selection_requests());
        requests
    }

    fn apply_to_time(&mut self, command: Command) -> Vec<Request> {
        let leaves_comparison = matches!(command, Command::Follow | Command::Play { .. });
        if leaves_comparison && self.comparison.is_on() {
            // Its colours are those of two past moments: they belong neither to now nor to a picture that moves on.
            self.comparison.turn(false);
            self.redraw();
        }
        let timeline = &mut self.timeline;
        let want: Option<Want> = match command {
            Command::Follow => Some(timeline.follow()),
            Command::Pause => Some(timeline.pause()),
            Command::Play { backwards } => Some(timeline.play(backwards)),
            Command::SeekExact { moment_ms } => Some(timeline.seek_exact(moment_ms)),
            Command::SeekClamped { moment_ms } => Some(timeline.seek_clamped(moment_ms)),
            Command::StepEvent { backwards } => Some(timeline.step(backwards)),
            Command::SetSpeed { speed } => timeline.set_speed(speed),
            Command::SetLoop(looping) => {
                timeline.set_looping(looping);
                None
            }
            Command::SelectRange(range) => {
                timeline.select(range);
                None
            }
            Command::ZoomTimeline(view) => {
                timeline.zoom(view);
                return self.refetch_pages();
            }
            _ => None,
        };
        if !self.timeline.allows_commands() {
            // What was proposed was proposed to the present.
            self.proposed = None;
        }
        want.map(Request::Show).into_iter().collect()
    }

    fn apply_to_selection(&mut self, command: Command) {
        let known = self.states().len();
        let is_known = |asset: &AssetIndex| (asset.0 as usize) < known;
        match command {
            Command::Select(asset) if is_known(&asset) => self.selection.select([asset]),
            Command::ToggleSelect(asset) if is_known(&asset) => self.selection.toggle(asset),
            Command::SelectMany(assets) => {
                self.selection.select(assets.into_iter().filter(is_known));
            }
            Command::ClearSelection => self.selection.select([]),
            Command::SelectionBack => {
                self.selection.go_back();
            }
            Command::SelectionForward => {
                self.selection.go_forward();
            }
            Command::SelectNext { backwards } => self.select_next(backwards),
            _ => {}
        }
        self.history.clear();
        self.events.clear();
        self.events_of = None;
    }

    /// The asset after (or before) the one that is selected, in the order of their ids; round and round.
    fn select_next(&mut self, backwards: bool) {
        let count = u32::try_from(self.states().len()).unwrap_or(u32::MAX);
        if count == 0 {
            return;
        }
        let next = match (self.selection.single(), backwards) {
            (None, false) => 0,
            (None, true) => count - 1,
            (Some(asset), false) => (asset.0 + 1) % count,
            (Some(asset), true) => (asset.0 + count - 1) % count,
        };
        self.selection.select([AssetIndex(next)]);
    }

    fn apply_to_view(&mut self, command: Command) {
        match command {
            Command::Search(query) => {
                let search = self.drawn.as_ref().map(|drawn| &drawn.search);
                self.found = search.map_or_else(Vec::new, |search| search.find(&query, MOST_FOUND));
                self.query = query;
            }
            Command::SetOverlay(overlay) => {
                self.overlay = overlay;
                self.redraw();
            }
            Command::SetLanguage(language) => self.language = language,
            Command::ShowDrawing(drawing) => self.drawing = drawing,
            Command::ShowHelp(shows) => self.shows_help = shows,
            Command::OpenAlarm(alarm) => {
                self.open_alarm = alarm.filter(|_| self.audience.sees_alarms());
            }
            Command::CloseShiftReport => self.shift = None,
            Command::SaveShiftReport(format) => self.save_shift_report(format),
            Command::SavePicture => self.ask_picture(),
            Command::SaveLink => self.save_link(),
            Command::SetReducedMotion(reduced) => self.reduced_motion = reduced,
            Command::SetUiScale(scale) => self.ui_scale = Some(scale.clamp(0.5, 4.0)),
            Command::Dismiss => self.proposed = None,
            other => self.apply_to_camera(other),
        }
    }

    fn apply_to_camera(&mut self, command: Command) {
        let heading_deg = self.camera.map_or(0.0, |pose| pose.heading_deg);
        let wish = match command {
            Command::CameraHome => self.park().map(CameraPose::home).map(CameraWish::To),
            Command::CameraNorthUp => Some(CameraWish::NorthUp),
            Command::FlyTo(asset) => self
                .park()
                .filter(|park| (asset.0 as usize) < park.assets.len())
                .map(|park| CameraWish::To(CameraPose::towards(park, asset, heading_deg))),
            Command::GoToBookmark(place) => self
                .bookmarks
                .get(place)
                .map(|bookmark| CameraWish::To(bookmark.pose)),
            Command::MoveCamera {
                turn_deg,
                tilt_deg,
                distance,
            } => self.camera.map(|pose| {
                let moved = CameraPose {
                    heading_deg: pose.heading_deg + turn_deg,
                    pitch_deg: pose.pitch_deg + tilt_deg,
                    distance_m: pose.distance_m * distance,
                    ..pose
                };
                CameraWish::To(moved.held_in())
            }),
            Command::CameraMoved(pose) => {
                self.camera = Some(pose);
                None
            }
            Command::AddBookmark { name } => {
                if let Some(pose) = self.camera {
                    self.bookmarks.push(Bookmark { name, pose });
                }
                None
            }
            Command::RemoveBookmark(place) => {
                if place < self.bookmarks.len() {
                    self.bookmarks.remove(place);
                }
                None
            }
            _ => None,
        };
        self.camera_wish = wish.or(self.camera_wish);
    }

    fn send_proposed(&mut self) -> Vec<Request> {
        let Some(command) = self.proposed.take() else {
            return Vec::new();
        };
        if !self.timeline.allows_commands() || !self.audience.may_command() {
            return Vec::new();
        }
        self.next_number += 1;
        let number = self.next_number;
        let is_connected = self.connection == Connection::Live;
        self.sent.push_back(SentCommand {
            number,
            command: command.clone(),
            // Nothing is kept to be sent later: the park may be another one by then.
            outcome: (!is_connected).then(|| Outcome::Refused {
                reason: NOT_CONNECTED.to_owned(),
            }),
        });
        if self.sent.len() > MOST_SENT {
            self.sent.pop_front();
        }
        if !is_connected {
            return Vec::new();
        }
        vec![Request::Command { number, command }]
    }
}
