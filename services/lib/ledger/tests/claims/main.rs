//! Claims over books made by hand.

mod boundaries;
mod domestic;
#[path = "../fixture/draws.rs"]
mod draws;
mod intervals;
mod inventories;
mod life_cycle;
mod like_with_like;
mod promises;
mod rules;
mod stages;
mod unpriced;
mod world;
