use bevy::math::{Vec2, Vec3};

use super::Model;
use crate::paint::{CABINET, CELL, CONCRETE, DARK_STEEL, GAUGE, GAUGE_BACK, HEAP, VENT};
use crate::shape::Shape;

/// A smart bin: a body with a slot, a panel on its lid, and how full it is on a gauge in front.
pub fn bin(size: Vec3) -> Model {
    let mut body = Shape::new();
    let lid = size.y * 0.84;
    let half = Vec2::new(size.x * 0.46, size.z * 0.44);
    body.block(
        Vec3::ZERO,
        Vec3::new(size.x * 0.9, size.y * 0.05, size.z * 0.86),
        DARK_STEEL,
    );
    body.frustum(Vec2::ZERO, size.y * 0.05, lid, half * 0.94, half, CABINET);
    body.frustum(
        Vec2::ZERO,
        lid,
        size.y * 0.95,
        half * 1.06,
        half * 0.8,
        VENT,
    );
    body.block(
        Vec3::Y * size.y * 0.95,
        Vec3::new(size.x * 0.6, size.y * 0.03, size.z * 0.5),
        CELL,
    );
    let front = half.y;
    body.block(
        Vec3::new(0.0, size.y * 0.7, front),
        Vec3::new(size.x * 0.6, size.y * 0.08, 0.03),
        DARK_STEEL,
    );
    let (low, high) = (size.y * 0.12, size.y * 0.64);
    body.block(
        Vec3::new(0.0, low, front - 0.01),
        Vec3::new(size.x * 0.42, high - low, 0.05),
        GAUGE_BACK,
    );
    let mut bar = Shape::new();
    bar.block(
        Vec3::ZERO,
        Vec3::new(size.x * 0.34, high - low - 0.04, 0.06),
        GAUGE,
    );
    Model::solid(body.grounded(size.y, 0.88)).with_gauge(
        Vec3::Y,
        bar,
        Vec3::new(0.0, low + 0.02, front),
    )
}

/// Three walls of concrete, open to the south, and the heap in them.
pub fn compost_bay(size: Vec3) -> Model {
    let mut body = Shape::new();
    let wall = (size.x * 0.05).min(0.3);
    let (x, z) = (size.x / 2.0, size.z / 2.0);
    body.block(Vec3::ZERO, Vec3::new(size.x, 0.1, size.z), CONCRETE);
    body.block(
        Vec3::new(0.0, 0.1, -z + wall / 2.0),
        Vec3::new(size.x, size.y - 0.1, wall),
        CONCRETE,
    );
    for side in [-1.0, 1.0] {
        body.block(
            Vec3::new(side * (x - wall / 2.0), 0.1, wall / 2.0),
            Vec3::new(wall, size.y - 0.1, size.z - wall),
            CONCRETE,
        );
    }
    let mut heap = Shape::new();
    let room = Vec2::new(x - wall * 1.3, z - wall * 1.3);
    let slice = |share: f32, height: f32| {
        let sides = 12;
        (0..sides)
            .map(|side| {
                let angle = side as f32 / sides as f32 * std::f32::consts::TAU;
                // A superellipse fills the bay better than an ellipse.
                let round = |value: f32| value.signum() * value.abs().powf(0.6);
                Vec3::new(
                    room.x * share * round(angle.cos()),
                    height,
                    -room.y * share * round(angle.sin()),
                )
            })
            .collect::<Vec<Vec3>>()
    };
    let high = size.y * 0.95;
    heap.skin(
        &[
            slice(1.0, 0.0),
            slice(0.86, high * 0.45),
            slice(0.55, high * 0.85),
            slice(0.15, high),
        ],
        HEAP,
    );
    let body = body.grounded(size.y, 0.86);
    Model {
        hull: body.clone(),
        body,
        ..Model::default()
    }
    .with_gauge(Vec3::Y, heap, Vec3::new(0.0, 0.1, wall * 0.4))
}
