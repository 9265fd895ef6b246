//! Compiles the protocol's protos without an installed protoc.

use std::path::PathBuf;

use tonic_prost_build::Builder;

/// Messages that the server reads and writes by hand, because they come once or more for every event.
const BY_HAND: [(&str, &str); 2] = [
    (
        ".event_store.client.streams.ReadResp",
        "crate::front::read_answer::ReadAnswer",
    ),
    (
        ".event_store.client.streams.BatchAppendReq",
        "crate::front::append_chunk::AppendChunk",
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let discovery = protox::compile(["gossip.proto", "serverfeatures.proto"], ["proto"])?;
    messages().compile_fds(discovery)?;
    let streams = protox::compile(["streams.proto"], ["proto"])?;
    messages()
        .build_server(false)
        .compile_fds(streams.clone())?;
    let served = PathBuf::from(std::env::var("OUT_DIR")?).join("served");
    std::fs::create_dir_all(&served)?;
    let server = messages()
        .build_client(false)
        .out_dir(served)
        .codec_path("crate::front::codec::FrontCodec")
        .extern_path(
            ".event_store.client",
            "crate::front::protocol::event_store::client",
        )
        .extern_path(".google.rpc", "crate::front::protocol::google::rpc");
    BY_HAND
        .iter()
        .fold(server, |server, (message, by_hand)| {
            server.extern_path(message, by_hand)
        })
        .compile_fds(streams)?;
    Ok(())
}

fn messages() -> Builder {
    tonic_prost_build::configure().bytes(".").btree_map(".")
}
