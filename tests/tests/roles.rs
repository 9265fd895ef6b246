//! Every role its own process, on an event store and a bus of their own: the record is reached with the official client.

use std::time::Duration;

use terrarium_proto::alarm::v1::WatchAlarmsRequest;
use terrarium_proto::alarm::v1::alarm_service_client::AlarmServiceClient;
use terrarium_proto::feed::v1::SubscribeRequest;
use terrarium_proto::twin::v1::SnapshotRequest;
use terrarium_tests::{Cluster, ClusterPlan, Outcome, Park, State, repository, wait};
use tonic::Code;

const WITHIN: Duration = Duration::from_secs(90);
const DEMO: &str = "demo";

/// Sends the demo park's factors and readings, again after an outage, as people do.
fn import(cli: impl Fn(&str, &[&str]) -> Outcome) {
    let file = |path: &str| repository().join(path).to_string_lossy().into_owned();
    for set in ["demo.toml", "demo-hourly.toml"] {
        let set = file(&format!("deploy/factors/{set}"));
        wait::until(WITHIN, "the factors to be recorded", || {
            let sent = cli("carbon", &["import", "factors", &set, "--park", DEMO]);
            (sent.code == 0).then_some(())
        });
    }
    let readings = file("tests/data/demo/readings.csv");
    wait::until(WITHIN, "the readings to be recorded", || {
        let sent = cli("energy", &["import", "readings", &readings, "--park", DEMO]);
        (sent.code == 0).then_some(())
    });
}

fn projected(state: impl Fn() -> State, least_readings: u64) -> State {
    wait::until(WITHIN, "the park is projected", || {
        let state = state();
        (state.readings >= least_readings).then_some(state)
    })
}

#[test]
fn roles_that_are_killed_in_turn_record_and_project_the_same_as_one_process_that_is_not() {
    let mut park = Park::of_demo();
    park.start();
    import(|_, words| park.cli(words));
    let undisturbed = projected(|| park.state(), 1);
    park.stop();

    let roles = ["recorder", "projector", "energy", "carbon"];
    let mut cluster = Cluster::start(ClusterPlan::of("demo.toml", &roles));
    import(|role, words| cluster.cli(role, words));
    for victim in ["store", "recorder", "projector", "energy", "carbon"] {
        match victim {
            "store" => cluster.restart_store(),
            role => cluster.restart_role(role),
        }
        // Everything again: nothing of it is new.
        import(|role, words| cluster.cli(role, words));
    }
    let state = projected(|| cluster.state(), undisturbed.readings);
    assert_eq!(state.readings, undisturbed.readings);
    assert_eq!(state.content_hash, undisturbed.content_hash);
    assert_eq!(state.events, undisturbed.events);
    cluster.stop_store();
    cluster
        .cli("store", &["eventstore", "check"])
        .expect_code(0);
}

#[tokio::test]
async fn while_the_store_is_away_every_answer_is_unavailable_and_no_process_ends() {
    let roles = ["recorder", "projector", "alarms", "carbon"];
    let mut cluster = Cluster::start(ClusterPlan::of("demo.toml", &roles));
    let mut projector = cluster.clients("projector").await;
    let alarms = cluster.clients("alarms").await;
    let snapshot = || SnapshotRequest {
        park: DEMO.to_owned(),
        ..SnapshotRequest::default()
    };
    wait::until(WITHIN, "the park is projected", || {
        (cluster.state().events > 0).then_some(())
    });
    cluster.kill_store();

    let watch = WatchAlarmsRequest {
        park: DEMO.to_owned(),
        ..WatchAlarmsRequest::default()
    };
    let watched = async {
        let mut answers = AlarmServiceClient::new(alarms.channel.clone())
            .watch_alarms(watch)
            .await?
            .into_inner();
        while answers.message().await?.is_some() {}
        Ok::<(), tonic::Status>(())
    };
    let subscribed = async {
        let mut feed = projector.feed.clone();
        let mut batches = feed
            .subscribe(SubscribeRequest::default())
            .await?
            .into_inner();
        while batches.message().await?.is_some() {}
        Ok::<(), tonic::Status>(())
    };
    let (watched, subscribed) = tokio::join!(watched, subscribed);
    for (what, answer) in [("WatchAlarms", watched), ("Subscribe", subscribed)] {
        let status = answer.expect_err("the store is away");
        assert_eq!(status.code(), Code::Unavailable, "{what}: {status}");
    }

    cluster.start_store();
    for name in roles {
        assert!(cluster.role(name).is_running(), "{name} ended");
    }
    // What was folded is still there, and what is new arrives.
    import_factors_only(&cluster);
    projector
        .twin
        .snapshot(snapshot())
        .await
        .expect("the projector goes on");
}

fn import_factors_only(cluster: &Cluster) {
    let before = cluster.state().events;
    let set = repository().join("deploy/factors/demo.toml");
    let set = set.to_string_lossy();
    wait::until(WITHIN, "the factors to be recorded", || {
        let sent = cluster.cli("carbon", &["import", "factors", &set, "--park", DEMO]);
        (sent.code == 0).then_some(())
    });
    wait::until(WITHIN, "the factors are projected", || {
        (cluster.state().events > before).then_some(())
    });
}
