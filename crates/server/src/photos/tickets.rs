//! Uploads that are awaited: each has a secret URL, is good for one photo, and is gone when nobody waits any more.

use std::collections::HashMap;
use std::sync::Arc;

use bifocal_protocol::ids::UserId;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::photos::Incoming;

/// A photo that came.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) photo: Incoming,
    /// When its first byte came.
    pub(crate) began: Instant,
}

/// Every awaited upload. By the hash of the secret, so that the time of a look-up says nothing about it.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    waiting: Arc<Mutex<HashMap<[u8; 32], Ticket>>>,
}

#[derive(Debug)]
struct Ticket {
    user: UserId,
    request_id: String,
    arrives: oneshot::Sender<Arrived>,
}

/// An upload that is awaited, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Waiting {
    key: [u8; 32],
    arrives: Option<oneshot::Receiver<Arrived>>,
    waiting: Arc<Mutex<HashMap<[u8; 32], Ticket>>>,
}

/// Whose upload it is, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) user: UserId,
    pub(crate) request_id: String,
    key: [u8; 32],
}

impl Tickets {
    /// Awaits an upload from now on.
    pub(crate) fn expect(&self, token: &str, user: &UserId, request_id: &str) -> Waiting {
        let key = Sha256::digest(token.as_bytes()).into();
        let (send, arrives) = oneshot::channel();
        let ticket = Ticket { user: user.clone(), request_id: request_id.to_owned(), arrives: send };
        self.waiting.lock().insert(key, ticket);
        Waiting { key, arrives: Some(arrives), waiting: self.waiting.clone() }
    }

    /// The upload with this secret.
    pub(crate) fn holder(&self, token: &str) -> Option<Holder> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let waiting = self.waiting.lock();
        waiting.get(&key).map(|ticket| ticket.holder(key))
    }

    /// A user's upload with this name, for phones that know no secret.
    pub(crate) fn named(&self, user: &UserId, request_id: &str) -> Option<Holder> {
        let waiting = self.waiting.lock();
        let mut tickets = waiting.iter();
        let found = tickets.find(|(_, ticket)| ticket.user == *user && ticket.request_id == request_id);
        found.map(|(key, ticket)| ticket.holder(*key))
    }

    /// The photo is there; false when nobody waits for it any more. Of two that come at once, one counts.
    pub(crate) fn arrived(&self, holder: &Holder, arrived: Arrived) -> bool {
        let ticket = self.waiting.lock().remove(&holder.key);
        ticket.is_some_and(|ticket| ticket.arrives.send(arrived).is_ok())
    }
}

impl Ticket {
    fn holder(&self, key: [u8; 32]) -> Holder {
        Holder { user: self.user.clone(), request_id: self.request_id.clone(), key }
    }
}

impl Waiting {
    /// The photo, when it is there.
    pub(crate) async fn arrives(mut self) -> Option<Arrived> {
        self.arrives.take()?.await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.key);
    }
}
