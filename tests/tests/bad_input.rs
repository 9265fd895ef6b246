//! Bad readings and requests: each has one clear message that names the field and the remedy, and nothing beside it is lost.

use terrarium_proto::energy::v1::{
    Correction, QuarantineReason, Reading, ReportReadingsRequest, ReportReadingsResponse,
    StreamReadingsRequest,
};
use terrarium_tests::readings::reading;
use terrarium_tests::{Clients, Park, expect_status, feed, send_bytes};
use tonic::{Code, Status};

const PARK: &str = "zne-homes";
const INVALID_ARGUMENT: u32 = Code::InvalidArgument as u32;

fn hour(number: u32) -> String {
    format!(
        "2016-08-{:02}T{:02}:00:00-08:00",
        1 + number / 24,
        number % 24
    )
}

fn good(number: u32) -> Reading {
    reading("home-01.load", &hour(number), 3600, "1.5")
}

async fn report(
    clients: &mut Clients,
    park: &str,
    readings: Vec<Reading>,
) -> Result<ReportReadingsResponse, Status> {
    let request = ReportReadingsRequest {
        park: park.to_owned(),
        readings,
        client_request_id: "bad-input".to_owned(),
    };
    clients
        .energy
        .report_readings(request)
        .await
        .map(tonic::Response::into_inner)
}

/// One refused reading between two good ones.
struct Refusal {
    reading: Reading,
    field: &'static str,
    code: u32,
    said: &'static [&'static str],
}

fn refusal(
    change: impl FnOnce(&mut Reading),
    field: &'static str,
    said: &'static [&'static str],
) -> Refusal {
    let mut reading = good(5);
    change(&mut reading);
    Refusal {
        reading,
        field,
        code: INVALID_ARGUMENT,
        said,
    }
}

fn malformed_readings() -> Vec<Refusal> {
    vec![
        refusal(
            |r| r.value = "abc".into(),
            "value",
            &["abc", "is not a decimal number", "write"],
        ),
        refusal(
            |r| r.value = "1,5".into(),
            "value",
            &["1,5", "is not a decimal number"],
        ),
        refusal(
            |r| r.value = "NaN".into(),
            "value",
            &["is not a decimal number"],
        ),
        refusal(|r| r.value = "1e3".into(), "value", &["no exponent"]),
        refusal(|r| r.value.clear(), "value", &["is not a decimal number"]),
        refusal(
            |r| r.value = "0.0000000000001".into(),
            "value",
            &["digits after the point", "round it"],
        ),
        refusal(|r| r.value = "9".repeat(17), "value", &[]),
        refusal(
            |r| r.interval_start = "2016-08-01T00:00:00".into(),
            "interval_start",
            &["no UTC offset", "write"],
        ),
        refusal(
            |r| r.interval_start = "yesterday".into(),
            "interval_start",
            &["no RFC 3339 time"],
        ),
        refusal(
            |r| r.interval_start = "2016-02-30T00:00:00Z".into(),
            "interval_start",
            &["does not exist"],
        ),
        refusal(
            |r| r.meter = "home-99.load".into(),
            "meter",
            &["has no meter", "home-99.load", "add it to the park"],
        ),
        refusal(|r| r.meter = "Home 1".into(), "meter", &[]),
        refusal(
            |r| r.unit = "kwh".into(),
            "unit",
            &["kwh", "no known unit", "kWh"],
        ),
        refusal(|r| r.unit.clear(), "unit", &["no known unit"]),
        refusal(
            |r| r.quantity = "reactive_energy".into(),
            "quantity",
            &["reactive_energy", "reports", "active_energy"],
        ),
        refusal(
            |r| r.interval_seconds = 0,
            "interval_seconds",
            &["is no interval"],
        ),
        refusal(
            |r| r.interval_seconds = 40_000_000,
            "interval_seconds",
            &["is no interval"],
        ),
        refusal(
            |r| {
                r.correction = Some(Correction {
                    replaces_revision: None,
                    reason: "x".repeat(501),
                })
            },
            "correction.reason",
            &["501 bytes", "shorter"],
        ),
    ]
}

fn refused_because_of_what_is_recorded() -> Vec<Refusal> {
    let corrects = |replaces_revision| {
        Some(Correction {
            replaces_revision,
            reason: "test".to_owned(),
        })
    };
    vec![
        Refusal {
            reading: reading("home-01.load", &hour(0), 3600, "1.6"),
            field: "value",
            code: Code::AlreadyExists as u32,
            said: &[
                "1.5 kWh is recorded",
                "1.6 kWh was sent",
                "send it as a correction",
            ],
        },
        Refusal {
            reading: Reading {
                correction: corrects(None),
                ..good(700)
            },
            field: "interval_start",
            code: Code::NotFound as u32,
            said: &["no counted reading", "send it as a plain reading"],
        },
        Refusal {
            reading: Reading {
                correction: corrects(Some(7)),
                value: "1.7".to_owned(),
                ..good(0)
            },
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
    report(&mut clients, PARK, vec![good(0)])
        .await
        .expect("a good reading");
    let refusals: Vec<Refusal> = malformed_readings()
        .into_iter()
        .chain(refused_because_of_what_is_recorded())
        .collect();

    let mut batch = vec![good(1)];
    batch.extend(refusals.iter().map(|refusal| refusal.reading.clone()));
    batch.push(good(2));
    let events_before = park.state_at(0).events;
    let answer = report(&mut clients, PARK, batch.clone())
        .await
        .expect("the batch is answered");

    let counts = answer.counts.expect("counts");
    assert_eq!(
        (counts.recorded, counts.already_recorded, counts.quarantined),
        (2, 0, 0),
        "{counts:?}"
    );
    assert_eq!(counts.rejected as usize, refusals.len());
    assert_eq!(answer.rejections.len(), refusals.len());
    for ((index, refusal), rejection) in (1..).zip(&refusals).zip(&answer.rejections) {
        assert_eq!(rejection.index, index, "{rejection:?}");
        assert_eq!(
            (rejection.field.as_str(), rejection.code),
            (refusal.field, refusal.code),
            "{rejection:?}"
        );
        assert!(!rejection.message.is_empty());
        for said in refusal.said {
            assert!(
                rejection.message.contains(said),
                "{said:?} is not in {:?}",
                rejection.message
            );
        }
    }
    assert_eq!(
        park.state_at(answer.recorded_position).events,
        events_before + 2,
        "only the good ones are events"
    );

    let again = report(&mut clients, PARK, batch)
        .await
        .expect("the batch is answered")
        .counts
        .expect("counts");
    assert_eq!(
        (again.recorded, again.already_recorded),
        (0, 2),
        "{again:?}"
    );
    assert_eq!(
        again.rejected as usize,
        refusals.len(),
        "the same answer again"
    );
    feed::expect_sound(&feed::read_all(&mut clients, PARK).await);
}

#[tokio::test]
async fn a_suspicious_reading_is_recorded_and_kept_apart_and_the_batch_goes_on() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let unit = |unit: &str, reading: Reading| Reading {
        unit: unit.to_owned(),
        ..reading
    };
    let suspicious = [
        (
            unit("kVA", good(10)),
            QuarantineReason::WrongDimension,
            "is apparent power, not energy",
        ),
        (
            unit("m3", good(11)),
            QuarantineReason::WrongDimension,
            "not energy",
        ),
        (
            reading("home-01.load", &hour(12), 3600, "200.001"),
            QuarantineReason::AboveRating,
            "more than 10 times its rating",
        ),
        (
            reading("home-01.load", &hour(13), 3600, "-0.001"),
            QuarantineReason::Negative,
            "is below zero",
        ),
        (
            reading("home-01.load", "2016-08-01T00:30:00-08:00", 3600, "1.5"),
            QuarantineReason::Overlap,
            "overlap the recorded",
        ),
        (
            reading("home-01.load", "2199-01-01T00:00:00Z", 3600, "1.5"),
            QuarantineReason::InFuture,
            "after the park's time",
        ),
    ];
    let mut batch = vec![good(0)];
    batch.extend(suspicious.iter().map(|(reading, _, _)| reading.clone()));
    batch.push(good(2));
    // Exactly ten times the rating is still believed.
    batch.push(reading("home-01.load", &hour(20), 3600, "200"));
    let answer = report(&mut clients, PARK, batch.clone())
        .await
        .expect("the batch is answered");
    let counts = answer.counts.expect("counts");
    assert_eq!(
        (counts.recorded, counts.rejected),
        (3, 0),
        "{:?}",
        answer.rejections
    );
    assert_eq!(counts.quarantined as usize, suspicious.len());
    for ((index, (_, reason, finding)), notice) in (1..).zip(&suspicious).zip(&answer.quarantined) {
        assert_eq!(notice.index, index, "{notice:?}");
        assert_eq!(notice.reason(), *reason, "{notice:?}");
        assert!(notice.finding.contains(finding), "{notice:?}");
        assert_eq!(notice.quarantine_id.len(), 36, "{notice:?}");
    }
    let state = park.state_at(answer.recorded_position);
    assert_eq!(
        (state.readings, state.quarantined as usize),
        (3, suspicious.len())
    );
    let again = report(&mut clients, PARK, batch)
        .await
        .expect("the batch is answered")
        .counts
        .expect("counts");
    assert_eq!(
        again.already_recorded as usize,
        suspicious.len() + 3,
        "{again:?}"
    );
}

#[tokio::test]
async fn a_bad_request_is_refused_whole_with_its_status_and_field() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let before = park.state();

    let unknown_park = report(&mut clients, "atlantis", vec![good(0)])
        .await
        .expect_err("no such park");
    expect_status(&unknown_park, Code::NotFound, "park", "atlantis");
    let no_park = report(&mut clients, "At Lantis", vec![good(0)])
        .await
        .expect_err("no park's name");
    expect_status(&no_park, Code::InvalidArgument, "park", "");
    let too_many = report(&mut clients, PARK, (0..2001).map(|_| good(0)).collect())
        .await
        .expect_err("too many readings");
    expect_status(&too_many, Code::InvalidArgument, "readings", "at most 2000");
    let mut request = ReportReadingsRequest {
        park: PARK.to_owned(),
        readings: vec![good(0)],
        ..Default::default()
    };
    request.client_request_id = "x".repeat(65);
    let long_id = clients
        .energy
        .report_readings(request)
        .await
        .expect_err("too long an id");
    expect_status(
        &long_id,
        Code::InvalidArgument,
        "client_request_id",
        "65 bytes",
    );

    let huge = Reading {
        value: "1".repeat(5 << 20),
        ..good(0)
    };
    let over_the_limit = report(&mut clients, PARK, vec![huge])
        .await
        .expect_err("too large a message");
    // gRPC's own specification allows RESOURCE_EXHAUSTED for it, tonic says OUT_OF_RANGE.
    assert!(
        matches!(
            over_the_limit.code(),
            Code::OutOfRange | Code::ResourceExhausted
        ),
        "{over_the_limit:?}"
    );
    assert!(
        over_the_limit.message().contains("4194304"),
        "the limit is named: {over_the_limit:?}"
    );

    let malformed = send_bytes(
        &clients,
        "/terrarium.energy.v1.EnergyService/ReportReadings",
        &[0xff; 20],
    )
    .await
    .expect_err("no protobuf message");
    assert_eq!(malformed.code(), Code::InvalidArgument, "{malformed:?}");
    assert_eq!(park.state(), before, "nothing is half done");
    report(&mut clients, PARK, vec![good(0)])
        .await
        .expect("the server goes on");
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
    let bad = Reading {
        value: "abc".to_owned(),
        ..good(3)
    };
    let batches = vec![
        batch(1, vec![good(1)]),
        batch(2, vec![good(2), bad, good(4)]),
        batch(4, vec![good(5)]),
    ];
    let mut answers = clients
        .energy
        .stream_readings(tokio_stream::iter(batches))
        .await
        .expect("a stream")
        .into_inner();
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
    expect_status(
        &end,
        Code::InvalidArgument,
        "batch",
        "batch 4 came where 3 was due",
    );
    assert_eq!(through, 2, "what came before is acknowledged");
    let places: Vec<(u64, u32)> = rejections
        .iter()
        .map(|rejection| (rejection.batch, rejection.index))
        .collect();
    assert_eq!(places, [(2, 1)], "one bad reading does not end a stream");
    let events = feed::read_all(&mut clients, PARK).await;
    assert_eq!(events.iter().filter_map(feed::reading_of).count(), 3);
}
