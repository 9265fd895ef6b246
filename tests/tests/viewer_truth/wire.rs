//! A way from the viewer to the server that can be cut, or go silent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Open,
    /// Connections break, and none is taken.
    Cut,
    /// Nothing comes through, and nobody says so.
    Silent,
}

struct State {
    passage: Passage,
    server: SocketAddr,
    streams: Vec<TcpStream>,
}

/// The way.
pub struct Wire {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Wire {
    /// To a server such as `http://127.0.0.1:7470`.
    pub fn to(url: &str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let state = State {
            passage: Passage::Open,
            server: address_of(url),
            streams: Vec::new(),
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let theirs = Arc::clone(&state);
        // Ends with the test's process: it waits for connections for ever.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connect(&theirs, stream);
            }
        });
        Wire { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every connection breaks.
    pub fn cut(&self) {
        self.become_(Passage::Cut);
    }

    /// Nothing comes through any more.
    pub fn silence(&self) {
        self.become_(Passage::Silent);
    }

    /// All is well again, perhaps with a server elsewhere.
    pub fn mend(&self, url: &str) {
        self.state
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .server = address_of(url);
        self.become_(Passage::Open);
    }

    fn become_(&self, passage: Passage) {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.passage = passage;
        if passage == Passage::Cut {
            for stream in state.streams.drain(..) {
                // It may have been closed by itself.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        changed.notify_all();
    }
}

fn address_of(url: &str) -> SocketAddr {
    let address = url.strip_prefix("http://").expect("in plain text");
    address.trim_end_matches('/').parse().expect("an address")
}

fn connect(shared: &Arc<(Mutex<State>, Condvar)>, viewer: TcpStream) {
    let mut state = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    if state.passage == Passage::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(state.server) else {
        return;
    };
    let again = |stream: &TcpStream| stream.try_clone().expect("a socket can be shared");
    state.streams.extend([again(&viewer), again(&server)]);
    for (from, to) in [
        (again(&viewer), again(&server)),
        (again(&server), again(&viewer)),
    ] {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || pass_on(&shared, from, to));
    }
}

fn pass_on(shared: &(Mutex<State>, Condvar), mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let (state, changed) = shared;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.passage == Passage::Silent {
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
