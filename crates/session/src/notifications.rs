//! What the phone tells its wearer: what of it is new, and what is the newest.
//!
//! | a notification | what happens |
//! |---|---|
//! | like one of the last minute, id and text | nothing: phones tell some twice |
//! | any other | it is told, and the newest |
//! | is dismissed | it is not the newest any more; when it comes again, it is new |

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use bifocal_protocol::Timestamp;
use bifocal_protocol::glasses::PhoneNotification;

use crate::now::{Millis, Now, Timings};

/// Most that are remembered for being told twice.
const MAX_RECENT: usize = 32;
/// Longest line, in characters.
const MAX_CHARS: usize = 60;
/// How long the newest is one, in milliseconds.
const NEWEST_FOR: i64 = 600_000;

#[derive(Debug, Default)]
pub(crate) struct Notifications {
    newest: Option<Box<Newest>>,
    recent: VecDeque<Recent>,
}

#[derive(Debug)]
struct Newest {
    id: String,
    line: String,
    at: Timestamp,
}

/// Hashes, so that nothing of what people write is kept for it.
#[derive(Debug)]
struct Recent {
    id: u64,
    text: u64,
    at: Millis,
}

impl Notifications {
    /// One has come. False when it is known.
    pub(crate) fn came(&mut self, notification: &PhoneNotification, now: Now, timings: &Timings) -> bool {
        let PhoneNotification { notification_id: id, app, title, content, .. } = notification;
        let recent = Recent { id: hash(id), text: hash(&(app, title, content)), at: now.at };
        self.recent.retain(|other| now.at - other.at < timings.notification_twice);
        if self.recent.iter().any(|other| (other.id, other.text) == (recent.id, recent.text)) {
            return false;
        }
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(recent);
        let line: String = format!("{app}: {title}").chars().take(MAX_CHARS).collect();
        self.newest = Some(Box::new(Newest { id: id.clone(), line, at: now.wall }));
        true
    }

    /// The wearer has seen it. True when it was the newest.
    pub(crate) fn dismissed(&mut self, id: &str) -> bool {
        let hashed = hash(id);
        self.recent.retain(|recent| recent.id != hashed);
        self.newest.take_if(|newest| newest.id == id).is_some()
    }

    /// The newest one, in a line, while it is not too old.
    pub(crate) fn newest(&self, now: Timestamp) -> Option<&str> {
        self.newest.as_ref().filter(|newest| now.0 - newest.at.0 < NEWEST_FOR).map(|newest| newest.line.as_str())
    }
}

fn hash(what: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    fn came(all: &mut Notifications, id: &str, title: &str, at: u64) -> bool {
        let (notification_id, title) = (id.to_owned(), title.to_owned());
        let notification = PhoneNotification {
            notification_id,
            app: "Mail".into(),
            title,
            content: String::new(),
            priority: None,
            timestamp: None,
            package_name: None,
        };
        all.came(&notification, Now { at: Millis(at), wall: Timestamp(at as i64) }, &T)
    }

    #[test]
    fn told_twice_is_told_once_and_another_text_is_another() {
        let mut all = Notifications::default();
        assert!(came(&mut all, "1", "Hi", 0) && !came(&mut all, "1", "Hi", 59_999));
        assert!(came(&mut all, "1", "Hi there", 59_999) && came(&mut all, "2", "Hi", 59_999));
        assert!(came(&mut all, "1", "Hi", 60_000));
        for at in 0..100 {
            came(&mut all, &at.to_string(), "x", 60_000 + at);
            assert!(all.recent.len() <= MAX_RECENT);
        }
    }

    #[test]
    fn the_newest_goes_when_it_is_dismissed_or_old() {
        let mut all = Notifications::default();
        came(&mut all, "1", "Hi", 0);
        came(&mut all, "2", "Ho", 1);
        assert_eq!(all.newest(Timestamp(2)), Some("Mail: Ho"));
        assert!(!all.dismissed("1") && all.newest(Timestamp(2)).is_some());
        assert!(all.dismissed("2") && all.newest(Timestamp(2)).is_none());
        assert!(came(&mut all, "2", "Ho", 3));
        assert_eq!(all.newest(Timestamp(600_003)), None);
    }
}
