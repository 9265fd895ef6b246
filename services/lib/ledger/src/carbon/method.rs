//! How an activity becomes masses of gases. Each file is one family of methods; a change of results is a new version of a method.
//!
//! | method | what it multiplies | source |
//! |---|---|---|
//! | `water-energy/1` | litres x kWh/m3 x the grid's factor of each hour | carbon accounting note of the project, 3.4 |
//! | `combustion/1` | fuel x net calorific value x carbon content x oxidised share x 44/12 | GB/T 32150-2015 form; IPCC 2006 volume 2 |
//! | `activity-factor/1` | amount x published factor of each gas | IPCC 2006 volume 1 |
//! | `landfill-decay/1` | first-order decay to the end of a century, in the year of disposal | IPCC 2006 volume 5 chapter 3; Scope 3 Standard category 5 |
//! | `refrigerant-parts/1` | grams lost x parts of the blend by mass | IPCC 2006 volume 3 chapter 7, mass balance |
//! | `refrigerant-rate/1` | charge x leak rate x time x parts | IPCC 2006 volume 3 chapter 7, emission factors |
//! | `gas-reported/1` | grams as measured | |
//! | `tree-stock/1` | difference of the stocks of two surveys | IPCC 2006 volume 4, stock difference |
//! | `tree-default/1` | trees x years x rate, for at most 20 years | IPCC 2006 volume 4 chapter 8, tier 2a |
//! | `embodied-reported/1` | as declared | EN 15978 |

mod bench;
mod combustion;
mod decay;
mod embodied;
mod refrigerant;
mod simple;
mod trees;
mod waste;
mod water;

pub use bench::Workbench;
pub use decay::{DecayParameters, methane_of_year, methane_within};
