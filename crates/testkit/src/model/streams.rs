//! Who gets an event, under which names, and what is kept for an app that is away.

use super::apps::{App, Phase};
use super::line::SILENCE;
use super::{EMPTY_LIST, MOST_HELD, Model};
use crate::cast::{AppNo, ENTRIES, Entry, Event, Wearer};
use crate::seen::{Frame, Seen};

/// An event that waits for an app to come back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    name: &'static str,
    n: u64,
    event: Event,
    /// Words that may still change.
    interim: bool,
}

/// What was sent on one socket, and when: it may not have arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    sent: Vec<(u64, Held)>,
    /// So many came before these.
    before: u64,
}

impl Way {
    fn send(&mut self, held: Held, now: u64) {
        self.sent.push((now, held));
        self.arrived(self.before + self.sent.len().saturating_sub(MOST_HELD) as u64);
    }

    /// The first `count` are there, or nobody asks for them any more.
    fn arrived(&mut self, count: u64) {
        let new = count.saturating_sub(self.before).min(self.sent.len() as u64);
        self.before += new;
        self.sent.drain(..new as usize);
    }

    /// The socket is gone: what was sent lately is kept.
    pub(super) fn back(&mut self, kept: &mut Vec<Held>, now: u64) {
        for (at, held) in std::mem::take(self).sent {
            if now - at < SILENCE {
                keep(kept, held);
            }
        }
    }
}

fn entry(place: &u8) -> &'static Entry {
    &ENTRIES[usize::from(*place)]
}

/// Under which names an app gets an event: each once, in the order of its list. Where the name itself is in the list, that
/// is its place.
fn names(app: &App, no: AppNo, event: Event, wearer: &Wearer) -> Vec<&'static str> {
    let mut names = Vec::new();
    for entry in app.wants.iter().map(entry) {
        let hears = match entry.hears {
            Some(events) => events.contains(&event),
            None => wearer.grants(no, event.needs()),
        };
        let written = |place: &u8| self::entry(place).json.trim_matches('"') == entry.delivered;
        let elsewhere = entry.json.starts_with('{') && app.wants.iter().any(written);
        if hears && !elsewhere && !names.contains(&entry.delivered) {
            names.push(entry.delivered);
        }
    }
    names
}

impl Model {
    /// An event to everybody who wants it. `last` is there for words, and says whether they can still change.
    pub(super) fn deliver(&mut self, event: Event, n: u64, last: Option<bool>, now: u64) {
        match event {
            Event::Location | Event::Voice | Event::English | Event::French if !self.wearer.sensing => return,
            Event::Location => self.fix = Some(n),
            Event::Link => self.link = Some(n),
            _ => {}
        }
        for (no, app) in self.apps.iter_mut().enumerate() {
            let Some(app) = app else { continue };
            let names = names(app, no, event, &self.wearer);
            for name in names {
                let held = Held { name, n, event, interim: last == Some(false) };
                match app.phase {
                    Phase::Running { line, flush: None, .. } => {
                        app.way.send(held, now);
                        self.out.push(Seen::On(line.conn, Frame::Event(name, n)));
                    }
                    Phase::Failed { .. } | Phase::Dormant | Phase::Stopping { .. } => {}
                    _ => keep(&mut app.held, held),
                }
            }
        }
    }

    /// A pong of a ping that went out behind so many events.
    pub(super) fn confirms(&mut self, conn: u64, count: u64, now: u64) {
        self.heard(conn, now);
        if let Some(app) = self.speaker(conn).and_then(|no| self.apps[no].as_mut()) {
            app.way.arrived(count);
        }
    }

    /// How many events on the socket of an app are confirmed, and how many were sent.
    pub fn on_the_way(&self, no: AppNo) -> (u64, u64) {
        let way = self.apps.get(no).and_then(Option::as_ref).map(|app| &app.way);
        way.map_or((0, 0), |way| (way.before, way.before + way.sent.len() as u64))
    }

    /// Sound, once to everybody who runs and wants it.
    pub(super) fn deliver_sound(&mut self, bytes: usize) {
        for no in 0..self.apps.len() {
            let Some(conn) = self.app_conn(no) else { continue };
            let Some(app) = &self.apps[no] else { continue };
            if !names(app, no, Event::Sound, &self.wearer).is_empty() {
                self.on(conn, Frame::Sound(bytes));
            }
        }
    }

    /// An app says what it wants, all of it.
    pub(super) fn subscribe(&mut self, no: AppNo, list: &[u8], now: u64) {
        let (Some(conn), Some(app)) = (self.app_conn(no), &mut self.apps[no]) else { return };
        if list.is_empty() && now - app.since <= EMPTY_LIST {
            return;
        }
        let mut wants: Vec<u8> = Vec::new();
        let (mut refused, mut wrong): (Vec<u8>, bool) = (Vec::new(), false);
        for place in list {
            let entry = entry(place);
            if entry.wrong {
                wrong = true;
            } else if !self.wearer.grants(no, entry.needs) {
                refused.push(*place);
            } else if !wants.contains(place) {
                wants.push(*place);
            }
        }
        let before = std::mem::replace(&mut app.wants, wants);
        let fresh = std::mem::take(&mut app.fresh);
        let told = std::mem::replace(&mut app.refused, refused);
        // It is told the names, without rates.
        let named = |place: &u8| if entry(place).json.starts_with('{') { "location_stream" } else { entry(place).json };
        let news = app.refused.iter().any(|place| !told.iter().any(|other| named(other) == named(place)));
        self.release(no, now);
        self.tell_last(no, &before, fresh, now);
        if news {
            self.on(conn, Frame::Refused);
        }
        if wrong {
            self.on(conn, Frame::AppError);
        }
    }

    /// Whoever begins to listen to the link, or to the place, hears how it is.
    fn tell_last(&mut self, no: AppNo, before: &[u8], fresh: bool, now: u64) {
        let Some(app) = &mut self.apps[no] else { return };
        let Phase::Running { line, .. } = app.phase else { return };
        let mut told: Vec<&str> = Vec::new();
        // A fix has one name; the entry that gives it is the plain one, or else the first.
        let plain = |place: &u8| entry(place).json == r#""location_update""#;
        let is_plain = app.wants.iter().any(plain);
        for place in &app.wants {
            let name = entry(place).delivered;
            let (event, n) = match name {
                "glasses_connection_state" => (Event::Link, self.link),
                "location_update" => (Event::Location, self.fix),
                _ => continue,
            };
            let gives = event == Event::Link || plain(place) || !is_plain && !told.contains(&name);
            if event == Event::Location && !plain(place) && !is_plain {
                told.push(name);
            }
            if let (Some(n), true, true) = (n, gives, fresh || !before.contains(place)) {
                app.way.send(Held { name, n, event, interim: false }, now);
                self.out.push(Seen::On(line.conn, Frame::Event(name, n)));
            }
        }
    }

    /// A list that is too long, of nothing that ever happens.
    pub(super) fn subscribe_to_gestures(&mut self, no: AppNo, now: u64) {
        let (Some(conn), Some(app)) = (self.app_conn(no), &mut self.apps[no]) else { return };
        app.wants.clear();
        app.refused.clear();
        app.fresh = false;
        self.release(no, now);
        self.on(conn, Frame::AppError);
    }

    /// What was kept goes out, as far as the app still wants it and may have it.
    pub(super) fn release(&mut self, no: AppNo, now: u64) {
        let Some(app) = &mut self.apps[no] else { return };
        let Phase::Running { line, flush, .. } = &mut app.phase else { return };
        *flush = None;
        for held in std::mem::take(&mut app.held) {
            let wanted = app.wants.iter().any(|place| entry(place).delivered == held.name);
            if wanted && self.wearer.grants(no, held.event.needs()) {
                self.out.push(Seen::On(line.conn, Frame::Event(held.name, held.n)));
                app.way.send(held, now);
            }
        }
    }
}

/// Keeps an event. Of words that may still change only the newest are kept, and of everything only so much.
fn keep(kept: &mut Vec<Held>, held: Held) {
    if held.event.is_words()
        && let Some(at) = kept.iter().rposition(|old| old.interim && old.name == held.name)
    {
        kept.remove(at);
    }
    kept.push(held);
    if kept.len() > MOST_HELD {
        kept.remove(0);
    }
}
