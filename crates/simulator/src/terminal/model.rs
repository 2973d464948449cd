//! Everything that the terminal glasses show, without the terminal.

use std::collections::VecDeque;

use crate::clean;
use crate::phone::{PhoneEvent, PhoneState};
use crate::script::Outcome;

/// Lines of the log that are kept; the oldest go.
const LOG: usize = 200;
/// Characters of the input line.
const INPUT: usize = 500;

/// What kind of line it is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The wearer does something.
    Deed,
    /// Something happened.
    News,
    /// It went as it should.
    Good,
    /// It did not.
    Bad,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `17:04:05`.
    pub time: String,
    /// What happened; one line without control characters.
    pub text: String,
    /// What kind of line it is.
    pub tone: Tone,
}

/// Who plays a statement. Both play at the same time, so that a person can speak while a script waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// The script that the glasses began with.
    Script,
    /// The person at the terminal.
    Typed,
}

/// Everything that the terminal glasses show.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Stands at the top.
    pub title: String,
    /// The phone.
    pub state: PhoneState,
    /// The last events, the newest at the end.
    pub log: VecDeque<Entry>,
    /// What is being typed.
    pub input: String,
    /// The statement of the script that is being played, if any.
    pub script: Option<String>,
    /// The typed statement that is being played, if any.
    pub typed: Option<String>,
    /// Whether the help covers the rest.
    pub help: bool,
}

impl Model {
    /// An empty log under a title.
    pub fn new(title: &str, state: PhoneState) -> Self {
        Self { title: clean::line(title, 60), state, ..Self::default() }
    }

    /// Adds a line to the log.
    pub fn note(&mut self, tone: Tone, text: &str) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        let now = self.state.screen.facts.now;
        let time = format!("{:02}:{:02}:{:02}", now.hour(), now.minute(), now.second());
        self.log.push_back(Entry { time, text: clean::line(text, 300), tone });
    }

    /// Adds an event to the log, and takes over the state after it.
    pub fn happened(&mut self, event: &PhoneEvent, state: &PhoneState) {
        let is_news = self.state.is_news(event);
        self.state.clone_from(state);
        match event {
            _ if !is_news => {}
            // These are seen on the display and in the status line.
            PhoneEvent::Display { .. } | PhoneEvent::Head(_) | PhoneEvent::Battery(_) => {}
            PhoneEvent::Connected { .. } => self.note(Tone::Good, &event.to_string()),
            PhoneEvent::Disconnected { .. }
            | PhoneEvent::Error { .. }
            | PhoneEvent::Photo { outcome: Err(_), .. }
            | PhoneEvent::Stream { why: Some(_), .. } => {
                self.note(Tone::Bad, &event.to_string());
            }
            _ => self.note(Tone::News, &event.to_string()),
        }
    }

    /// A statement begins.
    pub fn begins(&mut self, player: Player, statement: String) {
        self.note(Tone::Deed, &statement);
        *self.line_of(player) = Some(statement);
    }

    /// Adds how a script or a typed statement ended. A deed that was done needs no words.
    pub fn ended(&mut self, player: Player, outcome: &Outcome) {
        let last = self.line_of(player).take().unwrap_or_default();
        match (player, outcome) {
            (Player::Script, Outcome::Passed) => self.note(Tone::Good, "script passed"),
            (Player::Typed, Outcome::Passed) if last.starts_with("expect") => self.note(Tone::Good, "as expected"),
            (Player::Typed, Outcome::Passed) => {}
            (Player::Script, Outcome::Failed { line, statement, why, .. }) => {
                self.note(Tone::Bad, &format!("script failed at line {line}: {statement}: {why}"));
            }
            (Player::Typed, Outcome::Failed { why, .. }) | (_, Outcome::Broken(why)) => self.note(Tone::Bad, why),
        }
    }

    fn line_of(&mut self, player: Player) -> &mut Option<String> {
        match player {
            Player::Script => &mut self.script,
            Player::Typed => &mut self.typed,
        }
    }

    /// Types a character.
    pub fn type_in(&mut self, c: char) {
        if !c.is_control() && self.input.len() < INPUT {
            self.input.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_short_and_safe() {
        let mut model = Model::new("glasses\u{1b}[2J", PhoneState::default());
        for number in 0..300 {
            model.note(Tone::News, &format!("{number}\u{1b}[31m"));
        }
        assert_eq!(model.log.len(), LOG);
        assert_eq!(model.log.back().map(|entry| entry.text.as_str()), Some("299[31m"));
        assert_eq!(model.title, "glasses[2J");
    }

    #[test]
    fn a_script_that_fails_says_where() {
        let mut model = Model::default();
        let (statement, why) = ("wait 1".to_owned(), "no".to_owned());
        model.begins(Player::Script, "wait 1".into());
        model.begins(Player::Typed, "expect \"x\" within 1".into());
        model.ended(Player::Typed, &Outcome::Passed);
        assert_eq!((model.script.as_deref(), model.typed.as_deref()), (Some("wait 1"), None));
        model.ended(Player::Script, &Outcome::Failed { line: 3, statement, why, shown: vec![] });
        model.begins(Player::Typed, "say hi".into());
        model.ended(Player::Typed, &Outcome::Passed);
        let log: Vec<_> = model.log.iter().map(|entry| entry.text.as_str()).collect();
        let failed = "script failed at line 3: wait 1: no";
        assert_eq!(log, ["wait 1", "expect \"x\" within 1", "as expected", failed, "say hi"]);
    }
}
