//! How the web page of an app learns who has opened it, from the phone's token to the app's answer.

mod harness;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::http::{Reply, request};
use harness::{ANN, App, Cloud, token};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const BEN: &str = "ben@example.org";
const NOTES: &str = "org.example.notes";
const OTHER: &str = "org.example.other";
const PRIVATE: &str = include_str!("../../../rig/user-token.pem");
const PUBLIC: &str = include_str!("../../../rig/user-token.pub.pem");

async fn post(cloud: &Cloud, path: &str, bearer: &str, body: Value) -> Reply {
    let authorization = format!("Bearer {bearer}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    request(cloud.address, "POST", path, &headers, &body.to_string()).await
}

/// What the phone of Ann asks for.
async fn phone(cloud: &Cloud, route: &str, body: Value) -> Reply {
    post(cloud, &format!("/api/auth/{route}"), &token::good(ANN), body).await
}

/// What the server of an app asks for.
async fn exchange(cloud: &Cloud, app: &App, token: &str) -> Reply {
    let body = json!({ "aos_temp_token": token, "packageName": app.package });
    post(cloud, "/api/auth/exchange-user-token", &app.key, body).await
}

fn sha256(parts: &[&str]) -> String {
    hex::encode(Sha256::digest(parts.concat()))
}

#[tokio::test]
async fn a_temporary_token_tells_one_app_once_who_it_is() {
    let cloud = Cloud::start().await;
    let (notes, other) = (cloud.app(ANN, NOTES).await, cloud.app(ANN, OTHER).await);
    let made = phone(&cloud, "generate-webview-token", json!({ "packageName": NOTES })).await.json();
    let ticket = made["token"].as_str().expect("a token");
    assert_eq!((&made["success"], ticket.len()), (&json!(true), 64));

    let spent = r#"{"success":false,"error":"Invalid or expired token"}"#;
    exchange(&cloud, &other, ticket).await.is(401, spent);
    exchange(&cloud, &notes, ticket).await.is(200, &format!(r#"{{"success":true,"userId":"{ANN}"}}"#));
    exchange(&cloud, &notes, ticket).await.is(401, spent);
    exchange(&cloud, &notes, "").await.is(400, r#"{"success":false,"error":"Missing aos_temp_token"}"#);

    // Two at once: one of them.
    let made = phone(&cloud, "generate-webview-token", json!({ "packageName": NOTES })).await.json();
    let ticket = made["token"].as_str().expect("a token");
    let (one, two) = tokio::join!(exchange(&cloud, &notes, ticket), exchange(&cloud, &notes, ticket));
    assert_eq!([one.status, two.status].iter().filter(|status| **status == 200).count(), 1);
}

#[tokio::test]
async fn who_asks_must_be_who_they_say() {
    let cloud = Cloud::start().await;
    let notes = cloud.app(ANN, NOTES).await;
    let body = json!({ "packageName": NOTES });
    for route in ["generate-webview-token", "generate-webview-signed-user-token", "hash-with-api-key"] {
        let path = format!("/api/auth/{route}");
        assert_eq!(post(&cloud, &path, "nonsense", body.clone()).await.status, 401, "{route}");
        // Ben has no such app.
        let text = json!({ "packageName": NOTES, "stringToHash": "x" });
        let strange = post(&cloud, &path, &token::good(BEN), text).await;
        strange.is(404, r#"{"success":false,"error":"App not found"}"#);
    }
    // The address without a prefix is the same route.
    assert_eq!(post(&cloud, "/auth/generate-webview-token", &token::good(ANN), body).await.status, 200);
    let nothing = phone(&cloud, "generate-webview-token", json!({})).await;
    nothing.is(400, r#"{"success":false,"error":"packageName is required"}"#);
    let wrong = json!({ "aos_temp_token": "00", "packageName": NOTES });
    let refused = r#"{"success":false,"error":"Invalid API Key or Package Name"}"#;
    post(&cloud, "/api/auth/exchange-user-token", "another key", wrong.clone()).await.is(401, refused);
    let nobody = json!({ "aos_temp_token": "00", "packageName": "org.example.nobody" });
    post(&cloud, "/api/auth/exchange-user-token", &notes.key, nobody).await.is(401, refused);
}

/// The server of the app computes the same from its key, and believes the address only then.
#[tokio::test]
async fn the_hash_shows_that_the_address_is_genuine() {
    let cloud = Cloud::start().await;
    let notes = cloud.app(ANN, NOTES).await;
    let address = "https://cloud.example.org:443";
    let body = json!({ "packageName": NOTES, "stringToHash": address });
    let expected = sha256(&[address, &sha256(&[&notes.key])]);
    let reply = phone(&cloud, "hash-with-api-key", body).await;
    reply.is(200, &format!(r#"{{"success":true,"hash":"{expected}"}}"#));
    let missing = phone(&cloud, "hash-with-api-key", json!({ "packageName": NOTES })).await;
    missing.is(400, r#"{"success":false,"error":"stringToHash and packageName are required"}"#);
}

#[tokio::test]
async fn a_signed_token_can_be_checked_with_the_public_key() {
    let cloud = Cloud::with(|config| config.user_token_key = Some(PRIVATE.to_owned())).await;
    let notes = cloud.app(ANN, NOTES).await;
    let made = phone(&cloud, "generate-webview-signed-user-token", json!({ "packageName": NOTES })).await.json();
    assert_eq!(made["expiresIn"], "10m");
    let token = made["token"].as_str().expect("a token");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (head, body) = signed.split_once('.').expect("three parts");
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64");
    let json = |part: &str| -> Value { serde_json::from_slice(&read(part)).expect("JSON") };
    assert_eq!(json(head), json!({ "alg": "RS256", "kid": "v1", "typ": "JWT" }));
    let claims = json(body);
    assert_eq!((&claims["sub"], &claims["iss"]), (&json!(ANN), &json!("https://prod.augmentos.cloud")));
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(600));
    assert_eq!(claims["frontendToken"], format!("{ANN}:{}", sha256(&[ANN, &sha256(&[&notes.key])])));

    let lines: String = PUBLIC.lines().filter(|line| !line.starts_with("-----")).collect();
    let spki = base64::engine::general_purpose::STANDARD.decode(lines).expect("base64");
    // The key itself stands behind 24 bytes that say what it is.
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    key.verify(signed.as_bytes(), &read(signature)).expect("the signature is good");
}

/// Phones leave the token out then, and the temporary one does it.
#[tokio::test]
async fn without_a_key_nothing_is_signed() {
    let cloud = Cloud::start().await;
    cloud.app(ANN, NOTES).await;
    let reply = phone(&cloud, "generate-webview-signed-user-token", json!({ "packageName": NOTES })).await;
    reply.is(501, r#"{"success":false,"error":"This server signs no user tokens; use the temporary token"}"#);
}
