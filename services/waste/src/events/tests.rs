use super::*;

fn read_again<A: Aggregate>(event: &A::Event) -> WasteEvent {
    let encoded = A::encode(event);
    decode(encoded.id, encoded.event_type, &encoded.data).expect("own events can be read")
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let bin = AssetId::new("bin-1").expect("valid");
    let measurement = BinMeasurement {
        time: UnixSeconds(1_754_000_000),
        fill_l: 230,
        weight_g: 41_000,
    };
    let raised = BinFact::OverflowRaised {
        measurement,
        limit_l: 216,
        limit_g: 80_000,
    };
    let emptied = BinFact::Emptied {
        time: UnixSeconds(7),
        collection: "round-1".into(),
        executed: Uuid::from_u128(9),
        weight_g: Some(41_000),
    };
    let quarantined = BinFact::Quarantined {
        measurement,
        reason: "more than it holds".into(),
    };
    let released = BinFact::Released {
        quarantined: Uuid::from_u128(9),
        time: UnixSeconds(7),
        reason: "it was so".into(),
    };
    for fact in [
        BinFact::Weighed(measurement),
        raised,
        BinFact::OverflowCleared { measurement },
        emptied,
        quarantined,
        released,
    ] {
        let event = BinEvent {
            id: Uuid::from_u128(1),
            bin: bin.clone(),
            fact,
        };
        assert_eq!(read_again::<Bin>(&event), WasteEvent::Bin(event));
    }
    let time = UnixSeconds(5);
    let order = CollectionOrder {
        bins: vec![bin.clone()],
        assignee: "crew-3".into(),
        due: UnixSeconds(10),
        route: "east".into(),
    };
    let executed = |evidence_sha256| CollectionFact::Executed {
        bins: vec![bin.clone()],
        execution: Execution {
            time,
            ticket: "T-1".into(),
            weight_g: 41_000,
            evidence_sha256,
        },
    };
    for fact in [
        CollectionFact::Ordered { order, time },
        CollectionFact::Acknowledged { time },
        executed(None),
        executed(Some([3; 32])),
        CollectionFact::Missed {
            time,
            due: UnixSeconds(4),
        },
    ] {
        let event = CollectionEvent {
            id: Uuid::from_u128(2),
            collection: "round-1".into(),
            fact,
        };
        assert_eq!(
            read_again::<Collection>(&event),
            WasteEvent::Collection(event)
        );
    }
}

#[test]
fn what_is_no_event_of_this_domain_is_refused() {
    let unknown = decode(
        Uuid::nil(),
        "terrarium.waste.v1.BinPaintedV1",
        &Bytes::new(),
    );
    assert!(matches!(unknown, Err(EventCodecError::UnknownType(_))));
    let empty = decode(Uuid::nil(), BIN_WEIGHED_V1, &Bytes::new());
    assert!(matches!(empty, Err(EventCodecError::Malformed { .. })));
}

#[test]
fn every_released_message_is_read_as_what_it_is() {
    let park = terrarium_model::ParkId::new("haotian").expect("valid");
    let compost: Event<CompostFact> = Event::of(&park, wire::CompostTurnedV1::default());
    let custody: Event<CustodyFact> = Event::of(&park, wire::CustodyHandedOverV1::default());
    let weighing: Event<WeighingFact> =
        Event::of(&park, wire::WeighbridgeTicketRecordedV1::default());
    let found: Event<ContaminationFact> = Event::of(&park, wire::ContaminationFoundV1::default());
    assert_eq!(
        read_again::<CompostBay>(&compost),
        WasteEvent::Compost(compost)
    );
    assert_eq!(
        read_again::<Consignment>(&custody),
        WasteEvent::Custody(custody)
    );
    assert_eq!(
        read_again::<Weighing>(&weighing),
        WasteEvent::Weighing(weighing)
    );
    assert_eq!(
        read_again::<Contamination>(&found),
        WasteEvent::Contamination(found)
    );
}
