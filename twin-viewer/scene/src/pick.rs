//! What a ray into the park meets first. Pure: the renderer keeps no triangles for it.

use bevy::math::{Ray3d, Vec3};
use terrarium_view_model::AssetIndex;

use crate::layout::{Layer, Layout, Piece, Place, Role};
use crate::models::Motion;
use crate::poses::Poses;

/// The asset that a ray meets first, as the parts stand now.
pub fn pick(layout: &Layout, poses: &Poses, ray: Ray3d) -> Option<AssetIndex> {
    let mut nearest: Option<(f32, AssetIndex)> = None;
    for piece in &layout.pieces {
        let (Some(asset), Layer::Clay) = (piece.asset, piece.layer) else {
            continue;
        };
        let Some(place) = standing(layout, poses, piece, asset) else {
            continue;
        };
        let shape = &layout.shapes[piece.shape];
        // Into the frame of the shape, where lengths along the ray are divided by its scale.
        let back = place.turn.inverse();
        let from = back * (ray.origin - place.at) / place.scale;
        let way = back * ray.direction.as_vec3();
        if !meets_box(from, way, shape.bounds()) {
            continue;
        }
        let corner = |index: u32| shape.positions[index as usize];
        for of in shape.indices.chunks_exact(3) {
            let triangle = [corner(of[0]), corner(of[1]), corner(of[2])];
            let Some(distance) = meets(from, way, triangle) else {
                continue;
            };
            let distance = distance * place.scale;
            if nearest.is_none_or(|(known, _)| distance < known) {
                nearest = Some((distance, asset));
            }
        }
    }
    nearest.map(|(_, asset)| asset)
}

/// Where a piece stands now; `None`: it is not there.
fn standing(layout: &Layout, poses: &Poses, piece: &Piece, asset: AssetIndex) -> Option<Place> {
    let pose = poses.of(asset);
    match piece.role {
        Role::Moves(Motion::Car) if !pose.has_car => None,
        Role::Tree { number, .. } => {
            if pose.living_trees.is_some_and(|living| number >= living) {
                return None;
            }
            let built_m = layout.built_trees_m[asset.0 as usize];
            Some(Place {
                scale: piece.place.scale * pose.growth(built_m),
                ..piece.place
            })
        }
        _ => Some(piece.place),
    }
}

/// Whether a ray meets a box (slab method; Kay and Kajiya 1986).
fn meets_box(from: Vec3, way: Vec3, (least, most): (Vec3, Vec3)) -> bool {
    let slack = Vec3::splat(1e-3);
    let one = (least - slack - from) / way;
    let other = (most + slack - from) / way;
    let enters = one.min(other).max_element();
    let leaves = one.max(other).min_element();
    leaves >= enters.max(0.0)
}

/// How far along a ray a triangle lies, whichever side it shows (Möller and Trumbore 1997).
fn meets(from: Vec3, way: Vec3, [a, b, c]: [Vec3; 3]) -> Option<f32> {
    let (ab, ac) = (b - a, c - a);
    let across = way.cross(ac);
    let determinant = ab.dot(across);
    if determinant.abs() < 1e-12 {
        return None;
    }
    let offset = from - a;
    let u = offset.dot(across) / determinant;
    let turned = offset.cross(ab);
    let v = way.dot(turned) / determinant;
    let distance = ac.dot(turned) / determinant;
    (u >= 0.0 && v >= 0.0 && u + v <= 1.0 && distance > 0.0).then_some(distance)
}
