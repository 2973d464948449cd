//! Who gets an event, under which names, and what is kept for an app that is away.

use super::apps::{App, Phase};
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
    pub(super) fn deliver(&mut self, event: Event, n: u64, last: Option<bool>) {
        for (no, app) in self.apps.iter_mut().enumerate() {
            let Some(app) = app else { continue };
            let names = names(app, no, event, &self.wearer);
            match app.phase {
                Phase::Running { line, flush: None, .. } => {
                    self.out.extend(names.into_iter().map(|name| Seen::On(line.conn, Frame::Event(name, n))));
                }
                Phase::Failed { .. } | Phase::Stopping { .. } => {}
                _ => {
                    for name in names {
                        let held = Held { name, n, event, interim: last == Some(false) };
                        keep(&mut app.held, held, event.is_words());
                    }
                }
            }
        }
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
        let (mut refused, mut wrong) = (false, false);
        for place in list {
            let entry = entry(place);
            if entry.wrong {
                wrong = true;
            } else if !self.wearer.grants(no, entry.needs) {
                refused = true;
            } else if !wants.contains(place) {
                wants.push(*place);
            }
        }
        app.wants = wants;
        self.release(no);
        if refused {
            self.on(conn, Frame::Refused);
        }
        if wrong {
            self.on(conn, Frame::AppError);
        }
    }

    /// A list that is too long, of nothing that ever happens.
    pub(super) fn subscribe_to_gestures(&mut self, no: AppNo) {
        let (Some(conn), Some(app)) = (self.app_conn(no), &mut self.apps[no]) else { return };
        app.wants.clear();
        self.release(no);
        self.on(conn, Frame::AppError);
    }

    /// What was kept goes out, as far as the app still wants it and may have it.
    pub(super) fn release(&mut self, no: AppNo) {
        let Some(app) = &mut self.apps[no] else { return };
        let Phase::Running { line, flush, .. } = &mut app.phase else { return };
        *flush = None;
        for held in std::mem::take(&mut app.held) {
            let wanted = app.wants.iter().any(|place| entry(place).delivered == held.name);
            if wanted && self.wearer.grants(no, held.event.needs()) {
                self.out.push(Seen::On(line.conn, Frame::Event(held.name, held.n)));
            }
        }
    }
}

/// Keeps an event. Of words that may still change only the newest are kept, and of everything only so much.
fn keep(kept: &mut Vec<Held>, held: Held, words: bool) {
    if words && let Some(at) = kept.iter().rposition(|old| old.interim && old.name == held.name) {
        kept.remove(at);
    }
    kept.push(held);
    if kept.len() > MOST_HELD {
        kept.remove(0);
    }
}
