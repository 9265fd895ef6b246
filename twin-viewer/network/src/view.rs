//! The stream behind what is shown.

use terrarium_proto::twin::v1 as wire;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::{Report, TwinDelta, Want};
use tokio::sync::watch;
use tonic::{Code, Status, Streaming};

use crate::lanes::{Lanes, ViewKind};
use crate::numbering::{Numbering, StreamNumbers};
use crate::supervisor::Ended;

/// The server sends live values at most this often: more than a person sees, less than a slow machine draws.
const LIVE_EVERY_MS: u32 = 50;
/// Updates of a replay per second of the viewer.
const REPLAY_STEPS_PER_S: u32 = 20;
/// The service refuses more of them in one replay.
const MOST_REPLAY_STEPS: u64 = 1_000_000;

type Twin = TwinServiceClient<AuthorizedChannel>;

/// What is to be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShownView {
    pub(crate) want: Want,
    pub(crate) generation: u64,
}

impl Default for ShownView {
    fn default() -> ShownView {
        ShownView {
            want: Want::Follow,
            generation: 0,
        }
    }
}

/// What outlives a cut: points keep their numbers, and a view goes on where it was.
#[derive(Debug, Default)]
pub(crate) struct LiveView {
    numbering: Numbering,
    /// How far the view of a generation is.
    progress: Option<(u64, Progress)>,
}

/// How much of a view the viewer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The live state up to a position.
    UpTo { position: u64 },
    /// A replay up to a moment.
    PlayedTo { moment_ms: i64 },
    /// All of it, or the answer that it can't be shown: nothing is fetched again, or a picture that stands would move.
    Done,
}

impl LiveView {
    /// How far a view is; of another one nothing is known.
    fn progress_of(&self, generation: u64) -> Option<Progress> {
        let (of, progress) = self.progress?;
        (of == generation).then_some(progress)
    }
}

/// Shows what is asked for, one view after the other, until the connection breaks.
pub(crate) async fn show(
    twin: Twin,
    park: &str,
    lanes: &Lanes,
    shown: &mut watch::Receiver<ShownView>,
    live: &mut LiveView,
) -> Ended {
    loop {
        let view = shown.borrow_and_update().clone();
        let generation = view.generation;
        if live.progress_of(generation) == Some(Progress::Done) {
            if shown.changed().await.is_err() {
                return Ended::Cut("the viewer is gone".into());
            }
            continue;
        }
        let stream = OneView {
            twin: twin.clone(),
            park,
            lanes,
            live,
            generation,
        };
        tokio::select! {
            ended = stream.run(view.want) => {
                match ended {
                    Ok(()) => {}
                    // The connection is sound, only this moment or range can't be shown; the next wish may be.
                    Err(status) if view.want != Want::Follow && is_refusal(status.code()) => {
                        lanes.put(Report::Failed {
                            what: "replay",
                            reason: status.message().to_owned(),
                        })
                        .await;
                    }
                    Err(status) => return Ended::from_status(&status),
                }
                live.progress = Some((generation, Progress::Done));
            }
            changed = shown.changed() => {
                if changed.is_err() {
                    return Ended::Cut("the viewer is gone".into());
                }
            }
        }
    }
}

fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition
    )
}

struct OneView<'a> {
    twin: Twin,
    park: &'a str,
    lanes: &'a Lanes,
    live: &'a mut LiveView,
    generation: u64,
}

impl OneView<'_> {
    /// Ends when all is sent; live never ends by itself.
    async fn run(mut self, want: Want) -> Result<(), Status> {
        match want {
            Want::Follow => self.follow().await,
            Want::At { moment_ms } => self.snapshot(moment_ms).await,
            Want::Play {
                from_ms,
                to_ms,
                speed,
            } => {
                let from_ms = match self.live.progress_of(self.generation) {
                    Some(Progress::PlayedTo { moment_ms }) => moment_ms,
                    _ => from_ms,
                };
                self.replay(from_ms, to_ms, speed).await
            }
            Want::Step { from_ms, backwards } => self.step(from_ms, backwards).await,
        }
    }

    async fn follow(&mut self) -> Result<(), Status> {
        let resume = match self.live.progress_of(self.generation) {
            Some(Progress::UpTo { position }) => Some(position),
            _ => None,
        };
        let request = |after_position| wire::FollowRequest {
            park: self.park.to_owned(),
            after_position,
            every_ms: LIVE_EVERY_MS,
        };
        let mut begins_anew = resume.is_none();
        let opened = self.twin.follow(request(resume)).await;
        let updates = match opened {
            // The record ends before what we have seen: it is another record, so all begins anew.
            Err(status) if resume.is_some() && status.code() == Code::InvalidArgument => {
                begins_anew = true;
                self.twin.follow(request(None)).await?
            }
            opened => opened?,
        };
        if begins_anew {
            self.live.progress = None;
        }
        self.pass_on(updates.into_inner(), begins_anew, true)
            .await?;
        Err(Status::unavailable("the server ended the live stream"))
    }

    async fn snapshot(&mut self, moment_ms: i64) -> Result<(), Status> {
        let request = wire::SnapshotRequest {
            park: self.park.to_owned(),
            moment: Some(wire::Moment {
                at: Some(wire::moment::At::TimeMs(moment_ms)),
            }),
        };
        let update = self.twin.snapshot(request).await?.into_inner();
        let mut numbers = StreamNumbers::default();
        let mut delta = self.live.numbering.read(&mut numbers, update);
        delta.begins_anew = true;
        // The picture is of the moment asked for, whatever happened last before it.
        delta.moment_ms = moment_ms;
        self.put(delta, ViewKind::Replay { is_end: true });
        Ok(())
    }

    async fn replay(&mut self, from_ms: i64, to_ms: i64, speed: u32) -> Result<(), Status> {
        let shortest_ms = u32::try_from(from_ms.abs_diff(to_ms) / MOST_REPLAY_STEPS + 1);
        let step_ms =
            (speed.saturating_mul(1_000) / REPLAY_STEPS_PER_S).max(shortest_ms.unwrap_or(u32::MAX));
        let request = wire::ReplayRequest {
            park: self.park.to_owned(),
            from_ms,
            to_ms,
            step_ms,
            speed: f64::from(speed),
        };
        let updates = self.twin.replay(request).await?.into_inner();
        self.pass_on(updates, true, false).await
    }

    async fn step(&mut self, from_ms: i64, backwards: bool) -> Result<(), Status> {
        let request = wire::ListEventsRequest {
            park: self.park.to_owned(),
            // "At or after", so the next one begins a millisecond later; backwards it is "before" already.
            from_ms: if backwards { from_ms } else { from_ms + 1 },
            backwards,
            most_events: 1,
            ..wire::ListEventsRequest::default()
        };
        let answer = self.twin.list_events(request).await?.into_inner();
        match answer.events.first() {
            Some(event) => self.snapshot(event.time_ms).await,
            None => {
                self.lanes.put(Report::NoFurtherEvent).await;
                Ok(())
            }
        }
    }

    async fn pass_on(
        &mut self,
        mut updates: Streaming<wire::TwinUpdate>,
        mut begins_anew: bool,
        is_live: bool,
    ) -> Result<(), Status> {
        let mut numbers = StreamNumbers::default();
        // One update late, so that the last one can be told as such.
        let mut waiting: Option<TwinDelta> = None;
        while let Some(update) = updates.message().await? {
            let mut delta = self.live.numbering.read(&mut numbers, update);
            delta.begins_anew = std::mem::take(&mut begins_anew);
            if is_live {
                let progress = delta.position.map(|position| Progress::UpTo { position });
                let is_shown = self.put(delta, ViewKind::Live);
                self.has_come_to(progress.filter(|_| is_shown));
            } else if let Some(delta) = waiting.replace(delta) {
                let moment_ms = delta.moment_ms;
                if self.put(delta, ViewKind::Replay { is_end: false }) {
                    self.has_come_to(Some(Progress::PlayedTo { moment_ms }));
                }
            }
        }
        if let Some(last) = waiting {
            self.put(last, ViewKind::Replay { is_end: true });
        }
        Ok(())
    }

    fn has_come_to(&mut self, progress: Option<Progress>) {
        if let Some(progress) = progress {
            self.live.progress = Some((self.generation, progress));
        }
    }

    fn put(&self, delta: TwinDelta, kind: ViewKind) -> bool {
        self.lanes.put_values(self.generation, delta, kind)
    }
}
