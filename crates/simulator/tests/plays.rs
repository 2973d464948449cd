//! Sound of apps as a phone plays it: fetched to its end, told truthfully, silenced when somebody says so.

mod support;

use bifocal_simulator::phone::{Phone, PhoneConfig};
use serde_json::{Value, json};
use support::{FakeCloud, Order};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// `/good` is a body, `/endless` one that never ends, anything else is not found.
async fn recordings() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let (answer, endless): (&[u8], bool) = match request.split(' ').nth(1) {
                    Some("/good") => (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nmp3", false),
                    Some("/endless") => (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nmp3", true),
                    _ => (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false),
                };
                let _ = stream.write_all(answer).await;
                if endless {
                    // Until the phone hangs up.
                    let _ = stream.read(&mut [0]).await;
                }
            });
        }
    });
    url
}

fn play(id: &str, url: String, app: &str, stop_others: bool) -> Order {
    Order::Send(
        json!({"type": "audio_play_request", "requestId": id, "packageName": app, "appId": app, "audioUrl": url,
                       "stopOtherAudio": stop_others, "trackId": 1}),
    )
}

async fn answer(cloud: &mut FakeCloud) -> (Value, Value) {
    let answer = cloud.saw_message("audio_play_response").await;
    (answer["requestId"].clone(), if answer["success"] == true { json!(true) } else { answer["error"].clone() })
}

#[tokio::test]
async fn a_phone_fetches_what_it_is_to_play_and_says_what_became_of_it() {
    let (mut cloud, recordings) = (FakeCloud::start().await, recordings().await);
    let _phone = Phone::connect(PhoneConfig::new(&cloud.url, "good")).await.expect("connects");
    cloud.order(play("r1", format!("{recordings}/good"), "org.example.a", true));
    assert_eq!(answer(&mut cloud).await, (json!("r1"), json!(true)));
    cloud.order(play("r2", format!("{recordings}/none"), "org.example.a", true));
    assert_eq!(answer(&mut cloud).await, (json!("r2"), json!("HTTP 404")));
    cloud.order(play("r3", "file:///etc/passwd".to_owned(), "org.example.a", true));
    assert_eq!(answer(&mut cloud).await, (json!("r3"), json!("the audioUrl is not http")));
}

#[tokio::test]
async fn a_stop_is_for_one_app_and_something_louder_for_all() {
    let (mut cloud, recordings) = (FakeCloud::start().await, recordings().await);
    let _phone = Phone::connect(PhoneConfig::new(&cloud.url, "good")).await.expect("connects");
    let endless = format!("{recordings}/endless");
    cloud.order(play("a", endless.clone(), "org.example.a", false));
    cloud.order(play("b", endless.clone(), "org.example.b", false));
    let stop =
        |app: &str, track: u64| Order::Send(json!({"type": "audio_stop_request", "appId": app, "trackId": track}));
    cloud.order(stop("org.example.a", 0));
    cloud.order(stop("org.example.a", 1));
    assert_eq!(answer(&mut cloud).await, (json!("a"), json!("stopped")));
    cloud.order(play("c", format!("{recordings}/good"), "org.example.c", true));
    assert_eq!(answer(&mut cloud).await, (json!("b"), json!("something else is played")));
    assert_eq!(answer(&mut cloud).await, (json!("c"), json!(true)));
}
