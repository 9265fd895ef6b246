use terrarium_journal::RejectionCode;

use super::*;

fn context(rated_heat_w: Option<i64>) -> ObservationContext {
    ObservationContext {
        park: ParkId::new("haotian").expect("valid"),
        rated_heat_w,
        now: UnixSeconds(10_000),
    }
}

fn observed(start_s: i64, seconds: u32, air_temperature_mc: i32) -> WeatherObservedV1 {
    WeatherObservedV1 {
        station: "station".into(),
        interval_start_s: start_s,
        interval_seconds: seconds,
        air_temperature_mc: Some(air_temperature_mc),
        ..WeatherObservedV1::default()
    }
}

fn metered(start_s: i64, seconds: u32, heat_wh: i64) -> HeatMeteredV1 {
    HeatMeteredV1 {
        source: "pump".into(),
        interval_start_s: start_s,
        interval_seconds: seconds,
        heat_wh,
    }
}

fn refused<T: std::fmt::Debug>(decided: Result<T, Rejection>) -> (RejectionCode, &'static str) {
    let refusal = decided.expect_err("it must be refused");
    (refusal.code, refusal.field)
}

#[test]
fn an_observation_counts_once_and_nothing_overlaps_it() {
    let mut station = WeatherStation::default();
    let context = context(None);
    let events = station
        .decide(&context, &observed(0, 600, 21_300))
        .expect("good");
    assert_eq!(events.len(), 1);
    station.evolve(&events[0]);
    assert_eq!(
        station.decide(&context, &observed(0, 600, 21_300)),
        Ok(Vec::new())
    );
    assert_eq!(
        refused(station.decide(&context, &observed(0, 600, 21_400))),
        (RejectionCode::AlreadyExists, "interval_start")
    );
    assert_eq!(
        refused(station.decide(&context, &observed(300, 600, 21_300))),
        (RejectionCode::FailedPrecondition, "interval_start")
    );
    let next = station.decide(&context, &observed(600, 600, 21_300));
    assert_eq!(next.map(|events| events.len()), Ok(1));
    // It ends a second later than a fast clock is tolerated.
    assert_eq!(
        refused(station.decide(&context, &observed(9_461, 600, 0))),
        (RejectionCode::FailedPrecondition, "interval_start")
    );
}

#[test]
fn heat_is_never_negative_and_not_far_beyond_what_the_source_gives() {
    let mut pump = HeatSource::default();
    let context = context(Some(12_000));
    // Ten times 12 kW for a quarter of an hour.
    let most = pump
        .decide(&context, &metered(0, 900, 30_000))
        .expect("good");
    pump.evolve(&most[0]);
    for (heat_wh, start_s) in [(30_001, 900), (-1, 900)] {
        assert_eq!(
            refused(pump.decide(&context, &metered(start_s, 900, heat_wh))),
            (RejectionCode::InvalidArgument, "heat_wh")
        );
    }
    assert_eq!(
        refused(pump.decide(&context, &metered(0, 900, 5))),
        (RejectionCode::AlreadyExists, "heat_wh")
    );
    assert_eq!(
        pump.decide(&context, &metered(0, 900, 30_000)),
        Ok(Vec::new())
    );
}
