//! espeak-ng: more than a hundred languages, in a voice that nobody takes for a human's. Run, never linked: it is GPL.
//!
//! A voice is a name that the program lists (`de`, `en-gb`, `pt-br`); others are not handed on, for it reads files by them.

use std::path::PathBuf;
use std::sync::Arc;

use bifocal_audio::wav;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::{Fault, Spoken, Voice, VoiceError, VoiceWish, program};

/// Its own default, in words a minute.
const WORDS_A_MINUTE: f64 = 175.0;

/// The program.
#[derive(Debug)]
pub(super) struct Espeak {
    name: Arc<str>,
    path: PathBuf,
    voice: Option<String>,
    voices: OnceCell<Vec<String>>,
}

impl Espeak {
    /// The program at this path, with the name of a language or voice of its own.
    pub(super) fn new(name: Arc<str>, path: PathBuf, voice: Option<String>) -> Self {
        Self { name, path, voice, voices: OnceCell::new() }
    }

    /// The languages that it lists.
    async fn voices(&self) -> Result<&[String], Fault> {
        let list = async {
            let mut command = program::command(&self.path);
            command.arg("--voices");
            let text = program::run(command, "").await?;
            // ` 5  af              --/M      Afrikaans          gmw/af`, after a line of headings
            let text = String::from_utf8_lossy(&text).into_owned();
            let languages = text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
            Ok(languages.map(str::to_owned).collect())
        };
        self.voices.get_or_try_init(|| list).await.map(Vec::as_slice)
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, Fault> {
        let voices = self.voices().await?;
        let known = |name: &str| voices.iter().find(|voice| voice.eq_ignore_ascii_case(name));
        let voice = [&wish.voice_id, &self.voice].into_iter().flatten().find_map(|name| known(name));
        let mut command = program::command(&self.path);
        command.args(["--stdin", "--stdout", "-b", "1"]);
        if let Some(voice) = voice {
            command.args(["-v", voice]);
        }
        if let Some(pace) = wish.settings.pace() {
            command.arg("-s").arg(format!("{:.0}", WORDS_A_MINUTE * pace));
        }
        let written = program::run(command, &program::plain(text)).await?;
        let sound = wav::read(&written).map_err(|_| Fault::NotSound)?;
        Ok(Spoken::wav(&self.name, &sound.samples, sound.rate))
    }
}

impl Voice for Espeak {
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
