//! What every clone of a session shares, and how calls reach the task that owns the connection.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::apps::FromApp;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument;

use crate::core::{Awaited, Identity, Input, Lane, Leave, Reply, Ticket};
use crate::error::{Ending, Error};
use crate::hub::Hub;
use crate::message::outgoing;
use crate::rest::Rest;
use crate::server::Sessions;
use crate::session::storage::Cache;
use crate::state::State;

/// Calls that may be on their way to the task before the next one waits.
pub(crate) const MAILBOX: usize = 32;
/// How long tasks of the app may go on when their session is over.
const TASK_GRACE: Duration = Duration::from_secs(5);

/// A call on its way to the task.
pub(crate) struct Command {
    pub(crate) input: Box<Input>,
    pub(crate) done: Option<(Ticket, oneshot::Sender<Result<Reply, Error>>)>,
    /// Settled when the streams that exist are declared.
    pub(crate) declared: Option<oneshot::Sender<()>>,
}

/// One session.
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) user: String,
    /// The address of the cloud's WebSocket.
    pub(crate) url: String,
    pub(crate) hub: Hub,
    state: Mutex<State>,
    pub(crate) rest: Rest,
    pub(crate) storage: tokio::sync::Mutex<Cache>,
    pub(crate) sessions: Sessions,
    pub(crate) span: tracing::Span,
    commands: mpsc::Sender<Command>,
    tickets: AtomicU64,
    pub(crate) ended: watch::Receiver<Option<Ending>>,
}

/// What a [`Shared`] is made of.
pub(crate) struct Parts {
    pub(crate) identity: Identity,
    pub(crate) user: String,
    pub(crate) url: String,
    pub(crate) rest: Rest,
    pub(crate) sessions: Sessions,
    pub(crate) span: tracing::Span,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) ended: watch::Receiver<Option<Ending>>,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { identity, user, url, rest, sessions, span, commands, ended } = parts;
        Self {
            identity,
            user,
            url,
            hub: Hub::default(),
            state: Mutex::default(),
            rest,
            storage: tokio::sync::Mutex::default(),
            sessions,
            span,
            commands,
            tickets: AtomicU64::new(1),
            ended,
        }
    }

    /// What the cloud has told. Not to be held over an `await`.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message as it goes to the cloud.
    pub(crate) fn encode(&self, message: &FromApp) -> Text {
        outgoing(message, &self.identity.package, &self.identity.session_id)
    }

    /// Sends a message, now or as soon as there is a connection.
    pub(crate) async fn send(&self, lane: Lane, message: &FromApp) -> Result<(), Error> {
        let text = self.encode(message);
        self.call(|ticket| Input::Send { ticket, lane, text }).await.map(|_| ())
    }

    /// Sends a message and waits for its answer.
    pub(crate) async fn request(&self, awaited: Awaited, message: &FromApp, within: Duration) -> Result<Reply, Error> {
        let text = self.encode(message);
        self.call(|ticket| Input::Request { ticket, awaited, text, within }).await
    }

    /// Gives the task something to do, and waits for what becomes of it.
    pub(crate) async fn call(&self, input: impl FnOnce(Ticket) -> Input) -> Result<Reply, Error> {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let (done, outcome) = oneshot::channel();
        self.command(input(ticket), Some((ticket, done))).await?;
        outcome.await.unwrap_or_else(|_| Err(self.over()))
    }

    /// Gives the task something to do.
    pub(crate) async fn tell(&self, input: Input) -> Result<(), Error> {
        self.command(input, None).await
    }

    /// Returns when the cloud has been told of the streams that exist, or will be as soon as there is a connection.
    pub(crate) async fn declared(&self) -> Result<(), Error> {
        let (declared, done) = oneshot::channel();
        let input = Box::new(Input::Heard);
        let command = Command { input, done: None, declared: Some(declared) };
        self.commands.send(command).await.map_err(|_| self.over())?;
        done.await.map_err(|_| self.over())
    }

    async fn command(
        &self,
        input: Input,
        done: Option<(Ticket, oneshot::Sender<Result<Reply, Error>>)>,
    ) -> Result<(), Error> {
        let command = Command { input: Box::new(input), done, declared: None };
        self.commands.send(command).await.map_err(|_| self.over())
    }

    /// Why nothing can be asked any more.
    pub(crate) fn over(&self) -> Error {
        Error::Ended(self.ended.borrow().clone().unwrap_or(Ending::Disconnected))
    }

    /// Returns when the session is over.
    pub(crate) async fn until_ended(&self) -> Ending {
        let mut ended = self.ended.clone();
        let over = ended.wait_for(Option::is_some).await;
        over.ok().and_then(|ending| ending.clone()).unwrap_or(Ending::Disconnected)
    }

    /// Returns when the task of the session has closed its socket.
    pub(crate) async fn until_closed(&self) {
        self.commands.closed().await;
    }

    /// Runs something in a task that ends with the session, at most 5 s after it. A panic ends the session.
    pub(crate) fn spawn(shared: &Arc<Shared>, work: impl Future<Output = ()> + Send + 'static) {
        let shared = shared.clone();
        let span = shared.span.clone();
        let task = async move {
            let overtime = async {
                shared.until_ended().await;
                tokio::time::sleep(TASK_GRACE).await;
            };
            let work = AssertUnwindSafe(work).catch_unwind();
            let done = tokio::select! {
                done = work => done,
                () = overtime => return tracing::warn!("a task of the app went on after its session, and was dropped"),
            };
            if done.is_err() {
                tracing::error!("a task of the app panicked: its session ends");
                // The session may be over already.
                let _ = shared.tell(Input::Leave(Leave::Failed("a task panicked".to_owned()))).await;
            }
        };
        tokio::spawn(task.instrument(span));
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("package", &self.identity.package).finish_non_exhaustive()
    }
}
