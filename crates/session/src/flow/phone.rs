//! What the phone knows about its wearer and says over REST: appointments, notifications.

use std::sync::Arc;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::apps::{CustomMessage, ToApp};
use bifocal_protocol::glasses::{CalendarEvent, FromPhone, PhoneNotification, PhoneNotificationDismissed};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::{Message, Text};
use serde_json::json;

use crate::effect::Effects;
use crate::now::Now;
use crate::relay::{relay, send_event};
use crate::session::UserSession;
use crate::subscriptions::Topic;

/// Who has this in its list hears messages of the cloud's own.
pub(crate) const CUSTOM: &str = "custom_message";
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

/// A notification on the phone, unless it was told already.
pub(crate) fn notified(
    s: &mut UserSession,
    notification: &PhoneNotification,
    text: &Text,
    now: Now,
    out: &mut Effects,
) {
    if s.notifications.came(notification, now, &s.config.timings) {
        s.dashboard.dirty = true;
        relay(s, Topic::Plain("phone_notification"), text, now, out);
    }
}

/// The wearer has seen it.
pub(crate) fn dismissed(
    s: &mut UserSession,
    which: &PhoneNotificationDismissed,
    text: &Text,
    now: Now,
    out: &mut Effects,
) {
    s.dashboard.dirty |= s.notifications.dismissed(&which.notification_id);
    relay(s, Topic::Plain("phone_notification_dismissed"), text, now, out);
}

/// The wearer's clock says this. The system dashboard is told, and who has asked for such messages.
pub(crate) fn clock(s: &mut UserSession, datetime: Box<str>, now: Now, out: &mut Effects) {
    s.datetime = Some(datetime);
    let packages = s.apps.packages();
    packages.iter().for_each(|package| tell_clock(s, package, now, out));
}

/// Tells an app what the clock says, if it is one that is told.
pub(crate) fn tell_clock(s: &UserSession, app: &PackageName, now: Now, out: &mut Effects) {
    let (Some(datetime), Some(slot)) = (&s.datetime, s.apps.get(app)) else { return };
    let rules = slot.record.kind == AppKind::SystemDashboard;
    let Some(link) = slot.link().filter(|_| rules || s.subscriptions.wants(app, CUSTOM)) else { return };
    let payload = json!({ "datetime": datetime, "section": "topLeft" });
    let message = CustomMessage { action: "update_datetime".to_owned(), payload, timestamp: now.wall };
    out.control(link.conn, &ToApp::CustomMessage(message));
}
