//! One need and the stream that serves it.
//!
//! | phase | event | next |
//! |---|---|---|
//! | asleep | sound, or a new wish | opening, from that sound on |
//! | opening | opened | live |
//! | opening | failed, or 10 s | opening another engine at once; from the third failure in a row on: waiting |
//! | opening | no engine knows the language | refused: apps are told, nothing is tried again |
//! | live | failed, or ended by itself | opening, from the first sound that is not settled on; the same engine once, then others |
//! | live | 55 min | a second stream is opened beside it, and takes over as soon as nothing is pending |
//! | waiting | its time has come, or an engine is well again | opening |
//! | opening, live | no sound for 30 s | asleep |
//! | any | nobody wants it | gone |

use std::collections::BTreeSet;
use std::sync::Arc;

use bifocal_protocol::ids::PackageName;

use crate::effect::{Effect, Effects, Note};
use crate::now::{Millis, Timings};
use crate::speech::manager::MAX_STREAMS;
use crate::speech::results::{Results, Words};
use crate::speech::ring::{BYTES_PER_MS, Ring};
use crate::speech::{Heard, SpeechCommand, SpeechEvent, SpeechFailure, SpeechFault, SpeechId, SpeechNeed};

/// Failures in a row that are followed by another try at once.
const AT_ONCE: u32 = 2;
/// Most engines that are remembered as failing.
const MAX_AVOIDED: usize = 8;
/// Most final words that are kept of a stream that has not taken over yet.
const MAX_EARLY: usize = 32;

#[derive(Debug)]
pub(crate) struct SpeechStream {
    need: Arc<SpeechNeed>,
    /// The engine that the wearer wants.
    pub(crate) preferred: Option<Arc<str>>,
    phase: Phase,
    successor: Option<Successor>,
    results: Results,
    avoid: Vec<Arc<str>>,
    failures: u32,
    /// How far the current stream has understood, in milliseconds of its own sound.
    understood: u64,
    /// The engine is behind, and that was said.
    behind: bool,
    /// When the newest sound came.
    sound_at: Millis,
    finalised: bool,
    /// Who has been told that it is refused.
    pub(crate) told: BTreeSet<PackageName>,
}

#[derive(Debug)]
enum Phase {
    Asleep,
    Opening {
        feed: Feed,
        until: Millis,
    },
    Live {
        feed: Feed,
        engine: Arc<str>,
        since: Millis,
    },
    /// `None`: until an engine is well.
    Waiting {
        until: Option<Millis>,
    },
    Refused {
        why: String,
        no_place: bool,
    },
}

/// Gives streams their numbers.
#[derive(Debug, Default)]
pub(crate) struct Ids(u32);

impl Ids {
    pub(crate) fn next(&mut self) -> SpeechId {
        self.0 += 1;
        SpeechId(self.0)
    }
}

/// A stream that is given sound.
#[derive(Debug)]
struct Feed {
    id: SpeechId,
    /// The position of its first sample.
    base: u64,
    /// The position of what it is given next.
    next: u64,
}

/// The stream that will take over.
#[derive(Debug)]
struct Successor {
    feed: Feed,
    until: Millis,
    engine: Option<Arc<str>>,
    /// Final words of it, should the one before it never say them.
    early: Vec<Heard>,
}

impl Feed {
    fn give(&mut self, ring: &Ring, out: &mut Effects) {
        for data in ring.from(self.next) {
            out.push(Effect::Speech { stream: self.id, command: SpeechCommand::Audio(data) });
        }
        self.next = ring.end();
    }

    fn base_ms(&self) -> u64 {
        self.base / BYTES_PER_MS
    }

    /// How much it has been given, in milliseconds.
    fn given(&self) -> u64 {
        (self.next - self.base) / BYTES_PER_MS
    }
}

impl SpeechStream {
    /// Somebody wants it.
    pub(crate) fn new(need: Arc<SpeechNeed>, now: Millis, ring: &Ring) -> Self {
        let mut results = Results::default();
        results.settle(ring.end() / BYTES_PER_MS);
        Self {
            need,
            preferred: None,
            phase: Phase::Asleep,
            successor: None,
            results,
            avoid: Vec::new(),
            failures: 0,
            understood: 0,
            behind: false,
            sound_at: now,
            finalised: true,
            told: BTreeSet::new(),
        }
    }

    /// Opens a stream for what is not settled.
    pub(crate) fn open(&mut self, id: SpeechId, ring: &Ring, now: Millis, timings: &Timings, out: &mut Effects) {
        let feed = self.begin(id, ring, out);
        self.phase = Phase::Opening { feed, until: now + timings.speech_open };
    }

    fn begin(&mut self, id: SpeechId, ring: &Ring, out: &mut Effects) -> Feed {
        let (need, preferred, avoid) = (self.need.clone(), self.preferred.clone(), self.avoid.clone());
        out.push(Effect::Speech { stream: id, command: SpeechCommand::Open { need, preferred, avoid } });
        self.understood = 0;
        let wanted = self.results.resume() * BYTES_PER_MS;
        if wanted < ring.start() {
            out.note(Note::SpeechGap { ms: (ring.start() - wanted) / BYTES_PER_MS });
        }
        let base = wanted.clamp(ring.start(), ring.end());
        let mut feed = Feed { id, base, next: base };
        feed.give(ring, out);
        feed
    }

    /// There is no engine: it waits for one.
    pub(crate) fn wait_for_engine(&mut self) {
        self.phase = Phase::Waiting { until: None };
    }

    /// Whether it should be opened now that somebody speaks.
    pub(crate) fn sleeps(&self) -> bool {
        matches!(self.phase, Phase::Asleep)
    }

    /// Whether it waits to be tried again.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    /// An engine recognises the sound that comes.
    pub(crate) fn is_served(&self, now: Millis, timings: &Timings) -> bool {
        matches!(self.phase, Phase::Live { .. }) && !self.finalised && now - self.sound_at < timings.speech_linger
    }

    /// Why it is refused, if it is.
    pub(crate) fn refused(&self) -> Option<&str> {
        match &self.phase {
            Phase::Refused { why, .. } => Some(why),
            _ => None,
        }
    }

    /// There are too many.
    pub(crate) fn find_no_place(&mut self) {
        let why = format!("At most {MAX_STREAMS} kinds of speech are recognised at the same time");
        self.phase = Phase::Refused { why, no_place: true };
    }

    pub(crate) fn found_no_place(&self) -> bool {
        matches!(self.phase, Phase::Refused { no_place: true, .. })
    }

    pub(crate) fn need(&self) -> &Arc<SpeechNeed> {
        &self.need
    }

    /// Whether one of its streams has this number.
    pub(crate) fn has(&self, id: SpeechId) -> bool {
        self.feed().is_some_and(|feed| feed.id == id) || self.succeeds(id)
    }

    fn succeeds(&self, id: SpeechId) -> bool {
        self.successor.as_ref().is_some_and(|successor| successor.feed.id == id)
    }

    fn feed(&self) -> Option<&Feed> {
        match &self.phase {
            Phase::Opening { feed, .. } | Phase::Live { feed, .. } => Some(feed),
            _ => None,
        }
    }

    /// Sound has come; it is in the ring.
    pub(crate) fn sound(&mut self, ring: &Ring, now: Millis, out: &mut Effects) {
        self.sound_at = now;
        self.finalised = false;
        if let Phase::Opening { feed, .. } | Phase::Live { feed, .. } = &mut self.phase {
            feed.give(ring, out);
        }
        if let Some(successor) = &mut self.successor {
            successor.feed.give(ring, out);
        }
    }

    /// It was silent for so long that what comes now is something new.
    pub(crate) fn wake(&mut self, from: u64) {
        self.results.drop_pending();
        self.results.settle(from / BYTES_PER_MS);
    }

    /// Somebody else has delivered the words until now: the phone.
    pub(crate) fn settled_elsewhere(&mut self, ring: &Ring) {
        if self.feed().is_none() {
            self.results.drop_pending();
            self.results.settle(ring.end() / BYTES_PER_MS);
        }
    }

    /// The wearer is quiet: the tail comes now.
    pub(crate) fn finalise(&mut self, out: &mut Effects) {
        if std::mem::replace(&mut self.finalised, true) {
            return;
        }
        let successor = self.successor.as_ref().map(|successor| successor.feed.id);
        for stream in self.feed().map(|feed| feed.id).into_iter().chain(successor) {
            out.push(Effect::Speech { stream, command: SpeechCommand::Finalise });
        }
    }

    /// Nobody wants it, or nobody speaks.
    pub(crate) fn close(&mut self, out: &mut Effects) {
        let successor = self.successor.take().map(|successor| successor.feed.id);
        for stream in self.feed().map(|feed| feed.id).into_iter().chain(successor) {
            out.push(Effect::Speech { stream, command: SpeechCommand::Close });
        }
        if self.feed().is_some() {
            self.phase = Phase::Asleep;
        }
    }

    /// What one of its streams says; the words that are news.
    pub(crate) fn says(
        &mut self,
        id: SpeechId,
        event: SpeechEvent,
        ring: &Ring,
        now: Millis,
        timings: &Timings,
        out: &mut Effects,
    ) -> Vec<Words> {
        if self.succeeds(id) {
            self.successor_says(event, now, timings);
            return vec![];
        }
        let Some((base, given)) = self.feed().map(|feed| (feed.base_ms(), feed.given())) else { return vec![] };
        let end = ring.end() / BYTES_PER_MS;
        match event {
            SpeechEvent::Opened { engine } => self.opened(engine, now),
            SpeechEvent::Heard(heard) => {
                self.did_well();
                self.understood = self.understood.max(heard.end_ms);
                return self.results.judge(id, base, end, heard).into_iter().collect();
            }
            SpeechEvent::Consumed { ms } => {
                self.did_well();
                self.results.consumed(base.saturating_add(ms).min(end));
                self.understood = self.understood.max(ms);
                let backlog = given.saturating_sub(self.understood);
                let behind = backlog > timings.speech_backlog;
                if behind && !std::mem::replace(&mut self.behind, behind) {
                    out.note(Note::SpeechBacklog { engine: self.engine().cloned(), ms: backlog });
                }
                self.behind = behind;
            }
            SpeechEvent::Failed(failure) => return self.failed(failure, ring, now, timings, out),
            SpeechEvent::Closed => {
                let (engine, kind) = (self.engine().cloned(), SpeechFault::Lost);
                let failure = SpeechFailure { engine, kind, why: "the engine ended the stream".to_owned() };
                return self.failed(failure, ring, now, timings, out);
            }
        }
        vec![]
    }

    fn opened(&mut self, engine: Arc<str>, now: Millis) {
        match std::mem::replace(&mut self.phase, Phase::Asleep) {
            Phase::Opening { feed, .. } => self.phase = Phase::Live { feed, engine, since: now },
            other => self.phase = other,
        }
    }

    fn did_well(&mut self) {
        self.failures = 0;
        self.avoid.clear();
    }

    /// Which engine serves it.
    pub(crate) fn engine(&self) -> Option<&Arc<str>> {
        match &self.phase {
            Phase::Live { engine, .. } => Some(engine),
            _ => None,
        }
    }

    /// The stream is over. Where it goes on from is decided when the next one is opened: now, or in a while.
    fn failed(
        &mut self,
        failure: SpeechFailure,
        ring: &Ring,
        now: Millis,
        timings: &Timings,
        out: &mut Effects,
    ) -> Vec<Words> {
        let was_live = matches!(self.phase, Phase::Live { .. });
        let SpeechFailure { engine, kind, why } = failure;
        out.note(Note::SpeechFailed { engine: engine.clone(), fault: kind.name() });
        if let SpeechFault::Unsupported { .. } = kind {
            self.close(out);
            self.phase = Phase::Refused { why, no_place: false };
            return vec![];
        }
        self.results.handed_over(false);
        self.failures += 1;
        // One that has worked gets a second chance, the others their turn.
        let again = was_live && self.failures == 1 && kind == SpeechFault::Lost;
        if let Some(engine) = engine.filter(|_| !again)
            && !self.avoid.contains(&engine)
            && self.avoid.len() < MAX_AVOIDED
        {
            self.avoid.push(engine);
        }
        let at_once = self.failures <= AT_ONCE && kind != SpeechFault::Unavailable;
        let wait = match at_once {
            true => 0,
            false => timings.speech_retry_longest.min(timings.speech_retry << (self.failures - 1).min(16)),
        };
        self.phase = Phase::Waiting { until: Some(now + wait) };
        // One that is on its way already is the next.
        self.take_over(ring, now, out)
    }

    /// When something is due, and what.
    pub(crate) fn next(&self, timings: &Timings) -> Option<(Millis, Due)> {
        let quiet = (self.sound_at + timings.speech_linger, Due::Quiet);
        let idle = (self.sound_at + timings.speech_idle, Due::Idle);
        let silence = if self.finalised { idle } else { quiet };
        let own = match &self.phase {
            Phase::Asleep | Phase::Refused { .. } => return None,
            Phase::Waiting { until } => return until.map(|until| (until, Due::Retry)),
            Phase::Opening { until, .. } => (*until, Due::OpenTimeout),
            Phase::Live { since, .. } => match &self.successor {
                None => (*since + timings.speech_rotate, Due::Rotate),
                Some(Successor { engine: None, until, .. }) => (*until, Due::SuccessorTimeout),
                Some(Successor { until, .. }) => (*until, Due::TakeOver),
            },
        };
        Some(if silence.0 <= own.0 { silence } else { own })
    }

    /// Does what is due. Whoever opens a stream takes the next number.
    pub(crate) fn due(
        &mut self,
        due: Due,
        ids: &mut Ids,
        ring: &Ring,
        now: Millis,
        timings: &Timings,
        out: &mut Effects,
    ) -> Vec<Words> {
        match due {
            Due::Quiet => self.finalise(out),
            Due::Idle => self.close(out),
            Due::Retry => self.open(ids.next(), ring, now, timings, out),
            Due::OpenTimeout => {
                let Some(stream) = self.feed().map(|feed| feed.id) else { return vec![] };
                out.push(Effect::Speech { stream, command: SpeechCommand::Close });
                let why = "the engine did not answer in time".to_owned();
                let failure = SpeechFailure { engine: None, kind: SpeechFault::Stalled, why };
                return self.failed(failure, ring, now, timings, out);
            }
            Due::Rotate => {
                let feed = self.begin(ids.next(), ring, out);
                let until = now + timings.speech_open;
                self.successor = Some(Successor { feed, until, engine: None, early: Vec::new() });
            }
            Due::SuccessorTimeout => {
                if let Some(Successor { feed, .. }) = self.successor.take() {
                    out.push(Effect::Speech { stream: feed.id, command: SpeechCommand::Close });
                }
                self.try_rotation_later(now, timings);
            }
            Due::TakeOver => return self.take_over(ring, now, out),
        }
        vec![]
    }

    /// The successor takes over once nothing is pending, or after a while in any case.
    pub(crate) fn may_take_over(&self) -> bool {
        self.successor.as_ref().is_some_and(|successor| successor.engine.is_some()) && !self.results.is_pending()
    }

    /// The successor is the stream from now on; what it has said of what its predecessor never said is told now.
    pub(crate) fn take_over(&mut self, ring: &Ring, now: Millis, out: &mut Effects) -> Vec<Words> {
        let Some(Successor { feed, until, engine, early }) = self.successor.take() else { return vec![] };
        if let Some(old) = self.feed() {
            out.push(Effect::Speech { stream: old.id, command: SpeechCommand::Close });
        }
        self.results.handed_over(true);
        let (id, base, end) = (feed.id, feed.base_ms(), ring.end() / BYTES_PER_MS);
        self.phase = match engine {
            Some(engine) => Phase::Live { feed, engine, since: now },
            None => Phase::Opening { feed, until },
        };
        early.into_iter().filter_map(|heard| self.results.judge(id, base, end, heard)).collect()
    }

    fn try_rotation_later(&mut self, now: Millis, timings: &Timings) {
        if let Phase::Live { since, .. } = &mut self.phase {
            let due = now + timings.speech_retry_longest;
            *since = Millis(due.0.saturating_sub(timings.speech_rotate));
        }
    }

    fn successor_says(&mut self, event: SpeechEvent, now: Millis, timings: &Timings) {
        let Some(successor) = &mut self.successor else { return };
        match event {
            SpeechEvent::Opened { engine } => {
                successor.engine = Some(engine);
                successor.until = now + timings.speech_overlap;
            }
            SpeechEvent::Heard(heard) if heard.is_final && successor.early.len() < MAX_EARLY => {
                successor.early.push(heard);
            }
            SpeechEvent::Heard(_) | SpeechEvent::Consumed { .. } => {}
            SpeechEvent::Failed(_) | SpeechEvent::Closed => {
                self.successor = None;
                self.try_rotation_later(now, timings);
            }
        }
    }
}

/// What is due of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// No sound for a moment: the tail is asked for.
    Quiet,
    /// No sound for long: the stream is given up.
    Idle,
    /// Another try.
    Retry,
    /// The engine did not answer.
    OpenTimeout,
    /// The stream is old.
    Rotate,
    /// The successor's engine did not answer.
    SuccessorTimeout,
    /// Something is pending for ever: the successor takes over all the same.
    TakeOver,
}
