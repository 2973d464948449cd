//! `session.camera`: photos, direct streams, and streams that the cloud manages. Bob's glasses have a camera.

use std::time::Duration;

use bifocal_sdk::wire::{ManagedState, Object, StreamInfo, StreamKind, StreamState};
use bifocal_sdk::{Error, ManagedStreamOptions, PhotoOptions, Result, StreamOptions};
use futures_util::FutureExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::module::{check, equal};
use super::stage::{Stage, fake};

pub(super) async fn rows(x: &Stage) {
    photos(x).await;
    direct(x).await;
    managed(x).await;
    told(x).await;
}

/// Bob's glasses take a photo, and it comes to the app.
pub(super) async fn photo(x: &Stage) -> Result {
    let options = PhotoOptions { size: "small".to_owned(), ..PhotoOptions::default() };
    let photo = x.peer.camera().photo(options).await?;
    check(photo.data == crate::stage::photo(), "another picture")?;
    equal(photo.mime_type.split('/').next(), Some("image"))
}

/// A photo that was asked for, and that nobody waits for any more; gives the id of its request.
pub(super) async fn given_up(x: &Stage) -> Result<String> {
    let (mark, camera) = (x.bob.mark(), x.peer.camera());
    let asked = Box::pin(camera.photo(PhotoOptions::default())).now_or_never();
    check(asked.is_none(), "the answer came before the question")?;
    let request = x.bob.hears(mark, "photo_request", |_| true).await?;
    // The glasses take it all the same; then the camera is free.
    x.bob.sees(mark, "photo", |_| true).await?;
    Ok(request["requestId"].as_str().unwrap_or_default().to_owned())
}

/// A server that is no app: it takes the photo, and says so when it has all of it.
async fn takes_photo(listener: &TcpListener) -> Result {
    let (mut socket, _) = listener.accept().await?;
    let (photo, mut got) = (crate::stage::photo(), Vec::new());
    while !(got.windows(photo.len()).any(|part| part == photo) && got.ends_with(b"--\r\n")) {
        check(socket.read_buf(&mut got).await? > 0, "the photo did not come")?;
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await?;
    Ok(())
}

async fn photos(x: &Stage) {
    let (module, camera) = (x.module("session.camera"), x.peer.camera());
    module.settled("requestPhoto", photo(x)).await;
    module
        .settled("requestPhoto, the camera is off", async {
            x.bob.play("camera off").await?;
            let refused = camera.photo(PhotoOptions::default()).await;
            x.bob.play("camera on").await?;
            let is_told =
                matches!(&refused, Err(Error::Refused { code: Some(code), .. }) if code == "CAMERA_INIT_FAILED");
            check(is_told, format!("the outcome is {refused:?}"))
        })
        .await;
    module
        .settled("requestPhoto({customWebhookUrl})", async {
            let elsewhere = TcpListener::bind(("127.0.0.1", 0)).await?;
            let url = format!("http://{}/elsewhere", elsewhere.local_addr()?);
            let asked = camera.photo_to(&url, None, PhotoOptions::default());
            let (asked, taken) = tokio::join!(asked, takes_photo(&elsewhere));
            asked?;
            taken
        })
        .await;
    // A call that is dropped is a request that is cancelled: what waits is the call itself.
    for method in ["cancelPhotoRequest", "cancelAllPhotoRequests", "cancelAllRequests"] {
        module.local(method, async { check(!given_up(x).await?.is_empty(), "there is no request") }).await;
    }
    module
        .sent("setFov", async {
            let mark = x.bob.mark();
            camera.set_fov(100, Some("top")).await?;
            x.bob.sees(mark, "camera_fov_set", |_| true).await
        })
        .await;
}

async fn direct(x: &Stage) {
    let (module, camera) = (x.module("session.camera"), x.peer.camera());
    let is_good = |state: StreamState| matches!(state, StreamState::Initializing | StreamState::Active);
    let starts = async { starts(x).await.map(drop) };
    module.fired("onStreamStatus", x.hears(&x.peer, camera.stream_status(), starts, |e| is_good(e.status))).await;
    module.settled("startStream", running(x)).await;
    module.settled("isCurrentlyStreaming", running(x)).await;
    module
        .settled("getCurrentStreamUrl", async { equal(running(x).await?.rtmp_url, Some(x.names.rtmp.clone())) })
        .await;
    module.settled("getStreamStatus", async { equal(running(x).await?.status, "active") }).await;
    module
        .settled("startManagedStream while a direct stream runs", async {
            running(x).await?;
            let refused = camera.start_managed_stream(ManagedStreamOptions::default()).await;
            let is_told = refused.as_ref().is_err_and(|error| error.to_string().contains("STREAM_CONFLICT"));
            check(is_told, format!("the outcome is {refused:?}"))
        })
        .await;
    module
        .settled("stopStream", async {
            running(x).await?;
            let mut statuses = camera.stream_status().await?;
            camera.stop_stream(None).await?;
            while statuses.next().await.is_some_and(|status| status.status != StreamState::Stopped) {}
            equal(camera.existing_stream().await?, None)
        })
        .await;
    module
        .sent("unsubscribeFromStreamStatusUpdates", async {
            let is_there = || x.peer.events().subscribed().iter().any(|name| name == "rtmp_stream_status");
            let stream = camera.stream_status().await?;
            check(is_there(), "it is not in the list")?;
            drop(stream);
            check(!is_there(), "it is still in the list")?;
            x.synced(&x.peer).await
        })
        .await;
}

/// Begins a stream if there is none; it runs when this returns.
async fn running(x: &Stage) -> Result<StreamInfo> {
    if let Some(info) = x.peer.camera().existing_stream().await? {
        return Ok(info);
    }
    starts(x).await
}

/// Streams are real, made by ffmpeg, so that they are small.
fn small() -> Option<Object> {
    serde_json::from_value(json!({"width": 160, "height": 120, "frameRate": 5, "bitrate": 100_000})).ok()
}

async fn starts(x: &Stage) -> Result<StreamInfo> {
    let camera = x.peer.camera();
    let mut statuses = camera.stream_status().await?;
    let rtmp_url = x.names.rtmp.clone();
    camera.start_stream(StreamOptions { rtmp_url, video: small(), ..StreamOptions::default() }).await?;
    while statuses.next().await.is_some_and(|status| status.status != StreamState::Active) {}
    camera.existing_stream().await?.ok_or_else(|| "there is no stream".into())
}

async fn managed(x: &Stage) {
    let (module, camera) = (x.module("session.camera"), x.peer.camera());
    let starts = async { managed_stream(x).await };
    let heard = x.hears(&x.peer, camera.managed_stream_status(), starts, |e| e.status == ManagedState::Active);
    module.fired("onManagedStreamStatus", heard).await;
    module
        .settled("startManagedStream", async {
            stops(x).await?;
            managed_stream(x).await
        })
        .await;
    module
        .settled("isManagedStreamActive", async {
            let info = camera.existing_stream().await?.ok_or("there is no stream")?;
            equal(info.kind, StreamKind::Managed)
        })
        .await;
    module
        .settled("getManagedStreamUrls", async {
            let info = camera.existing_stream().await?.ok_or("there is no stream")?;
            check(info.hls_url.is_some(), "no address")
        })
        .await;
    module
        .settled("stopManagedStream", async {
            check(camera.existing_stream().await?.is_some(), "there is no stream")?;
            stops(x).await
        })
        .await;
    module.settled("checkExistingStream", x.synced(&x.peer)).await;
}

/// A managed stream that can be watched.
async fn managed_stream(x: &Stage) -> Result {
    let options = ManagedStreamOptions { video: small(), ..ManagedStreamOptions::default() };
    let stream = x.peer.camera().start_managed_stream(options).await?;
    check(stream.hls_url.is_some() && stream.dash_url.is_some(), "no addresses")
}

/// It is stopped, and the glasses have said so.
async fn stops(x: &Stage) -> Result {
    let camera = x.peer.camera();
    camera.stop_managed_stream().await?;
    while camera.existing_stream().await?.is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// What tests tell an app that there is no other way to tell.
async fn told(x: &Stage) {
    let module = x.module("session.camera");
    module
        .local("updateStreamState", async {
            let wearer = fake().await;
            let mut statuses = wearer.session().camera().stream_status().await?;
            wearer.tells(json!({"type": "rtmp_stream_status", "streamId": "by hand", "status": "stopped"}));
            equal(statuses.next().await.and_then(|status| status.stream_id).as_deref(), Some("by hand"))
        })
        .await;
    module
        .local("handleManagedStreamStatus", async {
            let wearer = fake().await;
            let mut statuses = wearer.session().camera().managed_stream_status().await?;
            wearer.tells(
                json!({"type": "managed_stream_status", "status": "active", "streamId": "s", "hlsUrl": "https://h"}),
            );
            equal(statuses.next().await.and_then(|status| status.hls_url).as_deref(), Some("https://h"))
        })
        .await;
    module
        .local("handleStreamCheckResponse", async {
            equal(fake().await.session().camera().existing_stream().await?, None)
        })
        .await;
}
