//! No frame to a socket that is not current; the ack is the first, `app_stopped` the last.

use std::collections::BTreeMap;

use bifocal_session::Effect;

use super::{Held, broken};
use crate::cast::AppNo;
use crate::model::Model;
use crate::seen::{after, kind};
use crate::step::Act;

/// Every socket that ever was.
#[derive(Debug, Default)]
pub(super) struct Sockets(BTreeMap<u64, Socket>);

#[derive(Debug, Default)]
struct Socket {
    /// Whose it is, for an app's.
    app: Option<AppNo>,
    /// The id of the app's start, as its ack says.
    start: Option<String>,
    /// The app's session id, as its ack says.
    session: Option<String>,
    acked: bool,
    stopped: bool,
    /// It has had its close frame.
    closing: bool,
    /// It is gone.
    gone: bool,
}

impl Sockets {
    pub(super) fn before(&mut self, act: &Act) {
        match act {
            Act::GlassesConnect(conn) => drop(self.0.insert(*conn, Socket::default())),
            Act::AppConnect { conn, app, .. } => {
                self.0.insert(*conn, Socket { app: Some(*app), ..Socket::default() });
            }
            Act::Closed(conn, _) => {
                if let Some(socket) = self.0.get_mut(conn) {
                    socket.gone = true;
                }
            }
            _ => {}
        }
    }

    pub(super) fn app_of(&self, conn: u64) -> Option<AppNo> {
        self.0.get(&conn)?.app
    }

    pub(super) fn start_of(&self, conn: u64) -> Option<String> {
        self.0.get(&conn)?.start.clone()
    }

    pub(super) fn effects(&mut self, effects: &[Effect], current_before: &[u64], model: &Model) -> Held {
        // Let in and stopped in one step: current in between.
        let mut let_in = Vec::new();
        for (place, effect) in effects.iter().enumerate() {
            let conn = match effect {
                Effect::Send { conn, .. }
                | Effect::SendBinary { conn, .. }
                | Effect::Ping { conn }
                | Effect::Close { conn, .. }
                | Effect::Abort { conn } => conn.0,
                _ => continue,
            };
            let Some(socket) = self.0.get_mut(&conn) else {
                return broken("no frame to a socket that is not current", format!("there is no socket {conn}"));
            };
            let abort = matches!(effect, Effect::Abort { .. });
            if socket.gone || socket.closing && !abort {
                return broken("no frame to a socket that is not current", format!("{conn} is gone: {effect:?}"));
            }
            let farewell = |effect: &Effect| matches!(effect, Effect::Close { conn: other, .. } if other.0 == conn);
            let closes = abort || effects[place..].iter().any(farewell);
            if !socket.acked && model.app_of(conn).is_some() {
                let_in.push(conn);
            }
            let in_between = let_in.contains(&conn);
            if !closes && !in_between && !is_current(model, conn) && !current_before.contains(&conn) {
                return broken("no frame to a socket that is not current", format!("{conn} is told {effect:?}"));
            }
            match effect {
                Effect::Send { text, .. } => socket.is_told(conn, text, closes)?,
                Effect::Close { .. } => socket.closing = true,
                Effect::Abort { .. } => socket.gone = true,
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_current(model: &Model, conn: u64) -> bool {
    model.phone() == Some(conn) || (0..4).any(|app| model.app_conn(app) == Some(conn))
}

impl Socket {
    fn is_told(&mut self, conn: u64, text: &str, closes: bool) -> Held {
        let kind = kind(text);
        if self.stopped {
            return broken("`app_stopped` is the last message", format!("socket {conn} is told {kind} after it"));
        }
        let ack = if self.app.is_some() { "tpa_connection_ack" } else { "connection_ack" };
        // Whoever is not let in is told why, and nothing else.
        let refusal = closes && matches!(kind, "tpa_connection_error" | "app_stopped");
        if kind == ack {
            self.acked = true;
            self.start = after(text, r#""sessionUuid":""#).map(str::to_owned);
            self.session = after(text, r#""sessionId":""#).map(str::to_owned);
        } else if !self.acked && !refusal {
            return broken("the ack is the first message", format!("socket {conn} is told {kind} before it"));
        }
        if kind == "data_stream" && after(text, r#""sessionId":""#) != self.session.as_deref() {
            return broken("an event carries the id of the app's session", format!("socket {conn}: {text:.120}"));
        }
        self.stopped = self.app.is_some() && kind == "app_stopped";
        if self.stopped && !closes {
            return broken("`app_stopped` is the last message", format!("socket {conn} stays open after it"));
        }
        Ok(())
    }
}
