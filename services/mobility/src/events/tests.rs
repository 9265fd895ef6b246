use terrarium_model::AssetId;

use super::*;

#[test]
fn every_event_is_read_as_it_was_written() {
    let time = UnixSeconds(1_754_000_000);
    let asked = Uuid::from_u128(8);
    let totals = Totals {
        energy_in_wh: 12_000,
        energy_out_wh: 300,
    };
    let started = |vehicle_class| ChargerFact::SessionStarted {
        session: "s-1".into(),
        start: SessionStart {
            vehicle_class,
            time,
            allows_discharge: true,
            owner: (vehicle_class == VehicleClass::Visitor).then_some(OwnerTerms {
                battery_wh: 60_000,
                stored_wh: 40_000,
                reserve_wh: 20_000,
                departure: UnixSeconds(9),
            }),
        },
    };
    let missed = |reason, power_w| ChargerFact::PowerMissed {
        asked,
        time,
        reason,
        power_w,
    };
    for fact in [
        started(VehicleClass::Fleet),
        started(VehicleClass::Public),
        started(VehicleClass::Visitor),
        ChargerFact::SessionMetered {
            session: "s-1".into(),
            time,
            totals,
        },
        ChargerFact::SessionEnded {
            session: "s-1".into(),
            vehicle_class: VehicleClass::Fleet,
            started: UnixSeconds(5),
            ended: time,
            totals,
        },
        ChargerFact::FaultRaised {
            fault: "ground-failure".into(),
            time,
        },
        ChargerFact::FaultCleared {
            fault: "ground-failure".into(),
            time,
        },
        ChargerFact::PowerAsked(PowerAsk {
            limit_w: -3_000,
            time,
            answer_by: UnixSeconds(time.0 + 60),
            client_request_id: "a".into(),
        }),
        ChargerFact::PowerObeyed {
            asked,
            time,
            power_w: -2_900,
        },
        missed(MissReason::NotFollowed, Some(0)),
        missed(MissReason::TooLate, Some(-5)),
        missed(MissReason::Replaced, None),
        missed(MissReason::NotAnswered, None),
        ChargerFact::MeterQuarantined {
            session: "s-1".into(),
            time,
            totals,
            reason: "it shrank".into(),
        },
        ChargerFact::ReserveUndercut {
            session: "s-1".into(),
            time,
            stored_wh: 19_000,
            reserve_wh: 20_000,
        },
    ] {
        let event = ChargerEvent {
            id: Uuid::from_u128(1),
            charger: AssetId::new("charger-1").expect("valid"),
            fact,
        };
        let encoded = encode(&event);
        let read =
            decode(encoded.id, encoded.event_type, &encoded.data).expect("own events can be read");
        assert_eq!(read, MobilityEvent::Charger(event));
    }
}

#[test]
fn what_is_no_event_of_this_domain_is_refused() {
    let unknown = decode(
        Uuid::nil(),
        "terrarium.mobility.v1.ChargerPaintedV1",
        &Bytes::new(),
    );
    assert!(matches!(unknown, Err(EventCodecError::UnknownType(_))));
    let empty = decode(Uuid::nil(), CHARGE_SESSION_STARTED_V1, &Bytes::new());
    assert!(matches!(empty, Err(EventCodecError::Malformed { .. })));
}

#[test]
fn every_released_message_is_read_as_what_it_is() {
    let park = terrarium_model::ParkId::new("haotian").expect("valid");
    let read = |encoded: EncodedEvent| {
        decode(encoded.id, encoded.event_type, &encoded.data).expect("own events can be read")
    };
    let trip: Event<VehicleFact> = Event::of(&park, wire::ShuttleTripEndedV1::default());
    let told: Event<VehicleFact> = Event::of(&park, wire::FleetVehicleReportedV1::default());
    let people: Event<VisitorFact> = Event::of(&park, wire::VisitorsCountedV1::default());
    let emergency: Event<EmergencyFact> = Event::of(&park, wire::EmergencySupplyEndedV1::default());
    assert_eq!(read(trip.encode()), MobilityEvent::Vehicle(trip));
    assert_eq!(read(told.encode()), MobilityEvent::Vehicle(told));
    assert_eq!(read(people.encode()), MobilityEvent::Visitors(people));
    assert_eq!(
        read(emergency.encode()),
        MobilityEvent::Emergency(emergency)
    );
}
