//! The same commands from the command line, by the names of their methods.

use std::fs;

use crate::{PARK, at, from_now, park};

#[test]
fn a_command_line_calls_any_method_and_hears_the_services_refusals() {
    let mut park = park();
    park.start();
    let json = |words: &[&str]| {
        let mut all = vec!["call", "--format", "json"];
        all.extend(words);
        park.cli(&all).expect_code(0).json()
    };

    // A list of messages, from a file; the park is the server's only one.
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("levels.json");
    let levels = format!(
        r#"{{"levels": [{{"tank": "rain-tank", "time": "{}", "level_l": 9000}}]}}"#,
        at(0)
    );
    fs::write(&file, levels).expect("writable");
    let file = file.to_str().expect("a path in UTF-8");
    let reported = json(&["ReportTankLevels", "--json", file]);
    assert_eq!(reported["counts"]["recorded"], 1);
    let tanks = json(&["WaterService/ListTanks"]);
    assert_eq!(tanks["tanks"][0]["newest"]["level_l"], 9_000, "{tanks}");

    let due = format!("due={}", from_now(3_600));
    let order = [
        "OrderCollection",
        "collection=round-1",
        "bins=bin-1",
        "bins=bin-2",
        "assignee=crew-3",
        &due,
    ];
    assert_eq!(json(&order)["recorded"], true);
    assert_eq!(json(&order)["recorded"], false);
    let open = json(&["ListOpenCollections", &format!("park={PARK}")]);
    assert_eq!(open["collections"][0]["collection"], "round-1", "{open}");

    for (words, said) in [
        (
            vec![
                "OrderCollection",
                "collection=round-2",
                "bins=bin-9",
                "assignee=crew-3",
                &due,
            ],
            "bin-9",
        ),
        (
            vec!["OrderCollection", "colection=round-2"],
            "has no field colection",
        ),
        (vec!["OrderCollections"], "no method OrderCollections"),
        (vec!["StreamReadings"], "takes a stream of requests"),
        (
            vec!["ReportTankLevels", "--json", "nowhere.json"],
            "can't read nowhere.json",
        ),
    ] {
        let mut all = vec!["call"];
        all.extend(words);
        let refused = park.cli(&all).expect_code(1);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    park.cli(&["call", "--format", "csv", "ListTanks"])
        .expect_code(1);
}
