//! TranscriptionManager and TranslationManager of the seeds: from what is wanted to the streams there are. One stream serves
//! every app with the same need; what one stream does never waits for another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::deadline::Deadline;
use crate::effect::Effects;
use crate::now::{Millis, Timings};
use crate::speech::history::History;
use crate::speech::ring::{BYTES_PER_MS, Ring};
use crate::speech::stream::{Due, Ids, SpeechStream};
use crate::speech::{SpeechEvent, SpeechFault, SpeechId, SpeechNeed, Words};

/// Most streams of a wearer.
pub(crate) const MAX_STREAMS: usize = 10;

/// What is wanted now.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) needs: BTreeSet<SpeechNeed>,
}

/// Words that are news, and of which need.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) need: Arc<SpeechNeed>,
    pub(crate) engine: Option<Arc<str>>,
    pub(crate) words: Words,
    /// How long ago the sound of their end came, in milliseconds; `None` when that is forgotten.
    pub(crate) lag: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct SpeechManager {
    /// Some engine is well.
    available: bool,
    /// The engine that the wearer wants.
    preferred: Option<Arc<str>>,
    streams: BTreeMap<SpeechNeed, SpeechStream>,
    ring: Ring,
    ids: Ids,
    pub(crate) history: History,
}

impl SpeechManager {
    pub(crate) fn new(available: bool) -> Self {
        let (streams, ring, history) = (BTreeMap::new(), Ring::default(), History::default());
        Self { available, preferred: None, streams, ring, ids: Ids::default(), history }
    }

    /// Whether some engine is well.
    pub(crate) fn is_available(&self) -> bool {
        self.available
    }

    /// The wearer wants this engine: whatever is opened from now on is asked of it first.
    pub(crate) fn prefer(&mut self, engine: Option<&str>) {
        if self.preferred.as_deref() != engine {
            self.preferred = engine.map(Into::into);
            self.streams.values_mut().for_each(|stream| stream.preferred.clone_from(&self.preferred));
        }
    }

    /// These are wanted, and no others. What is new is opened at once: the first words shall not wait for a connection.
    pub(crate) fn want(&mut self, wanted: Wanted, now: Millis, timings: &Timings, out: &mut Effects) {
        let Self { streams, ring, ids, available, preferred, .. } = self;
        streams.retain(|need, stream| {
            let keep = wanted.needs.contains(need);
            if !keep {
                stream.close(out);
            }
            keep
        });
        // Whoever found no place asks again: there may be one now.
        streams.retain(|_, stream| !stream.found_no_place());
        for need in wanted.needs {
            let full = streams.len() >= MAX_STREAMS;
            streams.entry(need).or_insert_with_key(|need| {
                let mut stream = SpeechStream::new(Arc::new(need.clone()), now, ring);
                stream.preferred.clone_from(preferred);
                if full {
                    stream.find_no_place();
                } else if *available {
                    stream.open(ids.next(), ring, now, timings, out);
                } else {
                    stream.wait_for_engine();
                }
                stream
            });
        }
    }

    /// Sound of the wearer: every stream that listens is given it.
    pub(crate) fn sound(&mut self, data: Bytes, now: Millis, timings: &Timings, out: &mut Effects) {
        let Self { streams, ring, ids, .. } = self;
        let from = ring.end();
        ring.push(data, now);
        for stream in streams.values_mut() {
            if stream.sleeps() {
                stream.wake(from);
                stream.open(ids.next(), ring, now, timings, out);
            }
            stream.sound(ring, now, out);
        }
    }

    /// Whether some engine is well. When one is again, whoever waits is tried at once.
    pub(crate) fn engines(&mut self, available: bool, now: Millis, timings: &Timings, out: &mut Effects) {
        self.available = available;
        if !available {
            return;
        }
        let Self { streams, ring, ids, .. } = self;
        for stream in streams.values_mut().filter(|stream| stream.waits()) {
            stream.open(ids.next(), ring, now, timings, out);
        }
    }

    /// The wearer is quiet.
    pub(crate) fn quiet(&mut self, out: &mut Effects) {
        self.streams.values_mut().for_each(|stream| stream.finalise(out));
    }

    /// A stream says something. One that is not current is not listened to.
    pub(crate) fn says(
        &mut self,
        id: SpeechId,
        event: SpeechEvent,
        now: Millis,
        timings: &Timings,
        out: &mut Effects,
    ) -> Vec<Said> {
        let Self { streams, ring, ids, available, .. } = self;
        let Some(stream) = streams.values_mut().find(|stream| stream.has(id)) else { return vec![] };
        // Whom the words come from: a stream that fails may leave some of its successor's.
        let engine = stream.engine().cloned();
        let unavailable = matches!(&event, SpeechEvent::Failed(failure) if failure.kind == SpeechFault::Unavailable);
        let mut words = stream.says(id, event, ring, now, timings, out);
        if stream.may_take_over() {
            words.extend(stream.take_over(ring, now, out));
        }
        if unavailable && !*available && stream.waits() {
            stream.wait_for_engine();
        }
        while let Some((at, Due::Retry)) = stream.next(timings)
            && at <= now
        {
            stream.open(ids.next(), ring, now, timings, out);
        }
        said(stream, engine, words, ring, now)
    }

    /// When the next stream wants something.
    pub(crate) fn next_deadline(&self, timings: &Timings) -> Option<(Millis, Deadline)> {
        let due = self.streams.values().filter_map(|stream| stream.next(timings)).min_by_key(|(at, _)| *at)?;
        Some((due.0, name(due.1)))
    }

    /// Does what is due.
    pub(crate) fn due(&mut self, now: Millis, timings: &Timings, out: &mut Effects) -> Vec<Said> {
        let Self { streams, ring, ids, .. } = self;
        let mut all = Vec::new();
        for stream in streams.values_mut() {
            let Some((_, due)) = stream.next(timings).filter(|(at, _)| *at <= now) else { continue };
            let engine = stream.engine().cloned();
            let words = stream.due(due, ids, ring, now, timings, out);
            all.extend(said(stream, engine, words, ring, now));
        }
        all
    }

    /// What is being recognised by an engine: the words of the phone about it are not needed.
    pub(crate) fn served(&self, now: Millis, timings: &Timings) -> Vec<Arc<SpeechNeed>> {
        let served = self.streams.values().filter(|stream| stream.is_served(now, timings));
        served.map(|stream| stream.need().clone()).collect()
    }

    /// The phone's own words were delivered for everything that no engine serves.
    pub(crate) fn settled_elsewhere(&mut self) {
        let Self { streams, ring, .. } = self;
        streams.values_mut().for_each(|stream| stream.settled_elsewhere(ring));
    }

    /// Needs that are refused, why, and who has been told.
    pub(crate) fn refused(&mut self) -> impl Iterator<Item = &mut SpeechStream> {
        self.streams.values_mut().filter(|stream| stream.refused().is_some())
    }

    /// The last ten seconds of sound.
    pub(crate) fn recent(&self) -> Bytes {
        self.ring.all()
    }

    /// Ends every stream, and forgets the sound.
    pub(crate) fn end(&mut self, out: &mut Effects) {
        self.streams.values_mut().for_each(|stream| stream.close(out));
        self.streams.clear();
        self.ring.clear();
    }
}

fn said(stream: &SpeechStream, engine: Option<Arc<str>>, words: Vec<Words>, ring: &Ring, now: Millis) -> Vec<Said> {
    let said = |words: Words| {
        let came = ring.came_at(words.heard.end_ms * BYTES_PER_MS);
        let engine = engine.clone().or_else(|| stream.engine().cloned());
        Said { need: stream.need().clone(), engine, lag: came.map(|came| now - came), words }
    };
    words.into_iter().map(said).collect()
}

const fn name(due: Due) -> Deadline {
    match due {
        Due::Quiet => Deadline::SpeechQuiet,
        Due::Idle => Deadline::SpeechIdle,
        Due::Retry => Deadline::SpeechRetry,
        Due::OpenTimeout | Due::SuccessorTimeout => Deadline::SpeechOpen,
        Due::Rotate | Due::TakeOver => Deadline::SpeechRotate,
    }
}
