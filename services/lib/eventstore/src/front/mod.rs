//! The EventStoreDB gRPC protocol, so that the official clients of EventStoreDB and KurrentDB can use a store.
//!
//! Written from the MIT-licensed protos and the behaviour of the clients.
//!
//! - [`Front`] (`server.rs`) listens: TCP, TLS, credentials ([`Users`]), `/health/live`, stopping
//! - `streams.rs` answers the calls: Read (`read.rs`, `read_all.rs`, by `pages.rs`; subscriptions in
//!   `follow.rs`), Append, BatchAppend (`batch.rs`), Delete, Tombstone
//! - `discovery.rs` says what is supported, and who leads: this server
//! - `request.rs` and `reply.rs` are between the protocol's messages and the store's words; `append_chunk.rs` and
//!   `read_answer.rs` are the messages of every event, read and written by hand, and `codec.rs` knows them
//! - `failure.rs` is how failures look on the wire
//! - `connection.rs` keeps small messages from waiting in TCP
//!
//! Everything else that the protocol knows (persistent subscriptions, projections, users, operations, monitoring) is answered
//! with UNIMPLEMENTED.

mod append_chunk;
mod batch;
mod codec;
mod connection;
mod credentials;
mod discovery;
mod failure;
mod follow;
pub(crate) mod fuzzing;
mod pages;
pub mod protocol;
mod read;
mod read_all;
mod read_answer;
mod reply;
mod request;
mod server;
mod streams;

pub use credentials::{CredentialsError, Users};
pub use server::{Front, FrontError, FrontSettings, TlsIdentity};
