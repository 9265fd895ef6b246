//! Which moment is shown, and how it moves on. Live and replay can't be mistaken for each other: the mode is one value, and
//! commands to the park are only allowed in live.

/// How the shown moment moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeMode {
    /// The newest state, as it is recorded.
    Live,
    /// A moment of the record.
    Replay,
}

/// What happens at the end of the range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoopMode {
    /// It stops there.
    #[default]
    Off,
    /// It begins again at the start of the selection, or of the visible range where nothing is selected.
    Range,
}

/// Rates of replay in park seconds per second, as the transport offers them. One list, so that no panel offers one that the
/// clock reads otherwise.
pub const SPEEDS: [u32; 9] = [1, 10, 60, 300, 900, 3_600, 14_400, 43_200, 86_400];

/// The least stretch of time that can be looked at.
const LEAST_VIEW_MS: i64 = 10_000;

/// What the network is to fetch for the shown moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Want {
    /// Everything live.
    Follow,
    /// The state at a moment.
    At { moment_ms: i64 },
    /// The course from one moment to another, earlier or later one.
    Play {
        from_ms: i64,
        to_ms: i64,
        speed: u32,
    },
    /// The event after (or before) a moment, and the state there.
    Step { from_ms: i64, backwards: bool },
}

/// Events of a range in equal buckets, by domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Density {
    pub from_ms: i64,
    pub to_ms: i64,
    pub domains: Vec<(String, Vec<u32>)>,
}

/// The timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    mode: TimeMode,
    /// The person pressed play.
    wants_to_play: bool,
    /// The state at the shown moment is there. False while it is fetched.
    may_play: bool,
    is_backwards: bool,
    /// Place in [`SPEEDS`].
    speed: usize,
    looping: LoopMode,
    /// First moment on record.
    first_ms: Option<i64>,
    /// The park's clock.
    now_ms: i64,
    /// The moment drawn. In replay only what arrived moves it, so that the time told is that of the picture.
    shown_ms: i64,
    /// The moment asked for last.
    asked_ms: i64,
    /// `None`: all of the record, growing while it grows.
    view: Option<(i64, i64)>,
    selection: Option<(i64, i64)>,
    pub density: Density,
}

impl Default for Timeline {
    fn default() -> Timeline {
        Timeline {
            mode: TimeMode::Live,
            wants_to_play: false,
            may_play: true,
            is_backwards: false,
            speed: 2,
            looping: LoopMode::Off,
            first_ms: None,
            now_ms: 0,
            shown_ms: 0,
            asked_ms: 0,
            view: None,
            selection: None,
            density: Density::default(),
        }
    }
}

impl Timeline {
    pub fn mode(&self) -> TimeMode {
        self.mode
    }

    /// Whether the newest state is shown.
    pub fn is_live(&self) -> bool {
        self.mode == TimeMode::Live
    }

    /// Whether commands to the park may be given: never from an old picture.
    pub fn allows_commands(&self) -> bool {
        self.is_live() && !self.is_waiting()
    }

    /// The person pressed play, whether or not the data are there.
    pub fn wants_to_play(&self) -> bool {
        self.wants_to_play
    }

    /// The moment shown moves.
    pub fn is_playing(&self) -> bool {
        self.wants_to_play && self.may_play
    }

    /// The state asked for is still on its way.
    pub fn is_waiting(&self) -> bool {
        !self.may_play
    }

    pub fn is_backwards(&self) -> bool {
        self.is_backwards
    }

    /// Park seconds per second.
    pub fn speed(&self) -> u32 {
        SPEEDS[self.speed]
    }

    pub fn looping(&self) -> LoopMode {
        self.looping
    }

    /// The moment drawn.
    pub fn shown_ms(&self) -> i64 {
        self.shown_ms
    }

    /// The moment asked for last; that of the cursor while it is dragged.
    pub fn asked_ms(&self) -> i64 {
        self.asked_ms
    }

    /// The park's clock.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// First and last moment that can be shown.
    pub fn record(&self) -> (i64, i64) {
        (
            self.first_ms.unwrap_or(self.now_ms).min(self.now_ms),
            self.now_ms,
        )
    }

    /// The part of the record that the timeline shows.
    pub fn view(&self) -> (i64, i64) {
        let (first, last) = self.view.unwrap_or_else(|| self.record());
        (first, last.max(first + LEAST_VIEW_MS))
    }

    /// The view is pinned, not growing with the record.
    pub fn is_zoomed(&self) -> bool {
        self.view.is_some()
    }

    pub fn selection(&self) -> Option<(i64, i64)> {
        self.selection
    }

    /// Tells how far the record reaches.
    pub fn know_record(&mut self, first_ms: Option<i64>, now_ms: i64) {
        self.first_ms = match (self.first_ms, first_ms) {
            (Some(known), Some(told)) => Some(known.min(told)),
            (known, told) => known.or(told),
        };
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// A state of the live stream is drawn.
    pub fn live_arrived(&mut self, moment_ms: i64) {
        self.now_ms = moment_ms.max(self.now_ms);
        if self.is_live() {
            self.shown_ms = moment_ms;
            self.asked_ms = moment_ms;
            self.may_play = true;
        }
    }

    /// A state of the record is drawn. What to fetch next, where the end was reached and it loops.
    pub fn replay_arrived(&mut self, moment_ms: i64, is_end: bool) -> Option<Want> {
        if self.is_live() {
            return None;
        }
        self.shown_ms = moment_ms;
        self.may_play = true;
        if !self.wants_to_play {
            self.asked_ms = moment_ms;
            return None;
        }
        if !is_end {
            return None;
        }
        match self.looping {
            LoopMode::Off => {
                self.wants_to_play = false;
                self.asked_ms = moment_ms;
                None
            }
            LoopMode::Range => {
                let (from_ms, to_ms) = self.loop_range();
                let start_ms = if self.is_backwards { to_ms } else { from_ms };
                self.asked_ms = start_ms;
                Some(self.play_from(start_ms))
            }
        }
    }

    /// Back to the newest state.
    pub fn follow(&mut self) -> Want {
        self.mode = TimeMode::Live;
        self.wants_to_play = false;
        self.may_play = false;
        self.asked_ms = self.now_ms;
        Want::Follow
    }

    /// Stops at what is shown.
    pub fn pause(&mut self) -> Want {
        self.seek_exact(self.shown_ms)
    }

    /// Plays on from what is shown, forwards or backwards; from the start of the range where it stands at its end.
    pub fn play(&mut self, is_backwards: bool) -> Want {
        self.is_backwards = is_backwards;
        let (from_ms, to_ms) = self.loop_range();
        let start_ms = match is_backwards {
            false if self.shown_ms >= to_ms => from_ms,
            true if self.shown_ms <= from_ms => to_ms,
            _ => self.shown_ms,
        };
        self.mode = TimeMode::Replay;
        self.wants_to_play = true;
        self.play_from(start_ms)
    }

    fn play_from(&mut self, start_ms: i64) -> Want {
        self.may_play = false;
        let (from_ms, to_ms) = self.loop_range();
        Want::Play {
            from_ms: start_ms,
            to_ms: if self.is_backwards { from_ms } else { to_ms },
            speed: self.speed(),
        }
    }

    /// The range that is played: the selection, or the whole record.
    fn loop_range(&self) -> (i64, i64) {
        self.selection.unwrap_or_else(|| self.record())
    }

    /// Goes to exactly this moment, whatever is known of the record: for links, undo and events. Always pauses.
    pub fn seek_exact(&mut self, moment_ms: i64) -> Want {
        self.mode = TimeMode::Replay;
        self.wants_to_play = false;
        self.may_play = false;
        self.asked_ms = moment_ms;
        Want::At { moment_ms }
    }

    /// Goes to the nearest moment of the record: for the mouse.
    pub fn seek_clamped(&mut self, moment_ms: i64) -> Want {
        let (first, last) = self.record();
        self.seek_exact(moment_ms.clamp(first, last))
    }

    /// Goes to the next or the previous event.
    pub fn step(&mut self, backwards: bool) -> Want {
        let from_ms = self.shown_ms;
        self.seek_exact(from_ms);
        Want::Step { from_ms, backwards }
    }

    /// What was asked for last can't be shown, or there is no further event that way: what is shown stays. An answer that
    /// comes after the person went back to live changes nothing: the live state is still on its way.
    pub fn stay(&mut self) {
        if self.is_live() {
            return;
        }
        self.wants_to_play = false;
        self.may_play = true;
        self.asked_ms = self.shown_ms;
    }

    /// Takes a speed of the list; plays on with it where it plays.
    pub fn set_speed(&mut self, speed: u32) -> Option<Want> {
        self.speed = SPEEDS.iter().position(|known| *known >= speed)?;
        (self.wants_to_play && !self.is_live()).then(|| self.play_from(self.shown_ms))
    }

    pub fn set_looping(&mut self, looping: LoopMode) {
        self.looping = looping;
    }

    /// Selects a range to play; `None`: the whole record.
    pub fn select(&mut self, range: Option<(i64, i64)>) {
        self.selection = range.map(|(one, other)| (one.min(other), one.max(other)));
    }

    /// Looks at a part of the record; `None`: all of it, growing.
    pub fn zoom(&mut self, view: Option<(i64, i64)>) {
        self.view = view
            .map(|(one, other)| (one.min(other), one.max(other)))
            .map(|(from, to)| (from, to.max(from + LEAST_VIEW_MS)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        let mut timeline = Timeline::default();
        timeline.know_record(Some(1_000_000), 9_000_000);
        timeline.live_arrived(9_000_000);
        timeline
    }

    #[test]
    fn every_way_out_of_live_locks_the_commands_until_live_values_are_back() {
        let ways: [fn(&mut Timeline); 5] = [
            |timeline| {
                timeline.pause();
            },
            |timeline| {
                timeline.play(false);
            },
            |timeline| {
                timeline.seek_exact(5);
            },
            |timeline| {
                timeline.seek_clamped(5);
            },
            |timeline| {
                timeline.step(true);
            },
        ];
        for way in ways {
            let mut timeline = timeline();
            assert!(timeline.allows_commands());
            way(&mut timeline);
            assert!(!timeline.allows_commands());
            timeline.live_arrived(9_100_000);
            assert_ne!(
                timeline.shown_ms(),
                9_100_000,
                "a live number beside old ones"
            );
            assert_eq!(timeline.follow(), Want::Follow);
            assert!(!timeline.allows_commands(), "the old picture still stands");
            timeline.live_arrived(9_200_000);
            assert!(timeline.allows_commands());
        }
    }

    #[test]
    fn a_link_goes_beyond_what_is_known_and_the_mouse_does_not() {
        let mut timeline = timeline();
        assert_eq!(timeline.seek_exact(77), Want::At { moment_ms: 77 });
        let clamped = timeline.seek_clamped(77);
        assert_eq!(
            clamped,
            Want::At {
                moment_ms: 1_000_000
            }
        );
    }

    #[test]
    fn wanting_to_play_and_being_able_to_are_two_things() {
        let mut timeline = timeline();
        timeline.seek_exact(2_000_000);
        timeline.replay_arrived(2_000_000, true);
        timeline.play(false);
        assert!(timeline.wants_to_play() && !timeline.is_playing());
        timeline.replay_arrived(2_060_000, false);
        assert!(timeline.is_playing());
    }

    #[test]
    fn what_can_not_be_shown_leaves_what_is_shown_and_never_unlocks_an_old_picture() {
        let mut timeline = timeline();
        timeline.seek_exact(2_000_000);
        timeline.replay_arrived(2_000_000, true);
        timeline.play(false);
        timeline.stay();
        assert!(!timeline.is_waiting() && !timeline.wants_to_play());
        assert_eq!(timeline.asked_ms(), 2_000_000);
        timeline.seek_exact(99);
        timeline.follow();
        timeline.stay();
        assert!(!timeline.allows_commands(), "the old picture still stands");
    }

    #[test]
    fn at_the_end_it_stops_or_begins_again() {
        let mut timeline = timeline();
        timeline.select(Some((4_000_000, 3_000_000)));
        timeline.seek_exact(3_500_000);
        timeline.replay_arrived(3_500_000, true);
        timeline.play(false);
        timeline.set_looping(LoopMode::Range);
        let again = timeline.replay_arrived(4_000_000, true);
        let expected = Want::Play {
            from_ms: 3_000_000,
            to_ms: 4_000_000,
            speed: 60,
        };
        assert_eq!(again, Some(expected));
        timeline.set_looping(LoopMode::Off);
        assert_eq!(timeline.replay_arrived(4_000_000, true), None);
        assert!(!timeline.wants_to_play());
    }

    #[test]
    fn a_new_speed_plays_on_from_what_is_shown() {
        let mut timeline = timeline();
        timeline.seek_exact(2_000_000);
        timeline.replay_arrived(2_000_000, true);
        timeline.play(true);
        timeline.replay_arrived(1_900_000, false);
        let expected = Want::Play {
            from_ms: 1_900_000,
            to_ms: 1_000_000,
            speed: 3_600,
        };
        assert_eq!(timeline.set_speed(3_600), Some(expected));
        assert_eq!(timeline.set_speed(1_000_000), None, "no such speed");
    }

    #[test]
    fn the_view_grows_with_the_record_until_it_is_pinned() {
        let mut timeline = timeline();
        assert_eq!(timeline.view(), (1_000_000, 9_000_000));
        timeline.live_arrived(9_500_000);
        assert_eq!(timeline.view(), (1_000_000, 9_500_000));
        timeline.zoom(Some((3_000_000, 2_000_000)));
        timeline.live_arrived(9_900_000);
        assert_eq!(timeline.view(), (2_000_000, 3_000_000));
    }
}
