//! Sound of apps: asked of the phone, answered by it, and sent by the app while the phone hears it.

mod harness;

use std::net::SocketAddr;

use harness::{ANN, Cloud, PATIENCE, Running, Socket};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const DEMO: &str = "org.example.demo";
const STREAM: &str = "3b241101-e2bb-4255-8caf-4136c566a962";

/// A body that is read as it comes.
struct Hears(TcpStream);

impl Hears {
    async fn get(address: SocketAddr, path: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut hears = Self(stream);
        let head = hears.until(b"\r\n\r\n").await;
        (hears, head.to_ascii_lowercase())
    }

    /// Everything up to and with this.
    async fn until(&mut self, end: &[u8]) -> String {
        let mut read = Vec::new();
        timeout(PATIENCE, async {
            while !read.ends_with(end) {
                read.push(self.0.read_u8().await.expect("more comes"));
            }
        })
        .await
        .unwrap_or_else(|_| panic!("only {:?}", String::from_utf8_lossy(&read)));
        String::from_utf8_lossy(&read).into_owned()
    }
}

struct Stage {
    cloud: Cloud,
    phone: Socket,
    app: Socket,
}

async fn stage() -> Stage {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let phone = cloud.phone(ANN).await;
    let Running { socket: app, .. } = cloud.run(ANN, &mut demo).await;
    Stage { cloud, phone, app }
}

fn frame(sound: &[u8]) -> Vec<u8> {
    [STREAM.as_bytes(), sound].concat()
}

async fn begun(app: &mut Socket, cloud: &Cloud) -> String {
    app.send(json!({"type": "audio_stream_start", "streamId": STREAM, "contentType": "audio/mpeg"})).await;
    let ready = app.until("audio_stream_ready").await;
    assert_eq!(ready["streamId"], STREAM);
    let url = ready["streamUrl"].as_str().expect("a URL");
    let path = url.strip_prefix(&format!("http://{}", cloud.address)).expect("our own address");
    assert!(!path.contains(STREAM), "whoever knows the id must not know the address");
    path.to_owned()
}

#[tokio::test]
async fn the_phone_is_asked_and_its_answer_comes_back() {
    let Stage { cloud, mut phone, mut app } = stage().await;
    let play = |id: &str, url: String| json!({"type": "audio_play_request", "requestId": id, "audioUrl": url});
    app.send(play("r1", "/api/tts?text=hello".to_owned())).await;
    let asked = phone.until("audio_play_request").await;
    let url = asked["audioUrl"].as_str().expect("a URL");
    assert!(url.starts_with(&format!("http://{}/api/tts?text=hello&", cloud.address)), "{url}");
    assert_eq!((&asked["packageName"], &asked["stopOtherAudio"]), (&json!(DEMO), &json!(true)));
    phone.send(json!({"type": "audio_play_response", "requestId": "r1", "success": true, "duration": 2.5})).await;
    let answer = app.until("audio_play_response").await;
    assert_eq!(
        (&answer["requestId"], &answer["success"], &answer["duration"]),
        (&json!("r1"), &json!(true), &json!(2.5))
    );
    // Loopback is a network that app servers may be in; the router is not.
    app.send(play("r2", "http://127.0.0.1:9/a.mp3".to_owned())).await;
    assert_eq!(phone.until("audio_play_request").await["requestId"], "r2");
    for url in ["http://192.168.1.1/", "http://[::ffff:10.0.0.1]/", "ftp://example.org/", "//example.org/x", ""] {
        app.send(play("r3", url.to_owned())).await;
        assert_eq!(app.until("audio_play_response").await["success"], Value::Bool(false), "{url}");
    }
    assert!(app.complaints().await.is_empty());
}

#[tokio::test]
async fn an_app_sends_sound_while_the_phone_hears_it() {
    let Stage { cloud, phone: _phone, mut app } = stage().await;
    let path = begun(&mut app, &cloud).await;
    app.send_binary(frame(b"before the phone came;")).await;
    app.settle().await;
    let (mut phone, head) = Hears::get(cloud.address, &path).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: audio/mpeg"), "{head}");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    phone.until(b"before the phone came;").await;
    app.send_binary(frame(b"and now;")).await;
    phone.until(b"and now;").await;
    app.send_binary(frame(b"the end")).await;
    app.send(json!({"type": "audio_stream_end", "streamId": STREAM})).await;
    phone.until(b"the end\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_stream_ends_with_its_app_and_nobody_hears_what_is_not_there() {
    let Stage { cloud, phone: _phone, mut app } = stage().await;
    let path = begun(&mut app, &cloud).await;
    let (mut phone, _) = Hears::get(cloud.address, &path).await;
    app.send_binary(frame(b"some;")).await;
    phone.until(b"some;").await;
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    phone.until(b"0\r\n\r\n").await;
    cloud.get("/api/audio/stream/guessed").await.fails(404, "There is no such stream, or it is over");
}

/// An app that sends more than anybody hears loses its stream and nothing else.
#[tokio::test]
async fn a_stream_that_nobody_hears_disturbs_nobody() {
    let Stage { cloud, phone: _phone, mut app } = stage().await;
    let path = begun(&mut app, &cloud).await;
    for _ in 0..5 {
        app.send_binary(frame(&vec![b'x'; 512 << 10])).await;
    }
    assert!(app.complaints().await.is_empty());
    let metrics = cloud.get("/metrics").await.body;
    assert!(metrics.contains(r#"bifocal_refusals_total{reason="audio_stream_full"} 1"#), "{metrics}");
    let (mut phone, _) = Hears::get(cloud.address, &path).await;
    phone.until(b"0\r\n\r\n").await;
}
