//! What is seen where nothing stands. The picture is not wiped while panels stand in it, so it is drawn.

use bevy::asset::RenderAssetUsages;
use bevy::camera::visibility::NoFrustumCulling;
use bevy::mesh::PrimitiveTopology;
use bevy::prelude::*;
use terrarium_scene::TAG;

use crate::Finishes;
use crate::clay::Finish;

/// One triangle over the whole picture, in the shader's clip space.
const CORNERS: [[f32; 3]; 3] = [[-1.0, -1.0, 0.0], [3.0, -1.0, 0.0], [-1.0, 3.0, 0.0]];

pub(crate) fn spawn_backdrop(
    mut commands: Commands<'_, '_>,
    mut meshes: ResMut<'_, Assets<Mesh>>,
    finishes: Res<'_, Finishes>,
) {
    let triangle = Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::RENDER_WORLD,
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, CORNERS.to_vec())
    .with_inserted_attribute(TAG, vec![0_u32; CORNERS.len()]);
    commands.spawn((
        Mesh3d(meshes.add(triangle)),
        finishes.of(Finish::Backdrop),
        NoFrustumCulling,
    ));
}
