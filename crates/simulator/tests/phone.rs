//! The phone against a scripted cloud: connecting, sending, hearing, losing the connection and coming back.

mod support;

use std::time::Duration;

use bifocal_protocol::glasses::{FromPhone, Ping};
use bifocal_simulator::phone::{ConnectError, Pace, Phone, PhoneConfig, PhoneError, PhoneEvent, Photo, Press, Watch};
use bifocal_simulator::screen::Head;
use bytes::Bytes;
use serde_json::json;
use support::{FakeCloud, Order, Saw, text_wall};
use tokio::time::timeout;

fn config(cloud: &FakeCloud, token: &str) -> PhoneConfig {
    PhoneConfig { reconnect: Duration::from_millis(20), model: None, ..PhoneConfig::new(&cloud.url, token) }
}

async fn connected() -> (FakeCloud, Phone, Watch) {
    let mut cloud = FakeCloud::start().await;
    let phone = Phone::connect(config(&cloud, "good")).await.expect("connects");
    assert_eq!(cloud.saw().await, Saw::Connected("/glasses-ws?token=good&livekit=true".into()));
    let watch = phone.watch();
    (cloud, phone, watch)
}

async fn next(watch: &mut Watch) -> PhoneEvent {
    timeout(Duration::from_secs(10), watch.next()).await.expect("an event in time")
}

async fn until(watch: &mut Watch, wished: impl Fn(&PhoneEvent) -> bool) -> PhoneEvent {
    loop {
        let event = next(watch).await;
        if wished(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn what_came_before_the_ack_is_on_the_display() {
    let cloud = FakeCloud::start().await;
    let phone = Phone::connect(config(&cloud, "early")).await.expect("connects");
    assert_eq!(phone.state().screen.frame_text(), "before the ack");
    assert!(phone.state().connected);
}

#[tokio::test]
async fn the_glasses_are_reported_when_there_is_a_model() {
    let mut cloud = FakeCloud::start().await;
    let phone = Phone::connect(PhoneConfig::new(&cloud.url, "good")).await.expect("connects");
    let message = cloud.saw_message("glasses_connection_state").await;
    assert_eq!((&message["modelName"], &message["status"]), (&json!("Simulated Glasses"), &json!("CONNECTED")));
    phone.close().await;
}

#[tokio::test]
async fn a_failure_names_its_hop() {
    let cloud = FakeCloud::start().await;
    let error = |token: &str| Phone::connect(config(&cloud, token));
    let refused = error("bad").await.expect_err("401");
    assert!(matches!(&refused, ConnectError::Http { status: 401, .. }), "{refused}");
    assert!(refused.to_string().ends_with("answered HTTP 401: Invalid core token"), "{refused}");
    let refused = error("refused").await.expect_err("refused").to_string();
    assert_eq!(refused, "session: the cloud refused: Authentication failed (INVALID_TOKEN)");

    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let at = nobody.local_addr().expect("bound").to_string();
    drop(nobody);
    let dead = Phone::connect(PhoneConfig::new(format!("http://{at}"), "t")).await.expect_err("nobody").to_string();
    assert!(dead.starts_with(&format!("TCP: nothing answers at {at}: ")), "{dead}");
    let address = Phone::connect(PhoneConfig::new("localhost", "t")).await.expect_err("no scheme");
    assert!(matches!(address, ConnectError::Address { .. }), "{address}");
}

#[tokio::test]
async fn a_cloud_that_never_acks_is_given_up() {
    let mut cloud = FakeCloud::start().await;
    let connecting = tokio::spawn(Phone::connect(config(&cloud, "silent")));
    assert!(matches!(cloud.saw().await, Saw::Connected(_)));
    // The socket is open; only the clock can end this now.
    tokio::time::pause();
    let error = connecting.await.expect("ends").expect_err("no ack").to_string();
    assert!(error.starts_with("session: no answer from 127.0.0.1:"), "{error}");
    assert!(error.ends_with("after 10 s"), "{error}");
}

#[tokio::test]
async fn what_the_wearer_does_reaches_the_cloud() {
    let (mut cloud, phone, mut watch) = connected().await;
    phone.say("one two three four five").await.expect("sent");
    let first = cloud.saw_message("local_transcription").await;
    let last = cloud.saw_message("local_transcription").await;
    assert_eq!((&first["text"], &first["isFinal"]), (&json!("one two three"), &json!(false)));
    assert_eq!((&last["text"], &last["isFinal"]), (&json!("one two three four five"), &json!(true)));
    assert_eq!((&last["transcribeLanguage"], &last["provider"]), (&json!("en-US"), &json!("simulator")));
    assert!(last["endTime"].as_u64() > last["startTime"].as_u64(), "{last}");

    phone.press("camera", Press::Long).await.expect("sent");
    let press = cloud.saw_message("button_press").await;
    assert_eq!((&press["buttonId"], &press["pressType"]), (&json!("camera"), &json!("long")));
    phone.head(Head::Up).await.expect("sent");
    assert_eq!(cloud.saw_message("head_position").await["position"], "up");
    phone.battery(40).await.expect("sent");
    assert_eq!(cloud.saw_message("glasses_battery_update").await["level"], 40);
    phone.send(&FromPhone::Ping(Ping::default())).await.expect("sent");
    assert_eq!(cloud.saw().await, Saw::Text(json!({"type": "ping"})));
    phone.send_text("not json").await.expect("sent");
    assert_eq!(cloud.saw().await, Saw::Junk("not json".into()));

    until(&mut watch, |event| *event == PhoneEvent::Battery(40)).await;
    assert_eq!(watch.state().screen.head(), Head::Up);
    assert_eq!(watch.state().screen.facts.battery, Some(40));
}

#[tokio::test]
async fn sound_goes_out_in_frames_at_the_pace_of_speech() {
    let (mut cloud, phone, _) = connected().await;
    let began = std::time::Instant::now();
    phone.sound(Bytes::from(vec![0; 640 * 2 + 100]), Pace::RealTime).await.expect("sent");
    assert!(began.elapsed() >= Duration::from_millis(58), "{:?}", began.elapsed());
    phone.sound(Bytes::from(vec![0; 3200 * 100]), Pace::AtOnce).await.expect("sent");
    let frames = [cloud.saw().await, cloud.saw().await, cloud.saw().await, cloud.saw().await];
    assert_eq!(frames, [640, 640, 100, 640].map(Saw::Sound));
}

#[tokio::test]
async fn what_the_cloud_sends_changes_the_state() {
    let (cloud, _phone, mut watch) = connected().await;
    cloud.order(Order::Send(text_wall("hi\u{1b}[2J")));
    cloud.order(Order::Send(json!({"type": "microphone_state_change", "requiredData": ["pcm"]})));
    cloud.order(Order::Raw("{broken".into()));
    let session = json!({"activeAppSessions": ["org.example.echo"]});
    cloud.order(Order::Send(json!({"type": "app_state_change", "userSession": session})));
    cloud.order(Order::Send(json!({"type": "app_stopped", "packageName": "org.example.echo"})));
    assert!(matches!(next(&mut watch).await, PhoneEvent::Display { .. }));
    assert_eq!(watch.state().screen.frame_text(), "hi[2J");
    assert_eq!(next(&mut watch).await, PhoneEvent::Mic { on: true, needs: vec!["pcm".into()] });
    assert!(matches!(next(&mut watch).await, PhoneEvent::Error { .. }));
    next(&mut watch).await;
    assert!(watch.state().apps.contains("org.example.echo") && watch.state().mic);
    next(&mut watch).await;
    assert!(watch.state().apps.is_empty());
}

#[tokio::test]
async fn a_lost_connection_comes_back_by_itself() {
    let (mut cloud, phone, mut watch) = connected().await;
    for order in [Order::Drop, Order::Close(1012, "Service restart"), Order::Close(1000, "")] {
        cloud.order(order);
        let lost = next(&mut watch).await;
        assert!(matches!(lost, PhoneEvent::Disconnected { back_in: Some(_), .. }), "{lost:?}");
        assert_eq!(until(&mut watch, |event| matches!(event, PhoneEvent::Connected { .. })).await, {
            PhoneEvent::Connected { reconnection: true }
        });
        while !matches!(cloud.saw().await, Saw::Connected(_)) {}
    }
    phone.say("still here").await.expect("sent");
    cloud.saw_message("local_transcription").await;
}

#[tokio::test]
async fn a_superseded_or_revoked_phone_stays_away() {
    for (code, reason) in [(4001, "Superseded by a newer connection"), (4003, "Session ended by the operator")] {
        let (cloud, phone, mut watch) = connected().await;
        cloud.order(Order::Close(code, reason));
        let why = format!("closed with {code} {reason}");
        assert_eq!(next(&mut watch).await, PhoneEvent::Disconnected { why, back_in: None });
        assert!(phone.state().ended);
        assert_eq!(phone.say("hello").await, Err(PhoneError::Ended));
        assert!(!phone.connected_within(Duration::from_secs(5)).await);
    }
}

#[tokio::test]
async fn a_cut_is_no_goodbye() {
    let (mut cloud, phone, mut watch) = connected().await;
    phone.cut(Duration::from_millis(50)).await.expect("cut");
    assert!(!phone.state().connected);
    assert_eq!(phone.say("lost").await, Err(PhoneError::Offline));
    assert_eq!(cloud.saw().await, Saw::Gone { with_close_frame: false });
    assert!(phone.connected_within(Duration::from_secs(10)).await);
    until(&mut watch, |event| *event == PhoneEvent::Connected { reconnection: true }).await;

    assert!(matches!(cloud.saw().await, Saw::Connected(_)));
    phone.clone().close().await;
    assert_eq!(cloud.saw().await, Saw::Gone { with_close_frame: true });
    assert_eq!(phone.say("over").await, Err(PhoneError::Ended));
}

#[tokio::test]
async fn a_cloud_that_is_down_is_tried_again_until_it_is_up() {
    let (cloud, phone, mut watch) = connected().await;
    let address = cloud.stop().await;
    let failed = until(&mut watch, |event| matches!(event, PhoneEvent::Error { .. })).await;
    assert!(failed.to_string().starts_with(&format!("error: TCP: nothing answers at {address}: ")), "{failed}");
    let _cloud = FakeCloud::start_at(&address).await;
    assert!(phone.connected_within(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn a_second_cut_counts_from_now() {
    let (_cloud, phone, mut watch) = connected().await;
    phone.cut(Duration::from_secs(3600)).await.expect("cut");
    phone.cut(Duration::ZERO).await.expect("comes back at once");
    until(&mut watch, |event| *event == PhoneEvent::Connected { reconnection: true }).await;
}

#[tokio::test]
async fn dropping_the_last_handle_says_goodbye() {
    let (mut cloud, phone, watch) = connected().await;
    drop(phone);
    assert_eq!(cloud.saw().await, Saw::Gone { with_close_frame: true });
    drop(watch);
}

#[tokio::test]
async fn apps_are_started_over_rest() {
    let (mut cloud, phone, mut watch) = connected().await;
    phone.start_app("org.example.echo").await.expect("started");
    let Saw::Post { path, authorization, body } = cloud.saw().await else { panic!("no call") };
    let call = (path.as_str(), authorization.as_str(), body.as_str());
    assert_eq!(call, ("/apps/org.example.echo/start", "Bearer good", ""));
    assert_eq!(next(&mut watch).await, PhoneEvent::AppStarted { package: "org.example.echo".into() });
    phone.stop_app("org.example.echo").await.expect("stopped");
    assert_eq!(next(&mut watch).await, PhoneEvent::AppStopped { package: "org.example.echo".into() });
    let missing = phone.start_app("org.example.missing").await;
    assert_eq!(missing, Err(PhoneError::Rest { status: 404, message: "App not found".into() }));
}

#[tokio::test]
async fn a_photo_is_uploaded_with_the_token_of_the_request_only() {
    let (mut cloud, phone, mut watch) = connected().await;
    let to = cloud.url.replace("ws://", "http://");
    let request = |extra: serde_json::Value| {
        let mut request = json!({"type": "photo_request", "requestId": "photo_7", "appId": "org.example.snap"});
        request.as_object_mut().expect("an object").extend(extra.as_object().cloned().unwrap_or_default());
        Order::Send(request)
    };
    cloud.order(request(json!({"webhookUrl": format!("{to}/photo-upload")})));
    let Saw::Post { body, .. } = cloud.saw().await else { panic!("no upload") };
    assert!(body.contains("image/jpeg") && body.contains("JFIF"), "the test card");
    assert!(matches!(next(&mut watch).await, PhoneEvent::Photo { outcome: Ok(_), .. }));

    phone.set_photo(Some(Photo::new(Bytes::from_static(b"\x89PNG picture")))).await.expect("taken");
    for (extra, authorization) in [(json!({}), ""), (json!({"authToken": "of-the-app"}), "Bearer of-the-app")] {
        let mut extra = extra;
        extra["webhookUrl"] = json!(format!("{to}/photo-upload"));
        cloud.order(request(extra));
        let Saw::Post { path, authorization: sent, body } = cloud.saw().await else { panic!("no upload") };
        assert_eq!((path.as_str(), sent.as_str()), ("/photo-upload", authorization));
        for part in [
            "name=\"requestId\"\r\n\r\nphoto_7",
            "name=\"photo\"; filename=\"photo_7.jpg\"",
            "image/png",
            "PNG picture",
        ] {
            assert!(body.contains(part), "{part} is not in {body}");
        }
        let done = until(&mut watch, |event| matches!(event, PhoneEvent::Photo { .. })).await;
        assert_eq!(done, PhoneEvent::Photo { package: "org.example.snap".into(), outcome: Ok("127.0.0.1".into()) });
    }

    cloud.order(request(json!({"webhookUrl": format!("{to}/missing")})));
    assert_eq!(cloud.saw_message("photo_response").await["error"]["message"], "127.0.0.1 answered HTTP 404");
    cloud.order(request(json!({"webhookUrl": "file:///etc/passwd"})));
    assert_eq!(cloud.saw_message("photo_response").await["error"]["message"], "the webhookUrl is not http");
}
