//! What the wearer sees.
//!
//! Glasses have two buffers, main and dashboard; the head chooses: level shows main, up shows the dashboard. A [`Screen`]
//! holds both and turns the chosen one into lines with the proportions of Even Realities G1, five short lines.

mod blocks;
mod bmp;
mod facts;
mod picture;
pub(crate) mod wrap;

use bifocal_protocol::layout::View;

pub use bmp::{Bitmap, BmpError};
pub use facts::{Facts, local_now};
pub use picture::Picture;

use crate::clean;

/// Lines of the display.
pub const LINES: usize = 5;
/// Columns of the display.
pub const COLUMNS: usize = 48;

/// Where the wearer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Head {
    /// Level: the main view.
    #[default]
    Down,
    /// Up: the dashboard.
    Up,
}

impl Head {
    /// `up` or `down`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

/// One buffer of the glasses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Buffer {
    picture: Picture,
    /// Whose picture it is.
    package: String,
}

/// The display of the glasses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The values of the placeholders.
    pub facts: Facts,
    head: Head,
    main: Buffer,
    dashboard: Buffer,
}

impl Default for Screen {
    /// What glasses show before any app draws: nothing, and a phone's own line on the dashboard.
    fn default() -> Self {
        let own = Picture::Text("$TIME12$ $DATE$ $GBATT$ $CONNECTION_STATUS$".to_owned());
        Self {
            facts: Facts::default(),
            head: Head::default(),
            main: Buffer::default(),
            dashboard: Buffer { picture: own, package: String::new() },
        }
    }
}

impl Screen {
    /// Puts a picture of an app into a buffer.
    pub fn show(&mut self, view: View, package: &str, picture: Picture) {
        let buffer = Buffer { picture, package: clean::line(package, COLUMNS) };
        match view {
            View::Dashboard => self.dashboard = buffer,
            View::Main => self.main = buffer,
        }
    }

    /// Moves the head.
    pub fn turn(&mut self, head: Head) {
        self.head = head;
    }

    /// Where the head is.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Whose picture the wearer sees; empty when no app drew it.
    pub fn package(&self) -> &str {
        &self.visible().package
    }

    /// The lines that the wearer sees: always [`LINES`], each at most [`COLUMNS`] wide, nothing at their ends.
    pub fn lines(&self) -> Vec<String> {
        self.visible().picture.lines(&self.facts)
    }

    /// The plain text of what the wearer sees, with the line breaks of the app instead of those of the display. A
    /// picture reads `[picture 576×135]`.
    pub fn frame_text(&self) -> String {
        self.visible().picture.text(&self.facts)
    }

    /// What the frame around the display says: the view and whose picture it is.
    pub fn title(&self) -> String {
        let view = match self.head {
            Head::Down => "main",
            Head::Up => "dashboard",
        };
        match self.package() {
            "" => view.to_owned(),
            package => wrap::cut(&format!("{view} · {package}"), COLUMNS - 2),
        }
    }

    /// The display in a pair of glasses, for plain output; ends with a line break.
    pub fn framed(&self) -> String {
        let title = format!("─ {} ", self.title());
        let top = format!("{title}{}", "─".repeat((COLUMNS + 2).saturating_sub(title.chars().count())));
        let mut drawn = format!("   ╭{top}╮\n");
        for (index, line) in self.lines().iter().enumerate() {
            // The temples.
            let (left, right) = if index == 0 { ("╶──┤", "├──╴") } else { ("   │", "│") };
            drawn.push_str(&format!("{left} {} {right}\n", wrap::pad(line, COLUMNS)));
        }
        drawn.push_str(&format!("   ╰{}╯\n", "─".repeat(COLUMNS + 2)));
        drawn
    }

    fn visible(&self) -> &Buffer {
        match self.head {
            Head::Down => &self.main,
            Head::Up => &self.dashboard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Picture {
        Picture::Text(text.to_owned())
    }

    #[test]
    fn the_head_chooses_the_view() {
        let mut screen = Screen::default();
        screen.show(View::Main, "org.example.notes", text("note"));
        screen.show(View::Dashboard, "org.example.board", text("$TIME24$ $GBATT$"));
        screen.facts = Facts { now: jiff::civil::date(2026, 1, 5).at(17, 30, 0, 0), battery: Some(64) };
        assert_eq!((screen.frame_text().as_str(), screen.title().as_str()), ("note", "main · org.example.notes"));
        screen.turn(Head::Up);
        assert_eq!(screen.lines(), ["17:30 64%", "", "", "", ""]);
        assert_eq!(screen.title(), "dashboard · org.example.board");
        screen.turn(Head::Down);
        assert_eq!(screen.frame_text(), "note");
    }

    #[test]
    fn before_any_app_draws_the_dashboard_has_the_time() {
        let mut screen = Screen::default();
        assert_eq!(screen.lines(), ["", "", "", "", ""]);
        screen.turn(Head::Up);
        assert_eq!(screen.lines()[0], "12:00 01/01  Connected");
    }

    #[test]
    fn the_frame_looks_like_glasses() {
        let mut screen = Screen::default();
        screen.show(View::Main, "org.example.echo", text("hello wörld 日本"));
        assert_eq!(
            screen.framed(),
            "   ╭─ main · org.example.echo ────────────────────────╮
╶──┤ hello wörld 日本                                 ├──╴
   │                                                  │
   │                                                  │
   │                                                  │
   │                                                  │
   ╰──────────────────────────────────────────────────╯
"
        );
    }
}
