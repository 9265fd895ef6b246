//! How the scene is drawn: one flat material, per-instance values by tag, lights of day and night.
//!
//! - `clay`: the material and its finishes (solid, shadow, glow, flow, rain)
//! - `light`: sun, sky and lamps of a moment (pure)
//! - `looks`: tint, emphasis, fade, flow and stance of every tag, written into one storage buffer
//! - `rain`: streaks in front of the scene; `backdrop`: what is seen behind it
//! - `scene_pass`: draws all that where it is seen and when it changed; `standing`: what need not be drawn again around it
//! - `output`: the finished picture into the window

mod backdrop;
mod clay;
mod light;
mod looks;
mod output;
mod rain;
mod scene_pass;
mod standing;

use bevy::prelude::*;
use terrarium_scene::Drawn;

use crate::backdrop::spawn_backdrop;
use crate::clay::{Clay, ClayPlugin, Finish};
use crate::looks::{Motion, Rows, write_rows};
use crate::output::OutputPlugin;
use crate::rain::{show_rain, spawn_rain};
use crate::scene_pass::ScenePassPlugin;
use crate::standing::StandingPlugin;

pub use light::Light;
pub use looks::{Look, Looks, Rain};
pub use scene_pass::{SceneDrawings, SceneRoom, SceneVersion};
pub use standing::{PanelChange, PanelDrawings, PanelsVersion, SeeWhatStands, StandingPanels};

/// Gives every [`Drawn`] its material and keeps the shader's rows up to date.
pub struct RenderPlugin;

#[derive(Resource)]
pub(crate) struct Finishes(Vec<Handle<Clay>>);

impl Finishes {
    pub(crate) fn of(&self, finish: Finish) -> MeshMaterial3d<Clay> {
        MeshMaterial3d(self.0[finish as usize].clone())
    }
}

impl Plugin for RenderPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((ClayPlugin, ScenePassPlugin, StandingPlugin, OutputPlugin))
            .init_resource::<Looks>()
            .init_resource::<Motion>()
            .init_resource::<Rows>()
            .init_resource::<Finishes>()
            .add_systems(Startup, (spawn_backdrop, spawn_rain))
            .add_systems(
                PostUpdate,
                (
                    finish_what_is_new.after(terrarium_scene::ChooseDetail),
                    write_rows,
                    show_rain
                        .before(bevy::camera::visibility::VisibilitySystems::VisibilityPropagate),
                )
                    .chain(),
            );
    }
}

impl FromWorld for Finishes {
    fn from_world(world: &mut World) -> Finishes {
        let rows = world.resource::<Rows>();
        let (words, light) = (rows.words.clone(), rows.light.clone());
        let mut clays = world.resource_mut::<Assets<Clay>>();
        let handles = Finish::ALL.map(|finish| {
            clays.add(Clay {
                words: words.clone(),
                light: light.clone(),
                finish,
            })
        });
        Finishes(handles.to_vec())
    }
}

fn finish_what_is_new(
    mut commands: Commands<'_, '_>,
    finishes: Res<'_, Finishes>,
    new: Query<'_, '_, (Entity, &Drawn), Added<Drawn>>,
) {
    let materials: Vec<(Entity, MeshMaterial3d<Clay>)> = new
        .iter()
        .map(|(entity, drawn)| (entity, finishes.of(Finish::of(*drawn))))
        .collect();
    if !materials.is_empty() {
        commands.insert_batch(materials);
    }
}
