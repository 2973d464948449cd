//! Where the wearer is: who may know, how exactly, and who asked.

use bifocal_protocol::apps::{AppErrorCode, LocationPollRequest};
use bifocal_protocol::glasses::{LocationUpdate, RequestSingleLocation, SetLocationTier, ToPhone};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;

use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::location::{Asked, Poll};
use crate::now::Now;
use crate::relay::{relay, send_event};
use crate::session::UserSession;
use crate::subscriptions::Topic;

/// Under which name every fix is delivered.
pub(crate) const FIX: &str = "location_update";

/// Tells the phone how exactly it is to say where it is.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    let revision = s.subscriptions.revision();
    let sensing = s.settings.system.sensing_enabled;
    if s.location_seen != (revision, sensing) {
        s.location_seen = (revision, sensing);
        if sensing {
            s.location.want(s.subscriptions.location_tier(), now.at, &s.config.timings);
        } else {
            s.location.forget();
            s.location.stop();
        }
    }
    let Some(conn) = s.glasses_link().map(|link| link.conn) else { return };
    if let Some(tier) = s.location.take(now.at) {
        let session_id = Some(s.user.to_string());
        out.control(conn, &ToPhone::SetLocationTier(SetLocationTier { session_id, tier, timestamp: now.wall }));
    }
}

/// A fix. The answer to a question is for who asked, and news for everybody else.
pub(crate) fn fix(s: &mut UserSession, update: &LocationUpdate, text: &str, now: Now, out: &mut Effects) {
    if !s.settings.system.sensing_enabled {
        return;
    }
    let plain = LocationUpdate { correlation_id: None, ..update.clone() };
    let Some(name) = &update.correlation_id else {
        s.location.fix(text, place(update), now.at);
        return relay(s, Topic::Plain(FIX), text, now, out);
    };
    let data = encoded(&plain);
    for poll in s.location.answered(name) {
        answer(s, &poll.app, poll.correlation_id, &plain, now, out);
    }
    s.location.fix(&data, place(update), now.at);
    relay(s, Topic::Plain(FIX), &data, now, out);
}

/// Degrees north and east, when they are any.
fn place(update: &LocationUpdate) -> Option<(f64, f64)> {
    let (north, east) = (update.lat.as_f64()?, update.lng.as_f64()?);
    (north.abs() <= 90.0 && east.abs() <= 180.0).then_some((north, east))
}

/// `location_poll_request`: an app wants to know once.
pub(crate) fn poll(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: LocationPollRequest,
    now: Now,
    out: &mut Effects,
) {
    let LocationPollRequest { correlation_id, accuracy } = request;
    let granted = s.apps.get(app).is_some_and(|slot| slot.record.granted().grants(Permission::Location));
    if !granted {
        let message = "To ask where the wearer is, declare the LOCATION permission of the app";
        return reply_error(conn, AppErrorCode::PermissionDenied, message, now, out);
    }
    if !s.settings.system.sensing_enabled {
        let message = "The wearer has switched sensing off";
        return reply_error(conn, AppErrorCode::PermissionDenied, message, now, out);
    }
    if correlation_id.len() > 256 {
        let message = "correlationId is longer than 256 bytes";
        return reply_error(conn, AppErrorCode::MalformedMessage, message, now, out);
    }
    match s.location.ask(app, correlation_id.clone(), accuracy, now.at, &s.config.timings) {
        Asked::Known(text) => {
            if let Ok(update) = serde_json::from_str::<LocationUpdate>(&text) {
                answer(s, app, correlation_id, &update, now, out);
            }
        }
        Asked::Ask(name) => match s.glasses_link().map(|link| link.conn) {
            Some(phone) => {
                let session_id = Some(s.user.to_string());
                let request = RequestSingleLocation { session_id, accuracy, correlation_id: name, timestamp: now.wall };
                out.control(phone, &ToPhone::RequestSingleLocation(request));
            }
            None => {
                for poll in s.location.answered(&name) {
                    unanswered(s, &poll, "The phone is not connected", now, out);
                }
            }
        },
        Asked::Waits => {}
        Asked::TooMany => {
            let message = "Too many questions about the location wait for an answer";
            reply_error(conn, AppErrorCode::InternalError, message, now, out);
        }
    }
}

/// Questions that the phone has not answered.
pub(crate) fn expire(s: &mut UserSession, now: Now, out: &mut Effects) {
    for poll in s.location.expire(now.at) {
        unanswered(s, &poll, "The phone did not say in time where it is", now, out);
    }
}

fn unanswered(s: &UserSession, poll: &Poll, why: &str, now: Now, out: &mut Effects) {
    if let Some(link) = s.apps.get(&poll.app).and_then(|slot| slot.link()) {
        reply_error(link.conn, AppErrorCode::InternalError, why, now, out);
    }
}

/// To the one who asked, under the name of its question. SDKs take it as a fix, whatever they listen to.
fn answer(
    s: &mut UserSession,
    app: &PackageName,
    correlation_id: String,
    update: &LocationUpdate,
    now: Now,
    out: &mut Effects,
) {
    let data = encoded(&LocationUpdate { correlation_id: Some(correlation_id), ..update.clone() });
    send_event(s, app, &FIX.into(), FIX, &data, now, out);
}

/// The message as the phone writes it.
fn encoded(update: &LocationUpdate) -> bifocal_protocol::Text {
    use bifocal_protocol::Message;
    bifocal_protocol::glasses::FromPhone::LocationUpdate(update.clone()).encode()
}
