//! Every engine in the order of the configuration: the first that can speaks.
//!
//! An engine that fails is passed over for the next, and its breaker learns of it. What is wrong with a request itself (an
//! unknown voice) is told at once: the next engine would hide it. A voice id is a name in the world of the first engine;
//! those behind it speak with their own.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::warn;

use super::cache::{Cache, Key, PIECE};
use super::config::{self, Built, MAX_ENGINES, VoiceConfig, VoiceConfigError};
use super::{Spoken, Voice, VoiceError, VoiceWish};
use crate::breaker::{Admission, Breaker, BreakerState};
use crate::failure::{Failure, FailureKind};
use crate::recognition::directory::EngineState;

/// Sentences that are being spoken at the same time.
const AT_ONCE: usize = 32;

/// All voices of this process.
#[derive(Debug)]
pub struct Voices {
    engines: Vec<Engine>,
    cache: Arc<Cache>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Engine {
    voice: Box<dyn Voice>,
    kind: &'static str,
    missing: Option<String>,
    configured_by: String,
    health: Arc<Health>,
}

#[derive(Debug)]
struct Health {
    breaker: Mutex<Breaker>,
    /// The time of the breaker is counted from here.
    started: Instant,
}

/// One engine for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceRow {
    /// What it is called.
    pub name: Arc<str>,
    /// Which one, as written in the configuration.
    pub kind: &'static str,
    /// How it is.
    pub state: EngineState,
    /// Where its key is, or what else it needs; no key.
    pub configured_by: String,
}

impl Voices {
    /// Builds the engines of a configuration. Nothing is connected or run yet.
    ///
    /// # Errors
    /// [`VoiceConfigError`]: a name, a key or an address is wrong. A program that is not installed is no error.
    pub fn new(config: VoiceConfig) -> Result<Self, VoiceConfigError> {
        let engines = config.engines.unwrap_or_else(config::usual);
        if engines.len() > MAX_ENGINES {
            return Err(VoiceConfigError::TooMany);
        }
        let built = engines.into_iter().map(config::build).collect::<Result<Vec<_>, _>>()?;
        for (place, built_) in built.iter().enumerate() {
            let name = built_.voice.name();
            if built[..place].iter().any(|other| other.voice.name() == name) {
                return Err(VoiceConfigError::SameName(name.to_string()));
            }
        }
        Ok(Self::of(built.into_iter().map(Engine::new).collect()))
    }

    fn of(engines: Vec<Engine>) -> Self {
        Self { engines, cache: Arc::new(Cache::default()), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// All engines, in the order of the configuration.
    pub fn table(&self) -> Vec<VoiceRow> {
        self.engines.iter().map(Engine::row).collect()
    }

    /// The content type of what will probably be said; `None` when nothing can be.
    pub fn content_type(&self) -> Option<&'static str> {
        let mut able = self.engines.iter().filter(|engine| engine.missing.is_none());
        able.next().map(|engine| engine.voice.content_type())
    }

    /// Says a text, with the first engine that can. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`VoiceError`] of the first engine that was asked, when none can.
    pub async fn speak(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, VoiceError> {
        let own = VoiceWish { voice_id: None, model_id: None, settings: wish.settings };
        let mut first = None;
        let able = self.engines.iter().filter(|engine| engine.missing.is_none());
        for (place, engine) in able.enumerate() {
            match self.ask(engine, text, if place == 0 { wish } else { &own }).await {
                Ok(spoken) => return Ok(spoken),
                Err(error) if error.is_of_request() => return Err(error),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(VoiceError::NotConfigured))
    }

    async fn ask(&self, engine: &Engine, text: &str, wish: &VoiceWish) -> Result<Spoken, VoiceError> {
        let name = engine.voice.name();
        let key = Key::of(name, text, wish);
        if let Some((content_type, sound)) = self.cache.get(&key) {
            return Ok(Spoken::whole(name, content_type, sound));
        }
        let turn = self.turns.clone().try_acquire_owned().map_err(|_| VoiceError::Busy)?;
        let asking = Asking::begin(engine)?;
        match engine.voice.speak(text, wish).await {
            Ok(spoken) => {
                asking.end(None);
                Ok(self.followed(spoken, key, engine.health.clone(), turn))
            }
            Err(error) => {
                asking.end(Some(&error));
                Err(error)
            }
        }
    }

    /// The same sound, watched: a whole piece is kept, and a failure counts.
    fn followed(&self, spoken: Spoken, key: Key, health: Arc<Health>, turn: OwnedSemaphorePermit) -> Spoken {
        let Spoken { engine, content_type, length, body } = spoken;
        let (cache, heard) = (self.cache.clone(), Some(BytesMut::new()));
        let watch = Watch { key, content_type, length, cache, health, heard, _turn: turn };
        let body = stream::unfold(Some((body, watch)), |state| async {
            let (mut body, mut watch) = state?;
            match body.next().await {
                None => {
                    watch.ended();
                    None
                }
                Some(Ok(piece)) => {
                    watch.heard(&piece);
                    Some((Ok(piece), Some((body, watch))))
                }
                Some(Err(error)) => {
                    watch.health.failed(&error);
                    Some((Err(error), None))
                }
            }
        });
        Spoken { engine, content_type, length, body: Box::pin(body) }
    }
}

impl Engine {
    fn new(built: Built) -> Self {
        let Built { voice, kind, missing, configured_by } = built;
        let health = Health { breaker: Mutex::default(), started: Instant::now() };
        Self { voice, kind: kind.name(), missing, configured_by, health: Arc::new(health) }
    }

    fn row(&self) -> VoiceRow {
        let state = match (&self.missing, self.health.breaker.lock().state(self.health.started.elapsed())) {
            (Some(missing), _) => EngineState::Missing(missing.clone()),
            (None, BreakerState::Closed) => EngineState::Well,
            (None, BreakerState::Open(rest)) => EngineState::Resting(rest),
            (None, BreakerState::HalfOpen) => EngineState::Trying,
        };
        let (name, configured_by) = (self.voice.name().clone(), self.configured_by.clone());
        VoiceRow { name, kind: self.kind, state, configured_by }
    }
}

impl Health {
    fn failed(&self, error: &VoiceError) {
        let Some(failure) = error.failure() else { return };
        self.breaker.lock().failed(&failure.kind, self.started.elapsed());
        // What a service says may repeat what was to be said: its words are no log line.
        match error {
            VoiceError::Refused { status, .. } => warn!(engine = %failure.engine, status, "a voice was refused"),
            _ => warn!(engine = %failure.engine, why = failure.why, "a voice failed"),
        }
    }
}

/// An engine is being asked. If nobody waits for the answer any more, the breaker must know that, too.
struct Asking<'a> {
    health: Option<&'a Health>,
}

impl<'a> Asking<'a> {
    fn begin(engine: &'a Engine) -> Result<Self, VoiceError> {
        let health = &*engine.health;
        match health.breaker.lock().admit(health.started.elapsed()) {
            Admission::Yes | Admission::Probe => Ok(Self { health: Some(health) }),
            Admission::No => {
                let why = "it has failed, and is left alone for a while";
                Err(VoiceError::Failed(Failure::new(engine.voice.name(), FailureKind::Unavailable, why)))
            }
        }
    }

    fn end(mut self, error: Option<&VoiceError>) {
        let Some(health) = self.health.take() else { return };
        match error {
            None => health.breaker.lock().succeeded(),
            Some(error) if error.failure().is_some() => health.failed(error),
            Some(_) => health.breaker.lock().abandoned(),
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(health) = self.health {
            health.breaker.lock().abandoned();
        }
    }
}

struct Watch {
    key: Key,
    content_type: &'static str,
    length: Option<usize>,
    cache: Arc<Cache>,
    health: Arc<Health>,
    /// So far; `None` when it has become too much to be kept.
    heard: Option<BytesMut>,
    _turn: OwnedSemaphorePermit,
}

impl Watch {
    fn heard(&mut self, piece: &Bytes) {
        match &mut self.heard {
            Some(heard) if heard.len() + piece.len() <= PIECE => heard.extend_from_slice(piece),
            heard => *heard = None,
        }
        // Whoever knows the length need not ask for more, and so does not hear of the end.
        if self.heard.as_ref().is_some_and(|heard| Some(heard.len()) == self.length) {
            self.ended();
        }
    }

    fn ended(&mut self) {
        if let Some(heard) = self.heard.take().filter(|heard| !heard.is_empty()) {
            self.cache.put(self.key, self.content_type, heard.freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::BoxFuture;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Says its own name, in a way that the test decides.
    #[derive(Debug)]
    struct Scripted {
        name: Arc<str>,
        asked: Arc<AtomicUsize>,
        answer: fn(&Arc<str>) -> Result<Spoken, VoiceError>,
    }

    impl Voice for Scripted {
        fn name(&self) -> &Arc<str> {
            &self.name
        }

        fn content_type(&self) -> &'static str {
            "audio/mpeg"
        }

        fn speak<'a>(&'a self, _: &'a str, wish: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let named = wish.voice_id.is_some();
            Box::pin(async move {
                let mut spoken = (self.answer)(&self.name)?;
                if named {
                    spoken.content_type = "audio/wav";
                }
                Ok(spoken)
            })
        }
    }

    fn engine(name: &str, answer: fn(&Arc<str>) -> Result<Spoken, VoiceError>) -> (Engine, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let voice = Box::new(Scripted { name: name.into(), asked: asked.clone(), answer });
        let kind = config::VoiceKind::OpenAi;
        (Engine::new(Built { voice, kind, missing: None, configured_by: String::new() }), asked)
    }

    fn well(name: &Arc<str>) -> Result<Spoken, VoiceError> {
        Ok(Spoken::whole(name, "audio/mpeg", Bytes::copy_from_slice(name.as_bytes())))
    }

    fn lost(name: &Arc<str>) -> Result<Spoken, VoiceError> {
        Err(VoiceError::Failed(Failure::new(name, FailureKind::Lost, "gone")))
    }

    fn no_such_voice(name: &Arc<str>) -> Result<Spoken, VoiceError> {
        let failure = Failure::new(name, FailureKind::Unsupported { suggestions: vec![] }, "no");
        Err(VoiceError::Refused { status: 404, details: "no".to_owned(), failure })
    }

    /// Half of it, and then nothing.
    fn broken_off(name: &Arc<str>) -> Result<Spoken, VoiceError> {
        let end = lost(name).err();
        let body = stream::iter([Ok(Bytes::from_static(b"half")), Err(end.expect("a failure"))]);
        Ok(Spoken { engine: name.clone(), content_type: "audio/mpeg", length: None, body: Box::pin(body) })
    }

    async fn said(voices: &Voices, text: &str) -> Result<(String, &'static str), VoiceError> {
        let wish = VoiceWish { voice_id: Some("voice".to_owned()), ..VoiceWish::default() };
        let mut spoken = voices.speak(text, &wish).await?;
        let mut whole = Vec::new();
        while let Some(piece) = spoken.body.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok((String::from_utf8(whole).expect("a name"), spoken.content_type))
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_engine_speaks_with_its_own_voice() {
        let (first, asked) = engine("first", lost);
        let (second, _) = engine("second", well);
        let voices = Voices::of(vec![first, second]);
        assert_eq!(said(&voices, "text").await, Ok(("second".to_owned(), "audio/mpeg")));
        // After five failures it is not asked any more; half a minute later once.
        for text in 0..10 {
            assert!(said(&voices, &text.to_string()).await.is_ok());
        }
        assert_eq!(asked.load(Ordering::Relaxed), 5);
        assert!(matches!(voices.table()[0].state, EngineState::Resting(_)));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(said(&voices, "later").await.is_ok() && said(&voices, "later still").await.is_ok());
        assert_eq!(asked.load(Ordering::Relaxed), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_with_the_request_is_told_at_once() {
        let (first, _) = engine("first", no_such_voice);
        let (second, asked) = engine("second", well);
        let voices = Voices::of(vec![first, second]);
        for _ in 0..10 {
            assert!(matches!(said(&voices, "text").await, Err(VoiceError::Refused { status: 404, .. })));
        }
        assert_eq!((asked.load(Ordering::Relaxed), voices.table()[0].state.clone()), (0, EngineState::Well));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_failure_is_told_when_nobody_can() {
        let (first, _) = engine("first", lost);
        let (second, _) = engine("second", |name| Err(VoiceError::NoVoice { engine: name.clone() }));
        let error = said(&Voices::of(vec![first, second]), "text").await.expect_err("nobody can");
        assert_eq!(error.to_string(), "first: gone");
        assert_eq!(said(&Voices::of(Vec::new()), "text").await, Err(VoiceError::NotConfigured));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_said_whole_is_kept_and_half_a_sentence_is_not() {
        let (whole, asked) = engine("whole", well);
        let voices = Voices::of(vec![whole]);
        for _ in 0..3 {
            assert_eq!(said(&voices, "text").await, Ok(("whole".to_owned(), "audio/wav")));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // Somebody who stops listening.
        drop(voices.speak("other", &VoiceWish::default()).await.expect("it speaks"));
        drop(voices.speak("other", &VoiceWish::default()).await.expect("it speaks"));
        assert_eq!(asked.load(Ordering::Relaxed), 3);

        let (half, asked) = engine("half", broken_off);
        let voices = Voices::of(vec![half]);
        for _ in 0..5 {
            assert!(said(&voices, "text").await.is_err());
        }
        assert_eq!(asked.load(Ordering::Relaxed), 5);
        assert!(matches!(voices.table()[0].state, EngineState::Resting(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_much_is_spoken_at_once() {
        let (engine, _) = engine("engine", well);
        let voices = Voices::of(vec![engine]);
        let mut open = Vec::new();
        for text in 0..AT_ONCE {
            open.push(voices.speak(&text.to_string(), &VoiceWish::default()).await.expect("it speaks"));
        }
        assert_eq!(said(&voices, "one more").await, Err(VoiceError::Busy));
        open.pop();
        assert!(said(&voices, "one more").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_while_an_engine_tries_leaves_the_try_to_the_next() {
        let (mut engine, _) = engine("engine", lost);
        engine.voice = Box::new(Silent("engine".into()));
        let voices = Voices::of(vec![engine]);
        let busy = FailureKind::Busy { retry_after: None };
        voices.engines[0].health.breaker.lock().failed(&busy, Duration::ZERO);
        tokio::time::advance(Duration::from_secs(31)).await;
        for _ in 0..2 {
            let wish = VoiceWish::default();
            let asking = voices.speak("text", &wish);
            assert!(
                tokio::time::timeout(Duration::from_secs(1), asking).await.is_err(),
                "it is asked, and says nothing"
            );
        }
    }

    /// Never answers.
    #[derive(Debug)]
    struct Silent(Arc<str>);

    impl Voice for Silent {
        fn name(&self) -> &Arc<str> {
            &self.0
        }

        fn content_type(&self) -> &'static str {
            "audio/mpeg"
        }

        fn speak<'a>(&'a self, _: &'a str, _: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>> {
            Box::pin(std::future::pending())
        }
    }
}
