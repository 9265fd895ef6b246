//! The harness of the end-to-end suites: they drive the real `terrarium` binary, as its users do, and judge it from outside.
//!
//! # Map
//!
//! - [`Park`] (`park.rs`): a data folder with its `terrarium up`: start, stop, SIGKILL, the command line on it
//! - [`binary`], [`repository`] (`binary.rs`): where the program and the repository's files are; [`Outcome`] of a command
//! - [`Cluster`] (`cluster.rs`): every role its own process, over a store and one or three NATS servers
//! - [`nats`]: a current nats-server, by hash
//! - [`GuardedPark`] (`guarded.rs`): the same with tokens
//! - [`Clients`] (`clients.rs`): gRPC clients of a server
//! - [`Ingest`], [`AckModel`] (`ingest.rs`): a streaming client that sends until all is acknowledged and remembers every ack
//! - [`send_bytes`] (`raw_request.rs`): requests that no generated client would send
//! - [`feed`]: reads the whole record and compares it with what an [`AckModel`] was told
//! - [`LiveView`] (`live_view.rs`): the viewer's view model over a live connection
//! - [`one_building`]: a park file of the smallest park
//! - [`record`]: what a simulated park's record says, line by line
//! - [`readings`]: readings from and to CSV files, and made ones
//! - [`expect_refused`], [`expect_status`] (`refusal.rs`): what a refused call says
//! - [`Seed`] (`seed.rs`): random choices that can be made again
//! - [`processes`]: what the operating system says about processes
//! - [`TwinState`] (`twin_state.rs`): what a caller of the twin knows after some updates
//! - [`wait`]: waiting for a condition with a deadline
//!
//! # Environment
//!
//! | variable | meaning |
//! |---|---|
//! | `TERRARIUM_BIN` | the program under test; default: the one beside the test's own executable |
//! | `TERRARIUM_AVERT_TE` | folder of one grid's marginal emissions; default `../shared/data/avert-te` beside the repository |
//! | `TERRARIUM_ZNE_HOMES` | folder of the ten homes' year; default `../shared/data/zne-homes` beside the repository |
//! | `TERRARIUM_TEST_SEED` | makes the random choices of a run again |
//! | `TERRARIUM_TEST_LONG` | `1`: many more rounds |
//! | `CI` | `true`: what cannot be run is a failure |

mod binary;
mod clients;
pub mod cluster;
pub mod feed;
mod guarded;
pub mod haotian;
mod ingest;
mod live_view;
pub mod nats;
mod one_building;
mod park;
pub mod processes;
mod raw_request;
pub mod readings;
pub mod record;
mod refusal;
mod seed;
mod twin_state;
pub mod wait;

pub use binary::{
    Outcome, avert_te_folder, binary, command, repository, run, run_with_input, viewer_binary,
    zne_homes_folder,
};
pub use clients::{Clients, connect};
pub use cluster::{Cluster, ClusterPlan};
pub use guarded::{GuardedPark, with_token};
pub use ingest::{Ack, AckModel, Ingest};
pub use live_view::LiveView;
pub use one_building::one_building;
pub use park::{Endpoint, Park, StartFailure, State};
pub use raw_request::send_bytes;
pub use refusal::{expect_refused, expect_status};
pub use seed::Seed;
pub use twin_state::{Shown, TwinState};

/// Whether the many rounds were asked for.
pub fn is_long() -> bool {
    std::env::var("TERRARIUM_TEST_LONG").is_ok_and(|value| value == "1")
}
