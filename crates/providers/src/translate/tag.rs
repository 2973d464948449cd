//! Language tags, and what each translator calls the same language.
//!
//! Apps say `pt-BR`, `zh-TW`, `he` or plain `en`; every vendor has a spelling of its own. A region that matters is kept or
//! the language as a whole is asked for; it never becomes another region. What apps are told is their own tag, so nothing
//! here is spelled back.

use std::fmt;

/// A tag, taken apart: `zh-Hant-TW` is language `zh`, script `Hant`, region `TW`. Old codes are new ones here: `iw` is `he`,
/// `in` is `id`, `ji` is `yi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// In lower case.
    pub language: String,
    /// Like `Hant`.
    pub script: Option<String>,
    /// Like `BR` or `419`.
    pub region: Option<String>,
}

impl Tag {
    /// Reads a tag; `None` when it is none. `_` is as good as `-`; what follows the region is not looked at.
    pub fn read(text: &str) -> Option<Self> {
        let letters = |part: &str, count: std::ops::RangeInclusive<usize>| {
            count.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let mut parts = text.split(['-', '_']).peekable();
        let language = parts.next().filter(|part| letters(part, 2..=3))?.to_ascii_lowercase();
        let language = match language.as_str() {
            "iw" => "he".to_owned(),
            "in" => "id".to_owned(),
            "ji" => "yi".to_owned(),
            _ => language,
        };
        let script = parts.next_if(|part| letters(part, 4..=4)).map(|part| {
            let (first, rest) = part.split_at(1);
            first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
        });
        let digits = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        let region = parts.next_if(|part| letters(part, 2..=2) || digits(part)).map(str::to_ascii_uppercase);
        Some(Self { language, script, region })
    }

    /// Whether nothing needs to be translated from the one to the other: the same language in the same script. Regions of
    /// a language are near enough, except where they are written differently.
    pub fn reads_as(&self, other: &Tag) -> bool {
        self.language == other.language && self.is_traditional() == other.is_traditional()
    }

    /// Chinese as it is written in Taiwan, Hong Kong and Macau.
    fn is_traditional(&self) -> bool {
        match self.script.as_deref() {
            Some(script) => script == "Hant",
            None => self.language == "zh" && matches!(self.region.as_deref(), Some("TW" | "HK" | "MO")),
        }
    }

    fn is_bokmal(&self) -> bool {
        matches!(self.language.as_str(), "no" | "nb")
    }

    /// What LibreTranslate may call it, the best first. Which of them a server has, it says itself.
    pub(super) fn libretranslate(&self) -> Vec<&str> {
        match (self.language.as_str(), self.region.as_deref()) {
            ("pt", Some("BR")) => vec!["pt-BR", "pb", "pt"],
            ("zh", _) if self.is_traditional() => vec!["zh-Hant", "zt"],
            ("zh", _) => vec!["zh-Hans", "zh"],
            _ if self.is_bokmal() => vec!["nb", "no"],
            (language, _) => vec![language],
        }
    }

    /// What DeepL translates into. Where it tells regions apart and the tag names none, the one with most speakers.
    pub(super) fn deepl_target(&self) -> String {
        match (self.language.as_str(), self.region.as_deref()) {
            ("en", Some("GB" | "IE" | "AU" | "NZ" | "ZA" | "IN")) => "EN-GB".to_owned(),
            ("en", _) => "EN-US".to_owned(),
            ("pt", None | Some("BR")) => "PT-BR".to_owned(),
            ("pt", _) => "PT-PT".to_owned(),
            ("es", None | Some("ES")) => "ES".to_owned(),
            ("es", _) => "ES-419".to_owned(),
            ("zh", _) if self.is_traditional() => "ZH-HANT".to_owned(),
            ("zh", _) => "ZH-HANS".to_owned(),
            _ if self.is_bokmal() => "NB".to_owned(),
            (language, _) => language.to_ascii_uppercase(),
        }
    }

    /// What DeepL translates from: it tells no regions apart there.
    pub(super) fn deepl_source(&self) -> String {
        if self.is_bokmal() { "NB".to_owned() } else { self.language.to_ascii_uppercase() }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.language)?;
        [&self.script, &self.region].into_iter().flatten().try_for_each(|part| write!(f, "-{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::read(text).expect("a tag")
    }

    #[test]
    fn tags_are_read_in_any_spelling() {
        for (text, read) in [
            ("en", "en"),
            ("EN_us", "en-US"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("iw-IL", "he-IL"),
            ("in", "id"),
            ("sr-Latn", "sr-Latn"),
            ("de-DE-1996", "de-DE"),
            ("fil-PH", "fil-PH"),
        ] {
            assert_eq!(tag(text).to_string(), read, "{text}");
        }
        for text in ["", "auto", "e", "en us", "1234", "-en", "🙂"] {
            assert_eq!(Tag::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_region_never_becomes_another_one() {
        assert_eq!(tag("pt-BR").deepl_target(), "PT-BR");
        assert_eq!(tag("pt-PT").deepl_target(), "PT-PT");
        assert_eq!(tag("pt-PT").libretranslate(), ["pt"]);
        assert_eq!(tag("pt-BR").libretranslate(), ["pt-BR", "pb", "pt"]);
        assert_eq!(tag("zh-TW").deepl_target(), "ZH-HANT");
        assert_eq!(tag("zh-Hans-HK").deepl_target(), "ZH-HANS");
        assert_eq!(tag("zh-HK").libretranslate(), ["zh-Hant", "zt"]);
        assert_eq!(tag("en-AU").deepl_target(), "EN-GB");
        assert_eq!(tag("es-MX").deepl_target(), "ES-419");
        assert_eq!(tag("fr-CA").deepl_target(), "FR");
    }

    #[test]
    fn hebrew_is_hebrew_in_every_spelling() {
        for text in ["he", "iw", "he-IL", "iw-IL"] {
            let hebrew = tag(text);
            assert_eq!((hebrew.deepl_target(), hebrew.deepl_source()), ("HE".to_owned(), "HE".to_owned()), "{text}");
            assert_eq!(hebrew.libretranslate(), ["he"], "{text}");
        }
    }

    #[test]
    fn what_needs_no_translation() {
        assert!(tag("en-US").reads_as(&tag("en")) && tag("pt-BR").reads_as(&tag("pt-PT")));
        assert!(!tag("zh-CN").reads_as(&tag("zh-TW")) && !tag("en").reads_as(&tag("de")));
        assert!(tag("zh-Hant").reads_as(&tag("zh-HK")));
    }
}
