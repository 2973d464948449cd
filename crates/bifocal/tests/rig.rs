//! The unmodified npm package `@mentra/sdk` 2.1.29 under Node against the real binary, with a phone from the simulator.

mod common;
#[path = "common/node.rs"]
mod node;

use std::time::Duration;

use bifocal_protocol::glasses::{FromPhone, PackageRequest};
use bifocal_simulator::{Outcome, Phone, script};
use common::{Cloud, WEARER, wait_for};
use node::NodeApp;
use serde_json::json;

const PACKAGE: &str = "org.example.my-rig";

/// A cloud, and the SDK's app registered and installed.
fn stage() -> (Cloud, NodeApp) {
    let cloud = Cloud::start();
    let key = "0123456789abcdef0123456789abcdef";
    let app = NodeApp::start(PACKAGE, key, 0);
    let url = format!("http://127.0.0.1:{}", app.port);
    let add = ["app", "add", PACKAGE, "--url", &url, "--permission", "MICROPHONE", "--api-key", key];
    assert_eq!(cloud.admin_ok(&add), key);
    cloud.admin_ok(&["app", "install", WEARER, PACKAGE]);
    (cloud, app)
}

/// Plays lines of the script language; all of them must pass.
async fn play(phone: &Phone, text: &str) {
    let script = script::parse(text).expect("a script");
    let outcome = script::run(&script, phone, std::path::Path::new("."), |_| {}).await;
    assert_eq!(outcome, Outcome::Passed, "{outcome}");
}

/// The app hears and draws; then it is stopped and hears that, once.
async fn hear_draw_and_stop(phone: &Phone, app: &mut NodeApp) {
    let session = app.expect("session");
    assert_eq!(session["userId"], WEARER);
    assert_eq!(session["sessionId"], format!("{WEARER}-{PACKAGE}"));
    play(phone, "expect \"rig ready\" within 10\npress camera\nexpect \"pressed camera short\" within 10").await;
    assert_eq!(app.expect("button")["buttonId"], "camera");
    play(phone, "say hello wearer\nexpect \"HELLO WEARER\" within 10").await;
    let words = app.expect("transcription");
    assert_eq!((words["text"].as_str(), words["isFinal"].as_bool()), (Some("hello wearer"), Some(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn started_and_stopped_over_rest() {
    let (cloud, mut app) = stage();
    let phone = cloud.phone().await;
    phone.start_app(PACKAGE).await.expect("started");
    hear_draw_and_stop(&phone, &mut app).await;
    phone.stop_app(PACKAGE).await.expect("stopped");
    let stop = app.expect("stop");
    assert_eq!((stop["userId"].as_str(), stop["reason"].as_str()), (Some(WEARER), Some("user_disabled")));
    // The display is cleared as soon as the gap after the last frame is over.
    wait_for("the display to be cleared", || phone.state().screen.frame_text().trim().is_empty().then_some(()));
    let more: Vec<_> = app.rest().into_iter().filter(|event| event["event"] == "stop").collect();
    assert!(more.is_empty(), "onStop ran more than once: {more:?}");
    phone.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn started_and_stopped_by_messages_of_the_phone() {
    let (cloud, mut app) = stage();
    let phone = cloud.phone().await;
    let request = || PackageRequest { package_name: PACKAGE.to_owned() };
    phone.send(&FromPhone::StartApp(request())).await.expect("sent");
    hear_draw_and_stop(&phone, &mut app).await;
    phone.send(&FromPhone::StopApp(request())).await.expect("sent");
    assert_eq!(app.expect("stop")["reason"], "user_disabled");
    phone.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_frames_a_second_become_three_and_the_last_one_is_shown() {
    let (cloud, mut app) = stage();
    let phone = cloud.phone().await;
    phone.start_app(PACKAGE).await.expect("started");
    play(&phone, "expect \"rig ready\" within 10").await;
    let mut watch = phone.watch();
    while watch.try_next().is_some() {}
    app.command(&json!({"do": "burst", "count": 400, "perSecond": 200, "text": "frame"}));
    let mut frames = Vec::new();
    let last = async {
        loop {
            if let bifocal_simulator::PhoneEvent::Display { picture, .. } = watch.next().await {
                frames.push(format!("{picture:?}"));
                if frames.last().is_some_and(|frame| frame.contains("frame 400")) {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), last).await.expect("the last frame is shown");
    app.expect("burst");
    // 400 frames in 2 s: one at once, then one every 300 ms, then the last.
    assert!((3..=10).contains(&frames.len()), "{} frames were shown: {frames:?}", frames.len());
    phone.close().await;
}
