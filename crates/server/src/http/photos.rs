//! Photos over HTTP: phones upload, apps fetch what is theirs for a while, wearers look at what they keep.
//!
//! | route | who may |
//! |---|---|
//! | `POST /photos/{token}` | who knows the secret of an upload that is awaited; once |
//! | `GET /photos/{owner}/{file}` | who has its signed URL, until it expires |
//! | `POST /api/photos/upload` | the wearer: the photo that was asked for under this name, or one for the gallery |
//! | `GET /api/gallery`, `DELETE /api/gallery/{photo}` | the wearer |
//! | `POST /api/client/photo/response` | the wearer's phone |

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Multipart, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bifocal_protocol::glasses::PhotoResponse;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::phone_rest::Done;
use bifocal_protocol::photo_rest::{Gallery, GalleryPhoto, PhotoReceived, PhotoRefused};
use bifocal_protocol::rest::AuthFailure;
use bifocal_session::{Ask, PhoneReport};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;
use tracing::warn;

use crate::auth::bearer;
use crate::clock::wall;
use crate::http::{answer, refused};
use crate::photos::{Arrived, Holder, NotTaken, receive};
use crate::service;
use crate::shared::Shared;

/// Photos that wearers upload by themselves come from no app.
const NO_APP: &str = "system.bifocal";

/// `POST /photos/{token}`: the upload that a session waits for. A phone whose upload was cut off may try again with the same
/// secret; when the photo is there, it is used up.
pub(crate) async fn upload(State(shared): State<Arc<Shared>>, Path(token): Path<String>, form: Multipart) -> Response {
    let began = Instant::now();
    let Some(holder) = shared.photos.tickets.holder(&token) else { return not_awaited() };
    let form = match receive(form, &shared.photos.shelf.incoming()).await {
        Ok(form) => form,
        Err(not) => return not_taken(&not),
    };
    if form.request_id.as_ref().is_some_and(|id| *id != holder.request_id) {
        return answer(StatusCode::BAD_REQUEST, &PhotoRefused::new("requestId is that of another photo"));
    }
    if let Some((code, message)) = form.failure {
        let error = PhotoResponse::failed(holder.request_id.clone(), code, message);
        report(&shared, &holder.user, error).await;
        return received(&holder.request_id, "Photo error received successfully");
    }
    let Some(photo) = form.photo else {
        return answer(StatusCode::BAD_REQUEST, &PhotoRefused::new("No photo file provided for successful upload"));
    };
    hand_over(&shared, &holder, Arrived { photo, began }).await
}

/// A photo that somebody waits for. Its session hears first that the camera is free: whatever the phone or an app says after this
/// answer, it is so.
async fn hand_over(shared: &Shared, holder: &Holder, arrived: Arrived) -> Response {
    let here = PhoneReport::PhotoHere(holder.request_id.clone());
    service::ask(shared, &holder.user, Ask::Report(Box::new(here))).await;
    match shared.photos.tickets.arrived(holder, arrived) {
        true => received(&holder.request_id, "Photo received successfully"),
        false => not_awaited(),
    }
}

fn received(request_id: &str, message: &'static str) -> Response {
    answer(StatusCode::OK, &PhotoReceived::new(request_id, message))
}

fn not_awaited() -> Response {
    let message = "No pending request found for this photo (may have timed out or session ended)";
    answer(StatusCode::NOT_FOUND, &PhotoRefused::new(message))
}

fn not_taken(not: &NotTaken) -> Response {
    if let NotTaken::Disk(error) = not {
        warn!(%error, "a photo could not be written down");
    }
    answer(not.status(), &PhotoRefused::new(&not.to_string()))
}

async fn report(shared: &Shared, user: &UserId, response: PhotoResponse) -> bool {
    let ask = Ask::Report(Box::new(PhoneReport::Photo(Box::new(response))));
    service::ask(shared, user, ask).await.is_some()
}

/// `POST /api/client/photo/response`: what became of a photo.
pub(crate) async fn response(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let Some(response) = body.ok().and_then(|Json(body)| serde_json::from_value::<PhotoResponse>(body).ok()) else {
        return answer(StatusCode::BAD_REQUEST, &PhotoRefused::new("requestId is missing"));
    };
    match report(&shared, &user, response).await {
        true => answer(StatusCode::OK, &Done::new(wall())),
        false => refused(&AuthFailure::NoSession),
    }
}

/// `POST /api/photos/upload`: the photo that was asked for under the name in the form; one that nobody waits for goes into the
/// gallery of its wearer, and of nobody else.
pub(crate) async fn upload_own(State(shared): State<Arc<Shared>>, headers: HeaderMap, form: Multipart) -> Response {
    let began = Instant::now();
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let form = match receive(form, &shared.photos.shelf.incoming()).await {
        Ok(form) => form,
        Err(not) => return not_taken(&not),
    };
    let Some(photo) = form.photo else {
        return answer(StatusCode::BAD_REQUEST, &PhotoRefused::new("No photo file provided"));
    };
    let request_id = form.request_id.unwrap_or_default();
    if let Some(holder) = shared.photos.tickets.named(&user, &request_id) {
        return hand_over(&shared, &holder, Arrived { photo, began }).await;
    }
    let package = PackageName::new(NO_APP).expect("a good name");
    match shared.photos.shelf.keep(&user, &photo, &package, &request_id, true).await {
        Ok(Some(kept)) => {
            let url = shared.photos.shelf.url(&shared.public_url, &kept);
            answer(StatusCode::OK, &PhotoReceived::new(&request_id, "Photo uploaded successfully").at(url))
        }
        Ok(None) => answer(StatusCode::INSUFFICIENT_STORAGE, &PhotoRefused::new("There is no room for it")),
        Err(error) => not_taken(&NotTaken::Disk(error)),
    }
}

/// What a signed URL says.
#[derive(Debug, Deserialize)]
pub(crate) struct Signed {
    expires: i64,
    signature: String,
}

/// `GET /photos/{owner}/{file}`.
pub(crate) async fn file(
    State(shared): State<Arc<Shared>>,
    Path((owner, file)): Path<(String, String)>,
    signed: Result<Query<Signed>, QueryRejection>,
) -> Response {
    let shelf = &shared.photos.shelf;
    let (id, extension) = file.split_once('.').unwrap_or((&file, ""));
    let good = signed
        .is_ok_and(|Query(Signed { expires, signature })| shelf.is_signed(&owner, id, expires, &signature, wall()));
    if !good {
        return answer(StatusCode::FORBIDDEN, &PhotoRefused::new("The signature is wrong or has expired"));
    }
    let kept = shelf.look_up(&owner, id).await.filter(|kept| kept.extension == extension);
    let Some(kept) = kept else { return gone() };
    let Ok(file) = tokio::fs::File::open(shelf.file(&kept)).await else { return gone() };
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file)));
    let headers = response.headers_mut();
    if let Ok(mime) = HeaderValue::from_str(&kept.mime) {
        headers.insert(CONTENT_TYPE, mime);
    }
    headers.insert(CONTENT_LENGTH, kept.bytes.into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn gone() -> Response {
    answer(StatusCode::NOT_FOUND, &PhotoRefused::new("There is no such photo, or it was removed"))
}

/// `GET /api/gallery`.
pub(crate) async fn gallery(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let shelf = &shared.photos.shelf;
    match shelf.gallery(&user).await {
        Ok(photos) => {
            let photo = |kept: &crate::photos::Kept| GalleryPhoto {
                photo_url: shelf.url(&shared.public_url, kept),
                id: kept.id.clone(),
                request_id: kept.request_id.clone(),
                app_id: kept.package.clone(),
                upload_date: kept.taken,
                width: kept.width,
                height: kept.height,
                bytes: kept.bytes,
            };
            answer(StatusCode::OK, &Gallery::new(photos.iter().map(photo).collect()))
        }
        Err(error) => not_taken(&NotTaken::Disk(error)),
    }
}

/// `DELETE /api/gallery/{photo}`.
pub(crate) async fn delete(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    match shared.photos.shelf.delete(&user, &id).await {
        Ok(true) => answer(StatusCode::OK, &PhotoReceived::deleted()),
        Ok(false) => gone(),
        Err(error) => not_taken(&NotTaken::Disk(error)),
    }
}
