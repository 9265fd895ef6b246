//! Recorded events read back as what was decided.

use proptest::prelude::*;
use terrarium_journal::EventCodecError;

use super::*;

fn any_reading() -> impl Strategy<Value = RecordedReading> {
    let energy = proptest::option::of(any::<i64>());
    (
        any::<i32>(),
        any::<u32>(),
        "-?[0-9]{1,18}(\\.[0-9]{1,12})?",
        0..Unit::ALL.len(),
        energy,
        any::<u32>(),
    )
        .prop_map(
            |(start, seconds, value, unit, energy, revision)| RecordedReading {
                meter: MeterId::new("home-01.load").expect("valid"),
                interval: Interval {
                    start: UnixSeconds(i64::from(start)),
                    seconds,
                },
                value: Decimal::parse(&value).expect("a decimal"),
                unit: Unit::ALL[unit],
                energy: energy.map(EnergyWh),
                revision,
            },
        )
}

fn any_fact() -> impl Strategy<Value = MeterFact> {
    use QuarantineReason as Reason;
    let reasons = [
        Reason::WrongDimension,
        Reason::AboveRating,
        Reason::CounterBackwards,
        Reason::Negative,
        Reason::Overlap,
        Reason::InFuture,
    ];
    (
        any_reading(),
        0_usize..7,
        any::<u128>(),
        "\\PC{0,40}",
        0..reasons.len(),
        any::<bool>(),
    )
        .prop_map(move |(reading, kind, id, text, reason, corrected)| {
            let id = Uuid::from_u128(id);
            match kind {
                0 => MeterFact::IntervalMetered(reading),
                1 => MeterFact::RegisterRead(reading),
                5 => MeterFact::RegisterContinued {
                    reading,
                    offset: EnergyWh(id.as_u128() as i64),
                },
                6 => MeterFact::Swapped {
                    last: reading.clone(),
                    first: reading,
                    last_offset: EnergyWh(id.as_u128() as i64),
                    offset: EnergyWh(7),
                    reason: text.into(),
                },
                2 => MeterFact::Corrected {
                    reading,
                    replaces: id,
                    reason: text.into(),
                },
                3 => MeterFact::Quarantined {
                    reading,
                    reason: reasons[reason],
                    finding: text,
                },
                _ => MeterFact::QuarantineDecided {
                    quarantine_id: id,
                    reading,
                    corrected,
                    reason: text.into(),
                },
            }
        })
}

proptest! {
    #[test]
    fn every_event_reads_back_as_itself(fact in any_fact(), id in any::<u128>()) {
        let event = MeterEvent { id: Uuid::from_u128(id), fact };
        let encoded = encode(&event);
        prop_assert_eq!(encoded.id, event.id);
        prop_assert_eq!(decode(encoded.id, encoded.event_type, &encoded.data).expect("own event"), event);
    }

    #[test]
    fn bytes_that_are_no_event_are_refused_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        kind in 0_usize..8,
    ) {
        let types = [
            INTERVAL_METERED_V1, REGISTER_READ_V1, READING_CORRECTED_V1,
            READING_QUARANTINED_V1, QUARANTINE_RELEASED_V1, QUARANTINE_CORRECTED_V1,
            REGISTER_READ_V2, METER_SWAPPED_V1,
        ];
        let _ = decode(Uuid::nil(), types[kind], &Bytes::from(bytes));
    }
}

#[test]
fn an_event_of_an_unknown_type_says_to_update() {
    let error =
        decode(Uuid::nil(), "terrarium.energy.v9.Unheard", &Bytes::new()).expect_err("unknown");
    assert!(matches!(error, EventCodecError::UnknownType(_)));
    assert!(error.to_string().contains("update terrarium"), "{error}");
}

#[test]
fn an_empty_payload_says_what_is_missing() {
    let error = decode(Uuid::nil(), INTERVAL_METERED_V1, &Bytes::new()).expect_err("no reading");
    assert!(error.to_string().contains("no reading"), "{error}");
}

#[test]
fn the_time_of_an_event_is_the_start_of_its_reading_and_its_cause_is_what_it_rests_on() {
    let reading = RecordedReading {
        meter: MeterId::new("home-01.load").expect("valid"),
        interval: Interval {
            start: UnixSeconds(1_470_034_800),
            seconds: 3_600,
        },
        value: Decimal::parse("1").expect("a decimal"),
        unit: Unit::KilowattHour,
        energy: Some(EnergyWh(1_000)),
        revision: 1,
    };
    let replaces = Uuid::from_u128(7);
    let encoded = encode(&MeterEvent {
        id: Uuid::from_u128(8),
        fact: MeterFact::Corrected {
            reading,
            replaces,
            reason: "".into(),
        },
    });
    assert_eq!(
        (encoded.time.as_str(), encoded.causation),
        ("2016-08-01T07:00:00Z", Some(replaces))
    );
}
