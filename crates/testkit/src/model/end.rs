//! The end of a session, and what comes after it.

use bifocal_protocol::close::Close;
use bifocal_session::EndReason;

use super::Model;
use super::apps::{Phase, Webhook};
use super::life::Parked;
use crate::seen::{Answered, Asked, Frame, Seen};
use crate::step::Act;

impl Model {
    pub(super) fn after_the_end(&mut self, act: &Act) {
        match act {
            Act::AskStart(ask, _) | Act::AskStop(ask, _) | Act::AskView(ask) => {
                self.answer(*ask, Answered::SessionEnded);
            }
            Act::GlassesConnect(conn) | Act::AppConnect { conn, .. } => self.on(*conn, Frame::Abort),
            _ => {}
        }
    }

    pub(super) fn end(&mut self, reason: EndReason) {
        let restart = reason == EndReason::Shutdown;
        for photo in std::mem::take(&mut self.photos) {
            self.give_up(&photo);
        }
        for no in 0..self.apps.len() {
            let Some(app) = self.apps[no].take() else { continue };
            if matches!(app.phase, Phase::Starting { webhook: Webhook::Asked { .. }, .. }) {
                self.ask(Asked::Cancel);
            }
            for ask in app.waiting {
                self.answer(ask, Answered::SessionEnded);
            }
            match app.phase {
                Phase::Running { line, .. } if restart => self.out.push(Seen::close(line.conn, Close::Restart)),
                // It may come back to the session that takes the place of this one.
                Phase::Running { line, .. } if reason == EndReason::Fatal => {
                    self.out.push(Seen::close(line.conn, Close::Internal));
                }
                Phase::Running { line, .. } => self.say_stopped(line.conn, Close::UserSessionEnded),
                Phase::Stopping { line: Some(line), .. } => self.say_stopped(line.conn, Close::AppStopped),
                Phase::Stopping { line: None, .. } | Phase::Dormant => {}
                _ if restart => {}
                _ => self.ask(Asked::Stop(no)),
            }
        }
        for parked in std::mem::take(&mut self.load.parked) {
            match parked {
                Parked::Start { ask, .. } => ask.into_iter().for_each(|ask| self.answer(ask, Answered::SessionEnded)),
                Parked::Hello { conn, .. } => self.on(conn, Frame::Abort),
                Parked::Stop(_) | Parked::Says(..) | Parked::Settings(_) => {}
            }
        }
        if let Some(conn) = self.phone() {
            if self.mic.told_on() && !restart {
                self.on(conn, Frame::Mic(false, false));
            }
            let close = match reason {
                EndReason::GraceExpired | EndReason::Manual => Close::Revoked,
                EndReason::Shutdown => Close::Restart,
                EndReason::Fatal => {
                    self.on(conn, Frame::PhoneError);
                    Close::Internal
                }
            };
            self.out.push(Seen::close(conn, close));
        }
        self.ended = true;
        self.out.push(Seen::Ended);
    }

    pub(super) fn say_stopped(&mut self, conn: u64, close: Close) {
        self.on(conn, Frame::Stopped);
        self.out.push(Seen::close(conn, close));
    }
}
