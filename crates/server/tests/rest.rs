//! The routes that are no sockets: every answer as phones, load balancers and the operator get it, byte for byte.

mod harness;

use harness::http::{is_time, request};
use harness::{ANN, Cloud, SECRET, token};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";
const NO_HEADER: &str = r#"{"error":"Authorization header missing or invalid"}"#;
const NO_TOKEN: &str = r#"{"error":"Invalid token"}"#;

#[tokio::test]
async fn a_request_without_a_good_token_is_refused() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let ann = json!({ "email": ANN });
    let invalid = r#"{"error":"Invalid or expired token","message":"invalid signature or format"}"#;
    let expired = r#"{"error":"Invalid or expired token","message":"jwt expired"}"#;
    let nobody = r#"{"error":"Invalid token data"}"#;
    let bearer = |token: String| Some(format!("Bearer {token}"));
    for (header, body) in [
        (None, NO_HEADER),
        (Some("Bearer".to_owned()), NO_HEADER),
        (Some(format!("Basic {}", token::good(ANN))), NO_HEADER),
        (Some(token::good(ANN)), NO_HEADER),
        (bearer("null".to_owned()), NO_TOKEN),
        (bearer("undefined".to_owned()), NO_TOKEN),
        (bearer("nonsense".to_owned()), invalid),
        (bearer(token::jwt(b"another secret", "HS256", &ann)), invalid),
        (bearer(token::unsigned(&ann)), invalid),
        (bearer(token::jwt(SECRET, "HS256", &json!({ "email": ANN, "exp": 1_000_000_000 }))), expired),
        (bearer(token::jwt(SECRET, "HS256", &json!({ "sub": "ann" }))), nobody),
    ] {
        for path in [format!("/apps/{DEMO}/start"), format!("/api/apps/{DEMO}/stop")] {
            let headers: Vec<_> = header.iter().map(|value| ("Authorization", value.as_str())).collect();
            request(cloud.address, "POST", &path, &headers, "").await.is(401, body);
        }
    }
    let mut server = demo.server;
    assert!(server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn an_app_that_is_not_installed_is_not_found() {
    let cloud = Cloud::start().await;
    let _demo = cloud.app("ben@example.org", DEMO).await;
    let _phone = cloud.phone(ANN).await;
    for package in [DEMO, "org.example.unknown", "..%2F..%2Fetc", "%20", "a%0Ab"] {
        cloud.start_app(ANN, package).await.fails(404, "App not found");
    }
}

#[tokio::test]
async fn without_a_session_the_phone_is_told_to_connect_first() {
    let cloud = Cloud::start().await;
    let _demo = cloud.app(ANN, DEMO).await;
    let body = r#"{"error":"NO_ACTIVE_SESSION"}"#;
    cloud.start_app(ANN, DEMO).await.is(503, body);
    cloud.stop_app(ANN, DEMO).await.is(503, body);
}

#[tokio::test]
async fn stopping_an_app_that_does_not_run_is_a_success() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    cloud
        .stop_app(ANN, DEMO)
        .await
        .is(200, r#"{"success":true,"data":{"status":"stopped","packageName":"org.example.demo","appState":{}}}"#);
    assert!(demo.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn a_start_that_is_stopped_before_it_is_done_says_so() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let stop = async {
        demo.server.hook().await;
        cloud.stop_app(ANN, DEMO).await
    };
    let (start, stop) = tokio::join!(cloud.start_app(ANN, DEMO), stop);
    start.fails(500, &format!("CANCELLED: {DEMO} was stopped before it had started (user_disabled)"));
    assert_eq!(stop.status, 200);
    assert_eq!(demo.server.hook().await.text("type"), "stop_request");
}

#[tokio::test]
async fn a_start_whose_session_ends_is_answered() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let end = async {
        demo.server.hook().await;
        cloud.admin("POST", "/api/admin/sessions/end", &json!({ "user": ANN }).to_string()).await
    };
    let (start, end) = tokio::join!(cloud.start_app(ANN, DEMO), end);
    start.is(503, r#"{"error":"NO_ACTIVE_SESSION"}"#);
    assert_eq!(end.status, 200);
    let stop = demo.server.hook().await;
    assert_eq!((stop.text("type"), stop.text("reason")), ("stop_request", "session_ended"));
}

#[tokio::test]
async fn there_is_no_livekit_so_that_phones_send_sound_over_their_socket() {
    let cloud = Cloud::start().await;
    let body = r#"{"success":false,"message":"Failed to mint token","timestamp":"<time>"}"#;
    cloud.get("/api/client/livekit/token").await.is(500, body);
}

#[tokio::test]
async fn health_counts_sessions() {
    let cloud = Cloud::start().await;
    let _phone = cloud.phone(ANN).await;
    let reply = cloud.get("/health").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let health = reply.json();
    assert_eq!((&health["status"], &health["sessions"]), (&json!("ok"), &json!({ "activeCount": 1 })));
    assert!(is_time(health["timestamp"].as_str().expect("a time")));
    assert!(health["uptime"].as_f64().is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{health}");
}

#[tokio::test]
async fn a_server_that_takes_sessions_is_ready() {
    let cloud = Cloud::start().await;
    cloud.get("/ready").await.is(200, r#"{"status":"ready"}"#);
}

#[tokio::test]
async fn a_server_whose_store_is_gone_is_not_ready() {
    let cloud = Cloud::start().await;
    cloud.store.close().await;
    cloud.get("/ready").await.is(503, r#"{"status":"the store does not answer"}"#);
    assert_eq!(cloud.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_session_works_without_its_store_as_far_as_it_can() {
    let cloud = Cloud::start().await;
    let _demo = cloud.app(ANN, DEMO).await;
    cloud.store.close().await;
    let mut phone = cloud.phone(ANN).await;
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
    // Whether the record is still awaited or has failed already decides between two true answers.
    let reply = cloud.start_app(ANN, DEMO).await;
    let not_read = "CONNECTION: the user's record could not be read; try again in a moment";
    match reply.status {
        404 => reply.fails(404, "App not found"),
        _ => reply.fails(500, not_read),
    }
}

#[tokio::test]
async fn the_operator_needs_the_key() {
    let cloud = Cloud::start().await;
    let _phone = cloud.phone(ANN).await;
    let wrong = r#"{"error":"Invalid or expired token","message":"not the admin key"}"#;
    let user = format!("Bearer {}", token::good(ANN));
    let end = json!({ "user": ANN }).to_string();
    for (header, body) in [
        (None, NO_HEADER),
        (Some("Bearer null"), NO_TOKEN),
        (Some("Bearer guess"), wrong),
        (Some(user.as_str()), wrong),
    ] {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(header.map(|value| ("Authorization", value)));
        request(cloud.address, "GET", "/api/admin/sessions", &headers, "").await.is(401, body);
        request(cloud.address, "POST", "/api/admin/sessions/end", &headers, &end).await.is(401, body);
    }
    assert_eq!(cloud.server.session_count(), 1);
}

#[tokio::test]
async fn the_operator_sees_every_session() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    cloud.admin("GET", "/api/admin/sessions", "").await.is(200, r#"{"sessions":[]}"#);
    let (_ann, ack) = cloud.phone_with_ack(ANN).await;
    let _ben = cloud.phone("ben@example.org").await;
    let _running = cloud.run(ANN, &mut demo).await;
    let sessions = cloud.admin("GET", "/api/admin/sessions", "").await.json();
    let tag = |user: &str| sessions["sessions"].as_array().expect("a list").iter().find(|s| s["user"] == user).cloned();
    let ann = tag(ANN).expect("the session of Ann");
    let expected = json!({
        "user": ANN,
        "tag": ann["tag"],
        "state": "active",
        "started": ack["userSession"]["startTime"],
        "reconnections": 0,
        "apps": [{ "package": DEMO, "phase": "running" }],
    });
    assert_eq!(ann, expected);
    assert_eq!(tag("ben@example.org").expect("the session of Ben")["apps"], json!([]));
}

#[tokio::test]
async fn the_operator_ends_a_session() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let mut ben = cloud.phone("ben@example.org").await;
    let mut running = cloud.run(ANN, &mut demo).await;
    let end = json!({ "user": "Ann@Example.org", "reason": "lost phone" }).to_string();
    cloud.admin("POST", "/api/admin/sessions/end", &end).await.is(200, r#"{"success":true}"#);
    assert_eq!(phone.closed().await, (4003, "Session ended by the operator".to_owned()));
    assert_eq!(running.socket.until("app_stopped").await["reason"], "User session ended");
    assert_eq!(running.socket.closed().await, (1000, "User session ended".to_owned()));
    assert_eq!(ben.complaints().await, [Value::Null; 0]);
    cloud.admin("POST", "/api/admin/sessions/end", &end).await.fails(404, "this user has no session");
    let help = "body: {\"user\": e-mail, \"reason\"?: text}";
    for bad in ["", "{}", r#"{"user":"nobody"}"#, "[]"] {
        cloud.admin("POST", "/api/admin/sessions/end", bad).await.fails(400, help);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let cloud = Cloud::start().await;
    for path in ["/", "/apps", "/api/admin", "/healthy"] {
        assert_eq!(cloud.get(path).await.status, 404, "{path}");
    }
    assert_eq!(cloud.get(&format!("/apps/{DEMO}/start")).await.status, 405);
    // A socket path without an upgrade is refused, whoever asks.
    let authorization = format!("Bearer {}", token::good(ANN));
    let reply = request(cloud.address, "GET", "/glasses-ws", &[("Authorization", &authorization)], "").await;
    assert!((400..500).contains(&reply.status), "{reply:?}");
    assert_eq!(cloud.server.session_count(), 0);
}
