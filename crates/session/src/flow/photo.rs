//! Photos: asked for, taken one after the other, and told to who asked, on the channel that its SDK listens to.
//!
//! | | SDK v2 and its kind | SDK v3 |
//! |---|---|---|
//! | the photo | `POST <app>/photo-upload` with the file | `photo_response` with a URL |
//! | there is none | the same with `type=photo_error`, and `photo_response` | `photo_response` with an error |
//! | the app's own URL | `POST` there, then `photo_response` with that URL | the same |

use bifocal_protocol::apps::{AppErrorCode, PhotoRequest, PhotoResponse, ToApp};
use bifocal_protocol::glasses::{self, ToPhone};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::json::Object;
use bifocal_protocol::media::PhotoError;

use crate::camera::photos::{NotAsked, Taken, known_code};
use crate::camera::{Busy, NotReady, Photo, PhotoFailure, PhotoGoes, PhotoTaken, PhotoUpload};
use crate::effect::{Call, Effect, Effects, Note};
use crate::flow::app::reply_error;
use crate::flow::camera::{For, photo_of, ready};
use crate::input::{ConnId, Outcome};
use crate::now::Now;
use crate::relay::send_message;
use crate::session::UserSession;

/// Longest name of a request, and longest word in one, in bytes.
const MAX_NAME: usize = 256;
/// Longest URL, in bytes.
const MAX_URL: usize = 2_048;
/// Longest text of a phone that an app is told, in characters.
const MAX_WHY: usize = 300;

/// `photo_request`.
pub(crate) fn request(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: PhotoRequest,
    now: Now,
    out: &mut Effects,
) {
    let long = |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.len() > most);
    let words = [&request.request_id, &request.size, &request.compress];
    if request.request_id.is_empty()
        || words.iter().any(|word| word.len() > MAX_NAME)
        || long(&request.auth_token, MAX_URL)
    {
        let message = "photo_request: requestId, size and compress have 1 to 256 bytes, authToken has up to 2048";
        return reply_error(conn, AppErrorCode::MalformedMessage, message, now, out);
    }
    let Some(photo) = photo_of(s, app, request, now) else { return };
    if let Err(not) = ready(s, app, For::Photo) {
        return refuse(s, photo, &not, now, out);
    }
    if let Some(why) = photo.request.custom_webhook_url.as_deref().and_then(|url| bad_url(s, url)) {
        reply_error(conn, AppErrorCode::MalformedMessage, why, now, out);
        return fail(s, photo, "BAD_REQUEST".to_owned(), why.to_owned(), None, now, out);
    }
    if let Some(stream) = &s.video.stream {
        let busy = Busy::Stream { managed: stream.is_managed(), ends: stream.is_ending() };
        return fail(s, photo, Busy::Photo.code().to_owned(), busy.why().to_owned(), None, now, out);
    }
    let (request_id, package) = (photo.request.request_id.clone(), photo.app.package.clone());
    let (v3, app_record, wanted) = (photo.v3, photo.app.clone(), photo.request.clone());
    match s.photos.ask(photo) {
        Ok(()) => out.note(Note::PhotoAsked(package)),
        Err(NotAsked::Twice) => {
            let message = format!("A photo {request_id:?} of this app is being waited for already");
            reply_error(conn, AppErrorCode::MalformedMessage, &message, now, out);
        }
        Err(NotAsked::TooMany) => {
            let photo = Photo::new(app_record, v3, wanted, now.at, &s.config.timings);
            fail(s, photo, Busy::Queue.code().to_owned(), Busy::Queue.why().to_owned(), None, now, out);
        }
    }
}

/// What is wrong with a URL that an app has named for its photos.
fn bad_url(s: &UserSession, url: &str) -> Option<&'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = !url.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
    if url.len() > MAX_URL || !plain || rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Some("customWebhookUrl must be an https:// URL of at most 2048 bytes");
    }
    // Whether this server posts there or the phone does: an app does not look around in somebody's house.
    let reachable = s.config.may_fetch.allows(url);
    (!reachable).then_some("customWebhookUrl leads to a network that apps may not reach; the operator can allow it")
}

/// The camera is free: the next photo is taken, if the phone is there.
pub(crate) fn take_next(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Some(phone) = s.glasses_link().map(|link| link.conn) else { return };
    let timings = s.config.timings;
    while let Some(photo) = s.photos.turn(now.at, &timings) {
        if photo.left(now.at) <= timings.photo_again {
            // Whoever asks would have given up before it is there.
            let (app, name) = (photo.app.package.clone(), photo.request.request_id.clone());
            let Some(photo) = s.photos.remove(&app, &name) else { return };
            let why = "The camera was not free in time".to_owned();
            fail(s, photo, "CAMERA_TIMEOUT".to_owned(), why, None, now, out);
            continue;
        }
        let (call, token) = (s.new_call(), s.entropy.uuid());
        let direct = s.config.camera.direct_photos;
        let through = format!("{}/{token}", s.config.camera.upload_url);
        let Some(photo) = s.photos.turn(now.at, &timings) else { return };
        let request = &photo.request;
        let own = request.custom_webhook_url.clone();
        let auth_token = request.auth_token.clone();
        let goes = match own {
            Some(url) if direct => {
                photo.take(None, url, auth_token, now.at);
                None
            }
            Some(url) => Some(PhotoGoes::ToUrl { url, auth_token }),
            None if photo.v3 => Some(PhotoGoes::Stays),
            None if direct => {
                let url = format!("{}/photo-upload", photo.app.public_url);
                photo.take(None, url, auth_token, now.at);
                None
            }
            None => Some(PhotoGoes::ToApp),
        };
        if let Some(goes) = goes {
            let (app, request_id) = (photo.app.clone(), photo.request.request_id.clone());
            let save_to_gallery = photo.request.save_to_gallery;
            // The same secret twice: some phones show the one in the request, others the wearer's own.
            photo.take(Some(call), through, Some(token.clone()), now.at);
            let upload = PhotoUpload { token, app, request_id, goes, save_to_gallery };
            out.push(Effect::Call { call, what: Call::Photo(Box::new(upload)) });
        }
        let session_id = s.user.to_string();
        if let Some(message) = to_phone(photo, session_id, now) {
            out.control(phone, &message);
        }
    }
}

fn to_phone(photo: &Photo, session_id: String, now: Now) -> Option<ToPhone> {
    let taken = photo.taken.as_ref()?;
    let request = &photo.request;
    Some(ToPhone::PhotoRequest(glasses::PhotoRequest {
        session_id,
        request_id: request.request_id.clone(),
        app_id: photo.app.package.to_string(),
        webhook_url: Some(taken.url.clone()),
        auth_token: taken.auth_token.clone(),
        size: request.size.clone(),
        compress: request.compress.clone(),
        save_to_gallery: Some(request.save_to_gallery),
        silent: None,
        flash: None,
        sound: request.sound,
        timestamp: now.wall,
    }))
}

/// The phone is back, and may have lost the question.
pub(crate) fn ask_again(s: &UserSession, now: Now, out: &mut Effects) {
    let Some(phone) = s.glasses_link().map(|link| link.conn) else { return };
    for photo in s.photos.again(now.at, &s.config.timings) {
        if let Some(message) = to_phone(photo, s.user.to_string(), now) {
            out.control(phone, &message);
        }
    }
}

/// `photo_response` of the phone, or the same over REST. Where the photo comes through this server, only its arrival counts
/// as success: a phone that says so early would let an app look for what is not there yet.
pub(crate) fn answered(s: &mut UserSession, response: glasses::PhotoResponse, now: Now, out: &mut Effects) {
    let Some(photo) = s.photos.named(&response.request_id) else { return out.note(Note::PhotoLate) };
    let (app, through) = (photo.app.package.clone(), photo.taken.as_ref().is_some_and(|taken| taken.upload.is_some()));
    match response.outcome() {
        Ok(_) if through => {}
        Ok(url) => {
            let url = url.map(str::to_owned);
            let Some(photo) = s.photos.remove(&app, &response.request_id) else { return };
            let number = |number: &Option<serde_json::Number>| {
                number
                    .as_ref()
                    .and_then(serde_json::Number::as_u64)
                    .and_then(|n| u32::try_from(n).ok())
                    .unwrap_or_default()
            };
            let (width, height) = (number(&response.width), number(&response.height));
            let saved = response.saved_to_gallery.unwrap_or_default();
            succeed(s, &photo, PhotoTaken { url, width, height, saved }, now, out);
        }
        Err(error) => {
            let Some(photo) = s.photos.remove(&app, &response.request_id) else { return };
            forget(&photo, out);
            let short = |text: String| text.chars().take(MAX_WHY).collect::<String>();
            fail(s, photo, short(error.code), short(error.message), error.details, now, out);
        }
    }
}

/// The call that waited for its upload has ended.
pub(crate) fn uploaded(s: &mut UserSession, photo: Photo, outcome: Outcome, now: Now, out: &mut Effects) {
    match outcome {
        Outcome::Photo(taken) => succeed(s, &photo, taken, now, out),
        Outcome::Failed { why } => fail(s, photo, "UPLOAD_FAILED".to_owned(), why, None, now, out),
        _ => fail(s, photo, PhotoError::UNKNOWN.to_owned(), "The upload ended strangely".to_owned(), None, now, out),
    }
}

/// Photos whose time is over.
pub(crate) fn expire(s: &mut UserSession, now: Now, out: &mut Effects) {
    for photo in s.photos.expire(now.at) {
        forget(&photo, out);
        let (code, why) = match (&photo.taken, s.glasses_link()) {
            (Some(Taken { here: true, .. }), _) => {
                ("UPLOAD_FAILED", "The photo came, but the app's server did not take it in time")
            }
            (_, None) => ("PHONE_DISCONNECTED", "The phone has lost its connection and did not come back in time"),
            (None, _) => ("CAMERA_TIMEOUT", "The camera was not free in time"),
            (Some(_), _) => ("PHONE_TIMEOUT", "The phone neither sent the photo in time nor said why not"),
        };
        fail(s, photo, code.to_owned(), why.to_owned(), None, now, out);
    }
}

/// It is over: what is uploaded now is refused.
pub(crate) fn forget(photo: &Photo, out: &mut Effects) {
    if let Some(call) = photo.taken.as_ref().and_then(|taken| taken.upload) {
        out.push(Effect::Cancel { call });
    }
}

/// The camera is not there for it.
pub(crate) fn refuse(s: &mut UserSession, photo: Photo, not: &NotReady, now: Now, out: &mut Effects) {
    if let Some(link) = s.apps.get(&photo.app.package).and_then(|slot| slot.link()) {
        reply_error(link.conn, not.app_code(), &not.why(), now, out);
    }
    let code = not.photo_code(photo.v3).to_owned();
    fail(s, photo, code, not.why(), None, now, out);
}

fn succeed(s: &mut UserSession, photo: &Photo, taken: PhotoTaken, now: Now, out: &mut Effects) {
    let after = now.at - photo.asked;
    out.note(Note::PhotoEnded { package: photo.app.package.clone(), result: "ok", after });
    let own = photo.request.custom_webhook_url.clone();
    if !photo.v3 && own.is_none() {
        // It has the file; a message about it would resolve some SDKs with an empty one.
        return;
    }
    let pixels = |n: u32| (n > 0).then(|| n.into());
    let response = PhotoResponse {
        request_id: photo.request.request_id.clone(),
        success: true,
        photo_url: own.or(taken.url),
        saved_to_gallery: Some(taken.saved),
        width: pixels(taken.width),
        height: pixels(taken.height),
        error: None,
        timestamp: now.wall,
    };
    tell(s, &photo.app.package, photo.v3, response, now, out);
}

/// To SDK v2 it is a line in its log, and not worth keeping for its return.
fn tell(s: &mut UserSession, app: &PackageName, v3: bool, response: PhotoResponse, now: Now, out: &mut Effects) {
    let response = ToApp::PhotoResponse(response);
    if v3 {
        send_message(s, app, &response, now, out);
    } else if let Some(link) = s.apps.get(app).and_then(|slot| slot.link()) {
        out.control(link.conn, &response);
    }
}

fn fail(
    s: &mut UserSession,
    photo: Photo,
    code: String,
    message: String,
    details: Option<Object>,
    now: Now,
    out: &mut Effects,
) {
    let Photo { app, v3, request, asked, .. } = photo;
    let (package, request_id) = (app.package.clone(), request.request_id);
    out.note(Note::PhotoEnded { package: package.clone(), result: known_code(&code), after: now.at - asked });
    let response = PhotoResponse {
        request_id: request_id.clone(),
        success: false,
        photo_url: None,
        saved_to_gallery: None,
        width: None,
        height: None,
        error: Some(PhotoError { code: code.clone(), message: message.clone(), details }),
        timestamp: now.wall,
    };
    tell(s, &package, v3, response, now, out);
    if !v3 {
        let call = s.new_call();
        let failure = PhotoFailure { app, request_id, code, message };
        out.push(Effect::Call { call, what: Call::PhotoFailed(Box::new(failure)) });
    }
}
