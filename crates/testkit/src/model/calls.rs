//! Slow things: which numbers the session gave them, who waits for them, and what happens when they end.

use bifocal_protocol::close::Close;
use bifocal_protocol::ids::PackageName;
use bifocal_session::{Call, Effect, WebhookKind};

use super::Model;
use super::apps::{Phase, Probe, Webhook};
use crate::cast::{self, Wearer};
use crate::seen::{Frame, Seen};
use crate::step::{CallKind, Ending};

impl Model {
    /// Learns the numbers that the session gave to its calls.
    pub fn learn(&mut self, effects: &[Effect]) {
        for effect in effects {
            let Effect::Call { call, what } = effect else { continue };
            let number = call.0;
            let app = |package: &PackageName| cast::number(package.as_str());
            match what {
                Call::LoadUser => self.load.call = Some(number),
                Call::VerifyToken { .. } => {
                    if let Some((call, _)) = &mut self.token {
                        *call = number;
                    }
                }
                Call::Webhook { kind, app: record, .. } => match (kind, self.phase_mut(app(&record.package))) {
                    (WebhookKind::Start, Some(Phase::Starting { webhook: Webhook::Asked { call, .. }, .. }))
                    | (WebhookKind::Stop, Some(Phase::Stopping { call, .. })) => *call = number,
                    _ => {}
                },
                Call::Health { app: record } => {
                    if let Some(
                        Phase::Grace { probe: Probe::Asked(call), .. } | Phase::Failed { probe: Probe::Asked(call) },
                    ) = self.phase_mut(app(&record.package))
                    {
                        *call = number;
                    }
                }
                Call::Photo(_) => self.learn_photo(number),
                _ => {}
            }
        }
    }

    /// Whether a call of this kind is waited for: what a driver would answer first.
    pub fn awaits(&self, kind: CallKind, call: u32) -> bool {
        match kind {
            CallKind::Load => self.load.call == Some(call),
            CallKind::Token => self.token.is_some_and(|(number, _)| number == call),
            CallKind::Save => false,
            CallKind::Photo(_) => self.waits_for_photo(call),
            CallKind::Start(_) | CallKind::Stop(_) | CallKind::Health(_) => self.app_waiting_for(call).is_some(),
        }
    }

    pub(super) fn waits_for(&self, call: u32, ending: Ending) -> bool {
        match ending {
            Ending::Loaded => self.load.call == Some(call),
            Ending::Token(_) => self.token.is_some_and(|(number, _)| number == call),
            _ if self.waits_for_photo(call) => true,
            Ending::Saved | Ending::Photo => false,
            Ending::Failed if self.load.call == Some(call) => true,
            Ending::Failed | Ending::Status(_) | Ending::Health { .. } => self.app_waiting_for(call).is_some(),
        }
    }

    pub(super) fn call_ends(&mut self, call: u32, ending: Ending, stored: &Wearer, now: u64) {
        match ending {
            _ if self.waits_for_photo(call) => self.photo_ends(call, ending),
            Ending::Loaded => self.loaded(stored, now),
            Ending::Failed if self.load.call == Some(call) => self.load_failed(now),
            Ending::Token(good) => {
                let Some((_, conn)) = self.token.take() else { return };
                if good {
                    return self.on(conn, Frame::PhoneAck);
                }
                self.on(conn, Frame::PhoneError);
                self.out.push(Seen::close(conn, Close::GlassesRejected));
                self.closed(conn, 1008, now);
            }
            Ending::Saved | Ending::Photo => {}
            _ => {
                if let Some(app) = self.app_waiting_for(call) {
                    self.app_call_ends(app, ending, now);
                }
            }
        }
    }
}
