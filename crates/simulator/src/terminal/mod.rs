//! Terminal glasses: for a person at a terminal, the display in the middle and a line to speak into.
//!
//! The parts: [`Model`] is what is shown, [`draw`] shows it, `keys` says what keys do, and [`run`] is the loop that joins
//! them with a phone. Without a terminal use [`crate::plain`].

mod draw;
mod keys;
mod model;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use ratatui::DefaultTerminal;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

pub use draw::draw;
pub use keys::{Action, press};
pub use model::{Entry, Model, Player, Tone};

use crate::phone::{Phone, PhoneEvent, Watch};
use crate::screen::local_now;
use crate::script::{self, Outcome, Progress, Script};

/// Typed statements that wait while one is played; more are refused.
const WAITING: usize = 16;
/// Statements that have begun and are not drawn yet; more are not logged.
const BEGUN: usize = 64;
/// How often the clock on the display is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How the terminal glasses begin.
#[derive(Debug)]
pub struct TerminalOptions {
    /// Stands at the top.
    pub title: String,
    /// Played first; the glasses stay for typing when it has ended.
    pub script: Option<Script>,
    /// Where the files of scripts and typed statements are.
    pub base_dir: PathBuf,
    /// The button of F2 and F3.
    pub button: String,
    /// What somebody else has to say beside what happens to the phone; each becomes a line of the log.
    pub notes: Option<mpsc::Receiver<(Tone, String)>>,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        let (title, base_dir, button) = ("Bifocal".to_owned(), PathBuf::from("."), "camera".to_owned());
        Self { title, script: None, base_dir, button, notes: None }
    }
}

/// Shows the glasses until the person leaves, then closes the phone. Returns how the script ended; without a script, or
/// when the person left before, it passed.
///
/// The terminal is restored on every way out: Esc, an error, SIGTERM, a panic.
///
/// # Errors
/// What the terminal says when it cannot be used.
pub async fn run(phone: Phone, options: TerminalOptions) -> io::Result<Outcome> {
    let terminal = ratatui::try_init()?;
    let restore = Restore;
    let mut glasses = Glasses::new(phone.clone(), options);
    let ended = glasses.live(terminal).await;
    drop(restore);
    phone.close().await;
    ended.map(|()| glasses.script_outcome)
}

/// Gives the terminal back when dropped. A panic does it earlier, in the hook that ratatui installs.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// A script on its way.
type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

struct Glasses {
    phone: Phone,
    watch: Watch,
    model: Model,
    base_dir: PathBuf,
    button: String,
    script: Option<Work>,
    script_outcome: Outcome,
    typed: Option<Work>,
    waiting: VecDeque<Script>,
    /// Statements that begin, told by what is played.
    begun: mpsc::Receiver<(Player, String)>,
    begins: mpsc::Sender<(Player, String)>,
    notes: Option<mpsc::Receiver<(Tone, String)>>,
}

impl Glasses {
    fn new(phone: Phone, options: TerminalOptions) -> Self {
        let watch = phone.watch();
        let (begins, begun) = mpsc::channel(BEGUN);
        let mut glasses = Self {
            model: Model::new(&options.title, watch.state().clone()),
            phone,
            watch,
            base_dir: options.base_dir,
            button: options.button,
            script: None,
            script_outcome: Outcome::Passed,
            typed: None,
            waiting: VecDeque::new(),
            begun,
            begins,
            notes: options.notes,
        };
        glasses.script = options.script.map(|script| glasses.work(Player::Script, script));
        glasses
    }

    async fn live(&mut self, mut terminal: DefaultTerminal) -> io::Result<()> {
        let mut keys = EventStream::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut terminated = std::pin::pin!(terminated());
        loop {
            self.model.state.screen.facts.now = local_now();
            terminal.draw(|frame| draw(frame, &self.model))?;
            tokio::select! {
                // In this order, so that a statement is logged before what it causes.
                biased;
                () = &mut terminated => return Ok(()),
                key = keys.next() => match key {
                    Some(Ok(Event::Key(key))) => match press(&mut self.model, key, &self.button) {
                        Action::Quit => return Ok(()),
                        Action::Play(statement) => self.type_in(&statement),
                        Action::Redraw => {}
                    },
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    // The terminal is gone.
                    None => return Ok(()),
                },
                Some((player, statement)) = self.begun.recv() => self.model.begins(player, statement),
                outcome = ended(&mut self.script) => self.ended(Player::Script, outcome),
                outcome = ended(&mut self.typed) => self.ended(Player::Typed, outcome),
                (tone, note) = next_note(&mut self.notes) => self.model.note(tone, &note),
                event = self.watch.next() => self.happened(event),
                _ = tick.tick() => {}
            }
        }
    }

    /// Takes what has happened, all of it at once: a burst of events is drawn once.
    fn happened(&mut self, first: PhoneEvent) {
        let mut next = Some(first);
        while let Some(event) = next {
            self.model.happened(&event, self.watch.state());
            next = self.watch.try_next();
        }
    }

    fn type_in(&mut self, statement: &str) {
        match script::parse(statement) {
            Ok(script) if self.typed.is_none() => self.typed = Some(self.work(Player::Typed, script)),
            Ok(script) if self.waiting.len() < WAITING => self.waiting.push_back(script),
            Ok(_) => self.model.note(Tone::Bad, "too many statements wait already"),
            Err(error) => self.model.note(Tone::Bad, &error.why),
        }
    }

    fn work(&self, player: Player, script: Script) -> Work {
        let (phone, base_dir, begins) = (self.phone.clone(), self.base_dir.clone(), self.begins.clone());
        Box::pin(async move {
            let tell = |progress: Progress<'_>| {
                if let Progress::Begins(line) = progress {
                    // A full queue costs a line of the log.
                    let _ = begins.try_send((player, line.text.clone()));
                }
            };
            script::run(&script, &phone, &base_dir, tell).await
        })
    }

    fn ended(&mut self, player: Player, outcome: Outcome) {
        // What it began and what it caused comes before how it ended.
        while let Ok((player, statement)) = self.begun.try_recv() {
            self.model.begins(player, statement);
        }
        self.model.ended(player, &outcome);
        match player {
            Player::Script => (self.script, self.script_outcome) = (None, outcome),
            Player::Typed => {
                let next = self.waiting.pop_front();
                self.typed = next.map(|script| self.work(Player::Typed, script));
            }
        }
    }
}

/// Waits for the end of what is played; for ever when nothing is.
async fn ended(work: &mut Option<Work>) -> Outcome {
    match work {
        Some(work) => work.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Waits for something to be said; for ever when there is nobody.
async fn next_note(notes: &mut Option<mpsc::Receiver<(Tone, String)>>) -> (Tone, String) {
    if let Some(from) = notes {
        if let Some(note) = from.recv().await {
            return note;
        }
        *notes = None;
    }
    std::future::pending().await
}

/// Waits until the system asks the program to end.
#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
        (Ok(mut terminate), Ok(mut hangup)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

/// Waits until the system asks the program to end; other systems just end it.
#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn what_is_said_beside_comes_in_order_and_then_nothing() {
        let (tell, told) = mpsc::channel(2);
        for (tone, text) in [(Tone::News, "building"), (Tone::Bad, "it does not build")] {
            tell.try_send((tone, text.to_owned())).expect("room");
        }
        drop(tell);
        let mut notes = Some(told);
        assert_eq!(next_note(&mut notes).now_or_never(), Some((Tone::News, "building".to_owned())));
        assert_eq!(next_note(&mut notes).now_or_never(), Some((Tone::Bad, "it does not build".to_owned())));
        assert_eq!(next_note(&mut notes).now_or_never(), None);
        assert!(notes.is_none(), "nobody has anything more to say");
        assert_eq!(next_note(&mut None).now_or_never(), None);
    }
}
