use proptest::prelude::*;
use terrarium_journal::RejectionCode;
use terrarium_proto::carbon::v1::{TreeCarbonMethod, TreeLossCause};

use super::*;

fn context() -> TreeContext {
    TreeContext {
        park: ParkId::new("haotian").expect("valid"),
        group: AssetId::new("pines").expect("valid"),
        most: 100,
        now: UnixSeconds(1_000_000),
    }
}

fn plant(id: &str, time_s: i64, count: u32) -> TreeCommand {
    TreeCommand::Plant(TreesPlantedV1 {
        group: "pines".into(),
        planting: id.into(),
        time_s,
        count,
        species: "Pinus tabuliformis".into(),
        ..TreesPlantedV1::default()
    })
}

fn survey(time_s: i64, living: u32, co2_g: i64) -> TreeCommand {
    TreeCommand::Monitor(TreesMonitoredV1 {
        group: "pines".into(),
        time_s,
        living,
        mean_diameter_mm: 40,
        mean_height_cm: 310,
        co2_g,
        method: TreeCarbonMethod::Modelled.into(),
        source: "a growth model".into(),
        ..TreesMonitoredV1::default()
    })
}

fn lose(id: &str, time_s: i64, count: u32, numbers: &[u32]) -> TreeCommand {
    TreeCommand::Lose(TreesDiedV1 {
        group: "pines".into(),
        loss: id.into(),
        time_s,
        count,
        numbers: numbers.to_vec(),
        cause: TreeLossCause::Felled.into(),
        ..TreesDiedV1::default()
    })
}

fn carry_out(group: &mut TreeGroup, command: &TreeCommand) -> Vec<TreeFact> {
    let events = group.decide(&context(), command).expect("a good command");
    for event in &events {
        group.evolve(event);
    }
    events.into_iter().map(|event| event.fact).collect()
}

fn refused(group: &TreeGroup, command: &TreeCommand) -> (RejectionCode, &'static str) {
    let refusal = group.decide(&context(), command).expect_err("refused");
    (refusal.code, refusal.field)
}

#[test]
fn trees_that_die_take_their_share_of_the_carbon_with_them() {
    let mut group = TreeGroup::default();
    carry_out(&mut group, &plant("p-1", 100, 30));
    let second = carry_out(&mut group, &plant("p-2", 200, 10));
    assert!(
        matches!(&second[..], [TreeFact::TreesPlantedV1(planted)] if planted.first_number == 31),
        "{second:?}"
    );
    carry_out(&mut group, &survey(300, 40, 1_000));
    let died = carry_out(&mut group, &lose("l-1", 400, 3, &[2, 31, 40]));
    let [TreeFact::TreesDiedV1(reversal)] = &died[..] else {
        panic!("{died:?}");
    };
    // 1000 g x 3 / 40 = 75 g.
    assert_eq!(
        (reversal.reversed_co2_g, reversal.co2_g, reversal.living),
        (75, 925, 37)
    );
    carry_out(&mut group, &survey(500, 37, 1_100));
    carry_out(&mut group, &lose("l-2", 600, 37, &[]));
    assert_eq!(
        (group.living(), group.co2_g(), group.reversed_co2_g()),
        (0, 0, 1_175)
    );
    for again in [
        plant("p-2", 200, 10),
        survey(300, 40, 1_000),
        lose("l-1", 400, 3, &[2, 31, 40]),
    ] {
        assert_eq!(carry_out(&mut group, &again), []);
    }
}

#[test]
fn a_dead_tree_can_not_be_felled() {
    let mut group = TreeGroup::default();
    carry_out(&mut group, &plant("p-1", 100, 3));
    carry_out(&mut group, &lose("l-1", 200, 1, &[2]));
    let refusal = group
        .decide(&context(), &lose("l-2", 300, 1, &[2]))
        .expect_err("it is dead");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "numbers")
    );
    assert!(refusal.message.contains("tree 2 of group pines is dead"));
    carry_out(&mut group, &lose("l-3", 300, 2, &[]));
    assert_eq!(
        refused(&group, &lose("l-4", 300, 1, &[])),
        (RejectionCode::FailedPrecondition, "count")
    );
}

#[test]
fn what_does_not_fit_the_group_is_refused() {
    use RejectionCode::{AlreadyExists, FailedPrecondition, InvalidArgument};
    let mut group = TreeGroup::default();
    carry_out(&mut group, &plant("p-1", 100, 40));
    carry_out(&mut group, &survey(300, 40, 1_000));
    for (command, expected) in [
        (plant("p-1", 100, 41), (AlreadyExists, "planting")),
        (plant("p-2", 400, 61), (FailedPrecondition, "count")),
        (plant("p-2", 400, 0), (InvalidArgument, "count")),
        (plant("p-2", 299, 1), (FailedPrecondition, "time")),
        (survey(400, 41, 1_000), (FailedPrecondition, "living")),
        (survey(400, 40, -1), (InvalidArgument, "co2_g")),
        (survey(300, 40, 999), (AlreadyExists, "time")),
        (survey(1_000_061, 40, 1), (FailedPrecondition, "time")),
        (lose("l-1", 400, 0, &[]), (InvalidArgument, "count")),
        (lose("l-1", 400, 2, &[1]), (InvalidArgument, "numbers")),
        (lose("l-1", 400, 2, &[1, 1]), (InvalidArgument, "numbers")),
        (lose("l-1", 400, 1, &[41]), (InvalidArgument, "numbers")),
        (lose("l-1", 299, 1, &[]), (FailedPrecondition, "time")),
    ] {
        assert_eq!(refused(&group, &command), expected, "{command:?}");
    }
}

proptest! {
    #[test]
    fn no_more_is_reversed_than_was_held_and_the_living_are_those_planted_less_the_dead(
        steps in prop::collection::vec((0u8..3, 1u32..40, 0i64..1_000_000), 1..60)
    ) {
        let mut group = TreeGroup::default();
        let mut dead = 0;
        for (index, (kind, count, co2_g)) in (0i64..).zip(steps) {
            let id = format!("x-{index}");
            let time = 100 + index;
            let command = match kind {
                0 => plant(&id, time, count),
                1 => survey(time, group.living(), co2_g),
                _ => lose(&id, time, count, &[]),
            };
            let held_before = group.co2_g();
            let Ok(events) = group.decide(&context(), &command) else { continue };
            for event in &events {
                if let TreeFact::TreesDiedV1(died) = &event.fact {
                    dead += died.count;
                    prop_assert!((0..=held_before).contains(&died.reversed_co2_g));
                    prop_assert_eq!(died.co2_g + died.reversed_co2_g, held_before);
                }
                group.evolve(event);
            }
            prop_assert_eq!(group.living() + dead, group.planted());
            prop_assert!(group.living() > 0 || group.co2_g() == 0);
        }
    }
}
