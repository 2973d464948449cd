//! The sessions that run in this process, one for each wearer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::session::AppSession;
use crate::shared::Shared;

/// Photos that are expected at the same time, of all sessions.
const MAX_PHOTOS: usize = 100_000;

/// Every live session of the app in this process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sessions {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By the id of the wire.
    sessions: HashMap<String, Arc<Shared>>,
    /// Whose photo an upload is, by the id of its request.
    photos: HashMap<String, Weak<Shared>>,
}

impl Sessions {
    /// The session of a wearer, by e-mail address.
    pub fn for_user(&self, user_id: &str) -> Option<AppSession> {
        let inner = self.lock();
        let shared = inner.sessions.values().find(|shared| shared.user.eq_ignore_ascii_case(user_id))?;
        Some(AppSession { shared: shared.clone() })
    }

    /// The session with this id, whichever of its two.
    pub fn by_id(&self, session_id: &str) -> Option<AppSession> {
        self.all().into_iter().find(|session| session.wire_id() == session_id || session.id() == session_id)
    }

    /// All of them, in no order.
    pub fn all(&self) -> Vec<AppSession> {
        self.lock().sessions.values().map(|shared| AppSession { shared: shared.clone() }).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn by_wire_id(&self, session_id: &str) -> Option<Arc<Shared>> {
        self.lock().sessions.get(session_id).cloned()
    }

    /// A new session; gives the one that it takes the place of: of the same id, or of the same wearer.
    pub(crate) fn insert(&self, shared: &Arc<Shared>) -> Vec<Arc<Shared>> {
        let mut inner = self.lock();
        let before: Vec<_> = inner
            .sessions
            .extract_if(|id, known| *id == shared.identity.session_id || known.user == shared.user)
            .map(|(_, known)| known)
            .collect();
        inner.sessions.insert(shared.identity.session_id.clone(), shared.clone());
        before
    }

    /// A session is over; a newer one in its place stays.
    pub(crate) fn remove(&self, shared: &Arc<Shared>) {
        let mut inner = self.lock();
        let id = &shared.identity.session_id;
        if inner.sessions.get(id).is_some_and(|known| Arc::ptr_eq(known, shared)) {
            inner.sessions.remove(id);
        }
    }

    /// A photo will be uploaded for this session, until what this gives is dropped.
    pub(crate) fn expect_photo(&self, request_id: &str, shared: &Arc<Shared>) -> ExpectedPhoto {
        let mut inner = self.lock();
        if inner.photos.len() < MAX_PHOTOS {
            inner.photos.insert(request_id.to_owned(), Arc::downgrade(shared));
        }
        ExpectedPhoto { sessions: self.clone(), request_id: request_id.to_owned() }
    }

    /// Whose photo this is.
    pub(crate) fn photo_of(&self, request_id: &str) -> Option<Arc<Shared>> {
        self.lock().photos.get(request_id)?.upgrade()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({})", self.len())
    }
}

/// An upload that is expected.
pub(crate) struct ExpectedPhoto {
    sessions: Sessions,
    request_id: String,
}

impl Drop for ExpectedPhoto {
    fn drop(&mut self) {
        self.sessions.lock().photos.remove(&self.request_id);
    }
}
