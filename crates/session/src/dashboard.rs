//! DashboardManager: what the wearer sees with the head up, put together from four corners and what apps contribute.
//!
//! | mode | what is drawn |
//! |---|---|
//! | main | `double_text_wall`: the left corners above each other; the right ones, and the text of one app. With each head-up it is the next app's turn |
//! | expanded | `text_wall`: the upper corners in one line, and the newest text that an app has for this mode |
//! | none | nothing |
//!
//! The corners are written by the system dashboard app. Without one they say what a wearer looks up for: time and date, battery,
//! the next appointment, the newest notification.

use bifocal_protocol::dashboard::{DashboardMode, DashboardSection};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::Layout;

use crate::now::Millis;

/// How long a text of an app stays, in milliseconds.
const ENTRY_TTL: u64 = 600_000;
/// Longest text, in characters, and most lines of it.
const MAX_CHARS: usize = 300;
const MAX_LINES: usize = 5;
/// Most apps that contribute.
const MAX_APPS: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct DashboardManager {
    pub(crate) mode: DashboardMode,
    corners: Corners,
    /// In the order of their first text.
    entries: Vec<Entry>,
    /// Whose turn it is, in the main mode.
    turn: Option<PackageName>,
    /// The system dashboard app draws for itself.
    pub(crate) drawn_by_app: bool,
    /// When to look whether the cloud's own corners say something that is over.
    pub(crate) look_again_at: Option<Millis>,
    /// Something is other than what was drawn last.
    pub(crate) dirty: bool,
}

/// The four corners.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Corners {
    pub(crate) top_left: String,
    pub(crate) top_right: String,
    pub(crate) bottom_left: String,
    pub(crate) bottom_right: String,
}

/// What an app contributes, and when it did.
#[derive(Debug)]
struct Entry {
    package: PackageName,
    main: Option<(String, Millis)>,
    expanded: Option<(String, Millis)>,
}

impl Corners {
    fn is_empty(&self) -> bool {
        *self == Corners::default()
    }
}

impl DashboardManager {
    /// An app has a text for these modes; an empty one takes it away.
    pub(crate) fn content(&mut self, package: &PackageName, text: &str, modes: &[DashboardMode], now: Millis) {
        let text = shortened(text);
        let known = self.entries.iter().position(|entry| entry.package == *package);
        let Some(at) = known.or_else(|| self.new_entry(package, &text)) else { return };
        let entry = &mut self.entries[at];
        for mode in modes {
            let place = match mode {
                DashboardMode::Main => &mut entry.main,
                DashboardMode::Expanded => &mut entry.expanded,
                DashboardMode::Hidden => continue,
            };
            *place = (!text.is_empty()).then(|| (text.clone(), now));
        }
        self.clean(now);
        self.dirty = true;
    }

    fn new_entry(&mut self, package: &PackageName, text: &str) -> Option<usize> {
        if text.is_empty() || self.entries.len() == MAX_APPS {
            return None;
        }
        self.entries.push(Entry { package: package.clone(), main: None, expanded: None });
        Some(self.entries.len() - 1)
    }

    /// The system dashboard app writes a corner.
    pub(crate) fn section(&mut self, section: DashboardSection, text: &str) {
        let corner = match section {
            DashboardSection::TopLeft => &mut self.corners.top_left,
            DashboardSection::TopRight => &mut self.corners.top_right,
            DashboardSection::BottomLeft => &mut self.corners.bottom_left,
            DashboardSection::BottomRight => &mut self.corners.bottom_right,
        };
        *corner = shortened(text);
        self.drawn_by_app = false;
        self.dirty = true;
    }

    /// Another mode. True when it is another.
    pub(crate) fn set_mode(&mut self, mode: DashboardMode) -> bool {
        let other = self.mode != mode;
        self.mode = mode;
        self.dirty |= other;
        other
    }

    /// The wearer looks up: the next app's turn.
    pub(crate) fn head_up(&mut self) {
        let with_text: Vec<&PackageName> =
            self.entries.iter().filter(|entry| entry.main.is_some()).map(|entry| &entry.package).collect();
        if self.mode != DashboardMode::Main || with_text.len() < 2 {
            return;
        }
        let at = self.turn.as_ref().and_then(|turn| with_text.iter().position(|package| *package == turn));
        self.turn = with_text.get((at.unwrap_or_default() + 1) % with_text.len()).map(|package| (*package).clone());
        self.dirty = true;
    }

    /// An app is gone, and its text with it; `system` when it wrote the corners.
    pub(crate) fn app_gone(&mut self, package: &PackageName, system: bool) {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.package != *package);
        self.dirty |= self.entries.len() != before;
        if system {
            self.corners = Corners::default();
            self.drawn_by_app = false;
            self.mode = DashboardMode::Main;
            self.dirty = true;
        }
    }

    /// When a text is too old, or may be.
    pub(crate) fn ends(&self) -> Option<Millis> {
        let times = self.entries.iter().flat_map(|entry| [&entry.main, &entry.expanded]);
        times.flatten().map(|(_, at)| *at + ENTRY_TTL).chain(self.look_again_at).min()
    }

    /// Forgets what is too old.
    pub(crate) fn clean(&mut self, now: Millis) {
        if self.look_again_at.is_some_and(|at| at <= now) {
            self.look_again_at = None;
            self.dirty = true;
        }
        for entry in &mut self.entries {
            for place in [&mut entry.main, &mut entry.expanded] {
                if place.as_ref().is_some_and(|(_, at)| now - *at >= ENTRY_TTL) {
                    *place = None;
                    self.dirty = true;
                }
            }
        }
        self.entries.retain(|entry| entry.main.is_some() || entry.expanded.is_some());
    }

    /// What is to be drawn; `own` are the corners when no app writes them.
    pub(crate) fn compose(&self, own: Option<Corners>) -> Option<Layout> {
        let corners = if self.corners.is_empty() { own.unwrap_or_default() } else { self.corners.clone() };
        let Corners { top_left, top_right, bottom_left, bottom_right } = corners;
        match self.mode {
            DashboardMode::Hidden => None,
            DashboardMode::Main => {
                let turn = self.entries.iter().find(|entry| Some(&entry.package) == self.turn.as_ref());
                let first = || self.entries.iter().find(|entry| entry.main.is_some());
                let app = turn.filter(|entry| entry.main.is_some()).or_else(first);
                let app = app.and_then(|entry| entry.main.as_ref()).map_or("", |(text, _)| text);
                let top_text = joined(&[&top_left, &bottom_left]);
                // A blank line stands between a lower corner and an app.
                let gap = !bottom_right.is_empty() && !app.is_empty();
                let bottom_text = joined(&[&top_right, &bottom_right, if gap { " " } else { "" }, app]);
                let nothing = top_text.is_empty() && bottom_text.is_empty();
                (!nothing).then_some(Layout::DoubleTextWall { top_text, bottom_text })
            }
            DashboardMode::Expanded => {
                let newest = self.entries.iter().filter_map(|entry| entry.expanded.as_ref()).max_by_key(|(_, at)| *at);
                let app = newest.map_or("No expanded content available", |(text, _)| text);
                let upper = [top_left.as_str(), top_right.as_str()];
                let upper: Vec<&str> = upper.into_iter().filter(|text| !text.is_empty()).collect();
                let line = upper.join(" | ");
                Some(Layout::TextWall { text: joined(&[&line, app]) })
            }
        }
    }
}

/// Lines, without those that are empty.
fn joined(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// As much of a text as has room.
fn shortened(text: &str) -> String {
    let printable = |c: &char| !c.is_control() || *c == '\n';
    let text: String = text.chars().filter(printable).take(MAX_CHARS).collect();
    text.lines().take(MAX_LINES).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> PackageName {
        PackageName::new(name).expect("good")
    }

    fn both(layout: Option<Layout>) -> (String, String) {
        match layout {
            Some(Layout::DoubleTextWall { top_text, bottom_text }) => (top_text, bottom_text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_main_mode_is_put_together_from_corners_and_one_app() {
        let mut dashboard = DashboardManager::default();
        assert_eq!(dashboard.compose(None), None);
        dashboard.section(DashboardSection::TopLeft, "9:00");
        dashboard.section(DashboardSection::TopRight, "80%");
        dashboard.content(&package("a"), "from a", &[DashboardMode::Main], Millis(0));
        assert_eq!(both(dashboard.compose(None)), ("9:00".into(), "80%\nfrom a".into()));
        dashboard.section(DashboardSection::BottomLeft, "Tea");
        dashboard.section(DashboardSection::BottomRight, "Sun");
        assert_eq!(both(dashboard.compose(None)), ("9:00\nTea".into(), "80%\nSun\n \nfrom a".into()));
    }

    #[test]
    fn each_head_up_is_the_next_app_s_turn_in_a_stable_order() {
        let mut dashboard = DashboardManager::default();
        for name in ["a", "b", "c"] {
            dashboard.content(&package(name), name, &[DashboardMode::Main], Millis(0));
        }
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(both(dashboard.compose(None)).1);
            dashboard.head_up();
            // An app that writes again does not get another turn.
            dashboard.content(&package("c"), "c", &[DashboardMode::Main], Millis(1));
        }
        assert_eq!(seen, ["a", "b", "c", "a"]);
        dashboard.app_gone(&package("b"), false);
        assert_eq!(both(dashboard.compose(None)).1, "a");
        dashboard.clean(Millis(ENTRY_TTL));
        assert_eq!(both(dashboard.compose(None)).1, "c");
    }

    #[test]
    fn the_expanded_mode_shows_the_newest() {
        let mut dashboard = DashboardManager::default();
        assert!(dashboard.set_mode(DashboardMode::Expanded) && !dashboard.set_mode(DashboardMode::Expanded));
        let own = Corners { top_left: "9:00".into(), top_right: "80%".into(), ..Corners::default() };
        let text = |dashboard: &DashboardManager| match dashboard.compose(Some(own.clone())) {
            Some(Layout::TextWall { text }) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text(&dashboard), "9:00 | 80%\nNo expanded content available");
        let long = "x\n".repeat(9) + &"y".repeat(400);
        dashboard.content(&package("a"), &long, &[DashboardMode::Expanded], Millis(5));
        dashboard.content(&package("b"), "older", &[DashboardMode::Expanded], Millis(4));
        assert_eq!(text(&dashboard), "9:00 | 80%\nx\nx\nx\nx\nx");
        dashboard.set_mode(DashboardMode::Hidden);
        assert_eq!(dashboard.compose(Some(own.clone())), None);
    }
}
