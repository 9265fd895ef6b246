//! The demo park, with every way of metering a node, against the Python oracle.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;
use terrarium_proto::energy::v1::Reading;
use terrarium_tests::readings::{read_csv, reading, seconds_of, write_csv};
use terrarium_tests::{Park, State, repository, run, run_with_input, wait};

const PARK: &str = "demo";

fn data(name: &str) -> PathBuf {
    repository().join("tests/data/demo").join(name)
}

fn counts() -> Json {
    let text = std::fs::read_to_string(data("counts.json")).expect("counts.json is there");
    serde_json::from_str(&text).expect("counts.json is JSON")
}

/// A running demo park with all readings and both factor sets.
fn imported() -> Park {
    let mut park = Park::of_demo();
    park.start();
    for set in ["demo.toml", "demo-hourly.toml"] {
        let file = repository().join("deploy/factors").join(set);
        park.cli(&["import", "factors", &file.to_string_lossy(), "--park", PARK])
            .expect_code(0);
    }
    let counts = counts();
    let summary = park.import_readings(&data("readings.csv"), &["--park", PARK], 0);
    assert_eq!(
        summary["recorded"], counts["distinct_readings"],
        "{summary}"
    );
    assert_eq!(
        summary["already_recorded"], counts["repeated_rows"],
        "{summary}"
    );
    park.state_at(summary["through_position"].as_u64().expect("a position"));
    park
}

fn balance(park: &Park) -> Json {
    park.cli(&[
        "ledger", "balance", "--park", PARK, "--by", "asset", "--format", "json",
    ])
    .expect_code(0)
    .json()
}

/// What the oracle makes of the demo files and these further words.
fn oracle(more: &[&str]) -> Json {
    let mut command = Command::new("python3");
    command.arg(repository().join("tests/oracle/ledger.py"));
    command
        .arg("--park")
        .arg(repository().join("deploy/parks/demo.toml"));
    command.arg("--readings").arg(data("readings.csv"));
    for set in ["demo.toml", "demo-hourly.toml"] {
        command
            .arg("--factors")
            .arg(repository().join("deploy/factors").join(set));
    }
    run(command.args(more)).expect_code(0).json()
}

/// Every figure of every node and of the total, to the Wh and mg.
#[track_caller]
fn expect_agreement(balance: &Json, oracle: &Json) {
    let instant = |field: &str| seconds_of(balance["period"][field].as_str().expect("a time"));
    assert_eq!(oracle["from_s"], instant("from"), "start of the period");
    assert_eq!(oracle["to_s"], instant("to"), "end of the period");
    let nodes = oracle["nodes"].as_object().expect("nodes");
    let lines = balance["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), nodes.len(), "one line per node");
    for (node, wanted) in nodes {
        let line = lines
            .iter()
            .find(|line| line["key"] == node.as_str())
            .unwrap_or_else(|| panic!("no line of {node}"));
        expect_line(node, line, wanted);
    }
    expect_line("total", &balance["total"], &oracle["total"]);
}

#[track_caller]
fn expect_line(name: &str, line: &Json, wanted: &Json) {
    for (field, value) in wanted.as_object().expect("figures") {
        // Of no consumption no share is matched: absent there, absent here.
        assert_eq!(&line[field], value, "{name}: {field}");
    }
}

#[test]
fn the_ledger_agrees_with_the_oracle_to_the_wh_and_mg() {
    let mut park = imported();
    expect_agreement(&balance(&park), &oracle(&[]));
    the_registers_of_the_depot_are_explained(&park);
    let live = park.state();
    park.stop();
    let rebuilt = park
        .cli(&["verify", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(rebuilt["state_hash"], live.state_hash.as_str());
    assert_eq!(rebuilt["content_hash"], live.content_hash.as_str());
}

fn the_registers_of_the_depot_are_explained(park: &Park) {
    let words = [
        "ledger", "entries", "--park", PARK, "--asset", "depot", "--format", "json",
    ];
    let entries = park.cli(&words).expect_code(0).json_lines();
    let emissions: Vec<&Json> = entries
        .iter()
        .filter(|entry| entry["book"] == "BOOK_EMISSION")
        .collect();
    assert_eq!(
        emissions.len(),
        334,
        "one for each metered hour of the depot"
    );
    // One of the first, one of the nine hours without a read, one of the second week.
    for entry in [emissions[3], emissions[120], emissions[300]] {
        let flags = entry["quality"].as_array().expect("flags");
        assert!(
            flags
                .iter()
                .any(|flag| flag == "QUALITY_FLAG_FROM_REGISTER"),
            "{entry}"
        );
        let id = entry["entry_id"].as_str().expect("an id");
        let explained = park
            .cli(&["ledger", "explain", id, "--park", PARK, "--format", "json"])
            .expect_code(0);
        for part in explained.json()["contributions"]
            .as_array()
            .expect("contributions")
        {
            assert_eq!(
                part["events"].as_array().map(Vec::len),
                Some(2),
                "{id}: a register's energy comes from two reads"
            );
        }
        let script = repository().join("tests/oracle/explain.py");
        run_with_input(Command::new("python3").arg(script), &explained.stdout).expect_code(0);
    }
}

#[test]
fn gaps_are_shown_as_missing_and_counted_in_no_total() {
    let park = imported();
    let answer = park
        .cli(&["ledger", "completeness", "--park", PARK, "--format", "json"])
        .expect_code(0)
        .json();
    let meter = |id: &str| {
        let meters = answer["meters"].as_array().expect("meters");
        meters
            .iter()
            .find(|meter| meter["meter"] == id)
            .unwrap_or_else(|| panic!("no meter {id}"))
            .clone()
    };
    for (id, missing, from, to) in [
        (
            "office.load",
            2,
            "2023-06-07T14:00:00+08:00",
            "2023-06-07T16:00:00+08:00",
        ),
        (
            "office.pv",
            1,
            "2023-06-11T10:00:00+08:00",
            "2023-06-11T11:00:00+08:00",
        ),
        (
            "visitor-centre.export",
            5,
            "2023-06-06T03:00:00+08:00",
            "2023-06-06T04:00:00+08:00",
        ),
        (
            "visitor-centre.wind",
            4,
            "2023-06-13T08:00:00+08:00",
            "2023-06-13T12:00:00+08:00",
        ),
        (
            "tea-house.pv",
            1,
            "2023-06-15T13:00:00+08:00",
            "2023-06-15T14:00:00+08:00",
        ),
    ] {
        let meter = meter(id);
        let metered = meter["hours_metered"].as_u64().expect("a number");
        assert_eq!(meter["hours_expected"], metered + missing, "{meter}");
        let gaps = meter["gaps"].as_array().expect("gaps");
        let covers = |gap: &&Json| {
            let time = |field: &str| seconds_of(gap[field].as_str().expect("a time"));
            time("from") >= seconds_of(from) && time("to") <= seconds_of(to)
        };
        assert!(
            gaps.iter().any(|gap| covers(&gap)),
            "no gap of {id} within {from} to {to}: {gaps:?}"
        );
    }
    assert_eq!(
        meter("tea-house.load")["hours_metered"],
        336,
        "a reading of six hours fills six"
    );
    assert_eq!(
        meter("depot.import")["hours_metered"],
        334,
        "nine hours without a read are spread, not missing"
    );
}

#[test]
fn suspicious_readings_are_quarantined_and_count_once_a_person_decided() {
    let mut park = imported();
    let before = balance(&park);
    let summary = park.import_readings(&data("suspicious.csv"), &["--park", PARK], 4);
    let notices = summary["quarantined_readings"]
        .as_array()
        .expect("notices")
        .clone();
    let reasons: Vec<&Json> = notices.iter().map(|notice| &notice["reason"]).collect();
    let wanted = counts();
    assert_eq!(
        reasons,
        wanted["suspicious"]
            .as_array()
            .expect("reasons")
            .iter()
            .collect::<Vec<_>>()
    );
    park.state_at(summary["through_position"].as_u64().expect("a position"));
    assert_eq!(park.state().quarantined, 6);
    assert_eq!(
        balance(&park)["lines"],
        before["lines"],
        "quarantined readings count nowhere"
    );

    let again = park.import_readings(&data("suspicious.csv"), &["--park", PARK], 0);
    assert_eq!(
        again["already_recorded"], 6,
        "sent again, they are no new events: {again}"
    );
    assert_eq!(listed(&park).len(), 6);

    let id = |index: usize| {
        notices[index]["quarantine_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    what_can_never_count_is_not_released(&park, &id(0), &id(2), &id(4));
    decide(
        &park,
        &[
            "release",
            &id(1),
            "--reason",
            "the transformer ratio was looked up",
        ],
        0,
    );
    decide(
        &park,
        &[
            "correct",
            &id(3),
            "--value",
            "1.25",
            "--unit",
            "kWh",
            "--reason",
            "sign of the logger",
        ],
        0,
    );
    decide(
        &park,
        &[
            "correct",
            &id(0),
            "--value",
            "61.2",
            "--unit",
            "kWh",
            "--reason",
            "unit of the logger",
        ],
        0,
    );
    decided_twice_is_once(&park, &id(1), &id(3));
    assert_eq!(listed(&park).len(), 3);

    let decided = park.scratch("decided.csv");
    write_csv(&decided, &decided_readings());
    let state = all_projected(&park, 3);
    let readings = counts()["distinct_readings"].as_u64().expect("a number");
    assert_eq!(
        state.events,
        1 + 2 + readings + 6 + 3,
        "park, factor sets, readings, quarantined, decisions: each once"
    );
    expect_agreement(
        &balance(&park),
        &oracle(&["--readings", &decided.to_string_lossy()]),
    );
    released_entries_say_so(&park);

    park.stop();
    let rebuilt = park
        .cli(&["verify", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(rebuilt["state_hash"], state.state_hash.as_str());
    park.start();
    assert_eq!(listed(&park).len(), 3, "still undecided after a restart");
}

fn decided_readings() -> [Reading; 3] {
    [
        reading(
            "visitor-centre.import",
            "2023-06-13T08:00:00+08:00",
            3600,
            "61.2",
        ),
        reading("office.pv", "2023-06-11T10:30:00+08:00", 900, "1130.5"),
        reading("tea-house.pv", "2023-06-15T13:00:00+08:00", 3600, "1.25"),
    ]
}

fn listed(park: &Park) -> Vec<Json> {
    park.cli(&["quarantine", "list", "--park", PARK, "--format", "json"])
        .expect_code(0)
        .json_lines()
}

fn decide(park: &Park, words: &[&str], code: i32) -> String {
    park.cli(&[&["quarantine"], words, &["--park", PARK]].concat())
        .expect_code(code)
        .stderr
}

fn what_can_never_count_is_not_released(
    park: &Park,
    no_energy: &str,
    backwards: &str,
    overlap: &str,
) {
    for (id, said) in [
        (no_energy, "is no energy"),
        (backwards, "still can't count"),
        (overlap, "still can't count"),
    ] {
        let refusal = decide(park, &["release", id, "--reason", "it looks fine"], 1);
        assert!(refusal.contains(said), "{refusal}");
    }
    let refusal = decide(
        park,
        &[
            "release",
            "00000000-0000-8000-8000-000000000000",
            "--reason",
            "x",
        ],
        1,
    );
    assert!(refusal.contains("quarantine"), "{refusal}");
    assert_eq!(listed(park).len(), 6, "refused decisions change nothing");
}

fn decided_twice_is_once(park: &Park, released: &str, corrected: &str) {
    decide(park, &["release", released, "--reason", "said again"], 0);
    let refusal = decide(
        park,
        &[
            "correct",
            corrected,
            "--value",
            "1.26",
            "--unit",
            "kWh",
            "--reason",
            "another value",
        ],
        1,
    );
    assert!(refusal.contains("decided before"), "{refusal}");
}

fn all_projected(park: &Park, quarantined: u64) -> State {
    wait::until(
        std::time::Duration::from_secs(20),
        "the decisions are projected",
        || {
            let state = park.state();
            (state.quarantined == quarantined).then_some(state)
        },
    )
}

fn released_entries_say_so(park: &Park) {
    let words = [
        "ledger",
        "entries",
        "--park",
        PARK,
        "--asset",
        "tea-house",
        "--format",
        "json",
    ];
    let entries = park.cli(&words).expect_code(0).json_lines();
    let hour = seconds_of("2023-06-15T13:00:00+08:00");
    let of_the_hour = entries.iter().filter(|entry| {
        seconds_of(entry["interval_start"].as_str().expect("a start")) == hour
            && entry["account"] == "ENERGY_ACCOUNT_GENERATION"
    });
    let flags: Vec<&Json> = of_the_hour.map(|entry| &entry["quality"]).collect();
    assert_eq!(
        flags.len(),
        1,
        "one entry for what the canopy generated in that hour"
    );
    let flags = flags[0].as_array().expect("flags");
    assert!(
        flags.iter().any(|flag| flag == "QUALITY_FLAG_RELEASED"),
        "{flags:?}"
    );
}

#[test]
fn corrections_replace_what_was_reported_and_only_as_corrections() {
    let park = imported();
    let file = data("corrections.csv");
    let refused = park.import_readings(&file, &["--park", PARK], 3);
    assert_eq!(refused["rejected"], 3, "{refused}");
    for rejection in refused["rejections"].as_array().expect("rejections") {
        assert_eq!(rejection["code"], 6, "ALREADY_EXISTS: {rejection}");
        assert_eq!(rejection["field"], "value", "{rejection}");
        let message = rejection["message"].as_str().expect("a message");
        assert!(
            message.contains("is recorded") && message.contains("as a correction"),
            "{message}"
        );
    }
    expect_agreement(&balance(&park), &oracle(&[]));

    let corrected = park.import_readings(&file, &["--park", PARK, "--as-correction"], 0);
    assert_eq!(corrected["recorded"], 3, "{corrected}");
    let state = park.state_at(corrected["through_position"].as_u64().expect("a position"));
    assert_eq!(state.readings_superseded, 3);
    expect_agreement(
        &balance(&park),
        &oracle(&["--corrections", &file.to_string_lossy()]),
    );

    let again = park.import_readings(&file, &["--park", PARK, "--as-correction"], 0);
    assert_eq!(again["already_recorded"], 3, "{again}");
    let original = park.import_readings(&data("readings.csv"), &["--park", PARK], 0);
    assert_eq!(
        original["already_recorded"],
        read_csv(&data("readings.csv")).len(),
        "the first reports are still known"
    );
    assert_eq!(park.state(), state, "nothing new");
}
