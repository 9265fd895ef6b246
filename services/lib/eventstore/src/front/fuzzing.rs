//! Any bytes as requests of the protocol.

use std::convert::Infallible;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use prost::Message;
use tokio::sync::watch;
use tonic::Streaming;

use super::append_chunk::AppendChunk;
use super::batch;
use super::codec::FrontCodec;
use super::protocol::streams::{
    AppendReq, BatchAppendReq, DeleteReq, ReadReq, ReadResp, TombstoneReq, append_req,
};
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
/// Batch appends that follow each other come over one call.
///
/// # Panics
/// When a request brings the front or the store down, or is read in two ways.
pub fn requests(bytes: &[u8]) {
    let folder = Folder::new();
    let (store, _) = EventStore::open(&folder.0).expect("an empty store opens");
    runtime().block_on(async {
        let mut rest = bytes;
        let mut expectation = None;
        let mut chunks = Vec::new();
        while let [kind, low, high, following @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(following.len());
            let (message, after) = following.split_at(length);
            rest = after;
            if kind % 5 == 0 {
                chunks.push(Bytes::copy_from_slice(message));
                continue;
            }
            batch_append(&store, &mut chunks).await;
            // What can't be decoded is refused before it gets here.
            match kind % 5 {
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
        batch_append(&store, &mut chunks).await;
    });
    store.close();
    let (store, _) = EventStore::open(&folder.0).expect("what was written opens");
    store.close();
}

/// One call of BatchAppend with these messages, which are taken.
async fn batch_append(store: &EventStore, chunks: &mut Vec<Bytes>) {
    let chunks = std::mem::take(chunks);
    if chunks.is_empty() {
        return;
    }
    for chunk in &chunks {
        let generated = BatchAppendReq::decode(chunk.clone()).map(|request| AppendChunk {
            message_bytes: chunk.len(),
            ..AppendChunk::from(request)
        });
        assert_eq!(AppendChunk::decode(chunk), generated, "two ways to read it");
    }
    let most = chunks.len();
    let (_stop, stopped) = watch::channel(false);
    let mut answers = batch::answer(store.clone(), received(stream::iter(chunks)), stopped);
    let mut answered = 0;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(answer) => {
                assert!(answer.correlation_id.is_some() && answer.result.is_some());
                answered += 1;
            }
            Err(_) => assert!(answers.next().await.is_none(), "a failure is the end"),
        }
    }
    assert!(answered <= most, "{answered} answers to {most} messages");
}

/// The messages of a call as HTTP/2 brings them.
pub(super) fn received(
    messages: impl Stream<Item = Bytes> + Send + 'static,
) -> Streaming<AppendChunk> {
    let framed = messages.map(|message| {
        // Not compressed, its length, the message: gRPC over HTTP/2, "Length-Prefixed-Message".
        let mut frame = BytesMut::with_capacity(5 + message.len());
        frame.put_u8(0);
        frame.put_u32(message.len() as u32);
        frame.extend_from_slice(&message);
        Ok::<_, Infallible>(frame.freeze())
    });
    let decoder = FrontCodec::<(), AppendChunk>::default();
    Streaming::new_request(decoder, Body::from_stream(framed), None, None)
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
    let Ok(answers) = answer(store, request).await else {
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
