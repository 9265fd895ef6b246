use bevy::math::Vec3;

use super::Model;
use crate::paint::{BARK, Paint};
use crate::shape::Shape;

/// How a tree grows. The species decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeForm {
    Conifer,
    Column,
    Round,
    Weeping,
    Flowering,
}

impl TreeForm {
    #[cfg(test)]
    pub const ALL: [TreeForm; 5] = [
        TreeForm::Conifer,
        TreeForm::Column,
        TreeForm::Round,
        TreeForm::Weeping,
        TreeForm::Flowering,
    ];

    /// By the genus, the first word of the botanical name; round where it is not known.
    pub fn of_species(species: &str) -> TreeForm {
        match species.split_whitespace().next().unwrap_or_default() {
            "Pinus" | "Picea" | "Cedrus" | "Abies" | "Larix" => TreeForm::Conifer,
            "Platycladus" | "Juniperus" | "Sabina" | "Populus" | "Ginkgo" | "Metasequoia" => {
                TreeForm::Column
            }
            "Salix" => TreeForm::Weeping,
            "Prunus" | "Malus" | "Cotinus" | "Syringa" | "Pyrus" => TreeForm::Flowering,
            _ => TreeForm::Round,
        }
    }

    fn leaves(self) -> Paint {
        match self {
            TreeForm::Conifer => Paint::matt(0x7b8a7a),
            TreeForm::Column => Paint::matt(0x8b9982),
            TreeForm::Round => Paint::matt(0x8d9b84),
            TreeForm::Weeping => Paint::matt(0x98a48b),
            TreeForm::Flowering => Paint::matt(0xa3a596),
        }
    }
}

/// A tree 1 m high; scale it to its height.
pub fn tree(form: TreeForm) -> Model {
    let leaves = form.leaves();
    let (trunk, crown): (f32, &[(f32, f32)]) = match form {
        TreeForm::Conifer => (0.2, &[(0.27, 0.14), (0.16, 0.5), (0.0, 1.0)]),
        TreeForm::Column => (
            0.16,
            &[(0.07, 0.12), (0.17, 0.34), (0.15, 0.66), (0.0, 1.0)],
        ),
        TreeForm::Round => (
            0.34,
            &[(0.1, 0.26), (0.34, 0.46), (0.32, 0.74), (0.1, 0.99)],
        ),
        TreeForm::Weeping => (0.5, &[(0.36, 0.2), (0.4, 0.5), (0.3, 0.82), (0.08, 0.99)]),
        TreeForm::Flowering => (
            0.36,
            &[(0.12, 0.28), (0.42, 0.56), (0.3, 0.86), (0.06, 0.99)],
        ),
    };
    let (low, high) = (crown[0].1, crown[crown.len() - 1].1);
    let grown = |trunk_sides: usize, profile: &[(f32, f32)], sides: usize| {
        let mut body = Shape::new();
        if trunk_sides > 0 {
            let taper = [(0.035, 0.0), (0.022, trunk)];
            body.lathe(Vec3::ZERO, Vec3::Y, &taper, trunk_sides, BARK);
        }
        body.append(&crown_of(profile, sides, leaves));
        shade_from_below(&mut body, low, high);
        body
    };
    let widest = crown.iter().map(|(radius, _)| *radius).fold(0.0, f32::max);
    let middle = crown.iter().find(|(radius, _)| *radius == widest);
    let middle = middle.map_or((low + high) / 2.0, |(_, height)| *height);
    // From afar a crown is two pyramids, and at last one.
    let plain = [
        (crown[0].0 * 0.5, low),
        (widest, middle.max(low + 0.12)),
        (0.0, high),
    ];
    let sides = if form == TreeForm::Conifer { 7 } else { 6 };

    let mut hull = Shape::new();
    hull.lathe(
        Vec3::ZERO,
        Vec3::Y,
        &[(0.0, low), (widest, (low + high) / 2.0), (0.0, high)],
        5,
        leaves,
    );
    Model {
        body: grown(4, crown, sides),
        hull,
        far: vec![
            grown(3, crown, 5),
            grown(0, &plain, 5),
            grown(0, &plain, 4),
            grown(0, &[(widest * 0.9, low), (0.0, high)], 4),
        ],
        ..Model::default()
    }
}

/// Rings that are turned against each other, so that the facets catch the light unevenly, as leaves do.
fn crown_of(profile: &[(f32, f32)], sides: usize, leaves: Paint) -> Shape {
    let rings: Vec<Vec<Vec3>> = profile
        .iter()
        .enumerate()
        .map(|(ring, (radius, height))| {
            (0..sides)
                .map(|side| {
                    let angle =
                        (side as f32 + 0.23 * ring as f32) / sides as f32 * std::f32::consts::TAU;
                    let uneven = 1.0 + 0.1 * (((side * 7 + ring * 5) % 5) as f32 / 2.0 - 1.0);
                    let radius = radius * uneven;
                    Vec3::new(radius * angle.cos(), *height, -radius * angle.sin())
                })
                .collect()
        })
        .collect();
    let mut crown = Shape::new();
    crown.skin(&rings, leaves);
    crown
}

fn shade_from_below(shape: &mut Shape, low: f32, high: f32) {
    for (position, color) in shape.positions.iter().zip(&mut shape.colors) {
        let share = ((position.y - low) / (high - low)).clamp(0.0, 1.0);
        let light = 0.72 + 0.34 * share;
        color[..3].iter_mut().for_each(|channel| *channel *= light);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_genus_decides_how_a_tree_grows() {
        assert_eq!(
            TreeForm::of_species("Pinus tabuliformis"),
            TreeForm::Conifer
        );
        assert_eq!(TreeForm::of_species("Salix matsudana"), TreeForm::Weeping);
        assert_eq!(TreeForm::of_species("Quercus variabilis"), TreeForm::Round);
        assert_eq!(TreeForm::of_species(""), TreeForm::Round);
    }
}
