//! How sessions live: errors, panics, ends, returns, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bifocal_sdk::prelude::*;
use bifocal_sdk::testing::FakeCloud;
use bifocal_sdk::{Ending, Link, wire};
use tokio::sync::Notify;

/// An app that is a function, and remembers its ends.
struct Script<F> {
    run: F,
    stops: Arc<Mutex<Vec<(String, String, String)>>>,
    stopped: Arc<Notify>,
}

fn script<F, R>(run: F) -> Script<F>
where
    F: Fn(AppSession) -> R + Send + Sync + 'static,
    R: Future<Output = Result> + Send,
{
    Script { run, stops: Arc::default(), stopped: Arc::default() }
}

impl<F, R> App for Script<F>
where
    F: Fn(AppSession) -> R + Send + Sync + 'static,
    R: Future<Output = Result> + Send,
{
    async fn on_session(&self, session: AppSession) -> Result {
        (self.run)(session).await
    }

    async fn on_stop(&self, session_id: &str, user_id: &str, reason: &str) -> Result {
        let stop = (session_id.to_owned(), user_id.to_owned(), reason.to_owned());
        self.stops.lock().expect("not poisoned").push(stop);
        self.stopped.notify_one();
        Ok(())
    }
}

impl<F> Script<F> {
    async fn reason(&self) -> String {
        self.stopped.notified().await;
        let stops = self.stops.lock().expect("not poisoned");
        assert_eq!(stops.len(), 1, "on_stop is called once: {stops:?}");
        stops[0].2.clone()
    }
}

async fn echo(session: AppSession) -> Result {
    let mut words = session.events().transcription("en-US").await?;
    while let Some(heard) = words.next().await {
        session.layouts().show_text_wall(heard.text).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn words_become_a_text_wall_and_wearers_do_not_hear_each_other() {
    let cloud = FakeCloud::new(script(echo));
    let ann = cloud.start("ann@example.org").await;
    let bob = cloud.start("bob@example.org").await;
    ann.says("from ann").await;
    bob.says("from bob").await;
    ann.sees("from ann").await;
    bob.sees("from bob").await;
    assert_eq!((ann.saw(), bob.saw()), (vec!["from ann".to_owned()], vec!["from bob".to_owned()]));
    assert_eq!(cloud.sessions().len(), 2);
    assert!(cloud.sessions().for_user("Bob@example.org").is_some_and(|session| session.user_id() == "bob@example.org"));
}

#[tokio::test(start_paused = true)]
async fn a_session_knows_who_it_is_and_each_start_has_an_id_of_its_own() {
    let cloud = FakeCloud::new(script(echo));
    let first = cloud.start("ann@example.org").await.session();
    assert_eq!(first.wire_id(), "ann@example.org-org.example.test");
    assert_eq!((first.user_id(), first.package_name()), ("ann@example.org", "org.example.test"));
    assert_eq!((first.server_url(), first.rest_url().as_str()), ("ws://fake.invalid/app-ws", "http://fake.invalid"));
    cloud.stop("ann@example.org").await;
    let second = cloud.start("ann@example.org").await.session();
    assert_ne!(first.id(), second.id());
    assert_eq!(first.user_id(), second.user_id());
    assert!(cloud.sessions().by_id(&second.id()).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_stop_webhook_ends_the_session_with_its_reason() {
    let cloud = FakeCloud::new(script(echo));
    let ann = cloud.start("ann@example.org").await;
    let session = ann.session();
    cloud.stop("ann@example.org").await;
    assert_eq!(cloud.app().reason().await, "user_disabled");
    assert_eq!(session.ended().await, Ending::Stopped("user_disabled".to_owned()));
    let stops = cloud.app().stops.lock().expect("not poisoned").clone();
    assert_eq!(stops[0], (session.id(), "ann@example.org".to_owned(), "user_disabled".to_owned()));
    assert!(cloud.sessions().is_empty());
    let late = session.layouts().show_text_wall("late").await;
    assert_eq!(late, Err(Error::Ended(Ending::Stopped("user_disabled".to_owned()))));
}

#[tokio::test(start_paused = true)]
async fn close_codes_end_the_session_or_bring_it_back() {
    for (code, reason, expected) in [
        (1000, "App stopped", "App stopped"),
        (1000, "User session ended", "User session ended"),
        (1001, "going away", "going away"),
    ] {
        let cloud = FakeCloud::new(script(echo));
        let ann = cloud.start("ann@example.org").await;
        ann.closes(code, reason);
        assert_eq!(cloud.app().reason().await, expected);
    }
    let cloud = FakeCloud::new(script(echo));
    let ann = cloud.start("ann@example.org").await;
    for (times, code) in (1..).zip([1006, 1008, 1011, 1012, 4000]) {
        match code {
            1006 => ann.cut(),
            code => ann.closes(code, "come back"),
        }
        ann.is_back(times).await;
        ann.says(&format!("after {code}")).await;
        ann.sees(&format!("after {code}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_in_on_session_ends_this_session_and_no_other() {
    let cloud = FakeCloud::new(script(async |session: AppSession| {
        if session.user_id().starts_with("bob") {
            return Err("bob is not welcome".into());
        }
        echo(session).await
    }));
    let ann = cloud.start("ann@example.org").await;
    let _bob = cloud.start("bob@example.org").await;
    assert_eq!(cloud.app().reason().await, "error: bob is not welcome");
    ann.says("still here").await;
    ann.sees("still here").await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_on_session_or_in_a_handler_ends_this_session_and_no_other() {
    for where_ in ["on_session", "handler", "task"] {
        let cloud = FakeCloud::new(script(move |session: AppSession| async move {
            if session.user_id().starts_with("ann") {
                return echo(session).await;
            }
            match where_ {
                "on_session" => panic!("as the test wants"),
                "task" => session.spawn(async { panic!("as the test wants") }),
                _ => {
                    session.events().button_press().await?.each(|_| async { panic!("as the test wants") });
                }
            }
            Ok(())
        }));
        let ann = cloud.start("ann@example.org").await;
        let bob = cloud.start("bob@example.org").await;
        if where_ == "handler" {
            bob.presses("main", "short").await;
        }
        assert_eq!(cloud.app().reason().await, "error: a task panicked", "{where_}");
        ann.says("still here").await;
        ann.sees("still here").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_goes_on_with_its_handlers_when_on_session_has_returned() {
    let cloud = FakeCloud::new(script(async |session: AppSession| {
        let layouts = session.layouts();
        let handler = session.events().button_press().await?.each(move |press| {
            let layouts = layouts.clone();
            async move {
                let _ = layouts.show_text_wall(press.button_id).await;
            }
        });
        let mut heads = session.events().head_position().await?;
        session.spawn(async move {
            heads.next().await;
            handler.cancel();
        });
        Ok(())
    }));
    let ann = cloud.start("ann@example.org").await;
    ann.subscriptions(2).await;
    ann.presses("left", "short").await;
    ann.sees("left").await;
    ann.moves_head("up").await;
    ann.subscriptions(0).await;
    assert!(ann.session().is_live());
}

#[tokio::test(start_paused = true)]
async fn what_outlives_its_session_is_dropped_after_five_seconds() {
    let dropped = Arc::new(Notify::new());
    struct Guard(Arc<Notify>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let told = dropped.clone();
    let cloud = FakeCloud::new(script(move |_| {
        let guard = Guard(told.clone());
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        }
    }));
    cloud.start("ann@example.org").await;
    let begun = tokio::time::Instant::now();
    cloud.stop("ann@example.org").await;
    dropped.notified().await;
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_second_start_takes_the_place_of_the_first_and_the_same_start_does_not() {
    let cloud = FakeCloud::new(script(echo));
    let first = cloud.start("ann@example.org").await;
    let session = first.session();
    let second = cloud.start("ann@example.org").await;
    assert_eq!(session.ended().await, Ending::Replaced);
    first.gets("ownership_release", |message| message["reason"] == "switching_clouds").await;
    assert_eq!(cloud.app().reason().await, "replaced");
    second.says("hello").await;
    second.sees("hello").await;
    assert_eq!(cloud.sessions().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_process_stops_every_session_says_so() {
    let cloud = FakeCloud::new(script(echo));
    let ann = cloud.start("ann@example.org").await;
    let bob = cloud.start("bob@example.org").await;
    cloud.shut_down().await;
    for wearer in [ann, bob] {
        wearer.gets("ownership_release", |message| message["reason"] == "clean_shutdown").await;
    }
}

#[tokio::test(start_paused = true)]
async fn disconnect_and_release_ownership_leave() {
    let cloud = FakeCloud::new(script(async |session: AppSession| {
        session.events().button_press().await?.next().await;
        session.release_ownership("user_logout").await?;
        session.disconnect().await;
        Ok(())
    }));
    let ann = cloud.start("ann@example.org").await;
    ann.presses("main", "long").await;
    assert_eq!(cloud.app().reason().await, "disconnected");
    ann.gets("ownership_release", |message| message["reason"] == "user_logout").await;
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_gone_for_a_minute_ends_the_session_and_nothing_hangs() -> Result {
    let cloud = FakeCloud::new(script(echo));
    let ann = cloud.start("ann@example.org").await;
    let session = ann.session();
    let mut links = session.connection()?;
    let playing = tokio::spawn({
        let session = session.clone();
        async move { session.audio().play("https://example.org/a.mp3").await }
    });
    tokio::join!(ann.cut_for(Duration::from_secs(90)), async {
        assert!(matches!(links.next().await, Some(Link::Lost { .. })));
        assert!(matches!(session.ended().await, Ending::Lost(_)));
    });
    let outcome = playing.await.expect("it ended");
    // It may have been played in the instant before the cut; its own deadline comes at the same time as the end.
    let fits = matches!(outcome, Ok(_) | Err(Error::Ended(Ending::Lost(_)) | Error::Timeout { .. }));
    assert!(fits, "{outcome:?}");
    assert!(cloud.app().reason().await.starts_with("connection lost"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_during_a_cut_is_drawn_after_it_and_only_the_newest() -> Result {
    let cloud = FakeCloud::new(script(async |_| Ok(())));
    let ann = cloud.start("ann@example.org").await;
    let session = ann.session();
    let mut links = session.connection()?;
    tokio::join!(ann.cut_for(Duration::from_secs(3)), async {
        assert!(matches!(links.next().await, Some(Link::Lost { .. })));
        for number in 0..1000 {
            session.layouts().show_text_wall(number.to_string()).await.expect("it waits");
        }
        session.dashboard().write_to_main("in order").await.expect("it waits");
    });
    ann.is_back(1).await;
    ann.sees("999").await;
    ann.gets("dashboard_content_update", |message| message["content"] == "in order").await;
    assert_eq!(ann.saw(), ["999"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_loses_the_oldest_and_stops_nobody() -> Result {
    let cloud = FakeCloud::new(script(async |_| Ok(())));
    let ann = cloud.start("ann@example.org").await;
    let events = ann.session().events();
    let mut latest = events.phone_battery().await?.latest();
    let mut three = events.phone_battery().await?.buffer(3);
    let mut all = events.phone_battery().await?;
    for level in 0..10 {
        ann.sends("phone_battery_update", serde_json::json!({ "level": level, "charging": false })).await;
    }
    let mut levels = Vec::new();
    while levels.len() < 10 {
        levels.extend(all.next().await.and_then(|battery: wire::BatteryUpdate| battery.level?.as_i64()));
    }
    assert_eq!((levels, all.missed()), ((0..10).collect(), 0));
    let level = |battery: Option<wire::BatteryUpdate>| battery.and_then(|battery| battery.level?.as_i64());
    assert_eq!((level(latest.try_next()), latest.missed()), (Some(9), 9));
    assert_eq!((level(three.try_next()), three.missed()), (Some(7), 7));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn streams_are_asked_for_once_and_no_longer_than_somebody_listens() -> Result {
    let cloud = FakeCloud::new(script(async |_| Ok(())));
    let ann = cloud.start("ann@example.org").await;
    let events = ann.session().events();
    let one = events.transcription("en-US").await?;
    let two = events.transcription("en-US").await?;
    let hints = bifocal_sdk::TranscriptionOptions {
        disable_language_identification: true,
        hints: vec!["en".to_owned(), "fr".to_owned()],
    };
    let three = events.transcription_with("ja-JP", &hints).await?;
    let japanese = "transcription:ja-JP?no-language-identification=true&hints=en%2Cfr";
    assert_eq!(ann.subscriptions(2).await, ["transcription:en-US", japanese]);
    drop((one, three));
    assert_eq!(ann.subscriptions(1).await, ["transcription:en-US"]);
    assert_eq!(events.subscribed(), ["transcription:en-US"]);
    drop(two);
    ann.subscriptions(0).await;
    assert!(matches!(events.transcription("english").await, Err(Error::Invalid(_))));
    assert!(matches!(events.translation("en-US", "en-US").await, Err(Error::Invalid(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn there_is_a_limit_to_streams() -> Result {
    let cloud = FakeCloud::new(script(async |_| Ok(())));
    let ann = cloud.start("ann@example.org").await;
    let events = ann.session().events();
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(events.button_press().await?);
    }
    assert!(matches!(events.button_press().await, Err(Error::Full { .. })));
    streams.pop();
    assert!(events.button_press().await.is_ok());
    Ok(())
}
