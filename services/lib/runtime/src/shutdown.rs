//! One switch that everything long-lived listens to.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Clones share one switch. Once triggered it stays triggered.
#[derive(Clone, Debug)]
pub struct Shutdown {
    triggered: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    pub fn new() -> Self {
        Self {
            triggered: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Asks everything that listens to stop. Doing it twice changes nothing.
    pub fn trigger(&self) {
        self.triggered.send_replace(true);
    }

    pub fn is_triggered(&self) -> bool {
        *self.triggered.borrow()
    }

    /// Completes when [`Shutdown::trigger`] was called, also if that was before this call.
    pub async fn triggered(&self) {
        let mut receiver = self.triggered.subscribe();
        receiver
            .wait_for(|triggered| *triggered)
            .await
            .expect("the sender lives in `self`");
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`Shutdown`] that SIGTERM and SIGINT trigger. A second signal ends the process at once with status 130.
///
/// Must be called inside a tokio runtime.
pub fn shutdown_on_signals() -> std::io::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = Shutdown::new();
    let switch = shutdown.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if switch.is_triggered() {
                tracing::warn!(signal = name, "second signal, stopping at once");
                std::process::exit(130);
            }
            tracing::info!(
                signal = name,
                "stopping; send the signal again to stop at once"
            );
            switch.trigger();
        }
    });
    Ok(shutdown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_trigger_reaches_listeners_that_came_before_and_after_it() {
        let shutdown = Shutdown::new();
        let early = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.triggered().await }
        });
        assert!(!shutdown.is_triggered());
        shutdown.trigger();
        shutdown.trigger();
        early.await.expect("the listener does not panic");
        shutdown.triggered().await;
        assert!(shutdown.is_triggered());
    }
}
