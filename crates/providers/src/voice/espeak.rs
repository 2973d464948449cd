//! espeak-ng: more than a hundred languages, in a voice that nobody takes for a human's. Run, never linked: it is GPL.
//!
//! A voice is a name that the program lists (`de`, `en-gb`, `pt-br`); others are not handed on, for it reads files by them.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::program::{self, Speaker};
use super::{Fault, Spoken, Voice, VoiceError, VoiceWish};

/// Its own default, in words a minute.
const WORDS_A_MINUTE: f64 = 175.0;

/// The program.
#[derive(Debug)]
pub(super) struct Espeak(Speaker);

impl Espeak {
    /// The program at this path, with the name of a language or voice of its own.
    pub(super) fn new(name: Arc<str>, path: PathBuf, voice: Option<String>) -> Self {
        Self(Speaker::new(name, path, voice))
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, Fault> {
        let voices = self.0.voices("--voices", languages).await?;
        let known = |name: &str| voices.iter().find(|voice| voice.eq_ignore_ascii_case(name));
        let voice = [&wish.voice_id, &self.0.voice].into_iter().flatten().find_map(|name| known(name));
        let mut command = self.0.command();
        command.args(["--stdin", "--stdout", "-b", "1"]);
        if let Some(voice) = voice {
            command.args(["-v", voice]);
        }
        if let Some(pace) = wish.settings.pace() {
            command.arg("-s").arg(format!("{:.0}", WORDS_A_MINUTE * pace));
        }
        let written = program::run(command, &program::plain(text)).await?;
        self.0.spoken(&written)
    }
}

/// ` 5  af              --/M      Afrikaans          gmw/af`, after a line of headings.
fn languages(list: &str) -> Vec<String> {
    list.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

impl Voice for Espeak {
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
