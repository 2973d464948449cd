//! Simple storage over HTTP: the six routes, who may use them, and every refusal.

mod harness;

use harness::http::{Reply, request};
use harness::{ANN, App, Cloud};
use serde_json::{Value, json};

const NOTES: &str = "org.example.notes";
const HOME: &str = "/api/sdk/simple-storage";

/// An app that Ann has installed. It need not run.
async fn notes(cloud: &Cloud) -> App {
    cloud.app(ANN, NOTES).await
}

async fn call(cloud: &Cloud, app: &App, method: &str, path: &str, body: &str) -> Reply {
    let authorization = format!("Bearer {}:{}", app.package, app.key);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    request(cloud.address, method, &format!("{HOME}/{path}"), &headers, body).await
}

async fn put(cloud: &Cloud, app: &App, data: Value) -> Reply {
    call(cloud, app, "PUT", "ann%40example.org", &json!({ "data": data }).to_string()).await
}

async fn kept(cloud: &Cloud, app: &App) -> Value {
    let reply = call(cloud, app, "GET", "ann%40example.org", "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].clone()
}

#[tokio::test]
async fn the_six_routes() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    let all = "ann%40example.org";
    let key = "ann%40example.org/k";
    call(&cloud, &app, "GET", all, "").await.is(200, r#"{"success":true,"data":{}}"#);
    call(&cloud, &app, "GET", key, "").await.is(404, r#"{"success":false,"message":"Key not found"}"#);
    let missing = r#"{"success":false,"message":"Storage not found"}"#;
    call(&cloud, &app, "DELETE", key, "").await.is(404, missing);
    call(&cloud, &app, "DELETE", all, "").await.is(404, missing);

    let updated = r#"{"success":true,"message":"Storage updated"}"#;
    call(&cloud, &app, "PUT", all, r#"{"data":{"k":"v","l":"w"}}"#).await.is(200, updated);
    call(&cloud, &app, "PUT", all, r#"{"data":{"l":"x"}}"#).await.is(200, updated);
    call(&cloud, &app, "GET", all, "").await.is(200, r#"{"success":true,"data":{"k":"v","l":"x"}}"#);
    let set = r#"{"success":true,"message":"Key \"k\" set"}"#;
    call(&cloud, &app, "PUT", key, r#"{"value":"ä"}"#).await.is(200, set);
    call(&cloud, &app, "GET", key, "").await.is(200, r#"{"success":true,"data":{"value":"ä"}}"#);

    let deleted = r#"{"success":true,"message":"Key \"k\" deleted"}"#;
    call(&cloud, &app, "DELETE", key, "").await.is(200, deleted);
    call(&cloud, &app, "DELETE", key, "").await.is(200, deleted);
    call(&cloud, &app, "DELETE", all, "").await.is(200, r#"{"success":true,"message":"Storage cleared"}"#);
    assert_eq!(kept(&cloud, &app).await, json!({}));
}

#[tokio::test]
async fn w_46_a_key_is_any_text_and_makes_no_tree() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    let path = |key: &str| {
        let key: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("ann%40example.org/{key}")
    };
    let keys = ["a", "a.b", "a.b.c", ".", "..", "a/b", "%2F", "ä 🕶", "__proto__", "?x=1#y", "a\"b"];
    for key in keys {
        let body = json!({ "value": format!("value of {key}") }).to_string();
        let reply = call(&cloud, &app, "PUT", &path(key), &body).await;
        assert_eq!((reply.status, reply.json()["message"].clone()), (200, json!(format!("Key \"{key}\" set"))));
    }
    let expected: serde_json::Map<_, _> =
        keys.iter().map(|key| ((*key).to_owned(), json!(format!("value of {key}")))).collect();
    assert_eq!(kept(&cloud, &app).await, Value::Object(expected));
    for key in keys {
        let value = call(&cloud, &app, "GET", &path(key), "").await.json()["data"]["value"].clone();
        assert_eq!(value, format!("value of {key}"));
        assert_eq!(call(&cloud, &app, "DELETE", &path(key), "").await.status, 200, "{key}");
        assert_eq!(call(&cloud, &app, "GET", &path(key), "").await.status, 404, "{key}");
    }
}

/// `fetch` makes `…/ann@example.org/` of the keys `""` and `"."`: their deletion must not delete everything.
#[tokio::test]
async fn a_path_that_lost_its_key_is_not_the_whole_storage() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    put(&cloud, &app, json!({ "k": "v" })).await;
    for path in ["ann@example.org/", "", "/"] {
        assert_eq!(call(&cloud, &app, "DELETE", path, "").await.status, 404, "{path}");
    }
    assert_eq!(kept(&cloud, &app).await, json!({ "k": "v" }));
}

#[tokio::test]
async fn w_46_a_passed_limit_is_told_and_nothing_is_kept() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    let too_much = async |data: Value, why: &str| {
        let reply = put(&cloud, &app, data).await;
        reply.is(413, &format!(r#"{{"error":"Storage limit exceeded","message":"{why}"}}"#));
    };
    put(&cloud, &app, json!({ "k".repeat(256): "v", "value": "v".repeat(100_000) })).await;
    let before = kept(&cloud, &app).await;
    assert_eq!(before.as_object().map(serde_json::Map::len), Some(2));
    too_much(json!({ "a": "", "k".repeat(257): "v" }), "a key has more than 256 bytes").await;
    too_much(json!({ "a": "", "b": "v".repeat(100_001) }), "a value is longer than 100000 characters").await;
    let many = |values: usize| -> Value {
        (0..values).map(|number| (number.to_string(), json!("v".repeat(100_000)))).collect()
    };
    too_much(many(9), "an app keeps at most 1000000 bytes for a user, keys and values together").await;
    // Larger than what is read at all, twice: the answer arrives although there was more to send.
    too_much(many(25), "the request is larger than 2 MB").await;
    too_much(many(100), "the request is larger than 2 MB").await;
    let long = json!({ "value": "v".repeat(100_001) }).to_string();
    assert_eq!(call(&cloud, &app, "PUT", "ann%40example.org/b", &long).await.status, 413);
    let reply = put(&cloud, &app, json!({ "a": "", "": "v" })).await;
    reply.is(400, r#"{"error":"Invalid key","message":"a key has 1 to 256 bytes"}"#);
    assert_eq!(kept(&cloud, &app).await, before);
}

#[tokio::test]
async fn w_46_the_101st_write_of_a_minute_is_refused() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    let other = cloud.app(ANN, "org.example.other").await;
    for number in 0..100 {
        // Every kind of write counts, also one that does nothing.
        let reply = match number % 4 {
            0 => call(&cloud, &app, "PUT", "ann@example.org/k", r#"{"value":"v"}"#).await,
            1 => put(&cloud, &app, json!({ "l": "w" })).await,
            2 => call(&cloud, &app, "DELETE", "ann@example.org/k", "").await,
            _ => call(&cloud, &app, "DELETE", "ann@example.org", "").await,
        };
        assert_eq!(reply.status, 200, "{number}: {reply:?}");
    }
    for reply in [
        put(&cloud, &app, json!({ "l": "w" })).await,
        call(&cloud, &app, "DELETE", "ann@example.org", "").await,
        call(&cloud, &app, "PUT", "Ann@Example.org/k", r#"{"value":"v"}"#).await,
    ] {
        reply.is(429, r#"{"error":"Too many writes","message":"an app writes at most 100 times a minute for a user"}"#);
        assert_eq!(reply.header("retry-after"), Some("60"));
    }
    assert_eq!(kept(&cloud, &app).await, json!({}));
    assert_eq!(put(&cloud, &other, json!({ "k": "v" })).await.status, 200);
}

#[tokio::test]
async fn only_the_app_itself_gets_in() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    let other = cloud.app(ANN, "org.example.other").await;
    let key = &app.key;
    let cases = [
        (None, "Missing Authorization header"),
        (Some(format!("Basic {NOTES}:{key}")), "Invalid Authorization format"),
        (Some(format!("bearer {NOTES}:{key}")), "Invalid Authorization format"),
        (Some("Bearer".to_owned()), "Invalid Authorization format"),
        (Some(format!("Bearer {key}")), "Invalid token format"),
        (Some(format!("Bearer {NOTES}:{key}:")), "Invalid token format"),
        (Some(format!("Bearer :{key}")), "Invalid credentials"),
        (Some(format!("Bearer {NOTES}:")), "Invalid credentials"),
        (Some(format!("Bearer {NOTES}:{}", other.key)), "Invalid API key"),
        (Some(format!("Bearer org.example.unknown:{key}")), "Invalid API key"),
        (Some(format!("Bearer ../x:{key}")), "Invalid API key"),
    ];
    let routes = [("GET", ANN), ("PUT", ANN), ("DELETE", ANN), ("GET", "/k"), ("PUT", "/k"), ("DELETE", "/k")];
    for (authorization, error) in cases {
        let headers: Vec<_> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
        for (method, path) in routes {
            let path = if path == ANN { format!("{HOME}/{ANN}") } else { format!("{HOME}/{ANN}{path}") };
            let reply = request(cloud.address, method, &path, &headers, r#"{"data":{},"value":"v"}"#).await;
            assert_eq!((reply.status, reply.json()["error"].clone()), (401, json!(error)), "{method} {path}");
            assert!(reply.json()["message"].is_string(), "{reply:?}");
        }
    }
    assert_eq!(kept(&cloud, &app).await, json!({}));
}

#[tokio::test]
async fn an_old_key_is_worth_nothing_at_once() {
    let cloud = Cloud::start().await;
    let mut app = notes(&cloud).await;
    put(&cloud, &app, json!({ "k": "v" })).await;
    let key = cloud.store.rotate_key(&harness::cloud::package_name(NOTES)).await.expect("it exists").to_string();
    assert_eq!(call(&cloud, &app, "GET", ANN, "").await.status, 401);
    app.key = key;
    assert_eq!(kept(&cloud, &app).await, json!({ "k": "v" }));
}

#[tokio::test]
async fn users_and_apps_are_kept_apart_and_the_app_must_be_installed() {
    let cloud = Cloud::start().await;
    let (app, other) = (notes(&cloud).await, cloud.app(ANN, "org.example.other").await);
    assert_eq!(put(&cloud, &app, json!({ "k": "v" })).await.status, 200);
    assert_eq!(kept(&cloud, &other).await, json!({}));
    // The address in any form is the same user.
    for form in ["ann@example.org", "Ann%40Example.ORG", "%61nn%40example.org"] {
        assert_eq!(call(&cloud, &app, "GET", form, "").await.json()["data"], json!({ "k": "v" }), "{form}");
    }
    let ben = harness::user_id("ben@example.org");
    let package = harness::cloud::package_name(NOTES);
    cloud.store.ensure_user(&ben).await.expect("a user");
    let refused = r#"{"error":"App not installed","message":"the user of this storage has not installed this app"}"#;
    for who in ["ben@example.org", "nobody@example.org", "no-address"] {
        call(&cloud, &app, "GET", who, "").await.is(403, refused);
        call(&cloud, &app, "PUT", who, r#"{"data":{"k":"v"}}"#).await.is(403, refused);
        call(&cloud, &app, "DELETE", &format!("{who}/k"), "").await.is(403, refused);
    }
    cloud.store.install(&ben, &package).await.expect("it exists");
    call(&cloud, &app, "GET", "ben@example.org", "").await.is(200, r#"{"success":true,"data":{}}"#);
    cloud.store.uninstall(&harness::user_id(ANN), &package).await.expect("it exists");
    call(&cloud, &app, "GET", ANN, "").await.is(403, refused);
    // What was kept is there again with the app.
    cloud.store.install(&harness::user_id(ANN), &package).await.expect("it exists");
    assert_eq!(kept(&cloud, &app).await, json!({ "k": "v" }));
}

#[tokio::test]
async fn bodies_that_are_something_else_are_refused() {
    let cloud = Cloud::start().await;
    let app = notes(&cloud).await;
    let all = r#"{"error":"Invalid body: expected { data: Record<string,string> }"}"#;
    for body in ["", "x", "[]", "{}", r#"{"data":"x"}"#, r#"{"data":[]}"#, r#"{"data":null}"#] {
        call(&cloud, &app, "PUT", ANN, body).await.is(400, all);
    }
    let text = r#"{"error":"All values must be strings","detail":"Invalid value for key \"b\""}"#;
    call(&cloud, &app, "PUT", ANN, r#"{"data":{"a":"x","b":7}}"#).await.is(400, text);
    for body in ["", "{}", r#"{"value":7}"#, r#"["v"]"#] {
        let reply = call(&cloud, &app, "PUT", "ann@example.org/k", body).await;
        reply.is(400, r#"{"error":"Invalid body: expected { value: string }"}"#);
    }
    assert_eq!(kept(&cloud, &app).await, json!({}));
}
