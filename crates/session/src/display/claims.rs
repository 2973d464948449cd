//! Who may draw on the main view: a stack of claims, from which the visible frame is computed anew after every change.
//!
//! | claim | begins | ends |
//! |---|---|---|
//! | boot | an app starts | its first frame, its stop or failure, 1.5 s |
//! | background | a frame of a background app, when nobody holds it, no app boots and the foreground app does not have its turn | its duration; 2 s without a frame when it has none; 10 s a frame and 30 s in all; each of these only while somebody else wants the display, except the duration |
//! | foreground | a frame of the foreground app | its duration, a clear, the next frame, its stop |
//! | status line | the wearer wants one (`alwaysOnStatusBar`) | the wearer does not, or it is empty |
//!
//! The highest claim is visible. When one ends, what is below it is visible again, however old.
//!
//! Background apps that cannot have the display wait, 5 s at most, in the order in which they first asked. The foreground
//! app has its turn for 2 s, as long as a background frame has, when its page was covered for 30 s, and after a boot screen
//! during which it has drawn.

use std::collections::VecDeque;
use std::sync::Arc;

use bifocal_protocol::ids::PackageName;

use super::boot::BootScreen;
use super::frame::{Frame, Refused};
use crate::now::{Millis, Timings};

/// Most background frames that wait for the display.
const MAX_WAITING: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) boot: BootScreen,
    background: Option<Background>,
    waiting: VecDeque<Waiting>,
    foreground: Option<Page>,
    /// What stands there when nobody draws. It gives way to everybody, and nobody waits for it.
    status: Option<Arc<Frame>>,
    /// The foreground app has drawn while the boot screen stood.
    drawn_in_boot: bool,
    /// Until then no background frame comes above the foreground app's page.
    turn_until: Option<Millis>,
    /// Since when background apps have had the display without a pause.
    covered_since: Option<Millis>,
}

#[derive(Debug)]
struct Background {
    frame: Arc<Frame>,
    held_since: Millis,
    framed_at: Millis,
}

#[derive(Debug)]
struct Waiting {
    frame: Arc<Frame>,
    until: Millis,
}

/// A frame that stays, perhaps for a while.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) frame: Arc<Frame>,
    pub(super) until: Option<Millis>,
}

impl Page {
    /// The frame in place of what was there before; nothing when it is empty.
    pub(super) fn instead_of(before: Option<Page>, frame: Frame, now: Millis) -> Option<Page> {
        let until = frame.duration_ms.map(|ms| now + ms);
        let frame = match before {
            _ if frame.is_empty() => return None,
            Some(before) => same_or_new(&before.frame, frame),
            None => Arc::new(frame),
        };
        Some(Page { frame, until })
    }

    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// The old frame when the new one is equal: it may be on the glasses already.
fn same_or_new(old: &Arc<Frame>, new: Frame) -> Arc<Frame> {
    if **old == new { old.clone() } else { Arc::new(new) }
}

impl Claims {
    pub(super) fn visible(&self) -> Option<&Arc<Frame>> {
        let background = || self.background.as_ref().map(|b| &b.frame);
        let foreground = || self.foreground.as_ref().map(|page| &page.frame);
        self.boot.frame().or_else(background).or_else(foreground).or(self.status.as_ref())
    }

    /// The status line from now on; true when it was another.
    pub(super) fn status_line(&mut self, frame: Option<Frame>) -> bool {
        let other = self.status.as_deref() != frame.as_ref();
        if other {
            self.status = frame.map(Arc::new);
        }
        other
    }

    /// Whether this frame may still become visible.
    pub(super) fn has(&self, frame: &Arc<Frame>) -> bool {
        let background = self.background.iter().map(|b| &b.frame);
        let foreground = self.foreground.iter().map(|page| &page.frame);
        let mut all = background.chain(foreground).chain(self.waiting.iter().map(|waiting| &waiting.frame));
        all.any(|other| Arc::ptr_eq(other, frame))
    }

    /// The foreground app draws.
    pub(super) fn foreground(&mut self, frame: Frame, now: Millis) -> Option<Arc<Frame>> {
        self.drawn_in_boot |= self.boot.frame().is_some();
        self.foreground = Page::instead_of(self.foreground.take(), frame, now);
        self.foreground.as_ref().map(|page| page.frame.clone())
    }

    /// A background app draws; it waits when it cannot have the display now.
    pub(super) fn background(
        &mut self,
        frame: Frame,
        now: Millis,
        timings: &Timings,
    ) -> Result<Option<Arc<Frame>>, Refused> {
        if frame.is_empty() {
            self.no_background(&frame.package);
            return Ok(None);
        }
        let until = now + timings.background_wait;
        if let Some(holder) = self.background.as_mut().filter(|b| b.frame.package == frame.package) {
            holder.frame = same_or_new(&holder.frame, frame);
            holder.framed_at = now;
            return Ok(Some(holder.frame.clone()));
        }
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.frame.package == frame.package) {
            *waiting = Waiting { frame: same_or_new(&waiting.frame, frame), until };
            return Ok(Some(waiting.frame.clone()));
        }
        if self.waiting.len() == MAX_WAITING {
            return Err(Refused::TooManyWait);
        }
        let frame = Arc::new(frame);
        self.waiting.push_back(Waiting { frame: frame.clone(), until });
        Ok(Some(frame))
    }

    /// An app is gone: its claims end.
    pub(super) fn remove(&mut self, package: &PackageName) {
        self.boot.remove(package);
        self.no_background(package);
        if self.foreground.as_ref().is_some_and(|page| page.frame.package == *package) {
            self.foreground = None;
        }
    }

    fn no_background(&mut self, package: &PackageName) {
        self.waiting.retain(|waiting| waiting.frame.package != *package);
        if self.background.as_ref().is_some_and(|b| b.frame.package == *package) {
            self.background = None;
        }
    }

    /// When something changes by itself.
    pub(super) fn next_end(&self, timings: &Timings) -> Option<Millis> {
        let foreground = self.foreground.as_ref().and_then(|page| page.until);
        let background = self.background.as_ref().map(|b| self.background_end(b, timings));
        let turn = self.turn_until.filter(|_| self.background.is_none() && !self.waiting.is_empty());
        let waiting = self.waiting.iter().map(|waiting| waiting.until).min();
        [self.boot.next_end(), foreground, background.flatten(), turn, waiting].into_iter().flatten().min()
    }

    fn background_end(&self, b: &Background, timings: &Timings) -> Option<Millis> {
        let own = b.frame.duration_ms.map(|ms| b.framed_at + ms);
        if self.foreground.is_none() && self.waiting.is_empty() {
            return own;
        }
        let frame = b.framed_at + b.frame.duration_ms.unwrap_or(timings.background_idle).min(timings.background_frame);
        Some(frame.min(b.held_since + timings.background_total))
    }

    /// Ends every claim whose time has come, and gives the display to who waits for it.
    pub(super) fn settle(&mut self, now: Millis, timings: &Timings) {
        self.boot.expire(now);
        self.foreground = self.foreground.take().filter(|page| !page.is_over(now));
        self.waiting.retain(|waiting| waiting.until > now);
        let ended = self.background.as_ref().and_then(|b| self.background_end(b, timings));
        if ended.is_some_and(|at| at <= now) {
            self.background = None;
        }
        let boot_is_over = self.boot.frame().is_none();
        let covered = self.covered_since.filter(|_| self.background.is_none());
        let long_covered = covered.is_some_and(|since| now - since >= timings.background_total);
        if long_covered || self.drawn_in_boot && boot_is_over {
            self.turn_until = Some(now + timings.background_idle);
        }
        self.drawn_in_boot &= !boot_is_over;
        self.turn_until = self.turn_until.filter(|until| *until > now && self.foreground.is_some());
        if self.background.is_none() && boot_is_over && self.turn_until.is_none() {
            let next = self.waiting.pop_front();
            self.background = next.map(|next| Background { frame: next.frame, held_since: now, framed_at: now });
        }
        // What was not above a page does not count.
        let since = self.covered_since.filter(|_| self.foreground.is_some()).unwrap_or(now);
        self.covered_since = self.background.as_ref().map(|_| since);
    }
}
