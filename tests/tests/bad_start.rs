//! What `terrarium up` refuses to start with, and whom a running server refuses to serve.

use terrarium_proto::carbon::v1::DefineParkRequest;
use terrarium_proto::energy::v1::{ReleaseQuarantinedRequest, ReportReadingsRequest};
use terrarium_proto::ledger::v1::GetStateRequest;
use terrarium_proto::twin::v1::{FollowRequest, ListParksRequest};
use terrarium_tests::readings::reading;
use terrarium_tests::{Clients, GuardedPark, Park, command, repository, run, with_token};
use tonic::{Code, Status};

const PARK: &str = "zne-homes";

fn definition() -> String {
    std::fs::read_to_string(repository().join("deploy/parks/zne-homes.toml"))
        .expect("the park file is there")
}

/// Park files with one fault each, and what has to be said about it.
fn faulty_parks() -> Vec<(&'static str, String, &'static [&'static str])> {
    let good = definition();
    let two_more = "\n[[assets]]\nid = \"a\"\nkind = \"load\"\nzone = \"street\"\nname = { en = \"A\", zh = \"甲\" }\n\n[[assets]]\nid = \"b\"\nkind = \"load\"\nzone = \"street\"\nname = { en = \"B\", zh = \"乙\" }\n";
    let circle = "\n[[connections]]\nkind = \"electric\"\nfrom = \"a\"\nto = \"b\"\n\n[[connections]]\nkind = \"electric\"\nfrom = \"b\"\nto = \"a\"\n";
    vec![
        (
            "cycle",
            format!("{good}{two_more}{circle}"),
            &["go in a circle: a -> b -> a", "leave one of them out"],
        ),
        (
            "twins",
            good.replace("id = \"home-02\"\n", "id = \"home-01\"\n"),
            &["two assets are named \"home-01\""],
        ),
        (
            "idle-meter",
            good.replacen("measures = \"consumption\"\n", "", 1),
            &["has no key \"measures\"", "write measures"],
        ),
        (
            "no-toml",
            good.replacen("id = \"zne-homes\"", "id = zne-homes", 1),
            &["no TOML"],
        ),
    ]
}

#[test]
fn a_faulty_park_file_is_refused_with_file_line_and_remedy_before_anything_starts() {
    for (name, text, said) in faulty_parks() {
        let file_folder = tempfile::tempdir().expect("a temporary folder");
        let file = file_folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).expect("writes");
        let place = format!("{name}.toml:");
        let said: Vec<&str> = said.iter().copied().chain([place.as_str()]).collect();

        let checked = run(command().args(["park", "check"]).arg(&file));
        checked.expect_code(1).expect_said(&said);

        let mut park = Park::new(&[file]);
        let failure = park.try_start().expect_err("the park is faulty");
        assert_eq!(failure.code, 1, "{name}: {}", failure.log);
        for part in said {
            assert!(
                failure.log.contains(part),
                "{name}: {part:?} is not in: {}",
                failure.log
            );
        }
        assert!(
            !park.data().join("endpoint.json").exists(),
            "{name}: nothing listens"
        );
    }
    run(command()
        .args(["park", "check"])
        .arg(repository().join("deploy/parks/zne-homes.toml")))
    .expect_code(0);
}

#[test]
fn a_nats_that_is_not_there_is_named_with_the_remedy() {
    let mut park = Park::of_ten_homes().with_flags(&["--nats-url", "nats://127.0.0.1:1"]);
    let failure = park.try_start().expect_err("nobody listens on port 1");
    assert_eq!(failure.code, 1, "{}", failure.log);
    assert!(
        failure.log.contains("nats://127.0.0.1:1"),
        "{}",
        failure.log
    );
    assert!(
        !park.nats_folder().join("jetstream").exists(),
        "no nats-server of its own was started"
    );
}

#[test]
fn a_nats_store_of_another_version_is_refused_and_left_as_it_is() {
    let mut park = Park::of_ten_homes();
    park.start();
    park.stop();
    let version = park.nats_folder().join("server-version");
    std::fs::write(&version, "1.99.0\n").expect("writes");
    let failure = park
        .try_start()
        .expect_err("the store is of another version");
    assert_eq!(failure.code, 1, "{}", failure.log);
    for part in ["1.99.0", "Delete the folder"] {
        assert!(
            failure.log.contains(part),
            "{part:?} is not in: {}",
            failure.log
        );
    }
    assert_eq!(
        std::fs::read_to_string(&version).expect("still there"),
        "1.99.0\n"
    );
    park.delete_nats_folder();
    park.start();
}

#[test]
fn a_second_server_on_one_data_folder_is_refused_and_the_first_goes_on() {
    let mut first = Park::of_ten_homes();
    let endpoint = first.start();
    let mut second = Park::of_ten_homes().with_data_in(first.data());
    let failure = second.try_start().expect_err("the folder is taken");
    assert_eq!(failure.code, 1, "{}", failure.log);
    assert!(
        failure.log.contains(&*first.data().to_string_lossy()),
        "the folder is named: {}",
        failure.log
    );
    assert_eq!(
        first.endpoint().pid,
        endpoint.pid,
        "endpoint.json still tells the first one's place"
    );
    first.state();
    first.stop();
}

#[test]
fn off_loopback_a_server_needs_tls_and_tokens_and_says_so() {
    let mut park = Park::of_ten_homes().with_flags(&["--listen", "0.0.0.0:0"]);
    let failure = park.try_start().expect_err("it would be unprotected");
    assert_eq!(failure.code, 1, "{}", failure.log);
    for part in ["0.0.0.0", "TLS", "token", "127.0.0.1"] {
        assert!(
            failure.log.contains(part),
            "{part:?} is not in: {}",
            failure.log
        );
    }
}

#[test]
fn a_setting_that_does_not_exist_is_a_wrong_command_line() {
    run(command().args(["up", "--no-such-flag"])).expect_code(2);
}

fn one_reading() -> ReportReadingsRequest {
    let readings = vec![reading(
        "home-01.load",
        "2016-08-01T00:00:00-08:00",
        3600,
        "1.5",
    )];
    ReportReadingsRequest {
        park: PARK.to_owned(),
        readings,
        client_request_id: String::new(),
    }
}

async fn report(clients: &mut Clients, token: &str) -> Result<(), Status> {
    clients
        .energy
        .report_readings(with_token(token, one_reading()))
        .await
        .map(|_| ())
}

#[tokio::test]
async fn a_wrong_token_or_role_is_refused_and_the_right_one_is_the_events_actor() {
    let mut guarded = GuardedPark::new(Park::of_ten_homes());
    let device = guarded.token("gateway-1", "device", Some(PARK));
    let stranger = guarded.token("gateway-2", "device", Some("another-park"));
    let auditor = guarded.token("auditor-1", "auditor", None);
    guarded.park.start();
    let mut clients = guarded.park.clients().await;

    let no_token = clients
        .energy
        .report_readings(one_reading())
        .await
        .expect_err("no token");
    assert_eq!(no_token.code(), Code::Unauthenticated);
    assert!(
        no_token.message().contains("TERRARIUM_TOKEN"),
        "{no_token:?}"
    );
    let wrong = report(&mut clients, "terrarium_wrong")
        .await
        .expect_err("a wrong token");
    assert_eq!(wrong.code(), Code::Unauthenticated);
    for (token, said) in [
        (&auditor, "role device or operator"),
        (&stranger, "park another-park"),
    ] {
        let refused = report(&mut clients, token).await.expect_err(said);
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
        assert!(refused.message().contains(said), "{refused:?}");
    }
    let release = ReleaseQuarantinedRequest {
        park: PARK.to_owned(),
        ..Default::default()
    };
    let refused = clients
        .energy
        .release_quarantined(with_token(&device, release))
        .await
        .expect_err("a device decides nothing");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    let define = DefineParkRequest {
        definition_toml: definition(),
        client_request_id: String::new(),
    };
    let refused = clients
        .carbon
        .define_park(with_token(&device, define))
        .await
        .expect_err("a device defines no park");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");

    let follow = FollowRequest {
        park: PARK.to_owned(),
        ..Default::default()
    };
    let refused = clients
        .twin
        .follow(with_token(&stranger, follow))
        .await
        .expect_err("it may not see this park");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    for (token, visible) in [(&device, 1), (&stranger, 0), (&auditor, 1)] {
        let parks = clients
            .twin
            .list_parks(with_token(token, ListParksRequest {}))
            .await
            .expect("everybody sees their own")
            .into_inner()
            .parks;
        assert_eq!(parks.len(), visible, "{parks:?}");
    }

    report(&mut clients, &device)
        .await
        .expect("the right token");
    let request = with_token(&auditor, GetStateRequest { hashes: false });
    clients
        .ledger
        .get_state(request)
        .await
        .expect("an auditor may read");
    let words = [
        "events", "--park", PARK, "--format", "json", "--token", &auditor,
    ];
    let printed = guarded.park.cli(&words).expect_code(0).stdout;
    assert!(
        printed.contains("gateway-1"),
        "the event names its actor: {printed}"
    );
}
