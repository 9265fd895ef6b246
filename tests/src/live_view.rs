//! The viewer's view model over a live connection: what a person's screen is made of, without the screen.

use std::sync::Arc;
use std::time::Duration;

use terrarium_network::Network;
use terrarium_runtime::ServerAddress;
use terrarium_view_model::{Command, ViewState};

use crate::wait;

const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// A view of one park that asks and is told.
pub struct LiveView {
    /// Its line to the server.
    pub network: Network,
    /// What it shows.
    pub state: ViewState,
}

impl LiveView {
    /// Of a park on the server at `url`; `wake` is called when something came.
    ///
    /// # Panics
    /// When no thread can be had.
    pub fn of(url: String, park: &str, wake: impl Fn() + Send + Sync + 'static) -> LiveView {
        let server = ServerAddress {
            url,
            ..ServerAddress::default()
        };
        LiveView {
            network: Network::start(server, park.to_owned(), Arc::new(wake)).expect("a thread"),
            state: ViewState::default(),
        }
    }

    /// One frame: takes what came, and asks for what that calls for.
    pub fn take(&mut self) {
        for report in self.network.take() {
            for request in self.state.take(report) {
                self.network.send(request);
            }
        }
    }

    /// What a person does.
    pub fn does(&mut self, command: Command) {
        for request in self.state.apply(command) {
            self.network.send(request);
        }
    }

    /// Frames until it is so.
    ///
    /// # Panics
    /// When it is not so within half a minute, saying `what` was waited for.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&ViewState) -> bool) {
        wait::until(SHOWN_WITHIN, what, || {
            self.take();
            is_so(&self.state).then_some(())
        });
    }
}
