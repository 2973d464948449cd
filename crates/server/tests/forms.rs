//! `/app-ws` as clients other than SDK v2 use it: SDK v3 with its headers, and servers that are no SDK. The JWT in a header
//! is in `apps.rs`.

mod harness;

use harness::cloud::package_name;
use harness::{ANN, App, Cloud, Got, Socket, init, user_id};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";

/// A socket of SDK v3: who it is stands in the headers.
async fn v3(cloud: &Cloud, app: &App, session_id: &str) -> Socket {
    let headers = [
        // The SDK writes the address as the phone does.
        ("x-user-id", "Ann@Example.org"),
        ("x-session-id", session_id),
        ("x-package-name", app.package.as_str()),
        ("x-api-key", app.key.as_str()),
    ];
    Socket::open(cloud.address, "/ws/miniapp", &headers).await
}

fn reconnect(session_id: &str) -> Value {
    json!({ "type": "reconnect", "sessionId": session_id, "sdkVersion": "3.0.0-hono.8" })
}

fn session_id() -> String {
    format!("{ANN}-{DEMO}")
}

/// Starts an app, and connects it as SDK v3 does.
async fn run_v3(cloud: &Cloud, app: &mut App) -> Socket {
    let connect = async {
        let hook = app.server.hook().await;
        let mut socket = v3(cloud, app, hook.text("sessionId")).await;
        let init =
            json!({ "type": "tpa_connection_init", "packageName": DEMO, "apiKey": app.key, "sdkVersion": "3.0.0" });
        socket.send(init).await;
        assert_eq!(socket.message().await["type"], "tpa_connection_ack");
        socket
    };
    let (reply, socket) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!(reply.status, 200, "{reply:?}");
    socket
}

#[tokio::test]
async fn v3_comes_back_with_reconnect_and_hears_what_it_missed() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let mut socket = run_v3(&cloud, &mut demo).await;
    let wants = json!({ "type": "subscription_update", "subscriptions": ["button_press"] });
    socket.send(wants.clone()).await;
    socket.settle().await;
    drop(socket);
    let mut socket = v3(&cloud, &demo, &session_id()).await;
    phone.send(json!({ "type": "button_press", "buttonId": "main", "pressType": "long" })).await;
    socket.send(reconnect(&session_id())).await;
    let ack = socket.message().await;
    assert_eq!((&ack["type"], &ack["sessionId"]), (&json!("reconnect_ack"), &json!(session_id())));
    assert!(
        ack["mentraosSettings"]["permissions"].is_object() && ack["mentraosSettings"]["timezone"].is_string(),
        "{ack}"
    );
    socket.send(wants).await;
    assert_eq!(socket.until("data_stream").await["data"]["buttonId"], "main");
}

#[tokio::test]
async fn v3_that_is_back_before_its_phone_is_told_to_wait() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    cloud.store.set_running(&user_id(ANN), &package_name(DEMO), true).await.expect("it is installed");
    let mut socket = v3(&cloud, &demo, &session_id()).await;
    socket.send(reconnect(&session_id())).await;
    let deferred = socket.message().await;
    assert_eq!((&deferred["type"], &deferred["code"]), (&json!("reconnect_deferred"), &json!("BOOTING")));
    assert_eq!(deferred["timeoutMs"], 20_000);
    let _phone = cloud.phone(ANN).await;
    assert_eq!(socket.message().await["type"], "reconnect_ack");
}

#[tokio::test]
async fn v3_whose_app_does_not_run_is_told_in_the_way_that_it_takes_as_final() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let mut socket = v3(&cloud, &demo, &session_id()).await;
    socket.send(reconnect(&session_id())).await;
    assert_eq!(socket.message().await["type"], "app_stopped");
    assert_eq!(socket.got().await, Got::Closed(1000, "App stopped".to_owned()));
}

#[tokio::test]
async fn a_reconnect_without_headers_is_rejected_and_may_say_who_it_is() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let connect = async {
        let hook = demo.server.hook().await;
        let mut socket = cloud.open_app().await;
        socket.send(reconnect(hook.text("sessionId"))).await;
        let rejected = socket.message().await;
        assert_eq!((&rejected["type"], &rejected["code"]), (&json!("reconnect_rejected"), &json!("SESSION_NOT_FOUND")));
        socket.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
        assert_eq!(socket.message().await["type"], "tpa_connection_ack");
    };
    let (reply, ()) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!(reply.status, 200);
}

/// A server that is no SDK: it answers the webhook first, and then connects to the one address that it knows of.
#[tokio::test]
async fn a_server_that_reads_one_of_the_addresses_only_finds_the_socket() {
    for field in ["augmentOSWebsocketUrl", "websocketUrl", "mentraOSWebsocketUrl"] {
        let cloud = Cloud::start().await;
        let mut demo = cloud.app(ANN, DEMO).await;
        let _phone = cloud.phone(ANN).await;
        let connect = async {
            let hook = demo.server.hook().await;
            let (host, path) =
                hook.text(field).strip_prefix("ws://").and_then(|url| url.split_once('/')).expect("a URL");
            let address = host.parse().expect("an address");
            let mut socket = Socket::open(address, &format!("/{path}"), &[]).await;
            socket.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
            assert_eq!(socket.message().await["type"], "tpa_connection_ack", "{field}");
        };
        let (reply, ()) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
        assert_eq!(reply.status, 200, "{field}");
    }
}
