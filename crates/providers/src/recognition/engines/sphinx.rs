//! PocketSphinx: words in the box, with no network and no key. English only, and as good as dictation was in 2010: for tests,
//! demos and commands.
//!
//! Decoders are big and slow to make: a stream takes one with its first sound, and gives it back when it ends. They work on
//! threads for what blocks, never on one of the runtime's own.

use std::path::Path;
use std::sync::Arc;

use bifocal_sphinx::{Decoder, Library, Model};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Built, Engine, tags};
use crate::failure::{Failure, FailureKind};
use crate::recognition::config::{Class, EngineConfig};
use crate::recognition::languages::Languages;
use crate::recognition::out::{Gone, Out, Words};
use crate::recognition::stream::{BYTES_PER_MS, Command, Feed, LONGEST_MS, Need, ms_of};

/// Voices at a time, unless the configuration says otherwise: about 90 MB and a tenth of a core each.
const STREAMS: usize = 4;
/// It is given sound in pieces of this length.
const PIECE: usize = 100 * BYTES_PER_MS;
/// It notices a voice so late, and that it has ended so late.
const ONSET_MS: u64 = 300;
const PAUSE_MS: u64 = 500;

#[derive(Debug)]
struct Sphinx {
    name: Arc<str>,
    pool: Arc<Pool>,
}

/// Decoders that nobody uses, and how many there may be.
#[derive(Debug)]
struct Pool {
    library: Option<(Arc<Library>, Model)>,
    idle: Mutex<Vec<Decoder>>,
    places: Arc<Semaphore>,
}

/// A decoder that a stream uses.
#[derive(Debug)]
struct Voice {
    decoder: Decoder,
    _place: OwnedSemaphorePermit,
}

/// Whether this machine has it, and what to do if not.
pub(super) fn missing() -> Option<String> {
    Library::open().and_then(|_| Model::find(None)).err().map(|error| error.to_string())
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Built {
    let folder = config.model.as_deref().map(Path::new);
    let found = Library::open().and_then(|library| Ok((library, Model::find(folder)?)));
    let missing = found.as_ref().err().map(ToString::to_string);
    let pool = Pool {
        library: found.ok(),
        idle: Mutex::new(Vec::new()),
        places: Arc::new(Semaphore::new(config.streams.unwrap_or(STREAMS).clamp(1, 64))),
    };
    Built {
        // Whatever is spoken, it takes it for English.
        languages: Languages { tags: tags(&["en"]), identifies: true },
        translates: false,
        price: Class::Free,
        latency: Class::Low,
        missing,
        configured_by: "Debian's pocketsphinx and pocketsphinx-en-us; `model`: another folder".to_owned(),
        engine: Box::new(Sphinx { name: name.clone(), pool: Arc::new(pool) }),
    }
}

impl Engine for Sphinx {
    fn start(&self, _need: Need, feed: Feed, out: Out) {
        let listener = Listener {
            name: self.name.clone(),
            pool: self.pool.clone(),
            voice: None,
            rest: BytesMut::new(),
            at: 0,
            since: None,
        };
        tokio::spawn(listener.run(feed, out));
    }
}

/// One stream.
struct Listener {
    name: Arc<str>,
    pool: Arc<Pool>,
    voice: Option<Voice>,
    /// Sound that is not a whole piece yet.
    rest: BytesMut,
    /// How many bytes it was given.
    at: u64,
    /// Since when somebody speaks.
    since: Option<u64>,
}

/// What the decoder has made of a piece.
struct Piece {
    voice: Voice,
    speaks: bool,
    words: String,
}

impl Listener {
    async fn run(mut self, mut feed: Feed, mut out: Out) {
        out.opened();
        match self.listen(&mut feed, &mut out).await {
            Ok(()) => out.closed().await,
            Err(Some(failure)) => out.failed(failure).await,
            // Nobody is there to tell.
            Err(None) => {}
        }
        if let Some(Voice { mut decoder, _place }) = self.voice.take() {
            // The next voice begins with nothing of this one.
            decoder.finish();
            self.pool.idle.lock().push(decoder);
        }
    }

    async fn listen(&mut self, feed: &mut Feed, out: &mut Out) -> Result<(), Option<Failure>> {
        loop {
            flush(out).await?;
            let command = tokio::select! {
                command = feed.next() => command,
                () = out.gone() => return Err(None),
            };
            match command {
                Command::Audio(pcm) => {
                    self.rest.extend_from_slice(&pcm);
                    while self.rest.len() >= PIECE {
                        let piece = self.rest.split_to(PIECE).freeze();
                        self.hear(piece, out).await?;
                        flush(out).await?;
                    }
                }
                Command::Finalise => self.tail(out).await?,
                Command::Close => {
                    self.tail(out).await?;
                    return Ok(());
                }
            }
        }
    }

    /// A piece of sound.
    async fn hear(&mut self, pcm: Bytes, out: &mut Out) -> Result<(), Option<Failure>> {
        self.at += pcm.len() as u64;
        let voice = self.take_voice().await?;
        let Piece { voice, speaks, words } = self.work(voice, pcm).await?;
        let now = ms_of(self.at);
        match (self.since, speaks) {
            (None, false) => out.silent_until(now.saturating_sub(ONSET_MS)),
            (None, true) => self.since = Some(now.saturating_sub(ONSET_MS)),
            (Some(since), true) if now - since < LONGEST_MS => {
                out.interim(Words { text: words, start_ms: since, end_ms: now, ..Words::default() });
            }
            (Some(since), _) => {
                let end = if speaks { now } else { now.saturating_sub(PAUSE_MS).max(since) };
                self.voice = Some(self.finish(voice, since, end, out).await?);
                return Ok(());
            }
        }
        self.voice = Some(voice);
        Ok(())
    }

    /// What is being said ends here.
    async fn tail(&mut self, out: &mut Out) -> Result<(), Option<Failure>> {
        let rest = self.rest.split().freeze();
        if !rest.is_empty() {
            self.hear(rest, out).await?;
        }
        if let (Some(since), Some(voice)) = (self.since, self.voice.take()) {
            self.voice = Some(self.finish(voice, since, ms_of(self.at), out).await?);
        }
        Ok(())
    }

    async fn finish(&mut self, voice: Voice, since: u64, end: u64, out: &mut Out) -> Result<Voice, Option<Failure>> {
        self.since = None;
        let (voice, text) = blocking(&self.name, move || {
            let mut voice = voice;
            let text = voice.decoder.finish();
            (voice, text)
        })
        .await?;
        out.last(Words { text, start_ms: since, end_ms: end, ..Words::default() });
        Ok(voice)
    }

    async fn work(&mut self, voice: Voice, pcm: Bytes) -> Result<Piece, Option<Failure>> {
        blocking(&self.name, move || {
            let mut voice = voice;
            let samples: Vec<i16> = pcm.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
            let speaks = voice.decoder.hear(&samples);
            let words = if speaks { voice.decoder.words() } else { String::new() };
            Piece { voice, speaks, words }
        })
        .await
    }

    /// The decoder of this stream; with its first sound one is found or made.
    async fn take_voice(&mut self) -> Result<Voice, Option<Failure>> {
        if let Some(voice) = self.voice.take() {
            return Ok(voice);
        }
        let failure = |kind, why: &str| Some(Failure::new(&self.name, kind, why));
        let place = self.pool.places.clone().try_acquire_owned();
        let busy = "every place is taken; allow more with `streams`, each takes 90 MB";
        let place = place.map_err(|_| failure(FailureKind::Busy { retry_after: None }, busy))?;
        let idle = self.pool.idle.lock().pop();
        let decoder = match idle {
            Some(decoder) => decoder,
            None => {
                let missing = || failure(FailureKind::Refused, "PocketSphinx is not installed");
                let (library, model) = self.pool.library.clone().ok_or_else(missing)?;
                let made = blocking(&self.name, move || Decoder::new(&library, &model)).await?;
                made.map_err(|error| failure(FailureKind::Refused, &error.to_string()))?
            }
        };
        Ok(Voice { decoder, _place: place })
    }
}

async fn flush(out: &mut Out) -> Result<(), Option<Failure>> {
    out.flush().await.map_err(|Gone| None)
}

/// On a thread for what blocks.
async fn blocking<T: Send + 'static>(
    name: &Arc<str>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Option<Failure>> {
    let lost = |_| Some(Failure::lost(name, "its thread has failed"));
    tokio::task::spawn_blocking(work).await.map_err(lost)
}
