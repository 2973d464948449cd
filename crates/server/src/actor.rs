//! One task owns one session: a bounded mailbox in, effects out. The session never waits for anybody.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bifocal_protocol::Message;
use bifocal_protocol::close::Close;
use bifocal_protocol::ids::UserId;
use bifocal_session::{
    Answer, Ask, AskId, Call, CallId, ConnId, Deadline, DisplayStats, Effect, Effects, EndReason, ErrorRow, FromPeers,
    Input, Lane, Millis, Note, Now, SessionState, Side, UserSession,
};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::{Instrument, error, info, info_span};

use crate::calls;
use crate::clock::wall;
use crate::log;
use crate::mailbox::{Mailbox, Mails, mailbox};
use crate::outbox::{Ending, Frame, Outbox};
use crate::peers::Asking;
use crate::shared::{Shared, user_tag};

/// How many mails are handled before effects of calls and timers get their turn again.
const BATCH: usize = 32;

/// How many effects the list keeps room for while nothing happens.
const SMALL: usize = 4;

/// What a session is sent.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A socket was accepted; its first input comes with it.
    Attach(Box<Attach>),
    /// A socket is gone.
    Detach {
        conn: ConnId,
        code: u16,
    },
    Input(Input),
    Ask {
        what: Box<Ask>,
        reply: oneshot::Sender<Answer>,
    },
}

#[derive(Debug)]
pub(crate) struct Attach {
    pub(crate) conn: ConnId,
    pub(crate) side: Side,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) hello: Input,
}

/// What a session task drives: the session, or in tests something that fails.
pub(crate) trait Core: Send + 'static {
    fn handle(&mut self, input: Input, now: Now, out: &mut Effects);
    fn next_deadline(&self) -> Option<(Millis, Deadline)>;
    fn on_deadline(&mut self, now: Now, out: &mut Effects);
    fn state(&self) -> SessionState;
    fn display_stats(&self) -> DisplayStats;
}

impl Core for UserSession {
    fn handle(&mut self, input: Input, now: Now, out: &mut Effects) {
        UserSession::handle(self, input, now, out);
    }

    fn next_deadline(&self) -> Option<(Millis, Deadline)> {
        UserSession::next_deadline(self)
    }

    fn on_deadline(&mut self, now: Now, out: &mut Effects) {
        UserSession::on_deadline(self, now, out);
    }

    fn state(&self) -> SessionState {
        UserSession::state(self)
    }

    fn display_stats(&self) -> DisplayStats {
        UserSession::display_stats(self)
    }
}

/// A session and what it needs to act.
struct Actor<C> {
    core: C,
    user: UserId,
    number: u64,
    shared: Arc<Shared>,
    mails: Mails,
    mailbox: Mailbox,
    /// The state that was last counted.
    state: Option<SessionState>,
    /// What the display had done when that was last counted.
    display: DisplayStats,
    sockets: Vec<(ConnId, Side, Arc<Outbox>)>,
    asks: HashMap<AskId, oneshot::Sender<Answer>>,
    next_ask: u32,
    calls: HashMap<CallId, AbortHandle>,
    effects: Effects,
    ended: Option<EndReason>,
}

/// Starts the task of a session.
pub(crate) fn spawn<C: Core>(core: C, user: UserId, number: u64, shared: &Arc<Shared>) -> Mailbox {
    let (mailbox, mails) = mailbox(shared.config.limits.mailbox);
    let span = info_span!("session", user = %user_tag(&user), number);
    // On the heap by itself: the task's own state stays small.
    let actor = Box::new(Actor {
        core,
        user,
        number,
        shared: shared.clone(),
        mails,
        mailbox: mailbox.clone(),
        state: None,
        display: DisplayStats::default(),
        sockets: Vec::new(),
        asks: HashMap::new(),
        next_ask: 0,
        calls: HashMap::new(),
        effects: Effects::new(),
        ended: None,
    });
    shared.metrics.sessions_started.increment(1);
    shared.session_tasks.spawn(actor.run().instrument(span));
    mailbox
}

impl<C: Core> Actor<C> {
    async fn run(mut self: Box<Self>) {
        info!("session begins");
        let outcome = AssertUnwindSafe(self.turns()).catch_unwind().await;
        if outcome.is_err() {
            // A bug of ours. This user's sockets are told, everybody else goes on.
            error!("session failed: a panic in its task");
            self.ended = Some(EndReason::Fatal);
            self.shared.metrics.session_failed();
            self.tell_failure();
        }
        self.finish();
    }

    async fn turns(&mut self) {
        // One timer for the whole life, set anew only when the next deadline is another one: arming it for every message
        // would cost more than the message.
        let alarm = tokio::time::sleep_until(Instant::now());
        tokio::pin!(alarm);
        while self.ended.is_none() {
            let next = self.core.next_deadline();
            let due = next.as_ref().map(|(at, _)| self.shared.clock.instant(*at));
            if let Some(due) = due.filter(|due| alarm.deadline() != *due) {
                alarm.as_mut().reset(due);
            }
            tokio::select! {
                biased;
                (sent, mail) = self.mails.next() => {
                    let begun = Instant::now();
                    self.shared.metrics.mailbox_wait.record(begun - sent);
                    self.handle(mail);
                    for _ in 1..BATCH {
                        let Some((_, mail)) = self.mails.try_next() else { break };
                        self.handle(mail);
                    }
                    self.shared.metrics.handle_time.record(begun.elapsed());
                }
                () = &mut alarm, if due.is_some() => {}
            }
            let late = due.and_then(|due| Instant::now().checked_duration_since(due));
            if let (Some(late), Some((_, deadline)), None) = (late, &next, &self.ended) {
                self.shared.metrics.deadline(deadline, late);
                self.core.on_deadline(self.shared.clock.now(), &mut self.effects);
                self.act();
            }
            self.count_state(Some(self.core.state()));
            self.count_display();
        }
    }

    /// Tells the metrics when the session is in another state.
    fn count_state(&mut self, state: Option<SessionState>) {
        if self.state != state {
            self.shared.metrics.session_state(self.state, state);
            self.state = state;
        }
    }

    /// Tells the metrics what the display has done.
    fn count_display(&mut self) {
        let display = self.core.display_stats();
        if self.display != display {
            self.shared.metrics.display(&self.display, &display);
            self.display = display;
        }
    }

    fn handle(&mut self, mail: Mail) {
        match mail {
            Mail::Input(input) => self.step(input),
            Mail::Attach(attach) => {
                self.shared.metrics.link(attach.side, 1.0);
                self.confirm_all();
                self.sockets.push((attach.conn, attach.side, attach.outbox));
                self.step(attach.hello);
            }
            Mail::Detach { conn, code } => {
                self.confirm_all();
                if let Some(at) = self.sockets.iter().position(|(other, ..)| *other == conn) {
                    let (_, side, _) = self.sockets.swap_remove(at);
                    self.shared.metrics.link(side, -1.0);
                }
                self.step(Input::Closed { conn, code });
            }
            Mail::Ask { what, reply } => {
                self.next_ask = self.next_ask.wrapping_add(1);
                let ask = AskId(self.next_ask);
                self.asks.insert(ask, reply);
                self.step(Input::Asked { ask, what });
            }
        }
    }

    fn step(&mut self, input: Input) {
        self.shared.metrics.input(&input);
        if let Input::CallDone { call, .. } = &input {
            self.calls.remove(call);
        }
        self.core.handle(input, self.shared.clock.now(), &mut self.effects);
        self.act();
    }

    /// A socket is gone, or is to take the place of another: what did not arrive will be sent again, and nothing else.
    fn confirm_all(&mut self) {
        for place in 0..self.sockets.len() {
            let (conn, _, outbox) = &self.sockets[place];
            if let Some(count) = outbox.untold() {
                self.step(Input::Confirmed { conn: *conn, count });
            }
        }
    }

    /// Does what the session wants, in order.
    fn act(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut answers = Vec::new();
        for effect in effects.drain() {
            match effect {
                Effect::Send { conn, lane, text } => self.push(conn, lane, Frame::Text(text)),
                Effect::SendBinary { conn, data } => self.push(conn, Lane::Audio, Frame::Binary(data)),
                Effect::Ping { conn } => {
                    if let Some(outbox) = self.outbox(conn) {
                        outbox.ping();
                    }
                }
                Effect::Close { conn, close } => self.end(conn, Ending::Close(close)),
                Effect::Abort { conn } => self.end(conn, Ending::Abort),
                Effect::Call { call, what } => self.call(call, what),
                Effect::Cancel { call } => {
                    if let Some(task) = self.calls.remove(&call) {
                        task.abort();
                    }
                }
                Effect::Peers { package, what } => {
                    let (user, number, mailbox) = (&self.user, self.number, &self.mailbox);
                    let asking = Asking { package: &package, user, number, mailbox, now: wall() };
                    let answer = self.shared.peers.ask(&asking, what);
                    answers.extend(answer.map(|message| FromPeers { package, message }));
                }
                Effect::Answer { ask, answer } => {
                    if let Some(reply) = self.asks.remove(&ask) {
                        // Whoever asked may have left.
                        let _ = reply.send(answer);
                    }
                }
                Effect::Note(note) => {
                    self.shared.metrics.note(&note);
                    self.shared.events.note(&self.user, &note);
                    log::note(&note);
                    if let Note::AppLost { package, .. } = &note {
                        self.shared.closures.happened(package, &self.user);
                    }
                }
                Effect::Ended { reason, summary } => {
                    self.shared.metrics.session_ended(reason.name(), &summary);
                    self.shared.events.ended(&self.user, reason, &summary);
                    self.ended = Some(reason);
                }
            }
        }
        // The list keeps some memory for the next step.
        effects.shrink_to(SMALL);
        self.effects = effects;
        for answer in answers {
            self.step(Input::FromPeers(Box::new(answer)));
        }
    }

    fn outbox(&self, conn: ConnId) -> Option<&Arc<Outbox>> {
        self.sockets.iter().find(|(other, ..)| *other == conn).map(|(.., outbox)| outbox)
    }

    fn push(&self, conn: ConnId, lane: Lane, frame: Frame) {
        if let Some(outbox) = self.outbox(conn) {
            outbox.push(lane, frame);
        }
    }

    fn end(&self, conn: ConnId, ending: Ending) {
        if let Some(outbox) = self.outbox(conn) {
            outbox.end(ending);
        }
    }

    fn call(&mut self, call: CallId, what: Call) {
        let mailbox = self.mailbox.clone();
        let task = calls::spawn(&self.shared, &self.user, what, move |outcome| async move {
            let input = Input::CallDone { call, outcome: Box::new(outcome) };
            // The session may have ended meanwhile.
            let _ = mailbox.send(Mail::Input(input)).await;
        });
        if let Some(task) = task {
            self.calls.insert(call, task);
        }
    }

    fn tell_failure(&self) {
        for (_, side, outbox) in &self.sockets {
            if *side == Side::Glasses {
                let message = ErrorRow::INTERNAL.message(wall());
                outbox.push(Lane::Control, Frame::Text(message.encode()));
            }
            outbox.end(Ending::Close(Close::Internal));
        }
    }

    /// The session is over: it is forgotten, and what still waits in the mailbox is sent away.
    fn finish(mut self) {
        self.count_state(None);
        for (_, side, _) in &self.sockets {
            self.shared.metrics.link(*side, -1.0);
        }
        self.shared.sessions.remove(&self.user, self.number);
        self.shared.sessions.forget_uuids_of(&self.user);
        self.shared.peers.session_ended(&self.user, self.number, &self.mailbox, wall());
        for (_, mail) in self.mails.close() {
            match mail {
                Mail::Attach(attach) => attach.outbox.end(Ending::Abort),
                Mail::Ask { reply, .. } => {
                    let _ = reply.send(Answer::SessionEnded);
                }
                Mail::Detach { .. } | Mail::Input(_) => {}
            }
        }
        for (_, reply) in self.asks.drain() {
            let _ = reply.send(Answer::SessionEnded);
        }
        info!(reason = self.ended.map_or("unknown", EndReason::name), "session ended");
    }
}

/// A session that fails, behind real sockets.
#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};
    use std::time::Duration;

    use bifocal_session::Timings;
    use bifocal_store::Store;
    use futures_util::{SinkExt, StreamExt};
    use serde_json::{Value, json};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;
    use tokio_tungstenite::tungstenite::Message as Frame;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::auth::token::Tokens;
    use crate::calls::guard::NetworkPolicy;
    use crate::calls::webhook::WebhookClient;
    use crate::clock::Clock;
    use crate::config::{Limits, ServerConfig};
    use crate::events::{EventSink, Events};
    use crate::metrics::Metrics;
    use crate::registry::SessionStorage;
    use crate::{http, service};

    type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

    /// Takes everything, and fails at the first text of its phone.
    struct Fails {
        app_came: Option<oneshot::Sender<()>>,
    }

    impl Core for Fails {
        fn handle(&mut self, input: Input, _: Now, _: &mut Effects) {
            match input {
                Input::AppConnected { .. } => drop(self.app_came.take().map(|came| came.send(()))),
                Input::GlassesText { .. } => panic!("as the test wants"),
                _ => {}
            }
        }

        fn next_deadline(&self) -> Option<(Millis, Deadline)> {
            None
        }

        fn on_deadline(&mut self, _: Now, _: &mut Effects) {}

        fn state(&self) -> SessionState {
            SessionState::Active
        }

        fn display_stats(&self) -> DisplayStats {
            DisplayStats::default()
        }
    }

    async fn shared(folder: &std::path::Path, address: std::net::SocketAddr) -> Arc<Shared> {
        let metrics = Arc::new(Metrics::new());
        let networks = NetworkPolicy::loopback();
        Arc::new(Shared {
            public_url: format!("http://{address}"),
            app_socket_url: format!("ws://{address}/app-ws"),
            clock: Clock::start(),
            store: Store::open(folder).await.expect("a new store"),
            tokens: Tokens::new(b"secret"),
            sessions: SessionStorage::default(),
            events: Events::begin(&EventSink::Off, metrics.clone()).0,
            metrics,
            webhooks: WebhookClient::new(networks.clone()).expect("a client"),
            closures: crate::calls::closures::Closures::default(),
            weather: None,
            peers: crate::peers::Peers::default(),
            early: crate::early::EarlyReports::default(),
            writes: crate::http::Writes::begin(),
            udp: None,
            streams: crate::streams::Streams::default(),
            session_tasks: TaskTracker::new(),
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            shutdown: CancellationToken::new(),
            next_conn: AtomicU64::new(0),
            config: ServerConfig {
                listen: address,
                public_url: None,
                udp_listen: None,
                udp_address: None,
                data: folder.to_path_buf(),
                jwt_secret: b"secret".to_vec(),
                admin_key: "key".to_owned(),
                timezone: "UTC".to_owned(),
                weather_url: None,
                timings: Timings::DEFAULT,
                networks,
                limits: Limits::default(),
                events: EventSink::Off,
                streams: crate::streams::StreamsConfig::Off,
            },
        })
    }

    async fn phone(shared: &Shared, user: &UserId) -> Socket {
        let url = format!("{}/glasses-ws", shared.public_url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a URL");
        let token = shared.tokens.mint(user, 0).expect("a token");
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().expect("a header"));
        connect_async(request).await.expect("an upgrade").0
    }

    async fn send(socket: &mut Socket, message: Value) {
        socket.send(Frame::text(message.to_string())).await.expect("an open socket");
    }

    /// The next frame: a message, or the close code.
    async fn next(socket: &mut Socket) -> Result<Value, u16> {
        match timeout(Duration::from_secs(10), socket.next()).await.expect("something comes") {
            Some(Ok(Frame::Text(text))) => Ok(serde_json::from_str(&text).expect("JSON")),
            Some(Ok(Frame::Close(Some(frame)))) => Err(frame.code.into()),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_session_that_fails_tells_its_own_sockets_and_leaves_the_others_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shared = shared(folder.path(), listener.local_addr().expect("bound")).await;
        tokio::spawn(axum::serve(listener, http::router(shared.clone())).into_future());
        let user = |name: &str| UserId::new(&format!("{name}@example.org")).expect("an address");
        let (ann, ben) = (user("ann"), user("ben"));
        let (came, app_came) = oneshot::channel();
        let create = |number| spawn(Fails { app_came: Some(came) }, ann.clone(), number, &shared);
        shared.sessions.get_or_create(&ann, 2, create).expect("there is room");

        let mut of_ann = phone(&shared, &ann).await;
        let mut of_ben = phone(&shared, &ben).await;
        assert_eq!(next(&mut of_ben).await.expect("an ack")["type"], "connection_ack");
        let (mut app, _) = connect_async(&shared.app_socket_url).await.expect("an upgrade");
        let id = "ann@example.org-org.example.demo";
        let package = "org.example.demo";
        let init = json!({ "type": "tpa_connection_init", "sessionId": id, "packageName": package, "apiKey": "key" });
        send(&mut app, init).await;
        app_came.await.expect("the session hears of the app");
        let asked = tokio::spawn({
            let (shared, ann) = (shared.clone(), ann.clone());
            async move { service::ask(&shared, &ann, Ask::View).await }
        });

        send(&mut of_ann, json!({ "type": "ping" })).await;
        let error = next(&mut of_ann).await.expect("an error");
        let row = ErrorRow::INTERNAL;
        let time = &error["timestamp"];
        let code = "INTERNAL_ERROR";
        let expected = json!({ "type": "connection_error", "code": code, "message": row.message, "timestamp": time });
        assert_eq!(error, expected);
        assert_eq!(next(&mut of_ann).await.err(), row.close.map(Close::code));
        assert_eq!(next(&mut app).await, Err(1011));
        // Asked before it failed or after: there is an answer, or nobody to ask.
        assert!(matches!(asked.await, Ok(Some(Answer::SessionEnded) | None)));

        send(&mut of_ben, json!({ "type": "ping" })).await;
        while next(&mut of_ben).await.expect("an open socket")["type"] != "pong" {}
        let mut again = phone(&shared, &ann).await;
        assert_eq!(next(&mut again).await.expect("a new session")["type"], "connection_ack");
        assert_eq!(shared.sessions.len(), 2);
    }
}
