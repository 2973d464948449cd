//! Tools: who may have an app do something, what the app hears, and what comes back.

mod harness;

use bifocal_protocol::tools_rest::ToolSchema;
use harness::app_server::Manner;
use harness::cloud::package_name;
use harness::http::{Reply, request};
use harness::{ANN, App, Cloud, token};
use serde_json::{Value, json};

const BEN: &str = "ben@example.org";
const SUMS: &str = "org.example.sums";

fn add() -> Value {
    json!({
        "id": "add",
        "description": "Adds up",
        "activationPhrases": ["add up"],
        "parameters": { "n": { "type": "number", "description": "What to add", "required": true } },
    })
}

async fn call(cloud: &Cloud, method: &str, path: &str, bearer: &str, body: &Value) -> Reply {
    let authorization = format!("Bearer {bearer}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    request(cloud.address, method, &format!("/api/tools/{path}"), &headers, &body.to_string()).await
}

fn sums_for(user: &str) -> Value {
    json!({ "toolId": "add", "toolParameters": { "n": 1 }, "timestamp": "2026-01-05T10:00:00.000Z", "userId": user })
}

async fn use_tool(cloud: &Cloud, bearer: &str, body: &Value) -> Reply {
    call(cloud, "POST", &format!("apps/{SUMS}/tool"), bearer, body).await
}

async fn sums(cloud: &Cloud) -> App {
    let app = cloud.app(ANN, SUMS).await;
    let tools: Vec<ToolSchema> = serde_json::from_value(json!([add()])).expect("a list of tools");
    cloud.store.set_tools(&package_name(SUMS), &tools).await.expect("it exists");
    app
}

#[tokio::test]
async fn the_app_is_asked_and_its_answer_is_passed_on() {
    let cloud = Cloud::start().await;
    let mut app = sums(&cloud).await;
    for bearer in [token::good(ANN), app.key.clone()] {
        app.server.be(Manner::Json(200, r#"{"status":"success","reply":"2"}"#.to_owned()));
        use_tool(&cloud, &bearer, &sums_for(ANN)).await.is(200, r#"{"status":"success","reply":"2"}"#);
        let hook = app.server.hook().await;
        assert_eq!((hook.path.as_str(), &hook.body), ("/tool", &sums_for(ANN)));
        assert!(hook.header("x-bifocal-signature").is_some() && hook.header("x-app-api-key").is_none());
    }
    app.server.be(Manner::Json(500, r#"{"status":"error","message":"no"}"#.to_owned()));
    use_tool(&cloud, &token::good(ANN), &sums_for(ANN)).await.is(500, r#"{"status":"error","message":"no"}"#);
    app.server.hook().await;
    // It failed, and what it did before that is not done again.
    assert!(app.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn nobody_uses_the_tools_of_somebody_else() {
    let cloud = Cloud::start().await;
    let mut app = sums(&cloud).await;
    let refused = r#"{"error":true,"message":"The token of this user, or the API key of this app, is required"}"#;
    for bearer in ["", "nonsense", &token::good(BEN)] {
        use_tool(&cloud, bearer, &sums_for(ANN)).await.is(401, refused);
        call(&cloud, "GET", &format!("users/{ANN}/tools"), bearer, &Value::Null).await.is(401, refused);
    }
    call(&cloud, "GET", &format!("apps/{SUMS}/tools"), "nonsense", &Value::Null).await.is(401, refused);
    let unknown = r#"{"error":true,"message":"App not found"}"#;
    // Ben does not have it, whoever asks.
    use_tool(&cloud, &token::good(BEN), &sums_for(BEN)).await.is(404, unknown);
    use_tool(&cloud, &app.key, &sums_for(BEN)).await.is(404, unknown);
    call(&cloud, "POST", "apps/org.example.nobody/tool", &token::good(ANN), &sums_for(ANN)).await.is(404, unknown);
    assert!(app.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn what_is_missing_or_broken_is_named() {
    let cloud = Cloud::start().await;
    let app = sums(&cloud).await;
    let ann = token::good(ANN);
    let missing = |field: &str| format!(r#"{{"error":true,"message":"Missing required fields: {field}"}}"#);
    use_tool(&cloud, &ann, &json!({ "userId": ANN })).await.is(400, &missing("toolId"));
    use_tool(&cloud, &ann, &json!({ "toolId": "add" })).await.is(400, &missing("userId"));
    assert_eq!(use_tool(&cloud, &ann, &json!([1])).await.status, 400);
    app.server.be(Manner::Redirect("/elsewhere".to_owned()));
    let no_json =
        r#"{"error":true,"message":"Webhook failed: its answer, with status 302, is no JSON; has it a route /tool?"}"#;
    use_tool(&cloud, &ann, &sums_for(ANN)).await.is(502, no_json);
    app.server.be(Manner::Endless);
    let long = use_tool(&cloud, &ann, &sums_for(ANN)).await;
    long.is(502, r#"{"error":true,"message":"Webhook failed: its answer is longer than 262144 bytes"}"#);
}

#[tokio::test]
async fn the_lists_have_what_was_declared() {
    let cloud = Cloud::start().await;
    let app = sums(&cloud).await;
    cloud.app(ANN, "org.example.plain").await;
    for bearer in [token::good(BEN), app.key.clone()] {
        let list = call(&cloud, "GET", &format!("apps/{SUMS}/tools"), &bearer, &Value::Null).await;
        assert_eq!((list.status, list.json()), (200, json!([add()])));
    }
    let mut mine = add();
    mine["appPackageName"] = SUMS.into();
    let list = call(&cloud, "GET", &format!("users/{ANN}/tools"), &token::good(ANN), &Value::Null).await;
    assert_eq!((list.status, list.json()), (200, json!([mine])));
}
