//! Translation by a translator behind an engine that only recognises. In virtual time.

use std::sync::Arc;
use std::time::Duration;

use bifocal_providers::fake::{Fault, Script, sound};
use bifocal_providers::{
    Commands, EngineConfig, Event, Failure, FailureKind, Heard, Kind, Need, Recognizers, SpeechConfig, Translator,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Takes a while for each word, and puts the languages before it.
struct Slow(Duration);

impl Translator for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn translate<'a>(&'a self, text: &'a str, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        async move {
            sleep(self.0 * u32::try_from(text.split(' ').count()).expect("a sentence is short")).await;
            if text == "w13" {
                return Err(Failure::new(&Arc::from("slow"), FailureKind::Lost, "it does not like this word"));
            }
            Ok(format!("{from}>{to}:{text}"))
        }
        .boxed()
    }
}

fn engine(name: &str, script: Script) -> EngineConfig {
    EngineConfig { name: Some(name.to_owned()), script: Some(script), ..EngineConfig::of(Kind::Fake) }
}

fn directory(engines: Vec<EngineConfig>, per_word: u64) -> Recognizers {
    let config = SpeechConfig { engines: Some(engines) };
    let recognizers = Recognizers::new(config).expect("the configuration is right");
    recognizers.with_translator(Arc::new(Slow(Duration::from_millis(per_word))))
}

fn into_french() -> Need {
    Need { translate: Some("fr-FR".to_owned()), ..Need::language("en-US") }
}

/// Speaks as fast as people do, then closes.
async fn say(commands: &Commands, words: &[u16]) {
    for &word in words {
        commands.try_audio(sound([word])).expect("there is room");
        sleep(Duration::from_millis(200)).await;
    }
    commands.close().expect("there is room");
}

/// What was told, with the time.
async fn told(told: &mut mpsc::Receiver<Event>, since: Instant) -> Vec<(Event, Duration)> {
    let mut events = Vec::new();
    while let Some(event) = told.recv().await {
        let over = matches!(event, Event::Failed(_) | Event::Closed);
        events.push((event, since.elapsed()));
        if over {
            break;
        }
    }
    events
}

fn finals(events: &[(Event, Duration)]) -> Vec<(&str, Option<&str>)> {
    let heard = events.iter().filter_map(|(event, _)| if let Event::Heard(heard) = event { Some(heard) } else { None });
    heard.filter(|heard| heard.is_final).map(|heard| (heard.text.as_str(), heard.translation.as_deref())).collect()
}

#[tokio::test(start_paused = true)]
async fn finals_are_translated_in_their_order_and_nothing_is_settled_before_it_is_told() {
    // The long sentence takes a second, the short one after it a tenth.
    let engines = directory(vec![engine("a", Script { sentence: 10, ..Script::default() })], 100);
    let mut stream = engines.open(&into_french(), None, &[]).expect("it is well");
    say(&stream.commands, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 13, 0]).await;
    let events = told(&mut stream.events, Instant::now()).await;
    let long = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10";
    let want = [
        (long, Some(format!("en-US>fr-FR:{long}"))),
        ("w11", Some("en-US>fr-FR:w11".to_owned())),
        // What cannot be translated is told all the same.
        ("w13", None),
    ];
    let want: Vec<_> = want.iter().map(|(text, translation)| (*text, translation.as_deref())).collect();
    assert_eq!(finals(&events), want);

    let mut told_until = 0;
    for (event, _) in &events {
        match event {
            Event::Heard(heard) if heard.is_final => told_until = heard.end_ms,
            Event::Consumed { ms } if *ms > 2000 => {
                assert!(told_until >= 2000, "{ms} ms settled before they were told")
            }
            _ => {}
        }
    }
    assert_eq!(events[events.len() - 1].0, Event::Closed);
}

#[tokio::test(start_paused = true)]
async fn interims_are_translated_now_and_then_and_keep_the_last_translation() {
    let engines = directory(vec![engine("a", Script { sentence: 20, ..Script::default() })], 10);
    let mut stream = engines.open(&into_french(), None, &[]).expect("it is well");
    let begun = Instant::now();
    let words: Vec<u16> = (1..=15).collect();
    let ((), events) = tokio::join!(say(&stream.commands, &words), told(&mut stream.events, begun));
    let interims: Vec<(&Heard, Duration)> = events
        .iter()
        .filter_map(|(event, at)| match event {
            Event::Heard(heard) if !heard.is_final => Some((&**heard, *at)),
            _ => None,
        })
        .collect();
    let mut translations: Vec<(&str, Duration)> = Vec::new();
    for (heard, at) in &interims {
        match heard.translation.as_deref() {
            Some(text) if translations.last().is_none_or(|(last, _)| *last != text) => translations.push((text, *at)),
            Some(_) => {}
            None => assert!(translations.is_empty(), "an interim keeps the translation of the one before"),
        }
    }
    assert!(translations.len() >= 3, "{translations:?}");
    for pair in translations.windows(2) {
        assert!(pair[1].1 - pair[0].1 >= Duration::from_millis(700), "{translations:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_too_long_is_left_out() {
    let engines = directory(vec![engine("a", Script::default())], 5000);
    let mut stream = engines.open(&into_french(), None, &[]).expect("it is well");
    say(&stream.commands, &[1, 0]).await;
    let since = Instant::now();
    let events = told(&mut stream.events, since).await;
    assert_eq!(finals(&events), [("w1", None)]);
    assert!(since.elapsed() <= Duration::from_secs(3), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_failure_does_not_wait_for_translations_and_loses_no_words() {
    let script = Script { sentence: 2, faults: vec![Fault::Cut(1000)], ..Script::default() };
    let engines = directory(vec![engine("a", script)], 1000);
    let mut stream = engines.open(&into_french(), None, &[]).expect("it is well");
    let since = Instant::now();
    for word in [1, 2, 3, 4, 5, 6] {
        stream.commands.try_audio(sound([word])).expect("there is room");
    }
    let events = told(&mut stream.events, since).await;
    assert_eq!(finals(&events), [("w1 w2", None), ("w3 w4", None)]);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert!(matches!(&events[events.len() - 1].0, Event::Failed(failure) if failure.kind == FailureKind::Lost));
}

/// D-79: who speaks the target language already is passed through.
#[tokio::test(start_paused = true)]
async fn d_79_speech_in_the_target_language_is_not_translated() {
    let engines = directory(vec![engine("a", Script { detects: Some("fr".to_owned()), ..Script::default() })], 10);
    let need = Need { translate: Some("fr-CA".to_owned()), ..Need::language("all") };
    let mut stream = engines.open(&need, None, &[]).expect("it is well");
    say(&stream.commands, &[1, 0]).await;
    assert_eq!(finals(&told(&mut stream.events, Instant::now()).await), [("w1", None)]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_translates_by_itself_comes_first_but_the_users_choice_before() {
    let native = Script { translates: true, ..Script::default() };
    let engines = || vec![engine("plain", Script::default()), engine("native", native.clone())];
    let with = directory(engines(), 10);
    let chosen = |preferred| with.open(&into_french(), preferred, &[]).expect("it is well").engine.to_string();
    assert_eq!((chosen(None), chosen(Some("plain"))), ("native".to_owned(), "plain".to_owned()));

    let config = SpeechConfig { engines: Some(engines()) };
    let without = Recognizers::new(config).expect("the configuration is right");
    let stream = without.open(&into_french(), Some("plain"), &[]).expect("one translates by itself");
    assert_eq!(&*stream.engine, "native");

    let config = SpeechConfig { engines: Some(vec![engine("plain", Script::default())]) };
    let nobody = Recognizers::new(config).expect("the configuration is right");
    let failure = nobody.open(&into_french(), None, &[]).expect_err("nobody translates");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.why.contains("configure a translator"), "{failure}");
}
