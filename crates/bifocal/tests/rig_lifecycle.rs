//! The unmodified SDK 2.1.29 through cuts, kills and stops: nothing lost, nothing stuck.

mod common;
#[path = "common/node.rs"]
mod node;
#[path = "common/proxy.rs"]
mod proxy;

use std::time::Duration;

use bifocal_protocol::glasses::{FromPhone, PackageRequest};
use bifocal_simulator::{Outcome, Phone, PhoneEvent, script};
use common::{Cloud, WEARER, wait_for};
use node::NodeApp;
use proxy::Proxy;
use serde_json::{Value, json};

const PACKAGE: &str = "org.example.my-rig";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Registers the app at this address and gives it to the wearer.
fn install(cloud: &Cloud, url: &str) {
    cloud.admin_ok(&["app", "add", PACKAGE, "--url", url, "--permission", "MICROPHONE", "--api-key", KEY]);
    cloud.admin_ok(&["app", "install", WEARER, PACKAGE]);
}

fn app_url(app: &NodeApp) -> String {
    format!("http://127.0.0.1:{}", app.port)
}

async fn play(phone: &Phone, text: &str) {
    let script = script::parse(text).expect("a script");
    let outcome = script::run(&script, phone, std::path::Path::new("."), |_| {}).await;
    assert_eq!(outcome, Outcome::Passed, "{outcome}");
}

/// Starts the app and waits until it draws.
async fn started(phone: &Phone, app: &mut NodeApp) {
    phone.start_app(PACKAGE).await.expect("started");
    app.expect("session");
    play(phone, "expect \"rig ready\" within 10").await;
}

/// Words `0` to `count - 1`, one every `every`.
async fn speak(phone: &Phone, count: usize, every: Duration) {
    for n in 0..count {
        phone.say(&format!("word {n}")).await.expect("said");
        tokio::time::sleep(every).await;
    }
}

/// The next final words of the app, in the order in which it heard them. What it heard in the instant of a cut comes again
/// when its socket did not get to say so.
fn heard(app: &mut NodeApp, count: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    while words.len() < count {
        let event = app.expect("transcription");
        let text = event["text"].as_str().expect("text").to_owned();
        if event["isFinal"] == true && !words.contains(&text) {
            words.push(text);
        }
    }
    words
}

fn in_order(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("word {n}")).collect()
}

fn of(events: &[Value], name: &str) -> usize {
    events.iter().filter(|event| event["event"] == name).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_for_a_second_the_app_hears_every_word_and_does_not_begin_again() {
    let proxy = Proxy::start().await;
    let cloud = Cloud::start_with("", &["--public-url", &proxy.url]);
    proxy.lead_to(&cloud.url);
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    install(&cloud, &app_url(&app));
    let phone = cloud.phone().await;
    started(&phone, &mut app).await;
    // The cut comes in the middle of a stream of words, and goes unnoticed for a while.
    let cut = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        proxy.cut(Duration::from_secs(1)).await;
    };
    tokio::join!(cut, speak(&phone, 80, Duration::from_millis(5)));
    assert_eq!(heard(&mut app, 80), in_order(80));
    let rest = app.rest();
    assert_eq!((of(&rest, "session"), of(&rest, "stop"), of(&rest, "connected")), (0, 0, 1), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_for_ten_seconds_the_app_is_revived_and_hears_every_word() {
    let proxy = Proxy::start().await;
    let cloud = Cloud::start_with("", &["--public-url", &proxy.url]);
    proxy.lead_to(&cloud.url);
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    install(&cloud, &app_url(&app));
    let phone = cloud.phone().await;
    started(&phone, &mut app).await;
    tokio::join!(proxy.cut(Duration::from_secs(10)), speak(&phone, 8, Duration::from_millis(500)));
    // The SDK gives up after six seconds; at the end of the grace its server is asked for a new session.
    assert_eq!(app.expect("stop")["userId"], WEARER);
    assert_eq!(app.expect_within("session", Duration::from_secs(40))["userId"], WEARER);
    assert_eq!(heard(&mut app, 8), in_order(8));
    assert_eq!(of(&app.rest(), "session"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_anew_the_app_is_revived_once() {
    let cloud = Cloud::start_with("app_grace_seconds = 4\n", &[]);
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    let port = app.port;
    install(&cloud, &app_url(&app));
    let phone = cloud.phone().await;
    started(&phone, &mut app).await;
    drop(app);
    let mut app = NodeApp::start(PACKAGE, KEY, port);
    assert_eq!(app.expect("session")["userId"], WEARER);
    play(&phone, "say still here\nexpect \"STILL HERE\" within 10").await;
    assert_eq!(of(&app.rest(), "session"), 0, "a second onSession");
}

/// What a developer does all day: the server says good-bye, ends, and is there again a second later.
#[tokio::test(flavor = "multi_thread")]
async fn restarted_politely_the_app_is_back_long_before_its_grace_is_over() {
    let cloud = Cloud::start();
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    let port = app.port;
    install(&cloud, &app_url(&app));
    let phone = cloud.phone().await;
    started(&phone, &mut app).await;
    app.command(&json!({"do": "exit"}));
    wait_for("the server to be gone", || std::net::TcpStream::connect(("127.0.0.1", port)).is_err().then_some(()));
    // One of the cloud's questions meets nobody.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut app = NodeApp::start(PACKAGE, KEY, port);
    assert_eq!(app.expect_within("session", Duration::from_secs(10))["userId"], WEARER);
    play(&phone, "say here again\nexpect \"HERE AGAIN\" within 10").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn glasses_away_for_twenty_seconds_find_everything_as_it_was() {
    let cloud = Cloud::start();
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    install(&cloud, &app_url(&app));
    let phone = cloud.phone().await;
    started(&phone, &mut app).await;
    play(&phone, "say remember me\nexpect \"REMEMBER ME\" within 10").await;
    wait_for("the microphone to be on", || phone.state().mic.then_some(()));
    let mut watch = phone.watch();
    phone.cut(Duration::from_secs(20)).await.expect("cut");
    let (mut display, mut microphone, mut apps, mut back) = (false, false, false, false);
    let returned = async {
        while !(display && microphone && apps) {
            match watch.next().await {
                PhoneEvent::Connected { .. } => back = true,
                PhoneEvent::Display { picture, .. } if back => {
                    display |= format!("{picture:?}").contains("REMEMBER ME")
                }
                PhoneEvent::Mic { on, .. } if back => microphone |= on,
                PhoneEvent::AppsRunning { .. } if back => apps = true,
                _ => {}
            }
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(40), returned).await;
    assert!(came.is_ok(), "back {back}: display {display}, microphone {microphone}, apps {apps}");
    let rest = app.rest();
    assert_eq!((of(&rest, "session"), of(&rest, "stop"), of(&rest, "disconnected")), (0, 0, 0), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_while_it_starts_the_start_is_cancelled_at_once() {
    let cloud = Cloud::start();
    // A server that takes the webhook and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    install(&cloud, &format!("http://{}", silent.local_addr().expect("an address")));
    let phone = cloud.phone().await;
    let starting = tokio::spawn({
        let phone = phone.clone();
        async move { phone.start_app(PACKAGE).await }
    });
    play(&phone, "expect \"Starting App\" within 10").await;
    phone.send(&FromPhone::StopApp(PackageRequest { package_name: PACKAGE.to_owned() })).await.expect("sent");
    let answer = tokio::time::timeout(Duration::from_secs(5), starting).await.expect("answered").expect("joined");
    let error = answer.expect_err("cancelled").to_string();
    assert!(error.contains("CANCELLED"), "{error}");
    wait_for("the boot screen to go", || phone.state().screen.frame_text().trim().is_empty().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_of_one_package_exactly_one_stays() {
    let cloud = Cloud::start();
    let mut first = NodeApp::start(PACKAGE, KEY, 0);
    let mut second = NodeApp::start(PACKAGE, KEY, 0);
    install(&cloud, &app_url(&first));
    let phone = cloud.phone().await;
    started(&phone, &mut first).await;
    // Somebody starts a second process and tells it to connect: the same request, sent to the other server.
    let socket = format!("{}/app-ws", cloud.url.replacen("http", "ws", 1));
    let request = json!({
        "type": "session_request",
        "sessionId": format!("{WEARER}-{PACKAGE}"),
        "userId": WEARER,
        "mentraOSWebsocketUrl": socket,
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let posted = reqwest::Client::new().post(format!("{}/webhook", app_url(&second))).json(&request).send().await;
    assert!(posted.expect("answered").status().is_success());
    second.expect("session");
    let gone = first.expect("disconnected");
    assert_eq!(gone["code"], 1000, "{gone}");
    play(&phone, "say who is there\nexpect \"WHO IS THERE\" within 10").await;
    second.expect("transcription");
    // Had the first one been told to come back, it would have done so within its first second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (first, second) = (first.rest(), second.rest());
    assert_eq!((of(&first, "connected"), of(&first, "transcription")), (0, 0), "{first:?}");
    assert_eq!(of(&second, "disconnected"), 0, "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_does_not_cost_the_socket() {
    let cloud = Cloud::start();
    let mut app = NodeApp::start(PACKAGE, KEY, 0);
    install(&cloud, &app_url(&app));
    let phone = cloud.phone().await;
    started(&phone, &mut app).await;
    app.command(&json!({"do": "requestPhoto"}));
    app.command(&json!({"do": "led"}));
    play(&phone, "say still connected\nexpect \"STILL CONNECTED\" within 10").await;
    let rest = app.rest();
    assert_eq!((of(&rest, "disconnected"), of(&rest, "session")), (0, 0), "{rest:?}");
}
