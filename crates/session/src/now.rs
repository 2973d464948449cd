//! Time as data, and every duration of the session with the place it comes from.

use std::ops::{Add, Sub};

use bifocal_protocol::Timestamp;

/// Monotonic milliseconds since some start that the driver chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Add<u64> for Millis {
    type Output = Millis;

    fn add(self, ms: u64) -> Millis {
        Millis(self.0.saturating_add(ms))
    }
}

impl Sub for Millis {
    type Output = u64;

    /// Milliseconds from `earlier` to `self`; 0 when it is the other way round.
    fn sub(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The moment of an input: `at` orders and measures, `wall` is what messages say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic.
    pub at: Millis,
    /// Wall clock.
    pub wall: Timestamp,
}

/// Every duration, in milliseconds. "Seed" is one of the five mission documents; "client" is what existing phones or
/// SDKs do and cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// Between two pings of a link. Seed 001 `HEARTBEAT_INTERVAL` and seed 003: 10 s.
    pub ping_every: u64,
    /// Silence after which a link is given up: three pings unanswered. Any inbound frame counts as life.
    pub silence: u64,
    /// From the close frame to hanging up on glasses that do not answer it.
    pub terminate_after: u64,
    /// How long the session waits for its glasses. Seeds 002 and 003: 30 s. Phones retry every 5 s (client).
    pub glasses_grace: u64,
    /// How long an app may be away. Seed 002: 20 s. SDK v2 gives up after 7 s (client), so none is cut off.
    pub app_grace: u64,
    /// From the request to start an app to its socket. SDKs wait 5 s for an ack (client); webhooks need their time, too.
    pub app_start: u64,
    /// How long after the clean close of an app's socket its server must have been well: then the app has ended itself.
    pub app_probe: u64,
    /// Between two questions meanwhile: a server that is restarted does not answer one of them.
    pub app_probe_every: u64,
    /// Between two questions to the server of an app that has failed for good, whether it is well again.
    pub app_probe_failed: u64,
    /// How long what was held for an app waits for its first subscription update after its return.
    pub app_flush: u64,
    /// Apps that begin change their list again and again; the phone, which reads everything anew each time (client), is told
    /// once after so long.
    pub app_state_gap: u64,
    /// How long a higher accuracy of the location is kept after nobody wants it any more: apps restart.
    pub location_lower: u64,
    /// How long an app's question about the location waits for the phone. The SDK waits 15 s (client).
    pub location_poll: u64,
    /// How long an app waits for the phone to say that something was played. SDKs wait 60 s (client); how long a recording is,
    /// nobody knows.
    pub audio_play: u64,
    /// Between two requests of an app that the wearer connect the glasses to Wi-Fi.
    pub wifi_setup: u64,
    /// From an app's request to its photo. The SDK waits 30 s (client).
    pub photo: u64,
    /// What must be left of it for a phone that is back to be asked again.
    pub photo_again: u64,
    /// For how long a photo that goes straight to the app keeps the next one waiting: phones say nothing when it is done.
    pub photo_direct: u64,
    /// How long whoever carries managed streams may take to make one.
    pub stream_place: u64,
    /// From the start of a stream to the first word of the glasses.
    pub stream_start: u64,
    /// How long glasses may try to connect again.
    pub stream_degraded: u64,
    /// From the start of a managed stream until it can be watched. The reference: 60 s.
    pub stream_watch: u64,
    /// How long glasses may take to stop.
    pub stream_stop: u64,
    /// Before they are told once more.
    pub stream_stop_again: u64,
    /// Between two questions whether they still stream; they stop by themselves after 60 s without one (client).
    pub stream_keep_alive: u64,
    /// For the answer. Reference: 10 s.
    pub stream_ack: u64,
    /// Failures older than this are forgotten.
    pub crash_window: u64,
    /// An app that ran for so long has its failures forgiven.
    pub crash_forgiven: u64,
    /// Before the second try to revive an app; then twice as long each time.
    pub revive_first: u64,
    /// Longest wait before a try.
    pub revive_longest: u64,
    /// Between two attempts of a start webhook.
    pub webhook_retry: u64,
    /// Attempts of a start webhook. The reference makes 2.
    pub webhook_attempts: u32,
    /// How long a stopped app keeps its socket for the stop webhook to come first; SDK v2 then runs `onStop` once (client).
    pub app_stop: u64,
    /// After its socket came, an app's empty list is the SDK's "nothing registered yet". Reference: 8 s.
    pub empty_update: u64,
    /// Least time between two frames of one view. Seed 002: 200–300 ms.
    pub display_gap: u64,
    /// Least time between two frames that ask to skip the gap.
    pub display_force_gap: u64,
    /// Longest time of the boot screen. Reference: 1.5 s; here it ends at the app's first frame.
    pub boot_screen: u64,
    /// A background app's frame without a duration gives the display back after this.
    pub background_idle: u64,
    /// Longest time of one frame of a background app.
    pub background_frame: u64,
    /// Longest time a background app may keep the display while others want it.
    pub background_total: u64,
    /// How long a background app's frame waits for the display.
    pub background_wait: u64,
    /// How long the microphone stays on after nobody wants it any more: apps restart. Reference: 3 s.
    pub mic_off_hold: u64,
    /// Least time between two messages about the microphone.
    pub mic_gap: u64,
    /// While it is on, the phone is told again and again: iOS forgets when the glasses disconnect (client). 10 s.
    pub mic_keep_alive: u64,
    /// Least time between two answers to sound that nobody wants.
    pub mic_scold: u64,
    /// How long an engine may take to answer a new stream. Whoever drives it gives up after 10 s, and says which it was.
    pub speech_open: u64,
    /// Without sound for so long the wearer is quiet, and the tail of what was said is asked for.
    pub speech_linger: u64,
    /// Without sound for so long a stream is closed; until then the next words find it open.
    pub speech_idle: u64,
    /// Before the third try of a stream; then twice as long each time.
    pub speech_retry: u64,
    /// Longest wait before a try, and before another try to replace an old stream.
    pub speech_retry_longest: u64,
    /// A stream is replaced when it is so old. Engines end theirs after 60 to 65 min.
    pub speech_rotate: u64,
    /// How long the new stream waits for the old one to have nothing pending.
    pub speech_overlap: u64,
    /// An engine that is so far behind is worth a warning.
    pub speech_backlog: u64,
    /// How long what was said is kept. Reference: 30 min.
    pub speech_history: u64,
    /// Least time between two drawings of the dashboard that is put together from what apps write.
    pub dashboard_gap: u64,
    /// Between two questions for the weather.
    pub weather_every: u64,
    /// Weather of then is not shown any more.
    pub weather_stale: u64,
    /// The same notification within this time is one that the phone has told twice.
    pub notification_twice: u64,
    /// Least time between two head positions that apps are told.
    pub head_gap: u64,
    /// The window in which malformed and oversized frames are counted.
    pub abuse_window: u64,
    /// How many of them a link may send in a window.
    pub abuse_limit: u32,
}

impl Timings {
    /// The product's values.
    pub const DEFAULT: Timings = Timings {
        ping_every: 10_000,
        silence: 30_000,
        terminate_after: 1_000,
        glasses_grace: 30_000,
        app_grace: 20_000,
        app_start: 15_000,
        app_probe: 3_000,
        app_probe_every: 300,
        app_probe_failed: 60_000,
        app_flush: 8_000,
        app_state_gap: 500,
        location_lower: 5_000,
        location_poll: 14_000,
        audio_play: 55_000,
        wifi_setup: 30_000,
        photo: 28_000,
        photo_again: 5_000,
        photo_direct: 5_000,
        stream_place: 15_000,
        stream_start: 30_000,
        stream_degraded: 60_000,
        stream_watch: 60_000,
        stream_stop: 10_000,
        stream_stop_again: 5_000,
        stream_keep_alive: 15_000,
        stream_ack: 10_000,
        crash_window: 300_000,
        crash_forgiven: 60_000,
        revive_first: 1_000,
        revive_longest: 60_000,
        webhook_retry: 1_000,
        webhook_attempts: 2,
        app_stop: 5_000,
        empty_update: 8_000,
        display_gap: 300,
        display_force_gap: 1_000,
        boot_screen: 1_500,
        background_idle: 2_000,
        background_frame: 10_000,
        background_total: 30_000,
        background_wait: 5_000,
        mic_off_hold: 3_000,
        mic_gap: 250,
        mic_keep_alive: 10_000,
        mic_scold: 5_000,
        speech_open: 12_000,
        speech_linger: 2_000,
        speech_idle: 30_000,
        speech_retry: 500,
        speech_retry_longest: 30_000,
        speech_rotate: 55 * 60_000,
        speech_overlap: 5_000,
        speech_backlog: 5_000,
        speech_history: 30 * 60_000,
        dashboard_gap: 500,
        weather_every: 900_000,
        weather_stale: 7_200_000,
        notification_twice: 60_000,
        head_gap: 200,
        abuse_window: 60_000,
        abuse_limit: 60,
    };
}

impl Default for Timings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
