//! What is around the calls: TLS, users, liveness, stopping.

use std::path::Path;
use std::time::Duration;

use kurrentdb::{AppendToStreamOptions, Client, Error, EventData, SubscribeToAllOptions};
use terrarium_conformance::Server;
use terrarium_eventstore::front::{TlsIdentity, Users};
use terrarium_runtime::ensure_crypto_provider;
use terrarium_runtime::tls::create_authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

fn client(url: &str) -> Client {
    Client::new(url.parse().expect("a connection string")).expect("a client")
}

async fn append(client: &Client) -> Result<(), Error> {
    let event = EventData::json("happened", &serde_json::json!({})).expect("JSON");
    let options = AppendToStreamOptions::default();
    client
        .append_to_stream("a", &options, event)
        .await
        .map(|_| ())
}

fn secured(folder: &Path) -> (TlsIdentity, Users) {
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let files = create_authority(folder, &hosts).expect("certificates");
    let users = folder.join("users");
    std::fs::write(&users, "ada:lovelace\n").expect("written");
    let read = |path: &Path| std::fs::read_to_string(path).expect("just written");
    let tls = TlsIdentity {
        certificate: read(&files.certificate),
        key: read(&files.key),
    };
    (tls, Users::read(&users).expect("users"))
}

#[tokio::test]
async fn with_tls_and_users_only_those_who_know_a_password_get_in() {
    ensure_crypto_provider();
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let (tls, users) = secured(folder.path());
    let server = Server::start_with(Some(tls), Some(users)).await;
    let port = server.address().port();
    let authority = folder.path().join("ca.pem");
    let url = |user: &str| {
        format!(
            "esdb://{user}localhost:{port}?tls=true&discoveryInterval=1&tlsCaFile={}",
            authority.display()
        )
    };
    append(&client(&url("ada:lovelace@")))
        .await
        .expect("let in");
    for user in ["ada:wrong@", "eve:lovelace@", ""] {
        let refused = append(&client(&url(user))).await.expect_err("kept out");
        assert!(matches!(refused, Error::AccessDenied), "{refused:?}");
    }
    assert_eq!(server.store().statistics().events, 1);
}

#[tokio::test]
async fn liveness_is_answered_over_plain_http() {
    let server = Server::start().await;
    let mut connection = TcpStream::connect(server.address())
        .await
        .expect("connected");
    connection
        .write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, connection.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("readable");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}

#[tokio::test]
async fn what_is_not_supported_is_said_to_be_so() {
    let server = Server::start().await;
    let client = client(&server.url());
    append(&client).await.expect("appended");
    let refused = client
        .create_persistent_subscription("a", "group", &Default::default())
        .await
        .expect_err("not supported");
    assert!(matches!(refused, Error::UnsupportedFeature), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_stops_ends_its_subscriptions() {
    let server = Server::start().await;
    let client = client(&server.url());
    append(&client).await.expect("appended");
    let mut subscription = client
        .subscribe_to_all(&SubscribeToAllOptions::default())
        .await;
    tokio::time::timeout(PATIENCE, subscription.next())
        .await
        .expect("in time")
        .expect("the event");
    server.stop();
    let ended = tokio::time::timeout(PATIENCE, subscription.next())
        .await
        .expect("in time");
    assert!(ended.is_err(), "{ended:?}");
}
