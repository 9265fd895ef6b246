//! The generated messages, services and clients, in the packages of the protos; the clients are for measuring and testing.
// The protocol has messages that nothing here sends.
#![allow(clippy::all, dead_code, missing_docs)]

pub mod google {
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

pub mod event_store {
    pub mod client {
        tonic::include_proto!("event_store.client");

        pub mod streams {
            tonic::include_proto!("event_store.client.streams");
        }
        pub mod gossip {
            tonic::include_proto!("event_store.client.gossip");
        }
        pub mod server_features {
            tonic::include_proto!("event_store.client.server_features");
        }
    }
}

/// The Streams service as it is served: with the messages of every event read and written by hand.
pub(super) mod served {
    tonic::include_proto!("served/event_store.client.streams");
}

pub use event_store::client as shared;
pub use event_store::client::{gossip, server_features, streams};
