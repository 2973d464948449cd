//! The camera with real media and nothing scripted: an app of the Rust SDK, the real binary, simulated glasses that take photos and
//! stream with ffmpeg, and ffprobe for those who watch.

mod common;

use std::time::Duration;

use bifocal_example_photo_describer::{Describer, Model};
use bifocal_media::{ManagedProvider as _, Media, NewStream, Phase};
use bifocal_sdk::prelude::*;
use bifocal_sdk::wire::StreamState;
use bifocal_sdk::{ManagedStreamOptions, PhotoOptions, RunningServer, StreamOptions};
use bifocal_simulator::phone::Press;
use bifocal_simulator::{CameraState, Phone, Photo};
use common::{Cloud, WEARER, free_port, media_config};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

const APP: &str = "org.example.my-camera";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(60);
/// A file like any other; it must arrive byte for byte.
const PNG: &[u8] = include_bytes!("../../../rig/photo.png");

/// Hands its sessions to the test.
struct Handed(UnboundedSender<AppSession>);

impl App for Handed {
    async fn on_session(&self, session: AppSession) -> Result {
        self.0.send(session)?;
        Ok(())
    }
}

struct Stage {
    cloud: Cloud,
    _app: RunningServer,
    phone: Phone,
}

impl Stage {
    async fn set(app: impl App, glasses: Option<&str>) -> Stage {
        let address = "127.0.0.1:0".parse().expect("an address");
        let app = AppServer::builder(APP, KEY).listen_on(address).start(app).await.expect("it listens");
        let cloud = Cloud::start_with("", &["--rtmp-listen", &free_port()]);
        let url = format!("http://{}", app.address());
        let permissions = ["--permission", "CAMERA", "--permission", "MICROPHONE"];
        cloud.admin_ok(&[&["app", "add", APP, "--api-key", KEY, "--url", &url], &permissions[..]].concat());
        cloud.admin_ok(&["app", "install", WEARER, APP]);
        let phone = cloud.phone_with(glasses).await;
        phone.start_app(APP).await.expect("started");
        Stage { cloud, _app: app, phone }
    }

    async fn with_session() -> (Stage, AppSession) {
        let (send, mut sessions): (_, UnboundedReceiver<AppSession>) = unbounded_channel();
        let stage = Stage::set(Handed(send), Some("Mentra Live")).await;
        let session = within(sessions.recv()).await.expect("a session");
        (stage, session)
    }

    /// Waits until the glasses stream, or do not.
    async fn streams(&self, wanted: bool) {
        let mut watch = self.phone.watch();
        let changed = async {
            while watch.state().stream.is_some() != wanted {
                watch.next().await;
            }
        };
        assert!(timeout(PATIENCE, changed).await.is_ok(), "waited for streaming: {wanted}");
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("in time")
}

/// A small picture: a test has no time to lose.
fn small() -> Option<bifocal_sdk::wire::Object> {
    serde_json::from_value(json!({"width": 320, "height": 180, "frameRate": 10, "bitrate": 200_000})).ok()
}

/// What ffprobe finds in a stream, without a complaint: codecs, sizes and counts of frames.
async fn ffprobe(arguments: &[&str], url: &str) -> Vec<Value> {
    let mut command = Command::new("ffprobe");
    command.args(["-hide_banner", "-loglevel", "warning", "-of", "json", "-show_entries"]);
    command.args(["stream=codec_name,codec_type,width,height,nb_read_frames"]).args(arguments).arg(url);
    let output =
        within(command.kill_on_drop(true).output()).await.expect("ffprobe is there; cargo xtask setup installs it");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "ffprobe complains: {complaints}");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    found["streams"].as_array().expect("streams").clone()
}

fn frames(found: &[Value], codec: &str) -> u32 {
    let stream = found.iter().find(|stream| stream["codec_name"] == codec);
    stream.and_then(|stream| stream["nb_read_frames"].as_str()?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_photo_arrives_as_it_was_taken_or_says_why_not() -> Result {
    let (stage, session) = Stage::with_session().await;
    let small = || PhotoOptions { size: "small".to_owned(), ..PhotoOptions::default() };
    let card = within(session.camera().photo(small())).await?;
    assert_eq!(card.mime_type, "image/jpeg");
    let picture = image::load_from_memory(&card.data)?;
    assert_eq!((picture.width(), picture.height()), (320, 240), "the test card");

    stage.phone.set_photo(Some(Photo::new(PNG))).await?;
    let photo = within(session.camera().photo(small())).await?;
    assert_eq!((&photo.data[..], photo.mime_type.as_str()), (PNG, "image/png"));

    for (state, expected) in [(CameraState::Off, "CAMERA_INIT_FAILED"), (CameraState::Busy, "CAMERA_BUSY")] {
        stage.phone.set_camera(state).await?;
        let refused = within(session.camera().photo(small())).await;
        assert!(matches!(&refused, Err(Error::Refused { code: Some(code), .. }) if code == expected), "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_glasses_stream_can_be_watched() -> Result {
    let (stage, session) = Stage::with_session().await;
    let camera = session.camera();
    let options = ManagedStreamOptions { video: small(), ..ManagedStreamOptions::default() };
    let stream = within(camera.start_managed_stream(options)).await?;
    let hls = stream.hls_url.expect("an address for players");
    assert!(hls.starts_with(&stage.cloud.url) && stream.dash_url.is_some(), "{hls}");

    // While it runs. With each reload of a live playlist ffprobe warns that it reads the header again.
    let found = ffprobe(&["-loglevel", "error"], &hls).await;
    assert!(found.iter().any(|stream| stream["width"] == 320 && stream["height"] == 180), "{found:?}");
    let http = reqwest::Client::builder().no_proxy().build()?;
    for page in [stream.preview_url, stream.thumbnail_url] {
        assert_eq!(http.get(page.expect("an address")).send().await?.status(), 200);
    }
    let info = within(camera.existing_stream()).await?.expect("there is one");
    assert_eq!(info.hls_url.as_deref(), Some(&*hls));
    let busy = within(camera.photo(PhotoOptions::default())).await;
    assert!(matches!(&busy, Err(Error::Refused { code: Some(code), .. }) if code == "CAMERA_BUSY"), "{busy:?}");

    // A phone that blinks costs no picture: the glasses have a connection of their own.
    stage.phone.cut(Duration::from_millis(200)).await?;
    assert!(stage.phone.connected_within(PATIENCE).await);
    assert!(within(camera.existing_stream()).await?.is_some());
    stage.streams(true).await;

    camera.stop_managed_stream().await?;
    stage.streams(false).await;
    // What was streamed can still be seen to its end: a second at least, pictures and sound.
    let found = ffprobe(&["-count_frames"], &hls).await;
    assert!(frames(&found, "h264") >= 10 && frames(&found, "aac") >= 40, "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_direct_stream_goes_where_the_app_says() -> Result {
    let (stage, session) = Stage::with_session().await;
    let target = Media::start(media_config()).await?;
    let place = target.create(NewStream::default()).await?;
    let camera = session.camera();
    let mut told = camera.stream_status().await?;
    let options = StreamOptions { rtmp_url: place.publish_url, video: small(), ..StreamOptions::default() };
    within(camera.start_stream(options)).await?;
    while within(told.next()).await.expect("a status").status != StreamState::Active {}
    let mut there = place.status;
    within(there.wait_for(|status| status.phase == Phase::Live)).await?;
    camera.stop_stream(None).await?;
    while within(told.next()).await.expect("a status").status != StreamState::Stopped {}
    stage.streams(false).await;

    // Nobody is there, and the app hears which hop it was, without the key in it.
    let nobody = free_port();
    let started = within(camera.start_stream(format!("rtmp://{nobody}/live/geheim"))).await;
    let why = match started {
        Err(error) => error.to_string(),
        Ok(_) => loop {
            let status = within(told.next()).await.expect("a status");
            if status.status == StreamState::Error {
                break status.error_details.expect("a reason");
            }
        },
    };
    assert!(why.contains("refused") && !why.contains("geheim"), "{why}");
    Ok(())
}

/// A model that sees a JPEG file in the question, and answers.
async fn model() -> Model {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut question = Vec::new();
            while !is_whole(&question) {
                if socket.read_buf(&mut question).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let seen = String::from_utf8_lossy(&question).contains("data:image/jpeg;base64,/9j/");
            let text = if seen { "A test card with a clock." } else { "I see nothing." };
            let body = json!({"choices": [{"message": {"content": text}}]}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = socket.write_all((head + &body).as_bytes()).await;
        }
    });
    Model::new(&url, "the key", "a-model").expect("a client")
}

/// Whether a request has as much of a body as it says.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}

#[tokio::test]
async fn the_photo_describer_describes_what_the_glasses_see() -> Result {
    // Of glasses that say nothing about themselves the cloud knows nothing, so that they may have a camera and a display.
    let stage = Stage::set(Describer { model: model().await }, None).await;
    let mut watch = stage.phone.watch();
    let mut shown = async |text: &str| {
        let seen = async {
            while !watch.state().screen.frame_text().contains(text) {
                watch.next().await;
            }
        };
        assert!(timeout(PATIENCE, seen).await.is_ok(), "waited for {text:?}");
    };
    shown("Press long").await;
    stage.phone.press("camera", Press::Long).await?;
    shown("A test card with a clock.").await;
    stage.phone.set_camera(CameraState::Off).await?;
    stage.phone.press("camera", Press::Long).await?;
    shown("CAMERA_INIT_FAILED").await;
    Ok(())
}
