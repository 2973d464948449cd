//! What the phone knows about its wearer and says over REST: appointments, notifications.

use bifocal_protocol::glasses::{CalendarEvent, FromPhone, PhoneNotification};
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
            s.dashboard.dirty = true;
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

/// A notification on the phone.
pub(crate) fn notified(
    s: &mut UserSession,
    notification: &PhoneNotification,
    text: &Text,
    now: Now,
    out: &mut Effects,
) {
    let PhoneNotification { app, title, .. } = notification;
    let line: String = format!("{app}: {title}").chars().take(60).collect();
    s.notification = Some((line.into(), now.wall));
    s.dashboard.dirty = true;
    relay(s, Topic::Plain("phone_notification"), text, now, out);
}

/// The wearer has seen it.
pub(crate) fn dismissed(s: &mut UserSession, text: &Text, now: Now, out: &mut Effects) {
    s.dashboard.dirty |= s.notification.take().is_some();
    relay(s, Topic::Plain("phone_notification_dismissed"), text, now, out);
}
