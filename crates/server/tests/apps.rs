//! An app's whole story over real sockets: wish, webhook, `/app-ws`, events, display, stop. And every way to say who it is.

mod harness;

use bifocal_protocol::app::AppKind;

use harness::http::{UPGRADE, is_time, request};
use harness::{ANN, Cloud, Got, Manner, Running, SECRET, Socket, eventually, init, token, user_id};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";

fn text_wall(text: &str) -> Value {
    json!({
        "type": "display_event",
        "packageName": DEMO,
        "view": "main",
        "layout": { "layoutType": "text_wall", "text": text },
    })
}

fn subscribe(streams: &[&str]) -> Value {
    json!({ "type": "subscription_update", "packageName": DEMO, "subscriptions": streams })
}

fn press() -> Value {
    json!({ "type": "button_press", "buttonId": "camera", "pressType": "short", "timestamp": 1_767_607_200_000_i64 })
}

/// The next frame on the display with this text.
async fn shown(phone: &mut Socket, text: &str) -> Value {
    loop {
        let frame = phone.until("display_event").await;
        if frame["layout"]["text"] == text {
            return frame;
        }
    }
}

async fn is_running(cloud: &Cloud, user: &str, package: &str) -> bool {
    let record = cloud.store.load_user(&user_id(user)).await.expect("the store answers");
    record.running.iter().any(|running| running.as_str() == package)
}

#[tokio::test]
async fn the_whole_story() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;

    let (reply, Running { mut socket, hook, ack }) =
        tokio::join!(cloud.start_app(ANN, DEMO), cloud.answer_start(&mut demo));
    reply.is(200, r#"{"success":true,"data":{"status":"started","packageName":"org.example.demo","appState":{}}}"#);

    let url = format!("ws://{}/app-ws", cloud.address);
    let session_id = format!("{ANN}-{DEMO}");
    assert_eq!((hook.method.as_str(), hook.path.as_str()), ("POST", "/webhook"));
    assert_eq!(hook.text("type"), "session_request");
    assert_eq!((hook.text("sessionId"), hook.text("userId")), (session_id.as_str(), ANN));
    assert!(is_time(hook.text("timestamp")));
    for field in ["websocketUrl", "mentraOSWebsocketUrl", "augmentOSWebsocketUrl"] {
        assert_eq!(hook.text(field), url, "{field}");
    }

    assert_eq!(ack["sessionId"], session_id);
    assert_eq!(ack["settings"], json!([]));
    assert_eq!(ack["mentraosSettings"], ack["augmentosSettings"]);
    assert_eq!(ack["mentraosSettings"]["brightness"], 50);

    assert_eq!(phone.until("app_started").await["packageName"], DEMO);
    let state = phone.until("app_state_change").await;
    assert_eq!(state["userSession"]["activeAppSessions"], json!([DEMO]));
    eventually("the wish is written down", || is_running(&cloud, ANN, DEMO)).await;

    socket.send(subscribe(&["button_press"])).await;
    socket.settle().await;
    let press = press();
    phone.send(press.clone()).await;
    let event = socket.until("data_stream").await;
    assert_eq!((&event["sessionId"], &event["streamType"]), (&json!(session_id), &json!("button_press")));
    assert_eq!(event["data"], press);

    socket.send(text_wall("Hello, Ann")).await;
    let frame = shown(&mut phone, "Hello, Ann").await;
    assert_eq!((&frame["packageName"], &frame["view"]), (&json!(DEMO), &json!("main")));

    cloud
        .stop_app(ANN, DEMO)
        .await
        .is(200, r#"{"success":true,"data":{"status":"stopped","packageName":"org.example.demo","appState":{}}}"#);
    let stop = demo.server.hook().await;
    assert_eq!((stop.text("type"), stop.text("reason")), ("stop_request", "user_disabled"));
    assert_eq!((stop.text("sessionId"), stop.text("userId")), (session_id.as_str(), ANN));
    let (before, end) = socket.until_end().await;
    assert_eq!(before.last().map(|message| &message["type"]), Some(&json!("app_stopped")), "{before:?}");
    assert_eq!(end, Got::Closed(1000, "App stopped".to_owned()));
    assert_eq!(phone.until("app_stopped").await["packageName"], DEMO);
    eventually("the wish is written down", || async { !is_running(&cloud, ANN, DEMO).await }).await;
}

#[tokio::test]
async fn the_stop_webhook_is_answered_before_the_socket_closes() {
    let cloud = Cloud::with(|config| config.timings.app_stop = 300).await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut demo).await;
    demo.server.be(Manner::Hang);
    let began = tokio::time::Instant::now();
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    assert_eq!(demo.server.hook().await.text("type"), "stop_request");
    assert_eq!(running.socket.closed().await, (1000, "App stopped".to_owned()));
    // Nobody answered, so the socket was kept for all of `app_stop`.
    assert!(began.elapsed().as_millis() >= 300, "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_phone_starts_and_stops_an_app_over_its_socket() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    phone.send(json!({ "type": "start_app", "packageName": DEMO, "sessionId": ANN })).await;
    let mut running = cloud.answer_start(&mut demo).await;
    assert_eq!(phone.until("app_started").await["packageName"], DEMO);
    phone.send(json!({ "type": "stop_app", "packageName": DEMO, "sessionId": ANN })).await;
    assert_eq!(demo.server.hook().await.text("type"), "stop_request");
    assert_eq!(running.socket.closed().await, (1000, "App stopped".to_owned()));
    assert_eq!(phone.until("app_stopped").await["packageName"], DEMO);
}

#[tokio::test]
async fn the_routes_work_under_api_too() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let path = format!("/api/apps/{DEMO}/start");
    let (reply, _running) = tokio::join!(cloud.post(&path, ANN), cloud.answer_start(&mut demo));
    assert_eq!((reply.status, &reply.json()["data"]["status"]), (200, &json!("started")));
    let reply = cloud.post(&format!("/api/apps/{DEMO}/stop"), ANN).await;
    assert_eq!((reply.status, &reply.json()["data"]["status"]), (200, &json!("stopped")));
}

#[tokio::test]
async fn a_second_start_of_a_running_app_succeeds_without_a_webhook() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let _running = cloud.run(ANN, &mut demo).await;
    assert_eq!(cloud.start_app(ANN, DEMO).await.status, 200);
    assert!(demo.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn two_starts_at_once_are_one_webhook_and_two_successes() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let (one, two, _running) =
        tokio::join!(cloud.start_app(ANN, DEMO), cloud.start_app(ANN, DEMO), cloud.answer_start(&mut demo));
    assert_eq!((one.status, two.status), (200, 200));
    assert!(demo.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn dashes_in_address_and_package_are_no_riddle() {
    const USER: &str = "ann-marie@my-host.example.org";
    const PACKAGE: &str = "org.example.my-app-2";
    let cloud = Cloud::start().await;
    let mut app = cloud.app(USER, PACKAGE).await;
    let _phone = cloud.phone(USER).await;
    let running = cloud.run(USER, &mut app).await;
    assert_eq!(running.ack["sessionId"], format!("{USER}-{PACKAGE}"));
}

#[tokio::test]
async fn a_standard_app_makes_room_for_another() {
    let cloud = Cloud::start().await;
    let mut first = cloud.app(ANN, "org.example.first").await;
    let mut second = cloud.app(ANN, "org.example.second").await;
    let mut note = cloud.app_like(ANN, "org.example.note", |new| new.kind = AppKind::Background).await;
    let _phone = cloud.phone(ANN).await;
    let mut of_note = cloud.run(ANN, &mut note).await;
    let mut of_first = cloud.run(ANN, &mut first).await;
    let _of_second = cloud.run(ANN, &mut second).await;
    assert_eq!(first.server.hook().await.text("reason"), "replaced_by_foreground");
    assert_eq!(of_first.socket.closed().await, (1000, "App stopped".to_owned()));
    assert!(of_note.socket.settle().await.is_empty());
}

#[tokio::test]
async fn an_app_that_comes_back_keeps_its_subscriptions() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, hook, .. } = cloud.run(ANN, &mut demo).await;
    socket.send(subscribe(&["button_press"])).await;
    socket.settle().await;
    drop(socket);
    let grace = || async { cloud.view(ANN).await.expect("a session")["apps"][0]["phase"] == "grace" };
    eventually("the session notices that the app is away", grace).await;
    let mut back = cloud.open_app().await;
    back.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
    back.until("tpa_connection_ack").await;
    phone.send(press()).await;
    assert_eq!(back.until("data_stream").await["streamType"], "button_press");
    assert!(demo.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn a_newer_connection_of_an_app_takes_over() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut demo).await;
    running.socket.send(subscribe(&["button_press"])).await;
    running.socket.settle().await;
    let mut newer = cloud.open_app().await;
    newer.send(init(running.hook.text("sessionId"), DEMO, &demo.key)).await;
    newer.until("tpa_connection_ack").await;
    let (before, end) = running.socket.until_end().await;
    assert_eq!(before.last().map(|message| &message["type"]), Some(&json!("app_stopped")));
    assert_eq!(end, Got::Closed(1000, "Replaced".to_owned()));
    phone.send(press()).await;
    newer.until("data_stream").await;
}

#[tokio::test]
async fn the_other_path_of_app_sockets_works_too() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let connect = async {
        let hook = demo.server.hook().await;
        let mut socket = Socket::open(cloud.address, "/ws/miniapp", &[]).await;
        socket.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
        socket.until("tpa_connection_ack").await
    };
    let (reply, ack) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!((reply.status, &ack["sessionId"]), (200, &json!(format!("{ANN}-{DEMO}"))));
}

/// A JWT as some servers' apps carry it.
fn app_token(secret: &[u8], key: &str) -> String {
    format!("Bearer {}", token::jwt(secret, "HS256", &json!({ "packageName": DEMO, "apiKey": key })))
}

#[tokio::test]
async fn a_jwt_in_the_header_needs_no_first_message() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let connect = async {
        let hook = demo.server.hook().await;
        let authorization = app_token(SECRET, &demo.key);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("x-user-id", "Ann@Example.ORG"),
            ("x-session-id", hook.text("sessionId")),
        ];
        let mut socket = Socket::open(cloud.address, "/app-ws", &headers).await;
        assert_eq!(socket.until("tpa_connection_ack").await["sessionId"], format!("{ANN}-{DEMO}"));
        socket
    };
    let (reply, mut socket) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!(reply.status, 200);
    socket.send(text_wall("by JWT")).await;
    shown(&mut phone, "by JWT").await;
}

#[tokio::test]
async fn a_bad_jwt_in_the_header_is_refused_before_the_upgrade() {
    let cloud = Cloud::start().await;
    let session = format!("{ANN}-{DEMO}");
    let good = app_token(SECRET, "a key that nobody asks for");
    let forged = app_token(b"another secret", "a key that nobody asks for");
    let missing = r#"{"type":"tpa_connection_error","code":"MISSING_HEADERS","message":"Missing user id or session id in request headers","timestamp":"<time>"}"#;
    let invalid = r#"{"type":"tpa_connection_error","code":"JWT_INVALID","message":"Invalid JWT token: invalid signature or format","timestamp":"<time>"}"#;
    let both = [("x-user-id", ANN), ("x-session-id", session.as_str())];
    for (authorization, identity, body) in [
        (&good, &both[..0], missing),
        (&good, &both[..1], missing),
        (&good, &both[1..], missing),
        (&forged, &both[..], invalid),
        (&"Bearer nonsense".to_owned(), &both[..], invalid),
    ] {
        let headers = [&UPGRADE[..], identity, &[("Authorization", authorization.as_str())]].concat();
        request(cloud.address, "GET", "/app-ws", &headers, "").await.is(401, body);
    }
}

#[tokio::test]
async fn a_session_id_can_be_a_uuid() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app_like(ANN, DEMO, |new| new.uuid_sessions = true).await;
    let _phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut demo).await;
    let id = running.hook.text("sessionId").to_owned();
    let form: String = id.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    assert_eq!(form, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!((running.ack["sessionId"].as_str(), running.hook.text("sessionUuid")), (Some(id.as_str()), id.as_str()));

    // Another start has another id, and the old one is worth nothing.
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    assert_eq!(demo.server.hook().await.text("sessionId"), id);
    running.socket.closed().await;
    let again = cloud.run(ANN, &mut demo).await;
    assert_ne!(again.hook.text("sessionId"), id);
    let mut late = cloud.open_app().await;
    late.send(init(&id, DEMO, &demo.key)).await;
    assert_eq!(late.message().await["code"], "SESSION_NOT_FOUND");
    assert_eq!(late.closed().await.0, 1008);
}

#[tokio::test]
async fn what_ran_before_runs_again_with_the_next_session() {
    let cloud = Cloud::with(|config| config.timings.glasses_grace = 50).await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut demo).await;
    eventually("the wish is written down", || is_running(&cloud, ANN, DEMO)).await;
    drop(phone);
    let (before, end) = running.socket.until_end().await;
    assert_eq!(before.last().map(|message| &message["type"]), Some(&json!("app_stopped")));
    assert_eq!(end, Got::Closed(1000, "User session ended".to_owned()));
    eventually("the session ends", || async { cloud.server.session_count() == 0 }).await;
    let mut phone = cloud.phone(ANN).await;
    let _running = cloud.answer_start(&mut demo).await;
    assert_eq!(phone.until("app_started").await["packageName"], DEMO);
}
