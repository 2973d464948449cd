//! `POST /photo-upload`: photos, and why there are none. Callers are known by the id of the request, which nobody can guess.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::{Value, json};

use super::host::Host;
use crate::app::App;
use crate::core::UploadError;
use crate::core::{Input, Upload};

/// The largest photo, and a little for the form around it.
pub(super) const MAX_BODY: usize = (10 << 20) + (64 << 10);
/// The largest text field.
const MAX_FIELD: usize = 4096;

type Answer = (StatusCode, Json<Value>);

/// What a form says.
#[derive(Debug, Default)]
struct Form {
    request_id: Option<String>,
    is_error: bool,
    code: Option<String>,
    message: Option<String>,
    photo: Option<(Bytes, String, Option<String>)>,
}

pub(super) async fn upload<A: App>(State(host): State<Arc<Host<A>>>, request: Request) -> Answer {
    let form = match read(request).await {
        Ok(form) => form,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    let Some(request_id) = form.request_id else {
        return refused(StatusCode::BAD_REQUEST, "No requestId provided");
    };
    let Some(shared) = host.sessions.photo_of(&request_id) else {
        let why = "No pending request found for this photo (may have timed out or session ended)";
        return refused(StatusCode::NOT_FOUND, why);
    };
    let (content, mime_type, filename, answer) = match form.photo {
        _ if form.is_error => {
            let message = form.message.unwrap_or_else(|| "the glasses gave no reason".to_owned());
            let error = UploadError { code: form.code, message };
            (Err(error), String::new(), None, accepted(&request_id, "Photo error received successfully"))
        }
        Some((photo, mime_type, filename)) => {
            (Ok(photo), mime_type, filename, accepted(&request_id, "Photo received successfully"))
        }
        None => {
            let why = "No photo file provided for successful upload";
            let error = UploadError { code: None, message: why.to_owned() };
            (Err(error), String::new(), None, refused(StatusCode::BAD_REQUEST, why))
        }
    };
    let upload = Upload { request_id, content, mime_type, filename, url: None };
    // When the session is over, whoever asked for the photo knows already.
    let _ = shared.tell(Input::Uploaded(upload)).await;
    answer
}

async fn read(request: Request) -> Result<Form, String> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let Json(body) = Json::<Value>::from_request(request, &()).await.map_err(|error| error.body_text())?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        return Ok(Form {
            request_id: text("requestId"),
            is_error: body.get("success") == Some(&Value::Bool(false))
                || text("type").as_deref() == Some("photo_error"),
            code: text("errorCode"),
            message: text("errorMessage"),
            photo: None,
        });
    }
    let mut parts = Multipart::from_request(request, &()).await.map_err(|error| error.body_text())?;
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(|error| error.body_text())? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "photo" {
            let mime_type = part.content_type().unwrap_or_default().to_owned();
            if !mime_type.starts_with("image/") {
                return Err("Only image files are allowed".to_owned());
            }
            let filename = part.file_name().map(str::to_owned);
            let photo = part.bytes().await.map_err(|error| error.body_text())?;
            form.photo = Some((photo, mime_type, filename));
            continue;
        }
        let text = part.text().await.map_err(|error| error.body_text())?;
        let text: String = text.chars().take(MAX_FIELD).collect();
        match name.as_str() {
            "requestId" => form.request_id = Some(text),
            "type" => form.is_error |= text == "photo_error",
            // SDK v3 takes this for an error when there is no file.
            "success" => form.is_error |= text == "false",
            "errorCode" => form.code = Some(text),
            "errorMessage" => form.message = Some(text),
            _ => {}
        }
    }
    Ok(form)
}

fn accepted(request_id: &str, message: &str) -> Answer {
    (StatusCode::OK, Json(json!({ "success": true, "requestId": request_id, "message": message })))
}

fn refused(status: StatusCode, error: &str) -> Answer {
    (status, Json(json!({ "success": false, "error": error })))
}
