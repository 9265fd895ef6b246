//! What reports of the network make of what is shown.

use terrarium_model::ParkDefinition;

use super::{Drawn, LOOK_BACK_MS, ViewState};
use crate::asset_state::{AssetState, Weather};
use crate::camera::{CameraPose, CameraWish};
use crate::comparison::Comparison;
use crate::overlay::OverlayView;
use crate::park_view::{AssetIndex, ParkView};
use crate::point_table::{PointTable, TwinDelta};
use crate::request::{Connection, Report, Request};
use crate::search::SearchIndex;
use crate::selection::Selection;

const DENSITY_BUCKETS: u32 = 240;
/// Pages are asked for anew after this much of the park's time at the earliest.
const LEAST_PAGE_AGE_MS: i64 = 5_000;
/// The course, the events and the carbon of what is selected follow the present at this distance of the park's time.
const LONGEST_SELECTION_AGE_MS: i64 = 10_000;

impl ViewState {
    /// Takes in what the network reports. What to ask for next.
    pub fn take(&mut self, report: Report) -> Vec<Request> {
        match report {
            Report::Connection(connection) => {
                let was_cut = self.shown().is_cut;
                let was_live = self.connection == Connection::Live;
                self.connection = connection;
                if self.connection != Connection::Live {
                    // What was proposed was proposed to a picture that is not the newest any more.
                    self.proposed = None;
                }
                if self.shown().is_cut != was_cut {
                    self.redraw();
                }
                if self.connection == Connection::Live && !was_live {
                    self.pages_of_new_session()
                } else {
                    Vec::new()
                }
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
                let was_elsewhere = self.timeline.is_waiting();
                self.timeline.live_arrived(delta.moment_ms);
                self.lags.stream_ms = Some(waited_ms);
                self.take_delta(&delta);
                if was_elsewhere {
                    // The panels still tell of the moment that was shown before.
                    self.moment_requests()
                } else {
                    Vec::new()
                }
            }
            Report::LiveMoment { first_ms, now_ms } => {
                self.timeline.know_record(first_ms, now_ms);
                let shows_live = self.timeline.is_live() && !self.timeline.is_waiting();
                if shows_live && self.connection == Connection::Live {
                    // Nothing new was recorded, yet what is there grows older.
                    self.timeline.live_arrived(now_ms);
                    self.redraw();
                }
                let mut requests = self.outdated_pages(now_ms);
                requests.extend(self.outdated_selection(now_ms));
                requests.extend(self.outdated_balance());
                requests
            }
            Report::Replay { delta, is_end } => {
                if self.timeline.is_live() {
                    return Vec::new();
                }
                self.failures.remove("replay");
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
                self.timeline.stay();
                Vec::new()
            }
            Report::Carbon(carbon) => {
                self.failures.remove("carbon");
                let is_new = carbon.position != self.carbon.position;
                self.carbon = *carbon;
                self.redraw();
                if is_new && self.timeline.is_live() {
                    self.trail_requests()
                } else {
                    Vec::new()
                }
            }
            other => {
                self.take_page(other);
                Vec::new()
            }
        }
    }

    fn take_page(&mut self, report: Report) {
        let answers = match &report {
            Report::History(_) => "history",
            Report::Events { .. } => "events",
            Report::Density(_) => "density",
            Report::Entries(_) => "entries",
            Report::Explanation(_) => "explanation",
            Report::ClaimNames(_) => "claims",
            Report::Statement(_) => "claim",
            Report::Compared(_) => "comparison",
            Report::Shift(_) => "shift",
            Report::Around(_) => "events around",
            _ => "",
        };
        self.failures.remove(answers);
        match report {
            Report::Entries(list) => self.trail.take_entries(list),
            Report::Explanation(explanation) => self.trail.take_explanation(explanation),
            Report::ClaimNames(names) => self.claims.names = names,
            Report::Statement(statement) => self.claims.take(statement),
            Report::Compared(delta) => {
                let Some(drawn) = &self.drawn else {
                    return;
                };
                if self.comparison.take(&drawn.park, &self.alarms, &delta) {
                    self.redraw();
                }
            }
            Report::Shift(shift) => self.shift = Some(shift),
            Report::Around(around) => self.make_bundle(&around),
            Report::Saved(saved) => self.saved = Some(saved),
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
                    self.events_of = Some(asset);
                }
            }
            Report::Density(density) => self.timeline.density = density,
            Report::Outcome { number, outcome } => {
                if let Some(sent) = self.sent.iter_mut().find(|sent| sent.number == number) {
                    sent.outcome = Some(outcome);
                }
            }
            Report::Failed { what, reason } => self.take_failure(what, reason),
            Report::Connection(_)
            | Report::Park { .. }
            | Report::Live { .. }
            | Report::LiveMoment { .. }
            | Report::Replay { .. }
            | Report::Carbon(_)
            | Report::NoFurtherEvent => {}
        }
    }

    fn take_failure(&mut self, what: &'static str, reason: String) {
        match what {
            "replay" => self.timeline.stay(),
            "events around" => self.incident = None,
            _ => {}
        }
        self.failures.insert(what, reason);
    }

    /// What a cut may have taken along: a page that was on its way over the last connection never arrives.
    fn pages_of_new_session(&self) -> Vec<Request> {
        if self.drawn.is_none() {
            return Vec::new();
        }
        let mut requests = self.selection_requests();
        requests.extend(self.trail_requests());
        if self.claims.shows && self.claims.names.is_empty() {
            requests.push(Request::ClaimNames);
        }
        if self.claims.statement.is_none() {
            requests.extend(self.claim_request());
        }
        requests.extend(self.missing_comparisons());
        requests
    }

    fn missing_comparisons(&self) -> Vec<Request> {
        let missing = self.comparison.missing_ms().into_iter();
        missing
            .map(|moment_ms| Request::Compare { moment_ms })
            .collect()
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
        let mut requests = self.refetch_pages();
        if !is_known {
            self.draw_park(park);
            requests.extend(self.missing_comparisons());
        }
        requests
    }

    /// Draws a park in the place of the last one. Where it is the same park, defined anew, the person goes on where they were.
    fn draw_park(&mut self, park: ParkView) {
        match self.drawn.as_ref().map(|drawn| &drawn.park) {
            Some(known) if known.id == park.id => {
                let moved = |asset: AssetIndex| park.index_of(&known.asset(asset).id);
                self.selection = self.selection.moved(moved);
                self.found = self.found.iter().copied().filter_map(moved).collect();
                self.comparison.forget_values();
            }
            _ => {
                self.selection = Selection::default();
                self.found.clear();
                self.comparison = Comparison::default();
                self.camera_wish = Some(CameraWish::To(CameraPose::home(&park)));
            }
        }
        let park_generation = self.park_generation() + 1;
        let generation = self.generation() + 1;
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
        self.refetch_pages()
    }

    /// What the detail panel tells of the selected asset: it goes on however long the stretch is that the timeline shows.
    fn outdated_selection(&mut self, now_ms: i64) -> Vec<Request> {
        let shows_live = self.timeline.is_live() && !self.timeline.is_waiting();
        let is_due = self
            .selection_asked_ms
            .is_none_or(|asked_ms| now_ms - asked_ms >= LONGEST_SELECTION_AGE_MS);
        if !shows_live || !is_due || self.selection.single().is_none() {
            return Vec::new();
        }
        self.selection_asked_ms = Some(now_ms);
        self.moment_requests()
    }

    /// What the panels tell of the moment shown.
    fn moment_requests(&self) -> Vec<Request> {
        let mut requests = self.selection_requests();
        requests.push(self.carbon_request());
        requests
    }

    pub(super) fn refetch_pages(&self) -> Vec<Request> {
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

    pub(super) fn carbon_request(&self) -> Request {
        let (from_ms, to_ms) = self.ledger_range_ms();
        Request::Carbon { from_ms, to_ms }
    }

    /// The stretch of the ledger that is looked at, up to the moment shown.
    pub fn ledger_range_ms(&self) -> (i64, i64) {
        let (first_ms, _) = self.timeline.record();
        let shown_ms = self.timeline.shown_ms().max(first_ms);
        match self.park() {
            Some(park) => {
                let period = self.trail.period;
                period.range_ms(&park.time_zone, shown_ms, first_ms)
            }
            None => (shown_ms - LOOK_BACK_MS, shown_ms),
        }
    }

    /// The balance anew, where it is on the screen and something was recorded since, or another hour has begun.
    fn outdated_balance(&mut self) -> Option<Request> {
        let is_shown = self.timeline.is_live() && self.shows_ledger() && self.drawn.is_some();
        let present = Some((self.position, self.ledger_range_ms()));
        if !is_shown || self.carbon_asked == present {
            return None;
        }
        self.carbon_asked = present;
        Some(self.carbon_request())
    }

    /// The claim that is open, over the stretch that is looked at. It is not made anew by itself: it says what it stands on.
    pub(super) fn claim_request(&self) -> Option<Request> {
        let claim = self.claims.asked.clone()?;
        let (from_ms, to_ms) = self.ledger_range_ms();
        Some(Request::Claim {
            claim,
            from_ms,
            to_ms,
        })
    }

    /// What is open of the ledger, anew.
    pub(super) fn trail_requests(&self) -> Vec<Request> {
        let mut requests = Vec::new();
        if let Some((asset, book)) = &self.trail.asked {
            let (from_ms, to_ms) = self.ledger_range_ms();
            requests.push(Request::Entries {
                asset: asset.clone(),
                book: *book,
                from_ms,
                to_ms,
            });
        }
        if let Some(entry) = &self.trail.entry {
            requests.push(Request::Explain {
                entry: entry.clone(),
            });
        }
        requests
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
    pub(super) fn redraw(&mut self) {
        let shown = self.shown();
        let has_balance = self.is_balance_of_moment();
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
        if !self.audience.sees_alarms() {
            for state in &mut drawn.states {
                state.alarm = None;
            }
        } else if !self.timeline.is_live() {
            // The list is that of now; an asset of another moment bears the alarms that it had then.
            for (asset, state) in (0..).map(AssetIndex).zip(&mut drawn.states) {
                state.alarm = self.alarms.worst_then(&drawn.table, asset);
            }
        }
        let change = self.comparison.overlay_view(self.overlay, &drawn.park);
        drawn.overlay_view = change.unwrap_or_else(|| {
            OverlayView::of(self.overlay, &drawn.park, &drawn.states, &self.carbon)
        });
        if !has_balance {
            drawn.overlay_view.doubt_the_ledger();
        }
        drawn.generation += 1;
        self.lags.sensor_ms = drawn
            .table
            .newest_metered_ms()
            .map(|time_ms| shown.moment_ms - time_ms);
    }
}
