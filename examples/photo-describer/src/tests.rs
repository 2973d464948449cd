//! The app against a cloud for tests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bifocal_sdk::testing::FakeCloud;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

/// A model that writes down what it is asked and answers with this.
async fn model(status: u16, answer: &'static str) -> (Model, Arc<Mutex<Vec<Value>>>) {
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let book = asked.clone();
    let answer = post(async move |headers: HeaderMap, Json(question): Json<Value>| {
        assert_eq!(headers["authorization"], "Bearer the key");
        book.lock().expect("not poisoned").push(question);
        let body = json!({"choices": [{"message": {"content": answer}}]});
        (StatusCode::from_u16(status).expect("a status"), Json(body))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/chat/completions", answer)).await });
    (Model::new(&url, "the key", "a-model").expect("a client"), asked)
}

#[tokio::test]
async fn a_photo_is_described_and_said() {
    let (model, asked) = model(200, "A red apple on a table.").await;
    let cloud = FakeCloud::new(Describer { model });
    let ann = cloud.start("ann@example.org").await;
    ann.holds(&b"foob"[..]);
    ann.presses("camera", "long").await;
    ann.sees("A red apple on a table.").await;
    ann.gets("audio_play_request", |message| message["audioUrl"].as_str().is_some_and(|url| url.contains("apple")))
        .await;
    let question = asked.lock().expect("not poisoned")[0].clone();
    assert_eq!(question["model"], "a-model");
    let image = &question["messages"][0]["content"][1]["image_url"]["url"];
    assert_eq!(image, "data:image/jpeg;base64,Zm9vYg==");
    ann.holds(&b"x"[..]);
    ann.says("What is this?").await;
    ann.gets("photo_request", |_| asked.lock().is_ok_and(|asked| asked.len() == 2)).await;
}

#[tokio::test]
async fn what_goes_wrong_is_shown_and_the_app_goes_on() {
    let (model, _asked) = model(500, "").await;
    let cloud = FakeCloud::new(Describer { model });
    let ann = cloud.start("ann@example.org").await;
    ann.cannot_take_a_photo("CAMERA_BUSY");
    ann.presses("camera", "long").await;
    ann.sees("CAMERA_BUSY").await;
    ann.holds(&b"x"[..]);
    ann.says("what is this").await;
    ann.sees("the model answers with 500").await;
    assert!(ann.session().is_live());
}
