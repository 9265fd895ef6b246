//! Reading, and which streams there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eventstore::{
    Client, Error, ReadAllOptions, ReadStreamOptions, ResolvedEvent, StreamPosition,
    SubscribeToAllOptions, SubscriptionEvent, SubscriptionFilter,
};
use terrarium_journal::{Position, ReadError, RecordedEvent};
use tokio::time::Instant;

use crate::convert::{is_system, position, recorded};
use crate::supervisor::{
    Failure, PATIENCE, RETRY, Supervisor, TRY_DEADLINE, is_invalid, is_trouble,
};

/// Names are kept for this many prefixes.
const KEPT_PREFIXES: usize = 64;
/// Events looked at in one call while the newest that is not the store's own is looked for, at most.
const LAST_POSITION_PAGE_EVENTS: usize = 4_096;

pub(crate) fn read_error(failure: Failure) -> ReadError {
    match failure {
        Failure::Refused(Error::ResourceDeleted) => ReadError::Damaged {
            what: "the stream was deleted for ever".to_owned(),
        },
        failure => ReadError::Unavailable(failure.to_string()),
    }
}

pub(crate) async fn read_stream(
    supervisor: &Supervisor,
    stream: &str,
    from_revision: u64,
    max_events: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    if max_events == 0 {
        return Ok(Vec::new());
    }
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Position(from_revision))
        .forwards()
        .max_count(max_events);
    let read = supervisor
        .until_answered(|client| {
            let options = options.clone();
            async move {
                let mut reading = client.read_stream(stream, &options).await?;
                let mut events = Vec::new();
                while let Some(event) = reading.next().await? {
                    events.push(recorded(&event));
                }
                Ok(events)
            }
        })
        .await;
    match read {
        Err(Failure::Refused(Error::ResourceNotFound)) => Ok(Vec::new()),
        read => read.map_err(read_error),
    }
}

/// How many events a stream has now.
pub(crate) async fn event_count(supervisor: &Supervisor, stream: &str) -> Result<u64, Failure> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::End)
        .backwards()
        .max_count(1);
    let newest = supervisor
        .until_answered(|client| {
            let options = options.clone();
            async move {
                let mut reading = client.read_stream(stream, &options).await?;
                Ok(reading.next().await?.map(|event| recorded(&event).revision))
            }
        })
        .await;
    match newest {
        Ok(newest) => Ok(newest.map_or(0, |newest| newest + 1)),
        Err(Failure::Refused(Error::ResourceNotFound)) => Ok(0),
        Err(failure) => Err(failure),
    }
}

/// Events of all streams but the store's own, after a position.
pub(crate) async fn read_all(
    supervisor: &Supervisor,
    after: Option<Position>,
    max_events: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut after = after;
    loop {
        let page = read_all_page(supervisor, after, max_events).await?;
        let Some(last) = page.last() else {
            return Ok(page);
        };
        after = Some(last.position);
        let events: Vec<RecordedEvent> = page
            .into_iter()
            .filter(|event| !is_system(&event.stream))
            .collect();
        if !events.is_empty() {
            return Ok(events);
        }
    }
}

async fn read_all_page(
    supervisor: &Supervisor,
    after: Option<Position>,
    max_events: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    if max_events == 0 {
        return Ok(Vec::new());
    }
    // The event at the position comes first. If it does not, it was scavenged since: the server refuses positions that it never
    // gave out.
    let wanted = max_events.saturating_add(usize::from(after.is_some()));
    let mut events = read_events(supervisor, after, wanted).await?;
    let Some(after) = after else {
        return Ok(events);
    };
    match events.first() {
        Some(first) if first.position == after => {
            events.remove(0);
            Ok(events)
        }
        Some(_) => {
            events.truncate(max_events);
            Ok(events)
        }
        None => Err(match last_position(supervisor).await? {
            Some(last) if last >= after => ReadError::NotAnEvent { position: after },
            last => ReadError::BeyondEnd {
                position: after,
                last,
            },
        }),
    }
}

/// Events of all streams from a position on, which is that of the first unless that is gone.
async fn read_events(
    supervisor: &Supervisor,
    from: Option<Position>,
    max_events: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let start = from.map_or(StreamPosition::Start, |from| {
        StreamPosition::Position(position(from))
    });
    let options = ReadAllOptions::default()
        .position(start)
        .forwards()
        .max_count(max_events);
    supervisor
        .until_answered(|client| {
            let options = options.clone();
            async move {
                Ok(collect(&client, &options)
                    .await?
                    .iter()
                    .map(recorded)
                    .collect())
            }
        })
        .await
        .map_err(|failure| match (failure, from) {
            (Failure::Refused(error), Some(position)) if is_invalid(&error) => {
                ReadError::NotAnEvent { position }
            }
            (failure, _) => read_error(failure),
        })
}

async fn collect(client: &Client, options: &ReadAllOptions) -> Result<Vec<ResolvedEvent>, Error> {
    let mut reading = client.read_all(options).await?;
    let mut events = Vec::new();
    while let Some(event) = reading.next().await? {
        events.push(event);
    }
    Ok(events)
}

/// Position of the newest event that is not the store's own: others never get those, and would wait for them in vain.
pub(crate) async fn last_position(supervisor: &Supervisor) -> Result<Option<Position>, ReadError> {
    let mut start = StreamPosition::End;
    let mut page_events = 1;
    loop {
        let options = ReadAllOptions::default()
            .position(start)
            .backwards()
            .max_count(page_events);
        let page: Vec<RecordedEvent> = supervisor
            .until_answered(|client| {
                let options = options.clone();
                async move {
                    let events = collect(&client, &options).await?;
                    Ok(events.iter().map(recorded).collect())
                }
            })
            .await
            .map_err(read_error)?;
        if let Some(newest) = page.iter().find(|event| !is_system(&event.stream)) {
            return Ok(Some(newest.position));
        }
        // Backwards, a position is exclusive.
        let Some(oldest) = page.last() else {
            return Ok(None);
        };
        start = StreamPosition::Position(position(oldest.position));
        page_events = (page_events * 8).min(LAST_POSITION_PAGE_EVENTS);
    }
}

pub(crate) async fn event_at(
    supervisor: &Supervisor,
    wanted: Position,
) -> Result<RecordedEvent, ReadError> {
    let found = read_events(supervisor, Some(wanted), 1).await?.pop();
    match found {
        Some(event) if event.position == wanted => Ok(event),
        Some(_) => Err(ReadError::NotAnEvent { position: wanted }),
        None => Err(match last_position(supervisor).await? {
            Some(last) if last >= wanted => ReadError::NotAnEvent { position: wanted },
            last => ReadError::BeyondEnd {
                position: wanted,
                last,
            },
        }),
    }
}

/// Names of streams by prefix. The protocol has no call for them, so they are gathered from the events, once.
#[derive(Default)]
pub(crate) struct KnownStreams {
    by_prefix: BTreeMap<String, Gathered>,
}

#[derive(Default)]
struct Gathered {
    names: BTreeSet<Arc<str>>,
    after: Option<eventstore::Position>,
}

impl KnownStreams {
    pub async fn with_prefix(
        &mut self,
        supervisor: &Supervisor,
        prefix: &str,
    ) -> Result<Vec<Arc<str>>, ReadError> {
        if !self.by_prefix.contains_key(prefix) && self.by_prefix.len() >= KEPT_PREFIXES {
            self.by_prefix.clear();
        }
        let gathered = self.by_prefix.entry(prefix.to_owned()).or_default();
        // What was gathered before a failure is kept, so a record of any length is gone through as long as some of it comes.
        let mut before = gathered.after;
        let mut give_up = Instant::now() + PATIENCE;
        loop {
            let held = supervisor.hold();
            let trouble = match gather(&held.client, prefix, gathered).await {
                Ok(()) => return Ok(gathered.names.iter().cloned().collect()),
                Err(error) if !is_trouble(&error) => {
                    return Err(read_error(Failure::Refused(error)));
                }
                Err(error) => error.to_string(),
            };
            supervisor.replace(&held);
            if gathered.after != before {
                before = gathered.after;
                give_up = Instant::now() + PATIENCE;
            }
            if Instant::now() + RETRY >= give_up {
                return Err(read_error(Failure::Unavailable(trouble)));
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Adds the streams of all events that are there now.
async fn gather(client: &Client, prefix: &str, gathered: &mut Gathered) -> Result<(), Error> {
    let start = gathered
        .after
        .map_or(StreamPosition::Start, StreamPosition::Position);
    let filter = SubscriptionFilter::on_stream_name().add_prefix(prefix);
    let options = SubscribeToAllOptions::default()
        .position(start)
        .filter(filter);
    let mut subscription = client.subscribe_to_all(&options).await;
    loop {
        // The server tells every 32nd event that it looks at, or what it finds, so silence means that it is away.
        let next = tokio::time::timeout(TRY_DEADLINE, subscription.next_subscription_event());
        let Ok(event) = next.await else {
            return Err(Error::DeadlineExceeded);
        };
        match event? {
            SubscriptionEvent::EventAppeared(event) => {
                gathered.after = Some(event.get_original_event().position);
                let stream = event.get_original_stream_id();
                if !is_system(stream) && !gathered.names.contains(stream) {
                    gathered.names.insert(Arc::from(stream));
                }
            }
            SubscriptionEvent::Checkpoint(position) => gathered.after = Some(position),
            SubscriptionEvent::CaughtUp => return Ok(()),
            _ => {}
        }
    }
}
