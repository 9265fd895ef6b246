//! What bins and collections decide. Pure.

pub mod bin;
pub mod collection;

pub use bin::{Bin, BinCommand, BinContext, BinEvent, BinFact, BinMeasurement};
pub use collection::{
    Collection, CollectionCommand, CollectionContext, CollectionEvent, CollectionFact,
    CollectionOrder, Execution,
};
