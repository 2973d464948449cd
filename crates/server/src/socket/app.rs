//! `/app-ws`: an app server's connection for one user. Who it is comes in a header, or in the first message.
//!
//! | form | user | key |
//! |---|---|---|
//! | A: SDK v2 | first message, `sessionId` without the package | first message |
//! | B: `Authorization: Bearer <JWT>` | header `x-user-id` | inside the JWT |
//! | C: SDK v3 | header `x-user-id` | header `x-api-key` or first message |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bifocal_protocol::apps::{
    AppError, AppErrorCode, DeferCode, FromApp, Init, ReconnectDeferred, ReconnectRejected, RejectCode, ToApp,
};
use bifocal_protocol::close::Close;
use bifocal_protocol::ids::{PackageName, UserId, user_of_session_id};
use bifocal_protocol::rest::AppRejection;
use bifocal_protocol::{Decoded, Message};
use bifocal_session::{AppHello, Input, Side};
use bifocal_store::key_hash;
use tracing::debug;

use crate::actor::{Attach, Mail};
use crate::auth::bearer::second_word;
use crate::clock::wall;
use crate::http::json;
use crate::registry::SessionHandle;
use crate::shared::Shared;
use crate::socket::configure;
use crate::socket::pump::{self, Pump};

/// How long a connection may take to say who it is.
const ADMISSION: Duration = Duration::from_secs(10);

/// What the headers of the upgrade say.
#[derive(Debug, Default)]
struct HeaderIdentity {
    user: Option<UserId>,
    package: Option<String>,
    key: Option<String>,
    /// The key came in a JWT, so the app will not send an init message.
    complete: bool,
}

/// Who a connection says it is.
struct Claimed {
    user: UserId,
    hello: AppHello,
}

/// Upgrades an app. Only a bad JWT is refused here; the other forms are judged by the session.
pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let identity = match header_identity(&shared, &headers) {
        Ok(identity) => identity,
        Err(why) => return json(StatusCode::UNAUTHORIZED, why.body(wall())),
    };
    let hard_limit = shared.config.limits.app_text.saturating_mul(2);
    match upgrade {
        Ok(upgrade) => configure(upgrade, hard_limit).on_upgrade(move |socket| serve(socket, shared, identity)),
        Err(rejection) => rejection.into_response(),
    }
}

fn header_identity(shared: &Shared, headers: &HeaderMap) -> Result<HeaderIdentity, AppRejection> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let user = text("x-user-id").and_then(|user| UserId::new(&user).ok());
    if let Some(token) = second_word(headers) {
        if user.is_none() || text("x-session-id").is_none() {
            return Err(AppRejection::MissingHeaders);
        }
        let claims = shared.tokens.verify_app(token).map_err(|error| AppRejection::BadToken(error.to_string()))?;
        let (package, key) = (Some(claims.package_name), Some(claims.api_key));
        return Ok(HeaderIdentity { user, package, key, complete: true });
    }
    Ok(HeaderIdentity { user, package: text("x-package-name"), key: text("x-api-key"), complete: false })
}

async fn serve(mut socket: WebSocket, shared: Arc<Shared>, identity: HeaderIdentity) {
    let claimed = tokio::select! {
        claimed = tokio::time::timeout(ADMISSION, claim(&mut socket, &shared, identity)) => claimed,
        () = shared.shutdown.cancelled() => Ok(Err(Refusal::restart())),
    };
    let refusal = match claimed {
        Ok(Ok(claimed)) => match admit(&mut socket, &shared, claimed).await {
            Ok(pump) => return shared.tasks.clone().track_future(pump.run(socket)).await,
            Err(refusal) => refusal,
        },
        Ok(Err(refusal)) => refusal,
        Err(_) => Refusal::new(AppErrorCode::MalformedMessage, "No tpa_connection_init came within 10 s"),
    };
    debug!(code = ?refusal.code, "app refused");
    let error = AppError { code: refusal.code, message: refusal.message.to_owned(), timestamp: wall() };
    pump::refuse(socket, ToApp::Error(error).encode(), refusal.close).await;
}

/// Why a connection is not let in before any session has seen it.
struct Refusal {
    code: AppErrorCode,
    message: &'static str,
    close: Close,
}

impl Refusal {
    fn new(code: AppErrorCode, message: &'static str) -> Self {
        Self { code, message, close: Close::AppRejected }
    }

    /// The app shall come back to the next process.
    fn restart() -> Self {
        let message = "The server restarts, come back";
        Self { code: AppErrorCode::InternalError, message, close: Close::Restart }
    }
}

/// Finds out who is there: from the headers, or from the first message.
async fn claim(socket: &mut WebSocket, shared: &Shared, identity: HeaderIdentity) -> Result<Claimed, Refusal> {
    let malformed = || Refusal::new(AppErrorCode::MalformedMessage, "The first message must be tpa_connection_init");
    if identity.complete {
        return identified(shared, identity, First::Nothing);
    }
    loop {
        let text = match socket.recv().await {
            Some(Ok(Frame::Text(text))) => text,
            // Some clients send their text as binary.
            Some(Ok(Frame::Binary(data))) => Utf8Bytes::try_from(data).map_err(|_| malformed())?,
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => continue,
            _ => return Err(malformed()),
        };
        return match FromApp::decode(&text) {
            Ok(Decoded::Known(FromApp::Init(init))) => identified(shared, identity, First::Init(init)),
            // Who it is stands in the headers. Where it does not, the SDK says it in an init on the same socket.
            Ok(Decoded::Known(FromApp::Reconnect(_))) => {
                if identity.key.is_some() && identity.package.is_some() && identity.user.is_some() {
                    return identified(shared, identity, First::Reconnect);
                }
                say(socket, reconnect_rejected()).await;
                continue;
            }
            _ => Err(malformed()),
        };
    }
}

/// What a connection has said first.
enum First {
    Nothing,
    Init(Init),
    /// SDK v3 whose socket came back.
    Reconnect,
}

fn identified(shared: &Shared, identity: HeaderIdentity, first: First) -> Result<Claimed, Refusal> {
    let no_session = || Refusal::new(AppErrorCode::SessionNotFound, "Session not found");
    let invalid = || Refusal::new(AppErrorCode::InvalidApiKey, "Invalid API key");
    let reconnect = matches!(first, First::Reconnect);
    let (v3, package, key, session_id) = match first {
        First::Init(Init { session_id, package_name, api_key, sdk_version }) => {
            (sdk_version.is_some(), Some(package_name), Some(api_key).filter(|key| !key.is_empty()), session_id)
        }
        First::Reconnect => (true, None, None, None),
        First::Nothing => (false, None, None, None),
    };
    let package = package.or(identity.package).and_then(|name| PackageName::new(&name).ok()).ok_or_else(invalid)?;
    let key = key.or(identity.key).ok_or_else(invalid)?;
    let by_session_id = |id: String| user_of_session_id(&id, &package).or_else(|| shared.sessions.user_of_uuid(&id));
    let user = identity.user.or_else(|| session_id.and_then(by_session_id)).ok_or_else(no_session)?;
    Ok(Claimed { user, hello: AppHello { package, key_hash: key_hash(&key), v3, reconnect } })
}

/// Hands the connection to the user's session, which decides.
async fn admit(socket: &mut WebSocket, shared: &Arc<Shared>, claimed: Claimed) -> Result<Pump, Refusal> {
    let no_session = || Refusal::new(AppErrorCode::SessionNotFound, "Session not found");
    if shared.is_draining() {
        return Err(Refusal::restart());
    }
    let session = match shared.sessions.get(&claimed.user) {
        Some(session) => session,
        None => wait_for_session(socket, shared, &claimed)
            .await
            .ok_or_else(|| if shared.is_draining() { Refusal::restart() } else { no_session() })?,
    };
    let conn = shared.new_conn();
    let outbox = Arc::new(shared.new_outbox());
    let hello = Input::AppConnected { conn, hello: Box::new(claimed.hello) };
    let attach = Attach { conn, side: Side::App, outbox: outbox.clone(), hello };
    session.mailbox.send(Mail::Attach(Box::new(attach))).await.map_err(|_| no_session())?;
    let limits = shared.config.limits;
    Ok(Pump {
        side: Side::App,
        conn,
        mailbox: session.mailbox,
        outbox,
        max_text: limits.app_text,
        max_binary: limits.app_binary,
        frames_per_second: limits.app_frames,
        sound: None,
    })
}

/// `reconnect_rejected`: nobody is known here by these headers.
fn reconnect_rejected() -> ToApp {
    let message = "The headers do not say who this is; send tpa_connection_init".to_owned();
    ToApp::ReconnectRejected(ReconnectRejected { code: RejectCode::SessionNotFound, message, timestamp: wall() })
}

/// `reconnect_deferred`: the wearer's phone is not back yet. The SDK stops its pings and waits as long.
fn reconnect_deferred(timeout_ms: u64) -> ToApp {
    let message = "The wearer's session is not here yet; wait".to_owned();
    let (code, timeout_ms) = (DeferCode::Booting, Some(timeout_ms));
    ToApp::ReconnectDeferred(ReconnectDeferred { code, message, timeout_ms, timestamp: wall() })
}

/// Says something to a connection that no session has yet. A peer that is gone is noticed at the next step.
async fn say(socket: &mut WebSocket, message: ToApp) {
    let _ = socket.send(Frame::Text(pump::utf8(message.encode()))).await;
}

/// An app with a good key whose user has no session: after a restart of this server apps are back before their phones. It
/// waits as long as an app may be away; 1008 would end it for good.
async fn wait_for_session(socket: &mut WebSocket, shared: &Shared, claimed: &Claimed) -> Option<SessionHandle> {
    let app = shared.store.app(&claimed.hello.package).await.ok()??;
    if app.key_hash != claimed.hello.key_hash {
        return None;
    }
    let _place = shared.sessions.park(shared.config.limits.parked_apps)?;
    let grace = shared.config.timings.app_grace;
    if claimed.hello.reconnect {
        say(socket, reconnect_deferred(grace)).await;
    }
    let created = shared.sessions.created(&claimed.user);
    tokio::select! {
        session = tokio::time::timeout(Duration::from_millis(grace), created) => session.ok(),
        () = shared.shutdown.cancelled() => None,
    }
}
