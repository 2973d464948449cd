//! Slow things that have ended.

use bifocal_protocol::close::Close;

use crate::apps::{AppManager, AppPhase};
use crate::effect::{Effect, Effects, Note};
use crate::errors::ErrorRow;
use crate::flow::start::Health;
use crate::flow::{camera, lifecycle, links, record, start, stop, weather};
use crate::input::{CallId, Outcome};
use crate::now::Now;
use crate::session::{Glasses, UserSession};

/// A call ended. Whoever waited for it is found by its number; when nobody waits any more, nothing happens.
pub(crate) fn done(s: &mut UserSession, call: CallId, outcome: Outcome, now: Now, out: &mut Effects) {
    let Some(outcome) = camera::call_ended(s, call, outcome, now, out) else { return };
    let waiting = s.apps.by_call(call);
    let saved = s.load.saved(call);
    let for_weather = s.weather.ended(call);
    match (waiting, outcome) {
        (Some(package), outcome) => {
            let phase = s.apps.get(&package).map(AppManager::phase_of);
            if phase == Some(AppPhase::Stopping) {
                return stop::finish(s, &package, now, out);
            }
            if let Outcome::Health { healthy, others_closed } = outcome {
                return start::probed(s, &package, Health { healthy, others_closed }, now, out);
            }
            let probing = matches!(phase, Some(AppPhase::Grace | AppPhase::Failed));
            if probing {
                let health = Health { healthy: false, others_closed: false };
                return start::probed(s, &package, health, now, out);
            }
            let result = match outcome {
                Outcome::Webhook { status: 200..=299 } => Ok(()),
                Outcome::Webhook { status } => Err(format!("it answered HTTP {status}")),
                Outcome::Failed { why } => Err(why),
                _ => return,
            };
            start::webhook_done(s, &package, result, now, out);
        }
        (None, Outcome::Weather(is)) if for_weather => weather::answered(s, is, now),
        // What was known is true a while longer.
        (None, Outcome::Failed { .. }) if for_weather => {}
        (None, Outcome::User(user)) => record::user_loaded(s, call, user, now, out),
        (None, Outcome::Token(good)) => token_verified(s, call, good, now, out),
        (None, Outcome::Failed { why }) if saved => out.note(Note::StoreFailed(why)),
        (None, Outcome::Failed { why }) => record::user_failed(s, call, why, now, out),
        (None, Outcome::Webhook { .. } | Outcome::Health { .. } | Outcome::Weather(_) | Outcome::Saved) => {}
        // An upload whose photo is over.
        (None, Outcome::Photo(_)) => out.note(Note::PhotoLate),
        (None, Outcome::Media(_) | Outcome::Output(_)) => {}
    }
}

/// A client sent a core token on its open socket; a wrong one ends the connection, not the session. That the connection
/// before this one had sent means nothing any more.
fn token_verified(s: &mut UserSession, call: CallId, good: bool, now: Now, out: &mut Effects) {
    let Glasses::Connected(link) = &mut s.glasses else { return };
    if link.terminate_at.is_some() || link.checking != Some(call) {
        return;
    }
    link.checking = None;
    let conn = link.conn;
    if good {
        return lifecycle::acknowledge(s, conn, now, out);
    }
    out.control(conn, &ErrorRow::INVALID_TOKEN.message(now.wall));
    out.push(Effect::Close { conn, close: Close::GlassesRejected });
    links::closed(s, conn, Close::GlassesRejected.code(), now, out);
}
