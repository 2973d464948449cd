//! From sound to words: what is wanted, what the engines are given, and whom their words go to.

use bifocal_protocol::apps::AppErrorCode;
use bifocal_protocol::events::{TranscriptionData, TranslationData};
use bifocal_protocol::glasses::LocalTranscription;
use bytes::Bytes;
use serde_json::Number;

use crate::effect::{Effects, Note};
use crate::flow::app::reply_error;
use crate::now::Now;
use crate::relay::relay_words;
use crate::session::UserSession;
use crate::speech::{Heard, Said, SpeechEvent, SpeechId, SpeechNeed, Transcript, Wanted, Words};
use crate::subscriptions::Topic;

/// Makes what is recognised what apps want, when that has changed. Nothing is while `sensingEnabled` is off.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    s.speech.prefer(s.settings.system.speech_engine.as_deref());
    let sensing = s.settings.system.sensing_enabled;
    let seen = (s.subscriptions.revision(), sensing);
    if s.speech_seen == seen {
        return;
    }
    s.speech_seen = seen;
    let UserSession { lag, subscriptions, .. } = s;
    lag.keep(|app| subscriptions.list(app).next().is_some());
    let needs = if sensing { s.subscriptions.speech().collect() } else { Default::default() };
    s.speech.want(Wanted { needs }, now.at, &s.config.timings, out);
    tell_refused(s, now, out);
}

/// Sound of the wearer.
pub(crate) fn sound(s: &mut UserSession, samples: Bytes, now: Now, out: &mut Effects) {
    s.speech.sound(samples, now.at, &s.config.timings, out);
}

/// A stream of an engine says something.
pub(crate) fn said(s: &mut UserSession, stream: SpeechId, event: SpeechEvent, now: Now, out: &mut Effects) {
    let failed = matches!(event, SpeechEvent::Failed(_));
    let all = s.speech.says(stream, event, now.at, &s.config.timings, out);
    all.into_iter().for_each(|said| tell(s, said, now, out));
    if failed {
        tell_refused(s, now, out);
    }
}

/// Some engine is well again, or none is any more.
pub(crate) fn engines(s: &mut UserSession, available: bool, now: Now, out: &mut Effects) {
    s.speech.engines(available, now.at, &s.config.timings, out);
}

/// Something is due of a stream.
pub(crate) fn due(s: &mut UserSession, now: Now, out: &mut Effects) {
    let all = s.speech.due(now.at, &s.config.timings, out);
    all.into_iter().for_each(|said| tell(s, said, now, out));
}

/// `local_transcription`: words that the phone recognised. Apps get them like any other, unless an engine is recognising the
/// same sound for them.
pub(crate) fn local_words(s: &mut UserSession, words: LocalTranscription, now: Now, out: &mut Effects) {
    if !s.settings.system.sensing_enabled {
        return;
    }
    let language = words.transcribe_language.or(words.language).unwrap_or_else(|| "en-US".to_owned());
    let data = TranscriptionData {
        text: words.text,
        is_final: words.is_final,
        start_time: words.start_time.unwrap_or_else(|| 0.into()),
        end_time: words.end_time.unwrap_or_else(|| 0.into()),
        speaker_id: words.speaker_id,
        transcribe_language: Some(language.clone()),
        provider: words.provider,
        utterance_id: None,
        detected_language: None,
        duration: None,
        confidence: None,
        metadata: None,
    };
    let served = s.speech.served(now.at, &s.config.timings);
    s.speech.settled_elsewhere();
    remember(s, &language, "local", None, &data.text, data.is_final, now);
    let topic = Topic::Speech { spoken: &language, served: &served };
    relay_words(s, topic, &json(&data), Some(data.is_final), now, out);
}

/// Words of an engine, to every app that wants them.
fn tell(s: &mut UserSession, said: Said, now: Now, out: &mut Effects) {
    let Said { need, engine, words, lag } = said;
    let Heard { is_final, .. } = words.heard;
    out.note(Note::SpeechHeard { engine: engine.clone(), lag, is_final });
    if is_final && let Some(lag) = lag {
        s.subscriptions.wanting(&need).for_each(|app| s.lag.relayed(app, lag, now.at));
    }
    let provider = engine.map(|engine| engine.to_string());
    let Words { utterance, heard } = words;
    let data = match &need.translate {
        None => {
            let language = heard.language.clone().unwrap_or_else(|| need.language.to_string());
            let speaker = heard.speaker.clone();
            remember(s, &language, &utterance, speaker, &heard.text, is_final, now);
            json(&transcription(&need, provider, utterance, heard))
        }
        Some(to) => json(&translation(&need, to, provider, utterance, heard)),
    };
    relay_words(s, Topic::Recognised(&need), &data, Some(is_final), now, out);
}

fn transcription(need: &SpeechNeed, provider: Option<String>, utterance: String, heard: Heard) -> TranscriptionData {
    let Heard { text, is_final, start_ms, end_ms, language, speaker, confidence, .. } = heard;
    TranscriptionData {
        text,
        is_final,
        utterance_id: Some(utterance),
        transcribe_language: Some(need.language.to_string()),
        detected_language: language,
        start_time: start_ms.into(),
        end_time: end_ms.into(),
        speaker_id: speaker.map(Into::into),
        duration: Some(end_ms.saturating_sub(start_ms).into()),
        provider,
        confidence: confidence.and_then(|sure| Number::from_f64(f64::from(sure))),
        metadata: None,
    }
}

/// Said in the target language already, or not to be translated: the words as they are, and a mark that says so.
fn translation(
    need: &SpeechNeed,
    to: &str,
    provider: Option<String>,
    utterance: String,
    heard: Heard,
) -> TranslationData {
    let Heard { text, is_final, start_ms, end_ms, language, speaker, confidence, translation, .. } = heard;
    let any = matches!(&*need.language, "all" | "auto");
    let from = language.filter(|_| any).unwrap_or_else(|| need.language.to_string());
    let did_translate = translation.is_some();
    TranslationData {
        text: translation.unwrap_or_else(|| text.clone()),
        original_text: Some(text),
        is_final,
        start_time: start_ms.into(),
        end_time: end_ms.into(),
        speaker_id: speaker.map(Into::into),
        duration: Some(end_ms.saturating_sub(start_ms).into()),
        transcribe_language: Some(from),
        translate_language: Some(to.to_owned()),
        did_translate: Some(did_translate),
        provider,
        confidence: confidence.and_then(|sure| Number::from_f64(f64::from(sure))),
        utterance_id: Some(utterance),
    }
}

fn remember(
    s: &mut UserSession,
    language: &str,
    utterance: &str,
    speaker: Option<String>,
    text: &str,
    is_final: bool,
    now: Now,
) {
    s.totals.transcripts += 1;
    let (utterance, language, text) = (utterance.to_owned(), language.into(), text.to_owned());
    let said = Transcript { utterance, language, speaker, text, at: now.wall, is_final };
    s.speech.history.add(said, s.config.timings.speech_history);
}

/// Tells apps of what no engine will recognise for them; each once.
fn tell_refused(s: &mut UserSession, now: Now, out: &mut Effects) {
    let UserSession { speech, subscriptions, apps, .. } = s;
    for stream in speech.refused() {
        let need = stream.need().clone();
        let Some(why) = stream.refused().map(str::to_owned) else { continue };
        for app in subscriptions.wanting(&need) {
            let Some(link) = apps.get(app).and_then(|slot| slot.link()) else { continue };
            if stream.told.insert(app.clone()) {
                let what = match &need.translate {
                    None => format!("transcription:{}", need.language),
                    Some(to) => format!("translation:{}-to-{to}", need.language),
                };
                let message = format!("{what} is not recognised here: {why}");
                reply_error(link.conn, AppErrorCode::MalformedMessage, &message, now, out);
            }
        }
    }
}

/// A struct of ours: serialising it cannot fail.
fn json(data: &impl serde::Serialize) -> String {
    serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned())
}
