//! The task of a session: it owns the connection and the socket, does what the outputs say, and hands events to the streams.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::apps::{PermissionDetail, ToApp};
use bifocal_protocol::events::GlassesConnectionState;
use bifocal_protocol::json;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::io::{Dial, Socket};
use crate::core::{Connection, Event, Input, Output, Reply, Ticket};
use crate::error::{Ending, Error};
use crate::hub::Parcel;
use crate::session::Link;
use crate::shared::{Command, Shared};
use crate::state::Changed;

/// A cloud that takes nothing for so long is as good as gone.
const WRITE: Duration = Duration::from_secs(10);
/// The answer to a close frame.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything the task owns.
pub(crate) struct Task {
    pub(crate) shared: Arc<Shared>,
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) ended: watch::Sender<Option<Ending>>,
    /// Told when the cloud has taken us in for the first time.
    pub(crate) first: Option<oneshot::Sender<()>>,
    /// For the pauses between attempts.
    pub(crate) seed: u64,
}

struct Running {
    task: Task,
    connection: Connection,
    started: Instant,
    socket: Option<Socket>,
    dialing: Option<BoxFuture<'static, Result<Socket, String>>>,
    calls: HashMap<Ticket, oneshot::Sender<Result<Reply, Error>>>,
    out: Vec<Output>,
}

/// What woke the task.
enum Woken {
    Command(Command),
    Wanted,
    Frame(Option<Result<Message, String>>),
    Dialed(Box<Result<Socket, String>>),
    Deadline,
}

impl Task {
    /// Runs until the session is over and its socket closed.
    pub(crate) async fn run(self) {
        let mut out = Vec::new();
        let connection = Connection::new(self.shared.identity.clone(), self.seed, &mut out);
        let started = Instant::now();
        let running =
            Running { task: self, connection, started, socket: None, dialing: None, calls: HashMap::new(), out };
        running.run().await;
    }
}

impl Running {
    async fn run(mut self) {
        loop {
            self.perform().await;
            if self.connection.is_over() {
                break;
            }
            match self.wait().await {
                Woken::Command(command) => self.command(command).await,
                Woken::Wanted => self.handle(Input::Wanted(self.task.shared.hub.wanted())),
                Woken::Frame(frame) => self.frame(frame).await,
                Woken::Dialed(dialed) => {
                    self.dialing = None;
                    match *dialed {
                        Ok(socket) => {
                            self.socket = Some(socket);
                            self.handle(Input::Dialed);
                        }
                        Err(why) => self.handle(Input::DialFailed(why)),
                    }
                }
                Woken::Deadline => self.handle(Input::Tick),
            }
        }
        // Calls that are on their way find a closed mailbox, or their answer dropped: both mean that the session is over.
        self.task.commands.close();
    }

    async fn wait(&mut self) -> Woken {
        let deadline = self.connection.next_deadline().map(|at| self.started + at);
        let Running { task, socket, dialing, .. } = self;
        tokio::select! {
            Some(command) = task.commands.recv() => Woken::Command(command),
            () = task.shared.hub.changed.notified() => Woken::Wanted,
            frame = next_frame(socket) => Woken::Frame(frame),
            dialed = async { match dialing { Some(dialing) => dialing.await, None => std::future::pending().await } } => {
                Woken::Dialed(Box::new(dialed))
            }
            () = async { match deadline { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => {
                Woken::Deadline
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.connection.handle(input, self.started.elapsed(), &mut self.out);
    }

    async fn command(&mut self, command: Command) {
        if let Some((ticket, done)) = command.done {
            self.calls.retain(|_, done| !done.is_closed());
            self.calls.insert(ticket, done);
        }
        match command.declared {
            None => self.handle(*command.input),
            Some(declared) => {
                self.handle(Input::Wanted(self.task.shared.hub.wanted()));
                self.perform().await;
                // Whoever asked may have stopped waiting.
                let _ = declared.send(());
            }
        }
    }

    async fn frame(&mut self, frame: Option<Result<Message, String>>) {
        let input = match frame {
            Some(Ok(Message::Text(text))) => match Text::try_from(bytes::Bytes::from(text)) {
                Ok(text) => Input::Text(text),
                Err(_) => Input::Heard,
            },
            Some(Ok(Message::Binary(data))) if data.first() == Some(&b'{') => match Text::try_from(data.clone()) {
                // Some clouds send text as binary.
                Ok(text) if json::peek_type(&text).is_ok() => Input::Text(text),
                _ => Input::Binary(data),
            },
            Some(Ok(Message::Binary(data))) => Input::Binary(data),
            Some(Ok(Message::Pong(number))) => {
                let number = number.as_ref().try_into().map(u64::from_be_bytes);
                number.map_or(Input::Heard, Input::Pong)
            }
            Some(Ok(Message::Close(frame))) => {
                if let Some(socket) = &mut self.socket {
                    // The library has prepared the answer; it only has to be sent.
                    let _ = timeout(FAREWELL, socket.flush()).await;
                }
                let (code, reason) =
                    frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                self.socket = None;
                Input::Closed { code, reason }
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => Input::Heard,
            Some(Err(reason)) => {
                self.socket = None;
                Input::Closed { code: 1006, reason }
            }
            None => {
                self.socket = None;
                Input::Closed { code: 1006, reason: String::new() }
            }
        };
        self.handle(input);
    }

    /// Does what the connection wants, until it wants nothing more.
    async fn perform(&mut self) {
        while !self.out.is_empty() {
            for output in std::mem::take(&mut self.out) {
                self.act(output).await;
            }
        }
    }

    async fn act(&mut self, output: Output) {
        match output {
            Output::Dial => {
                self.socket = None;
                self.dialing = Some(self.task.dial.dial(&self.task.shared.url));
            }
            Output::Send(text) => match text.into_bytes().try_into() {
                Ok(text) => self.write(Message::Text(text)).await,
                Err(_) => tracing::error!("a message that is no text was not sent"),
            },
            Output::SendBinary(data) => self.write(Message::Binary(data)).await,
            Output::Ping(number) => self.write(Message::Ping(number.to_be_bytes().to_vec().into())).await,
            Output::Close { code, reason } => {
                let frame = CloseFrame { code: code.into(), reason: reason.into() };
                self.write(Message::Close(Some(frame))).await;
            }
            Output::HangUp => {
                self.socket = None;
                self.dialing = None;
            }
            Output::Settled { ticket, outcome } => {
                if let Some(done) = self.calls.remove(&ticket) {
                    // Whoever called may have stopped waiting.
                    let _ = done.send(outcome);
                }
            }
            Output::Event(event) => self.tell(event),
            Output::Ended(ending) => {
                tracing::info!(reason = kind_of(&ending), "the session is over");
                self.task.ended.send_replace(Some(ending));
                self.task.shared.hub.close();
            }
        }
    }

    async fn write(&mut self, message: Message) {
        let Some(socket) = &mut self.socket else { return };
        let reason = match timeout(WRITE, socket.send(message)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the cloud takes nothing".to_owned(),
        };
        self.socket = None;
        self.handle(Input::Closed { code: 1006, reason });
    }

    /// Hands an event to the state and to the streams.
    fn tell(&mut self, event: Event) {
        let shared = &self.task.shared;
        match event {
            Event::Connected { welcome, again } => {
                tracing::info!(again, "connected to the cloud");
                let changed = shared.state().welcome(*welcome);
                if again {
                    changed.iter().for_each(|changed| shared.hub.deliver(&parcel(changed)));
                }
                shared.hub.deliver(&Parcel::Link(&Link::Connected { again }));
                if let Some(first) = self.task.first.take() {
                    // The server may have stopped meanwhile.
                    let _ = first.send(());
                }
            }
            Event::Lost { why, retry_in } => {
                tracing::warn!(why, ?retry_in, "the connection to the cloud is gone");
                shared.hub.deliver(&Parcel::Link(&Link::Lost { why, retry_in }));
            }
            Event::Data { stream, data } => {
                if stream == "glasses_connection_state"
                    && let Ok(state) = json::decode::<GlassesConnectionState>(&data)
                {
                    shared.state().connection(state);
                }
                shared.hub.deliver(&Parcel::Data { stream: &stream, data: &data });
            }
            Event::Audio(sound) => shared.hub.deliver(&Parcel::Sound(&sound)),
            Event::Message(message) => {
                let changed = shared.state().hear(&message);
                if let Some(changed) = &changed {
                    shared.hub.deliver(&parcel(changed));
                }
                for detail in denied(&message) {
                    shared.hub.deliver(&Parcel::Denied(&detail));
                }
                shared.hub.deliver(&Parcel::Message(&message));
            }
            Event::Odd { why } => {
                tracing::debug!("a message of the cloud that this SDK cannot use");
                shared.hub.deliver(&Parcel::Odd(&why));
            }
        }
    }
}

async fn next_frame(socket: &mut Option<Socket>) -> Option<Result<Message, String>> {
    match socket {
        Some(socket) => Some(socket.next().await?.map_err(|error| error.to_string())),
        None => std::future::pending().await,
    }
}

/// The streams that a message says are refused.
fn denied(message: &ToApp) -> Vec<PermissionDetail> {
    match message {
        ToApp::PermissionError(error) => error.details.clone(),
        ToApp::PermissionDenied(denied) => vec![PermissionDetail {
            stream: denied.stream_type.clone(),
            required_permission: denied.permission.clone(),
            message: denied.message.clone(),
        }],
        _ => Vec::new(),
    }
}

fn parcel(changed: &Changed) -> Parcel<'_> {
    match changed {
        Changed::Settings(change) => Parcel::Settings(change),
        Changed::System(change) => Parcel::System(change),
    }
}

/// The kind of an ending: its text may be somebody else's.
fn kind_of(ending: &Ending) -> &'static str {
    match ending {
        Ending::Stopped(_) => "stopped",
        Ending::UserSessionEnded => "user session ended",
        Ending::Disconnected => "disconnected",
        Ending::Shutdown => "shutdown",
        Ending::Replaced => "replaced",
        Ending::Refused(_) => "refused",
        Ending::Lost(_) => "lost",
        Ending::Failed(_) => "failed",
    }
}
