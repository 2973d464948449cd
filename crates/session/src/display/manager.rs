//! The manager itself: takes requests, keeps the claims, says what to send and when.

use std::sync::Arc;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::{Layout, View};

use super::claims::{Boot, Claims};
use super::throttle::Throttle;
use crate::now::{Millis, Timings};

/// One picture of one app.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) package: PackageName,
    pub(crate) session_id: Arc<str>,
    pub(crate) layout: Layout,
    pub(crate) duration_ms: Option<u64>,
}

impl Frame {
    /// Whether it draws nothing: a clear, or a picture that lasts no time.
    pub(crate) fn is_empty(&self) -> bool {
        self.layout.is_empty() || self.duration_ms == Some(0)
    }
}

/// A request of an app.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) kind: AppKind,
    pub(crate) view: View,
    pub(crate) force: bool,
    pub(crate) frame: Frame,
}

/// Counters of the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DisplayStats {
    /// Requests of apps.
    pub requested: u64,
    /// Frames sent to the glasses.
    pub sent: u64,
}

#[derive(Debug, Default)]
pub(crate) struct DisplayManager {
    claims: Claims,
    dashboard: Option<Arc<Frame>>,
    main_throttle: Throttle,
    dashboard_throttle: Throttle,
    pub(crate) stats: DisplayStats,
}

impl DisplayManager {
    /// An app wants to draw. Only the system dashboard may draw on the dashboard view: false when it may not.
    pub(crate) fn request(&mut self, request: Request, now: Millis, timings: &Timings) -> bool {
        let Request { kind, view, force, frame } = request;
        self.stats.requested += 1;
        if view == View::Dashboard {
            if kind != AppKind::SystemDashboard {
                return false;
            }
            self.dashboard = (!frame.is_empty()).then(|| Arc::new(frame));
            return true;
        }
        self.end_boot(&frame.package);
        if force {
            self.main_throttle.force();
        }
        match kind {
            AppKind::Standard => self.claims.foreground(Arc::new(frame), now),
            AppKind::Background | AppKind::SystemDashboard => {
                self.claims.background(Arc::new(frame), now, timings);
            }
        }
        true
    }

    /// An app starts: the boot screen says so.
    pub(crate) fn app_starting(&mut self, package: &PackageName, name: &str, now: Millis, timings: &Timings) {
        let boot = &mut self.claims.boot;
        boot.retain(|boot| boot.package != *package);
        boot.push(Boot { package: package.clone(), name: name.to_owned(), until: now + timings.boot_screen });
        self.draw_boot();
    }

    /// An app is gone, or never came: nothing of it stays.
    pub(crate) fn app_gone(&mut self, package: &PackageName, now: Millis) {
        self.claims.remove(package, now);
        self.draw_boot();
        if self.dashboard.as_ref().is_some_and(|frame| frame.package == *package) {
            self.dashboard = None;
        }
    }

    /// The phone came back: everything visible goes out again.
    pub(crate) fn reconnected(&mut self) {
        self.main_throttle.reconnected();
        self.dashboard_throttle.reconnected();
    }

    /// The dashboard is this now.
    pub(crate) fn draw_dashboard(&mut self, frame: Option<Frame>) {
        self.dashboard = frame.map(Arc::new);
    }

    /// The glasses came back to the phone: what they show is unknown. Frames keep their gap.
    pub(crate) fn redraw(&mut self) {
        self.main_throttle.redraw();
        self.dashboard_throttle.redraw();
    }

    /// When a frame of this view may go out; `None` when the glasses show what they should.
    pub(crate) fn frame_due(&self, view: View, timings: &Timings) -> Option<Millis> {
        match view {
            View::Main => self.main_throttle.due(self.claims.visible(), timings),
            View::Dashboard => self.dashboard_throttle.due(self.dashboard.as_ref(), timings),
        }
    }

    /// When a claim ends by itself.
    pub(crate) fn claim_ends(&self, timings: &Timings) -> Option<Millis> {
        self.claims.next_end(timings)
    }

    /// Ends the claims whose time has come.
    pub(crate) fn expire(&mut self, now: Millis, timings: &Timings) {
        if self.claims.expire(now, timings) {
            self.draw_boot();
        }
    }

    /// Takes the frame of this view that is to be sent now: `Some(None)` is a clear.
    pub(crate) fn take(&mut self, view: View, now: Millis, timings: &Timings) -> Option<Option<Arc<Frame>>> {
        self.frame_due(view, timings).filter(|due| *due <= now)?;
        self.stats.sent += 1;
        let (throttle, visible) = match view {
            View::Main => (&mut self.main_throttle, self.claims.visible()),
            View::Dashboard => (&mut self.dashboard_throttle, self.dashboard.as_ref()),
        };
        throttle.sent(visible, now, timings);
        Some(visible.cloned())
    }

    fn end_boot(&mut self, package: &PackageName) {
        let before = self.claims.boot.len();
        self.claims.boot.retain(|boot| boot.package != *package);
        if self.claims.boot.len() != before {
            self.draw_boot();
        }
    }

    /// The boot screen: a card with the names of all apps that are starting.
    fn draw_boot(&mut self) {
        let boot = &self.claims.boot;
        self.claims.boot_frame = (!boot.is_empty()).then(|| {
            let names: Vec<&str> = boot.iter().map(|boot| boot.name.as_str()).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            let title = format!("// MentraOS - Starting App{plural}");
            let layout = Layout::ReferenceCard { title, text: names.join(", ") };
            Arc::new(Frame { package: system_package(), session_id: "".into(), layout, duration_ms: None })
        });
    }
}

/// In whose name the cloud itself draws.
pub(crate) fn system_package() -> PackageName {
    // A constant that the constructor accepts; a test says so.
    PackageName::new("system.bifocal").unwrap_or_else(|_| unreachable!("a good name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    fn package(name: &str) -> PackageName {
        PackageName::new(name).expect("good")
    }

    fn ask(display: &mut DisplayManager, kind: AppKind, app: &str, text: &str, duration_ms: Option<u64>, at: u64) {
        let layout = Layout::TextWall { text: text.into() };
        let frame = Frame { package: package(app), session_id: "".into(), layout, duration_ms };
        assert!(display.request(Request { kind, view: View::Main, force: false, frame }, Millis(at), &T));
    }

    /// Runs the display from `from` to `to` and tells what was sent: `time text`.
    fn sent(display: &mut DisplayManager, from: u64, to: u64) -> Vec<String> {
        let mut frames = Vec::new();
        for at in from..=to {
            display.expire(Millis(at), &T);
            if let Some(frame) = display.take(View::Main, Millis(at), &T) {
                let text = match frame.as_deref() {
                    None => "-".to_owned(),
                    Some(Frame { layout: Layout::TextWall { text }, .. }) => text.clone(),
                    Some(Frame { layout: Layout::ReferenceCard { text, .. }, .. }) => format!("[{text}]"),
                    Some(other) => format!("{other:?}"),
                };
                frames.push(format!("{at} {text}"));
            }
        }
        frames
    }

    #[test]
    fn the_name_of_the_cloud_is_a_good_package() {
        assert_eq!(system_package().as_str(), "system.bifocal");
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
        display.app_gone(&package("a"), Millis(400));
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
