//! Streams of the simulated glasses: what starts and ends one, and what the cloud is told of it.
//!
//! | state | what happens | the cloud is told | then |
//! |---|---|---|---|
//! | idle | a start | `initializing` | starting |
//! | starting | the first picture goes out | `active` | live |
//! | starting | it fails, or takes 10 s | `error` and why | idle |
//! | live | pictures go out | `active` with numbers, each 5 s | live |
//! | live | it fails, or stands still for 15 s | `reconnecting` and why | coming back |
//! | coming back | the first picture goes out | `reconnected` | live |
//! | coming back | the third try fails | `reconnect_failed` and why | idle |
//! | any | as long as the app wished | `stopped` | idle |
//! | any | a stop, whichever stream it names: as today's phones | `stopping`, `stopped` | idle |
//! | any | a start of another stream | the same | starting |
//! | any | a start of the same stream | how it is | the same |
//! | any | 60 s without a keep-alive | `timeout` | idle |

use std::path::PathBuf;
use std::time::Duration;

use bifocal_protocol::json::Object;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::publisher::{Beat, Publisher, Wish};
use crate::clean;

/// How often a lost stream is tried again.
const TRIES: u32 = 3;
/// The one that runs, and one that is being ended.
const MAX_STREAMS: usize = 2;
/// Reports that wait for the phone; a stream waits for room beyond.
const REPORTS: usize = 32;
const ORDERS: usize = 16;

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the first picture has gone out.
    start: Duration,
    /// Without any after that.
    stall: Duration,
    /// Between two tries to come back.
    pause: Duration,
    /// Glasses stop by themselves when nobody asks for so long whether they go on.
    unasked: Duration,
    /// Between two statuses that bring new numbers only.
    numbers: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let (start, stall, pause) = (seconds(10), seconds(15), seconds(2));
        Self { start, stall, pause, unasked: seconds(60), numbers: seconds(5) }
    }
}

/// `start_rtmp_stream`, `start_stream`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StreamRequest {
    pub(super) stream_id: String,
    pub(super) app_id: String,
    #[serde(alias = "streamUrl")]
    pub(super) rtmp_url: String,
    pub(super) video: Object,
    pub(super) audio: Object,
    pub(super) stream: Object,
    /// It came as `start_stream`, so the answers are `stream_status`.
    #[serde(skip)]
    pub(super) new_names: bool,
}

/// `stop_rtmp_stream`, `stop_stream`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StreamStop {
    pub(super) stream_id: String,
    pub(super) app_id: String,
    #[serde(skip)]
    pub(super) new_names: bool,
}

/// `keep_rtmp_stream_alive`, `keep_stream_alive`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct KeepAlive {
    pub(super) stream_id: String,
    pub(super) ack_id: String,
}

/// How a stream is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    pub(super) stream: String,
    pub(super) app: String,
    pub(super) new_names: bool,
    /// A word of the wire.
    pub(super) status: &'static str,
    pub(super) why: Option<String>,
    pub(super) stats: Option<Value>,
}

impl StreamRequest {
    /// The camera cannot.
    pub(super) fn refused(self, why: &str) -> Report {
        let Self { stream_id: stream, app_id: app, new_names, .. } = self;
        Report { stream, app, new_names, status: "error", why: Some(why.to_owned()), stats: None }
    }
}

impl Report {
    /// Nothing follows.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.status, "stopped" | "error" | "reconnect_failed" | "timeout")
    }
}

/// What the stream that runs is told.
enum Order {
    /// The cloud wants it to go on.
    Alive,
    Stop,
}

struct Running {
    latest: Report,
    orders: mpsc::Sender<Order>,
}

/// The streams of one phone. All of them end with the value.
pub(super) struct Streams {
    program: Option<PathBuf>,
    patience: Patience,
    now: Option<Running>,
    tasks: JoinSet<()>,
    tell: mpsc::Sender<Report>,
    told: mpsc::Receiver<Report>,
}

impl Streams {
    /// Glasses that stream with this `ffmpeg`; that know nothing of streams when there is none.
    pub(super) fn new(program: Option<PathBuf>, patience: Patience) -> Self {
        let (tell, told) = mpsc::channel(REPORTS);
        Self { program, patience, now: None, tasks: JoinSet::new(), tell, told }
    }

    /// Whether a stream is a thing that these glasses know.
    pub(super) fn are_known(&self) -> bool {
        self.program.is_some()
    }

    /// Whether the camera streams.
    pub(super) fn is_on(&self) -> bool {
        self.now.is_some()
    }

    /// Begins a stream; gives what is to be said at once.
    pub(super) fn start(&mut self, request: StreamRequest) -> Report {
        let StreamRequest { stream_id: stream, app_id: app, new_names, .. } = &request;
        let (stream, app) = (stream.clone(), app.clone());
        let report = Report { stream, app, new_names: *new_names, status: "initializing", why: None, stats: None };
        if let Some(same) = self.now.as_ref().filter(|now| now.latest.stream == report.stream) {
            return same.latest.clone();
        }
        let failed = |why: String| Report { status: "error", why: Some(why), ..report.clone() };
        let wish = match Wish::new(&request.rtmp_url, &request.video, &request.audio, &request.stream) {
            Ok(wish) => wish,
            Err(why) => return failed(why),
        };
        while self.tasks.try_join_next().is_some() {}
        if self.tasks.len() >= MAX_STREAMS {
            return failed("the stream before is still being ended".to_owned());
        }
        self.end();
        let Some(program) = self.program.clone() else { return failed("these glasses do not stream".to_owned()) };
        let (orders, obeys) = mpsc::channel(ORDERS);
        let (tell, patience) = (self.tell.clone(), self.patience);
        let stream = Stream { report: report.clone(), program, wish, patience, tell, orders: obeys };
        self.tasks.spawn(stream.run());
        self.now = Some(Running { latest: report.clone(), orders });
        report
    }

    /// Ends whatever runs; gives what is to be said at once when nothing does.
    pub(super) fn stop(&mut self, stop: StreamStop) -> Option<Report> {
        if self.end() {
            return None;
        }
        let StreamStop { stream_id: stream, app_id: app, new_names } = stop;
        Some(Report { stream, app, new_names, status: "stopped", why: None, stats: None })
    }

    /// The cloud asks whether a stream goes on; true when it does.
    pub(super) fn goes_on(&mut self, stream: &str) -> bool {
        let Some(now) = self.now.as_ref().filter(|now| now.latest.stream == stream) else { return false };
        // A full queue has one of them already.
        let _ = now.orders.try_send(Order::Alive);
        true
    }

    /// Waits for the next report; for ever while there is none.
    ///
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Report {
        // It fails only when every sender is gone, and one is ours.
        let Some(report) = self.told.recv().await else { return std::future::pending().await };
        if let Some(now) = self.now.as_mut().filter(|now| now.latest.stream == report.stream) {
            now.latest = report.clone();
            if report.is_final() {
                self.now = None;
            }
        }
        report
    }

    fn end(&mut self) -> bool {
        let Some(now) = self.now.take() else { return false };
        // Full of keep-alives: the end of the channel says the same.
        let _ = now.orders.try_send(Order::Stop);
        true
    }
}

/// One stream, in a task of its own.
struct Stream {
    report: Report,
    program: PathBuf,
    wish: Wish,
    patience: Patience,
    tell: mpsc::Sender<Report>,
    orders: mpsc::Receiver<Order>,
}

/// How a try to stream ended.
enum Ended {
    /// Nothing more is to be done; said already.
    Over,
    /// Before or after the first picture.
    Failed { was_live: bool, why: String },
}

impl Stream {
    async fn run(mut self) {
        let mut unasked = Instant::now() + self.patience.unasked;
        let (mut came_back, mut left) = (false, 0);
        loop {
            let Ended::Failed { was_live, why } = self.attempt(came_back, &mut unasked).await else { return };
            if was_live {
                (came_back, left) = (true, TRIES);
                self.say("reconnecting", Some(why), None).await;
            } else if !came_back {
                return self.say("error", Some(why), None).await;
            } else if left == 0 {
                return self.say("reconnect_failed", Some(why), None).await;
            }
            left -= 1;
            if self.pause(&mut unasked).await.is_none() {
                return;
            }
        }
    }

    /// Streams until it fails, or is over.
    async fn attempt(&mut self, came_back: bool, unasked: &mut Instant) -> Ended {
        let mut publisher = match Publisher::start(&self.program, &self.wish) {
            Ok(publisher) => publisher,
            Err(why) => return Ended::Failed { was_live: false, why },
        };
        let mut is_live = false;
        let mut latest = Instant::now() + self.patience.start;
        let mut numbers = Instant::now();
        loop {
            tokio::select! {
                beat = publisher.beat() => match beat {
                    Beat::Goes(stats) => {
                        latest = Instant::now() + self.patience.stall;
                        let status = if came_back && !is_live { "reconnected" } else { "active" };
                        if !is_live || numbers.elapsed() >= self.patience.numbers {
                            (is_live, numbers) = (true, Instant::now());
                            self.say(status, None, Some(stats.told())).await;
                        }
                    }
                    Beat::Finished => {
                        self.say("stopped", None, None).await;
                        return Ended::Over;
                    }
                    Beat::Failed(why) => return Ended::Failed { was_live: is_live, why },
                },
                order = self.orders.recv() => match order {
                    Some(Order::Alive) => *unasked = Instant::now() + self.patience.unasked,
                    Some(Order::Stop) | None => {
                        self.say("stopping", None, None).await;
                        publisher.finish().await;
                        self.say("stopped", None, None).await;
                        return Ended::Over;
                    }
                },
                () = sleep_until(*unasked) => {
                    publisher.finish().await;
                    self.forgotten().await;
                    return Ended::Over;
                }
                () = sleep_until(latest) => {
                    let why = format!("no picture gets through to {}", clean::line(&self.wish.host(), 100));
                    return Ended::Failed { was_live: is_live, why };
                }
            }
        }
    }

    /// Between two tries; `None` when the stream is over.
    async fn pause(&mut self, unasked: &mut Instant) -> Option<()> {
        let mut pause = std::pin::pin!(sleep(self.patience.pause));
        loop {
            tokio::select! {
                () = &mut pause => return Some(()),
                order = self.orders.recv() => match order {
                    Some(Order::Alive) => *unasked = Instant::now() + self.patience.unasked,
                    Some(Order::Stop) | None => {
                        self.say("stopped", None, None).await;
                        return None;
                    }
                },
                () = sleep_until(*unasked) => {
                    self.forgotten().await;
                    return None;
                }
            }
        }
    }

    async fn forgotten(&self) {
        let why = format!("nobody has asked for {} s whether it goes on", self.patience.unasked.as_secs());
        self.say("timeout", Some(why), None).await;
    }

    async fn say(&self, status: &'static str, why: Option<String>, stats: Option<Value>) {
        // It fails when the phone is gone, and then this task is, too.
        let _ = self.tell.send(Report { status, why, stats, ..self.report.clone() }).await;
    }
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
