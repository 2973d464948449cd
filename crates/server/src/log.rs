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
        Note::StoreFailed(why) => warn!(why, "store failed"),
    }
}
