//! From what apps want to hear to what the phone is told.

use bifocal_protocol::glasses::{MicrophoneStateChange, RequiredData, ToPhone};

use crate::effect::{Effects, Lane, LatestKey};
use crate::input::ConnId;
use crate::microphone::{MicState, SoundKind};
use crate::now::Now;
use crate::session::UserSession;
use crate::subscriptions::SoundDemand;

/// Asks for what the subscriptions need, when they have changed, and tells the phone what is due. Nobody listens while
/// `sensingEnabled` is off. Words are recognised by an engine of the cloud, or by the phone: when no engine is well, or when
/// the user wants it so.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let system = &s.settings.system;
    let (sensing, on_phone) = (system.sensing_enabled, system.enforce_local_transcription);
    let seen = (s.subscriptions.revision(), sensing, s.speech.is_available(), on_phone);
    if s.mic_seen != seen {
        s.mic_seen = seen;
        let demand = s.subscriptions.sound();
        let on = demand != SoundDemand::default();
        let by_phone = demand.words && (on_phone || !s.speech.is_available());
        let sound = demand.raw || demand.voice || (demand.translated && s.speech.is_available());
        let kind = match (by_phone, sound) {
            (false, _) => SoundKind::Pcm,
            (true, true) => SoundKind::Both,
            (true, false) => SoundKind::Words,
        };
        let state = MicState { on, bypass_vad: on && demand.raw, kind: if on { kind } else { SoundKind::Pcm } };
        if sensing {
            s.microphone.demand(state, now.at, &timings);
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
        required_data: match state.kind {
            _ if !state.on => Vec::new(),
            SoundKind::Pcm => vec![RequiredData::Pcm],
            SoundKind::Words => vec![RequiredData::Transcription],
            SoundKind::Both => vec![RequiredData::Pcm, RequiredData::Transcription],
        },
        bypass_vad: state.bypass_vad,
        timestamp: now.wall,
    };
    out.send(conn, Lane::Latest(LatestKey::Mic), &ToPhone::MicrophoneStateChange(change));
}
