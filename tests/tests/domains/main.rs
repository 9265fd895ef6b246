//! Water, waste, mobility and carbon through the whole path: reports, alarms, commands and their refusals, what is kept in
//! quarantine, and the same state after a restart.

mod books;
mod call;
mod carbon;
mod mobility;
mod roles;
mod waste;
mod water;

use terrarium_proto::report::v1::ReportCounts;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{Park, feed, repository};

pub const PARK: &str = "domains";

/// An instant of a morning long past.
pub fn at(minute: u32) -> String {
    format!(
        "2025-08-01T{:02}:{:02}:00+08:00",
        6 + minute / 60,
        minute % 60
    )
}

/// In so many seconds, in whole ones.
pub fn from_now(seconds: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now + seconds)
        .expect("a time in this century")
        .to_string()
}

pub fn park() -> Park {
    Park::new(&[repository().join("tests/data/domains/park.toml")])
}

pub fn counts(recorded: u64, already_recorded: u64, rejected: u64) -> Option<ReportCounts> {
    Some(ReportCounts {
        recorded,
        already_recorded,
        rejected,
        quarantined: 0,
    })
}

/// Counts with quarantined reports.
pub fn quarantined(
    recorded: u64,
    already_recorded: u64,
    rejected: u64,
    quarantined: u64,
) -> Option<ReportCounts> {
    Some(ReportCounts {
        recorded,
        already_recorded,
        rejected,
        quarantined,
    })
}

// Several threads, so that the connection can be closed while this one waits for the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn every_domain_is_reported_alarmed_commanded_and_stays_the_same_after_a_restart() {
    let mut park = park();
    park.start();
    let mut clients = park.clients().await;
    let channel = clients.channel.clone();
    let positions = tokio::join!(
        water::drive(channel.clone()),
        waste::drive(channel.clone()),
        mobility::drive(channel.clone()),
        carbon::drive(channel)
    );
    let position = positions
        .0
        .max(positions.1)
        .max(positions.2)
        .max(positions.3);
    let before = park.state_at(position);

    let events = feed::read_all(&mut clients, PARK).await;
    let count = |name: &str| {
        events
            .iter()
            .filter(|event| event.r#type.ends_with(name))
            .count()
    };
    for (name, expected) in [
        ("TankLevelMeasuredV1", 4),
        ("TankLevelQuarantinedV1", 1),
        ("TankLevelReleasedV1", 1),
        ("TankFlowMeteredV1", 1),
        ("WaterQualitySampledV1", 2),
        ("LeakWatchSetV1", 1),
        ("LeakSuspectedV1", 2),
        ("LeakClearedV1", 1),
        ("WaterReadingQuarantinedV1", 1),
        ("BinMeasurementQuarantinedV1", 1),
        ("WeighbridgeTicketRecordedV1", 1),
        ("ContaminationFoundV1", 1),
        ("CompostFedV1", 1),
        ("CompostMeasuredV1", 2),
        ("CompostTurnedV1", 1),
        ("CompostProductTakenV1", 1),
        ("HazardousConsignedV1", 1),
        ("CustodyHandedOverV1", 1),
        ("HazardousTreatedV1", 1),
        ("ChargeSessionMeterQuarantinedV1", 1),
        ("EmergencySupplyStartedV1", 1),
        ("EmergencySupplyEndedV1", 1),
        ("FleetVehicleReportedV1", 2),
        ("ShuttleTripEndedV1", 1),
        ("VisitorsCountedV1", 2),
        ("TreesPlantedV1", 1),
        ("TreesMonitoredV1", 1),
        ("TreesDiedV1", 1),
        ("EmbodiedCarbonRecordedV1", 2),
        ("InstrumentRetiredV1", 1),
        ("PeriodClosedV1", 1),
        ("PeriodRestatedV1", 1),
        ("TargetSetV1", 1),
        ("TankAlarmRaisedV1", 1),
        ("TankAlarmClearedV1", 1),
        ("IrrigationStartedV1", 1),
        ("IrrigationEndedV1", 1),
        ("WaterMeteredV1", 7),
        ("BinWeighedV1", 3),
        ("BinOverflowRaisedV1", 2),
        ("BinOverflowClearedV1", 2),
        ("CollectionOrderedV1", 1),
        ("CollectionAcknowledgedV1", 1),
        ("CollectionExecutedV1", 1),
        ("CollectionMissedV1", 0),
        ("BinEmptiedV1", 2),
        ("ChargeSessionStartedV1", 2),
        ("ChargeSessionMeteredV1", 3),
        ("ChargeSessionEndedV1", 1),
        ("ChargerFaultRaisedV1", 1),
        ("ChargerFaultClearedV1", 1),
        ("ChargePowerAskedV1", 3),
        ("ChargePowerObeyedV1", 1),
        ("ChargePowerMissedV1", 1),
    ] {
        assert_eq!(count(name), expected, "events of type {name}");
    }
    let printed = park
        .cli(&["events", "--park", PARK, "--format", "json"])
        .expect_code(0);
    assert!(printed.stdout.contains("rain-tank"), "{}", printed.stdout);

    park.cli(&["verify"]).expect_code(0);
    park.stop();
    park.cli(&["verify"]).expect_code(0);
    park.start();
    assert_eq!(park.state_at(position), before);
    park.cli(&["verify"]).expect_code(0);
}

#[tokio::test]
async fn the_content_hash_does_not_depend_on_how_the_streams_are_interleaved() {
    let mut hashes = Vec::new();
    for tank_first in [true, false] {
        let mut park = park();
        park.start();
        let channel = park.clients().await.channel;
        let mut water = WaterServiceClient::new(channel.clone());
        let mut waste = WasteServiceClient::new(channel);
        let mut position = 0;
        for minute in 0..4 {
            let level = water::levels(&[("rain-tank", minute, 1_000 + i64::from(minute) * 1_500)]);
            let bin = waste::weigh(&[("bin-1", minute, 210 + i64::from(minute) * 3, 10)]);
            if tank_first {
                water
                    .report_tank_levels(level.clone())
                    .await
                    .expect("an answer");
            }
            let answer = waste
                .report_bins(bin)
                .await
                .expect("an answer")
                .into_inner();
            position = answer.recorded_position;
            if !tank_first {
                let answer = water
                    .report_tank_levels(level)
                    .await
                    .expect("an answer")
                    .into_inner();
                position = answer.recorded_position;
            }
        }
        hashes.push(park.state_at(position));
    }
    assert_eq!(hashes[0].content_hash, hashes[1].content_hash);
    assert_ne!(hashes[0].state_hash, hashes[1].state_hash);
}
