//! Reading a script: one statement a line, `#` begins a comment.
//!
//! The text of `say` goes to the end of the line, `#` included, because people say such things. Everywhere else a `#`
//! after a space begins a comment.

use std::time::Duration;

use bifocal_protocol::ids::PackageName;

use super::{Line, Script, ScriptError, Statement};
use crate::clean;
use crate::phone::{CameraState, Press};
use crate::screen::Head;

/// The longest time in a script, in seconds.
const MAX_SECONDS: f64 = 3600.0;

/// Reads a script.
///
/// # Errors
/// [`ScriptError`] for the first line that is no statement: where it is and what was expected.
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    let mut lines = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let statement = statement(line).map_err(|why| ScriptError { line: number, why })?;
        lines.push(Line { number, text: clean::line(line, 200), statement });
    }
    Ok(Script { lines })
}

fn statement(line: &str) -> Result<Statement, String> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if name == "say" {
        return said(rest);
    }
    let rest = without_comment(rest);
    match name {
        "press" => pressed(rest),
        "head" => match rest {
            "up" => Ok(Statement::Head(Head::Up)),
            "down" => Ok(Statement::Head(Head::Down)),
            _ => Err(expected("head up or head down", rest)),
        },
        "audio" => file("audio FILE.wav", rest).map(|file| Statement::Audio(file.into())),
        "photo" => file("photo FILE", rest).map(|file| Statement::Photo(file.into())),
        "camera" => match rest {
            "on" => Ok(Statement::Camera(CameraState::On)),
            "off" => Ok(Statement::Camera(CameraState::Off)),
            "busy" => Ok(Statement::Camera(CameraState::Busy)),
            _ => Err(expected("camera on, camera off or camera busy", rest)),
        },
        "battery" => match rest.parse() {
            Ok(percent @ 0..=100) => Ok(Statement::Battery(percent)),
            _ => Err(expected("battery and a whole number from 0 to 100", rest)),
        },
        "start" => package("start PACKAGE", rest).map(Statement::Start),
        "stop" => package("stop PACKAGE", rest).map(Statement::Stop),
        "cut" => seconds("cut SECONDS", rest).map(Statement::Cut),
        "wait" => seconds("wait SECONDS", rest).map(Statement::Wait),
        "expect" => seen("expect", rest).map(|(text, within)| Statement::Expect { text, within }),
        "expect-not" => seen("expect-not", rest).map(|(text, within)| Statement::ExpectNot { text, within }),
        _ => Err(format!(
            "expected say, press, head, audio, photo, camera, battery, start, stop, cut, wait, expect or expect-not, found {:?}",
            clean::line(name, 40)
        )),
    }
}

fn said(rest: &str) -> Result<Statement, String> {
    // Quotes around all of it are not spoken.
    let inner = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('"'));
    let text = inner.unwrap_or(rest).trim();
    if text.is_empty() { Err(expected("say TEXT", "")) } else { Ok(Statement::Say(text.to_owned())) }
}

fn pressed(rest: &str) -> Result<Statement, String> {
    let mut words = rest.split_whitespace();
    let (button, press, more) = (words.next(), words.next(), words.next());
    let press = match (press, more) {
        (None | Some("short"), None) => Some(Press::Short),
        (Some("long"), None) => Some(Press::Long),
        _ => None,
    };
    match (button, press) {
        (Some(button), Some(press)) => Ok(Statement::Press { button: button.to_owned(), press }),
        _ => Err(expected("press BUTTON or press BUTTON long", rest)),
    }
}

fn file<'a>(form: &str, rest: &'a str) -> Result<&'a str, String> {
    let inner = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(rest);
    if inner.is_empty() { Err(expected(form, "")) } else { Ok(inner) }
}

fn package(form: &str, rest: &str) -> Result<String, String> {
    match PackageName::new(rest) {
        Ok(package) => Ok(package.into()),
        Err(_) => Err(expected(&format!("{form}, for example org.example.captions"), rest)),
    }
}

fn seconds(form: &str, rest: &str) -> Result<Duration, String> {
    // Digits and a point only: `f64` would also read `1e3`, `inf` and `nan`.
    let digits = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match rest.parse::<f64>() {
        Ok(seconds) if digits && seconds <= MAX_SECONDS => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(expected(&format!("{form} with seconds from 0 to 3600, for example 2.5"), rest)),
    }
}

fn seen(name: &str, rest: &str) -> Result<(String, Duration), String> {
    let form = format!("{name} \"TEXT\" within SECONDS");
    let (text, rest) = quoted(rest).ok_or_else(|| expected(&form, rest))?;
    if text.trim().is_empty() {
        return Err(expected(&format!("{form} with a text that is not empty"), rest));
    }
    match rest.trim().split_once(char::is_whitespace) {
        Some(("within", time)) => seconds(&form, time.trim()).map(|within| (text, within)),
        _ => Err(expected(&form, rest)),
    }
}

/// The text in quotes at the beginning, and what follows; `\"` and `\\` are characters of the text.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let inner = rest.strip_prefix('"')?;
    let mut text = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &inner[at + 1..])),
            '\\' => match chars.next()? {
                (_, escaped @ ('"' | '\\')) => text.push(escaped),
                (_, other) => text.extend(['\\', other]),
            },
            c => text.push(c),
        }
    }
    None
}

/// Cuts off a comment: a `#` after a space, outside of quotes.
fn without_comment(rest: &str) -> &str {
    let (mut in_quotes, mut escaped, mut before) = (false, false, ' ');
    for (at, c) in rest.char_indices() {
        if c == '#' && !in_quotes && before.is_whitespace() {
            return rest[..at].trim_end();
        }
        if c == '"' && !escaped {
            in_quotes = !in_quotes;
        }
        escaped = c == '\\' && !escaped;
        before = c;
    }
    rest
}

fn expected(form: &str, found: &str) -> String {
    match found.trim() {
        "" => format!("expected {form}"),
        found => format!("expected {form}, found {:?}", clean::line(found, 60)),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
