//! Recorded events read back as what was decided.

use super::*;

fn series() -> FactorSet {
    FactorSet {
        set: FactorSetId::new("caiso-hourly").expect("valid"),
        version: "2016".to_owned(),
        publisher: "CAISO".to_owned(),
        region: "caiso".to_owned(),
        kind: FactorKind::GridAverage,
        unit: FactorUnit::KG_CO2_PER_KWH,
        valid_from: UnixSeconds(1_470_009_600),
        valid_to: UnixSeconds(1_470_009_600 + 3 * 3_600),
        published_on: "2017-01-01".to_owned(),
        source: "daily report".to_owned(),
        scale: 4,
        step_seconds: Some(3_600),
        values: vec![2_345, -12, 0],
        detail: FactorDetail::default(),
    }
}

fn published(factor_set: FactorSet) -> FactorSetPublished {
    FactorSetPublished {
        id: factor_set.event_id("demo"),
        publication: FactorPublication::single(Arc::new(factor_set)),
    }
}

#[test]
fn a_published_series_and_a_constant_read_back_as_themselves() {
    let constant = FactorSet {
        step_seconds: None,
        values: vec![i64::MIN],
        ..series()
    };
    for event in [published(series()), published(constant)] {
        let encoded = <FactorSetRecord as Aggregate>::encode(&event);
        assert_eq!(encoded.time, "2016-08-01T00:00:00Z");
        let decoded =
            decode_factor_set(encoded.id, encoded.event_type, &encoded.data).expect("own event");
        assert_eq!(decoded, event);
    }
}

#[test]
fn a_table_reads_back_as_itself_and_any_change_of_a_row_is_another_event() {
    let row = |id: &str| {
        Arc::new(FactorSet {
            step_seconds: None,
            values: vec![5_366],
            detail: FactorDetail {
                row: id.to_owned(),
                subject: "electricity".to_owned(),
                locator: "table 2".to_owned(),
                mark: FactorMark::Secondary,
                u95_ppm: 50_000,
                context: "generation only".to_owned(),
                tags: vec!["grid".to_owned(), "average".to_owned()],
                note: "carried on".to_owned(),
            },
            ..series()
        })
    };
    let table = FactorPublication::table(vec![row("north"), row("east")]).expect("a table");
    let event = FactorSetPublished {
        id: table.event_id("demo"),
        publication: table.clone(),
    };
    let encoded = <FactorSetRecord as Aggregate>::encode(&event);
    assert_eq!(encoded.event_type, FACTOR_SET_PUBLISHED_V2);
    let decoded =
        decode_factor_set(encoded.id, encoded.event_type, &encoded.data).expect("own event");
    assert_eq!(decoded, event);
    type Change = fn(&mut FactorDetail);
    let changes: [Change; 8] = [
        |detail| detail.row.push('a'),
        |detail| detail.subject.push('a'),
        |detail| detail.locator.push('a'),
        |detail| detail.mark = FactorMark::Verified,
        |detail| detail.u95_ppm += 1,
        |detail| detail.context.push('a'),
        |detail| detail.tags.push("a".to_owned()),
        |detail| detail.note.push('a'),
    ];
    let mut ids = vec![table.event_id("demo"), table.event_id("other")];
    for change in changes {
        let mut changed = row("east");
        change(&mut Arc::make_mut(&mut changed).detail);
        let table = FactorPublication::table(vec![row("north"), changed]).expect("a table");
        ids.push(table.event_id("demo"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), changes.len() + 2);
    assert_eq!(FactorPublication::table(vec![]), None);
    assert_eq!(FactorPublication::table(vec![Arc::new(series())]), None);
}

#[test]
fn a_definition_reads_back_as_itself() {
    let event = TimedParkDefined {
        event: ParkDefined {
            id: Uuid::from_u128(7),
            park: ParkId::new("demo").expect("valid"),
            definition_toml: "[park]\nid = \"demo\"\n# 演示".into(),
            sha256: [9; 32],
        },
        at: Some(UnixMillis(1_470_009_600_123)),
    };
    let encoded = <ParkRecord as Aggregate>::encode(&event);
    assert_eq!(encoded.time, "2016-08-01T00:00:00.123Z");
    let decoded =
        decode_park_defined(encoded.id, encoded.event_type, &encoded.data).expect("own event");
    assert_eq!(decoded, event.event);
}

#[test]
fn a_recorded_set_that_contradicts_itself_is_refused_by_its_field() {
    let mut broken = series();
    broken.values.pop();
    let encoded = <FactorSetRecord as Aggregate>::encode(&published(broken));
    let error = decode_factor_set(encoded.id, encoded.event_type, &encoded.data)
        .expect_err("a value is missing");
    assert!(error.to_string().contains("series.hourly"), "{error}");
}

#[test]
fn any_change_of_a_set_is_another_event() {
    type Change = fn(&mut FactorSet);
    let changes: [Change; 9] = [
        |set| set.version.push('a'),
        |set| set.publisher.push('a'),
        |set| set.region.push('a'),
        |set| set.unit = FactorUnit::KG_CO2E_PER_KWH,
        |set| set.valid_from.0 += 1,
        |set| set.valid_to.0 += 1,
        |set| set.source.push('a'),
        |set| set.scale += 1,
        |set| set.values[1] += 1,
    ];
    let mut ids = vec![series().event_id("demo"), series().event_id("other")];
    for change in changes {
        let mut changed = series();
        change(&mut changed);
        ids.push(changed.event_id("demo"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), changes.len() + 2);
}

#[test]
fn every_released_message_is_read_as_what_it_is() {
    let park = ParkId::new("haotian").expect("valid");
    let read = |encoded: EncodedEvent| {
        decode(encoded.id, encoded.event_type, &encoded.data).expect("own events can be read")
    };
    let trees: Event<TreeFact> = Event::of(&park, wire::TreesDiedV1::default());
    let embodied: Event<EmbodiedFact> = Event::of(&park, wire::EmbodiedCarbonRecordedV1::default());
    let instrument: Event<InstrumentFact> = Event::of(&park, wire::InstrumentRetiredV1::default());
    let period: Event<PeriodFact> = Event::of(&park, wire::PeriodRestatedV1::default());
    let policy: Event<PolicyFact> = Event::of(&park, wire::TargetSetV1::default());
    let activity: Event<ActivityFact> = Event::of(&park, wire::ActivityReportedV1::default());
    let evidence: Event<EvidenceFact> = Event::of(&park, wire::EvidenceAttachedV1::default());
    let invoice: Event<InvoiceFact> = Event::of(&park, wire::InvoiceRecordedV1::default());
    let profile: Event<ProfileFact> = Event::of(&park, wire::AccountingProfileSetV1::default());
    assert_eq!(read(activity.encode()), CarbonEvent::Activity(activity));
    assert_eq!(read(evidence.encode()), CarbonEvent::Evidence(evidence));
    assert_eq!(read(invoice.encode()), CarbonEvent::Invoice(invoice));
    assert_eq!(read(profile.encode()), CarbonEvent::Profile(profile));
    assert_eq!(read(trees.encode()), CarbonEvent::Trees(trees));
    assert_eq!(read(embodied.encode()), CarbonEvent::Embodied(embodied));
    assert_eq!(
        read(instrument.encode()),
        CarbonEvent::Instrument(instrument)
    );
    assert_eq!(read(period.encode()), CarbonEvent::Period(period));
    assert_eq!(read(policy.encode()), CarbonEvent::Policy(policy));
    let unknown = decode(
        Uuid::nil(),
        "terrarium.carbon.v1.TreesPaintedV1",
        &Bytes::new(),
    );
    assert!(matches!(unknown, Err(EventCodecError::UnknownType(_))));
}
