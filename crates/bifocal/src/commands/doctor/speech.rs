//! `bifocal doctor --speech`: speaks a sentence to the configured speech engine, as fast as people do, and prints where the time
//! went, hop by hop.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bifocal_audio::wav;
use bifocal_providers::voice::{VoiceConfig, VoiceWish, Voices};
use bifocal_providers::{Event, Failure, FailureKind, Need, Recognizers, Stream};
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::cli::Doctor;
use crate::commands::print;
use crate::config::Settings;
use crate::table::table;

const SENTENCE: &str = "turn on the lights in the kitchen";
/// Bytes of a millisecond: 16 kHz, 16 bit, mono.
const BYTES_PER_MS: usize = 32;
/// As phones send it.
const FRAME_MS: usize = 100;
/// After the sentence, so that every engine finds its end.
const SILENCE_MS: usize = 1_000;
/// Samples that are louder are speech.
const LOUD: u16 = 500;
/// No recording is longer.
const LONGEST_MS: usize = 60_000;
/// From the request to an engine that listens, and from the end of the sound to the last words.
const OPENING: Duration = Duration::from_secs(15);
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Sound, where it comes from, and how long that took.
struct Sound {
    pcm: Bytes,
    from: String,
    took: Duration,
}

/// What came back, and when.
struct Understood {
    first: Option<(String, Instant)>,
    finals: Vec<String>,
    last_at: Option<Instant>,
}

/// Prints the table; exit 1 when nothing was understood.
pub(super) async fn speech(settings: &Settings, doctor: &Doctor) -> Result<ExitCode> {
    let engines = Recognizers::new(settings.speech()).context("configuration")?;
    if let Some(name) = &doctor.engine
        && !engines.has(name)
    {
        let known: Vec<String> = engines.table().iter().map(|row| row.name.to_string()).collect();
        bail!("--engine: there is no such engine; there are: {}", known.join(", "));
    }
    let sound = match &doctor.recording {
        Some(file) => recorded(file)?,
        None => said(settings, doctor.say.as_deref().unwrap_or(SENTENCE)).await?,
    };
    let (begins, ends) = voice_in(&sound.pcm).ok_or_else(|| anyhow!("text → sound: there is only silence in it"))?;

    let asked = Instant::now();
    let opened = engines.open(&Need::language(&doctor.language), doctor.engine.as_deref(), &[]);
    let mut stream = opened.map_err(|failure| told("sound → engine", &failure))?;
    if doctor.engine.as_deref().is_some_and(|name| *name != *stream.engine) {
        bail!("sound → engine: that engine does not know {}, or cannot be used: see bifocal doctor", doctor.language);
    }
    match timeout(OPENING, stream.events.recv()).await {
        Ok(Some(Event::Opened)) => {}
        Ok(Some(Event::Failed(failure))) => return Err(told("sound → engine", &failure)),
        Ok(_) => bail!("sound → engine: {} ended before it began", stream.engine),
        Err(_) => bail!("sound → engine: {} did not answer within {} s", stream.engine, OPENING.as_secs()),
    }
    let opening = asked.elapsed();

    let engine = stream.engine.clone();
    let began = Instant::now();
    let understood = listen(stream, &sound.pcm, began).await?;
    let since = |at: Instant, ms: usize| ms_of(at.saturating_duration_since(began + Duration::from_millis(ms as u64)));
    let length = sound.pcm.len() as f64 / (1000 * BYTES_PER_MS) as f64;
    let mut rows = vec![
        row("text → sound", &format!("{}, {length:.1} s", sound.from), ms_of(sound.took)),
        row("engine listens", &engine, ms_of(opening)),
    ];
    if let Some((words, at)) = &understood.first {
        rows.push(row("first words", &format!("“{words}”"), since(*at, begins) + " after the first sound"));
    }
    let text = understood.finals.join(" ");
    if let Some(at) = understood.last_at {
        rows.push(row("last words", &format!("“{text}”"), since(at, ends) + " after the last sound"));
    }
    print(&table(&["HOP", "WHAT", "TIME"], &rows));
    if text.is_empty() {
        bail!(
            "engine → words: {engine} has heard {length:.1} s of sound and understood nothing; is {} its language?",
            doctor.language
        );
    }
    print(
        "\nFrom there to an app and back to the display it is a few milliseconds: see bifocal_words_seconds in /metrics.\n",
    );
    Ok(ExitCode::SUCCESS)
}

/// What the configured voice makes of a text; if that is no WAV, what one of this machine does.
async fn said(settings: &Settings, text: &str) -> Result<Sound> {
    const HINT: &str = "text → sound: install flite or espeak-ng, or give a recording: --recording FILE.wav";
    let mut failure = None;
    for config in [settings.voice(), VoiceConfig::default()] {
        let asked = Instant::now();
        let spoken = match Voices::new(config).context("text → sound")?.speak(text, &VoiceWish::default()).await {
            Ok(spoken) if spoken.content_type == "audio/wav" => spoken,
            Ok(spoken) => {
                failure.get_or_insert(anyhow!("{} speaks {}", spoken.engine, spoken.content_type));
                continue;
            }
            Err(error) => {
                failure.get_or_insert(error.into());
                continue;
            }
        };
        let from = spoken.engine.to_string();
        let parts: Vec<Bytes> = spoken.body.try_collect().await.context("text → sound")?;
        return sound(&parts.concat(), from, asked.elapsed()).context("text → sound");
    }
    Err(failure.unwrap_or_else(|| anyhow!("no voice")).context(HINT))
}

/// A file of the user's.
fn recorded(file: &Path) -> Result<Sound> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    sound(&bytes, name, Duration::ZERO).with_context(|| format!("{} cannot be played", file.display()))
}

fn sound(file: &[u8], from: String, took: Duration) -> Result<Sound> {
    let pcm = wav::read_for_glasses(file)?;
    if pcm.len() > LONGEST_MS * BYTES_PER_MS {
        bail!("it is longer than {} s", LONGEST_MS / 1000);
    }
    Ok(Sound { pcm, from, took })
}

/// Where the first and the last loud sample are, in milliseconds.
fn voice_in(pcm: &[u8]) -> Option<(usize, usize)> {
    let is_loud = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > LOUD;
    let mut loud =
        pcm.chunks_exact(2).enumerate().filter(|(_, pair)| is_loud(pair)).map(|(at, _)| at * 2 / BYTES_PER_MS);
    let first = loud.next()?;
    Some((first, loud.next_back().unwrap_or(first)))
}

/// Speaks, and takes down what comes back until the engine has said everything.
async fn listen(mut stream: Stream, pcm: &Bytes, began: Instant) -> Result<Understood> {
    let mut sound = pcm.to_vec();
    sound.resize(sound.len() + SILENCE_MS * BYTES_PER_MS, 0);
    let sound = Bytes::from(sound);
    let length = Duration::from_millis((sound.len() / BYTES_PER_MS) as u64);
    let commands = stream.commands;
    let speak = async {
        for (nth, frame) in sound.chunks(FRAME_MS * BYTES_PER_MS).enumerate() {
            // A frame is sent when it has been spoken.
            sleep_until(began + Duration::from_millis((FRAME_MS * (nth + 1)) as u64)).await;
            // One that has ended says why itself.
            if commands.try_audio(sound.slice_ref(frame)).is_err() {
                return;
            }
        }
        let _ = commands.finalise();
        let _ = commands.close();
    };
    let engine = stream.engine.clone();
    let hear = async {
        let mut understood = Understood { first: None, finals: Vec::new(), last_at: None };
        loop {
            match timeout_at(began + length + LAST_WORDS, stream.events.recv()).await {
                Err(_) => bail!(
                    "engine → words: {engine} has not finished {} s after the end of the sound",
                    LAST_WORDS.as_secs()
                ),
                Ok(Some(Event::Heard(heard))) if !heard.text.is_empty() => {
                    let now = Instant::now();
                    understood.first.get_or_insert_with(|| (heard.text.clone(), now));
                    if heard.is_final {
                        understood.finals.push(heard.text);
                        understood.last_at = Some(now);
                    }
                }
                Ok(Some(Event::Failed(failure))) => return Err(told("engine → words", &failure)),
                Ok(Some(Event::Closed) | None) => return Ok(understood),
                Ok(Some(_)) => {}
            }
        }
    };
    let ((), understood) = tokio::join!(speak, hear);
    understood
}

/// Which hop failed, why, and what to do.
fn told(hop: &str, failure: &Failure) -> anyhow::Error {
    let advice = match &failure.kind {
        FailureKind::Refused => "look at its key_env, key_file and url under [[speech.engines]]".to_owned(),
        FailureKind::Busy { .. } => "wait, or configure a second engine".to_owned(),
        FailureKind::Lost | FailureKind::Stalled => {
            "does it run, is its url right, does a firewall stand between?".to_owned()
        }
        FailureKind::Unsupported { suggestions } => format!("try --language {}", suggestions.join(", ")),
        FailureKind::Unavailable => {
            "docs/speech.md has the engines; without any: install pocketsphinx and pocketsphinx-en-us".to_owned()
        }
    };
    anyhow!("{hop}: {failure} ({advice})")
}

fn row(hop: &str, what: &str, time: String) -> Vec<String> {
    vec![hop.to_owned(), what.to_owned(), time]
}

fn ms_of(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voice_is_between_the_silences() {
        let samples = |ms: usize, sample: i16| std::iter::repeat_n(sample, ms * 16);
        let pcm = |parts: [(usize, i16); 3]| -> Vec<u8> {
            parts.into_iter().flat_map(|(ms, sample)| samples(ms, sample)).flat_map(i16::to_le_bytes).collect()
        };
        assert_eq!(voice_in(&pcm([(200, 100), (300, -9_000), (100, 0)])), Some((200, 499)));
        assert_eq!(voice_in(&pcm([(200, 100), (300, 400), (100, 0)])), None);
    }
}
