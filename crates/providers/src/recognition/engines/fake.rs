//! An engine for tests and load: it hears numbered words, and fails when its script says so.
//!
//! | words | what it hears |
//! |---|---|
//! | `every_ms` | whatever the sound is: word 1 in the first so many milliseconds of the stream, word 2 in the next … |
//! | in the sound | what [`sound`] made: each word is in the sound itself, so that it is the same word when the sound is played again to another engine |
//!
//! A word is told when all of it was heard, as an interim that grows; after `sentence` words, in silence, or when it is asked
//! to, the sentence is final.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Built, Engine, tags};
use crate::failure::{Failure, FailureKind};
use crate::recognition::config::{Class, EngineConfig};
use crate::recognition::languages::Languages;
use crate::recognition::out::{Out, Words};
use crate::recognition::stream::{BYTES_PER_MS, Command, Feed, Need, ms_of};

/// Length of a word in [`sound`].
pub const WORD_MS: u64 = 200;
/// The sample that is word 1 is this; silence is below.
const FIRST: i16 = 1000;
/// Sound that is looked at in one piece.
const STEP_MS: u64 = 10;

/// What a fake engine does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// A word every so many milliseconds, whatever the sound is. `None`: the words that are in the sound.
    pub every_ms: Option<u64>,
    /// What it hears is the number in the first eight bytes of every 20 ms of sound, the newest one: `bench:` and twenty
    /// digits. A load knows by it when the sound was sent.
    pub marks: bool,
    /// Words of a sentence.
    pub sentence: usize,
    /// Between the request and the acknowledgement.
    pub open_ms: u64,
    /// Each answer comes so much later.
    pub slow_ms: u64,
    /// So long after the last answer it counts as stalled.
    pub stall_ms: u64,
    /// It translates by itself: every word gets `language:` before it.
    pub translates: bool,
    /// What it takes the language for.
    pub detects: Option<String>,
    /// One for each stream, in the order in which they are opened. Streams after that have none.
    pub faults: Vec<Fault>,
}

/// What goes wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Nothing.
    None,
    /// Its key is not accepted.
    Refuse,
    /// It has too much to do; seconds until it may be asked again.
    Busy(Option<u64>),
    /// It never acknowledges the stream.
    Hang,
    /// The connection is cut after so many milliseconds of sound.
    Cut(u64),
    /// From then on it does not answer.
    Stall(u64),
    /// From then on it has too much to do.
    BusyAt(u64),
}

impl Default for Script {
    fn default() -> Self {
        Self {
            every_ms: None,
            marks: false,
            sentence: 5,
            open_ms: 0,
            slow_ms: 0,
            stall_ms: 5000,
            translates: false,
            detects: None,
            faults: Vec::new(),
        }
    }
}

/// The word with this number.
pub fn word(number: u16) -> String {
    format!("w{number}")
}

/// Sound in which an engine without `every_ms` hears these words, each [`WORD_MS`] long; 0 is silence.
pub fn sound(words: impl IntoIterator<Item = u16>) -> Bytes {
    let sample = |number: u16| if number == 0 { 0 } else { FIRST.saturating_add_unsigned(number) };
    let word = |number| std::iter::repeat_n(sample(number), WORD_MS as usize * BYTES_PER_MS / 2);
    words.into_iter().flat_map(word).flat_map(i16::to_le_bytes).collect()
}

#[derive(Debug)]
struct Fake {
    name: Arc<str>,
    script: Script,
    opened: AtomicUsize,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Built {
    let script = config.script.clone().unwrap_or_default();
    Built {
        languages: Languages { tags: tags(&["en", "de", "fr", "es", "ja"]), identifies: true },
        translates: script.translates,
        price: Class::Free,
        latency: Class::Low,
        missing: None,
        configured_by: "a script, for tests".to_owned(),
        engine: Box::new(Fake { name: name.clone(), script, opened: AtomicUsize::new(0) }),
    }
}

impl Engine for Fake {
    fn start(&self, need: Need, feed: Feed, out: Out) {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        let fault = self.script.faults.get(nth).copied().unwrap_or(Fault::None);
        let play = Play { name: self.name.clone(), script: self.script.clone(), fault, need };
        tokio::spawn(play.run(feed, out));
    }
}

/// One stream.
struct Play {
    name: Arc<str>,
    script: Script,
    fault: Fault,
    need: Need,
}

impl Play {
    async fn run(self, mut feed: Feed, mut out: Out) {
        match self.act(&mut feed, &mut out).await {
            Ok(()) => out.closed().await,
            Err(Some(failure)) => out.failed(failure).await,
            // Nobody is there to tell.
            Err(None) => {}
        }
    }

    async fn act(&self, feed: &mut Feed, out: &mut Out) -> Result<(), Option<Failure>> {
        self.wait(out, self.script.open_ms).await?;
        let busy = |seconds: Option<u64>| FailureKind::Busy { retry_after: seconds.map(Duration::from_secs) };
        match self.fault {
            Fault::Refuse => return Err(Some(self.failure(FailureKind::Refused, "it does not accept the key"))),
            Fault::Busy(seconds) => return Err(Some(self.failure(busy(seconds), "it has too much to do"))),
            Fault::Hang => {
                self.wait(out, 10_000).await?;
                return Err(Some(self.failure(FailureKind::Stalled, "it did not answer within 10 s")));
            }
            Fault::None | Fault::Cut(_) | Fault::Stall(_) | Fault::BusyAt(_) => {}
        }
        out.opened();
        out.flush().await.map_err(|_| None)?;

        let mut ears = Ears::new(self);
        loop {
            let command = tokio::select! {
                command = feed.next() => command,
                () = out.gone() => return Err(None),
            };
            match command {
                Command::Audio(pcm) => ears.hear(&pcm, out),
                Command::Finalise => ears.sentence_ends(out),
                Command::Close => {
                    ears.sentence_ends(out);
                    return Ok(());
                }
            }
            self.wait(out, self.script.slow_ms).await?;
            out.flush().await.map_err(|_| None)?;
            match self.fault {
                Fault::Cut(ms) if ears.at_ms >= ms => return Err(Some(self.failure(FailureKind::Lost, "it was cut"))),
                Fault::BusyAt(ms) if ears.at_ms >= ms => {
                    return Err(Some(self.failure(busy(None), "it has too much to do")));
                }
                Fault::Stall(ms) if ears.at_ms >= ms => {
                    let deadline = Instant::now() + Duration::from_millis(self.script.stall_ms);
                    // Sound is still taken, and nothing comes of it.
                    while let Ok(_ignored) = tokio::time::timeout_at(deadline, feed.next()).await {}
                    return Err(Some(self.failure(FailureKind::Stalled, "it does not answer any more")));
                }
                _ => {}
            }
        }
    }

    fn failure(&self, kind: FailureKind, why: &str) -> Failure {
        Failure::new(&self.name, kind, why)
    }

    async fn wait(&self, out: &Out, ms: u64) -> Result<(), Option<Failure>> {
        if ms == 0 {
            return Ok(());
        }
        tokio::select! {
            () = sleep(Duration::from_millis(ms)) => Ok(()),
            () = out.gone() => Err(None),
        }
    }
}

/// What was heard so far.
struct Ears<'a> {
    play: &'a Play,
    /// Sound that is not a whole step yet.
    rest: VecDeque<u8>,
    at_ms: u64,
    /// The newest number in the sound.
    mark: u64,
    /// The word that is being said, and since when.
    current: Option<(u16, u64)>,
    sentence: Vec<u16>,
    start_ms: u64,
    end_ms: u64,
}

impl<'a> Ears<'a> {
    fn new(play: &'a Play) -> Self {
        let (rest, sentence) = (VecDeque::new(), Vec::new());
        Self { play, rest, at_ms: 0, mark: 0, current: None, sentence, start_ms: 0, end_ms: 0 }
    }

    fn hear(&mut self, pcm: &[u8], out: &mut Out) {
        self.rest.extend(pcm);
        let step = STEP_MS as usize * BYTES_PER_MS;
        while self.rest.len() >= step {
            let sample = i16::from_le_bytes([self.rest[0], self.rest[1]]);
            if self.play.script.marks && self.at_ms.is_multiple_of(2 * STEP_MS) {
                self.mark = (0..8).rev().fold(0, |mark, at| (mark << 8) | u64::from(self.rest[at]));
            }
            self.rest.drain(..step);
            self.step(sample, out);
        }
    }

    fn step(&mut self, sample: i16, out: &mut Out) {
        let number = match self.play.script.every_ms {
            Some(every) => u16::try_from(self.at_ms / every.max(STEP_MS) + 1).unwrap_or(u16::MAX),
            None => u16::try_from(sample.saturating_sub(FIRST)).unwrap_or(0),
        };
        let said = self.current.filter(|&(current, _)| current != number);
        if let Some((word, since)) = said {
            // Of a word whose beginning is missing enough must be left.
            if self.at_ms - since >= WORD_MS / 2 || self.play.script.every_ms.is_some() {
                self.word_ends(word, since, out);
            }
            self.current = None;
        }
        if number == 0 {
            self.sentence_ends(out);
        } else if self.current.is_none() {
            self.current = Some((number, self.at_ms));
        }
        self.at_ms += ms_of(STEP_MS * BYTES_PER_MS as u64);
        if self.current.is_none() {
            out.silent_until(self.at_ms);
        }
    }

    fn word_ends(&mut self, word: u16, since: u64, out: &mut Out) {
        if self.sentence.is_empty() {
            self.start_ms = since;
        }
        self.sentence.push(word);
        self.end_ms = self.at_ms;
        if self.sentence.len() >= self.play.script.sentence.max(1) {
            out.last(self.words());
            self.sentence.clear();
        } else {
            out.interim(self.words());
        }
    }

    /// What is being said ends here.
    fn sentence_ends(&mut self, out: &mut Out) {
        if let Some((word, since)) = self.current.take().filter(|&(_, since)| self.at_ms - since >= WORD_MS / 2) {
            self.word_ends(word, since, out);
        }
        if !self.sentence.is_empty() {
            out.last(self.words());
            self.sentence.clear();
        }
    }

    fn words(&self) -> Words {
        let marked = self.play.script.marks.then(|| format!("bench:{:020}", self.mark));
        let numbered = || self.sentence.iter().map(|&number| word(number)).collect::<Vec<_>>().join(" ");
        let text = marked.unwrap_or_else(numbered);
        let to = self.play.need.translate.as_deref();
        let translation = to.map(|to| text.split(' ').map(|word| format!("{to}:{word}")).collect::<Vec<_>>().join(" "));
        Words {
            text,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            language: self.play.script.detects.clone(),
            speaker: None,
            confidence: Some(1.0),
            translation,
        }
    }
}
