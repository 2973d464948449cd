//! flite: English, small and quick (a tenth of a second for a sentence). The voice when nothing is configured.
//!
//! It wants to go back in what it writes, so it writes into a file. Its `-voice` would take a path or a URL as well: only
//! the names of the voices that it lists are handed on.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::program::{self, Speaker};
use super::{Fault, Spoken, Voice, VoiceError, VoiceWish};

/// What our own recogniser understands best.
const DEFAULT_VOICE: &str = "rms";
/// It can only tell the time.
const NO_VOICE: &str = "awb_time";

/// The program.
#[derive(Debug)]
pub(super) struct Flite(Speaker);

impl Flite {
    /// The program at this path, with the name of a voice of its own: `kal`, `kal16`, `awb`, `rms`, `slt`.
    pub(super) fn new(name: Arc<str>, path: PathBuf, voice: Option<String>) -> Self {
        Self(Speaker::new(name, path, voice))
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, Fault> {
        let voices = self.0.voices("-lv", voices).await?;
        let wished = [wish.voice_id.as_deref(), self.0.voice.as_deref(), Some(DEFAULT_VOICE)];
        let voice = wished.into_iter().flatten().find(|name| voices.iter().any(|voice| voice == name));
        let file = tempfile::Builder::new().prefix("bifocal-").suffix(".wav").tempfile().map_err(|_| Fault::Program)?;
        let mut command = self.0.command();
        if let Some(voice) = voice {
            command.args(["-voice", voice]);
        }
        if let Some(pace) = wish.settings.pace() {
            command.arg("--setf").arg(format!("duration_stretch={:.3}", 1.0 / pace));
        }
        command.args(["-f", "/dev/stdin", "-o"]).arg(file.path());
        let written = program::run_into(command, &program::plain(text), file.path()).await?;
        self.0.spoken(&written)
    }
}

/// `Voices available: kal awb_time kal16 awb rms slt`
fn voices(list: &str) -> Vec<String> {
    let names = list.rsplit(':').next().unwrap_or_default().split_whitespace();
    names.filter(|name| *name != NO_VOICE).map(str::to_owned).collect()
}

impl Voice for Flite {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn content_type(&self) -> &'static str {
        "audio/wav"
    }

    fn speak<'a>(&'a self, text: &'a str, wish: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>> {
        Box::pin(async move { self.say(text, wish).await.map_err(|fault| fault.of(&self.0.name)) })
    }
}
