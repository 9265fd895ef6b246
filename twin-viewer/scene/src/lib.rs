//! The park as entities and meshes; knows no material and no adapter.
//!
//! - `paint`: the clay colours, and what glows at night
//! - `shape`: flat-faced solids, built and painted
//! - `models`: what each kind of asset looks like
//! - `ground`: polygons, paths and ribbons
//! - `placement`: where trees and lamps stand
//! - `layout`: a park as pieces (pure)
//! - `stage`: the pieces as entities, posed by the values of the moment

mod ground;
mod layout;
mod models;
mod paint;
mod placement;
mod shape;
mod stage;

#[cfg(test)]
mod park_tests;

pub use layout::{Anchor, Layer, Layout, Piece, Place, Role, SHADOW_M, Tag, Tags};
pub use models::Motion;
pub use paint::{Paint, linear_of_srgb};
pub use shape::Shape;
pub use stage::{
    Drawn, NetworkLine, PartOf, Pose, Poses, Stage, StagePlugin, StillMotion, set_stage,
};
