//! `POST /api/sdk/bitmap`: a JPEG, PNG or WebP file in, the one-bit picture that glasses draw out. For apps whose language has no
//! such library; the Rust SDK does it by itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bifocal_pictures::{Bitmap, Dither, Fit, MAX_FILE, PictureError, Rendering, render};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::storage_rest::StorageRefusal;
use bifocal_store::key_hash;
use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::auth::bearer::package_and_key;
use crate::http::answer;
use crate::shared::Shared;

/// Pictures that are read and drawn at a time: pixels are work, and a decoded picture is memory.
const AT_A_TIME: usize = 2;
static PLACES: Semaphore = Semaphore::const_new(AT_A_TIME);
/// When there was no place, try again after so many seconds.
const BUSY: u64 = 1;
/// Longest query, in bytes.
const MAX_QUERY: usize = 256;

/// How the picture is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The file.
    Bmp,
    /// JSON with what goes into `bitmap_view`.
    Base64,
}

/// `200` with `as=base64`.
#[derive(Serialize)]
struct Drawn {
    success: bool,
    data: String,
    width: u32,
    height: u32,
}

/// Why there is no picture: a word for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Refused {
    success: bool,
    error: &'static str,
    message: String,
    #[serde(skip)]
    status: StatusCode,
}

impl Refused {
    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { success: false, error, message: message.into(), status }
    }
}

impl From<PictureError> for Refused {
    fn from(error: PictureError) -> Self {
        let (status, word) = match error {
            PictureError::NotAPicture => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_A_PICTURE"),
            PictureError::Damaged => (StatusCode::UNPROCESSABLE_ENTITY, "DAMAGED"),
            PictureError::FileTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE"),
            PictureError::TooManyPixels(..) => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_MANY_PIXELS"),
            PictureError::NoSuchDisplay(..) => (StatusCode::BAD_REQUEST, "BAD_QUERY"),
        };
        Self::new(status, word, error.to_string())
    }
}

/// Draws a picture.
pub(crate) async fn draw(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match drawn(&shared, &query.unwrap_or_default(), &headers, body).await {
        Ok((bitmap, Form::Bmp)) => {
            let mut response = Response::new(Body::from(bitmap.as_bmp().to_vec()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/bmp"));
            response
        }
        Ok((bitmap, Form::Base64)) => {
            let (width, height) = (bitmap.width(), bitmap.height());
            answer(StatusCode::OK, &Drawn { success: true, data: bitmap.to_base64(), width, height })
        }
        Err(refused) => {
            shared.metrics.refused("bitmap");
            let mut response = answer(refused.status, &refused);
            if refused.status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(RETRY_AFTER, BUSY.into());
            }
            response
        }
    }
}

async fn drawn(shared: &Shared, query: &str, headers: &HeaderMap, body: Body) -> Result<(Bitmap, Form), Refused> {
    is_app(shared, headers).await?;
    let (rendering, form) = read_query(query)?;
    // Before the body is read, so that only so many of them are in memory.
    let Ok(place) = PLACES.try_acquire() else {
        let message = format!("{AT_A_TIME} pictures are drawn at a time; try again in {BUSY} s");
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", message));
    };
    let file = read_body(body).await?;
    let bitmap = tokio::task::spawn_blocking(move || {
        // Also when the app has hung up: the work goes on until it is done.
        let _place = place;
        render(&file, &rendering)
    });
    match bitmap.await {
        Ok(bitmap) => Ok((bitmap?, form)),
        Err(error) => {
            tracing::warn!(%error, "a picture could not be drawn");
            Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "FAILED", "Failed to draw the picture"))
        }
    }
}

/// Any app of the catalogue may; nobody else.
async fn is_app(shared: &Shared, headers: &HeaderMap) -> Result<(), Refused> {
    let refused = |refusal: StorageRefusal| {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        Refused::new(status, "UNAUTHORIZED", "Authorization must be: Bearer <package>:<API key>")
    };
    let (package, key) = package_and_key(headers).map_err(refused)?;
    let bad = || refused(StorageRefusal::BadKey);
    let package = PackageName::new(package).map_err(|_| bad())?;
    let app = shared.store.app(&package).await.map_err(|error| {
        tracing::warn!(%error, "the catalogue cannot be read");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "FAILED", "Failed to look the app up")
    })?;
    // Hashes, so that the time says nothing about the key.
    if app.map(|app| app.key_hash) == Some(key_hash(key)) { Ok(()) } else { Err(bad()) }
}

/// `width`, `height`, `fit`, `dither`, `invert`, `as`; each may be missing, nothing else may be there.
fn read_query(query: &str) -> Result<(Rendering, Form), Refused> {
    let bad = |why: &str| Refused::new(StatusCode::BAD_REQUEST, "BAD_QUERY", why);
    if query.len() > MAX_QUERY {
        return Err(bad("the query is too long"));
    }
    let (mut rendering, mut form) = (Rendering::default(), Form::Bmp);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let dots = || value.parse().map_err(|_| bad("width and height are numbers of dots"));
        match &*name {
            "width" => rendering.width = dots()?,
            "height" => rendering.height = dots()?,
            "fit" => rendering.fit = value.parse::<Fit>().map_err(bad)?,
            "dither" => rendering.dither = value.parse::<Dither>().map_err(bad)?,
            "invert" => rendering.invert = value.parse().map_err(|_| bad("invert is true or false"))?,
            "as" => {
                form = match &*value {
                    "bmp" => Form::Bmp,
                    "base64" => Form::Base64,
                    _ => return Err(bad("as is bmp or base64")),
                }
            }
            _ => return Err(bad("the query has width, height, fit, dither, invert and as")),
        }
    }
    Ok((rendering, form))
}

/// Reads a body to its end before anything is answered: who is refused in the middle of sending may see a broken connection in place
/// of the reason. What is too large is read and thrown away, up to twice as much.
async fn read_body(body: Body) -> Result<Vec<u8>, Refused> {
    let (mut file, mut length) = (Vec::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "BAD_BODY", "the body has no end"))?;
        length += chunk.len();
        if length <= MAX_FILE {
            file.extend_from_slice(&chunk);
        } else if length <= 2 * MAX_FILE {
            file = Vec::new();
        } else {
            break;
        }
    }
    if length > MAX_FILE { Err(PictureError::FileTooLarge(length).into()) } else { Ok(file) }
}
