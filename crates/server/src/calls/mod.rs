//! Slow things that sessions ask for, each in a task of its own that reports back.

pub(crate) mod closures;
pub(crate) mod guard;
pub(crate) mod media;
mod store;
pub(crate) mod weather;
pub(crate) mod webhook;

use std::sync::Arc;

use bifocal_protocol::ids::UserId;
use bifocal_session::{Call, Outcome, WebhookKind};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::{Instrument, warn};

use crate::photos;
use crate::shared::Shared;

/// Starts a call and reports its outcome. A stop webhook, the word that there is no photo, and what is wanted of a managed stream
/// belong to nobody: they go on when the session has ended, and cannot be cancelled.
pub(crate) fn spawn<F, R>(shared: &Arc<Shared>, user: &UserId, call: Call, report: R) -> Option<AbortHandle>
where
    F: Future<Output = ()> + Send,
    R: FnOnce(Outcome) -> F + Send + 'static,
{
    let cancellable =
        !matches!(call, Call::Webhook { kind: WebhookKind::Stop, .. } | Call::PhotoFailed(_) | Call::Media(_));
    if let Call::Webhook { kind, app, session_id, .. } = &call
        && app.uuid_sessions
    {
        match kind {
            WebhookKind::Start => shared.sessions.remember_uuid(session_id, user, &app.package),
            WebhookKind::Stop => shared.sessions.forget_uuid(session_id),
        }
    }
    // Before the phone is told where to.
    let upload = match &call {
        Call::Photo(upload) => Some(shared.photos.tickets.expect(&upload.token, user, &upload.request_id)),
        _ => None,
    };
    let (task_shared, user) = (shared.clone(), user.clone());
    let name = name(&call);
    let task = async move {
        let begun = Instant::now();
        let outcome = match (call, upload) {
            (Call::Photo(upload), Some(waiting)) => photos::take(&task_shared, &user, *upload, waiting).await,
            (call, _) => run(&task_shared, &user, call).await,
        };
        let good = !matches!(outcome, Outcome::Failed { .. } | Outcome::Webhook { status: 300.. });
        task_shared.metrics.call(name, good, begun.elapsed());
        report(outcome).await;
    };
    let handle = shared.tasks.spawn(task.in_current_span());
    cancellable.then(|| handle.abort_handle())
}

fn name(call: &Call) -> &'static str {
    match call {
        Call::LoadUser => "load_user",
        Call::SaveRunning { .. } => "save_running",
        Call::SaveSettings(_) => "save_settings",
        Call::VerifyToken { .. } => "verify_token",
        Call::Weather { .. } => "weather",
        Call::Health { .. } => "health",
        Call::Photo(_) => "photo",
        Call::PhotoFailed(_) => "photo_failed",
        Call::Media(_) => "media",
        Call::Webhook { kind: WebhookKind::Start, .. } => "webhook_start",
        Call::Webhook { kind: WebhookKind::Stop, .. } => "webhook_stop",
    }
}

async fn run(shared: &Arc<Shared>, user: &UserId, call: Call) -> Outcome {
    match call {
        Call::LoadUser => store::load_user(shared, user).await,
        Call::SaveRunning { package, running } => store::save_running(shared, user, &package, running).await,
        Call::SaveSettings(settings) => store::save_settings(shared, user, &settings).await,
        Call::VerifyToken { token } => Outcome::Token(shared.tokens.verify(&token).as_ref() == Ok(user)),
        Call::Weather { latitude, longitude } => match &shared.weather {
            Some(provider) => match provider.now(latitude, longitude).await {
                Ok(weather) => Outcome::Weather(weather),
                Err(why) => {
                    warn!(why, "no weather");
                    Outcome::Failed { why }
                }
            },
            None => Outcome::Failed { why: "nobody is there who could be asked for the weather".to_owned() },
        },
        Call::Health { app } => {
            let healthy = shared.webhooks.is_healthy(&app).await;
            let others_closed = shared.closures.others(&app.package, user);
            Outcome::Health { healthy, others_closed }
        }
        Call::PhotoFailed(failure) => shared.photos.no_photo(&failure).await,
        // It was taken out before.
        Call::Photo(_) => Outcome::Failed { why: "nobody waits for the photo".to_owned() },
        Call::Media(call) => media::run(shared, user, *call).await,
        Call::Webhook { kind, app, body, idempotency_key, .. } => {
            shared.webhooks.post(kind, &app, body, &idempotency_key).await
        }
    }
}
