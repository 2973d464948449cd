//! On exactly when an app wants sound and the wearer allows it, as told to this connection.

use bifocal_session::{Effect, SessionView};

use super::{Held, Moment, broken};
use crate::cast::Event;
use crate::seen::{Frame, Seen};
use crate::step::{Act, PhoneSays};

const GAP: u64 = 250;
const AGAIN: u64 = 10_000;
/// The hold of the off-edge and the gap.
const SETTLES: u64 = 3_000 + GAP;

#[derive(Debug, Default)]
pub(super) struct Microphone {
    conn: Option<u64>,
    told: Option<(bool, bool)>,
    told_at: u64,
    /// The glasses were away from their phone, and it has not been told again since.
    glasses_back: bool,
    /// What has been wanted, and since when.
    wanted: bool,
    since: u64,
}

impl Microphone {
    pub(super) fn before(&mut self, act: &Act) {
        self.glasses_back |= matches!(act, Act::PhoneSays(_, PhoneSays::Event(Event::Link, _)));
    }

    pub(super) fn effect(&mut self, effect: &Effect, moment: Moment<'_>) -> Held {
        if !matches!(effect, Effect::Send { .. }) {
            return Ok(());
        }
        let Some(Seen::On(conn, Frame::Mic(on, raw))) = Seen::of(effect) else { return Ok(()) };
        let before = self.told.filter(|_| self.conn == Some(conn));
        let after = moment.now - self.told_at;
        let scolded = !on && matches!(moment.act, Some(Act::PhoneSound(..)));
        let ended = matches!(moment.act, Some(Act::End(_)));
        // Whoever does not want to be heard does not wait.
        let silenced = !on && !moment.model.wearer().sensing && before.is_some_and(|(on, _)| on);
        if let Some(before) = before.filter(|_| !scolded && !ended && !silenced) {
            let gap = if before == (on, raw) && !self.glasses_back { AGAIN } else { GAP };
            if after < gap {
                let detail = format!("{:?} after {before:?} and {after} ms", (on, raw));
                return broken("the phone is not told too often about the microphone", detail);
            }
            if before == (on, raw) && !on {
                return broken("the phone is not told too often about the microphone", "off, again");
            }
        }
        self.glasses_back = false;
        (self.conn, self.told, self.told_at) = (Some(conn), Some((on, raw)), moment.now);
        Ok(())
    }

    pub(super) fn after(&mut self, view: &SessionView, settled: bool, moment: Moment<'_>) -> Held {
        if view.state == bifocal_session::SessionState::Disposed {
            return Ok(());
        }
        let wanted = view.snapshot.requires_audio && moment.model.wearer().sensing;
        if wanted != self.wanted {
            (self.wanted, self.since) = (wanted, moment.now);
        }
        let Some(conn) = moment.model.phone() else { return Ok(()) };
        let told = self.told.filter(|_| self.conn == Some(conn)).map(|(on, _)| on);
        let long_enough = moment.now - self.since >= SETTLES && moment.now - self.told_at >= GAP;
        if settled && long_enough && told != Some(wanted) {
            let detail = format!("wanted {wanted} for {} ms, told {told:?}", moment.now - self.since);
            return broken("the microphone is on exactly when sound is wanted", detail);
        }
        Ok(())
    }
}
