//! Waiting for what was queued.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::AppendError;
use crate::event::Written;
use crate::writer::WriteResults;

/// Appends that are queued.
pub struct Pending {
    answered: oneshot::Receiver<WriteResults>,
    count: usize,
}

impl Pending {
    pub(crate) fn of(answered: oneshot::Receiver<WriteResults>, count: usize) -> Pending {
        Pending { answered, count }
    }

    /// Waits until all are durable or refused; the results are in the order of the appends.
    pub async fn results(mut self) -> Vec<Result<Written, AppendError>> {
        std::future::poll_fn(|context| self.poll_results(context)).await
    }

    /// [`results`](Self::results) for a caller that waits for other things too; not to be asked again once it was ready.
    pub(crate) fn poll_results(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Vec<Result<Written, AppendError>>> {
        Pin::new(&mut self.answered).poll(context).map(|answered| {
            answered.unwrap_or_else(|_| {
                vec![
                    Err(AppendError::Failed(
                        "the event store is closed: open it again".to_owned()
                    ));
                    self.count
                ]
            })
        })
    }

    /// [`results`](Self::results) of a single append.
    pub async fn result(self) -> Result<Written, AppendError> {
        self.results()
            .await
            .pop()
            .expect("one result for one append")
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pending")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
