//! Chromium opens the page of a stream and plays it. It is told what to do over its debugging socket.

mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bifocal_media::{ManagedProvider, Phase};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use support::{LIMIT, Stage, phase, publish};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A browser with one page.
struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    number: u64,
    _child: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn open(url: &str) -> Browser {
        let profile = tempfile::tempdir().expect("a folder");
        let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                     --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0 \
                     --window-size=960,600 --hide-scrollbars";
        let child = Command::new("chromium")
            .args(flags.split_whitespace())
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromium is there; cargo xtask setup installs it");
        let port = port(profile.path()).await;
        let page = async {
            loop {
                let (_, list) = support::get(format!("127.0.0.1:{port}").parse().expect("an address"), "/json").await;
                let list: Value = serde_json::from_slice(&list).unwrap_or_default();
                let page = list.as_array().into_iter().flatten().find(|target| target["type"] == "page");
                if let Some(socket) = page.and_then(|page| page["webSocketDebuggerUrl"].as_str()) {
                    return socket.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let page = tokio::time::timeout(LIMIT, page).await.expect("a page");
        let (socket, _) = connect_async(page).await.expect("the debugging socket");
        Browser { socket, number: 0, _child: child, _profile: profile }
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let call = json!({"id": self.number, "method": method, "params": parameters});
        self.socket.send(Message::text(call.to_string())).await.expect("sent");
        loop {
            let message = tokio::time::timeout(LIMIT, self.socket.next()).await.expect("in time");
            let text = message.expect("open").expect("good").into_text().expect("text");
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == self.number {
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression, as JSON.
    async fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": format!("JSON.stringify({expression})")});
        let result = self.call("Runtime.evaluate", parameters).await;
        let text = result["result"]["value"].as_str().unwrap_or("null");
        serde_json::from_str(text).expect("JSON")
    }

    /// Waits until an expression is true.
    async fn until(&mut self, expression: &str) {
        let waiting = async {
            while self.value(expression).await != true {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(LIMIT, waiting).await.is_err() {
            let page =
                "[document.body.dataset.state, video.currentTime, video.readyState, String(video.error?.message)]";
            panic!("not {expression}: {}", self.value(page).await);
        }
    }

    /// Keeps what the page looks like, for people, as `target/tmp/NAME.png`.
    async fn picture(&mut self, name: &str) {
        let picture = self.call("Page.captureScreenshot", json!({})).await;
        let bytes =
            data_encoding::BASE64.decode(picture["data"].as_str().expect("a picture").as_bytes()).expect("base64");
        std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png")), bytes).expect("written");
    }
}

/// Chromium writes down which port it took.
async fn port(profile: &Path) -> u16 {
    let file = profile.join("DevToolsActivePort");
    let found = async {
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some(port) = text.lines().next().and_then(|line| line.parse().ok()) {
                return port;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, found).await.expect("chromium starts")
}

#[tokio::test]
async fn chromium_plays_the_page_through_a_reconnection_to_the_end() {
    let stage = Stage::start(|_| {}).await;
    let mut stream = stage.stream().await;
    let mut browser = Browser::open(&stream.urls.preview).await;
    browser.until("document.body.dataset.state === 'waiting'").await;
    browser.picture("player-waiting").await;

    let mut publisher = publish(&stream.publish_url, 60);
    browser.until("document.body.dataset.state === 'live' && video.videoWidth === 640 && video.currentTime > 1").await;
    let before = browser.value("video.currentTime").await.as_f64().expect("a time");
    browser.until(&format!("video.currentTime > {before} + 2 && !video.paused")).await;
    assert_eq!(browser.value("video.webkitAudioDecodedByteCount > 0").await, true, "it has sound");
    browser.until("viewers.textContent === '1 viewer'").await;
    browser.picture("player-live").await;

    publisher.kill().await.expect("killed");
    browser.until("document.body.dataset.state === 'lost'").await;
    browser.picture("player-lost").await;
    let before = browser.value("video.currentTime").await.as_f64().expect("a time");
    let _publisher = publish(&stream.publish_url, 60);
    browser.until(&format!("document.body.dataset.state === 'live' && video.currentTime > {before} + 3")).await;

    phase(&mut stream.status, Phase::Live).await;
    stage.media.delete(&stream.id).await.expect("deleted");
    browser.until("document.body.dataset.state === 'ended'").await;
    browser.picture("player-ended").await;
    assert_eq!(
        browser
            .value("performance.getEntriesByType('resource').every((entry) => entry.name.startsWith(location.origin))")
            .await,
        true
    );
}
