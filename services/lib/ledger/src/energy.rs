//! The energy book: readings with all their versions, by meter and day, and the hours that follow from them.

mod day_block;
mod forget;
pub(crate) mod layout;
pub mod lots;
pub mod meter_book;
pub(crate) mod purchased;
