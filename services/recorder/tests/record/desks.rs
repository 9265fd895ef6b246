//! Deciding and recording when nothing fails.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use terrarium_journal::{Metadata, SubmitError};

use crate::world::{World, draw, heavy_submission, new_events, stream, submission};

#[tokio::test]
async fn a_decision_is_on_disk_when_it_is_answered_and_the_same_again_is_no_news() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    let recorded = draw(&desk, &stream("a"), [1, 2, 3])
        .await
        .expect("recorded");
    assert_eq!(new_events(&recorded), 3);
    let events = world.sound_record().await;
    assert_eq!(events.len(), 3);
    assert_eq!(recorded.1, events.last().map(|event| event.position));

    let again = draw(&desk, &stream("a"), [2, 3]).await.expect("known");
    assert_eq!(
        (new_events(&again), again.1),
        (0, recorded.1),
        "the answer names the record it rests on"
    );
    let from_another_desk = draw(&world.desk().await, &stream("a"), [1, 2, 3, 4])
        .await
        .expect("recorded");
    assert_eq!(new_events(&from_another_desk), 1);
    assert_eq!(world.sound_record().await.len(), 4);
    recorder.stop().await;
}

#[tokio::test]
async fn a_desk_that_only_read_a_decision_names_what_it_read_not_the_end_that_the_store_tells_of() {
    let (world, recorder) = World::with_recorder().await;
    let first = draw(&world.desk().await, &stream("a"), [1])
        .await
        .expect("recorded");
    let later = draw(&world.desk().await, &stream("b"), [1])
        .await
        .expect("recorded");
    assert!(later.1 > first.1);
    let again = draw(&world.desk().await, &stream("a"), [1])
        .await
        .expect("known");
    assert_eq!((new_events(&again), again.1), (0, first.1));
    recorder.stop().await;
}

#[tokio::test]
async fn an_event_tells_who_asked_when_and_on_which_trail() {
    let (world, recorder) = World::with_recorder().await;
    draw(&world.desk().await, &stream("a"), [1])
        .await
        .expect("recorded");
    let events = world.sound_record().await;
    let metadata = Metadata::parse(&events[0].metadata).expect("metadata");
    assert_eq!(metadata.actor, "tester");
    assert_eq!(metadata.source, "/terrarium/test");
    assert_eq!(metadata.subject, "a");
    assert_eq!(metadata.recordedtime, "2026-11-20T19:00:00.000Z");
    assert!(
        metadata
            .traceparent
            .is_some_and(|traceparent| traceparent.starts_with("00-0af7651916cd43dd"))
    );
    recorder.stop().await;
}

#[tokio::test]
async fn a_decision_of_many_events_is_cut_into_commits_and_recorded_in_order() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    let recorded = draw(&desk, &stream("a"), 0..3_500).await.expect("recorded");
    assert_eq!(new_events(&recorded), 3_500);
    assert_eq!(world.sound_record().await.len(), 3_500);
    // A few large ones: cut by their bytes.
    let heavy = heavy_submission(&stream("b"), 0..10, 300_000);
    let recorded = desk
        .submit(heavy)
        .await
        .expect("published")
        .recorded()
        .await
        .expect("recorded");
    assert_eq!(new_events(&recorded), 10);
    assert_eq!(world.sound_record().await.len(), 3_510);
    recorder.stop().await;
}

#[tokio::test]
async fn a_decision_over_the_limit_is_refused_for_good_and_the_desk_goes_on() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    draw(&desk, &stream("a"), [1]).await.expect("recorded");
    let error = desk
        .submit(heavy_submission(&stream("a"), [2], 1 << 20))
        .await
        .err()
        .expect("over the limit");
    assert!(
        matches!(error, SubmitError::TooLarge { bytes, most } if bytes > most),
        "{error}"
    );
    assert_eq!(
        tonic::Status::from(error).code(),
        tonic::Code::InvalidArgument
    );
    let recorded = draw(&desk, &stream("a"), [3]).await.expect("recorded");
    assert_eq!(new_events(&recorded), 1);
    assert_eq!(world.sound_record().await.len(), 2);
    recorder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_desks_that_decide_about_one_stream_each_decision_is_recorded_once() {
    let (world, recorder) = World::with_recorder().await;
    let contended = stream("contended");
    let mut callers = Vec::new();
    for desk_number in 0..2_u64 {
        let desk = world.desk().await;
        let contended = contended.clone();
        callers.push(tokio::spawn(async move {
            let mut new = 0;
            for number in 0..60 {
                // One of three people asks at both desks.
                let person = if number % 3 == 0 {
                    number
                } else {
                    1_000 * (desk_number + 1) + number
                };
                loop {
                    match draw(&desk, &contended, [person]).await {
                        Ok(recorded) => break new += new_events(&recorded),
                        Err(SubmitError::Contended { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            new
        }));
    }
    let mut new = 0;
    for caller in callers {
        new += caller.await.expect("no panic");
    }
    assert_eq!(world.sound_record().await.len(), 20 + 2 * 40);
    // Of a commit that both desks wrote in the same words at the same place, both may be told that it is theirs.
    assert!((100..=120).contains(&new), "{new}");
    recorder.stop().await;
}

#[tokio::test]
async fn many_submissions_to_one_stream_may_be_on_their_way_at_once() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    let mut pending = Vec::new();
    for number in 0..200 {
        let people = number * 5..number * 5 + 5;
        pending.push(
            desk.submit(submission(&stream("a"), people))
                .await
                .expect("published"),
        );
    }
    let mut last = None;
    for pending in pending {
        let recorded = pending.recorded().await.expect("recorded");
        assert_eq!(new_events(&recorded), 5);
        assert!(recorded.1 > last);
        last = recorded.1;
    }
    assert_eq!(world.sound_record().await.len(), 1_000);
    recorder.stop().await;
}

/// A request handler is dropped when its client hangs up. Wherever that happens, what was decided but not sent must not
/// pass for recorded.
#[tokio::test]
async fn a_caller_who_gives_up_at_any_point_leaves_nothing_behind_that_passes_for_recorded() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    let mut points = 0;
    for steps in 0..40 {
        let name = stream(&format!("given-up-{steps}"));
        let mut submit = Box::pin(desk.submit(submission(&name, [7])));
        let first_poll = std::future::poll_fn(|context| {
            // Of the steps that tokio lets a task take before it has to yield, only some are left.
            leave_steps(steps, context);
            Poll::Ready(submit.as_mut().poll(context))
        })
        .await;
        if first_poll.is_pending() {
            points += 1;
        }
        drop(submit);
        // Pay back the spent steps.
        tokio::task::yield_now().await;
        let recorded = draw(&desk, &name, [7]).await.expect("recorded");
        assert!(recorded.1.is_some(), "it rests on the record");
        let there = world
            .store
            .read_stream(name.as_str(), 0, 10)
            .await
            .expect("readable");
        assert_eq!(there.len(), 1, "given up at point {steps}");
    }
    assert!(
        points > 0,
        "no point was found at which a caller can give up"
    );
    world.sound_record().await;
    recorder.stop().await;
}

fn leave_steps(steps: usize, context: &mut std::task::Context<'_>) {
    /// Of tokio: steps of a task before it yields.
    const STEPS_OF_A_TASK: usize = 128;
    for _ in steps..STEPS_OF_A_TASK {
        if pin!(tokio::task::consume_budget())
            .poll(context)
            .is_pending()
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_desk_shows_an_aggregate_as_it_is() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    draw(&desk, &stream("a"), [1, 2]).await.expect("recorded");
    let other: Arc<_> = world.desk().await;
    for desk in [desk, other] {
        let tickets = desk
            .look(&stream("a"), crate::tickets::Tickets::count)
            .await
            .expect("readable");
        assert_eq!(tickets, 2);
    }
    recorder.stop().await;
}
