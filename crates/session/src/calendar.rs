//! CalendarManager: the appointments that the phone has told of, for apps that begin to listen.
//!
//! An appointment is known by its id and its start. Those to come stand first, the soonest before the others; then those that
//! are over, the latest first. Of more than a hundred the last are forgotten.

use bifocal_protocol::Timestamp;
use bifocal_protocol::glasses::CalendarEvent;

/// Most appointments that are kept.
const MAX_EVENTS: usize = 100;
/// Longest text of one, in bytes.
const MAX_TEXT: usize = 4 << 10;
/// What is over for so long is forgotten, in milliseconds.
const OVER: i64 = 24 * 3_600_000;
/// What lies further ahead is not told to a new listener, in milliseconds.
const AHEAD: i64 = 7 * 24 * 3_600_000;
/// Most appointments that a new listener is told.
const MAX_REPLAY: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct CalendarManager(Vec<Known>);

#[derive(Debug)]
struct Known {
    start: i64,
    end: i64,
    event: CalendarEvent,
}

impl CalendarManager {
    /// The phone tells of an appointment. False when it is not one: without a start, or too long.
    pub(crate) fn add(&mut self, event: CalendarEvent, now: Timestamp) -> bool {
        let Some(start) = moment(&event.dt_start) else { return false };
        if event.event_id.is_empty() || event.title.len() + event.event_id.len() > MAX_TEXT {
            return false;
        }
        let end = moment(&event.dt_end).unwrap_or(start).max(start);
        self.0.retain(|known| (&known.event.event_id, known.start) != (&event.event_id, start));
        self.0.push(Known { start, end, event });
        self.0.retain(|known| now.0 - known.end <= OVER);
        // The soonest to come first, then the latest of those that are over.
        self.0.sort_by_key(|known| if known.end >= now.0 { (0, known.start) } else { (1, -known.start) });
        self.0.truncate(MAX_EVENTS);
        true
    }

    /// What a new listener is told, in order.
    pub(crate) fn replay(&self, now: Timestamp) -> Vec<CalendarEvent> {
        let soon = |known: &&Known| known.end >= now.0 && known.start - now.0 <= AHEAD;
        self.0.iter().filter(soon).take(MAX_REPLAY).map(|known| known.event.clone()).collect()
    }
}

/// ISO 8601, with a zone, as milliseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    serde_json::from_value::<Timestamp>(text.into()).ok().map(|at| at.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, start: i64, hours: i64) -> CalendarEvent {
        CalendarEvent {
            event_id: id.to_owned(),
            title: id.to_owned(),
            dt_start: Timestamp(start).to_string(),
            dt_end: Timestamp(start + hours * 3_600_000).to_string(),
            timezone: None,
            time_stamp: None,
        }
    }

    #[test]
    fn what_comes_next_comes_first_and_nothing_comes_twice() {
        let now = Timestamp(1_767_600_000_000);
        let hour = 3_600_000;
        let mut calendar = CalendarManager::default();
        for (id, start) in [("later", 5), ("soon", 1), ("running", -1), ("over", -10), ("soon", 1), ("far", 24 * 8)] {
            assert!(calendar.add(event(id, now.0 + start * hour, 2), now));
        }
        let ids = |events: Vec<CalendarEvent>| events.into_iter().map(|event| event.event_id).collect::<Vec<_>>();
        assert_eq!(ids(calendar.replay(now)), ["running", "soon", "later"]);
        assert!(!calendar.add(CalendarEvent { dt_start: "tomorrow".into(), ..event("odd", 0, 1) }, now));
        for n in 0..150 {
            calendar.add(event(&format!("n{n}"), now.0 + (n + 10) * 60_000, 1), now);
        }
        assert_eq!((calendar.0.len(), calendar.replay(now).len()), (MAX_EVENTS, MAX_REPLAY));
    }
}
