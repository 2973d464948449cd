//! The Rust SDK against the real binary, with simulated glasses: what the method table does with the npm SDK, for what this
//! server serves.

mod common;
#[path = "methods/overhear.rs"]
mod overhear;

use std::time::Duration;

use bifocal_protocol::layout::View;
use bifocal_providers::fake;
use bifocal_sdk::prelude::*;
use bifocal_sdk::wire::{DashboardMode, LocationTier, PhotoTaken};
use bifocal_sdk::{Bitmap, LedColor, Link, RunningServer, Speech};
use bifocal_simulator::phone::{Pace, Press, Watch};
use bifocal_simulator::{Phone, PhoneConfig, PhoneEvent, Picture};
use common::{Cloud, WEARER};
use overhear::overhear;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

const BOB: &str = "bob@example.org";
const APP: &str = "org.example.my-rust";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(20);
const PERMISSIONS: [&str; 5] = ["MICROPHONE", "CAMERA", "LOCATION", "CALENDAR", "READ_NOTIFICATIONS"];

/// Hands its sessions to the test, and tells how they end.
struct Handed {
    sessions: UnboundedSender<AppSession>,
    stops: UnboundedSender<(String, String)>,
}

impl App for Handed {
    async fn on_session(&self, session: AppSession) -> Result {
        self.sessions.send(session)?;
        Ok(())
    }

    async fn on_stop(&self, session_id: &str, _: &str, reason: &str) -> Result {
        self.stops.send((session_id.to_owned(), reason.to_owned()))?;
        Ok(())
    }
}

struct Stage {
    cloud: Cloud,
    app: RunningServer,
    sessions: UnboundedReceiver<AppSession>,
    stops: UnboundedReceiver<(String, String)>,
}

/// A wearer: the phone, what happens to it, and every message that the cloud sends it.
struct Wearer {
    phone: Phone,
    watch: Watch,
    messages: UnboundedReceiver<Value>,
    token: String,
}

impl Stage {
    async fn set() -> Stage {
        Stage::set_with("").await
    }

    /// With this configuration of the server.
    async fn set_with(config: &str) -> Stage {
        let (send, sessions) = unbounded_channel();
        let (stop, stops) = unbounded_channel();
        let address = "127.0.0.1:0".parse().expect("an address");
        // Every webhook of this server is signed.
        let builder = AppServer::builder(APP, KEY).listen_on(address).require_signature();
        let app = builder.start(Handed { sessions: send, stops: stop }).await.expect("it listens");
        let cloud = Cloud::start_with(config, &[]);
        let url = format!("http://{}", app.address());
        let mut add = vec!["app", "add", APP, "--api-key", KEY, "--url", &url];
        add.extend(PERMISSIONS.iter().flat_map(|permission| ["--permission", permission]));
        cloud.admin_ok(&add);
        for wearer in [WEARER, BOB] {
            cloud.admin_ok(&["app", "install", wearer, APP]);
        }
        Stage { cloud, app, sessions, stops }
    }

    async fn wearer(&self, address: &str) -> Wearer {
        let token = self.cloud.admin_ok(&["token", address]);
        let (hear, messages) = unbounded_channel();
        let relay = overhear(&self.cloud.url, move |message| {
            // Who has ended hears nothing any more.
            let _ = hear.send(message);
        });
        let phone = Phone::connect(PhoneConfig::new(relay.await, &token)).await.expect("the phone connects");
        let watch = phone.watch();
        Wearer { phone, watch, messages, token }
    }

    async fn start(&mut self, wearer: &Wearer) -> AppSession {
        wearer.phone.start_app(APP).await.expect("told");
        within(self.sessions.recv()).await.expect("a session")
    }
}

impl Wearer {
    async fn tell(&self, message: Value) {
        self.phone.send_text(&message.to_string()).await.expect("told");
    }

    /// Waits until the app has drawn this.
    async fn sees(&mut self, view: View, text: &str) {
        let mut saw = Vec::new();
        let seen = async {
            loop {
                let PhoneEvent::Display { view: on, picture, .. } = self.watch.next().await else { continue };
                let drawn = match picture {
                    Picture::Text(text) | Picture::Note(text) => text,
                    Picture::Columns(one, other) | Picture::Card(one, other) => format!("{one} | {other}"),
                    Picture::Bitmap(bitmap) => format!("picture {}×{}", bitmap.width(), bitmap.height()),
                };
                if on == view && drawn.contains(text) {
                    return;
                }
                saw.push(drawn);
            }
        };
        let seen = timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "waited for {text:?}, saw {saw:?}");
    }

    /// The next sound that the phone has played: its bytes, or why not.
    async fn has_heard(&mut self) -> Result<u64, String> {
        let played = async {
            loop {
                if let PhoneEvent::Played { outcome, .. } = self.watch.next().await {
                    return outcome;
                }
            }
        };
        timeout(PATIENCE, played).await.expect("something is played")
    }

    /// The next message of the cloud of this type.
    async fn hears(&mut self, kind: &str) -> Value {
        let heard = async {
            while let Some(message) = self.messages.recv().await {
                if message["type"] == kind {
                    return message;
                }
            }
            panic!("the phone hears nothing any more");
        };
        timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("waited for a {kind}"))
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("in time")
}

#[tokio::test]
async fn a_life_with_every_kind_of_event() -> Result {
    let mut stage = Stage::set().await;
    let mut ann = stage.wearer(WEARER).await;
    let session = stage.start(&ann).await;
    assert_eq!((session.wire_id(), session.user_id()), (format!("{WEARER}-{APP}").as_str(), WEARER));
    assert_eq!(session.id().len(), 36, "this server gives each start a UUID");
    let events = session.events();

    let mut words = events.transcription("en-US").await?;
    within(session.messages().users()).await?;
    ann.phone.say("one two three").await?;
    assert!(within(words.next()).await.is_some_and(|heard| heard.text == "one two three" && heard.is_final));
    session.layouts().show_text_wall("a wall").await?;
    ann.sees(View::Main, "a wall").await;
    session.layouts().show_double_text_wall("top", "bottom").await?;
    ann.sees(View::Main, "top | bottom").await;
    session.layouts().show_bitmap(&Bitmap::new(576, 135)).await?;
    ann.sees(View::Main, "picture 576×135").await;
    session.dashboard().write("on the dashboard", &[DashboardMode::Main]).await?;
    ann.tell(json!({"type": "head_position", "position": "up"})).await;
    ann.sees(View::Dashboard, "on the dashboard").await;

    macro_rules! comes {
        ($stream:expr, $message:tt, |$event:ident| $fits:expr) => {{
            let mut stream = within($stream).await?;
            // The server takes the messages of a connection in order: what it answers now comes after the subscription.
            within(session.camera().existing_stream()).await?;
            ann.tell(json!($message)).await;
            let $event = within(stream.next()).await.expect("an event");
            assert!($fits, "{}", stringify!($stream));
        }};
    }
    comes!(events.button_press(), {"type": "button_press", "buttonId": "camera", "pressType": "long"}, |e| e.press_type == "long");
    comes!(events.head_position(), {"type": "head_position", "position": "down"}, |e| e.position == "down");
    comes!(events.touch_gesture("double_tap"), {"type": "touch_event", "device_model": "m", "gesture_name": "double_tap", "timestamp": 1}, |e| e.gesture_name == "double_tap");
    comes!(events.phone_notifications(), {"type": "phone_notification", "notificationId": "n", "app": "Mail", "title": "Lunch", "content": "?", "priority": "normal"}, |e| e.title == "Lunch");
    comes!(events.phone_notifications_dismissed(), {"type": "phone_notification_dismissed", "notificationId": "n", "app": "Mail", "title": "Lunch", "content": "?", "notificationKey": "k"}, |e| e.notification_id == "n");
    comes!(events.phone_battery(), {"type": "phone_battery_update", "level": 44, "charging": true, "timeRemaining": 90}, |e| e.level == Some(44.into()));
    comes!(events.voice_activity(), {"type": "VAD", "status": true}, |e| e.speaking());
    comes!(events.location(), {"type": "location_update", "lat": 48.1, "lng": 11.5, "accuracy": 5}, |e| e.lat.as_f64() == Some(48.1));
    comes!(events.calendar(), {"type": "calendar_event", "eventId": "e", "title": "dentist", "dtStart": "2026-01-02T03:00:00.000Z", "dtEnd": "2026-01-02T04:00:00.000Z", "timezone": "Europe/Berlin", "timeStamp": "2026-01-01T00:00:00.000Z"}, |e| e.title == "dentist");
    comes!(events.vps_coordinates(), {"type": "vps_coordinates", "deviceModel": "t", "requestId": "v-1", "x": 1, "y": 2, "z": 3, "qx": 0, "qy": 0, "qz": 0, "qw": 1, "confidence": 0.5}, |e| e.request_id.as_deref() == Some("v-1"));
    comes!(events.photo_taken(), {"type": "photo_taken", "photoData": "cGhvdG8=", "mimeType": "image/jpeg", "timestamp": 1}, |e| matches!(e, PhotoTaken { photo_data, .. } if photo_data == "cGhvdG8="));
    comes!(events.glasses_connection(), {"type": "glasses_connection_state", "modelName": "Mentra Live", "status": "CONNECTED", "wifi": {"connected": true, "ssid": "home"}}, |e| e.is_connected());
    // Before it the server may tell what it knew.
    within(async {
        while !session.device().is_wifi_connected() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    let mut chunks = session.audio().chunks().await?;
    within(session.camera().existing_stream()).await?;
    ann.phone.sound(vec![1; 3200].into(), Pace::AtOnce).await?;
    assert!(within(chunks.next()).await.is_some_and(|chunk| !chunk.data.is_empty()));

    session.led().blink(LedColor::Red, Duration::from_millis(101), Duration::from_millis(102), 3).await?;
    let light = ann.hears("rgb_led_control").await;
    assert_eq!((&light["color"], &light["ontime"], &light["count"]), (&"red".into(), &101.into(), &3.into()));
    session.device().request_wifi_setup(Some("to stream")).await?;
    assert_eq!(ann.hears("show_wifi_setup").await["reason"], "to stream");

    ann.phone.stop_app(APP).await?;
    let (id, reason) = within(stage.stops.recv()).await.expect("a stop");
    assert_eq!((id, reason.as_str()), (session.id(), "user_disabled"));
    assert_eq!(within(words.next()).await, None);
    stage.app.stop().await?;
    Ok(())
}

#[tokio::test]
async fn places_settings_and_storage() -> Result {
    let mut stage = Stage::set().await;
    let mut ann = stage.wearer(WEARER).await;
    let session = stage.start(&ann).await;

    let asking = tokio::spawn({
        let location = session.location();
        async move { location.latest(LocationTier::High).await }
    });
    let question = ann.hears("request_single_location").await;
    assert_eq!(question["accuracy"], "high");
    ann.tell(json!({"type": "location_update", "lat": 46.3, "lng": 9.3, "correlationId": question["correlationId"]}))
        .await;
    assert_eq!(within(asking).await??.lat.as_f64(), Some(46.3));
    let _updates = session.location().updates(LocationTier::Realtime).await?;
    while ann.hears("set_location_tier").await["tier"] != "realtime" {}

    let mut changes = session.settings().value_changes("theme")?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("{}/appsettings/{APP}", stage.cloud.url);
    let set = http.post(url).bearer_auth(&ann.token).json(&json!({"key": "theme", "value": "dark"})).send().await?;
    assert_eq!(set.status(), 200);
    assert_eq!(within(changes.next()).await.and_then(|change| change.new), Some("dark".into()));
    assert_eq!(session.settings().get::<String>("theme").as_deref(), Some("dark"));
    within(session.settings().fetch()).await?;
    assert_eq!(changes.try_next(), None, "a change is told once");

    let storage = session.simple_storage();
    storage.set("first", "1").await?;
    storage.set_many([("second".to_owned(), "2".to_owned())]).await?;
    assert_eq!(storage.reload().await?.len(), 2);
    assert_eq!((storage.delete("first").await?, storage.delete("first").await?), (true, false));
    assert_eq!((storage.get("second").await?.as_deref(), storage.clear().await?), (Some("2"), true));
    assert!(storage.reload().await?.is_empty());
    Ok(())
}

/// Sound of the glasses becomes words, and words of another language: by the engine that knows its own numbered words.
#[tokio::test]
async fn words_are_heard_and_translated() -> Result {
    let mut stage = Stage::set_with("[[speech.engines]]\nkind = \"fake\"\nscript = { translates = true }\n").await;
    let ann = stage.wearer(WEARER).await;
    let session = stage.start(&ann).await;
    let mut words = session.events().transcription("en-US").await?;
    let mut translated = session.events().translation("en-US", "fr-FR").await?;
    within(session.camera().existing_stream()).await?;
    // A little silence behind it, as there always is.
    ann.phone.sound(fake::sound([1, 2, 0]), Pace::AtOnce).await?;
    let heard = within(async {
        loop {
            match words.next().await {
                Some(heard) if !heard.is_final => {}
                heard => return heard,
            }
        }
    });
    assert_eq!(heard.await.map(|heard| heard.text).as_deref(), Some("w1 w2"));
    let heard = within(async {
        loop {
            match translated.next().await {
                Some(heard) if !heard.is_final => {}
                heard => return heard,
            }
        }
    });
    let heard = heard.await.expect("a translation");
    assert_eq!((heard.text.as_str(), heard.original_text.as_deref()), ("fr-FR:w1 fr-FR:w2", Some("w1 w2")));
    assert_eq!((heard.did_translate, heard.translate_language.as_deref()), (Some(true), Some("fr-FR")));
    Ok(())
}

/// The voice is the one that this machine has.
#[tokio::test]
async fn a_text_is_spoken_and_a_sound_is_heard_while_it_is_made() -> Result {
    let mut stage = Stage::set().await;
    let mut ann = stage.wearer(WEARER).await;
    let session = stage.start(&ann).await;
    let audio = session.audio();

    within(audio.speak("Good morning")).await?;
    let said = ann.has_heard().await.expect("it was heard to its end");
    assert!(said > 16_000, "half a second of sound at the least: {said} bytes");
    let asked = ann.hears("audio_play_request").await;
    let spoken = reqwest::get(asked["audioUrl"].as_str().expect("an address")).await?;
    assert_eq!((spoken.status().as_u16(), &spoken.headers()["content-type"]), (200, &"audio/wav".parse()?));
    assert!(spoken.bytes().await?.starts_with(b"RIFF"));
    let longer = Speech { voice_id: Some("slt".to_owned()), ..Speech::new("Good morning, and a good evening, too") };
    within(audio.speak(longer)).await?;
    assert!(ann.has_heard().await.is_ok_and(|bytes| bytes > said));

    let nothing = within(audio.play(format!("{}/no-such-sound.mp3", stage.cloud.url))).await;
    assert!(matches!(&nothing, Err(Error::Refused { message, .. }) if message.contains("404")), "{nothing:?}");
    ann.has_heard().await.expect_err("there is nothing to hear");

    let output = audio.output_stream().await?;
    output.write(&[1; 600]).await?;
    output.write(&[2; 400]).await?;
    output.end().await?;
    assert_eq!(ann.has_heard().await, Ok(1000));
    Ok(())
}

#[tokio::test]
async fn two_wearers_use_one_app() -> Result {
    let mut stage = Stage::set().await;
    let (mut ann, mut bob) = (stage.wearer(WEARER).await, stage.wearer(BOB).await);
    let (anns, bobs) = (stage.start(&ann).await, stage.start(&bob).await);
    let mut words = anns.events().transcription("en-US").await?;
    let mut presses = bobs.events().button_press().await?;
    within(anns.camera().existing_stream()).await?;
    within(bobs.camera().existing_stream()).await?;
    bob.phone.say("nobody listens").await?;
    ann.phone.say("from ann").await?;
    ann.phone.press("left", Press::Short).await?;
    bob.phone.press("right", Press::Short).await?;
    assert_eq!(within(words.next()).await.map(|heard| heard.text).as_deref(), Some("from ann"));
    assert_eq!(within(presses.next()).await.map(|press| press.button_id).as_deref(), Some("right"));
    anns.layouts().show_text_wall("for ann").await?;
    bobs.layouts().show_text_wall("for bob").await?;
    ann.sees(View::Main, "for ann").await;
    bob.sees(View::Main, "for bob").await;

    let mut heard = bobs.messages().received()?;
    anns.messages().broadcast(json!({"word": "to all"})).await?;
    assert_eq!(within(heard.next()).await.map(|message| message.payload), Some(json!({"word": "to all"})));
    assert!(within(anns.messages().send_to(BOB, json!("to bob"))).await?);
    assert_eq!(within(heard.next()).await.map(|message| message.sender_user_id).as_deref(), Some(WEARER));
    assert!(!within(anns.messages().send_to("nobody@example.org", json!({}))).await?);
    assert_eq!(within(anns.messages().user_count()).await?, 2);
    let mut rooms = bobs.messages().room_updates()?;
    bobs.messages().join_room("kitchen", None).await?;
    anns.messages().join_room("kitchen", None).await?;
    while within(rooms.next()).await.is_some_and(|update| update.room_data.member_count != 2) {}

    // One of them leaves, and is not started again.
    anns.disconnect().await;
    let (_, reason) = within(stage.stops.recv()).await.expect("a stop");
    assert_eq!(reason, "disconnected");
    bobs.layouts().show_text_wall("bob goes on").await?;
    bob.sees(View::Main, "bob goes on").await;
    Ok(())
}

#[tokio::test]
async fn a_cloud_that_goes_away_costs_no_session_and_no_call() -> Result {
    let mut stage = Stage::set().await;
    let ann = stage.wearer(WEARER).await;
    let session = stage.start(&ann).await;
    let mut links = session.connection()?;
    stage.cloud.terminate();
    assert!(matches!(within(links.next()).await, Some(Link::Lost { .. })));
    assert!(session.is_live());
    // Nobody listens any more, and the call does not wait for it.
    session.layouts().show_text_wall("later").await?;
    let late = timeout(PATIENCE, session.camera().existing_stream()).await?;
    assert!(matches!(late, Err(Error::Timeout { sent: false, .. })), "{late:?}");
    Ok(())
}
