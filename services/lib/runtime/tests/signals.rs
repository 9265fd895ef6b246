//! SIGTERM begins a stop. Alone in its program because signals concern the whole process.

use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use terrarium_runtime::shutdown_on_signals;

#[tokio::test]
async fn sigterm_triggers_the_shutdown() {
    let shutdown = shutdown_on_signals().expect("inside a runtime");
    assert!(!shutdown.is_triggered());
    kill_process(getpid(), Signal::TERM).expect("our own process");
    tokio::time::timeout(Duration::from_secs(10), shutdown.triggered())
        .await
        .expect("triggered before the deadline");
}
