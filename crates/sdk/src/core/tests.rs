//! The machine of a connection, in virtual time: one test a row of its table.

use std::time::Duration;

use bifocal_protocol::layout::View;
use bifocal_protocol::streams::SubscriptionEntry;
use bytes::Bytes;
use serde_json::{Value, json};

use super::wire::Moment;
use super::*;
use crate::error::{Ending, Error};

/// A connection and everything it said since it was asked last.
struct Stage {
    connection: Connection,
    now: Moment,
    out: Vec<Output>,
}

fn stage() -> Stage {
    stage_with(false)
}

fn stage_with(json_ping: bool) -> Stage {
    let identity = Identity {
        session_id: "ann@example.org-org.example.demo".into(),
        package: "org.example.demo".into(),
        api_key: "the key".into(),
        json_ping,
    };
    let mut out = Vec::new();
    let connection = Connection::new(identity, 7, &mut out);
    Stage { connection, now: Moment::ZERO, out }
}

const ACK: &str = r#"{"type":"tpa_connection_ack","sessionId":"s","settings":[],"capabilities":null,"timestamp":"2026-01-01T00:00:00.000Z"}"#;

impl Stage {
    fn put(&mut self, input: Input) {
        self.connection.handle(input, self.now, &mut self.out);
    }

    fn hear(&mut self, message: Value) {
        self.put(Input::Text(message.to_string().into()));
    }

    /// Lets time pass, tick by tick.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.connection.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.put(Input::Tick);
        }
        self.now = until;
    }

    fn connect(&mut self) {
        self.put(Input::Dialed);
        self.put(Input::Text(ACK.into()));
    }

    fn live() -> Stage {
        let mut stage = stage();
        stage.connect();
        stage.said();
        stage
    }

    fn cut(&mut self) {
        self.put(Input::Closed { code: 1006, reason: String::new() });
    }

    /// What it said since, in short: types of messages, names of everything else.
    fn said(&mut self) -> Vec<String> {
        let short = |output| match output {
            Output::Dial => "dial".to_owned(),
            Output::Send(text) => {
                let value: Value = serde_json::from_str(&text).expect("JSON");
                value["type"].as_str().expect("a type").to_owned()
            }
            Output::SendBinary(data) => format!("{} bytes", data.len()),
            Output::Ping(number) => format!("ping {number}"),
            Output::Close { code, .. } => format!("close {code}"),
            Output::HangUp => "hang up".to_owned(),
            Output::Settled { ticket, outcome: Ok(_) } => format!("{ticket} ok"),
            Output::Settled { ticket, outcome: Err(error) } => format!("{ticket}: {error}"),
            Output::Event(Event::Connected { again, .. }) => if again { "back" } else { "connected" }.to_owned(),
            Output::Event(Event::Lost { .. }) => "lost".to_owned(),
            Output::Event(Event::Data { stream, data }) => format!("{stream} {}", &*data),
            Output::Event(Event::Audio(sound)) => format!("sound {}", sound.len()),
            Output::Event(Event::Message(_)) => "message".to_owned(),
            Output::Event(Event::Odd { .. }) => "odd".to_owned(),
            Output::Ended(ending) => format!("ended: {ending}"),
        };
        self.out.drain(..).map(short).collect()
    }

    fn send(&mut self, ticket: Ticket, lane: Lane, kind: &str) {
        self.put(Input::Send { ticket, lane, text: json!({ "type": kind }).to_string().into() });
    }

    fn request(&mut self, ticket: Ticket, awaited: Awaited, seconds: u64) {
        let text = json!({ "type": format!("request {ticket}") }).to_string().into();
        self.put(Input::Request { ticket, awaited, text, within: Duration::from_secs(seconds) });
    }

    fn want(&mut self, streams: &[&str]) {
        self.put(Input::Wanted(streams.iter().map(|name| SubscriptionEntry::Name((*name).to_owned())).collect()));
    }
}

fn event(stream: &str, at: u32) -> Value {
    json!({"type": "data_stream", "sessionId": "s", "streamType": stream, "data": {"n": at}, "timestamp": at})
}

#[test]
fn it_dials_greets_and_is_taken_in() {
    let mut stage = stage();
    stage.want(&["button_press"]);
    stage.send(1, Lane::Ordered, "early");
    stage.connect();
    let expected = ["dial", "1 ok", "tpa_connection_init", "connected", "subscription_update", "early"];
    assert_eq!(stage.said(), expected);
    // Without a stream there is nothing to declare, and without a change neither.
    assert_eq!(Stage::live().said(), [""; 0]);
    stage.want(&["button_press"]);
    assert_eq!(stage.said(), [""; 0]);
    stage.want(&[]);
    assert_eq!(stage.said(), ["subscription_update"]);
}

#[test]
fn a_start_that_does_not_come_about_ends_after_fifteen_seconds() {
    let mut stage = stage();
    stage.request(1, Awaited::Managed, 60);
    while !stage.connection.is_over() {
        stage.put(Input::DialFailed("refused".into()));
        stage.pass(Duration::from_secs(1));
    }
    assert_eq!(stage.now, Duration::from_secs(15));
    let said = stage.said();
    assert!(said.contains(&"ended: connection lost: it did not come about".to_owned()), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("1: the session is over")), "{said:?}");
}

#[test]
fn a_socket_that_does_not_open_and_a_greeting_without_an_answer_are_given_up() {
    let mut stage = stage();
    stage.pass(Duration::from_secs(11));
    assert_eq!(stage.said(), ["dial", "hang up", "lost", "dial"]);
    let mut stage = Stage::live();
    stage.cut();
    stage.pass(Duration::from_secs(1));
    stage.put(Input::Dialed);
    stage.pass(Duration::from_secs(12));
    assert_eq!(stage.said(), ["hang up", "lost", "dial", "tpa_connection_init", "hang up", "lost", "dial"]);
}

#[test]
fn a_wrong_key_is_final_and_a_late_phone_is_not() {
    let refuse = |stage: &mut Stage, code: &str| {
        stage.hear(json!({"type": "tpa_connection_error", "code": code, "message": "no", "timestamp": 0}));
        stage.put(Input::Closed { code: 1008, reason: "no".into() });
    };
    let mut first = stage();
    first.put(Input::Dialed);
    refuse(&mut first, "SESSION_NOT_FOUND");
    assert_eq!(first.said(), ["dial", "tpa_connection_init", "ended: refused by the cloud: no"]);
    for (code, last) in [("SESSION_NOT_FOUND", "lost"), ("INVALID_API_KEY", "ended: refused by the cloud: no")] {
        let mut again = Stage::live();
        again.cut();
        again.pass(Duration::from_millis(300));
        again.put(Input::Dialed);
        refuse(&mut again, code);
        assert_eq!(again.said().last().map(String::as_str), Some(last), "{code}");
    }
}

#[test]
fn after_a_cut_everything_is_declared_again_and_what_waited_follows() {
    let mut stage = Stage::live();
    stage.want(&["button_press", "VAD"]);
    stage.cut();
    stage.send(1, Lane::Ordered, "a");
    stage.send(2, Lane::Picture(View::Main), "old picture");
    stage.send(3, Lane::Picture(View::Main), "picture");
    stage.want(&["VAD"]);
    stage.pass(Duration::from_millis(300));
    stage.connect();
    let expected = [
        "subscription_update",
        "hang up",
        "lost",
        "1 ok",
        "2 ok",
        "3 ok",
        "dial",
        "tpa_connection_init",
        "back",
        "subscription_update",
        "a",
        "picture",
        "ping 1",
    ];
    assert_eq!(stage.said(), expected);
}

#[test]
fn a_return_takes_ever_longer_and_ends_after_a_minute() {
    let mut stage = Stage::live();
    stage.cut();
    stage.request(1, Awaited::Audio("a".into()), 600);
    let mut dials = 0;
    while !stage.connection.is_over() {
        stage.pass(Duration::from_millis(100));
        dials += stage.said().iter().filter(|line| *line == "dial").count();
        stage.put(Input::DialFailed("refused".into()));
    }
    assert!((7..=10).contains(&dials), "{dials}");
    assert_eq!(stage.now, Duration::from_secs(60));
}

#[test]
fn a_cloud_that_takes_in_and_hangs_up_again_is_not_stormed() {
    let mut stage = Stage::live();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        stage.cut();
        let at = stage.connection.next_deadline().expect("it waits");
        pauses.push(at - stage.now);
        stage.pass(at - stage.now);
        stage.connect();
    }
    assert!(pauses.is_sorted() && pauses[3] >= Duration::from_secs(4), "{pauses:?}");
    stage.pass(Duration::from_secs(10));
    stage.cut();
    let at = stage.connection.next_deadline().expect("it waits");
    assert!(at - stage.now < Duration::from_secs(1), "a stable connection starts over");
}

#[test]
fn every_close_code_has_its_meaning() {
    let ends = |code, reason: &str| {
        let mut stage = Stage::live();
        stage.put(Input::Closed { code, reason: reason.into() });
        let said = stage.said();
        said.last().filter(|_| stage.connection.is_over()).cloned()
    };
    assert_eq!(ends(1000, "App stopped").as_deref(), Some("ended: App stopped"));
    assert_eq!(ends(1000, "User session ended").as_deref(), Some("ended: User session ended"));
    assert_eq!(ends(1001, "going away").as_deref(), Some("ended: going away"));
    for code in [1005, 1006, 1008, 1011, 1012, 1013, 4000] {
        assert_eq!(ends(code, "x"), None, "{code} brings it back");
    }
}

#[test]
fn app_stopped_ends_the_session_once_and_nothing_comes_after_it() {
    let mut stage = Stage::live();
    stage.request(1, Awaited::Audio("a".into()), 60);
    stage.said();
    stage.hear(json!({"type": "app_stopped", "reason": "user_disabled", "timestamp": 0}));
    stage.hear(event("button_press", 1));
    stage.put(Input::Leave(Leave::Stopped("user_disabled".into())));
    stage.send(2, Lane::Ordered, "late");
    let over = "the session is over: user_disabled";
    assert_eq!(stage.said(), [format!("1: {over}"), "ended: user_disabled".into(), format!("2: {over}")]);
    stage.put(Input::Closed { code: 1000, reason: "App stopped".into() });
    assert!(stage.connection.is_over());
    assert_eq!(stage.said(), [""; 0]);
}

#[test]
fn leaving_closes_and_does_not_wait_for_ever() {
    let mut stage = Stage::live();
    stage.put(Input::Leave(Leave::Disconnect));
    assert_eq!(stage.said(), ["ended: disconnected", "close 1000"]);
    stage.pass(Duration::from_secs(1));
    assert_eq!(stage.said(), ["hang up"]);
    assert!(stage.connection.is_over() && stage.connection.next_deadline().is_none());
}

#[test]
fn who_is_replaced_or_shut_down_says_so_before_it_closes() {
    for (leave, ending) in [(Leave::Replaced, "ended: replaced"), (Leave::Shutdown, "ended: shutdown")] {
        let mut stage = Stage::live();
        stage.put(Input::Leave(leave));
        assert_eq!(stage.said(), [ending, "ownership_release"]);
        stage.pass(Duration::from_millis(99));
        assert_eq!(stage.said(), [""; 0]);
        stage.pass(Duration::from_millis(1));
        assert_eq!(stage.said(), ["close 1000"]);
    }
}

#[test]
fn a_request_has_its_own_deadline_with_or_without_a_connection() {
    let mut stage = Stage::live();
    stage.request(1, Awaited::Audio("a".into()), 5);
    stage.cut();
    stage.request(2, Awaited::Audio("b".into()), 7);
    stage.said();
    stage.pass(Duration::from_millis(300));
    stage.put(Input::DialFailed("refused".into()));
    stage.pass(Duration::from_secs(7));
    let said = stage.said();
    let late = |ticket: u64| said.iter().find(|line| line.starts_with(&format!("{ticket}: "))).expect("settled");
    assert!(late(1).contains("although it was sent"), "{said:?}");
    assert!(late(2).contains("no connection"), "{said:?}");
}

#[test]
fn after_a_cut_only_what_may_be_asked_again_is() {
    let mut stage = Stage::live();
    stage.request(1, Awaited::Audio("a".into()), 60);
    stage.request(2, Awaited::Place("p".into()), 60);
    stage.cut();
    stage.request(3, Awaited::Direct("d".into()), 60);
    stage.said();
    stage.pass(Duration::from_millis(300));
    stage.connect();
    let said = stage.said();
    assert_eq!(said[said.len() - 2..], ["request 2", "request 3"], "{said:?}");
    // The answer to what was not asked again is as good on the new connection.
    stage.hear(json!({"type": "audio_play_response", "requestId": "a", "success": true}));
    assert_eq!(stage.said(), ["1 ok", "message"]);
}

#[test]
fn each_answer_finds_its_request() {
    let mut stage = Stage::live();
    let photo = |id: &str, elsewhere| Awaited::Photo { id: id.into(), elsewhere };
    let awaited = [
        Awaited::Audio("a".into()),
        Awaited::OutputStream("o".into()),
        photo("p1", false),
        photo("p2", true),
        photo("p3", false),
        Awaited::Place("c".into()),
        Awaited::Direct("d".into()),
        Awaited::Check("s1".into()),
        Awaited::Check("s2".into()),
        Awaited::Managed,
        Awaited::Stream,
        Awaited::Display("v".into()),
    ];
    for (ticket, awaited) in (1..).zip(awaited) {
        stage.request(ticket, awaited, 60);
    }
    stage.said();
    let answers = [
        (json!({"type": "audio_play_response", "requestId": "other", "success": true}), ""),
        (json!({"type": "audio_play_response", "requestId": "a", "success": false, "error": "busy"}), "1:"),
        (json!({"type": "audio_stream_ready", "streamId": "o", "streamUrl": "http://x"}), "2 ok"),
        // Its photo comes as an upload.
        (json!({"type": "photo_response", "requestId": "p1", "success": true, "photoUrl": "http://x"}), ""),
        (json!({"type": "photo_response", "requestId": "p2", "success": true, "photoUrl": "http://x"}), "4 ok"),
        (
            json!({"type": "photo_response", "requestId": "p3", "success": false, "error": {"code": "CAMERA_BUSY", "message": "m"}}),
            "5:",
        ),
        (
            json!({"type": "app_direct_message_response", "messageId": "d", "success": true, "targetUserId": "u"}),
            "7 ok",
        ),
        (json!({"type": "stream_status_check_response", "requestId": "s2", "hasActiveStream": false}), "9 ok"),
        (json!({"type": "stream_status_check_response", "hasActiveStream": false}), "8 ok"),
        (json!({"type": "managed_stream_status", "status": "active"}), ""),
        (json!({"type": "managed_stream_status", "status": "active", "hlsUrl": "http://x"}), "10 ok"),
        (json!({"type": "rtmp_stream_status", "status": "error", "errorDetails": "offline"}), "11:"),
        (json!({"type": "display_report", "requestId": "v", "outcome": "held", "timestamp": 0}), ""),
        (json!({"type": "display_report", "requestId": "v", "outcome": "shown", "timestamp": 0}), "12 ok"),
    ];
    for (answer, expected) in answers {
        stage.hear(answer.clone());
        let said = stage.said();
        let settled = said.iter().find(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        assert!(settled.map_or("", |line| line).starts_with(expected), "{answer}: {said:?}");
        assert_eq!(settled.is_none(), expected.is_empty(), "{answer}: {said:?}");
    }
    stage.hear(json!({"type": "data_stream", "streamType": "location_update", "data": {"lat": 1, "lng": 2, "correlationId": "c"}}));
    assert_eq!(stage.said()[0], "6 ok");
    let upload = |content| Upload {
        request_id: "p1".into(),
        content,
        mime_type: "image/jpeg".into(),
        filename: None,
        url: None,
    };
    stage.put(Input::Uploaded(upload(Ok(Bytes::from_static(b"photo")))));
    assert_eq!(stage.said(), ["3 ok"]);
    stage.put(Input::Uploaded(upload(Err(UploadError { code: None, message: "late".into() }))));
    assert_eq!(stage.said(), [""; 0]);
}

#[test]
fn a_close_1008_behind_an_error_fails_the_request_it_is_about_and_the_session_comes_back() {
    let mut stage = Stage::live();
    stage.request(1, Awaited::Audio("a".into()), 60);
    stage.request(2, Awaited::Photo { id: "p".into(), elsewhere: false }, 60);
    stage.said();
    stage.hear(
        json!({"type": "tpa_connection_error", "code": "PERMISSION_DENIED", "message": "camera", "timestamp": 0}),
    );
    stage.put(Input::Closed { code: 1008, reason: "camera".into() });
    let expected = ["message", "2: photo_request was refused: camera (PERMISSION_DENIED)", "hang up", "lost"];
    assert_eq!(stage.said(), expected);
    // An error that something else follows is a note to the developer and about no request.
    stage.pass(Duration::from_millis(300));
    stage.connect();
    stage.said();
    stage.hear(json!({"type": "tpa_connection_error", "code": "INTERNAL_ERROR", "message": "note", "timestamp": 0}));
    stage.hear(event("button_press", 1));
    stage.put(Input::Closed { code: 1008, reason: String::new() });
    assert!(!stage.said().iter().any(|line| line.starts_with("1:")));
}

#[test]
fn events_come_with_the_name_that_was_asked_for_and_their_data_untouched() {
    let mut stage = Stage::live();
    stage
        .hear(json!({"type": "data_stream", "streamType": "transcription:ja-JP?hints=en%2Cfr", "data": {"text": "x"}}));
    stage.hear(json!({"type": "data_stream", "streamType": "open_dashboard"}));
    stage.put(Input::Binary(Bytes::from_static(b"1234")));
    let expected = [r#"transcription:ja-JP?hints=en%2Cfr {"text":"x"}"#, "open_dashboard {}", "sound 4"];
    assert_eq!(stage.said(), expected);
}

#[test]
fn what_comes_again_after_a_cut_is_not_told_again() {
    let mut stage = Stage::live();
    stage.hear(event("button_press", 1));
    stage.hear(event("button_press", 2));
    stage.cut();
    stage.pass(Duration::from_millis(300));
    stage.connect();
    stage.said();
    for at in [1, 2, 3] {
        stage.hear(event("button_press", at));
    }
    assert_eq!(stage.said(), [r#"button_press {"n":3}"#]);
}

#[test]
fn odd_messages_cost_nothing_but_a_note() {
    let mut stage = Stage::live();
    stage.put(Input::Text("not JSON".into()));
    stage.put(Input::Text("{}".into()));
    stage.hear(json!({"type": "from the future"}));
    stage.hear(json!({"type": "settings_update", "settings": {"a": 1}}));
    stage.hear(json!({"type": "data_stream"}));
    assert_eq!(stage.said(), ["odd"; 5]);
    stage.hear(json!({"type": "ping"}));
    assert_eq!(stage.said(), ["pong"]);
}

#[test]
fn silence_is_asked_about_and_then_taken_for_a_loss() {
    let mut stage = Stage::live();
    stage.pass(Duration::from_secs(30));
    assert_eq!(stage.said(), ["ping 1", "ping 2"]);
    stage.put(Input::Pong(2));
    stage.pass(Duration::from_secs(39));
    assert_eq!(stage.said(), ["ping 3", "ping 4"]);
    stage.pass(Duration::from_secs(1));
    assert_eq!(stage.said(), ["hang up", "lost"]);
}

#[test]
fn who_wants_to_see_messages_sees_pings_as_messages_too() {
    let mut stage = stage_with(true);
    stage.connect();
    stage.said();
    stage.pass(Duration::from_secs(15));
    assert_eq!(stage.said(), ["ping 1", "ping"]);
    // The answer is for nobody.
    stage.hear(json!({"type": "pong"}));
    assert_eq!(stage.said(), [""; 0]);
    stage.pass(Duration::from_secs(15));
    assert_eq!(stage.said(), ["ping 2", "ping"]);
}

#[test]
fn a_picture_that_nobody_confirmed_is_drawn_again() {
    let mut stage = Stage::live();
    stage.send(1, Lane::Picture(View::Main), "picture");
    assert_eq!(stage.said(), ["picture", "ping 1", "1 ok"]);
    stage.cut();
    stage.pass(Duration::from_millis(300));
    stage.connect();
    assert!(stage.said().contains(&"picture".to_owned()));
}

#[test]
fn too_many_requests_are_refused_at_once() {
    let mut stage = Stage::live();
    for ticket in 0..257 {
        stage.request(ticket, Awaited::Audio(ticket.to_string()), 60);
    }
    let full = format!("256: {}", Error::Full { what: "requests" });
    assert_eq!(stage.said().last(), Some(&full));
}

#[test]
fn a_dial_that_succeeds_too_late_is_dropped() {
    let mut stage = stage();
    stage.put(Input::Leave(Leave::Failed("x".into())));
    stage.put(Input::Dialed);
    assert_eq!(stage.said(), ["dial", "ended: error: x", "hang up", "hang up"]);
    assert_eq!(Ending::Failed("x".into()).to_string(), "error: x");
}
