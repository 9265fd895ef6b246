//! The carbon books beside electricity: examples worked by hand, invariants over random histories, and their uncertainty.

mod by_hand;
mod competency;
mod invariants;
mod monte_carlo;
mod reconciliation;
mod world;
