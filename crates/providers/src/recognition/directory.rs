//! The directory of engines: which there are, how they are, and which one is asked.
//!
//! An engine is asked that is well, knows the language and is not to be avoided. Among several: the one that the user prefers,
//! then those that translate by themselves (if that is needed; for the others a translator does it), then those that need not
//! guess the language, then the order of the configuration. If only engines are left that the caller wanted to avoid, it gets one of them.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::{Class, ConfigError, EngineConfig, MAX_ENGINES, SpeechConfig};
use super::engines::{self, Built};
use super::languages::{Fit, base, suggestions};
use super::out::Out;
use super::stream::{Need, Stream, pair};
use super::translated::translated;
use crate::breaker::{Admission, Breaker, BreakerState};
use crate::failure::{Failure, FailureKind};
use crate::translator::Translator;

/// So long after its rest an engine is tried by the directory itself, if no stream has. Nobody speaks to an engine while phones
/// recognise by themselves, and then nobody would find out that it is well again.
const TRIAL_AFTER: Duration = Duration::from_secs(1);
/// And so long a trial may take.
const TRIAL: Duration = Duration::from_secs(15);

/// All engines of this process. Cloning is cheap, and gives the same.
#[derive(Clone)]
pub struct Recognizers {
    shared: Arc<Shared>,
    /// For engines that do not translate by themselves.
    translator: Option<Arc<dyn Translator>>,
}

#[derive(Debug)]
struct Shared {
    slots: Vec<Arc<Slot>>,
    /// The time of the breakers is counted from here.
    started: Instant,
    available: watch::Sender<bool>,
}

/// Who translates; the first is the better one. The engine's own needs no second hop, and hears what it translates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Translation {
    /// The engine, or nobody because nothing is to be translated.
    OfTheEngine,
    OfATranslator,
}

/// One engine, and how it is.
#[derive(Debug)]
struct Slot {
    name: Arc<str>,
    kind: &'static str,
    region: Option<String>,
    price: Class,
    latency: Class,
    built: Built,
    breaker: Mutex<Breaker>,
}

/// One engine for people and metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineRow {
    /// What it is called.
    pub name: Arc<str>,
    /// Which one, as written in the configuration.
    pub kind: &'static str,
    /// Where it stands, if somebody said so.
    pub region: Option<String>,
    /// What it is used for: `en` with all regions, or `en-GB`.
    pub languages: Vec<String>,
    /// It finds out by itself what is spoken.
    pub identifies: bool,
    /// It translates by itself.
    pub translates: bool,
    /// What it costs.
    pub price: Class,
    /// How long words take.
    pub latency: Class,
    /// How it is.
    pub state: EngineState,
    /// Where its key is, or what else it needs; no key.
    pub configured_by: String,
}

/// How an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineState {
    /// Its breaker is closed.
    Well,
    /// It is not asked for this long.
    Resting(Duration),
    /// The next stream finds out.
    Trying,
    /// It cannot be used on this machine; what to do.
    Missing(String),
}

impl fmt::Debug for Recognizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let translator = self.translator.as_ref().map(|translator| translator.name());
        f.debug_struct("Recognizers").field("shared", &self.shared).field("translator", &translator).finish()
    }
}

impl Recognizers {
    /// Builds the engines of a configuration. Nothing is connected yet.
    ///
    /// # Errors
    /// [`ConfigError`]: a name, a key or an address is wrong. An engine whose library is not installed is no error; see
    /// [`EngineState::Missing`].
    pub fn new(config: SpeechConfig) -> Result<Self, ConfigError> {
        let engines = config.engines.unwrap_or_else(engines::usual);
        if engines.len() > MAX_ENGINES {
            return Err(ConfigError::TooMany);
        }
        let mut slots: Vec<Arc<Slot>> = Vec::new();
        for engine in engines {
            let slot = Slot::new(engine)?;
            if slots.iter().any(|other| other.name == slot.name) {
                return Err(ConfigError::SameName(slot.name.to_string()));
            }
            slots.push(Arc::new(slot));
        }
        let shared = Shared { slots, started: Instant::now(), available: watch::Sender::new(false) };
        shared.refresh();
        Ok(Self { shared: Arc::new(shared), translator: None })
    }

    /// The same, with a translator for engines that do not translate by themselves.
    #[must_use]
    pub fn with_translator(self, translator: Arc<dyn Translator>) -> Self {
        Self { translator: Some(translator), ..self }
    }

    /// Opens a stream at the engine that fits best. It comes back at once: the connection is made meanwhile, and sound may be
    /// given already. `preferred` and `avoid` are names of engines. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`FailureKind::Unsupported`]: no engine knows the language. [`FailureKind::Unavailable`]: those that do are not well,
    /// or there is none at all.
    pub fn open(&self, need: &Need, preferred: Option<&str>, avoid: &[Arc<str>]) -> Result<Stream, Failure> {
        // Who speaks the target language already needs no translation.
        let same = |to: &&String| !need.is_open() && base(to).eq_ignore_ascii_case(base(&need.language));
        let translate = need.translate.as_ref().filter(|to| !same(to)).cloned();
        let need = Need { translate, ..need.clone() };

        let mut candidates: Vec<_> =
            self.shared.slots.iter().filter_map(|slot| self.way(slot, &need).map(|way| (slot, way))).collect();
        if candidates.is_empty() {
            return Err(self.nobody_knows(&need));
        }
        candidates.sort_by_key(|(slot, way)| (avoid.contains(&slot.name), preferred != Some(&*slot.name), *way));
        for (slot, (how, _)) in &candidates {
            let admission = slot.breaker.lock().admit(self.shared.now());
            if admission != Admission::No {
                return Ok(self.start(slot, admission == Admission::Probe, *how, need));
            }
        }
        let rests = candidates.iter().filter_map(|(slot, _)| match slot.breaker.lock().state(self.shared.now()) {
            BreakerState::Open(rest) => Some(rest),
            BreakerState::Closed | BreakerState::HalfOpen => None,
        });
        let why = match rests.min() {
            Some(rest) => {
                format!("no engine for {} is well; one is asked again in {} s", need.language, rest.as_secs())
            }
            None => format!("the engine for {} is being tried by somebody else", need.language),
        };
        Err(Failure::of_speech(FailureKind::Unavailable, why))
    }

    /// Whether there is an engine of this name.
    pub fn has(&self, name: &str) -> bool {
        self.shared.slots.iter().any(|slot| *slot.name == *name)
    }

    /// Whether some engine is well. One that is being tried is not: it has to show it.
    pub fn available(&self) -> bool {
        self.shared.refresh();
        *self.shared.available.borrow()
    }

    /// The same, as it changes.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.shared.refresh();
        self.shared.available.subscribe()
    }

    /// All engines, in the order of the configuration.
    pub fn table(&self) -> Vec<EngineRow> {
        self.shared.slots.iter().map(|slot| slot.row(self.shared.now())).collect()
    }

    /// Every language that some engine knows, sorted: `en` with all regions, or `en-GB`.
    pub fn languages(&self) -> Vec<String> {
        let mut tags: Vec<String> = self.shared.slots.iter().flat_map(|slot| slot.tags()).cloned().collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// How an engine can serve this, best first, and how well it fits.
    fn way(&self, slot: &Slot, need: &Need) -> Option<(Translation, Fit)> {
        let fit = slot.built.languages.fit(need).filter(|_| slot.built.missing.is_none())?;
        let how = match &need.translate {
            None => Translation::OfTheEngine,
            Some(to) if slot.built.translates && slot.built.languages.knows(to) => Translation::OfTheEngine,
            Some(_) if self.translator.is_some() => Translation::OfATranslator,
            Some(_) => return None,
        };
        Some((how, fit))
    }

    fn start(&self, slot: &Arc<Slot>, probing: bool, how: Translation, need: Need) -> Stream {
        let (stream, feed, events) = pair(&slot.name);
        let watched = Watched { at: Some((slot.clone(), Arc::downgrade(&self.shared))), probing };
        let out = Out::new(events, watched);
        let after = self.translator.clone().filter(|_| how == Translation::OfATranslator).zip(need.translate.clone());
        let Some((translator, to)) = after else {
            slot.built.engine.start(need, feed, out);
            return stream;
        };
        let from = if need.is_open() { "auto".to_owned() } else { need.language.clone() };
        slot.built.engine.start(Need { translate: None, ..need }, feed, out);
        translated(stream, translator, &from, &to)
    }

    fn nobody_knows(&self, need: &Need) -> Failure {
        let slots = &self.shared.slots;
        if slots.iter().all(|slot| slot.built.missing.is_some()) {
            let why = match slots.iter().find_map(|slot| slot.built.missing.as_deref()) {
                Some(missing) => format!("no speech engine can be used: {missing}"),
                None => "no speech engine is configured: see [speech]".to_owned(),
            };
            return Failure::of_speech(FailureKind::Unavailable, why);
        }
        if let Some(to) = need.translate.as_ref().filter(|_| slots.iter().any(|slot| slot.knows(need))) {
            let why = format!("no engine translates into {to}: configure a translator");
            return Failure::of_speech(FailureKind::Unavailable, why);
        }
        let suggestions = suggestions(&need.language, slots.iter().flat_map(|slot| slot.tags()));
        let why = format!("no engine knows the language {:?}", need.language);
        Failure::of_speech(FailureKind::Unsupported { suggestions }, why)
    }
}

impl Slot {
    fn new(config: EngineConfig) -> Result<Self, ConfigError> {
        let kind = config.kind.name();
        let name: Arc<str> = config.name.as_deref().unwrap_or(kind).into();
        let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 40 || !name.chars().all(fit) {
            return Err(ConfigError::BadName(name.to_string()));
        }
        let mut built = engines::build(&config, &name)?;
        if let Some(tags) = config.languages {
            built.languages.tags = tags;
        }
        Ok(Self {
            kind,
            region: config.region,
            price: config.price.unwrap_or(built.price),
            latency: config.latency.unwrap_or(built.latency),
            built,
            breaker: Mutex::default(),
            name,
        })
    }

    /// Whether it knows the language, never mind the translation.
    fn knows(&self, need: &Need) -> bool {
        self.built.missing.is_none() && self.built.languages.fit(need).is_some()
    }

    fn tags(&self) -> impl Iterator<Item = &String> {
        self.built.languages.tags.iter().filter(|_| self.built.missing.is_none())
    }

    fn row(&self, now: Duration) -> EngineRow {
        let state = match (&self.built.missing, self.breaker.lock().state(now)) {
            (Some(missing), _) => EngineState::Missing(missing.clone()),
            (None, BreakerState::Closed) => EngineState::Well,
            (None, BreakerState::Open(rest)) => EngineState::Resting(rest),
            (None, BreakerState::HalfOpen) => EngineState::Trying,
        };
        EngineRow {
            name: self.name.clone(),
            kind: self.kind,
            region: self.region.clone(),
            languages: self.built.languages.tags.clone(),
            identifies: self.built.languages.identifies,
            translates: self.built.translates,
            price: self.price,
            latency: self.latency,
            state,
            configured_by: self.built.configured_by.clone(),
        }
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn refresh(&self) {
        let now = self.now();
        let is_well =
            |slot: &Arc<Slot>| slot.built.missing.is_none() && slot.breaker.lock().state(now) == BreakerState::Closed;
        let available = self.slots.iter().any(is_well);
        self.available.send_if_modified(|known| std::mem::replace(known, available) != available);
    }
}

/// Tells the breaker of an engine how a stream went.
#[derive(Debug)]
pub(crate) struct Watched {
    at: Option<(Arc<Slot>, Weak<Shared>)>,
    /// This stream is the one that tries, and has not found out yet.
    probing: bool,
}

impl Watched {
    /// No breaker cares.
    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self { at: None, probing: false }
    }

    pub(crate) fn opened(&mut self) {
        self.probing = false;
        self.tell(|breaker, _| breaker.succeeded());
    }

    pub(crate) fn failed(&mut self, failure: &Failure) {
        self.probing = false;
        self.tell(|breaker, now| breaker.failed(&failure.kind, now));
        let Some((slot, shared)) = &self.at else { return };
        let Some(strong) = shared.upgrade() else { return };
        if let BreakerState::Open(rest) = slot.breaker.lock().state(strong.now()) {
            tokio::spawn(try_out(slot.clone(), shared.clone(), rest + TRIAL_AFTER));
        }
    }

    fn tell(&self, how: impl FnOnce(&mut Breaker, Duration)) {
        let Some((slot, shared)) = &self.at else { return };
        let Some(shared) = shared.upgrade() else { return };
        how(&mut slot.breaker.lock(), shared.now());
        shared.refresh();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.probing {
            self.tell(|breaker, _| breaker.abandoned());
        }
    }
}

/// Tries an engine that has rested, unless a stream has done so: opens a stream, and is content when it is open. How it went,
/// the stream itself tells the breaker.
async fn try_out(slot: Arc<Slot>, shared: Weak<Shared>, rest: Duration) {
    tokio::time::sleep(rest).await;
    let Some(now) = shared.upgrade().map(|shared| shared.now()) else { return };
    let Some(language) = slot.built.languages.tags.first() else { return };
    {
        let mut breaker = slot.breaker.lock();
        if breaker.state(now) != BreakerState::HalfOpen || breaker.admit(now) != Admission::Probe {
            return;
        }
    }
    let (mut stream, feed, events) = pair(&slot.name);
    let out = Out::new(events, Watched { at: Some((slot.clone(), shared)), probing: true });
    slot.built.engine.start(Need::language(language), feed, out);
    // One that says nothing in time is given up when the stream is dropped; the next may try.
    let _ = tokio::time::timeout(TRIAL, stream.events.recv()).await;
}
