//! What phones post over REST: apps hear of it, and the answers are what phones read.

mod harness;

use harness::http::{Reply, request};
use harness::{ANN, App, Cloud, Running, Socket, token};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";

async fn post(cloud: &Cloud, path: &str, body: &Value) -> Reply {
    let authorization = format!("Bearer {}", token::good(ANN));
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    request(cloud.address, "POST", path, &headers, &body.to_string()).await
}

/// An app that may hear everything, and listens to these streams.
async fn listening(cloud: &Cloud, streams: &[&str]) -> (App, Socket, Socket) {
    let all = bifocal_protocol::permission::Permission::All;
    let mut demo = cloud.app_like(ANN, DEMO, |app| app.permissions = vec![all]).await;
    let phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    socket.send(json!({ "type": "subscription_update", "subscriptions": streams })).await;
    socket.settle().await;
    (demo, socket, phone)
}

#[tokio::test]
async fn the_state_of_the_glasses_reaches_apps_and_the_phone_reads_what_is_known() {
    let cloud = Cloud::start().await;
    let (_demo, mut app, _phone) = listening(&cloud, &["glasses_battery_update"]).await;
    let reply =
        post(&cloud, "/api/client/device/state", &json!({ "modelName": "Mentra Live", "batteryLevel": 80 })).await;
    assert_eq!(reply.status, 200);
    let applied = &reply.json()["appliedState"];
    assert_eq!((&applied["isGlassesConnected"], &applied["modelName"]), (&json!(true), &json!("Mentra Live")));
    assert_eq!(applied["capabilities"]["hasCamera"], true);
    assert_eq!(app.until("data_stream").await["data"]["level"], 80);
    assert_eq!(app.until("capabilities_update").await["capabilities"]["modelName"], "Mentra Live");
    let (_, ack) = cloud.phone_with_ack(ANN).await;
    assert_eq!(ack["userSession"]["currentGlassesModel"], "Mentra Live");
    assert_eq!(post(&cloud, "/api/client/device/state", &json!([1])).await.status, 400);
}

#[tokio::test]
async fn what_was_posted_before_the_session_counts() {
    let cloud = Cloud::start().await;
    let reply =
        post(&cloud, "/api/client/device/state", &json!({ "connected": true, "modelName": "Mentra Live" })).await;
    assert_eq!((reply.status, reply.json()["error"].clone()), (503, json!("NO_ACTIVE_SESSION")));
    let _phone = cloud.phone(ANN).await;
    let reply = post(&cloud, "/api/client/device/state", &json!({})).await;
    assert_eq!(reply.json()["appliedState"]["modelName"], "Mentra Live");
}

#[tokio::test]
async fn places_appointments_and_notifications_reach_apps() {
    let cloud = Cloud::start().await;
    let streams = ["location_update", "calendar_event", "phone_notification", "phone_notification_dismissed"];
    let (_demo, mut app, _phone) = listening(&cloud, &streams).await;
    let fix =
        json!({ "coords": { "latitude": 48.1, "longitude": 11.5, "accuracy": 9 }, "timestamp": 1_767_600_000_000_i64 });
    assert_eq!(post(&cloud, "/api/client/location", &fix).await.status, 200);
    let heard = app.until("data_stream").await;
    assert_eq!((&heard["streamType"], &heard["data"]["lat"]), (&json!("location_update"), &json!(48.1)));
    let events =
        json!({ "events": [{ "id": "a", "title": "Tea", "startDate": "2099-01-05T09:00:00Z" }, { "id": "b" }] });
    assert_eq!(post(&cloud, "/api/client/calendar", &events).await.json()["success"], true);
    let heard = app.until("data_stream").await;
    assert_eq!((&heard["streamType"], &heard["data"]["title"]), (&json!("calendar_event"), &json!("Tea")));
    let notification = json!({ "notificationId": "n", "app": "Mail", "title": "Hi", "content": "there" });
    assert_eq!(post(&cloud, "/api/client/notifications", &notification).await.status, 200);
    let heard = app.until("data_stream").await;
    assert_eq!((&heard["streamType"], &heard["data"]["priority"]), (&json!("phone_notification"), &json!("normal")));
    let dismissed = json!({ "notificationId": "n", "notificationKey": "k", "packageName": "mail" });
    assert_eq!(post(&cloud, "/api/client/notifications/dismissed", &dismissed).await.status, 200);
    assert_eq!(app.until("data_stream").await["streamType"], "phone_notification_dismissed");
}

#[tokio::test]
async fn the_wearer_s_clock_reaches_who_asks_for_it() {
    let cloud = Cloud::start().await;
    let (_demo, mut app, _phone) = listening(&cloud, &["custom_message"]).await;
    let set = |token: String, datetime: &str| json!({ "coreToken": token, "datetime": datetime });
    let path = "/api/user-data/set-datetime";
    assert_eq!(post(&cloud, path, &set(token::good(ANN), "2026-01-05T10:00:00Z")).await.status, 200);
    let message = app.until("custom_message").await;
    assert_eq!(
        (&message["action"], &message["payload"]["datetime"]),
        (&json!("update_datetime"), &json!("2026-01-05T10:00:00Z"))
    );
    assert_eq!(post(&cloud, path, &set("odd".to_owned(), "2026-01-05T10:00:00Z")).await.status, 401);
    assert_eq!(post(&cloud, path, &set(token::good(ANN), "noon")).await.status, 400);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_what_is_missing() {
    let cloud = Cloud::start().await;
    let _phone = cloud.phone(ANN).await;
    for (path, message) in [
        ("/api/client/location", "location object required"),
        ("/api/client/calendar", "events object required"),
        ("/api/client/notifications", "Missing required fields: notificationId, app, title, content"),
        (
            "/api/client/notifications/dismissed",
            "Missing required fields: notificationId, notificationKey, packageName",
        ),
    ] {
        let reply = post(&cloud, path, &json!({ "odd": true })).await;
        assert_eq!((reply.status, reply.json()["message"].clone()), (400, json!(message)), "{path}");
        assert_eq!(request(cloud.address, "POST", path, &[], "{}").await.status, 401, "{path}");
    }
}
