//! The bus dies, forgets, or is full.

use std::collections::BTreeMap;

use terrarium_journal::{CommitConsumer, SubmitError};

use crate::world::{
    World, draw, draw_patiently, heavy_submission, new_events, stream, submission, wait_for,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_server_that_is_killed_again_and_again_costs_retries_and_nothing_else() {
    let (world, recorder) = World::with_recorder().await;
    let mut callers = Vec::new();
    for caller in 0..3_u64 {
        let desk = world.desk().await;
        let name = stream(&format!("killed-{caller}"));
        callers.push(tokio::spawn(async move {
            let mut acknowledged = BTreeMap::new();
            let mut refusals = 0;
            for number in 0..120 {
                let people = vec![number * 2, number * 2 + 1];
                let (recorded, refused) = draw_patiently(&desk, &name, people).await;
                refusals += refused;
                acknowledged.insert(number, recorded.1.expect("it rests on the record"));
            }
            (name, acknowledged, refusals)
        }));
    }
    for kills in 1..=4 {
        let enough = kills * 100;
        wait_for("progress", async || {
            world.sound_record().await.len() >= enough
        })
        .await;
        world.kill_nats();
    }
    let mut refusals = 0;
    for caller in callers {
        let (name, acknowledged, refused) = caller.await.expect("no panic");
        refusals += refused;
        let there = world
            .store
            .read_stream(name.as_str(), 0, 1_000)
            .await
            .expect("readable");
        assert_eq!(there.len(), 240, "{name}");
        for (number, position) in acknowledged {
            let person = u64::from_le_bytes(
                there[number as usize * 2].data[..8]
                    .try_into()
                    .expect("8 bytes"),
            );
            assert_eq!(person, number * 2, "drawn in the order of the calls");
            assert!(there[number as usize * 2 + 1].position <= position);
        }
    }
    assert!(refusals > 0, "killing went unnoticed");
    assert_eq!(world.sound_record().await.len(), 720);
    recorder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_decisions_survive_a_kill_in_their_midst() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    let name = stream("pipelined");
    let mut sent = 0;
    let mut recorded = 0;
    for round in 0..4 {
        let mut pending = Vec::new();
        for number in 0..100_u64 {
            if number == 50 {
                world.kill_nats();
            }
            // While the server is away it is refused at once.
            if let Ok(submitted) = desk.submit(submission(&name, [round * 100 + number])).await {
                pending.push(submitted);
            }
            sent += 1;
        }
        for pending in pending {
            recorded += pending.recorded().await.as_ref().map_or(0, new_events);
        }
        let (again, _) = draw_patiently(&desk, &name, (0..(round + 1) * 100).collect()).await;
        recorded += new_events(&again);
    }
    assert_eq!(world.sound_record().await.len(), sent);
    assert!(recorded <= sent, "{recorded} of {sent}");
    recorder.stop().await;
}

#[tokio::test]
async fn a_bus_that_lost_all_it_had_while_everyone_was_connected_is_used_again() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    draw(&desk, &stream("a"), 0..10).await.expect("recorded");
    world.delete_jetstream();
    world.kill_nats();
    let (recorded, _) = draw_patiently(&desk, &stream("a"), (0..20).collect()).await;
    assert!(new_events(&recorded) <= 10);
    assert_eq!(world.sound_record().await.len(), 20);
    recorder.stop().await;
}

#[tokio::test]
async fn after_a_restart_with_an_empty_bus_everything_acknowledged_is_known() {
    let (world, recorder) = World::with_recorder().await;
    draw(&world.desk().await, &stream("a"), 0..10)
        .await
        .expect("recorded");
    recorder.stop().await;
    let world = world.with_new_bus().await;
    let recorder = world.start_recorder().await;
    let recorded = draw(&world.desk().await, &stream("a"), 0..12)
        .await
        .expect("recorded");
    assert_eq!(new_events(&recorded), 2);
    assert_eq!(world.sound_record().await.len(), 12);
    recorder.stop().await;
}

#[tokio::test]
async fn a_full_bus_refuses_for_now_and_takes_commits_again_once_the_recorder_has_caught_up() {
    const ROOM_BYTES: i64 = 300_000;
    let world = World::new().await;
    let bus = CommitConsumer::connect_with_room(&world.nats.url(), 1, ROOM_BYTES)
        .await
        .expect("the bus is up");
    let desk = world.desk().await;
    // More than there is room for, and nobody records.
    let mut pending = Vec::new();
    for number in 0..8 {
        let heavy = heavy_submission(&stream(&format!("heavy-{number}")), [number], 60_000);
        pending.push(desk.submit(heavy).await.expect("sent"));
    }
    let overflow = pending.split_off(7).remove(0);
    let error = overflow.recorded().await.expect_err("no room");
    let SubmitError::Unavailable(reason) = &error else {
        panic!("{error}")
    };
    assert!(reason.contains("maximum bytes exceeded"), "{reason}");
    assert_eq!(world.sound_record().await.len(), 0);

    let recorder = world.record_from(bus);
    let mut refused = 0;
    for pending in pending {
        refused += usize::from(pending.recorded().await.is_err());
    }
    assert!(
        (1..7).contains(&refused),
        "some fit and some do not: {refused}"
    );
    for number in 0..8 {
        draw_patiently(&desk, &stream(&format!("heavy-{number}")), vec![number]).await;
    }
    assert_eq!(world.sound_record().await.len(), 8);
    recorder.stop().await;
}

#[tokio::test]
async fn a_submission_without_a_server_is_refused_at_once_and_its_stream_is_usable_later() {
    let (world, recorder) = World::with_recorder().await;
    let desk = world.desk().await;
    draw(&desk, &stream("a"), [1]).await.expect("recorded");
    world.kill_nats();
    wait_for("refusal", async || {
        matches!(
            draw(&desk, &stream("a"), [2]).await,
            Err(SubmitError::Unavailable(_))
        ) || world.nats.starts() > 1
    })
    .await;
    draw_patiently(&desk, &stream("a"), vec![1, 2]).await;
    assert_eq!(world.sound_record().await.len(), 2);
    recorder.stop().await;
}
