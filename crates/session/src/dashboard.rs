//! DashboardManager: what the wearer sees with the head up, put together from four corners and what apps contribute.
//!
//! | mode | what is drawn |
//! |---|---|
//! | main | `double_text_wall`: the left corners above each other; the right ones, and the text of one app. With each head-up it is the next app's turn |
//! | expanded | `text_wall`: the upper corners in one line, then the texts of apps for this mode, the newest first, as far as there is room |
//! | always on | `text_wall`: the status line |
//! | none | nothing |
//!
//! The status line is the upper corners and the text of one app for it, whose turn changes like in the main mode. With the setting
//! `alwaysOnStatusBar` it stands on the main view while nothing else does, whatever the mode.
//!
//! The corners are written by the system dashboard app. Without one they say what a wearer looks up for: time and date, battery,
//! the weather, the next appointment, the newest notification.
//!
//! However often it is written, it is drawn at most twice a second.

use std::cmp::Reverse;

use bifocal_protocol::dashboard::{DashboardMode, DashboardSection};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::Layout;

use crate::now::{Millis, Timings};

/// How long a text of an app stays, in milliseconds.
const ENTRY_TTL: u64 = 600_000;
/// Longest text, in characters, and most lines of it.
const MAX_CHARS: usize = 300;
const MAX_LINES: usize = 5;
/// Longest part of the status line, in characters: glasses have some forty in a line.
const MAX_STATUS: usize = 40;
/// Most texts in the expanded mode.
const MAX_EXPANDED: usize = 5;
/// Most apps that contribute.
const MAX_APPS: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct DashboardManager {
    pub(crate) mode: DashboardMode,
    corners: Corners,
    /// In the order of their first text.
    entries: Vec<Entry>,
    /// Whose turn it is.
    main_turn: Option<PackageName>,
    status_turn: Option<PackageName>,
    /// The system dashboard app draws for itself.
    pub(crate) drawn_by_app: bool,
    /// When to look whether the cloud's own corners say something that is over.
    pub(crate) look_again_at: Option<Millis>,
    /// Something is other than what was drawn last.
    pub(crate) dirty: bool,
    drawn_at: Option<Millis>,
}

/// The four corners.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Corners {
    pub(crate) top_left: String,
    pub(crate) top_right: String,
    pub(crate) bottom_left: String,
    pub(crate) bottom_right: String,
}

/// A text, and when it came.
type Written = Option<(String, Millis)>;

/// What an app contributes.
#[derive(Debug)]
struct Entry {
    package: PackageName,
    main: Written,
    expanded: Written,
    status: Written,
}

impl Entry {
    fn all(&self) -> [&Written; 3] {
        [&self.main, &self.expanded, &self.status]
    }
}

impl Corners {
    fn is_empty(&self) -> bool {
        *self == Corners::default()
    }

    /// The upper ones.
    fn upper(&self) -> impl Iterator<Item = &str> {
        [self.top_left.as_str(), self.top_right.as_str()].into_iter().filter(|text| !text.is_empty())
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
                DashboardMode::AlwaysOn => &mut entry.status,
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
        self.entries.push(Entry { package: package.clone(), main: None, expanded: None, status: None });
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
        if self.mode == DashboardMode::Main {
            self.dirty |= advance(&self.entries, |entry| &entry.main, &mut self.main_turn);
        }
        self.dirty |= advance(&self.entries, |entry| &entry.status, &mut self.status_turn);
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

    /// When it is to be drawn, or a text is too old, or may be.
    pub(crate) fn due(&self, timings: &Timings) -> Option<Millis> {
        let written = self.entries.iter().flat_map(Entry::all).flatten();
        let ends = written.map(|(_, at)| *at + ENTRY_TTL).chain(self.look_again_at);
        ends.chain(self.dirty.then(|| self.may_draw_at(timings))).min()
    }

    fn may_draw_at(&self, timings: &Timings) -> Millis {
        self.drawn_at.map_or(Millis(0), |at| at + timings.dashboard_gap)
    }

    /// Whether it is to be drawn now. If so, it counts as drawn.
    pub(crate) fn take_turn(&mut self, now: Millis, timings: &Timings) -> bool {
        let turn = self.dirty && self.may_draw_at(timings) <= now;
        self.dirty &= !turn;
        turn
    }

    /// Something else than before is on the glasses.
    pub(crate) fn drawn(&mut self, now: Millis) {
        self.drawn_at = Some(now);
    }

    /// Forgets what is too old.
    pub(crate) fn clean(&mut self, now: Millis) {
        if self.look_again_at.is_some_and(|at| at <= now) {
            self.look_again_at = None;
            self.dirty = true;
        }
        for entry in &mut self.entries {
            for place in [&mut entry.main, &mut entry.expanded, &mut entry.status] {
                if place.as_ref().is_some_and(|(_, at)| now - *at >= ENTRY_TTL) {
                    *place = None;
                    self.dirty = true;
                }
            }
        }
        self.entries.retain(|entry| entry.all().into_iter().any(Option::is_some));
    }

    /// What is to be drawn; `own` are the corners when no app writes them.
    pub(crate) fn compose(&self, own: Option<&Corners>) -> Option<Layout> {
        let corners = self.corners(own);
        match self.mode {
            DashboardMode::Hidden => None,
            DashboardMode::AlwaysOn => self.status_line(own).map(|text| Layout::TextWall { text }),
            DashboardMode::Main => {
                let Corners { top_left, top_right, bottom_left, bottom_right } = &corners;
                let app = turn_of(&self.entries, |entry| &entry.main, self.main_turn.as_ref()).unwrap_or_default();
                let top_text = joined(&[top_left, bottom_left]);
                // A blank line stands between a lower corner and an app.
                let gap = !bottom_right.is_empty() && !app.is_empty();
                let bottom_text = joined(&[top_right, bottom_right, if gap { " " } else { "" }, app]);
                let nothing = top_text.is_empty() && bottom_text.is_empty();
                (!nothing).then_some(Layout::DoubleTextWall { top_text, bottom_text })
            }
            DashboardMode::Expanded => {
                let mut texts: Vec<_> = self.entries.iter().filter_map(|entry| entry.expanded.as_ref()).collect();
                texts.sort_by_key(|(_, at)| Reverse(*at));
                let lines = texts.iter().take(MAX_EXPANDED).flat_map(|(text, _)| text.lines()).take(MAX_LINES);
                let mut lines: Vec<&str> = lines.collect();
                if lines.is_empty() {
                    lines.push("No expanded content available");
                }
                let upper = corners.upper().collect::<Vec<_>>().join(" | ");
                Some(Layout::TextWall { text: joined(&[&upper, &lines.join("\n")]) })
            }
        }
    }

    /// The status line; `None` when it would be empty.
    pub(crate) fn status_line(&self, own: Option<&Corners>) -> Option<String> {
        let corners = self.corners(own);
        let app = turn_of(&self.entries, |entry| &entry.status, self.status_turn.as_ref());
        let parts: Vec<String> = corners.upper().chain(app).map(one_line).filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(" | "))
    }

    fn corners(&self, own: Option<&Corners>) -> Corners {
        if self.corners.is_empty() { own.cloned().unwrap_or_default() } else { self.corners.clone() }
    }
}

/// The text of the app whose turn it is, else that of the first one that has any.
fn turn_of<'a>(
    entries: &'a [Entry],
    place: impl Fn(&Entry) -> &Written,
    turn: Option<&PackageName>,
) -> Option<&'a str> {
    let with_text = || entries.iter().filter(|entry| place(entry).is_some());
    let entry = with_text().find(|entry| Some(&entry.package) == turn).or_else(|| with_text().next());
    entry.and_then(|entry| place(entry).as_ref()).map(|(text, _)| text.as_str())
}

/// The next app's turn; true when it is another one's.
fn advance(entries: &[Entry], place: impl Fn(&Entry) -> &Written, turn: &mut Option<PackageName>) -> bool {
    let with_text = entries.iter().filter(|entry| place(entry).is_some()).map(|entry| &entry.package);
    let with_text: Vec<&PackageName> = with_text.collect();
    if with_text.len() < 2 {
        return false;
    }
    let at = turn.as_ref().and_then(|turn| with_text.iter().position(|package| *package == turn));
    *turn = with_text.get((at.unwrap_or_default() + 1) % with_text.len()).map(|package| (*package).clone());
    true
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

/// As much of it as has room in the status line.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_STATUS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    fn package(name: &str) -> PackageName {
        PackageName::new(name).expect("good")
    }

    fn both(layout: Option<Layout>) -> (String, String) {
        match layout {
            Some(Layout::DoubleTextWall { top_text, bottom_text }) => (top_text, bottom_text),
            other => panic!("{other:?}"),
        }
    }

    fn wall(layout: Option<Layout>) -> String {
        match layout {
            Some(Layout::TextWall { text }) => text,
            other => panic!("{other:?}"),
        }
    }

    fn own() -> Corners {
        Corners { top_left: "9:00".into(), top_right: "80%".into(), ..Corners::default() }
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
    fn the_expanded_mode_shows_the_newest_first_and_as_many_as_have_room() {
        let mut dashboard = DashboardManager::default();
        assert!(dashboard.set_mode(DashboardMode::Expanded) && !dashboard.set_mode(DashboardMode::Expanded));
        let own = own();
        assert_eq!(wall(dashboard.compose(Some(&own))), "9:00 | 80%\nNo expanded content available");
        dashboard.content(&package("a"), "one\ntwo", &[DashboardMode::Expanded], Millis(5));
        dashboard.content(&package("b"), "older", &[DashboardMode::Expanded], Millis(4));
        assert_eq!(wall(dashboard.compose(Some(&own))), "9:00 | 80%\none\ntwo\nolder");
        let long = "x\n".repeat(4) + &"y".repeat(400);
        dashboard.content(&package("b"), &long, &[DashboardMode::Expanded], Millis(6));
        let text = wall(dashboard.compose(Some(&own)));
        assert!(text.starts_with("9:00 | 80%\nx\nx\nx\nx\nyy") && text.lines().count() == 6, "{text}");
        dashboard.set_mode(DashboardMode::Hidden);
        assert_eq!(dashboard.compose(Some(&own)), None);
    }

    #[test]
    fn the_status_line_is_one_line_with_one_app() {
        let mut dashboard = DashboardManager::default();
        assert_eq!(dashboard.status_line(None), None);
        let own = own();
        assert_eq!(dashboard.status_line(Some(&own)).as_deref(), Some("9:00 | 80%"));
        dashboard.content(&package("a"), "Bus in\n5 min", &[DashboardMode::AlwaysOn], Millis(0));
        dashboard.content(&package("b"), &"b".repeat(99), &[DashboardMode::AlwaysOn], Millis(0));
        assert_eq!(dashboard.status_line(Some(&own)).as_deref(), Some("9:00 | 80% | Bus in 5 min"));
        dashboard.head_up();
        let expected = format!("9:00 | 80% | {}", "b".repeat(MAX_STATUS));
        assert_eq!(dashboard.status_line(Some(&own)), Some(expected.clone()));
        dashboard.set_mode(DashboardMode::AlwaysOn);
        assert_eq!(wall(dashboard.compose(Some(&own))), expected);
        dashboard.clean(Millis(ENTRY_TTL));
        assert_eq!(dashboard.status_line(Some(&own)).as_deref(), Some("9:00 | 80%"));
    }

    #[test]
    fn it_is_drawn_at_most_twice_a_second() {
        let mut dashboard = DashboardManager::default();
        let mut drawn = Vec::new();
        for at in 0..1_200 {
            dashboard.section(DashboardSection::TopLeft, &at.to_string());
            if dashboard.take_turn(Millis(at), &T) {
                dashboard.drawn(Millis(at));
                drawn.push(at);
            }
        }
        assert_eq!((drawn, dashboard.due(&T)), (vec![0, 500, 1_000], Some(Millis(1_500))));
    }
}
