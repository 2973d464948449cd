//! Product events: what happened to whom, for whoever wants to count it. Off by default.
//!
//! Fire and forget: an event goes into a bounded queue or, when that is full, nowhere. No session ever waits for a sink.
//! The user appears as the tag of the logs, not by address.

mod jsonl;
mod posthog;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::Timestamp;
use bifocal_protocol::ids::UserId;
use bifocal_session::{EndReason, Note, SessionSummary};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::clock::wall;
use crate::metrics::Metrics;
use crate::shared::user_tag;

/// Where product events go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EventSink {
    /// Nowhere.
    #[default]
    Off,
    /// One JSON object a line, appended to a file.
    JsonLines(PathBuf),
    /// The batch interface of PostHog.
    PostHog {
        /// `https://eu.i.posthog.com`
        url: String,
        /// The project's API key.
        key: String,
    },
}

/// Most events that wait.
const QUEUE: usize = 1024;
/// Most events of a batch.
const BATCH: usize = 100;
/// How long a batch is collected.
const COLLECT: Duration = Duration::from_secs(1);
/// How long the last batch may take when the server stops.
const FLUSH: Duration = Duration::from_secs(2);

/// One product event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Event {
    pub(crate) event: &'static str,
    /// The tag of the user.
    pub(crate) user: String,
    pub(crate) timestamp: Timestamp,
    pub(crate) properties: Value,
}

/// The queue in front of the sink.
#[derive(Debug)]
pub(crate) struct Events {
    queue: Option<mpsc::Sender<Event>>,
    metrics: Arc<Metrics>,
}

/// Writes batches somewhere.
enum Writer {
    JsonLines(jsonl::JsonLines),
    PostHog(posthog::PostHog),
}

impl Events {
    /// The queue and the task that empties it.
    pub(crate) fn begin(sink: &EventSink, metrics: Arc<Metrics>) -> (Events, Option<JoinHandle<()>>) {
        let writer = match sink {
            EventSink::Off => return (Events { queue: None, metrics }, None),
            EventSink::JsonLines(path) => Writer::JsonLines(jsonl::JsonLines::new(path.clone())),
            EventSink::PostHog { url, key } => match posthog::PostHog::new(url, key) {
                Ok(posthog) => Writer::PostHog(posthog),
                Err(why) => {
                    warn!(why, "product events are off");
                    return (Events { queue: None, metrics }, None);
                }
            },
        };
        let (queue, events) = mpsc::channel(QUEUE);
        let task = tokio::spawn(empty(events, writer, metrics.clone()));
        (Events { queue: Some(queue), metrics }, Some(task))
    }

    fn send(&self, event: &'static str, user: &UserId, properties: Value) {
        let Some(queue) = &self.queue else { return };
        let event = Event { event, user: user_tag(user), timestamp: wall(), properties };
        if queue.try_send(event).is_err() {
            self.metrics.events_dropped.increment(1);
        }
    }

    /// What a session noted, where it is an event.
    pub(crate) fn note(&self, user: &UserId, note: &Note) {
        if self.queue.is_none() {
            return;
        }
        match note {
            Note::GlassesConnected { reconnection: false } => self.send("connected", user, json!({})),
            Note::AppRunning { package, after, started: true } => {
                self.send("app_start", user, json!({ "package": package.as_str(), "after_ms": after }));
            }
            Note::AppStopped(package, reason) => {
                self.send("app_stop", user, json!({ "package": package.as_str(), "reason": reason.name() }));
            }
            _ => {}
        }
    }

    /// A session ended.
    pub(crate) fn ended(&self, user: &UserId, reason: EndReason, summary: &SessionSummary) {
        if self.queue.is_none() {
            return;
        }
        let apps: Vec<&str> = summary.apps.iter().map(|package| package.as_str()).collect();
        let properties = json!({
            "reason": reason.name(),
            "duration_ms": summary.duration_ms,
            "connected_ms": summary.connected_ms,
            "reconnections": summary.reconnections,
            "apps": apps,
            "audio_bytes": summary.audio_bytes,
            "relayed": summary.relayed,
            "transcripts": summary.transcripts,
            "display_frames": summary.display_frames,
        });
        self.send("disconnected", user, properties);
    }
}

/// Takes batches out of the queue until nobody can put anything in any more.
async fn empty(mut events: mpsc::Receiver<Event>, writer: Writer, metrics: Arc<Metrics>) {
    let mut batch = Vec::new();
    loop {
        if events.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let collected = async { while batch.len() < BATCH && events.recv_many(&mut batch, BATCH).await > 0 {} };
        let _ = tokio::time::timeout(COLLECT, collected).await;
        let written = match &writer {
            Writer::JsonLines(file) => file.write(&batch).await,
            Writer::PostHog(posthog) => posthog.send(&batch).await,
        };
        if let Err(why) = written {
            warn!(why, events = batch.len(), "product events were lost");
            metrics.events_dropped.increment(batch.len() as u64);
        }
        batch.clear();
    }
}

/// Waits a moment for the last batch.
pub(crate) async fn flush(task: Option<JoinHandle<()>>) {
    if let Some(task) = task {
        let abort = task.abort_handle();
        if tokio::time::timeout(FLUSH, task).await.is_err() {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserId {
        UserId::new("ann@example.org").expect("good")
    }

    #[tokio::test]
    async fn json_lines_have_every_event_and_no_address() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        let (events, task) = Events::begin(&EventSink::JsonLines(path.clone()), Arc::new(Metrics::new()));
        events.note(&user(), &Note::GlassesConnected { reconnection: false });
        events.note(&user(), &Note::GlassesConnected { reconnection: true });
        let summary = SessionSummary { duration_ms: 5, ..SessionSummary::default() };
        events.ended(&user(), EndReason::Manual, &summary);
        drop(events);
        flush(task).await;
        let text = std::fs::read_to_string(path).expect("written");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            (lines.len(), &lines[0]["event"], &lines[1]["event"]),
            (2, &json!("connected"), &json!("disconnected"))
        );
        assert_eq!(lines[1]["properties"]["duration_ms"], 5);
        assert!(!text.contains("ann@"), "{text}");
    }

    #[tokio::test]
    async fn a_sink_that_hangs_costs_events_and_nothing_else() {
        // A server that takes connections and never answers.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let metrics = Arc::new(Metrics::new());
        let sink = EventSink::PostHog { url, key: "key".to_owned() };
        let (events, task) = Events::begin(&sink, metrics.clone());
        for _ in 0..QUEUE * 2 {
            events.note(&user(), &Note::GlassesConnected { reconnection: false });
        }
        let text = metrics.render(Duration::ZERO);
        let line = text.lines().find(|line| line.starts_with("bifocal_product_events_dropped_total")).expect("counted");
        let dropped: u64 = line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!(dropped >= QUEUE as u64 - BATCH as u64, "{line}");
        task.expect("runs").abort();
    }
}
