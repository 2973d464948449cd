//! Streams of the camera over real sockets, with the embedded media server and an `ffmpeg` in the place of the glasses: managed ones
//! from the first wish to the last app, their copies to other servers over REST, and direct ones.

mod harness;

use std::process::Stdio;
use std::time::Duration;

use bifocal_protocol::permission::Permission;
use bifocal_server::{EmbeddedStreams, ServerConfig, StreamsConfig};
use harness::http::{Reply, request};
use harness::{ANN, App, Cloud, Running, Socket, eventually};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const LIVE: &str = "org.example.live";
const TV: &str = "org.example.tv";
/// Encoders need a moment to begin.
const LONG: Duration = Duration::from_secs(60);

fn embedded(config: &mut ServerConfig) {
    config.streams = StreamsConfig::Embedded(EmbeddedStreams {
        listen: "127.0.0.1:0".parse().expect("an address"),
        required: true,
        publish_base: None,
        recordings: None,
        ffmpeg: None,
        per_user: 2,
    });
}

/// Two apps with a camera that run for Ann, and her phone with its glasses.
struct Scene {
    cloud: Cloud,
    phone: Socket,
    live: Running,
    tv: Running,
    keys: [String; 2],
}

impl Scene {
    async fn new(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let cloud = Cloud::with(change).await;
        let camera = |app: &mut bifocal_store::NewApp| {
            app.permissions = vec![Permission::Camera];
            app.kind = bifocal_protocol::app::AppKind::Background;
        };
        let mut live: App = cloud.app_like(ANN, LIVE, camera).await;
        let mut tv: App = cloud.app_like(ANN, TV, camera).await;
        let mut phone = cloud.phone(ANN).await;
        phone
            .send(json!({"type": "glasses_connection_state", "modelName": "Mentra Live", "status": "CONNECTED"}))
            .await;
        let keys = [live.key.clone(), tv.key.clone()];
        let (live, tv) = (cloud.run(ANN, &mut live).await, cloud.run(ANN, &mut tv).await);
        Self { cloud, phone, live, tv, keys }
    }

    /// The glasses say how their stream is.
    async fn glasses_say(&mut self, stream: &Value, status: &str) {
        self.phone.send(json!({"type": "rtmp_stream_status", "streamId": stream, "status": status})).await;
    }

    /// A managed stream that can be watched: its name, where it is watched, and who publishes.
    async fn on_air(&mut self) -> (String, String, Child) {
        self.live.socket.send(json!({"type": "managed_stream_request"})).await;
        let order = self.phone.until("start_rtmp_stream").await;
        let glasses = publish(order["rtmpUrl"].as_str().expect("a URL"));
        self.glasses_say(&order["streamId"], "active").await;
        let status = managed(&mut self.live.socket, "active").await;
        assert_eq!(status["streamId"], order["streamId"]);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&status["streamId"]), text(&status["hlsUrl"]), glasses)
    }

    async fn outputs(&self, method: &str, path: &str, app: usize, body: Value) -> Reply {
        let bearer = format!("Bearer {}", self.keys[app]);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        request(self.cloud.address, method, &format!("/api/streams/{path}"), &headers, &body.to_string()).await
    }

    async fn number(&self, line: &str) -> bool {
        self.cloud.get("/metrics").await.body.lines().any(|known| known == line)
    }
}

/// A test picture and a tone, published in real time until it is killed or sent away.
fn publish(url: &str) -> Child {
    let arguments = "-hide_banner -loglevel fatal -nostdin -re -f lavfi -i testsrc=size=320x180:rate=25 \
                     -re -f lavfi -i sine=frequency=440:sample_rate=44100 -c:v libx264 -preset ultrafast -tune zerolatency -bf 0 -g 25 \
                     -pix_fmt yuv420p -c:a aac -b:a 64k -f flv";
    let mut command = Command::new("ffmpeg");
    command.args(arguments.split_whitespace()).arg(url).stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().expect("ffmpeg is there; cargo xtask setup installs it")
}

/// Reads until a managed stream is told to be like this.
async fn managed(app: &mut Socket, state: &str) -> Value {
    let reading = async {
        loop {
            if let harness::Got::Text(message) = app.got().await
                && message["type"] == "managed_stream_status"
                && message["status"] == state
            {
                return message;
            }
        }
    };
    timeout(LONG, reading).await.unwrap_or_else(|_| panic!("the stream is never {state}"))
}

/// What can be fetched from a URL of this server.
async fn fetch(cloud: &Cloud, url: &str) -> Reply {
    let (at, _) = url.match_indices('/').nth(2).expect("a path");
    cloud.get(&url[at..]).await
}

#[tokio::test]
async fn a_managed_stream_from_the_first_wish_to_the_last_app() {
    let mut scene = Scene::new(embedded).await;
    scene.live.socket.send(json!({"type": "managed_stream_request", "video": {"width": 320}})).await;
    let first = scene.live.socket.until("managed_stream_status").await;
    assert_eq!((&first["status"], &first["hlsUrl"]), (&json!("initializing"), &Value::Null));
    let order = scene.phone.until("start_rtmp_stream").await;
    assert_eq!((&order["appId"], &order["video"]["width"]), (&json!("MANAGED_STREAM"), &json!(320)));
    let mut glasses = publish(order["rtmpUrl"].as_str().expect("a URL"));
    scene.glasses_say(&order["streamId"], "active").await;
    let active = managed(&mut scene.live.socket, "active").await;
    let hls = active["hlsUrl"].as_str().expect("a URL").to_owned();
    assert_eq!((&active["dashUrl"], &active["streamId"]), (&json!(hls), &order["streamId"]));
    // What is told as active can be watched.
    let playlist = fetch(&scene.cloud, &hls).await;
    assert!(playlist.status == 200 && playlist.body.starts_with("#EXTM3U"), "{playlist:?}");
    assert_eq!(fetch(&scene.cloud, active["previewUrl"].as_str().expect("a URL")).await.status, 200);

    // Another app takes part in the same stream; the glasses are told nothing new.
    scene.tv.socket.send(json!({"type": "managed_stream_request"})).await;
    let joined = managed(&mut scene.tv.socket, "active").await;
    assert_eq!((&joined["hlsUrl"], &joined["streamId"]), (&json!(hls), &order["streamId"]));
    scene.live.socket.send(json!({"type": "managed_stream_stop"})).await;
    managed(&mut scene.live.socket, "stopped").await;
    scene.tv.socket.send(json!({"type": "stream_status_check"})).await;
    let check = scene.tv.socket.until("stream_status_check_response").await;
    assert_eq!((&check["streamInfo"]["status"], &check["streamInfo"]["hlsUrl"]), (&json!("active"), &json!(hls)));
    let before = scene.phone.settle().await;
    assert!(before.iter().all(|message| message["type"] != "stop_rtmp_stream"), "{before:?}");
    assert!(scene.number("bifocal_camera_streams{kind=\"managed\"} 1").await);

    // The last one ends it: for the glasses, and for whoever still publishes.
    scene.tv.socket.send(json!({"type": "managed_stream_stop"})).await;
    managed(&mut scene.tv.socket, "stopped").await;
    let stop = scene.phone.until("stop_rtmp_stream").await;
    assert_eq!(stop["streamId"], order["streamId"]);
    scene.glasses_say(&order["streamId"], "stopped").await;
    eventually("the place is given back", || scene.number("bifocal_streams_ended_total{reason=\"deleted\"} 1")).await;
    assert!(scene.number("bifocal_camera_streams{kind=\"managed\"} 0").await);
    timeout(LONG, glasses.wait()).await.expect("the publisher is sent away").expect("it ends");
}

#[tokio::test]
async fn nothing_of_a_stream_survives_the_session() {
    let mut scene = Scene::new(embedded).await;
    let (_, _, mut glasses) = scene.on_air().await;
    let ended = scene.cloud.admin("POST", "/api/admin/sessions/end", &json!({"user": ANN}).to_string()).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    scene.phone.until("stop_rtmp_stream").await;
    eventually("the place is given back", || scene.number("bifocal_streams_ended_total{reason=\"deleted\"} 1")).await;
    assert!(scene.number("bifocal_camera_streams_ended_total{reason=\"session_ended\"} 1").await);
    timeout(LONG, glasses.wait()).await.expect("the publisher is sent away").expect("it ends");
}

#[tokio::test]
async fn a_server_that_stops_tells_the_glasses_to_stop() {
    let mut scene = Scene::new(embedded).await;
    let (_, _, mut glasses) = scene.on_air().await;
    let Scene { cloud, mut phone, .. } = scene;
    tokio::join!(cloud.server.stop(), phone.until("stop_rtmp_stream"));
    timeout(LONG, glasses.wait()).await.expect("the publisher is sent away").expect("it ends");
}

#[tokio::test]
async fn copies_belong_to_the_app_that_has_added_them() {
    let target = Cloud::with(embedded).await;
    let rtmp = target.server.rtmp_address().expect("it listens");
    let mut scene = Scene::new(embedded).await;
    let (stream, _, _glasses) = scene.on_air().await;
    let of_stream = format!("{stream}/outputs");
    // Nobody has made this path there: the target refuses, and the copy says so.
    let url = format!("rtmp://{rtmp}/live/secret");
    let add = |url: &str| json!({"packageName": LIVE, "url": url, "name": "a copy"});
    let added = scene.outputs("POST", &of_stream, 0, add(&url)).await;
    let body = added.json();
    assert_eq!((added.status, &body["success"]), (200, &json!(true)), "{added:?}");
    let output = body["outputId"].as_str().expect("a name").to_owned();

    for (why, status, app, asks) in [
        ("DUPLICATE_URL", 409, 0, add(&url)),
        ("INVALID_URL", 400, 0, add("https://a.example/live/key")),
        ("INVALID_URL", 400, 0, add("rtmp://a.example/no-key")),
        ("NOT_A_VIEWER", 403, 1, json!({"packageName": TV, "url": "rtmp://b.example/live/key"})),
        ("UNAUTHORIZED", 401, 1, add("rtmp://b.example/live/key")),
        ("BAD_REQUEST", 400, 0, json!({"url": "rtmp://b.example/live/key"})),
    ] {
        let reply = scene.outputs("POST", &of_stream, app, asks).await;
        assert_eq!((reply.status, &reply.json()["error"]), (status, &json!(why)), "{reply:?}");
    }
    let unknown = scene.outputs("POST", "nothing/outputs", 0, add(&url)).await;
    assert_eq!((unknown.status, &unknown.json()["error"]), (404, &json!("STREAM_NOT_FOUND")));
    let nobody = scene.cloud.get(&format!("/api/streams/{of_stream}?packageName={LIVE}")).await;
    assert_eq!(nobody.status, 401);

    // Its app sees where it goes; another that takes part sees the host.
    scene.tv.socket.send(json!({"type": "managed_stream_request"})).await;
    managed(&mut scene.tv.socket, "active").await;
    let list = async |app: usize, package: &str| {
        let path = format!("{of_stream}?packageName={package}");
        scene.outputs("GET", &path, app, Value::Null).await.json()
    };
    let mine = list(0, LIVE).await;
    assert_eq!((&mine["total"], &mine["maxPerStream"]), (&json!(1), &json!(10)), "{mine}");
    assert_eq!((&mine["outputs"][0]["url"], &mine["outputs"][0]["addedBy"]), (&json!(url), &json!(LIVE)));
    let others = list(1, TV).await;
    assert_eq!(others["outputs"][0]["url"], format!("rtmp://{rtmp}/…"));
    eventually("the copy says why it does not work", || async {
        let copy = &list(0, LIVE).await["outputs"][0];
        copy["status"] == "error" && copy["error"].as_str().is_some_and(|why| !why.contains("secret"))
    })
    .await;

    let remove = async |app: usize, package: &str| {
        let path = format!("{of_stream}/{output}?packageName={package}");
        scene.outputs("DELETE", &path, app, Value::Null).await
    };
    let theirs = remove(1, TV).await;
    assert_eq!((theirs.status, &theirs.json()["error"]), (403, &json!("NOT_AUTHORIZED")));
    assert_eq!(remove(0, LIVE).await.status, 200);
    let again = remove(0, LIVE).await;
    assert_eq!((again.status, &again.json()["error"]), (404, &json!("OUTPUT_NOT_FOUND")));
    assert_eq!(list(0, LIVE).await["outputs"], json!([]));
}

#[tokio::test]
async fn a_copy_arrives_at_another_server() {
    // Another wearer's stream, on another server, is the place where the copy goes.
    let mut there = Scene::new(embedded).await;
    there.live.socket.send(json!({"type": "managed_stream_request"})).await;
    let order = there.phone.until("start_rtmp_stream").await;
    let mut scene = Scene::new(embedded).await;
    let to = json!([{"url": order["rtmpUrl"], "name": "there"}]);
    scene.live.socket.send(json!({"type": "managed_stream_request", "restreamDestinations": to})).await;
    let own = scene.phone.until("start_rtmp_stream").await;
    let _glasses = publish(own["rtmpUrl"].as_str().expect("a URL"));
    let copied = managed(&mut there.live.socket, "active").await;
    assert_eq!(fetch(&there.cloud, copied["hlsUrl"].as_str().expect("a URL")).await.status, 200);
    scene.live.socket.send(json!({"type": "managed_stream_request"})).await;
    let status = managed(&mut scene.live.socket, "active").await;
    assert_eq!((&status["outputs"][0]["name"], &status["outputs"][0]["url"]), (&json!("there"), &order["rtmpUrl"]));
}

#[tokio::test]
async fn a_server_without_managed_streams_says_so_at_once() {
    let mut scene = Scene::new(|_| {}).await;
    scene.live.socket.send(json!({"type": "managed_stream_request"})).await;
    let status = scene.live.socket.until("managed_stream_status").await;
    assert_eq!(status["status"], "error");
    assert!(status["message"].as_str().is_some_and(|why| why.starts_with("NOT_AVAILABLE: ")), "{status}");
}

#[tokio::test]
async fn a_direct_stream_belongs_to_its_app() {
    let mut scene = Scene::new(|_| {}).await;
    let wish = json!({"type": "rtmp_stream_request", "rtmpUrl": "rtmp://live.example/app/key"});
    scene.live.socket.send(wish).await;
    let order = scene.phone.until("start_rtmp_stream").await;
    assert_eq!((&order["rtmpUrl"], &order["appId"]), (&json!("rtmp://live.example/app/key"), &json!(LIVE)));
    assert_eq!(scene.live.socket.until("rtmp_stream_status").await["status"], "initializing");
    scene.glasses_say(&order["streamId"], "active").await;
    assert_eq!(scene.live.socket.until("rtmp_stream_status").await["status"], "active");

    // Others can neither stop it, nor have the camera, nor see the key.
    scene.tv.socket.send(json!({"type": "rtmp_stream_stop", "streamId": order["streamId"]})).await;
    assert_eq!(scene.tv.socket.until("tpa_connection_error").await["code"], "PERMISSION_DENIED");
    scene.tv.socket.send(json!({"type": "photo_request", "requestId": "p"})).await;
    assert_eq!(scene.tv.socket.until("photo_response").await["error"]["code"], "CAMERA_BUSY");
    scene.tv.socket.send(json!({"type": "stream_status_check"})).await;
    let check = scene.tv.socket.until("stream_status_check_response").await;
    assert_eq!((&check["hasActiveStream"], &check["streamInfo"]["rtmpUrl"]), (&json!(true), &Value::Null));

    // The end of its app is its end.
    assert_eq!(scene.cloud.stop_app(ANN, LIVE).await.status, 200);
    let stop = scene.phone.until("stop_rtmp_stream").await;
    assert_eq!(stop["streamId"], order["streamId"]);
    scene.glasses_say(&order["streamId"], "stopped").await;
    eventually("it is over", || scene.number("bifocal_camera_streams_ended_total{reason=\"app_stopped\"} 1")).await;
    assert!(scene.number("bifocal_camera_streams{kind=\"direct\"} 0").await);
}
