//! `session.camera`: photos, direct streams, and streams that the cloud manages. Bob's glasses have a camera.

use std::time::Duration;

use bifocal_sdk::wire::{ManagedState, Object, StreamInfo, StreamKind, StreamState};
use bifocal_sdk::{Error, ManagedStreamOptions, PhotoOptions, Result, StreamOptions};
use futures_util::FutureExt;
use serde_json::json;

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
    equal(photo.mime_type.as_str(), "image/png")
}

/// A photo that was asked for, and taken, and that nobody waits for any more; gives the id of its request.
pub(super) async fn given_up(x: &Stage) -> Result<String> {
    let (mark, camera) = (x.bob.mark(), x.peer.camera());
    let asked = Box::pin(camera.photo(PhotoOptions::default())).now_or_never();
    check(asked.is_none(), "the answer came before the question")?;
    let request = x.bob.hears(mark, "photo_request", |_| true).await?;
    // Until then the camera is busy.
    x.bob.sees(mark, "photo", |_| true).await?;
    Ok(request["requestId"].as_str().unwrap_or_default().to_owned())
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
            let mark = x.bob.mark();
            let elsewhere = format!("{}/elsewhere", x.url);
            camera.photo_to(&elsewhere, None, PhotoOptions::default()).await?;
            x.bob.sees(mark, "photo", |_| true).await
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
    told_of_a_stream(x, "onStreamStatus").await;
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
    module.settled("stopStream", stops(x)).await;
    // The same by the names of 3.0.0-alpha.4.
    told_of_a_stream(x, "onLocalLivestreamStatus").await;
    module.settled("startLocalLivestream", running(x)).await;
    module.settled("stopLocalLivestream", stops(x)).await;
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

async fn told_of_a_stream(x: &Stage, method: &str) {
    let is_good = |state: StreamState| matches!(state, StreamState::Initializing | StreamState::Active);
    let (camera, starts) = (x.peer.camera(), async { starts(x).await.map(drop) });
    let heard = x.hears(&x.peer, camera.stream_status(), starts, |e| is_good(e.status));
    x.module("session.camera").fired(method, heard).await;
}

async fn stops(x: &Stage) -> Result {
    running(x).await?;
    x.peer.camera().stop_stream(None).await?;
    none_runs(x).await
}

/// Begins a stream if there is none; it runs when this returns.
async fn running(x: &Stage) -> Result<StreamInfo> {
    match x.peer.camera().existing_stream().await? {
        Some(info) => Ok(info),
        None => starts(x).await,
    }
}

async fn starts(x: &Stage) -> Result<StreamInfo> {
    let camera = x.peer.camera();
    let mut statuses = camera.stream_status().await?;
    let options = StreamOptions { video: small(), ..StreamOptions::from(x.names.rtmp.as_str()) };
    camera.start_stream(options).await?;
    while statuses.next().await.is_some_and(|status| status.status != StreamState::Active) {}
    camera.existing_stream().await?.ok_or_else(|| "there is no stream".into())
}

/// Asks until no stream runs any more.
async fn none_runs(x: &Stage) -> Result {
    while x.peer.camera().existing_stream().await?.is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// By the names that all SDKs have, and by those of 3.0.0-alpha.4.
const MANAGED: [[&str; 5]; 2] = [
    [
        "onManagedStreamStatus",
        "startManagedStream",
        "isManagedStreamActive",
        "getManagedStreamUrls",
        "stopManagedStream",
    ],
    ["onLivestreamStatus", "startLivestream", "isLivestreamActive", "getLivestreamUrls", "stopLivestream"],
];

async fn managed(x: &Stage) {
    let (module, camera) = (x.module("session.camera"), x.peer.camera());
    for [told, start, is_active, urls, stop] in MANAGED {
        let heard =
            x.hears(&x.peer, camera.managed_stream_status(), managed_stream(x), |e| e.status == ManagedState::Active);
        module.fired(told, heard).await;
        module.settled(start, managed_stream(x)).await;
        module.settled(is_active, watchable(x)).await;
        module.settled(urls, async { check(watchable(x).await?.hls_url.is_some(), "no address") }).await;
        module
            .settled(stop, async {
                watchable(x).await?;
                camera.stop_managed_stream().await?;
                none_runs(x).await
            })
            .await;
    }
    module.settled("checkExistingStream", x.synced(&x.peer)).await;
}

/// A managed stream that can be watched; it runs already, or begins now.
async fn managed_stream(x: &Stage) -> Result {
    let options = ManagedStreamOptions { video: small(), ..ManagedStreamOptions::default() };
    let stream = x.peer.camera().start_managed_stream(options).await?;
    check(stream.hls_url.is_some() && stream.dash_url.is_some(), "no addresses")
}

async fn watchable(x: &Stage) -> Result<StreamInfo> {
    let info = x.peer.camera().existing_stream().await?.ok_or("there is no stream")?;
    equal(&info.kind, &StreamKind::Managed)?;
    Ok(info)
}

/// Streams are real, made by ffmpeg, so that they are small.
fn small() -> Option<Object> {
    json!({"width": 160, "height": 120, "frameRate": 5, "bitrate": 100_000}).as_object().cloned()
}

/// What tests tell an app that there is no other way to tell.
async fn told(x: &Stage) {
    let module = x.module("session.camera");
    module
        .local("handlePhotoReceived", async {
            let wearer = fake().await;
            wearer.holds(&b"by hand"[..]);
            let photo = wearer.session().camera().photo(PhotoOptions::default()).await?;
            equal(&photo.data[..], &b"by hand"[..])
        })
        .await;
    module
        .local("handlePhotoError", async {
            let wearer = fake().await;
            wearer.cannot_take_a_photo("CAMERA_BUSY");
            let refused = wearer.session().camera().photo(PhotoOptions::default()).await;
            check(
                matches!(refused, Err(Error::Refused { code: Some(code), .. }) if code == "CAMERA_BUSY"),
                "another error",
            )
        })
        .await;
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
