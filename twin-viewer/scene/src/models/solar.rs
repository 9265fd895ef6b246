use bevy::math::{Affine3A, Quat, Vec3};

use super::Model;
use crate::paint::{CELL, CELL_FRAME, COLLECTOR, DARK_STEEL, STEEL};
use crate::shape::Shape;

const SLAB_M: f32 = 0.08;
/// A field deeper than this is built of rows, as on flat roofs.
const DEEPEST_TABLE_M: f32 = 6.0;
const ROW_PITCH_M: f32 = 3.4;
const ROW_DEPTH_M: f32 = 2.4;

/// What the panels stand on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Posts from the ground that hold the table at this height.
    Posts { height: f32 },
    /// Short feet on a roof, or on the ground.
    Roof,
}

/// A field of panels that faces south; turn the model for any other azimuth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PanelField {
    /// Across the slope.
    pub width: f32,
    /// Along the slope, as seen from above.
    pub depth: f32,
    pub tilt_deg: f32,
    pub standing: Standing,
}

/// Tables of photovoltaic modules. The origin is the foot of the posts, or the roof.
pub fn panels(field: &PanelField) -> Model {
    let mut body = Shape::new();
    let mut hull = Shape::new();
    let tilt = field.tilt_deg.clamp(0.0, 80.0).to_radians();
    for (middle, depth) in rows(field.depth) {
        let slope = depth / tilt.cos().max(0.3);
        let rise = slope * tilt.sin() / 2.0;
        let lowest = match field.standing {
            Standing::Posts { height } => height,
            Standing::Roof => 0.15,
        };
        let centre = Vec3::new(0.0, lowest + rise, middle);
        let tilted = Affine3A::from_rotation_translation(Quat::from_rotation_x(tilt), centre);
        let slope = slope * 0.98;
        body.append(&table(field.width, slope, 1.9).placed(tilted));
        let mut slab = Shape::new();
        slab.block(Vec3::ZERO, Vec3::new(field.width, SLAB_M, slope), CELL);
        hull.append(&slab.placed(tilted));
        if let Standing::Posts { .. } = field.standing {
            posts(&mut body, field.width, middle, depth, centre.y, tilt);
        }
    }
    Model {
        body,
        hull,
        ..Model::default()
    }
}

/// Evacuated tubes with their header, tilted south, on a roof.
pub fn collector(width: f32, depth: f32, tilt_deg: f32) -> Model {
    let tilt = tilt_deg.clamp(0.0, 80.0).to_radians();
    let slope = depth * 0.86;
    let rise = slope * tilt.sin() / 2.0;
    let mut flat = Shape::new();
    flat.block(
        Vec3::ZERO,
        Vec3::new(width * 0.96, SLAB_M, slope),
        COLLECTOR,
    );
    let tubes = (width / 0.5).round().clamp(3.0, 16.0) as usize;
    for tube in 0..tubes {
        let x = width * 0.96 * ((tube as f32 + 0.5) / tubes as f32 - 0.5);
        flat.block(
            Vec3::new(x, SLAB_M, 0.0),
            Vec3::new(0.12, 0.06, slope * 0.94),
            CELL_FRAME,
        );
    }
    flat.block(
        Vec3::new(0.0, SLAB_M, -slope / 2.0 + 0.12),
        Vec3::new(width * 0.96, 0.2, 0.2),
        STEEL,
    );
    let tilted =
        Affine3A::from_rotation_translation(Quat::from_rotation_x(tilt), Vec3::Y * (rise + 0.15));
    Model::solid(flat.placed(tilted))
}

/// Middles (towards the south) and depths of the rows of a field.
fn rows(depth: f32) -> Vec<(f32, f32)> {
    if depth <= DEEPEST_TABLE_M {
        return vec![(0.0, depth)];
    }
    let count = (depth / ROW_PITCH_M).floor().clamp(2.0, 40.0) as usize;
    let pitch = depth / count as f32;
    (0..count)
        .map(|row| {
            (
                -depth / 2.0 + pitch * (row as f32 + 0.5),
                ROW_DEPTH_M.min(pitch * 0.75),
            )
        })
        .collect()
}

/// A frame with fields of cells on it, flat on the ground.
fn table(width: f32, slope: f32, field_m: f32) -> Shape {
    let mut shape = Shape::new();
    shape.block(Vec3::ZERO, Vec3::new(width, SLAB_M, slope), CELL_FRAME);
    let columns = (width / field_m)
        .round()
        .clamp(1.0, if width > 30.0 { 3.0 } else { 8.0 }) as usize;
    let lines = if slope > 3.0 { 2 } else { 1 };
    let gap = 0.07;
    let (column_m, line_m) = (width / columns as f32, slope / lines as f32);
    for column in 0..columns {
        for line in 0..lines {
            let x = -width / 2.0 + column_m * (column as f32 + 0.5);
            let z = -slope / 2.0 + line_m * (line as f32 + 0.5);
            let size = Vec3::new(column_m - gap, 0.02, line_m - gap);
            shape.block(Vec3::new(x, SLAB_M, z), size, CELL);
        }
    }
    shape
}

fn posts(body: &mut Shape, width: f32, middle: f32, depth: f32, height: f32, tilt: f32) {
    let pairs = (width / 5.0).round().clamp(1.0, 11.0) as usize + 1;
    let z_off = depth * 0.28;
    for post in 0..pairs {
        let share = post as f32 / (pairs - 1).max(1) as f32;
        let x = (share - 0.5) * width * 0.88;
        for side in [-1.0, 1.0] {
            let top = height - side * z_off * tilt.tan();
            let foot = Vec3::new(x, 0.0, middle + side * z_off);
            body.block(foot, Vec3::new(0.14, top, 0.14), DARK_STEEL);
        }
    }
    let beam = Vec3::new(width * 0.9, 0.12, 0.12);
    body.block(Vec3::new(0.0, height - 0.16, middle), beam, STEEL);
}
