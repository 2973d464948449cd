//! What sessions note, as log lines. Packages are names of the catalogue; nothing that a peer wrote gets here.

use bifocal_session::Note;
use tracing::{debug, info, warn};

/// Writes a note down, in the span of its session.
pub(crate) fn note(note: &Note) {
    match note {
        Note::GlassesConnected { reconnection } => info!(reconnection, "glasses connected"),
        Note::GlassesLost { code } => info!(code, "glasses lost"),
        Note::AppStarting(package) => info!(%package, "app starting"),
        Note::AppRunning { package, after, .. } => info!(%package, after_ms = after, "app running"),
        Note::AppReturned(package) => info!(%package, "app is back"),
        Note::AppFailed(package, failure) => {
            warn!(%package, stage = failure.stage.name(), why = %failure.message, "app start failed");
        }
        Note::AppLost { package, code } => info!(%package, code, "app lost"),
        Note::AppEnded(package) => info!(%package, "app ended itself"),
        Note::AppGivenUp(package) => warn!(%package, "app failed too often and is given up"),
        Note::HeldSent { package, sent, dropped } => info!(%package, sent, dropped, "held messages"),
        Note::AppStopped(package, reason) => info!(%package, reason = reason.name(), "app stopped"),
        Note::AppRejected(side, why) => info!(side = side.name(), why, "not let in"),
        Note::Malformed(side) => debug!(side = side.name(), "malformed message"),
        Note::Oversized(side) => debug!(side = side.name(), "oversized message"),
        Note::UnknownType(side) => debug!(side = side.name(), "message of an unknown type"),
        Note::ForeignPackage(package) => warn!(%package, "app spoke for another app"),
        Note::SubscriptionRefused(package) => info!(%package, "subscription refused: permission missing"),
        Note::SpeechFailed { engine, fault } => warn!(engine = named(engine), fault, "speech stream failed"),
        Note::SpeechGap { ms } => warn!(ms, "sound was not recognised: no engine took over in time"),
        Note::SpeechBacklog { engine, ms } => warn!(engine = named(engine), ms, "speech engine is behind"),
        Note::SpeechHeard { engine, lag, is_final } => debug!(engine = named(engine), lag, is_final, "words"),
        Note::WordsShown(lag) => debug!(recognised = lag.recognised, app = lag.app, shown = lag.shown, "words shown"),
        Note::PhotoAsked(package) => info!(%package, "photo asked for"),
        Note::PhotoEnded { package, result: "ok", after } => info!(%package, after_ms = after, "photo delivered"),
        Note::PhotoEnded { package, result, after } => info!(%package, result, after_ms = after, "no photo"),
        Note::PhotoLate => info!("a late answer about a photo"),
        Note::StreamBegan { package, managed } => info!(%package, managed, "stream begins"),
        Note::StreamStage { stage, after } => info!(stage, after_ms = after, "stream goes on"),
        Note::StreamEnded { managed, reason, after } => info!(managed, reason, after_ms = after, "stream over"),
        Note::StoreFailed(why) => warn!(why, "store failed"),
    }
}

/// Engines are called as the operator called them.
fn named(engine: &Option<std::sync::Arc<str>>) -> &str {
    engine.as_deref().unwrap_or("unknown")
}
