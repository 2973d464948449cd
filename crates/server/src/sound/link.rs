//! What the task of a phone's socket does with sound: binary frames become samples, and what the phone says about UDP is for
//! the shell alone.

use std::sync::Arc;

use bifocal_audio::Transport;
use bifocal_audio::udp::user_hash;
use bifocal_protocol::glasses::FromPhone;
use bifocal_protocol::ids::UserId;
use bifocal_protocol::{Decoded, Message};
use bifocal_session::ConnId;
use bytes::Bytes;

use crate::registry::SessionHandle;
use crate::shared::Shared;

/// Longest message about UDP; a longer text is none.
const MAX_TEXT: usize = 512;

/// The sound of one connection of a phone.
#[derive(Debug)]
pub(crate) struct SoundLink {
    pub(crate) shared: Arc<Shared>,
    pub(crate) user: UserId,
    pub(crate) conn: ConnId,
    pub(crate) session: SessionHandle,
}

impl SoundLink {
    /// Something came on the socket.
    pub(crate) fn alive(&self) {
        // Only UDP asks for it.
        if self.shared.udp.is_some() {
            self.session.sound.socket_lives(self.shared.clock.now().at.0);
        }
    }

    /// A binary frame: gives its sound as samples, which may be none.
    pub(crate) fn frame(&self, data: Bytes) -> Bytes {
        let now = self.shared.clock.now().at.0;
        self.session.sound.frame(self.conn, data, now, &self.shared.metrics.sound)
    }

    /// Whether a text was about UDP; it is done then.
    pub(crate) fn is_about_udp(&self, text: &str) -> bool {
        let Some(udp) = &self.shared.udp else { return false };
        if text.len() > MAX_TEXT || !text.contains("\"udp_") {
            return false;
        }
        let own = user_hash(self.user.as_str());
        match FromPhone::decode(text) {
            Ok(Decoded::Known(FromPhone::UdpRegister(register))) if register.user_id_hash == own => {
                if self.session.sound.announce(self.conn, Transport::Udp) {
                    udp.register(&self.user, self.session.clone());
                }
                true
            }
            Ok(Decoded::Known(FromPhone::UdpUnregister(register))) if register.user_id_hash == own => {
                self.session.sound.announce(self.conn, Transport::Socket);
                true
            }
            Ok(Decoded::Known(FromPhone::UdpRegister(_) | FromPhone::UdpUnregister(_))) => {
                self.shared.metrics.refused("udp_hash");
                true
            }
            _ => false,
        }
    }

    /// The socket is over.
    pub(crate) fn end(&self) {
        if self.session.sound.end(self.conn)
            && let Some(udp) = &self.shared.udp
        {
            udp.forget(&self.user, &self.session);
        }
    }
}
