//! The park clock over a real store: what it remembers, in which order it has things decided, and who may move it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use prost::Message;
use tempfile::TempDir;
use terrarium_journal::{
    ClockApi, ClockError, ContentType, Digest, DueDecisions, EventStore, Metadata, NEVER_SET,
    PARK_DEFINED_V1, ParkClocks, Position, ProposedCommit, ProposedEvent, park_definition_stream,
    seal,
};
use terrarium_model::{FixedClock, ParkDefinition, ParkId, UnixMillis};
use terrarium_proto::carbon::v1::ParkDefinedV1;
use terrarium_proto::clock::v1::clock_service_server::ClockService;
use terrarium_proto::clock::v1::{AdvanceRequest, GetNowRequest};
use terrarium_runtime::{Actor, Role};
use tonic::{Code, Request, Status};
use uuid::Uuid;

const WALL_NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn park_text(clock: &str) -> String {
    format!(
        "[park]\nid = \"p\"\nname = {{ en = \"P\", zh = \"园\" }}\ntime_zone = \"Asia/Shanghai\"\nclock = \"{clock}\"\n\
         grid_region = \"north-china\"\n\n[[zones]]\nid = \"z\"\nname = {{ en = \"Z\", zh = \"区\" }}\n\n[[assets]]\nid = \"a\"\n\
         kind = \"building\"\nzone = \"z\"\nname = {{ en = \"A\", zh = \"楼\" }}\n\n[[connections]]\nkind = \"electric\"\n\
         from = \"grid\"\nto = \"a\"\n\n[[meters]]\nid = \"a.load\"\nasset = \"a\"\nmeasures = \"consumption\"\n\
         reports = \"interval\"\nrated_kw = 5\n"
    )
}

/// A store in a folder of its own.
struct World {
    store: Arc<dyn EventStore>,
    clocks: Arc<ParkClocks>,
    _folder: TempDir,
}

impl World {
    /// With a park that goes by this clock; its definition is recorded at the beginning of time.
    async fn new(clock: &str) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (store, _) =
            terrarium_eventstore::EventStore::open(folder.path()).expect("a new store");
        let store: Arc<dyn EventStore> = Arc::new(store);
        let world = World {
            clocks: ParkClocks::new(Arc::clone(&store), Arc::new(FixedClock::new(WALL_NOW))),
            store,
            _folder: folder,
        };
        let defined = ParkDefinedV1 {
            park: "p".into(),
            definition_toml: park_text(clock),
            ..ParkDefinedV1::default()
        };
        let park = ParkId::new("p").expect("valid");
        let stream = park_definition_stream(&park);
        let data = defined.encode_to_vec();
        world
            .record(stream.as_str(), 0, PARK_DEFINED_V1, data, &[NEVER_SET])
            .await;
        world
    }

    /// Appends events that were recorded at these times.
    async fn record(
        &self,
        stream: &str,
        expected_revision: u64,
        event_type: &str,
        data: Vec<u8>,
        times: &[UnixMillis],
    ) {
        let mut digest = Digest::BEFORE_FIRST;
        let mut events = Vec::new();
        for (revision, time) in (expected_revision..).zip(times) {
            let id = Uuid::new_v4();
            let metadata = Metadata {
                id: id.to_string(),
                source: "/terrarium/test".into(),
                specversion: "1.0".into(),
                event_type: event_type.into(),
                subject: "x".into(),
                time: "2025-08-01T00:00:00Z".into(),
                recordedtime: time.to_string(),
                schemaversion: 1,
                actor: "local".into(),
                correlationid: None,
                causationid: None,
                traceparent: None,
            };
            let (metadata, next) =
                seal(&digest, stream, revision, id, event_type, &data, &metadata);
            digest = next;
            events.push(ProposedEvent {
                id,
                event_type: event_type.into(),
                data: data.clone().into(),
                metadata,
                content_type: ContentType::Binary,
            });
        }
        let commit = ProposedCommit {
            stream: stream.into(),
            expected_revision,
            events,
        };
        for appended in self.store.append(vec![commit]).await {
            appended.expect("a sound commit");
        }
    }

    fn park(&self, clock: &str) -> ParkDefinition {
        ParkDefinition::parse(&park_text(clock), "p.toml").expect("a good park")
    }

    fn api(&self, services: Vec<Arc<dyn DueDecisions>>) -> ClockApi {
        ClockApi::new(Arc::clone(&self.store), Arc::clone(&self.clocks), services)
    }
}

fn request<T>(message: T, role: Role) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Actor {
        name: "somebody".into(),
        role,
        park: None,
    });
    request
}

async fn advance(api: &ClockApi, now_ms: i64, role: Role) -> Result<Option<u64>, Status> {
    let message = AdvanceRequest {
        park: "p".into(),
        now_ms,
        reports_follow: false,
        decided_until_ms: None,
    };
    let answer = api.advance(request(message, role)).await?;
    Ok(answer.into_inner().recorded_position)
}

/// Decides at certain moments, and writes down who did what when.
struct Agenda {
    name: &'static str,
    moments: Mutex<BTreeSet<i64>>,
    /// When something was decided, this becomes due as much later.
    leads_to_after_ms: Option<i64>,
    diary: Arc<Mutex<Vec<(i64, &'static str)>>>,
}

impl Agenda {
    fn of(
        name: &'static str,
        moments: &[i64],
        leads_to_after_ms: Option<i64>,
        diary: &Arc<Mutex<Vec<(i64, &'static str)>>>,
    ) -> Arc<dyn DueDecisions> {
        Arc::new(Agenda {
            name,
            moments: Mutex::new(moments.iter().copied().collect()),
            leads_to_after_ms,
            diary: Arc::clone(diary),
        })
    }
}

impl DueDecisions for Agenda {
    fn next_due<'a>(
        &'a self,
        _park: &'a ParkDefinition,
    ) -> BoxFuture<'a, Result<Option<UnixMillis>, Status>> {
        let first = self.moments.lock().expect("unpoisoned").first().copied();
        Box::pin(async move { Ok(first.map(UnixMillis)) })
    }

    fn decide_due<'a>(
        &'a self,
        _park: &'a ParkDefinition,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Position>, Status>> {
        let mut moments = self.moments.lock().expect("unpoisoned");
        let later = moments.split_off(&(now.0 + 1));
        let due = std::mem::replace(&mut *moments, later);
        if !due.is_empty() {
            moments.extend(self.leads_to_after_ms.map(|after_ms| now.0 + after_ms));
            let mut diary = self.diary.lock().expect("unpoisoned");
            diary.push((now.0, self.name));
        }
        let recorded = (!due.is_empty()).then_some(Position(now.0 as u64));
        Box::pin(async move { Ok(recorded) })
    }
}

#[tokio::test]
async fn a_wall_park_has_the_walls_time_and_a_simulated_one_none_until_it_is_set() {
    let wall = World::new("wall").await;
    let now = wall.clocks.now(&wall.park("wall")).await;
    assert_eq!(now.expect("the wall's"), WALL_NOW);
    let simulated = World::new("simulated").await;
    let park = simulated.park("simulated");
    let never = simulated.clocks.now(&park).await.expect_err("never set");
    assert!(matches!(never, ClockError::NeverSet(_)), "{never}");
    let start = simulated.clocks.now_or_never_set(&park).await;
    assert_eq!(start.expect("the beginning"), NEVER_SET);
}

#[tokio::test]
async fn after_a_restart_the_clock_says_the_newest_time_of_any_stream_of_the_park() {
    for events in 1..=20 {
        let world = World::new("simulated").await;
        let times: Vec<UnixMillis> = (1..=events)
            .map(|number| UnixMillis(number * 1_001))
            .collect();
        let busy = "energy.meter-p.a.load";
        world.record(busy, 0, "x.V1", Vec::new(), &times).await;
        let quiet = "waste.bin-p.bin-1";
        world
            .record(quiet, 0, "x.V1", Vec::new(), &times[..1])
            .await;
        // Another park's time is its own.
        let other = "waste.bin-q.bin-1";
        let far = [UnixMillis(9_000_000)];
        world.record(other, 0, "x.V1", Vec::new(), &far).await;
        let now = world.clocks.now(&world.park("simulated")).await;
        assert_eq!(now.expect("remembered"), UnixMillis(events * 1_001));
    }
}

#[tokio::test]
async fn only_the_simulator_and_admins_move_a_clock_and_all_may_look() {
    let world = World::new("simulated").await;
    let api = world.api(Vec::new());
    for role in [Role::Device, Role::Operator, Role::Auditor, Role::Partner] {
        let refused = advance(&api, 5_000, role).await.expect_err("not allowed");
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
        let message = GetNowRequest { park: "p".into() };
        let now = api.get_now(request(message, role)).await.expect("may look");
        assert_eq!(now.into_inner().now_ms, None);
    }
    assert_eq!(
        advance(&api, 5_000, Role::Simulator).await.expect("may"),
        None
    );
    assert_eq!(advance(&api, 5_000, Role::Admin).await.expect("may"), None);
    for now_ms in [4_999, 0, -1, i64::MAX] {
        let refused = advance(&api, now_ms, Role::Simulator)
            .await
            .expect_err("no time");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let wall = World::new("wall").await;
    let refused = advance(&wall.api(Vec::new()), 5_000, Role::Simulator).await;
    assert_eq!(
        refused.expect_err("a wall park").code(),
        Code::FailedPrecondition
    );
}

#[tokio::test]
async fn every_moment_is_passed_in_order_and_what_follows_from_a_decision_too() {
    for step_ms in [1, 7, 100, 10_000] {
        let diary = Arc::new(Mutex::new(Vec::new()));
        let world = World::new("simulated").await;
        let api = world.api(vec![
            Agenda::of("asks", &[30, 10], None, &diary),
            Agenda::of("rounds", &[20], Some(15), &diary),
        ]);
        advance(&api, 5, Role::Simulator).await.expect("set");
        let mut now_ms = 5;
        while now_ms < 60 {
            now_ms = (now_ms + step_ms).min(60);
            advance(&api, now_ms, Role::Simulator)
                .await
                .expect("forward");
        }
        assert_eq!(
            *diary.lock().expect("unpoisoned"),
            [
                (10, "asks"),
                (20, "rounds"),
                (30, "asks"),
                (35, "rounds"),
                (50, "rounds")
            ],
            "steps of {step_ms} ms"
        );
    }
}

#[tokio::test]
async fn what_was_due_before_the_clock_stands_there_is_decided_now_and_the_answer_covers_all() {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let world = World::new("simulated").await;
    let api = world.api(vec![Agenda::of("asks", &[10, 90], None, &diary)]);
    let covered = advance(&api, 50, Role::Simulator).await.expect("set");
    assert_eq!(covered, Some(10));
    let late = world.api(vec![Agenda::of("late", &[20], None, &diary)]);
    assert_eq!(
        advance(&late, 50, Role::Simulator).await.expect("stands"),
        Some(50)
    );
    assert_eq!(
        *diary.lock().expect("unpoisoned"),
        [(10, "asks"), (50, "late")]
    );
}

#[tokio::test]
async fn a_service_that_never_comes_to_an_end_is_told_of_instead_of_hanging() {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let world = World::new("simulated").await;
    let api = world.api(vec![Agenda::of("endless", &[10], Some(0), &diary)]);
    let refused = advance(&api, 50, Role::Simulator)
        .await
        .expect_err("endless");
    assert_eq!(refused.code(), Code::Internal, "{refused}");
    assert!(refused.message().contains("stays due"), "{refused}");
}

const HOUR_MS: i64 = 3_600_000;

async fn move_clock(
    api: &ClockApi,
    now_ms: i64,
    reports_follow: bool,
    decided_until_ms: Option<i64>,
) -> Result<(), Status> {
    let message = AdvanceRequest {
        park: "p".into(),
        now_ms,
        reports_follow,
        decided_until_ms,
    };
    api.advance(request(message, Role::Simulator)).await?;
    Ok(())
}

async fn moments(api: &ClockApi) -> (Option<i64>, Option<i64>) {
    let message = GetNowRequest { park: "p".into() };
    let answer = api.get_now(request(message, Role::Auditor)).await;
    let now = answer.expect("the time").into_inner();
    (now.now_ms, now.decided_until_ms)
}

/// Reports up to the hour 110 were on their way, all before 106 was decided, and one of 109 was recorded.
#[tokio::test]
async fn a_clock_that_was_open_when_its_server_was_killed_is_taken_over_from_the_simulator() {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let world = World::new("simulated").await;
    let newest = [UnixMillis(109 * HOUR_MS)];
    let stream = "energy.meter-p.a.load";
    world.record(stream, 0, "x.V1", Vec::new(), &newest).await;
    let api = world.api(vec![Agenda::of("rounds", &[107 * HOUR_MS], None, &diary)]);
    let is_decided = || !diary.lock().expect("unpoisoned").is_empty();

    let day_before_ms = 109 * HOUR_MS - terrarium_journal::LONGEST_OPEN_MS;
    assert_eq!(
        moments(&api).await,
        (Some(109 * HOUR_MS), Some(day_before_ms))
    );
    // What comes without a told time is recorded now, whatever it says.
    let park = world.park("simulated");
    let recording = world.clocks.recording_time(&park).await.expect("a time");
    assert_eq!(recording, UnixMillis(109 * HOUR_MS).into());

    move_clock(&api, 110 * HOUR_MS, true, Some(106 * HOUR_MS))
        .await
        .expect("opened again");
    assert_eq!(
        moments(&api).await,
        (Some(110 * HOUR_MS), Some(106 * HOUR_MS))
    );
    assert!(!is_decided(), "reports may still be missing");
    move_clock(&api, 110 * HOUR_MS, false, Some(106 * HOUR_MS))
        .await
        .expect("decided");
    assert_eq!(
        *diary.lock().expect("unpoisoned"),
        [(107 * HOUR_MS, "rounds")]
    );
    assert_eq!(
        moments(&api).await,
        (Some(110 * HOUR_MS), Some(110 * HOUR_MS))
    );
    // From now on the clock knows itself.
    move_clock(&api, 111 * HOUR_MS, true, Some(111 * HOUR_MS))
        .await
        .expect("opened");
    assert_eq!(
        moments(&api).await,
        (Some(111 * HOUR_MS), Some(110 * HOUR_MS))
    );
}

#[tokio::test]
async fn a_simulator_that_was_killed_too_decides_again_what_may_not_have_been_decided() {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let world = World::new("simulated").await;
    let newest = [UnixMillis(109 * HOUR_MS)];
    let stream = "energy.meter-p.a.load";
    world.record(stream, 0, "x.V1", Vec::new(), &newest).await;
    let api = world.api(vec![Agenda::of("rounds", &[107 * HOUR_MS], None, &diary)]);
    for hour in [106, 108, 109, 110] {
        let from_ms = (hour - 2) * HOUR_MS;
        move_clock(&api, hour * HOUR_MS, true, Some(from_ms))
            .await
            .expect("opened");
        move_clock(&api, hour * HOUR_MS, false, Some(from_ms))
            .await
            .expect("decided");
    }
    assert_eq!(
        *diary.lock().expect("unpoisoned"),
        [(107 * HOUR_MS, "rounds")]
    );
}

#[tokio::test]
async fn a_clock_that_was_killed_before_anything_was_recorded_is_taken_over_as_well() {
    let world = World::new("simulated").await;
    let api = world.api(Vec::new());
    let refused = move_clock(&api, 5 * HOUR_MS, true, None)
        .await
        .expect_err("never set");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    for told_ms in [0, 5 * HOUR_MS + 1] {
        let refused = move_clock(&api, 5 * HOUR_MS, true, Some(told_ms))
            .await
            .expect_err("no time");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    move_clock(&api, 5 * HOUR_MS, true, Some(4 * HOUR_MS))
        .await
        .expect("opened");
    assert_eq!(moments(&api).await, (Some(5 * HOUR_MS), Some(4 * HOUR_MS)));
}
