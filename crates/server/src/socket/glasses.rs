//! `/glasses-ws`: the phone that speaks for the glasses.

use std::sync::Arc;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bifocal_audio::udp::{ALGORITHM, Key};
use bifocal_protocol::Message;
use bifocal_protocol::close::Close;
use bifocal_protocol::glasses::UdpEncryption;
use bifocal_protocol::ids::UserId;
use bifocal_protocol::rest::PhoneRejection;
use bifocal_session::{Input, Side};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use tracing::warn;

use crate::actor::Attach;
use crate::auth::bearer::second_word;
use crate::clock::wall;
use crate::http::json;
use crate::service;
use crate::shared::{Shared, user_tag};
use crate::socket::configure;
use crate::socket::pump::{self, Pump};
use crate::sound::SoundLink;

/// A frame above this ends the connection; above the configured limit it is only counted.
const HARD_LIMIT: usize = 8 << 20;

#[derive(Debug, Deserialize)]
pub(crate) struct GlassesQuery {
    token: Option<String>,
    /// `true`: what the phone sends over UDP shall be encrypted.
    #[serde(rename = "udpEncryption")]
    udp_encryption: Option<String>,
}

/// Upgrades a phone with a good token; the header wins over the query.
pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<GlassesQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let rejected = |why: PhoneRejection| json(StatusCode::UNAUTHORIZED, why.body(wall()));
    let token = second_word(&headers).or(query.token.as_deref()).filter(|token| !token.is_empty());
    let Some(token) = token else { return rejected(PhoneRejection::NoToken) };
    let Ok(user) = shared.tokens.verify(token) else { return rejected(PhoneRejection::BadToken) };
    let encrypted = query.udp_encryption.as_deref() == Some("true");
    match upgrade {
        Ok(upgrade) => configure(upgrade, HARD_LIMIT).on_upgrade(move |socket| serve(socket, shared, user, encrypted)),
        Err(rejection) => rejection.into_response(),
    }
}

async fn serve(socket: WebSocket, shared: Arc<Shared>, user: UserId, encrypted: bool) {
    let conn = shared.new_conn();
    let outbox = Arc::new(shared.new_outbox());
    let key = (encrypted && shared.udp.is_some()).then(new_key);
    let attach = || {
        let sound = shared.udp.as_ref().map(|udp| Box::new(udp.paths(key.as_ref().map(told))));
        Attach { conn, side: Side::Glasses, outbox: outbox.clone(), hello: Input::GlassesConnected { conn, sound } }
    };
    match service::attach_glasses(&shared, &user, key.as_ref(), attach).await {
        Ok(session) => {
            let limits = shared.config.limits;
            let pump = Pump {
                side: Side::Glasses,
                conn,
                mailbox: session.mailbox.clone(),
                outbox,
                max_text: limits.glasses_text,
                max_binary: limits.glasses_binary,
                frames_per_second: limits.glasses_frames,
                sound: Some(SoundLink { shared: shared.clone(), user, conn, session }),
            };
            let tasks = shared.tasks.clone();
            tasks.track_future(pump.run(socket)).await;
        }
        Err(row) => {
            shared.metrics.refused("session");
            warn!(user = %user_tag(&user), why = row.message, "no session");
            pump::refuse(socket, row.message(wall()).encode(), row.close.unwrap_or(Close::Internal)).await;
        }
    }
}

/// A key for what one connection sends over UDP.
fn new_key() -> Key {
    let mut bytes = [0; 32];
    // Fails only where the operating system has no randomness at all; then nothing else here is safe either.
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    Key::new(bytes)
}

fn told(key: &Key) -> UdpEncryption {
    UdpEncryption { key: BASE64_STANDARD.encode(key.bytes()), algorithm: ALGORITHM.to_owned() }
}
