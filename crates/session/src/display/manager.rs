//! The manager itself: takes requests, keeps the claims, says what to send and when.

use std::sync::Arc;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::View;

use super::claims::{Claims, Page};
use super::frame::{Frame, Refused, Request};
use super::reports::{Place, Report, Reports};
use super::throttle::{Sent, Throttle};
use crate::now::{Millis, Timings};

/// Counters of the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DisplayStats {
    /// Requests of apps.
    pub requested: u64,
    /// Of these, those that changed nothing, in the order of [`Refused::EVERY`].
    pub refused: [u64; Refused::EVERY.len()],
    /// Those that were sent to the glasses, or took something away.
    pub shown: u64,
    /// Those that could not be shown at once: something else was, or nobody was there.
    pub held: u64,
    /// Those that gave way to a newer one, or whose time or app was over, before they were sent.
    pub replaced: u64,
    /// Frames sent to the glasses.
    pub sent: u64,
}

#[derive(Debug, Default)]
pub(crate) struct DisplayManager {
    claims: Claims,
    dashboard: Option<Page>,
    main_throttle: Throttle,
    dashboard_throttle: Throttle,
    reports: Reports,
    pub(crate) stats: DisplayStats,
}

impl DisplayManager {
    /// An app wants to draw. Only the system dashboard may draw on the dashboard view.
    ///
    /// # Errors
    /// Why it may not, unless the app has asked for a report: then it is told there.
    pub(crate) fn request(&mut self, request: Request, now: Millis, timings: &Timings) -> Result<(), Refused> {
        let Request { kind, view, force, report, frame } = request;
        let package = frame.package.clone();
        self.stats.requested += 1;
        self.expire(now, timings);
        match self.claim(kind, view, frame, now, timings) {
            Ok(frame) => {
                self.expire(now, timings);
                // A clear that lets something else be seen is nothing to be sent.
                if force && (frame.is_some() || self.visible(view).is_none()) {
                    self.throttle(view).force(frame.as_ref());
                }
                self.reports.taken(&package, view, frame, report, &mut self.stats);
                Ok(())
            }
            Err(refused) => {
                self.stats.refused[refused as usize] += 1;
                match report {
                    Some(report) => self.reports.refused(package, report, refused),
                    None => return Err(refused),
                }
                Ok(())
            }
        }
    }

    /// The frame that stands for the request from now on; `None` for a clear.
    fn claim(
        &mut self,
        kind: AppKind,
        view: View,
        frame: Frame,
        now: Millis,
        timings: &Timings,
    ) -> Result<Option<Arc<Frame>>, Refused> {
        if frame.is_too_large() {
            return Err(Refused::TooLarge);
        }
        if view == View::Dashboard {
            if kind != AppKind::SystemDashboard {
                return Err(Refused::NotTheDashboard);
            }
            self.dashboard = Page::instead_of(self.dashboard.take(), frame, now);
            return Ok(self.dashboard.as_ref().map(|page| page.frame.clone()));
        }
        let package = frame.package.clone();
        let frame = match kind {
            AppKind::Standard => self.claims.foreground(frame, now),
            AppKind::Background | AppKind::SystemDashboard => self.claims.background(frame, now, timings)?,
        };
        self.claims.boot.remove(&package);
        Ok(frame)
    }

    /// An app starts: the boot screen says so.
    pub(crate) fn app_starting(&mut self, package: &PackageName, name: &str, now: Millis, timings: &Timings) {
        self.claims.boot.add(package, name, now + timings.boot_screen);
    }

    /// An app is gone, or never came: nothing of it stays.
    pub(crate) fn app_gone(&mut self, package: &PackageName) {
        self.claims.remove(package);
        self.reports.forget(package, &mut self.stats);
        if self.dashboard.as_ref().is_some_and(|page| page.frame.package == *package) {
            self.dashboard = None;
        }
    }

    /// The phone came back: everything visible goes out again.
    pub(crate) fn reconnected(&mut self) {
        self.main_throttle.reconnected();
        self.dashboard_throttle.reconnected();
    }

    /// The dashboard is this now, until it is something else.
    /// True when it was something else before.
    pub(crate) fn draw_dashboard(&mut self, frame: Option<Frame>) -> bool {
        let other = self.dashboard.as_ref().map(|page| &*page.frame) != frame.as_ref();
        if other {
            let before = self.dashboard.take();
            self.dashboard = frame.and_then(|frame| Page::instead_of(before, frame, Millis::default()));
        }
        other
    }

    /// The status line is this now: what the main view shows when nobody else draws there. True when it was another.
    pub(crate) fn draw_status(&mut self, frame: Option<Frame>) -> bool {
        self.claims.status_line(frame)
    }

    /// The glasses came back to the phone: they show nothing. Frames keep their gap.
    pub(crate) fn redraw(&mut self) {
        self.main_throttle.redraw();
        self.dashboard_throttle.redraw();
    }

    /// When a frame of this view may go out; `None` when the glasses show what they should.
    pub(crate) fn frame_due(&self, view: View, timings: &Timings) -> Option<Millis> {
        match view {
            View::Main => self.main_throttle.due(self.visible(view), timings),
            View::Dashboard => self.dashboard_throttle.due(self.visible(view), timings),
        }
    }

    /// When a claim ends by itself.
    pub(crate) fn claim_ends(&self, timings: &Timings) -> Option<Millis> {
        let dashboard = self.dashboard.as_ref().and_then(|page| page.until);
        self.claims.next_end(timings).into_iter().chain(dashboard).min()
    }

    /// Ends the claims whose time has come, and lets those begin that have waited for it.
    pub(crate) fn expire(&mut self, now: Millis, timings: &Timings) {
        self.claims.settle(now, timings);
        self.dashboard = self.dashboard.take().filter(|page| !page.is_over(now));
    }

    /// Takes what is to be sent of this view now.
    pub(crate) fn take(&mut self, view: View, now: Millis, timings: &Timings) -> Option<Sent> {
        let sent = match view {
            View::Main => self.main_throttle.take(self.claims.visible(), now, timings),
            View::Dashboard => {
                self.dashboard_throttle.take(self.dashboard.as_ref().map(|page| &page.frame), now, timings)
            }
        };
        self.stats.sent += u64::from(sent.is_some());
        sent
    }

    /// What apps are to be told of their requests. With `away`, nothing can be sent to the glasses now, and why.
    pub(crate) fn reports(&mut self, away: Option<&'static str>) -> Vec<Report> {
        let Self { claims, dashboard, main_throttle, dashboard_throttle, reports, stats } = self;
        let place = |view, frame: &Arc<Frame>| {
            let dashboard = dashboard.as_ref().map(|page| &page.frame);
            let is_it = |visible: Option<&Arc<Frame>>| visible.is_some_and(|visible| Arc::ptr_eq(visible, frame));
            let (throttle, visible, stays) = match view {
                View::Main => (&*main_throttle, claims.visible(), claims.has(frame)),
                View::Dashboard => (&*dashboard_throttle, dashboard, is_it(dashboard)),
            };
            match away {
                None if throttle.shows(Some(frame)) => Place::Shown,
                _ if !stays => Place::Gone,
                Some(why) => Place::Held(why),
                None if is_it(visible) => Place::Next,
                None if claims.boot.frame().is_some() => Place::Held("An app is starting"),
                None => Place::Held("Another app has the display"),
            }
        };
        reports.settle(place, stats)
    }

    fn visible(&self, view: View) -> Option<&Arc<Frame>> {
        match view {
            View::Main => self.claims.visible(),
            View::Dashboard => self.dashboard.as_ref().map(|page| &page.frame),
        }
    }

    fn throttle(&mut self, view: View) -> &mut Throttle {
        match view {
            View::Main => &mut self.main_throttle,
            View::Dashboard => &mut self.dashboard_throttle,
        }
    }
}

#[cfg(test)]
mod tests {
    use bifocal_protocol::layout::Layout;

    use super::*;

    const T: Timings = Timings::DEFAULT;

    fn package(name: &str) -> PackageName {
        PackageName::new(name).expect("good")
    }

    fn ask(display: &mut DisplayManager, kind: AppKind, app: &str, text: &str, duration_ms: Option<u64>, at: u64) {
        let layout = Layout::TextWall { text: text.into() };
        let frame = Frame { package: package(app), session_id: "".into(), layout, duration_ms };
        let request = Request { kind, view: View::Main, force: false, report: None, frame };
        assert_eq!(display.request(request, Millis(at), &T), Ok(()));
    }

    /// Runs the display from `from` to `to` and tells what was sent: `time text`.
    fn sent(display: &mut DisplayManager, from: u64, to: u64) -> Vec<String> {
        let mut frames = Vec::new();
        for at in from..=to {
            display.expire(Millis(at), &T);
            if let Some(sent) = display.take(View::Main, Millis(at), &T) {
                let text = match sent {
                    Sent::Clear => "-".to_owned(),
                    Sent::Wipe => "wiped".to_owned(),
                    Sent::Picture(frame, picture) => match frame.layout_of(picture) {
                        Layout::TextWall { text } => text,
                        Layout::ReferenceCard { text, .. } => format!("[{text}]"),
                        other => format!("{other:?}"),
                    },
                };
                frames.push(format!("{at} {text}"));
            }
        }
        frames
    }

    #[test]
    fn the_newest_of_a_burst_is_shown_and_the_gap_is_kept() {
        let mut display = DisplayManager::default();
        let mut all = Vec::new();
        for at in 0..1000 {
            if at % 5 == 0 {
                ask(&mut display, AppKind::Standard, "a", &format!("n{at}"), None, at);
            }
            all.extend(sent(&mut display, at, at));
        }
        all.extend(sent(&mut display, 1000, 2000));
        assert_eq!(all, ["0 n0", "300 n300", "600 n600", "900 n900", "1200 n995"]);
    }

    #[test]
    fn a_background_frame_gives_the_display_back() {
        let mut display = DisplayManager::default();
        ask(&mut display, AppKind::Standard, "fg", "page", None, 0);
        assert_eq!(sent(&mut display, 0, 999), ["0 page"]);
        ask(&mut display, AppKind::Background, "bg", "note", None, 1000);
        assert_eq!(sent(&mut display, 1000, 5000), ["1000 note", "3000 page"]);
    }

    #[test]
    fn alone_a_background_frame_stays() {
        let mut display = DisplayManager::default();
        ask(&mut display, AppKind::Background, "bg", "note", None, 0);
        ask(&mut display, AppKind::Background, "bg2", "other", None, 500);
        assert_eq!(sent(&mut display, 500, 20_000), ["500 note", "2000 other"]);
    }

    #[test]
    fn the_boot_screen_ends_with_the_first_frame_or_after_its_time() {
        let mut display = DisplayManager::default();
        display.app_starting(&package("a"), "Alpha", Millis(0), &T);
        display.app_starting(&package("b"), "Beta", Millis(100), &T);
        assert_eq!(sent(&mut display, 100, 399), ["100 [Alpha, Beta]"]);
        ask(&mut display, AppKind::Standard, "a", "hello", None, 400);
        assert_eq!(sent(&mut display, 400, 3000), ["400 [Beta]", "1600 hello"]);
    }

    #[test]
    fn what_is_shown_goes_out_again_after_a_reconnection() {
        let mut display = DisplayManager::default();
        display.reconnected();
        assert!(sent(&mut display, 0, 10).is_empty());
        ask(&mut display, AppKind::Standard, "a", "page", None, 10);
        assert_eq!(sent(&mut display, 10, 20), ["10 page"]);
        display.reconnected();
        assert_eq!(sent(&mut display, 21, 400), ["21 page"]);
        display.app_gone(&package("a"));
        assert_eq!(sent(&mut display, 400, 800), ["400 -"]);
    }

    #[test]
    fn a_duration_ends_and_zero_clears() {
        let mut display = DisplayManager::default();
        ask(&mut display, AppKind::Standard, "a", "short", Some(1000), 0);
        assert_eq!(sent(&mut display, 0, 2000), ["0 short", "1000 -"]);
        ask(&mut display, AppKind::Standard, "a", "page", None, 2000);
        ask(&mut display, AppKind::Standard, "a", "gone", Some(0), 2000);
        assert!(sent(&mut display, 2000, 4000).is_empty());
    }
}
