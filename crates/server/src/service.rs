//! SessionService (seed 000): creates or finds the session of a user, and carries wishes to it.

use std::sync::Arc;

use bifocal_audio::udp::Key;
use bifocal_protocol::ids::UserId;
use bifocal_session::{Answer, Ask, CameraConfig, Config, ErrorRow, Input, PhoneReport, UserSession};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::oneshot;

use crate::actor::{self, Attach, Mail};
use crate::registry::SessionHandle;
use crate::shared::Shared;

/// Attaches a phone: to the user's session if there is one, else to a new one. Gives the mailbox to send its frames to. With a
/// key, what the phone sends over UDP must be encrypted with it.
///
/// # Errors
/// The row of the error table that says why there is no session.
pub(crate) async fn attach_glasses(
    shared: &Arc<Shared>,
    user: &UserId,
    key: Option<&Key>,
    attach: impl Fn() -> Attach,
) -> Result<SessionHandle, &'static ErrorRow> {
    // A session may end between the look-up and the mail; then the next look-up makes a new one.
    for _ in 0..3 {
        if shared.is_draining() {
            return Err(ErrorRow::STOPPING);
        }
        let most = shared.config.limits.sessions;
        let create = |number| actor::spawn(new_session(shared, user), user.clone(), number, shared);
        let handle = shared.sessions.get_or_create(user, most, create).ok_or(ErrorRow::FULL)?;
        let attach = attach();
        // Before the phone is acknowledged: what it then says about its sound is about this connection.
        handle.sound.begin(attach.conn, attach.outbox.clone(), key.cloned());
        if handle.mailbox.send(Mail::Attach(Box::new(attach))).await.is_ok() {
            for report in shared.early.take(user) {
                let what = Box::new(Ask::Report(Box::new(PhoneReport::Device(Box::new(report)))));
                // Nobody waits for what it says to that.
                let _ = handle.mailbox.send(Mail::Ask { what, reply: oneshot::channel().0 }).await;
            }
            return Ok(handle);
        }
        shared.sessions.remove(user, handle.number);
    }
    Err(ErrorRow::INTERNAL)
}

pub(crate) fn new_session(shared: &Shared, user: &UserId) -> UserSession {
    let mut seed = [0u8; 32];
    // Fails only where the operating system has no randomness at all; then nothing else here is safe either.
    SystemRandom::new().fill(&mut seed).expect("the operating system gives random bytes");
    let (public_url, speech_urls, may_fetch) =
        (shared.public_url.clone(), shared.speech_urls.clone(), shared.may_fetch.clone());
    let (timings, timezone) = (shared.config.timings, shared.config.timezone.clone());
    let config = Config {
        timings,
        app_socket_url: shared.app_socket_url.clone(),
        public_url,
        speech_urls,
        may_fetch,
        timezone,
        own_dashboard: true,
        camera: CameraConfig {
            upload_url: format!("{}/photos", shared.public_url),
            direct_photos: shared.config.direct_photos,
            managed_streams: shared.streams.provider.is_some(),
        },
        weather: shared.weather.is_some(),
        speech: shared.recognizers.available(),
        seed,
    };
    UserSession::new(user.clone(), config, shared.clock.now())
}

/// Asks a session for something; `None` when the user has none.
pub(crate) async fn ask(shared: &Shared, user: &UserId, what: Ask) -> Option<Answer> {
    let handle = shared.sessions.get(user)?;
    let (reply, answer) = oneshot::channel();
    handle.mailbox.send(Mail::Ask { what: Box::new(what), reply }).await.ok()?;
    Some(answer.await.unwrap_or(Answer::SessionEnded))
}

/// Sends an input to a session; false when the user has none.
pub(crate) async fn tell(shared: &Shared, user: &UserId, input: Input) -> bool {
    match shared.sessions.get(user) {
        Some(handle) => handle.mailbox.send(Mail::Input(input)).await.is_ok(),
        None => false,
    }
}
