//! `terrarium alarms`.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_and_decides() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS).await;
    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS).await;
    drop(channel);

    let said = |words: &[&str]| park.cli(words).expect_code(0).stdout;
    let listed = said(&["alarms", "list"]);
    for part in [
        BIN,
        "unacknowledged",
        "Order a collection",
        "1 of the 10 alarms of park domains are not normal; 1 in the last 10 minutes (manageable by EEMUA 191)",
    ] {
        assert!(listed.contains(part), "{part:?} is not in:\n{listed}");
    }
    let json = park
        .cli(&["alarms", "list", "--all", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(json["alarms"].as_array().map(Vec::len), Some(10));
    assert_eq!(json["annunciated_in_10_minutes"], 1);

    assert!(said(&["alarms", "acknowledge", BIN, "--comment", "seen"]).contains("is acknowledged"));
    assert!(
        said(&[
            "alarms",
            "shelve",
            BIN,
            "--minutes",
            "30",
            "--reason",
            "works"
        ])
        .contains("is shelved")
    );
    assert!(said(&["alarms", "unshelve", BIN]).contains("is unacknowledged"));
    assert!(
        said(&["alarms", "service", BIN, "out", "--reason", "repair"])
            .contains("is out of service")
    );
    assert!(
        said(&["alarms", "service", BIN, "in", "--reason", "done"]).contains("is unacknowledged")
    );
    let transitions = park
        .cli(&["alarms", "watch", "--recorded", "--format", "json"])
        .expect_code(0)
        .json_lines();
    let types: Vec<&str> = transitions
        .iter()
        .map(|line| line["type"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(types.len(), 6, "{types:?}");
    assert_eq!(types[1], "terrarium.alarm.v1.AlarmAcknowledgedV1");
    park.cli(&[
        "alarms",
        "shelve",
        BIN,
        "--minutes",
        "0",
        "--reason",
        "works",
    ])
    .expect_code(1)
    .expect_said(&["1 minute to 24 hours", "until_ms"]);
    park.cli(&["alarms", "acknowledge", "bin-overflow/bin-9"])
        .expect_code(1)
        .expect_said(&["has no alarm"]);
    park.cli(&["verify"]).expect_code(0);
    park.stop();
}
