//! Sound of apps on its way to phones: an app sends MP3 on its socket, its wearer's phone fetches it as a body without an end.
//!
//! | the phone | the app | what happens |
//! |---|---|---|
//! | is not there yet, or is slow | sends | it waits, up to 2 MiB: two minutes at 128 kbit/s |
//! | … | sends more | the stream is over, and counted: what comes after a hole would not be understood |
//! | hears | ends it | the phone hears the rest, then its body ends |
//! | was cut off, asks again | | it hears from where the other connection ended |
//! | hears nothing for five minutes | | its body ends |
//!
//! Nobody else is disturbed: an app's frame is put down here without waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bifocal_session::AudioOut;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What may wait for a phone.
const MAX_BYTES: usize = 2 << 20;
/// Frames that may wait: small ones have a cost beside their bytes.
const MAX_FRAMES: usize = 16 << 10;
/// How long a phone waits for more sound.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a stream that the app has ended is kept for a phone that has not come yet.
const KEPT: Duration = Duration::from_secs(60);

/// Every stream of this process, by the secret part of its address.
#[derive(Debug, Default)]
pub(crate) struct AudioStreams(Arc<Mutex<HashMap<Arc<str>, Stream>>>);

#[derive(Debug)]
struct Stream {
    /// Which session it belongs to.
    session: u64,
    relay: Arc<Relay>,
}

#[derive(Debug, Default)]
struct Relay {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Bytes>,
    bytes: usize,
    ended: bool,
    /// The listener that counts; an older one ends.
    listener: u64,
}

/// A phone that hears a stream.
pub(crate) struct Listener {
    relay: Arc<Relay>,
    number: u64,
}

impl AudioStreams {
    /// Something happens to a stream of a session; true when it was too much for it.
    pub(crate) fn sound(&self, session: u64, secret: &Arc<str>, what: AudioOut) -> bool {
        match what {
            AudioOut::Begin => {
                self.0.lock().insert(secret.clone(), Stream { session, relay: Arc::default() });
                false
            }
            AudioOut::Sound(sound) => {
                let relay = self.0.lock().get(secret).map(|stream| stream.relay.clone());
                relay.is_some_and(|relay| !relay.put(sound))
            }
            AudioOut::End => {
                let Some(relay) = self.0.lock().get(secret).map(|stream| stream.relay.clone()) else { return false };
                relay.end();
                let (streams, secret) = (self.0.clone(), secret.clone());
                // The rest of it may still be fetched for a while.
                tokio::spawn(async move {
                    tokio::time::sleep(KEPT).await;
                    streams.lock().remove(&secret);
                });
                false
            }
        }
    }

    /// A phone wants to hear a stream.
    pub(crate) fn listen(&self, secret: &str) -> Option<Listener> {
        let relay = self.0.lock().get(secret)?.relay.clone();
        let number = {
            let mut state = relay.state.lock();
            state.listener += 1;
            state.listener
        };
        relay.news.notify_waiters();
        Some(Listener { relay, number })
    }

    /// What a session has left.
    pub(crate) fn session_ended(&self, session: u64) {
        self.0.lock().retain(|_, stream| {
            if stream.session == session {
                stream.relay.end();
            }
            stream.session != session
        });
    }
}

impl Relay {
    /// False when the stream is over for it.
    fn put(&self, sound: Bytes) -> bool {
        let mut state = self.state.lock();
        if state.ended || sound.is_empty() {
            return true;
        }
        let fits = state.bytes + sound.len() <= MAX_BYTES && state.waiting.len() < MAX_FRAMES;
        if fits {
            state.bytes += sound.len();
            state.waiting.push_back(sound);
        } else {
            state.ended = true;
        }
        drop(state);
        self.news.notify_waiters();
        fits
    }

    fn end(&self) {
        self.state.lock().ended = true;
        self.news.notify_waiters();
    }
}

impl Listener {
    /// The next sound; `None` when there is no more for this phone.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        tokio::time::timeout(PATIENCE, self.wait()).await.ok().flatten()
    }

    async fn wait(&self) -> Option<Bytes> {
        loop {
            let news = self.relay.news.notified();
            tokio::pin!(news);
            // Listening begins before looking, so that nothing happens in between.
            news.as_mut().enable();
            {
                let mut state = self.relay.state.lock();
                if state.listener != self.number {
                    return None;
                }
                if let Some(sound) = state.waiting.pop_front() {
                    state.bytes -= sound.len();
                    return Some(sound);
                }
                if state.ended {
                    return None;
                }
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> (AudioStreams, Arc<str>) {
        let (streams, secret) = (AudioStreams::default(), Arc::<str>::from("s3cret"));
        streams.sound(1, &secret, AudioOut::Begin);
        (streams, secret)
    }

    fn sound(text: &'static [u8]) -> AudioOut {
        AudioOut::Sound(Bytes::from_static(text))
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_the_phone_is_heard_and_the_end_comes_after_it() {
        let (streams, secret) = begun();
        assert!(streams.listen("guessed").is_none());
        streams.sound(1, &secret, sound(b"a"));
        let phone = streams.listen("s3cret").expect("it is there");
        assert_eq!(phone.next().await.as_deref(), Some(b"a".as_slice()));
        let (next, ()) = tokio::join!(phone.next(), async { assert!(!streams.sound(1, &secret, sound(b"b"))) });
        assert_eq!(next.as_deref(), Some(b"b".as_slice()));
        streams.sound(1, &secret, sound(b"c"));
        streams.sound(1, &secret, AudioOut::End);
        streams.sound(1, &secret, sound(b"late"));
        assert_eq!(phone.next().await.as_deref(), Some(b"c".as_slice()));
        assert_eq!(phone.next().await, None);
        tokio::time::sleep(KEPT + Duration::from_secs(1)).await;
        assert!(streams.listen("s3cret").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_phone_that_asks_again_goes_on_where_it_was() {
        let (streams, secret) = begun();
        streams.sound(1, &secret, sound(b"a"));
        streams.sound(1, &secret, sound(b"b"));
        let first = streams.listen("s3cret").expect("it is there");
        assert_eq!(first.next().await.as_deref(), Some(b"a".as_slice()));
        let second = streams.listen("s3cret").expect("it is there");
        assert_eq!(first.next().await, None);
        assert_eq!(second.next().await.as_deref(), Some(b"b".as_slice()));
        assert_eq!(second.next().await, None, "nothing more within five minutes");
    }

    #[tokio::test]
    async fn a_stream_that_nobody_hears_has_an_end() {
        let (streams, secret) = begun();
        let part = Bytes::from(vec![0; 1 << 20]);
        assert!(!streams.sound(1, &secret, AudioOut::Sound(part.clone())));
        assert!(!streams.sound(1, &secret, AudioOut::Sound(part.clone())));
        assert!(streams.sound(1, &secret, AudioOut::Sound(part)), "too much");
        let phone = streams.listen("s3cret").expect("it is there");
        assert!(phone.next().await.is_some() && phone.next().await.is_some());
        assert_eq!(phone.next().await, None);
    }

    #[tokio::test]
    async fn streams_end_with_their_session() {
        let (streams, _) = begun();
        let phone = streams.listen("s3cret").expect("it is there");
        streams.session_ended(2);
        assert!(streams.listen("s3cret").is_some());
        streams.session_ended(1);
        assert!(streams.listen("s3cret").is_none());
        assert_eq!(phone.next().await, None);
    }
}
