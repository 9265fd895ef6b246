use std::sync::Arc;

use proptest::prelude::*;
use terrarium_model::{AssetId, Balanced, MeterId, ParkDefinition, ParkId, UnixMillis};
use terrarium_twin::{PointName, Quantity};
use uuid::Uuid;

use super::*;

const HEAD: &str = r#"
[park]
id = "test"
name = { en = "Test", zh = "测" }
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "yard"
name = { en = "Yard", zh = "院" }

[[assets]]
id = "house"
kind = "building"
zone = "yard"
name = { en = "House", zh = "房" }

[[assets]]
id = "tank"
kind = "tank"
zone = "yard"
name = { en = "Tank", zh = "箱" }
capacity_l = 1000
reserve_l = 100
water = "rain"

[[connections]]
kind = "electric"
from = "grid"
to = "house"

[[meters]]
id = "house.load"
asset = "house"
measures = "consumption"
reports = "interval"
rated_kw = 10.0

[[meters]]
id = "house.import"
asset = "house"
measures = "grid_import"
reports = "interval"
rated_kw = 10.0
"#;

fn alarm(id: &str, lines: &str) -> String {
    format!(
        "[[alarms]]\nid = '{id}'\npriority = 'low'\nname = {{ en = 'N', zh = '名' }}\ncause = {{ en = 'C', zh = '因' }}\n\
         consequence = {{ en = 'Q', zh = '果' }}\naction = {{ en = 'A', zh = '做' }}\nrespond_within_s = 600\n{lines}\n"
    )
}

const LOW: &str = "condition = 'tank_low'\nassets = ['tank']\ndeadband_percent = 5";

fn park(alarms: &str) -> ParkDefinition {
    ParkDefinition::parse(&format!("{HEAD}{alarms}"), "test.toml")
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// A park under watch. Times are in seconds; the event of each observation is numbered.
struct Bench {
    watch: ParkWatch,
    events: u128,
    told: Vec<Transition>,
}

impl Bench {
    fn new(alarms: &str) -> Bench {
        let mut bench = Bench {
            watch: ParkWatch::default(),
            events: 0,
            told: Vec::new(),
        };
        bench.define(alarms, 0);
        bench
    }

    fn event(&mut self) -> Uuid {
        self.events += 1;
        Uuid::from_u128(self.events)
    }

    fn define(&mut self, alarms: &str, at_s: i64) {
        let event = self.event();
        self.watch
            .define(&park(alarms), event, millis(at_s), &mut self.told);
    }

    fn level(&mut self, time_s: i64, level_l: i64) {
        self.level_recorded(time_s, time_s, level_l);
    }

    fn level_recorded(&mut self, time_s: i64, recorded_s: i64, level_l: i64) {
        self.clock(recorded_s);
        let observation = Observation {
            value: level_l,
            time: millis(time_s),
            start: millis(time_s),
            event: self.event(),
            recorded: millis(recorded_s),
        };
        let tank = AssetId::new("tank").expect("valid");
        let point = PointName::of_asset(&tank, Quantity::LevelL);
        self.watch.observe(&point, observation, &mut self.told);
    }

    fn hear(&mut self, meter: &str, recorded_s: i64) {
        self.clock(recorded_s);
        let event = self.event();
        let meter = MeterId::new(meter).expect("valid");
        self.watch
            .hear(&meter, event, millis(recorded_s), &mut self.told);
    }

    /// What is left open of the hour that ends then.
    fn balance(&mut self, of: Balanced, node: &str, end_s: i64, unexplained: i64) {
        self.clock(end_s);
        let observation = Observation {
            value: unexplained,
            time: millis(end_s),
            start: millis(end_s),
            event: self.event(),
            recorded: millis(end_s),
        };
        let node = AssetId::new(node).expect("valid");
        self.watch.balance(of, &node, observation, &mut self.told);
    }

    fn clock(&mut self, now_s: i64) {
        self.watch.advance(millis(now_s), &mut self.told);
    }

    /// What was told since the last call, briefly.
    fn told(&mut self) -> Vec<String> {
        self.told.drain(..).map(|told| brief(&told)).collect()
    }
}

fn millis(seconds: i64) -> UnixMillis {
    UnixMillis(seconds * 1_000)
}

fn time_of(command: &AlarmCommand) -> UnixMillis {
    match command {
        AlarmCommand::Raise(raise) => raise.time,
        AlarmCommand::Clear(clear) => clear.time,
        AlarmCommand::Suppress { time, .. } | AlarmCommand::Release { time, .. } => *time,
        _ => unreachable!("people's commands are no transitions"),
    }
}

fn brief(told: &Transition) -> String {
    let at = time_of(&told.command).0 / 1_000;
    match &told.command {
        AlarmCommand::Raise(raise) => {
            format!(
                "{} raised at {at}: {:?} of {:?}",
                told.alarm,
                raise.value.unwrap_or(-1),
                raise.limit.unwrap_or(-1)
            )
        }
        AlarmCommand::Clear(_) => format!("{} cleared at {at}", told.alarm),
        AlarmCommand::Suppress { by_alarm, .. } => {
            format!("{} suppressed at {at} by {by_alarm}", told.alarm)
        }
        _ => format!("{} released at {at}", told.alarm),
    }
}

#[test]
fn an_alarm_is_raised_beyond_its_limit_and_cleared_inside_by_the_deadband() {
    let mut bench = Bench::new(&alarm("low", LOW));
    bench.level(10, 100);
    assert_eq!(bench.told(), [""; 0], "the limit itself is inside");
    bench.level(20, 99);
    assert_eq!(bench.told(), ["low/tank raised at 20: 99 of 100"]);
    bench.level(30, 149);
    assert_eq!(bench.told(), [""; 0], "not inside by the deadband yet");
    bench.level(40, 90);
    bench.level(50, 150);
    assert_eq!(bench.told(), ["low/tank cleared at 50"]);
    bench.level(45, 0);
    assert_eq!(bench.told(), [""; 0], "older than the newest");
}

#[test]
fn a_delay_is_judged_by_the_times_of_the_samples() {
    let mut bench = Bench::new(&alarm("low", &format!("{LOW}\ndelay_s = 60")));
    bench.level(0, 50);
    bench.level(59, 500);
    assert_eq!(bench.told(), [""; 0], "it came back in time");
    bench.level(100, 50);
    bench.level(130, 40);
    bench.level(161, 30);
    assert_eq!(
        bench.told(),
        ["low/tank raised at 160: 50 of 100"],
        "raised when the delay was over, not when that was heard"
    );
}

#[test]
fn late_samples_are_judged_as_if_they_had_come_in_time() {
    let mut bench = Bench::new(&alarm("low", &format!("{LOW}\ndelay_s = 60")));
    // A day's samples in one go: the clock is far ahead of all of them.
    for (time_s, level_l) in [(0, 50), (30, 500), (100, 50), (200, 40), (300, 500)] {
        bench.level_recorded(time_s, 90_000, level_l);
    }
    assert_eq!(
        bench.told(),
        [
            "low/tank raised at 160: 50 of 100",
            "low/tank cleared at 300"
        ]
    );
}

#[test]
fn the_clock_ends_a_delay_in_which_nothing_is_heard() {
    let mut bench = Bench::new(&alarm(
        "low",
        &format!("{LOW}\ndelay_s = 60\noff_delay_s = 30"),
    ));
    bench.level(100, 50);
    assert_eq!(bench.watch.next_due(), Some(millis(160)));
    bench.clock(159);
    assert_eq!(bench.told(), [""; 0]);
    bench.clock(1_000);
    assert_eq!(bench.told(), ["low/tank raised at 160: 50 of 100"]);
    bench.level(1_100, 900);
    bench.clock(1_130);
    assert_eq!(bench.told(), ["low/tank cleared at 1130"]);
    assert_eq!(bench.watch.next_due(), None);
}

#[test]
fn a_raise_is_the_same_whether_clock_or_sample_found_it_out() {
    let lines = format!("{LOW}\ndelay_s = 60");
    let mut by_clock = Bench::new(&alarm("low", &lines));
    by_clock.level(100, 50);
    by_clock.clock(170);
    let mut by_sample = Bench::new(&alarm("low", &lines));
    by_sample.level(100, 50);
    by_sample.level_recorded(161, 155, 40);
    assert_eq!(by_clock.told, by_sample.told);
    assert_eq!(by_clock.told.len(), 1);
}

#[test]
fn a_meter_that_reported_once_is_silent_by_the_parks_clock() {
    let silent = "condition = 'meter_silent'\nmeters = ['house.load']\ndelay_s = 3600";
    let mut bench = Bench::new(&alarm("silent", silent));
    bench.clock(1_000_000);
    assert_eq!(bench.told(), [""; 0], "it never reported");
    bench.hear("house.load", 1_000_000);
    bench.hear("house.load", 1_003_000);
    bench.clock(1_006_599);
    assert_eq!(bench.told(), [""; 0]);
    bench.clock(2_000_000);
    assert_eq!(
        bench.told(),
        ["silent/house.load raised at 1006600: 3600 of 3600"]
    );
    bench.hear("house.load", 2_000_100);
    assert_eq!(bench.told(), ["silent/house.load cleared at 2000100"]);
    assert_eq!(bench.watch.next_due(), Some(millis(2_003_700)));
}

#[test]
fn an_alarm_is_suppressed_while_the_other_one_holds() {
    let both = alarm("low", &format!("{LOW}\nsuppressed_while = 'empty'"))
        + &alarm(
            "empty",
            "condition = 'tank_low'\nassets = ['tank']\nlimit_percent = 5\ndeadband_percent = 0",
        );
    let mut bench = Bench::new(&both);
    bench.level(10, 10);
    assert_eq!(
        bench.told(),
        [
            "empty/tank raised at 10: 10 of 50",
            "low/tank suppressed at 10 by empty/tank",
            "low/tank raised at 10: 10 of 100",
        ]
    );
    bench.level(20, 60);
    assert_eq!(
        bench.told(),
        ["empty/tank cleared at 20", "low/tank released at 20"]
    );
    assert_eq!(bench.watch.holds("low/tank"), Some(true));
}

#[test]
fn alarms_of_other_things_are_suppressed_by_any_of_the_definition() {
    let both = alarm(
        "silent",
        "condition = 'meter_silent'\nmeters = ['house.load']\ndelay_s = 100\nsuppressed_while = 'gateway'",
    ) + &alarm(
        "gateway",
        "condition = 'meter_silent'\nmeters = ['house.import']\ndelay_s = 100",
    );
    let mut bench = Bench::new(&both);
    bench.hear("house.load", 10);
    bench.hear("house.import", 10);
    bench.clock(500);
    // Both are due at once; the one that suppresses comes first.
    assert_eq!(
        bench.told(),
        [
            "gateway/house.import raised at 110: 100 of 100",
            "silent/house.load suppressed at 110 by gateway/house.import",
            "silent/house.load raised at 110: 100 of 100",
        ]
    );
}

/// What a gateway takes along comes back before the gateway's own alarm is over, and so unnoticed.
#[test]
fn a_meter_that_is_heard_again_is_cleared_after_the_off_delay() {
    let both = alarm(
        "silent",
        "condition = 'meter_silent'\nmeters = ['house.load']\ndelay_s = 100\nsuppressed_while = 'gateway'",
    ) + &alarm(
        "gateway",
        "condition = 'meter_silent'\nmeters = ['house.import']\ndelay_s = 100\noff_delay_s = 50",
    );
    let mut bench = Bench::new(&both);
    bench.hear("house.load", 10);
    bench.hear("house.import", 10);
    bench.clock(500);
    bench.told();
    bench.hear("house.import", 510);
    bench.hear("house.load", 520);
    bench.hear("house.import", 555);
    bench.hear("house.load", 556);
    assert_eq!(bench.told(), ["silent/house.load cleared at 520"]);
    bench.clock(600);
    assert_eq!(
        bench.told(),
        [
            "gateway/house.import cleared at 560",
            "silent/house.load released at 560",
        ]
    );
    bench.clock(700);
    assert_eq!(
        bench.told(),
        [
            "gateway/house.import raised at 655: 100 of 100",
            "silent/house.load suppressed at 655 by gateway/house.import",
            "silent/house.load raised at 656: 100 of 100",
        ]
    );
}

#[test]
fn the_heat_that_no_meter_explains_is_no_electricity() {
    let heat = "[[assets]]\nid = 'pump'\nkind = 'heat_pump'\nzone = 'yard'\nname = { en = 'P', zh = '泵' }\nrated_kw = 4\n\
                heat_w = 12000\nheat_source = 'air'\n[[connections]]\nkind = 'heat'\nfrom = 'pump'\nto = 'house'\n\
                [[meters]]\nid = 'pump.heat'\nasset = 'pump'\nmeasures = 'heat_supply'\nreports = 'interval'\nrated_kw = 12\n\
                [[meters]]\nid = 'house.heat'\nasset = 'house'\nmeasures = 'heat_use'\nreports = 'interval'\nrated_kw = 12\n";
    let alarms = heat.to_owned()
        + &alarm(
            "open",
            "condition = 'balance_open'\nassets = 'all'\nlimit_wh = 100",
        )
        + &alarm(
            "heat",
            "condition = 'heat_balance_open'\nassets = 'all'\nlimit_wh = 100",
        );
    let mut bench = Bench::new(&alarms);
    bench.balance(
        Balanced::Thermal(terrarium_model::Carrier::Heat),
        "house",
        3_600,
        -300,
    );
    assert_eq!(bench.told(), ["heat/house raised at 3600: 300 of 100"]);
    bench.balance(Balanced::Electricity, "house", 3_600, 200);
    bench.balance(
        Balanced::Thermal(terrarium_model::Carrier::Heat),
        "house",
        7_200,
        20,
    );
    assert_eq!(
        bench.told(),
        [
            "open/house raised at 3600: 200 of 100",
            "heat/house cleared at 7200"
        ]
    );
}

#[test]
fn a_new_definition_judges_by_what_is_known() {
    let mut bench = Bench::new("");
    bench.level(10, 50);
    assert_eq!(bench.told(), [""; 0]);
    bench.define(&alarm("low", LOW), 100);
    assert_eq!(bench.told(), ["low/tank raised at 10: 50 of 100"]);
    bench.define(&alarm("low", LOW), 200);
    assert_eq!(bench.told(), [""; 0], "nothing changed");
    bench.define(
        &alarm(
            "low",
            &format!("{LOW}\nlimit_percent = 4").replace("deadband_percent = 5\n", ""),
        ),
        300,
    );
    assert_eq!(
        bench.told(),
        [""; 0],
        "not inside by the deadband of the new limit"
    );
    bench.define("", 400);
    assert_eq!(bench.told(), ["low/tank cleared at 400"]);
}

#[test]
fn a_silent_meter_stays_silent_under_another_definition() {
    let silent = |delay_s: u32| {
        let lines =
            format!("condition = 'meter_silent'\nmeters = ['house.load']\ndelay_s = {delay_s}");
        alarm("silent", &lines)
    };
    let mut bench = Bench::new(&silent(100));
    bench.hear("house.load", 10);
    bench.clock(200);
    assert_eq!(bench.told().len(), 1);
    bench.define(&silent(500), 300);
    bench.clock(10_000);
    assert_eq!(bench.told(), [""; 0]);
    bench.hear("house.load", 10_001);
    assert_eq!(bench.told(), ["silent/house.load cleared at 10001"]);
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Level { late_s: i64, level_l: i64 },
    Heard,
    Clock,
}

fn any_happening() -> impl Strategy<Value = (i64, Happening)> {
    let happening = prop_oneof![
        4 => (0i64..200, 0i64..300)
            .prop_map(|(late_s, level_l)| Happening::Level { late_s, level_l }),
        2 => Just(Happening::Heard),
        1 => Just(Happening::Clock),
    ];
    (0i64..200, happening)
}

fn everything() -> String {
    alarm(
        "low",
        &format!("{LOW}\ndelay_s = 60\noff_delay_s = 40\nsuppressed_while = 'empty'"),
    ) + &alarm(
        "empty",
        "condition = 'tank_low'\nassets = ['tank']\nlimit_percent = 5\ndeadband_percent = 1",
    ) + &alarm(
        "silent",
        "condition = 'meter_silent'\nmeters = ['house.load']\ndelay_s = 150\noff_delay_s = 70\nsuppressed_while = 'empty'",
    )
}

fn run(happenings: &[(i64, Happening)], asks_the_clock: bool) -> Bench {
    let mut bench = Bench::new(&everything());
    let mut now_s = 0;
    for (after_s, happening) in happenings {
        now_s += after_s;
        match happening {
            Happening::Level { late_s, level_l } => {
                bench.level_recorded(now_s - late_s, now_s, *level_l);
            }
            Happening::Heard => bench.hear("house.load", now_s),
            Happening::Clock if asks_the_clock => bench.clock(now_s),
            Happening::Clock => {}
        }
    }
    bench.clock(now_s + 10_000);
    bench
}

proptest! {
    #[test]
    fn transitions_take_turns_and_time_goes_one_way(
        happenings in prop::collection::vec(any_happening(), 0..60),
    ) {
        let bench = run(&happenings, true);
        for name in ["low/tank", "empty/tank", "silent/house.load"] {
            let of_alarm = || bench.told.iter().filter(|told| &*told.alarm == name);
            let is_condition = |told: &&Transition| {
                matches!(told.command, AlarmCommand::Raise(_) | AlarmCommand::Clear(_))
            };
            for kind in [true, false] {
                let mut begins = true;
                let mut last = UnixMillis(i64::MIN);
                for told in of_alarm().filter(|told| is_condition(told) == kind) {
                    let is_begin = matches!(
                        told.command,
                        AlarmCommand::Raise(_) | AlarmCommand::Suppress { .. }
                    );
                    prop_assert_eq!(is_begin, begins, "{:?}", told);
                    prop_assert!(time_of(&told.command) >= last, "{:?}", told);
                    begins = !begins;
                    last = time_of(&told.command);
                }
            }
        }
    }

    /// A service that was down, and folds the record later, finds out what one finds out that asked the clock in between.
    #[test]
    fn it_does_not_matter_how_often_the_clock_was_asked(
        happenings in prop::collection::vec(any_happening(), 0..60),
    ) {
        prop_assert_eq!(run(&happenings, true).told, run(&happenings, false).told);
    }

    /// All that is told again is recognised: an alarm that is on record takes no transition twice.
    #[test]
    fn the_record_takes_everything_once(
        happenings in prop::collection::vec(any_happening(), 0..40),
    ) {
        let told = run(&happenings, true).told;
        let mut alarms: BTreeMap<Arc<str>, crate::domain::Alarm> = BTreeMap::new();
        let mut recorded = [0, 0];
        for count in &mut recorded {
            for transition in &told {
                let context = crate::domain::AlarmContext {
                    park: ParkId::new("test").expect("valid"),
                    alarm: Arc::clone(&transition.alarm),
                    now: millis(1_000_000),
                };
                let alarm = alarms.entry(Arc::clone(&transition.alarm)).or_default();
                let events = alarm.decide(&context, &transition.command).expect("no refusal");
                *count += events.len();
                for event in &events {
                    alarm.evolve(event);
                }
            }
        }
        prop_assert_eq!(recorded, [told.len(), 0]);
    }
}
