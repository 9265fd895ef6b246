//! The panels around the park.

use terrarium_view_model::{
    Audience, Command, Connection, Drawing, Kiosk, Language, Mark, Page, Report,
};

use super::show::{Show, alarms_of, balances};
use crate::rotation;
use crate::view::{Link, View};

const NOON: &str = "2026-06-21T12:00:00+08:00";
const MORNING: &str = "2026-06-21T07:00:00+08:00";
const SIZE: (u32, u32) = (1_280, 720);

/// Of the operator's desk at noon.
fn desk() -> Show {
    let mut desk = Show::of("haotian", NOON, SIZE, false);
    desk.values(NOON, 0);
    desk.past();
    let carbon = balances(desk.state());
    desk.take(Report::Carbon(Box::new(carbon)));
    desk
}

/// A replay that can't be taken for live, the plan and the drawings, the ledger in both languages.
#[test]
fn the_panels_look_as_they_did() {
    let mut desk = desk();
    desk.does(Command::ShowCarbon(true));
    let english = desk.assert_golden("desk-ledger-en");
    desk.does(Command::SetLanguage(Language::Chinese));
    let chinese = desk.assert_golden("desk-ledger-zh");
    assert_ne!(english, chinese);
    desk.does(Command::ShowCarbon(false));
    desk.does(Command::SetLanguage(Language::English));
    for (drawing, name) in [
        (Drawing::Plan, "desk-plan"),
        (Drawing::Electric, "desk-electric"),
        (Drawing::Water, "desk-water"),
    ] {
        desk.does(Command::ShowDrawing(drawing));
        desk.assert_golden(name);
    }
    desk.does(Command::ShowDrawing(Drawing::Scene));
    alarm_and_selection(&mut desk);
    let live = desk.picture();
    replay_and_comparison(&mut desk);
    desk.does(Command::Compare(false));
    desk.does(Command::Follow);
    desk.values("2026-06-21T12:15:00+08:00", 0);
    cut(&mut desk);
    assert_eq!(
        live.pixels().filter(|pixel| is_violet(*pixel)).count(),
        0,
        "only a replay is violet"
    );
    screens(&mut desk);
}

/// What is selected, in alarm, with the card of the alarm open; in Chinese too.
fn alarm_and_selection(desk: &mut Show) {
    let now_ms = desk.state().timeline.now_ms();
    let mut alarms = alarms_of("haotian", now_ms - 300_000);
    alarms.retain(|alarm| ["bin-4", "charger-2"].contains(&alarm.definition.asset.as_str()));
    let opened = alarms
        .iter()
        .find(|alarm| alarm.definition.asset == "bin-4")
        .map(|alarm| alarm.id.clone());
    desk.alarms(alarms);
    desk.does(Command::OpenAlarm(opened));
    let bin = desk.state().park().and_then(|park| park.index_of("bin-4"));
    desk.does(Command::Select(bin.expect("it is there")));
    desk.assert_golden("desk-alarm-en");
    desk.does(Command::SetLanguage(Language::Chinese));
    desk.assert_golden("desk-alarm-zh");
    desk.does(Command::SetLanguage(Language::English));
    desk.does(Command::OpenAlarm(None));
    desk.does(Command::ClearSelection);
    desk.alarms(Vec::new());
}

fn replay_and_comparison(desk: &mut Show) {
    let moments = [MORNING, "2026-06-21T11:00:00+08:00"];
    for (moment, mark) in moments.into_iter().zip(Mark::ALL) {
        desk.replay(moment);
        desk.does(Command::SetMark(mark));
        let moment_ms = desk.state().timeline.shown_ms();
        let delta = desk.values_then(moment_ms);
        desk.take(Report::Compared(delta));
    }
    let replay = desk.assert_golden("desk-replay");
    let frame = replay.pixels().filter(|pixel| is_violet(*pixel)).count();
    assert!(frame > 1_000, "the frame of a replay has {frame} pixels");
    desk.does(Command::Compare(true));
    desk.assert_golden("desk-compare");
}

/// The connection is gone: everything is old and says so.
fn cut(desk: &mut Show) {
    let since_ms = desk.state().timeline.now_ms();
    desk.take(Report::Connection(Connection::StaleSince {
        since_ms,
        reason: "nothing answers at http://127.0.0.1:7470".to_owned(),
    }));
    desk.assert_golden("desk-cut");
    desk.take(Report::Connection(Connection::Live));
}

/// A wall's screens and the public's.
fn screens(desk: &mut Show) {
    let kiosk = Kiosk::parse(
        "audience = \"wall\"\n[[screens]]\npage = \"park\"\noverlay = \"power\"\n\
         [[screens]]\npage = \"ledger\"\nlanguage = \"zh\"\n\
         [[screens]]\npage = \"park\"\ndrawing = \"plan\"\noverlay = \"water\"\nlanguage = \"en\"\n",
    )
    .expect("a kiosk");
    for (number, name) in ["kiosk-power", "kiosk-ledger-zh", "kiosk-plan"]
        .into_iter()
        .enumerate()
    {
        let mut view = desk.stage.world().resource_mut::<View>();
        view.0.audience = Audience::Wall;
        rotation::show(&mut view, &Link::default(), &kiosk, number);
        desk.assert_golden(name);
    }
    let public = Kiosk::for_visitors();
    for (language, name) in [
        (Language::English, "visitors-en"),
        (Language::Chinese, "visitors-zh"),
    ] {
        let mut view = desk.stage.world().resource_mut::<View>();
        view.0.audience = public.audience;
        rotation::show(&mut view, &Link::default(), &public, 0);
        assert_eq!(view.0.page, Page::Visitors);
        desk.does(Command::SetLanguage(language));
        desk.assert_golden(name);
    }
}

/// The colour that only a replay has.
fn is_violet([red, green, blue]: [u8; 3]) -> bool {
    blue > 140 && red > 80 && red < 140 && green < 90
}
