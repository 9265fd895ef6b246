//! What bins, collections, compost bays and consignments decide. Pure.
//!
//! - [`bin`]: fill, weight, overflow, emptying, and measurements in quarantine
//! - [`collection`]: asked of people, acknowledged, executed, or missed
//! - [`weighing`]: weighbridge tickets of a collection
//! - [`contamination`]: waste of another stream in a bin
//! - [`compost`]: batches of a compost bay
//! - [`custody`]: who holds hazardous waste

pub mod bin;
pub mod collection;
pub mod compost;
pub mod contamination;
pub mod custody;
pub mod weighing;

pub use bin::{Bin, BinCommand, BinContext, BinEvent, BinFact, BinMeasurement};
pub use collection::{
    Collection, CollectionCommand, CollectionContext, CollectionEvent, CollectionFact,
    CollectionOrder, Execution,
};
pub use compost::{CompostBay, CompostCommand, CompostContext, CompostFact, CompostStep};
pub use contamination::{Contamination, ContaminationContext, ContaminationFact};
pub use custody::{Consignment, CustodyCommand, CustodyContext, CustodyFact};
pub use weighing::{Weighing, WeighingContext, WeighingFact};
