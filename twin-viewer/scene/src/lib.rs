//! The park as entities and meshes; knows no material and no adapter.
//!
//! - `paint`: the clay colours, and what glows at night
//! - `shape`: flat-faced solids, built and painted; `coarse`: with fewer faces, for what is far
//! - `models`: what each kind of asset looks like
//! - `ground`: polygons, paths and ribbons
//! - `placement`: where trees and lamps stand
//! - `layout`: a park as pieces (pure); `poses`: how they stand at a moment
//! - `merge`, `chunks`: pieces as a few large meshes, square by square (pure)
//! - `pick`: what a ray meets (pure)
//! - `stage`: the meshes as entities, at the level of detail that the camera asks for

mod chunks;
mod coarse;
mod ground;
mod layout;
mod merge;
mod models;
mod paint;
mod pick;
mod placement;
mod poses;
mod shape;
mod stage;

#[cfg(test)]
mod park_tests;

pub use chunks::Drawn;
pub use layout::{Anchor, Layer, Layout, Piece, Place, Role, SHADOW_M, Stirs, Tag, Tags};
pub use merge::{Follows, Merged, Motions, NUMBER_SHIFT};
pub use models::Motion;
pub use paint::{Paint, linear_of_srgb};
pub use poses::{Pose, Poses, StillMotion};
pub use shape::Shape;
pub use stage::{
    ALONG, AXIS, COLOR, ChooseDetail, FOLLOWS, NORMAL, NetworkLines, PIVOT, Squares, Stage,
    StagePlugin, TAG, set_stage,
};
