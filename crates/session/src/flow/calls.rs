//! Slow things that have ended.

use bifocal_protocol::close::Close;

use crate::apps::{AppManager, AppPhase};
use crate::effect::{Effect, Effects, Note};
use crate::errors::ErrorRow;
use crate::flow::start::Health;
use crate::flow::{lifecycle, links, start, stop};
use crate::input::{CallId, Outcome};
use crate::now::Now;
use crate::session::UserSession;

/// A call ended. Whoever waited for it is found by its number; when nobody waits any more, nothing happens.
pub(crate) fn done(s: &mut UserSession, call: CallId, outcome: Outcome, now: Now, out: &mut Effects) {
    let waiting = s.apps.by_call(call);
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
        (None, Outcome::User(user)) => lifecycle::user_loaded(s, call, user, now, out),
        (None, Outcome::Token(good)) => token_verified(s, good, now, out),
        (None, Outcome::Failed { why }) => {
            out.note(Note::StoreFailed(why.clone()));
            lifecycle::user_failed(s, call, why, now, out);
        }
        (None, Outcome::Webhook { .. } | Outcome::Health { .. } | Outcome::Saved) => {}
    }
}

/// A client sent a core token on its open socket; a wrong one ends the connection, not the session.
fn token_verified(s: &mut UserSession, good: bool, now: Now, out: &mut Effects) {
    let Some(conn) = s.glasses_link().map(|link| link.conn) else { return };
    if good {
        return lifecycle::acknowledge(s, conn, now, out);
    }
    out.control(conn, &ErrorRow::INVALID_TOKEN.message(now.wall));
    out.push(Effect::Close { conn, close: Close::GlassesRejected });
    links::closed(s, conn, Close::GlassesRejected.code(), now, out);
}
