//! The REST calls of a phone: starting and stopping apps, uploading a picture.

use std::sync::OnceLock;
use std::time::Duration;

use bifocal_audio::lc3::FrameSize;
use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use serde_json::json;
use url::Url;

use super::PhoneError;
use super::error::{chain, message_of};
use super::heard::PhotoRequest;

/// An app gets 5 s to connect after its webhook answered, which may take 10 s twice.
const PATIENCE: Duration = Duration::from_secs(30);

/// A picture that the glasses take whenever they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// The file.
    pub file: Bytes,
    /// `image/jpeg`.
    pub mime: &'static str,
}

impl Photo {
    /// Any file; its kind is told by its first bytes, JPEG when unknown as from real glasses.
    pub fn new(file: impl Into<Bytes>) -> Self {
        let file = file.into();
        let mime = kind(&file).unwrap_or("image/jpeg");
        Self { file, mime }
    }

    /// A picture file; `None` for what is not JPEG, PNG or WebP.
    pub fn of_picture(file: impl Into<Bytes>) -> Option<Self> {
        let file = file.into();
        kind(&file).map(|mime| Self { file, mime })
    }
}

/// What the first bytes of a file say that it is.
fn kind(file: &[u8]) -> Option<&'static str> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        _ => None,
    }
}

/// The HTTP client of a phone. Built when it is needed first: it reads all certificates of the machine, too much for each
/// of a thousand phones that only speak.
#[derive(Debug, Default)]
pub(super) struct Http(OnceLock<reqwest::Client>);

impl Http {
    pub(super) fn client(&self) -> Result<&reqwest::Client, String> {
        match self.0.get() {
            Some(client) => Ok(client),
            None => client().map(|client| self.0.get_or_init(|| client)),
        }
    }
}

/// A client that talks to exactly the host it is told: no proxy, no redirect that could carry a token away.
fn client() -> Result<reqwest::Client, String> {
    let builder = || reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).no_proxy();
    // Without certificates on the machine the first one fails; plain http must work all the same.
    builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .map_err(|error| format!("no HTTP client: {}", chain(&error)))
}

/// `POST /apps/:pkg/start` and `/stop`, as a phone does it.
pub(super) async fn app(http: &Http, base: &Url, token: &str, package: &str, verb: &str) -> Result<(), PhoneError> {
    let unreachable = |why: String| PhoneError::Unreachable(why);
    let mut url = base.clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(["apps", package, verb]),
        Err(()) => return Err(unreachable("the address has no path".into())),
    };
    let answer = http.client().map_err(unreachable)?.post(url).bearer_auth(token).send().await;
    let answer = answer.map_err(|error| unreachable(chain(&error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let body = answer.bytes().await.unwrap_or_default();
    Err(PhoneError::Rest { status: status.as_u16(), message: message_of(&body) })
}

/// `POST /api/client/audio/configure`: LC3 from now on.
pub(super) async fn configure(http: &Http, base: &Url, token: &str, size: FrameSize) -> Result<(), PhoneError> {
    let unreachable = |why: String| PhoneError::Unreachable(why);
    let url = base.join("api/client/audio/configure").map_err(|error| unreachable(error.to_string()))?;
    let lc3 = json!({"sampleRate": 16_000, "frameDurationMs": 10, "frameSizeBytes": size.bytes()});
    let body = json!({"format": "lc3", "lc3Config": lc3});
    let answer = http.client().map_err(unreachable)?.post(url).bearer_auth(token).json(&body).send().await;
    let answer = answer.map_err(|error| unreachable(chain(&error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let body = answer.bytes().await.unwrap_or_default();
    Err(PhoneError::Rest { status: status.as_u16(), message: message_of(&body) })
}

/// Sends the picture where the request wants it. Returns the host it went to.
///
/// Only the token of the request is sent along: some real phones send the wearer's own, which gives it away to the app.
pub(super) async fn upload(http: &Http, request: &PhotoRequest, photo: &Photo) -> Result<String, String> {
    let target = request.webhook_url.as_deref().ok_or("the request has no webhookUrl")?;
    let target = Url::parse(target).map_err(|error| format!("the webhookUrl is wrong: {error}"))?;
    if !matches!(target.scheme(), "http" | "https") {
        return Err("the webhookUrl is not http".into());
    }
    let host = target.host_str().unwrap_or_default().to_owned();
    let part = Part::stream(photo.file.clone())
        .file_name(format!("{}.jpg", request.request_id))
        .mime_str(photo.mime)
        .map_err(|error| chain(&error))?;
    let form = Form::new()
        .text("requestId", request.request_id.clone())
        .text("source", "ble_transfer")
        .text("success", "true")
        .text("type", "photo_upload")
        .part("photo", part);
    let mut post = http.client()?.post(target).multipart(form);
    if let Some(token) = &request.auth_token {
        post = post.bearer_auth(token);
    }
    let answer = post.send().await.map_err(|error| chain(&error.without_url()))?;
    let status = answer.status();
    if status.is_success() { Ok(host) } else { Err(format!("{host} answered HTTP {}", status.as_u16())) }
}
