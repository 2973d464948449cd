//! A list that can be waited on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bifocal_sdk::Result;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A little less than a row has, so that what it waits for is told.
pub(super) const WAIT: Duration = Duration::from_millis(9_500);

pub(super) struct Inbox<T> {
    entries: Mutex<Vec<T>>,
    more: Notify,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self { entries: Mutex::default(), more: Notify::new() }
    }
}

impl<T: Clone> Inbox<T> {
    pub(super) fn push(&self, entry: T) {
        self.lock().push(entry);
        self.more.notify_waiters();
    }

    /// How much has come until now: what `next` looks at begins here.
    pub(super) fn mark(&self) -> usize {
        self.lock().len()
    }

    /// The first entry from there on that fits. It stays: another may wait for it, too.
    pub(super) async fn next(&self, what: &str, from: usize, fits: impl Fn(&T) -> bool) -> Result<T> {
        let found = async {
            loop {
                let more = self.more.notified();
                if let Some(entry) = self.lock().iter().skip(from).find(|entry| fits(entry)) {
                    return entry.clone();
                }
                more.await;
            }
        };
        timeout(WAIT, found).await.map_err(|_| format!("{what} did not come").into())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
