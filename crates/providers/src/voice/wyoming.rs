//! A voice over the Wyoming protocol: a connection for each sentence, `synthesize` out, `audio-start`, `audio-chunk`s and
//! `audio-stop` back. Piper speaks it, and everything else that Home Assistant can use as a voice.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::timeout;
use url::Url;

use super::{Fault, Spoken, Voice, VoiceError, VoiceWish, is_elevenlabs_voice};
use crate::wyoming::{Message, Wyoming};

/// For the connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Between two messages. A model that is loaded on first use takes its time.
const PAUSE: Duration = Duration::from_secs(15);
/// For all of it.
const WHOLE: Duration = Duration::from_secs(120);
/// Sound that is taken, in bytes: ten minutes.
const SOUND: usize = 24 << 20;

/// The engine.
#[derive(Debug)]
pub(super) struct WyomingVoice {
    name: Arc<str>,
    /// `tcp://host:port`
    url: Url,
    voice: Option<String>,
}

/// What samples are like, by `audio-start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    rate: u32,
    channels: usize,
}

impl WyomingVoice {
    pub(super) fn new(name: Arc<str>, url: Url, voice: Option<String>) -> Self {
        Self { name, url, voice }
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, Fault> {
        let service = timeout(CONNECT, Wyoming::connect(&self.url)).await.map_err(|_| Fault::TimedOut)?;
        let mut service = service.map_err(|_| Fault::Unreachable)?;
        let wished = wish.voice_id.as_ref().filter(|id| !is_elevenlabs_voice(id)).or(self.voice.as_ref());
        let mut data = json!({ "text": text });
        if let Some(name) = wished {
            data["voice"] = json!({ "name": name });
        }
        let sent = timeout(PAUSE, service.send("synthesize", data, &[])).await.map_err(|_| Fault::TimedOut)?;
        sent.map_err(|_| Fault::Broken)?;
        let (form, sound) = hear(&mut service).await?;
        Ok(Spoken::wav(&self.name, &mixed(&sound, form.channels), form.rate))
    }
}

async fn hear(service: &mut Wyoming) -> Result<(Form, Vec<u8>), Fault> {
    let mut form = None;
    let mut sound = Vec::new();
    loop {
        let message = timeout(PAUSE, service.next()).await.map_err(|_| Fault::TimedOut)?;
        let message = message.map_err(|error| match error.kind() {
            ErrorKind::InvalidData => Fault::NotSound,
            _ => Fault::Broken,
        })?;
        let message = message.ok_or(Fault::Broken)?;
        match message.kind.as_str() {
            "audio-start" => form = Some(Form::of(&message)?),
            "audio-chunk" if sound.len() + message.payload.len() > SOUND => return Err(Fault::TooMuch),
            "audio-chunk" => {
                // A service may begin without a start: each chunk says what it is, too.
                form = Some(form.map_or_else(|| Form::of(&message), Ok)?);
                sound.extend_from_slice(&message.payload);
            }
            "audio-stop" => return Ok((form.ok_or(Fault::NotSound)?, sound)),
            "error" => return Err(Fault::Broken),
            _ => {}
        }
    }
}

impl Form {
    fn of(message: &Message) -> Result<Self, Fault> {
        let number = |key: &str| message.data.get(key).and_then(serde_json::Value::as_u64);
        match (number("rate"), number("width"), number("channels")) {
            (Some(rate @ 4_000..=192_000), Some(2), Some(channels @ 1..=8)) => {
                Ok(Self { rate: rate as u32, channels: channels as usize })
            }
            _ => Err(Fault::NotSound),
        }
    }
}

/// One channel of all.
fn mixed(sound: &[u8], channels: usize) -> Vec<i16> {
    let sample = |bytes: &[u8]| i32::from(i16::from_le_bytes([bytes[0], bytes[1]]));
    let frames = sound.chunks_exact(2 * channels);
    frames.map(|frame| (frame.chunks_exact(2).map(sample).sum::<i32>() / channels as i32) as i16).collect()
}

impl Voice for WyomingVoice {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn content_type(&self) -> &'static str {
        "audio/wav"
    }

    fn speak<'a>(&'a self, text: &'a str, wish: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>> {
        Box::pin(async move {
            let said = timeout(WHOLE, self.say(text, wish)).await.unwrap_or(Err(Fault::TimedOut));
            said.map_err(|fault| fault.of(&self.name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn channels_become_one() {
        assert_eq!(mixed(&[10, 0, 20, 0, 255, 255, 255], 2), [15]);
        assert_eq!(mixed(&[10, 0, 20, 0, 9], 1), [10, 20]);
    }

    #[test]
    fn only_sound_that_can_be_is_sound() {
        let form = |data: Value| {
            let data = data.as_object().expect("an object").clone();
            Form::of(&Message { kind: "audio-start".to_owned(), data, payload: bytes::Bytes::new() })
        };
        let good = Form { rate: 22_050, channels: 1 };
        assert_eq!(form(json!({"rate": 22050, "width": 2, "channels": 1})), Ok(good));
        for wrong in [
            json!({}),
            json!({"rate": 0, "width": 2, "channels": 1}),
            json!({"rate": 22050, "width": 4, "channels": 1}),
            json!({"rate": 22050, "width": 2, "channels": 0}),
            json!({"rate": "22050", "width": 2, "channels": 1}),
        ] {
            assert_eq!(form(wrong.clone()), Err(Fault::NotSound), "{wrong}");
        }
    }
}
