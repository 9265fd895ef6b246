//! The composition root: assembles service roles in this process and keeps them running.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use terrarium_alarms::{AlarmApi, Alarms};
use terrarium_carbon::CarbonApi;
use terrarium_energy::{EnergyApi, EnergyDeviceApi};
use terrarium_journal::{
    BusAddress, BusError, BusHealth, BusProbe, ClockApi, CommitConsumer, CommitPublisher,
    DueDecisions, EventStore, ParkClocks, Provenance,
};
use terrarium_mobility::MobilityApi;
use terrarium_model::ParkId;
use terrarium_projector::{
    AlarmObserver, CarbonBooksApi, FeedApi, LedgerApi, NaturalBookApi, Projector, TwinApi,
};
use terrarium_runtime::{GrpcServer, NatsChild, Settings, Shutdown, Traceparent, WallClock};
use terrarium_waste::WasteApi;
use terrarium_water::WaterApi;
use tokio::task::JoinSet;
use tonic::{Code, Status};

/// How long a start may wait for a NATS server that is given by URL.
const NATS_PATIENCE: Duration = Duration::from_secs(10);
/// How long it may wait until bus, recorder and store take the definition of a park.
const PARKS_PATIENCE: Duration = Duration::from_secs(30);
const START_RETRY: Duration = Duration::from_millis(200);

/// How often it is tried whether JetStream of the child nats-server still takes messages ...
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// ... and after a probe without an answer.
const PROBE_AGAIN: Duration = Duration::from_millis(500);
/// It is started again after this many probes in a row without an answer.
const STUCK_PROBES: u32 = 2;

/// A part of the system that can run by itself or with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Takes meter readings
    Energy,
    /// Takes tank levels and water meters; irrigates
    Water,
    /// Takes the measurements of bins; has them collected
    Waste,
    /// Takes charging sessions; limits charging
    Mobility,
    /// Takes park definitions and emission factors
    Carbon,
    /// Finds out when alarms are raised and cleared; takes what operators decide about them
    Alarms,
    /// Moves commits from the bus into the event store
    Recorder,
    /// Folds the record into the ledger; serves ledger and feed
    Projector,
}

impl Role {
    /// Every role, as `terrarium up` runs them.
    pub const ALL: [Role; 8] = [
        Role::Energy,
        Role::Water,
        Role::Waste,
        Role::Mobility,
        Role::Carbon,
        Role::Alarms,
        Role::Recorder,
        Role::Projector,
    ];
}

/// What clients and tests read to find a running server.
#[derive(serde::Serialize)]
struct Endpoint {
    grpc: String,
    nats: String,
    pid: u32,
    nats_pid: Option<u32>,
}

/// Removes the endpoint file when the server has stopped.
struct EndpointFile(PathBuf);

impl Drop for EndpointFile {
    fn drop(&mut self) {
        // A file left behind only makes a client say that nothing answers there.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs roles until `shutdown`, or until one of them can't go on.
pub async fn run(
    settings: Settings,
    roles: &BTreeSet<Role>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("can't make the data folder {}", settings.data.display()))?;
    // The client of a remote store comes before everything that uses TLS: it insists on being first.
    let remote = match &settings.eventstore_url {
        Some(url) => Some(terrarium_remotestore::RemoteStore::connect(url).await?),
        None => None,
    };
    terrarium_runtime::ensure_crypto_provider();
    let server = GrpcServer::bind(&settings).await?;
    let (store, embedded): (Arc<dyn EventStore>, _) = match remote {
        Some(remote) => (Arc::new(remote), None),
        None => {
            let embedded = open_store(&settings.data)?;
            (Arc::new(embedded.clone()), Some(embedded))
        }
    };
    let nats = match &settings.nats_url {
        Some(_) => None,
        None => Some(NatsChild::start(&settings.nats_server, &settings.data.join("nats")).await?),
    };
    let nats_url = match (&settings.nats_url, &nats) {
        (Some(url), _) => url.clone(),
        (None, Some(child)) => child.url(),
        (None, None) => unreachable!("without a URL a child was started"),
    };

    let result = run_roles(
        &settings,
        roles,
        store,
        nats.as_ref(),
        &BusAddress::new(nats_url).with_authority(settings.nats_ca.as_deref()),
        server,
        &shutdown,
    )
    .await;

    shutdown.trigger();
    if let Some(nats) = nats {
        nats.stop(Duration::from_secs(settings.stop_deadline_s))
            .await;
    }
    if let Some(embedded) = embedded {
        embedded.close();
    }
    result
}

async fn run_roles(
    settings: &Settings,
    roles: &BTreeSet<Role>,
    store: Arc<dyn EventStore>,
    nats: Option<&NatsChild>,
    bus: &BusAddress,
    server: GrpcServer,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let clock = ParkClocks::new(Arc::clone(&store), Arc::new(WallClock));
    let mut deciding: Vec<Arc<dyn DueDecisions>> = Vec::new();
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let mut routes = tonic::service::Routes::builder();
    let health = server.health();

    if roles.contains(&Role::Recorder) {
        let commits =
            patiently(|| CommitConsumer::connect(bus, settings.nats_replicas as usize)).await?;
        let recorder = terrarium_recorder::run(Arc::clone(&store), commits, shutdown.clone());
        tasks.spawn(async move { recorder.await.context("the recorder stopped") });
    }
    if let Some(nats) = nats {
        let probe = patiently(|| BusProbe::connect(bus)).await?;
        let restarter = nats.restarter();
        let until = shutdown.clone();
        tasks.spawn(async move {
            restart_stuck_bus(&probe, || restarter.restart(), &until).await;
            Ok(())
        });
    }
    if roles.contains(&Role::Projector) {
        let projector = Projector::new(Arc::clone(&store), Some(&settings.data));
        let ledger = LedgerApi::new(Arc::clone(&projector), shutdown.clone());
        routes.add_service(ledger.clone().into_report_server());
        routes.add_service(ledger.into_server());
        routes.add_service(NaturalBookApi::new(Arc::clone(&projector)).into_server());
        let carbon_books = CarbonBooksApi::new(Arc::clone(&projector), shutdown.clone());
        routes.add_service(carbon_books.into_server());
        let twin = TwinApi::new(Arc::clone(&projector), Arc::clone(&clock), shutdown.clone());
        routes.add_service(twin.into_server());
        routes.add_service(FeedApi::new(Arc::clone(&store), shutdown.clone()).into_server());
        let until = shutdown.clone();
        tasks.spawn(async move { projector.run(until).await.context("the projector stopped") });
        health.set("terrarium.ledger.v1.LedgerService", true).await;
        health
            .set("terrarium.ledger.v1.NaturalBookService", true)
            .await;
        health.set("terrarium.twin.v1.TwinService", true).await;
        health.set("terrarium.feed.v1.FeedService", true).await;
    }
    if roles.contains(&Role::Energy) {
        let publisher = patiently(|| CommitPublisher::connect(bus, "terrarium-energy")).await?;
        let devices =
            EnergyDeviceApi::new(Arc::clone(&store), publisher.clone(), Arc::clone(&clock));
        deciding.push(Arc::new(devices.clone()));
        routes.add_service(devices.into_server());
        health
            .set("terrarium.energy.v1.EnergyDeviceService", true)
            .await;
        let energy = EnergyApi::new(
            Arc::clone(&store),
            publisher,
            clock.clone(),
            shutdown.clone(),
        );
        routes.add_service(energy.into_server());
        health.set("terrarium.energy.v1.EnergyService", true).await;
    }
    if roles.contains(&Role::Water) {
        let publisher = patiently(|| CommitPublisher::connect(bus, "terrarium-water")).await?;
        let water = WaterApi::new(Arc::clone(&store), publisher, clock.clone());
        routes.add_service(water.into_server());
        health.set("terrarium.water.v1.WaterService", true).await;
    }
    if roles.contains(&Role::Waste) {
        let publisher = patiently(|| CommitPublisher::connect(bus, "terrarium-waste")).await?;
        let waste = WasteApi::new(Arc::clone(&store), publisher, clock.clone());
        deciding.push(Arc::new(waste.clone()));
        routes.add_service(waste.into_server());
        health.set("terrarium.waste.v1.WasteService", true).await;
    }
    if roles.contains(&Role::Mobility) {
        let publisher = patiently(|| CommitPublisher::connect(bus, "terrarium-mobility")).await?;
        let mobility = MobilityApi::new(Arc::clone(&store), publisher, clock.clone());
        deciding.push(Arc::new(mobility.clone()));
        routes.add_service(mobility.into_server());
        health
            .set("terrarium.mobility.v1.MobilityService", true)
            .await;
    }
    if roles.contains(&Role::Carbon) {
        let publisher = patiently(|| CommitPublisher::connect(bus, "terrarium-carbon")).await?;
        let carbon = CarbonApi::new(Arc::clone(&store), publisher, clock.clone());
        define_parks(&carbon, &settings.parks).await?;
        routes.add_service(carbon.clone().into_claims_server());
        routes.add_service(carbon.into_server());
        health.set("terrarium.carbon.v1.CarbonService", true).await;
    }
    if roles.contains(&Role::Alarms) {
        let publisher = patiently(|| CommitPublisher::connect(bus, "terrarium-alarms")).await?;
        let new_observer = || Box::new(AlarmObserver::default()) as Box<_>;
        let alarms = Alarms::new(
            Arc::clone(&store),
            publisher,
            clock.clone(),
            Box::new(new_observer),
        );
        let api = AlarmApi::new(Arc::clone(&alarms), shutdown.clone());
        // The last of all, so that it judges by what the others decided.
        deciding.push(Arc::new(api.clone()));
        routes.add_service(api.into_server());
        let until = shutdown.clone();
        tasks.spawn(async move { alarms.run(until).await.context("the alarms stopped") });
        health.set("terrarium.alarm.v1.AlarmService", true).await;
    }
    let clocks = ClockApi::new(Arc::clone(&store), clock, deciding);
    routes.add_service(clocks.clone().into_server());
    health.set("terrarium.clock.v1.ClockService", true).await;
    let until = shutdown.clone();
    tasks.spawn(async move {
        clocks.follow_wall_time(until).await;
        Ok(())
    });
    health.set("", true).await;

    let url = server.url();
    let serving = server.serve(
        routes.routes(),
        terrarium_proto::DESCRIPTORS,
        shutdown.clone(),
    );
    tasks.spawn(async move { serving.await.context("the gRPC server stopped") });
    let _endpoint = write_endpoint(
        &settings.data,
        &Endpoint {
            grpc: url.clone(),
            nats: bus.to_string(),
            pid: std::process::id(),
            nats_pid: nats.and_then(NatsChild::pid),
        },
    )?;
    tracing::info!(%url, nats = %bus, data = %settings.data.display(), "terrarium is up");

    let mut result = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended =
            ended.unwrap_or_else(|panic| Err(anyhow::anyhow!("a service role panicked: {panic}")));
        if ended.is_err() && result.is_ok() {
            result = ended;
        }
        // One role alone makes no system; a supervisor starts all of it again.
        shutdown.trigger();
    }
    result
}

/// A nats-server whose disk was full may take no messages any more, and never start again by itself, even when there is
/// space again. What it held and nobody has recorded, the callers send again.
async fn restart_stuck_bus(probe: &BusProbe, restart: impl Fn(), shutdown: &Shutdown) {
    let mut stuck_probes = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(if stuck_probes == 0 { PROBE_EVERY } else { PROBE_AGAIN }) => {}
            () = shutdown.triggered() => return,
        }
        if probe.health().await == BusHealth::Stuck {
            stuck_probes += 1;
        } else {
            stuck_probes = 0;
        }
        if stuck_probes >= STUCK_PROBES {
            tracing::warn!("JetStream takes no messages; starting nats-server again");
            restart();
            stuck_probes = 0;
        }
    }
}

fn open_store(data: &Path) -> anyhow::Result<terrarium_eventstore::EventStore> {
    let (store, recovery) = terrarium_eventstore::EventStore::open(data)?;
    if let Some(torn) = &recovery.torn_tail {
        tracing::warn!(
            position = torn.position,
            bytes = torn.bytes,
            kept_in = %torn.kept_in.display(),
            "the last write before the stop was incomplete and was never acknowledged; it was cut from the log"
        );
    }
    tracing::info!(
        frames = recovery.frames,
        bytes = recovery.durable_bytes,
        "event store is open"
    );
    Ok(store)
}

/// Records the definitions that the park files hold, where they are new.
async fn define_parks(carbon: &CarbonApi, parks: &[PathBuf]) -> anyhow::Result<()> {
    for file in park_files(parks)? {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("can't read the park file {}", file.display()))?;
        // Checked here first, so that problems are told with the file's own name.
        terrarium_model::ParkDefinition::parse(&text, &file.display().to_string())?;
        let (park, is_new) = define_patiently(carbon, &text).await.map_err(|status| {
            anyhow::anyhow!("park file {}: {}", file.display(), status.message())
        })?;
        tracing::info!(%park, file = %file.display(), is_new, "park is defined");
    }
    Ok(())
}

/// The servers of a cluster learn one after the other where commits go, and a store may come up a little later than we do.
async fn define_patiently(carbon: &CarbonApi, text: &str) -> Result<(ParkId, bool), Status> {
    let deadline = tokio::time::Instant::now() + PARKS_PATIENCE;
    loop {
        let provenance = Provenance {
            actor: "terrarium".into(),
            client_request_id: None,
            traceparent: Some(Traceparent::fresh().as_str().into()),
        };
        match carbon.define(text, provenance).await {
            Ok((park, _, is_new)) => return Ok((park, is_new)),
            Err(status)
                if status.code() == Code::Unavailable && tokio::time::Instant::now() < deadline =>
            {
                tracing::warn!(reason = status.message(), "a park could not be defined yet");
                tokio::time::sleep(START_RETRY).await;
            }
            Err(status) => return Err(status),
        }
    }
}

/// Files as given, and the `.toml` files of folders, in order of their names.
fn park_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path)
            .with_context(|| format!("can't list the park folder {}", path.display()))?
        {
            let file = entry?.path();
            if file
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                found.push(file);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn write_endpoint(data: &Path, endpoint: &Endpoint) -> anyhow::Result<EndpointFile> {
    let path = data.join("endpoint.json");
    let unfinished = data.join("endpoint.json.tmp");
    std::fs::write(&unfinished, serde_json::to_vec(endpoint)?)
        .and_then(|()| std::fs::rename(&unfinished, &path))
        .with_context(|| format!("can't write {}", path.display()))?;
    Ok(EndpointFile(path))
}

/// A NATS server may come up a little later than we do.
async fn patiently<T, F>(connect: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, BusError>>,
{
    let deadline = tokio::time::Instant::now() + NATS_PATIENCE;
    loop {
        match connect().await {
            Ok(connected) => return Ok(connected),
            // Waiting would not mend these.
            Err(error @ (BusError::Address { .. } | BusError::Authority { .. })) => {
                return Err(error.into());
            }
            Err(error) if tokio::time::Instant::now() >= deadline => return Err(error.into()),
            Err(error) => {
                tracing::debug!(%error, "waiting for NATS");
                tokio::time::sleep(START_RETRY).await;
            }
        }
    }
}
