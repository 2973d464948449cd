//! One process serves the sessions of 5,000 wearers. The cloud's ends of the sockets are in the same process, so what is measured
//! is more than what an app needs.

use std::time::Duration;

use bifocal_sdk::prelude::*;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

const WEARERS: usize = 5_000;
/// So much the whole process may have.
const LIMIT: u64 = 300 << 20;
const PATIENCE: Duration = Duration::from_secs(120);
const PACKAGE: &str = "org.example.fleet";
/// Webhooks at the same time, as a cloud would send them.
const AT_ONCE: usize = 64;

struct Echo;

impl App for Echo {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut words = session.events().transcription("en-US").await?.latest();
        while let Some(heard) = words.next().await {
            session.layouts().show_text_wall(heard.text).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout, reason = "the number is what one wants to see of it")]
async fn five_thousand_wearers_fit_into_three_hundred_megabytes() {
    let address = "127.0.0.1:0".parse().expect("an address");
    let app = AppServer::builder(PACKAGE, "key").listen_on(address).start(Echo).await.expect("it listens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let cloud = format!("ws://{}/app-ws", listener.local_addr().expect("an address"));
    let (done, mut shown) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, done.clone()));
        }
    });
    let webhook = format!("http://{}/webhook", app.address());
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let starts = futures_util::stream::iter(0..WEARERS).for_each_concurrent(AT_ONCE, |number| {
        let user = format!("wearer-{number}@example.org");
        let body = json!({
            "type": "session_request", "sessionId": format!("{user}-{PACKAGE}"), "userId": user, "websocketUrl": cloud,
        });
        let request = http.post(&webhook).json(&body);
        async move {
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), 200);
        }
    });
    timeout(PATIENCE, starts).await.expect("all are started");
    // Each has heard a sentence and shown it.
    for number in 0..WEARERS {
        let shown = timeout(PATIENCE, shown.recv()).await;
        assert!(matches!(shown, Ok(Some(()))), "only {number} wearers saw their words");
    }
    assert_eq!(app.sessions().len(), WEARERS);
    let bytes = resident();
    println!("{WEARERS} sessions, both ends of each socket: {} MiB resident", bytes >> 20);
    assert!(bytes < LIMIT, "{bytes} bytes resident, and the limit is {LIMIT}");
    app.stop().await.expect("it stops");
}

/// The cloud's end: takes the app in, says something when it listens, and waits until it is shown.
async fn converse(stream: TcpStream, done: mpsc::Sender<()>) {
    let small = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let Ok(mut socket) = tokio_tungstenite::accept_async_with_config(stream, Some(small)).await else { return };
    while let Some(Ok(frame)) = socket.next().await {
        let Message::Text(text) = frame else { continue };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        match message["type"].as_str() {
            Some("tpa_connection_init") => {
                say(&mut socket, json!({"type": "tpa_connection_ack", "settings": []})).await
            }
            Some("subscription_update") => {
                let data = json!({"text": "what was said", "isFinal": true});
                say(&mut socket, json!({"type": "data_stream", "streamType": "transcription:en-US", "data": data}))
                    .await;
            }
            Some("display_event") => {
                assert_eq!(message["layout"]["text"], "what was said");
                done.send(()).await.expect("the test waits");
            }
            _ => {}
        }
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("the app listens");
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the line");
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    kilobytes << 10
}
