//! The app's whole life against a cloud of a few lines: start, captions, a lost socket, stop.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

const SESSION: &str = "ann@example.org-org.example.captions";

/// Far above what anything here takes: a limit for a test that waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<TcpStream>;

#[tokio::test]
async fn a_session_from_start_to_stop() {
    let cloud = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (app, shutdown, served) = start_app().await;

    let started = tokio::spawn(webhook(app, session_request(&cloud)));
    let mut socket = accept(&cloud).await;
    let init = receive(&mut socket).await;
    assert_eq!(
        init,
        json!({
            "type": "tpa_connection_init", "sessionId": SESSION,
            "packageName": "org.example.captions", "apiKey": "secret",
        })
    );
    assert!(!started.is_finished(), "the webhook is answered after the ack");
    send(&mut socket, json!({ "type": "tpa_connection_ack", "sessionId": SESSION, "settings": [] })).await;
    assert_eq!(started.await.unwrap(), (200, json!({ "status": "success" })));
    expect_greeting(&mut socket).await;

    for (text, is_final) in [("good", false), ("good morning", true)] {
        send(&mut socket, data("transcription:en-US", json!({ "text": text, "isFinal": is_final }))).await;
        assert_eq!(receive(&mut socket).await["layout"], json!({ "layoutType": "text_wall", "text": text }));
    }
    send(&mut socket, json!({ "type": "something_new" })).await;
    socket.send(Message::text("not JSON")).await.unwrap();
    send(&mut socket, data("button_press", json!({ "buttonId": "main", "pressType": "short" }))).await;
    send(&mut socket, data("button_press", json!({ "buttonId": "main", "pressType": "long" }))).await;
    assert_eq!(receive(&mut socket).await["layout"], json!({ "layoutType": "clear_view" }));

    drop(socket);
    let mut socket = accept(&cloud).await;
    assert_eq!(receive(&mut socket).await, init, "a lost socket comes back as who it was");
    send(&mut socket, json!({ "type": "tpa_connection_ack", "sessionId": SESSION, "settings": [] })).await;
    expect_greeting(&mut socket).await;
    assert_eq!(health(app).await, 1);

    let stopped = tokio::spawn(webhook(app, json!({ "type": "stop_request", "sessionId": SESSION })));
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(None));
    drop(socket);
    assert_eq!(stopped.await.unwrap(), (200, json!({ "status": "success" })));
    assert_eq!(health(app).await, 0);

    shutdown.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn a_final_close_ends_the_session_and_a_refusal_fails_the_start() {
    let cloud = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (app, shutdown, served) = start_app().await;

    let started = tokio::spawn(webhook(app, session_request(&cloud)));
    let mut socket = accept(&cloud).await;
    receive(&mut socket).await;
    send(&mut socket, json!({ "type": "tpa_connection_ack", "sessionId": SESSION, "settings": [] })).await;
    assert_eq!(started.await.unwrap().0, 200);
    socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "App stopped".into() })).await.unwrap();
    while socket.next().await.is_some() {}
    gone(app).await;

    let started = tokio::spawn(webhook(app, session_request(&cloud)));
    let mut socket = accept(&cloud).await;
    receive(&mut socket).await;
    send(&mut socket, json!({ "type": "tpa_connection_error", "message": "Invalid API key" })).await;
    assert_eq!(started.await.unwrap(), (500, json!({ "status": "error", "message": "Failed to connect" })));

    shutdown.send(()).unwrap();
    served.await.unwrap();
}

async fn start_app() -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, stop) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stop = async { drop(stop.await) };
        bifocal_example_captions::serve(listener, "org.example.captions".into(), "secret".into(), stop).await.unwrap();
    });
    (address, shutdown, served)
}

fn session_request(cloud: &TcpListener) -> Value {
    let url = format!("ws://{}/app-ws", cloud.local_addr().unwrap());
    json!({ "type": "session_request", "sessionId": SESSION, "userId": "ann@example.org", "websocketUrl": url })
}

fn data(stream: &str, data: Value) -> Value {
    json!({ "type": "data_stream", "sessionId": SESSION, "streamType": stream, "data": data })
}

async fn accept(cloud: &TcpListener) -> Socket {
    let (stream, _) = tokio::time::timeout(PATIENCE, cloud.accept()).await.unwrap().unwrap();
    accept_async(stream).await.unwrap()
}

async fn send(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn receive(socket: &mut Socket) -> Value {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn gone(app: SocketAddr) {
    let emptied = async {
        while health(app).await != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, emptied).await.unwrap();
}

async fn expect_greeting(socket: &mut Socket) {
    assert_eq!(receive(socket).await["layout"]["text"], "Listening …");
    let wanted = json!(["transcription:en-US", "button_press"]);
    let update = receive(socket).await;
    assert_eq!((&update["type"], &update["subscriptions"]), (&json!("subscription_update"), &wanted));
}

async fn webhook(app: SocketAddr, body: Value) -> (u16, Value) {
    request(app, "POST /webhook", &body.to_string()).await
}

async fn health(app: SocketAddr) -> u64 {
    let (status, body) = request(app, "GET /health", "").await;
    assert_eq!((status, &body["status"], &body["app"]), (200, &json!("healthy"), &json!("org.example.captions")));
    body["activeSessions"].as_u64().unwrap()
}

/// One HTTP request by hand, so that the sample needs no HTTP client.
async fn request(app: SocketAddr, what: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(app).await.unwrap();
    let head = "HTTP/1.1\r\nhost: app\r\nconnection: close\r\ncontent-type: application/json";
    let request = format!("{what} {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}
