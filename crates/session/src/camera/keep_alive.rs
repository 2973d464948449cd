//! Whether the glasses still stream: a question every 15 s, 10 s for its answer, and three without one are the end. Today's
//! glasses stop by themselves when nobody has asked for 60 s.

use crate::now::{Millis, Timings};

/// How many questions in a row may stay without an answer.
const MISSES: u32 = 3;

/// The questions of one stream.
#[derive(Debug, Default)]
pub(crate) struct KeepAlive {
    /// When the next question is due; `None` while none is asked.
    next: Option<Millis>,
    /// Until when the last one may be answered.
    waiting: Option<Millis>,
    asked: u32,
    missed: u32,
}

impl KeepAlive {
    /// Begins to ask, if it has not.
    pub(crate) fn begin(&mut self, now: Millis, timings: &Timings) {
        self.next.get_or_insert(now + timings.stream_keep_alive);
    }

    /// Asks no more.
    pub(crate) fn end(&mut self) {
        *self = Self { asked: self.asked, ..Self::default() };
    }

    /// The phone is back: it is asked at once.
    pub(crate) fn hurry(&mut self, now: Millis) {
        self.next = self.next.map(|next| next.min(now));
        self.waiting = None;
    }

    /// The glasses have said something.
    pub(crate) fn heard(&mut self) {
        self.missed = 0;
        self.waiting = None;
    }

    /// An answer. One that is late, or to another question, means nothing.
    pub(crate) fn answered(&mut self, question: &str) {
        if self.waiting.is_some() && question == self.question() {
            self.heard();
        }
    }

    pub(crate) fn next_question(&self) -> Option<Millis> {
        self.next
    }

    pub(crate) fn answer_due(&self) -> Option<Millis> {
        self.waiting
    }

    /// Asks, if it is time; the name of the question.
    pub(crate) fn ask(&mut self, now: Millis, timings: &Timings) -> Option<String> {
        self.next.filter(|at| *at <= now)?;
        self.next = Some(now + timings.stream_keep_alive);
        self.waiting = Some(now + timings.stream_ack);
        self.asked = self.asked.wrapping_add(1);
        Some(self.question())
    }

    /// Counts a question whose answer is overdue; true when there were too many.
    pub(crate) fn is_lost(&mut self, now: Millis) -> bool {
        if self.waiting.is_some_and(|until| until <= now) {
            self.waiting = None;
            self.missed += 1;
        }
        self.missed >= MISSES
    }

    fn question(&self) -> String {
        format!("a{}", self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    #[test]
    fn the_third_silence_in_a_row_is_the_end() {
        let mut keep = KeepAlive::default();
        keep.begin(Millis(0), &T);
        keep.begin(Millis(5_000), &T);
        let mut lost = Vec::new();
        for turn in 1..=4u64 {
            let at = Millis(15_000 * turn);
            assert_eq!(keep.next_question(), Some(at));
            assert_eq!(keep.ask(at, &T), Some(format!("a{turn}")));
            if turn == 1 {
                keep.answered("a0");
                keep.answered("a1");
                assert_eq!(keep.answer_due(), None);
            }
            lost.push(keep.is_lost(at + 10_000));
        }
        assert_eq!(lost, [false, false, false, true]);
    }

    #[test]
    fn any_word_of_the_glasses_counts_as_an_answer() {
        let mut keep = KeepAlive::default();
        keep.begin(Millis(0), &T);
        for turn in 1..=6u64 {
            keep.ask(Millis(15_000 * turn), &T);
            assert!(!keep.is_lost(Millis(15_000 * turn + 10_000)));
            if turn % 2 == 0 {
                keep.heard();
            }
        }
        keep.end();
        assert_eq!((keep.next_question(), keep.answer_due()), (None, None));
    }
}
