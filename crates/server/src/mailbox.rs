//! The mailbox of a session: bounded, in order, and nearly without memory while nothing happens.
//!
//! A channel of the runtime would do, but it keeps blocks of 32 places for each session, which was a quarter of what an idle
//! wearer cost.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::actor::Mail;

/// How many places are kept while the mailbox is empty.
const SMALL: usize = 4;

/// Where mails for a session go. Each carries the time at which it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox(Arc<Shared>);

/// The session's own end. When it is dropped nobody takes mails any more.
#[derive(Debug)]
pub(crate) struct Mails(Arc<Shared>);

/// The session has ended; nobody takes the mail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    capacity: usize,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    mails: VecDeque<(Instant, Mail)>,
    /// Senders that wait for a place.
    waiting: usize,
    closed: bool,
}

/// A mailbox for so many mails.
pub(crate) fn mailbox(capacity: usize) -> (Mailbox, Mails) {
    let (filled, emptied) = (Notify::new(), Notify::new());
    let shared = Arc::new(Shared { queue: Mutex::default(), capacity, filled, emptied });
    (Mailbox(shared.clone()), Mails(shared))
}

impl Mailbox {
    /// Waits while the mailbox is full: whoever feeds a session goes at its pace.
    pub(crate) async fn send(&self, mail: Mail) -> Result<(), Gone> {
        let sent = Instant::now();
        loop {
            let place = {
                let mut queue = self.0.queue.lock();
                if queue.closed {
                    return Err(Gone);
                }
                if queue.mails.len() < self.0.capacity {
                    queue.mails.push_back((sent, mail));
                    drop(queue);
                    self.0.filled.notify_one();
                    return Ok(());
                }
                queue.waiting += 1;
                // Waiting begins while the queue is locked: a place that is given back from now on is noticed.
                self.0.emptied.notified()
            };
            let _leaving = Waiting(&self.0);
            place.await;
        }
    }

    /// Hands a mail over if there is a place for it now: for what comes from another session, which must not wait.
    pub(crate) fn offer(&self, mail: Mail) -> Result<(), Gone> {
        let mut queue = self.0.queue.lock();
        if queue.closed || queue.mails.len() >= self.0.capacity {
            return Err(Gone);
        }
        queue.mails.push_back((Instant::now(), mail));
        drop(queue);
        self.0.filled.notify_one();
        Ok(())
    }
}

/// A sender that waits, or has given up waiting.
struct Waiting<'a>(&'a Shared);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().waiting -= 1;
    }
}

impl Mails {
    /// The next mail; waits for one.
    pub(crate) async fn next(&mut self) -> (Instant, Mail) {
        loop {
            if let Some(mail) = self.try_next() {
                return mail;
            }
            self.0.filled.notified().await;
        }
    }

    /// The next mail, if there is one.
    pub(crate) fn try_next(&mut self) -> Option<(Instant, Mail)> {
        let mut queue = self.0.queue.lock();
        let mail = queue.mails.pop_front();
        if queue.mails.is_empty() && queue.mails.capacity() > SMALL {
            queue.mails.shrink_to(SMALL);
        }
        let somebody_waits = queue.waiting > 0;
        drop(queue);
        if somebody_waits && mail.is_some() {
            self.0.emptied.notify_one();
        }
        mail
    }

    /// Takes no more mails; gives those that are there.
    pub(crate) fn close(&mut self) -> VecDeque<(Instant, Mail)> {
        let mut queue = self.0.queue.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.mails);
        drop(queue);
        self.0.emptied.notify_waiters();
        left
    }
}

impl Drop for Mails {
    fn drop(&mut self) {
        drop(self.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_session::{ConnId, Input};

    fn mail(number: u64) -> Mail {
        Mail::Input(Input::Alive { conn: ConnId(number) })
    }

    fn number((_, mail): (Instant, Mail)) -> u64 {
        match mail {
            Mail::Input(Input::Alive { conn }) => conn.0,
            other => panic!("another mail: {other:?}"),
        }
    }

    #[tokio::test]
    async fn mails_arrive_in_order_and_a_full_mailbox_makes_senders_wait() {
        let (sender, mut mails) = mailbox(2);
        let all = tokio::spawn(async move {
            for n in 0..100 {
                sender.send(mail(n)).await.expect("somebody takes it");
            }
        });
        for n in 0..100 {
            assert_eq!(number(mails.next().await), n);
        }
        all.await.expect("sent");
        assert!(mails.try_next().is_none());
    }

    #[tokio::test]
    async fn many_senders_get_all_their_mails_through_one_place() {
        let (sender, mut mails) = mailbox(1);
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for _ in 0..50 {
                        sender.send(mail(n)).await.expect("somebody takes it");
                    }
                })
            })
            .collect();
        let mut counts = [0; 20];
        for _ in 0..1000 {
            counts[usize::try_from(number(mails.next().await)).expect("small")] += 1;
        }
        assert_eq!(counts, [50; 20]);
        for task in tasks {
            task.await.expect("ended");
        }
    }

    #[tokio::test]
    async fn who_waits_when_the_session_ends_is_told() {
        let (sender, mut mails) = mailbox(1);
        sender.send(mail(1)).await.expect("a place");
        let waiting = tokio::spawn({
            let sender = sender.clone();
            async move { sender.send(mail(2)).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(mails.close().len(), 1);
        assert_eq!(waiting.await.expect("joined"), Err(Gone));
        assert_eq!(sender.send(mail(3)).await, Err(Gone));
    }

    /// A sender that is dropped while it waits must not keep a place from the others.
    #[tokio::test]
    async fn a_sender_that_gives_up_is_forgotten() {
        let (sender, mut mails) = mailbox(1);
        sender.send(mail(1)).await.expect("a place");
        let impatient = tokio::time::timeout(std::time::Duration::from_millis(10), sender.send(mail(2))).await;
        assert!(impatient.is_err());
        assert_eq!(number(mails.next().await), 1);
        sender.send(mail(3)).await.expect("a place");
        assert_eq!(number(mails.next().await), 3);
        assert_eq!(sender.0.queue.lock().waiting, 0);
    }
}
