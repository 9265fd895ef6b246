use std::sync::Arc;

use proptest::prelude::*;
use terrarium_journal::{Rejection, RejectionCode};
use terrarium_model::{AlarmCondition, AlarmPriority, AssetId, ParkId, UnixMillis};
use uuid::Uuid;

use super::*;

const START: UnixMillis = UnixMillis(1_790_000_000_000);

/// An alarm under test with a clock that moves on by a minute with each command.
#[derive(Clone)]
struct Bench {
    alarm: Alarm,
    now: UnixMillis,
    requests: u32,
    events: Vec<AlarmEvent>,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            alarm: Alarm::default(),
            now: START,
            requests: 0,
            events: Vec::new(),
        }
    }

    fn context(&self) -> AlarmContext {
        AlarmContext {
            park: ParkId::new("haotian").expect("valid"),
            alarm: Arc::from("bin-full/bin-1"),
            now: self.now,
        }
    }

    fn ask(&mut self, command: &AlarmCommand) -> Result<usize, Rejection> {
        let events = self.alarm.decide(&self.context(), command)?;
        for event in &events {
            self.alarm.evolve(event);
        }
        self.events.extend(events.iter().cloned());
        Ok(events.len())
    }

    fn request(&mut self) -> Arc<str> {
        self.requests += 1;
        format!("request-{}", self.requests).into()
    }

    fn step(&mut self, step: Step) -> Result<usize, Rejection> {
        self.now.0 += 60_000;
        let command = self.command(step);
        self.ask(&command)
    }

    fn command(&mut self, step: Step) -> AlarmCommand {
        let cause = Uuid::from_u128(self.now.0 as u128);
        let time = self.now;
        match step {
            Step::Raise => AlarmCommand::Raise(Raise {
                asset: AssetId::new("bin-1").expect("valid"),
                condition: AlarmCondition::BinOverflow,
                priority: AlarmPriority::Low,
                time,
                value: Some(1),
                limit: Some(0),
                cause,
            }),
            Step::Clear => AlarmCommand::Clear(Clear {
                time,
                value: Some(0),
                limit: Some(0),
                cause,
            }),
            Step::Suppress => AlarmCommand::Suppress {
                by_alarm: Arc::from("other/bin-1"),
                by_raised: cause,
                time,
            },
            Step::Release => AlarmCommand::Release {
                by_cleared: cause,
                time,
            },
            Step::Acknowledge => AlarmCommand::Acknowledge {
                occurrence: self.alarm.newest().map_or(Uuid::nil(), |newest| newest.id),
                comment: Arc::from("seen"),
                client_request_id: self.request(),
            },
            Step::Shelve => AlarmCommand::Shelve {
                until: UnixMillis(self.now.0 + 150_000),
                reason: Arc::from("works"),
                client_request_id: self.request(),
            },
            Step::Unshelve => AlarmCommand::Unshelve {
                client_request_id: self.request(),
            },
            Step::EndShelving => AlarmCommand::EndShelving {
                shelved: self
                    .alarm
                    .shelving()
                    .map_or(Uuid::nil(), |shelving| shelving.id),
            },
            Step::Remove | Step::Return => AlarmCommand::SetService {
                out_of_service: matches!(step, Step::Remove),
                reason: Arc::from("repair"),
                client_request_id: self.request(),
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Raise,
    Clear,
    Suppress,
    Release,
    Acknowledge,
    Shelve,
    Unshelve,
    EndShelving,
    Remove,
    Return,
}

use AlarmState::{
    Acknowledged, Normal, OutOfService, ReturnedUnacknowledged, Shelved, Suppressed, Unacknowledged,
};
use Step::{
    Acknowledge, Clear as ClearIt, EndShelving, Raise as RaiseIt, Release, Remove, Return, Shelve,
    Suppress, Unshelve,
};

/// Shortest way into each state. Hidden ones: once with and once without the condition.
const WAYS: [(&[Step], AlarmState); 10] = [
    (&[], Normal),
    (&[RaiseIt], Unacknowledged),
    (&[RaiseIt, Acknowledge], Acknowledged),
    (&[RaiseIt, ClearIt], ReturnedUnacknowledged),
    (&[Shelve], Shelved),
    (&[RaiseIt, Shelve], Shelved),
    (&[Suppress], Suppressed),
    (&[RaiseIt, Suppress], Suppressed),
    (&[Remove], OutOfService),
    (&[RaiseIt, Remove], OutOfService),
];

/// What each step leads to from each way, in the order of [`WAYS`]; `None`: it changes nothing or is refused.
const TABLE: [(Step, [Option<AlarmState>; 10]); 9] = {
    const N: Option<AlarmState> = None;
    [
        (
            RaiseIt,
            [
                Some(Unacknowledged),
                N,
                N,
                Some(Unacknowledged),
                Some(Shelved),
                N,
                Some(Suppressed),
                N,
                Some(OutOfService),
                N,
            ],
        ),
        (
            ClearIt,
            [
                N,
                Some(ReturnedUnacknowledged),
                Some(Normal),
                N,
                N,
                Some(Shelved),
                N,
                Some(Suppressed),
                N,
                Some(OutOfService),
            ],
        ),
        (
            Acknowledge,
            [N, Some(Acknowledged), N, Some(Normal), N, N, N, N, N, N],
        ),
        (
            Shelve,
            [
                Some(Shelved),
                Some(Shelved),
                Some(Shelved),
                Some(Shelved),
                N,
                N,
                Some(Shelved),
                Some(Shelved),
                N,
                N,
            ],
        ),
        (
            Unshelve,
            [N, N, N, N, Some(Normal), Some(Unacknowledged), N, N, N, N],
        ),
        (
            Suppress,
            [
                Some(Suppressed),
                Some(Suppressed),
                Some(Suppressed),
                Some(Suppressed),
                Some(Shelved),
                Some(Shelved),
                N,
                N,
                Some(OutOfService),
                Some(OutOfService),
            ],
        ),
        (
            Release,
            [N, N, N, N, N, N, Some(Normal), Some(Unacknowledged), N, N],
        ),
        (
            Remove,
            [
                Some(OutOfService),
                Some(OutOfService),
                Some(OutOfService),
                Some(OutOfService),
                Some(OutOfService),
                Some(OutOfService),
                Some(OutOfService),
                Some(OutOfService),
                N,
                N,
            ],
        ),
        (
            Return,
            [N, N, N, N, N, N, N, N, Some(Normal), Some(Unacknowledged)],
        ),
    ]
};

fn after(way: &[Step]) -> Bench {
    let mut bench = Bench::new();
    for step in way {
        assert_eq!(bench.step(*step), Ok(1), "{step:?} of {way:?}");
    }
    bench
}

#[test]
fn transitions_are_those_of_the_standard() {
    for (place, (way, state)) in WAYS.iter().enumerate() {
        let bench = after(way);
        assert_eq!(bench.alarm.state(), *state, "{way:?}");
        for (step, row) in TABLE {
            let mut bench = bench.clone();
            let answer = bench.step(step);
            match row[place] {
                Some(next) => {
                    assert_eq!(answer, Ok(1), "{step:?} after {way:?}");
                    assert_eq!(bench.alarm.state(), next, "{step:?} after {way:?}");
                }
                None => {
                    assert!(matches!(answer, Err(_) | Ok(0)), "{step:?} after {way:?}");
                    assert_eq!(bench.alarm.state(), *state, "{step:?} after {way:?}");
                }
            }
        }
    }
}

#[track_caller]
fn expect_refusal(way: &[Step], step: Step, field: &str, said: &str) {
    let refusal = after(way).step(step).expect_err("it must be refused");
    assert_eq!(refusal.code, RejectionCode::FailedPrecondition, "{refusal}");
    assert_eq!(refusal.field, field, "{refusal}");
    assert!(refusal.message.contains(said), "{refusal}");
}

#[test]
fn a_refusal_says_in_which_state_it_is_and_what_to_do() {
    let refusals: [(&[Step], Step, &str); 11] = [
        (
            &[],
            Acknowledge,
            "is normal; nothing waits to be acknowledged",
        ),
        (
            &[RaiseIt, Acknowledge],
            Acknowledge,
            "is acknowledged; nothing is left to do",
        ),
        (&[RaiseIt, Shelve], Acknowledge, "Z; unshelve it first"),
        (
            &[RaiseIt, Suppress],
            Acknowledge,
            "is suppressed by design; it shows itself",
        ),
        (
            &[RaiseIt, Remove],
            Acknowledge,
            "is out of service; take it back into service first",
        ),
        (&[Shelve], Shelve, "is shelved until 20"),
        (&[Remove], Shelve, "is out of service"),
        (&[], Unshelve, "is normal; only a shelved alarm"),
        (
            &[RaiseIt],
            Unshelve,
            "is unacknowledged; only a shelved alarm",
        ),
        (
            &[Remove],
            Remove,
            "is out of service; nothing is left to do",
        ),
        (&[], Return, "is normal; it is in service"),
    ];
    for (way, step, said) in refusals {
        expect_refusal(way, step, "alarm", said);
    }
}

#[test]
fn only_the_newest_occurrence_can_be_acknowledged() {
    let mut bench = after(&[RaiseIt]);
    let old = bench.command(Acknowledge);
    bench.step(ClearIt).expect("clears");
    bench.step(RaiseIt).expect("raises again");
    let refusal = bench.ask(&old).expect_err("an old occurrence");
    assert_eq!(refusal.field, "occurrence");
    assert!(
        refusal.message.contains("is not the newest occurrence"),
        "{refusal}"
    );
    assert_eq!(bench.step(Acknowledge), Ok(1));
}

#[test]
fn an_alarm_is_shelved_for_a_minute_to_a_day() {
    for (ahead_ms, is_taken) in [
        (-1, false),
        (59_999, false),
        (60_000, true),
        (86_400_000, true),
        (86_400_001, false),
        (i64::MAX - START.0, false),
    ] {
        let mut bench = Bench::new();
        let answer = bench.ask(&AlarmCommand::Shelve {
            until: UnixMillis(START.0 + ahead_ms),
            reason: Arc::from("works"),
            client_request_id: Arc::from("r"),
        });
        match answer {
            Ok(events) => assert!(is_taken && events == 1, "{ahead_ms}"),
            Err(refusal) => {
                assert!(!is_taken, "{refusal}");
                assert_eq!(refusal.code, RejectionCode::InvalidArgument);
                assert_eq!(refusal.field, "until_ms");
            }
        }
    }
}

#[test]
fn shelving_ends_at_its_time_and_not_before() {
    let mut bench = after(&[RaiseIt, Acknowledge, Shelve]);
    let until = bench.alarm.shelving().expect("shelved").until;
    let end = bench.command(EndShelving);
    bench.now = UnixMillis(until.0 - 1);
    assert_eq!(bench.ask(&end), Ok(0));
    bench.now = UnixMillis(until.0 + 5_000);
    assert_eq!(bench.ask(&end), Ok(1));
    let last = bench.events.last().expect("just recorded");
    assert_eq!(last.fact.time(), until, "it ended at its time");
    assert_eq!(bench.alarm.state(), Unacknowledged);
    assert_eq!(bench.ask(&end), Ok(0), "a second timer changes nothing");
}

#[test]
fn a_command_sent_again_changes_nothing_and_another_with_its_id_is_refused() {
    let mut bench = after(&[RaiseIt]);
    let acknowledge = bench.command(Acknowledge);
    assert_eq!(bench.ask(&acknowledge), Ok(1));
    bench.now.0 += 1_000;
    assert_eq!(bench.ask(&acknowledge), Ok(0));

    let shelve = bench.command(Shelve);
    assert_eq!(bench.ask(&shelve), Ok(1));
    let AlarmCommand::Shelve {
        until,
        client_request_id,
        ..
    } = &shelve
    else {
        unreachable!("made above")
    };
    let another = AlarmCommand::Shelve {
        until: *until,
        reason: Arc::from("another reason"),
        client_request_id: Arc::clone(client_request_id),
    };
    let refusal = bench.ask(&another).expect_err("another command");
    assert_eq!(refusal.code, RejectionCode::AlreadyExists);
    assert_eq!(refusal.field, "client_request_id");

    for step in [Unshelve, Remove, Return] {
        let command = bench.command(step);
        assert_eq!(bench.ask(&command), Ok(1), "{step:?}");
        assert_eq!(bench.ask(&command), Ok(0), "{step:?} again");
    }
}

#[test]
fn what_was_found_out_before_is_not_recorded_twice() {
    let mut bench = Bench::new();
    let raise = bench.command(RaiseIt);
    bench.ask(&raise).expect("raises");
    bench.now.0 += 1_000;
    let clear = bench.command(ClearIt);
    bench.ask(&clear).expect("clears");
    // A service that starts again finds both out once more.
    assert_eq!(bench.ask(&raise), Ok(0));
    assert_eq!(bench.ask(&clear), Ok(0));
    assert_eq!(bench.events.len(), 2);
}

fn any_step() -> impl Strategy<Value = Step> {
    prop::sample::select(vec![
        RaiseIt,
        ClearIt,
        Suppress,
        Release,
        Acknowledge,
        Shelve,
        Unshelve,
        EndShelving,
        Remove,
        Return,
    ])
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_alarm_whole(steps in prop::collection::vec(any_step(), 0..60)) {
        let mut bench = Bench::new();
        let mut raised = 0i32;
        for step in steps {
            let was_active = bench.alarm.is_active();
            let recorded_before = bench.events.len();
            let state_before = bench.alarm.state();
            let answer = bench.step(step);
            if !matches!(answer, Ok(1)) {
                prop_assert_eq!(bench.alarm.state(), state_before, "{:?} changed nothing on record", step);
            }
            for event in &bench.events[recorded_before..] {
                match &event.fact {
                    AlarmFact::Raised(_) => {
                        prop_assert!(!was_active, "raised only when it was not");
                        raised += 1;
                    }
                    AlarmFact::Cleared { raised: of, .. } => {
                        prop_assert!(was_active);
                        prop_assert_eq!(Some(*of), bench.alarm.newest().map(|newest| newest.id));
                        raised -= 1;
                    }
                    _ => {}
                }
            }
            // Raised and cleared take turns, whatever people do.
            prop_assert_eq!(raised, i32::from(bench.alarm.is_active()));
            // Nothing that waits to be seen is lost but by being seen or being hidden.
            if bench.alarm.state() == Normal {
                prop_assert!(!bench.alarm.is_active());
            }
            if bench.alarm.state() == Acknowledged {
                prop_assert!(bench.alarm.is_active());
            }
        }
        // The record alone gives the same alarm, and no event is there twice.
        let mut again = Alarm::default();
        let mut ids = std::collections::BTreeSet::new();
        for event in &bench.events {
            prop_assert!(ids.insert(event.id), "{:?} is recorded twice", event);
            again.evolve(event);
        }
        prop_assert_eq!(again.state(), bench.alarm.state());
        prop_assert_eq!(again.newest(), bench.alarm.newest());
    }
}
