//! The gRPC shell of the alarms.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_journal::{
    Addressed, DueDecisions, EventStore, Position, Provenance, ReadError, RecordedEvent,
    StreamName, Subscription, field_status, read_status, take_in_required_request_id,
};
use terrarium_model::{ParkDefinition, ParkId, UnixMillis};
use terrarium_proto::alarm::v1 as wire;
use terrarium_proto::alarm::v1::alarm_service_server::{AlarmService, AlarmServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use crate::book::{AlarmBook, definitions};
use crate::domain::{AlarmCommand, AlarmContext};
use crate::events::{TYPE_PREFIX, state_to_wire};
use crate::follow::{Alarms, alarm_stream};
use crate::intake::{take_in_alarm, take_in_occurrence, take_in_reason, take_in_words};

const MAY_COMMAND: &[Role] = &[Role::Operator, Role::Simulator, Role::Admin];
const MAY_READ: &[Role] = &Role::ALL;
/// Events of the record looked at for one answer of a watch.
const EVENTS_PER_ANSWER: usize = 500;
const ANSWERS_IN_FLIGHT: usize = 4;
const STREAM_PAGE_EVENTS: usize = 500;

/// The alarm service of any number of parks.
#[derive(Clone)]
pub struct AlarmApi {
    alarms: Arc<Alarms>,
    shutdown: Shutdown,
}

/// What became of a command.
struct CarriedOut {
    /// [`wire::AlarmState`].
    state: i32,
    recorded_position: u64,
    recorded: bool,
}

impl AlarmApi {
    /// Serves these alarms.
    pub fn new(alarms: Arc<Alarms>, shutdown: Shutdown) -> AlarmApi {
        AlarmApi { alarms, shutdown }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> AlarmServiceServer<AlarmApi> {
        AlarmServiceServer::new(self)
            .max_decoding_message_size(terrarium_runtime::MAX_MESSAGE_BYTES)
    }

    async fn park(&self, park: &str) -> Result<Arc<ParkDefinition>, Status> {
        let park = ParkId::new(park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        Ok(self.alarms.parks.get(&park).await?)
    }

    /// Carries out what a person asks of an alarm.
    async fn carry_out(
        &self,
        park: &ParkDefinition,
        alarm: &str,
        command: AlarmCommand,
        provenance: Provenance,
    ) -> Result<CarriedOut, Status> {
        let alarm = take_in_alarm(park, alarm)?;
        let now = self.alarms.clocks.now(park).await?;
        let stream = alarm_stream(&park.id, &alarm);
        let addressed = Addressed {
            stream: stream.clone(),
            context: AlarmContext {
                park: park.id.clone(),
                alarm,
                now,
            },
            command,
        };
        let (events, recorded_position) = self
            .alarms
            .desk
            .carry_out(addressed, now.into(), provenance)
            .await?;
        let state = self
            .alarms
            .desk
            .look(&stream, |alarm| alarm.state())
            .await?;
        Ok(CarriedOut {
            state: state_to_wire(state) as i32,
            recorded_position,
            recorded: !events.is_empty(),
        })
    }
}

impl DueDecisions for AlarmApi {
    fn next_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
    ) -> BoxFuture<'a, Result<Option<UnixMillis>, Status>> {
        Box::pin(async move { Ok(self.alarms.next_due(&park.id).await?) })
    }

    fn decide_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Position>, Status>> {
        Box::pin(async move { Ok(self.alarms.decide_due(&park.id, now).await?) })
    }
}

#[tonic::async_trait]
impl AlarmService for AlarmApi {
    type WatchAlarmsStream =
        Pin<Box<dyn Stream<Item = Result<wire::WatchAlarmsResponse, Status>> + Send>>;

    async fn list_alarms(
        &self,
        request: Request<wire::ListAlarmsRequest>,
    ) -> Result<Response<wire::ListAlarmsResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let park = self.park(&request.get_ref().park).await?;
        let now = self.alarms.clocks.now_or_never_set(&park).await?;
        let position = self.alarms.caught_up().await.ok_or_else(|| {
            Status::unavailable(
                "the alarms are still being read from the record: ask again in a moment",
            )
        })?;
        let books = self.alarms.books();
        let empty = AlarmBook::default();
        let book = books.get(&park.id).unwrap_or(&empty);
        let alarms = definitions(&park)
            .into_iter()
            .map(|(alarm, definition)| book.to_wire(&alarm, Some(definition)))
            .collect();
        Ok(Response::new(wire::ListAlarmsResponse {
            alarms,
            position: position.map(|position| position.0),
            now_ms: now.0,
            annunciated_in_10_minutes: book.annunciated_before(now),
        }))
    }

    async fn watch_alarms(
        &self,
        request: Request<wire::WatchAlarmsRequest>,
    ) -> Result<Response<Self::WatchAlarmsStream>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?.id.clone();
        let store = Arc::clone(&self.alarms.store);
        let head = *store.watch_last_position().borrow();
        let after = request.after_position.map(Position);
        if after > head {
            return Err(field_status(
                Code::InvalidArgument,
                "after_position",
                format!(
                    "the record ends before {}; begin again with ListAlarms",
                    request.after_position.unwrap_or_default()
                ),
            ));
        }
        let (answers, responses) = mpsc::channel(ANSWERS_IN_FLIGHT);
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            let watching = Watching {
                store,
                park,
                after,
                head,
                book: AlarmBook::default(),
            };
            if let Err(error) = watching.send(&answers, &shutdown).await {
                let _ = answers.send(Err(error.into())).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn acknowledge_alarm(
        &self,
        request: Request<wire::AcknowledgeAlarmRequest>,
    ) -> Result<Response<wire::AcknowledgeAlarmResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let command = AlarmCommand::Acknowledge {
            occurrence: take_in_occurrence(&request.occurrence)?,
            comment: take_in_words("comment", &request.comment)?,
            client_request_id: take_in_required_request_id(&provenance)?,
        };
        let done = self
            .carry_out(&park, &request.alarm, command, provenance)
            .await?;
        Ok(Response::new(wire::AcknowledgeAlarmResponse {
            state: done.state,
            recorded_position: done.recorded_position,
            recorded: done.recorded,
        }))
    }

    async fn shelve_alarm(
        &self,
        request: Request<wire::ShelveAlarmRequest>,
    ) -> Result<Response<wire::ShelveAlarmResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let command = AlarmCommand::Shelve {
            until: UnixMillis(request.until_ms),
            reason: take_in_reason(&request.reason)?,
            client_request_id: take_in_required_request_id(&provenance)?,
        };
        let done = self
            .carry_out(&park, &request.alarm, command, provenance)
            .await?;
        Ok(Response::new(wire::ShelveAlarmResponse {
            state: done.state,
            recorded_position: done.recorded_position,
            recorded: done.recorded,
        }))
    }

    async fn unshelve_alarm(
        &self,
        request: Request<wire::UnshelveAlarmRequest>,
    ) -> Result<Response<wire::UnshelveAlarmResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let command = AlarmCommand::Unshelve {
            client_request_id: take_in_required_request_id(&provenance)?,
        };
        let done = self
            .carry_out(&park, &request.alarm, command, provenance)
            .await?;
        Ok(Response::new(wire::UnshelveAlarmResponse {
            state: done.state,
            recorded_position: done.recorded_position,
            recorded: done.recorded,
        }))
    }

    async fn set_alarm_service(
        &self,
        request: Request<wire::SetAlarmServiceRequest>,
    ) -> Result<Response<wire::SetAlarmServiceResponse>, Status> {
        actor(&request)?.require(MAY_COMMAND, &request.get_ref().park)?;
        let provenance = Provenance::of_request(&request, &request.get_ref().client_request_id)?;
        let request = request.into_inner();
        let park = self.park(&request.park).await?;
        let command = AlarmCommand::SetService {
            out_of_service: request.out_of_service,
            reason: take_in_reason(&request.reason)?,
            client_request_id: take_in_required_request_id(&provenance)?,
        };
        let done = self
            .carry_out(&park, &request.alarm, command, provenance)
            .await?;
        Ok(Response::new(wire::SetAlarmServiceResponse {
            state: done.state,
            recorded_position: done.recorded_position,
            recorded: done.recorded,
        }))
    }
}

/// One caller that is told every transition.
struct Watching {
    store: Arc<dyn EventStore>,
    park: ParkId,
    after: Option<Position>,
    /// Where the record ended when the call came.
    head: Option<Position>,
    book: AlarmBook,
}

impl Watching {
    async fn send(
        mut self,
        answers: &mpsc::Sender<Result<wire::WatchAlarmsResponse, Status>>,
        shutdown: &Shutdown,
    ) -> Result<(), WatchError> {
        // What is recorded already stands in the alarms' own streams, which are short; live it comes with all the rest.
        let past = self.transitions_until_head().await?;
        for page in past.chunks(EVENTS_PER_ANSWER) {
            let position = page.last().map(|transition| transition.position);
            if !self.answer(answers, page.to_vec(), position, false).await {
                return Ok(());
            }
        }
        let position = self.head.map(|head| head.0);
        if !self.answer(answers, Vec::new(), position, true).await {
            return Ok(());
        }
        let mut subscription = Subscription::new(Arc::clone(&self.store), self.head);
        loop {
            let events = subscription.available(EVENTS_PER_ANSWER).await?;
            let mut transitions = Vec::new();
            for event in &events {
                transitions.extend(self.transition(event)?);
            }
            if !transitions.is_empty() {
                let position = subscription.position().map(|position| position.0);
                if !self.answer(answers, transitions, position, true).await {
                    return Ok(());
                }
            }
            if shutdown.is_triggered() {
                return Ok(());
            }
            if !events.is_empty() {
                continue;
            }
            tokio::select! {
                grown = subscription.grown() => if !grown { return Ok(()) },
                () = shutdown.triggered() => return Ok(()),
                () = answers.closed() => return Ok(()),
            }
        }
    }

    /// False: the caller is gone.
    async fn answer(
        &self,
        answers: &mpsc::Sender<Result<wire::WatchAlarmsResponse, Status>>,
        transitions: Vec<wire::AlarmTransition>,
        position: Option<u64>,
        caught_up: bool,
    ) -> bool {
        let answer = wire::WatchAlarmsResponse {
            transitions,
            position,
            caught_up,
        };
        answers.send(Ok(answer)).await.is_ok()
    }

    /// Takes in all that is recorded until the call came, and gives what is after the caller's position.
    async fn transitions_until_head(&mut self) -> Result<Vec<wire::AlarmTransition>, WatchError> {
        let prefix = format!("{}", alarm_stream(&self.park, ""));
        let mut by_position: BTreeMap<u64, RecordedEvent> = BTreeMap::new();
        for stream in self.store.streams_with_prefix(&prefix).await? {
            let mut revision = 0;
            loop {
                let page = self
                    .store
                    .read_stream(&stream, revision, STREAM_PAGE_EVENTS)
                    .await?;
                let Some(last) = page.last() else { break };
                revision = last.revision + 1;
                by_position.extend(page.into_iter().map(|event| (event.position.0, event)));
            }
        }
        let mut transitions = Vec::new();
        for event in by_position.into_values() {
            if Some(event.position) > self.head {
                break;
            }
            let transition = self.transition(&event)?;
            if Some(event.position) > self.after {
                transitions.extend(transition);
            }
        }
        Ok(transitions)
    }

    /// Takes in an event, if it is of an alarm of the park.
    fn transition(
        &mut self,
        event: &RecordedEvent,
    ) -> Result<Option<wire::AlarmTransition>, WatchError> {
        if !event.event_type.starts_with(TYPE_PREFIX) {
            return Ok(None);
        }
        let is_of_park = StreamName::parse(Arc::clone(&event.stream))
            .is_ok_and(|stream| stream.park() == self.park.as_str());
        if !is_of_park {
            return Ok(None);
        }
        let read = self.book.apply(event)?;
        Ok(Some(wire::AlarmTransition {
            alarm: Some(self.book.to_wire(&read.alarm, None)),
            r#type: event.event_type.to_string(),
            event_id: event.id.to_string(),
            position: event.position.0,
            time_ms: read.fact.time().0,
        }))
    }
}

/// Why a watch ends.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Store(#[from] ReadError),
    #[error(transparent)]
    Event(#[from] terrarium_journal::EventCodecError),
}

impl From<WatchError> for Status {
    fn from(error: WatchError) -> Status {
        match error {
            WatchError::Store(error) => read_status(&error),
            WatchError::Event(error) => Status::data_loss(error.to_string()),
        }
    }
}
