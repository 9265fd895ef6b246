use terrarium_model::AssetId;

use super::*;

fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("valid")
}

fn read_again<A: Aggregate>(event: &A::Event) -> WaterEvent {
    let encoded = A::encode(event);
    decode(encoded.id, encoded.event_type, &encoded.data).expect("own events can be read")
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let level = TankLevel {
        time: UnixSeconds(1_754_000_000),
        level_l: 1_234,
    };
    let alarm = |alarm| TankFact::AlarmRaised {
        alarm,
        level,
        limit_l: 2_000,
    };
    let cleared = TankFact::AlarmCleared {
        alarm: TankAlarm::High,
        level,
        limit_l: 19_000,
    };
    for fact in [
        TankFact::LevelMeasured(level),
        alarm(TankAlarm::Low),
        alarm(TankAlarm::High),
        cleared,
    ] {
        let event = TankEvent {
            id: Uuid::from_u128(1),
            tank: asset("rain-tank-1"),
            fact,
        };
        assert_eq!(read_again::<Tank>(&event), WaterEvent::Tank(event));
    }
    let started = IrrigationFact::Started {
        time: UnixSeconds(5),
        litres: 500,
        client_request_id: "a".into(),
    };
    let ended = IrrigationFact::Ended {
        started: Uuid::from_u128(2),
        time: UnixSeconds(6),
        litres: 480,
    };
    for fact in [started, ended] {
        let event = IrrigationEvent {
            id: Uuid::from_u128(2),
            zone: asset("lawn"),
            tank: asset("rain-tank-1"),
            fact,
        };
        assert_eq!(
            read_again::<Irrigation>(&event),
            WaterEvent::Irrigation(event)
        );
    }
    for network in [
        WaterNetwork::Supply,
        WaterNetwork::Reclaimed,
        WaterNetwork::Rain,
    ] {
        let message = wire::WaterMeteredV1 {
            asset: "toilets".into(),
            network: network_to_wire(network).into(),
            interval_start_s: 0,
            interval_seconds: 900,
            litres: 3,
        };
        let park = terrarium_model::ParkId::new("haotian").expect("valid");
        let event: Event<WaterMeterFact> = Event::of(&park, message);
        let water = MeteredWater {
            network,
            interval: Interval {
                start: UnixSeconds(0),
                seconds: 900,
            },
            litres: 3,
        };
        let metered = WaterMetered {
            id: event.id,
            asset: asset("toilets"),
            water,
        };
        assert_eq!(
            read_again::<WaterMeter>(&event),
            WaterEvent::Metered(metered)
        );
    }
    let quarantined = TankFact::Quarantined {
        level,
        reason: "more than it holds".into(),
    };
    let released = TankFact::Released {
        quarantined: Uuid::from_u128(4),
        time: UnixSeconds(9),
        reason: "it was so".into(),
    };
    for fact in [quarantined, released] {
        let event = TankEvent {
            id: Uuid::from_u128(5),
            tank: asset("rain-tank-1"),
            fact,
        };
        assert_eq!(read_again::<Tank>(&event), WaterEvent::Tank(event));
    }
}

#[test]
fn what_is_no_event_of_this_domain_is_refused() {
    let unknown = decode(
        Uuid::nil(),
        "terrarium.water.v1.TankPaintedV1",
        &Bytes::new(),
    );
    assert!(matches!(unknown, Err(EventCodecError::UnknownType(_))));
    let empty = decode(Uuid::nil(), TANK_ALARM_RAISED_V1, &Bytes::new());
    assert!(matches!(empty, Err(EventCodecError::Malformed { .. })));
}
