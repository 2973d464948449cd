//! The numbers of a server. Each server has a registry of its own; handles are made once, so that counting is one atomic
//! addition.

mod names;
mod process;
mod sound;
mod streams;

use std::time::Duration;

use bifocal_session::{Deadline, DisplayStats, Input, Lane, Note, Refused, SessionState, SessionSummary, Side};
use metrics::{Counter, Gauge, Histogram, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub use names::page;
use names::{Kind, TABLE};
pub(crate) use sound::SoundMetrics;

/// Seconds, for what takes microseconds to seconds.
const FAST: [f64; 14] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0];
/// Seconds, for what a person waits for.
const HUMAN: [f64; 12] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0];
/// Seconds, for what takes a person's time.
const SLOW: [f64; 10] = [1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 86_400.0];
/// Small numbers.
const FEW: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 25.0, 100.0];

/// Every handle.
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    recorder: PrometheusRecorder,
    sessions: [Gauge; 3],
    pub(crate) sessions_started: Counter,
    links: [Gauge; 2],
    reconnections: [Counter; 2],
    inputs: [Counter; INPUT_KINDS.len()],
    display: [Counter; 6],
    display_refused: [Counter; Refused::EVERY.len()],
    pub(crate) mailbox_wait: Histogram,
    pub(crate) handle_time: Histogram,
    pub(crate) outbox: OutboxMetrics,
    pub(crate) sound: SoundMetrics,
    pub(crate) loop_lag: Histogram,
    pub(crate) events_dropped: Counter,
}

/// What outboxes count, by lane.
#[derive(Clone)]
pub(crate) struct OutboxMetrics {
    bytes: [Gauge; 4],
    dropped: [Counter; 4],
    overflows: [Counter; 4],
}

const LANES: [&str; 4] = ["control", "latest", "data", "audio"];
const SIDES: [&str; 2] = ["glasses", "app"];
const STATES: [SessionState; 3] = [SessionState::Connecting, SessionState::Active, SessionState::Disconnected];
const INPUT_KINDS: [&str; 17] = [
    "glasses_connected",
    "glasses_text",
    "glasses_binary",
    "app_connected",
    "app_text",
    "app_binary",
    "oversized",
    "alive",
    "closed",
    "call_done",
    "asked",
    "user_changed",
    "end",
    "from_peers",
    "speech",
    "speech_engines",
    "media",
];

impl Metrics {
    pub(crate) fn new() -> Self {
        let recorder = recorder();
        describe(&recorder);
        let counter =
            |name: &'static str, label: &'static str, value: &'static str| counter(&recorder, name, label, value);
        let gauge = |name: &'static str, label: &'static str, value: &'static str| gauge(&recorder, name, label, value);
        let lane_counters = |name| LANES.map(|lane| counter(name, "lane", lane));
        let sessions = STATES.map(|state| gauge(names::SESSIONS, "state", state.name()));
        for state in &sessions {
            state.set(0.0);
        }
        let metrics = Self {
            sessions,
            sessions_started: counter(names::SESSIONS_STARTED, "", ""),
            links: SIDES.map(|side| gauge(names::LINKS, "side", side)),
            reconnections: SIDES.map(|side| counter(names::RECONNECTIONS, "side", side)),
            inputs: INPUT_KINDS.map(|kind| counter(names::INPUTS, "kind", kind)),
            display: [
                counter(names::DISPLAY_FRAMES, "what", "requested"),
                counter(names::DISPLAY_FRAMES, "what", "sent"),
                counter(names::DISPLAY_OUTCOMES, "outcome", "shown"),
                counter(names::DISPLAY_OUTCOMES, "outcome", "held"),
                counter(names::DISPLAY_OUTCOMES, "outcome", "replaced"),
                counter(names::DISPLAY_OUTCOMES, "outcome", "refused"),
            ],
            display_refused: Refused::EVERY.map(|why| counter(names::DISPLAY_REFUSALS, "reason", why.name())),
            mailbox_wait: histogram(&recorder, names::MAILBOX_WAIT, "", ""),
            handle_time: histogram(&recorder, names::HANDLE, "", ""),
            outbox: OutboxMetrics {
                bytes: LANES.map(|lane| gauge(names::OUTBOX_BYTES, "lane", lane)),
                dropped: lane_counters(names::OUTBOX_DROPPED),
                overflows: lane_counters(names::OUTBOX_OVERFLOWS),
            },
            sound: SoundMetrics {
                frames: ["socket", "udp"].map(|transport| counter(names::SOUND_FRAMES, "transport", transport)),
                lost: counter(names::SOUND_LOST, "", ""),
                duplicates: counter(names::SOUND_DUPLICATES, "", ""),
                undecodable: counter(names::SOUND_UNDECODABLE, "", ""),
                discarded: counter(names::SOUND_DISCARDED, "", ""),
            },
            loop_lag: histogram(&recorder, names::LOOP_LAG, "", ""),
            events_dropped: counter(names::EVENTS_DROPPED, "", ""),
            handle: recorder.handle(),
            recorder,
        };
        metrics.counter(names::RESTORES, "", "").absolute(0);
        metrics
    }

    fn counter(&self, name: &'static str, label: &'static str, value: &'static str) -> Counter {
        counter(&self.recorder, name, label, value)
    }

    /// A socket was attached to a session, or is gone.
    pub(crate) fn link(&self, side: Side, change: f64) {
        self.links[side as usize].increment(change);
    }

    /// A session is in another state than before.
    pub(crate) fn session_state(&self, from: Option<SessionState>, to: Option<SessionState>) {
        let gauge = |state| STATES.iter().position(|known| *known == state).map(|index| &self.sessions[index]);
        if let Some(gauge) = from.and_then(gauge) {
            gauge.decrement(1.0);
        }
        if let Some(gauge) = to.and_then(gauge) {
            gauge.increment(1.0);
        }
    }

    pub(crate) fn input(&self, input: &Input) {
        let index = match input {
            Input::GlassesConnected { .. } => 0,
            Input::GlassesText { .. } => 1,
            Input::GlassesBinary { .. } => 2,
            Input::AppConnected { .. } => 3,
            Input::AppText { .. } => 4,
            Input::AppBinary { .. } => 5,
            Input::Oversized { .. } => 6,
            Input::Alive { .. } | Input::Confirmed { .. } => 7,
            Input::Closed { .. } => 8,
            Input::CallDone { .. } => 9,
            Input::Asked { .. } => 10,
            Input::UserChanged => 11,
            Input::End { .. } => 12,
            Input::FromPeers(_) => 13,
            Input::Speech { .. } => 14,
            Input::SpeechEngines { .. } => 15,
            Input::Media(_) => 16,
        };
        self.inputs[index].increment(1);
    }

    /// What displays have done since it was last told.
    pub(crate) fn display(&self, before: &DisplayStats, now: &DisplayStats) {
        let of = |stats: &DisplayStats| {
            let refused: u64 = stats.refused.iter().sum();
            [stats.requested, stats.sent, stats.shown, stats.held, stats.replaced, refused]
        };
        let numbers = of(before).into_iter().zip(of(now)).zip(&self.display);
        let refusals = before.refused.into_iter().zip(now.refused).zip(&self.display_refused);
        for ((before, now), counter) in numbers.chain(refusals) {
            if now > before {
                counter.increment(now - before);
            }
        }
    }

    pub(crate) fn deadline(&self, deadline: &Deadline, late: Duration) {
        histogram(&self.recorder, names::DEADLINE_LATENESS, "deadline", deadline.name()).record(late);
    }

    /// What a session noted, where it is worth a number.
    pub(crate) fn note(&self, note: &Note) {
        let reason = match note {
            Note::PhotoEnded { result, after, .. } => return self.photo_ended(result, *after),
            Note::PhotoLate => return self.counter(names::PHOTOS_LATE, "", "").increment(1),
            Note::StreamBegan { managed, .. } => return self.stream(*managed, 1.0),
            Note::StreamStage { stage, after } => {
                let took = Duration::from_millis(*after);
                return histogram(&self.recorder, names::CAMERA_STREAM_STAGES, "stage", stage).record(took);
            }
            Note::StreamEnded { managed, reason, after } => {
                self.stream(*managed, -1.0);
                self.counter(names::CAMERA_STREAMS_ENDED, "reason", reason).increment(1);
                return histogram(&self.recorder, names::CAMERA_STREAM_SECONDS, "", "").record(*after as f64 / 1000.0);
            }
            Note::GlassesConnected { reconnection: true } => return self.reconnections[0].increment(1),
            Note::SpeechFailed { .. }
            | Note::SpeechGap { .. }
            | Note::SpeechBacklog { .. }
            | Note::SpeechHeard { .. }
            | Note::WordsShown(_) => return self.speech(note),
            Note::AppReturned(_) => return self.reconnections[1].increment(1),
            Note::Malformed(Side::Glasses) => "glasses_malformed",
            Note::Malformed(Side::App) => "app_malformed",
            Note::Oversized(Side::Glasses) => "glasses_oversized",
            Note::Oversized(Side::App) => "app_oversized",
            Note::UnknownType(Side::Glasses) => "glasses_unknown_type",
            Note::UnknownType(Side::App) => "app_unknown_type",
            Note::ForeignPackage(_) => "foreign_package",
            Note::SubscriptionRefused(_) => "subscription",
            Note::AppRejected(..) => "app_rejected",
            Note::AppFailed(..) => "app_start_failed",
            _ => return,
        };
        self.refused(reason);
    }

    fn speech(&self, note: &Note) {
        let named = |engine: &Option<std::sync::Arc<str>>| {
            Label::new("engine", engine.as_deref().unwrap_or("unknown").to_owned())
        };
        let count = |name: &'static str, labels: Vec<Label>, by: u64| {
            self.recorder.register_counter(&metrics::Key::from_parts(name, labels), &METADATA).increment(by);
        };
        let took = |name: &'static str, label: Label, ms: u64| {
            let key = metrics::Key::from_parts(name, vec![label]);
            self.recorder.register_histogram(&key, &METADATA).record(ms as f64 / 1000.0);
        };
        match note {
            Note::SpeechFailed { engine, fault } => {
                count(names::SPEECH_FAILURES, vec![named(engine), Label::from_static_parts("fault", fault)], 1);
            }
            Note::SpeechGap { ms } => count(names::SPEECH_LOST, vec![], *ms),
            Note::SpeechBacklog { engine, .. } => count(names::SPEECH_BEHIND, vec![named(engine)], 1),
            Note::SpeechHeard { engine, lag: Some(lag), is_final: true } => {
                took(names::SPEECH_SECONDS, named(engine), *lag);
            }
            Note::WordsShown(lag) => {
                for (hop, ms) in [("recognised", lag.recognised), ("app", lag.app), ("shown", lag.shown)] {
                    took(names::WORDS_SECONDS, Label::from_static_parts("hop", hop), ms);
                }
            }
            _ => {}
        }
    }

    /// An engine has begun to speak.
    pub(crate) fn spoken(&self, engine: &std::sync::Arc<str>, took: Duration) {
        let key = metrics::Key::from_parts(names::VOICE_SECONDS, vec![Label::new("engine", engine.to_string())]);
        self.recorder.register_histogram(&key, &METADATA).record(took);
    }

    fn photo_ended(&self, result: &'static str, after: u64) {
        self.counter(names::PHOTOS, "result", result).increment(1);
        if result == "ok" {
            self.photo_stage("total", Duration::from_millis(after));
        }
    }

    /// How long a stage of a photo took.
    pub(crate) fn photo_stage(&self, stage: &'static str, took: Duration) {
        histogram(&self.recorder, names::PHOTO_SECONDS, "stage", stage).record(took);
    }

    fn stream(&self, managed: bool, change: f64) {
        let kind = if managed { "managed" } else { "direct" };
        gauge(&self.recorder, names::CAMERA_STREAMS, "kind", kind).increment(change);
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.counter(names::REFUSALS, "reason", reason).increment(1);
    }

    pub(crate) fn call(&self, call: &'static str, good: bool, took: Duration) {
        let labels = [("call", call), ("outcome", if good { "ok" } else { "failed" })];
        let labels = labels.map(|(key, value)| Label::from_static_parts(key, value)).to_vec();
        let key = metrics::Key::from_parts(names::CALLS, labels);
        self.recorder.register_counter(&key, &METADATA).increment(1);
        if call.starts_with("webhook") {
            histogram(&self.recorder, names::WEBHOOK_SECONDS, "call", call).record(took);
        }
    }

    /// A session has failed; nobody knows any more what it was.
    pub(crate) fn session_failed(&self) {
        self.counter(names::SESSIONS_ENDED, "reason", "fatal").increment(1);
    }

    /// A session is over.
    pub(crate) fn session_ended(&self, reason: &'static str, summary: &SessionSummary) {
        self.counter(names::SESSIONS_ENDED, "reason", reason).increment(1);
        let record = |name, value: f64| histogram(&self.recorder, name, "", "").record(value);
        record(names::SESSION_SECONDS, summary.duration_ms as f64 / 1000.0);
        record(names::SESSION_CONNECTED_SECONDS, summary.connected_ms as f64 / 1000.0);
        record(names::SESSION_RECONNECTIONS, f64::from(summary.reconnections));
        record(names::SESSION_APPS, summary.apps.len() as f64);
        let add = |name, value: u64| self.counter(name, "", "").increment(value);
        add(names::SESSION_AUDIO_BYTES, summary.audio_bytes);
        add(names::SESSION_RELAYED, summary.relayed);
        add(names::SESSION_TRANSCRIPTS, summary.transcripts);
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self, uptime: Duration) -> String {
        let set = |name, value: f64| gauge(&self.recorder, name, "", "").set(value);
        set(names::UPTIME, uptime.as_secs_f64());
        set(names::TASKS, tokio::runtime::Handle::current().metrics().num_alive_tasks() as f64);
        if let Some(bytes) = process::resident_bytes() {
            set(names::MEMORY, bytes as f64);
        }
        if let Some(files) = process::open_files() {
            set(names::FILES, files as f64);
        }
        self.handle.render()
    }

    /// Moves recorded values into their buckets; without it they would pile up between two readings of `/metrics`.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl OutboxMetrics {
    pub(crate) fn waiting(&self, lane: Lane, bytes: usize) {
        self.bytes[lane_index(lane)].increment(bytes as f64);
    }

    pub(crate) fn taken(&self, lane: Lane, bytes: usize) {
        self.bytes[lane_index(lane)].decrement(bytes as f64);
    }

    pub(crate) fn dropped(&self, lane: Lane) {
        self.dropped[lane_index(lane)].increment(1);
    }

    pub(crate) fn overflow(&self, lane: Lane) {
        self.overflows[lane_index(lane)].increment(1);
    }
}

fn lane_index(lane: Lane) -> usize {
    match lane {
        Lane::Control => 0,
        Lane::Latest(_) => 1,
        Lane::Data => 2,
        Lane::Audio => 3,
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(…)")
    }
}

impl std::fmt::Debug for OutboxMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutboxMetrics(…)")
    }
}

static METADATA: Metadata<'static> = Metadata::new("bifocal", Level::INFO, None);

fn recorder() -> PrometheusRecorder {
    let buckets = |builder: PrometheusBuilder, name: &str, buckets: &[f64]| {
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets).expect("the tables have buckets")
    };
    let builder = PrometheusBuilder::new().set_buckets(&FAST).expect("the table has buckets");
    let builder = buckets(builder, names::PHOTO_SECONDS, &HUMAN);
    let builder = buckets(builder, names::CAMERA_STREAM_STAGES, &HUMAN);
    let builder = buckets(builder, names::CAMERA_STREAM_SECONDS, &SLOW);
    let builder = buckets(builder, names::SESSION_SECONDS, &SLOW);
    let builder = buckets(builder, names::SESSION_CONNECTED_SECONDS, &SLOW);
    let builder = buckets(builder, names::SESSION_RECONNECTIONS, &FEW);
    let builder = buckets(builder, names::SESSION_APPS, &FEW);
    builder.build_recorder()
}

fn describe(recorder: &PrometheusRecorder) {
    for metric in TABLE {
        match metric.kind {
            Kind::Counter => recorder.describe_counter(metric.name.into(), None, metric.help.into()),
            Kind::Gauge => recorder.describe_gauge(metric.name.into(), None, metric.help.into()),
            Kind::Histogram => recorder.describe_histogram(metric.name.into(), None, metric.help.into()),
        }
    }
}

fn key(name: &'static str, label: &'static str, value: &'static str) -> metrics::Key {
    match label {
        "" => metrics::Key::from_static_name(name),
        label => metrics::Key::from_parts(name, vec![Label::from_static_parts(label, value)]),
    }
}

fn counter(recorder: &PrometheusRecorder, name: &'static str, label: &'static str, value: &'static str) -> Counter {
    recorder.register_counter(&key(name, label, value), &METADATA)
}

fn gauge(recorder: &PrometheusRecorder, name: &'static str, label: &'static str, value: &'static str) -> Gauge {
    recorder.register_gauge(&key(name, label, value), &METADATA)
}

fn histogram(recorder: &PrometheusRecorder, name: &'static str, label: &'static str, value: &'static str) -> Histogram {
    recorder.register_histogram(&key(name, label, value), &METADATA)
}
