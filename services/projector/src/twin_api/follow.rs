//! The state now, and as it changes.

use std::time::Duration;

use terrarium_proto::twin::v1 as wire;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{TwinApi, Updates};
use crate::twin_wire::{Told, values_to_wire};

/// Updates that wait for the caller. What changes meanwhile is merged into the next.
const UPDATES_IN_FLIGHT: usize = 1;

impl TwinApi {
    pub(super) fn start_follow(&self, request: wire::FollowRequest) -> Result<Updates, Status> {
        if let Some(after) = request.after_position {
            self.require_position("after_position", after)?;
        }
        self.look(&request.park, |_| Ok(()))?;
        let (updates, stream) = mpsc::channel(UPDATES_IN_FLIGHT);
        let api = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = api.follow(&request, &updates) => {}
                () = api.shutdown.triggered() => {}
                () = updates.closed() => {}
            }
        });
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    async fn follow(
        &self,
        request: &wire::FollowRequest,
        updates: &mpsc::Sender<Result<wire::TwinUpdate, Status>>,
    ) {
        let every = Duration::from_millis(request.every_ms.into());
        let mut folded = self.projector.watch_folded();
        let mut told = Told::default();
        let mut sent_up_to = request.after_position;
        loop {
            // The twin is looked at only when the caller can take what is seen.
            let Ok(permit) = updates.reserve().await else {
                return;
            };
            let sent_at = Instant::now();
            folded.mark_unchanged();
            let update = self.changes_after(&request.park, sent_up_to, &mut told);
            let failed = update.is_err();
            if let Ok(update) = &update {
                sent_up_to = update.position;
            }
            permit.send(update);
            if failed || folded.changed().await.is_err() {
                return;
            }
            tokio::time::sleep_until(sent_at + every).await;
        }
    }

    fn changes_after(
        &self,
        park: &str,
        position: Option<u64>,
        told: &mut Told,
    ) -> Result<wire::TwinUpdate, Status> {
        self.look(park, |seen| {
            let values: Vec<_> = seen.twin.points().changed_after(position).collect();
            let head_position = self.projector.head();
            Ok(wire::TwinUpdate {
                new_points: told.new_points(seen.twin, &values),
                values: Some(values_to_wire(&values)),
                cleared: Vec::new(),
                moment_ms: seen.now_ms,
                position: Some(seen.position),
                head_position,
                caught_up: head_position <= Some(seen.position),
            })
        })
    }
}
