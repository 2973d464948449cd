//! One app, two wearers at the same time: what one subscribes to, sees and says is not the other's.

mod harness;

use harness::{ANN, App, Cloud, Running, Socket, user_id};
use serde_json::json;

const DEMO: &str = "org.example.demo";
const BEN: &str = "ben@example.org";

/// An app that both have.
async fn shared_app(cloud: &Cloud) -> App {
    let demo = cloud.app(ANN, DEMO).await;
    cloud.store.install(&user_id(BEN), &harness::cloud::package_name(DEMO)).await.expect("it exists");
    demo
}

async fn wants(app: &mut Socket, streams: &[&str]) {
    app.send(json!({ "type": "subscription_update", "subscriptions": streams })).await;
    app.settle().await;
}

#[tokio::test]
async fn each_wearer_has_a_session_subscriptions_and_a_display_of_their_own() {
    let cloud = Cloud::start().await;
    let mut demo = shared_app(&cloud).await;
    let (mut ann, mut ben) = (cloud.phone(ANN).await, cloud.phone(BEN).await);
    let Running { socket: mut of_ann, hook, .. } = cloud.run(ANN, &mut demo).await;
    assert_eq!(hook.text("sessionId"), format!("{ANN}-{DEMO}"));
    let Running { socket: mut of_ben, hook, .. } = cloud.run(BEN, &mut demo).await;
    assert_eq!(hook.text("sessionId"), format!("{BEN}-{DEMO}"));

    wants(&mut of_ann, &["button_press"]).await;
    wants(&mut of_ben, &["head_position"]).await;
    for phone in [&mut ann, &mut ben] {
        phone.send(json!({ "type": "button_press", "buttonId": "main", "pressType": "short" })).await;
        phone.send(json!({ "type": "head_position", "position": "up" })).await;
    }
    let heard = of_ann.until("data_stream").await;
    assert_eq!((&heard["streamType"], &heard["sessionId"]), (&json!("button_press"), &json!(format!("{ANN}-{DEMO}"))));
    let heard = of_ben.until("data_stream").await;
    assert_eq!((&heard["streamType"], &heard["sessionId"]), (&json!("head_position"), &json!(format!("{BEN}-{DEMO}"))));
    assert!(of_ann.settle().await.is_empty() && of_ben.settle().await.is_empty());

    of_ann.send(json!({ "type": "display_event", "view": "main", "layout": { "layoutType": "text_wall", "text": "for Ann" } })).await;
    let shown = loop {
        let event = ann.until("display_event").await;
        if event["packageName"] == DEMO {
            break event;
        }
    };
    assert_eq!(shown["layout"]["text"], "for Ann");
    let shown = ben.settle().await;
    assert!(!shown.iter().any(|message| message["layout"]["text"] == "for Ann"), "{shown:?}");

    // The end of one is not the end of the other.
    assert_eq!(cloud.stop_app(BEN, DEMO).await.status, 200);
    demo.server.hook().await;
    of_ben.closed().await;
    ann.send(json!({ "type": "button_press", "buttonId": "main", "pressType": "long" })).await;
    assert_eq!(of_ann.until("data_stream").await["data"]["pressType"], "long");
}
