//! One stream of speech: what it shall recognise, sound in, words out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Bytes of a millisecond of sound: 16 kHz, 16 bits, one channel.
pub(crate) const BYTES_PER_MS: usize = 32;
/// So much sound may wait for an engine, in milliseconds. More means that it does not take any.
pub const MAX_QUEUED_MS: u64 = 12_000;
/// Whoever does not pause is interrupted after so many milliseconds. What is not final is heard again by the next engine, should
/// this one fail, and sound is kept for ten seconds.
pub(crate) const LONGEST_MS: u64 = 8_000;
/// Frames of 10 ms, and room for the other commands.
const MAX_COMMANDS: usize = 2048;
/// Events that may wait for the caller. A full queue loses interims, never finals.
pub(crate) const MAX_EVENTS: usize = 128;

/// What a stream shall recognise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Need {
    /// `en-US`, `en`; `auto` and `all` leave it to the engine to find out.
    pub language: String,
    /// Languages that are likely, best first.
    pub hints: Vec<String>,
    /// It is this language and no other: no language identification.
    pub fixed: bool,
    /// Also translate into this language.
    pub translate: Option<String>,
}

impl Need {
    /// Recognises one language.
    pub fn language(tag: &str) -> Self {
        Self { language: tag.to_owned(), ..Self::default() }
    }

    /// The engine shall find out what is spoken.
    pub fn is_open(&self) -> bool {
        matches!(self.language.as_str(), "auto" | "all" | "")
    }
}

/// Words, as they stand now. Times are positions in the sound that this stream was given, in milliseconds; 0 is its first
/// sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// The same from the first interim of an utterance to its final, never used again in this stream.
    pub utterance: u64,
    /// All words of the utterance so far. A final without words takes back what was an interim.
    pub text: String,
    /// Nothing will change any more.
    pub is_final: bool,
    /// Where the utterance begins.
    pub start_ms: u64,
    /// Where what is heard of it ends.
    pub end_ms: u64,
    /// What the engine takes it for, if it said so.
    pub language: Option<String>,
    /// Who speaks, as the engine counts them.
    pub speaker: Option<String>,
    /// 0 to 1.
    pub confidence: Option<f32>,
    /// In the language of [`Need::translate`]. `None` in a final: there is no translation, or the speaker used that language.
    pub translation: Option<String>,
}

/// What the caller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Whole samples: 16 bits little-endian, 16 kHz, one channel.
    Audio(Bytes),
    /// The wearer is quiet: give the rest now, and stay open.
    Finalise,
    /// There will be no more sound: give the rest, then [`Event::Closed`].
    Close,
}

/// What a stream tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The engine has acknowledged the stream. Sound that was given before is not lost.
    Opened,
    /// Words.
    Heard(Box<Heard>),
    /// The sound before this place is done with: its words are out as finals, or there were none. Replayed from here on,
    /// nothing is lost and nothing heard twice. While somebody speaks it stays at the beginning of what is said. At most four
    /// a second, and one after each final.
    Consumed {
        /// Position in the stream.
        ms: u64,
    },
    /// It is over. What was an interim has to be heard again: replay from the last [`Event::Consumed`].
    Failed(Failure),
    /// It has ended as it was asked to.
    Closed,
}

/// A stream that was opened. Dropping `events` ends it at once; dropping `commands` is [`Command::Close`].
#[derive(Debug)]
pub struct Stream {
    /// Which engine.
    pub engine: Arc<str>,
    /// Sound in.
    pub commands: Commands,
    /// Words out. The last one is [`Event::Failed`] or [`Event::Closed`].
    pub events: mpsc::Receiver<Event>,
}

/// The way in. Never blocks.
pub struct Commands {
    engine: Arc<str>,
    sender: mpsc::Sender<Command>,
    queued: Arc<AtomicUsize>,
}

impl Commands {
    /// Gives sound. An odd last byte is cut off.
    ///
    /// # Errors
    /// [`FailureKind::Stalled`](crate::FailureKind::Stalled) when [`MAX_QUEUED_MS`] wait already, [`FailureKind::Lost`](crate::FailureKind::Lost) when the stream has ended (its
    /// events say why).
    pub fn try_audio(&self, mut pcm: Bytes) -> Result<(), Failure> {
        pcm.truncate(pcm.len() & !1);
        let length = pcm.len();
        if length == 0 {
            return Ok(());
        }
        if self.queued.load(Ordering::Relaxed) + length > MAX_QUEUED_MS as usize * BYTES_PER_MS {
            return Err(Failure::stalled(&self.engine, "it takes no more sound: 12 s of it wait"));
        }
        self.queued.fetch_add(length, Ordering::Relaxed);
        self.send(Command::Audio(pcm)).inspect_err(|_| {
            self.queued.fetch_sub(length, Ordering::Relaxed);
        })
    }

    /// The wearer is quiet: the rest shall come now.
    ///
    /// # Errors
    /// As [`Commands::try_audio`].
    pub fn finalise(&self) -> Result<(), Failure> {
        self.send(Command::Finalise)
    }

    /// No more sound will come.
    ///
    /// # Errors
    /// As [`Commands::try_audio`].
    pub fn close(&self) -> Result<(), Failure> {
        self.send(Command::Close)
    }

    /// How much sound waits for the engine.
    pub fn queued_ms(&self) -> u64 {
        (self.queued.load(Ordering::Relaxed) / BYTES_PER_MS) as u64
    }

    fn send(&self, command: Command) -> Result<(), Failure> {
        self.sender.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::stalled(&self.engine, "it takes no more commands"),
            mpsc::error::TrySendError::Closed(_) => Failure::lost(&self.engine, "the stream has ended"),
        })
    }
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").field("engine", &self.engine).field("queued_ms", &self.queued_ms()).finish()
    }
}

/// The engine's end of [`Commands`].
#[derive(Debug)]
pub(crate) struct Feed {
    receiver: mpsc::Receiver<Command>,
    queued: Arc<AtomicUsize>,
    closed: bool,
}

impl Feed {
    /// The next command; [`Command::Close`] once if the caller has gone, and nothing after a close.
    pub(crate) async fn next(&mut self) -> Command {
        if self.closed {
            return std::future::pending().await;
        }
        let command = self.receiver.recv().await.unwrap_or(Command::Close);
        match &command {
            Command::Audio(pcm) => {
                self.queued.fetch_sub(pcm.len(), Ordering::Relaxed);
            }
            Command::Finalise => {}
            Command::Close => self.closed = true,
        }
        command
    }
}

/// A stream, and the two ends that its engine keeps.
pub(crate) fn pair(engine: &Arc<str>) -> (Stream, Feed, mpsc::Sender<Event>) {
    let (sender, receiver) = mpsc::channel(MAX_COMMANDS);
    let (told, events) = mpsc::channel(MAX_EVENTS);
    let queued = Arc::new(AtomicUsize::new(0));
    let commands = Commands { engine: engine.clone(), sender, queued: queued.clone() };
    let feed = Feed { receiver, queued, closed: false };
    (Stream { engine: engine.clone(), commands, events }, feed, told)
}

/// Where a stream is after so many bytes.
pub(crate) fn ms_of(bytes: u64) -> u64 {
    bytes / BYTES_PER_MS as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureKind;

    #[tokio::test]
    async fn sound_waits_for_twelve_seconds_and_no_longer() {
        let (stream, mut feed, _told) = pair(&Arc::from("x"));
        let second = Bytes::from(vec![0; 1000 * BYTES_PER_MS]);
        for _ in 0..12 {
            stream.commands.try_audio(second.clone()).expect("there is room");
        }
        let error = stream.commands.try_audio(second.clone()).expect_err("there is none");
        assert_eq!(error.kind, FailureKind::Stalled);
        assert_eq!(stream.commands.queued_ms(), 12_000);
        feed.next().await;
        stream.commands.try_audio(second).expect("there is room again");
    }

    #[tokio::test]
    async fn a_caller_that_goes_closes() {
        let (stream, mut feed, _told) = pair(&Arc::from("x"));
        stream.commands.try_audio(Bytes::from_static(b"abc")).expect("there is room");
        drop(stream);
        assert_eq!(feed.next().await, Command::Audio(Bytes::from_static(b"ab")), "whole samples only");
        assert_eq!(feed.next().await, Command::Close);
    }

    #[test]
    fn a_stream_that_has_ended_takes_nothing() {
        let (stream, feed, _told) = pair(&Arc::from("x"));
        drop(feed);
        let error = stream.commands.try_audio(Bytes::from_static(b"ab")).expect_err("nobody is there");
        assert_eq!((error.kind, stream.commands.queued_ms()), (FailureKind::Lost, 0));
    }
}
