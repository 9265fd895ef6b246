//! How the scene is drawn: one flat material, per-instance values by tag, lights of day and night.
//!
//! - `clay`: the material and its four finishes (solid, shadow, glow, flow)
//! - `light`: sun, sky and lamps of a moment (pure)
//! - `looks`: tint, emphasis, fade and flow of every tag, written into one storage buffer

mod clay;
mod light;
mod looks;

use bevy::prelude::*;
use terrarium_scene::Drawn;

use crate::clay::{Clay, ClayPlugin, Finish};
use crate::looks::{FlowClock, Rows, write_rows};

pub use light::Light;
pub use looks::{Look, Looks};

/// Gives every [`Drawn`] its material and keeps the shader's rows up to date.
pub struct RenderPlugin;

#[derive(Resource)]
struct Finishes(Vec<Handle<Clay>>);

impl Plugin for RenderPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(ClayPlugin)
            .init_resource::<Looks>()
            .init_resource::<FlowClock>()
            .init_resource::<Rows>()
            .init_resource::<Finishes>()
            .add_systems(PostUpdate, (finish_what_is_new, write_rows).chain());
    }
}

impl FromWorld for Finishes {
    fn from_world(world: &mut World) -> Finishes {
        let rows = world.resource::<Rows>().buffer.clone();
        let mut clays = world.resource_mut::<Assets<Clay>>();
        let handles = Finish::ALL.map(|finish| {
            let rows = rows.clone();
            clays.add(Clay { rows, finish })
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
        .map(|(entity, drawn)| {
            let place = Finish::of(drawn.0) as usize;
            (entity, MeshMaterial3d(finishes.0[place].clone()))
        })
        .collect();
    if !materials.is_empty() {
        commands.insert_batch(materials);
    }
}
