//! Every timer of a session, by name.

use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::View;

/// A moment at which something happens by itself. A deadline belongs to the state it is computed from and vanishes with it:
/// there is nothing to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deadline {
    /// Ping the glasses.
    GlassesPing,
    /// Nothing was heard of the glasses: close with 1001.
    GlassesSilent,
    /// The glasses did not answer the close frame: hang up.
    GlassesTerminate,
    /// The glasses did not come back: the session ends.
    GlassesGrace,
    /// Read the user's record again after a failure.
    LoadRetry,
    /// Ping an app.
    AppPing(PackageName),
    /// Nothing was heard of an app: drop its socket, so that its SDK comes back.
    AppSilent(PackageName),
    /// An app did not come back: start it again by webhook.
    AppGrace(PackageName),
    /// An app has come back and said nothing: what was held for it goes out all the same.
    AppFlush(PackageName),
    /// Ask the server of an app whether it is well.
    AppProbe(PackageName),
    /// Try to revive an app once more.
    AppBackoff(PackageName),
    /// An app did not connect within its budget: the start has failed.
    AppStart(PackageName),
    /// Try the start webhook once more.
    WebhookRetry(PackageName),
    /// The stop webhook was not answered: close the app's socket now.
    AppStop(PackageName),
    /// Tell the phone that apps want other things than before.
    AppState,
    /// Tell the phone how exactly it is to say where it is.
    LocationTier,
    /// The phone did not answer where it is.
    LocationPoll,
    /// A photo has not come in time.
    Photo,
    /// The next photo is taken.
    PhotoTurn,
    /// A stream has been on its way, or on its way back, for too long.
    StreamState,
    /// The glasses have not said that they have stopped a stream.
    StreamStop,
    /// Ask the glasses whether they still stream.
    StreamKeepAlive,
    /// They have not answered.
    StreamAck,
    /// A managed stream cannot be watched yet.
    StreamWatch,
    /// The dashboard is to be drawn anew, or a text on it is too old.
    Dashboard,
    /// Ask what the weather is.
    Weather,
    /// Tell apps where the head is.
    HeadPosition,
    /// Nobody has wanted sound for a while: the microphone goes off.
    MicOff,
    /// The phone did not say whether something was played.
    AudioPlay,
    /// Tell the phone about the microphone.
    MicSend,
    /// No sound has come for a moment: the tail of what was said is asked for.
    SpeechQuiet,
    /// No sound has come for long: the speech engine is let go.
    SpeechIdle,
    /// Try a speech engine once more.
    SpeechRetry,
    /// A speech engine did not answer.
    SpeechOpen,
    /// A stream of a speech engine is old, and another takes over before the engine ends it.
    SpeechRotate,
    /// A frame has waited for its turn.
    DisplayFrame(View),
    /// A claim on the display ends.
    DisplayClaim,
}

impl Deadline {
    /// The name for logs and metrics, without the package.
    pub const fn name(&self) -> &'static str {
        match self {
            Deadline::GlassesPing => "glasses_ping",
            Deadline::GlassesSilent => "glasses_silent",
            Deadline::GlassesTerminate => "glasses_terminate",
            Deadline::GlassesGrace => "glasses_grace",
            Deadline::LoadRetry => "load_retry",
            Deadline::AppPing(_) => "app_ping",
            Deadline::AppSilent(_) => "app_silent",
            Deadline::AppGrace(_) => "app_grace",
            Deadline::AppFlush(_) => "app_flush",
            Deadline::AppProbe(_) => "app_probe",
            Deadline::AppBackoff(_) => "app_backoff",
            Deadline::AppState => "app_state",
            Deadline::LocationTier => "location_tier",
            Deadline::LocationPoll => "location_poll",
            Deadline::Photo => "photo",
            Deadline::PhotoTurn => "photo_turn",
            Deadline::StreamState => "stream_state",
            Deadline::StreamStop => "stream_stop",
            Deadline::StreamKeepAlive => "stream_keep_alive",
            Deadline::StreamAck => "stream_ack",
            Deadline::StreamWatch => "stream_watch",
            Deadline::Dashboard => "dashboard",
            Deadline::Weather => "weather",
            Deadline::HeadPosition => "head_position",
            Deadline::MicOff => "mic_off",
            Deadline::AudioPlay => "audio_play",
            Deadline::MicSend => "mic_send",
            Deadline::AppStart(_) => "app_start",
            Deadline::WebhookRetry(_) => "webhook_retry",
            Deadline::AppStop(_) => "app_stop",
            Deadline::SpeechQuiet => "speech_quiet",
            Deadline::SpeechIdle => "speech_idle",
            Deadline::SpeechRetry => "speech_retry",
            Deadline::SpeechOpen => "speech_open",
            Deadline::SpeechRotate => "speech_rotate",
            Deadline::DisplayFrame(_) => "display_frame",
            Deadline::DisplayClaim => "display_claim",
        }
    }
}
