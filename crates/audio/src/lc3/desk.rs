//! How a codec that borrows its memory is kept in a struct: as the state of an `async` block that owns both.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Where a caller lays its work, and finds it done.
pub(super) struct Desk<I, O>(Arc<Mutex<(Option<I>, Option<O>)>>);

impl<I, O> Clone for Desk<I, O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<I, O> Desk<I, O> {
    /// The next piece of work.
    pub(super) async fn next(&self) -> I {
        poll_fn(|_| self.lock().0.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Lays down what was done.
    pub(super) fn done(&self, output: O) {
        self.lock().1 = Some(output);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Option<I>, Option<O>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker behind a desk.
pub(super) struct Worker<I, O> {
    desk: Desk<I, O>,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<I, O> Worker<I, O> {
    /// Puts somebody behind a desk; `work` never ends, and answers every [`Desk::next`] with one [`Desk::done`].
    pub(super) fn new<F>(work: impl FnOnce(Desk<I, O>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let desk = Desk(Arc::new(Mutex::new((None, None))));
        let work = Box::pin(work(desk.clone()));
        Self { desk, work }
    }

    /// Has one piece of work done; `None` when the worker has not answered.
    pub(super) fn run(&mut self, input: I) -> Option<O> {
        self.desk.lock().0 = Some(input);
        // Nobody is ever woken: it goes on when there is work.
        let _ = self.work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.desk.lock().1.take()
    }
}

impl<I, O> fmt::Debug for Worker<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}
