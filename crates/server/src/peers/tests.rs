//! Who hears what, without sockets.

use bifocal_protocol::Message;
use serde_json::json;

use super::*;
use crate::mailbox::{Mails, mailbox};

/// A session that only takes what others' apps say.
struct Session {
    user: UserId,
    number: u64,
    mailbox: Mailbox,
    mails: Mails,
}

impl Session {
    fn new(name: &str, number: u64, places: usize) -> Self {
        let (mailbox, mails) = mailbox(places);
        Self { user: UserId::new(&format!("{name}@example.org")).expect("good"), number, mailbox, mails }
    }

    fn ask(&self, peers: &Peers, what: PeerRequest) -> Option<ToApp> {
        let package = &package();
        let Session { user, number, mailbox, .. } = self;
        peers.ask(&Asking { package, user, number: *number, mailbox, now: Timestamp(0) }, what)
    }

    fn here(self, peers: &Peers) -> Self {
        let id = format!("{}-{}", self.user, package());
        self.ask(peers, PeerRequest::Here { session_id: id.into() });
        self
    }

    /// The types of what has come, with what tells them apart.
    fn heard(&mut self) -> Vec<String> {
        let mails = std::iter::from_fn(|| self.mails.try_next());
        mails
            .map(|(_, mail)| match mail {
                Mail::Input(Input::FromPeers(from)) => {
                    let text: serde_json::Value = serde_json::from_str(&from.message.encode()).expect("JSON");
                    let word = |key: &str| text[key].as_str().unwrap_or_default().to_owned();
                    let who = word("userId") + &word("senderUserId") + &word("updateType");
                    format!("{} {who} {}", word("type"), word("roomId")).trim_end().to_owned()
                }
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn package() -> PackageName {
    PackageName::new("org.example.chat").expect("good")
}

fn broadcast(room: Option<&str>) -> PeerRequest {
    PeerRequest::Broadcast { message_id: "m".into(), payload: json!({"n": 1}), room: room.map(str::to_owned) }
}

fn direct(to: &str) -> PeerRequest {
    PeerRequest::Direct { to: to.to_owned(), message_id: "m".into(), payload: json!("hi") }
}

fn join(room: &str) -> PeerRequest {
    PeerRequest::Join { room: room.to_owned(), config: Default::default() }
}

#[test]
fn who_comes_and_goes_is_announced_to_the_others() {
    let peers = Peers::default();
    let mut ann = Session::new("ann", 1, 9).here(&peers);
    let ben = Session::new("ben", 2, 9).here(&peers);
    // Said again, it is no news.
    let mut ben = ben.here(&peers);
    ben.ask(&peers, PeerRequest::Gone);
    assert_eq!(ann.heard(), ["app_user_joined ben@example.org", "app_user_left ben@example.org"]);
    assert!(ben.heard().is_empty());
    assert_eq!(peers.users(&package()).len(), 1);
    ann.ask(&peers, PeerRequest::Gone);
    assert!(peers.0.lock().is_empty());
}

#[test]
fn what_an_earlier_session_says_does_not_take_its_successor_away() {
    let peers = Peers::default();
    let old = Session::new("ann", 1, 9).here(&peers);
    let new = Session::new("ann", 2, 9).here(&peers);
    old.ask(&peers, PeerRequest::Gone);
    peers.session_ended(&old.user, old.number, &old.mailbox, Timestamp(0));
    assert_eq!(peers.users(&package()).len(), 1);
    peers.session_ended(&new.user, new.number, &new.mailbox, Timestamp(0));
    assert_eq!(peers.users(&package()).len(), 0);
}

#[test]
fn a_direct_message_is_answered_truthfully() {
    let peers = Peers::default();
    let ann = Session::new("ann", 1, 9).here(&peers);
    let mut ben = Session::new("ben", 2, 1).here(&peers);
    let success = |answer: Option<ToApp>| match answer {
        Some(ToApp::AppDirectMessageResponse(done)) => (done.success, done.error),
        other => panic!("{other:?}"),
    };
    // An address is an address, whatever its case.
    assert_eq!(success(ann.ask(&peers, direct("Ben@Example.org"))), (true, None));
    assert!(success(ann.ask(&peers, direct("ben@example.org"))).1.expect("full").contains("too busy"));
    assert_eq!(ben.heard(), ["app_message_received ann@example.org"]);
    assert!(success(ann.ask(&peers, direct("eve@example.org"))).1.expect("nobody").contains("does not run"));
}

#[test]
fn rooms_hear_what_is_said_in_them() {
    let peers = Peers::default();
    let mut ann = Session::new("ann", 1, 99).here(&peers);
    let mut ben = Session::new("ben", 2, 99).here(&peers);
    let mut eve = Session::new("eve", 3, 99).here(&peers);
    ann.ask(&peers, join("lobby"));
    assert!(matches!(ben.ask(&peers, broadcast(Some("lobby"))), Some(ToApp::Error(_))));
    ann.heard();
    ben.heard();
    eve.heard();
    ben.ask(&peers, join("lobby"));
    assert_eq!(
        ann.heard(),
        ["app_user_joined ben@example.org lobby", "app_room_updated user_joined lobby"].map(str::to_owned)
    );
    assert_eq!(ben.heard(), ["app_room_updated user_joined lobby"]);
    ann.ask(&peers, broadcast(Some("lobby")));
    assert_eq!(ben.heard(), ["app_message_received ann@example.org lobby"]);
    ann.ask(&peers, broadcast(None));
    assert_eq!(eve.heard(), ["app_message_received ann@example.org"]);
    // Who goes leaves every room.
    ben.heard();
    ann.ask(&peers, PeerRequest::Gone);
    let expected =
        ["app_user_left ann@example.org lobby", "app_room_updated user_left lobby", "app_user_left ann@example.org"];
    assert_eq!(ben.heard(), expected);
    assert!(ann.heard().is_empty());
}
