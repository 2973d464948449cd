//! The camera of the simulated glasses on a scripted cloud: pictures that are refused, and streams into a real media server.

mod support;

use std::sync::Arc;
use std::time::Duration;

use bifocal_media::{ManagedProvider as _, Media, MediaConfig, NewStream, Permits, Phase};
use bifocal_simulator::phone::{CameraState, LiveStream, Phone, PhoneConfig};
use serde_json::{Value, json};
use support::{FakeCloud, Order};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(60);

async fn connected() -> (FakeCloud, Phone) {
    let cloud = FakeCloud::start().await;
    let phone = Phone::connect(PhoneConfig::new(&cloud.url, "good")).await.expect("connects");
    (cloud, phone)
}

fn start(kind: &str, url: &str) -> Order {
    let field = if kind == "start_stream" { "streamUrl" } else { "rtmpUrl" };
    let video = json!({"width": 320, "height": 180, "frameRate": 10, "bitrate": 200_000});
    Order::Send(json!({"type": kind, "sessionId": "ann@example.org", "streamId": "s1", "appId": "org.example.live",
                       field: url, "video": video, "audio": {}, "stream": {}, "timestamp": "2026-01-05T10:00:00.000Z"}))
}

/// The statuses up to this one; the last of them.
async fn status(cloud: &mut FakeCloud, kind: &str, wanted: &str) -> Value {
    let found = async {
        loop {
            let said = cloud.saw_message(kind).await;
            assert_eq!((&said["streamId"], &said["appId"]), (&json!("s1"), &json!("org.example.live")));
            if said["status"] == wanted {
                return said;
            }
            assert!(said["errorDetails"].is_null(), "waited for {wanted}: {said}");
        }
    };
    timeout(LIMIT, found).await.unwrap_or_else(|_| panic!("waited for {wanted}"))
}

async fn media() -> Media {
    let config = MediaConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        publish_base: None,
        viewer_base: "http://127.0.0.1:1".to_owned(),
        permits: Permits(Arc::new(|address| address.is_loopback())),
        tls: None,
        recording: None,
        ffmpeg: None,
        limits: Default::default(),
        patience: Default::default(),
    };
    Media::start(config).await.expect("starts")
}

#[tokio::test]
async fn a_camera_that_cannot_says_why() {
    let (mut cloud, phone) = connected().await;
    let url = cloud.url.replace("ws://", "http://");
    for (state, code) in [(CameraState::Off, "CAMERA_INIT_FAILED"), (CameraState::Busy, "CAMERA_BUSY")] {
        phone.set_camera(state).await.expect("told");
        let photo = json!({"type": "photo_request", "requestId": "p", "appId": "org.example.live", "webhookUrl": url});
        cloud.order(Order::Send(photo));
        let answer = cloud.saw_message("photo_response").await;
        assert_eq!((&answer["success"], &answer["error"]["code"]), (&json!(false), &json!(code)));
        cloud.order(start("start_rtmp_stream", "rtmp://127.0.0.1:1/live/key"));
        let said = status(&mut cloud, "rtmp_stream_status", "error").await;
        assert!(said["errorDetails"].as_str().is_some_and(|why| why.starts_with(code)), "{said}");
    }
}

#[tokio::test]
async fn a_stream_goes_into_a_media_server_until_it_is_stopped() {
    let media = media().await;
    let stream = media.create(NewStream::default()).await.expect("made");
    let (mut cloud, phone) = connected().await;
    cloud.order(start("start_rtmp_stream", &stream.publish_url));
    assert_eq!(cloud.saw_message("rtmp_stream_status").await["status"], "initializing");
    let live = status(&mut cloud, "rtmp_stream_status", "active").await;
    assert!(live["stats"]["fps"].is_number(), "{live}");
    assert_eq!(phone.state().stream, Some(LiveStream { stream: "s1".into(), status: "active".into() }));
    let mut watched = stream.status;
    let arrives = watched.wait_for(|status| status.phase == Phase::Live);
    let known = timeout(LIMIT, arrives).await.expect("in time").expect("the stream is there").clone();
    assert!(known.trouble.is_none(), "{known:?}");

    // Photos wait until the camera is free.
    cloud.order(Order::Send(json!({"type": "photo_request", "requestId": "p", "appId": "org.example.live"})));
    assert_eq!(cloud.saw_message("photo_response").await["error"]["code"], "CAMERA_BUSY");
    cloud.order(Order::Send(json!({"type": "keep_rtmp_stream_alive", "streamId": "other", "ackId": "a0"})));
    cloud.order(Order::Send(json!({"type": "keep_rtmp_stream_alive", "streamId": "s1", "ackId": "a1"})));
    let ack = cloud.saw_message("keep_alive_ack").await;
    assert_eq!((&ack["streamId"], &ack["ackId"]), (&json!("s1"), &json!("a1")));

    cloud.order(Order::Send(json!({"type": "stop_rtmp_stream", "appId": "org.example.live", "streamId": "s1"})));
    status(&mut cloud, "rtmp_stream_status", "stopping").await;
    status(&mut cloud, "rtmp_stream_status", "stopped").await;
    let lost = watched.wait_for(|status| status.phase == Phase::Lost);
    timeout(LIMIT, lost).await.expect("the media server notices").expect("the stream is there");
    assert_eq!(phone.state().stream, None);
}

#[tokio::test]
async fn a_lost_connection_of_the_phone_is_none_of_the_stream() {
    let media = media().await;
    let stream = media.create(NewStream::default()).await.expect("made");
    let cloud = FakeCloud::start().await;
    let config = PhoneConfig { reconnect: Duration::from_millis(20), ..PhoneConfig::new(&cloud.url, "good") };
    let phone = Phone::connect(config).await.expect("connects");
    let mut cloud = cloud;
    cloud.order(start("start_rtmp_stream", &stream.publish_url));
    status(&mut cloud, "rtmp_stream_status", "active").await;
    cloud.order(Order::Drop);
    cloud.saw_message("glasses_connection_state").await;
    assert!(phone.connected_within(LIMIT).await);
    cloud.order(Order::Send(json!({"type": "keep_rtmp_stream_alive", "streamId": "s1", "ackId": "a1"})));
    assert_eq!(cloud.saw_message("keep_alive_ack").await["ackId"], "a1");
}

#[tokio::test]
async fn what_ffmpeg_cannot_reach_is_an_error_without_the_key() {
    let (mut cloud, _phone) = connected().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let at = nobody.local_addr().expect("bound");
    drop(nobody);
    cloud.order(start("start_stream", &format!("rtmp://{at}/live/geheim")));
    let said = status(&mut cloud, "stream_status", "error").await;
    let why = said["errorDetails"].as_str().expect("a reason");
    assert!(why.contains("refused") && !why.contains("geheim"), "{why}");
    cloud.order(start("start_stream", "https://whip.example.org/room"));
    let said = status(&mut cloud, "stream_status", "error").await;
    assert_eq!(said["errorDetails"], "these glasses stream to rtmp:// and rtmps:// only");
}

#[tokio::test]
async fn glasses_without_streams_leave_them_to_others() {
    let mut cloud = FakeCloud::start().await;
    let config = PhoneConfig { ffmpeg: None, ..PhoneConfig::new(&cloud.url, "good") };
    let phone = Phone::connect(config).await.expect("connects");
    cloud.saw_message("glasses_connection_state").await;
    let mut watch = phone.watch();
    cloud.order(start("start_rtmp_stream", "rtmp://127.0.0.1:1/live/key"));
    cloud.order(Order::Send(json!({"type": "stop_stream", "streamId": "s1"})));
    for kind in ["start_rtmp_stream", "stop_stream"] {
        let event = timeout(LIMIT, watch.next()).await.expect("an event");
        assert_eq!(event.to_string(), format!("message {kind}"));
    }
    phone.say("nothing before this").await.expect("said");
    let saw = cloud.saw().await;
    assert!(matches!(&saw, support::Saw::Text(said) if said["type"] == "local_transcription"), "{saw:?}");
}
