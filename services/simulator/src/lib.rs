//! The devices of a park, driven through the public gRPC APIs like any other client.
