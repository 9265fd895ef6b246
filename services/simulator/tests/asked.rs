//! What people ask of a simulated park's devices: irrigation by hand, and the reserve of a store.

use terrarium_model::{AssetId, ParkDefinition, UnixSeconds};
use terrarium_simulator::park::{Fact, Irrigation, Keep, Kept, ParkSimulation, SimulationOptions};
use terrarium_simulator::weather::{Location, Weather};

/// 2025-06-01T00:00:00+08:00.
const START: UnixSeconds = UnixSeconds(1_748_707_200);
const STEP_S: i64 = 900;

fn simulation(name: &str) -> ParkSimulation {
    let file = format!(
        "{}/../../deploy/parks/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).expect("the park file is there");
    let park = ParkDefinition::parse(&text, &file).expect("the park file is good");
    let site = park.site.as_ref().expect("the park has a site");
    let weather = Weather::generated(Location::of_site(site, park.time_zone.clone()), 1);
    let options = SimulationOptions::new(1, START, STEP_S as u32);
    ParkSimulation::new(&park, weather, &options).expect("the park can be simulated")
}

fn after_hours(simulation: &mut ParkSimulation, hours: usize) -> Vec<Fact> {
    let steps = hours * 4;
    (0..steps).flat_map(|_| simulation.step().facts).collect()
}

fn lawn() -> AssetId {
    AssetId::new("irrigation.lawn").expect("valid")
}

/// An irrigation of the lawn that a person started.
fn by_hand(started: UnixSeconds) -> Irrigation {
    Irrigation {
        zone: lawn(),
        started,
        is_own: false,
    }
}

/// Water that the lawn's meter saw, and the ends of irrigations by hand that began at `started`.
fn given_and_ends(facts: &[Fact], started: UnixSeconds) -> (i64, Vec<(UnixSeconds, i64)>) {
    let mut given_l = 0;
    let mut ends = Vec::new();
    for fact in facts {
        match fact {
            Fact::WaterMetered { asset, litres, .. } if *asset == lawn() => given_l += litres,
            Fact::IrrigationEnded {
                zone,
                started: of,
                at,
                litres,
            } if *zone == lawn() && *of == started => ends.push((*at, *litres)),
            _ => {}
        }
    }
    (given_l, ends)
}

#[test]
fn an_irrigation_that_a_person_started_gives_its_water_and_ends() {
    let mut park = simulation("haotian");
    after_hours(&mut park, 12);
    let noon = park.next_start();
    park.irrigation_started(by_hand(noon), 500);
    let facts = after_hours(&mut park, 3);
    let (given_l, ends) = given_and_ends(&facts, noon);
    assert_eq!(given_l, 500);
    assert_eq!(ends, [(UnixSeconds(noon.0 + 2 * 3_600), 500)]);
}

#[test]
fn an_irrigation_that_somebody_reports_as_ended_gives_no_more() {
    let mut park = simulation("haotian");
    after_hours(&mut park, 12);
    let noon = park.next_start();
    park.irrigation_started(by_hand(noon), 800);
    let mut facts = after_hours(&mut park, 1);
    park.irrigation_ended(by_hand(noon), park.next_start());
    facts.extend(after_hours(&mut park, 3));
    let (given_l, ends) = given_and_ends(&facts, noon);
    // A quarter of an hour each way passes until the valve moves.
    assert_eq!(given_l, 4 * 100);
    assert_eq!(ends, []);
}

#[test]
fn a_flow_battery_is_not_emptied_below_its_reserve() {
    let mut park = simulation("yizhuang");
    let mut stored_wh = std::collections::BTreeMap::new();
    for fact in after_hours(&mut park, 1) {
        if let Fact::StorageReported {
            storage,
            stored_wh: now,
            ..
        } = fact
        {
            stored_wh.insert(storage, now);
        }
    }
    assert!(stored_wh.len() >= 2, "{stored_wh:?}");
    let since = UnixSeconds(park.next_start().0 - STEP_S);
    let reserves: std::collections::BTreeMap<AssetId, i64> = stored_wh
        .into_iter()
        .map(|(storage, now)| (storage, now * 4 / 5))
        .collect();
    for (storage, reserve_wh) in &reserves {
        for (what, value) in [
            (Keep::ReserveWh, *reserve_wh),
            (Keep::StoragePowerW, -1_000_000_000),
        ] {
            park.keep(Kept {
                device: storage.clone(),
                what,
                value,
                since,
            });
        }
    }
    let mut is_emptied = false;
    for fact in after_hours(&mut park, 6) {
        let Fact::StorageReported {
            storage, stored_wh, ..
        } = fact
        else {
            continue;
        };
        let reserve_wh = reserves[&storage];
        // What a store loses by itself while it gives nothing, it loses from the reserve too: of these a thousandth a day.
        let loses_little = storage.as_str() != "storage.supercapacitor";
        assert!(
            !loses_little || stored_wh >= reserve_wh - reserve_wh / 1_000,
            "{storage}: {stored_wh} of {reserve_wh} Wh"
        );
        let is_flow = storage.as_str() == "storage.flow";
        is_emptied |= is_flow && stored_wh < reserve_wh + reserve_wh / 100;
    }
    assert!(
        is_emptied,
        "the flow battery was not emptied to its reserve"
    );
}
