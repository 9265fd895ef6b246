//! The layout as entities, and what moves in it. Knows meshes, no material: the renderer adds one to every [`Drawn`].

use bevy::asset::RenderAssetUsages;
use bevy::camera::visibility::NoFrustumCulling;
use bevy::mesh::{Indices, MeshTag, PrimitiveTopology};
use bevy::prelude::*;
use terrarium_model::ConnectionKind;
use terrarium_view_model::{AssetIndex, ParkView};

use crate::layout::{Anchor, LEAST_TREE_M, Layer, Layout, Place, Role, Tag, Tags};
use crate::models::Motion;
use crate::shape::Shape;

/// An entity that wants to be drawn in a layer. Its [`MeshTag`] says under which number its look is kept.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn(pub Layer);

/// What one means by pointing at the entity.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartOf(pub AssetIndex);

/// A line of a network.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLine(pub ConnectionKind);

#[derive(Component, Debug, Clone, Copy)]
struct Moving {
    asset: AssetIndex,
    motion: Motion,
    rest: Place,
    angle: f32,
}

#[derive(Component, Debug, Clone, Copy)]
struct Tree {
    asset: AssetIndex,
    height_share: f32,
    number: u32,
}

#[derive(Component, Debug, Clone, Copy)]
struct Cable(AssetIndex);

/// Everything of the park that is on the stage.
#[derive(Component)]
struct OnStage;

/// The park on the stage; absent: none.
#[derive(Resource, Debug, Clone)]
pub struct Stage {
    pub tags: Tags,
    /// By asset index.
    pub anchors: Vec<Anchor>,
    pub triangles: usize,
    pub entities: usize,
}

/// How the parts of an asset stand at the moment shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pose {
    /// How full, 0 to 1; `None`: not known, shown as empty.
    pub full: Option<f32>,
    /// Of rotors and fans, in radians a second.
    pub spin_rad_per_s: f32,
    pub has_car: bool,
    /// Mean height of a group of trees; `None`: as the definition says.
    pub tree_height_m: Option<f32>,
    /// Living trees; `None`: all.
    pub living_trees: Option<u32>,
}

/// The poses of all assets, by index. What is not there stands at rest.
#[derive(Resource, Debug, Clone, Default, PartialEq)]
pub struct Poses {
    pub assets: Vec<Pose>,
    /// Networks whose lines are shown.
    pub networks: Vec<ConnectionKind>,
}

impl Poses {
    fn of(&self, asset: AssetIndex) -> Pose {
        self.assets
            .get(asset.0 as usize)
            .copied()
            .unwrap_or_default()
    }
}

/// Nothing turns by itself: for people whom motion disturbs, and for pictures that must come out the same.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StillMotion(pub bool);

/// Puts the poses onto the stage.
pub struct StagePlugin;

impl Plugin for StagePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Poses>()
            .init_resource::<StillMotion>()
            .add_systems(
                PostUpdate,
                (pose_parts, spin_parts, grow_trees, show_lines)
                    .chain()
                    .before(bevy::transform::TransformSystems::Propagate)
                    .run_if(resource_exists::<Stage>),
            );
    }
}

/// Clears the stage and sets a park on it.
pub fn set_stage(world: &mut World, park: &ParkView) {
    let former: Vec<Entity> = world
        .query_filtered::<Entity, With<OnStage>>()
        .iter(world)
        .collect();
    for entity in former {
        world.despawn(entity);
    }
    let layout = Layout::new(park);
    let pickable: Vec<bool> = shapes_to_keep(&layout);
    let mut meshes = world.resource_mut::<Assets<Mesh>>();
    let handles: Vec<Handle<Mesh>> = layout
        .shapes
        .iter()
        .zip(&pickable)
        .map(|(shape, is_pickable)| meshes.add(mesh_of(shape, *is_pickable)))
        .collect();
    let stage = Stage {
        tags: layout.tags,
        triangles: layout.triangles(),
        entities: layout.pieces.len(),
        anchors: layout.anchors,
    };
    for piece in &layout.pieces {
        let common = (
            OnStage,
            Drawn(piece.layer),
            Mesh3d(handles[piece.shape].clone()),
            MeshTag(piece.tag.0),
            transform_of(piece.place),
        );
        let mut entity = world.spawn(common);
        let is_solid = matches!(piece.layer, Layer::Clay | Layer::Flow);
        if let Some(asset) = piece.asset.filter(|_| is_solid) {
            entity.insert(PartOf(asset));
        }
        // A shadow may be seen when what throws it is not.
        let is_tall = layout.shapes[piece.shape].bounds().1.y * piece.place.scale > 8.0;
        if piece.layer == Layer::Shadow && is_tall {
            entity.insert(NoFrustumCulling);
        }
        insert_role(&mut entity, piece.role, piece.tag, piece.place);
    }
    world.insert_resource(Poses::default());
    world.insert_resource(stage);
}

fn insert_role(entity: &mut EntityWorldMut<'_>, role: Role, tag: Tag, place: Place) {
    // Tags of assets begin at 1.
    let asset = AssetIndex(tag.0.saturating_sub(1));
    match role {
        Role::Still => {}
        Role::Moves(motion) => {
            entity.insert(Moving {
                asset,
                motion,
                rest: place,
                // Rotors do not all stand alike.
                angle: asset.0 as f32 * 2.399,
            });
            if motion == Motion::Car {
                entity.insert(Visibility::Hidden);
            }
        }
        Role::Tree {
            height_share,
            number,
        } => {
            entity.insert(Tree {
                asset,
                height_share,
                number,
            });
        }
        Role::Line { kind, .. } => {
            entity.insert((NetworkLine(kind), Visibility::Hidden));
        }
        Role::Cable => {
            entity.insert((Cable(asset), Visibility::Hidden));
        }
    }
}

/// Rays are cast against what belongs to an asset; the rest needs no copy in main memory.
fn shapes_to_keep(layout: &Layout) -> Vec<bool> {
    let mut keep = vec![false; layout.shapes.len()];
    for piece in &layout.pieces {
        if piece.layer == Layer::Clay {
            keep[piece.shape] = true;
        }
    }
    keep
}

fn mesh_of(shape: &Shape, is_pickable: bool) -> Mesh {
    let usage = if is_pickable {
        RenderAssetUsages::default()
    } else {
        RenderAssetUsages::RENDER_WORLD
    };
    let arrays = |points: &[Vec3]| points.iter().map(Vec3::to_array).collect::<Vec<[f32; 3]>>();
    let mut mesh = Mesh::new(PrimitiveTopology::TriangleList, usage)
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, arrays(&shape.positions))
        .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, arrays(&shape.normals))
        .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, shape.colors.clone())
        .with_inserted_indices(Indices::U32(shape.indices.clone()));
    if !shape.along.is_empty() {
        let along: Vec<[f32; 2]> = shape.along.iter().map(Vec2::to_array).collect();
        mesh.insert_attribute(Mesh::ATTRIBUTE_UV_0, along);
    }
    mesh
}

fn transform_of(place: Place) -> Transform {
    Transform {
        translation: place.at,
        rotation: place.turn,
        scale: Vec3::splat(place.scale),
    }
}

fn pose_parts(
    poses: Res<'_, Poses>,
    mut parts: Query<'_, '_, (&Moving, &mut Transform, &mut Visibility)>,
    mut cables: Query<'_, '_, (&Cable, &mut Visibility), Without<Moving>>,
) {
    if !poses.is_changed() {
        return;
    }
    let seen = |is_seen: bool| {
        if is_seen {
            Visibility::Inherited
        } else {
            Visibility::Hidden
        }
    };
    for (part, mut transform, mut visibility) in &mut parts {
        let pose = poses.of(part.asset);
        match part.motion {
            Motion::Spin(_) => {}
            Motion::Car => {
                visibility.set_if_neq(seen(pose.has_car));
            }
            Motion::Gauge(axis) => {
                // A sliver stays, so that an empty gauge is still one.
                let full = pose.full.unwrap_or(0.0).clamp(0.01, 1.0);
                let scale = Vec3::ONE + axis * (full - 1.0);
                if transform.scale != scale {
                    transform.scale = scale;
                }
            }
        }
    }
    for (cable, mut visibility) in &mut cables {
        visibility.set_if_neq(seen(poses.of(cable.0).has_car));
    }
}

fn spin_parts(
    poses: Res<'_, Poses>,
    time: Res<'_, Time>,
    still: Res<'_, StillMotion>,
    mut parts: Query<'_, '_, (&mut Moving, &mut Transform)>,
) {
    let passed_s = if still.0 { 0.0 } else { time.delta_secs() };
    for (mut part, mut transform) in &mut parts {
        let Motion::Spin(axis) = part.motion else {
            continue;
        };
        let spin = poses.of(part.asset).spin_rad_per_s;
        let angle = (part.angle + spin * passed_s) % std::f32::consts::TAU;
        let turn = part.rest.turn * Quat::from_axis_angle(axis, angle);
        if transform.rotation != turn {
            part.bypass_change_detection().angle = angle;
            transform.rotation = turn;
        }
    }
}

fn grow_trees(
    poses: Res<'_, Poses>,
    mut trees: Query<'_, '_, (&Tree, &mut Transform, &mut Visibility)>,
) {
    if !poses.is_changed() {
        return;
    }
    for (tree, mut transform, mut visibility) in &mut trees {
        let pose = poses.of(tree.asset);
        if let Some(height_m) = pose.tree_height_m {
            let scale = Vec3::splat(height_m.max(LEAST_TREE_M) * tree.height_share);
            if transform.scale != scale {
                transform.scale = scale;
            }
        }
        let is_felled = pose
            .living_trees
            .is_some_and(|living| tree.number >= living);
        let wanted = if is_felled {
            Visibility::Hidden
        } else {
            Visibility::Inherited
        };
        visibility.set_if_neq(wanted);
    }
}

fn show_lines(poses: Res<'_, Poses>, mut lines: Query<'_, '_, (&NetworkLine, &mut Visibility)>) {
    if !poses.is_changed() {
        return;
    }
    for (line, mut visibility) in &mut lines {
        let is_shown = poses.networks.contains(&line.0);
        let wanted = if is_shown {
            Visibility::Inherited
        } else {
            Visibility::Hidden
        };
        visibility.set_if_neq(wanted);
    }
}
