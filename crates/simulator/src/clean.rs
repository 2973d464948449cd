//! Text from outside, made safe for a terminal.
//!
//! Names, errors and displays come from apps and servers. Printed raw, an escape sequence in them could move the cursor,
//! rename the window or hide text, so everything that is shown goes through here.

/// Takes control characters out; line breaks stay, tabs become spaces.
pub fn block(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\t' => clean.push_str("  "),
            c if is_unsafe(c) => {}
            c => clean.push(c),
        }
    }
    clean
}

/// Makes one line: no control characters, line breaks become spaces, at most `limit` characters.
pub fn line(text: &str, limit: usize) -> String {
    let clean = block(text).replace('\n', " ");
    if clean.chars().count() <= limit {
        return clean;
    }
    let mut short: String = clean.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Control characters of terminals, and those that turn the direction of the text around them.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_teeth() {
        assert_eq!(block("a\u{1b}[2Jb\u{9b}31m\u{7}\u{0}c"), "a[2Jb31mc");
        assert_eq!(block("a\u{202e}b\u{2066}c"), "abc");
    }

    #[test]
    fn line_breaks_stay_in_a_block_and_go_in_a_line() {
        assert_eq!(block("a\r\nb\rc\u{2028}d\te"), "a\nb\nc\nd  e");
        assert_eq!(line("a\nb", 10), "a b");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
    }
}
