use bevy::math::{Affine3A, Quat, Vec2, Vec3};

use super::{Model, Motion, MovingPart};
use crate::paint::{
    BLADE, CABINET, CAR, DARK_STEEL, GAUGE, GAUGE_BACK, GLASS, PLINTH, SCREEN, STEEL, TYRE, VENT,
    WALL,
};
use crate::shape::Shape;

/// A container with doors, vents and its charge on a bar along the front and the roof.
pub fn battery(size: Vec3) -> Model {
    let mut body = Shape::new();
    let foot = 0.06 * size.y;
    let walls = Vec3::new(size.x * 0.97, size.y * 0.86, size.z * 0.94);
    let roof = foot + walls.y;
    body.block(Vec3::ZERO, Vec3::new(size.x, foot, size.z * 0.98), PLINTH);
    body.block(Vec3::Y * foot, walls, CABINET);
    let doors = (size.x / 1.3).round().clamp(2.0, 10.0) as usize;
    for door in 0..doors {
        let pitch = walls.x / doors as f32;
        let x = -walls.x / 2.0 + pitch * (door as f32 + 0.5);
        for side in [-1.0, 1.0] {
            let z = side * walls.z / 2.0;
            body.block(
                Vec3::new(x, foot + 0.1 * walls.y, z),
                Vec3::new(pitch * 0.9, walls.y * 0.5, 0.03),
                WALL,
            );
            body.block(
                Vec3::new(x, foot + 0.16 * walls.y, z),
                Vec3::new(pitch * 0.6, walls.y * 0.12, 0.05),
                VENT,
            );
        }
    }
    for side in [-1.0, 1.0] {
        let unit = Vec3::new(side * walls.x * 0.36, roof, -walls.z * 0.2);
        body.block(
            unit,
            Vec3::new(walls.x * 0.16, size.y * 0.07, walls.z * 0.4),
            VENT,
        );
    }
    let long = walls.x * 0.92;
    let front = walls.z / 2.0;
    let strip_low = foot + 0.68 * walls.y;
    let strip = Vec3::new(long, walls.y * 0.2, 0.04);
    body.block(Vec3::new(0.0, strip_low, front), strip, GAUGE_BACK);
    let roof_strip = Vec3::new(long, size.y * 0.03, walls.z * 0.3);
    body.block(Vec3::new(0.0, roof, walls.z * 0.25), roof_strip, GAUGE_BACK);

    let mut bar = Shape::new();
    let inset = walls.y * 0.03;
    bar.cuboid(
        Vec3::new(inset, strip_low + inset, front - 0.01),
        Vec3::new(long - inset, strip_low + strip.y - inset, front + 0.05),
        GAUGE,
    );
    let roof_z = walls.z * 0.25;
    bar.cuboid(
        Vec3::new(inset, roof, roof_z - roof_strip.z / 2.0 + inset),
        Vec3::new(
            long - inset,
            roof + roof_strip.y + 0.04,
            roof_z + roof_strip.z / 2.0 - inset,
        ),
        GAUGE,
    );
    Model::solid(body.grounded(size.y, 0.88)).with_gauge(
        Vec3::X,
        bar,
        Vec3::new(-long / 2.0, 0.0, 0.0),
    )
}

/// A pedestal with a screen and a cable.
pub fn charger(size: Vec3) -> Model {
    let mut body = Shape::new();
    let head = size.y * 0.62;
    body.block(Vec3::ZERO, Vec3::new(size.x, size.y * 0.06, size.z), PLINTH);
    body.frustum(
        Vec2::ZERO,
        size.y * 0.06,
        head,
        Vec2::new(size.x * 0.36, size.z * 0.36),
        Vec2::new(size.x * 0.36, size.z * 0.34),
        CABINET,
    );
    body.frustum(
        Vec2::ZERO,
        head,
        size.y,
        Vec2::new(size.x * 0.42, size.z * 0.38),
        Vec2::new(size.x * 0.4, size.z * 0.28),
        WALL,
    );
    for side in [-1.0, 1.0] {
        body.block(
            Vec3::new(0.0, size.y * 0.7, side * size.z * 0.36),
            Vec3::new(size.x * 0.5, size.y * 0.16, 0.04),
            SCREEN,
        );
    }
    let hook = Vec3::new(size.x * 0.4, size.y * 0.55, 0.0);
    let sag = Vec3::new(size.x * 0.46, size.y * 0.2, 0.0);
    body.bar(hook, sag, size.x * 0.035, 6, TYRE);
    Model::solid(body)
}

/// A car of the middle class, 4.4 m long, that looks west.
pub fn car() -> Shape {
    let mut body = Shape::new();
    let ring = |x: f32, half: f32, low: f32, high: f32| {
        vec![
            Vec3::new(x, low, half),
            Vec3::new(x, low, -half),
            Vec3::new(x, high, -half * 0.96),
            Vec3::new(x, high, half * 0.96),
        ]
    };
    // From the nose in the west to the tail in the east.
    let hull = [
        (-2.2, 0.72, 0.36, 0.66),
        (-2.0, 0.86, 0.26, 0.78),
        (-0.9, 0.9, 0.24, 0.92),
        (1.7, 0.9, 0.24, 0.98),
        (2.15, 0.82, 0.34, 0.9),
    ];
    let rings: Vec<Vec<Vec3>> = hull
        .iter()
        .map(|(x, half, low, high)| ring(*x, *half, *low, *high))
        .collect();
    body.skin(&rings, CAR);
    let cabin = [
        (-1.15, 0.78, 0.88, 0.9),
        (-0.35, 0.72, 0.88, 1.42),
        (0.95, 0.72, 0.88, 1.46),
        (1.85, 0.76, 0.88, 0.99),
    ];
    let rings: Vec<Vec<Vec3>> = cabin
        .iter()
        .map(|(x, half, low, high)| ring(*x, *half, *low, *high))
        .collect();
    body.skin(&rings, GLASS);
    body.cuboid(
        Vec3::new(-0.3, 1.4, -0.66),
        Vec3::new(0.95, 1.49, 0.66),
        CAR,
    );
    for x in [-1.35, 1.35] {
        for side in [-1.0, 1.0] {
            let inner = Vec3::new(x, 0.32, side * 0.68);
            let outer = Vec3::new(x, 0.32, side * 0.9);
            body.bar(inner, outer, 0.32, 8, TYRE);
        }
    }
    body
}

/// A car that fits into a size, along its longer side.
pub fn vehicle(size: Vec3) -> Model {
    let along_z = Affine3A::from_rotation_y(std::f32::consts::FRAC_PI_2);
    let car = if size.z > size.x {
        car().placed(along_z)
    } else {
        car()
    };
    let (least, most) = car.bounds();
    let built = most - least;
    let scale = (size.x / built.x)
        .min(size.y / built.y)
        .min(size.z / built.z)
        .max(0.1);
    Model::solid(car.placed(Affine3A::from_scale(Vec3::splat(scale))))
}

/// A row of switch cabinets.
pub fn cabinet(size: Vec3) -> Model {
    let mut body = Shape::new();
    let plinth = size.y * 0.07;
    body.block(Vec3::ZERO, Vec3::new(size.x, plinth, size.z), PLINTH);
    body.block(
        Vec3::Y * plinth,
        Vec3::new(size.x * 0.98, size.y - plinth, size.z * 0.9),
        CABINET,
    );
    let doors = (size.x / 0.8).round().clamp(1.0, 8.0) as usize;
    let pitch = size.x * 0.98 / doors as f32;
    for door in 0..doors {
        let x = -size.x * 0.49 + pitch * (door as f32 + 0.5);
        for side in [-1.0, 1.0] {
            let z = side * size.z * 0.45;
            body.block(
                Vec3::new(x, size.y * 0.14, z),
                Vec3::new(pitch * 0.86, size.y * 0.74, 0.03),
                WALL,
            );
            body.block(
                Vec3::new(x, size.y * 0.74, z),
                Vec3::new(pitch * 0.5, size.y * 0.06, 0.05),
                VENT,
            );
        }
    }
    Model::solid(body.grounded(size.y, 0.86))
}

/// A transformer with cooling fins beside its switch cabinet.
pub fn substation(size: Vec3) -> Model {
    let mut body = Shape::new();
    body.block(Vec3::ZERO, Vec3::new(size.x, size.y * 0.06, size.z), PLINTH);
    let floor = size.y * 0.06;
    let tank = Vec3::new(size.x * 0.42, size.y * 0.6, size.z * 0.56);
    let tank_x = -size.x * 0.24;
    body.block(Vec3::new(tank_x, floor, 0.0), tank, STEEL);
    for fin in 0..6 {
        let x = tank_x + tank.x * (fin as f32 / 5.0 - 0.5) * 0.86;
        for side in [-1.0, 1.0] {
            let foot = Vec3::new(x, floor + tank.y * 0.1, side * tank.z * 0.6);
            body.block(
                foot,
                Vec3::new(tank.x * 0.07, tank.y * 0.76, tank.z * 0.24),
                VENT,
            );
        }
    }
    for bushing in -1..=1 {
        let foot = Vec3::new(tank_x + bushing as f32 * tank.x * 0.28, floor + tank.y, 0.0);
        let radius = size.x * 0.035;
        let profile = [
            (radius, 0.0),
            (radius * 1.5, size.y * 0.12),
            (radius * 0.6, size.y * 0.3),
        ];
        body.lathe(foot, Vec3::Y, &profile, 8, WALL);
    }
    let house = Vec3::new(size.x * 0.44, size.y * 0.9, size.z * 0.86);
    body.block(Vec3::new(size.x * 0.25, floor, 0.0), house, CABINET);
    for door in [-0.24, 0.24] {
        body.block(
            Vec3::new(
                size.x * 0.25 + door * house.x,
                floor + house.y * 0.08,
                house.z / 2.0,
            ),
            Vec3::new(house.x * 0.44, house.y * 0.78, 0.03),
            WALL,
        );
    }
    Model::solid(body.grounded(size.y, 0.86))
}

/// A machine in its housing: a pump set, a shredder, a rack.
pub fn machine(size: Vec3) -> Model {
    let mut body = Shape::new();
    let base = size.y * 0.1;
    body.block(Vec3::ZERO, Vec3::new(size.x, base, size.z), PLINTH);
    let housing = Vec3::new(size.x * 0.56, size.y * 0.62, size.z * 0.78);
    let housing_x = -size.x * 0.18;
    body.block(Vec3::new(housing_x, base, 0.0), housing, CABINET);
    for slot in 0..4 {
        let height = base + housing.y * (0.3 + 0.14 * slot as f32);
        body.block(
            Vec3::new(housing_x, height, housing.z / 2.0),
            Vec3::new(housing.x * 0.6, housing.y * 0.06, 0.04),
            VENT,
        );
    }
    let half = Vec2::new(size.x * 0.12, size.z * 0.2);
    body.frustum(
        Vec2::new(housing_x, 0.0),
        base + housing.y,
        size.y,
        half * 0.7,
        half * 1.3,
        STEEL,
    );
    let radius = (size.z * 0.26).min(size.y * 0.22);
    body.bar(
        Vec3::new(size.x * 0.1, base + radius, 0.0),
        Vec3::new(size.x * 0.46, base + radius, 0.0),
        radius,
        12,
        DARK_STEEL,
    );
    Model::solid(body.grounded(size.y, 0.86))
}

/// A three-bladed turbine that looks south; its rotor turns clockwise for who stands upwind.
pub fn wind_turbine(hub_m: f32, rotor_m: f32) -> Model {
    let mut body = Shape::new();
    let foot = (hub_m * 0.024).max(0.14);
    body.lathe(
        Vec3::ZERO,
        Vec3::Y,
        &[(foot * 2.2, 0.0), (foot * 2.2, hub_m * 0.006)],
        16,
        PLINTH,
    );
    let tower = [
        (foot, hub_m * 0.006),
        (foot * 0.86, hub_m * 0.4),
        (foot * 0.56, hub_m * 0.985),
    ];
    body.lathe(Vec3::ZERO, Vec3::Y, &tower, 16, BLADE);
    let long = rotor_m * 0.085;
    let thick = rotor_m * 0.017;
    let nacelle = [
        (thick * 0.7, -long * 0.75),
        (thick, -long * 0.6),
        (thick, long * 0.15),
        (thick * 0.75, long * 0.3),
    ];
    body.lathe(Vec3::Y * hub_m, Vec3::Z, &nacelle, 10, BLADE);

    let mut rotor = Shape::new();
    let hub = [
        (thick * 0.8, -long * 0.05),
        (thick * 0.75, long * 0.1),
        (0.0, long * 0.24),
    ];
    rotor.lathe(Vec3::ZERO, Vec3::Z, &hub, 10, BLADE);
    for blade in 0..3 {
        let turn = Quat::from_rotation_z(blade as f32 * std::f32::consts::TAU / 3.0);
        rotor.append(&turbine_blade(rotor_m / 2.0).placed(Affine3A::from_quat(turn)));
    }

    let mut hull = Shape::new();
    hull.lathe(
        Vec3::ZERO,
        Vec3::Y,
        &[(foot, 0.0), (foot * 0.56, hub_m)],
        8,
        BLADE,
    );
    Model {
        body,
        hull,
        moving: vec![MovingPart {
            motion: Motion::Spin(Vec3::NEG_Z),
            shape: rotor,
            at: Vec3::new(0.0, hub_m, long * 0.35),
            turn: Quat::IDENTITY,
            throws_shadow: true,
        }],
        far: Vec::new(),
    }
}

/// A blade that points up, twisted and tapered: chord and thickness by radius as of common designs, simplified.
fn turbine_blade(radius: f32) -> Shape {
    let stations = [
        (0.02, 0.018, 0.018, 0.0),
        (0.08, 0.022, 0.016, 0.35),
        (0.22, 0.038, 0.010, 0.26),
        (0.55, 0.024, 0.005, 0.1),
        (0.9, 0.012, 0.002, 0.02),
        (0.995, 0.004, 0.001, 0.0),
    ];
    let rings: Vec<Vec<Vec3>> = stations
        .iter()
        .map(|(at, chord, thick, twist): &(f32, f32, f32, f32)| {
            let turn = Quat::from_rotation_y(*twist);
            let (chord, thick) = (chord * radius, thick * radius);
            // Leading edge a third of the chord before the axis.
            [
                Vec3::new(-chord * 0.7, 0.0, 0.0),
                Vec3::new(chord * 0.1, 0.0, thick),
                Vec3::new(chord * 0.4, 0.0, 0.0),
                Vec3::new(chord * 0.1, 0.0, -thick),
            ]
            .into_iter()
            .map(|point| turn * point + Vec3::Y * (at * radius))
            .collect()
        })
        .collect();
    let mut blade = Shape::new();
    blade.skin(&rings, BLADE);
    blade
}
