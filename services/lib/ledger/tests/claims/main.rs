//! Claims over books made by hand.

mod boundaries;
mod domestic;
mod inventories;
mod leed;
mod life_cycle;
mod promises;
mod stages;
mod world;
