//! `session.events`: every event, made by the simulated phone.

use bifocal_sdk::wire::DashboardMode;
use bifocal_sdk::{Result, TranscriptionOptions};
use serde_json::{Value, json};

use super::module::{check, equal};
use super::stage::{Stage, fake, glasses};

pub(super) async fn rows(x: &Stage) {
    words(x).await;
    wearer(x).await;
    phone(x).await;
    cloud(x).await;
    clock(x).await;
    sdk(x).await;
}

pub(super) fn touch(gesture: &str) -> Value {
    json!({"type": "touch_event", "device_model": "Mentra Live", "gesture_name": gesture, "timestamp": 1})
}

pub(super) fn notification(id: &str) -> Value {
    json!({
        "type": "phone_notification", "notificationId": id, "app": "Mail", "title": "Lunch", "content": "At noon?",
        "priority": "normal",
    })
}

pub(super) fn dismissal(id: &str) -> Value {
    json!({
        "type": "phone_notification_dismissed", "notificationId": id, "app": "Mail", "title": "Lunch", "content": "At noon?",
        "notificationKey": "k",
    })
}

pub(super) fn vps(id: &str) -> Value {
    json!({
        "type": "vps_coordinates", "deviceModel": "test", "requestId": id, "x": 1, "y": 2, "z": 3, "qx": 0, "qy": 0, "qz": 0,
        "qw": 1, "confidence": 0.5,
    })
}

pub(super) fn photo_taken(filename: &str) -> Value {
    json!({
        "type": "photo_taken", "photoData": "cGhvdG8=", "mimeType": "image/jpeg", "filename": filename,
        "timestamp": "2026-01-02T03:04:05.678Z",
    })
}

async fn words(x: &Stage) {
    let (module, ours, ann) = (x.module("session.events"), &x.session, &x.ann);
    let events = ours.events();
    let heard = x.hears(ours, events.transcription("en-US"), ann.says("one two three"), |e| {
        e.text == "one two three" && e.is_final
    });
    module.fired("onTranscription", heard).await;
    let heard = x.hears(ours, events.transcription("en-US"), ann.says("in english"), |e| e.text == "in english");
    module.fired("onTranscriptionForLanguage", heard).await;
    let hints = vec!["fr".to_owned(), "de".to_owned()];
    let options = TranscriptionOptions { disable_language_identification: true, hints };
    let opened = events.transcription_with("en-US", &options);
    let heard = x.hears(ours, opened, ann.says("with options"), |e| e.text == "with options");
    module.fired("onTranscriptionForLanguage(…, options)", heard).await;
    let heard = x.hears(ours, events.translation("en-US", "fr-FR"), ann.speaks(&[1, 2]), |e| {
        e.text == "fr-FR:w1 fr-FR:w2" && e.original_text.as_deref() == Some("w1 w2") && e.is_final
    });
    module.fired("ontranslationForLanguage", heard).await;
}

async fn wearer(x: &Stage) {
    let (module, ours, ann) = (x.module("session.events"), &x.session, &x.ann);
    let events = ours.events();
    let heard = x.hears(ours, events.head_position(), ann.play("head up"), |e| e.position == "up");
    module.fired("onHeadPosition", heard).await;
    let heard = x.hears(ours, events.button_press(), ann.play("press camera long"), |e| {
        e.button_id == "camera" && e.press_type == "long"
    });
    module.fired("onButtonPress", heard).await;
    let tap = ann.tells(touch("double_tap"));
    module.fired("onTouchEvent", x.hears(ours, events.touch(), tap, |e| e.gesture_name == "double_tap")).await;
    module
        .fired("onTouchEvent(gesture)", async {
            let swipes = async {
                ann.tells(touch("single_tap")).await?;
                ann.tells(touch("forward_swipe")).await
            };
            let first = x.hears(ours, events.touch_gesture("forward_swipe"), swipes, |_| true).await?;
            equal(first.gesture_name, "forward_swipe")
        })
        .await;
    let worn = ann.play("battery 55");
    let heard = x.hears(ours, events.glasses_battery(), worn, |e| e.level == Some(55.into()));
    module.fired("onGlassesBattery", heard).await;
    let speaks = ann.tells(json!({"type": "VAD", "status": true}));
    module.fired("onVoiceActivity", x.hears(ours, events.voice_activity(), speaks, |e| e.speaking())).await;
    let heard = x.hears(ours, events.audio_chunks(), ann.sounds(640), |e| e.data.len() == 640);
    module.fired("onAudioChunk", heard).await;
    let heard =
        x.hears(ours, events.vps_coordinates(), ann.tells(vps("v-1")), |e| e.request_id.as_deref() == Some("v-1"));
    module.fired("onVpsCoordinates", heard).await;
    let taken = ann.tells(photo_taken("p-1.jpg"));
    module.fired("onPhotoTaken", x.hears(ours, events.photo_taken(), taken, |e| e.photo_data == "cGhvdG8=")).await;
    let heard = x.hears(ours, events.raw("button_press"), ann.play("press main"), |e| {
        e.read().is_ok_and(|press: Value| press["buttonId"] == "main")
    });
    module.fired("on", heard).await;
}

async fn phone(x: &Stage) {
    let (module, ours, ann) = (x.module("session.events"), &x.session, &x.ann);
    let events = ours.events();
    let mail = ann.tells(notification("n-1"));
    let heard = x.hears(ours, events.phone_notifications(), mail, |e| e.notification_id == "n-1" && e.title == "Lunch");
    module.fired("onPhoneNotifications", heard).await;
    let gone = ann.tells(dismissal("n-1"));
    let heard = x.hears(ours, events.phone_notifications_dismissed(), gone, |e| e.notification_id == "n-1");
    module.fired("onPhoneNotificationDismissed", heard).await;
    let update = json!({"type": "phone_battery_update", "level": 44, "charging": true, "timeRemaining": 90});
    let heard = x.hears(ours, events.phone_battery(), ann.tells(update), |e| {
        e.level == Some(44.into()) && e.charging == Some(true)
    });
    module.fired("onPhoneBattery", heard).await;
    let fix = json!({"type": "location_update", "lat": 48.1, "lng": 11.5, "accuracy": 5});
    let heard = x.hears(ours, events.location(), ann.tells(fix), |e| {
        (e.lat.as_f64(), e.lng.as_f64()) == (Some(48.1), Some(11.5))
    });
    module.fired("onLocation", heard).await;
    let appointment = json!({
        "type": "calendar_event", "eventId": "e", "title": "dentist", "dtStart": "2026-01-02T03:00:00.000Z",
        "dtEnd": "2026-01-02T04:00:00.000Z", "timezone": "Europe/Berlin", "timeStamp": "2026-01-01T00:00:00.000Z",
    });
    let heard = x.hears(ours, events.calendar(), ann.tells(appointment), |e| e.title == "dentist");
    module.fired("onCalendarEvent", heard).await;
}

async fn cloud(x: &Stage) {
    let (module, ours) = (x.module("session.events"), &x.session);
    let (events, asks) = (ours.events(), x.dashboard.events());
    let bad = async {
        let Value::Object(bad) = json!({"type": "display_event", "layout": {}}) else { return Ok(()) };
        Ok(ours.send_message(bad).await?)
    };
    let heard = x.hears(ours, events.errors(), bad, |e| {
        e.message.contains("display_event") || e.message.to_lowercase().contains("layout")
    });
    module.fired("onError", heard).await;
    // The app without permissions asks for something that needs one.
    let asked = async { asks.calendar().await.map(drop).map_err(Into::into) };
    let heard = x.hears(&x.dashboard, asks.permission_errors(), asked, |e| {
        e.details.iter().any(|detail| detail.stream == "calendar_event" && detail.required_permission == "CALENDAR")
    });
    module.fired("onPermissionError", heard).await;
    let asked = async { asks.phone_notifications().await.map(drop).map_err(Into::into) };
    let heard = x.hears(&x.dashboard, asks.permissions_denied(), asked, |e| {
        e.stream == "phone_notification" && e.required_permission == "READ_NOTIFICATIONS"
    });
    module.fired("onPermissionDenied", heard).await;
    let settings = ours.settings();
    let heard = x.hears(ours, async { settings.changes() }, x.sets("update", 1), |e| e.changes.contains_key("update"));
    module.fired("onSettingsUpdate", heard).await;
    let heard =
        x.hears(ours, async { settings.value_changes("change") }, x.sets("change", 2), |e| e.new == Some(2.into()));
    module.fired("onSettingChange", heard).await;
    let worn = async {
        x.ann.tells(glasses("Even Realities G1")).await?;
        x.ann.tells(glasses("Simulated Glasses")).await
    };
    let heard = x.hears(ours, async { ours.device().capabilities_changes() }, worn, |e| {
        e.model_name.as_deref() == Some("Simulated Glasses") && e.capabilities.as_ref().is_some_and(|c| c.has_display)
    });
    module.fired("onCapabilitiesUpdate", heard).await;
    let modes = async {
        let system = x.dashboard.dashboard().system();
        system.set_view_mode(DashboardMode::Expanded).await?;
        Ok(system.set_view_mode(DashboardMode::Main).await?)
    };
    let heard = x.hears(ours, async { ours.dashboard().mode_changes() }, modes, |e| *e == DashboardMode::Main);
    module.fired("onDashboardModeChange", heard).await;
}

/// The phone tells the time; its token, which only the test knows, stands in the body.
async fn clock(x: &Stage) {
    let module = x.module("session.events");
    let tells = async |datetime: &str| -> Result {
        let body = json!({"coreToken": "token", "datetime": datetime});
        x.ann.rest("POST", "/api/user-data/set-datetime", body).await.map(drop)
    };
    for (method, session, datetime) in [
        ("onCustomMessage", &x.dashboard, "2026-01-02T03:04:05.000Z"),
        ("onCustomMessage, with on(\"custom_message\")", &x.session, "2026-02-03T04:05:06.000Z"),
    ] {
        let events = session.events();
        let heard = x.hears(session, events.custom_messages("update_datetime"), tells(datetime), |e| {
            e.payload["datetime"] == datetime
        });
        module.fired(method, heard).await;
    }
}

async fn sdk(x: &Stage) {
    let module = x.module("session.events");
    module
        .local("getRegisteredStreams", async {
            let events = x.session.events();
            let is_there = || events.subscribed().iter().any(|name| name == "core_status_update");
            let stream = events.core_status().await?;
            check(is_there(), "the stream is missing")?;
            drop(stream);
            check(!is_there(), "the stream is still there")
        })
        .await;
    module
        .local("emit", async {
            let wearer = fake().await;
            let mut presses = wearer.session().events().button_press().await?;
            wearer.sends("button_press", json!({"buttonId": "emitted", "pressType": "short"})).await;
            equal(presses.next().await.map(|press| press.button_id).as_deref(), Some("emitted"))
        })
        .await;
}
