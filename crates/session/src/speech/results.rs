//! What a stream of an engine says, judged: which words are new, which utterance they belong to, and from where on an engine
//! that takes over has to hear again.
//!
//! Times are milliseconds of the session's sound. Everything before `settled` was delivered as final words, or was silence.
//! Words that are not final are pending; when their stream fails, the first words of its successor go on under their id.

use crate::speech::{Heard, SpeechId};

/// Speakers whose words are not final yet.
const MAX_PENDING: usize = 8;
/// An engine that takes over hears a little more than the first pending word.
const PRE_ROLL: u64 = 300;

/// Words as apps get them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Words {
    /// The same from the first guess to the final words, whichever engine said them.
    pub(crate) utterance: String,
    /// What was heard; its times are those of the session's sound.
    pub(crate) heard: Heard,
}

#[derive(Debug, Default)]
pub(crate) struct Results {
    settled: u64,
    pending: Vec<Pending>,
    /// Results of the current stream that lie before this were delivered by the one before it.
    skip_until: u64,
    named: u32,
}

#[derive(Debug)]
struct Pending {
    /// Whose number it is; `None` when that stream is gone.
    stream: Option<SpeechId>,
    utterance: u64,
    name: String,
    start: u64,
}

impl Results {
    /// From where on everything has to be heard again.
    pub(crate) fn resume(&self) -> u64 {
        let first = self.pending.iter().map(|pending| pending.start.saturating_sub(PRE_ROLL)).min();
        first.map_or(self.settled, |first| first.max(self.settled))
    }

    /// Whether words are not final yet.
    pub(crate) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Nothing before this matters any more.
    pub(crate) fn settle(&mut self, until: u64) {
        self.settled = self.settled.max(until);
    }

    /// Forgets the words that were not final.
    pub(crate) fn drop_pending(&mut self) {
        self.pending.clear();
    }

    /// The stream is gone: its successor goes on with what is pending. With `overlap` that one has heard some of it before.
    pub(crate) fn handed_over(&mut self, overlap: bool) {
        self.pending.iter_mut().for_each(|pending| pending.stream = None);
        self.skip_until = if overlap { self.settled } else { 0 };
    }

    /// Everything up to here is recognised, and was said.
    pub(crate) fn consumed(&mut self, until: u64) {
        if self.pending.is_empty() {
            self.settle(until);
        }
    }

    /// Words of the current stream, whose sound begins at `base`; `now` is the end of the session's sound. `None` when they
    /// are no news.
    pub(crate) fn judge(&mut self, stream: SpeechId, base: u64, now: u64, mut heard: Heard) -> Option<Words> {
        heard.end_ms = base.saturating_add(heard.end_ms).min(now);
        heard.start_ms = base.saturating_add(heard.start_ms).min(heard.end_ms);
        let repeated = match heard.is_final {
            // An engine may cut its sentences elsewhere.
            true => (heard.start_ms + heard.end_ms) / 2 < self.skip_until,
            false => heard.end_ms <= self.skip_until,
        };
        let place = self.place(stream, heard.utterance);
        if repeated && place.is_none() {
            return None;
        }
        let empty = heard.text.trim().is_empty();
        if heard.is_final {
            let name = place.map(|place| self.pending.remove(place).name);
            self.settle(heard.end_ms);
            let utterance = name.or_else(|| (!empty).then(|| self.name(stream)))?;
            return Some(Words { utterance, heard });
        }
        if empty {
            return None;
        }
        let place = match place {
            Some(place) => place,
            None if self.pending.len() == MAX_PENDING => return None,
            None => {
                let name = self.name(stream);
                let (utterance, start) = (heard.utterance, heard.start_ms);
                self.pending.push(Pending { stream: Some(stream), utterance, name, start });
                self.pending.len() - 1
            }
        };
        let pending = &mut self.pending[place];
        (pending.stream, pending.utterance) = (Some(stream), heard.utterance);
        Some(Words { utterance: pending.name.clone(), heard })
    }

    /// Where an utterance is among those that are pending: by its number, or as the heir of one whose stream is gone.
    fn place(&self, stream: SpeechId, utterance: u64) -> Option<usize> {
        let mine = |pending: &Pending| pending.stream == Some(stream) && pending.utterance == utterance;
        let orphaned = |pending: &Pending| pending.stream.is_none();
        self.pending.iter().position(mine).or_else(|| self.pending.iter().position(orphaned))
    }

    fn name(&mut self, stream: SpeechId) -> String {
        self.named = self.named.wrapping_add(1);
        format!("u{}.{}", stream.0, self.named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(utterance: u64, text: &str, is_final: bool, start_ms: u64, end_ms: u64) -> Heard {
        let (language, speaker, confidence, translation) = (None, None, None, None);
        let text = text.to_owned();
        Heard { utterance, text, is_final, start_ms, end_ms, language, speaker, confidence, translation }
    }

    const A: SpeechId = SpeechId(1);
    const B: SpeechId = SpeechId(2);
    const NOW: u64 = 100_000;

    #[test]
    fn an_utterance_keeps_its_name_and_settles_when_it_is_final() {
        let mut results = Results::default();
        let first = results.judge(A, 1_000, NOW, heard(7, "good", false, 500, 900)).expect("news");
        assert_eq!((first.heard.start_ms, first.heard.end_ms), (1_500, 1_900));
        assert_eq!(results.resume(), 1_200);
        results.consumed(1_900);
        assert_eq!(results.resume(), 1_200, "what is pending is not settled");
        let last = results.judge(A, 1_000, NOW, heard(7, "good day", true, 500, 1_300)).expect("news");
        assert_eq!(last.utterance, first.utterance);
        assert_eq!((results.resume(), results.is_pending()), (2_300, false));
        results.consumed(5_000);
        assert_eq!(results.resume(), 5_000);
        let next = results.judge(A, 1_000, NOW, heard(8, "bye", true, 5_000, 5_500)).expect("news");
        assert_ne!(next.utterance, first.utterance);
    }

    #[test]
    fn a_successor_goes_on_under_the_same_name() {
        let mut results = Results::default();
        let first = results.judge(A, 0, NOW, heard(3, "turn on", false, 2_000, 2_600)).expect("news");
        results.handed_over(false);
        let base = results.resume();
        assert_eq!(base, 1_700);
        let again = results.judge(B, base, NOW, heard(0, "turn on the", false, 300, 1_200)).expect("news");
        let last = results.judge(B, base, NOW, heard(0, "turn on the light", true, 300, 1_500)).expect("news");
        assert_eq!((&again.utterance, &last.utterance), (&first.utterance, &first.utterance));
        let next = results.judge(B, base, NOW, heard(1, "please", true, 1_600, 2_000)).expect("news");
        assert_ne!(next.utterance, first.utterance);
    }

    #[test]
    fn one_that_has_heard_more_does_not_repeat_it() {
        let mut results = Results::default();
        results.judge(A, 0, NOW, heard(0, "one", true, 1_000, 2_000));
        results.handed_over(true);
        assert_eq!(results.judge(B, 500, NOW, heard(0, "one", false, 500, 1_400)), None);
        assert_eq!(results.judge(B, 500, NOW, heard(0, "one", true, 500, 1_500)), None);
        assert!(results.judge(B, 500, NOW, heard(1, "two", true, 1_600, 2_500)).is_some());
    }

    #[test]
    fn nothing_said_is_no_news_unless_it_ends_something() {
        let mut results = Results::default();
        assert_eq!(results.judge(A, 0, NOW, heard(0, " ", false, 0, 100)), None);
        assert_eq!(results.judge(A, 0, NOW, heard(0, "", true, 0, 100)), None);
        assert!(results.judge(A, 0, NOW, heard(1, "uh", false, 100, 200)).is_some());
        assert_eq!(
            results.judge(A, 0, NOW, heard(1, "", true, 100, 300)).map(|words| words.heard.text),
            Some(String::new())
        );
        assert_eq!(
            results.judge(A, 0, 50, heard(2, "late", true, 0, u64::MAX)).map(|words| words.heard.end_ms),
            Some(50)
        );
    }
}
