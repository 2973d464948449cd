//! What happens to sockets: life, silence, misbehaviour, loss. Input of a socket that is not current changes nothing.

use bifocal_protocol::close::Close;
use bifocal_protocol::ids::PackageName;

use crate::apps::{Parting, Phase, Probe};
use crate::effect::{Effect, Effects, Note};
use crate::flow::{lifecycle, start};
use crate::input::ConnId;
use crate::links::{Link, Release, Side};
use crate::now::Now;
use crate::seeded::Bug;
use crate::session::{Glasses, UserSession};

/// The current link with this number, and its side.
pub(crate) fn current(s: &mut UserSession, conn: ConnId) -> Option<(Side, &mut Link)> {
    if let Glasses::Connected(link) = &mut s.glasses
        && link.conn == conn
    {
        return Some((Side::Glasses, link));
    }
    let (_, slot) = s.apps.by_conn(conn)?;
    slot.link_mut().map(|link| (Side::App, link))
}

/// A sign of life.
pub(crate) fn alive(s: &mut UserSession, conn: ConnId, now: Now) {
    if let Some((_, link)) = current(s, conn) {
        link.heard(now.at);
    }
}

/// A pong of a socket: so many data messages on it have arrived.
pub(crate) fn confirmed(s: &mut UserSession, conn: ConnId, count: u64, now: Now) {
    alive(s, conn, now);
    if let Some((_, slot)) = s.apps.by_conn(conn) {
        slot.unconfirmed.confirm(count);
    }
}

/// A frame was too big and thrown away. A socket that is being hung up on has no more to lose.
pub(crate) fn oversized(s: &mut UserSession, conn: ConnId, now: Now, out: &mut Effects) {
    if let Some((side, link)) = current(s, conn)
        && link.terminate_at.is_none()
    {
        out.note(Note::Oversized(side));
        misbehaved(s, conn, Close::TooBig, now, out);
    }
}

/// Counts a bad frame and ends the connection when there were too many. The session goes on in any case.
pub(crate) fn misbehaved(s: &mut UserSession, conn: ConnId, close: Close, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let Some((_, link)) = current(s, conn) else { return };
    link.heard(now.at);
    if link.misbehaved(now.at, &timings) {
        out.push(Effect::Close { conn, close });
        closed(s, conn, close.code(), now, out);
    }
}

/// A socket is gone.
pub(crate) fn closed(s: &mut UserSession, conn: ConnId, code: u16, now: Now, out: &mut Effects) {
    s.load.forget(conn);
    let stale = crate::seeded::on(Bug::StaleClose) && s.apps.by_conn(conn).is_none();
    if matches!(&s.glasses, Glasses::Connected(link) if link.conn == conn || stale) {
        s.glasses = Glasses::Away { until: now.at + s.config.timings.glasses_grace };
        s.totals.glasses_went(now.at);
        out.note(Note::GlassesLost { code });
        lifecycle::tell_connection(s, false, now, out);
        return;
    }
    let timings = s.config.timings;
    let until = now.at + timings.app_grace;
    let Some((package, slot)) = s.apps.by_conn(conn) else { return };
    let package = package.clone();
    match &mut slot.phase {
        Phase::Stopping { link, .. } => *link = None,
        phase => {
            if matches!(phase, Phase::Running { since, .. } if now.at - *since >= timings.crash_forgiven) {
                slot.restarts.forgive();
            }
            let Phase::Running { link: Link { release, .. }, .. } = phase else { return };
            if *release == Some(Release::Leaves) {
                out.note(Note::AppLost { package: package.clone(), code });
                return start::leave(s, &package, now, out);
            }
            // A polite close may mean that the app has ended itself, or that its server is restarted.
            let parting = match code {
                _ if *release == Some(Release::Restarts) => Parting::Restart,
                1000 | 1001 | 1005 => Parting::Polite,
                _ => Parting::Cut,
            };
            let asked = parting != Parting::Cut;
            let probe = if asked { Probe::At(now.at + timings.app_probe_every) } else { Probe::Never };
            *phase = Phase::Grace { since: now.at, until, probe, parting };
            slot.unconfirmed.hold(&mut slot.held, now.at, &timings);
            out.note(Note::AppLost { package, code });
        }
    }
}

/// Time to ping the glasses.
pub(crate) fn ping_glasses(s: &mut UserSession, now: Now, out: &mut Effects) {
    let every = s.config.timings.ping_every;
    if let Glasses::Connected(link) = &mut s.glasses {
        link.ping_at = now.at + every;
        out.push(Effect::Ping { conn: link.conn });
    }
}

/// Three pings without an answer: say good-bye, and hang up soon.
pub(crate) fn glasses_silent(s: &mut UserSession, now: Now, out: &mut Effects) {
    let after = s.config.timings.terminate_after;
    if let Glasses::Connected(link) = &mut s.glasses {
        link.terminate_at = Some(now.at + after);
        out.push(Effect::Close { conn: link.conn, close: Close::PingTimeout });
    }
}

/// The good-bye was not answered either.
pub(crate) fn glasses_terminate(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Glasses::Connected(link) = &s.glasses else { return };
    let conn = link.conn;
    out.push(Effect::Abort { conn });
    closed(s, conn, Close::PingTimeout.code(), now, out);
}

/// Time to ping an app.
pub(crate) fn ping_app(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let every = s.config.timings.ping_every;
    if let Some(link) = s.apps.get_mut(package).and_then(|slot| slot.link_mut()) {
        link.ping_at = now.at + every;
        out.push(Effect::Ping { conn: link.conn });
    }
}

/// An app's socket is half dead. It is dropped without a close frame: SDK v2 takes 1001 as final, but comes back after an
/// abort.
pub(crate) fn app_silent(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let Some(conn) = s.apps.get(package).and_then(|slot| slot.link()).map(|link| link.conn) else { return };
    out.push(Effect::Abort { conn });
    closed(s, conn, 1006, now, out);
}
