use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use prost::Message;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::Code;

use super::super::fuzzing::received;
use super::super::protocol::streams::BatchAppendReq;
use super::super::protocol::streams::batch_append_req::ProposedMessage;
use super::super::protocol::streams::batch_append_resp;
use super::super::protocol::streams::batch_append_resp::success::CurrentRevisionOption;
use super::super::request::{CONTENT_TYPE, JSON, TYPE};
use super::*;
use crate::writer::QUEUED_BYTES;

fn ask(deadline: Instant) -> (Asked, Option<rpc::Status>) {
    let asked = Asked {
        correlation_id: shared::Uuid::default(),
        stream: Arc::from("a"),
        expected: ExpectedRevision::Any,
        echoed: ExpectedStreamPosition::Any(()),
        deadline,
    };
    (asked, None)
}

#[tokio::test]
async fn an_append_that_was_answered_as_overdue_leaves_the_next_one_its_own_result() {
    let now = Instant::now();
    let (sender, answered) = oneshot::channel();
    let asks = [now, now, now + WRITE_DEADLINE].map(ask).into();
    let mut group = Group::new(asks, Pending::of(answered, 3));
    let mut alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
    let mut next = async || {
        let answer = std::future::poll_fn(|context| group.poll_answer(context, &mut alarm)).await;
        answer.and_then(|answer| answer.result)
    };
    for _ in 0..2 {
        let overdue = next().await;
        assert_eq!(
            overdue,
            Some(batch_append_resp::Result::Error(timeout_in_band()))
        );
    }
    let written = |revision| {
        Ok(Written {
            revision: Some(revision),
            position: None,
            already_there: false,
        })
    };
    let results = (7..10).map(written).collect();
    sender.send(results).expect("it is waited for");
    let Some(batch_append_resp::Result::Success(success)) = next().await else {
        panic!("the third append has a result");
    };
    let revision = success.current_revision_option;
    assert_eq!(revision, Some(CurrentRevisionOption::CurrentRevision(9)));
    assert_eq!(next().await, None);
}

fn opened() -> (TempDir, EventStore) {
    let folder = TempDir::new().expect("a temporary folder");
    let (store, _) = EventStore::open(folder.path()).expect("an empty store opens");
    (folder, store)
}

fn structured(number: u128) -> shared::Uuid {
    let (most, least) = Uuid::from_u128(number).as_u64_pair();
    let parts = shared::uuid::Structured {
        most_significant_bits: most.cast_signed(),
        least_significant_bits: least.cast_signed(),
    };
    shared::Uuid {
        value: Some(shared::uuid::Value::Structured(parts)),
    }
}

fn event(id: u128) -> ProposedMessage {
    let metadata = [(TYPE, "happened"), (CONTENT_TYPE, JSON)];
    ProposedMessage {
        id: Some(structured(id)),
        metadata: metadata
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        data: Bytes::from_static(b"{}"),
        ..ProposedMessage::default()
    }
}

/// A chunk of the append `number` to stream `s-<number>`; the first one has the options.
fn chunk(
    number: u128,
    is_first: bool,
    is_final: bool,
    events: Vec<ProposedMessage>,
) -> BatchAppendReq {
    let options = batch_append_req::Options {
        stream_identifier: Some(shared::StreamIdentifier {
            stream_name: format!("s-{number}").into(),
        }),
        deadline_option: None,
        expected_stream_position: Some(ExpectedStreamPosition::Any(())),
    };
    BatchAppendReq {
        correlation_id: Some(structured(number)),
        options: is_first.then_some(options),
        proposed_messages: events,
        is_final,
    }
}

fn append(number: u128) -> BatchAppendReq {
    chunk(number, true, true, vec![event(number)])
}

/// Which append an answer is of, and whether it was done.
fn told(answer: Result<BatchAppendResp, Status>) -> Result<(u128, bool), Status> {
    let answer = answer?;
    let number = uuid(answer.correlation_id).expect("it was sent").as_u128();
    let is_done = matches!(answer.result, Some(batch_append_resp::Result::Success(_)));
    Ok((number, is_done))
}

/// A call that brings these messages and then ends.
fn call(store: &EventStore, messages: impl IntoIterator<Item = Bytes>) -> Answers {
    let messages: Vec<Bytes> = messages.into_iter().collect();
    let (sender, stopped) = watch::channel(false);
    // The server goes on for as long as the test does.
    std::mem::forget(sender);
    answer(store.clone(), received(stream::iter(messages)), stopped)
}

fn encoded(requests: impl IntoIterator<Item = BatchAppendReq>) -> Vec<Bytes> {
    let encode = |request: BatchAppendReq| Bytes::from(request.encode_to_vec());
    requests.into_iter().map(encode).collect()
}

#[tokio::test]
async fn a_refused_append_between_good_ones_is_answered_in_its_place() {
    let (_folder, store) = opened();
    let nameless = ProposedMessage {
        metadata: [(CONTENT_TYPE.to_owned(), JSON.to_owned())].into(),
        ..event(2)
    };
    let requests = [append(1), chunk(2, true, true, vec![nameless]), append(3)];
    let answers: Vec<_> = call(&store, encoded(requests)).map(told).collect().await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [(1, true), (2, false), (3, true)]);
    assert_eq!(store.stream_revision("s-2"), 0);
}

#[tokio::test]
async fn appends_whose_chunks_come_mixed_are_put_together_by_their_ids() {
    let (_folder, store) = opened();
    let requests = [
        chunk(1, true, false, vec![event(11), event(12)]),
        chunk(2, true, false, vec![event(21)]),
        chunk(1, false, false, vec![]),
        chunk(2, false, true, vec![event(22)]),
        append(3),
        chunk(1, false, true, vec![event(13)]),
    ];
    let answers: Vec<_> = call(&store, encoded(requests)).map(told).collect().await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [(2, true), (3, true), (1, true)]);
    for (stream, ids) in [("s-1", vec![11, 12, 13]), ("s-2", vec![21, 22])] {
        let events = store.read_stream(stream, 0, 10).expect("readable");
        let found: Vec<u128> = events.iter().map(|event| event.id.as_u128()).collect();
        assert_eq!(found, ids, "{stream}");
    }
}

#[tokio::test]
async fn more_appends_than_may_be_in_flight_are_all_answered_in_their_order() {
    let (_folder, store) = opened();
    let count = 3 * APPENDS_IN_FLIGHT as u128 + 7;
    let mut answers = call(&store, encoded((1..=count).map(append))).map(told);
    for number in 1..=count {
        let answer = answers.next().await.expect("an answer for each");
        assert_eq!(answer.expect("the call goes on"), (number, true));
    }
    assert!(answers.next().await.is_none());
    assert_eq!(u128::from(store.statistics().events), count);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_ends_the_call_with_the_reason_behind_the_answers() {
    let (_folder, store) = opened();
    let mut messages = encoded([append(1), append(2)]);
    messages.push(Bytes::from_static(b"\xff\xff\xff"));
    messages.extend(encoded([append(3)]));
    let mut answers = call(&store, messages).map(told);
    for number in [1, 2] {
        let answer = answers.next().await.expect("an answer");
        assert_eq!(answer.expect("it came before"), (number, true));
    }
    let end = answers.next().await.expect("the reason");
    assert_eq!(end.expect_err("no answer").code(), Code::Internal);
    assert!(answers.next().await.is_none());
    assert_eq!(store.stream_revision("s-3"), 0);
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_and_then_says_so() {
    let (_folder, store) = opened();
    let (stop, stopped) = watch::channel(false);
    // The client would send more.
    let messages = stream::iter(encoded([append(1), append(2), append(3)]));
    let requests = received(messages.chain(stream::pending()));
    let mut answers = answer(store.clone(), requests, stopped).map(told);
    let mut told = Vec::from_iter(answers.next().now_or_never().flatten());
    stop.send_replace(true);
    while let Some(answer) = answers.next().await {
        told.push(answer);
    }
    let end = told.pop().expect("it is said").expect_err("at the end");
    assert_eq!(end.code(), Code::Unavailable);
    let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
    assert_eq!(told, [(1, true), (2, true), (3, true)]);
}

#[tokio::test]
async fn appends_wait_while_what_is_queued_holds_as_much_memory_as_it_may() {
    let (_folder, store) = opened();
    let held = store.room_for(QUEUED_BYTES as usize).await;
    let mut answers = call(&store, encoded([append(1), append(2)])).map(told);
    assert!(answers.next().now_or_never().is_none());
    let alone = Append {
        stream: Arc::from("alone"),
        expected: ExpectedRevision::Any,
        events: Vec::new(),
    };
    let Err(given_back) = store.try_queue(vec![alone], 1) else {
        panic!("there is no room");
    };
    assert_eq!(&*given_back[0].stream, "alone");
    assert_eq!(store.statistics().events, 0);
    drop(held);
    for number in [1, 2] {
        let answer = answers.next().await.expect("an answer");
        assert_eq!(answer.expect("there is room"), (number, true));
    }
    // The writer gives back all that it took.
    let _all = store.room_for(QUEUED_BYTES as usize).await;
}

#[test]
fn unfinished_appends_count_by_the_messages_that_they_keep_in_memory() {
    let mut unfinished = UnfinishedAppends::default();
    let mut take = |number, is_first, is_final| {
        let request = chunk(number, is_first, is_final, vec![event(number)]);
        unfinished.take(AppendChunk {
            message_bytes: UNFINISHED_BYTES / 4,
            ..AppendChunk::from(request)
        })
    };
    for number in 1..=4 {
        assert!(take(number, true, false).expect("there is room").is_none());
    }
    let finished = take(4, false, true).expect("it makes room");
    assert_eq!(finished.expect("finished").events.len(), 2);
    assert!(take(5, true, false).expect("there is room").is_none());
    let Err(status) = take(6, true, false) else {
        panic!("too much");
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
}
