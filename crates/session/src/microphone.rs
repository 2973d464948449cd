//! MicrophoneManager: whether the glasses listen, decided from what apps want, and told to the phone no more often than needed.
//!
//! | event | what happens |
//! |---|---|
//! | an app wants sound | on, at once |
//! | nobody wants sound | off after 3 s, unless somebody wants it again |
//! | the wearer does not want to be heard | off at once, and told at once |
//! | the value differs from what this connection was told | told, 250 ms after the message before at the earliest |
//! | a new connection | told at once |
//! | the glasses are back with their phone | told once more when it is on: their microphone has stopped |
//! | on for 10 s | told again: phones whose microphone stopped begin again |
//! | sound arrives while it should be off | told "off", at most every 5 s |

use crate::now::{Millis, Timings};
use crate::seeded::Bug;

/// What the microphone shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MicState {
    pub(crate) on: bool,
    /// Send sound even when nobody speaks: an app wants the sound itself.
    pub(crate) bypass_vad: bool,
    /// What the phone sends.
    pub(crate) kind: SoundKind,
}

/// What a phone that listens sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SoundKind {
    /// Sound.
    #[default]
    Pcm,
    /// Words that it recognises itself.
    Words,
    /// Both.
    Both,
}

#[derive(Debug, Default)]
pub(crate) struct MicrophoneManager {
    /// What shall be, the hold of the off-edge included.
    wanted: MicState,
    /// When an off-edge takes effect.
    off_at: Option<Millis>,
    /// What this connection was told.
    told: Option<MicState>,
    sent_at: Option<Millis>,
    scolded_at: Option<Millis>,
}

impl MicrophoneManager {
    /// What apps want has, perhaps, changed.
    pub(crate) fn demand(&mut self, demand: MicState, now: Millis, timings: &Timings) {
        if demand.on {
            self.wanted = demand;
            self.off_at = None;
        } else if self.wanted.on && self.off_at.is_none() && !crate::seeded::on(Bug::MicOffLost) {
            self.off_at = Some(now + timings.mic_off_hold);
        }
    }

    /// The wearer does not want to be heard: nothing is waited for.
    pub(crate) fn silence(&mut self) {
        if self.wanted.on {
            self.sent_at = None;
        }
        self.wanted = MicState::default();
        self.off_at = None;
    }

    /// A new connection knows nothing.
    pub(crate) fn connected(&mut self) {
        self.told = None;
        self.sent_at = None;
    }

    /// The glasses themselves came back: the phone has to switch their microphone on again.
    pub(crate) fn glasses_back(&mut self) {
        if self.wanted.on {
            self.told = None;
        }
    }

    /// When the held off-edge takes effect.
    pub(crate) fn off_due(&self) -> Option<Millis> {
        self.off_at
    }

    /// When the phone is to be told.
    pub(crate) fn send_due(&self, timings: &Timings) -> Option<Millis> {
        let after = |gap: u64| self.sent_at.map_or(Millis(0), |at| at + gap);
        if self.told != Some(self.wanted) {
            return Some(after(timings.mic_gap));
        }
        self.wanted.on.then(|| after(timings.mic_keep_alive))
    }

    /// Lets a held off-edge take effect.
    pub(crate) fn expire(&mut self, now: Millis) {
        if self.off_at.is_some_and(|at| at <= now) {
            self.wanted = MicState::default();
            self.off_at = None;
        }
    }

    /// What to tell the phone now, if anything.
    pub(crate) fn take(&mut self, now: Millis, timings: &Timings) -> Option<MicState> {
        self.send_due(timings).filter(|due| *due <= now)?;
        self.told = Some(self.wanted);
        self.sent_at = Some(now);
        Some(self.wanted)
    }

    /// Sound arrived; when it should not, the phone is told "off" once more.
    pub(crate) fn heard(&mut self, now: Millis, timings: &Timings) {
        let recently = self.scolded_at.is_some_and(|at| now - at < timings.mic_scold);
        if !self.wanted.on && self.told == Some(self.wanted) && !recently {
            self.scolded_at = Some(now);
            self.told = None;
            self.sent_at = None;
        }
    }

    /// Whether the phone was told to listen.
    pub(crate) fn is_on(&self) -> bool {
        self.told.is_some_and(|told| told.on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;
    const ON: MicState = MicState { on: true, bypass_vad: false, kind: SoundKind::Pcm };
    const OFF: MicState = MicState { on: false, bypass_vad: false, kind: SoundKind::Pcm };

    /// Runs until `to` and tells what was sent: `(time, on)`.
    fn sent(mic: &mut MicrophoneManager, from: u64, to: u64) -> Vec<(u64, bool)> {
        let mut all = Vec::new();
        for at in from..=to {
            mic.expire(Millis(at));
            all.extend(mic.take(Millis(at), &T).map(|state| (at, state.on)));
        }
        all
    }

    #[test]
    fn on_at_once_off_after_three_seconds_and_again_every_ten() {
        let mut mic = MicrophoneManager::default();
        assert_eq!(sent(&mut mic, 0, 99), [(0, false)]);
        mic.demand(ON, Millis(1000), &T);
        assert_eq!(sent(&mut mic, 1000, 11_500), [(1000, true), (11_000, true)]);
        mic.demand(OFF, Millis(12_000), &T);
        mic.demand(OFF, Millis(13_000), &T);
        assert_eq!(sent(&mut mic, 12_000, 40_000), [(15_000, false)]);
    }

    #[test]
    fn wanted_again_within_the_hold_nothing_is_sent() {
        let mut mic = MicrophoneManager::default();
        mic.demand(ON, Millis(0), &T);
        assert_eq!(sent(&mut mic, 0, 1000), [(0, true)]);
        mic.demand(OFF, Millis(1000), &T);
        mic.demand(ON, Millis(3900), &T);
        assert!(sent(&mut mic, 1001, 9_000).is_empty());
    }

    #[test]
    fn unwanted_sound_is_answered_every_five_seconds() {
        let mut mic = MicrophoneManager::default();
        assert_eq!(sent(&mut mic, 0, 0).len(), 1);
        let mut all = Vec::new();
        for at in 1..=6000 {
            mic.heard(Millis(at), &T);
            all.extend(sent(&mut mic, at, at));
        }
        assert_eq!(all, [(1, false), (5001, false)]);
    }

    #[test]
    fn a_change_of_the_kind_of_sound_is_a_change() {
        let mut mic = MicrophoneManager::default();
        mic.demand(ON, Millis(0), &T);
        mic.take(Millis(0), &T);
        mic.demand(MicState { bypass_vad: true, ..ON }, Millis(100), &T);
        assert_eq!(sent(&mut mic, 100, 1000), [(250, true)]);
    }
}
