//! Follow and replay.

use std::time::{Duration, Instant};

use terrarium_proto::twin::v1 as twin;
use terrarium_proto::twin::v1::moment::At;
use terrarium_tests::{Clients, Park, TwinState};
use tokio_stream::StreamExt;

use crate::{PARK, extent_ms, import, imported, state};

/// Takes updates until all that is recorded is in. Gives how many there were, and how many values told nothing new.
async fn take_until(
    updates: &mut tonic::Streaming<twin::TwinUpdate>,
    state: &mut TwinState,
    position: u64,
) -> (usize, usize) {
    let (mut taken, mut told_again) = (0, 0);
    let mut last_position = None;
    loop {
        let update = updates
            .next()
            .await
            .expect("it goes on")
            .expect("an update");
        assert!(update.position >= last_position, "positions never go back");
        last_position = update.position;
        told_again += state.take(&update);
        taken += 1;
        if update.caught_up && update.position >= Some(position) {
            assert_eq!(update.position, update.head_position);
            return (taken, told_again);
        }
    }
}

async fn follow(
    clients: &mut Clients,
    after_position: Option<u64>,
    every_ms: u32,
) -> tonic::Streaming<twin::TwinUpdate> {
    let request = twin::FollowRequest {
        park: PARK.into(),
        after_position,
        every_ms,
    };
    clients
        .twin
        .follow(request)
        .await
        .expect("it follows")
        .into_inner()
}

#[tokio::test]
async fn a_follower_goes_on_after_a_restart_without_a_gap_or_doubling() {
    let mut park = Park::of_demo();
    park.start();
    let mut known = TwinState::default();
    let mut position = import(&park, |row| row % 5 == 0);
    let mut clients = park.clients().await;
    take_until(
        &mut follow(&mut clients, None, 0).await,
        &mut known,
        position,
    )
    .await;
    for part in 1..5 {
        if part % 2 == 1 {
            park.stop();
        } else {
            park.kill();
        }
        park.start();
        clients = park.clients().await;
        let mut updates = follow(&mut clients, Some(position), 0).await;
        // Nothing is new yet: the first update says so.
        let first = updates
            .next()
            .await
            .expect("an update")
            .expect("a good one");
        assert_eq!(first.values.clone().unwrap_or_default().points.len(), 0);
        assert_eq!(first.position, Some(position));
        // Numbers are told anew, so the values before are known by name only.
        let mut later = known.with_new_numbers();
        position = import(&park, |row| row % 5 == part);
        let (_, told_again) = take_until(&mut updates, &mut later, position).await;
        assert_eq!(told_again, 0, "values that were known");
        assert_eq!(later.shown, state(&mut clients, None).await.shown);
        known = later;
    }
    park.cli(&["verify"]).expect_code(0);
}

#[tokio::test]
async fn a_slow_follower_gets_merged_updates_and_holds_nobody_up() {
    let mut park = Park::of_demo();
    park.start();
    let mut clients = park.clients().await;
    let mut slow = follow(&mut clients, None, 0).await;
    let mut paced = follow(&mut clients, None, 100).await;
    let started = Instant::now();
    let readings = 5_711;
    let position = import(&park, |_| true);
    park.state_at(position);
    // The slow one has taken nothing until now. The paced one lets a tenth of a second pass between two.
    let mut known = TwinState::default();
    let (slow_updates, _) = take_until(&mut slow, &mut known, position).await;
    assert_eq!(known.shown, state(&mut clients, None).await.shown);
    assert!(slow_updates < readings / 10, "{slow_updates} updates");
    let mut known = TwinState::default();
    let (paced_updates, _) = take_until(&mut paced, &mut known, position).await;
    assert_eq!(known.shown, state(&mut clients, None).await.shown);
    let most = started.elapsed().as_millis() / 100 + 2;
    assert!(
        paced_updates as u128 <= most,
        "{paced_updates} updates, {most} at most"
    );
}

#[tokio::test]
async fn a_replay_shows_each_moment_as_its_snapshot_does_forwards_and_backwards() {
    let park = imported();
    let mut clients = park.clients().await;
    let mut other = park.clients().await;
    let (first_ms, last_ms) = extent_ms(&mut clients).await;
    let middle_ms = first_ms + (last_ms - first_ms) / 3;
    for (from_ms, to_ms) in [
        (first_ms, middle_ms),
        (middle_ms, first_ms),
        (last_ms, middle_ms),
    ] {
        let request = twin::ReplayRequest {
            park: PARK.into(),
            from_ms,
            to_ms,
            step_ms: 1_234_567,
            speed: 0.0,
        };
        let mut updates = clients
            .twin
            .replay(request)
            .await
            .expect("a replay")
            .into_inner();
        let mut replayed = TwinState::default();
        let mut steps = 0;
        let mut shown_ms = from_ms;
        while let Some(update) = updates.next().await {
            let update = update.expect("a good update");
            assert_eq!(replayed.take(&update), 0, "values that were known");
            assert!((update.moment_ms > shown_ms) == (to_ms > from_ms) || steps == 0);
            shown_ms = update.moment_ms;
            if steps % 29 == 0 || update.caught_up {
                let snapshot = state(&mut other, Some(At::TimeMs(shown_ms))).await;
                assert_eq!(replayed.shown, snapshot.shown, "at {shown_ms}");
            }
            assert_eq!(update.caught_up, shown_ms == to_ms);
            steps += 1;
        }
        assert_eq!(shown_ms, to_ms);
        assert_eq!(steps, 1 + from_ms.abs_diff(to_ms).div_ceil(1_234_567));
    }

    // An hour of park time in a second: it takes its time, and letting go of it ends it.
    let request = twin::ReplayRequest {
        park: PARK.into(),
        from_ms: middle_ms,
        to_ms: middle_ms + 1_800_000,
        step_ms: 60_000,
        speed: 3_600.0,
    };
    let started = Instant::now();
    let mut paced = clients
        .twin
        .replay(request.clone())
        .await
        .expect("a replay")
        .into_inner();
    let mut last_ms = 0;
    while let Some(update) = paced.next().await {
        last_ms = update.expect("a good update").moment_ms;
    }
    assert_eq!(last_ms, middle_ms + 1_800_000);
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    drop(clients.twin.replay(request).await.expect("a replay"));
    state(&mut clients, None).await;
}
