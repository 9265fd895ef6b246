use bevy::math::Vec3;

use super::Model;
use crate::paint::{DOOR, PARAPET, PLINTH, ROOF, WALL, WINDOW};
use crate::shape::Shape;

const PLINTH_M: f32 = 0.35;
const PARAPET_M: f32 = 0.45;
const WINDOW_DEPTH_M: f32 = 0.06;
/// So many storeys at most are drawn, higher ones where there are more.
const MOST_STOREYS: usize = 8;

/// A plain block with plinth, bands of windows on every storey, a parapet and a door with its canopy.
pub fn building(size: Vec3) -> Model {
    let mut body = Shape::new();
    let skin = WINDOW_DEPTH_M.min(size.x / 20.0).min(size.z / 20.0);
    let walls = Vec3::new(size.x - 4.0 * skin, size.y, size.z - 4.0 * skin);
    let plinth = PLINTH_M.min(size.y / 6.0);
    let parapet = PARAPET_M.min(size.y / 6.0);
    let eaves = size.y - parapet;

    body.block(
        Vec3::ZERO,
        Vec3::new(walls.x + 2.0 * skin, plinth, walls.z + 2.0 * skin),
        PLINTH,
    );
    body.block(
        Vec3::Y * plinth,
        Vec3::new(walls.x, eaves - plinth, walls.z),
        WALL,
    );
    body.block(
        Vec3::Y * (eaves - 0.02),
        Vec3::new(walls.x - 0.5, 0.06, walls.z - 0.5),
        ROOF,
    );
    parapet_ring(&mut body, walls, eaves, size.y);

    let storeys = (((eaves - plinth) / 3.3).floor() as usize).clamp(1, MOST_STOREYS);
    let storey_m = (eaves - plinth) / storeys as f32;
    for storey in 0..storeys {
        let sill = plinth + storey_m * (storey as f32 + 0.34);
        let lintel = plinth + storey_m * (storey as f32 + 0.82);
        window_bands(&mut body, walls, (sill, lintel), skin, storeys > 4);
    }
    door(&mut body, walls, plinth, eaves, skin);

    let mut hull = Shape::new();
    hull.block(Vec3::ZERO, Vec3::new(walls.x, size.y, walls.z), WALL);
    Model {
        body: body.grounded(size.y.min(4.0), 0.86),
        hull,
        ..Model::default()
    }
}

fn parapet_ring(body: &mut Shape, walls: Vec3, low: f32, high: f32) {
    let thick = 0.3f32.min(walls.x / 8.0).min(walls.z / 8.0);
    let (x, z) = (walls.x / 2.0, walls.z / 2.0);
    for north_or_south in [-1.0, 1.0] {
        let z_middle = north_or_south * (z - thick / 2.0);
        body.block(
            Vec3::new(0.0, low, z_middle),
            Vec3::new(walls.x, high - low, thick),
            PARAPET,
        );
    }
    for east_or_west in [-1.0, 1.0] {
        let x_middle = east_or_west * (x - thick / 2.0);
        let length = walls.z - 2.0 * thick;
        body.block(
            Vec3::new(x_middle, low, 0.0),
            Vec3::new(thick, high - low, length),
            PARAPET,
        );
    }
}

/// A band of panes on each side, parted by mullions.
fn window_bands(
    body: &mut Shape,
    walls: Vec3,
    (sill, lintel): (f32, f32),
    skin: f32,
    is_tall: bool,
) {
    let height = lintel - sill;
    let [most_x, most_z] = if is_tall { [3, 2] } else { [5, 4] };
    for (middle, length) in panes(walls.x, most_x) {
        for side in [-1.0, 1.0] {
            let foot = Vec3::new(middle, sill, side * walls.z / 2.0);
            body.block(foot, Vec3::new(length, height, 2.0 * skin), WINDOW);
        }
    }
    for (middle, length) in panes(walls.z, most_z) {
        for side in [-1.0, 1.0] {
            let foot = Vec3::new(side * walls.x / 2.0, sill, middle);
            body.block(foot, Vec3::new(2.0 * skin, height, length), WINDOW);
        }
    }
}

/// Middles and lengths of the panes of one side: few, so that large buildings stay cheap.
fn panes(side: f32, most: usize) -> Vec<(f32, f32)> {
    let usable = side * 0.9;
    let count = ((usable / 7.0).round() as usize).clamp(1, most);
    let pitch = usable / count as f32;
    (0..count)
        .map(|pane| {
            let middle = -usable / 2.0 + pitch * (pane as f32 + 0.5);
            (middle, pitch * 0.86)
        })
        .collect()
}

fn door(body: &mut Shape, walls: Vec3, plinth: f32, eaves: f32, skin: f32) {
    let width = 2.4f32.min(walls.x / 3.0);
    let height = 2.3f32.min(eaves - plinth - 0.2);
    let front = walls.z / 2.0;
    body.block(
        Vec3::new(0.0, plinth, front),
        Vec3::new(width, height, 3.4 * skin),
        DOOR,
    );
}
