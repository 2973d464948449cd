//! Breaking text into lines by display width.
//!
//! Words move to the next line when they do not fit; a word wider than the display is cut. Widths are those of a
//! terminal: two columns for wide characters and most emoji, none for combining marks.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands at the end of text that goes on below the display.
const MORE: &str = "…";

/// Wraps `text` into at most `height` lines of at most `width` columns; the last one ends in `…` when text is left over.
pub(crate) fn wrap(text: &str, width: usize, height: usize) -> Vec<String> {
    let mut page = Page { width, height, lines: Vec::new(), line: String::new(), used: 0 };
    let text = text.trim_end();
    let overflow = text.split('\n').any(|paragraph| page.paragraph(paragraph).is_err());
    if overflow && let Some(last) = page.lines.last_mut() {
        *last = shorten(last, width);
    }
    page.lines
}

/// The text as it is when it fits, otherwise cut so that it ends in `…`.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width { text.to_owned() } else { shorten(text, width) }
}

/// Pads with spaces on the right up to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

fn shorten(line: &str, width: usize) -> String {
    let mut short = String::new();
    let mut used = MORE.width();
    for grapheme in line.graphemes(true) {
        used += grapheme.width();
        if used > width {
            break;
        }
        short.push_str(grapheme);
    }
    format!("{}{MORE}", short.trim_end())
}

/// No line is left. Stops the work early, however long the text is.
struct Full;

struct Page {
    width: usize,
    height: usize,
    lines: Vec<String>,
    line: String,
    used: usize,
}

impl Page {
    fn paragraph(&mut self, paragraph: &str) -> Result<(), Full> {
        if self.lines.len() == self.height {
            return Err(Full);
        }
        for (index, word) in paragraph.split(' ').enumerate() {
            let width = word.width();
            if index > 0 && self.used + 1 + width <= self.width {
                self.line.push(' ');
                self.used += 1;
            } else if index > 0 {
                self.break_line()?;
            }
            self.word(word, width)?;
        }
        self.end_line();
        Ok(())
    }

    fn word(&mut self, word: &str, width: usize) -> Result<(), Full> {
        if self.used + width <= self.width {
            self.line.push_str(word);
            self.used += width;
            return Ok(());
        }
        for grapheme in word.graphemes(true) {
            let width = grapheme.width();
            if self.used + width > self.width && self.used > 0 {
                self.break_line()?;
            }
            self.line.push_str(grapheme);
            self.used += width;
        }
        Ok(())
    }

    /// Ends the line because more follows, which needs room.
    fn break_line(&mut self) -> Result<(), Full> {
        self.end_line();
        if self.lines.len() == self.height { Err(Full) } else { Ok(()) }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.lines.push(line.trim_end().to_owned());
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_move_to_the_next_line() {
        assert_eq!(wrap("the quick brown fox", 10, 5), ["the quick", "brown fox"]);
        assert_eq!(wrap("exactly ten", 11, 5), ["exactly ten"]);
        assert_eq!(wrap("a\n\nb", 10, 5), ["a", "", "b"]);
        assert_eq!(wrap("", 10, 5), [""]);
        assert_eq!(wrap("  indented  twice", 20, 5), ["  indented  twice"]);
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(wrap("abcdefghij", 4, 5), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a bcdefgh", 4, 5), ["a", "bcde", "fgh"]);
    }

    #[test]
    fn what_does_not_fit_leaves_a_mark() {
        assert_eq!(wrap("one two three four", 5, 2), ["one", "two…"]);
        assert_eq!(wrap("abcdefghij", 4, 2), ["abcd", "efg…"]);
        assert_eq!(wrap("a\nb\nc", 4, 2), ["a", "b…"]);
        assert_eq!(wrap("a\nb\n\n", 4, 2), ["a", "b"]);
    }

    #[test]
    fn width_is_display_width() {
        assert_eq!(wrap("日本語 テスト", 6, 5), ["日本語", "テスト"]);
        assert_eq!(wrap("日本語", 5, 5), ["日本", "語"]);
        assert_eq!(wrap("e\u{301}e\u{301}e\u{301}", 3, 5), ["e\u{301}e\u{301}e\u{301}"]);
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(cut("日本語", 5), "日本…");
    }

    proptest! {
        #[test]
        fn never_wider_nor_higher(text in "\\PC{0,200}|[ a-z\n]{0,200}", width in 2usize..50, height in 1usize..6) {
            let lines = wrap(&text, width, height);
            prop_assert!(!lines.is_empty() && lines.len() <= height);
            prop_assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
        }
    }
}
