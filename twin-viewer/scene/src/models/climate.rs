use bevy::math::{Affine3A, Quat, Vec3};

use super::{Model, Motion, MovingPart};
use crate::paint::{CABINET, DARK_STEEL, GAUGE_BACK, PLINTH, STEEL, VENT, WALL};
use crate::shape::Shape;

/// An air-source heat pump: fans in front.
pub fn heat_pump(size: Vec3) -> Model {
    let mut body = Shape::new();
    let base = size.y * 0.07;
    let walls = Vec3::new(size.x * 0.98, size.y - base, size.z * 0.86);
    body.block(Vec3::ZERO, Vec3::new(size.x, base, size.z * 0.9), PLINTH);
    body.block(Vec3::Y * base, walls, CABINET);
    body.block(
        Vec3::new(0.0, base + walls.y * 0.12, -walls.z / 2.0),
        Vec3::new(walls.x * 0.9, walls.y * 0.7, 0.04),
        VENT,
    );
    let fans = (walls.x / walls.y).round().clamp(1.0, 4.0) as usize;
    let pitch = walls.x / fans as f32;
    let radius = (pitch * 0.4).min(walls.y * 0.36);
    let mut moving = Vec::new();
    for fan in 0..fans {
        let x = -walls.x / 2.0 + pitch * (fan as f32 + 0.5);
        let centre = Vec3::new(x, base + walls.y * 0.52, walls.z / 2.0);
        body.lathe(
            centre,
            Vec3::Z,
            &[(radius * 1.06, 0.0), (radius * 1.06, size.z * 0.02)],
            16,
            GAUGE_BACK,
        );
        moving.push(fan_part(
            radius,
            centre + Vec3::Z * size.z * 0.024,
            Quat::IDENTITY,
        ));
    }
    Model {
        moving,
        ..Model::solid(body.grounded(size.y, 0.88))
    }
}

/// An air-cooled chiller: condenser fans on the roof, coils below them, pipes at one end.
pub fn chiller(size: Vec3) -> Model {
    let mut body = Shape::new();
    let base = size.y * 0.06;
    let coils = size.y * 0.5;
    let deck = size.y * 0.9;
    body.block(Vec3::ZERO, Vec3::new(size.x, base, size.z), PLINTH);
    body.block(
        Vec3::Y * base,
        Vec3::new(size.x * 0.84, coils - base, size.z * 0.8),
        CABINET,
    );
    body.block(
        Vec3::Y * coils,
        Vec3::new(size.x * 0.9, deck - coils, size.z * 0.92),
        VENT,
    );
    body.block(
        Vec3::Y * deck,
        Vec3::new(size.x * 0.92, size.y * 0.04, size.z * 0.95),
        WALL,
    );
    for side in [-0.22, 0.22] {
        let from = Vec3::new(size.x * 0.4, size.y * 0.25, side * size.z);
        body.bar(
            from,
            from + Vec3::X * size.x * 0.09,
            size.y * 0.06,
            10,
            STEEL,
        );
    }
    let columns = (size.x / 2.2).round().clamp(1.0, 4.0) as usize;
    let lines = if size.z > 3.0 { 2 } else { 1 };
    let (pitch_x, pitch_z) = (size.x * 0.9 / columns as f32, size.z * 0.9 / lines as f32);
    let radius = pitch_x.min(pitch_z) * 0.4;
    let mut moving = Vec::new();
    for column in 0..columns {
        for line in 0..lines {
            let x = -size.x * 0.45 + pitch_x * (column as f32 + 0.5);
            let z = -size.z * 0.45 + pitch_z * (line as f32 + 0.5);
            let centre = Vec3::new(x, deck + size.y * 0.04, z);
            body.lathe(
                centre,
                Vec3::Y,
                &[(radius * 1.08, 0.0), (radius * 1.08, size.y * 0.03)],
                14,
                GAUGE_BACK,
            );
            let up = Quat::from_rotation_x(-std::f32::consts::FRAC_PI_2);
            moving.push(fan_part(radius, centre + Vec3::Y * size.y * 0.034, up));
        }
    }
    Model {
        moving,
        ..Model::solid(body.grounded(size.y, 0.86))
    }
}

/// Four blades that turn about z.
fn fan_part(radius: f32, at: Vec3, turn: Quat) -> MovingPart {
    let mut fan = Shape::new();
    for blade in 0..4 {
        let mut shape = Shape::new();
        shape.cuboid(
            Vec3::new(0.1 * radius, -0.16 * radius, 0.0),
            Vec3::new(0.94 * radius, 0.16 * radius, 0.04 * radius),
            STEEL,
        );
        let quarter = Quat::from_rotation_z(blade as f32 * std::f32::consts::FRAC_PI_2);
        fan.append(&shape.placed(Affine3A::from_quat(quarter)));
    }
    fan.lathe(
        Vec3::ZERO,
        Vec3::Z,
        &[(0.16 * radius, 0.0), (0.16 * radius, 0.06 * radius)],
        8,
        DARK_STEEL,
    );
    MovingPart {
        motion: Motion::Spin(Vec3::Z),
        shape: fan,
        at,
        turn,
        throws_shadow: false,
    }
}
