//! The journal's [`EventStore`](terrarium_journal::EventStore) port over the EventStoreDB protocol: the official client, and a
//! server by URL, ours (`terrarium eventstore serve`) or a cluster.
//!
//! - [`RemoteStore`] (`store.rs`) is the adapter
//! - `supervisor.rs` makes a new client when the present one has given up: it never comes back by itself
//! - `write.rs` appends: many commits over one batch session, and those of a session that ended one by one
//! - `read.rs` reads, and knows which streams there are
//! - `follow.rs` learns how far the record goes
//! - `convert.rs` is between the client's words and the journal's
//!
//! # What differs from the embedded store
//!
//! - A server that is away is waited for, for a while; then the answer is `Unavailable`, and sending again is harmless.
//! - A commit that expects no events is taken by a stream that was deleted softly, and continues its numbering.
//! - Times are those of the server, in whole seconds: the client cuts the rest.
//!
//! # TLS
//!
//! The client brings a cryptography provider and installs it for the whole process; it panics if there is one already. So
//! [`RemoteStore::connect`] comes before everything else that uses TLS.

mod convert;
mod follow;
mod read;
mod store;
mod supervisor;
mod write;

pub use store::{ConnectError, RemoteStore};
