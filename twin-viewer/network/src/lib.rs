//! Brings the twin's streams to the viewer: a coalescing lane for values, a lossless one for alarms and commands.
//!
//! - [`Network`] (here): an OS thread of its own with a tokio runtime; what the viewer sends and takes once per frame
//! - `lanes`: values merge, newest wins, however slow the viewer is; all else keeps its order and pushes back
//! - `supervisor`: connects, says how the connection stands, and connects again after a cut
//! - `view`: the stream behind what is shown: live (resumed at its position after a cut), a moment, a replay
//! - `alarms`: the alarm list and every transition after it
//! - `pages`: histories, events, density, balances, entries; a newer request of a kind gives the older one up, and what a cut
//!   takes along is told; `around`: events on both sides of a moment
//! - `shift`: all that a shift report tells
//! - `commands`, `session`: what a person tells the park to do; each is answered exactly once, and only sent over the
//!   connection whose picture the person saw
//! - `numbering`, `decode`, `statements`: from the wire to the view model
//!
//! ```no_run
//! use std::sync::Arc;
//! use terrarium_network::Network;
//! use terrarium_runtime::ServerAddress;
//!
//! let server = ServerAddress { url: "http://127.0.0.1:7470".into(), ..ServerAddress::default() };
//! let network = Network::start(server, "haotian".into(), Arc::new(|| ()))?;
//! let mut state = terrarium_view_model::ViewState::default();
//! // Once per frame:
//! for report in network.take() {
//!     for request in state.take(report) {
//!         network.send(request);
//!     }
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod alarms;
mod around;
mod commands;
mod decode;
mod lanes;
mod numbering;
mod pages;
mod session;
mod shift;
mod statements;
mod supervisor;
mod view;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use terrarium_runtime::ServerAddress;
use terrarium_view_model::{Outcome, Report, Request};
use tokio::sync::{mpsc, watch};

use crate::lanes::Lanes;
use crate::session::{Asked, Seen};
use crate::view::ShownView;

/// Called whenever there is something to take and there was nothing before. It may be called from any thread and must not
/// block: for winit, `EventLoopProxy::wake_up`.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Requests that wait for the network at most; a person gives a few a second.
const MOST_WAITING_REQUESTS: usize = 256;

/// The viewer's connection to a park's server. Dropping it ends its thread.
#[derive(Debug)]
pub struct Network {
    requests: mpsc::Sender<Asked>,
    view: watch::Sender<ShownView>,
    lanes: Arc<Lanes>,
    /// Sessions that the viewer has seen begin; 0 while what it knows of is cut. A command belongs to the session whose
    /// picture the person saw, and to no later one.
    seen: Seen,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Network {
    /// Starts connecting, following the park live. An error: the operating system gives no thread.
    pub fn start(server: ServerAddress, park: String, wake: Wake) -> io::Result<Network> {
        let (requests, incoming) = mpsc::channel(MOST_WAITING_REQUESTS);
        let (view, shown) = watch::channel(ShownView::default());
        let (stop, stopped) = watch::channel(false);
        let lanes = Arc::new(Lanes::new(wake));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let theirs = Arc::clone(&lanes);
        let thread = std::thread::Builder::new()
            .name("twin-network".into())
            .spawn(move || {
                let supervisor = supervisor::Supervisor::new(server, park, theirs, incoming, shown);
                runtime.block_on(async {
                    let mut stopped = stopped;
                    tokio::select! {
                        () = supervisor.run() => {}
                        _ = stopped.wait_for(|is_stopped| *is_stopped) => {}
                    }
                });
            })?;
        Ok(Network {
            requests,
            view,
            lanes,
            seen: Seen::default(),
            stop,
            thread: Some(thread),
        })
    }

    /// Sends a request. From [`Request::Show`] on, nothing of what was shown before is reported any more. A command that
    /// finds the queue full is answered as refused, a page as failed.
    pub fn send(&self, request: Request) {
        let request = match request {
            Request::Show(want) => {
                let generation = self.lanes.begin_view();
                self.view.send_replace(ShownView { want, generation });
                return;
            }
            other => other,
        };
        let session = self.seen.session();
        if let (Request::Command { number, .. }, None) = (&request, session) {
            self.refuse(*number, commands::NOT_CONNECTED);
            return;
        }
        let Err(error) = self.requests.try_send(Asked { session, request }) else {
            return;
        };
        const FULL: &str = "too many requests wait already: try again in a moment";
        match error.into_inner().request {
            Request::Command { number, .. } => self.refuse(number, FULL),
            page => self.lanes.refuse_at_once(Report::Failed {
                what: page.name(),
                reason: FULL.to_owned(),
            }),
        }
    }

    fn refuse(&self, number: u64, reason: &str) {
        self.lanes.refuse_at_once(Report::Outcome {
            number,
            outcome: Outcome::Refused {
                reason: reason.to_owned(),
            },
        });
    }

    /// Everything that came since the last call: ordered reports first, then the values, merged. Never blocks on the
    /// network.
    pub fn take(&self) -> Vec<Report> {
        let reports = self.lanes.take();
        self.seen.look_at(&reports);
        reports
    }

    /// Whether its thread still runs; it only ends when it is dropped or has panicked.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Messages of the live stream that were merged before the viewer took them: how much slower it is than the park.
    pub fn merged_updates(&self) -> u64 {
        self.lanes.merged.load(Ordering::Relaxed)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // A lane that pushes back must not keep the thread.
        self.lanes.close();
        if let Some(thread) = self.thread.take() {
            // A panic was printed by its own thread.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn every_page_is_answered_also_when_more_are_asked_for_than_can_wait() {
        const PAGES: usize = 3_000;
        let server = ServerAddress {
            url: "http://127.0.0.1:9".into(),
            ..ServerAddress::default()
        };
        let network = Network::start(server, "park".into(), Arc::new(|| ())).expect("a thread");
        for _ in 0..PAGES {
            network.send(Request::ClaimNames);
        }
        let began = Instant::now();
        let mut failed = 0;
        while failed < PAGES {
            let reports = network.take();
            let told = reports
                .iter()
                .filter(|report| matches!(report, Report::Failed { what: "claims", .. }));
            failed += told.count();
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{failed} of {PAGES} pages are answered"
            );
            std::thread::yield_now();
        }
        assert_eq!(failed, PAGES, "each once");
    }
}
