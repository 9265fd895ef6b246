//! Commands that are refused, and what they say to do.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_is_refused_and_says_what_to_do() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let channel = park.clients().await.channel;
    let mut service = AlarmServiceClient::new(channel.clone());
    let early = service
        .shelve_alarm(shelve(BIN, MORNING_MS, "why not", "early"))
        .await;
    expect_refused(
        early,
        Code::FailedPrecondition,
        "park",
        "ClockService.Advance",
    );
    advance(&channel, MORNING_MS).await;
    let later = MORNING_MS + HOUR_MS;
    let nil = uuid_of_nothing();

    let nowhere = service
        .unshelve_alarm(unshelve("bin-overflow/bin-9", "1"))
        .await;
    expect_refused(nowhere, Code::NotFound, "alarm", "as ListAlarms gives it");
    let normal = service.acknowledge_alarm(acknowledge(BIN, &nil, "2")).await;
    expect_refused(
        normal,
        Code::FailedPrecondition,
        "alarm",
        "is normal; nothing waits",
    );
    let no_uuid = service.acknowledge_alarm(acknowledge(BIN, "7", "3")).await;
    expect_refused(no_uuid, Code::InvalidArgument, "occurrence", "no UUID");
    let no_id = service.unshelve_alarm(unshelve(BIN, "")).await;
    expect_refused(
        no_id,
        Code::InvalidArgument,
        "client_request_id",
        "needs one",
    );
    let in_service = service
        .set_alarm_service(set_service(BIN, false, "4"))
        .await;
    expect_refused(
        in_service,
        Code::FailedPrecondition,
        "alarm",
        "it is in service",
    );
    let not_shelved = service.unshelve_alarm(unshelve(BIN, "5")).await;
    expect_refused(
        not_shelved,
        Code::FailedPrecondition,
        "alarm",
        "only a shelved alarm",
    );
    let no_reason = service.shelve_alarm(shelve(BIN, later, " ", "6")).await;
    expect_refused(no_reason, Code::InvalidArgument, "reason", "say why");
    let long = "x".repeat(501);
    let too_long = service.shelve_alarm(shelve(BIN, later, &long, "7")).await;
    expect_refused(too_long, Code::InvalidArgument, "reason", "at most 500");
    for until_ms in [0, MORNING_MS + 59_999, MORNING_MS + 24 * HOUR_MS + 1] {
        let too_far = service.shelve_alarm(shelve(BIN, until_ms, "r", "8")).await;
        expect_refused(
            too_far,
            Code::InvalidArgument,
            "until_ms",
            "1 minute to 24 hours",
        );
    }

    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS).await;
    let old = service.acknowledge_alarm(acknowledge(BIN, &nil, "9")).await;
    expect_refused(
        old,
        Code::FailedPrecondition,
        "occurrence",
        "not the newest occurrence",
    );
    service
        .shelve_alarm(shelve(BIN, later, "works", "10"))
        .await
        .expect("shelved");
    let twice = service
        .shelve_alarm(shelve(BIN, later, "works", "11"))
        .await;
    expect_refused(
        twice,
        Code::FailedPrecondition,
        "alarm",
        "is shelved until 2025-",
    );
    let other = service.shelve_alarm(shelve(BIN, later, "else", "10")).await;
    expect_refused(
        other,
        Code::AlreadyExists,
        "client_request_id",
        "an id of its own",
    );
    let hidden = service
        .acknowledge_alarm(acknowledge(
            BIN,
            &alarm(&channel, BIN).await.occurrence,
            "12",
        ))
        .await;
    expect_refused(
        hidden,
        Code::FailedPrecondition,
        "alarm",
        "unshelve it first",
    );
    service
        .unshelve_alarm(unshelve(BIN, "13"))
        .await
        .expect("unshelved");
    service
        .set_alarm_service(set_service(BIN, true, "14"))
        .await
        .expect("out of service");
    let out = service
        .set_alarm_service(set_service(BIN, true, "15"))
        .await;
    expect_refused(out, Code::FailedPrecondition, "alarm", "is out of service");
    let hidden = service
        .shelve_alarm(shelve(BIN, later, "works", "16"))
        .await;
    expect_refused(
        hidden,
        Code::FailedPrecondition,
        "alarm",
        "take it back into service",
    );
    let ahead = wire::WatchAlarmsRequest {
        park: PARK.into(),
        after_position: Some(u64::MAX),
    };
    let ahead = service.watch_alarms(ahead).await;
    expect_refused(
        ahead.map(|_| tonic::Response::new(())),
        Code::InvalidArgument,
        "after_position",
        "ends before",
    );

    let back = service
        .set_alarm_service(set_service(BIN, false, "17"))
        .await
        .expect("back in service")
        .into_inner();
    assert_eq!(
        back.state(),
        AlarmState::Unacknowledged,
        "its condition holds"
    );
    drop((service, channel));
    park.stop();
}

fn uuid_of_nothing() -> String {
    "00000000-0000-0000-0000-000000000000".to_owned()
}
