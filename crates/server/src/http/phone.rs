//! What phones post beside their socket: the glasses, the place, appointments, notifications.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::glasses::{PhoneNotification, PhoneNotificationDismissed};
use bifocal_protocol::phone_rest::{self, AppliedState, DeviceStateApplied, Done};
use bifocal_protocol::rest::{AuthFailure, Failure};
use bifocal_session::{Answer, Ask, PhoneReport};
use serde_json::Value;

use crate::auth::bearer;
use crate::clock::wall;
use crate::http::{answer, refused};
use crate::service;
use crate::shared::Shared;

type Body = Result<Json<Value>, JsonRejection>;

/// `POST /api/client/device/state`. A phone that posts before its socket is there never repeats it: what it says is kept
/// and told to the session when there is one.
pub(crate) async fn device_state(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let Some(report) = body.ok().and_then(|Json(body)| serde_json::from_value::<GlassesInfo>(body).ok()) else {
        return bad("Device state object required");
    };
    let ask = Ask::Report(Box::new(PhoneReport::Device(Box::new(report.clone()))));
    match service::ask(&shared, &user, ask).await {
        Some(Answer::Device { connected, model, capabilities }) => {
            let applied_state = AppliedState {
                is_glasses_connected: connected,
                is_phone_connected: true,
                model_name: model,
                capabilities: capabilities.map(|capabilities| (*capabilities).clone()),
            };
            answer(StatusCode::OK, &DeviceStateApplied { success: true, applied_state, timestamp: wall() })
        }
        _ => {
            shared.early.keep(&user, report);
            refused(&AuthFailure::NoSession)
        }
    }
}

/// `POST /api/user-data/set-datetime`: the token stands in the body.
pub(crate) async fn set_datetime(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let Ok(Json(body)) = body else { return bad("coreToken and datetime are missing") };
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let Ok(user) = shared.tokens.verify(text("coreToken")) else { return refused(&AuthFailure::NoToken) };
    let datetime = text("datetime");
    if datetime.len() > 64 || serde_json::from_value::<bifocal_protocol::Timestamp>(datetime.into()).is_err() {
        return bad("datetime must be ISO 8601");
    }
    let ask = Ask::Report(Box::new(PhoneReport::DateTime(datetime.into())));
    match service::ask(&shared, &user, ask).await {
        Some(Answer::Noted) => answer(StatusCode::OK, &Done::new(wall())),
        _ => refused(&AuthFailure::NoSession),
    }
}

/// `POST /api/client/location`.
pub(crate) async fn location(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let Some(fix) = body.ok().and_then(|Json(body)| phone_rest::location(&body)) else {
        return checked(&shared, &headers, "location object required");
    };
    report(&shared, &headers, PhoneReport::Location(Box::new(fix)), Done::new(wall())).await
}

/// `POST /api/client/calendar`.
pub(crate) async fn calendar(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let Some(events) = body.ok().and_then(|Json(body)| phone_rest::calendar(&body)) else {
        return checked(&shared, &headers, "events object required");
    };
    report(&shared, &headers, PhoneReport::Calendar(events), Done::new(wall())).await
}

/// `POST /api/client/notifications`.
pub(crate) async fn notification(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let good = |n: &PhoneNotification| ![&n.notification_id, &n.app, &n.title, &n.content].iter().any(|s| s.is_empty());
    let read = body.ok().and_then(|Json(body)| serde_json::from_value::<PhoneNotification>(body).ok());
    let Some(mut notification) = read.filter(good) else {
        return checked(&shared, &headers, "Missing required fields: notificationId, app, title, content");
    };
    notification.priority.get_or_insert_with(|| "normal".to_owned());
    notification.timestamp.get_or_insert_with(|| wall().0.into());
    let done = Done { message: Some("Notification relayed to subscribed apps".to_owned()), ..Done::new(wall()) };
    report(&shared, &headers, PhoneReport::Notification(Box::new(notification)), done).await
}

/// `POST /api/client/notifications/dismissed`.
pub(crate) async fn notification_dismissed(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let good = |n: &PhoneNotificationDismissed| {
        let full = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        !n.notification_id.is_empty() && full(&n.notification_key) && full(&n.package_name)
    };
    let read = body.ok().and_then(|Json(body)| serde_json::from_value::<PhoneNotificationDismissed>(body).ok());
    let Some(mut dismissed) = read.filter(good) else {
        return checked(&shared, &headers, "Missing required fields: notificationId, notificationKey, packageName");
    };
    dismissed.timestamp.get_or_insert_with(|| wall().0.into());
    let done =
        Done { message: Some("Notification dismissal relayed to subscribed apps".to_owned()), ..Done::new(wall()) };
    report(&shared, &headers, PhoneReport::Dismissed(Box::new(dismissed)), done).await
}

async fn report(shared: &Shared, headers: &HeaderMap, report: PhoneReport, done: Done) -> Response {
    let user = match bearer::user(headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    match service::ask(shared, &user, Ask::Report(Box::new(report))).await {
        Some(Answer::Noted) => answer(StatusCode::OK, &done),
        _ => refused(&AuthFailure::NoSession),
    }
}

/// The body cannot be read; but first of all, who asks?
fn checked(shared: &Shared, headers: &HeaderMap, why: &str) -> Response {
    match bearer::user(headers, &shared.tokens) {
        Ok(_) => bad(why),
        Err(failure) => refused(&failure),
    }
}

fn bad(why: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, &Failure::new(why))
}
