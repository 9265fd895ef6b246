//! The merged park as entities. Knows meshes, no material: the renderer adds one to every [`Drawn`]. Nothing here moves: how
//! parts stand is worked out by the renderer from the [`Poses`], so that values never touch an entity.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bevy::asset::RenderAssetUsages;
use bevy::camera::primitives::Aabb;
use bevy::mesh::{
    Indices, MeshVertexAttribute, PrimitiveTopology, VertexAttributeValues, VertexFormat,
};
use bevy::prelude::*;
use terrarium_model::ConnectionKind;
use terrarium_view_model::{AssetIndex, ParkView};

use crate::chunks::{Chunk, Drawn, chunks, glow, ground, lines};
use crate::layout::{Anchor, Layer, Layout, Piece, Role, Stirs, Tags};
use crate::merge::Merged;
use crate::models::Motion;
use crate::pick::pick;
use crate::poses::{Poses, StillMotion};

/// [`Merged::normals`].
pub const NORMAL: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Normal", 0x7061_726b_0001, VertexFormat::Snorm8x4);
/// [`Merged::colors`].
pub const COLOR: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Color", 0x7061_726b_0002, VertexFormat::Unorm8x4);
/// [`Merged::tags`].
pub const TAG: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Tag", 0x7061_726b_0003, VertexFormat::Uint32);
/// [`Merged::along`].
pub const ALONG: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Along", 0x7061_726b_0004, VertexFormat::Float32x2);
/// [`crate::Motions::pivots`].
pub const PIVOT: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Pivot", 0x7061_726b_0005, VertexFormat::Float32x3);
/// [`crate::Motions::axes`].
pub const AXIS: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Axis", 0x7061_726b_0006, VertexFormat::Snorm8x4);
/// [`crate::Motions::follows`].
pub const FOLLOWS: MeshVertexAttribute =
    MeshVertexAttribute::new("Park_Follows", 0x7061_726b_0007, VertexFormat::Uint32);

/// Corners of all levels of detail that are kept at most: beyond it, those that are not shown go.
const MOST_VERTICES: usize = 4_000_000;

/// The lines of a network.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLines(pub ConnectionKind);

/// Everything of the park that is on the stage.
#[derive(Component)]
struct OnStage;

/// The park on the stage; absent: none.
#[derive(Resource, Debug, Clone)]
pub struct Stage {
    layout: Arc<Layout>,
}

impl Stage {
    pub fn tags(&self) -> Tags {
        self.layout.tags
    }

    /// By asset index.
    pub fn anchors(&self) -> &[Anchor] {
        &self.layout.anchors
    }

    /// By asset index: the mean height that a group's trees are built with; 0 for all else.
    pub fn built_trees_m(&self) -> &[f32] {
        &self.layout.built_trees_m
    }

    /// Whether an asset is one that cars come to.
    pub fn chargers(&self) -> &[bool] {
        &self.layout.chargers
    }

    /// Parts of the park, each of which one might draw by itself.
    pub fn pieces(&self) -> usize {
        self.layout.pieces.len()
    }

    /// Assets of which a part turns now.
    pub fn turning(&self, poses: &Poses) -> usize {
        let turns = |piece: &&Piece| matches!(piece.role, Role::Moves(Motion::Spin(_)));
        let tags: BTreeSet<u32> = self
            .layout
            .pieces
            .iter()
            .filter(turns)
            .map(|piece| piece.tag.0)
            .collect();
        (0..)
            .map(AssetIndex)
            .zip(&poses.assets)
            .filter(|(asset, pose)| {
                pose.spin_rad_per_s != 0.0 && tags.contains(&self.tags().asset(*asset).0)
            })
            .count()
    }

    /// The asset that a ray meets first, as the parts stand now.
    pub fn pick(&self, poses: &Poses, ray: Ray3d) -> Option<AssetIndex> {
        pick(&self.layout, poses, ray)
    }
}

/// The squares of the park and what is built of them.
#[derive(Resource, Default)]
pub struct Squares {
    chunks: Vec<Chunk>,
    /// By chunk: the level that is shown.
    shown: Vec<Option<usize>>,
    built: BTreeMap<(usize, usize), Built>,
}

#[derive(Default)]
struct Built {
    entities: Vec<Entity>,
    vertices: usize,
    triangles: usize,
}

impl Squares {
    /// Triangles and corners of the squares at the levels that are shown, in sight or not, and their meshes.
    pub fn shown(&self) -> (usize, usize, usize) {
        let keys = (0..).zip(&self.shown);
        let levels = keys.filter_map(|(chunk, level)| self.built.get(&(chunk, (*level)?)));
        levels.fold((0, 0, 0), |(triangles, vertices, meshes), built| {
            (
                triangles + built.triangles,
                vertices + built.vertices,
                meshes + built.entities.len(),
            )
        })
    }
}

/// Runs in [`PostUpdate`], after whatever moves the camera and before transforms are propagated.
#[derive(SystemSet, Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChooseDetail;

/// Keeps the squares at the level of detail that the camera asks for.
pub struct StagePlugin;

impl Plugin for StagePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Poses>()
            .init_resource::<StillMotion>()
            .init_resource::<Squares>()
            .add_systems(
                PostUpdate,
                (choose_detail, show_lines)
                    .in_set(ChooseDetail)
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
    let still = |layer| Drawn {
        layer,
        stirs: Stirs::Never,
    };
    let flow = still(Layer::Flow);
    spawn(world, still(Layer::Ground), ground(&layout));
    spawn(world, still(Layer::Glow), glow(&layout));
    spawn(world, flow, lines(&layout, |role| role == Role::Cable));
    for network in [
        ConnectionKind::Electric,
        ConnectionKind::Water,
        ConnectionKind::Waste,
        ConnectionKind::Heat,
        ConnectionKind::Cold,
    ] {
        let of_network = |role| matches!(role, Role::Line { kind, .. } if kind == network);
        if let Some(entity) = spawn(world, flow, lines(&layout, of_network)) {
            let hidden = (NetworkLines(network), Visibility::Hidden);
            world.entity_mut(entity).insert(hidden);
        }
    }
    let chunks = chunks(&layout);
    world.insert_resource(Squares {
        shown: vec![None; chunks.len()],
        chunks,
        built: BTreeMap::new(),
    });
    world.insert_resource(Poses::default());
    world.insert_resource(Stage {
        layout: Arc::new(layout),
    });
}

fn spawn(world: &mut World, drawn: Drawn, merged: Merged) -> Option<Entity> {
    if merged.is_empty() {
        return None;
    }
    let bounds = Aabb::from_min_max(merged.least, merged.most);
    let mesh = world.resource_mut::<Assets<Mesh>>().add(mesh_of(merged));
    let entity = world.spawn((OnStage, drawn, Mesh3d(mesh), Transform::IDENTITY, bounds));
    Some(entity.id())
}

fn mesh_of(merged: Merged) -> Mesh {
    let mut mesh = Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::RENDER_WORLD,
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, merged.positions)
    .with_inserted_attribute(TAG, merged.tags)
    .with_inserted_indices(Indices::U32(merged.indices));
    if !merged.normals.is_empty() {
        mesh.insert_attribute(NORMAL, VertexAttributeValues::Snorm8x4(merged.normals));
        mesh.insert_attribute(COLOR, VertexAttributeValues::Unorm8x4(merged.colors));
    }
    if !merged.along.is_empty() {
        mesh.insert_attribute(ALONG, merged.along);
    }
    let motions = merged.motions;
    if !motions.pivots.is_empty() {
        mesh.insert_attribute(PIVOT, motions.pivots);
        mesh.insert_attribute(AXIS, VertexAttributeValues::Snorm8x4(motions.axes));
        mesh.insert_attribute(FOLLOWS, motions.follows);
    }
    mesh
}

/// Builds what is wanted and was not built yet, shows it, and hides the rest.
fn choose_detail(world: &mut World) {
    let mut cameras = world.query::<(&Camera, &Projection, &Transform)>();
    let Some((eye, px_at_1_m)) = cameras.iter(world).find_map(|(camera, projection, place)| {
        let Projection::Perspective(lens) = projection else {
            return None;
        };
        let height_px = camera.physical_target_size()?.y as f32;
        let px_at_1_m = height_px / (2.0 * (lens.fov / 2.0).tan());
        Some((place.translation, px_at_1_m))
    }) else {
        return;
    };
    let squares = world.resource::<Squares>();
    let wanted: Vec<(usize, usize)> = squares
        .chunks
        .iter()
        .enumerate()
        .map(|(number, chunk)| (number, chunk.level(eye, px_at_1_m)))
        .filter(|(number, level)| squares.shown[*number] != Some(*level))
        .collect();
    if wanted.is_empty() {
        return;
    }
    world.resource_scope(|world, mut squares: Mut<'_, Squares>| {
        let layout = Arc::clone(&world.resource::<Stage>().layout);
        for (number, level) in wanted {
            if let Some(former) = squares.shown[number].replace(level) {
                squares.set_visibility(world, (number, former), Visibility::Hidden);
            }
            if !squares.built.contains_key(&(number, level)) {
                let built = build(world, &layout, &squares.chunks[number], level);
                squares.built.insert((number, level), built);
            }
            squares.set_visibility(world, (number, level), Visibility::Inherited);
        }
        squares.let_go(world);
    });
}

fn build(world: &mut World, layout: &Layout, chunk: &Chunk, level: usize) -> Built {
    let mut built = Built::default();
    for (drawn, merged) in chunk.merged(layout, level) {
        built.vertices += merged.positions.len();
        built.triangles += merged.triangles();
        built.entities.extend(spawn(world, drawn, merged));
    }
    built
}

impl Squares {
    fn set_visibility(&self, world: &mut World, key: (usize, usize), visibility: Visibility) {
        let entities = self.built.get(&key).map(|built| &built.entities);
        for entity in entities.into_iter().flatten() {
            if let Some(mut known) = world.get_mut::<Visibility>(*entity) {
                known.set_if_neq(visibility);
            }
        }
    }

    /// Gives up what is not shown where there is too much of it.
    fn let_go(&mut self, world: &mut World) {
        let vertices: usize = self.built.values().map(|built| built.vertices).sum();
        if vertices <= MOST_VERTICES {
            return;
        }
        let shown = &self.shown;
        self.built.retain(|(chunk, level), built| {
            let is_shown = shown[*chunk] == Some(*level);
            if !is_shown {
                built.entities.drain(..).for_each(|entity| {
                    world.despawn(entity);
                });
            }
            is_shown
        });
    }
}

fn show_lines(poses: Res<'_, Poses>, mut lines: Query<'_, '_, (&NetworkLines, &mut Visibility)>) {
    if !poses.is_changed() {
        return;
    }
    for (line, mut visibility) in &mut lines {
        let wanted = if poses.networks.contains(&line.0) {
            Visibility::Inherited
        } else {
            Visibility::Hidden
        };
        visibility.set_if_neq(wanted);
    }
}
