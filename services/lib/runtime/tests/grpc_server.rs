//! A server and its clients over real sockets. The one-method OTLP trace service serves as the example.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use terrarium_runtime::settings::TlsSettings;
use terrarium_runtime::tls::{AuthorityFiles, create_authority};
use terrarium_runtime::{
    ConnectError, GrpcServer, Role, ServerAddress, Settings, Shutdown, Traceparent, actor, connect,
    create_token, current_traceparent, request_traceparent, traceparent,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const PARK: &str = "zne-homes";
const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const DEADLINE: Duration = Duration::from_secs(20);

/// Remembers who called and in which trace; waits before it answers if it is told to.
#[derive(Clone, Default)]
struct Example {
    seen: Arc<Mutex<Vec<(String, String)>>>,
    arrived: Arc<Notify>,
    hold: Option<Arc<Notify>>,
}

#[tonic::async_trait]
impl TraceService for Example {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let actor = actor(&request)?;
        actor.require(&[Role::Device], PARK)?;
        let trace = request_traceparent(&request).to_string();
        assert_eq!(current_traceparent().as_deref(), Some(trace.as_str()));
        let name = actor.name.to_string();
        self.seen.lock().expect("unpoisoned").push((name, trace));
        self.arrived.notify_one();
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

struct Running {
    url: String,
    example: Example,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

async fn start(settings: &Settings, example: Example) -> Running {
    let server = GrpcServer::bind(settings).await.expect("binds");
    let url = server.url();
    server.health().set("terrarium.example", true).await;
    let shutdown = Shutdown::new();
    let serving = tokio::spawn({
        let (example, shutdown) = (example.clone(), shutdown.clone());
        async move {
            server
                .serve(
                    Routes::new(TraceServiceServer::new(example)),
                    terrarium_proto::DESCRIPTORS,
                    shutdown,
                )
                .await
                .expect("serves until the shutdown");
        }
    });
    Running {
        url,
        example,
        shutdown,
        serving,
    }
}

impl Running {
    async fn stop(self) {
        self.shutdown.trigger();
        within_deadline(self.serving).await.expect("no panic");
    }
}

async fn within_deadline<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(DEADLINE, work)
        .await
        .expect("done before the deadline")
}

fn loopback() -> Settings {
    Settings {
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        ..Settings::default()
    }
}

async fn call(address: &ServerAddress) -> Result<(), Status> {
    let channel = connect(address).await.expect("connects");
    let mut client = TraceServiceClient::new(channel);
    client
        .export(ExportTraceServiceRequest::default())
        .await
        .map(|_| ())
}

fn plain(url: &str) -> ServerAddress {
    ServerAddress {
        url: url.to_owned(),
        ..ServerAddress::default()
    }
}

/// Settings with TLS and one device token for [`PARK`] and one for another park; the tokens.
fn protected(folder: &std::path::Path) -> (Settings, AuthorityFiles, String, String) {
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let files = create_authority(folder, &hosts).expect("a fresh folder");
    let (token, entry) = create_token("gateway-1", Role::Device, Some(PARK)).expect("good name");
    let (other, other_entry) =
        create_token("gateway-2", Role::Device, Some("other")).expect("good name");
    let tokens = folder.join("tokens.toml");
    std::fs::write(&tokens, format!("{entry}{other_entry}")).expect("writable");
    let settings = Settings {
        tls: Some(TlsSettings {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        }),
        tokens: Some(tokens),
        ..loopback()
    };
    (settings, files, token, other)
}

#[tokio::test]
async fn off_loopback_a_server_binds_only_with_tls_and_tokens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut settings, ..) = protected(folder.path());
    settings.listen = vec!["0.0.0.0:0".parse().expect("an address")];
    let tls = settings.tls.take();
    let refusal = GrpcServer::bind(&settings).await.expect_err("no TLS");
    assert!(refusal.to_string().contains("`terrarium ca"), "{refusal}");
    settings.tls = tls;
    let tokens = settings.tokens.take();
    let refusal = GrpcServer::bind(&settings).await.expect_err("no tokens");
    assert!(
        refusal.to_string().contains("terrarium token create"),
        "{refusal}"
    );
    settings.tokens = tokens;
    let server = GrpcServer::bind(&settings).await.expect("protected");
    assert_ne!(server.addresses()[0].port(), 0);
}

#[tokio::test]
async fn an_address_in_use_is_named_with_a_remedy() {
    let first = GrpcServer::bind(&loopback()).await.expect("a free port");
    let settings = Settings {
        listen: first.addresses().to_vec(),
        ..Settings::default()
    };
    let refusal = GrpcServer::bind(&settings).await.expect_err("in use");
    assert!(
        refusal
            .to_string()
            .contains("another process listens there"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_token_over_tls_lets_its_owner_into_its_own_park_only() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (settings, files, token, other_token) = protected(folder.path());
    let server = start(&settings, Example::default()).await;
    let address = |token: Option<&str>| ServerAddress {
        url: server.url.clone(),
        ca: Some(files.ca.clone()),
        token: token.map(str::to_owned),
    };

    call(&address(Some(&token))).await.expect("the right token");
    let seen = server.example.seen.lock().expect("unpoisoned").clone();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].0, "gateway-1");

    let missing = call(&address(None)).await.expect_err("no token");
    assert_eq!(missing.code(), Code::Unauthenticated);
    assert!(missing.message().contains("TERRARIUM_TOKEN"), "{missing}");
    let wrong = call(&address(Some("guess")))
        .await
        .expect_err("wrong token");
    assert_eq!(wrong.code(), Code::Unauthenticated);
    let elsewhere = call(&address(Some(&other_token))).await;
    let elsewhere = elsewhere.expect_err("wrong park");
    assert_eq!(elsewhere.code(), Code::PermissionDenied);
    assert!(elsewhere.message().contains(PARK), "{elsewhere}");

    let channel = connect(&address(None)).await.expect("connects");
    let health = HealthClient::new(channel)
        .check(HealthCheckRequest {
            service: "terrarium.example".to_owned(),
        })
        .await
        .expect("health needs no token");
    assert_eq!(health.into_inner().status, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_client_trusts_only_its_own_authority() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (settings, ..) = protected(folder.path());
    let server = start(&settings, Example::default()).await;
    let stranger = tempfile::tempdir().expect("a temporary folder");
    let files = create_authority(stranger.path(), &["127.0.0.1".to_owned()]).expect("fresh");
    let address = ServerAddress {
        ca: Some(files.ca),
        ..plain(&server.url)
    };
    let refusal = connect(&address).await.expect_err("another authority");
    assert!(
        matches!(refusal, ConnectError::Untrusted { .. }),
        "{refusal}"
    );
    let refusal = connect(&plain(&server.url)).await.expect_err("no CA");
    assert!(
        matches!(refusal, ConnectError::NeedsAuthority { .. }),
        "{refusal}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_client_says_what_to_do_when_nothing_answers_or_the_address_is_wrong() {
    let free = GrpcServer::bind(&loopback()).await.expect("a free port");
    let url = free.url();
    drop(free);
    let refusal = connect(&plain(&url)).await.expect_err("nobody there");
    assert!(
        refusal.to_string().contains("is `terrarium up` running?"),
        "{refusal}"
    );
    for bad in ["", "127.0.0.1:7470", "ftp://x", "http://"] {
        let refusal = connect(&plain(bad)).await.expect_err(bad);
        assert!(matches!(refusal, ConnectError::BadUrl { .. }), "{refusal}");
    }
    let in_clear = ServerAddress {
        token: Some("secret".to_owned()),
        ..plain("http://192.0.2.1:7470")
    };
    let refusal = connect(&in_clear).await.expect_err("in clear");
    assert!(
        matches!(refusal, ConnectError::TokenInClear { .. }),
        "{refusal}"
    );
    assert!(!format!("{in_clear:?}").contains("secret"));
}

#[tokio::test]
async fn the_callers_trace_reaches_the_service_and_a_missing_one_is_made() {
    let server = start(&loopback(), Example::default()).await;
    let example = Traceparent::parse(EXAMPLE).expect("valid");
    traceparent::within(example, call(&plain(&server.url)))
        .await
        .expect("served");
    call(&plain(&server.url)).await.expect("served");
    let seen = server.example.seen.lock().expect("unpoisoned").clone();
    assert_eq!(seen[0], ("local".to_owned(), EXAMPLE.to_owned()));
    assert!(Traceparent::parse(&seen[1].1).is_some(), "{}", seen[1].1);
    assert_ne!(seen[1].1, EXAMPLE);
    server.stop().await;
}

#[tokio::test]
async fn a_running_request_is_finished_after_the_shutdown() {
    let hold = Arc::new(Notify::new());
    let example = Example {
        hold: Some(Arc::clone(&hold)),
        ..Example::default()
    };
    let server = start(&loopback(), example).await;
    let address = plain(&server.url);
    let running = tokio::spawn(async move { call(&address).await });
    within_deadline(server.example.arrived.notified()).await;
    server.shutdown.trigger();
    // New connections are refused before the running request has ended.
    within_deadline(async {
        while connect(&plain(&server.url)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!server.serving.is_finished());
    hold.notify_one();
    within_deadline(running)
        .await
        .expect("no panic")
        .expect("finished gracefully");
    within_deadline(server.serving).await.expect("no panic");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_at_the_deadline() {
    let example = Example {
        hold: Some(Arc::default()),
        ..Example::default()
    };
    let settings = Settings {
        stop_deadline_s: 0,
        ..loopback()
    };
    let server = start(&settings, example).await;
    let address = plain(&server.url);
    let running = tokio::spawn(async move { call(&address).await });
    within_deadline(server.example.arrived.notified()).await;
    server.stop().await;
    let cut = within_deadline(running).await.expect("no panic");
    assert!(cut.is_err());
}

#[tokio::test]
async fn a_health_watch_does_not_hold_up_the_stop() {
    let server = start(&loopback(), Example::default()).await;
    let channel = connect(&plain(&server.url)).await.expect("connects");
    let mut watch = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await
        .expect("watches")
        .into_inner();
    within_deadline(watch.next())
        .await
        .expect("the state now")
        .expect("healthy");
    let begun = std::time::Instant::now();
    server.stop().await;
    // The stop deadline is 10 s: less means that it was not needed.
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(matches!(
        within_deadline(watch.next()).await,
        None | Some(Err(_))
    ));
}

#[tokio::test]
async fn reflection_lists_our_services() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServiceResponse};

    let server = start(&loopback(), Example::default()).await;
    let channel = connect(&plain(&server.url)).await.expect("connects");
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(request))
        .await
        .expect("reflection is on")
        .into_inner();
    let answer = within_deadline(answers.next())
        .await
        .expect("an answer")
        .expect("no error");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("another answer: {answer:?}");
    };
    let names: Vec<&str> = list
        .service
        .iter()
        .map(|ServiceResponse { name }| name.as_str())
        .collect();
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    assert!(
        names.iter().any(|name| name.starts_with("terrarium.")),
        "{names:?}"
    );
    drop(answers);
    server.stop().await;
}
