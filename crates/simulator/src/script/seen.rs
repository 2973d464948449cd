//! What was on the display since the wearer last did something.
//!
//! An answer may come and go before the script looks for it, so `expect` asks here and not only the display of now.

use std::collections::VecDeque;

use crate::screen::Screen;

/// Frames that are remembered; the oldest are forgotten beyond.
const FRAMES: usize = 256;

/// The frames since the last statement that acted.
#[derive(Debug, Default)]
pub(super) struct Seen {
    frames: VecDeque<String>,
    now: String,
    /// A picture may change while its text stays.
    lines: Vec<String>,
}

impl Seen {
    /// Begins with what the display shows.
    pub(super) fn new(screen: &Screen) -> Self {
        Self { frames: VecDeque::new(), now: one_line(&screen.frame_text()), lines: screen.lines() }
    }

    /// Looks at the display again; `true` when it has changed.
    pub(super) fn look(&mut self, screen: &Screen) -> bool {
        let (frame, lines) = (one_line(&screen.frame_text()), screen.lines());
        if frame == self.now && lines == self.lines {
            return false;
        }
        self.lines = lines;
        self.now.clone_from(&frame);
        if self.frames.len() == FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
        true
    }

    /// The wearer acts: what was shown before is no answer to that. What still is shown stays.
    pub(super) fn forget(&mut self) {
        self.frames.clear();
    }

    /// Whether the text is shown or was shown since.
    pub(super) fn has(&self, text: &str) -> bool {
        let text = one_line(text);
        self.now.contains(&text) || self.frames.iter().any(|frame| frame.contains(&text))
    }

    /// Whether the text is shown.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.now.contains(&one_line(text))
    }
}

/// Spaces and line breaks are all the same: where a line breaks is up to app and glasses.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use bifocal_protocol::layout::View;

    use super::*;
    use crate::screen::Picture;

    #[test]
    fn a_frame_that_came_and_went_was_seen() {
        let mut screen = Screen::default();
        let mut seen = Seen::new(&screen);
        let mut show = |text: &str, seen: &mut Seen| {
            screen.show(View::Main, "p", Picture::Text(text.into()));
            seen.look(&screen)
        };
        assert!(show("one\ntwo  three", &mut seen));
        assert!(!show("one\ntwo  three", &mut seen));
        assert!(show("four", &mut seen));
        assert!(seen.has("two three") && seen.has("four") && !seen.shows("two"));
        seen.forget();
        assert!(!seen.has("two") && seen.has("four"));
    }
}
