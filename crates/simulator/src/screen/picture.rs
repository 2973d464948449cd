//! What an app asked to be drawn, as far as glasses draw it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bifocal_protocol::layout::Layout;

use super::bmp::Bitmap;
use super::wrap::{pad, wrap};
use super::{COLUMNS, Facts, LINES, blocks};
use crate::clean;

/// Space between two columns of text.
const GAP: usize = 2;
const COLUMN: usize = (COLUMNS - GAP) / 2;
/// Characters of a text that are kept: far more than any display shows.
const MAX_TEXT: usize = 16 * 1024;

/// One picture on the display. Its texts are free of control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// `text_wall`, and `clear_view` as the empty text.
    Text(String),
    /// `double_text_wall`: two columns.
    Columns(String, String),
    /// `reference_card`: title, blank line, text.
    Card(String, String),
    /// `bitmap_view`.
    Bitmap(Arc<Bitmap>),
    /// Something that glasses do not draw; says what.
    Note(String),
}

impl Default for Picture {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Picture {
    /// The picture of a layout.
    pub fn of(layout: &Layout) -> Self {
        match layout {
            Layout::TextWall { text } => Self::Text(kept(text)),
            Layout::DoubleTextWall { top_text, bottom_text } => Self::Columns(kept(top_text), kept(bottom_text)),
            Layout::ReferenceCard { title, text } => Self::Card(kept(title), kept(text)),
            Layout::BitmapView { data } => match decode_bitmap(data) {
                Ok(bitmap) => Self::Bitmap(Arc::new(bitmap)),
                Err(error) => Self::Note(format!("bitmap_view: {error}")),
            },
            Layout::ClearView {} => Self::default(),
            // The cloud turns these into layouts that phones know; one that comes through is worth seeing.
            Layout::DashboardCard { .. } => Self::undrawn("dashboard_card"),
            Layout::BitmapAnimation { .. } => Self::undrawn("bitmap_animation"),
        }
    }

    /// The note for a layout that phones do not draw.
    pub fn undrawn(kind: &str) -> Self {
        Self::Note(format!("{}: not drawn by glasses", clean::line(kind, 30)))
    }

    /// The text as it was sent, with the placeholders filled in.
    pub(super) fn text(&self, facts: &Facts) -> String {
        match self {
            Self::Text(text) => facts.fill(text),
            Self::Columns(left, right) => format!("{}\n{}", facts.fill(left), facts.fill(right)),
            Self::Card(title, text) => format!("{}\n\n{}", facts.fill(title), facts.fill(text)),
            Self::Bitmap(bitmap) => format!("[picture {}×{}]", bitmap.width(), bitmap.height()),
            Self::Note(note) => format!("[{note}]"),
        }
    }

    /// The lines of the display, [`LINES`] of them.
    pub(super) fn lines(&self, facts: &Facts) -> Vec<String> {
        let mut lines = match self {
            Self::Bitmap(bitmap) => blocks::draw(bitmap, COLUMNS, LINES),
            Self::Columns(left, right) => columns(&facts.fill(left), &facts.fill(right)),
            Self::Text(_) | Self::Card(..) | Self::Note(_) => wrap(&self.text(facts), COLUMNS, LINES),
        };
        lines.resize(LINES, String::new());
        lines
    }
}

fn kept(text: &str) -> String {
    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(end, _)| end);
    clean::block(&text[..end])
}

fn columns(left: &str, right: &str) -> Vec<String> {
    let (left, right) = (wrap(left, COLUMN, LINES), wrap(right, COLUMN, LINES));
    let at = |lines: &[String], index: usize| lines.get(index).cloned().unwrap_or_default();
    let line = |index| format!("{}{}", pad(&at(&left, index), COLUMN + GAP), at(&right, index)).trim_end().to_owned();
    (0..left.len().max(right.len())).map(line).collect()
}

/// Base64, and the hexadecimal form that some apps send.
fn decode_bitmap(data: &str) -> Result<Bitmap, String> {
    let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let hex = data.len().is_multiple_of(2) && data.get(..4).is_some_and(|magic| magic.eq_ignore_ascii_case("424d"));
    let file = if hex { unhex(&data) } else { STANDARD.decode(&data).ok() };
    let file = file.ok_or("the data is not base64")?;
    Bitmap::decode(&file).map_err(|error| error.to_string())
}

fn unhex(data: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    data.as_bytes().chunks_exact(2).map(|pair| Some((digit(&pair[0])? * 16 + digit(&pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::bmp::tests::file;

    fn lines(layout: Layout) -> Vec<String> {
        let mut lines = Picture::of(&layout).lines(&Facts::default());
        assert_eq!(lines.len(), LINES);
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    #[test]
    fn a_text_wall_is_wrapped_and_cut() {
        let text = "a word and another ".repeat(20);
        assert_eq!(
            lines(Layout::TextWall { text }),
            [
                "a word and another a word and another a word and",
                "another a word and another a word and another a",
                "word and another a word and another a word and",
                "another a word and another a word and another a",
                "word and another a word and another a word and…",
            ]
        );
    }

    #[test]
    fn a_double_text_wall_has_two_columns() {
        let (top_text, bottom_text) = ("12:00 80%\nnext: dentist".to_owned(), "no new mail in your inbox".to_owned());
        assert_eq!(
            lines(Layout::DoubleTextWall { top_text, bottom_text }),
            ["12:00 80%                no new mail in your", "next: dentist            inbox"]
        );
    }

    #[test]
    fn a_card_has_its_title_above_a_blank_line() {
        let (title, text) = ("// Starting App".to_owned(), "Captions".to_owned());
        assert_eq!(lines(Layout::ReferenceCard { title, text }), ["// Starting App", "", "Captions"]);
    }

    #[test]
    fn a_bitmap_is_drawn_from_base64_and_from_hex() {
        let bmp = file(4, -4, 1, &[0xF0, 0, 0, 0, 0xF0, 0, 0, 0, 0x90, 0, 0, 0, 0x90, 0, 0, 0]);
        let hex = bmp.iter().map(|byte| format!("{byte:02x}")).collect();
        for data in [STANDARD.encode(&bmp), hex] {
            assert_eq!(lines(Layout::BitmapView { data }), [format!("{}▛▜", " ".repeat(23))]);
        }
    }

    #[test]
    fn what_glasses_do_not_draw_is_a_note() {
        let bad = |data: &str| lines(Layout::BitmapView { data: data.to_owned() });
        assert_eq!(bad("no picture!"), ["[bitmap_view: the data is not base64]"]);
        assert_eq!(bad("R0lG"), ["[bitmap_view: not a BMP file]"]);
        let card = Layout::DashboardCard { left_text: "a".into(), right_text: "b".into() };
        assert_eq!(lines(card), ["[dashboard_card: not drawn by glasses]"]);
        assert!(lines(Layout::ClearView {}).is_empty());
    }

    #[test]
    fn control_characters_do_not_reach_the_display() {
        assert_eq!(lines(Layout::TextWall { text: "a\u{1b}[31mb\u{7}".into() }), ["a[31mb"]);
    }
}
