//! `/glasses-ws` over real sockets: who gets in, what a phone hears first, and what ends a connection but not its session.

mod harness;

use bifocal_session::{ErrorRow, GLASSES_ERRORS};

use harness::http::{Reply, UPGRADE, is_time, request, without_time};
use harness::{ANN, Cloud, Got, SECRET, Socket, eventually, token};
use serde_json::{Value, json};

async fn refused_upgrade(cloud: &Cloud, path: &str, authorization: Option<&str>) -> Reply {
    let mut headers = UPGRADE.to_vec();
    headers.extend(authorization.map(|value| ("Authorization", value)));
    request(cloud.address, "GET", path, &headers, "").await
}

/// Checks a `connection_error` and what follows it against its row of the table.
#[track_caller]
fn is_row(row: &ErrorRow, message: &Value, end: Option<Got>) {
    assert!(GLASSES_ERRORS.contains(row));
    let code = serde_json::to_value(row.code).expect("a code");
    let time = message["timestamp"].as_str().expect("a time");
    assert!(is_time(time), "{time}");
    let expected =
        json!({ "type": "connection_error", "code": code, "message": row.message, "timestamp": message["timestamp"] });
    assert_eq!(*message, expected);
    assert_eq!(end, row.close.map(|close| Got::Closed(close.code(), close.reason().to_owned())));
}

#[tokio::test]
async fn the_first_message_is_the_ack_with_the_session() {
    let cloud = Cloud::start().await;
    let mut phone = cloud.open_phone(ANN).await;
    let ack = phone.message().await;
    assert_eq!(ack["type"], "connection_ack");
    assert_eq!(ack["sessionId"], ANN);
    assert!(is_time(ack["timestamp"].as_str().expect("a time")));
    let session = &ack["userSession"];
    assert_eq!(session["userId"], ANN);
    assert!(is_time(session["startTime"].as_str().expect("a time")));
    assert_eq!(session["activeAppSessions"], json!([]));
    assert_eq!(session["loadingApps"], json!([]));
    assert_eq!(session["appSubscriptions"], json!({}));
    assert_eq!(session["requiresAudio"], false);
    assert_eq!(session["minimumTranscriptionLanguages"], json!([]));
    assert_eq!(session["isTranscribing"], false);
    assert_eq!(cloud.server.session_count(), 1);
}

#[tokio::test]
async fn a_token_in_the_query_opens_the_socket_as_phones_ask_for_it() {
    let cloud = Cloud::start().await;
    let path = format!("/glasses-ws?token={}&livekit=true", token::good(ANN));
    let mut phone = Socket::open(cloud.address, &path, &[]).await;
    assert_eq!(phone.until("connection_ack").await["sessionId"], ANN);
}

#[tokio::test]
async fn the_header_wins_over_the_query() {
    let cloud = Cloud::start().await;
    let path = format!("/glasses-ws?token={}", token::good("ben@example.org"));
    let header = format!("Bearer {}", token::good(ANN));
    let mut phone = Socket::open(cloud.address, &path, &[("Authorization", &header)]).await;
    assert_eq!(phone.until("connection_ack").await["sessionId"], ANN);
    let refused = Socket::try_open(cloud.address, &path, &[("Authorization", "Bearer nonsense")]).await;
    assert_eq!(refused.err(), Some(401));
}

#[tokio::test]
async fn the_scheme_in_the_header_does_not_matter() {
    let cloud = Cloud::start().await;
    let header = format!("Token {}", token::good(ANN));
    let mut phone = Socket::open(cloud.address, "/glasses-ws", &[("Authorization", &header)]).await;
    assert_eq!(phone.until("connection_ack").await["sessionId"], ANN);
}

#[tokio::test]
async fn an_address_in_mixed_case_is_one_session_in_lower_case() {
    let cloud = Cloud::start().await;
    let (mut first, ack) = cloud.phone_with_ack("Ann@Example.ORG").await;
    assert_eq!(ack["sessionId"], ANN);
    assert_eq!(ack["userSession"]["userId"], ANN);
    let (_second, _) = cloud.phone_with_ack(ANN).await;
    assert_eq!(first.closed().await.0, 4001);
    assert_eq!(cloud.server.session_count(), 1);
}

#[tokio::test]
async fn without_a_token_there_is_no_upgrade() {
    let cloud = Cloud::start().await;
    let body = r#"{"type":"connection_error","message":"No core token provided","timestamp":"<time>"}"#;
    for (path, header) in [
        ("/glasses-ws", None),
        ("/glasses-ws?token=", None),
        ("/glasses-ws?livekit=true", None),
        ("/glasses-ws", Some("Bearer")),
        ("/glasses-ws", Some("Bearer ")),
    ] {
        refused_upgrade(&cloud, path, header).await.is(401, body);
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_before_the_upgrade() {
    let cloud = Cloud::start().await;
    let ann = json!({ "email": ANN });
    let good = token::good(ANN);
    let cut = &good[..good.len() - 2];
    for (what, bad) in [
        ("no JWT", "nonsense".to_owned()),
        ("forged", token::jwt(b"another secret", "HS256", &ann)),
        ("cut short", cut.to_owned()),
        ("expired", token::jwt(SECRET, "HS256", &json!({ "email": ANN, "exp": 1_000_000_000 }))),
        ("no address", token::jwt(SECRET, "HS256", &json!({ "sub": "ann" }))),
        ("an empty address", token::jwt(SECRET, "HS256", &json!({ "email": " " }))),
        ("alg none, unsigned", token::unsigned(&ann)),
        ("alg none, signed", token::jwt(SECRET, "none", &ann)),
        ("another alg", token::jwt(SECRET, "HS512", &ann)),
    ] {
        let body = r#"{"type":"connection_error","message":"Invalid core token","timestamp":"<time>"}"#;
        let by_header = refused_upgrade(&cloud, "/glasses-ws", Some(&format!("Bearer {bad}"))).await;
        assert_eq!(without_time(&by_header.body), body, "{what}");
        by_header.is(401, body);
        refused_upgrade(&cloud, &format!("/glasses-ws?token={bad}"), None).await.is(401, body);
    }
    assert_eq!(cloud.server.session_count(), 0);
}

#[tokio::test]
async fn the_newest_phone_gets_the_session_and_the_older_one_is_told() {
    let cloud = Cloud::start().await;
    let (mut first, before) = cloud.phone_with_ack(ANN).await;
    let (mut second, after) = cloud.phone_with_ack(ANN).await;
    assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
    assert_eq!(first.closed().await, (4001, "Superseded by a newer connection".to_owned()));
    assert_eq!(second.complaints().await, [Value::Null; 0]);
    assert_eq!(cloud.server.session_count(), 1);
    let view = cloud.view(ANN).await.expect("the session is there");
    assert_eq!((&view["state"], &view["reconnections"]), (&json!("active"), &json!(1)));
}

#[tokio::test]
async fn a_phone_that_comes_back_within_the_grace_finds_its_session() {
    let cloud = Cloud::start().await;
    let (phone, before) = cloud.phone_with_ack(ANN).await;
    phone.close().await;
    let away = || async { cloud.view(ANN).await.expect("a session")["state"] == "disconnected" };
    eventually("the session notices that its phone is away", away).await;
    let (_phone, after) = cloud.phone_with_ack(ANN).await;
    assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
}

#[tokio::test]
async fn a_session_whose_phone_stays_away_ends() {
    let cloud = Cloud::with(|config| config.timings.glasses_grace = 50).await;
    drop(cloud.phone(ANN).await);
    eventually("the session ends", || async { cloud.server.session_count() == 0 }).await;
}

#[tokio::test]
async fn a_phone_that_answers_no_ping_is_closed_with_1001() {
    let cloud = Cloud::with(|config| {
        config.timings.ping_every = 50;
        config.timings.silence = 200;
        config.timings.terminate_after = 50;
    })
    .await;
    // A client answers pings while it reads; this one does not read until all is over.
    let mut phone = cloud.open_phone(ANN).await;
    let away = || async { cloud.view(ANN).await.is_some_and(|view| view["state"] == "disconnected") };
    eventually("the session gives the silent phone up", away).await;
    assert_eq!(phone.closed().await, (1001, "Ping timeout".to_owned()));
}

#[tokio::test]
async fn a_phone_that_answers_pings_and_says_nothing_stays() {
    let cloud = Cloud::with(|config| {
        config.timings.ping_every = 100;
        config.timings.silence = 1000;
    })
    .await;
    let mut phone = cloud.phone(ANN).await;
    // Reading answers the pings, and goes on for longer than the silence that ends a connection.
    let reading = async { while matches!(phone.got().await, Got::Text(_)) {} };
    let long = std::time::Duration::from_millis(1500);
    assert!(tokio::time::timeout(long, reading).await.is_err(), "the connection ended");
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_text_frame_of_2_mib_is_thrown_away_and_nothing_else_happens() {
    let cloud = Cloud::start().await;
    let (mut phone, before) = cloud.phone_with_ack(ANN).await;
    let big = json!({ "type": "connection_init", "userId": "x".repeat(2 << 20) });
    phone.send(big).await;
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
    phone.send(json!({ "type": "connection_init" })).await;
    let after = phone.until("connection_ack").await;
    assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
}

#[tokio::test]
async fn a_binary_frame_above_64_kib_is_thrown_away_and_nothing_else_happens() {
    let cloud = Cloud::start().await;
    let mut phone = cloud.phone(ANN).await;
    phone.send_binary(vec![0; (64 << 10) + 1]).await;
    phone.send_binary(vec![0; 64 << 10]).await;
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_frame_beyond_all_measure_ends_the_connection_and_not_the_session() {
    let cloud = Cloud::start().await;
    let (mut phone, before) = cloud.phone_with_ack(ANN).await;
    // The server hangs up while this is on its way, so that sending may fail.
    let _ = phone.send_frame(tokio_tungstenite::tungstenite::Message::text(" ".repeat(9 << 20))).await;
    let (_, end) = phone.until_end().await;
    assert_eq!(end, Got::Gone);
    let (_phone, after) = cloud.phone_with_ack(ANN).await;
    assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
}

#[tokio::test]
async fn the_61st_malformed_frame_ends_the_connection_and_not_the_session() {
    let cloud = Cloud::start().await;
    let (mut phone, before) = cloud.phone_with_ack(ANN).await;
    for _ in 0..60 {
        phone.send_text("{").await;
    }
    assert_eq!(phone.complaints().await.len(), 60);
    phone.send_text("{").await;
    is_row(ErrorRow::MALFORMED, &phone.until("connection_error").await, None);
    assert_eq!(phone.closed().await, (1007, "Too many malformed messages".to_owned()));
    let (_phone, after) = cloud.phone_with_ack(ANN).await;
    assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
}

#[tokio::test]
async fn the_61st_oversized_frame_ends_the_connection_and_not_the_session() {
    let cloud = Cloud::with(|config| {
        config.limits.glasses_text = 1000;
        config.limits.glasses_binary = 100;
    })
    .await;
    let (mut phone, before) = cloud.phone_with_ack(ANN).await;
    for _ in 0..30 {
        phone.send_text(" ".repeat(1001)).await;
        phone.send_binary(vec![0; 101]).await;
    }
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
    phone.send_text(" ".repeat(1001)).await;
    assert_eq!(phone.closed().await, (1009, "Too many oversized messages".to_owned()));
    let (_phone, after) = cloud.phone_with_ack(ANN).await;
    assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
}

#[tokio::test]
async fn an_unknown_type_and_sound_are_no_errors() {
    let cloud = Cloud::start().await;
    let mut phone = cloud.phone(ANN).await;
    phone.send(json!({ "type": "something_of_tomorrow", "x": [1, 2, 3] })).await;
    phone.send_binary(vec![0; 641]).await;
    phone.send_binary(Vec::new()).await;
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
}

/// The rows of the error table, and where each is shown.
#[test]
fn the_error_table_has_the_rows_that_are_tested() {
    let tested = [
        ErrorRow::INVALID_TOKEN,
        ErrorRow::FULL,
        // lifecycle.rs, where a server stops.
        ErrorRow::STOPPING,
        ErrorRow::MALFORMED,
        // actor.rs, with a session that fails.
        ErrorRow::INTERNAL,
    ];
    assert_eq!(tested.map(|row| *row), GLASSES_ERRORS);
}

#[tokio::test]
async fn a_bad_token_on_an_open_socket_ends_the_connection_and_not_the_session() {
    let cloud = Cloud::start().await;
    for bad in ["nonsense".to_owned(), token::good("ben@example.org"), token::unsigned(&json!({ "email": ANN }))] {
        let (mut phone, before) = cloud.phone_with_ack(ANN).await;
        phone.send(json!({ "type": "connection_init", "coreToken": bad })).await;
        let message = phone.until("connection_error").await;
        is_row(ErrorRow::INVALID_TOKEN, &message, Some(phone.got().await));
        let (_phone, after) = cloud.phone_with_ack(ANN).await;
        assert_eq!(after["userSession"]["startTime"], before["userSession"]["startTime"]);
    }
}

#[tokio::test]
async fn a_good_token_on_an_open_socket_is_acknowledged_again() {
    let cloud = Cloud::start().await;
    let (mut phone, before) = cloud.phone_with_ack(ANN).await;
    phone.send(json!({ "type": "connection_init", "userId": ANN, "coreToken": token::good(ANN) })).await;
    let again = phone.until("connection_ack").await;
    assert_eq!(again["userSession"], before["userSession"]);
}

#[tokio::test]
async fn a_full_server_says_so_to_new_users_only() {
    let cloud = Cloud::with(|config| config.limits.sessions = 1).await;
    let _first = cloud.phone(ANN).await;
    let mut other = cloud.open_phone("ben@example.org").await;
    let message = other.message().await;
    is_row(ErrorRow::FULL, &message, Some(other.got().await));
    assert_eq!(cloud.server.session_count(), 1);
    cloud.get("/ready").await.is(503, r#"{"status":"full"}"#);
    let _again = cloud.phone(ANN).await;
}

#[tokio::test]
async fn what_cannot_be_read_gets_an_error_and_the_socket_stays_open() {
    let cloud = Cloud::start().await;
    let mut phone = cloud.phone(ANN).await;
    let bad = ["", "{", "[]", "null", "7", "\"ping\"", "{}", r#"{"type":7}"#, r#"{"type":"start_app"}"#];
    for bad in bad {
        phone.send_text(bad).await;
        is_row(ErrorRow::MALFORMED, &phone.until("connection_error").await, None);
    }
    assert_eq!(phone.complaints().await, [Value::Null; 0]);
}

#[tokio::test]
async fn other_paths_are_no_sockets() {
    let cloud = Cloud::start().await;
    let header = format!("Bearer {}", token::good(ANN));
    for path in ["/", "/ws", "/glasses-ws/", "/app-ws/x"] {
        let refused = Socket::try_open(cloud.address, path, &[("Authorization", &header)]).await;
        assert_eq!(refused.err(), Some(404), "{path}");
    }
}
