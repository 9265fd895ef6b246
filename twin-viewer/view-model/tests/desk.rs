//! The operator's tools over the shipped parks: what is compared, linked, written to files, and who may do what.

use std::collections::BTreeMap;

use terrarium_model::Name;
use terrarium_view_model::{
    Alarm, AlarmDefinition, AlarmEvent, AlarmLine, AlarmPriority, AlarmState, AlarmStatus,
    Audience, CarbonBalances, CarbonLine, Command, Connection, DeepLink, Drawing, EntryList,
    EventLine, EventsAround, Explanation, FileWish, Format, Language, LedgerBook, LedgerEntry,
    LedgerPeriod, Mark, MeterQuality, NewPoint, OrderLine, OrderStep, OrderValue, Outcome, Overlay,
    OverlayCell, Page, ParkCommand, PointName, Quality, Quantity, Report, Request, Sample,
    ShiftRecord, TwinDelta, ViewState, VisitorFigures, Want,
};

const HAOTIAN: &str = include_str!("../../../deploy/parks/haotian.toml");
const NOW_MS: i64 = 1_777_615_200_000;
const HOUR_MS: i64 = 3_600_000;

fn delta(points: &[(&str, Quantity, i64)], moment_ms: i64) -> TwinDelta {
    let mut delta = TwinDelta {
        moment_ms,
        position: Some(7),
        head_position: Some(7),
        caught_up: true,
        ..TwinDelta::default()
    };
    for (number, (asset, quantity, value)) in (0..).zip(points) {
        let name = PointName {
            asset: (*asset).to_owned(),
            quantity: *quantity,
            source: String::new(),
        };
        delta.new_points.insert(
            number,
            NewPoint {
                name,
                usual_interval_s: 60,
            },
        );
        let sample = Sample {
            value: *value,
            time_ms: moment_ms - 30_000,
            recorded: Quality::Good,
        };
        delta.values.insert(number, Some(sample));
    }
    delta
}

fn live(points: &[(&str, Quantity, i64)]) -> ViewState {
    let mut state = ViewState::default();
    state.take(Report::Park {
        definition: HAOTIAN.to_owned(),
        first_ms: Some(NOW_MS - 24 * HOUR_MS),
        now_ms: NOW_MS,
    });
    state.take(Report::Connection(Connection::Live));
    state.take(Report::Live {
        delta: delta(points, NOW_MS),
        waited_ms: 12,
    });
    state
}

fn irrigate() -> ParkCommand {
    ParkCommand::StartIrrigation {
        zone: "irrigation.south-grove".into(),
        litres: 500,
    }
}

fn cut() -> Report {
    Report::Connection(Connection::StaleSince {
        since_ms: NOW_MS,
        reason: "gone".into(),
    })
}

#[test]
fn a_command_that_was_confirmed_without_a_connection_is_refused_and_never_sent_later() {
    let mut state = live(&[]);
    state.apply(Command::Propose(irrigate()));
    state.take(cut());
    assert_eq!(state.proposed, None, "it was proposed to another picture");
    assert!(!state.allows_commands());
    state.apply(Command::Propose(irrigate()));
    assert_eq!(state.apply(Command::Confirm), []);
    let outcome = state.sent.back().and_then(|sent| sent.outcome.clone());
    assert!(
        matches!(&outcome, Some(Outcome::Refused { reason }) if reason.contains("not connected")),
        "{outcome:?}"
    );
    let after = state.take(Report::Connection(Connection::Live));
    let is_command = |request: &Request| matches!(request, Request::Command { .. });
    assert!(!after.iter().any(is_command));
    state.apply(Command::Propose(irrigate()));
    let sent = state.apply(Command::Confirm);
    assert!(sent.iter().any(is_command), "now it is: {sent:?}");
}

#[test]
fn neither_a_wall_nor_visitors_can_command_and_visitors_see_no_alarms() {
    for audience in [Audience::Wall, Audience::Visitors] {
        let mut state = live(&[]);
        state.audience = audience;
        state.take(Report::Alarms {
            alarms: vec![alarm()],
            position: Some(1),
            counted: None,
        });
        state.apply(Command::Propose(irrigate()));
        assert_eq!(state.apply(Command::Confirm), []);
        assert!(state.sent.is_empty() && state.proposed.is_none());
        state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
        let bin = state.park().and_then(|park| park.index_of("bin-1"));
        let marked = bin.and_then(|bin| state.state_of(bin)?.alarm).is_some();
        assert_eq!(marked, audience == Audience::Wall);
        assert_eq!(state.open_alarm.is_some(), audience == Audience::Wall);
        state.apply(Command::ShowPage(Page::Desk));
        assert_eq!(state.page == Page::Desk, audience == Audience::Wall);
    }
}

#[test]
fn two_moments_are_compared_value_by_value_and_in_colours() {
    let mut state = live(&[("charger-1", Quantity::SessionPowerW, 7_000)]);
    let asked = state.apply(Command::SetMark(Mark::B));
    assert_eq!(asked, [Request::Compare { moment_ms: NOW_MS }]);
    let early_ms = NOW_MS - HOUR_MS;
    state.apply(Command::SeekExact {
        moment_ms: early_ms,
    });
    state.take(Report::Replay {
        delta: delta(&[], early_ms),
        is_end: true,
    });
    state.apply(Command::SetMark(Mark::A));
    let asked = state.apply(Command::Compare(true));
    let to_b = Request::Show(Want::At { moment_ms: NOW_MS });
    assert_eq!(
        asked,
        [to_b],
        "the values beside the differences are those of B"
    );
    assert!(state.comparison.is_on() && !state.comparison.is_complete());
    assert!(!state.allows_commands());
    state.take(Report::Compared(delta(
        &[
            ("charger-1", Quantity::Session, 1),
            ("charger-1", Quantity::SessionPowerW, 2_000),
            ("bin-1", Quantity::FillPermille, 300),
        ],
        early_ms,
    )));
    // Of a moment that no mark stands at: dropped.
    state.take(Report::Compared(delta(&[], 5)));
    state.take(Report::Compared(delta(
        &[
            ("charger-1", Quantity::Session, 1),
            ("charger-1", Quantity::SessionPowerW, 7_000),
            ("bin-1", Quantity::FillPermille, 300),
            ("bin-2", Quantity::FillPermille, 10),
        ],
        NOW_MS,
    )));
    let differences = state.comparison.differences();
    let told: Vec<_> = differences
        .iter()
        .map(|one| (one.name.asset.as_str(), one.a, one.b, one.change()))
        .collect();
    let expected = [
        ("bin-2", None, Some(10), None),
        ("charger-1", Some(2_000), Some(7_000), Some(5_000)),
    ];
    assert_eq!(told, expected);
    let charger = state.park().and_then(|park| park.index_of("charger-1"));
    let charger = charger.expect("Haotian has it").0 as usize;
    let view = state.overlay_view().expect("differences are drawn");
    let Some(OverlayCell::Value(value)) = view.values[charger] else {
        panic!("the charger's power differs: {:?}", view.values[charger]);
    };
    assert_eq!(value.value, 5_000.0);
    assert!(
        view.legend
            .as_ref()
            .is_some_and(|legend| legend.is_diverging)
    );
    state.apply(Command::Compare(false));
    let view = state.overlay_view().expect("the park is drawn");
    assert_eq!(view.overlay, Overlay::None);
}

#[test]
fn from_a_kilogram_to_its_event_and_its_place() {
    let mut state = live(&[]);
    state.apply(Command::ShowCarbon(true));
    let asked = state.apply(Command::SetLedgerPeriod(LedgerPeriod::Record));
    assert!(
        matches!(asked[..], [Request::Carbon { from_ms, to_ms }]
            if from_ms == NOW_MS - 24 * HOUR_MS && to_ms == NOW_MS),
        "{asked:?}"
    );
    let wanted = Some(("visitor-centre".to_owned(), LedgerBook::Emission));
    let asked = state.apply(Command::ListEntries(wanted));
    assert!(matches!(&asked[..], [Request::Entries { asset, .. }] if asset == "visitor-centre"));
    let entry = LedgerEntry {
        id: "emission/visitor-centre/2026-05-01T05:00:00Z/scope2-location".into(),
        asset: "visitor-centre".into(),
        interval_start: "2026-05-01T13:00:00+08:00".into(),
        interval_seconds: 3_600,
        mass_mg: 1_000_000,
        ..LedgerEntry::default()
    };
    assert_eq!(entry.end_ms(), Some(NOW_MS));
    state.take(Report::Entries(EntryList {
        asset: "visitor-centre".into(),
        book: LedgerBook::Emission,
        entries: vec![entry.clone()],
        ..EntryList::default()
    }));
    let asked = state.apply(Command::Explain(Some(entry.id.clone())));
    let id = entry.id.clone();
    assert_eq!(asked, [Request::Explain { entry: id }]);
    state.take(Report::Explanation(Box::new(Explanation {
        entry: entry.clone(),
        ..Explanation::default()
    })));
    assert!(state.trail.explanation.is_some());
    // A newer balance asks for what is open again.
    let again = state.take(Report::Carbon(Box::new(CarbonBalances {
        position: Some(99),
        ..CarbonBalances::default()
    })));
    assert_eq!(again.len(), 2);
    let place = state
        .park()
        .and_then(|park| park.index_of("visitor-centre"));
    let asked = state.apply(Command::JumpToEvent {
        moment_ms: NOW_MS - HOUR_MS,
        position: 4_711,
        asset: place,
    });
    let moment_ms = NOW_MS - HOUR_MS;
    assert!(asked.contains(&Request::Show(Want::At { moment_ms })));
    assert_eq!(state.selection.single(), place);
    assert_eq!(state.trail.sought_event, Some(4_711));
    assert!(state.take_camera_wish().is_some());
    assert!(state.trail.explanation.is_some(), "the way back stays open");
}

#[test]
fn a_link_brings_back_what_was_shown() {
    let mut state = live(&[]);
    let bin = state.park().and_then(|park| park.index_of("bin-1"));
    state.apply(Command::Select(bin.expect("Haotian has it")));
    state.apply(Command::SetOverlay(Overlay::WasteFill));
    state.apply(Command::ShowDrawing(Drawing::Water));
    state.apply(Command::SeekExact {
        moment_ms: NOW_MS - HOUR_MS,
    });
    state.take(Report::Replay {
        delta: delta(&[], NOW_MS - HOUR_MS),
        is_end: true,
    });
    let link = DeepLink::parse(&state.link()).expect("our own link");
    let mut other = live(&[]);
    let asked = other.apply(Command::GoTo(link));
    let moment_ms = NOW_MS - HOUR_MS;
    assert!(asked.contains(&Request::Show(Want::At { moment_ms })));
    assert_eq!(other.selection.single(), bin);
    assert_eq!(
        (other.overlay, other.drawing),
        (Overlay::WasteFill, Drawing::Water)
    );
    // A link without a moment leads back to now.
    let bare = DeepLink::parse("terrarium://haotian").expect("a link");
    let asked = other.apply(Command::GoTo(bare));
    assert!(asked.contains(&Request::Show(Want::Follow)));
}

fn alarm() -> Alarm {
    let name = |en: &str, zh: &str| Name {
        en: en.into(),
        zh: zh.into(),
    };
    Alarm {
        id: "bin-overflow/bin-1".into(),
        definition: AlarmDefinition {
            asset: "bin-1".into(),
            condition: "bin_overflow".into(),
            priority: AlarmPriority::Medium,
            name: name("Bin overflows", "垃圾箱满溢"),
            cause: name("a", "b"),
            consequence: name("a", "b"),
            action: name("a", "b"),
            respond_within_s: 1_800,
            quantity: None,
        },
        status: AlarmStatus {
            state: AlarmState::Acknowledged,
            is_active: true,
            occurrence: "one".into(),
            raised_ms: Some(NOW_MS - HOUR_MS),
            changed_ms: None,
            shelved_until_ms: None,
            actor: "wang".into(),
            reason: String::new(),
            value: None,
            limit: None,
        },
    }
}

fn shift() -> ShiftRecord {
    let line = |event, position, minutes: i64, actor: &str| AlarmLine {
        alarm: "bin-overflow/bin-1".into(),
        event,
        occurrence: "one".into(),
        time_ms: NOW_MS - HOUR_MS + minutes * 60_000,
        position,
        actor: actor.into(),
        reason: String::new(),
    };
    let order = |step, value| OrderLine {
        step,
        asset: "charger-1".into(),
        value: Some(OrderValue::Watt(value)),
        time_ms: NOW_MS - HOUR_MS,
        position: 12,
        actor: "wang".into(),
    };
    let balance = CarbonLine {
        consumption_wh: 123_456,
        scope2_location_mg: 39_000_000,
        hours_expected: 8,
        hours_metered: 7,
        hours_missing: 1,
        ..CarbonLine::default()
    };
    ShiftRecord {
        from_ms: NOW_MS - 8 * HOUR_MS,
        to_ms: NOW_MS,
        alarms: vec![
            line(AlarmEvent::Raised, 10, 0, ""),
            line(AlarmEvent::Acknowledged, 11, 5, "wang"),
            line(AlarmEvent::Cleared, 13, 30, ""),
        ],
        orders: vec![
            order(OrderStep::Asked, 7_000),
            order(OrderStep::Missed, 11_000),
        ],
        balance_from: "2026-05-01T06:00:00+08:00".into(),
        balance_to: "2026-05-01T14:00:00+08:00".into(),
        balance,
        by_asset: BTreeMap::from([("visitor-centre".to_owned(), balance)]),
        meters: vec![MeterQuality {
            meter: "visitor-centre.load".into(),
            asset: "visitor-centre".into(),
            hours_expected: 8,
            hours_metered: 7,
            quarantined: 2,
            first_gap: Some((
                "2026-05-01T09:00:00+08:00".into(),
                "2026-05-01T10:00:00+08:00".into(),
            )),
        }],
        hours_with_factor: 8,
        hours_of_factors: 8,
        position: 4_711,
    }
}

#[test]
fn the_shift_report_tells_alarms_people_orders_balance_and_gaps_in_both_languages() {
    let mut state = live(&[]);
    state.take(Report::Alarms {
        alarms: vec![alarm()],
        position: Some(1),
        counted: None,
    });
    let asked = state.apply(Command::MakeShiftReport {
        from_ms: NOW_MS - 8 * HOUR_MS,
        to_ms: NOW_MS + HOUR_MS,
    });
    let expected = Request::Shift {
        from_ms: NOW_MS - 8 * HOUR_MS,
        to_ms: NOW_MS,
    };
    assert_eq!(asked, [expected], "it ends now, not in the future");
    let nothing = Command::MakeShiftReport {
        from_ms: NOW_MS,
        to_ms: NOW_MS,
    };
    assert_eq!(state.apply(nothing), []);
    state.take(Report::Shift(Box::new(shift())));
    for (language, said) in [
        (
            Language::English,
            [
                "Raised 1 (high 0, medium 1, low 0), cleared 1, acknowledged 1.",
                "| wang | Acknowledged |",
                "Asked: 7.00 kW",
                "Missed: 11.0 kW",
                "39.0 kg CO₂",
                "7 of 8 node hours are metered, 1 missing",
                "visitor-centre.load",
            ],
        ),
        (
            Language::Chinese,
            [
                "发生 1 条（高 0、中 1、低 0），恢复 1 条，确认 1 条。",
                "| wang | 确认 |",
                "已下达：7.00 kW",
                "未执行：11.0 kW",
                "39.0 kg CO₂",
                "8 个节点小时中 7 个有计量，1 个缺失",
                "visitor-centre.load",
            ],
        ),
    ] {
        state.apply(Command::SetLanguage(language));
        state.apply(Command::SaveShiftReport(Format::Markdown));
        let wishes = state.take_file_wishes();
        let [FileWish::Text { name, text }] = &wishes[..] else {
            panic!("one file: {wishes:?}");
        };
        assert_eq!(name, "haotian-2026-05-01T140000-shift.md");
        for part in said {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
    assert!(state.take_file_wishes().is_empty());
}

#[test]
fn an_incident_bundle_holds_the_values_of_the_moment_and_the_events_around_it() {
    let mut state = live(&[("bin-1", Quantity::FillPermille, 987)]);
    let asked = state.apply(Command::SaveIncident);
    assert!(
        matches!(asked[..], [Request::Around { from_ms, moment_ms: NOW_MS, to_ms }] if from_ms < NOW_MS && to_ms > NOW_MS)
    );
    let event = EventLine {
        position: 42,
        id: "an id".into(),
        kind: "terrarium.waste.v1.BinWeighedV1".into(),
        domain: "waste".into(),
        asset: "bin-1".into(),
        time_ms: NOW_MS,
    };
    state.take(Report::Around(EventsAround {
        events: vec![event],
        ..EventsAround::default()
    }));
    let wishes = state.take_file_wishes();
    let [
        FileWish::BundlePicture { .. },
        FileWish::Bundle { name, files },
    ] = &wishes[..]
    else {
        panic!("a picture and one bundle: {wishes:?}");
    };
    assert_eq!(name, "haotian-2026-05-01T140000-incident.zip");
    let text = |name: &str| {
        let file = files.iter().find(|file| file.name == name);
        file.unwrap_or_else(|| panic!("{name} is in the bundle"))
            .text
            .as_str()
    };
    assert!(text("values.json").contains("\"value\": 987"));
    assert!(text("events.jsonl").contains("\"position\":42"));
    assert!(text("incident.json").contains("\"moment\": \"2026-05-01T14:00:00+08:00\""));
    assert!(DeepLink::parse(text("link.txt")).is_ok_and(|link| link.moment_ms == Some(NOW_MS)));
}

#[test]
fn visitors_are_told_what_is_known_and_how_much_of_the_park_it_stands_on() {
    let state = live(&[
        ("bin-1", Quantity::FillPermille, 200),
        ("bin-2", Quantity::FillPermille, 400),
        ("canopy.pv-1", Quantity::GenerationW, 5_000),
    ]);
    let figures = VisitorFigures::of(&state);
    assert_eq!(figures.generation_w, Some(5_000));
    assert_eq!(figures.generation.have, 1);
    assert!(figures.generation.of > 1 && !figures.generation.is_whole());
    assert!(
        figures
            .bins_full
            .is_some_and(|full| (full - 0.3).abs() < 1e-6)
    );
    assert_eq!(figures.trees, None, "nothing is made up");
    assert_eq!(figures.generated_wh, None);
}

#[test]
fn assets_are_found_by_kind_and_zone_in_words_and_by_sound() {
    let mut state = live(&[]);
    let mut find = |query: &str| {
        state.apply(Command::Search(query.into()));
        let park = state.park().expect("drawn");
        let ids: Vec<String> = state
            .found
            .iter()
            .map(|asset| park.asset(*asset).id.clone())
            .collect();
        ids
    };
    for query in ["charger", "充电桩", "cdz", "chongdianzhuang"] {
        let found = find(query);
        assert!(
            found.iter().any(|id| id == "charger-1"),
            "{query}: {found:?}"
        );
    }
}
