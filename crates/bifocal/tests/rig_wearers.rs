//! Two wearers of one app over the unmodified SDK 2.1.29: each has a session and a display of their own, and the app can say
//! the words of one to all.

mod common;
#[path = "common/node.rs"]
mod node;

use bifocal_simulator::{Phone, PhoneConfig};
use common::{Cloud, WEARER, wait_for};
use node::NodeApp;
use serde_json::json;

const PACKAGE: &str = "org.example.my-rig";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "ben@example.org";

async fn phone(cloud: &Cloud, user: &str) -> Phone {
    let token = cloud.admin_ok(&["token", user]);
    Phone::connect(PhoneConfig::new(&cloud.url, token)).await.expect("the phone connects")
}

fn shows(phone: &Phone, text: &str) {
    wait_for(text, || phone.state().screen.frame_text().contains(text).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_says_is_heard_in_one_session_and_the_app_shows_it_to_all() {
    let cloud = Cloud::start();
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    let url = format!("http://127.0.0.1:{}", app.port);
    cloud.admin_ok(&["app", "add", PACKAGE, "--url", &url, "--api-key", KEY, "--permission", "MICROPHONE"]);
    for user in [WEARER, OTHER] {
        cloud.admin_ok(&["app", "install", user, PACKAGE]);
    }
    let (ann, ben) = (phone(&cloud, WEARER).await, phone(&cloud, OTHER).await);
    for (user, phone) in [(WEARER, &ann), (OTHER, &ben)] {
        phone.start_app(PACKAGE).await.expect("started");
        assert_eq!(app.expect("session")["sessionId"], format!("{user}-{PACKAGE}"));
        shows(phone, "rig ready");
        wait_for("the microphone to be on", || phone.state().mic.then_some(()));
    }

    ann.say("to be seen by ann").await.expect("said");
    let heard = loop {
        let heard = app.expect("transcription");
        assert_eq!(heard["userId"], WEARER, "the words of one were heard in the session of the other");
        if heard["isFinal"] == true {
            break heard;
        }
    };
    assert_eq!((&heard["userId"], &heard["text"]), (&json!(WEARER), &json!("to be seen by ann")));
    shows(&ann, "TO BE SEEN BY ANN");
    // Ben's display is as it was, and his session has heard nothing.
    assert!(ben.state().screen.frame_text().contains("rig ready"));

    let words = heard["text"].as_str().expect("words");
    app.command(&json!({ "do": "showTextWall", "text": format!("Ann says {words}") }));
    shows(&ann, "Ann says to be seen by ann");
    shows(&ben, "Ann says to be seen by ann");
    let others = app.rest().into_iter().filter(|event| event["event"] == "transcription" && event["userId"] == OTHER);
    assert_eq!(others.count(), 0, "the words of one were heard in the session of the other");
}
