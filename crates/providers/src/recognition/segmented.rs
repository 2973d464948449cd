//! Engines that take a recording and give back a text: sentences are cut out of the stream, and asked for one by one.
//!
//! | state | sound | a sentence ends, Finalise | the answer | Close |
//! |---|---|---|---|---|
//! | idle | cut into sentences | asks for it | – | over |
//! | asking | likewise | it waits its turn | final; asks for the next, or idle | the rest is asked for, then over |
//!
//! Words come after the end of a sentence. Interims come only from engines that tell them while they work.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bifocal_audio::{Segment, Segmenter, Segmenting, Speech};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::engines::Engine;
use super::out::{Out, Words};
use super::stream::{Command, Feed, Need, ms_of};
use crate::failure::Failure;

/// For the answer to the greeting.
const GREETING: Duration = Duration::from_secs(10);
/// For the text of one recording, which is 8 s at most.
const ANSWER: Duration = Duration::from_secs(15);
/// Recordings that may wait for an engine that is slower than speech.
const MAX_WAITING: usize = 4;
/// Interims that may wait; more are lost.
const MAX_INTERIMS: usize = 16;

/// Turns recordings into text.
pub(crate) trait Transcriber: Debug + Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &Arc<str>;

    /// Finds out whether it is there and takes us. Gives the language to ask for, as it writes it; `None` leaves it to find out.
    fn greet<'a>(&'a self, need: &'a Need) -> BoxFuture<'a, Result<Option<String>, Failure>>;

    /// The text of one recording: 16 kHz, 16 bits, one channel. Whoever asks sets the deadline.
    fn transcribe<'a>(
        &'a self,
        language: Option<&'a str>,
        pcm: Vec<u8>,
        interims: mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<Said, Failure>>;
}

/// What was said in a recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// What the engine takes it for, if it says so.
    pub(crate) language: Option<String>,
}

/// A [`Transcriber`] as an engine.
#[derive(Debug)]
pub(crate) struct Segmented<T>(pub(crate) Arc<T>);

impl<T: Transcriber> Engine for Segmented<T> {
    fn start(&self, need: Need, feed: Feed, out: Out) {
        tokio::spawn(run(self.0.clone(), need, feed, out));
    }
}

async fn run<T: Transcriber>(engine: Arc<T>, need: Need, mut feed: Feed, mut out: Out) {
    match drive(&*engine, &need, &mut feed, &mut out).await {
        Ok(()) => out.closed().await,
        Err(Some(failure)) => out.failed(failure).await,
        // Nobody is there to tell.
        Err(None) => {}
    }
}

async fn drive<T: Transcriber>(engine: &T, need: &Need, feed: &mut Feed, out: &mut Out) -> Result<(), Option<Failure>> {
    let language = tokio::select! {
        greeted = timeout(GREETING, engine.greet(need)) => match greeted {
            Ok(greeted) => greeted.map_err(Some)?,
            Err(_) => return Err(Some(Failure::stalled(engine.name(), "it did not answer within 10 s"))),
        },
        () = out.gone() => return Err(None),
    };
    out.opened();
    out.flush().await.map_err(|_| None)?;

    let mut cutter = Cutter::new();
    let (tell, mut interims) = mpsc::channel(MAX_INTERIMS);
    let mut asked: Option<Asked<'_>> = None;
    loop {
        if asked.is_none() {
            // What was told about the last recording is of no use any more.
            while interims.try_recv().is_ok() {}
            match cutter.waiting.pop_front() {
                Some(segment) => {
                    let (start_ms, end_ms) = (segment.start_ms, segment.end_ms);
                    let answer =
                        Box::pin(timeout(ANSWER, engine.transcribe(language.as_deref(), segment.pcm, tell.clone())));
                    asked = Some(Asked { start_ms, end_ms, answer });
                }
                None if cutter.closed => return Ok(()),
                None => out.silent_until(cutter.silent_until()),
            }
            out.flush().await.map_err(|_| None)?;
        }
        tokio::select! {
            command = feed.next() => cutter.take(command),
            answer = answer(&mut asked) => {
                let (start_ms, end_ms, said) = answer.map_err(|late| match late {
                    Some(failure) => Some(failure),
                    None => Some(Failure::stalled(engine.name(), "it gave no text within 15 s")),
                })?;
                asked = None;
                out.last(Words { text: said.text, start_ms, end_ms, language: said.language, ..Words::default() });
            }
            Some(text) = interims.recv() => {
                if let Some(asked) = &asked {
                    out.interim(Words { text, start_ms: asked.start_ms, end_ms: asked.end_ms, ..Words::default() });
                }
            }
            () = out.gone() => return Err(None),
        }
        if cutter.waiting.len() > MAX_WAITING {
            return Err(Some(Failure::stalled(engine.name(), "it is slower than speech: four sentences wait for it")));
        }
        out.flush().await.map_err(|_| None)?;
    }
}

/// A recording that the engine has.
struct Asked<'a> {
    start_ms: u64,
    end_ms: u64,
    answer: BoxFuture<'a, Result<Result<Said, Failure>, tokio::time::error::Elapsed>>,
}

/// The answer to what was asked; waits for ever if nothing was. The error is `None` when it did not come in time.
async fn answer(asked: &mut Option<Asked<'_>>) -> Result<(u64, u64, Said), Option<Failure>> {
    let Some(asked) = asked else { return std::future::pending().await };
    match (&mut asked.answer).await {
        Ok(Ok(said)) => Ok((asked.start_ms, asked.end_ms, said)),
        Ok(Err(failure)) => Err(Some(failure)),
        Err(_) => Err(None),
    }
}

/// Cuts the stream into recordings.
struct Cutter {
    segmenter: Segmenter,
    /// Sound that was taken.
    bytes: u64,
    /// Speech is noticed so much after it has begun.
    late_ms: u64,
    waiting: VecDeque<Segment>,
    closed: bool,
}

impl Cutter {
    fn new() -> Self {
        let rules = Segmenting::default();
        Self {
            segmenter: Segmenter::new(rules),
            bytes: 0,
            late_ms: rules.before_ms + 2 * rules.begin_ms,
            waiting: VecDeque::new(),
            closed: false,
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Audio(pcm) => {
                self.bytes += pcm.len() as u64;
                for speech in self.segmenter.push(&pcm) {
                    if let Speech::Ended(segment) = speech {
                        self.waiting.push_back(segment);
                    }
                }
            }
            Command::Finalise => self.waiting.extend(self.segmenter.finish()),
            Command::Close => {
                self.waiting.extend(self.segmenter.finish());
                self.closed = true;
            }
        }
    }

    /// Nobody has spoken before.
    fn silent_until(&self) -> u64 {
        if self.segmenter.speaking() { 0 } else { ms_of(self.bytes).saturating_sub(self.late_ms) }
    }
}
