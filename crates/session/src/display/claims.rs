//! Who may draw on the main view: a stack of claims, from which the visible frame is computed anew after every change.
//!
//! | claim | begins | ends |
//! |---|---|---|
//! | boot | an app starts | its first frame, its stop or failure, 1.5 s |
//! | background | a frame of a background app, when nobody holds it | its duration; 2 s without a frame when it has none; 10 s a frame and 30 s in all; each of these only while somebody else wants the display, except the duration |
//! | foreground | a frame of the foreground app | its duration, a clear, the next frame, its stop |
//!
//! The highest claim is visible. When one ends, what is below it is visible again, however old.

use std::collections::VecDeque;
use std::sync::Arc;

use bifocal_protocol::ids::PackageName;

use super::manager::Frame;
use crate::now::{Millis, Timings};

/// Most background frames that wait for the display.
const MAX_WAITING: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) boot: Vec<Boot>,
    /// Drawn from `boot` whenever it changes.
    pub(crate) boot_frame: Option<Arc<Frame>>,
    background: Option<Background>,
    waiting: VecDeque<(Arc<Frame>, Millis)>,
    foreground: Option<(Arc<Frame>, Option<Millis>)>,
}

/// An app that is starting.
#[derive(Debug)]
pub(crate) struct Boot {
    pub(crate) package: PackageName,
    pub(crate) name: String,
    pub(crate) until: Millis,
}

#[derive(Debug)]
struct Background {
    frame: Arc<Frame>,
    held_since: Millis,
    framed_at: Millis,
}

impl Claims {
    pub(crate) fn visible(&self) -> Option<&Arc<Frame>> {
        let background = || self.background.as_ref().map(|b| &b.frame);
        let foreground = || self.foreground.as_ref().map(|(frame, _)| frame);
        self.boot_frame.as_ref().or_else(background).or_else(foreground)
    }

    /// The foreground app draws.
    pub(crate) fn foreground(&mut self, frame: Arc<Frame>, now: Millis) {
        let expires = frame.duration_ms.map(|ms| now + ms);
        self.foreground = (!frame.is_empty()).then_some((frame, expires));
    }

    /// A background app draws; it waits when another holds the display.
    pub(crate) fn background(&mut self, frame: Arc<Frame>, now: Millis, timings: &Timings) {
        self.waiting.retain(|(waiting, _)| waiting.package != frame.package);
        let holds = self.background.as_ref().is_some_and(|b| b.frame.package == frame.package);
        match &mut self.background {
            _ if frame.is_empty() => {
                if holds {
                    self.release(now);
                }
            }
            Some(background) if holds => {
                background.frame = frame;
                background.framed_at = now;
            }
            Some(_) => {
                if self.waiting.len() < MAX_WAITING {
                    self.waiting.push_back((frame, now + timings.background_wait));
                }
            }
            None => self.background = Some(Background { frame, held_since: now, framed_at: now }),
        }
    }

    /// An app is gone: its claims end.
    pub(crate) fn remove(&mut self, package: &PackageName, now: Millis) {
        self.boot.retain(|boot| boot.package != *package);
        self.waiting.retain(|(frame, _)| frame.package != *package);
        if self.foreground.as_ref().is_some_and(|(frame, _)| frame.package == *package) {
            self.foreground = None;
        }
        if self.background.as_ref().is_some_and(|b| b.frame.package == *package) {
            self.release(now);
        }
    }

    /// When the next claim ends by itself.
    pub(crate) fn next_end(&self, timings: &Timings) -> Option<Millis> {
        let boot = self.boot.iter().map(|boot| boot.until).min();
        let foreground = self.foreground.as_ref().and_then(|(_, expires)| *expires);
        let background = self.background.as_ref().and_then(|b| self.background_end(b, timings));
        [boot, foreground, background].into_iter().flatten().min()
    }

    fn background_end(&self, b: &Background, timings: &Timings) -> Option<Millis> {
        let own = b.frame.duration_ms.map(|ms| b.framed_at + ms);
        if self.foreground.is_none() && self.waiting.is_empty() {
            return own;
        }
        let frame = b.framed_at + b.frame.duration_ms.unwrap_or(timings.background_idle).min(timings.background_frame);
        Some(frame.min(b.held_since + timings.background_total))
    }

    /// Ends every claim whose time has come; true when the boot list changed.
    pub(crate) fn expire(&mut self, now: Millis, timings: &Timings) -> bool {
        let before = self.boot.len();
        self.boot.retain(|boot| boot.until > now);
        if self.foreground.as_ref().is_some_and(|(_, expires)| expires.is_some_and(|at| at <= now)) {
            self.foreground = None;
        }
        let ended = self.background.as_ref().and_then(|b| self.background_end(b, timings));
        if ended.is_some_and(|at| at <= now) {
            self.release(now);
        }
        self.boot.len() != before
    }

    /// The next waiting background frame that is not too old takes the display.
    fn release(&mut self, now: Millis) {
        self.background = None;
        while let Some((frame, until)) = self.waiting.pop_front() {
            if until > now {
                self.background = Some(Background { frame, held_since: now, framed_at: now });
                return;
            }
        }
    }
}
