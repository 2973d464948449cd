//! Which languages an engine knows, and how well that fits what somebody needs.

use super::stream::Need;

/// Most tags that are offered instead of one that nobody knows.
const SUGGESTIONS: usize = 5;

/// What the models of the Whisper family know, the likeliest first.
pub(crate) const WHISPER: &[&str] = &[
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi", "fi",
    "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "cy", "sk", "fa",
    "lv", "sr", "az", "sl", "et", "mk", "is", "hy", "bs", "kk", "gl", "mr", "sw", "tl", "af", "be", "ne", "kn", "mi",
];

/// What an engine knows. A tag without a region (`en`) stands for all its regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Languages {
    pub(crate) tags: Vec<String>,
    /// It can find out by itself what is spoken.
    pub(crate) identifies: bool,
}

/// How an engine fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// It does what is needed.
    Well,
    /// It shall find out what is spoken, and cannot: it takes the likeliest of what it knows.
    Guess,
}

impl Languages {
    /// Whether it can serve a need, and how.
    pub(crate) fn fit(&self, need: &Need) -> Option<Fit> {
        if need.is_open() {
            return if self.identifies { Some(Fit::Well) } else { self.tag_for(need).map(|_| Fit::Guess) };
        }
        self.knows(&need.language).then_some(Fit::Well)
    }

    /// The tag to ask the engine for: the one of the need, as the engine writes it; the likeliest if it is left open.
    pub(crate) fn tag_for(&self, need: &Need) -> Option<&str> {
        if need.is_open() {
            let hinted = need.hints.iter().find_map(|hint| self.find(hint));
            return hinted.or_else(|| self.tags.first().map(String::as_str));
        }
        self.find(&need.language)
    }

    pub(crate) fn knows(&self, tag: &str) -> bool {
        self.find(tag).is_some()
    }

    /// Its own tag for this one: the same, or that of the language without a region, or any of a language without one.
    fn find(&self, tag: &str) -> Option<&str> {
        let same = |known: &&String| known.eq_ignore_ascii_case(tag);
        let whole = |known: &&String| known.eq_ignore_ascii_case(base(tag));
        let any = |known: &&String| !tag.contains('-') && base(known).eq_ignore_ascii_case(tag);
        let found = self.tags.iter().find(same).or_else(|| self.tags.iter().find(whole));
        found.or_else(|| self.tags.iter().find(any)).map(String::as_str)
    }
}

/// `en-US` → `en`
pub(crate) fn base(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// What to offer instead: tags of the same language first.
pub(crate) fn suggestions<'a>(tag: &str, known: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut known: Vec<&String> = known.collect();
    known.sort();
    known.dedup();
    known.sort_by_key(|known| !base(known).eq_ignore_ascii_case(base(tag)));
    known.into_iter().take(SUGGESTIONS).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages(tags: &[&str], identifies: bool) -> Languages {
        Languages { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), identifies }
    }

    #[test]
    fn a_language_without_a_region_stands_for_all() {
        let engine = languages(&["en", "pt-BR", "pt-PT"], false);
        let tag = |tag| engine.tag_for(&Need::language(tag));
        assert_eq!(tag("en-AU"), Some("en"));
        assert_eq!(tag("en"), Some("en"));
        assert_eq!(tag("pt-br"), Some("pt-BR"));
        assert_eq!(tag("pt"), Some("pt-BR"));
        assert_eq!(tag("pt-AO"), None);
        assert_eq!(tag("de"), None);
    }

    #[test]
    fn who_cannot_find_out_what_is_spoken_guesses() {
        let auto = Need { hints: vec!["xx".into(), "fr-CA".into()], ..Need::language("auto") };
        assert_eq!(languages(&["en", "fr"], true).fit(&auto), Some(Fit::Well));
        let guesses = languages(&["en", "fr"], false);
        assert_eq!((guesses.fit(&auto), guesses.tag_for(&auto)), (Some(Fit::Guess), Some("fr")));
        assert_eq!(guesses.tag_for(&Need::language("all")), Some("en"));
        assert_eq!(languages(&[], false).fit(&auto), None);
    }

    #[test]
    fn suggestions_are_few_and_the_same_language_comes_first() {
        let known: Vec<String> = ["de-DE", "en-GB", "en-US", "fr", "es", "it", "en-GB"].map(str::to_owned).to_vec();
        assert_eq!(suggestions("en-ZA", known.iter()), ["en-GB", "en-US", "de-DE", "es", "fr"]);
    }
}
