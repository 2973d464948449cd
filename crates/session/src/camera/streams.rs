//! VideoManager: the one stream of the camera, as far as the glasses are concerned. Whose it is and who is told is the other
//! half: an app's own (direct), or one that apps share (`managed.rs`).
//!
//! | from | what happens | to |
//! |---|---|---|
//! | – | asked, and every check is passed; managed: the provider is asked for a place | Requested |
//! | Requested | there is a place to publish to (direct: at once) | Starting; the glasses are told to start |
//! | Requested | 15 s | over: `timeout` |
//! | Starting, Degraded | the glasses stream | Live |
//! | Starting | 30 s without a word, 60 s in all | over: `timeout` |
//! | Live | the glasses connect again | Degraded |
//! | Degraded | 60 s | over: `timeout` |
//! | Live, Degraded | three questions in a row are not answered | over: `timeout` |
//! | any but Stopping | its owner stops it, is stopped, or may not any more | Stopping; the glasses are told to stop |
//! | Stopping | 5 s | the glasses are told once more |
//! | Stopping | 10 s | over |
//! | any | the glasses say that it is over | over, with their reason |
//! | any | the phone is back | told again what holds: start, or stop, or asked whether it goes on |
//! | – | the glasses speak of a stream that is not | told to stop it, every 5 s at most |
//!
//! Whatever ends a stream, the glasses are told to stop, unless they have said themselves that they have.

use bifocal_protocol::Timestamp;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::json::Object;
use bifocal_protocol::media::StreamState;

use super::keep_alive::KeepAlive;
use super::managed::Managed;
use crate::deadline::Deadline;
use crate::now::{Millis, Timings};

#[derive(Debug, Default)]
pub(crate) struct VideoManager {
    pub(crate) stream: Option<Box<Stream>>,
    /// The phone was away when a stream ended, and has not been told to stop it.
    pub(crate) owed: Option<StopOrder>,
    /// When the glasses were last told to stop a stream that is not.
    stray_at: Option<Millis>,
}

/// What is needed to tell the glasses to stop a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StopOrder {
    pub(crate) stream: String,
    pub(crate) app: String,
    pub(crate) rtmp: bool,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: String,
    pub(crate) whose: Whose,
    pub(crate) wish: Wish,
    pub(crate) state: State,
    keep: KeepAlive,
    pub(crate) since: Millis,
    /// What is measured next began then; nothing when all was.
    stage: Option<Millis>,
    pub(crate) created: Timestamp,
}

/// Whose it is.
#[derive(Debug)]
pub(crate) enum Whose {
    Direct(Direct),
    Managed(Box<Managed>),
}

/// An app's own.
#[derive(Debug)]
pub(crate) struct Direct {
    pub(crate) app: PackageName,
    /// The SDK calls it `stream_…`; else `rtmp_stream_…`.
    pub(crate) new_names: bool,
    /// What the app was told last, and when.
    pub(crate) told: Option<(StreamState, Millis)>,
}

/// Where it goes, and how.
#[derive(Clone)]
pub(crate) struct Wish {
    /// With a key at its end, mostly: a secret. Empty while the provider has not given one.
    pub(crate) url: String,
    pub(crate) video: Option<Object>,
    pub(crate) audio: Option<Object>,
    pub(crate) stream: Option<Object>,
    pub(crate) sound: Option<bool>,
}

impl std::fmt::Debug for Wish {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wish(…)")
    }
}

impl Wish {
    /// Today's phones know no other kind.
    pub(crate) fn is_rtmp(&self) -> bool {
        self.url.is_empty() || self.url.starts_with("rtmp://") || self.url.starts_with("rtmps://")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Requested {
        until: Millis,
    },
    Starting {
        until: Millis,
        /// However often the glasses say that they connect.
        latest: Millis,
    },
    Live,
    Degraded {
        until: Millis,
    },
    Stopping {
        until: Millis,
        again: Option<Millis>,
        end: End,
    },
}

/// How a stream ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// As its app is told.
    pub(crate) state: StreamState,
    /// For counters.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) why: Option<String>,
    /// The glasses know already.
    pub(crate) said: bool,
}

impl End {
    pub(crate) fn stopped(reason: &'static str) -> Self {
        Self { state: StreamState::Stopped, reason, why: None, said: false }
    }

    pub(crate) fn failed(reason: &'static str, why: &str) -> Self {
        Self { state: StreamState::Error, reason, why: Some(why.to_owned()), said: false }
    }

    fn timeout(reason: &'static str, why: &str) -> Self {
        Self { state: StreamState::Timeout, ..Self::failed(reason, why) }
    }
}

/// What a report of the glasses means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing that was not known.
    Nothing,
    /// It is like this now.
    Now(StreamState),
    Over(End),
}

/// What is to be done because of the time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask the glasses whether they still stream, under this name.
    Ask(String),
    /// Tell them to stop once more.
    StopAgain,
    Over(End),
}

impl VideoManager {
    /// The stream that the glasses speak of: the one with this name, or any when they name none.
    pub(crate) fn named(&mut self, id: Option<&str>) -> Option<&mut Stream> {
        let stream = self.stream.as_deref_mut()?;
        id.is_none_or(|id| id.is_empty() || id == stream.id).then_some(stream)
    }

    /// By when a managed stream must have been watchable, while that matters.
    pub(crate) fn watch_by(&self) -> Option<Millis> {
        match self.stream.as_deref()? {
            Stream { whose: Whose::Managed(managed), state, .. } if !matches!(state, State::Stopping { .. }) => {
                managed.watch_by
            }
            _ => None,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<(Millis, Deadline)> {
        let stream = self.stream.as_deref().and_then(Stream::next_deadline);
        let watch = self.watch_by().map(|at| (at, Deadline::StreamWatch));
        [stream, watch].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Whether the glasses are to be told to stop a stream that is not.
    pub(crate) fn is_stray(&mut self, now: Millis, timings: &Timings) -> bool {
        let tell = self.stray_at.is_none_or(|at| now - at >= timings.stream_stop_again);
        if tell {
            self.stray_at = Some(now);
        }
        tell
    }
}

impl Stream {
    pub(crate) fn new(id: String, whose: Whose, wish: Wish, now: Millis, wall: Timestamp, timings: &Timings) -> Self {
        let state = State::Requested { until: now + timings.stream_place };
        Self { id, whose, wish, state, keep: KeepAlive::default(), since: now, stage: Some(now), created: wall }
    }

    /// The glasses are told to start now.
    pub(crate) fn start(&mut self, now: Millis, timings: &Timings) {
        self.state = State::Starting { until: now + timings.stream_start, latest: now + 2 * timings.stream_start };
    }

    /// The stage that ends now: how long it took. The next one begins, unless it was the last.
    pub(crate) fn stage(&mut self, now: Millis, last: bool) -> Option<u64> {
        let since = self.stage.take()?;
        self.stage = (!last).then_some(now);
        Some(now - since)
    }

    /// Whether it is on its way to its end.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.state, State::Stopping { .. })
    }

    /// Whether the glasses have been told of it.
    pub(crate) fn is_begun(&self) -> bool {
        !matches!(self.state, State::Requested { .. })
    }

    pub(crate) fn is_managed(&self) -> bool {
        matches!(self.whose, Whose::Managed(_))
    }

    pub(crate) fn order(&self) -> StopOrder {
        let app = match &self.whose {
            Whose::Direct(direct) => direct.app.to_string(),
            Whose::Managed(_) => bifocal_protocol::glasses::MANAGED_STREAM.to_owned(),
        };
        StopOrder { stream: self.id.clone(), app, rtmp: self.wish.is_rtmp() }
    }

    /// Somebody wants it to end; false when it does already.
    pub(crate) fn stop(&mut self, end: End, now: Millis, timings: &Timings) -> bool {
        if self.is_ending() {
            return false;
        }
        self.keep.end();
        let again = Some(now + timings.stream_stop_again);
        self.state = State::Stopping { until: now + timings.stream_stop, again, end };
        true
    }

    /// The glasses say how it is.
    pub(crate) fn report(&mut self, said: StreamState, why: Option<&str>, now: Millis, timings: &Timings) -> Step {
        self.keep.heard();
        let over = |state, reason| {
            let said = state == StreamState::Stopped;
            Step::Over(End { state, reason, why: why.map(str::to_owned), said })
        };
        match (&mut self.state, said) {
            (State::Stopping { end, .. }, said) if said.is_final() => Step::Over(End { said: true, ..end.clone() }),
            (State::Stopping { .. }, _) => Step::Nothing,
            (_, StreamState::Stopped) => over(said, "glasses"),
            (_, StreamState::Error) => over(said, "glasses_error"),
            (_, StreamState::Timeout) => over(said, "glasses_timeout"),
            (_, StreamState::Stopping) => {
                self.stop(End::stopped("glasses"), now, timings);
                Step::Now(said)
            }
            (State::Live, StreamState::Active) => Step::Nothing,
            (state, StreamState::Active) => {
                *state = State::Live;
                self.keep.begin(now, timings);
                Step::Now(said)
            }
            (state @ State::Live, StreamState::Initializing) => {
                *state = State::Degraded { until: now + timings.stream_degraded };
                Step::Now(said)
            }
            (State::Starting { until, latest }, StreamState::Initializing) => {
                *until = (now + timings.stream_start).min(*latest);
                Step::Nothing
            }
            (State::Requested { .. } | State::Degraded { .. }, StreamState::Initializing) => Step::Nothing,
        }
    }

    /// An answer to a question.
    pub(crate) fn answered(&mut self, question: &str) {
        self.keep.answered(question);
    }

    /// The phone is back; it is asked at once whether the stream goes on.
    pub(crate) fn phone_back(&mut self, now: Millis) {
        self.keep.hurry(now);
    }

    /// What is due at `now`; to be asked until there is nothing.
    pub(crate) fn due(&mut self, now: Millis, timings: &Timings) -> Option<Due> {
        match &mut self.state {
            State::Requested { until } if *until <= now => {
                let why = "Whoever carries managed streams has not made one in time";
                return Some(Due::Over(End::timeout("no_place", why)));
            }
            State::Starting { until, .. } if *until <= now => {
                let why = "The glasses have not begun to stream in time";
                return Some(Due::Over(End::timeout("no_start", why)));
            }
            State::Degraded { until } if *until <= now => {
                let why = "The glasses have lost their connection and not found it again";
                return Some(Due::Over(End::timeout("degraded", why)));
            }
            State::Stopping { until, end, .. } if *until <= now => return Some(Due::Over(end.clone())),
            State::Stopping { again, .. } if again.is_some_and(|at| at <= now) => {
                *again = None;
                return Some(Due::StopAgain);
            }
            _ => {}
        }
        if self.keep.is_lost(now) {
            let why = "The glasses do not answer any more";
            return Some(Due::Over(End::timeout("keep_alive", why)));
        }
        self.keep.ask(now, timings).map(Due::Ask)
    }

    fn next_deadline(&self) -> Option<(Millis, Deadline)> {
        let state = match &self.state {
            State::Live => None,
            State::Requested { until } | State::Starting { until, .. } | State::Degraded { until } => {
                Some((*until, Deadline::StreamState))
            }
            State::Stopping { until, again, .. } => Some((again.unwrap_or(*until), Deadline::StreamStop)),
        };
        let question = self.keep.next_question().map(|at| (at, Deadline::StreamKeepAlive));
        let answer = self.keep.answer_due().map(|at| (at, Deadline::StreamAck));
        [state, question, answer].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    fn stream() -> Stream {
        let app = PackageName::new("org.example.tv").expect("good");
        let whose = Whose::Direct(Direct { app, new_names: false, told: None });
        let wish = Wish { url: "rtmp://a/live/key".to_owned(), video: None, audio: None, stream: None, sound: None };
        let mut stream = Stream::new("s".to_owned(), whose, wish, Millis(0), Timestamp(0), &T);
        stream.start(Millis(0), &T);
        stream
    }

    #[test]
    fn every_word_of_the_glasses_is_told_once() {
        use StreamState::{Active, Initializing};
        let mut stream = stream();
        let mut say = |said, at| stream.report(said, None, Millis(at), &T);
        assert_eq!(say(Initializing, 1), Step::Nothing);
        assert_eq!(say(Active, 2), Step::Now(Active));
        assert_eq!(say(Active, 3), Step::Nothing);
        assert_eq!(say(Initializing, 4), Step::Now(Initializing));
        assert_eq!(say(Initializing, 5), Step::Nothing);
        assert_eq!(say(Active, 6), Step::Now(Active));
        assert!(matches!(say(StreamState::Error, 7), Step::Over(End { state: StreamState::Error, said: false, .. })));
    }

    #[test]
    fn glasses_that_only_ever_connect_are_given_up_after_a_minute() {
        let mut stream = stream();
        for at in [20_000, 40_000, 59_000] {
            assert_eq!(stream.due(Millis(at), &T), None);
            stream.report(StreamState::Initializing, None, Millis(at), &T);
        }
        assert_eq!(stream.next_deadline(), Some((Millis(60_000), Deadline::StreamState)));
        assert!(matches!(stream.due(Millis(60_000), &T), Some(Due::Over(End { reason: "no_start", .. }))));
    }

    #[test]
    fn a_stop_is_said_twice_and_then_believed() {
        let mut stream = stream();
        assert!(stream.stop(End::stopped("owner"), Millis(0), &T));
        assert!(!stream.stop(End::stopped("owner"), Millis(1), &T));
        assert_eq!(stream.due(Millis(4_999), &T), None);
        assert_eq!(stream.due(Millis(5_000), &T), Some(Due::StopAgain));
        assert_eq!(stream.due(Millis(9_999), &T), None);
        assert_eq!(stream.due(Millis(10_000), &T), Some(Due::Over(End::stopped("owner"))));
    }

    #[test]
    fn keys_are_not_printed() {
        assert!(!format!("{:?}", stream()).contains("key"));
    }
}
