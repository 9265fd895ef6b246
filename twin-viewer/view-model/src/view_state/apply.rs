//! What a person's commands make of what is shown.

use super::{MOST_FOUND, MOST_SENT, SentCommand, ViewState};
use crate::camera::{Bookmark, CameraPose, CameraWish};
use crate::command::Command;
use crate::park_view::AssetIndex;
use crate::request::Request;
use crate::timeline::Want;

impl ViewState {
    /// Takes in what the person did. What to ask of the services.
    pub fn apply(&mut self, command: Command) -> Vec<Request> {
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
            | Command::SelectionForward => {
                self.apply_to_selection(command);
                self.selection_requests()
            }
            Command::Propose(command) => {
                if self.timeline.allows_commands() {
                    self.proposed = Some(command);
                }
                Vec::new()
            }
            Command::Confirm => self.send_proposed(),
            Command::ShowCarbon(shows) => {
                self.shows_carbon = shows;
                if shows {
                    vec![self.carbon_request()]
                } else {
                    Vec::new()
                }
            }
            other => {
                self.apply_to_view(other);
                Vec::new()
            }
        }
    }

    fn apply_to_time(&mut self, command: Command) -> Vec<Request> {
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
            _ => {}
        }
        self.history.clear();
        self.events.clear();
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
            Command::ShowPlan(shows) => self.shows_plan = shows,
            Command::OpenAlarm(alarm) => self.open_alarm = alarm,
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
        if !self.timeline.allows_commands() {
            return Vec::new();
        }
        self.next_number += 1;
        let number = self.next_number;
        self.sent.push_back(SentCommand {
            number,
            command: command.clone(),
            outcome: None,
        });
        if self.sent.len() > MOST_SENT {
            self.sent.pop_front();
        }
        vec![Request::Command { number, command }]
    }
}
