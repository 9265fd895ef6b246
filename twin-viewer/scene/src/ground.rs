//! Flat pieces: polygons of the ground, paths, and the ribbons that something flows along.

use bevy::math::{Vec2, Vec3};
use terrarium_view_model::GroundPoint;

use crate::paint::Paint;
use crate::shape::Shape;

/// A point of the ground at a height: Bevy's x is east, y is up and z is south.
pub fn above(point: GroundPoint, height: f32) -> Vec3 {
    Vec3::new(point.east_m, height, -point.north_m)
}

/// A polygon that looks up. Empty when it has fewer than three corners or can't be cut into triangles.
pub fn polygon(outline: &[GroundPoint], height: f32, paint: Paint) -> Shape {
    let mut shape = Shape::new();
    let flat: Vec<f64> = outline
        .iter()
        .flat_map(|point| [f64::from(point.east_m), f64::from(point.north_m)])
        .collect();
    let Ok(corners) = earcutr::earcut(&flat, &[], 2) else {
        return shape;
    };
    for triangle in corners.chunks_exact(3) {
        let [a, b, c] = [0, 1, 2].map(|corner| above(outline[triangle[corner]], height));
        let looks_up = (b - a).cross(c - a).y > 0.0;
        shape.face(&if looks_up { [a, b, c] } else { [a, c, b] }, paint);
    }
    shape
}

/// A disc of some radius, its rim fading towards `rim`.
pub fn disc(centre: Vec3, radius: f32, sides: usize, middle: [f32; 4], rim: [f32; 4]) -> Shape {
    let mut shape = Shape::new();
    shape.positions.push(centre);
    shape.colors.push(middle);
    for side in 0..sides {
        let angle = side as f32 / sides as f32 * std::f32::consts::TAU;
        let out = Vec3::new(radius * angle.cos(), 0.0, -radius * angle.sin());
        shape.positions.push(centre + out);
        shape.colors.push(rim);
    }
    shape.normals = vec![Vec3::Y; sides + 1];
    for side in 0..sides as u32 {
        let next = (side + 1) % sides as u32;
        shape.indices.extend([0, 1 + side, 1 + next]);
    }
    shape
}

/// A strip along a line, mitred at its corners. `along` holds the metres from the line's beginning and the place across.
pub fn ribbon(line: &[Vec3], width: f32, paint: Paint) -> Shape {
    let mut shape = Shape::new();
    let line = without_repeats(line);
    if line.len() < 2 {
        return shape;
    }
    let is_ring = line.len() > 3 && line[0].distance(line[line.len() - 1]) < 0.01;
    let mut travelled = 0.0;
    for place in 0..line.len() {
        if place > 0 {
            travelled += line[place].distance(line[place - 1]);
        }
        let side = mitre(&line, place, is_ring) * (width / 2.0);
        for (across, point) in [(0.0, line[place] + side), (1.0, line[place] - side)] {
            shape.positions.push(point);
            shape.normals.push(Vec3::Y);
            shape.colors.push(paint.vertex_color());
            shape.along.push(Vec2::new(travelled, across));
        }
    }
    for piece in 0..line.len() as u32 - 1 {
        let [left, right, next_left, next_right] = [0, 1, 2, 3].map(|corner| 2 * piece + corner);
        shape
            .indices
            .extend([left, right, next_right, left, next_right, next_left]);
    }
    shape
}

/// Round joints and ends for a path, so that sharp corners look walked.
pub fn path(line: &[GroundPoint], width: f32, height: f32, paint: Paint) -> Shape {
    let points: Vec<Vec3> = smoothed(line)
        .into_iter()
        .map(|point| above(point, height))
        .collect();
    let mut shape = ribbon(&points, width, paint);
    shape.along.clear();
    let color = paint.vertex_color();
    for end in [points.first(), points.last()].into_iter().flatten() {
        shape.append(&disc(*end, width / 2.0, 14, color, color));
    }
    shape
}

/// Corners cut twice after Chaikin (1974), ends kept: a line that a person would walk.
pub fn smoothed(line: &[GroundPoint]) -> Vec<GroundPoint> {
    let mut line = line.to_vec();
    for _ in 0..2 {
        if line.len() < 3 {
            break;
        }
        let mut cut = vec![line[0]];
        for pair in line.windows(2) {
            let at = |share: f32| GroundPoint {
                east_m: pair[0].east_m + (pair[1].east_m - pair[0].east_m) * share,
                north_m: pair[0].north_m + (pair[1].north_m - pair[0].north_m) * share,
            };
            cut.extend([at(0.25), at(0.75)]);
        }
        cut.extend(line.last());
        line = cut;
    }
    line
}

/// The way that a line takes from one thing to another: along the axes, as trenches are dug, each a little beside the
/// others so that lines of one corner can be told apart.
pub fn trench(from: GroundPoint, to: GroundPoint, lane: usize) -> Vec<GroundPoint> {
    const LANE_M: f32 = 0.7;
    const LANES: usize = 5;
    let aside = ((lane % LANES) as f32 - (LANES / 2) as f32) * LANE_M;
    let point = |east_m: f32, north_m: f32| GroundPoint { east_m, north_m };
    let (east, north) = (to.east_m - from.east_m, to.north_m - from.north_m);
    if east.abs() < 4.0 || north.abs() < 4.0 {
        return vec![from, to];
    }
    let corner_north = from.north_m + aside;
    let corner_east = to.east_m + aside;
    vec![
        from,
        point(from.east_m, corner_north),
        point(corner_east, corner_north),
        point(corner_east, to.north_m),
        to,
    ]
}

fn without_repeats(line: &[Vec3]) -> Vec<Vec3> {
    let mut kept: Vec<Vec3> = Vec::with_capacity(line.len());
    for point in line {
        if kept
            .last()
            .is_none_or(|last| last.distance_squared(*point) > 1e-6)
        {
            kept.push(*point);
        }
    }
    kept
}

/// To the left of the way at a place of the line, longer in a bend so that the width stays; at most twice.
fn mitre(line: &[Vec3], place: usize, is_ring: bool) -> Vec3 {
    let last = line.len() - 1;
    let way = |from: usize| (line[from + 1] - line[from]).normalize_or_zero();
    let (before, after) = match place {
        0 if is_ring => (way(last - 1), way(0)),
        0 => (way(0), way(0)),
        place if place == last && is_ring => (way(last - 1), way(0)),
        place if place == last => (way(last - 1), way(last - 1)),
        place => (way(place - 1), way(place)),
    };
    let left = |way: Vec3| Vec3::Y.cross(way);
    let middle = (left(before) + left(after)).normalize_or_zero();
    if middle == Vec3::ZERO {
        return left(after);
    }
    let cosine = middle.dot(left(after)).max(0.5);
    middle / cosine
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::GREEN;

    fn points(of: &[(f32, f32)]) -> Vec<GroundPoint> {
        of.iter()
            .map(|(east_m, north_m)| GroundPoint {
                east_m: *east_m,
                north_m: *north_m,
            })
            .collect()
    }

    fn area_looking_up(shape: &Shape) -> f32 {
        let corner = |index: u32| shape.positions[index as usize];
        shape
            .indices
            .chunks_exact(3)
            .map(|of| {
                let doubled = (corner(of[1]) - corner(of[0])).cross(corner(of[2]) - corner(of[0]));
                assert!(doubled.y > -1e-4, "a face of the ground looks down");
                doubled.y / 2.0
            })
            .sum()
    }

    #[test]
    fn an_l_shaped_zone_keeps_its_area_either_way_round() {
        let mut outline = points(&[
            (0.0, 0.0),
            (20.0, 0.0),
            (20.0, 10.0),
            (10.0, 10.0),
            (10.0, 30.0),
            (0.0, 30.0),
        ]);
        let area = 20.0 * 10.0 + 10.0 * 20.0;
        assert!((area_looking_up(&polygon(&outline, 0.0, GREEN)) - area).abs() < 1e-2);
        outline.reverse();
        assert!((area_looking_up(&polygon(&outline, 0.0, GREEN)) - area).abs() < 1e-2);
    }

    #[test]
    fn a_polygon_without_area_is_empty() {
        assert!(polygon(&points(&[(0.0, 0.0), (1.0, 1.0)]), 0.0, GREEN).is_empty());
    }

    #[test]
    fn a_straight_ribbon_has_its_width_and_counts_its_metres() {
        let line = [
            Vec3::ZERO,
            Vec3::new(6.0, 0.0, 0.0),
            Vec3::new(10.0, 0.0, 0.0),
        ];
        let shape = ribbon(&line, 2.0, GREEN);
        assert!((area_looking_up(&shape) - 20.0).abs() < 1e-3);
        let far = shape.along.iter().map(|at| at.x).fold(0.0, f32::max);
        assert!((far - 10.0).abs() < 1e-4);
    }

    #[test]
    fn a_ribbon_keeps_its_width_around_a_right_angle() {
        let line = [
            Vec3::ZERO,
            Vec3::new(10.0, 0.0, 0.0),
            Vec3::new(10.0, 0.0, 10.0),
        ];
        let shape = ribbon(&line, 2.0, GREEN);
        assert!((area_looking_up(&shape) - 40.0).abs() < 1e-2);
    }

    #[test]
    fn a_trench_follows_the_axes() {
        let way = trench(
            GroundPoint {
                east_m: 0.0,
                north_m: 0.0,
            },
            GroundPoint {
                east_m: 50.0,
                north_m: 30.0,
            },
            3,
        );
        for pair in way.windows(2) {
            let east = (pair[1].east_m - pair[0].east_m).abs();
            let north = (pair[1].north_m - pair[0].north_m).abs();
            assert!(east < 1e-4 || north < 1e-4, "{pair:?} runs aslant");
        }
    }
}
