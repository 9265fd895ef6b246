//! The park definition: what is there, how it is connected, and what is metered.
//!
//! `definition` holds the types, `parse` reads the TOML into a draft that remembers where each value stands,
//! `topology` follows the connections, `validate` turns the draft into a definition, and `problem` is how all that
//! can be wrong is told.

mod definition;
mod parse;
mod problem;
mod topology;
mod validate;

#[cfg(test)]
mod tests;

pub use definition::{
    Asset, AssetKind, Connection, ConnectionKind, ConnectionSource, Measures, Meter, Name, Node,
    NodeMetering, ParkClock, ParkDefinition, Reports, Zone,
};
pub use parse::MOST_DEFINITION_BYTES;
pub use problem::{ParkErrors, ParkProblem};
