//! Alarms that come into the park file later, and leave it.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn alarms_that_are_defined_later_judge_by_what_is_on_record() {
    let (folder, mut park) = park_of("simulated");
    let file = folder.path().join("park.toml");
    let with_alarms = std::fs::read_to_string(&file).expect("a park file");
    let (without, _) = with_alarms.split_once("[[alarms]]").expect("it has alarms");
    std::fs::write(&file, without).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS).await;
    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS + MINUTE_MS).await;
    assert_eq!(list(&channel).await.alarms, []);
    drop(channel);
    park.stop();

    std::fs::write(&file, &with_alarms).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS + 2 * MINUTE_MS).await;
    let bin = alarm(&channel, BIN).await;
    assert_eq!(bin.state(), AlarmState::Unacknowledged);
    assert_eq!(bin.raised_ms, Some(MORNING_MS));
    drop(channel);
    park.stop();

    // Left out again: what is not watched can't stay wrong.
    std::fs::write(&file, without).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS + 3 * MINUTE_MS).await;
    let transitions = told_so_far(&channel, None).await;
    let last = transitions.last().expect("told");
    assert_eq!(last.r#type, "terrarium.alarm.v1.AlarmClearedV1");
    assert_eq!(id_of(last), BIN);
    drop(channel);
    park.stop();
}
