//! The directory: which engine is asked, and what everybody learns from one stream's failure. In virtual time.

use std::sync::Arc;
use std::time::Duration;

use bifocal_providers::fake::{Fault, Script, sound, word};
use bifocal_providers::{
    ConfigError, EngineConfig, EngineState, Event, Failure, FailureKind, Heard, Kind, Need, Recognizers, SpeechConfig,
    Stream,
};

fn fake(name: &str, languages: &[&str], script: Script) -> EngineConfig {
    let languages = languages.iter().map(|&tag| tag.to_owned()).collect();
    EngineConfig {
        name: Some(name.to_owned()),
        languages: Some(languages),
        script: Some(script),
        ..EngineConfig::of(Kind::Fake)
    }
}

fn faulty(name: &str, faults: &[Fault]) -> EngineConfig {
    fake(name, &["en"], Script { faults: faults.to_vec(), ..Script::default() })
}

fn directory(engines: Vec<EngineConfig>) -> Recognizers {
    Recognizers::new(SpeechConfig { engines: Some(engines) }).expect("the configuration is right")
}

fn english() -> Need {
    Need::language("en-US")
}

/// How a stream began: `None` if it is open.
async fn beginning(stream: &mut Stream) -> Option<Failure> {
    match stream.events.recv().await.expect("a stream says how it is") {
        Event::Opened => None,
        Event::Failed(failure) => Some(failure),
        event => panic!("{event:?} before anything was heard"),
    }
}

/// Everything until the end.
async fn rest(mut stream: Stream) -> (Vec<Heard>, Event) {
    let mut heard = Vec::new();
    while let Some(event) = stream.events.recv().await {
        match event {
            Event::Heard(words) => heard.push(*words),
            Event::Failed(_) | Event::Closed => return (heard, event),
            Event::Opened | Event::Consumed { .. } => {}
        }
    }
    panic!("a stream ends with Failed or Closed");
}

#[tokio::test(start_paused = true)]
async fn engines_are_asked_in_order_and_the_users_choice_first() {
    let engines = directory(vec![
        fake("german", &["de"], Script::default()),
        fake("first", &["en"], Script::default()),
        fake("second", &["en-US", "en-GB"], Script::default()),
    ]);
    let chosen = |preferred, avoid: &[&str]| {
        let avoid: Vec<Arc<str>> = avoid.iter().map(|&name| name.into()).collect();
        engines.open(&english(), preferred, &avoid).expect("some engine is well").engine.to_string()
    };
    assert_eq!(chosen(None, &[]), "first");
    assert_eq!(chosen(Some("second"), &[]), "second");
    assert_eq!(chosen(Some("german"), &[]), "first", "a choice that does not know the language is no choice");
    assert_eq!(chosen(None, &["first"]), "second");
    assert_eq!(chosen(None, &["first", "second"]), "first", "better than nothing");
    assert_eq!(engines.languages(), ["de", "en", "en-GB", "en-US"]);
}

#[tokio::test(start_paused = true)]
async fn d_77_a_language_that_nobody_knows_is_answered_with_others() {
    let engines = directory(vec![
        fake("a", &["en-US", "en-GB", "de-DE", "fr-FR"], Script::default()),
        fake("b", &["it-IT", "es-ES"], Script::default()),
    ]);
    let failure = engines.open(&Need::language("en-ZA"), None, &[]).expect_err("nobody knows it");
    let FailureKind::Unsupported { suggestions } = failure.kind else { panic!("{failure}") };
    assert_eq!(suggestions, ["en-GB", "en-US", "de-DE", "es-ES", "fr-FR"]);
    engines.open(&Need::language("de-DE"), None, &[]).expect("others are unaffected");

    let failure = directory(vec![]).open(&english(), None, &[]).expect_err("there is nobody");
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

/// Every user found out for himself that an engine was down.
#[tokio::test(start_paused = true)]
async fn d_74_w_34_a_429_of_one_user_spares_all_others_the_attempt() {
    let engines = directory(vec![faulty("a", &[Fault::Busy(Some(90))]), faulty("b", &[])]);
    let everybody_else = engines.clone();

    let mut stream = engines.open(&english(), None, &[]).expect("it is well, as far as is known");
    assert_eq!(&*stream.engine, "a");
    let failure = beginning(&mut stream).await.expect("it has too much to do");
    assert_eq!(failure.kind, FailureKind::Busy { retry_after: Some(Duration::from_secs(90)) });

    for preferred in [None, Some("a")] {
        let stream = everybody_else.open(&english(), preferred, &[]).expect("the other one is well");
        assert_eq!(&*stream.engine, "b", "one that is resting is not asked");
    }
    assert_eq!(everybody_else.table()[0].state, EngineState::Resting(Duration::from_secs(90)));

    tokio::time::advance(Duration::from_secs(90)).await;
    let mut probe = everybody_else.open(&english(), None, &[]).expect("one may try");
    assert_eq!(&*probe.engine, "a");
    let meanwhile = everybody_else.open(&english(), None, &[]).expect("the other one is well");
    assert_eq!(&*meanwhile.engine, "b");
    assert_eq!(beginning(&mut probe).await, None);
    assert_eq!(&*engines.open(&english(), None, &[]).expect("it is well again").engine, "a");
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_a_trial_leaves_it_to_the_next() {
    let engines = directory(vec![faulty("a", &[Fault::Refuse, Fault::Hang])]);
    let mut stream = engines.open(&english(), None, &[]).expect("it is well, as far as is known");
    assert_eq!(beginning(&mut stream).await.expect("refused").kind, FailureKind::Refused);
    let failure = engines.open(&english(), None, &[]).expect_err("it rests");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.why.contains("in 900 s"), "{failure}");

    tokio::time::advance(Duration::from_secs(900)).await;
    let hangs = engines.open(&english(), None, &[]).expect("one may try");
    assert_eq!(engines.open(&english(), None, &[]).expect_err("and nobody else").kind, FailureKind::Unavailable);
    drop(hangs);
    // Its task has to notice.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut next = engines.open(&english(), None, &[]).expect("the next may try");
    assert_eq!(beginning(&mut next).await, None);
}

#[tokio::test(start_paused = true)]
async fn d_64_whoever_waits_is_told_when_no_engine_is_left_and_when_one_is_well_again() {
    let engines = directory(vec![faulty("a", &[Fault::Busy(None)]), faulty("b", &[Fault::Busy(Some(60))])]);
    let mut watch = engines.watch();
    assert!(*watch.borrow_and_update());
    for _ in 0..2 {
        let mut stream = engines.open(&english(), None, &[]).expect("one is left");
        beginning(&mut stream).await.expect("it has too much to do");
    }
    assert!(!engines.available());
    watch.changed().await.expect("the directory is there");
    assert!(!*watch.borrow_and_update());
    let since = tokio::time::Instant::now();
    watch.changed().await.expect("the directory is there");
    assert!(*watch.borrow_and_update());
    assert!(since.elapsed() <= Duration::from_secs(32), "the first that is tried, although nobody speaks");
}

/// Half a minute after each failure everybody was told that an engine may be asked, and right after that it may not.
#[tokio::test(start_paused = true)]
async fn an_engine_counts_as_well_when_it_has_shown_it_and_not_before() {
    let engines = directory(vec![faulty("a", &[Fault::Busy(None), Fault::Busy(None), Fault::Hang, Fault::Busy(None)])]);
    let mut stream = engines.open(&english(), None, &[]).expect("as far as is known");
    beginning(&mut stream).await.expect("it has too much to do");
    let mut watch = engines.watch();
    assert!(!*watch.borrow_and_update());
    let since = tokio::time::Instant::now();
    watch.changed().await.expect("the directory is there");
    assert!(*watch.borrow_and_update(), "the first news is that it is well");
    // Four rests of 30 s, four trials a second after each, and the ten seconds that one of them hung.
    assert!((Duration::from_secs(134)..Duration::from_secs(136)).contains(&since.elapsed()), "{:?}", since.elapsed());
    assert!(engines.open(&english(), None, &[]).is_ok());
}

/// The start of an engine that never answered blocked its language for ever.
#[tokio::test(start_paused = true)]
async fn w_10_a_start_that_hangs_ends_at_its_deadline() {
    let engines = directory(vec![faulty("a", &[Fault::Hang]), faulty("b", &[])]);
    let since = tokio::time::Instant::now();
    let mut stream = engines.open(&english(), None, &[]).expect("it is well, as far as is known");
    let failure = beginning(&mut stream).await.expect("it never answers");
    assert_eq!(failure.kind, FailureKind::Stalled);
    assert!(since.elapsed() <= Duration::from_secs(10));
    let mut next = engines.open(&english(), None, &[failure.engine]).expect("the other one is well");
    assert_eq!(&*next.engine, "b");
    assert_eq!(beginning(&mut next).await, None);
}

#[tokio::test(start_paused = true)]
async fn numbered_words_arrive_once_each_when_the_sound_is_played_again() {
    for fault in [Fault::Cut(2300), Fault::Stall(2300), Fault::BusyAt(2300)] {
        let engines = directory(vec![faulty("a", &[fault]), faulty("b", &[])]);
        let sound = sound(1..=20);
        let mut stream = engines.open(&english(), None, &[]).expect("it is well, as far as is known");
        for piece in sound.chunks(640) {
            // It may have failed already; its events say so.
            let _ = stream.commands.try_audio(sound.slice_ref(piece));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (mut finals, mut settled) = (Vec::new(), 0);
        let failure = loop {
            match stream.events.recv().await.expect("it ends with Failed") {
                Event::Heard(heard) if heard.is_final => finals.push(heard.text.clone()),
                Event::Consumed { ms } => settled = ms,
                Event::Failed(failure) => break failure,
                _ => {}
            }
        };
        assert_eq!(settled, 2000, "two sentences of five words; what was an interim is not done with");

        let again = engines.open(&english(), None, &[failure.engine]).expect("the other one is well");
        again.commands.try_audio(sound.slice(settled as usize * 32..)).expect("there is room");
        again.commands.close().expect("there is room");
        let (heard, end) = rest(again).await;
        assert_eq!(end, Event::Closed);
        finals.extend(heard.into_iter().filter(|heard| heard.is_final).map(|heard| heard.text));
        let want: Vec<String> = (1..=20).map(word).collect();
        assert_eq!(finals.join(" ").split(' ').collect::<Vec<_>>(), want, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_utterance_keeps_its_number_and_silence_ends_it() {
    let engines = directory(vec![faulty("a", &[])]);
    let stream = engines.open(&english(), None, &[]).expect("it is well");
    stream.commands.try_audio(sound([0, 1, 2, 0, 0, 3])).expect("there is room");
    stream.commands.finalise().expect("there is room");
    stream.commands.close().expect("there is room");
    let (heard, _) = rest(stream).await;
    let lines: Vec<_> =
        heard.iter().map(|h| (h.utterance, h.text.as_str(), h.is_final, h.start_ms, h.end_ms)).collect();
    let want = [
        (1, "w1", false, 200, 400),
        (1, "w1 w2", false, 200, 600),
        (1, "w1 w2", true, 200, 600),
        (2, "w3", false, 1000, 1200),
        (2, "w3", true, 1000, 1200),
    ];
    assert_eq!(lines, want);
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let new = |engines| Recognizers::new(SpeechConfig { engines: Some(engines) }).map(|_| ());
    let twice = vec![EngineConfig::of(Kind::Fake), EngineConfig::of(Kind::Fake)];
    assert_eq!(new(twice), Err(ConfigError::SameName("fake".into())));
    assert_eq!(new(vec![fake("A b", &[], Script::default())]), Err(ConfigError::BadName("A b".into())));
    assert_eq!(new(vec![EngineConfig::of(Kind::Fake); 33]), Err(ConfigError::TooMany));
}
