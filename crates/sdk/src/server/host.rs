//! An app and everything it needs to run: opens sessions, watches over them, closes them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use ring::digest;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::Instrument;

use super::sessions::Sessions;
use crate::app::App;
use crate::core::{Identity, Input, Leave};
use crate::error::Error;
use crate::random;
use crate::rest::Rest;
use crate::session::AppSession;
use crate::shared::{MAILBOX, Parts, Shared};
use crate::shell::{Dial, Task};

/// How long `on_stop` may take.
const ON_STOP: Duration = Duration::from_secs(30);
/// How long a new session waits until the one before it has closed its socket.
const BEFORE: Duration = Duration::from_millis(1500);
/// Until sessions have said goodbye when the process stops.
const GOODBYE: Duration = Duration::from_secs(3);

/// An app that is served.
pub(crate) struct Host<A> {
    pub(crate) app: A,
    pub(crate) package: String,
    pub(crate) api_key: String,
    pub(crate) json_ping: bool,
    pub(crate) max_sessions: usize,
    pub(crate) sessions: Sessions,
    pub(crate) rest: Rest,
    pub(crate) dial: Arc<dyn Dial>,
}

/// A session to open.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) session_id: String,
    pub(crate) user_id: String,
    pub(crate) url: String,
    pub(crate) uuid: Option<String>,
}

impl<A: App> Host<A> {
    /// Opens a session, and returns without waiting for anything. The same start twice is one.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub(crate) fn open(self: &Arc<Self>, opening: Opening) -> Result<(), Error> {
        if let Some(known) = self.sessions.by_wire_id(&opening.session_id) {
            let same = opening.uuid.is_some() && known.state().uuid == opening.uuid && known.url == opening.url;
            if same && known.ended.borrow().is_none() {
                return Ok(());
            }
        } else if self.sessions.len() >= self.max_sessions {
            return Err(Error::Full { what: "sessions" });
        }
        let span = tracing::info_span!(
            "session",
            package = self.package,
            session = opening.uuid.as_deref().map(printable),
            user = tag(&opening.user_id),
        );
        let (commands, inbox) = mpsc::channel(MAILBOX);
        let (ended, ending) = watch::channel(None);
        let shared = Arc::new(Shared::new(Parts {
            identity: Identity {
                session_id: opening.session_id,
                package: self.package.clone(),
                api_key: self.api_key.clone(),
                json_ping: self.json_ping,
            },
            user: opening.user_id,
            url: opening.url,
            rest: self.rest.clone(),
            sessions: self.sessions.clone(),
            span: span.clone(),
            commands,
            ended: ending,
        }));
        shared.state().uuid = opening.uuid;
        let before = self.sessions.insert(&shared);
        let (first, taken_in) = oneshot::channel();
        let task = Task {
            shared: shared.clone(),
            dial: self.dial.clone(),
            commands: inbox,
            ended,
            first: Some(first),
            seed: random::seed(),
        };
        let work = self.clone().run(shared, task, taken_in, before);
        tokio::spawn(work.instrument(span));
        Ok(())
    }

    /// Ends a session because the cloud says so; returns when it is over.
    pub(crate) async fn stop(&self, session_id: &str, reason: &str) {
        let Some(session) = self.sessions.by_id(session_id) else { return };
        // It may be over already.
        let _ = session.shared.tell(Input::Leave(Leave::Stopped(reason.to_owned()))).await;
        session.ended().await;
    }

    /// Ends every session because the process stops, and waits until they have said goodbye.
    pub(crate) async fn shut_down(&self) {
        let leave = |session: AppSession| async move {
            let _ = session.shared.tell(Input::Leave(Leave::Shutdown)).await;
            session.shared.until_closed().await;
        };
        let all = join_all(self.sessions.all().into_iter().map(leave));
        if timeout(GOODBYE, all).await.is_err() {
            tracing::warn!("some sessions were still saying goodbye");
        }
    }

    async fn run(
        self: Arc<Self>,
        shared: Arc<Shared>,
        task: Task,
        taken_in: oneshot::Receiver<()>,
        before: Vec<Arc<Shared>>,
    ) {
        for old in before {
            let _ = old.tell(Input::Leave(Leave::Replaced)).await;
            // A cloud may take the late close of the old socket for one of the new.
            let _ = timeout(BEFORE, old.until_closed()).await;
        }
        let connection = task.run();
        let life = async {
            let is_in = tokio::select! {
                taken_in = taken_in => taken_in.is_ok(),
                _ = shared.until_ended() => false,
            };
            if is_in {
                self.begin(&shared);
            }
            let ending = shared.until_ended().await;
            self.sessions.remove(&shared);
            if is_in {
                self.end(&shared, &ending.to_string()).await;
            }
        };
        tokio::join!(connection, life);
    }

    fn begin(self: &Arc<Self>, shared: &Arc<Shared>) {
        let (host, session) = (self.clone(), AppSession { shared: shared.clone() });
        Shared::spawn(shared, async move {
            let shared = session.shared.clone();
            let Err(error) = host.app.on_session(session).await else { return };
            if shared.ended.borrow().is_some() {
                return;
            }
            tracing::error!(%error, "on_session failed: its session ends");
            // It may have ended just now.
            let _ = shared.tell(Input::Leave(Leave::Failed(error.to_string()))).await;
        });
    }

    async fn end(&self, shared: &Arc<Shared>, reason: &str) {
        let id = AppSession { shared: shared.clone() }.id();
        let stop = AssertUnwindSafe(self.app.on_stop(&id, &shared.user, reason)).catch_unwind();
        match timeout(ON_STOP, stop).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!(%error, "on_stop failed"),
            Ok(Err(_)) => tracing::error!("on_stop panicked"),
            Err(_) => tracing::error!("on_stop took longer than {ON_STOP:?}"),
        }
    }
}

/// The wearer in a log: eight hex digits, as in the logs of Bifocal.
fn tag(user_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, user_id.to_lowercase().as_bytes());
    random::hex(&hash.as_ref()[..4])
}

/// An id from outside, for a log.
fn printable(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(36).collect()
}
