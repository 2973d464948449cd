//! Virtual time for tests with sockets, and what a stream says in it. A paused clock moves whenever nobody has anything to do, and does not wait for what is
//! on its way through a socket; this one moves only in [`pass`], in small steps.

use std::time::Duration;

use bifocal_providers::{Event, Failure, Stream};
use tokio::sync::mpsc::error::TryRecvError;

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

/// Everything up to an event, in two minutes of the stream's own time.
pub(crate) async fn until(stream: &mut Stream, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..120 * 50 {
        match stream.events.try_recv() {
            Ok(event) => {
                let last = wanted(&event);
                events.push(event);
                if last {
                    return events;
                }
            }
            Err(TryRecvError::Empty) => pass(Duration::from_millis(20)).await,
            Err(TryRecvError::Disconnected) => break,
        }
    }
    panic!("every wait of an engine has an end: {events:?}");
}

pub(crate) fn is_end(event: &Event) -> bool {
    matches!(event, Event::Failed(_) | Event::Closed)
}

pub(crate) async fn failure(stream: &mut Stream) -> Failure {
    match until(stream, is_end).await.pop() {
        Some(Event::Failed(failure)) => failure,
        other => panic!("it should have failed: {other:?}"),
    }
}
