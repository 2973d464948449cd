//! A third-party app without an SDK: it shows the wearer what is being said.
//!
//! An app is a small web server. The cloud calls its `/webhook` when a wearer starts or stops the app; on a start the
//! app opens a WebSocket back to the cloud, and everything else happens there (see [`session`]). Read this file for
//! the webhook and `session.rs` for the socket: together they are the whole protocol an ordinary app needs.

mod session;

use std::{collections::HashMap, future::Future, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};
use session::{Goodbye, Identity, Session};
use tokio::{net::TcpListener, sync::Mutex};

/// The app: who it is, and the wearers it is running for.
#[derive(Debug)]
struct Captions {
    package: String,
    api_key: String,
    /// By session id. A session may have ended by itself (the cloud closed its socket), so look before you count.
    sessions: Mutex<HashMap<String, Session>>,
}

/// Serves the app until `shutdown` resolves, then leaves every session and returns.
///
/// `package` and `api_key` are what the developer got when registering the app with the cloud.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    package: String,
    api_key: String,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Arc::new(Captions { package, api_key, sessions: Mutex::default() });
    let routes =
        Router::new().route("/webhook", post(webhook)).route("/health", get(health)).with_state(Arc::clone(&app));
    let served = axum::serve(listener, routes).with_graceful_shutdown(shutdown).await;
    for (_, session) in app.sessions.lock().await.drain() {
        session.leave(Goodbye::Stopped).await;
    }
    served
}

/// Nothing authenticates this call: whoever can reach it can name a socket, and our first message there carries the
/// API key. An app on the open internet should let only its cloud's address through.
async fn webhook(State(app): State<Arc<Captions>>, Json(request): Json<Value>) -> (StatusCode, Json<Value>) {
    let Some(session_id) = request["sessionId"].as_str() else {
        return failure(StatusCode::BAD_REQUEST, "sessionId is missing");
    };
    let done = match request["type"].as_str() {
        Some("session_request") => app.start(session_id, &request).await,
        Some("stop_request") => app.stop(session_id, Goodbye::Stopped).await,
        _ => return failure(StatusCode::BAD_REQUEST, "Unknown webhook request type"),
    };
    match done {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "success" }))),
        Err(reason) => {
            tracing::warn!(session_id, %reason, "could not start");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "Failed to connect")
        }
    }
}

impl Captions {
    async fn start(&self, session_id: &str, request: &Value) -> session::Result<()> {
        // Three generations of clouds have named this field; they all mean the same URL.
        let url = ["mentraOSWebsocketUrl", "websocketUrl", "augmentOSWebsocketUrl"]
            .iter()
            .find_map(|name| request[name].as_str())
            .ok_or("the session request carries no websocket URL")?;
        // A second start of a running session means that another cloud, or the same one after a restart, has taken
        // the wearer over. Its socket is the one that counts from now on.
        self.stop(session_id, Goodbye::Replaced).await?;
        let identity = Identity {
            url: url.to_owned(),
            session_id: session_id.to_owned(),
            package: self.package.clone(),
            api_key: self.api_key.clone(),
        };
        // The cloud waits for the answer to the webhook, and the answer says that the socket stands.
        let session = Session::start(identity).await?;
        self.sessions.lock().await.insert(session_id.to_owned(), session);
        Ok(())
    }

    /// Ends a session. To stop what does not run is no error: the cloud only wants it gone.
    async fn stop(&self, session_id: &str, goodbye: Goodbye) -> session::Result<()> {
        let session = self.sessions.lock().await.remove(session_id);
        if let Some(session) = session {
            session.leave(goodbye).await;
        }
        Ok(())
    }
}

async fn health(State(app): State<Arc<Captions>>) -> Json<Value> {
    let mut sessions = app.sessions.lock().await;
    sessions.retain(|_, session| session.is_live());
    Json(json!({ "status": "healthy", "app": app.package, "activeSessions": sessions.len() }))
}

fn failure(status: StatusCode, message: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "status": "error", "message": message })))
}
