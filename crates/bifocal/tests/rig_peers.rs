//! Two wearers of one app chat, with the unmodified SDK 2.1.29: discovery, broadcast, direct messages, who comes and goes.

mod common;
#[path = "common/node.rs"]
mod node;

use bifocal_simulator::{Phone, PhoneConfig};
use common::{Cloud, WEARER};
use node::NodeApp;
use serde_json::{Value, json};

const PACKAGE: &str = "org.example.my-rig";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "ben@example.org";

async fn phone(cloud: &Cloud, user: &str) -> Phone {
    let token = cloud.admin_ok(&["token", user]);
    Phone::connect(PhoneConfig::new(&cloud.url, token)).await.expect("the phone connects")
}

fn picked(event: &Value, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| event[field].as_str().map_or_else(|| event[field].to_string(), str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_wearers_chat() {
    let cloud = Cloud::start();
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    let url = format!("http://127.0.0.1:{}", app.port);
    cloud.admin_ok(&["app", "add", PACKAGE, "--url", &url, "--api-key", KEY]);
    for user in [WEARER, OTHER] {
        cloud.admin_ok(&["app", "install", user, PACKAGE]);
    }
    let phones = [phone(&cloud, WEARER).await, phone(&cloud, OTHER).await];
    for (user, phone) in [WEARER, OTHER].into_iter().zip(&phones) {
        phone.start_app(PACKAGE).await.expect("started");
        assert_eq!(app.expect("session")["userId"], user);
    }
    assert_eq!(picked(&app.expect("userJoined"), &["userId", "who"]), [WEARER, OTHER]);

    app.command(&json!({ "do": "discover", "userId": WEARER, "domain": cloud.url }));
    assert_eq!(app.expect("discovered")["users"], json!([WEARER, OTHER]));

    app.command(&json!({ "do": "broadcast", "userId": WEARER, "payload": { "text": "hello all" } }));
    let heard = app.expect("message");
    assert_eq!(picked(&heard, &["userId", "from"]), [OTHER, WEARER]);
    assert_eq!(heard["payload"], json!({ "text": "hello all" }));

    app.command(&json!({ "do": "direct", "userId": OTHER, "to": WEARER, "payload": "hello you" }));
    assert_eq!(app.expect("delivered")["success"], true);
    assert_eq!(picked(&app.expect("message"), &["userId", "from", "payload"]), [WEARER, OTHER, "hello you"]);

    app.command(&json!({ "do": "direct", "userId": OTHER, "to": "eve@example.org", "payload": "is anybody there" }));
    assert_eq!(app.expect("delivered")["success"], false);

    phones[1].stop_app(PACKAGE).await.expect("stopped");
    assert_eq!(picked(&app.expect("userLeft"), &["userId", "who"]), [WEARER, OTHER]);
    let rest = app.rest();
    assert!(!rest.iter().any(|event| event["event"] == "message"), "somebody heard more: {rest:?}");
}
