//! Traces reach a collector over OTLP/gRPC, joined to the caller's trace.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use terrarium_runtime::{
    GrpcServer, LogFormat, ServerAddress, Settings, Shutdown, Traceparent, connect, telemetry,
    traceparent,
};
use tokio::sync::mpsc;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACED_PROCESS: &str = "TERRARIUM_TEST_TRACED_PROCESS";

struct Collector {
    spans: mpsc::Sender<(String, Span)>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource_spans in request.into_inner().resource_spans {
            let resource = format!("{:?}", resource_spans.resource);
            for scope_spans in resource_spans.scope_spans {
                for span in scope_spans.spans {
                    let _ = self.spans.send((resource.clone(), span)).await;
                }
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Serves and makes one call in the example's trace, then ends.
async fn traced_process() {
    let guard = telemetry::init("terrarium-test", LogFormat::Json).expect("set up once");
    assert!(guard.exports_traces());
    let settings = Settings {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        ..Settings::default()
    };
    let server = GrpcServer::bind(&settings).await.expect("binds");
    let url = server.url();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(server.serve(Routes::default(), &[], shutdown.clone()));
    let address = ServerAddress {
        url,
        ..ServerAddress::default()
    };
    let mut client = HealthClient::new(connect(&address).await.expect("connects"));
    let example = Traceparent::parse(EXAMPLE).expect("valid");
    traceparent::within(example, client.check(HealthCheckRequest::default()))
        .await
        .expect("healthy");
    drop(client);
    shutdown.trigger();
    serving.await.expect("no panic").expect("served");
    drop(guard);
}

/// Runs itself in a second process with the standard variables set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_becomes_a_span_in_the_callers_trace() {
    if std::env::var_os(TRACED_PROCESS).is_some() {
        return traced_process().await;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    let (sender, mut spans) = mpsc::channel(64);
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Collector { spans: sender }))
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    let mut traced = tokio::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_request_becomes_a_span_in_the_callers_trace"])
        .env(TRACED_PROCESS, "1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("starts");

    let find_span = async {
        loop {
            let (resource, span) = spans.recv().await.expect("the collector lives");
            if span.name == "grpc.health.v1.Health/Check" {
                return (resource, span);
            }
        }
    };
    let (resource, span) = tokio::time::timeout(Duration::from_secs(30), find_span)
        .await
        .expect("the span arrives before the deadline");
    assert_eq!(hex::encode(&span.trace_id), &EXAMPLE[3..35]);
    assert_eq!(hex::encode(&span.parent_span_id), &EXAMPLE[36..52]);
    assert!(resource.contains("terrarium-test"), "{resource}");
    assert!(traced.wait().await.expect("ours").success());
}
