//! Events arrive in order, none twice unless its first time may have been in vain, and only where they may.

use std::collections::{BTreeMap, VecDeque};

use bifocal_session::Effect;

use super::sockets::Sockets;
use super::{Held, broken};
use crate::cast::{self, AppNo, Event, STRANGER};
use crate::model::Model;
use crate::seen::{Frame, LINK_DOWN, Seen};
use crate::step::{Act, PhoneSays};

#[derive(Debug, Default)]
pub(super) struct Streams {
    /// What the event with this number is.
    events: BTreeMap<u64, Event>,
    apps: [Heard; 4],
}

/// What an app has been told.
#[derive(Debug, Default)]
struct Heard {
    /// What it has for certain: answered pings say so.
    certain: Told,
    /// Its newest socket, and what it was told there.
    conn: u64,
    here: Told,
    /// What is not certain of that, in order, and how many were before it.
    open: VecDeque<(&'static str, u64)>,
    before: u64,
}

/// The last number, and the last under each name.
#[derive(Debug, Default, Clone)]
struct Told {
    last: u64,
    last_as: BTreeMap<&'static str, u64>,
}

impl Told {
    fn is_told(&mut self, name: &'static str, n: u64) {
        self.last = n;
        self.last_as.insert(name, n);
    }
}

impl Streams {
    pub(super) fn before(&mut self, act: &Act, model: &Model) {
        match act {
            Act::PhoneSays(_, PhoneSays::Event(event, n) | PhoneSays::Words { event, n, .. }) => {
                self.events.insert(*n, *event);
            }
            Act::Pong(conn) => self.confirms(*conn, u64::MAX, model),
            Act::Confirms(conn, count) => self.confirms(*conn, *count, model),
            _ => {}
        }
    }

    fn confirms(&mut self, conn: u64, count: u64, model: &Model) {
        let Some(app) = model.speaker(conn) else { return };
        let heard = &mut self.apps[app];
        while heard.conn == conn && heard.before < count {
            let Some((name, n)) = heard.open.pop_front() else { break };
            heard.before += 1;
            if n < LINK_DOWN {
                heard.certain.is_told(name, n);
            }
        }
    }

    pub(super) fn effect(&mut self, effect: &Effect, sockets: &Sockets, model: &Model) -> Held {
        if !matches!(effect, Effect::Send { .. } | Effect::SendBinary { .. }) {
            return Ok(());
        }
        let Some(Seen::On(conn, frame)) = Seen::of(effect) else { return Ok(()) };
        let Some(app) = sockets.app_of(conn).filter(|app| *app != STRANGER) else { return Ok(()) };
        match frame {
            Frame::Sound(_) => may_have(app, Event::Sound, 0, model),
            Frame::Event(name, n) => {
                self.apps[app].on(conn, name, n);
                if n >= LINK_DOWN {
                    return Ok(());
                }
                let Some(event) = self.events.get(&n) else {
                    return broken("events come from the phone", format!("{n} as {name}"));
                };
                may_have(app, *event, n, model)?;
                if matches!(event, Event::Link | Event::Location) {
                    // It is told again to whoever begins to listen.
                    return Ok(());
                }
                self.apps[app].in_order(app, name, n)
            }
            _ => Ok(()),
        }
    }
}

impl Heard {
    /// On a new socket may come again what is not certain to have come on the old one.
    fn on(&mut self, conn: u64, name: &'static str, n: u64) {
        if conn != self.conn {
            let certain = std::mem::take(&mut self.certain);
            *self = Heard { conn, here: certain.clone(), certain, ..Heard::default() };
        }
        self.open.push_back((name, n));
    }

    fn in_order(&mut self, app: AppNo, name: &'static str, n: u64) -> Held {
        let package = cast::package(app);
        let told = &mut self.here;
        if n < told.last {
            return broken("events arrive in order", format!("{package} gets {n} as {name} after {}", told.last));
        }
        if told.last_as.get(name) == Some(&n) {
            return broken("no event arrives twice", format!("{package} gets {n} as {name} again"));
        }
        told.is_told(name, n);
        Ok(())
    }
}

/// Whether the wearer's record, as it was last read, lets the app have it.
fn may_have(app: AppNo, event: Event, n: u64, model: &Model) -> Held {
    if model.wearer().grants(app, event.needs()) {
        return Ok(());
    }
    let detail = format!("{} gets {event:?} {n}", cast::package(app));
    broken("no byte of a stream without its permission", detail)
}
