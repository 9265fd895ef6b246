//! A run that goes on where the record ends simulates the past again, and knows from the beginning what people did to its
//! valves then. The valves do the same as they did in the run that learned of it only step by step.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use proptest::prelude::*;
use terrarium_model::{AssetId, ParkDefinition, UnixSeconds};
use terrarium_simulator::park::{Fact, Irrigation, ParkSimulation, SimulationOptions};
use terrarium_simulator::weather::{Location, Weather};

/// 2025-06-01T00:00:00+08:00; the lawn needs water on the seventh.
const START: UnixSeconds = UnixSeconds(1_748_707_200);
const DAYS: usize = 9;
/// The day of the controller's first irrigation, from 0.
const DRY_DAY: usize = 6;
const STEPS_A_DAY: usize = 24;
const STEP_S: u32 = 86_400 / STEPS_A_DAY as u32;

fn simulation() -> ParkSimulation {
    let file = format!(
        "{}/../../deploy/parks/haotian.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).expect("the park file is there");
    let park = ParkDefinition::parse(&text, &file).expect("the park file is good");
    let site = park.site.as_ref().expect("the park has a site");
    let weather = Weather::generated(Location::of_site(site, park.time_zone.clone()), 1);
    let options = SimulationOptions::new(1, START, STEP_S);
    ParkSimulation::new(&park, weather, &options).expect("the park can be simulated")
}

fn lawn() -> AssetId {
    AssetId::new("irrigation.lawn").expect("valid")
}

/// What is on record of valves.
#[derive(Clone, Debug)]
enum Recorded {
    Started(Irrigation, i64),
    Ended(Irrigation, UnixSeconds),
}

impl Recorded {
    fn tell(&self, park: &mut ParkSimulation) {
        match self.clone() {
            Recorded::Started(irrigation, litres) => park.irrigation_started(irrigation, litres),
            Recorded::Ended(irrigation, at) => park.irrigation_ended(irrigation, at),
        }
    }
}

/// Takes in what is said of valves, as the water service does: one irrigation of a zone at a time.
#[derive(Default)]
struct Service {
    record: Vec<Recorded>,
    running: BTreeMap<AssetId, Irrigation>,
}

impl Service {
    /// Refused while another one of the zone runs.
    fn start(&mut self, irrigation: Irrigation, litres: i64) {
        let zone = irrigation.zone.clone();
        if let Entry::Vacant(free) = self.running.entry(zone) {
            free.insert(irrigation.clone());
            self.record.push(Recorded::Started(irrigation, litres));
        }
    }

    fn end(&mut self, zone: &AssetId, started: UnixSeconds, at: UnixSeconds) {
        let is_meant = |running: &Irrigation| running.started == started;
        if self.running.get(zone).is_some_and(is_meant) {
            let ended = self.running.remove(zone).expect("it runs");
            self.record.push(Recorded::Ended(ended, at));
        }
    }

    /// A person opens the lawn's valve, or closes it where it is open.
    fn person(&mut self, litres: i64, at: UnixSeconds) {
        let zone = lawn();
        match self.running.get(&zone).map(|running| running.started) {
            Some(started) => self.end(&zone, started, at),
            None => self.start(
                Irrigation {
                    zone,
                    started: at,
                    is_own: false,
                },
                litres,
            ),
        }
    }
}

/// What a person does while the park's clock stands at the end of a step: before the controller's own commands of that moment,
/// after them and before the record is read, or after that, while the next step is simulated already.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    BeforeCommands,
    BeforeReading,
    AfterReading,
}

#[derive(Clone, Copy, Debug)]
struct Act {
    step: usize,
    when: When,
    litres: i64,
}

/// Runs step by step; gives what the valves did, and what is on record.
fn live(acts: &[Act]) -> (Vec<Vec<Fact>>, Service) {
    let mut park = simulation();
    let mut service = Service::default();
    let mut steps = Vec::new();
    let mut told = 0;
    for number in 0..DAYS * STEPS_A_DAY {
        let step = park.step();
        let now = step.interval.end();
        let act = |service: &mut Service, when: When| {
            for act in acts
                .iter()
                .filter(|act| (act.step, act.when) == (number, when))
            {
                service.person(act.litres, now);
            }
        };
        for fact in &step.facts {
            if let Fact::IrrigationEnded {
                zone, started, at, ..
            } = fact
            {
                service.end(zone, *started, *at);
            }
        }
        act(&mut service, When::BeforeCommands);
        for fact in &step.facts {
            if let Fact::IrrigationStarted { zone, at, litres } = fact {
                let own = Irrigation {
                    zone: zone.clone(),
                    started: *at,
                    is_own: true,
                };
                service.start(own, *litres);
            }
        }
        act(&mut service, When::BeforeReading);
        for recorded in &service.record[told..] {
            recorded.tell(&mut park);
        }
        told = service.record.len();
        act(&mut service, When::AfterReading);
        steps.push(step.facts);
    }
    (steps, service)
}

/// Runs again, with all of the record known from the beginning.
fn again(service: &Service) -> Vec<Vec<Fact>> {
    let mut park = simulation();
    for recorded in &service.record {
        recorded.tell(&mut park);
    }
    let steps = (0..DAYS * STEPS_A_DAY).map(|_| park.step().facts);
    steps.collect()
}

/// The start of the controller's first irrigation of the lawn, as the step that ends then.
fn first_own(steps: &[Vec<Fact>]) -> Option<usize> {
    let is_it =
        |fact: &Fact| matches!(fact, Fact::IrrigationStarted { zone, .. } if *zone == lawn());
    steps.iter().position(|facts| facts.iter().any(is_it))
}

#[test]
fn the_controller_waters_the_lawn_within_the_days_that_are_looked_at() {
    let (steps, service) = live(&[]);
    let first = first_own(&steps).expect("the lawn needs water");
    let ends_at_four = DRY_DAY * STEPS_A_DAY + 3;
    assert_eq!(first, ends_at_four);
    let ends = service.record.iter();
    let ends = ends.filter(|recorded| matches!(recorded, Recorded::Ended(..)));
    assert!(ends.count() > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_knows_the_record_does_what_the_run_did_that_made_it(
        acts in prop::collection::vec(
            (
                // About the controller's own time.
                (DRY_DAY..DAYS, 0_usize..9),
                prop::sample::select(vec![When::BeforeCommands, When::BeforeReading, When::AfterReading]),
                1_i64..2_000,
            ),
            1..8,
        ),
    ) {
        let acts: Vec<Act> = acts
            .into_iter()
            .map(|((day, hour), when, litres)| Act { step: day * STEPS_A_DAY + hour, when, litres })
            .collect();
        let (steps, service) = live(&acts);
        for (number, (before, after)) in steps.iter().zip(again(&service)).enumerate() {
            prop_assert_eq!(before, &after, "step {}", number);
        }
        // Every irrigation comes to its end: no zone is blocked.
        let newest = UnixSeconds(START.0 + (DAYS * STEPS_A_DAY) as i64 * i64::from(STEP_S));
        for running in service.running.values() {
            prop_assert!(running.started.0 + 4 * 3_600 > newest.0, "{running:?} does not end");
        }
    }
}
