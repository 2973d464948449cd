//! Events arrive in order, none twice, and only where they may.

use std::collections::BTreeMap;

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
    /// The number that an app has last seen.
    last: [u64; 4],
    /// The same under each name.
    last_as: BTreeMap<(AppNo, &'static str), u64>,
}

impl Streams {
    pub(super) fn before(&mut self, act: &Act) {
        if let Act::PhoneSays(_, PhoneSays::Event(event, n) | PhoneSays::Words { event, n, .. }) = act {
            self.events.insert(*n, *event);
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
            Frame::Event(name, n) if n < LINK_DOWN => {
                let Some(event) = self.events.get(&n) else {
                    return broken("events come from the phone", format!("{n} as {name}"));
                };
                may_have(app, *event, n, model)?;
                self.in_order(app, name, n)
            }
            _ => Ok(()),
        }
    }

    fn in_order(&mut self, app: AppNo, name: &'static str, n: u64) -> Held {
        let package = cast::package(app);
        let (last, last_as) = (&mut self.last[app], self.last_as.entry((app, name)).or_default());
        if n < *last {
            return broken("events arrive in order", format!("{package} gets {n} as {name} after {last}"));
        }
        if n == *last_as {
            return broken("no event arrives twice", format!("{package} gets {n} as {name} again"));
        }
        (*last, *last_as) = (n, n);
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
