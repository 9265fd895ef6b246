//! Streaks of rain in front of the scene, as many as it rains.

use bevy::asset::RenderAssetUsages;
use bevy::camera::visibility::NoFrustumCulling;
use bevy::mesh::{Indices, PrimitiveTopology};
use bevy::prelude::*;
use terrarium_scene::{ALONG, TAG};

use crate::Finishes;
use crate::clay::Finish;
use crate::looks::Looks;

/// Streaks in the heaviest rain that is drawn.
pub(crate) const MOST_STREAKS: u32 = 900;

#[derive(Component)]
pub(crate) struct Streaks;

pub(crate) fn spawn_rain(
    mut commands: Commands<'_, '_>,
    mut meshes: ResMut<'_, Assets<Mesh>>,
    finishes: Res<'_, Finishes>,
) {
    commands.spawn((
        Streaks,
        Mesh3d(meshes.add(streaks())),
        finishes.of(Finish::Rain),
        NoFrustumCulling,
        Visibility::Hidden,
    ));
}

pub(crate) fn show_rain(
    looks: Res<'_, Looks>,
    mut streaks: Single<'_, '_, &mut Visibility, With<Streaks>>,
) {
    let wanted = if looks.rain.strength > 0.0 {
        Visibility::Visible
    } else {
        Visibility::Hidden
    };
    streaks.set_if_neq(wanted);
}

/// Four corners for every streak: its seed, its number, and which corner it is.
fn streaks() -> Mesh {
    let (mut seeds, mut numbers, mut corners, mut indices) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..MOST_STREAKS {
        let seed = seed(number);
        for corner in [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0_f32]] {
            seeds.push(seed);
            numbers.push(number);
            corners.push(corner);
        }
        let first = 4 * number;
        indices.extend([first, first + 1, first + 2, first, first + 2, first + 3]);
    }
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::RENDER_WORLD,
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, seeds)
    .with_inserted_attribute(TAG, numbers)
    .with_inserted_attribute(ALONG, corners)
    .with_inserted_indices(Indices::U32(indices))
}

/// Even over the unit cube however many are taken: the R3 sequence (Roberts 2018, from the root of x^4 = x + 1).
fn seed(number: u32) -> [f32; 3] {
    const ROOT: f64 = 1.220_744_084_605_759_5;
    [1, 2, 3].map(|power| (0.5 + f64::from(number) * ROOT.powi(-power)).fract() as f32)
}
