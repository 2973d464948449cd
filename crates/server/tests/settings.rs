//! What the user sets on the phone: kept, given back, and told to apps.

mod harness;

use harness::http::{Reply, request};
use harness::{ANN, Cloud, Running, token};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";
const ALL: &str = "/api/client/user/settings";

async fn call(cloud: &Cloud, method: &str, path: &str, body: &Value) -> Reply {
    let authorization = format!("Bearer {}", token::good(ANN));
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(cloud.address, method, path, &headers, &body).await
}

#[tokio::test]
async fn the_phone_finds_what_it_has_kept_and_no_other_server() {
    let cloud = Cloud::start().await;
    assert_eq!(call(&cloud, "GET", ALL, &Value::Null).await.json()["data"], json!({ "settings": {} }));
    let set =
        json!({ "settings": { "brightness": 60, "preferred_mic:Mentra Live": "phone", "backend_url": "https://x" } });
    assert_eq!(call(&cloud, "POST", ALL, &set).await.status, 200);
    let merged = call(&cloud, "PUT", ALL, &json!({ "settings": { "brightness": null, "theme": "dark" } })).await.json();
    assert_eq!(merged["data"]["settings"], json!({ "preferred_mic:Mentra Live": "phone", "theme": "dark" }));
    let key = format!("{ALL}/key/theme");
    assert_eq!(call(&cloud, "GET", &key, &Value::Null).await.json()["data"]["value"], "dark");
    assert_eq!(call(&cloud, "PUT", &key, &json!({ "value": "light" })).await.json()["data"]["value"], "light");
    assert_eq!(call(&cloud, "DELETE", &key, &Value::Null).await.json()["data"]["deleted"], true);
    assert_eq!(call(&cloud, "GET", &key, &Value::Null).await.json()["data"]["exists"], false);
    assert_eq!(call(&cloud, "POST", ALL, &json!({ "brightness": 1 })).await.status, 400);
    assert_eq!(request(cloud.address, "GET", ALL, &[], "").await.status, 401);
    let much = json!({ "settings": { "much": "x".repeat(300 << 10) } });
    assert_eq!(call(&cloud, "POST", ALL, &much).await.status, 413);
}

#[tokio::test]
async fn what_concerns_apps_reaches_them_at_once_and_is_there_next_time() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    call(&cloud, "POST", ALL, &json!({ "settings": { "metric_system": true, "time_zone": "Asia/Tokyo" } })).await;
    let update = socket.until("augmentos_settings_update").await;
    assert_eq!(
        (&update["settings"]["metricSystemEnabled"], &update["settings"]["brightness"]),
        (&json!(true), &json!(50))
    );
    call(&cloud, "POST", ALL, &json!({ "settings": { "metric_system": true, "theme": "dark" } })).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new());
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    demo.server.hook().await;
    let Running { ack, .. } = cloud.run(ANN, &mut demo).await;
    let settings = &ack["mentraosSettings"];
    assert_eq!((&settings["metricSystemEnabled"], &settings["timezone"]), (&json!(true), &json!("Asia/Tokyo")));
}

#[tokio::test]
async fn of_changes_at_the_same_time_none_is_lost() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let page = format!("/appsettings/{DEMO}");
    let one = |n: usize| json!({ "key": format!("k{n}"), "value": n });
    let (a, b, c, d) = (one(0), one(1), one(2), one(3));
    let posts = async |body: &Value| call(&cloud, "POST", &page, body).await.status;
    let all = tokio::join!(posts(&a), posts(&b), posts(&c), posts(&d));
    assert_eq!(all, (200, 200, 200, 200));
    let record = cloud.store.load_user(&harness::user_id(ANN)).await.expect("known");
    assert_eq!(record.app_settings.values().next().map(Vec::len), Some(4));
    drop(demo);
}

#[tokio::test]
async fn of_changes_of_one_key_the_last_is_the_one_that_app_and_store_have() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    let page = format!("/appsettings/{DEMO}");
    let posts = (0..16).map(|n| {
        let (cloud, page) = (&cloud, &page);
        async move { call(cloud, "POST", page, &json!({ "key": "speed", "value": n })).await.status }
    });
    assert!(futures_util::future::join_all(posts).await.iter().all(|status| *status == 200));
    let told = socket.settle().await;
    let told: Vec<&Value> = told.iter().filter(|message| message["type"] == "settings_update").collect();
    let stored = cloud.store.load_user(&harness::user_id(ANN)).await.expect("known").app_settings;
    let stored: Vec<_> = stored.into_values().flatten().collect();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(told.last().map(|update| &update["settings"][0]["value"]), stored[0].value.as_ref(), "{told:#?}");
    assert_eq!(told.len(), 16);
}

#[tokio::test]
async fn what_is_chosen_for_an_app_reaches_its_session_and_its_server() {
    let cloud = Cloud::start().await;
    let schema = json!([{ "type": "group", "title": "Look" }, { "type": "toggle", "key": "hd", "label": "HD", "defaultValue": false }]);
    let mut demo =
        cloud.app_like(ANN, DEMO, |app| app.settings = serde_json::from_value(schema).expect("a schema")).await;
    let _phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    let page = format!("/appsettings/{DEMO}");
    assert_eq!(call(&cloud, "GET", &page, &Value::Null).await.json()["settings"][1]["selected"], false);
    let reply = call(&cloud, "POST", &page, &json!({ "key": "hd", "value": true })).await;
    assert_eq!((reply.status, reply.json()["success"].clone()), (200, json!(true)));
    let update = socket.until("settings_update").await;
    assert_eq!((&update["settings"][0]["key"], &update["settings"][0]["value"]), (&json!("hd"), &json!(true)));
    socket.until("augmentos_settings_update").await;
    let hook = demo.server.hook().await;
    assert_eq!((hook.path.as_str(), hook.text("userIdForSettings")), ("/settings", ANN));
    assert_eq!(call(&cloud, "GET", &page, &Value::Null).await.json()["settings"][1]["selected"], true);
    assert_eq!(call(&cloud, "POST", &page, &json!({ "hd": true })).await.status, 400);
    assert_eq!(call(&cloud, "GET", "/appsettings/org.example.unknown", &Value::Null).await.status, 404);
    assert_eq!(request(cloud.address, "GET", &page, &[], "").await.status, 401);
}
