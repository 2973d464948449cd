//! `/app-ws`: who is not let in and what they hear, and what an app that is in may get wrong without being thrown out.

mod harness;

use harness::cloud::package_name;
use harness::http::without_time;
use harness::{ANN, Cloud, Got, Manner, Running, Socket, init, user_id};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";

/// What a refused connection hears, byte for byte except the time, and its end.
async fn heard(mut socket: Socket) -> (String, Got) {
    let (messages, end) = socket.until_end().await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    (without_time(&socket.last), end)
}

async fn refusal(cloud: &Cloud, first: &Value) -> (String, Got) {
    let mut socket = cloud.open_app().await;
    socket.send(first.clone()).await;
    heard(socket).await
}

fn error(code: &str, message: &str) -> (String, Got) {
    let error =
        format!(r#"{{"type":"tpa_connection_error","code":"{code}","message":"{message}","timestamp":"<time>"}}"#);
    (error, Got::Closed(1008, "Not accepted".to_owned()))
}

fn session_id(package: &str) -> String {
    format!("{ANN}-{package}")
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_package_sound_the_same() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let expected = error("INVALID_API_KEY", "Invalid API key");
    let unknown = "org.example.unknown";
    for (what, first) in [
        ("a wrong key", init(&session_id(DEMO), DEMO, "not-the-key-of-the-demo")),
        ("no key", init(&session_id(DEMO), DEMO, "")),
        ("an unknown package", init(&session_id(unknown), unknown, &demo.key)),
        ("no package name", init(&session_id(DEMO), "../demo", &demo.key)),
    ] {
        assert_eq!(refusal(&cloud, &first).await, expected, "{what}");
    }
}

#[tokio::test]
async fn an_app_that_is_not_installed_sounds_like_one_that_does_not_exist() {
    let cloud = Cloud::start().await;
    let other = cloud.app("ben@example.org", DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let first = init(&session_id(DEMO), DEMO, &other.key);
    assert_eq!(refusal(&cloud, &first).await, error("INVALID_API_KEY", "Invalid API key"));
}

#[tokio::test]
async fn without_a_session_of_the_user_there_is_nothing_to_join() {
    let cloud = Cloud::with(|config| config.timings.app_grace = 50).await;
    let demo = cloud.app(ANN, DEMO).await;
    let expected = error("SESSION_NOT_FOUND", "Session not found");
    for id in [session_id(DEMO), "no-such-thing".to_owned(), String::new()] {
        assert_eq!(refusal(&cloud, &init(&id, DEMO, &demo.key)).await, expected, "{id:?}");
    }
    let mut nameless = init("", DEMO, &demo.key);
    nameless.as_object_mut().expect("an object").remove("sessionId");
    assert_eq!(refusal(&cloud, &nameless).await, expected);
    assert_eq!(cloud.server.session_count(), 0);
}

#[tokio::test]
async fn a_stranger_does_not_wait_for_a_session() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let expected = error("SESSION_NOT_FOUND", "Session not found");
    let began = tokio::time::Instant::now();
    for (package, key) in [(DEMO, "not-the-key-of-the-demo"), ("org.example.unknown", demo.key.as_str())] {
        assert_eq!(refusal(&cloud, &init(&session_id(package), package, key)).await, expected, "{package}");
    }
    // An app with a good key waits as long as an app may be away: 20 s.
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[tokio::test]
async fn only_so_many_apps_wait_for_sessions() {
    let cloud = Cloud::with(|config| config.limits.parked_apps = 0).await;
    let demo = cloud.app(ANN, DEMO).await;
    let refused = refusal(&cloud, &init(&session_id(DEMO), DEMO, &demo.key)).await;
    assert_eq!(refused, error("SESSION_NOT_FOUND", "Session not found"));
}

#[tokio::test]
async fn an_app_that_is_back_before_its_phone_gets_in_when_the_phone_comes() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    cloud.store.set_running(&user_id(ANN), &package_name(DEMO), true).await.expect("it is installed");
    let mut socket = cloud.open_app().await;
    socket.send(init(&session_id(DEMO), DEMO, &demo.key)).await;
    let mut phone = cloud.phone(ANN).await;
    assert_eq!(socket.message().await["type"], "tpa_connection_ack");
    assert_eq!(phone.until("app_started").await["packageName"], DEMO);
}

/// The user's record is being read while the app's first messages come.
#[tokio::test]
async fn what_an_app_that_waited_has_sent_behind_its_init_counts() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    cloud.store.set_running(&user_id(ANN), &package_name(DEMO), true).await.expect("it is installed");
    let mut socket = cloud.open_app().await;
    socket.send(init(&session_id(DEMO), DEMO, &demo.key)).await;
    socket.send(json!({ "type": "subscription_update", "subscriptions": ["button_press"] })).await;
    let mut phone = cloud.phone(ANN).await;
    assert_eq!(socket.message().await["type"], "tpa_connection_ack");
    socket.settle().await;
    phone.send(json!({ "type": "button_press", "buttonId": "main", "pressType": "long" })).await;
    assert_eq!(socket.until("data_stream").await["streamType"], "button_press");
}

#[tokio::test]
async fn an_app_that_nobody_started_is_not_let_in() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let first = init(&session_id(DEMO), DEMO, &demo.key);
    assert_eq!(refusal(&cloud, &first).await, error("APP_NOT_STARTED", "App not started for this session"));
}

#[tokio::test]
async fn a_first_frame_that_is_no_init_is_refused() {
    let cloud = Cloud::start().await;
    let _phone = cloud.phone(ANN).await;
    let expected = error("MALFORMED_MESSAGE", "The first message must be tpa_connection_init");
    for garbage in ["", "garbage", "[]", r#"{"type":"ping"}"#, r#"{"type":"tpa_connection_init"}"#] {
        let mut socket = cloud.open_app().await;
        socket.send_text(garbage).await;
        assert_eq!(heard(socket).await, expected, "{garbage:?}");
    }
    let mut socket = cloud.open_app().await;
    socket.send_binary(vec![1, 2, 3]).await;
    assert_eq!(heard(socket).await, expected);
}

#[tokio::test]
async fn a_wrong_key_fails_the_start_that_waits() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let connect = async {
        let hook = demo.server.hook().await;
        refusal(&cloud, &init(hook.text("sessionId"), DEMO, "not-the-key-of-the-demo")).await
    };
    let (reply, refused) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!(refused, error("INVALID_API_KEY", "Invalid API key"));
    let message = format!(
        "AUTHENTICATION: {DEMO} connected with a wrong API key; give its server the key that `app add` or `app \
         rotate-key` printed"
    );
    reply.fails(500, &message);
    assert_eq!(phone.until("app_stopped").await["packageName"], DEMO);
}

#[tokio::test]
async fn a_webhook_without_a_socket_fails_the_start_truthfully() {
    let cloud = Cloud::with(|config| config.timings.app_start = 2000).await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let reply = cloud.start_app(ANN, DEMO).await;
    let message = format!(
        "TIMEOUT: {DEMO} at {} did not connect within 2 s: its webhook answered, but no connection to /app-ws came",
        demo.server.url
    );
    reply.fails(500, &message);
    assert_eq!(demo.server.hooks_so_far().len(), 1);
}

#[tokio::test]
async fn what_is_sent_right_behind_the_init_counts() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let connect = async {
        let hook = demo.server.hook().await;
        let mut socket = cloud.open_app().await;
        socket.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
        socket.send(json!({ "type": "subscription_update", "subscriptions": ["button_press"] })).await;
        let layout = json!({ "layoutType": "text_wall", "text": "early" });
        socket.send(json!({ "type": "display_event", "view": "main", "layout": layout })).await;
        socket.send(json!({ "type": "ping" })).await;
        socket
    };
    let (reply, mut socket) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!(reply.status, 200);
    assert_eq!(socket.message().await["type"], "tpa_connection_ack");
    assert_eq!(socket.message().await["type"], "pong");
    while phone.until("display_event").await["layout"]["text"] != "early" {}
    phone.send(json!({ "type": "button_press", "buttonId": "main", "pressType": "long" })).await;
    assert_eq!(socket.until("data_stream").await["streamType"], "button_press");
}

#[tokio::test]
async fn a_second_init_on_the_same_socket_gets_another_ack() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let Running { mut socket, hook, .. } = cloud.run(ANN, &mut demo).await;
    socket.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
    assert_eq!(socket.message().await["type"], "tpa_connection_ack");
    assert!(socket.settle().await.is_empty());
}

#[tokio::test]
async fn what_an_app_writes_wrong_gets_an_error_and_the_socket_stays_open() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    let bad = ["", "{", "[]", r#"{"type":null}"#, r#"{"type":"display_event"}"#, r#"{"type":"subscription_update"}"#];
    for bad in bad {
        socket.send_text(bad).await;
        let error = socket.message().await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("tpa_connection_error"), &json!("MALFORMED_MESSAGE")),
            "{bad}"
        );
    }
    assert!(socket.settle().await.is_empty());
    // Text in a binary frame is text; other bytes mean nothing.
    socket.send_binary(vec![0, 1, 2]).await;
    socket.send_binary(br#"{"type":"ping"}"#.to_vec()).await;
    assert_eq!(socket.message().await["type"], "pong");
}

#[tokio::test]
async fn an_app_speaks_for_itself_only() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    phone.settle().await;
    let layout = json!({ "layoutType": "text_wall", "text": "stolen" });
    let frame =
        json!({ "type": "display_event", "packageName": "org.example.other", "view": "main", "layout": layout });
    socket.send(frame).await;
    let error = socket.message().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("tpa_connection_error"), &json!("PERMISSION_DENIED")));
    assert!(socket.settle().await.is_empty());
    let after = phone.settle().await;
    assert!(!after.iter().any(|message| message.to_string().contains("stolen")), "{after:?}");
}

#[tokio::test]
async fn a_subscription_without_the_permission_is_refused_and_the_others_are_kept() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    let wanted = json!(["transcription:en-US", "button_press", "audio_chunk"]);
    socket.send(json!({ "type": "subscription_update", "subscriptions": wanted })).await;
    let error = socket.until("permission_error").await;
    assert_eq!(error["deniedPermissions"], json!(["MICROPHONE"]));
    // Sound that it must not hear, and an event that it may: only the event comes.
    phone.send_binary(vec![0; 640]).await;
    phone.send(json!({ "type": "button_press", "buttonId": "main", "pressType": "short" })).await;
    match socket.got().await {
        Got::Text(event) => assert_eq!(event["streamType"], "button_press"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_app_that_is_being_stopped_is_told_so() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let Running { socket: _socket, hook, .. } = cloud.run(ANN, &mut demo).await;
    demo.server.be(Manner::Hang);
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    demo.server.hook().await;
    let mut late = cloud.open_app().await;
    late.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
    assert_eq!(late.message().await["type"], "app_stopped");
    assert_eq!(late.got().await, Got::Closed(1000, "App stopped".to_owned()));
}
