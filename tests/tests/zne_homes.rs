//! The measured year of ten homes, through the public API: balances, identity, order, rebuild, explanations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value as Json;
use terrarium_proto::energy::v1::Reading;
use terrarium_proto::ledger::v1::{Book, EntriesRequest, Entry, Period};
use terrarium_tests::readings::{canonical, read_csv, read_rows, seconds_of, write_csv};
use terrarium_tests::{Park, Seed, State, repository, run_with_input, zne_homes_folder};

const PARK: &str = "zne-homes";
const READINGS: u64 = 175_200;
const HOURS: u64 = 8_760;
const KWH_TOLERANCE: f64 = 0.1;
const KG_TOLERANCE: f64 = 0.05;
const SHARE_TOLERANCE: f64 = 0.0005;
/// The expected decimals are floats here.
const FLOAT_SLACK: f64 = 1e-9;

/// Content hash after an undisturbed import in file order, on a data folder of its own.
static CONTENT_HASH: LazyLock<String> = LazyLock::new(|| {
    let folder = zne_homes_folder().expect("the caller has looked");
    let mut park = park_with_factors(&folder);
    import(&park, &folder.join("readings.csv"), READINGS, 0);
    let state = everything_projected(&park);
    park.stop();
    state.content_hash
});

fn park_with_factors(folder: &Path) -> Park {
    let mut park = Park::of_ten_homes();
    park.start();
    import_factors(&park, folder);
    park
}

fn import_factors(park: &Park, folder: &Path) -> Json {
    let factors = repository().join("deploy/factors/zne-homes.toml");
    let series = folder.join("grid_intensity.csv");
    let words = [
        "import",
        "factors",
        &text(&factors),
        "--park",
        PARK,
        "--series",
        &text(&series),
        "--format",
        "json",
    ];
    park.cli(&words).expect_code(0).json()
}

fn import(park: &Park, file: &Path, recorded: u64, already_recorded: u64) -> u64 {
    let summary = park.import_readings(file, &["--park", PARK], 0);
    assert_eq!(summary["recorded"], recorded, "{summary}");
    assert_eq!(summary["already_recorded"], already_recorded, "{summary}");
    assert_eq!(summary["quarantined"], 0, "{summary}");
    assert_eq!(summary["rejected"], 0, "{summary}");
    assert_eq!(summary["finished"], true, "{summary}");
    println!(
        "{}: {} readings in {} s",
        file.display(),
        summary["readings"],
        summary["seconds"]
    );
    summary["through_position"].as_u64().expect("a position")
}

fn everything_projected(park: &Park) -> State {
    let state = terrarium_tests::wait::until(
        std::time::Duration::from_secs(60),
        "all readings are projected",
        || {
            let state = park.state();
            (state.readings == READINGS).then_some(state)
        },
    );
    assert_eq!(state.quarantined, 0);
    assert_eq!(state.readings_superseded, 0);
    // The park definition, the factor set, and each reading once.
    assert_eq!(state.events, READINGS + 2);
    state
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn a_year_of_ten_homes_is_balanced_explained_and_rebuilt_and_a_second_import_changes_nothing() {
    let Some(folder) = zne_homes_folder() else {
        return;
    };
    let mut park = park_with_factors(&folder);
    import(&park, &folder.join("readings.csv"), READINGS, 0);
    let state = everything_projected(&park);

    balances_agree_with_the_published_totals(&park, &folder);
    nothing_is_missing(&park);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(entries_can_be_worked_out_again(&park, &folder));

    park.stop();
    a_rebuild_finds_the_same_hashes(&park, &state);
    another_client_brings_nothing_new(&mut park, &folder, &state);
    assert_eq!(state.content_hash, *CONTENT_HASH, "content of two runs");
}

#[test]
fn any_order_of_import_gives_the_same_content() {
    let Some(folder) = zne_homes_folder() else {
        return;
    };
    let in_order = read_csv(&folder.join("readings.csv"));
    assert_eq!(in_order.len() as u64, READINGS);

    let mut shuffled = in_order.clone();
    Seed::from_environment("zne_homes").shuffle(&mut shuffled);
    let mut park = Park::of_ten_homes();
    park.start();
    let file = park.scratch("shuffled.csv");
    write_csv(&file, &shuffled);
    import(&park, &file, READINGS, 0);
    // The factors after the readings, for once.
    import_factors(&park, &folder);
    let position = everything_projected(&park)
        .position
        .expect("there are events");
    assert_eq!(
        park.state_at(position).content_hash,
        *CONTENT_HASH,
        "shuffled"
    );
    park.stop();

    let (first, second) = in_order.split_at(in_order.len() / 2);
    let mut park = park_with_factors(&folder);
    for (name, half) in [("second-half.csv", second), ("first-half.csv", first)] {
        let file = park.scratch(name);
        write_csv(&file, half);
        import(&park, &file, half.len() as u64, 0);
    }
    assert_eq!(
        everything_projected(&park).content_hash,
        *CONTENT_HASH,
        "two halves the wrong way round"
    );
    park.stop();
}

fn balances_agree_with_the_published_totals(park: &Park, folder: &Path) {
    let balance = park
        .cli(&[
            "ledger", "balance", "--park", PARK, "--by", "asset", "--format", "json",
        ])
        .expect_code(0)
        .json();
    let lines = balance["lines"].as_array().expect("lines");
    let expected = read_rows(&folder.join("expected.csv"));
    assert_eq!(lines.len(), expected.len(), "one line per home");
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    for home in &expected {
        let name = &home["home"];
        let line = lines
            .iter()
            .find(|line| line["key"] == name.as_str())
            .unwrap_or_else(|| panic!("no line of {name}"));
        for (column, field, unit, tolerance) in [
            ("load_kwh", "consumption_wh", 1e3, KWH_TOLERANCE),
            ("pv_kwh", "generation_wh", 1e3, KWH_TOLERANCE),
            ("grid_import_kwh", "import_wh", 1e3, KWH_TOLERANCE),
            ("grid_export_kwh", "export_wh", 1e3, KWH_TOLERANCE),
            ("self_use_kwh", "self_use_wh", 1e3, KWH_TOLERANCE),
            (
                "location_based_kg_co2",
                "scope2_location_mg",
                1e6,
                KG_TOLERANCE,
            ),
            (
                "export_at_hourly_factor_kg_co2",
                "avoided_mg",
                1e6,
                KG_TOLERANCE,
            ),
            ("cfe_matched_share", "matched_ppm", 1e6, SHARE_TOLERANCE),
            ("hours", "hours_metered", 1.0, 0.0),
        ] {
            let wanted: f64 = home[column].parse().expect("a number");
            let found = line[field]
                .as_f64()
                .unwrap_or_else(|| panic!("{name}: no {field}"))
                / unit;
            let difference = (wanted - found).abs();
            assert!(
                difference <= tolerance + FLOAT_SLACK,
                "{name} {column}: expected {wanted}, the ledger says {found}"
            );
            let so_far = worst.entry(column).or_default();
            *so_far = so_far.max(difference);
        }
        for nothing in [
            "hours_missing",
            "hours_without_factor",
            "hours_estimated",
            "unexplained_wh",
        ] {
            assert_eq!(line[nothing], 0, "{name} {nothing}");
        }
    }
    println!("largest differences to expected.csv: {worst:?}");
}

fn nothing_is_missing(park: &Park) {
    let answer = park
        .cli(&["ledger", "completeness", "--park", PARK, "--format", "json"])
        .expect_code(0)
        .json();
    let meters = answer["meters"].as_array().expect("meters");
    assert_eq!(meters.len(), 20);
    let mut readings = 0;
    for meter in meters {
        assert_eq!(meter["hours_expected"], HOURS, "{meter}");
        assert_eq!(meter["hours_metered"], HOURS, "{meter}");
        assert_eq!(meter["gaps"].as_array().map(Vec::len), Some(0), "{meter}");
        readings += meter["readings"].as_u64().expect("a number");
    }
    assert_eq!(readings, READINGS, "readings accounted for");
    for factors in answer["factors"].as_array().expect("factors") {
        assert_eq!(factors["hours_covered"], HOURS, "{factors}");
    }
}

fn a_rebuild_finds_the_same_hashes(park: &Park, live: &State) {
    let rebuilt = park
        .cli(&["verify", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(
        rebuilt["problems"].as_array().map(Vec::len),
        Some(0),
        "{rebuilt}"
    );
    assert_eq!(rebuilt["events"], live.events);
    assert_eq!(rebuilt["position"].as_u64(), live.position);
    assert_eq!(
        rebuilt["state_hash"],
        live.state_hash.as_str(),
        "live against rebuilt"
    );
    assert_eq!(
        rebuilt["content_hash"],
        live.content_hash.as_str(),
        "live against rebuilt"
    );
}

/// After a restart, without what the bus kept, from a client of another name.
fn another_client_brings_nothing_new(park: &mut Park, folder: &Path, before: &State) {
    park.delete_nats_folder();
    park.start();
    assert_eq!(
        &park.state_at(before.position.expect("there are events")),
        before,
        "the same projection after a restart"
    );
    let published = import_factors(park, folder);
    assert_eq!(published["recorded"], false, "{published}");
    let copy = park.scratch("the-same-from-somebody-else.csv");
    std::fs::copy(folder.join("readings.csv"), &copy).expect("copies");
    import(park, &copy, 0, READINGS);
    assert_eq!(&park.state(), before, "a second import");
    park.stop();
}

/// Some entries of each kind, from kilograms down to the file's own figures.
async fn entries_can_be_worked_out_again(park: &Park, folder: &Path) {
    let readings: BTreeMap<(String, i64), Reading> = read_csv(&folder.join("readings.csv"))
        .into_iter()
        .map(|reading| {
            (
                (reading.meter.clone(), seconds_of(&reading.interval_start)),
                reading,
            )
        })
        .collect();
    let factors: BTreeMap<i64, String> = read_rows(&folder.join("grid_intensity.csv"))
        .into_iter()
        .map(|row| {
            (
                seconds_of(&row["interval_start"]),
                row["kg_co2_per_kwh"].clone(),
            )
        })
        .collect();
    let mut explained = 0;
    let mut with_mass = 0;
    // A night, a noon, and the first and last hour of the year.
    for (home, from, to) in [
        (
            "home-01",
            "2016-07-31T23:00:00-08:00",
            "2016-08-01T00:00:00-08:00",
        ),
        (
            "home-04",
            "2016-12-24T18:00:00-08:00",
            "2016-12-24T19:00:00-08:00",
        ),
        (
            "home-07",
            "2017-04-02T12:00:00-08:00",
            "2017-04-02T13:00:00-08:00",
        ),
        (
            "home-10",
            "2017-07-31T22:00:00-08:00",
            "2017-07-31T23:00:00-08:00",
        ),
    ] {
        let entries = entries_of(park, home, from, to).await;
        assert!(
            entries.len() >= 3,
            "{home} from {from} has only {} entries",
            entries.len()
        );
        for entry in entries {
            let answer = park
                .cli(&[
                    "ledger",
                    "explain",
                    &entry.entry_id,
                    "--park",
                    PARK,
                    "--format",
                    "json",
                ])
                .expect_code(0);
            let told = answer.json();
            assert_eq!(
                told["entry"]["energy_wh"], entry.energy_wh,
                "{}",
                entry.entry_id
            );
            assert_eq!(
                told["entry"]["mass_mg"], entry.mass_mg,
                "{}",
                entry.entry_id
            );
            work_out_again(&told, &readings, &factors);
            the_oracle_agrees(&answer.stdout);
            explained += 1;
            with_mass += usize::from(entry.book() != Book::Energy);
        }
    }
    assert!(
        with_mass >= 4,
        "only {with_mass} of {explained} entries have a mass"
    );
    println!("{explained} entries worked out again, {with_mass} of them with a mass");
}

async fn entries_of(park: &Park, home: &str, from: &str, to: &str) -> Vec<Entry> {
    let mut clients = park.clients().await;
    let request = EntriesRequest {
        park: PARK.to_owned(),
        period: Some(Period {
            from: from.to_owned(),
            to: to.to_owned(),
        }),
        asset: home.to_owned(),
        book: Book::Unspecified.into(),
        as_of: None,
    };
    let mut answers = clients
        .ledger
        .entries(request)
        .await
        .expect("the ledger answers")
        .into_inner();
    let mut entries = Vec::new();
    while let Some(answer) = answers.message().await.expect("the ledger goes on") {
        entries.extend(answer.entries);
    }
    entries
}

/// Recomputes the entry from the CSV files, using the explanation only to know what it claims.
fn work_out_again(
    told: &Json,
    readings: &BTreeMap<(String, i64), Reading>,
    factors: &BTreeMap<i64, String>,
) {
    let entry = &told["entry"];
    let id = entry["entry_id"].as_str().expect("an id");
    let hour = seconds_of(entry["interval_start"].as_str().expect("a start"));
    let home = entry["asset"].as_str().expect("an asset");
    let read_wh = |meter: &str| {
        let reading = &readings[&(format!("{home}.{meter}"), hour)];
        let claimed = told["contributions"]
            .as_array()
            .expect("contributions")
            .iter();
        let part = claimed
            .clone()
            .find(|part| part["meter"] == reading.meter.as_str());
        let part = part.unwrap_or_else(|| panic!("{id}: nothing of {}", reading.meter));
        let value = part["value"].as_str().map(canonical);
        assert_eq!(
            value,
            Some(canonical(&reading.value)),
            "{id}: {}",
            reading.meter
        );
        assert_eq!(
            part["unit"],
            reading.unit.as_str(),
            "{id}: {}",
            reading.meter
        );
        let events = part["events"].as_array().expect("events");
        assert_eq!(events.len(), 1, "{id}: {}", reading.meter);
        assert_eq!(
            events[0]["stream"],
            format!("energy.meter-zne-homes.{}", reading.meter),
            "{id}"
        );
        i64::try_from(scaled_and_rounded(&reading.value, 1000)).expect("fits")
    };
    let (consumption, generation) = (read_wh("load"), read_wh("pv"));
    let import = (consumption - generation).max(0);
    let export = (generation - consumption).max(0);
    let energy = match (
        entry["book"].as_str().expect("a book"),
        entry["account"].as_str().expect("an account"),
    ) {
        ("BOOK_EMISSION", _) | (_, "ENERGY_ACCOUNT_IMPORT") => import,
        ("BOOK_AVOIDED", _) | (_, "ENERGY_ACCOUNT_EXPORT") => export,
        (_, "ENERGY_ACCOUNT_CONSUMPTION") => consumption,
        (_, "ENERGY_ACCOUNT_GENERATION") => generation,
        (_, "ENERGY_ACCOUNT_SELF_USE") => consumption.min(generation),
        (_, "ENERGY_ACCOUNT_UNEXPLAINED") => 0,
        other => panic!("{id}: {other:?}"),
    };
    assert_eq!(entry["energy_wh"], energy, "{id}");
    if entry["book"] == "BOOK_ENERGY" {
        assert!(entry["factor"].is_null(), "{id}");
        return;
    }
    let factor = &entry["factor"];
    assert_eq!(factor["value"], factors[&hour].as_str(), "{id}");
    assert_eq!(factor["set"], "caiso-hourly", "{id}");
    assert_eq!(factor["version"], "b8bad314", "{id}");
    for field in ["publisher", "region", "unit", "published_on", "source"] {
        assert!(
            factor[field].as_str().is_some_and(|text| !text.is_empty()),
            "{id}: {field}"
        );
    }
    let valid = |field: &str| seconds_of(factor[field].as_str().expect("a time"));
    assert!(
        valid("valid_from") <= hour && hour < valid("valid_to"),
        "{id}: {factor}"
    );
    let mass_mg = scaled_and_rounded(&factors[&hour], i128::from(energy) * 1000);
    assert_eq!(
        entry["mass_mg"].as_i64().map(i128::from),
        Some(mass_mg),
        "{id}"
    );
}

/// `decimal` times `factor`, rounded half to even.
fn scaled_and_rounded(decimal: &str, factor: i128) -> i128 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let mantissa: i128 = format!("{whole}{fraction}").parse().expect("digits");
    let denominator = 10_i128.pow(u32::try_from(fraction.len()).expect("few digits"));
    let product = mantissa * factor;
    let (floor, rest) = (
        product.div_euclid(denominator),
        product.rem_euclid(denominator),
    );
    let round_up = 2 * rest > denominator || (2 * rest == denominator && floor % 2 != 0);
    floor + i128::from(round_up)
}

fn the_oracle_agrees(explained: &str) {
    let script: PathBuf = repository().join("tests/oracle/explain.py");
    run_with_input(Command::new("python3").arg(script), explained).expect_code(0);
}
