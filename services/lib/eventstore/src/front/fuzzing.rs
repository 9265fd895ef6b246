//! Any bytes as requests of the protocol.

use bytes::Bytes;
use futures::StreamExt;
use prost::Message;

use super::append_chunk::AppendChunk;
use super::batch::fuzzed_append;
use super::protocol::streams::{AppendReq, DeleteReq, ReadReq, ReadResp, TombstoneReq, append_req};
use super::read::answer;
use super::request::{
    append_expectation, delete_expectation, proposed_event, read_request, stream_name,
    tombstone_expectation,
};
use crate::event::Append;
use crate::fuzzing::{Folder, runtime};
use crate::store::EventStore;

/// More answers than a small store has events.
const MAX_ANSWERS: usize = 1_000;
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// Requests to an empty store, one after the other: a byte for the kind, two for the length (little endian), then a message.
///
/// # Panics
/// When a request brings the front or the store down.
pub fn requests(bytes: &[u8]) {
    let folder = Folder::new();
    let (store, _) = EventStore::open(&folder.0).expect("an empty store opens");
    runtime().block_on(async {
        let mut rest = bytes;
        let mut expectation = None;
        while let [kind, low, high, following @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(following.len());
            let (message, after) = following.split_at(length);
            rest = after;
            // What can't be decoded is refused before it gets here.
            match kind % 5 {
                0 => {
                    if let Ok(request) = AppendChunk::decode(&Bytes::copy_from_slice(message)) {
                        fuzzed_append(&store, request).await;
                    }
                }
                1 => append(&store, message, &mut expectation).await,
                2 => {
                    if let Ok(request) = ReadReq::decode(message) {
                        read(&store, request).await;
                    }
                }
                3 => {
                    let Some(options) = DeleteReq::decode(message).ok().and_then(|r| r.options)
                    else {
                        continue;
                    };
                    let stream = stream_name(options.stream_identifier);
                    let expected = delete_expectation(options.expected_stream_revision);
                    if let (Ok(stream), Ok(expected)) = (stream, expected) {
                        let _ = store.delete(&stream, expected).await;
                    }
                }
                _ => {
                    let Some(options) = TombstoneReq::decode(message).ok().and_then(|r| r.options)
                    else {
                        continue;
                    };
                    let stream = stream_name(options.stream_identifier);
                    let expected = tombstone_expectation(options.expected_stream_revision);
                    if let (Ok(stream), Ok(expected)) = (stream, expected) {
                        let _ = store.tombstone(&stream, expected).await;
                    }
                }
            }
        }
    });
    store.close();
    let (store, _) = EventStore::open(&folder.0).expect("what was written opens");
    store.close();
}

/// Messages of appends: the options count for the events that follow.
async fn append(store: &EventStore, message: &[u8], open: &mut Option<append_req::Options>) {
    match AppendReq::decode(message)
        .ok()
        .and_then(|request| request.content)
    {
        Some(append_req::Content::Options(options)) => *open = Some(options),
        Some(append_req::Content::ProposedMessage(event)) => {
            let Some(options) = open.clone() else { return };
            let stream = stream_name(options.stream_identifier);
            let expected = append_expectation(options.expected_stream_revision);
            let event =
                proposed_event(event.id, &event.metadata, event.custom_metadata, event.data);
            if let (Ok(stream), Ok(expected), Ok(event)) = (stream, expected, event) {
                let append = Append {
                    stream,
                    expected,
                    events: vec![event],
                };
                // Refusals are answers, too.
                let _ = store.append_to(append).await;
            }
        }
        None => {}
    }
}

async fn read(store: &EventStore, request: ReadReq) {
    let Ok(request) = read_request(request) else {
        return;
    };
    let Ok(answers) = answer(store, request) else {
        return;
    };
    let mut answers = answers.take(MAX_ANSWERS);
    // A subscription goes on for ever.
    while let Ok(Some(answer)) = tokio::time::timeout(PATIENCE, answers.next()).await {
        if let Ok(answer) = answer {
            ReadResp::decode(answer.encoded()).expect("a message");
        }
    }
}
