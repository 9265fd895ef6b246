//! The devices of a park, driven through the public gRPC APIs like any other client.
//!
//! Pure, without clock, files or network:
//!
//! - [`chance`]: random draws that no order of steps changes
//! - [`physics`]: formulas, each with its source
//! - [`weather`]: generated from a climate's normals, or read from a file
//! - [`park`]: all devices of a park, stepped together
//! - [`faults`]: what real sensors and networks do to good data, on request
//!
//! And with a network:
//!
//! - [`driver`]: sends the reports of each step and moves the park's clock

mod calendar;
pub mod chance;
pub mod driver;
pub mod faults;
pub mod park;
pub mod physics;
pub mod weather;
