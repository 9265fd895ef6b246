//! The books as a whole: examples worked by hand, and what holds for any facts in any order.

mod by_hand;
mod cars;
mod completeness;
mod day_blocks;
mod factors;
mod hours;
mod invariants;
mod lots;
mod market;
mod model;
mod order;
mod registers;
mod restated;
mod restated_beside;
mod shelf;
mod storage;
#[path = "../fixture/told.rs"]
mod told;
mod world;
