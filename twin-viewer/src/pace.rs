//! When a frame is drawn: at once for a person, smoothly while something moves, else only when something changed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;
use bevy::window::RequestRedraw;
use bevy::winit::{EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent};
use terrarium_network::Wake;
use terrarium_render::Looks;
use terrarium_scene::{Poses, StillMotion};

use crate::repaint::{BETWEEN_VALUES, LaidOut};
use crate::rig::Rig;
use crate::view::View;

/// While a person is at it.
const SMOOTH: Duration = Duration::from_millis(33);
/// While rotors turn and arrows run and nobody is at it, without a graphics card.
const MOVING_IN_SOFTWARE: Duration = Duration::from_millis(100);
/// Nothing moves; the clock is told, and what grows old fades.
const CALM: Duration = Duration::from_secs(1);
/// A person counts as being there for so long after the last key, click or motion of the pointer. Assumed.
const PRESENT_S: f32 = 3.0;

/// Wakes the window up, once there is one, and unless it shall wait for its next second.
#[derive(Resource, Clone, Default)]
pub struct Waker(Arc<WakerState>);

#[derive(Default)]
struct WakerState {
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    rests: AtomicBool,
}

impl Waker {
    /// For the network, which does not know of windows.
    pub fn wake(&self) -> Wake {
        let waker = self.clone();
        Arc::new(move || {
            // The window system redraws for each waking, whatever its settings say.
            if !waker.0.rests.load(Ordering::Relaxed)
                && let Some(wake) = waker.0.wake.get()
            {
                wake();
            }
        })
    }

    /// Whether it lets the window wait.
    fn rest(&self, rests: bool) {
        self.0.rests.store(rests, Ordering::Relaxed);
    }

    /// From now on it wakes this app's window.
    pub fn attach(&self, app: &App) {
        let Some(proxy) = app.world().get_resource::<EventLoopProxyWrapper>() else {
            return;
        };
        let proxy = (**proxy).clone();
        // A window that is gone needs no waking.
        let wake = Box::new(move || {
            let _ = proxy.send_event(WinitUserEvent::WakeUp);
        });
        if self.0.wake.set(wake).is_err() {
            tracing::warn!("a second window is not woken by the network");
        }
    }
}

/// Who looks at the window.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Nobody is expected at the controls: a wall, or a display for visitors.
    pub is_kiosk: bool,
    untouched_s: f32,
}

impl Pace {
    pub fn new(is_kiosk: bool) -> Pace {
        Pace {
            is_kiosk,
            untouched_s: 0.0,
        }
    }

    /// A wall that nobody touches: nothing moves by itself, and new values wait for the next second.
    pub fn is_idle_kiosk(&self) -> bool {
        self.is_kiosk && self.untouched_s > PRESENT_S
    }
}

pub struct PacePlugin;

impl Plugin for PacePlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Last, set_pace);
    }
}

/// How long the next frame may wait.
fn wait(is_attended: bool, moves: bool, is_software: bool) -> Duration {
    match (is_attended, moves, is_software) {
        (true, _, _) | (false, true, false) => SMOOTH,
        (false, true, true) => MOVING_IN_SOFTWARE,
        (false, false, _) => CALM,
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
fn set_pace(
    mut pace: ResMut<'_, Pace>,
    mut settings: ResMut<'_, WinitSettings>,
    still: Res<'_, StillMotion>,
    view: Res<'_, View>,
    rig: Res<'_, Rig>,
    looks: Res<'_, Looks>,
    poses: Res<'_, Poses>,
    adapter: Option<Res<'_, RenderAdapterInfo>>,
    time: Res<'_, Time<Real>>,
    keys: Res<'_, ButtonInput<KeyCode>>,
    buttons: Res<'_, ButtonInput<MouseButton>>,
    mut moved: MessageReader<'_, '_, CursorMoved>,
    waker: Option<Res<'_, Waker>>,
    panels: Res<'_, LaidOut>,
    mut redraws: ResMut<'_, Messages<RequestRedraw>>,
) {
    let is_touched = moved.read().count() > 0
        || keys.get_pressed().next().is_some()
        || buttons.get_pressed().next().is_some();
    pace.untouched_s = if is_touched {
        0.0
    } else {
        pace.untouched_s + time.delta_secs()
    };
    let is_idle = pace.is_idle_kiosk();
    if let Some(waker) = waker {
        waker.rest(is_idle);
    }
    if is_idle {
        // The panels ask for the next frame at once when they want one at some time.
        redraws.clear();
    }
    let moves =
        !still.0 && (looks.flows() || poses.assets.iter().any(|pose| pose.spin_rad_per_s != 0.0));
    let is_attended = rig.is_flying() || view.0.timeline.is_playing() || (is_touched && !is_idle);
    // The renderer does not hand its own type on, only the value.
    let is_software = adapter.is_some_and(|info| format!("{:?}", info.device_type) == "Cpu");
    let longest = wait(is_attended, moves, is_software);
    let frame_at = time.last_update().unwrap_or(time.startup());
    // Not to the moment: for every other mode the window draws a frame of its own.
    let longest = match panels.come_back_before(frame_at + longest) {
        true if !is_idle => longest.min(BETWEEN_VALUES),
        _ => longest,
    };
    let mode = UpdateMode::Reactive {
        wait: longest,
        react_to_device_events: false,
        react_to_user_events: !is_idle,
        react_to_window_events: true,
    };
    if settings.focused_mode != mode {
        settings.focused_mode = mode;
        settings.unfocused_mode = mode;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_nobody_touches_is_drawn_once_a_second() {
        let mut pace = Pace::new(true);
        assert!(!pace.is_idle_kiosk(), "somebody has just started it");
        pace.untouched_s = 60.0;
        assert!(pace.is_idle_kiosk());
        assert!(
            !Pace {
                is_kiosk: false,
                ..pace
            }
            .is_idle_kiosk()
        );
        assert_eq!(wait(false, false, true), Duration::from_secs(1));
    }

    /// How long the next frame may wait in a still scene whose panels want to be laid out again at once or not at all.
    fn paced(is_kiosk: bool, do_panels_wait: bool) -> Duration {
        let mut panels = LaidOut::default();
        if do_panels_wait {
            panels.come_back_at(std::time::Instant::now());
        }
        let mut app = App::new();
        app.insert_resource(Pace {
            is_kiosk,
            untouched_s: 60.0,
        })
        .insert_resource(panels)
        .init_resource::<WinitSettings>()
        .init_resource::<StillMotion>()
        .init_resource::<View>()
        .init_resource::<Rig>()
        .init_resource::<Looks>()
        .init_resource::<Poses>()
        .init_resource::<Time<Real>>()
        .init_resource::<ButtonInput<KeyCode>>()
        .init_resource::<ButtonInput<MouseButton>>()
        .add_message::<CursorMoved>()
        .add_message::<RequestRedraw>()
        .add_plugins(PacePlugin);
        app.update();
        match app.world().resource::<WinitSettings>().focused_mode {
            UpdateMode::Reactive { wait, .. } => wait,
            UpdateMode::Continuous => Duration::ZERO,
        }
    }

    #[test]
    fn panels_that_wait_for_a_frame_get_it_soon_and_on_an_idle_wall_with_the_next_second() {
        assert_eq!(paced(false, false), CALM);
        assert_eq!(paced(false, true), BETWEEN_VALUES);
        assert_eq!(paced(true, true), CALM);
    }

    #[test]
    fn a_waker_at_rest_wakes_nobody() {
        let woken = Arc::new(AtomicBool::new(false));
        let waker = Waker::default();
        let tells = Arc::clone(&woken);
        let attached = waker
            .0
            .wake
            .set(Box::new(move || tells.store(true, Ordering::Relaxed)));
        assert!(attached.is_ok());
        waker.rest(true);
        waker.wake()();
        assert!(!woken.load(Ordering::Relaxed));
        waker.rest(false);
        waker.wake()();
        assert!(woken.load(Ordering::Relaxed));
    }

    #[test]
    fn a_person_is_never_kept_waiting() {
        for (moves, is_software) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(wait(true, moves, is_software), SMOOTH);
        }
        assert!(wait(false, true, true) > SMOOTH);
    }
}
