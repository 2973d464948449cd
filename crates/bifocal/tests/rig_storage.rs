//! `session.simpleStorage` of the unmodified SDK 2.1.29 against the real binary: everything it can do, and what it says when
//! a limit is passed.

mod common;
#[path = "common/node.rs"]
mod node;

use bifocal_simulator::Phone;
use common::{Cloud, WEARER};
use node::NodeApp;
use serde_json::{Value, json};

const PACKAGE: &str = "org.example.my-notes";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A cloud, the app on it, and a phone that has started it.
async fn started() -> (Cloud, NodeApp, Phone) {
    let cloud = Cloud::start();
    let mut app = NodeApp::start_driver("storage.mjs", PACKAGE, KEY, 0);
    let url = format!("http://127.0.0.1:{}", app.port);
    cloud.admin_ok(&["app", "add", PACKAGE, "--url", &url, "--api-key", KEY]);
    cloud.admin_ok(&["app", "install", WEARER, PACKAGE]);
    let phone = cloud.phone().await;
    phone.start_app(PACKAGE).await.expect("started");
    app.expect("session");
    (cloud, app, phone)
}

/// Stopped and started, the app has a new session, and the SDK a new copy of what is kept.
async fn again(app: &mut NodeApp, phone: &Phone) {
    phone.stop_app(PACKAGE).await.expect("stopped");
    app.expect("stop");
    phone.start_app(PACKAGE).await.expect("started");
    app.expect("session");
}

/// Calls a method and gives its event.
fn call(app: &mut NodeApp, method: &str, arguments: &Value) -> Value {
    app.command(&json!({ "do": method, "args": arguments }));
    let answer = app.expect("answer");
    assert_eq!(answer["method"], method);
    answer
}

/// Calls a method that succeeds.
#[track_caller]
fn value(app: &mut NodeApp, method: &str, arguments: &Value) -> Value {
    let answer = call(app, method, arguments);
    assert!(answer.get("error").is_none(), "{answer}");
    answer["value"].clone()
}

/// Calls a method that fails; gives the message of its error.
#[track_caller]
fn error(app: &mut NodeApp, method: &str, arguments: &Value) -> String {
    let answer = call(app, method, arguments);
    answer["error"].as_str().unwrap_or_else(|| panic!("it succeeded: {answer}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_keeps_is_there_in_its_next_session() {
    let (_cloud, mut app, phone) = started().await;
    let app = &mut app;
    assert_eq!(value(app, "getAllData", &json!([])), json!({}));
    assert_eq!(value(app, "clear", &json!([])), false, "there was nothing to clear");
    value(app, "set", &json!(["theme", "dark"]));
    value(app, "set", &json!(["a.b", "flat"]));
    value(app, "setMultiple", &json!([{ "a": "1", "a/b": "ä 🕶", "gone": "x" }]));
    assert_eq!(value(app, "get", &json!(["theme"])), "dark");
    value(app, "flush", &json!([]));
    assert_eq!(value(app, "delete", &json!(["gone"])), true);

    again(app, &phone).await;
    assert_eq!(value(app, "get", &json!(["theme"])), "dark");
    assert_eq!(value(app, "get", &json!(["gone"])), Value::Null);
    assert_eq!(value(app, "hasKey", &json!(["a.b"])), true);
    assert_eq!(value(app, "hasKey", &json!(["gone"])), false);
    assert_eq!(value(app, "keys", &json!([])), json!(["a", "a.b", "a/b", "theme"]));
    assert_eq!(value(app, "size", &json!([])), 4);
    let all = json!({ "a": "1", "a.b": "flat", "a/b": "ä 🕶", "theme": "dark" });
    assert_eq!(value(app, "getAllData", &json!([])), all);
    for key in ["a", "a/b"] {
        assert_eq!(value(app, "delete", &json!([key])), true);
    }
    // Not flushed: the SDK does it when the session ends.
    value(app, "set", &json!(["last", "words"]));

    again(app, &phone).await;
    assert_eq!(value(app, "getAllData", &json!([])), json!({ "a.b": "flat", "last": "words", "theme": "dark" }));
    assert_eq!(value(app, "clear", &json!([])), true);
    again(app, &phone).await;
    assert_eq!(value(app, "size", &json!([])), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_says_which_limit_was_passed() {
    let (_cloud, mut app, phone) = started().await;
    let app = &mut app;
    let long = "v".repeat(100_000);
    let message = error(app, "set", &json!(["k", format!("{long}v")]));
    assert!(message.starts_with("SimpleStorage value exceeds 100KB limit (100001 bytes)"), "{message}");

    let many = |count: usize| -> Value { (0..count).map(|number| (number.to_string(), json!(long))).collect() };
    let total = "SimpleStorage total size exceeds 1MB limit. Delete unused keys.";
    // 30: more than the server reads.
    for count in [10, 30] {
        value(app, "setMultiple", &json!([many(count)]));
        assert_eq!(error(app, "flush", &json!([])), total);
    }
    value(app, "set", &json!(["", "no key"]));
    let message = error(app, "flush", &json!([]));
    assert!(message.contains("a key has 1 to 256 bytes"), "{message}");
    // What the SDK took to be kept was not, and its next session knows.
    again(app, &phone).await;
    assert_eq!(value(app, "size", &json!([])), 0);
    // The characters that JavaScript counts are what the server counts.
    value(app, "set", &json!(["k", "ä".repeat(100_000)]));
    value(app, "flush", &json!([]));

    let mut writes = 0;
    let refused = loop {
        value(app, "set", &json!(["k", "v"]));
        match call(app, "flush", &json!([]))["error"].as_str() {
            None => writes += 1,
            Some(message) => break message.to_owned(),
        }
        assert!(writes < 200, "no write was refused");
    };
    // Four were written, or refused, before.
    assert_eq!((refused.as_str(), writes), ("SimpleStorage rate limit exceeded.", 96));
    let rest = app.rest();
    assert!(rest.is_empty(), "{rest:?}");
}
