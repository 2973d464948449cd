//! What the phone knows about its wearer and says over REST: appointments, notifications.

use bifocal_protocol::glasses::{CalendarEvent, FromPhone};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::{Message, Text};

use crate::effect::Effects;
use crate::now::Now;
use crate::relay::{relay, send_event};
use crate::session::UserSession;
use crate::subscriptions::Topic;
use std::sync::Arc;

/// Under which name appointments are delivered.
pub(crate) const CALENDAR: &str = "calendar_event";

/// Appointments, told one by one. Gives how many were any.
pub(crate) fn appointments(s: &mut UserSession, events: Vec<CalendarEvent>, now: Now, out: &mut Effects) -> usize {
    let mut known = 0;
    for event in events {
        let text = FromPhone::CalendarEvent(event.clone()).encode();
        if s.calendar.add(event, now.wall) {
            known += 1;
            relay(s, Topic::Plain(CALENDAR), &text, now, out);
        }
    }
    known
}

/// What an app hears that begins to listen to appointments.
pub(crate) fn replay_appointments(
    s: &mut UserSession,
    app: &PackageName,
    stream: &Arc<str>,
    now: Now,
    out: &mut Effects,
) {
    for event in s.calendar.replay(now.wall) {
        let text = FromPhone::CalendarEvent(event).encode();
        send_event(s, app, stream, CALENDAR, &text, now, out);
    }
}

/// A message that the phone posts, and apps may listen to.
pub(crate) fn posted(s: &mut UserSession, kind: &'static str, text: &Text, now: Now, out: &mut Effects) {
    relay(s, Topic::Plain(kind), text, now, out);
}
