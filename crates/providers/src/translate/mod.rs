//! Text from one language into another: the translators of the configuration, one file each, asked in its order.
//!
//! People wait for the words while somebody speaks, so everything together has three seconds; after that the caller shows
//! what was said as it was said. Tags come as apps wrote them ([`Tag`] takes them apart, and each engine spells them its own
//! way).

mod config;
mod deepl;
mod libretranslate;
mod openai;
mod phrases;
mod post;
mod tag;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::breaker::{Admission, Breaker, BreakerState};
use crate::failure::{Failure, FailureKind};
use crate::recognition::directory::EngineState;
use crate::translator::Translator;

pub use config::{TranslateConfig, TranslateConfigError, TranslatorConfig, TranslatorKind};
pub use phrases::PHRASES_LABEL;
pub use tag::Tag;

/// For a translation, whoever makes it.
pub const TRANSLATE_WITHIN: Duration = Duration::from_secs(3);
/// For one engine, if there is another one to ask.
const FOR_ONE: Duration = Duration::from_millis(1500);
/// A sentence that is longer is none.
const MAX_CHARS: usize = 5_000;

/// All translators of this process. It is a [`Translator`] itself: the first that can translates.
#[derive(Debug)]
pub struct Translators {
    engines: Vec<Engine>,
    /// The time of the breakers is counted from here.
    started: Instant,
}

struct Engine {
    translator: Box<dyn Translator>,
    kind: &'static str,
    configured_by: String,
    breaker: Mutex<Breaker>,
}

/// One translator for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatorRow {
    /// What it is called.
    pub name: Arc<str>,
    /// Which one, as written in the configuration.
    pub kind: &'static str,
    /// How it is.
    pub state: EngineState,
    /// Where its key is, or what else it needs; no key.
    pub configured_by: String,
}

impl Translators {
    /// Builds the engines of a configuration. Nothing is connected yet.
    ///
    /// # Errors
    /// [`TranslateConfigError`]: a name, a key or an address is wrong.
    pub fn new(config: TranslateConfig) -> Result<Self, TranslateConfigError> {
        let engine =
            |(translator, kind, configured_by)| Engine { translator, kind, configured_by, breaker: Mutex::default() };
        Ok(Self { engines: config.build()?.into_iter().map(engine).collect(), started: Instant::now() })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.engines.is_empty()
    }

    /// All of them, in the order of the configuration.
    pub fn table(&self) -> Vec<TranslatorRow> {
        let now = self.started.elapsed();
        let row = |engine: &Engine| {
            let state = match engine.breaker.lock().state(now) {
                BreakerState::Closed => EngineState::Well,
                BreakerState::Open(rest) => EngineState::Resting(rest),
                BreakerState::HalfOpen => EngineState::Trying,
            };
            let (name, configured_by) = (engine.translator.name().into(), engine.configured_by.clone());
            TranslatorRow { name, kind: engine.kind, state, configured_by }
        };
        self.engines.iter().map(row).collect()
    }

    async fn first_that_can(&self, text: &str, from: &str, to: &str) -> Result<String, Failure> {
        if text.chars().nth(MAX_CHARS).is_some() {
            let why = format!("more than {MAX_CHARS} characters are not translated at once");
            return Err(of_all(FailureKind::Unsupported { suggestions: Vec::new() }, &why));
        }
        let until = Instant::now() + TRANSLATE_WITHIN;
        let mut first = None;
        for (place, engine) in self.engines.iter().enumerate() {
            let last = place + 1 == self.engines.len();
            let until = if last { until } else { until.min(Instant::now() + FOR_ONE) };
            match self.ask(engine, until, text, from, to).await {
                Ok(translation) => return Ok(translation),
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        let none = || of_all(FailureKind::Unavailable, "no translator is configured: see [translate]");
        Err(first.unwrap_or_else(none))
    }

    async fn ask(&self, engine: &Engine, until: Instant, text: &str, from: &str, to: &str) -> Result<String, Failure> {
        let name: Arc<str> = engine.translator.name().into();
        let mut asking = match engine.breaker.lock().admit(self.started.elapsed()) {
            Admission::No => {
                let why = "it has failed, and is left alone for a while";
                return Err(Failure::new(&name, FailureKind::Unavailable, why));
            }
            Admission::Yes | Admission::Probe => Asking(Some(&engine.breaker)),
        };
        let answer = timeout_at(until, engine.translator.translate(text, from, to)).await;
        let answer = answer.unwrap_or_else(|_| Err(Failure::stalled(&name, "it did not answer in time")));
        asking.0 = None;
        match &answer {
            Ok(_) => engine.breaker.lock().succeeded(),
            Err(failure) => engine.breaker.lock().failed(&failure.kind, self.started.elapsed()),
        }
        answer
    }
}

fn of_all(kind: FailureKind, why: &str) -> Failure {
    Failure::new(&Arc::from("translation"), kind, why)
}

impl Translator for Translators {
    fn name(&self) -> &str {
        "translation"
    }

    fn translate<'a>(&'a self, text: &'a str, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        self.first_that_can(text, from, to).boxed()
    }
}

/// Somebody waits for an answer. If that ends, the breaker must know.
struct Asking<'a>(Option<&'a Mutex<Breaker>>);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(breaker) = self.0 {
            breaker.lock().abandoned();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({}, {})", self.translator.name(), self.kind)
    }
}

/// Both tags of a request, the first being `None` for `auto`.
fn tags(engine: &Arc<str>, from: &str, to: &str) -> Result<(Option<Tag>, Tag), Failure> {
    let read = |text: &str| {
        let why = format!("{text:?} is no language tag");
        Tag::read(text).ok_or_else(|| Failure::new(engine, FailureKind::Unsupported { suggestions: Vec::new() }, why))
    };
    let from = if matches!(from, "auto" | "all") { None } else { Some(read(from)?) };
    Ok((from, read(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted(&'static str, fn() -> Option<Result<String, Failure>>);

    impl Translator for Scripted {
        fn name(&self) -> &str {
            self.0
        }

        fn translate<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
            match (self.1)() {
                Some(answer) => std::future::ready(answer).boxed(),
                None => std::future::pending().boxed(),
            }
        }
    }

    fn translators(engines: Vec<Scripted>) -> Translators {
        let engine = |scripted| Engine {
            translator: Box::new(scripted) as Box<dyn Translator>,
            kind: "scripted",
            configured_by: String::new(),
            breaker: Mutex::default(),
        };
        Translators { engines: engines.into_iter().map(engine).collect(), started: Instant::now() }
    }

    fn silent(name: &'static str) -> Scripted {
        Scripted(name, || None)
    }

    #[tokio::test(start_paused = true)]
    async fn everything_together_has_three_seconds() {
        let begun = Instant::now();
        let both = translators(vec![silent("one"), silent("two")]);
        let failure = both.translate("text", "en", "de").await.expect_err("nobody answers");
        assert_eq!(
            (failure.to_string().as_str(), begun.elapsed()),
            ("one: it did not answer in time", TRANSLATE_WITHIN)
        );

        let begun = Instant::now();
        let second = translators(vec![silent("one"), Scripted("two", || Some(Ok("zwei".to_owned())))]);
        assert_eq!(second.translate("text", "en", "de").await.as_deref(), Ok("zwei"));
        assert_eq!(begun.elapsed(), FOR_ONE);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_often_is_left_alone() {
        let engines = translators(vec![silent("one"), Scripted("two", || Some(Ok("zwei".to_owned())))]);
        for _ in 0..5 {
            assert!(engines.translate("text", "en", "de").await.is_ok());
        }
        let begun = Instant::now();
        assert!(engines.translate("text", "en", "de").await.is_ok());
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(matches!(engines.table()[0].state, EngineState::Resting(_)));
        assert_eq!(engines.table()[1].state, EngineState::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn without_any_it_is_said_what_to_do() {
        let failure = translators(Vec::new()).translate("text", "en", "de").await.expect_err("there is none");
        assert_eq!(failure.to_string(), "translation: no translator is configured: see [translate]");
        let long = "x".repeat(MAX_CHARS + 1);
        let failure = translators(vec![silent("one")]).translate(&long, "en", "de").await.expect_err("too long");
        assert!(matches!(failure.kind, FailureKind::Unsupported { .. }));
    }
}
