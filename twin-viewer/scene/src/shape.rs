//! Solids made of flat faces, painted as they are built. Pure: becomes a mesh at the very end.

use std::ops::Range;

use bevy::math::{Affine3A, Quat, Vec2, Vec3};

use crate::paint::Paint;

/// Triangles with one normal per face. Faces are counter-clockwise seen from outside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    pub positions: Vec<Vec3>,
    pub normals: Vec<Vec3>,
    /// As [`Paint::vertex_color`].
    pub colors: Vec<[f32; 4]>,
    /// Along a ribbon in metres, and across it from 0 to 1; empty for solids.
    pub along: Vec<Vec2>,
    pub indices: Vec<u32>,
    /// What it was built from, so that it can be built again with fewer faces.
    pub(crate) solids: Vec<Solid>,
}

/// A closed skin within a shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Solid {
    pub rings: Vec<Vec<Vec3>>,
    /// Its corners in the shape.
    pub vertices: Range<usize>,
}

impl Shape {
    pub fn new() -> Shape {
        Shape::default()
    }

    pub fn triangles(&self) -> usize {
        self.indices.len() / 3
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The smallest box around it: least and greatest corner; both at the origin when it is empty.
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let Some(first) = self.positions.first() else {
            return (Vec3::ZERO, Vec3::ZERO);
        };
        let corners = (*first, *first);
        self.positions.iter().fold(corners, |(least, most), point| {
            (least.min(*point), most.max(*point))
        })
    }

    /// A flat convex face.
    pub fn face(&mut self, corners: &[Vec3], paint: Paint) -> &mut Shape {
        let normal = newell_normal(corners);
        let first = self.positions.len() as u32;
        for corner in corners {
            self.positions.push(*corner);
            self.normals.push(normal);
            self.colors.push(paint.vertex_color());
        }
        for corner in 2..corners.len() as u32 {
            self.indices
                .extend([first, first + corner - 1, first + corner]);
        }
        self
    }

    /// A box between its least and its greatest corner.
    pub fn cuboid(&mut self, least: Vec3, most: Vec3, paint: Paint) -> &mut Shape {
        let size = most - least;
        let middle = Vec2::new((least.x + most.x) / 2.0, (least.z + most.z) / 2.0);
        let half = Vec2::new(size.x / 2.0, size.z / 2.0);
        self.frustum(middle, least.y, most.y, half, half, paint)
    }

    /// A box that stands on its foot's middle.
    pub fn block(&mut self, foot: Vec3, size: Vec3, paint: Paint) -> &mut Shape {
        let half = Vec3::new(size.x / 2.0, 0.0, size.z / 2.0);
        let top = Vec3::new(half.x, size.y, half.z);
        self.cuboid(foot - half, foot + top, paint)
    }

    /// A box whose top may be smaller or larger than its foot, both rectangles about the same middle.
    pub fn frustum(
        &mut self,
        middle: Vec2,
        low: f32,
        high: f32,
        half_low: Vec2,
        half_high: Vec2,
        paint: Paint,
    ) -> &mut Shape {
        let corner = |half: Vec2, height: f32, east: f32, south: f32| {
            Vec3::new(middle.x + east * half.x, height, middle.y + south * half.y)
        };
        let ring = |half: Vec2, height: f32| {
            [
                corner(half, height, -1.0, 1.0),
                corner(half, height, 1.0, 1.0),
                corner(half, height, 1.0, -1.0),
                corner(half, height, -1.0, -1.0),
            ]
        };
        self.skin(
            &[ring(half_low, low).to_vec(), ring(half_high, high).to_vec()],
            paint,
        )
    }

    /// A closed skin over rings of equally many points, each counter-clockwise seen from the last ring's side, with both
    /// ends closed. Rings must be convex.
    pub fn skin(&mut self, rings: &[Vec<Vec3>], paint: Paint) -> &mut Shape {
        let first = self.positions.len();
        for pair in rings.windows(2) {
            let (low, high) = (&pair[0], &pair[1]);
            for this in 0..low.len() {
                let next = (this + 1) % low.len();
                self.side([low[this], low[next], high[next], high[this]], paint);
            }
        }
        if let (Some(first), Some(last)) = (rings.first(), rings.last()) {
            let reversed: Vec<Vec3> = first.iter().rev().copied().collect();
            self.cap(&reversed, paint);
            self.cap(last, paint);
        }
        self.solids.push(Solid {
            rings: rings.to_vec(),
            vertices: first..self.positions.len(),
        });
        self
    }

    /// A body of revolution about the axis from `foot` towards `axis`: (radius, distance along the axis) from one end to
    /// the other. Ends with a radius of 0 are pointed.
    pub fn lathe(
        &mut self,
        foot: Vec3,
        axis: Vec3,
        profile: &[(f32, f32)],
        sides: usize,
        paint: Paint,
    ) -> &mut Shape {
        let turned = Quat::from_rotation_arc(Vec3::Y, axis.normalize());
        let rings: Vec<Vec<Vec3>> = profile
            .iter()
            .map(|(radius, distance)| {
                (0..sides)
                    .map(|side| {
                        let angle = side as f32 / sides as f32 * std::f32::consts::TAU;
                        // From east towards north: counter-clockwise seen from above, as z points south.
                        let point =
                            Vec3::new(radius * angle.cos(), *distance, -radius * angle.sin());
                        foot + turned * point
                    })
                    .collect()
            })
            .collect();
        self.skin(&rings, paint)
    }

    /// A round bar from one point to another.
    pub fn bar(
        &mut self,
        from: Vec3,
        to: Vec3,
        radius: f32,
        sides: usize,
        paint: Paint,
    ) -> &mut Shape {
        let length = from.distance(to);
        self.lathe(
            from,
            to - from,
            &[(radius, 0.0), (radius, length)],
            sides,
            paint,
        )
    }

    pub fn append(&mut self, other: &Shape) -> &mut Shape {
        let first = self.positions.len() as u32;
        self.positions.extend(&other.positions);
        self.normals.extend(&other.normals);
        self.colors.extend(&other.colors);
        self.along.extend(&other.along);
        self.indices
            .extend(other.indices.iter().map(|index| first + index));
        let first = first as usize;
        self.solids.extend(other.solids.iter().map(|solid| Solid {
            rings: solid.rings.clone(),
            vertices: first + solid.vertices.start..first + solid.vertices.end,
        }));
        self
    }

    /// The same, moved and turned; no mirroring.
    pub fn placed(mut self, transform: Affine3A) -> Shape {
        let normal_from_local = transform.matrix3.inverse().transpose();
        for position in &mut self.positions {
            *position = transform.transform_point3(*position);
        }
        for normal in &mut self.normals {
            *normal = (normal_from_local * *normal).normalize_or_zero();
        }
        for corner in self
            .solids
            .iter_mut()
            .flat_map(|solid| &mut solid.rings)
            .flatten()
        {
            *corner = transform.transform_point3(*corner);
        }
        self
    }

    /// Darkens what is near the ground, where less sky is seen: a cheap ambient occlusion.
    pub fn grounded(mut self, height: f32, darkest: f32) -> Shape {
        for (position, color) in self.positions.iter().zip(&mut self.colors) {
            let share = (position.y / height).clamp(0.0, 1.0);
            let light = darkest + (1.0 - darkest) * share;
            color[..3].iter_mut().for_each(|channel| *channel *= light);
        }
        self
    }

    /// A side of a skin, whose corners may coincide in a point or an edge, or not lie in one plane.
    fn side(&mut self, corners: [Vec3; 4], paint: Paint) {
        let corners = different(corners);
        match corners[..] {
            [a, b, c, d] if !is_flat([a, b, c, d]) => {
                self.face(&[a, b, c], paint);
                self.face(&[a, c, d], paint);
            }
            [_, _, _, ..] => {
                self.face(&corners, paint);
            }
            _ => {}
        }
    }

    fn cap(&mut self, ring: &[Vec3], paint: Paint) {
        let is_a_point = ring
            .iter()
            .all(|point| point.distance_squared(ring[0]) < 1e-10);
        if !is_a_point {
            self.face(ring, paint);
        }
    }
}

/// Corners without those that coincide.
pub(crate) fn different(corners: [Vec3; 4]) -> Vec<Vec3> {
    let mut different: Vec<Vec3> = Vec::with_capacity(4);
    for corner in corners {
        let is_new = |known: &Vec3| known.distance_squared(corner) > 1e-10;
        if different.iter().all(is_new) {
            different.push(corner);
        }
    }
    different
}

fn is_flat([a, b, c, d]: [Vec3; 4]) -> bool {
    let one = (b - a).cross(c - a).normalize_or_zero();
    let other = (c - a).cross(d - a).normalize_or_zero();
    one.dot(other) > 0.9999
}

/// Newell's method: right also for faces with collinear corners.
pub(crate) fn newell_normal(corners: &[Vec3]) -> Vec3 {
    let next = corners.iter().cycle().skip(1);
    let sum: Vec3 = corners
        .iter()
        .zip(next)
        .map(|(this, next)| {
            Vec3::new(
                (this.y - next.y) * (this.z + next.z),
                (this.z - next.z) * (this.x + next.x),
                (this.x - next.x) * (this.y + next.y),
            )
        })
        .sum();
    sum.normalize_or_zero()
}

/// What a test asks of a solid.
#[cfg(test)]
pub(crate) mod soundness {
    use std::collections::BTreeMap;

    use super::*;

    /// Every edge is walked as often one way as the other: no hole, no face turned around.
    pub fn assert_closed(shape: &Shape, what: &str) {
        let place = |point: Vec3| (point * 5000.0).round().as_ivec3().to_array();
        let mut walked: BTreeMap<([i32; 3], [i32; 3]), i32> = BTreeMap::new();
        for triangle in shape.indices.chunks_exact(3) {
            for side in 0..3 {
                let from = place(shape.positions[triangle[side] as usize]);
                let to = place(shape.positions[triangle[(side + 1) % 3] as usize]);
                if from == to {
                    continue;
                }
                let (edge, way) = if from < to {
                    ((from, to), 1)
                } else {
                    ((to, from), -1)
                };
                *walked.entry(edge).or_default() += way;
            }
        }
        let open = walked.values().filter(|ways| **ways != 0).count();
        assert_eq!(open, 0, "{what} has {open} open edges");
    }

    /// By the divergence theorem: positive when faces look outward.
    pub fn volume(shape: &Shape) -> f32 {
        let corner = |index: u32| shape.positions[index as usize];
        shape
            .indices
            .chunks_exact(3)
            .map(|of| corner(of[0]).dot(corner(of[1]).cross(corner(of[2]))) / 6.0)
            .sum()
    }

    pub fn assert_normals_follow_winding(shape: &Shape, what: &str) {
        for triangle in shape.indices.chunks_exact(3) {
            let [a, b, c] = [0, 1, 2].map(|corner| shape.positions[triangle[corner] as usize]);
            let turned = (b - a).cross(c - a);
            if turned.length() < 1e-7 {
                continue;
            }
            let cosine = turned.normalize().dot(shape.normals[triangle[0] as usize]);
            assert!(
                cosine > 0.99,
                "{what}: a face looks {cosine} along its normal"
            );
        }
    }

    pub fn assert_within(shape: &Shape, least: Vec3, most: Vec3, what: &str) {
        let (low, high) = shape.bounds();
        let slack = Vec3::splat(0.01);
        assert!(
            low.cmpge(least - slack).all() && high.cmple(most + slack).all(),
            "{what} reaches from {low} to {high}, beyond {least} to {most}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::soundness::*;
    use super::*;
    use crate::paint::WALL;

    #[test]
    fn a_box_is_closed_looks_outward_and_has_its_volume() {
        let mut shape = Shape::new();
        shape.cuboid(Vec3::new(-1.0, 0.0, 2.0), Vec3::new(1.0, 3.0, 4.0), WALL);
        assert_eq!(shape.triangles(), 12);
        assert_closed(&shape, "box");
        assert_normals_follow_winding(&shape, "box");
        assert!((volume(&shape) - 12.0).abs() < 1e-4);
    }

    #[test]
    fn a_cylinder_lying_down_is_closed_and_has_nearly_its_volume() {
        let mut shape = Shape::new();
        shape.bar(
            Vec3::new(0.0, 1.0, 0.0),
            Vec3::new(4.0, 1.0, 0.0),
            0.5,
            32,
            WALL,
        );
        assert_closed(&shape, "cylinder");
        assert_normals_follow_winding(&shape, "cylinder");
        let round = std::f32::consts::PI * 0.25 * 4.0;
        assert!((volume(&shape) / round - 1.0).abs() < 0.01);
    }

    #[test]
    fn a_cone_ends_in_a_point() {
        let mut shape = Shape::new();
        shape.lathe(Vec3::ZERO, Vec3::Y, &[(1.0, 0.0), (0.0, 2.0)], 8, WALL);
        assert_eq!(shape.triangles(), 8 + 6);
        assert_closed(&shape, "cone");
        assert!(volume(&shape) > 1.8);
    }

    #[test]
    fn what_is_moved_and_turned_stays_sound() {
        let mut shape = Shape::new();
        shape.block(Vec3::ZERO, Vec3::new(2.0, 1.0, 4.0), WALL);
        let turned =
            Affine3A::from_rotation_translation(Quat::from_rotation_y(0.7), Vec3::splat(5.0));
        let shape = shape.placed(turned);
        assert_closed(&shape, "moved box");
        assert_normals_follow_winding(&shape, "moved box");
        assert!((volume(&shape) - 8.0).abs() < 1e-2);
    }
}
