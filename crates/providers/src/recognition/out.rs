//! What an engine tells its caller: numbers utterances, keeps what is settled, and says every end exactly once.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::directory::Watched;
use super::stream::{Event, Heard};
use crate::failure::Failure;

/// Between two [`Event::Consumed`] in silence.
const CONSUMED_EVERY: Duration = Duration::from_millis(250);
/// A caller that takes no final for so long is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest text of one utterance; no sentence is longer, only something broken.
const MAX_TEXT: usize = 8 * 1024;

/// Words of an utterance, as an engine has them: [`Heard`] without what is counted here.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) language: Option<String>,
    pub(crate) speaker: Option<String>,
    pub(crate) confidence: Option<f32>,
    pub(crate) translation: Option<String>,
}

/// The caller's events, from the engine's side.
#[derive(Debug)]
pub(crate) struct Out {
    events: mpsc::Sender<Event>,
    watched: Watched,
    /// The number of the next utterance.
    next: u64,
    /// The utterance that has interims and no final yet, as it was told last.
    open: Option<Heard>,
    /// Everything before is done with.
    settled: u64,
    told: Option<(u64, Instant)>,
    pending: Vec<Event>,
}

impl Out {
    pub(crate) fn new(events: mpsc::Sender<Event>, watched: Watched) -> Self {
        Self { events, watched, next: 1, open: None, settled: 0, told: None, pending: Vec::new() }
    }

    /// The engine has acknowledged the stream.
    pub(crate) fn opened(&mut self) {
        self.watched.opened();
        self.pending.push(Event::Opened);
    }

    /// Words that may still change. The same words again are not told again.
    pub(crate) fn interim(&mut self, words: Words) {
        if words.text.is_empty() && self.open.is_none() {
            return;
        }
        let heard = self.heard(words, false);
        if self.open.as_ref() != Some(&heard) {
            self.open = Some(heard.clone());
            self.pending.push(Event::Heard(Box::new(heard)));
        }
    }

    /// The last word on an utterance. Nothing was said: nothing is told, unless an interim has to be taken back.
    pub(crate) fn last(&mut self, words: Words) {
        let end_ms = words.end_ms;
        if !words.text.is_empty() || self.open.is_some() {
            let heard = self.heard(words, true);
            self.open = None;
            self.next += 1;
            self.pending.push(Event::Heard(Box::new(heard)));
            self.settle(end_ms, true);
        } else {
            self.settle(end_ms, false);
        }
    }

    /// What was an interim is final as it stands.
    pub(crate) fn last_as_it_stands(&mut self) {
        if let Some(open) = self.open.take() {
            let Heard { text, start_ms, end_ms, language, speaker, confidence, translation, .. } = open.clone();
            self.open = Some(open);
            self.last(Words { text, start_ms, end_ms, language, speaker, confidence, translation });
        }
    }

    /// The engine has heard everything before, and nobody is in the middle of an utterance.
    pub(crate) fn silent_until(&mut self, ms: u64) {
        if self.open.is_none() {
            self.settle(ms, false);
        }
    }

    /// The utterance that is not final yet, and where it began.
    pub(crate) fn unsettled(&self) -> Option<(u64, u64)> {
        self.open.as_ref().map(|open| (open.utterance, open.start_ms))
    }

    /// The caller is gone.
    pub(crate) async fn gone(&self) {
        self.events.closed().await;
    }

    /// Gives the caller what is to be told. A slow caller loses interims, and the whole stream if it takes nothing at all.
    pub(crate) async fn flush(&mut self) -> Result<(), Gone> {
        for event in std::mem::take(&mut self.pending) {
            let may_be_lost = match &event {
                Event::Consumed { .. } => true,
                Event::Heard(heard) => !heard.is_final,
                Event::Opened | Event::Failed(_) | Event::Closed => false,
            };
            if may_be_lost {
                if let Err(mpsc::error::TrySendError::Closed(_)) = self.events.try_send(event) {
                    return Err(Gone);
                }
            } else {
                timeout(PATIENCE, self.events.send(event)).await.map_err(|_| Gone)?.map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    /// Ends the stream.
    pub(crate) async fn failed(mut self, failure: Failure) {
        self.watched.failed(&failure);
        self.pending.push(Event::Failed(failure));
        let _ = self.flush().await;
    }

    /// Ends the stream as it was asked to. What was said last is not lost, even if the engine gave no final.
    pub(crate) async fn closed(mut self) {
        self.last_as_it_stands();
        self.pending.push(Event::Closed);
        let _ = self.flush().await;
    }

    fn heard(&self, words: Words, is_final: bool) -> Heard {
        let Words { mut text, start_ms, end_ms, language, speaker, confidence, translation } = words;
        if text.len() > MAX_TEXT {
            let end = (0..=MAX_TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.truncate(end);
        }
        // An engine corrects its times as well as its words; where the caller would replay from stays where it was.
        let start_ms = self.open.as_ref().map_or(start_ms.max(self.settled), |open| open.start_ms);
        let end_ms = end_ms.max(start_ms);
        Heard { utterance: self.next, text, is_final, start_ms, end_ms, language, speaker, confidence, translation }
    }

    fn settle(&mut self, ms: u64, at_once: bool) {
        self.settled = self.settled.max(ms);
        let now = Instant::now();
        let due = self.told.is_none_or(|(told, at)| self.settled > told && (at_once || now >= at + CONSUMED_EVERY));
        if due && self.settled > 0 {
            self.told = Some((self.settled, now));
            self.pending.push(Event::Consumed { ms: self.settled });
        }
    }
}

/// The caller is gone; there is nobody to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, start_ms: u64, end_ms: u64) -> Words {
        Words { text: text.to_owned(), start_ms, end_ms, ..Words::default() }
    }

    fn line(event: Event) -> String {
        match event {
            Event::Heard(h) => {
                let end = if h.is_final { "." } else { "" };
                format!("{} {}-{} {}{end}", h.utterance, h.start_ms, h.end_ms, h.text)
            }
            Event::Consumed { ms } => format!("consumed {ms}"),
            Event::Opened => "opened".into(),
            Event::Failed(failure) => failure.to_string(),
            Event::Closed => "closed".into(),
        }
    }

    async fn told(tell: impl AsyncFnOnce(Out)) -> Vec<String> {
        let (events, mut receiver) = mpsc::channel(100);
        tell(Out::new(events, Watched::nobody())).await;
        let mut lines = Vec::new();
        while let Some(event) = receiver.recv().await {
            lines.push(line(event));
        }
        lines
    }

    #[tokio::test(start_paused = true)]
    async fn an_utterance_keeps_its_number_and_its_beginning() {
        let lines = told(async |mut out| {
            out.opened();
            out.silent_until(90);
            out.interim(words("one", 100, 300));
            out.silent_until(250);
            out.interim(words("one", 100, 300));
            out.interim(words("one two", 120, 500));
            out.last(words("One two", 120, 510));
            out.last(words("", 520, 600));
            out.last(words("Three", 400, 700));
            out.closed().await;
        });
        let want = [
            "opened",
            "consumed 90",
            "1 100-300 one",
            "1 100-500 one two",
            "1 100-510 One two.",
            "consumed 510",
            "2 600-700 Three.",
            "consumed 700",
            "closed",
        ];
        assert_eq!(lines.await, want);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_four_times_a_second() {
        let lines = told(async |mut out| {
            for ms in (0..1000).step_by(10) {
                out.silent_until(ms);
                tokio::time::advance(Duration::from_millis(10)).await;
            }
            let _ = out.flush().await;
        });
        assert_eq!(lines.await, ["consumed 10", "consumed 260", "consumed 510", "consumed 760"]);
    }

    #[tokio::test]
    async fn what_was_said_last_is_told_at_the_end_but_not_after_a_failure() {
        let lines = told(async |mut out| {
            out.interim(words("tail", 0, 10));
            out.closed().await;
        });
        assert_eq!(lines.await, ["1 0-10 tail", "1 0-10 tail.", "consumed 10", "closed"]);
        let lines = told(async |mut out| {
            out.interim(words("tail", 0, 10));
            out.failed(Failure::of_speech(crate::FailureKind::Lost, "cut")).await;
        });
        assert_eq!(lines.await, ["1 0-10 tail", "speech: cut"]);
    }

    #[tokio::test]
    async fn an_interim_is_taken_back() {
        let lines = told(async |mut out| {
            out.interim(words("hm", 0, 10));
            out.last(words("", 0, 20));
            out.closed().await;
        });
        assert_eq!(lines.await, ["1 0-10 hm", "1 0-20 .", "consumed 20", "closed"]);
    }

    #[tokio::test]
    async fn a_slow_caller_loses_interims_and_no_final() {
        let (events, mut receiver) = mpsc::channel(1);
        let mut out = Out::new(events, Watched::nobody());
        let teller = tokio::spawn(async move {
            for n in 0..10_u64 {
                out.interim(words(&n.to_string(), n, n + 1));
                out.last(words(&n.to_string(), n, n + 1));
                out.flush().await.expect("the caller is there");
            }
        });
        let mut finals = 0;
        while let Some(event) = receiver.recv().await {
            tokio::task::yield_now().await;
            finals += usize::from(matches!(event, Event::Heard(heard) if heard.is_final));
        }
        teller.await.expect("no panic");
        assert_eq!(finals, 10);
    }
}
