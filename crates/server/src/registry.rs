//! SessionStorage (seeds 001 and 002): user → session, at most one for each.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bifocal_protocol::ids::{PackageName, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::mailbox::Mailbox;
use crate::sound::SoundIn;

/// A live session as others see it.
#[derive(Debug, Clone)]
pub(crate) struct SessionHandle {
    /// Which session of this process; a successor of the same user has another.
    pub(crate) number: u64,
    pub(crate) mailbox: Mailbox,
    /// Where the sound of its phone comes in.
    pub(crate) sound: Arc<SoundIn>,
}

/// Every live session of this process.
#[derive(Debug, Default)]
pub(crate) struct SessionStorage {
    sessions: Mutex<HashMap<UserId, SessionHandle>>,
    /// Apps whose session id is a UUID: it does not say whose session it is.
    uuids: Mutex<HashMap<String, (UserId, PackageName)>>,
    next: AtomicU64,
    /// Told whenever a session is created.
    news: Notify,
    parked: AtomicUsize,
}

/// A place among the apps that wait for a session; given back when dropped.
pub(crate) struct Parked<'a>(&'a AtomicUsize);

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SessionStorage {
    pub(crate) fn get(&self, user: &UserId) -> Option<SessionHandle> {
        self.sessions.lock().get(user).cloned()
    }

    /// The session of a user; `create` makes it when there is none and fewer than `most` exist.
    pub(crate) fn get_or_create(
        &self,
        user: &UserId,
        most: usize,
        create: impl FnOnce(u64) -> Mailbox,
    ) -> Option<SessionHandle> {
        let mut sessions = self.sessions.lock();
        if let Some(handle) = sessions.get(user) {
            return Some(handle.clone());
        }
        if sessions.len() >= most {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = SessionHandle { number, mailbox: create(number), sound: Arc::default() };
        sessions.insert(user.clone(), handle.clone());
        drop(sessions);
        self.news.notify_waiters();
        Some(handle)
    }

    /// A place to wait for a session; `None` when too many wait.
    pub(crate) fn park(&self, most: usize) -> Option<Parked<'_>> {
        let taken = self.parked.fetch_add(1, Ordering::Relaxed);
        let place = Parked(&self.parked);
        (taken < most).then_some(place)
    }

    /// Waits until the user has a session.
    pub(crate) async fn created(&self, user: &UserId) -> SessionHandle {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Listening begins before looking, so that nothing happens in between.
            news.as_mut().enable();
            if let Some(handle) = self.get(user) {
                return handle;
            }
            news.await;
        }
    }

    /// Forgets a session that ended, unless a successor has its place.
    pub(crate) fn remove(&self, user: &UserId, number: u64) {
        let mut sessions = self.sessions.lock();
        if sessions.get(user).is_some_and(|handle| handle.number == number) {
            sessions.remove(user);
        }
    }

    pub(crate) fn list(&self) -> Vec<(UserId, SessionHandle)> {
        self.sessions.lock().iter().map(|(user, handle)| (user.clone(), handle.clone())).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// An app of a user has a new session id; the one it had before means nothing any more.
    pub(crate) fn remember_uuid(&self, session_id: &str, user: &UserId, package: &PackageName) {
        let mut uuids = self.uuids.lock();
        uuids.retain(|_, (owner, app)| (&*owner, &*app) != (user, package));
        uuids.insert(session_id.to_owned(), (user.clone(), package.clone()));
    }

    pub(crate) fn forget_uuid(&self, session_id: &str) {
        self.uuids.lock().remove(session_id);
    }

    /// Forgets every UUID of a user whose session ended.
    pub(crate) fn forget_uuids_of(&self, user: &UserId) {
        self.uuids.lock().retain(|_, (owner, _)| owner != user);
    }

    pub(crate) fn user_of_uuid(&self, session_id: &str) -> Option<UserId> {
        self.uuids.lock().get(session_id).map(|(user, _)| user.clone())
    }
}
