//! Where events go: every stream that exists has a queue here, and the list of what the cloud is asked for is made of them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bifocal_protocol::Text;
use bifocal_protocol::apps::{PermissionDetail, ToApp};
use bifocal_protocol::streams::SubscriptionEntry;
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::Notify;

use crate::error::Error;
use crate::session::Link;
use crate::shared::Shared;
use crate::state::{SettingsChange, SystemSettingsChange};

/// Streams of one session at the same time.
const MAX: usize = 256;
/// What waits in a stream of which nothing else was said.
pub(crate) const BUFFER: usize = 256;

/// Something on its way to the streams.
pub(crate) enum Parcel<'a> {
    Data {
        stream: &'a str,
        data: &'a Text,
    },
    Sound(&'a Bytes),
    Message(&'a ToApp),
    /// One of the streams that a message says are refused.
    Denied(&'a PermissionDetail),
    Settings(&'a SettingsChange),
    System(&'a SystemSettingsChange),
    Link(&'a Link),
    Odd(&'a str),
}

/// The streams of one session.
#[derive(Default)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    /// What the cloud shall be asked for may have changed.
    pub(crate) changed: Notify,
}

#[derive(Default)]
struct Inner {
    sinks: Vec<Entry>,
    last: u64,
    is_closed: bool,
}

struct Entry {
    id: u64,
    wanted: Vec<SubscriptionEntry>,
    sink: Arc<dyn Sink>,
}

/// One stream, whatever its type.
trait Sink: Send + Sync {
    fn take(&self, parcel: &Parcel<'_>);
    fn close(&self);
}

impl Hub {
    /// A new stream: `wanted` is what the cloud is asked for, `read` takes what is for it out of everything.
    ///
    /// # Errors
    /// [`Error::Full`]. The caller knows whether the session is over; a stream of it ends at once.
    pub(crate) fn open<T: Send + 'static>(
        &self,
        wanted: Vec<SubscriptionEntry>,
        read: impl Fn(&Parcel<'_>) -> Option<T> + Send + Sync + 'static,
    ) -> Result<(u64, Arc<Queue<T>>), Error> {
        let queue = Arc::new(Queue::default());
        let sink = Arc::new(Typed { queue: queue.clone(), read });
        let mut inner = self.lock();
        if inner.sinks.len() == MAX {
            return Err(Error::Full { what: "streams" });
        }
        if inner.is_closed {
            queue.close();
        }
        inner.last += 1;
        let id = inner.last;
        let changes = !wanted.is_empty();
        inner.sinks.push(Entry { id, wanted, sink });
        drop(inner);
        if changes {
            self.changed.notify_one();
        }
        Ok((id, queue))
    }

    fn shut(&self, id: u64) {
        let mut inner = self.lock();
        let Some(at) = inner.sinks.iter().position(|entry| entry.id == id) else { return };
        let entry = inner.sinks.remove(at);
        drop(inner);
        if !entry.wanted.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Hands something to every stream that it is for.
    pub(crate) fn deliver(&self, parcel: &Parcel<'_>) {
        for entry in &self.lock().sinks {
            entry.sink.take(parcel);
        }
    }

    /// What the cloud is to be asked for, each once, in the order of their names.
    pub(crate) fn wanted(&self) -> Vec<SubscriptionEntry> {
        let mut wanted: Vec<SubscriptionEntry> = Vec::new();
        for entry in self.lock().sinks.iter().flat_map(|entry| &entry.wanted) {
            if !wanted.contains(entry) {
                wanted.push(entry.clone());
            }
        }
        wanted.sort_by(|a, b| name(a).cmp(name(b)));
        wanted
    }

    /// The session is over: streams give what they still have, and end.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.sinks.iter().for_each(|entry| entry.sink.close());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(entry: &SubscriptionEntry) -> &str {
    match entry {
        SubscriptionEntry::Name(name) => name,
        SubscriptionEntry::Rated { stream, .. } => stream,
        SubscriptionEntry::Other(_) => "",
    }
}

struct Typed<T, F> {
    queue: Arc<Queue<T>>,
    read: F,
}

impl<T: Send, F: Fn(&Parcel<'_>) -> Option<T> + Send + Sync> Sink for Typed<T, F> {
    fn take(&self, parcel: &Parcel<'_>) {
        if let Some(event) = (self.read)(parcel) {
            self.queue.push(event);
        }
    }

    fn close(&self) {
        self.queue.close();
    }
}

/// What waits for whoever reads a stream.
pub(crate) struct Queue<T>(Mutex<Waiting<T>>);

struct Waiting<T> {
    events: VecDeque<T>,
    limit: usize,
    missed: u64,
    is_closed: bool,
    reader: Option<Waker>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let events = VecDeque::new();
        Self(Mutex::new(Waiting { events, limit: BUFFER, missed: 0, is_closed: false, reader: None }))
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: T) {
        let mut waiting = self.lock();
        waiting.events.push_back(event);
        while waiting.events.len() > waiting.limit {
            waiting.events.pop_front();
            waiting.missed += 1;
        }
        if let Some(reader) = waiting.reader.take() {
            reader.wake();
        }
    }

    fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        if let Some(reader) = waiting.reader.take() {
            reader.wake();
        }
    }
}

/// A stream of events. It exists as long as you hold it: dropping it tells the cloud that its events are not wanted any more.
///
/// A reader that is slower than the events loses the oldest ones, and never stops the session. How many may wait is
/// [`buffer`](Self::buffer)'s matter (256 otherwise), and [`latest`](Self::latest) keeps only the newest, which is right for
/// states and for words that are still changing. [`missed`](Self::missed) counts what was lost.
///
/// It ends (`None`) when the session does, and lives through lost connections.
#[must_use = "a stream that is dropped hears nothing"]
pub struct EventStream<T> {
    pub(crate) shared: Arc<Shared>,
    id: u64,
    queue: Arc<Queue<T>>,
}

impl<T: Send + 'static> EventStream<T> {
    pub(crate) fn open(
        shared: &Arc<Shared>,
        wanted: Vec<SubscriptionEntry>,
        read: impl Fn(&Parcel<'_>) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let (id, queue) = shared.hub.open(wanted, read)?;
        Ok(Self { shared: shared.clone(), id, queue })
    }

    /// The next event; `None` when the session is over.
    pub async fn next(&mut self) -> Option<T> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// The next event, if there is one now.
    pub fn try_next(&mut self) -> Option<T> {
        self.queue.lock().events.pop_front()
    }

    /// Keep only the newest event.
    pub fn latest(self) -> Self {
        self.buffer(1)
    }

    /// Keep so many events, at least one.
    pub fn buffer(self, events: usize) -> Self {
        self.queue.lock().limit = events.max(1);
        self
    }

    /// How many events were lost because nobody took them in time.
    pub fn missed(&self) -> u64 {
        self.queue.lock().missed
    }

    /// Calls `handler` with every event, one after the other, in a task of the session: it ends with the session, and a panic
    /// in it ends the session.
    ///
    /// ```
    /// # async fn on_session(session: bifocal_sdk::AppSession) -> bifocal_sdk::Result {
    /// let layouts = session.layouts();
    /// session.events().button_press().await?.each(move |press| {
    ///     let layouts = layouts.clone();
    ///     async move {
    ///         // An error here means that the session is over, and then so is this.
    ///         let _ = layouts.show_text_wall(&press.button_id).await;
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn each<F, R>(mut self, mut handler: F) -> Handler
    where
        F: FnMut(T) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let stop = Arc::new(Notify::new());
        let shared = self.shared.clone();
        let stopped = stop.clone();
        Shared::spawn(&shared, async move {
            loop {
                tokio::select! {
                    biased;
                    () = stopped.notified() => return,
                    event = self.next() => match event {
                        Some(event) => handler(event).await,
                        None => return,
                    },
                }
            }
        });
        Handler(stop)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut waiting = self.queue.lock();
        if let Some(event) = waiting.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if waiting.is_closed {
            return Poll::Ready(None);
        }
        waiting.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T: Send + 'static> Stream for EventStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll(context)
    }
}

impl<T> Drop for EventStream<T> {
    fn drop(&mut self) {
        self.shared.hub.shut(self.id);
    }
}

impl<T> std::fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A handler that [`EventStream::each`] made. Dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Handler(Arc<Notify>);

impl Handler {
    /// Calls the handler no more, and closes its stream.
    pub fn cancel(&self) {
        self.0.notify_one();
    }
}
