//! What a server writes down of a session's life: log lines with the session's context, the product events, the numbers.

mod common;

use std::path::Path;

use bifocal_simulator::phone::Pace;
use bifocal_simulator::{Phone, PhoneConfig};
use common::{Cloud, WEARER, wait_for};
use serde_json::{Value, json};

const PACKAGE: &str = "org.example.captions";

/// The lines of a file of JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

/// The first line with this message after the first `from`, once it is there; and how many were read.
fn line(cloud: &Cloud, message: &str, from: usize) -> (Value, usize) {
    wait_for(message, || {
        let log = cloud.log();
        // The last line may be half written.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let mut found = lines(whole).into_iter().enumerate().skip(from);
        found.find(|(_, line)| line["message"] == message).map(|(at, line)| (line, at + 1))
    })
}

/// The captions app, and its entry in the catalogue.
async fn captions(cloud: &Cloud) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let key = cloud.admin_ok(&["app", "add", PACKAGE, "--url", &url, "--permission", "MICROPHONE"]);
    cloud.admin_ok(&["app", "install", WEARER, PACKAGE]);
    tokio::spawn(bifocal_example_captions::serve(listener, PACKAGE.to_owned(), key, std::future::pending()));
}

fn events(path: &Path) -> Vec<Value> {
    lines(&std::fs::read_to_string(path).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_session_can_be_read_in_the_log_the_events_and_the_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.jsonl");
    let config = format!("log_format = 'json'\nmax_sessions = 1\nevents_file = '{}'\n", path.display());
    let cloud = Cloud::start_with(&config, &[]);
    captions(&cloud).await;
    let phone = cloud.phone().await;
    let (begins, at) = line(&cloud, "session begins", 0);
    let context = begins["span"].clone();
    assert_eq!((&context["name"], &context["number"]), (&json!("session"), &json!(1)), "{begins}");
    let tag = context["user"].as_str().expect("a user");
    assert!(tag.len() == 8 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()), "{begins}");
    let (connected, at) = line(&cloud, "glasses connected", at);
    assert_eq!(connected["reconnection"], false);

    phone.start_app(PACKAGE).await.expect("asked");
    let (_, at) = line(&cloud, "app starting", at);
    let (running, at) = line(&cloud, "app running", at);
    assert_eq!(running["package"], PACKAGE);
    phone.say("hello").await.expect("said");
    wait_for("the words", || phone.state().screen.frame_text().contains("hello").then_some(()));
    phone.sound(vec![0; 3200].into(), Pace::AtOnce).await.expect("sent");

    // Another device of the same wearer takes the socket's place; another wearer does not fit, and is told so.
    let again = cloud.phone().await;
    let (connected, at) = line(&cloud, "glasses connected", at);
    assert_eq!(connected["reconnection"], true);
    let token = cloud.admin_ok(&["token", "ben@example.org"]);
    assert!(Phone::connect(PhoneConfig::new(&cloud.url, token)).await.is_err());
    let (refused, at) = line(&cloud, "no session", at);
    assert_eq!(refused["level"], "WARN");
    assert!(refused["why"].as_str().is_some_and(|why| why.contains("full")), "{refused}");

    cloud.admin_ok(&["session", "end", WEARER]);
    let (ended, _) = line(&cloud, "session ended", at);
    assert_eq!(ended["reason"], "manual");
    let log = cloud.log();
    let of_session = lines(log.trim_end()).into_iter().filter(|line| line["span"]["name"] == "session");
    let of_session: Vec<Value> = of_session.collect();
    assert!(of_session.len() >= 6 && of_session.iter().all(|line| line["span"] == context), "{of_session:#?}");
    assert!(!log.contains('@') && !log.contains("hello"), "an address or speech is in the log");

    // The same user under the same tag, and what the session was.
    let disconnected = wait_for("the last event", || {
        let mut found = events(&path).into_iter();
        found.find(|event| event["event"] == "disconnected")
    });
    let names: Vec<String> =
        events(&path).iter().map(|event| event["event"].as_str().unwrap_or("?").to_owned()).collect();
    assert_eq!(names, ["connected", "app_start", "disconnected"]);
    assert!(events(&path).iter().all(|event| event["user"] == *tag && event["timestamp"].is_string()));
    let numbers = &disconnected["properties"];
    assert_eq!((&numbers["reason"], &numbers["apps"]), (&json!("manual"), &json!([PACKAGE])));
    assert_eq!((&numbers["audio_bytes"], &numbers["transcripts"]), (&json!(3200), &json!(1)));
    assert_eq!(numbers["reconnections"], 1);
    assert!(numbers["duration_ms"].as_u64() > Some(0) && numbers["relayed"].as_u64() >= Some(1), "{numbers}");

    let metrics = reqwest::get(format!("{}/metrics", cloud.url)).await.expect("answered").text().await.expect("text");
    for line in [
        "bifocal_session_audio_bytes_total 3200",
        "bifocal_session_transcripts_total 1",
        "bifocal_refusals_total{reason=\"session\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    again.close().await;
}
