//! Every method, against the fake cloud: what leaves, and what comes of the answer. In virtual time.

use std::time::Duration;

use bifocal_sdk::prelude::*;
use bifocal_sdk::testing::{FakeCloud, FakeWearer, Setting};
use bifocal_sdk::wire::{DashboardMode, DashboardSection, DisplayOutcome, Layout, LocationTier, RoomConfig, View};
use bifocal_sdk::{
    Bitmap, LedColor, ManagedStreamOptions, PhotoOptions, Play, Rendering, Show, Speech, StreamOptions, VoiceSettings,
    WifiStatus,
};
use serde_json::{Map, Value, json};

/// An app of which the test does everything itself.
struct Idle;

impl App for Idle {
    async fn on_session(&self, _: AppSession) -> Result {
        Ok(())
    }

    async fn on_tool_call(&self, call: ToolCall) -> Result<ToolReply> {
        match call.tool_id.as_str() {
            "add" => {
                let sum = call.number("a").unwrap_or_default() + call.number("b").unwrap_or_default();
                Ok(ToolReply::Text(format!("{} for {}, {}", sum, call.user_id, call.session.is_some())))
            }
            "say" => Ok(ToolReply::Text(call.text("words").unwrap_or("nothing").to_owned())),
            "fail" => Err("it does not work".into()),
            _ => Ok(ToolReply::AppShowsIt),
        }
    }
}

async fn ann() -> (FakeCloud<Idle>, FakeWearer, AppSession) {
    let cloud = FakeCloud::new(Idle);
    let ann = cloud.start("ann@example.org").await;
    let session = ann.session();
    (cloud, ann, session)
}

fn any(_: &Value) -> bool {
    true
}

#[tokio::test(start_paused = true)]
async fn layouts() -> Result {
    let (_cloud, ann, session) = ann().await;
    let layouts = session.layouts();
    layouts.show_text_wall("wall").await?;
    layouts.show_double_text_wall("top", "bottom").await?;
    layouts.show_reference_card("title", "text").await?;
    layouts.show_dashboard_card("left", "right").await?;
    layouts.show(Layout::TextWall { text: "short".into() }, Show::lasting(Duration::from_secs(2))).await?;
    layouts.clear().await?;
    let last = ann.gets("display_event", |message| message["layout"]["layoutType"] == "clear_view").await;
    assert_eq!((&last["view"], &last["packageName"]), (&"main".into(), &"org.example.test".into()));
    let short = ann.gets("display_event", |message| message["layout"]["text"] == "short").await;
    assert_eq!(short["durationMs"], 2000);
    let card = ann.gets("display_event", |message| message["view"] == "dashboard").await;
    assert_eq!(card["layout"], json!({"layoutType": "dashboard_card", "leftText": "left", "rightText": "right"}));
    assert_eq!(ann.saw(), ["wall", "top\nbottom", "title\ntext", "short", ""]);
    let shown = layouts.show_reported(Layout::TextWall { text: "told".into() }, Show::default()).await?;
    assert_eq!(shown, DisplayOutcome::Shown);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn pictures() -> Result {
    let (_cloud, ann, session) = ann().await;
    let mut picture = Bitmap::new(576, 135);
    picture.set(1, 1);
    session.layouts().show_bitmap(&picture).await?;
    let shown = ann.gets("display_event", |message| message["layout"]["layoutType"] == "bitmap_view").await;
    assert!(shown["layout"]["data"].as_str().is_some_and(|data| data.starts_with("Qk")), "a BMP in base64");
    let mut png = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_pixel(40, 20, image::Luma([255])).write_to(&mut png, image::ImageFormat::Png)?;
    let png = png.into_inner();
    let rendering = Rendering { width: 16, height: 8, ..Rendering::default() };
    session.layouts().show_image(png.clone(), rendering).await?;
    let mut light = Bitmap::new(16, 8);
    (0..8).for_each(|y| (0..16).for_each(|x| light.set(x, y)));
    ann.gets("display_event", |message| message["layout"]["data"] == light.to_base64()).await;
    let none = session.layouts().show_image(&b"<svg/>"[..], Rendering::default()).await;
    assert!(matches!(none, Err(Error::Invalid(why)) if why.contains("JPEG")));
    let frames = [Bitmap::new(8, 8), Bitmap::new(16, 8)];
    let animation = session.layouts().show_bitmap_animation(&frames, Duration::from_millis(500), true).await?;
    let shown = ann.gets("display_event", |message| message["layout"]["layoutType"] == "bitmap_animation").await;
    assert_eq!((&shown["layout"]["interval"], &shown["layout"]["repeat"]), (&500.into(), &true.into()));
    animation.stop().await?;
    ann.gets("display_event", |message| message["layout"]["layoutType"] == "clear_view").await;
    let none = session.layouts().show_bitmap_animation(&[], Duration::ZERO, false).await;
    assert!(matches!(none, Err(Error::Invalid(_))));
    let large = session.layouts().show_bitmap(&Bitmap::new(4096, 4096)).await;
    assert!(matches!(large, Err(Error::Invalid(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn audio() -> Result {
    let (_cloud, ann, session) = ann().await;
    let audio = session.audio();
    audio.play("https://example.org/a.mp3").await?;
    let quiet = Play { volume: 0.5, stop_other_audio: false, track: 1, ..Play::new("https://example.org/b.mp3") };
    audio.play(quiet).await?;
    let request = ann.gets("audio_play_request", |message| message["audioUrl"] == "https://example.org/b.mp3").await;
    assert_eq!(
        (&request["volume"], &request["stopOtherAudio"], &request["trackId"]),
        (&0.5.into(), &false.into(), &1.into())
    );
    let speech = Speech {
        voice_id: Some("v".into()),
        voice_settings: Some(VoiceSettings { speed: Some(1.5), ..VoiceSettings::default() }),
        ..Speech::new("good day & more")
    };
    audio.speak(speech).await?;
    let request = ann.gets("audio_play_request", |message| message["trackId"] == 2).await;
    let expected =
        "http://fake.invalid/api/tts?text=good+day+%26+more&voice_id=v&voice_settings=%7B%22speed%22%3A1.5%7D";
    assert_eq!(request["audioUrl"], expected);
    audio.stop(Some(2)).await?;
    ann.gets("audio_stop_request", |message| message["trackId"] == 2).await;
    assert!(matches!(audio.play(Play { volume: 2.0, ..Play::new("x") }).await, Err(Error::Invalid(_))));
    ann.is_out_of_earshot();
    let late = audio.play("https://example.org/c.mp3").await;
    assert!(matches!(late, Err(Error::Timeout { asked: "audio_play_request", sent: true, .. })), "{late:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn sound_that_is_made_while_it_is_played() -> Result {
    let (_cloud, ann, session) = ann().await;
    let output = session.audio().output_stream().await?;
    assert_eq!((output.id().len(), output.url().is_empty()), (36, false));
    output.write(b"mp3").await?;
    let written = ann.gets("binary", any).await;
    assert_eq!((&written["streamId"], &written["bytes"]), (&output.id().into(), &3.into()));
    let id = output.id().to_owned();
    output.end().await?;
    ann.gets("audio_stream_end", |message| message["streamId"] == id).await;
    session.audio().output_stream().await?.flush().await?;
    ann.gets("audio_stop_request", |message| message["trackId"] == 1).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn sound_that_is_heard() -> Result {
    let (_cloud, ann, session) = ann().await;
    let mut chunks = session.audio().chunks().await?;
    ann.sounds(vec![1, 0, 2, 0]).await;
    let chunk = chunks.next().await.expect("a chunk");
    assert_eq!(chunk.samples().collect::<Vec<_>>(), [1, 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn photos() -> Result {
    let (_cloud, ann, session) = ann().await;
    let camera = session.camera();
    ann.holds(&b"a photo"[..]);
    let photo = camera.photo(PhotoOptions { size: "small".into(), ..PhotoOptions::default() }).await?;
    assert_eq!((&photo.data[..], photo.mime_type.as_str()), (&b"a photo"[..], "image/jpeg"));
    let request = ann.gets("photo_request", any).await;
    assert_eq!((&request["size"], &request["compress"]), (&"small".into(), &"none".into()));
    ann.cannot_take_a_photo("CAMERA_BUSY");
    let busy = camera.photo(PhotoOptions::default()).await;
    assert!(matches!(busy, Err(Error::Refused { code: Some(code), .. }) if code == "CAMERA_BUSY"));
    let receipt = camera.photo_to("https://example.org/photos", Some("token"), PhotoOptions::default()).await?;
    assert_eq!(receipt.url.as_deref(), Some("https://example.org/photos"));
    let request = ann.gets("photo_request", |message| message["authToken"] == "token").await;
    assert_eq!(request["customWebhookUrl"], "https://example.org/photos");
    camera.set_fov(100, Some("top")).await?;
    let fov = ann.gets("camera_fov_set", any).await;
    assert_eq!((&fov["fov"], &fov["roiPosition"]), (&100.into(), &"top".into()));
    assert!(matches!(camera.set_fov(10, None).await, Err(Error::Invalid(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn streams() -> Result {
    let (_cloud, ann, session) = ann().await;
    let camera = session.camera();
    let mut statuses = camera.stream_status().await?;
    let mut managed_statuses = camera.managed_stream_status().await?;
    let status = camera.start_stream("rtmp://example.org/live").await?;
    assert_eq!(status.stream_id.as_deref(), Some("fake"));
    assert_eq!(statuses.next().await.map(|status| status.status), Some(status.status));
    let request = ann.gets("rtmp_stream_request", any).await;
    assert_eq!(request["rtmpUrl"], "rtmp://example.org/live");
    ann.cannot_stream("STREAM_CONFLICT: a direct stream runs");
    let refused = camera.start_managed_stream(ManagedStreamOptions::default()).await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("STREAM_CONFLICT")), "{refused:?}");
    ann.cannot_stream("CAMERA_BUSY: a photo is taken");
    let refused = camera.start_stream("rtmp://example.org/other").await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("CAMERA_BUSY")), "{refused:?}");
    camera.stop_stream(Some("fake")).await?;
    ann.gets("rtmp_stream_stop", |message| message["streamId"] == "fake").await;
    let http = StreamOptions::from("http://example.org");
    assert!(matches!(camera.start_stream(http).await, Err(Error::Invalid(_))));
    let options = ManagedStreamOptions { quality: Some("720p".into()), ..ManagedStreamOptions::default() };
    let managed = camera.start_managed_stream(options).await?;
    assert!(managed.hls_url.is_some_and(|url| url.ends_with(".m3u8")));
    assert!(managed_statuses.next().await.is_some());
    ann.gets("managed_stream_request", |message| message["quality"] == "720p").await;
    camera.stop_managed_stream().await?;
    ann.gets("managed_stream_stop", any).await;
    assert_eq!(camera.existing_stream().await?, None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn lights() -> Result {
    let (_cloud, ann, session) = ann().await;
    let led = session.led();
    led.on(LedColor::Green).await?;
    led.solid(LedColor::Blue, Duration::from_millis(103)).await?;
    led.blink(LedColor::Red, Duration::from_millis(101), Duration::from_millis(102), 3).await?;
    led.off().await?;
    ann.gets("rgb_led_control", |message| message["action"] == "off" && message.get("color").is_none()).await;
    let blink = ann.gets("rgb_led_control", |message| message["color"] == "red").await;
    assert_eq!((&blink["ontime"], &blink["offtime"], &blink["count"]), (&101.into(), &102.into(), &3.into()));
    let solid = ann.gets("rgb_led_control", |message| message["color"] == "blue").await;
    assert_eq!((&solid["ontime"], &solid["count"]), (&103.into(), &1.into()));
    ann.gets("rgb_led_control", |message| message["color"] == "green" && message["ontime"] == 1000).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn places() -> Result {
    let (_cloud, ann, session) = ann().await;
    let late = session.location().latest(LocationTier::High).await;
    assert!(matches!(late, Err(Error::Timeout { asked: "location_poll_request", .. })));
    ann.is_at(48.1, 11.5).await;
    let place = session.location().latest(LocationTier::High).await?;
    assert_eq!(place.lat.as_f64(), Some(48.1));
    ann.gets("location_poll_request", |message| message["accuracy"] == "high").await;
    let mut places = session.location().updates(LocationTier::Realtime).await?;
    let update = ann.gets("subscription_update", any).await;
    let expected = json!([{"stream": "location_stream", "rate": "realtime"}, "location_update"]);
    assert_eq!(update["subscriptions"], expected);
    ann.subscriptions(2).await;
    ann.is_at(47.2, 10.2).await;
    assert_eq!(places.next().await.and_then(|place| place.lat.as_f64()), Some(47.2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dashboards() -> Result {
    let (_cloud, ann, session) = ann().await;
    let dashboard = session.dashboard();
    let mut modes = dashboard.mode_changes()?;
    dashboard.write("both", &[DashboardMode::Main, DashboardMode::Expanded]).await?;
    dashboard.write_to_main("on main").await?;
    dashboard.write_to_expanded("on expanded").await?;
    dashboard.system().set(DashboardSection::TopLeft, "12:00").await?;
    dashboard.system().set_view_mode(DashboardMode::Expanded).await?;
    ann.gets("dashboard_mode_change", |message| message["mode"] == "expanded").await;
    ann.gets("dashboard_content_update", |message| message["modes"] == json!(["main", "expanded"])).await;
    ann.gets("dashboard_content_update", |message| message["content"] == "on main").await;
    ann.gets("dashboard_content_update", |message| message["modes"] == json!(["expanded"])).await;
    ann.gets("dashboard_system_update", |message| message["section"] == "topLeft").await;
    assert_eq!(dashboard.mode(), DashboardMode::Main);
    ann.tells(json!({"type": "dashboard_mode_changed", "mode": "none"}));
    assert_eq!(modes.next().await, Some(DashboardMode::Hidden));
    assert_eq!(dashboard.mode(), DashboardMode::Hidden);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn storage() -> Result {
    let (cloud, ann, session) = ann().await;
    let storage = session.simple_storage();
    assert_eq!(storage.get("a").await?, None);
    storage.set("a", "1").await?;
    storage.set_many([("b".to_owned(), "2".to_owned()), ("c.d".to_owned(), "3".to_owned())]).await?;
    assert_eq!(storage.get("a").await?.as_deref(), Some("1"));
    assert_eq!((storage.keys().await?, storage.size().await?), (vec!["a".into(), "b".into(), "c.d".into()], 3));
    assert_eq!((storage.has_key("b").await?, storage.has_key("x").await?), (true, false));
    assert_eq!(storage.all().await?, ann.storage());
    let bob = cloud.start("bob@example.org").await;
    assert_eq!(bob.session().simple_storage().get("a").await?, None);
    assert_eq!((storage.delete("a").await?, storage.delete("a").await?), (true, false));
    assert_eq!(storage.reload().await?.len(), 2);
    assert_eq!((storage.clear().await?, storage.clear().await?), (true, false));
    assert!(ann.storage().is_empty());
    assert!(matches!(storage.set("long", "x".repeat(100_001)).await, Err(Error::Invalid(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn settings() -> Result {
    let (_cloud, ann, session) = ann().await;
    let settings = session.settings();
    let mut changes = settings.changes()?;
    let mut theme = settings.value_changes("theme")?;
    assert_eq!((settings.get::<String>("theme"), settings.has("theme")), (None, false));
    ann.sets("theme", "dark");
    let change = changes.next().await.expect("a change");
    assert_eq!(change.changes["theme"].new, Some("dark".into()));
    assert_eq!(theme.next().await.map(|change| (change.old, change.new)), Some((None, Some("dark".into()))));
    assert_eq!(settings.get::<String>("theme").as_deref(), Some("dark"));
    assert_eq!((settings.get::<u8>("theme"), settings.all().len()), (None, 1));
    assert!(settings.setting("theme").is_some_and(|setting| setting.value == Some("dark".into())));
    assert_eq!(settings.fetch().await?.len(), 1);
    let mut system = settings.system_changes()?;
    let mut metric = settings.system_value_changes("metricSystemEnabled")?;
    assert_eq!(settings.system::<bool>("metricSystemEnabled"), Some(false));
    ann.tells(
        json!({"type": "augmentos_settings_update", "sessionId": "s", "settings": {"metricSystemEnabled": true}}),
    );
    assert_eq!(metric.next().await.and_then(|change| change.new), Some(true.into()));
    assert!(system.next().await.is_some());
    assert_eq!(settings.system::<bool>("metricSystemEnabled"), Some(true));
    assert_eq!(settings.system_all()["brightness"], 50);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn other_wearers() -> Result {
    let (cloud, ann, session) = ann().await;
    let bob = cloud.start("bob@example.org").await;
    let messages = session.messages();
    let mut heard = bob.session().messages().received()?;
    messages.broadcast(json!({"word": "all"})).await?;
    assert_eq!(heard.next().await.map(|message| message.payload), Some(json!({"word": "all"})));
    assert!(messages.send_to("bob@example.org", json!("bob")).await?);
    let message = heard.next().await.expect("a message");
    assert_eq!((message.sender_user_id.as_str(), message.payload), ("ann@example.org", json!("bob")));
    assert!(!messages.send_to("nobody@example.org", json!({})).await?);
    messages.broadcast_to_room("kitchen", json!({})).await?;
    messages.join_room("kitchen", Some(RoomConfig { is_private: Some(true), ..RoomConfig::default() })).await?;
    messages.leave_room("kitchen").await?;
    ann.gets("app_broadcast_message", |message| message["roomId"] == "kitchen").await;
    ann.gets("app_room_join", |message| message["roomConfig"] == json!({"isPrivate": true})).await;
    ann.gets("app_room_leave", |message| message["roomId"] == "kitchen").await;
    let users: Vec<_> = messages.users().await?.into_iter().map(|user| user.user_id).collect();
    assert_eq!(users, ["ann@example.org", "bob@example.org"]);
    assert_eq!((messages.user_count().await?, messages.is_active("BOB@example.org").await?), (2, true));
    assert!(!messages.is_active("carl@example.org").await?);
    let (mut joined, mut left, mut rooms) = (messages.joined()?, messages.left()?, messages.room_updates()?);
    ann.tells(json!({"type": "app_user_joined", "userId": "u", "sessionId": "s", "joinedAt": 0}));
    ann.tells(json!({"type": "app_user_left", "userId": "u", "sessionId": "s", "leftAt": 0}));
    ann.tells(
        json!({"type": "app_room_updated", "roomId": "r", "updateType": "room_closed", "roomData": {"memberCount": 0}}),
    );
    assert_eq!(joined.next().await.map(|joined| joined.user_id).as_deref(), Some("u"));
    assert_eq!(left.next().await.map(|left| left.user_id).as_deref(), Some("u"));
    assert_eq!(rooms.next().await.map(|update| update.room_id).as_deref(), Some("r"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_glasses_themselves() -> Result {
    let capabilities = serde_json::from_value(json!({"modelName": "Mentra Live", "hasCamera": true}))?;
    let setting =
        Setting { capabilities: Some(capabilities), timezone: Some("Europe/Berlin".into()), settings: vec![] };
    let cloud = FakeCloud::new(Idle);
    let ann = cloud.start_with("ann@example.org", setting).await;
    let session = ann.session();
    assert!(session.capabilities().is_some_and(|glasses| glasses.has_camera && !glasses.has_display));
    assert_eq!(session.timezone().as_deref(), Some("Europe/Berlin"));
    assert_eq!(session.permissions(), None);
    let device = session.device();
    let (mut changes, mut models) = (device.state_changes()?, device.capabilities_changes()?);
    ann.tells(json!({"type": "device_state_update", "state": {"batteryLevel": 66, "caseOpen": true}}));
    assert_eq!(changes.next().await.and_then(|state| state.battery_level?.as_i64()), Some(66));
    assert_eq!(device.state().case_open, Some(true));
    ann.tells(json!({"type": "capabilities_update", "capabilities": null, "modelName": null}));
    assert!(models.next().await.is_some_and(|update| update.model_name.is_none()));
    assert_eq!(session.capabilities(), None);
    assert_eq!((device.wifi(), device.is_wifi_connected()), (None, false));
    let mut connection = session.events().glasses_connection().await?;
    let wifi = json!({"connected": true, "ssid": "home"});
    ann.sends("glasses_connection_state", json!({"modelName": "Mentra Live", "status": "CONNECTED", "wifi": wifi}))
        .await;
    assert!(connection.next().await.is_some_and(|state| state.is_connected()));
    assert_eq!(device.wifi(), Some(WifiStatus { connected: true, ssid: Some("home".into()) }));
    device.request_wifi_setup(Some("to stream")).await?;
    ann.gets("request_wifi_setup", |message| message["reason"] == "to stream").await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_stream_brings_its_events() -> Result {
    let (_cloud, ann, session) = ann().await;
    let events = session.events();
    macro_rules! comes {
        ($stream:expr, $name:expr, $data:tt, |$event:ident| $fits:expr) => {{
            let mut stream = $stream.await?;
            ann.sends($name, json!($data)).await;
            let $event = stream.next().await.expect($name);
            assert!($fits, "{}", $name);
        }};
    }
    comes!(events.transcription("en-US"), "transcription:en-US", {"text": "hi", "isFinal": true}, |e| e.text == "hi" && e.is_final);
    comes!(events.transcription("auto"), "transcription:auto", {"text": "hi"}, |e| !e.is_final);
    comes!(events.translation("en-US", "fr-FR"), "translation:en-US-to-fr-FR", {"text": "salut"}, |e| e.text == "salut");
    comes!(events.button_press(), "button_press", {"buttonId": "camera", "pressType": "long"}, |e| e.press_type == "long");
    comes!(events.head_position(), "head_position", {"position": "up"}, |e| e.position == "up");
    comes!(events.touch(), "touch_event", {"gesture_name": "double_tap"}, |e| e.gesture_name == "double_tap");
    comes!(events.touch_gesture("up_swipe"), "touch_event:up_swipe", {"gesture_name": "up_swipe"}, |e| e.gesture_name == "up_swipe");
    comes!(events.phone_notifications(), "phone_notification", {"notificationId": "1", "title": "Lunch"}, |e| e.title == "Lunch");
    comes!(events.phone_notifications_dismissed(), "phone_notification_dismissed", {"notificationId": "1"}, |e| e.notification_id == "1");
    comes!(events.glasses_battery(), "glasses_battery_update", {"level": 5}, |e| e.level == Some(5.into()));
    comes!(events.phone_battery(), "phone_battery_update", {"level": 6, "charging": true}, |e| e.charging == Some(true));
    comes!(events.voice_activity(), "VAD", {"status": "true"}, |e| e.speaking());
    comes!(events.location(), "location_update", {"lat": 1.5, "lng": 2}, |e| e.lat.as_f64() == Some(1.5));
    comes!(events.calendar(), "calendar_event", {"eventId": "1", "title": "dentist", "dtStart": "2026-01-01T00:00:00Z"}, |e| e.title == "dentist");
    comes!(events.glasses_connection(), "glasses_connection_state", {"status": "DISCONNECTED"}, |e| !e.is_connected());
    comes!(events.vps_coordinates(), "vps_coordinates", {"requestId": "v", "x": 1}, |e| e.request_id.as_deref() == Some("v"));
    comes!(events.photo_taken(), "photo_taken", {"photoData": "cGhvdG8="}, |e| e.photo_data == "cGhvdG8=");
    comes!(events.core_status(), "core_status_update", {"status": "x"}, |e| e.status == "x");
    comes!(events.raw("from_the_future"), "from_the_future", {"n": 1}, |e| e.read::<Value>()? == json!({"n": 1}));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_says_besides() -> Result {
    let (_cloud, ann, session) = ann().await;
    let events = session.events();
    let mut clock = events.custom_messages("update_datetime").await?;
    let (mut refused, mut each) = (events.permission_errors().await?, events.permissions_denied().await?);
    let (mut errors, mut odd) = (events.errors().await?, events.oddities().await?);
    ann.tells(json!({"type": "custom_message", "action": "other"}));
    ann.tells(json!({"type": "custom_message", "action": "update_datetime", "payload": {"datetime": "now"}}));
    assert_eq!(clock.next().await.map(|message| message.payload), Some(json!({"datetime": "now"})));
    let detail = json!({"stream": "calendar_event", "requiredPermission": "CALENDAR", "message": "m"});
    ann.tells(json!({"type": "permission_error", "message": "m", "details": [detail], "timestamp": 0}));
    assert_eq!(refused.next().await.map(|error| error.details.len()), Some(1));
    assert_eq!(each.next().await.map(|detail| detail.stream).as_deref(), Some("calendar_event"));
    ann.tells(
        json!({"type": "permission_denied", "message": "m", "permission": "CAMERA", "streamType": "photo_taken"}),
    );
    assert_eq!(each.next().await.map(|detail| detail.required_permission).as_deref(), Some("CAMERA"));
    ann.tells(json!({"type": "tpa_connection_error", "code": "INTERNAL_ERROR", "message": "m", "timestamp": 0}));
    assert_eq!(errors.next().await.map(|error| error.message).as_deref(), Some("m"));
    ann.tells(json!({"type": "from_the_future"}));
    assert!(odd.next().await.is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn anything_else() -> Result {
    let (_cloud, ann, session) = ann().await;
    let Value::Object(message) = json!({"type": "my_message", "n": 1}) else { unreachable!("an object") };
    session.send_message(message).await?;
    let message = ann.gets("my_message", any).await;
    assert_eq!((&message["n"], &message["packageName"]), (&1.into(), &"org.example.test".into()));
    assert!(matches!(session.send_message(Map::new()).await, Err(Error::Invalid(_))));
    session.logger().in_scope(|| tracing::info!("with the context of the session"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tools() -> Result {
    let (cloud, _ann, _) = ann().await;
    let Value::Object(numbers) = json!({"a": 1, "b": 2}) else { unreachable!("an object") };
    let reply = cloud.call_tool("add", numbers.clone(), "ann@example.org").await?;
    assert_eq!(reply, ToolReply::Text("3 for ann@example.org, true".into()));
    let reply = cloud.call_tool("add", numbers, "carl@example.org").await?;
    assert_eq!(reply, ToolReply::Text("3 for carl@example.org, false".into()));
    assert_eq!(cloud.call_tool("say", Map::new(), "x@example.org").await?, ToolReply::Text("nothing".into()));
    assert_eq!(cloud.call_tool("other", Map::new(), "x@example.org").await?, ToolReply::AppShowsIt);
    assert!(cloud.call_tool("fail", Map::new(), "x@example.org").await.is_err());
    assert_eq!(View::default(), View::Main);
    Ok(())
}
