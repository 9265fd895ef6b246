//! Closed years and new releases of factors, through the public API: real marginal factors on exports, real averages on imports.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use terrarium_tests::readings::{instant_of, read_rows, reading, write_csv};
use terrarium_tests::{Park, avert_te_folder};

/// 2023-01-01T00:00:00 in Texas (UTC-6) and in Beijing (UTC+8).
const TEXAN_NEW_YEAR: i64 = 1_672_552_800;
const BEIJING_NEW_YEAR: i64 = 1_672_502_400;
const HOURS: i64 = 8_760;
const PERIOD: &str = "2023";

fn park_text(id: &str, zone: &str, region: &str, measures: &str) -> String {
    // Exports alone say nothing of a node: its imports, none, are metered too.
    let import = match measures {
        "grid_import" => String::new(),
        _ => meter_text("roof.in", "grid_import"),
    };
    let own = meter_text("roof.grid", measures);
    format!(
        "[park]\nid = \"{id}\"\nname = {{ en = \"Year\", zh = \"年\" }}\ntime_zone = \"{zone}\"\nclock = \"wall\"\n\
         grid_region = \"{region}\"\n\n[[zones]]\nid = \"z\"\nname = {{ en = \"Zone\", zh = \"区\" }}\n\
         \n[[assets]]\nid = \"roof\"\nkind = \"building\"\nzone = \"z\"\nname = {{ en = \"Roof\", zh = \"屋顶\" }}\n\
         \n[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"roof\"\n\
         {own}{import}"
    )
}

fn meter_text(id: &str, measures: &str) -> String {
    format!(
        "\n[[meters]]\nid = \"{id}\"\nasset = \"roof\"\nmeasures = \"{measures}\"\nreports = \"interval\"\nrated_kw = 50.0\n"
    )
}

/// Wh of an hour of the year: a made-up course with a noon and a season, never the same two days running.
fn wh_of(hour: i64) -> i64 {
    let (day, hour_of_day) = (hour / 24, hour % 24);
    let noon = (6 - (hour_of_day - 12).abs()).max(0);
    let season = 182 - (day - 182).abs();
    noon * (400 + 7 * season) + hour % 13
}

/// A running park with a year of its one meter, and that year as an open period.
fn park_with_a_year(id: &str, zone: &str, region: &str, measures: &str, from: i64) -> Park {
    let park = Park::new(&[]);
    let file = park.scratch("park.toml");
    std::fs::write(&file, park_text(id, zone, region, measures))
        .expect("the scratch folder takes it");
    let mut park = park.with_park_file(file);
    park.start();
    let mut readings: Vec<_> = (0..HOURS)
        .map(|hour| {
            let wh = wh_of(hour);
            let value = format!("{}.{:03}", wh / 1_000, wh % 1_000);
            reading("roof.grid", &instant_of(from + hour * 3_600), 3_600, &value)
        })
        .collect();
    if measures != "grid_import" {
        for day in 0..HOURS / 24 {
            let start = instant_of(from + day * 86_400);
            readings.push(reading("roof.in", &start, 86_400, "0.000"));
        }
    }
    let csv = park.scratch("readings.csv");
    write_csv(&csv, &readings);
    let summary = park.import_readings(&csv, &["--park", id], 0);
    assert_eq!(summary["recorded"], readings.len(), "{summary}");
    park
}

fn open_and_close(park: &Park, id: &str, from: i64) {
    use terrarium_proto::carbon::v1 as carbon;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut clients = park.clients().await;
        let open = carbon::OpenPeriodRequest {
            park: id.to_owned(),
            period: PERIOD.to_owned(),
            from: instant_of(from),
            to: instant_of(from + HOURS * 3_600),
            client_request_id: String::new(),
        };
        clients.carbon.open_period(open).await.expect("opened");
        let close = carbon::ClosePeriodRequest {
            park: id.to_owned(),
            period: PERIOD.to_owned(),
            client_request_id: String::new(),
        };
        clients.carbon.close_period(close).await.expect("closed");
    });
}

struct Release<'a> {
    version: &'a str,
    published_on: &'a str,
    kind: &'a str,
    region: &'a str,
    /// A constant, or one value for each hour.
    values: Vec<String>,
}

/// Publishes a release. Gives the position that everything until then is recorded by.
fn publish(park: &Park, id: &str, from: i64, release: &Release<'_>) -> u64 {
    let mut text = format!(
        "set = \"release\"\nversion = \"{}\"\npublisher = \"as published\"\nregion = \"{}\"\nkind = \"{}\"\nunit = \"kgCO2/kWh\"\n\
         valid_from = \"{}\"\nvalid_to = \"{}\"\npublished_on = \"{}\"\nsource = \"shared data of the project\"\n",
        release.version,
        release.region,
        release.kind,
        instant_of(from),
        instant_of(from + HOURS * 3_600),
        release.published_on
    );
    match release.values.as_slice() {
        [constant] => text.push_str(&format!("constant = \"{constant}\"\n")),
        values => {
            let mut series = String::from("hour,factor\n");
            for (hour, value) in (0..).zip(values) {
                series.push_str(&format!("{},{value}\n", instant_of(from + hour * 3_600)));
            }
            let file = park.scratch(&format!("series-{}.csv", release.version));
            std::fs::write(&file, series).expect("the scratch folder takes it");
            text.push_str(&format!(
                "\n[hourly]\nfile = \"{}\"\ntime_column = \"hour\"\nvalue_column = \"factor\"\n",
                file.display()
            ));
        }
    }
    let file = park.scratch(&format!("release-{}.toml", release.version));
    std::fs::write(&file, text).expect("the scratch folder takes it");
    park.cli(&["import", "factors", &text_of(&file), "--park", id])
        .expect_code(0);
    park.state().position.expect("there are events")
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// mg of the year: each hour rounded once, half to even. Factors have six decimals, or four.
fn expected_mg(values: &[String]) -> i64 {
    let mut sum = 0;
    for hour in 0..HOURS {
        let value = &values[if values.len() == 1 { 0 } else { hour as usize }];
        let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
        let mantissa: i128 = format!("{whole}{decimals}").parse().expect("digits");
        let denominator = 10_i128.pow(decimals.len() as u32);
        // Wh x kg/kWh = g; x 1000 = mg.
        let product = mantissa * i128::from(wh_of(hour)) * 1_000;
        let (floor, rest) = (
            product.div_euclid(denominator),
            product.rem_euclid(denominator),
        );
        let up = 2 * rest > denominator || (2 * rest == denominator && floor % 2 != 0);
        sum += floor + i128::from(up);
    }
    i64::try_from(sum).expect("small")
}

fn restatements(park: &Park, id: &str, more: &[&str]) -> Json {
    let mut words = vec![
        "ledger",
        "restatements",
        PERIOD,
        "--park",
        id,
        "--format",
        "json",
    ];
    words.extend(more);
    park.cli(&words).expect_code(0).json()
}

/// The year's mg in a column of the balance, as known at a position.
fn balance_mg(park: &Park, id: &str, column: &str, position: u64) -> i64 {
    let position = position.to_string();
    let words = [
        "ledger",
        "balance",
        "--park",
        id,
        "--by",
        "total",
        "--known-at",
        &position,
        "--format",
        "json",
    ];
    let balance = park.cli(&words).expect_code(0).json();
    balance["total"][column].as_i64().unwrap_or(0)
}

fn mg(figures: &Json, field: &str) -> i64 {
    figures[field].as_i64().unwrap_or(0)
}

/// Publishes the first release, closes the year, publishes the others, and looks at what each made of it.
fn restate(
    park: &Park,
    id: &str,
    from: i64,
    releases: &[Release<'_>],
    column: &str,
    field: &str,
    flags: &[bool],
) {
    let expected: Vec<i64> = releases
        .iter()
        .map(|release| expected_mg(&release.values))
        .collect();
    publish(park, id, from, &releases[0]);
    open_and_close(park, id, from);
    let mut positions = vec![park.state().position.expect("there are events")];
    for release in &releases[1..] {
        positions.push(publish(park, id, from, release));
    }
    let answer = restatements(park, id, &[]);
    assert_eq!(answer["state"], "REPORTING_STATE_CLOSED");
    assert_eq!(
        mg(&answer["reported"], field),
        expected[0],
        "what was reported stays"
    );
    let entries = answer["restatements"].as_array().expect("entries");
    assert_eq!(entries.len(), flags.len(), "{answer}");
    let mut last = answer["reported"]["books_sha256"].clone();
    for (number, entry) in entries.iter().enumerate() {
        assert_eq!(entry["reason"], "CHANGE_REASON_NEW_FACTORS");
        assert_eq!(
            mg(&entry["before"], field),
            expected[number],
            "before {number}"
        );
        assert_eq!(
            mg(&entry["after"], field),
            expected[number + 1],
            "after {number}"
        );
        assert_eq!(
            entry["material"].as_bool().unwrap_or(false),
            flags[number],
            "{entry}"
        );
        assert_eq!(entry["before"]["books_sha256"], last);
        assert_ne!(entry["after"]["books_sha256"], last);
        last = entry["after"]["books_sha256"].clone();
    }
    assert_eq!(answer["current"]["books_sha256"], last);
    // What was known then, at any of these moments.
    for (number, position) in positions.iter().enumerate() {
        assert_eq!(
            balance_mg(park, id, column, *position),
            expected[number],
            "known at {position}"
        );
        let then = restatements(park, id, &["--known-at", &position.to_string()]);
        assert_eq!(mg(&then["current"], field), expected[number]);
        assert_eq!(then["restatements"].as_array().map_or(0, Vec::len), number);
    }
    let now = restatements(park, id, &["--known-at", "2200-01-01T00:00:00Z"]);
    assert_eq!(
        now["current"]["books_sha256"], last,
        "a moment to come knows everything"
    );
    let before = [
        "ledger",
        "balance",
        "--park",
        id,
        "--known-at",
        "2000-01-01T00:00:00Z",
        "--format",
        "json",
    ];
    park.cli(&before).expect_code(1);
    println!("{id}: {expected:?} mg, flags {flags:?}");
}

#[test]
fn a_year_of_exports_is_restated_under_each_release_of_the_grids_marginal_emissions() {
    let Some(folder) = avert_te_folder() else {
        return;
    };
    let values = |year: &str| -> Vec<String> {
        let file: PathBuf = folder.join(format!("marginal_co2_{year}.csv"));
        read_rows(&file)
            .iter()
            .map(|row| row["kg_co2_per_kwh"].clone())
            .collect()
    };
    let mut park = park_with_a_year("texas", "Etc/GMT+6", "ercot", "grid_export", TEXAN_NEW_YEAR);
    // The days of publication are assumed: data years came out in their order.
    let releases = [
        ("2021", "2022-06-01"),
        ("2022", "2023-06-01"),
        ("2023", "2024-06-01"),
    ]
    .map(|(version, published_on)| Release {
        version,
        published_on,
        kind: "grid_marginal",
        region: "ercot",
        values: values(version),
    });
    let expected: Vec<i64> = releases
        .iter()
        .map(|release| expected_mg(&release.values))
        .collect();
    let flags: Vec<bool> = expected
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs() * 1_000 >= pair[0] * 50)
        .collect();
    assert!(
        flags.contains(&true),
        "a step of this data is past 5 %: {expected:?}"
    );
    restate(
        &park,
        "texas",
        TEXAN_NEW_YEAR,
        &releases,
        "avoided_mg",
        "avoided_mg",
        &flags,
    );
    park.stop();
}

#[test]
fn a_year_of_north_china_imports_is_restated_and_only_the_step_past_five_per_cent_is_flagged() {
    let mut park = park_with_a_year(
        "north",
        "Asia/Shanghai",
        "north-china",
        "grid_import",
        BEIJING_NEW_YEAR,
    );
    let releases = [
        ("2021", "2024-04-12", "0.7120"),
        ("2022", "2024-12-31", "0.6776"),
        ("2023", "2026-01-15", "0.6361"),
    ]
    .map(|(version, published_on, value)| Release {
        version,
        published_on,
        kind: "grid_average",
        region: "north-china",
        values: vec![value.to_owned()],
    });
    restate(
        &park,
        "north",
        BEIJING_NEW_YEAR,
        &releases,
        "scope2_location_mg",
        "location_mg",
        &[false, true],
    );
    park.stop();
}
