//! A translator for flows, demos and tests: a table of a few phrases and words, in this file. It is no translator, and what it
//! says begins with a label that says so.
//!
//! Whole phrases first, then word by word; what is not in the table stays as it is.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::tags;
use crate::failure::{Failure, FailureKind};
use crate::translator::Translator;

/// How its name begins what it says: `[phrases de] hallo welt`.
pub const PHRASES_LABEL: &str = "phrases";

/// The languages of the table, in the order of its columns.
const LANGUAGES: [&str; 6] = ["en", "de", "es", "fr", "it", "pt"];

/// Longest phrase of the table, in words.
const LONGEST: usize = 4;

#[rustfmt::skip]
const TABLE: [[&str; 6]; 30] = [
    ["good morning", "guten morgen", "buenos días", "bonjour", "buongiorno", "bom dia"],
    ["good night", "gute nacht", "buenas noches", "bonne nuit", "buonanotte", "boa noite"],
    ["thank you", "danke", "gracias", "merci", "grazie", "obrigado"],
    ["how are you", "wie geht es dir", "cómo estás", "comment vas-tu", "come stai", "como você está"],
    ["what time is it", "wie spät ist es", "qué hora es", "quelle heure est-il", "che ore sono", "que horas são"],
    ["where is", "wo ist", "dónde está", "où est", "dov'è", "onde fica"],
    ["train station", "bahnhof", "estación de tren", "gare", "stazione", "estação de trem"],
    ["hello", "hallo", "hola", "salut", "ciao", "olá"],
    ["world", "welt", "mundo", "monde", "mondo", "mundo"],
    ["yes", "ja", "sí", "oui", "sì", "sim"],
    ["no", "nein", "no", "non", "no", "não"],
    ["please", "bitte", "por favor", "s'il te plaît", "per favore", "por favor"],
    ["water", "wasser", "agua", "eau", "acqua", "água"],
    ["bread", "brot", "pan", "pain", "pane", "pão"],
    ["house", "haus", "casa", "maison", "casa", "casa"],
    ["friend", "freund", "amigo", "ami", "amico", "amigo"],
    ["today", "heute", "hoy", "aujourd'hui", "oggi", "hoje"],
    ["tomorrow", "morgen", "mañana", "demain", "domani", "amanhã"],
    ["one", "eins", "uno", "un", "uno", "um"],
    ["two", "zwei", "dos", "deux", "due", "dois"],
    ["three", "drei", "tres", "trois", "tre", "três"],
    ["four", "vier", "cuatro", "quatre", "quattro", "quatro"],
    ["five", "fünf", "cinco", "cinq", "cinque", "cinco"],
    ["left", "links", "izquierda", "gauche", "sinistra", "esquerda"],
    ["right", "rechts", "derecha", "droite", "destra", "direita"],
    ["and", "und", "y", "et", "e", "e"],
    ["the", "die", "la", "la", "la", "a"],
    ["is", "ist", "es", "est", "è", "é"],
    ["big", "groß", "grande", "grand", "grande", "grande"],
    ["small", "klein", "pequeño", "petit", "piccolo", "pequeno"],
];

/// The engine.
#[derive(Debug)]
pub(super) struct Phrases {
    name: Arc<str>,
}

impl Phrases {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name }
    }

    fn say(&self, text: &str, from: &str, to: &str) -> Result<String, Failure> {
        let (from, to) = tags(&self.name, from, to)?;
        let column = |language: &str| {
            let known = LANGUAGES.iter().position(|known| *known == language);
            let suggestions = LANGUAGES.iter().take(5).map(ToString::to_string).collect();
            let why = format!("its table has no {language}");
            known.ok_or_else(|| Failure::new(&self.name, FailureKind::Unsupported { suggestions }, why))
        };
        let columns = match &from {
            Some(tag) => vec![column(&tag.language)?],
            None => (0..LANGUAGES.len()).collect(),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let into = column(&to.language)?;
        // Not knowing the language, the one of which most is in the table.
        let tried = columns.into_iter().map(|column| through(&words, column, into));
        let (_, said) = tried.max_by_key(|(known, _)| *known).unwrap_or_default();
        Ok(format!("[{PHRASES_LABEL} {to}] {said}"))
    }
}

/// How many words the table knows, and what comes of all.
fn through(words: &[&str], from: usize, into: usize) -> (usize, String) {
    let (mut known, mut said, mut at) = (0, Vec::new(), 0);
    while at < words.len() {
        let found = (1..=LONGEST.min(words.len() - at)).rev().find_map(|length| {
            let phrase = words[at..at + length].join(" ");
            let bare = phrase.trim_end_matches(['.', ',', '!', '?']);
            let row = TABLE.iter().find(|row| row[from].to_lowercase() == bare.to_lowercase())?;
            Some((length, format!("{}{}", row[into], &phrase[bare.len()..])))
        });
        let (length, phrase) = found.clone().unwrap_or_else(|| (1, words[at].to_owned()));
        known += if found.is_some() { length } else { 0 };
        said.push(phrase);
        at += length;
    }
    (known, said.join(" "))
}

impl Translator for Phrases {
    fn name(&self) -> &str {
        &self.name
    }

    fn translate<'a>(&'a self, text: &'a str, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        std::future::ready(self.say(text, from, to)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str, from: &str, to: &str) -> Result<String, Failure> {
        Phrases::new("phrases".into()).say(text, from, to)
    }

    #[test]
    fn phrases_come_before_words_and_the_rest_stays() {
        assert_eq!(say("Hello world!", "en-US", "de").as_deref(), Ok("[phrases de] hallo welt!"));
        assert_eq!(
            say("where is the nearest train station", "en", "pt-BR").as_deref(),
            Ok("[phrases pt-BR] onde fica a nearest estação de trem")
        );
    }

    #[test]
    fn the_language_is_found_if_nobody_knows_it() {
        assert_eq!(say("danke und gute Nacht", "auto", "en").as_deref(), Ok("[phrases en] thank you and good night"));
        assert_eq!(say("", "auto", "en").as_deref(), Ok("[phrases en] "));
    }

    #[test]
    fn a_language_that_it_does_not_have_is_refused() {
        for (from, to) in [("en", "ja"), ("ja", "en"), ("en", "nonsense!")] {
            let failure = say("hello", from, to).expect_err("it is not in the table");
            assert!(matches!(failure.kind, FailureKind::Unsupported { .. }), "{failure}");
        }
    }

    #[test]
    fn the_table_has_no_phrase_that_is_too_long() {
        assert!(TABLE.iter().flatten().all(|phrase| phrase.split(' ').count() <= LONGEST));
    }
}
