//! The carbon books beside electricity: examples worked by hand, invariants over random histories, and their uncertainty.

mod by_hand;
mod competency;
#[path = "../fixture/draws.rs"]
mod draws;
mod invariants;
mod monte_carlo;
mod reconciliation;
#[path = "../fixture/told.rs"]
mod told;
mod world;
