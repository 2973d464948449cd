//! What must hold after every step, whatever the rules are: the invariants of the design, checked on what comes out of a
//! session and on how it looks from outside.

mod display;
mod microphone;
mod sockets;
mod speech;
mod streams;

use std::collections::{BTreeMap, BTreeSet};

use bifocal_protocol::app::AppKind;
use bifocal_session::{AppPhase, Effect, Note, PeerRequest, SessionView};

use crate::cast::{self, APPS, AppNo};
use crate::model::Model;
use crate::step::Act;
use display::Display;
use microphone::Microphone;
use sockets::Sockets;
use speech::Speech;
use streams::Streams;

/// Something that must hold does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What must hold.
    pub invariant: &'static str,
    /// How it does not.
    pub detail: String,
}

/// The result of a check.
pub type Held = Result<(), Broken>;

/// Says that something does not hold.
///
/// # Errors
/// Always.
pub fn broken<T>(invariant: &'static str, detail: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { invariant, detail: detail.into() })
}

/// What is remembered of a life in order to judge its next step.
#[derive(Debug, Default)]
pub struct Watch {
    sockets: Sockets,
    streams: Streams,
    display: Display,
    microphone: Microphone,
    speech: Speech,
    asks: BTreeSet<u32>,
    last_call: u32,
    ended: bool,
    phases: [Stay; 4],
    /// For whom the others' apps think that the app is there.
    here: [bool; 4],
    /// Starts that were told that the session is over on their socket, and those that were told by webhook.
    told: BTreeMap<String, &'static str>,
}

/// How long an app has been in its phase.
#[derive(Debug, Clone, Default)]
struct Stay {
    phase: Option<AppPhase>,
    since: u64,
    /// When it failed and had to wait, as long as it does nothing else.
    failed_at: Vec<u64>,
}

/// The moment of a step.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// When.
    pub now: u64,
    /// The input; `None` for deadlines.
    pub act: Option<&'a Act>,
    /// Deadlines fire after their time.
    pub late: bool,
    /// The session as it should be now.
    pub model: &'a Model,
}

impl Watch {
    /// An input is about to be handed in; `model` is the session as it is before.
    pub fn before(&mut self, act: &Act, model: &Model, now: u64) {
        self.sockets.before(act);
        self.streams.before(act, model);
        self.display.before(act, model, now);
        self.microphone.before(act);
        self.speech.before(act);
        if let Act::AskStart(ask, _) | Act::AskStop(ask, _) | Act::AskView(ask) = act {
            self.asks.insert(*ask);
        }
    }

    /// What came out.
    ///
    /// # Errors
    /// What does not hold.
    pub fn effects(&mut self, effects: &[Effect], current_before: &[u64], moment: Moment<'_>) -> Held {
        for effect in effects {
            self.life_and_calls(effect)?;
            self.note(effect, moment.now)?;
            if let Effect::Peers { package, what } = effect {
                self.here[cast::number(package.as_str())] = *what != PeerRequest::Gone;
            }
            self.streams.effect(effect, &self.sockets, moment.model)?;
            self.display.effect(effect, moment.now)?;
            self.microphone.effect(effect, moment)?;
            self.speech.effect(effect)?;
        }
        self.sockets.effects(effects, current_before, moment.model)?;
        self.stops(effects)
    }

    /// The newest stream of a speech engine; 0 when there was none.
    pub fn newest_stream(&self) -> u32 {
        self.speech.newest()
    }

    fn life_and_calls(&mut self, effect: &Effect) -> Held {
        if self.ended && !matches!(effect, Effect::Answer { .. } | Effect::Abort { .. }) {
            return broken("after the end nothing comes out", format!("{effect:?}"));
        }
        match effect {
            Effect::Answer { ask, .. } if !self.asks.remove(&ask.0) => {
                broken("every ask is answered once", format!("{} is answered, and is not open", ask.0))
            }
            Effect::Call { call, .. } if call.0 <= self.last_call => {
                broken("the number of a call is used once", format!("{} after {}", call.0, self.last_call))
            }
            Effect::Call { call, .. } => {
                self.last_call = call.0;
                Ok(())
            }
            Effect::Ended { .. } => {
                self.ended = true;
                match self.asks.first() {
                    Some(ask) => broken("every ask is answered once", format!("{ask} was not before the end")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, effect: &Effect, now: u64) -> Held {
        match effect {
            Effect::Note(Note::AppStarting(package)) => {
                let app = cast::number(package.as_str());
                self.phases[app].enter(AppPhase::Starting, now);
                self.display.starting(app, now);
                Ok(())
            }
            Effect::Note(Note::HeldSent { sent, .. }) if *sent > 256 => {
                broken("collections keep to their caps", format!("{sent} held messages"))
            }
            _ => Ok(()),
        }
    }

    /// Never both a stop webhook and "User session ended" on the socket, for one start of an app.
    fn stops(&mut self, effects: &[Effect]) -> Held {
        for effect in effects {
            let (start, how) = match effect {
                Effect::Call { what: bifocal_session::Call::Webhook { idempotency_key, .. }, .. } => {
                    match idempotency_key.strip_prefix("stop-") {
                        Some(start) => (start.to_owned(), "webhook"),
                        None => continue,
                    }
                }
                Effect::Close { conn, close: bifocal_protocol::close::Close::UserSessionEnded } => {
                    match self.sockets.start_of(conn.0) {
                        Some(start) => (start, "socket"),
                        None => continue,
                    }
                }
                _ => continue,
            };
            if let Some(before) = self.told.insert(start.clone(), how) {
                return broken("an app is told once that it is over", format!("{start}: by {before} and by {how}"));
            }
        }
        Ok(())
    }

    /// How the session looks now. `settled` when every deadline that has come was fired.
    ///
    /// # Errors
    /// What does not hold.
    pub fn after(&mut self, view: &SessionView, settled: bool, moment: Moment<'_>) -> Held {
        let mut phases = [None; 4];
        for (package, phase) in &view.apps {
            phases[cast::number(package.as_str())] = Some(*phase);
        }
        let foreground = (0..APPS.len()).filter(|no| {
            APPS[*no].kind == AppKind::Standard && phases[*no].is_some_and(|phase| phase != AppPhase::Stopping)
        });
        if foreground.count() > 1 {
            return broken("at most one foreground app", format!("{:?}", view.apps));
        }
        for (no, phase) in phases.into_iter().enumerate() {
            let there = match phase {
                Some(AppPhase::Running | AppPhase::Grace) => Some(true),
                None | Some(AppPhase::Stopping | AppPhase::Failed | AppPhase::Dormant) => Some(false),
                // It may have been there before.
                Some(AppPhase::Starting | AppPhase::Backoff) => None,
            };
            if there.is_some_and(|there| there != self.here[no]) {
                let detail = format!("{} is {phase:?}, and here is {}", cast::package(no), self.here[no]);
                return broken("other users' apps know who is there", detail);
            }
            self.phases[no].looks(no, phase, moment)?;
            if settled {
                self.phases[no].is_not_stuck(no, moment.now)?;
            }
        }
        if let Some(list) = view.snapshot.app_subscriptions.values().find(|list| list.len() > 100) {
            return broken("collections keep to their caps", format!("{} subscriptions", list.len()));
        }
        self.microphone.after(view, settled, moment)?;
        self.speech.after(view, moment)?;
        self.display.after(&phases, settled, moment)
    }
}

impl Stay {
    fn enter(&mut self, phase: AppPhase, now: u64) {
        if (self.phase, phase) == (Some(AppPhase::Backoff), AppPhase::Starting) {
            return;
        }
        (self.phase, self.since) = (Some(phase), now);
    }

    fn looks(&mut self, app: AppNo, phase: Option<AppPhase>, moment: Moment<'_>) -> Held {
        if phase == self.phase {
            return Ok(());
        }
        let (before, stayed) = (self.phase, moment.now - self.since);
        (self.phase, self.since) = (phase, moment.now);
        match (before, phase) {
            (Some(AppPhase::Backoff), Some(AppPhase::Starting)) if moment.late || moment.act.is_some() => {
                // Whoever is late, or asks for a start, says nothing about the wait.
                self.failed_at.clear();
                Ok(())
            }
            (Some(AppPhase::Backoff), Some(AppPhase::Starting)) => {
                let failures = self.failed_at.len().max(2);
                let least = 1_000 << (failures - 2);
                if stayed < least {
                    let detail = format!("{}: {stayed} ms after {failures} failures", cast::package(app));
                    return broken("the waits before a try grow", detail);
                }
                Ok(())
            }
            (_, Some(AppPhase::Backoff)) => {
                self.failed_at.retain(|at| moment.now - at < 300_000);
                self.failed_at.push(moment.now);
                Ok(())
            }
            (_, Some(AppPhase::Starting)) => Ok(()),
            _ => {
                self.failed_at.clear();
                Ok(())
            }
        }
    }

    fn is_not_stuck(&self, app: AppNo, now: u64) -> Held {
        let longest = match self.phase {
            Some(AppPhase::Starting) => 15_000,
            Some(AppPhase::Grace) => 20_000,
            Some(AppPhase::Backoff) => 75_000,
            Some(AppPhase::Stopping) => 5_000,
            _ => return Ok(()),
        };
        if now - self.since > longest {
            let detail = format!("{} is {:?} for {} ms", cast::package(app), self.phase, now - self.since);
            return broken("no app stays in a transient state", detail);
        }
        Ok(())
    }
}
