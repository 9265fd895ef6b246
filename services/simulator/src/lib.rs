//! The devices of a park, driven through the public gRPC APIs like any other client.
//!
//! Pure, without clock, files or network:
//!
//! - [`chance`]: random draws that no order of steps changes
//! - [`physics`]: formulas, each with its source

pub mod chance;
pub mod physics;
