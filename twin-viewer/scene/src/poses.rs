//! How the parts of the park stand at the moment shown. Pure.

use bevy::prelude::Resource;
use terrarium_model::ConnectionKind;
use terrarium_view_model::AssetIndex;

use crate::layout::LEAST_TREE_M;

/// How the parts of an asset stand at the moment shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pose {
    /// How full, 0 to 1; `None`: not known, shown as empty.
    pub full: Option<f32>,
    /// Of rotors and fans, in radians a second.
    pub spin_rad_per_s: f32,
    pub has_car: bool,
    /// Mean height of a group of trees; `None`: as the definition says.
    pub tree_height_m: Option<f32>,
    /// Living trees; `None`: all.
    pub living_trees: Option<u32>,
}

impl Pose {
    /// The height of trees against the one that they are built with.
    pub fn growth(&self, built_m: f32) -> f32 {
        match self.tree_height_m {
            Some(height_m) if built_m > 0.0 => height_m.max(LEAST_TREE_M) / built_m,
            _ => 1.0,
        }
    }

    /// Parts with a number below this are there: trees by theirs, a car by its session.
    pub fn living(&self, is_charger: bool) -> f32 {
        if is_charger {
            return f32::from(u8::from(self.has_car));
        }
        self.living_trees.map_or(f32::MAX, |living| living as f32)
    }
}

/// The poses of all assets, by index. What is not there stands at rest.
#[derive(Resource, Debug, Clone, Default, PartialEq)]
pub struct Poses {
    pub assets: Vec<Pose>,
    /// Networks whose lines are shown.
    pub networks: Vec<ConnectionKind>,
}

impl Poses {
    pub fn of(&self, asset: AssetIndex) -> Pose {
        self.assets
            .get(asset.0 as usize)
            .copied()
            .unwrap_or_default()
    }
}

/// Nothing turns by itself: for people whom motion disturbs, and for pictures that must come out the same.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StillMotion(pub bool);
