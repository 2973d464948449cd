//! Every metric by name, with its kind, its labels and what it means. `docs/metrics.md` is made from this table.
//!
//! No label ever names a user or a session: their number is not bounded, and they are nobody's business.

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The label and what it can be; empty when there is none.
    pub(crate) labels: &'static str,
    pub(crate) help: &'static str,
}

macro_rules! table {
    ($($konst:ident = $kind:ident $name:literal [$labels:literal] $help:literal;)+) => {
        $(pub(crate) const $konst: &str = $name;)+
        /// The table.
        pub(crate) const TABLE: &[Metric] = &[
            $(Metric { name: $name, kind: Kind::$kind, labels: $labels, help: $help },)+
        ];
    };
}

table! {
    SESSIONS = Gauge "bifocal_sessions" ["state: connecting, active, disconnected"]
        "Live sessions by state.";
    SESSIONS_STARTED = Counter "bifocal_sessions_started_total" [""]
        "Sessions that were created.";
    SESSIONS_ENDED = Counter "bifocal_sessions_ended_total" ["reason: grace_expired, shutdown, manual, fatal"]
        "Sessions that ended, by reason.";
    SESSION_SECONDS = Histogram "bifocal_session_seconds" [""]
        "How long sessions lasted, in seconds.";
    SESSION_CONNECTED_SECONDS = Histogram "bifocal_session_connected_seconds" [""]
        "How long of it glasses were connected, in seconds.";
    SESSION_RECONNECTIONS = Histogram "bifocal_session_reconnections" [""]
        "How often the glasses of a session came back.";
    SESSION_APPS = Histogram "bifocal_session_apps" [""]
        "How many apps ran in a session.";
    SESSION_AUDIO_BYTES = Counter "bifocal_session_audio_bytes_total" [""]
        "Sound from glasses, in bytes, added when a session ends.";
    SESSION_RELAYED = Counter "bifocal_session_relayed_total" [""]
        "Events handed to apps, added when a session ends.";
    SESSION_TRANSCRIPTS = Counter "bifocal_session_transcripts_total" [""]
        "Transcriptions handed on, added when a session ends.";
    DISPLAY_FRAMES = Counter "bifocal_display_frames_total" ["what: requested, sent"]
        "Display requests of apps, and frames drawn on glasses.";
    DISPLAY_OUTCOMES = Counter "bifocal_display_outcomes_total" ["outcome: shown, held, replaced, refused"]
        "What became of display requests; one that was held is counted again when it is shown or replaced.";
    DISPLAY_REFUSALS = Counter "bifocal_display_refusals_total" ["reason: view, size, waiting"]
        "Why display requests were refused: the view is not for apps, too many or too large pictures, too many apps wait.";
    LINKS = Gauge "bifocal_links" ["side: glasses, app"]
        "Open sockets that belong to a session.";
    RECONNECTIONS = Counter "bifocal_reconnections_total" ["side: glasses, app"]
        "Links that came back to a session that was waiting for them.";
    RESTORES = Counter "bifocal_restores_total" [""]
        "Sessions that were brought back from a snapshot.";
    REFUSALS = Counter "bifocal_refusals_total" ["reason: see docs/wire.md"]
        "Inputs and connections that were refused, by reason.";
    INPUTS = Counter "bifocal_inputs_total" ["kind: what happened to a session"]
        "Inputs handled by sessions, by kind.";
    SOUND_FRAMES = Counter "bifocal_sound_frames_total" ["transport: socket, udp"]
        "Frames and packets of sound that phones sent.";
    SOUND_LOST = Counter "bifocal_sound_lost_total" [""]
        "Packets of sound that did not come, as the numbers of those that came tell.";
    SOUND_DUPLICATES = Counter "bifocal_sound_duplicates_total" [""]
        "Packets of sound that came twice, or too late.";
    SOUND_UNDECODABLE = Counter "bifocal_sound_undecodable_total" [""]
        "LC3 frames that could not be decoded, and packets that could not be decrypted.";
    SOUND_DISCARDED = Counter "bifocal_sound_discarded_total" [""]
        "Frames and packets that came another way than the one that their phone had announced.";
    MAILBOX_WAIT = Histogram "bifocal_mailbox_wait_seconds" [""]
        "How long an input waited for its session, in seconds.";
    HANDLE = Histogram "bifocal_handle_seconds" [""]
        "How long a session took for a batch of inputs, in seconds.";
    DEADLINE_LATENESS = Histogram "bifocal_deadline_lateness_seconds" ["deadline: its name"]
        "How late deadlines were met, in seconds.";
    OUTBOX_BYTES = Gauge "bifocal_outbox_bytes" ["lane: control, latest, data, audio"]
        "Bytes that wait to be written to sockets.";
    OUTBOX_DROPPED = Counter "bifocal_outbox_dropped_total" ["lane: latest (replaced), audio (oldest)"]
        "Frames that were replaced or dropped because a socket was slow.";
    OUTBOX_OVERFLOWS = Counter "bifocal_outbox_overflows_total" ["lane: the frame that was too much"]
        "Sockets closed with 1013 because they did not take what was sent.";
    CALLS = Counter "bifocal_calls_total"
        ["call: load_user, save_running, save_settings, verify_token, weather, health, photo, photo_failed, media, webhook_start, webhook_stop; outcome: ok, failed"]
        "Slow things done for sessions, by kind and outcome.";
    WEBHOOK_SECONDS = Histogram "bifocal_webhook_seconds" ["call: webhook_start, webhook_stop"]
        "How long webhooks took, all attempts together, in seconds.";
    SPEECH_SECONDS = Histogram "bifocal_speech_seconds" ["engine: its name in the configuration"]
        "From the arrival of the end of some sound to its final words, in seconds.";
    WORDS_SECONDS = Histogram "bifocal_words_seconds" ["hop: recognised, app, shown"]
        "Where the time goes from the arrival of sound over an app to the frame that follows its words, in seconds.";
    SPEECH_FAILURES = Counter "bifocal_speech_failures_total"
        ["engine: its name in the configuration; fault: refused, busy, lost, stalled, unsupported, unavailable"]
        "Streams of speech engines that ended against their will.";
    SPEECH_BEHIND = Counter "bifocal_speech_behind_total" ["engine: its name in the configuration"]
        "How often an engine fell more than five seconds behind.";
    SPEECH_LOST = Counter "bifocal_speech_lost_milliseconds_total" [""]
        "Sound that no engine took over in time, in milliseconds.";
    VOICE_SECONDS = Histogram "bifocal_voice_seconds" ["engine: its name in the configuration"]
        "From a text to the first of its sound, in seconds.";
    PHOTOS = Counter "bifocal_photos_total" ["result: ok, or the code of the failure; `other` for codes that are not known"]
        "Photos that apps have asked for, by what became of them.";
    PHOTO_SECONDS = Histogram "bifocal_photo_seconds" ["stage: taking, transfer, delivery, total"]
        "How long photos took, in seconds: until the first byte came, until the last, until it was delivered, and from the request.";
    PHOTOS_LATE = Counter "bifocal_photo_late_answers_total" [""]
        "Answers about photos that were over.";
    CAMERA_STREAMS = Gauge "bifocal_camera_streams" ["kind: direct, managed"]
        "Streams of cameras that run or begin.";
    CAMERA_STREAMS_ENDED = Counter "bifocal_camera_streams_ended_total" ["reason: see docs/camera.md"]
        "Streams of cameras that are over, whoever carried them.";
    CAMERA_STREAM_STAGES = Histogram "bifocal_camera_stream_stage_seconds" ["stage: place, start, watch"]
        "How long streams of cameras took to begin, in seconds: until there was a place, until the glasses streamed, until it could be watched.";
    CAMERA_STREAM_SECONDS = Histogram "bifocal_camera_stream_seconds" [""]
        "How long streams of cameras lasted, in seconds.";
    EVENTS_DROPPED = Counter "bifocal_product_events_dropped_total" [""]
        "Product events that the sink could not take.";
    STREAMS = Gauge "bifocal_streams" ["phase: waiting, preparing, live, lost"]
        "Managed streams of the embedded media server.";
    STREAMS_ENDED = Counter "bifocal_streams_ended_total" ["reason: deleted, never_started, publisher_lost, shutdown"]
        "Managed streams that ended, by reason.";
    STREAM_VIEWERS = Gauge "bifocal_stream_viewers" [""]
        "Players that asked for a managed stream within the last seconds.";
    STREAM_OUTPUTS = Gauge "bifocal_stream_outputs" ["state: connecting, active, failed"]
        "Copies of managed streams to other servers.";
    STREAM_CONNECTIONS = Gauge "bifocal_stream_connections" [""]
        "RTMP connections, publishers and strangers.";
    STREAM_MEMORY = Gauge "bifocal_stream_memory_bytes" [""]
        "Segments and groups of pictures that are kept, in bytes.";
    STREAM_INGEST_BYTES = Counter "bifocal_stream_ingest_bytes_total" [""]
        "Bytes that publishers sent.";
    STREAM_INGEST_FRAMES = Counter "bifocal_stream_ingest_frames_total" [""]
        "Pictures and frames of sound that publishers sent.";
    STREAM_SEGMENTS = Counter "bifocal_stream_segments_total" [""]
        "Segments that were made.";
    STREAM_SERVED_BYTES = Counter "bifocal_stream_served_bytes_total" [""]
        "Bytes of segments that viewers asked for.";
    STREAM_DROPPED = Counter "bifocal_stream_output_dropped_total" [""]
        "Frames that were left out for a target that was slow.";
    STREAM_REFUSALS = Counter "bifocal_stream_refusals_total" ["reason: see docs/camera.md"]
        "Publishers that were sent away, by reason.";
    LOOP_LAG = Histogram "bifocal_event_loop_lag_seconds" [""]
        "How late a timer of 100 ms fires, in seconds: the health of the event loop.";
    TASKS = Gauge "bifocal_tasks" [""]
        "Live tasks of the runtime.";
    UPTIME = Gauge "bifocal_uptime_seconds" [""]
        "Seconds since the server began.";
    MEMORY = Gauge "bifocal_resident_memory_bytes" [""]
        "Resident memory of the process, in bytes.";
    FILES = Gauge "bifocal_open_files" [""]
        "Open files of the process.";
}

/// The page `docs/metrics.md`: every metric with its meaning.
pub fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\nServed at `/metrics` in the text form of Prometheus. Made from `crates/server/src/metrics/names.rs`: change it \
         there, then run\n`UPDATE_DOCS=1 cargo test -p bifocal-server metrics`.\n\nNo label names a user or a session.\n\n\
         | name | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    for Metric { name, kind, labels, help } in TABLE {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        page.push_str(&format!("| `{name}` | {kind} | {labels} | {help} |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_made_from_the_table() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).expect("written");
        }
        let text = std::fs::read_to_string(path).expect("the page is there");
        assert!(text == page(), "docs/metrics.md is old: UPDATE_DOCS=1 cargo test -p bifocal-server metrics");
    }

    #[test]
    fn names_are_those_that_prometheus_likes() {
        for Metric { name, kind, help, .. } in TABLE {
            assert!(name.starts_with("bifocal_") && help.ends_with('.'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        }
        let mut names: Vec<_> = TABLE.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
