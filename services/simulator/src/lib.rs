//! The devices of a park, driven through the public gRPC APIs like any other client.
//!
//! Pure, without clock, files or network:
//!
//! - [`chance`]: random draws that no order of steps changes
//! - [`physics`]: formulas, each with its source
//! - [`weather`]: generated from a climate's normals, or read from a file

mod calendar;
pub mod chance;
pub mod physics;
pub mod weather;
