//! From the condition to the operator and back: raised, seen, shelved, cleared, once each.

use super::*;

/// By the wall's clock, with tokens, and a restart between the raise and whoever sees it.
#[tokio::test(flavor = "multi_thread")]
async fn an_overflowing_bin_is_raised_seen_by_an_operator_and_cleared() {
    let (_folder, park) = park_of("wall");
    let guarded = GuardedPark::new(park);
    let operator = guarded.token("shift-2", "operator", None);
    let auditor = guarded.token("auditor-1", "auditor", None);
    let mut park = guarded.park;
    park.start();
    let report = |fill_l: i64, minute: i64| waste::ReportBinsRequest {
        park: PARK.into(),
        measurements: vec![waste::BinMeasurement {
            bin: "bin-1".into(),
            time: rfc3339(MORNING_MS + minute * MINUTE_MS),
            fill_l,
            weight_g: 1_000,
        }],
        client_request_id: String::new(),
    };
    let channel = park.clients().await.channel;
    WasteServiceClient::new(channel.clone())
        .report_bins(with_token(&operator, report(230, 0)))
        .await
        .expect("a full bin");
    let mut watch = Watch::begin(&channel, &auditor).await;
    let raised = watch.next(BIN, "AlarmRaisedV1").await;
    assert_eq!(raised.time_ms, MORNING_MS);
    drop((watch, channel));
    park.stop();
    park.start();

    let channel = park.clients().await.channel;
    let mut service = AlarmServiceClient::new(channel.clone());
    let request = wire::ListAlarmsRequest { park: PARK.into() };
    let listed = service
        .list_alarms(with_token(&auditor, request))
        .await
        .expect("an auditor may look")
        .into_inner();
    let states: Vec<(String, AlarmState)> = listed
        .alarms
        .iter()
        .filter(|alarm| alarm.is_active)
        .map(|alarm| {
            let definition = alarm.definition.clone().expect("defined");
            (definition.alarm, alarm.state())
        })
        .collect();
    assert_eq!(states, [(BIN.to_owned(), AlarmState::Unacknowledged)]);
    let seen = acknowledge(BIN, &raised.event_id, "ack-1");
    let refused = service
        .acknowledge_alarm(with_token(&auditor, seen.clone()))
        .await
        .expect_err("an auditor decides nothing");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let answer = service
        .acknowledge_alarm(with_token(&operator, seen.clone()))
        .await
        .expect("seen")
        .into_inner();
    assert_eq!(
        (answer.state(), answer.recorded),
        (AlarmState::Acknowledged, true)
    );
    let again = service
        .acknowledge_alarm(with_token(&operator, seen))
        .await
        .expect("sent again")
        .into_inner();
    assert_eq!(
        (again.state(), again.recorded),
        (AlarmState::Acknowledged, false)
    );

    WasteServiceClient::new(channel.clone())
        .report_bins(with_token(&operator, report(0, 10)))
        .await
        .expect("an empty bin");
    let mut watch = Watch::begin(&channel, &auditor).await;
    let seen = watch.next(BIN, "AlarmAcknowledgedV1").await;
    let shown = seen.alarm.expect("an alarm");
    assert_eq!(
        (shown.actor.as_str(), shown.reason.as_str()),
        ("shift-2", "on my way")
    );
    let cleared = watch.next(BIN, "AlarmClearedV1").await;
    assert_eq!(cleared.time_ms, MORNING_MS + 10 * MINUTE_MS);
    let shown = cleared.alarm.expect("an alarm");
    assert_eq!(
        (shown.state(), shown.is_active),
        (AlarmState::Normal, false)
    );
    assert_eq!(shown.occurrence, raised.event_id);
    drop((watch, service, channel));
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_raising_leaves_exactly_one_raise() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let mut now_ms = MORNING_MS;
    for round in 0..6u32 {
        now_ms += 10 * MINUTE_MS;
        let channel = park.clients().await.channel;
        advance(&channel, now_ms).await;
        // Killed at another moment each round: the report is on record, the raise may be or not.
        report_bin(&channel, "bin-1", now_ms, 230).await;
        for _ in 0..round {
            tokio::task::yield_now().await;
            list(&channel).await;
        }
        drop(channel);
        park.kill();
        park.start();

        let channel = park.clients().await.channel;
        now_ms += MINUTE_MS;
        advance(&channel, now_ms).await;
        assert_eq!(
            alarm(&channel, BIN).await.state(),
            AlarmState::Unacknowledged
        );
        report_bin(&channel, "bin-1", now_ms, 0).await;
        now_ms += MINUTE_MS;
        advance(&channel, now_ms).await;
        assert_eq!(
            alarm(&channel, BIN).await.state(),
            AlarmState::ReturnedUnacknowledged
        );
    }
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    feed::expect_sound(&events);
    let alarms = of_alarms(&events);
    let expected: Vec<&str> = (0..12)
        .map(|place| ["AlarmRaisedV1", "AlarmClearedV1"][place % 2])
        .collect();
    assert_eq!(short_types(&alarms), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn shelving_ends_at_its_time_and_the_alarm_shows_itself_again() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let channel = park.clients().await.channel;
    let mut service = AlarmServiceClient::new(channel.clone());
    advance(&channel, MORNING_MS).await;
    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS).await;
    assert_eq!(list(&channel).await.annunciated_in_10_minutes, 1);
    let until_ms = MORNING_MS + 5 * MINUTE_MS;
    let answer = service
        .shelve_alarm(shelve(BIN, until_ms, "the crew is on its way", "s-1"))
        .await
        .expect("shelved")
        .into_inner();
    assert_eq!(answer.state(), AlarmState::Shelved);
    // What is shelved stays shelved over a restart, and its time still comes.
    drop((service, channel));
    park.stop();
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, until_ms - 1).await;
    let shelved = alarm(&channel, BIN).await;
    assert_eq!(shelved.state(), AlarmState::Shelved);
    assert_eq!(shelved.shelved_until_ms, Some(until_ms));
    assert_eq!(shelved.reason, "the crew is on its way");
    advance(&channel, until_ms + HOUR_MS).await;
    let back = alarm(&channel, BIN).await;
    assert_eq!(back.state(), AlarmState::Unacknowledged);
    assert_eq!(
        back.changed_ms,
        Some(until_ms),
        "it ended when its time came"
    );
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    let alarms = of_alarms(&events);
    assert_eq!(
        short_types(&alarms),
        ["AlarmRaisedV1", "AlarmShelvedV1", "AlarmUnshelvedV1"]
    );
    let ended = wire::AlarmUnshelvedV1::decode(alarms[2].data.clone()).expect("a payload");
    assert_eq!(ended.cause(), wire::UnshelveCause::Time);
    drop(channel);
    park.stop();
}
