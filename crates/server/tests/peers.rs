//! App-to-app over real sockets, and the REST routes that app servers call.

mod harness;

use harness::http::{Reply, request};
use harness::{ANN, App, Cloud, Running, Socket};
use serde_json::{Value, json};

const BEN: &str = "ben@example.org";
const CHAT: &str = "org.example.chat";

/// The app runs for Ann and for Ben.
async fn two(cloud: &Cloud) -> (App, [Socket; 2], [Socket; 2]) {
    let mut chat = cloud.app(ANN, CHAT).await;
    let package = harness::cloud::package_name(CHAT);
    cloud.store.install(&harness::user_id(BEN), &package).await.expect("it exists");
    let phones = [cloud.phone(ANN).await, cloud.phone(BEN).await];
    let Running { socket: ann, .. } = cloud.run(ANN, &mut chat).await;
    let (reply, Running { socket: ben, .. }) = tokio::join!(cloud.start_app(BEN, CHAT), cloud.answer_start(&mut chat));
    assert_eq!(reply.status, 200);
    (chat, [ann, ben], phones)
}

async fn discover(cloud: &Cloud, key: &str, user: &str) -> Reply {
    let body = json!({ "packageName": CHAT, "userId": user, "includeUserProfiles": true }).to_string();
    let authorization = format!("Bearer {key}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    request(cloud.address, "POST", "/api/app-communication/discover-users", &headers, &body).await
}

#[tokio::test]
async fn two_wearers_hear_each_other_and_nobody_else_does() {
    let cloud = Cloud::start().await;
    let (_chat, [mut ann, mut ben], _phones) = two(&cloud).await;
    assert_eq!(ann.until("app_user_joined").await["userId"], BEN);
    let message = json!({ "type": "app_broadcast_message", "payload": { "text": "hello" }, "messageId": "m1" });
    ann.send(message).await;
    let heard = ben.until("app_message_received").await;
    assert_eq!((&heard["payload"], &heard["senderUserId"]), (&json!({ "text": "hello" }), &json!(ANN)));
    assert_eq!(heard["senderSessionId"], format!("{ANN}-{CHAT}"));
    let direct = |to: &str| json!({ "type": "app_direct_message", "targetUserId": to, "payload": "hi", "messageId": "m2", "senderUserId": "eve@example.org" });
    ben.send(direct(ANN)).await;
    let heard = ann.until("app_message_received").await;
    // The socket knows who speaks.
    assert_eq!((&heard["payload"], &heard["senderUserId"]), (&json!("hi"), &json!(BEN)));
    assert_eq!(ben.until("app_direct_message_response").await["success"], true);
    ben.send(direct("eve@example.org")).await;
    let failed = ben.until("app_direct_message_response").await;
    assert_eq!((&failed["success"], &failed["targetUserId"]), (&json!(false), &json!("eve@example.org")));
    assert!(ann.settle().await.iter().all(|message| message["type"] != "app_message_received"), "it hears itself");
}

#[tokio::test]
async fn who_leaves_is_gone_for_the_others() {
    let cloud = Cloud::start().await;
    let (chat, [mut ann, _ben], [_, ben_phone]) = two(&cloud).await;
    let found = discover(&cloud, &chat.key, ANN).await.json();
    let users: Vec<&Value> = found["users"].as_array().expect("a list").iter().map(|user| &user["userId"]).collect();
    assert_eq!((users, &found["totalUsers"]), (vec![&json!(ANN), &json!(BEN)], &json!(2)));
    drop(ben_phone);
    assert_eq!(cloud.admin("POST", "/api/admin/sessions/end", &json!({ "user": BEN }).to_string()).await.status, 200);
    assert_eq!(ann.until("app_user_left").await["userId"], BEN);
    assert_eq!(discover(&cloud, &chat.key, ANN).await.json()["totalUsers"], 1);
    assert_eq!(discover(&cloud, &chat.key, BEN).await.status, 404);
}

#[tokio::test]
async fn only_the_app_itself_learns_who_uses_it() {
    let cloud = Cloud::start().await;
    let (chat, _sockets, _phones) = two(&cloud).await;
    assert_eq!(discover(&cloud, "not-the-key", ANN).await.status, 401);
    assert_eq!(discover(&cloud, &chat.key, "eve@example.org").await.status, 404);
    let path = "/api/tpa-communication/discover-users";
    assert_eq!(request(cloud.address, "POST", path, &[], "{}").await.status, 400);
}

#[tokio::test]
async fn an_app_reads_the_settings_of_its_user_while_it_runs() {
    let cloud = Cloud::start().await;
    let schema = json!([{ "type": "toggle", "key": "loud", "label": "Loud", "defaultValue": true }, { "type": "group", "title": "x" }]);
    let mut demo =
        cloud.app_like(ANN, CHAT, |app| app.settings = serde_json::from_value(schema).expect("a schema")).await;
    let _phone = cloud.phone(ANN).await;
    let path = format!("/appsettings/user/{CHAT}");
    let fetch = async |bearer: &str| {
        let authorization = format!("Bearer {bearer}");
        request(cloud.address, "GET", &path, &[("Authorization", &authorization)], "").await
    };
    // SDK v2 sends the session id in place of the address.
    let session_id = format!("{ANN}-{CHAT}");
    assert_eq!(fetch(&session_id).await.status, 404);
    let _running = cloud.run(ANN, &mut demo).await;
    for bearer in [session_id.as_str(), ANN, "Ann@Example.org"] {
        let reply = fetch(bearer).await;
        assert_eq!(reply.status, 200, "{bearer}");
        let expected =
            json!([{ "type": "toggle", "key": "loud", "label": "Loud", "defaultValue": true, "value": true }]);
        assert_eq!(reply.json(), json!({ "success": true, "settings": expected }));
    }
    assert_eq!(request(cloud.address, "GET", &path, &[], "").await.status, 400);
    assert_eq!(cloud.get("/appsettings/user/org.example.unknown").await.status, 400);
}

#[tokio::test]
async fn settings_are_found_by_a_session_id_that_is_a_uuid() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app_like(ANN, CHAT, |app| app.uuid_sessions = true).await;
    let _phone = cloud.phone(ANN).await;
    let running = cloud.run(ANN, &mut demo).await;
    let authorization = format!("Bearer {}", running.hook.text("sessionId"));
    let path = format!("/appsettings/user/{CHAT}");
    let reply = request(cloud.address, "GET", &path, &[("Authorization", &authorization)], "").await;
    assert_eq!((reply.status, reply.json()["success"].clone()), (200, json!(true)));
}

#[tokio::test]
async fn what_an_app_declares_is_public() {
    let cloud = Cloud::start().await;
    let camera = bifocal_protocol::permission::Permission::Camera;
    let _app = cloud.app_like(ANN, CHAT, |app| app.permissions = vec![camera]).await;
    let public = cloud.get(&format!("/api/public/permissions/{CHAT}")).await;
    assert_eq!(public.json()["permissions"], json!([{ "type": "CAMERA" }]));
    assert_eq!(cloud.get("/api/public/permissions/org.example.unknown").await.status, 404);
    assert_eq!(cloud.get("/api/sdk/version").await.json()["data"]["latest"], "2.1.29");
}
