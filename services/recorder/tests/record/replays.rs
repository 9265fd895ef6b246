//! The bus may hold anything: old commits, refused ones, junk.

use async_nats::jetstream::message::StreamMessage;
use bytes::Bytes;
use prost::Message;
use terrarium_model::UnixMillis;
use terrarium_proto::journal::v1::{CommitEvent, CommitV1};

use crate::tickets::TICKET_DRAWN;
use crate::world::{World, draw, new_events, stream, submission};

/// All commits that the bus holds, as they are.
async fn copy_of_the_bus(world: &World) -> Vec<StreamMessage> {
    let stranger = world.stranger().await;
    let mut bus = stranger.get_stream("COMMITS").await.expect("it is there");
    let state = bus.info().await.expect("it answers").state.clone();
    let mut messages = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        messages.push(bus.get_raw_message(sequence).await.expect("it is held"));
    }
    messages
}

async fn put_on_the_bus(world: &World, subject: impl Into<String>, payload: Bytes) {
    let stranger = world.stranger().await;
    let acknowledgement = stranger
        .publish(subject.into(), payload)
        .await
        .expect("sent");
    acknowledgement.await.expect("taken");
}

/// Everything that was on the bus before is handled when this is recorded.
async fn pass_through(world: &World) {
    let desk = world.desk().await;
    draw(&desk, &stream("last-in-line"), [rand_person()])
        .await
        .expect("recorded");
}

fn rand_person() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1 << 40);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn commits_that_come_again_from_an_old_bus_in_any_order_change_nothing() {
    let world = World::new().await;
    drop(world.consumer().await);
    let desk = world.desk().await;
    let mut pending = Vec::new();
    for number in 0..30 {
        let name = stream(if number % 2 == 0 { "even" } else { "odd" });
        pending.push(
            desk.submit(submission(&name, [number, number + 100]))
                .await
                .expect("published"),
        );
    }
    let old = copy_of_the_bus(&world).await;
    assert_eq!(old.len(), 30);
    let recorder = world.start_recorder().await;
    for pending in pending {
        pending.recorded().await.expect("recorded");
    }
    assert_eq!(world.sound_record().await.len(), 60);
    for message in old.iter().chain(old.iter().rev()) {
        put_on_the_bus(&world, message.subject.to_string(), message.payload.clone()).await;
    }
    pass_through(&world).await;
    assert_eq!(world.sound_record().await.len(), 61);
    recorder.stop().await;
}

#[tokio::test]
async fn a_decision_made_again_at_another_time_does_not_pass_for_the_recorded_one() {
    let world = World::new().await;
    drop(world.consumer().await);
    let name = stream("twice");
    let (first, second) = (world.desk().await, world.desk().await);
    let decided = first
        .submit(submission(&name, [1, 2]))
        .await
        .expect("published");
    let mut later = submission(&name, [1, 2]);
    later.recorded_time = UnixMillis(1_795_201_201_000).into();
    let decided_again = second.submit(later).await.expect("published");
    let recorder = world.start_recorder().await;
    let mut new_events = Vec::new();
    for decision in [decided, decided_again] {
        let (results, _) = decision.recorded().await.expect("recorded");
        new_events.push(
            results
                .iter()
                .map(|result| result.as_ref().map_or(0, Vec::len))
                .sum::<usize>(),
        );
    }
    new_events.sort_unstable();
    assert_eq!(
        new_events,
        [0, 2],
        "one was recorded, for the other it was so already"
    );
    draw(&second, &name, [3]).await.expect("recorded");
    draw(&first, &name, [4]).await.expect("recorded");
    assert_eq!(world.sound_record().await.len(), 4);
    recorder.stop().await;
}

#[tokio::test]
async fn a_refused_commit_that_comes_again_when_its_stream_is_as_long_as_it_expected_is_refused_again()
 {
    let world = World::new().await;
    let bus = world.consumer().await;
    let desk = world.desk().await;
    let name = stream("a");
    // Two pipelined decisions, of which the bus loses the first.
    let lost = desk
        .submit(submission(&name, [1]))
        .await
        .expect("published");
    let refused = desk
        .submit(submission(&name, [2]))
        .await
        .expect("published");
    let old = copy_of_the_bus(&world).await;
    let stranger = world.stranger().await;
    let commits = stranger.get_stream("COMMITS").await.expect("it is there");
    assert!(
        commits
            .delete_message(old[0].sequence)
            .await
            .expect("deleted")
    );
    drop(lost);

    let recorder = world.record_from(bus);
    let recorded = refused.recorded().await.expect("decided again");
    assert_eq!(new_events(&recorded), 1);
    assert_eq!(world.sound_record().await.len(), 1);

    // The bus is replayed: the stream now holds one event, as the refused commit expected, but not the one it rests on.
    put_on_the_bus(&world, name.subject(), old[1].payload.clone()).await;
    pass_through(&world).await;
    assert_eq!(world.sound_record().await.len(), 2);

    // The lost one comes late. Its place is taken.
    put_on_the_bus(&world, name.subject(), old[0].payload.clone()).await;
    pass_through(&world).await;
    assert_eq!(world.sound_record().await.len(), 3);
    let recorded = draw(&desk, &name, [1]).await.expect("recorded");
    assert_eq!(new_events(&recorded), 1);
    world.sound_record().await;
    recorder.stop().await;
}

#[tokio::test]
async fn a_recorder_that_starts_anew_reads_what_the_bus_holds_again_and_records_nothing_twice() {
    let world = World::new().await;
    let desk = world.desk().await;
    drop(world.consumer().await);
    let mut pending = Vec::new();
    for number in 0..50 {
        pending.push(
            desk.submit(submission(&stream("a"), [number]))
                .await
                .expect("published"),
        );
    }
    // Two recorders at once: each reads everything, the store lets each commit in once.
    let first = world.start_recorder().await;
    let second = world.start_recorder().await;
    for pending in pending {
        pending.recorded().await.expect("recorded");
    }
    first.stop().await;
    draw(&desk, &stream("a"), [1_000]).await.expect("recorded");
    second.stop().await;
    assert_eq!(world.sound_record().await.len(), 51);
}

#[tokio::test]
async fn junk_on_the_bus_is_left_out_and_the_rest_goes_on() {
    let (world, recorder) = World::with_recorder().await;
    let event = CommitEvent {
        id: Bytes::from_static(&[7; 16]),
        r#type: TICKET_DRAWN.to_owned(),
        data: Bytes::from_static(&[0; 16]),
        metadata: Bytes::from_static(b"{}"),
    };
    let commit = CommitV1 {
        stream: stream("a").to_string(),
        expected_revision: 0,
        events: vec![event.clone()],
        outcome_subject: String::new(),
        commit_number: 1,
    };
    let subject = stream("a").subject();
    let changed = |change: fn(&mut CommitV1)| {
        let mut changed = commit.clone();
        change(&mut changed);
        changed
    };
    let junk = [
        Bytes::new(),
        Bytes::from_static(b"hello"),
        Bytes::from(vec![0xff; 5_000]),
        changed(|commit| commit.events.clear())
            .encode_to_vec()
            .into(),
        changed(|commit| commit.stream = "nonsense".to_owned())
            .encode_to_vec()
            .into(),
        changed(|commit| commit.events[0].id = Bytes::from_static(&[1, 2]))
            .encode_to_vec()
            .into(),
        changed(|commit| commit.expected_revision = u64::MAX)
            .encode_to_vec()
            .into(),
        // Well-formed, but not sealed by any desk.
        commit.encode_to_vec().into(),
        // Well-formed, but for another stream than its subject says.
        changed(|commit| commit.stream = stream("b").to_string())
            .encode_to_vec()
            .into(),
    ];
    for payload in junk {
        put_on_the_bus(&world, subject.clone(), payload).await;
    }
    put_on_the_bus(&world, "park.x", commit.encode_to_vec().into()).await;
    pass_through(&world).await;
    assert_eq!(world.sound_record().await.len(), 1, "only the last in line");
    let recorded = draw(&world.desk().await, &stream("a"), [1])
        .await
        .expect("recorded");
    assert_eq!(new_events(&recorded), 1);
    recorder.stop().await;
}
