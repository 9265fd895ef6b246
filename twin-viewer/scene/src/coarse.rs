//! Shapes with fewer faces, for what is seen from afar: nothing is left out that would fill a pixel. Pure.

use bevy::math::Vec3;

use crate::shape::{Shape, Solid, different, newell_normal};

/// A camera of ours looks at least this far down, so a face that looks straight down is never seen: the sine is that of
/// four degrees.
const LOOKS_DOWN: f32 = -0.997;

/// Whether a face of this normal can be seen by a camera that looks down on the park.
pub(crate) fn can_be_seen(normal: Vec3) -> bool {
    normal.y > LOOKS_DOWN
}

/// A shape whose features below `grain` metres are left out: thin solids, thin faces, and corners of what is round. Of
/// what stands still, at least its largest solid stays; what turns may be seen from every side.
pub(crate) fn coarse(shape: &Shape, grain: f32, turns: bool) -> Shape {
    let mut coarse = Shape::new();
    let mut add = |solid: &Solid, corners: f32, faces: f32| {
        let rings = fewer_corners(&fewer_rings(&solid.rings, corners), corners);
        skin(&mut coarse, &rings, faces, turns, |corner| {
            color_at(shape, solid, corner)
        });
    };
    let seen = |solid: &&Solid| extents(solid.rings.iter().flatten())[1] >= grain;
    for solid in shape.solids.iter().filter(seen) {
        add(solid, grain, grain * 0.3);
    }
    if !turns && !shape.solids.iter().any(|solid| seen(&solid)) {
        let face = |solid: &&Solid| {
            let [_, middle, most] = extents(solid.rings.iter().flatten());
            middle * most
        };
        let largest = shape
            .solids
            .iter()
            .max_by(|one, other| face(one).total_cmp(&face(other)));
        largest.into_iter().for_each(|solid| add(solid, grain, 0.0));
    }
    coarse
}

/// How wide a face is across its longest edge.
fn width(corners: &[Vec3]) -> f32 {
    let doubled: Vec3 = corners
        .windows(2)
        .map(|pair| (pair[0] - corners[0]).cross(pair[1] - corners[0]))
        .sum();
    let next = corners.iter().cycle().skip(1);
    let edges = corners
        .iter()
        .zip(next)
        .map(|(one, next)| one.distance(*next));
    doubled.length() / 2.0 / edges.fold(1e-6, f32::max)
}

/// The sides of the box around some points, the least first. The second decides whether something can be seen.
fn extents<'a>(points: impl Iterator<Item = &'a Vec3>) -> [f32; 3] {
    let (least, most) = points.fold((Vec3::MAX, Vec3::MIN), |(least, most), point| {
        (least.min(*point), most.max(*point))
    });
    let mut sides = (most - least).to_array();
    sides.sort_by(f32::total_cmp);
    sides
}

/// Rings that lie nearer to the last one than the grain are left out; both ends stay.
fn fewer_rings(rings: &[Vec<Vec3>], grain: f32) -> Vec<Vec<Vec3>> {
    let last = rings.len() - 1;
    let mut kept: Vec<Vec<Vec3>> = vec![rings[0].clone()];
    for (place, ring) in rings.iter().enumerate().skip(1) {
        let before = &kept[kept.len() - 1];
        let apart = ring
            .iter()
            .zip(before)
            .map(|(one, other)| one.distance(*other))
            .fold(0.0, f32::max);
        if place == last || apart >= grain {
            kept.push(ring.clone());
        }
    }
    kept
}

/// Of a round solid only so many sides that its outline is off by half a grain; never fewer than four.
fn fewer_corners(rings: &[Vec<Vec3>], grain: f32) -> Vec<Vec<Vec3>> {
    let sides = rings[0].len();
    let radius = |ring: &Vec<Vec3>| {
        let middle = ring.iter().sum::<Vec3>() / sides as f32;
        ring.iter()
            .map(|corner| corner.distance(middle))
            .fold(0.0, f32::max)
    };
    let widest = rings.iter().map(radius).fold(0.0, f32::max);
    // A chord is r (1 - cos(pi / n)) off its arc, which is nearly r (pi / n)^2 / 2.
    let wanted = std::f32::consts::PI / (grain / widest.max(1e-6)).sqrt();
    let wanted = wanted.ceil().max(4.0) as usize;
    if sides <= wanted || sides < 6 {
        return rings.to_vec();
    }
    let pick = |ring: &Vec<Vec3>| {
        (0..wanted)
            .map(|corner| ring[corner * sides / wanted])
            .collect()
    };
    rings.iter().map(pick).collect()
}

fn skin(
    shape: &mut Shape,
    rings: &[Vec<Vec3>],
    thinnest: f32,
    turns: bool,
    color: impl Fn(Vec3) -> [f32; 4],
) {
    let mut face = |corners: &[Vec3]| {
        if corners.len() < 3 || width(corners) < thinnest {
            return;
        }
        let normal = newell_normal(corners);
        if !turns && !can_be_seen(normal) {
            return;
        }
        let first = shape.positions.len() as u32;
        for corner in corners {
            shape.positions.push(*corner);
            shape.normals.push(normal);
            shape.colors.push(color(*corner));
        }
        for corner in 2..corners.len() as u32 {
            shape
                .indices
                .extend([first, first + corner - 1, first + corner]);
        }
    };
    for pair in rings.windows(2) {
        let (low, high) = (&pair[0], &pair[1]);
        for this in 0..low.len() {
            let next = (this + 1) % low.len();
            face(&different([low[this], low[next], high[next], high[this]]));
        }
    }
    let reversed: Vec<Vec3> = rings[0].iter().rev().copied().collect();
    for cap in [&reversed, &rings[rings.len() - 1]] {
        let is_a_point = cap
            .iter()
            .all(|corner| corner.distance_squared(cap[0]) < 1e-10);
        if !is_a_point {
            face(cap);
        }
    }
}

/// The colour that a corner of a solid has in its shape: every corner of the coarse solid is one of the fine one.
fn color_at(shape: &Shape, solid: &Solid, corner: Vec3) -> [f32; 4] {
    let at = |place: &usize| shape.positions[*place].distance_squared(corner);
    let nearest = solid
        .vertices
        .clone()
        .min_by(|one, other| at(one).total_cmp(&at(other)));
    nearest.map_or([0.5, 0.5, 0.5, 1.0], |place| shape.colors[place])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{battery, tank, wind_turbine};
    use crate::paint::WALL;

    #[test]
    fn what_is_smaller_than_the_grain_goes_and_the_outline_stays() {
        let fine = battery(Vec3::new(6.0, 2.6, 2.4)).body;
        let mut before = fine.triangles();
        for grain in [0.1, 0.3, 0.8] {
            let far = coarse(&fine, grain, false);
            assert!(far.triangles() <= before, "more faces with a coarser grain");
            before = far.triangles();
            let ((least, most), (low, high)) = (fine.bounds(), far.bounds());
            assert!(
                (least - low).abs().max_element() < grain
                    && (most - high).abs().max_element() < grain
            );
        }
        assert!(before < 60, "{before} triangles of a battery from afar");
    }

    #[test]
    fn round_things_get_fewer_sides_and_high_ones_keep_their_height() {
        let fine = tank(Vec3::new(4.0, 2.6, 4.0)).body;
        assert!(coarse(&fine, 0.6, false).triangles() * 3 < fine.triangles());
        let tower = wind_turbine(90.0, 121.0).body;
        assert!((coarse(&tower, 0.8, false).bounds().1.y - tower.bounds().1.y).abs() < 4.0);
    }

    #[test]
    fn the_largest_part_of_a_speck_stays_without_its_foot() {
        let mut speck = Shape::new();
        speck.block(Vec3::ZERO, Vec3::splat(0.2), WALL);
        let far = coarse(&speck, 5.0, false);
        assert_eq!(far.triangles(), 10);
        assert_eq!(far.bounds(), speck.bounds());
        for (one, other) in far.colors[0].iter().zip(WALL.vertex_color()) {
            assert!((one - other).abs() < 1e-5);
        }
    }
}
