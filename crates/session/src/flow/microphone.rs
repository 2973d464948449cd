//! From what apps want to hear to what the phone is told.

use bifocal_protocol::glasses::{MicrophoneStateChange, RequiredData, ToPhone};

use crate::effect::{Effects, Lane, LatestKey};
use crate::input::ConnId;
use crate::microphone::MicState;
use crate::now::Now;
use crate::session::UserSession;

/// Asks for what the subscriptions need, when they have changed, and tells the phone what is due. Nobody listens while
/// `sensingEnabled` is off.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let seen = (s.subscriptions.revision(), s.settings.system.sensing_enabled);
    if s.mic_seen != seen {
        s.mic_seen = seen;
        let (on, raw) = s.subscriptions.sound();
        if s.settings.system.sensing_enabled {
            s.microphone.demand(MicState { on, bypass_vad: on && raw }, now.at, &timings);
        } else {
            s.microphone.silence();
        }
    }
    let Some(conn) = s.glasses_link().map(|link| link.conn) else { return };
    if let Some(state) = s.microphone.take(now.at, &timings) {
        say_mic(s, conn, state, now, out);
    }
}

/// `microphone_state_change`. Phones decide by `requiredData`, simulators by `isMicrophoneEnabled`.
pub(crate) fn say_mic(s: &UserSession, conn: ConnId, state: MicState, now: Now, out: &mut Effects) {
    let change = MicrophoneStateChange {
        session_id: s.user.to_string(),
        is_microphone_enabled: state.on,
        required_data: if state.on { vec![RequiredData::Pcm] } else { Vec::new() },
        bypass_vad: state.bypass_vad,
        timestamp: now.wall,
    };
    out.send(conn, Lane::Latest(LatestKey::Mic), &ToPhone::MicrophoneStateChange(change));
}
