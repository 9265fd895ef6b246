//! Connects, says how the connection stands, and connects again after a cut.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use terrarium_model::Clock;
use terrarium_proto::twin::v1 as wire;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use terrarium_runtime::{AuthorizedChannel, ServerAddress, WallClock, connect};
use terrarium_view_model::{Connection, Report, Request};
use tokio::sync::{mpsc, watch};
use tonic::{Code, Status};

use crate::commands::Commands;
use crate::lanes::Lanes;
use crate::pages::Pages;
use crate::session::Asked;
use crate::view::{LiveView, ShownView};
use crate::{alarms, view};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often the park's clock is asked, so that what is shown ages also while nothing is recorded.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);
/// A server that does not tell its clock in this time is as good as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// Every so many askings of the clock the definition is looked at too.
const ASKINGS_PER_DEFINITION: u32 = 15;
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The stream broke: connect again soon.
    Cut(String),
    /// It would break again the same way: say why, and look again now and then.
    Hopeless(Connection),
}

impl Ended {
    pub(crate) fn from_status(status: &Status) -> Ended {
        let reason = status.message().to_owned();
        match status.code() {
            Code::Unimplemented => Ended::Hopeless(Connection::WrongVersion { reason }),
            Code::Unauthenticated | Code::PermissionDenied => {
                Ended::Hopeless(Connection::NotAllowed { reason })
            }
            code => Ended::Cut(format!("{code:?}: {reason}")),
        }
    }
}

pub(crate) struct Supervisor {
    server: ServerAddress,
    park: String,
    lanes: Arc<Lanes>,
    requests: mpsc::Receiver<Asked>,
    shown: watch::Receiver<ShownView>,
    live: LiveView,
    /// How many sessions were reported live.
    sessions: u64,
    cut_since_ms: Option<i64>,
}

impl Supervisor {
    pub(crate) fn new(
        server: ServerAddress,
        park: String,
        lanes: Arc<Lanes>,
        requests: mpsc::Receiver<Asked>,
        shown: watch::Receiver<ShownView>,
    ) -> Supervisor {
        Supervisor {
            server,
            park,
            lanes,
            requests,
            shown,
            live: LiveView::default(),
            sessions: 0,
            cut_since_ms: None,
        }
    }

    /// Goes on until its future is dropped.
    pub(crate) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        self.report(Connection::Connecting {
            server: self.server.url.clone(),
        })
        .await;
        loop {
            let began = tokio::time::Instant::now();
            let ended = match connect(&self.server).await {
                Ok(channel) => self.session(channel).await,
                Err(error) => Ended::Cut(error.to_string()),
            };
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            match ended {
                Ended::Cut(reason) => {
                    tracing::warn!(%reason, "connection lost");
                    self.report_cut(reason).await;
                }
                Ended::Hopeless(connection) => {
                    tracing::error!(?connection, "the server can't serve this viewer");
                    self.report(connection).await;
                    pause = LONGEST_PAUSE;
                }
            }
            self.wait(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn report(&self, connection: Connection) {
        self.lanes.put(Report::Connection(connection)).await;
    }

    async fn report_cut(&mut self, reason: String) {
        let since_ms = *self.cut_since_ms.get_or_insert_with(|| WallClock.now().0);
        self.report(Connection::StaleSince { since_ms, reason })
            .await;
    }

    /// Waits, refusing commands meanwhile: nobody should think that they were given.
    async fn wait(&mut self, pause: Duration) {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return,
                request = self.requests.recv() => match request {
                    Some(asked) => Commands::refuse_unconnected(&self.lanes, asked.request).await,
                    None => return over.await,
                },
            }
        }
    }

    async fn session(&mut self, channel: AuthorizedChannel) -> Ended {
        let mut twin =
            TwinServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
        let mut definition_position = None;
        let told = self.tell_park(&mut twin, &mut definition_position);
        if let Err(ended) = in_time(ANSWER_WITHIN, told).await {
            return ended;
        }
        self.cut_since_ms = None;
        self.sessions += 1;
        let session = self.sessions;
        self.report(Connection::Live).await;

        let lanes = Arc::clone(&self.lanes);
        let mut pages = Pages::new(channel.clone(), self.park.clone(), Arc::clone(&lanes));
        let mut commands = Commands::new(channel.clone(), self.park.clone(), Arc::clone(&lanes));
        let (tell_definition, definition) = watch::channel(definition_position);
        let watch_alarms = alarms::watch(
            channel.clone(),
            self.park.clone(),
            Arc::clone(&lanes),
            definition,
        );
        let show = view::show(
            twin.clone(),
            &self.park,
            &lanes,
            &mut self.shown,
            &mut self.live,
        );
        let clock = ask_clock(twin, &self.park, &lanes, tell_definition);
        tokio::pin!(watch_alarms, show, clock);
        let ended = loop {
            tokio::select! {
                ended = &mut show => break ended,
                ended = &mut watch_alarms => break ended,
                ended = &mut clock => break ended,
                request = self.requests.recv() => match request {
                    Some(Asked { session: seen, request: Request::Command { number, command } }) => {
                        if seen == Some(session) {
                            commands.give(number, command);
                        } else {
                            // It was given to the picture of an earlier connection.
                            let request = Request::Command { number, command };
                            Commands::refuse_unconnected(&lanes, request).await;
                        }
                    }
                    Some(Asked { request: page, .. }) => pages.fetch(page),
                    None => break Ended::Cut("the viewer is gone".into()),
                },
            }
        };
        pages.give_up().await;
        ended
    }

    /// Finds the park and tells its definition.
    async fn tell_park(
        &self,
        twin: &mut TwinServiceClient<AuthorizedChannel>,
        definition_position: &mut Option<u64>,
    ) -> Result<(), Ended> {
        let summary = summary_of(twin, &self.park).await?;
        let definition = definition_of(twin, &self.park).await?;
        *definition_position = Some(definition.position);
        self.lanes
            .put(Report::Park {
                definition: definition.definition,
                first_ms: summary.first_ms,
                now_ms: summary.now_ms,
            })
            .await;
        Ok(())
    }
}

/// An answer that must not be waited for without end: a frozen server or a silent network breaks no stream, and only this
/// finds it.
async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, Ended>>,
) -> Result<T, Ended> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Ended::Cut("the server does not answer".into())),
    }
}

async fn summary_of(
    twin: &mut TwinServiceClient<AuthorizedChannel>,
    park: &str,
) -> Result<wire::ParkSummary, Ended> {
    let parks = twin
        .list_parks(wire::ListParksRequest {})
        .await
        .map_err(|status| Ended::from_status(&status))?
        .into_inner()
        .parks;
    let names = || parks.iter().map(|summary| summary.park.clone()).collect();
    match parks.iter().find(|summary| summary.park == park) {
        Some(summary) => Ok(summary.clone()),
        None => Err(Ended::Hopeless(Connection::NoSuchPark {
            park: park.to_owned(),
            parks: names(),
        })),
    }
}

async fn definition_of(
    twin: &mut TwinServiceClient<AuthorizedChannel>,
    park: &str,
) -> Result<wire::GetParkResponse, Ended> {
    let request = wire::GetParkRequest {
        park: park.to_owned(),
        moment: None,
    };
    let answer = twin.get_park(request).await;
    let answer = answer.map_err(|status| Ended::from_status(&status))?;
    Ok(answer.into_inner())
}

/// Asks the park's clock again and again, and now and then whether the park was defined anew.
async fn ask_clock(
    mut twin: TwinServiceClient<AuthorizedChannel>,
    park: &str,
    lanes: &Lanes,
    definition_position: watch::Sender<Option<u64>>,
) -> Ended {
    let mut ticks = tokio::time::interval(CLOCK_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut askings = 0;
    loop {
        ticks.tick().await;
        let summary = match in_time(ANSWER_WITHIN, summary_of(&mut twin, park)).await {
            Ok(summary) => summary,
            Err(ended) => return ended,
        };
        lanes
            .put(Report::LiveMoment {
                first_ms: summary.first_ms,
                now_ms: summary.now_ms,
            })
            .await;
        askings += 1;
        if askings % ASKINGS_PER_DEFINITION != 0 {
            continue;
        }
        match in_time(ANSWER_WITHIN, definition_of(&mut twin, park)).await {
            Ok(definition) if Some(definition.position) == *definition_position.borrow() => {}
            Ok(definition) => {
                let position = definition.position;
                lanes
                    .put(Report::Park {
                        definition: definition.definition,
                        first_ms: summary.first_ms,
                        now_ms: summary.now_ms,
                    })
                    .await;
                // The alarm list is asked for anew: its definitions stand in the park's.
                definition_position.send_replace(Some(position));
            }
            Err(ended) => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_never_comes_is_a_cut() {
        let never = std::future::pending::<Result<(), Ended>>();
        let ended = in_time(Duration::ZERO, never).await;
        assert!(matches!(&ended, Err(Ended::Cut(reason)) if reason.contains("does not answer")));
        let told = in_time(Duration::from_secs(60), async { Ok(7) }).await;
        assert!(matches!(told, Ok(7)));
    }
}
