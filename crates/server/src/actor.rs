//! One task owns one session: a bounded mailbox in, effects out. The session never waits for anybody.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bifocal_protocol::Message;
use bifocal_protocol::close::Close;
use bifocal_protocol::ids::UserId;
use bifocal_session::{
    Answer, Ask, AskId, Call, CallId, ConnId, Deadline, DisplayStats, Effect, Effects, EndReason, ErrorRow, FromPeers,
    Input, Lane, Millis, Note, Now, SessionState, Side, SpeechEvent, UserSession,
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
use crate::speech::Streams;

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
    streams: Streams,
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
        streams: Streams::default(),
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
            // What was to be done in the step that failed is not known any more; who must hear of the end, it may still know.
            self.effects = Effects::new();
            let end = AssertUnwindSafe(|| self.step(Input::End { reason: EndReason::Fatal }));
            if std::panic::catch_unwind(end).is_err() || self.ended.is_none() {
                self.ended = Some(EndReason::Fatal);
                self.shared.metrics.session_failed();
            }
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
                // The news of an engine may have come before the session could be told.
                let available = self.shared.recognizers.available();
                self.step(Input::SpeechEngines { available });
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
        match &input {
            Input::CallDone { call, .. } => drop(self.calls.remove(call)),
            Input::Speech { stream, event } if matches!(**event, SpeechEvent::Failed(_) | SpeechEvent::Closed) => {
                self.streams.ended(*stream);
            }
            _ => {}
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
        let mut answers: Vec<Input> = Vec::new();
        for effect in effects.drain() {
            match effect {
                Effect::Send { conn, lane, text } => self.push(conn, lane, Frame::Text(text)),
                Effect::SendBinary { conn, data } => self.push(conn, Lane::Audio, Frame::Binary(data)),
                Effect::Audio { stream, what } => {
                    if self.shared.audio_streams.sound(self.number, &stream, what) {
                        self.shared.metrics.refused("audio_stream_full");
                    }
                }
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
                    let from = |message| Input::FromPeers(Box::new(FromPeers { package, message }));
                    answers.extend(answer.map(from));
                }
                Effect::Speech { stream, command } => {
                    answers.extend(self.streams.command(stream, command, &self.shared, &self.mailbox));
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
            self.step(answer);
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
        self.shared.audio_streams.session_ended(self.number);
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

#[cfg(test)]
mod tests;
