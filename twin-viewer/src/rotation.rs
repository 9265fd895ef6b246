//! Screens that follow one another. A person at the controls holds them for a while.

use bevy::prelude::*;
use bevy::window::RequestRedraw;
use terrarium_view_model::{Command, DeepLink, Kiosk};

use crate::cameras;
use crate::view::{Link, View, apply};

/// How long the present screen stays after the last key or click. Assumed.
const HOLD_MS: u64 = 60_000;

/// The screens, and how far they are.
#[derive(Resource)]
pub struct Rotation {
    kiosk: Kiosk,
    /// Of the screens' own time: it stands still while a person is there.
    elapsed_ms: u64,
    hold_ms: u64,
    shown: Option<usize>,
}

impl Rotation {
    pub fn new(kiosk: Kiosk) -> Rotation {
        Rotation {
            kiosk,
            elapsed_ms: 0,
            hold_ms: 0,
            shown: None,
        }
    }

    /// Time passed. The number of the screen that has to come up, if another one has.
    fn pass(&mut self, passed_ms: u64, is_touched: bool) -> Option<usize> {
        if is_touched && self.shown.is_some() {
            self.hold_ms = HOLD_MS;
        }
        let held_ms = self.hold_ms.min(passed_ms);
        self.hold_ms -= held_ms;
        self.elapsed_ms += passed_ms - held_ms;
        let (number, _) = self.kiosk.screen_at(self.elapsed_ms);
        if self.shown == Some(number) {
            return None;
        }
        self.shown = Some(number);
        Some(number)
    }
}

pub struct RotationPlugin;

impl Plugin for RotationPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, rotate);
    }
}

fn rotate(
    mut rotation: ResMut<'_, Rotation>,
    mut view: ResMut<'_, View>,
    link: Res<'_, Link>,
    time: Res<'_, Time<Real>>,
    keys: Res<'_, ButtonInput<KeyCode>>,
    buttons: Res<'_, ButtonInput<MouseButton>>,
    mut redraw: MessageWriter<'_, RequestRedraw>,
) {
    if view.bypass_change_detection().0.park().is_none() {
        return;
    }
    let is_touched =
        keys.get_just_pressed().next().is_some() || buttons.get_just_pressed().next().is_some();
    let passed_ms = u64::try_from(time.delta().as_millis()).unwrap_or(u64::MAX);
    if let Some(number) = rotation.pass(passed_ms, is_touched) {
        show(&mut view, &link, &rotation.kiosk, number);
        redraw.write(RequestRedraw);
    }
}

/// Brings a screen up, live.
pub fn show(view: &mut View, link: &Link, kiosk: &Kiosk, number: usize) {
    let screen = &kiosk.screens[number];
    let mut commands = screen.commands();
    if let Some(park) = view.0.park() {
        match cameras::named(park, &screen.camera) {
            Ok(pose) => commands.push(Command::GoTo(DeepLink {
                park: park.id.clone(),
                camera: Some(pose),
                ..DeepLink::default()
            })),
            Err(error) => {
                tracing::warn!(screen = number + 1, %error, "the camera stays where it is")
            }
        }
    }
    apply(view, link, commands);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_holds_the_screen_and_then_it_goes_on() {
        let kiosk = Kiosk::parse("seconds = 10\n[[screens]]\n[[screens]]\n").expect("a kiosk");
        let mut rotation = Rotation::new(kiosk);
        assert_eq!(rotation.pass(16, true), Some(0));
        assert_eq!(rotation.pass(9_000, true), None);
        assert_eq!(rotation.pass(51_000, false), None, "held");
        assert_eq!(rotation.pass(9_000, false), None);
        assert_eq!(rotation.pass(1_000, false), Some(1));
    }
}
