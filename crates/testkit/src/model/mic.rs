//! The microphone: what is wanted, when it goes off, what the phone was told.

const HOLD: u64 = 3_000;
const GAP: u64 = 250;
const AGAIN: u64 = 10_000;
const SCOLD: u64 = 5_000;

/// On, and all sound.
type State = (bool, bool);

#[derive(Debug, Clone, Default)]
pub(super) struct Mic {
    wanted: State,
    off_at: Option<u64>,
    told: Option<State>,
    told_at: Option<u64>,
    scolded_at: Option<u64>,
}

impl Mic {
    /// What apps want now. A wearer who does not want to be heard is obeyed at once.
    pub(super) fn demand(&mut self, wanted: State, sensing: bool, now: u64) {
        if !sensing {
            self.told_at = self.told_at.filter(|_| !self.wanted.0);
            self.goes_off();
        } else if wanted.0 {
            (self.wanted, self.off_at) = (wanted, None);
        } else if self.wanted.0 && self.off_at.is_none() {
            self.off_at = Some(now + HOLD);
        }
    }

    pub(super) fn off_at(&self) -> Option<u64> {
        self.off_at
    }

    pub(super) fn goes_off(&mut self) {
        (self.wanted, self.off_at) = ((false, false), None);
    }

    pub(super) fn new_connection(&mut self) {
        (self.told, self.told_at) = (None, None);
    }

    /// The glasses came back to their phone: their microphone has stopped.
    pub(super) fn glasses_back(&mut self) {
        if self.wanted.0 {
            self.told = None;
        }
    }

    /// Sound came. When it should not, the phone is told so, but not all the time.
    pub(super) fn sound_came(&mut self, now: u64) {
        let lately = self.scolded_at.is_some_and(|at| now - at < SCOLD);
        if !self.wanted.0 && self.told == Some(self.wanted) && !lately {
            self.scolded_at = Some(now);
            self.new_connection();
        }
    }

    /// What to tell a phone that is there, now.
    pub(super) fn take(&mut self, here: bool, now: u64) -> Option<State> {
        if !here || !self.is_due(now) {
            return None;
        }
        (self.told, self.told_at) = (Some(self.wanted), Some(now));
        self.told
    }

    /// Whether something is to be told now.
    pub(super) fn is_due(&self, now: u64) -> bool {
        let over = |gap| self.told_at.is_none_or(|at| at + gap <= now);
        if self.told == Some(self.wanted) { self.wanted.0 && over(AGAIN) } else { over(GAP) }
    }

    /// The phone was told this.
    pub(super) fn was_told(&mut self, state: State, now: u64) {
        (self.told, self.told_at) = (Some(state), Some(now));
    }

    pub(super) fn wanted(&self) -> State {
        self.wanted
    }

    pub(super) fn told_on(&self) -> bool {
        self.told.is_some_and(|(on, _)| on)
    }
}
