//! The energy book: readings with all their versions, by meter and day, and the hours that follow from them.

mod certificates;
mod day_block;
mod forget;
pub(crate) mod kept;
pub(crate) mod layout;
pub mod lots;
pub mod meter_book;
mod meter_bytes;
pub mod purchased;
pub mod sessions;
pub mod stores;
pub(crate) mod third_party;
