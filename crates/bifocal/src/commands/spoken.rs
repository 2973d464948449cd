//! `bifocal demo --say TEXT` and `bifocal demo FILE.wav`: sound goes into the glasses, and what an engine makes of it comes back
//! as text on the display.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bifocal_audio::wav;
use bifocal_providers::voice::{VoiceConfig, VoiceWish, Voices};
use bifocal_providers::{Recognizers, SpeechConfig};
use bifocal_simulator::{Outcome, Phone, PhoneEvent, Watch, plain, script};
use futures_util::TryStreamExt;
use tokio::time::{Instant, timeout, timeout_at};

/// What the wearer does before anybody speaks.
const SCRIPT: &str = "start org.bifocal.captions\nexpect \"Listening\" within 5\naudio spoken.wav\n";
const FILE: &str = "spoken.wav";
/// From the end of the sound to the first words.
const LONGEST: Duration = Duration::from_secs(15);
/// Words that have not changed for so long are final.
const SETTLED: Duration = Duration::from_secs(3);

/// A recording that is to be spoken into the glasses.
pub(super) struct Sound {
    folder: tempfile::TempDir,
}

/// What a voice makes of a text.
pub(super) async fn said(text: &str) -> Result<Sound> {
    let voices = Voices::new(VoiceConfig::default()).context("text → voice")?;
    let hint = "text → voice: install flite or espeak-ng, or give a recording: bifocal demo FILE.wav";
    let spoken = voices.speak(text, &VoiceWish::default()).await.context(hint)?;
    let parts: Vec<_> = spoken.body.try_collect().await.context("text → voice")?;
    keep(&parts.concat())
}

/// A file of the user's.
pub(super) fn recorded(file: &Path) -> Result<Sound> {
    let sound = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    wav::read(&sound).with_context(|| format!("{} cannot be played", file.display()))?;
    keep(&sound)
}

fn keep(sound: &[u8]) -> Result<Sound> {
    let folder = tempfile::Builder::new().prefix("bifocal-spoken-").tempdir().context("the temporary folder")?;
    std::fs::write(folder.path().join(FILE), sound).context("the temporary folder")?;
    Ok(Sound { folder })
}

impl Sound {
    /// Plays it, prints what is drawn, and says whether anything was understood.
    pub(super) async fn play(self, phone: &Phone) -> Result<ExitCode> {
        if !Recognizers::new(SpeechConfig::default())?.available() {
            bail!(
                "sound → words: no speech engine is installed; on Debian and Ubuntu, install pocketsphinx and \
                 pocketsphinx-en-us"
            );
        }
        let mut watch = phone.watch();
        let script = script::parse(SCRIPT).map_err(|error| anyhow::anyhow!("the script of the demo: {error}"))?;
        let outcome = plain::run_plain(phone, &script, self.folder.path(), std::io::stdout()).await;
        if let Outcome::Failed { statement, why, .. } = &outcome {
            bail!("{statement}: {why}");
        }
        let Some(frame) = words(&mut watch).await else {
            bail!("sound → words: the engine understood nothing within {} s", LONGEST.as_secs());
        };
        super::print(&frame);
        Ok(ExitCode::SUCCESS)
    }
}

/// The display, when there are words on it that do not change any more.
async fn words(watch: &mut Watch) -> Option<String> {
    let until = Instant::now() + LONGEST;
    let is_words = |watch: &Watch| {
        let text = watch.state().screen.frame_text();
        !text.trim().is_empty() && !text.contains("Listening") && !text.contains("Starting App")
    };
    while !is_words(watch) {
        timeout_at(until, watch.next()).await.ok()?;
    }
    while timeout(SETTLED, next_display(watch)).await.is_ok() {}
    Some(watch.state().screen.framed())
}

async fn next_display(watch: &mut Watch) {
    while !matches!(watch.next().await, PhoneEvent::Display { .. }) {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_script_is_one() {
        assert!(bifocal_simulator::script::parse(super::SCRIPT).is_ok());
    }
}
