//! flite: English, small and quick (a tenth of a second for a sentence). The voice when nothing is configured.
//!
//! It wants to go back in what it writes, so it writes into a file. Its `-voice` would take a path or a URL as well: only
//! the names of the voices that it lists are handed on.

use std::path::PathBuf;
use std::sync::Arc;

use bifocal_audio::wav;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::{Fault, Spoken, Voice, VoiceError, VoiceWish, program};

/// What our own recogniser understands best.
const DEFAULT_VOICE: &str = "rms";
/// It can only tell the time.
const NO_VOICE: &str = "awb_time";

/// The program.
#[derive(Debug)]
pub(super) struct Flite {
    name: Arc<str>,
    path: PathBuf,
    voice: Option<String>,
    voices: OnceCell<Vec<String>>,
}

impl Flite {
    /// The program at this path, with the name of a voice of its own: `kal`, `kal16`, `awb`, `rms`, `slt`.
    pub(super) fn new(name: Arc<str>, path: PathBuf, voice: Option<String>) -> Self {
        Self { name, path, voice, voices: OnceCell::new() }
    }

    /// The voices that it lists.
    async fn voices(&self) -> Result<&[String], Fault> {
        let list = async {
            let mut command = program::command(&self.path);
            command.arg("-lv");
            let text = program::run(command, "").await?;
            // `Voices available: kal awb_time kal16 awb rms slt`
            let text = String::from_utf8_lossy(&text).into_owned();
            let names = text.rsplit(':').next().unwrap_or_default().split_whitespace();
            Ok(names.filter(|name| *name != NO_VOICE).map(str::to_owned).collect())
        };
        self.voices.get_or_try_init(|| list).await.map(Vec::as_slice)
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, Fault> {
        let voices = self.voices().await?;
        let wished = [wish.voice_id.as_deref(), self.voice.as_deref(), Some(DEFAULT_VOICE)];
        let voice = wished.into_iter().flatten().find(|name| voices.iter().any(|voice| voice == name));
        let file = tempfile::Builder::new().prefix("bifocal-").suffix(".wav").tempfile().map_err(|_| Fault::Program)?;
        let mut command = program::command(&self.path);
        if let Some(voice) = voice {
            command.args(["-voice", voice]);
        }
        if let Some(pace) = wish.settings.pace() {
            command.arg("--setf").arg(format!("duration_stretch={:.3}", 1.0 / pace));
        }
        command.args(["-f", "/dev/stdin", "-o"]).arg(file.path());
        let written = program::run_into(command, &program::plain(text), file.path()).await?;
        let sound = wav::read(&written).map_err(|_| Fault::NotSound)?;
        Ok(Spoken::wav(&self.name, &sound.samples, sound.rate))
    }
}

impl Voice for Flite {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn content_type(&self) -> &'static str {
        "audio/wav"
    }

    fn speak<'a>(&'a self, text: &'a str, wish: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>> {
        Box::pin(async move { self.say(text, wish).await.map_err(|fault| fault.of(&self.name)) })
    }
}
