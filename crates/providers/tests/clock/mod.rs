//! Virtual time for tests with sockets. A paused clock moves whenever nobody has anything to do, and does not wait for what is
//! on its way through a socket; this one moves only in [`pass`], in small steps.

use std::time::Duration;

/// While it lives the clock moves only in [`pass`]: a paused clock does not move by itself while a blocking task runs.
pub(crate) struct Clock(#[expect(dead_code, reason = "its end is the message")] std::sync::mpsc::Sender<()>);

impl Clock {
    pub(crate) fn hold() -> Self {
        let (held, end) = std::sync::mpsc::channel();
        tokio::task::spawn_blocking(move || end.recv());
        Self(held)
    }
}

/// Time passes, and both ends do what is to be done at each step.
pub(crate) async fn pass(time: Duration) {
    const STEP: Duration = Duration::from_millis(20);
    let end = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() < end {
        tokio::time::advance(STEP.min(end - tokio::time::Instant::now())).await;
        for _ in 0..32 {
            tokio::task::yield_now().await;
        }
    }
}
