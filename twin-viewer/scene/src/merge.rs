//! Pieces merged into few large meshes: every vertex stands in the world, knows whose look it takes, and how it moves with
//! that tag's values. Without a graphics card vertices and draws are what a frame costs. Pure.

use std::collections::HashMap;

use bevy::math::Vec3;

use crate::coarse::can_be_seen;
use crate::layout::{Layer, Layout, Piece, Role, Stirs};
use crate::models::Motion;

/// Trees may grow to this many times the height that they are built with without being culled too early.
const MOST_GROWTH: f32 = 4.0;
/// Light never falls flatter than with this tangent (`terrarium_render::Light`), so shadows reach this far per metre.
const SHADOW_REACH: f32 = 6.3;

/// How a vertex moves with the values of its tag. The shader's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Follows {
    /// Grows out of its pivot, and is there only while its number is below what lives.
    Growth = 0,
    /// Is drawn in towards its pivot along its axis, as far as its tag is not full.
    Fill = 1,
    /// Turns about its pivot.
    Turn = 2,
}

/// Bits of [`Motions::follows`] that hold the number of a tree; the ones below hold [`Follows`].
pub const NUMBER_SHIFT: u32 = 2;

/// Pivot, axis and kind of motion of every vertex.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Motions {
    pub pivots: Vec<[f32; 3]>,
    /// Unit vectors, 127 is 1.
    pub axes: Vec<[i8; 4]>,
    pub follows: Vec<u32>,
}

/// One mesh.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Merged {
    pub positions: Vec<[f32; 3]>,
    /// Unit vectors, 127 is 1. Empty for shadows and light.
    pub normals: Vec<[i8; 4]>,
    /// Square roots of linear light, 255 is 1; then what does not glow. Empty for shadows.
    pub colors: Vec<[u8; 4]>,
    pub tags: Vec<u32>,
    /// Along a ribbon in metres, and across it; empty for all else.
    pub along: Vec<[f32; 2]>,
    /// Empty where nothing moves.
    pub motions: Motions,
    pub indices: Vec<u32>,
    /// The box that it may fill, whatever the values; shadows included.
    pub least: Vec3,
    pub most: Vec3,
}

impl Merged {
    /// Merges pieces of one layer that stir as often as each other, at a level of detail.
    pub fn of<'a>(
        layout: &Layout,
        layer: Layer,
        pieces: impl IntoIterator<Item = &'a Piece>,
        level: usize,
    ) -> Merged {
        let mut merged = Merged {
            least: Vec3::MAX,
            most: Vec3::MIN,
            ..Merged::default()
        };
        let mut welded = HashMap::new();
        for piece in pieces {
            merged.add(layout, layer, piece, level, &mut welded);
        }
        merged
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    pub fn triangles(&self) -> usize {
        self.indices.len() / 3
    }

    fn add(
        &mut self,
        layout: &Layout,
        layer: Layer,
        piece: &Piece,
        level: usize,
        welded: &mut HashMap<[u32; 3], u32>,
    ) {
        let shape = layout.shape(piece.shape, level);
        let place = piece.place;
        let turns = matches!(piece.role, Role::Moves(Motion::Spin(_)));
        let has_surface = layer != Layer::Shadow;
        // Only what moves or has a look of its own needs its tag.
        let motion = (piece.role.stirs() != Stirs::Never).then(|| motion_of(piece));
        let mut new_index = vec![u32::MAX; shape.positions.len()];
        welded.clear();
        for corners in shape.indices.chunks_exact(3) {
            let normal = place.turn * shape.normals[corners[0] as usize];
            if !turns && !can_be_seen(normal) {
                continue;
            }
            for corner in corners {
                let old = *corner as usize;
                if new_index[old] == u32::MAX {
                    let at = place.at + place.turn * (shape.positions[old] * place.scale);
                    let next = self.positions.len() as u32;
                    // A shadow has no faces of its own, so corners in one place are one.
                    let key = at.to_array().map(f32::to_bits);
                    let index = if has_surface {
                        next
                    } else {
                        *welded.entry(key).or_insert(next)
                    };
                    new_index[old] = index;
                    if index == next {
                        self.vertex(at, piece, motion);
                        if has_surface {
                            let normal = place.turn * shape.normals[old];
                            self.normals.push(packed_normal(normal));
                            self.colors.push(packed_color(shape.colors[old]));
                        }
                        if layer == Layer::Flow {
                            let along = shape.along.get(old).copied().unwrap_or_default();
                            self.along.push(along.to_array());
                        }
                    }
                }
                self.indices.push(new_index[old]);
            }
        }
        self.extend_bounds(layout, layer, piece);
    }

    fn vertex(&mut self, at: Vec3, piece: &Piece, motion: Option<(Vec3, u32)>) {
        self.positions.push(at.to_array());
        self.tags.push(piece.tag.0);
        if let Some((axis, follows)) = motion {
            self.motions.pivots.push(piece.place.at.to_array());
            self.motions.axes.push(packed_normal(axis));
            self.motions.follows.push(follows);
        }
    }

    /// By the full shape, whatever the level, and however it moves.
    fn extend_bounds(&mut self, layout: &Layout, layer: Layer, piece: &Piece) {
        let (least, most) = layout.shapes[piece.shape].bounds();
        let reach = least.abs().max(most.abs()).length() * piece.place.scale;
        let growth = match piece.role {
            Role::Tree { .. } => MOST_GROWTH,
            _ => 1.0,
        };
        let reach = Vec3::splat(reach * growth);
        let at = piece.place.at;
        // What is long and still is bounded by its own corners, as the ground would else fill the world.
        let (mut low, mut high) = if piece.role.stirs() != Stirs::Never {
            (at - reach, at + reach)
        } else {
            let corners = |x: f32, y: f32, z: f32| {
                at + piece.place.turn * (Vec3::new(x, y, z) * piece.place.scale)
            };
            let mut low = Vec3::MAX;
            let mut high = Vec3::MIN;
            for x in [least.x, most.x] {
                for y in [least.y, most.y] {
                    for z in [least.z, most.z] {
                        low = low.min(corners(x, y, z));
                        high = high.max(corners(x, y, z));
                    }
                }
            }
            (low, high)
        };
        if layer == Layer::Shadow {
            let thrown = Vec3::new(1.0, 0.0, 1.0) * (high.y.max(0.0) * SHADOW_REACH);
            low = (low - thrown).with_y(low.y.min(0.0));
            high += thrown;
        }
        self.least = self.least.min(low);
        self.most = self.most.max(high);
    }
}

/// Axis in the world, and [`Motions::follows`].
fn motion_of(piece: &Piece) -> (Vec3, u32) {
    let numbered = |number: u32| Follows::Growth as u32 | number << NUMBER_SHIFT;
    match piece.role {
        Role::Moves(Motion::Spin(axis)) => (piece.place.turn * axis, Follows::Turn as u32),
        Role::Moves(Motion::Gauge(axis)) => (piece.place.turn * axis, Follows::Fill as u32),
        Role::Tree { number, .. } => (Vec3::Y, numbered(number)),
        Role::Moves(Motion::Car) | Role::Cable | Role::Still | Role::Line { .. } => {
            (Vec3::Y, numbered(0))
        }
    }
}

fn packed_normal(normal: Vec3) -> [i8; 4] {
    let [x, y, z] = normal
        .to_array()
        .map(|part| (part * 127.0).round().clamp(-127.0, 127.0) as i8);
    [x, y, z, 0]
}

fn packed_color([red, green, blue, matt]: [f32; 4]) -> [u8; 4] {
    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    [
        byte(red.max(0.0).sqrt()),
        byte(green.max(0.0).sqrt()),
        byte(blue.max(0.0).sqrt()),
        byte(matt),
    ]
}
