//! A long conversation whose socket is cut at every message, in either direction, once and twice: no request hangs, every request
//! has one outcome, no event is told twice, and with a cloud that sends again what was not confirmed none is lost.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::layout::View;
use bifocal_protocol::streams::SubscriptionEntry;
use serde_json::{Value, json};

use super::wire::Moment;
use super::*;

/// Events of the conversation.
const EVENTS: usize = 24;
/// What is on the way takes so long, so that a cut falls between.
const STEP: Duration = Duration::from_millis(10);

/// One frame on its way.
#[derive(Debug)]
enum Frame {
    Text(Text),
    Ping(u64),
    Pong(u64),
}

/// A cloud that sends an event at a time, answers what it is asked, and perhaps sends again what was not confirmed.
struct Cloud {
    sends_again: bool,
    is_in: bool,
    next: usize,
    pings: u64,
    /// What was sent behind which ping.
    unconfirmed: VecDeque<(u64, Text)>,
    held: VecDeque<Text>,
    shown: Vec<String>,
}

struct Conversation {
    connection: Connection,
    cloud: Cloud,
    now: Moment,
    out: Vec<Output>,
    up: VecDeque<Frame>,
    down: VecDeque<Frame>,
    is_open: bool,
    cuts: Vec<usize>,
    delivered: usize,
    told: Vec<u64>,
    asked: Ticket,
    outcomes: BTreeMap<Ticket, Vec<Result<(), String>>>,
    is_down_next: bool,
}

impl Conversation {
    fn new(cuts: &[usize], sends_again: bool) -> Self {
        let identity = Identity { session_id: "s".into(), package: "p".into(), api_key: "k".into(), json_ping: false };
        let mut out = Vec::new();
        let mut connection = Connection::new(identity, 3, &mut out);
        connection.handle(Input::Wanted(vec![SubscriptionEntry::Name("n".into())]), Moment::ZERO, &mut out);
        let (unconfirmed, held, shown) = Default::default();
        let cloud = Cloud { sends_again, is_in: false, next: 0, pings: 0, unconfirmed, held, shown };
        Self {
            connection,
            cloud,
            now: Moment::ZERO,
            out,
            up: VecDeque::new(),
            down: VecDeque::new(),
            is_open: false,
            cuts: cuts.to_vec(),
            delivered: 0,
            told: Vec::new(),
            asked: 0,
            outcomes: BTreeMap::new(),
            is_down_next: false,
        }
    }

    /// Plays it to the end; gives how many frames were delivered.
    fn play(mut self) -> Played {
        let until = Duration::from_secs(60);
        while self.now < until {
            self.perform();
            self.now += STEP;
            if self.connection.next_deadline().is_some_and(|at| at <= self.now) {
                self.put(Input::Tick);
                continue;
            }
            if self.cloud.is_in && self.down.is_empty() && self.cloud.next < EVENTS {
                self.happen();
            }
            self.deliver();
        }
        Played {
            told: self.told,
            outcomes: self.outcomes,
            shown: self.cloud.shown,
            delivered: self.delivered,
            asked: self.asked,
        }
    }

    fn put(&mut self, input: Input) {
        self.connection.handle(input, self.now, &mut self.out);
        self.perform();
    }

    fn perform(&mut self) {
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Dial => {
                    self.is_open = true;
                    self.connection.handle(Input::Dialed, self.now, &mut self.out);
                }
                Output::Send(text) => self.up.push_back(Frame::Text(text)),
                Output::Ping(number) => self.up.push_back(Frame::Ping(number)),
                Output::HangUp => self.hang_up(),
                Output::Settled { ticket, outcome } => {
                    let outcome = outcome.map(|_| ()).map_err(|error| error.to_string());
                    self.outcomes.entry(ticket).or_default().push(outcome);
                }
                Output::Event(Event::Data { data, .. }) => {
                    let value: Value = serde_json::from_str(&data).expect("JSON");
                    let number = value["n"].as_u64().expect("a number");
                    self.told.push(number);
                    self.ask(number);
                }
                Output::Ended(ending) => panic!("the session ended: {ending}"),
                _ => {}
            }
        }
        if !self.out.is_empty() {
            self.perform();
        }
    }

    /// The app does something upon every event.
    fn ask(&mut self, number: u64) {
        self.asked += 1;
        let (ticket, id) = (self.asked, format!("r{number}"));
        let (awaited, request) = match number % 6 {
            0 => (Awaited::Audio(id.clone()), json!({"type": "audio_play_request", "requestId": id})),
            1 => (Awaited::Direct(id.clone()), json!({"type": "app_direct_message", "messageId": id})),
            2 => (Awaited::Check(id.clone()), json!({"type": "stream_status_check", "requestId": id})),
            3 => (Awaited::Place(id.clone()), json!({"type": "location_poll_request", "correlationId": id})),
            4 => {
                let photo = Awaited::Photo { id: id.clone(), elsewhere: true };
                (photo, json!({"type": "photo_request", "requestId": id}))
            }
            _ => {
                let text = json!({"type": "display_event", "n": number}).to_string().into();
                let input = Input::Send { ticket, lane: Lane::Picture(View::Main), text };
                return self.connection.handle(input, self.now, &mut self.out);
            }
        };
        let (text, within) = (request.to_string().into(), Duration::from_secs(20));
        self.connection.handle(Input::Request { ticket, awaited, text, within }, self.now, &mut self.out);
    }

    /// The wearer does something.
    fn happen(&mut self) {
        let data = json!({ "n": self.cloud.next });
        let event =
            json!({"type": "data_stream", "streamType": "n", "data": data, "timestamp": self.now.as_millis() as u64});
        self.cloud.next += 1;
        self.send_event(event.to_string().into());
    }

    fn send_event(&mut self, text: Text) {
        self.cloud.pings += 1;
        self.cloud.unconfirmed.push_back((self.cloud.pings, text.clone()));
        self.down.push_back(Frame::Text(text));
        self.down.push_back(Frame::Ping(self.cloud.pings));
    }

    /// The next frame arrives, now of one side, then of the other; or the socket is cut in its place.
    fn deliver(&mut self) {
        if !self.is_open {
            return;
        }
        self.is_down_next = !self.is_down_next;
        let is_down = if self.up.is_empty() || self.down.is_empty() { self.up.is_empty() } else { self.is_down_next };
        let frame = if is_down { self.down.pop_front() } else { self.up.pop_front() };
        let Some(frame) = frame else { return };
        self.delivered += 1;
        if self.cuts.contains(&self.delivered) {
            self.hang_up();
            return self.put(Input::Closed { code: 1006, reason: String::new() });
        }
        match (is_down, frame) {
            (true, Frame::Text(text)) => self.put(Input::Text(text)),
            (true, Frame::Ping(number)) => {
                self.up.push_back(Frame::Pong(number));
                self.put(Input::Heard);
            }
            (true, Frame::Pong(number)) => self.put(Input::Pong(number)),
            (false, Frame::Text(text)) => self.cloud_hears(&text),
            (false, Frame::Ping(number)) => self.down.push_back(Frame::Pong(number)),
            (false, Frame::Pong(number)) => self.cloud.unconfirmed.retain(|(ping, _)| *ping > number),
        }
    }

    fn hang_up(&mut self) {
        self.is_open = false;
        self.up.clear();
        self.down.clear();
        self.cloud.is_in = false;
        let unconfirmed = std::mem::take(&mut self.cloud.unconfirmed);
        if self.cloud.sends_again {
            // Behind what is still held, which was never sent.
            let held = std::mem::take(&mut self.cloud.held);
            self.cloud.held = unconfirmed.into_iter().map(|(_, text)| text).chain(held).collect();
        }
    }

    fn cloud_hears(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).expect("JSON");
        let id = |name: &str| message[name].clone();
        let answer = match message["type"].as_str().expect("a type") {
            "tpa_connection_init" => json!({"type": "tpa_connection_ack", "settings": []}),
            "subscription_update" => {
                self.cloud.is_in = true;
                for text in std::mem::take(&mut self.cloud.held) {
                    self.send_event(text);
                }
                return;
            }
            "audio_play_request" => {
                json!({"type": "audio_play_response", "requestId": id("requestId"), "success": true})
            }
            "app_direct_message" => {
                json!({"type": "app_direct_message_response", "messageId": id("messageId"), "success": true, "targetUserId": "u"})
            }
            "stream_status_check" => json!({"type": "stream_status_check_response", "hasActiveStream": false}),
            "location_poll_request" => {
                // With a name of its own, so that it is not one of the numbered events.
                let data = json!({"lat": 1, "lng": 2, "correlationId": id("correlationId"), "n": 1000});
                json!({"type": "data_stream", "streamType": "location_update", "data": data})
            }
            "photo_request" => json!({"type": "photo_response", "requestId": id("requestId"), "success": true}),
            "display_event" => {
                self.cloud.shown.push(message["n"].to_string());
                return;
            }
            other => panic!("the cloud does not know {other}"),
        };
        self.down.push_back(Frame::Text(answer.to_string().into()));
    }
}

/// What came of a conversation.
struct Played {
    told: Vec<u64>,
    outcomes: BTreeMap<Ticket, Vec<Result<(), String>>>,
    shown: Vec<String>,
    delivered: usize,
    asked: Ticket,
}

/// Plays it with cuts and looks at everything that must hold.
fn check(cuts: &[usize], sends_again: bool) -> Played {
    let played = Conversation::new(cuts, sends_again).play();
    let told: Vec<u64> = played.told.iter().copied().filter(|number| *number != 1000).collect();
    let all: Vec<u64> = (0..EVENTS as u64).collect();
    match sends_again {
        true => assert_eq!(told, all, "cut at {cuts:?}: an event was lost, doubled or came out of turn"),
        false => assert!(told.is_sorted_by(|a, b| a < b), "cut at {cuts:?}: {told:?}"),
    }
    for ticket in 1..=played.asked {
        let outcomes = played.outcomes.get(&ticket);
        assert_eq!(outcomes.map(Vec::len), Some(1), "cut at {cuts:?}: call {ticket} has the outcomes {outcomes:?}");
    }
    // The last picture that the app has drawn is the last that the wearer sees.
    let last = told.iter().rev().find(|number| **number % 6 == 5).map(u64::to_string);
    assert_eq!(played.shown.last(), last.as_ref(), "cut at {cuts:?}");
    played
}

#[test]
fn without_a_cut_everything_is_answered() {
    let played = check(&[], true);
    assert!(played.outcomes.values().flatten().all(Result::is_ok), "{:?}", played.outcomes);
    assert!(played.delivered > 100, "it is a long conversation: {}", played.delivered);
}

#[test]
fn cut_at_every_message() {
    for sends_again in [true, false] {
        let length = Conversation::new(&[], sends_again).play().delivered;
        for at in 1..=length {
            check(&[at], sends_again);
        }
    }
}

#[test]
fn cut_twice_at_every_few_messages() {
    let length = Conversation::new(&[], true).play().delivered;
    for first in 1..=length {
        for gap in [1, 2, 3, 5, 8, 13] {
            check(&[first, first + gap], true);
        }
    }
}
