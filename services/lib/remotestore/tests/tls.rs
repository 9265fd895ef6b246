//! The official client over TLS, in a process of its own: it insists on choosing the cryptography first.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use support::{RunningFront, append_one, commit, in_time, open};
use tempfile::TempDir;
use terrarium_eventstore::front::{TlsIdentity, Users};
use terrarium_journal::EventStore;
use terrarium_remotestore::RemoteStore;
use terrarium_runtime::tls::create_authority;

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_with_a_password_everything_works_and_without_it_nothing_does() {
    // Chooses the cryptography, as a role's process does before anything else.
    let absent = RemoteStore::connect("esdb://127.0.0.1:1?tls=false&maxDiscoverAttempts=1").await;
    absent.expect_err("nothing listens there");

    let folder = TempDir::new().expect("a temporary folder");
    let hosts = ["localhost".to_owned()];
    let files = create_authority(folder.path(), &hosts).expect("certificates");
    let read = |path| std::fs::read_to_string(path).expect("just written");
    let tls = TlsIdentity {
        certificate: read(&files.certificate),
        key: read(&files.key),
    };
    let users = folder.path().join("users");
    std::fs::write(&users, "ada:lovelace\n").expect("written");
    let users = Users::read(&users).expect("users");
    let (_store_folder, behind) = open();
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = RunningFront::start_with(&behind, anywhere, Some(tls), Some(users)).await;
    let url = |user: &str, authority: &std::path::Path| {
        format!(
            "esdb://{user}localhost:{}?tls=true&tlsCaFile={}",
            server.address.port(),
            authority.display()
        )
    };

    let remote = RemoteStore::connect(&url("ada:lovelace@", &files.ca))
        .await
        .expect("let in");
    let store: Arc<dyn EventStore> = Arc::new(remote);
    let appended = append_one(&store, commit("a-1", 0, 3)).await;
    let last = appended.expect("appended").last_position;
    let mut positions = store.watch_last_position();
    in_time(positions.wait_for(|position| *position == Some(last)))
        .await
        .expect("it is followed");
    let events = in_time(store.read_all(None, 10)).await.expect("readable");
    assert_eq!(events.len(), 3);

    for user in ["ada:wrong@", ""] {
        let refused = RemoteStore::connect(&url(user, &files.ca)).await;
        let error = refused.expect_err("kept out").to_string();
        assert!(!error.contains("wrong@"), "{error}");
    }
    let other = TempDir::new().expect("a temporary folder");
    let others = create_authority(other.path(), &hosts).expect("certificates");
    let distrusted = RemoteStore::connect(&url("ada:lovelace@", &others.ca)).await;
    distrusted.expect_err("another authority signed it");
    assert_eq!(behind.stream_revision("a-1"), 3);
}
