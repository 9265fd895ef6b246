use bevy::math::Vec3;

use super::Model;
use crate::paint::{CABINET, CONCRETE, DARK_STEEL, GAUGE, GAUGE_BACK, STEEL, VENT};
use crate::shape::Shape;

/// A tank above ground with its level on a gauge in front: round where it is as wide as deep, else a box.
pub fn tank(size: Vec3) -> Model {
    let mut body = Shape::new();
    let slab = size.y * 0.05;
    body.block(Vec3::ZERO, Vec3::new(size.x, slab, size.z), CONCRETE);
    let shell = size.y * 0.86;
    let is_round = (size.x / size.z - 1.0).abs() < 0.15;
    let front = if is_round {
        let radius = size.x.min(size.z) * 0.47;
        let profile = [
            (radius, slab),
            (radius, shell),
            (radius * 0.94, shell + size.y * 0.03),
            (radius * 0.2, size.y * 0.97),
            (0.0, size.y * 0.97),
        ];
        body.lathe(Vec3::ZERO, Vec3::Y, &profile, 24, CABINET);
        for ring in [0.3, 0.6] {
            let low = slab + (shell - slab) * ring;
            let profile = [(radius * 1.02, low), (radius * 1.02, low + size.y * 0.02)];
            body.lathe(Vec3::ZERO, Vec3::Y, &profile, 24, STEEL);
        }
        radius * 1.02
    } else {
        body.block(
            Vec3::Y * slab,
            Vec3::new(size.x * 0.96, size.y * 0.9 - slab, size.z * 0.9),
            CABINET,
        );
        body.block(
            Vec3::Y * size.y * 0.9,
            Vec3::new(size.x * 0.3, size.y * 0.1, size.z * 0.3),
            STEEL,
        );
        size.z * 0.45
    };
    let width = (size.x * 0.1).max(0.12);
    let (low, high) = (slab + size.y * 0.06, shell - size.y * 0.06);
    let z = front - size.z * 0.01;
    body.block(
        Vec3::new(0.0, low, z),
        Vec3::new(width * 1.5, high - low, size.z * 0.04),
        GAUGE_BACK,
    );
    let mut bar = Shape::new();
    bar.block(
        Vec3::ZERO,
        Vec3::new(width, high - low - 0.04, size.z * 0.045),
        GAUGE,
    );
    Model::solid(body.grounded(size.y, 0.86)).with_gauge(
        Vec3::Y,
        bar,
        Vec3::new(0.0, low + 0.02, z + 0.02),
    )
}

/// What one sees of a tank below ground: the kerb around it, two lids, and a post with its level.
pub fn buried_tank(size: Vec3) -> Model {
    let mut body = Shape::new();
    let (x, z) = (size.x / 2.0, size.z / 2.0);
    let kerb = 0.35;
    for side in [-1.0, 1.0] {
        body.block(
            Vec3::new(0.0, 0.0, side * (z - kerb / 2.0)),
            Vec3::new(size.x, 0.14, kerb),
            CONCRETE,
        );
        body.block(
            Vec3::new(side * (x - kerb / 2.0), 0.0, 0.0),
            Vec3::new(kerb, 0.14, size.z - 2.0 * kerb),
            CONCRETE,
        );
        let lid = Vec3::new(side * x * 0.5, 0.0, 0.0);
        body.lathe(lid, Vec3::Y, &[(0.7, 0.0), (0.7, 0.16)], 16, VENT);
    }
    // A post in the middle of the south kerb, 1.5 m, broad enough to be read from afar.
    let post = Vec3::new(0.0, 0.14, z - 0.22);
    body.block(post, Vec3::new(0.9, 1.36, 0.3), GAUGE_BACK);
    body.block(
        post + Vec3::Y * 1.36,
        Vec3::new(1.0, 0.08, 0.36),
        DARK_STEEL,
    );
    let mut bar = Shape::new();
    bar.block(Vec3::ZERO, Vec3::new(0.7, 1.28, 0.36), GAUGE);
    let mut hull = Shape::new();
    hull.block(post, Vec3::new(0.9, 1.4, 0.3), GAUGE_BACK);
    Model {
        hull,
        ..Model::solid(body)
    }
    .with_gauge(Vec3::Y, bar, post + Vec3::Y * 0.04)
}

/// Basins, taps or a drinking fountain.
pub fn fixture(size: Vec3) -> Model {
    let mut body = Shape::new();
    let radius = size.x.min(size.z) * 0.5;
    let profile = [
        (radius * 0.7, 0.0),
        (radius * 0.4, size.y * 0.12),
        (radius * 0.36, size.y * 0.7),
        (radius, size.y * 0.84),
        (radius, size.y * 0.9),
    ];
    body.lathe(Vec3::ZERO, Vec3::Y, &profile, 12, CABINET);
    body.bar(
        Vec3::new(0.0, size.y * 0.88, -radius * 0.5),
        Vec3::new(0.0, size.y * 0.97, -radius * 0.3),
        radius * 0.1,
        6,
        STEEL,
    );
    Model::solid(body)
}

/// The valve box and riser of an irrigation zone.
pub fn sprinkler() -> Model {
    let mut body = Shape::new();
    body.block(Vec3::ZERO, Vec3::new(1.1, 0.25, 0.8), VENT);
    body.bar(Vec3::Y * 0.25, Vec3::Y * 0.8, 0.06, 8, STEEL);
    body.lathe(
        Vec3::Y * 0.76,
        Vec3::Y,
        &[(0.14, 0.0), (0.05, 0.14)],
        8,
        DARK_STEEL,
    );
    Model::solid(body)
}
