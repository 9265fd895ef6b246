use bevy::math::Vec3;

use super::Model;
use crate::paint::{CABINET, DARK_STEEL, LAMP, PLINTH, SCREEN, STEEL};
use crate::shape::Shape;

pub const LAMP_HEIGHT_M: f32 = 4.2;

/// A lamp post.
pub fn lamp() -> Model {
    let mut body = Shape::new();
    body.lathe(Vec3::ZERO, Vec3::Y, &[(0.16, 0.0), (0.09, 0.25)], 6, PLINTH);
    body.bar(
        Vec3::Y * 0.25,
        Vec3::Y * (LAMP_HEIGHT_M - 0.2),
        0.06,
        6,
        DARK_STEEL,
    );
    let head = [(0.2, 0.0), (0.34, 0.1)];
    body.lathe(Vec3::Y * (LAMP_HEIGHT_M - 0.26), Vec3::Y, &head, 8, LAMP);
    let cover = [(0.36, 0.0), (0.0, 0.14)];
    body.lathe(Vec3::Y * (LAMP_HEIGHT_M - 0.15), Vec3::Y, &cover, 8, STEEL);
    let mut hull = Shape::new();
    hull.block(Vec3::ZERO, Vec3::new(0.12, LAMP_HEIGHT_M, 0.12), STEEL);
    Model {
        body,
        hull,
        ..Model::default()
    }
}

/// A large screen on two posts that looks south.
pub fn display(size: Vec3) -> Model {
    let mut body = Shape::new();
    let low = size.y * 0.26;
    for side in [-0.34, 0.34] {
        let foot = Vec3::new(side * size.x, 0.0, 0.0);
        body.block(
            foot,
            Vec3::new(size.x * 0.05, size.y * 0.3, size.z * 0.5),
            DARK_STEEL,
        );
    }
    body.block(
        Vec3::ZERO,
        Vec3::new(size.x * 0.8, size.y * 0.03, size.z),
        PLINTH,
    );
    body.block(
        Vec3::Y * low,
        Vec3::new(size.x, size.y - low, size.z * 0.6),
        DARK_STEEL,
    );
    body.block(
        Vec3::new(0.0, low + size.y * 0.04, size.z * 0.3),
        Vec3::new(size.x * 0.95, size.y * 0.66, size.z * 0.06),
        SCREEN,
    );
    Model::solid(body)
}

/// A mast with a box, cups and a vane.
pub fn weather_station(size: Vec3) -> Model {
    let mut body = Shape::new();
    let height = size.y;
    let reach = size.x.min(size.z) * 0.45;
    body.block(
        Vec3::ZERO,
        Vec3::new(size.x * 0.6, height * 0.03, size.z * 0.6),
        PLINTH,
    );
    body.bar(
        Vec3::Y * height * 0.03,
        Vec3::Y * height * 0.93,
        reach * 0.08,
        6,
        STEEL,
    );
    body.block(
        Vec3::Y * height * 0.45,
        Vec3::new(size.x * 0.3, height * 0.16, size.z * 0.3),
        CABINET,
    );
    body.bar(
        Vec3::new(-reach, height * 0.9, 0.0),
        Vec3::new(reach, height * 0.9, 0.0),
        reach * 0.05,
        6,
        STEEL,
    );
    for side in [-1.0, 1.0] {
        let foot = Vec3::new(side * reach * 0.85, height * 0.91, 0.0);
        body.lathe(
            foot,
            Vec3::Y,
            &[(reach * 0.12, 0.0), (reach * 0.16, height * 0.06)],
            8,
            DARK_STEEL,
        );
    }
    Model::solid(body)
}

/// Two posts that count who passes between them.
pub fn counter(size: Vec3) -> Model {
    let mut body = Shape::new();
    for side in [-1.0, 1.0] {
        let foot = Vec3::new(side * size.x * 0.44, 0.0, 0.0);
        body.block(
            foot,
            Vec3::new(size.x * 0.12, size.y, size.z * 0.8),
            CABINET,
        );
        body.block(
            foot + Vec3::Y * size.y * 0.7,
            Vec3::new(size.x * 0.06, size.y * 0.1, size.z * 0.9),
            DARK_STEEL,
        );
    }
    let hull = body.clone();
    Model {
        body,
        hull,
        ..Model::default()
    }
}
