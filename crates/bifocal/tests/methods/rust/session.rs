//! `AppSession`: the session itself, and messages from app to app. What ends it is in `ending.rs`.

use bifocal_sdk::wire::{RoomChange, RoomConfig};
use serde_json::{Value, json};

use super::events::{dismissal, notification, photo_taken, touch, vps};
use super::module::{check, equal};
use super::stage::{APP, Stage, fake, glasses};

pub(super) async fn rows(x: &Stage) {
    who(x).await;
    shortcuts(x).await;
    streams(x).await;
    settings(x).await;
    wearer(x).await;
    others(x).await;
}

async fn who(x: &Stage) {
    let (session, ours) = (x.module("AppSession"), &x.session);
    session.local("getSessionId", async { equal(ours.wire_id(), format!("{}-{APP}", x.names.ann)) }).await;
    session.local("getPackageName", async { equal(ours.package_name(), APP) }).await;
    let socket = format!("{}/app-ws", x.names.cloud.replacen("http", "ws", 1));
    session.local("getServerUrl", async { equal(ours.server_url(), socket) }).await;
    session.local("getHttpsServerUrl", async { equal(ours.rest_url(), x.names.cloud.clone()) }).await;
}

/// What the npm SDK has twice, Rust has once: in `events`.
async fn shortcuts(x: &Stage) {
    let (session, ours, ann, bob) = (x.module("AppSession"), &x.session, &x.ann, &x.bob);
    let (events, bobs) = (ours.events(), x.peer.events());
    let heard = x.hears(ours, events.transcription("en-US"), ann.says("shortcut"), |e| e.text == "shortcut");
    session.fired("onTranscription", heard).await;
    let text = "shortcut in english";
    let heard = x.hears(&x.peer, bobs.transcription("en-US"), bob.says(text), |e| e.text == text);
    session.fired("onTranscriptionForLanguage", heard).await;
    let heard =
        x.hears(&x.peer, bobs.translation("en-US", "es-ES"), bob.speaks(&[3]), |e| e.text == "es-ES:w3" && e.is_final);
    session.fired("onTranslationForLanguage", heard).await;
    let heard = x.hears(ours, events.head_position(), ann.play("head down"), |e| e.position == "down");
    session.fired("onHeadPosition", heard).await;
    let heard = x.hears(ours, events.button_press(), ann.play("press left"), |e| {
        e.button_id == "left" && e.press_type == "short"
    });
    session.fired("onButtonPress", heard).await;
    let tap = ann.tells(touch("triple_tap"));
    session.fired("onTouchEvent", x.hears(ours, events.touch(), tap, |e| e.gesture_name == "triple_tap")).await;
    let press = ann.tells(touch("long_press"));
    let heard = x.hears(ours, events.touch_gesture("long_press"), press, |e| e.gesture_name == "long_press");
    session.fired("onTouchEvent(gesture)", heard).await;
    let swipe = ann.tells(touch("up_swipe"));
    let heard = x.hears(ours, events.touch_gesture("up_swipe"), swipe, |e| e.gesture_name == "up_swipe");
    session.sent("subscribeToGestures", heard).await;
    let mail = ann.tells(notification("n-2"));
    let heard = x.hears(ours, events.phone_notifications(), mail, |e| e.notification_id == "n-2");
    session.fired("onPhoneNotifications", heard).await;
    let gone = ann.tells(dismissal("n-2"));
    let heard = x.hears(ours, events.phone_notifications_dismissed(), gone, |e| e.notification_id == "n-2");
    session.fired("onPhoneNotificationDismissed", heard).await;
    let heard =
        x.hears(ours, events.vps_coordinates(), ann.tells(vps("v-2")), |e| e.request_id.as_deref() == Some("v-2"));
    session.fired("onVpsCoordinates", heard).await;
    let taken = ann.tells(photo_taken("p-2.jpg"));
    let heard = x.hears(ours, events.photo_taken(), taken, |e| e.photo_data == "cGhvdG8=");
    session.fired("onPhotoTaken", heard).await;
    let worn = ann.tells(glasses("Simulated Glasses"));
    let heard = x.hears(ours, events.glasses_connection(), worn, |e| e.is_connected());
    session.fired("onGlassesConnectionState", heard).await;
}

async fn streams(x: &Stage) {
    let (session, ours) = (x.module("AppSession"), &x.session);
    let events = ours.events();
    let battery = x.ann.tells(json!({"type": "phone_battery_update", "level": 33, "charging": true}));
    let heard = x.hears(ours, events.raw("phone_battery_update"), battery, |e| {
        e.read().is_ok_and(|data: Value| data["level"] == 33)
    });
    session.fired("on", heard).await;
    session
        .sent("unsubscribe", async {
            let is_there = || events.subscribed().iter().any(|name| name == "core_status_update");
            let stream = events.core_status().await?;
            check(is_there(), "it is not in the list")?;
            drop(stream);
            check(!is_there(), "it is still in the list")?;
            x.synced(ours).await
        })
        .await;
    session
        .sent("sendMessage", async {
            let Value::Object(wall) = json!({
                "type": "display_event", "view": "main", "layout": {"layoutType": "text_wall", "text": "by hand"},
            }) else {
                return Err("no object".into());
            };
            x.shows(ours.send_message(wall), "main", "by hand").await
        })
        .await;
}

async fn settings(x: &Stage) {
    let (session, settings) = (x.module("AppSession"), x.session.settings());
    let has = |key: &'static str, value: i64| {
        let settings = settings.clone();
        async move {
            x.sets(key, value).await?;
            x.eventually("the setting", || settings.get(key) == Some(value)).await
        }
    };
    session
        .local("getSettingSchema", async {
            has("schema", 2).await?;
            let setting = settings.setting("schema").ok_or("no setting")?;
            equal(setting.key.as_deref(), Some("schema"))
        })
        .await;
    session
        .local("updateSettingsForTesting", async {
            let wearer = fake().await;
            wearer.sets("tested", true);
            x.eventually("the setting", || wearer.session().settings().get("tested") == Some(true)).await
        })
        .await;
    session
        .local("getSettings", async {
            has("all", 3).await?;
            check(settings.all().iter().any(|setting| setting.key.as_deref() == Some("all")), "it is not there")
        })
        .await;
    session.local("getSetting", has("single", 4)).await;
}

async fn wearer(x: &Stage) {
    let (session, device) = (x.module("AppSession"), x.peer.device());
    let known = x.eventually("the capabilities", || x.model_of(&x.session, "Simulated Glasses"));
    session.local("capabilities", known).await;
    session
        .local("getWifiStatus", async {
            let mut worn = glasses("Mentra Live");
            worn["wifi"] = json!({"connected": true, "ssid": "home"});
            x.bob.tells(worn).await?;
            let ssid = || device.wifi().and_then(|wifi| wifi.ssid);
            x.eventually("the status", || ssid().as_deref() == Some("home")).await
        })
        .await;
    session.local("isWifiConnected", x.eventually("the answer", || device.is_wifi_connected())).await;
    session
        .sent("requestWifiSetup", async {
            let mark = x.bob.mark();
            device.request_wifi_setup(Some("to stream")).await?;
            x.bob.hears(mark, "show_wifi_setup", |message| message["reason"] == "to stream").await
        })
        .await;
}

async fn others(x: &Stage) {
    let (session, hers, his) = (x.module("AppSession"), x.session.messages(), x.peer.messages());
    let (ann, bob) = (x.names.ann.as_str(), x.names.bob.as_str());
    session
        .settled("discoverAppUsers", async {
            let mut users: Vec<_> = hers.users().await?.into_iter().map(|user| user.user_id).collect();
            users.sort();
            let mut both = [ann, bob];
            both.sort_unstable();
            equal(users, both)
        })
        .await;
    session.settled("getUserCount", async { equal(hers.user_count().await?, 2) }).await;
    session
        .settled("isUserActive", async {
            equal((hers.is_active(bob).await?, hers.is_active("nobody@example.org").await?), (true, false))
        })
        .await;
    let word = |word: &str| json!({"word": word});
    let broadcast = async { Ok(hers.broadcast(word("to all")).await?) };
    let heard = x.hears(&x.peer, async { his.received() }, broadcast, |e| {
        e.payload == word("to all") && e.sender_user_id == ann
    });
    session.sent("broadcastToAppUsers", heard).await;
    session
        .settled("sendDirectMessage", async {
            check(hers.send_to(bob, word("to bob")).await?, "it was not delivered")?;
            check(!hers.send_to("nobody@example.org", word("to nobody")).await?, "it was delivered to nobody")
        })
        .await;
    let told = async { check(his.send_to(ann, word("to ann")).await?, "it was not delivered") };
    let heard = x.hears(&x.session, async { hers.received() }, told, |e| e.payload == word("to ann"));
    session.fired("onAppMessage", heard).await;
    session
        .sent("joinAppRoom", async {
            let config = RoomConfig { max_users: Some(5.into()), ..RoomConfig::default() };
            hers.join_room("kitchen", Some(config)).await?;
            x.synced(&x.session).await
        })
        .await;
    let joins = async { Ok(his.join_room("kitchen", None).await?) };
    let heard = x.hears(&x.session, async { hers.room_updates() }, joins, |e| {
        e.room_id == "kitchen" && e.update_type == RoomChange::UserJoined && e.room_data.member_count == 2
    });
    session.fired("onAppRoomUpdated", heard).await;
    let leaves = async { Ok(hers.leave_room("kitchen").await?) };
    let heard = x.hears(&x.peer, async { his.room_updates() }, leaves, |e| {
        e.update_type == RoomChange::UserLeft && e.room_data.member_count == 1
    });
    session.sent("leaveAppRoom", heard).await;
}
