//! A cloud and two wearers for one driver: what it wants is done, what their phones hear is told to it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::layout::View;
use bifocal_providers::fake;
use bifocal_simulator::phone::{Pace, Photo};
use bifocal_simulator::{Outcome, Phone, PhoneConfig, PhoneEvent, Picture, script};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::common::{Cloud, WEARER, rig_folder};
use crate::driver::{Driver, Stack};
use crate::overhear::overhear;

const BOB: &str = "bob@example.org";
const KEY: &str = "0123456789abcdef0123456789abcdef";
/// As the drivers call them.
const APP: &str = "org.example.my-methods";
const DASHBOARD: &str = "system.augmentos.dashboard";
const PERMISSIONS: [&str; 6] =
    ["MICROPHONE", "CAMERA", "LOCATION", "BACKGROUND_LOCATION", "CALENDAR", "READ_NOTIFICATIONS"];
/// What is spoken is recognised, and translated, by the engine that knows its own numbered words.
const ENGINE: &str = "[[speech.engines]]\nkind = \"fake\"\nscript = { translates = true }\n";
/// All rows of a stack, also on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A wearer: the simulated phone, and what a phone needs for REST.
struct Wearer {
    phone: Phone,
    token: String,
}

/// Whom and what the wishes of a driver are about.
struct Stage {
    cloud: Cloud,
    ann: Wearer,
    bob: Wearer,
    http: reqwest::Client,
}

/// Runs all rows of a stack; gives everything that the driver said about them.
pub(crate) async fn play(stack: Stack) -> Vec<Value> {
    let said = tokio::time::timeout(LIMIT, play_without_limit(stack)).await;
    said.unwrap_or_else(|_| panic!("{} {} has not ended after {LIMIT:?}", stack.version, stack.api))
}

async fn play_without_limit(stack: Stack) -> Vec<Value> {
    let key = rig_folder().join("user-token.pem");
    let config = format!("user_token_key = {:?}\n{ENGINE}", key.display().to_string());
    // Nobody carries managed streams: the rows about them wait for glasses that really stream.
    let cloud = Cloud::start_with(&config, &["--rtmp-listen", "127.0.0.1:0"]);
    let environment = [
        ("CLOUD_URL", &*cloud.url),
        ("API_KEY", KEY),
        ("ANN", WEARER),
        ("BOB", BOB),
        // Else the SDK believes the cloud of its makers only.
        ("MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY", include_str!("../../../../rig/user-token.pub.pem")),
    ];
    let mut driver = Driver::start(stack, &environment);
    let mut said = Vec::new();
    let ports = loop {
        let line = driver.next().await.unwrap_or_else(|| panic!("{} ended; it said {said:?}", stack.version));
        if line["event"] == "listening" {
            break line;
        }
        said.push(line);
    };
    let ear = driver.ear();
    let stage = Arc::new(set(cloud, &ports, &ear).await);
    ear.send(json!({"go": true})).expect("it listens");
    while let Some(line) = driver.next().await {
        match line["event"].as_str() {
            Some("want") => {
                let (stage, ear) = (Arc::clone(&stage), ear.clone());
                tokio::spawn(async move {
                    let done = &line["id"];
                    let answer = match obey(&stage, &line).await {
                        Ok(answer) => json!({"done": done, "answer": answer}),
                        Err(error) => json!({"done": done, "error": error}),
                    };
                    // A driver that has ended wants nothing any more.
                    let _ = ear.send(answer);
                });
            }
            Some("end") => {
                said.push(line);
                break;
            }
            _ => said.push(line),
        }
    }
    said
}

/// Registers the apps, and connects the phones.
async fn set(cloud: Cloud, ports: &Value, ear: &UnboundedSender<Value>) -> Stage {
    let url = |port: &Value| format!("http://127.0.0.1:{port}");
    let app = url(&ports["port"]);
    let mut add = vec!["app", "add", APP, "--api-key", KEY, "--url", &app];
    add.extend(PERMISSIONS.iter().flat_map(|permission| ["--permission", permission]));
    cloud.admin_ok(&add);
    let side = url(&ports["sidePort"]);
    cloud.admin_ok(&["app", "add", DASHBOARD, "--api-key", KEY, "--url", &side, "--type", "system_dashboard"]);
    for (wearer, package) in [(WEARER, APP), (BOB, APP), (WEARER, DASHBOARD)] {
        cloud.admin_ok(&["app", "install", wearer, package]);
    }
    // The phones bring the HTTP client's provider along.
    let ann = wearer(&cloud, "ann", WEARER, ear).await;
    let bob = wearer(&cloud, "bob", BOB, ear).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    Stage { cloud, ann, bob, http }
}

/// A wearer whose phone is overheard; the driver is told everything.
async fn wearer(cloud: &Cloud, name: &'static str, address: &str, ear: &UnboundedSender<Value>) -> Wearer {
    let token = cloud.admin_ok(&["token", address]);
    let relay = overhear(&cloud.url, {
        let ear = ear.clone();
        move |message| {
            let kind = message["type"].clone();
            // A driver that has ended hears nothing any more.
            let _ = ear.send(json!({"phone": name, "kind": kind, "message": message}));
        }
    });
    // The rows say themselves what becomes of sound and of streams.
    let config = PhoneConfig { plays: false, ffmpeg: None, ..PhoneConfig::new(relay.await, &token) };
    let phone = Phone::connect(config).await.expect("the phone connects");
    follow(name, &phone, ear.clone());
    phone.set_photo(Some(Photo::new(photo()))).await.expect("told");
    Wearer { phone, token }
}

/// What the glasses take a picture of.
pub(crate) fn photo() -> Vec<u8> {
    let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rig/photo.png");
    std::fs::read(photo).expect("the photo is there")
}

/// Does what a driver wants.
async fn obey(stage: &Stage, wish: &Value) -> Result<Value, String> {
    if let Some(arguments) = wish["admin"].as_array() {
        let arguments: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
        return Ok(stage.cloud.admin_ok(&arguments).into());
    }
    let wearer = if wish["phone"] == "bob" { &stage.bob } else { &stage.ann };
    let phone = &wearer.phone;
    if let Some(text) = wish["script"].as_str() {
        let script = script::parse(text).map_err(|error| error.to_string())?;
        return match script::run(&script, phone, Path::new("."), |_| {}).await {
            Outcome::Passed => Ok(Value::Null),
            outcome => Err(outcome.to_string()),
        };
    }
    if wish["message"].is_object() {
        phone.send_text(&wish["message"].to_string()).await.map_err(|error| error.to_string())?;
        return Ok(Value::Null);
    }
    if let Some(words) = wish["words"].as_array() {
        let numbers = words.iter().filter_map(Value::as_u64).filter_map(|number| u16::try_from(number).ok());
        // A little silence behind it, as there always is.
        let sound = fake::sound(numbers.chain([0]));
        phone.sound(sound, Pace::AtOnce).await.map_err(|error| error.to_string())?;
        return Ok(Value::Null);
    }
    if let Some(bytes) = wish["sound"].as_u64() {
        let sound = vec![0; usize::try_from(bytes).expect("few")];
        phone.sound(sound.into(), Pace::AtOnce).await.map_err(|error| error.to_string())?;
        return Ok(Value::Null);
    }
    rest(stage, wearer, &wish["rest"]).await
}

/// A call of the REST interface with the wearer's token.
async fn rest(stage: &Stage, wearer: &Wearer, call: &Value) -> Result<Value, String> {
    let (method, path) = (call["method"].as_str().unwrap_or("?"), call["path"].as_str().unwrap_or("?"));
    let method = method.parse().map_err(|_| format!("no method: {method}"))?;
    let request = stage.http.request(method, format!("{}{path}", stage.cloud.url)).bearer_auth(&wearer.token);
    let mut body = call["body"].clone();
    // The driver has no token.
    if let Some(token) = body.get_mut("coreToken") {
        *token = wearer.token.clone().into();
    }
    let response = request.json(&body).send().await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(|error| error.to_string())?;
    Ok(json!({"status": status, "text": text}))
}

/// Tells the driver what happens to a phone.
fn follow(name: &'static str, phone: &Phone, ear: UnboundedSender<Value>) {
    let mut watch = phone.watch();
    tokio::spawn(async move {
        loop {
            let mut line = told(watch.next().await);
            line["phone"] = name.into();
            if ear.send(line).is_err() {
                return;
            }
        }
    });
}

fn told(event: PhoneEvent) -> Value {
    match event {
        PhoneEvent::Display { package, view, picture } => {
            let view = if view == View::Dashboard { "dashboard" } else { "main" };
            json!({"kind": "display", "package": package, "view": view, "text": drawn(&picture)})
        }
        PhoneEvent::Photo { package, outcome } => {
            json!({"kind": "photo", "package": package, "taken": outcome.is_ok()})
        }
        other => json!({"kind": "event", "text": other.to_string()}),
    }
}

fn drawn(picture: &Picture) -> String {
    match picture {
        Picture::Text(text) | Picture::Note(text) => text.clone(),
        Picture::Columns(one, other) | Picture::Card(one, other) => format!("{one} | {other}"),
        Picture::Bitmap(bitmap) => format!("picture {}×{}", bitmap.width(), bitmap.height()),
    }
}
