//! The state of a phone, and how to watch it change without missing anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::PhoneEvent;
use super::datagrams::UdpOffer;
use crate::screen::{Screen, local_now};

/// Events that wait for a slow watcher; the oldest are dropped beyond.
const EVENTS: usize = 1024;

/// Everything that a wearer could know by looking at phone and glasses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PhoneState {
    /// Whether the session is there.
    pub connected: bool,
    /// Whether the connection is over and will not come back.
    pub ended: bool,
    /// The display.
    pub screen: Screen,
    /// Whether the microphone listens.
    pub mic: bool,
    /// The running apps.
    pub apps: BTreeSet<String>,
    /// The stream of the camera, if there is one.
    pub stream: Option<LiveStream>,
}

/// A stream of the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveStream {
    /// Its id.
    pub stream: String,
    /// As the glasses call it: `active` when pictures go out.
    pub status: String,
}

impl PhoneState {
    /// Whether the event tells something that this state does not: clouds repeat the microphone every 10 s while it is on,
    /// and the list of apps whenever an app subscribes to something.
    pub fn is_news(&self, event: &PhoneEvent) -> bool {
        match event {
            PhoneEvent::Mic { on, .. } => self.mic != *on,
            // A start or a stop is told as such too.
            PhoneEvent::AppsRunning { .. } => false,
            // It is told again with new numbers.
            PhoneEvent::Stream { stream, status, .. } => {
                self.stream.as_ref().is_none_or(|now| (&now.stream, &now.status) != (stream, status))
            }
            _ => true,
        }
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: &PhoneEvent) {
        match event {
            PhoneEvent::Connected { .. } => self.connected = true,
            PhoneEvent::Disconnected { back_in, .. } => {
                self.connected = false;
                self.ended = back_in.is_none();
            }
            PhoneEvent::Display { package, view, picture } => self.screen.show(*view, package, picture.clone()),
            PhoneEvent::AppStarted { package } => {
                self.apps.insert(package.clone());
            }
            PhoneEvent::AppStopped { package } => {
                self.apps.remove(package);
            }
            PhoneEvent::AppsRunning { packages } => self.apps = packages.iter().cloned().collect(),
            PhoneEvent::Mic { on, .. } => self.mic = *on,
            PhoneEvent::Head(head) => self.screen.turn(*head),
            PhoneEvent::Battery(level) => self.screen.facts.battery = Some(*level),
            PhoneEvent::Stream { stream, status, .. } => {
                let is_over = matches!(status.as_str(), "stopped" | "error" | "reconnect_failed" | "timeout");
                let is_now = self.stream.as_ref().is_some_and(|now| now.stream == *stream);
                if !is_over {
                    self.stream = Some(LiveStream { stream: stream.clone(), status: status.clone() });
                } else if is_now {
                    self.stream = None;
                }
            }
            PhoneEvent::Photo { .. }
            | PhoneEvent::Played { .. }
            | PhoneEvent::Error { .. }
            | PhoneEvent::Other { .. }
            | PhoneEvent::Missed(_) => {}
        }
    }
}

/// The state and everybody who follows it.
#[derive(Debug)]
pub(super) struct Shared {
    state: watch::Sender<PhoneState>,
    events: broadcast::Sender<PhoneEvent>,
    /// What the newest connection offers for sound, and its number.
    offer: parking_lot::Mutex<(u64, Option<UdpOffer>)>,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: watch::Sender::new(PhoneState::default()),
            events: broadcast::Sender::new(EVENTS),
            offer: parking_lot::Mutex::default(),
        })
    }

    /// Changes the state and tells it. Both happen under the lock of the state, so that a [`Watch`] that begins at the
    /// same time has the event either in its state or in its queue, never in both.
    pub(super) fn tell(&self, event: PhoneEvent) {
        self.state.send_modify(|state| {
            state.screen.facts.now = local_now();
            state.apply(&event);
            // Nobody listening is fine.
            let _ = self.events.send(event);
        });
    }

    /// A connection begins, and offers this for sound.
    pub(super) fn offered(&self, offer: Option<UdpOffer>) {
        let mut place = self.offer.lock();
        *place = (place.0 + 1, offer);
    }

    /// The number of the newest connection, and what it offers.
    pub(super) fn offer(&self) -> (u64, Option<UdpOffer>) {
        self.offer.lock().clone()
    }

    pub(super) fn state(&self) -> PhoneState {
        self.state.borrow().clone()
    }

    /// Waits until the state is as wished.
    pub(super) async fn until(&self, wished: impl FnMut(&PhoneState) -> bool) {
        // It fails only when the sender is gone, and the sender is ours.
        let _ = self.state.subscribe().wait_for(wished).await;
    }

    pub(super) fn watch(self: &Arc<Self>) -> Watch {
        let state = self.state.borrow();
        let events = self.events.subscribe();
        Watch { state: state.clone(), events, shared: Arc::clone(self) }
    }
}

/// Follows a phone: the state as of the events read so far.
#[derive(Debug)]
pub struct Watch {
    state: PhoneState,
    events: broadcast::Receiver<PhoneEvent>,
    shared: Arc<Shared>,
}

impl Watch {
    /// The state after the last event read.
    pub fn state(&self) -> &PhoneState {
        &self.state
    }

    /// Waits for the next event. After `Disconnected` without a return nothing comes any more.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> PhoneEvent {
        match self.events.recv().await {
            Ok(event) => self.took(event),
            Err(broadcast::error::RecvError::Lagged(count)) => self.missed(count),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// The next event, if one has happened already.
    pub fn try_next(&mut self) -> Option<PhoneEvent> {
        match self.events.try_recv() {
            Ok(event) => Some(self.took(event)),
            Err(broadcast::error::TryRecvError::Lagged(count)) => Some(self.missed(count)),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }

    fn took(&mut self, event: PhoneEvent) -> PhoneEvent {
        self.state.screen.facts.now = local_now();
        self.state.apply(&event);
        event
    }

    /// Too slow: begins again with the state as it is now.
    fn missed(&mut self, count: u64) -> PhoneEvent {
        let waiting = self.events.len() as u64;
        *self = self.shared.watch();
        PhoneEvent::Missed(count + waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_watcher_loses_events_but_has_the_right_state() {
        let shared = Shared::new();
        let mut watch = shared.watch();
        for level in 0..=100u8 {
            for _ in 0..20 {
                shared.tell(PhoneEvent::Battery(level));
            }
        }
        shared.tell(PhoneEvent::AppStarted { package: "org.example.a".into() });
        assert_eq!(watch.try_next(), Some(PhoneEvent::Missed(2021)));
        assert_eq!(watch.state().screen.facts.battery, Some(100));
        assert!(watch.state().apps.contains("org.example.a"));
        assert_eq!(watch.try_next(), None);
    }

    #[test]
    fn a_watcher_that_begins_late_has_the_state() {
        let shared = Shared::new();
        shared.tell(PhoneEvent::Connected { reconnection: false });
        let mut watch = shared.watch();
        assert!(watch.state().connected);
        shared.tell(PhoneEvent::Disconnected { why: "x".into(), back_in: None });
        assert!(watch.state().connected);
        assert!(watch.try_next().is_some());
        assert!(!watch.state().connected && watch.state().ended);
    }
}
