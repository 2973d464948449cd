//! The machine of a connection.
//!
//! | phase | event | next | what happens |
//! |---|---|---|---|
//! | Dialing | socket open | Greeting | `tpa_connection_init` |
//! | Dialing | no socket, or 10 s | Waiting | |
//! | Greeting | `tpa_connection_ack` | Live | the list of streams, then what waited |
//! | Greeting | `tpa_connection_error` and close 1008 | Ended | refused; but `SESSION_NOT_FOUND` on a return is tried again: the wearer's phone may be late |
//! | Greeting | any other close, or 10 s | Waiting | |
//! | Live | messages | Live | events, answers |
//! | Live | `app_stopped` | Leaving | the session is over; the cloud closes |
//! | Live | close 1000, 1001 | Ended | `User session ended`, or stopped |
//! | Live | close 1008 | Waiting | the reference cloud hangs up on a request that it refuses; that request fails with the reason |
//! | Live | any other close; 40 s of silence | Waiting | requests that may be asked again will be |
//! | Waiting | pause over | Dialing | 0.2, 1, 2, 4, 8, 8 … s, up to a quarter more; stable for 10 s starts over |
//! | Waiting, Dialing, Greeting | 60 s since the loss | Ended | lost |
//! | any | leave: replaced, shutdown | Leaving | `ownership_release`, 100 ms later the close |
//! | any | leave: other | Leaving | close 1000 |
//! | Leaving | closed, or 1 s | Ended | |
//!
//! The first connection of a session has no 60 s: a cloud gives up a start after 5 to 15 s, so we do after 15.
//! While there is no connection messages wait, of pictures only the newest; requests run against their own deadlines.

use std::time::Duration;

use bifocal_protocol::apps::{AppError, AppErrorCode, FromApp, Init, OwnershipRelease, ToApp};
use bifocal_protocol::json;
use bifocal_protocol::streams::SubscriptionEntry;
use bifocal_protocol::{Message, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::backoff::Backoff;
use super::outgoing::Outgoing;
use super::replay::Replay;
use super::requests::Requests;
use super::welcome::Welcome;
use super::wire::{Event, Input, Lane, Leave, Moment, Output, Reply, Ticket};
use crate::error::{Ending, Error};
use crate::message::outgoing;

const DIAL: Duration = Duration::from_secs(10);
const ACK: Duration = Duration::from_secs(10);
const FIRST_CONNECTION: Duration = Duration::from_secs(15);
const RETURN: Duration = Duration::from_secs(60);
const STABLE: Duration = Duration::from_secs(10);
const PING_AFTER: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(40);
const RELEASE_PAUSE: Duration = Duration::from_millis(100);
const CLOSING: Duration = Duration::from_secs(1);

/// Who we are. The key is in no debug output.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) session_id: String,
    pub(crate) package: String,
    pub(crate) api_key: String,
    /// Send `{"type":"ping"}` beside ping frames.
    pub(crate) json_ping: bool,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("package", &self.package).finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Phase {
    Dialing { until: Moment },
    Greeting { until: Moment },
    Live { since: Moment },
    Waiting { until: Moment },
    Leaving { step: Step, until: Moment },
    Ended,
}

/// What comes at the end of a phase of leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Close,
    HangUp,
}

/// One session's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    identity: Identity,
    phase: Phase,
    /// When we give up; none while live.
    give_up: Option<Moment>,
    was_live: bool,
    /// Why the session is over for the app.
    ending: Option<Ending>,
    /// When something was heard last on this socket, and when we sent a ping after that.
    heard: Moment,
    pinged: Moment,
    wanted: Vec<SubscriptionEntry>,
    /// The list that this connection was sent.
    told: Option<Vec<SubscriptionEntry>>,
    requests: Requests,
    outgoing: Outgoing,
    replay: Replay,
    backoff: Backoff,
    /// The last message, if it was an error: what a close 1008 right behind it is about.
    last_error: Option<AppError>,
}

impl Connection {
    /// A connection that begins by dialing. `seed` is for the pauses.
    pub(crate) fn new(identity: Identity, seed: u64, out: &mut Vec<Output>) -> Self {
        out.push(Output::Dial);
        Self {
            identity,
            phase: Phase::Dialing { until: DIAL },
            give_up: Some(FIRST_CONNECTION),
            was_live: false,
            ending: None,
            heard: Moment::ZERO,
            pinged: Moment::ZERO,
            wanted: Vec::new(),
            told: None,
            requests: Requests::default(),
            outgoing: Outgoing::default(),
            replay: Replay::default(),
            backoff: Backoff::new(seed),
            last_error: None,
        }
    }

    /// Whether nothing more will come of it.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// When it wants a tick.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        let phase = match self.phase {
            Phase::Dialing { until } | Phase::Greeting { until } | Phase::Waiting { until } => Some(until),
            Phase::Leaving { until, .. } => Some(until),
            Phase::Live { .. } => Some((self.heard.max(self.pinged) + PING_AFTER).min(self.heard + SILENCE)),
            Phase::Ended => None,
        };
        let give_up = self.give_up.filter(|_| !matches!(self.phase, Phase::Ended | Phase::Leaving { .. }));
        [phase, give_up, self.requests.next_deadline()].into_iter().flatten().min()
    }

    /// Takes what has happened.
    pub(crate) fn handle(&mut self, input: Input, now: Moment, out: &mut Vec<Output>) {
        match input {
            Input::Dialed => self.dialed(now, out),
            Input::DialFailed(why) if matches!(self.phase, Phase::Dialing { .. }) => self.lost(why, now, out),
            Input::DialFailed(_) => {}
            Input::Text(text) => self.text(text, now, out),
            Input::Binary(sound) => {
                self.heard = now;
                if self.is_live() {
                    out.push(Output::Event(Event::Audio(sound)));
                }
            }
            Input::Pong(number) => {
                self.heard = now;
                if let Some(number) = self.outgoing.pong(number) {
                    out.push(Output::Ping(number));
                }
            }
            Input::Heard => self.heard = now,
            Input::Closed { code, reason } => self.closed(code, &reason, now, out),
            Input::Wanted(list) => {
                self.wanted = list;
                if self.is_live() {
                    self.tell_wanted(false, out);
                }
            }
            Input::Send { ticket, lane, text } => self.send(ticket, lane, text, out),
            Input::SendBinary { ticket, data } => {
                let outcome = match self.is_live() {
                    true => Ok(Reply::Accepted),
                    false => Err(Error::Timeout { asked: "sound", after: Duration::ZERO, sent: false }),
                };
                if outcome.is_ok() {
                    out.push(Output::SendBinary(data));
                }
                out.push(Output::Settled { ticket, outcome: self.unless_ended(outcome) });
            }
            Input::Request { ticket, awaited, text, within } => {
                let sent = self.is_live();
                let added = match &self.ending {
                    Some(ending) => Err(Error::Ended(ending.clone())),
                    None => self.requests.add(ticket, awaited, text.clone(), now, within, sent),
                };
                match added {
                    Ok(()) if sent => out.push(Output::Send(text)),
                    Ok(()) => {}
                    Err(error) => out.push(Output::Settled { ticket, outcome: Err(error) }),
                }
            }
            Input::Uploaded(upload) => {
                let settled = self.requests.uploaded(upload);
                settle(settled, out);
            }
            Input::Leave(leave) => self.leave(leave, now, out),
            Input::Tick => self.tick(now, out),
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live { .. })
    }

    fn dialed(&mut self, now: Moment, out: &mut Vec<Output>) {
        let Phase::Dialing { .. } = self.phase else {
            // An attempt that we have given up.
            out.push(Output::HangUp);
            return;
        };
        let init = FromApp::Init(Init {
            session_id: Some(self.identity.session_id.clone()),
            package_name: self.identity.package.clone(),
            api_key: self.identity.api_key.clone(),
            sdk_version: None,
        });
        out.push(Output::Send(outgoing(&init, &self.identity.package, &self.identity.session_id)));
        self.phase = Phase::Greeting { until: now + ACK };
        self.heard = now;
        self.pinged = now;
    }

    fn text(&mut self, text: Text, now: Moment, out: &mut Vec<Output>) {
        self.heard = now;
        if !matches!(self.phase, Phase::Greeting { .. } | Phase::Live { .. }) {
            return;
        }
        let error = self.last_error.take();
        let kind = match json::peek_type(&text) {
            Ok(kind) => kind.into_owned(),
            Err(why) => return out.push(Output::Event(Event::Odd { why: why.to_string() })),
        };
        match kind.as_str() {
            "tpa_connection_ack" | "reconnect_ack" => return self.taken_in(&text, now, out),
            "ping" => return out.push(Output::Send(Text::from_static(r#"{"type":"pong"}"#))),
            "pong" => return,
            "data_stream" => {
                if self.is_live() {
                    self.data(&text, out);
                }
                return;
            }
            _ => {}
        }
        let message = match ToApp::decode_as(&kind, &text) {
            Some(Ok(message)) => message,
            Some(Err(why)) => return out.push(Output::Event(Event::Odd { why: why.to_string() })),
            None => {
                let why = format!("a message of an unknown type, {} bytes", text.byte_len());
                return out.push(Output::Event(Event::Odd { why }));
            }
        };
        match &message {
            ToApp::Error(failure) | ToApp::ConnectionError(failure) => {
                // While greeting the first one counts.
                self.last_error = if self.is_live() { Some(failure.clone()) } else { error.or(Some(failure.clone())) };
            }
            ToApp::Stopped(stopped) if self.is_live() => {
                let reason = stopped.reason.clone().unwrap_or_else(|| "App stopped".to_owned());
                self.end(Ending::Stopped(reason), out);
                self.phase = Phase::Leaving { step: Step::Close, until: now + CLOSING };
                return;
            }
            _ => {}
        }
        if !self.is_live() {
            return;
        }
        if is_event(&message) && self.replay.is_repetition(&text) {
            return;
        }
        let settled = self.requests.answered(&message);
        settle(settled, out);
        out.push(Output::Event(Event::Message(Box::new(message))));
    }

    fn taken_in(&mut self, text: &Text, now: Moment, out: &mut Vec<Output>) {
        let Phase::Greeting { .. } = self.phase else { return };
        let Some(welcome) = Welcome::read(text) else {
            return out.push(Output::Event(Event::Odd { why: "an ack that cannot be read".to_owned() }));
        };
        let again = self.was_live;
        self.was_live = true;
        self.give_up = None;
        self.phase = Phase::Live { since: now };
        self.pinged = now;
        self.told = None;
        self.replay.returned();
        out.push(Output::Event(Event::Connected { welcome: Box::new(welcome), again }));
        self.tell_wanted(again, out);
        let waiting: Vec<_> = self.outgoing.take().collect();
        for (lane, text) in waiting {
            self.write(lane, text, out);
        }
        out.extend(self.requests.take_unsent().into_iter().map(Output::Send));
    }

    /// Sends the list of streams if the cloud has another one. A new app without streams says nothing; one that came back always
    /// does, because the cloud may wait for it with what was missed.
    fn tell_wanted(&mut self, always: bool, out: &mut Vec<Output>) {
        let known = self.told.as_deref().unwrap_or_default();
        if always || known != self.wanted {
            let update = bifocal_protocol::apps::SubscriptionUpdate { subscriptions: self.wanted.clone() };
            let update = FromApp::SubscriptionUpdate(update);
            out.push(Output::Send(outgoing(&update, &self.identity.package, &self.identity.session_id)));
            self.told = Some(self.wanted.clone());
        }
    }

    fn data(&mut self, text: &Text, out: &mut Vec<Output>) {
        if self.replay.is_repetition(text) {
            return;
        }
        let (stream, data) = match envelope(text) {
            Ok(parts) => parts,
            Err(why) => return out.push(Output::Event(Event::Odd { why: format!("`data_stream` message: {why}") })),
        };
        if self.requests.want_place() && matches!(stream.as_str(), "location_update" | "location_stream") {
            let place = json::decode(&data).ok().and_then(|place| self.requests.place(place));
            settle(place, out);
        }
        out.push(Output::Event(Event::Data { stream, data }));
    }

    fn send(&mut self, ticket: Ticket, lane: Lane, text: Text, out: &mut Vec<Output>) {
        let outcome = if let Some(ending) = &self.ending {
            Err(Error::Ended(ending.clone()))
        } else if self.is_live() {
            self.write(lane, text, out);
            Ok(Reply::Accepted)
        } else {
            self.outgoing.wait(lane, text).map(|()| Reply::Accepted).map_err(|what| Error::Full { what })
        };
        out.push(Output::Settled { ticket, outcome });
    }

    fn write(&mut self, lane: Lane, text: Text, out: &mut Vec<Output>) {
        let ping = self.outgoing.sent(lane, &text);
        out.push(Output::Send(text));
        out.extend(ping.map(Output::Ping));
    }

    fn closed(&mut self, code: u16, reason: &str, now: Moment, out: &mut Vec<Output>) {
        let error = self.last_error.take();
        match self.phase {
            Phase::Leaving { .. } => self.over_and_out(out),
            Phase::Greeting { .. } if code == 1008 => {
                let late_phone =
                    self.was_live && error.as_ref().is_some_and(|e| e.code == AppErrorCode::SessionNotFound);
                let why = error.map_or_else(|| printable(reason), |error| printable(&error.message));
                match late_phone {
                    true => self.lost(why, now, out),
                    false => {
                        self.end(Ending::Refused(why), out);
                        self.over_and_out(out);
                    }
                }
            }
            Phase::Live { .. } if matches!(code, 1000 | 1001) => {
                let ending = match reason.contains("User session ended") {
                    true => Ending::UserSessionEnded,
                    false => Ending::Stopped(printable(reason)),
                };
                self.end(ending, out);
                self.over_and_out(out);
            }
            Phase::Live { .. } => {
                if code == 1008 {
                    let settled = error.and_then(|error| self.requests.hung_up_upon(&error));
                    settle(settled, out);
                }
                self.lost(format!("closed with {code} {}", printable(reason)), now, out);
            }
            Phase::Greeting { .. } => self.lost(format!("closed with {code} {}", printable(reason)), now, out),
            Phase::Dialing { .. } | Phase::Waiting { .. } | Phase::Ended => {}
        }
    }

    /// The connection is gone and shall come back.
    fn lost(&mut self, why: String, now: Moment, out: &mut Vec<Output>) {
        if let Phase::Live { since } = self.phase {
            self.give_up = Some(now + RETURN);
            if now - since >= STABLE {
                self.backoff.reset();
            }
        }
        let retry_in = self.backoff.next();
        self.phase = Phase::Waiting { until: now + retry_in };
        out.push(Output::HangUp);
        out.push(Output::Event(Event::Lost { why, retry_in }));
    }

    fn leave(&mut self, leave: Leave, now: Moment, out: &mut Vec<Output>) {
        if self.ending.is_some() {
            return;
        }
        let was_live = self.is_live();
        let (ending, release) = match leave {
            Leave::Disconnect => (Ending::Disconnected, None),
            Leave::Stopped(reason) => (Ending::Stopped(printable(&reason)), None),
            Leave::Failed(why) => (Ending::Failed(why), None),
            Leave::Shutdown => (Ending::Shutdown, Some("clean_shutdown")),
            Leave::Replaced => (Ending::Replaced, Some("switching_clouds")),
        };
        self.end(ending, out);
        if !was_live {
            out.push(Output::HangUp);
            return self.over_and_out(out);
        }
        if let Some(reason) = release {
            let release = FromApp::OwnershipRelease(OwnershipRelease { reason: Some(reason.to_owned()) });
            out.push(Output::Send(outgoing(&release, &self.identity.package, &self.identity.session_id)));
            self.phase = Phase::Leaving { step: Step::Close, until: now + RELEASE_PAUSE };
        } else {
            self.close(now, out);
        }
    }

    fn close(&mut self, now: Moment, out: &mut Vec<Output>) {
        out.push(Output::Close { code: 1000, reason: "Client disconnect" });
        self.phase = Phase::Leaving { step: Step::HangUp, until: now + CLOSING };
    }

    fn tick(&mut self, now: Moment, out: &mut Vec<Output>) {
        for settled in self.requests.late(now) {
            settle(Some(settled), out);
        }
        if self.give_up.is_some_and(|until| until <= now) && self.ending.is_none() {
            let why = if self.was_live { "it did not come back" } else { "it did not come about" };
            self.end(Ending::Lost(why.to_owned()), out);
            out.push(Output::HangUp);
            return self.over_and_out(out);
        }
        match self.phase {
            Phase::Dialing { until } if until <= now => self.lost("the socket did not open".to_owned(), now, out),
            Phase::Greeting { until } if until <= now => self.lost("no answer to the greeting".to_owned(), now, out),
            Phase::Waiting { until } if until <= now => {
                self.phase = Phase::Dialing { until: now + DIAL };
                out.push(Output::Dial);
            }
            Phase::Leaving { step: Step::Close, until } if until <= now => self.close(now, out),
            Phase::Leaving { step: Step::HangUp, until } if until <= now => {
                out.push(Output::HangUp);
                self.over_and_out(out);
            }
            Phase::Live { .. } if self.heard + SILENCE <= now => self.lost("silence".to_owned(), now, out),
            Phase::Live { .. } if self.heard.max(self.pinged) + PING_AFTER <= now => {
                self.pinged = now;
                out.push(Output::Ping(self.outgoing.ping()));
                if self.identity.json_ping {
                    out.push(Output::Send(Text::from_static(r#"{"type":"ping"}"#)));
                }
            }
            _ => {}
        }
    }

    /// The session is over for the app, once.
    fn end(&mut self, ending: Ending, out: &mut Vec<Output>) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(ending.clone());
        for ticket in self.requests.all() {
            out.push(Output::Settled { ticket, outcome: Err(Error::Ended(ending.clone())) });
        }
        self.outgoing.clear();
        out.push(Output::Ended(ending));
    }

    fn over_and_out(&mut self, out: &mut Vec<Output>) {
        self.end(Ending::Disconnected, out);
        self.phase = Phase::Ended;
    }

    fn unless_ended(&self, outcome: Result<Reply, Error>) -> Result<Reply, Error> {
        match &self.ending {
            Some(ending) => Err(Error::Ended(ending.clone())),
            None => outcome,
        }
    }
}

fn settle(settled: Option<(Ticket, Result<Reply, Error>)>, out: &mut Vec<Output>) {
    out.extend(settled.map(|(ticket, outcome)| Output::Settled { ticket, outcome }));
}

/// What a cloud sends again after a cut, if it does; states and answers it does not.
fn is_event(message: &ToApp) -> bool {
    matches!(
        message,
        ToApp::AppMessageReceived(_)
            | ToApp::AppUserJoined(_)
            | ToApp::AppUserLeft(_)
            | ToApp::AppRoomUpdated(_)
            | ToApp::CustomMessage(_)
    )
}

/// The stream and the data of an envelope; the data share the memory of the message.
fn envelope(text: &Text) -> Result<(String, Text), serde_json::Error> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "streamType")]
        stream: String,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
    }
    let read = |text: &str| -> Result<(String, Option<std::ops::Range<usize>>), serde_json::Error> {
        let Envelope { stream, data } = serde_json::from_str(text)?;
        let place = data.map(|data| {
            let begin = data.get().as_ptr() as usize - text.as_ptr() as usize;
            begin..begin + data.get().len()
        });
        Ok((stream, place))
    };
    let (stream, place) = read(text)?;
    // SDKs hand on an empty object where there is nothing.
    Ok((stream, place.map_or(Text::from_static("{}"), |place| text.slice(place))))
}

/// A text from the cloud that may be shown in a log: one line, bounded.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(123).collect()
}
