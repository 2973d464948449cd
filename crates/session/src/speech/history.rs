//! What was said, for half an hour: final words, and the one that is still being spoken.

use std::collections::VecDeque;

use bifocal_protocol::Timestamp;

/// Most that is kept of one language.
const MAX_PER_LANGUAGE: usize = 2_000;
/// Most languages.
const MAX_LANGUAGES: usize = 16;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// Ties interim words to their final ones.
    pub utterance: String,
    /// In which language.
    pub language: Box<str>,
    /// Who, if it is known.
    pub speaker: Option<String>,
    /// What.
    pub text: String,
    /// When it was recognised.
    pub at: Timestamp,
    /// Whether it may still change.
    pub is_final: bool,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    languages: Vec<(Box<str>, VecDeque<Transcript>)>,
}

impl History {
    /// Keeps words. They take the place of the interim ones before them.
    pub(crate) fn add(&mut self, said: Transcript, kept_ms: u64) {
        let oldest = said.at.0 - kept_ms as i64;
        for (_, list) in &mut self.languages {
            while list.front().is_some_and(|first| first.at.0 < oldest) {
                list.pop_front();
            }
        }
        self.languages.retain(|(_, list)| !list.is_empty());
        let place = self.languages.iter().position(|(language, _)| *language == said.language);
        let list = match place {
            Some(place) => &mut self.languages[place].1,
            None if self.languages.len() == MAX_LANGUAGES => return,
            None => &mut self.languages.push_mut((said.language.clone(), VecDeque::new())).1,
        };
        if list.back().is_some_and(|last| !last.is_final) {
            list.pop_back();
        }
        list.push_back(said);
        if list.len() > MAX_PER_LANGUAGE {
            list.pop_front();
        }
    }

    /// What was said in a language, or in any, from a moment on and until another, by time.
    pub(crate) fn said(&self, language: Option<&str>, from: Timestamp, until: Timestamp) -> Vec<Transcript> {
        let lists = self.languages.iter().filter(|(name, _)| language.is_none_or(|wanted| **name == *wanted));
        let all = lists.flat_map(|(_, list)| list).filter(|said| (from.0..=until.0).contains(&said.at.0));
        let mut all: Vec<Transcript> = all.cloned().collect();
        all.sort_by_key(|said| said.at.0);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_AN_HOUR: u64 = 1_800_000;

    fn said(language: &str, text: &str, at: i64, is_final: bool) -> Transcript {
        let (language, text) = (language.into(), text.to_owned());
        Transcript { utterance: "u".to_owned(), language, speaker: None, text, at: Timestamp(at), is_final }
    }

    fn texts(history: &History, language: Option<&str>, from: i64) -> Vec<String> {
        let all = history.said(language, Timestamp(from), Timestamp(i64::MAX));
        all.into_iter().map(|said| said.text).collect()
    }

    #[test]
    fn final_words_stay_and_interim_ones_are_replaced() {
        let mut history = History::default();
        history.add(said("en-US", "good", 1, false), HALF_AN_HOUR);
        history.add(said("en-US", "good day", 2, true), HALF_AN_HOUR);
        history.add(said("de-DE", "und", 3, false), HALF_AN_HOUR);
        history.add(said("en-US", "bye", 4, false), HALF_AN_HOUR);
        assert_eq!(texts(&history, None, 0), ["good day", "und", "bye"]);
        assert_eq!(texts(&history, Some("en-US"), 3), ["bye"]);
    }

    #[test]
    fn half_an_hour_and_two_thousand_of_sixteen_languages() {
        let mut history = History::default();
        for at in 0..3_000 {
            history.add(said("en-US", "word", at, true), HALF_AN_HOUR);
        }
        assert_eq!(texts(&history, None, 0).len(), MAX_PER_LANGUAGE);
        for language in 0..20 {
            history.add(said(&format!("x{language}"), "word", 3_000, true), HALF_AN_HOUR);
        }
        assert_eq!(history.languages.len(), MAX_LANGUAGES);
        history.add(said("en-US", "later", 3_000_000, true), HALF_AN_HOUR);
        assert_eq!(texts(&history, None, 0), ["later"]);
    }
}
