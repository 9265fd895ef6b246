//! Bad readings, requests and files: each has one clear message that names the place and the remedy, and nothing beside it
//! is lost.

use std::path::PathBuf;

use serde_json::Value as Json;
use terrarium_proto::carbon::v1::factor_set::Values;
use terrarium_proto::carbon::v1::{FactorSeries, FactorSet, PublishFactorSetRequest};
use terrarium_proto::energy::v1::{
    Correction, QuarantineReason, Reading, ReportReadingsRequest, ReportReadingsResponse, StreamReadingsRequest,
};
use terrarium_tests::readings::{HEADER, reading, write_csv};
use terrarium_tests::{Clients, Park, feed};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tonic_types::StatusExt;

const PARK: &str = "zne-homes";
const INVALID_ARGUMENT: u32 = Code::InvalidArgument as u32;

fn hour(number: u32) -> String {
    format!("2016-08-{:02}T{:02}:00:00-08:00", 1 + number / 24, number % 24)
}

fn good(number: u32) -> Reading {
    reading("home-01.load", &hour(number), 3600, "1.5")
}

async fn report(clients: &mut Clients, park: &str, readings: Vec<Reading>) -> Result<ReportReadingsResponse, Status> {
    let request = ReportReadingsRequest { park: park.to_owned(), readings, client_request_id: "bad-input".to_owned() };
    clients.energy.report_readings(request).await.map(tonic::Response::into_inner)
}

/// One refused reading between two good ones.
struct Refusal {
    reading: Reading,
    field: &'static str,
    code: u32,
    said: &'static [&'static str],
}

fn refusal(change: impl FnOnce(&mut Reading), field: &'static str, said: &'static [&'static str]) -> Refusal {
    let mut reading = good(0);
    change(&mut reading);
    Refusal { reading, field, code: INVALID_ARGUMENT, said }
}

fn malformed_readings() -> Vec<Refusal> {
    vec![
        refusal(|r| r.value = "abc".into(), "value", &["abc", "is not a decimal number", "write"]),
        refusal(|r| r.value = "1,5".into(), "value", &["1,5", "is not a decimal number"]),
        refusal(|r| r.value = "NaN".into(), "value", &["is not a decimal number"]),
        refusal(|r| r.value = "1e3".into(), "value", &["no exponent"]),
        refusal(|r| r.value.clear(), "value", &["is not a decimal number"]),
        refusal(|r| r.value = "0.0000000000001".into(), "value", &["digits after the point", "round it"]),
        refusal(|r| r.value = "9".repeat(17), "value", &[]),
        refusal(|r| r.interval_start = "2016-08-01T00:00:00".into(), "interval_start", &["no UTC offset", "write"]),
        refusal(|r| r.interval_start = "yesterday".into(), "interval_start", &["no RFC 3339 time"]),
        refusal(|r| r.interval_start = "2016-02-30T00:00:00Z".into(), "interval_start", &["does not exist"]),
        refusal(|r| r.meter = "home-99.load".into(), "meter", &["has no meter", "home-99.load", "add it to the park"]),
        refusal(|r| r.meter = "Home 1".into(), "meter", &[]),
        refusal(|r| r.unit = "kwh".into(), "unit", &["kwh", "no known unit", "kWh"]),
        refusal(|r| r.unit.clear(), "unit", &["no known unit"]),
        refusal(|r| r.quantity = "reactive_energy".into(), "quantity", &["reactive_energy", "reports", "active_energy"]),
        refusal(|r| r.interval_seconds = 0, "interval_seconds", &["is no interval"]),
        refusal(|r| r.interval_seconds = 40_000_000, "interval_seconds", &["is no interval"]),
        refusal(
            |r| r.correction = Some(Correction { replaces_revision: None, reason: "x".repeat(501) }),
            "correction.reason",
            &["501 bytes", "shorter"],
        ),
    ]
}

fn refused_because_of_what_is_recorded() -> Vec<Refusal> {
    let corrects = |replaces_revision| Some(Correction { replaces_revision, reason: "test".to_owned() });
    vec![
        Refusal {
            reading: reading("home-01.load", &hour(0), 3600, "1.6"),
            field: "value",
            code: Code::AlreadyExists as u32,
            said: &["1.5 kWh is recorded", "1.6 kWh was sent", "send it as a correction"],
        },
        Refusal {
            reading: Reading { correction: corrects(None), ..good(700) },
            field: "interval_start",
            code: Code::NotFound as u32,
            said: &["no counted reading", "send it as a plain reading"],
        },
        Refusal {
            reading: Reading { correction: corrects(Some(7)), value: "1.7".to_owned(), ..good(0) },
            field: "correction.replaces_revision",
            code: Code::FailedPrecondition as u32,
            said: &["is at revision 0, not 7"],
        },
    ]
}

#[tokio::test]
async fn a_refused_reading_names_field_and_remedy_and_takes_nothing_of_its_batch_with_it() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    report(&mut clients, PARK, vec![good(0)]).await.expect("a good reading");
    let refusals: Vec<Refusal> = malformed_readings().into_iter().chain(refused_because_of_what_is_recorded()).collect();

    let mut batch = vec![good(1)];
    batch.extend(refusals.iter().map(|refusal| refusal.reading.clone()));
    batch.push(good(2));
    let events_before = park.state_at(0).events;
    let answer = report(&mut clients, PARK, batch.clone()).await.expect("the batch is answered");

    let counts = answer.counts.expect("counts");
    assert_eq!((counts.recorded, counts.already_recorded, counts.quarantined), (2, 0, 0), "{counts:?}");
    assert_eq!(counts.rejected as usize, refusals.len());
    assert_eq!(answer.rejections.len(), refusals.len());
    for ((index, refusal), rejection) in (1..).zip(&refusals).zip(&answer.rejections) {
        assert_eq!(rejection.index, index, "{rejection:?}");
        assert_eq!((rejection.field.as_str(), rejection.code), (refusal.field, refusal.code), "{rejection:?}");
        assert!(!rejection.message.is_empty());
        for said in refusal.said {
            assert!(rejection.message.contains(said), "{said:?} is not in {:?}", rejection.message);
        }
    }
    assert_eq!(park.state_at(answer.recorded_position).events, events_before + 2, "only the good ones are events");

    let again = report(&mut clients, PARK, batch).await.expect("the batch is answered").counts.expect("counts");
    assert_eq!((again.recorded, again.already_recorded), (0, 2), "{again:?}");
    assert_eq!(again.rejected as usize, refusals.len(), "the same answer again");
    feed::expect_sound(&feed::read_all(&mut clients, PARK).await);
}

#[tokio::test]
async fn a_suspicious_reading_is_recorded_and_kept_apart_and_the_batch_goes_on() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let unit = |unit: &str, reading: Reading| Reading { unit: unit.to_owned(), ..reading };
    let suspicious = [
        (unit("kVA", good(10)), QuarantineReason::WrongDimension, "is apparent power, not energy"),
        (unit("m3", good(11)), QuarantineReason::WrongDimension, "not energy"),
        (reading("home-01.load", &hour(12), 3600, "200.001"), QuarantineReason::AboveRating, "more than 10 times its rating"),
        (reading("home-01.load", &hour(13), 3600, "-0.001"), QuarantineReason::Negative, "is below zero"),
        (reading("home-01.load", "2016-08-01T00:30:00-08:00", 3600, "1.5"), QuarantineReason::Overlap, "overlap the recorded"),
        (reading("home-01.load", "2199-01-01T00:00:00Z", 3600, "1.5"), QuarantineReason::InFuture, "after the park's time"),
    ];
    let mut batch = vec![good(0)];
    batch.extend(suspicious.iter().map(|(reading, _, _)| reading.clone()));
    batch.push(good(2));
    // Exactly ten times the rating is still believed.
    batch.push(reading("home-01.load", &hour(20), 3600, "200"));
    let answer = report(&mut clients, PARK, batch.clone()).await.expect("the batch is answered");
    let counts = answer.counts.expect("counts");
    assert_eq!((counts.recorded, counts.rejected), (3, 0), "{:?}", answer.rejections);
    assert_eq!(counts.quarantined as usize, suspicious.len());
    for ((index, (_, reason, finding)), notice) in (1..).zip(&suspicious).zip(&answer.quarantined) {
        assert_eq!(notice.index, index, "{notice:?}");
        assert_eq!(notice.reason(), *reason, "{notice:?}");
        assert!(notice.finding.contains(finding), "{notice:?}");
        assert_eq!(notice.quarantine_id.len(), 36, "{notice:?}");
    }
    let state = park.state_at(answer.recorded_position);
    assert_eq!((state.readings, state.quarantined as usize), (3, suspicious.len()));
    let again = report(&mut clients, PARK, batch).await.expect("the batch is answered").counts.expect("counts");
    assert_eq!(again.already_recorded as usize, suspicious.len() + 3, "{again:?}");
}

#[tokio::test]
async fn a_bad_request_is_refused_whole_with_its_status_and_field() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let before = park.state();

    let unknown_park = report(&mut clients, "atlantis", vec![good(0)]).await.expect_err("no such park");
    expect_status(&unknown_park, Code::NotFound, "park", "atlantis");
    let no_park = report(&mut clients, "At Lantis", vec![good(0)]).await.expect_err("no park's name");
    expect_status(&no_park, Code::InvalidArgument, "park", "");
    let too_many = report(&mut clients, PARK, (0..2001).map(|_| good(0)).collect()).await.expect_err("too many readings");
    expect_status(&too_many, Code::InvalidArgument, "readings", "at most 2000");
    let mut request = ReportReadingsRequest { park: PARK.to_owned(), readings: vec![good(0)], ..Default::default() };
    request.client_request_id = "x".repeat(65);
    let long_id = clients.energy.report_readings(request).await.expect_err("too long an id");
    expect_status(&long_id, Code::InvalidArgument, "client_request_id", "65 bytes");

    let huge = Reading { value: "1".repeat(5 << 20), ..good(0) };
    let over_the_limit = report(&mut clients, PARK, vec![huge]).await.expect_err("too large a message");
    // gRPC's own specification allows RESOURCE_EXHAUSTED for it, tonic says OUT_OF_RANGE.
    assert!(matches!(over_the_limit.code(), Code::OutOfRange | Code::ResourceExhausted), "{over_the_limit:?}");
    assert!(over_the_limit.message().contains("4194304"), "the limit is named: {over_the_limit:?}");

    let malformed = send_bytes(&clients, &[0xff; 20]).await.expect_err("no protobuf message");
    assert_eq!(malformed.code(), Code::InvalidArgument, "{malformed:?}");
    assert_eq!(park.state(), before, "nothing is half done");
    report(&mut clients, PARK, vec![good(0)]).await.expect("the server goes on");
}

#[track_caller]
fn expect_status(status: &Status, code: Code, field: &str, said: &str) {
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(said), "{said:?} is not in {status:?}");
    let details = status.get_details_bad_request().unwrap_or_else(|| panic!("no field details: {status:?}"));
    let fields: Vec<&str> = details.field_violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, [field], "{status:?}");
}

/// Sends any bytes as a `ReportReadingsRequest`.
async fn send_bytes(clients: &Clients, bytes: &'static [u8]) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(clients.channel.clone());
    client.ready().await.expect("the connection is there");
    let path = "/terrarium.energy.v1.EnergyService/ReportReadings".parse().expect("a path");
    client.unary(tonic::Request::new(bytes), path, RawBytes).await.map(|_| ())
}

/// Encodes nothing: the bytes are the message.
struct RawBytes;

impl Codec for RawBytes {
    type Encode = &'static [u8];
    type Decode = ();
    type Encoder = RawBytes;
    type Decoder = RawBytes;

    fn encoder(&mut self) -> RawBytes {
        RawBytes
    }

    fn decoder(&mut self) -> RawBytes {
        RawBytes
    }
}

impl Encoder for RawBytes {
    type Item = &'static [u8];
    type Error = Status;

    fn encode(&mut self, bytes: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, bytes);
        Ok(())
    }
}

impl Decoder for RawBytes {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        bytes::Buf::advance(buffer, bytes::Buf::remaining(buffer));
        Ok(Some(()))
    }
}

#[tokio::test]
async fn a_stream_with_a_missing_batch_ends_after_the_batches_before_it_are_acknowledged() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let batch = |number: u64, readings| StreamReadingsRequest {
        park: PARK.to_owned(),
        batch: number,
        readings,
        client_request_id: String::new(),
    };
    let bad = Reading { value: "abc".to_owned(), ..good(3) };
    let batches = vec![batch(1, vec![good(1)]), batch(2, vec![good(2), bad, good(4)]), batch(4, vec![good(5)])];
    let mut answers = clients.energy.stream_readings(tokio_stream::iter(batches)).await.expect("a stream").into_inner();
    let mut through = 0;
    let mut rejections = Vec::new();
    let end = loop {
        match answers.message().await {
            Ok(Some(answer)) => {
                through = answer.through;
                rejections.extend(answer.rejections);
            }
            Ok(None) => panic!("the stream ended well"),
            Err(status) => break status,
        }
    };
    expect_status(&end, Code::InvalidArgument, "batch", "batch 4 came where 3 was due");
    assert_eq!(through, 2, "what came before is acknowledged");
    let places: Vec<(u64, u32)> = rejections.iter().map(|rejection| (rejection.batch, rejection.index)).collect();
    assert_eq!(places, [(2, 1)], "one bad reading does not end a stream");
    let events = feed::read_all(&mut clients, PARK).await;
    assert_eq!(events.iter().filter_map(feed::reading_of).count(), 3);
}

fn factor_set(change: impl FnOnce(&mut FactorSet)) -> PublishFactorSetRequest {
    let mut set = FactorSet {
        set: "test".to_owned(),
        version: "1".to_owned(),
        publisher: "a test".to_owned(),
        region: "caiso".to_owned(),
        kind: "grid_average".to_owned(),
        unit: "kgCO2/kWh".to_owned(),
        valid_from: "2016-08-01T00:00:00-08:00".to_owned(),
        valid_to: "2016-08-01T03:00:00-08:00".to_owned(),
        published_on: "2022-01-01".to_owned(),
        source: "made".to_owned(),
        values: Some(Values::Constant("0.5".to_owned())),
    };
    change(&mut set);
    PublishFactorSetRequest { park: PARK.to_owned(), factor_set: Some(set), client_request_id: String::new() }
}

#[tokio::test]
async fn a_bad_factor_set_is_refused_with_the_field_at_fault() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let before = park.state();
    let series = |values: &[&str]| {
        Some(Values::Series(FactorSeries { hourly: values.iter().map(|value| (*value).to_owned()).collect() }))
    };
    for (field, request) in [
        ("unit", factor_set(|set| set.unit = "lb/MWh".to_owned())),
        ("kind", factor_set(|set| set.kind = "guess".to_owned())),
        ("set", factor_set(|set| set.set = "No Id".to_owned())),
        ("version", factor_set(|set| set.version.clear())),
        ("valid_from", factor_set(|set| set.valid_from = "2016-08-01".to_owned())),
        ("valid_to", factor_set(|set| set.valid_to = set.valid_from.clone())),
        ("published_on", factor_set(|set| set.published_on = "last year".to_owned())),
        ("constant", factor_set(|set| set.values = Some(Values::Constant("a lot".to_owned())))),
        ("hourly", factor_set(|set| set.values = series(&["0.1", "0.2"]))),
        ("hourly", factor_set(|set| set.values = series(&["0.1", "x", "0.3"]))),
        ("values", factor_set(|set| set.values = None)),
    ] {
        let status = clients.carbon.publish_factor_set(request).await.expect_err(field);
        assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
        let details = status.get_details_bad_request().unwrap_or_else(|| panic!("no field details: {status:?}"));
        assert!(details.field_violations.iter().any(|violation| violation.field.contains(field)), "{field}: {details:?}");
    }
    assert_eq!(park.state(), before, "nothing is half done");

    clients.carbon.publish_factor_set(factor_set(|_| ())).await.expect("a good set");
    let other = factor_set(|set| set.values = Some(Values::Constant("0.6".to_owned())));
    let status = clients.carbon.publish_factor_set(other).await.expect_err("other content under a recorded version");
    assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
    assert!(status.message().contains("version"), "{status:?}");
}

fn broken_files(park: &Park) -> Vec<(PathBuf, &'static [&'static str])> {
    let header = HEADER.join(",");
    let row = "2016-08-01T00:00:00-08:00,3600,home-01.load,active_energy,1.5,kWh";
    let file = |name: &str, content: String| {
        let path = park.scratch(name);
        std::fs::write(&path, content).expect("the scratch folder is writable");
        path
    };
    vec![
        (file("cut.csv", format!("{header}\n{row}\n{}", &row[..40])), &["cut.csv, line 3", "ends in the middle"]),
        (file("cut-value.csv", format!("{header}\n{row}\n{}", &row[..row.len() - 2])), &["cut-value.csv, line 3"]),
        (file("columns.csv", format!("time,meter,kWh\n{row}\n")), &["columns.csv, line 1", "time,meter,kWh", "rename or reorder"]),
        (file("bom.csv", format!("\u{feff}{header}\n{row}\n")), &["bom.csv, line 1", "byte-order mark", "UTF-8 without one"]),
        (file("empty.csv", String::new()), &["empty.csv", "empty"]),
        (file("fields.csv", format!("{header}\n{row}\n{row},more\n")), &["fields.csv, line 3", "7 fields"]),
        (file("seconds.csv", format!("{header}\n{}\n", row.replace("3600", "1h"))), &["seconds.csv, line 2", "1h"]),
        (park.scratch("not-there.csv"), &["not-there.csv", "cannot be read"]),
    ]
}

#[test]
fn a_broken_readings_file_is_refused_before_anything_of_it_is_sent() {
    let mut park = Park::of_ten_homes();
    park.start();
    let before = park.state();
    for (file, said) in broken_files(&park) {
        park.cli(&["import", "readings", &file.to_string_lossy(), "--park", PARK]).expect_code(1).expect_said(said);
    }
    assert_eq!(park.state(), before, "nothing was sent");
}

#[test]
fn the_lines_of_bad_readings_are_named_and_the_others_are_imported() {
    let mut park = Park::of_ten_homes();
    park.start();
    let file = park.scratch("mixed.csv");
    let bad = Reading { value: "n/a".to_owned(), ..good(1) };
    let suspicious = Reading { unit: "kVA".to_owned(), ..good(2) };
    write_csv(&file, [&good(0), &bad, &suspicious, &good(3)]);
    let summary = park.import_readings(&file, &["--park", PARK], 3);
    assert_eq!((&summary["recorded"], &summary["rejected"], &summary["quarantined"]), (&2.into(), &1.into(), &1.into()));
    let place = |list: &str, key: &str| summary[list][0][key].clone();
    assert_eq!(place("rejections", "line"), Json::from(3), "{summary}");
    assert_eq!(place("rejections", "field"), "value", "{summary}");
    assert_eq!(place("quarantined_readings", "line"), Json::from(4), "{summary}");
    let in_words = park.cli(&["import", "readings", &file.to_string_lossy(), "--park", PARK]).expect_code(3);
    assert!(in_words.stdout.contains("mixed.csv, line 3: rejected: value"), "{}", in_words.stdout);
}

#[test]
fn a_client_without_a_server_gives_up_with_a_code_of_its_own() {
    let park = Park::of_ten_homes();
    let file = park.scratch("readings.csv");
    write_csv(&file, [&good(0)]);
    let words =
        ["import", "readings", &file.to_string_lossy(), "--park", PARK, "--url", "http://127.0.0.1:1", "--retry-for", "1"];
    park.cli(&words).expect_code(5).expect_said(&["http://127.0.0.1:1"]);
    park.cli(&["frobnicate"]).expect_code(2);
}
