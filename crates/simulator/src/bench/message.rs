//! What phones and apps send during a load, and how a message is known again when it arrives.
//!
//! Each message carries the time it was scheduled for: as `bench:` and 20 digits inside a string field, which survives any
//! cloud that passes fields on, or as the first 8 bytes of a frame of sound.

use serde_json::Value;

use crate::bench::frame::Opcode;

const MARK: &[u8] = b"bench:";
const DIGITS: usize = 20;

/// Bytes of one frame of sound: 20 ms of 16 kHz PCM with 16 bits.
pub(crate) const AUDIO_FRAME: usize = 640;

/// The app with this number.
pub fn package(app: usize) -> String {
    format!("org.bifocal.bench.{}", app + 1)
}

/// The user with this number.
pub fn user(number: usize) -> String {
    format!("bench-{number:06}@bench.invalid")
}

/// The number of a user of ours.
pub(crate) fn user_number(user: &str) -> Option<usize> {
    user.strip_prefix("bench-")?.strip_suffix("@bench.invalid")?.parse().ok()
}

/// What a load consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `button_press` of a phone, relayed to apps.
    Button,
    /// `display_event` of an app, shown on the glasses.
    Display,
    /// Sound of a phone, relayed to apps.
    Audio,
    /// Sound of a phone, of which apps get the words.
    Speech,
}

impl Kind {
    /// The stream that an app subscribes to for it.
    pub(crate) fn subscription(self) -> Option<&'static str> {
        match self {
            Kind::Button => Some("button_press"),
            Kind::Display => None,
            Kind::Audio => Some("audio_chunk"),
            Kind::Speech => Some("transcription:en-US"),
        }
    }

    /// What carries it.
    pub(crate) fn opcode(self) -> Opcode {
        match self {
            Kind::Button | Kind::Display => Opcode::TEXT,
            Kind::Audio | Kind::Speech => Opcode::BINARY,
        }
    }

    /// Writes the message that is scheduled for `at`.
    pub(crate) fn write(self, out: &mut Vec<u8>, at: u64) {
        use std::io::Write;
        // Writing to a Vec cannot fail.
        let _ = match self {
            Kind::Button => write!(
                out,
                r#"{{"type":"button_press","buttonId":"bench:{at:020}","pressType":"short","timestamp":1767607200000}}"#
            ),
            Kind::Display => write!(
                out,
                r#"{{"type":"display_event","packageName":"{}","sessionId":"","view":"main","layout":{{"layoutType":"text_wall","text":"bench:{at:020}"}},"timestamp":"2026-01-05T10:00:00.000Z"}}"#,
                package(0)
            ),
            Kind::Audio | Kind::Speech => {
                let from = out.len();
                out.extend_from_slice(&at.to_le_bytes());
                out.resize(from + AUDIO_FRAME, 0x55);
                Ok(())
            }
        };
    }
}

/// The scheduled time in a text message, when it is one of ours.
pub(crate) fn time_of_text(text: &[u8]) -> Option<u64> {
    let at = text.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let digits = text.get(at..at + DIGITS)?;
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The scheduled time in a frame of sound, when it is one of ours.
pub(crate) fn time_of_audio(data: &[u8]) -> Option<u64> {
    (data.len() == AUDIO_FRAME).then(|| data.first_chunk()).flatten().map(|time| u64::from_le_bytes(*time))
}

/// Whether a text message has this type, wherever `type` stands in it.
pub(crate) fn is_type(text: &[u8], kind: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(text) else { return false };
    fields.get("type").and_then(Value::as_str) == Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_its_time() {
        for (kind, name) in [(Kind::Button, "button_press"), (Kind::Display, "display_event")] {
            for at in [0, 1_234_567_890_123, u64::MAX] {
                let mut text = Vec::new();
                kind.write(&mut text, at);
                assert!(is_type(&text, name));
                assert_eq!(time_of_text(&text), Some(at), "{name}");
            }
        }
        let mut sound = Vec::new();
        Kind::Audio.write(&mut sound, 77);
        assert_eq!((sound.len(), time_of_audio(&sound)), (AUDIO_FRAME, Some(77)));
    }

    #[test]
    fn messages_of_others_have_none() {
        for text in ["", "bench", "bench:", "bench:123", "{\"type\":\"app_started\"}", "bench:99999999999999999999"] {
            assert_eq!(time_of_text(text.as_bytes()), None, "{text}");
        }
        assert_eq!(time_of_audio(&[0; 64]), None);
    }

    #[test]
    fn users_have_numbers() {
        assert_eq!(user_number(&user(42)), Some(42));
        assert_eq!(user_number("ann@example.org"), None);
    }
}
