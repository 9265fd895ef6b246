//! The camera: an orbit about a point on the ground. It only moves when a person moves it.

use bevy::input::mouse::{AccumulatedMouseScroll, MouseScrollUnit};
use bevy::prelude::*;
use terrarium_view_model::{CameraPose, CameraWish, GroundPoint};

/// Of the whole height of the picture. Narrow: a model seen from afar, verticals stay nearly upright.
pub const VERTICAL_VIEW_DEG: f32 = 32.0;
/// A press that moved less than this is a click.
const CLICK_SLACK_PX: f32 = 4.0;

/// Where the camera is and where it flies to.
#[derive(Resource, Debug, Clone)]
pub struct Rig {
    pub pose: CameraPose,
    flight: Option<Flight>,
    /// The part of the picture that panels leave for the scene, as shares of its width and height: left, top, right, bottom.
    pub free: [f32; 4],
    press: Option<Press>,
}

#[derive(Debug, Clone, Copy)]
struct Flight {
    from: CameraPose,
    to: CameraPose,
    flown_ms: f32,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    at: Vec2,
    /// Where the pointer was in the frame before; what the device itself reports is not told by every display server.
    last: Vec2,
    has_moved: bool,
}

/// The camera entity of the scene.
#[derive(Component)]
pub struct SceneCamera;

impl Default for Rig {
    fn default() -> Rig {
        Rig {
            pose: CameraPose {
                target: GroundPoint {
                    east_m: 0.0,
                    north_m: 0.0,
                },
                distance_m: 300.0,
                pitch_deg: 45.0,
                heading_deg: 0.0,
            },
            flight: None,
            free: [0.0, 0.0, 1.0, 1.0],
            press: None,
        }
    }
}

impl Rig {
    /// Stands there at once.
    pub fn jump(&mut self, pose: CameraPose) {
        self.pose = pose.held_in();
        self.flight = None;
    }

    /// The camera is on its way, or held by the pointer.
    pub fn is_flying(&self) -> bool {
        self.flight.is_some() || self.press.is_some()
    }

    /// Does what was wished: a flight, or a jump where motion is reduced.
    pub fn fulfil(&mut self, wish: CameraWish, is_still: bool) {
        let to = match wish {
            CameraWish::To(pose) => pose,
            CameraWish::NorthUp => CameraPose {
                heading_deg: 0.0,
                ..self.pose
            },
        };
        if is_still {
            self.jump(to);
        } else {
            self.flight = Some(Flight {
                from: self.pose,
                to: to.held_in(),
                flown_ms: 0.0,
            });
        }
    }

    /// Flies on; whether the camera moved.
    fn fly(&mut self, passed_ms: f32) -> bool {
        let Some(flight) = &mut self.flight else {
            return false;
        };
        flight.flown_ms += passed_ms;
        let share = flight.flown_ms / CameraPose::MOST_FLIGHT_MS as f32;
        self.pose = between(flight.from, flight.to, share);
        if share >= 1.0 {
            self.flight = None;
        }
        true
    }

    /// Eye and attitude. The target is in the middle of what the panels leave free.
    pub fn transform(&self, aspect: f32) -> Transform {
        let [left, top, right, bottom] = self.free;
        let pose = self.pose;
        let half_height = (VERTICAL_VIEW_DEG.to_radians() / 2.0).tan();
        // The free part, not the whole picture, has to hold what the pose wants to show.
        let room = (right - left).min(bottom - top).max(0.45);
        let distance = pose.distance_m / room * base_distance_share();
        let (pitch, heading) = (pose.pitch_deg.to_radians(), pose.heading_deg.to_radians());
        let forward = Vec3::new(
            heading.sin() * pitch.cos(),
            -pitch.sin(),
            -heading.cos() * pitch.cos(),
        );
        let target = Vec3::new(pose.target.east_m, 0.0, -pose.target.north_m);
        let looking =
            Transform::from_translation(target - forward * distance).looking_to(forward, Vec3::Y);
        let off_x = (left + right) - 1.0;
        let off_y = 1.0 - (top + bottom);
        let aside = looking.right() * (off_x * half_height * aspect * distance);
        let up = looking.up() * (off_y * half_height * distance);
        Transform {
            translation: looking.translation - aside - up,
            ..looking
        }
    }

    fn orbit(&mut self, motion: Vec2) {
        const DEG_PER_PX: f32 = 0.25;
        self.flight = None;
        self.pose.heading_deg += motion.x * DEG_PER_PX;
        self.pose.pitch_deg += motion.y * DEG_PER_PX;
        self.pose = self.pose.held_in();
    }

    fn pan(&mut self, motion: Vec2, height_px: f32) {
        self.flight = None;
        let visible_m = 2.0 * self.pose.distance_m * (VERTICAL_VIEW_DEG.to_radians() / 2.0).tan();
        let m_per_px = visible_m / height_px.max(1.0);
        let heading = self.pose.heading_deg.to_radians();
        let (right, ahead) = (
            -motion.x * m_per_px,
            motion.y * m_per_px / self.pose.pitch_deg.to_radians().sin(),
        );
        self.pose.target.east_m += right * heading.cos() + ahead * heading.sin();
        self.pose.target.north_m += ahead * heading.cos() - right * heading.sin();
    }

    fn zoom(&mut self, notches: f32) {
        self.flight = None;
        self.pose.distance_m *= 0.88_f32.powf(notches);
        self.pose = self.pose.held_in();
    }
}

/// `CameraPose::distance_m` is meant for a view of about 60 degrees; ours is narrower.
fn base_distance_share() -> f32 {
    1.2
}

fn between(from: CameraPose, to: CameraPose, share: f32) -> CameraPose {
    let share = share.clamp(0.0, 1.0);
    let share = share * share * (3.0 - 2.0 * share);
    let mix = |from: f32, to: f32| from + (to - from) * share;
    // The shorter way round.
    let turn = (to.heading_deg - from.heading_deg + 540.0).rem_euclid(360.0) - 180.0;
    CameraPose {
        target: GroundPoint {
            east_m: mix(from.target.east_m, to.target.east_m),
            north_m: mix(from.target.north_m, to.target.north_m),
        },
        distance_m: mix(from.distance_m, to.distance_m),
        pitch_deg: mix(from.pitch_deg, to.pitch_deg),
        heading_deg: from.heading_deg + turn * share,
    }
    .held_in()
}

/// Puts the camera where the rig says.
pub fn place_camera(
    mut rig: ResMut<'_, Rig>,
    time: Res<'_, Time>,
    camera: Single<'_, '_, (&Camera, &mut Transform), With<SceneCamera>>,
) {
    let passed_ms = time.delta_secs() * 1_000.0;
    if rig.flight.is_some() {
        rig.fly(passed_ms);
    }
    let (camera, mut transform) = camera.into_inner();
    let size = camera
        .logical_viewport_size()
        .unwrap_or(Vec2::new(16.0, 9.0));
    let wanted = rig.transform(size.x / size.y.max(1.0));
    if *transform != wanted {
        *transform = wanted;
    }
}

/// A click into the scene, in points of the window.
#[derive(Message, Debug, Clone, Copy)]
pub struct SceneClick {
    pub at: Vec2,
    pub adds: bool,
}

/// Left drag turns, right or middle drag (or shift and left) moves, the wheel zooms; a click without a drag selects.
pub fn steer(
    mut rig: ResMut<'_, Rig>,
    window: Single<'_, '_, &Window>,
    buttons: Res<'_, ButtonInput<MouseButton>>,
    keys: Res<'_, ButtonInput<KeyCode>>,
    scroll: Res<'_, AccumulatedMouseScroll>,
    pointer: Res<'_, PointerElsewhere>,
    mut clicks: MessageWriter<'_, SceneClick>,
) {
    const PX_PER_NOTCH: f32 = 50.0;
    let cursor = window.cursor_position();
    let any = [MouseButton::Left, MouseButton::Right, MouseButton::Middle];
    if buttons.any_just_pressed(any)
        && !pointer.0
        && let Some(at) = cursor
    {
        rig.press = Some(Press {
            at,
            last: at,
            has_moved: false,
        });
    }
    let shift = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
    if let (Some(mut press), Some(at)) = (rig.press, cursor) {
        press.has_moved |= press.at.distance(at) > CLICK_SLACK_PX;
        let motion = at - press.last;
        press.last = at;
        rig.press = Some(press);
        if press.has_moved && motion != Vec2::ZERO {
            if buttons.any_pressed([MouseButton::Right, MouseButton::Middle]) || shift {
                rig.pan(motion, window.height());
            } else if buttons.pressed(MouseButton::Left) {
                rig.orbit(motion);
            }
        }
        if buttons.any_just_released(any) {
            if !press.has_moved && buttons.just_released(MouseButton::Left) {
                let adds = keys.any_pressed([KeyCode::ControlLeft, KeyCode::ControlRight]);
                clicks.write(SceneClick { at, adds });
            }
            rig.press = None;
        }
    }
    if scroll.delta.y != 0.0 && !pointer.0 {
        let notches = match scroll.unit {
            MouseScrollUnit::Line => scroll.delta.y,
            MouseScrollUnit::Pixel => scroll.delta.y / PX_PER_NOTCH,
        };
        rig.zoom(notches);
    }
}

/// The pointer is over a panel: what it does is not for the scene.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointerElsewhere(pub bool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_ends_where_it_was_to_go_within_its_time() {
        let mut rig = Rig::default();
        let to = CameraPose {
            heading_deg: 350.0,
            distance_m: 50.0,
            ..rig.pose
        };
        rig.fulfil(CameraWish::To(to), false);
        let mut frames = 0;
        while rig.fly(16.0) {
            frames += 1;
            // By way of north, not all around.
            assert!(rig.pose.heading_deg > 345.0 || rig.pose.heading_deg < 1.0);
            assert!(frames < 60, "the flight does not end");
        }
        assert_eq!(rig.pose, to);
    }

    #[test]
    fn the_camera_stays_above_the_ground_and_looks_north_at_home() {
        let mut rig = Rig::default();
        rig.orbit(Vec2::new(0.0, -100_000.0));
        assert_eq!(rig.pose.pitch_deg, CameraPose::LEAST_PITCH_DEG);
        let transform = Rig::default().transform(16.0 / 9.0);
        assert!(transform.translation.y > 0.0);
        assert!(transform.forward().z < 0.0, "north is -z");
    }

    #[test]
    fn panels_push_the_target_into_the_middle_of_the_free_part() {
        let mut rig = Rig::default();
        let before = rig.transform(1.6).translation;
        rig.free = [0.2, 0.0, 1.0, 1.0];
        // The free part is right of the middle, so the camera goes left.
        assert!(rig.transform(1.6).translation.x < before.x);
    }
}
