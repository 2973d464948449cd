//! `session.audio`, and streams of sound that are played while they are made.

use bifocal_sdk::{Audio, AudioOutput, Error, Play, Played, Result, Speech, VoiceSettings};
use serde_json::json;

use super::module::{check, equal};
use super::stage::{Stage, fake};

pub(super) async fn rows(x: &Stage) {
    let (module, audio) = (x.module("session.audio"), x.session.audio());
    module
        .settled("playAudio", async {
            let played = played(x, audio.play("https://example.org/a.mp3"), "a.mp3").await?;
            equal(played.duration, Some(1234.0))
        })
        .await;
    let beside = Play { stop_other_audio: false, ..Play::new("https://example.org/b.mp3") };
    module.settled("playAudio({stopOtherAudio: false})", played(x, audio.play(beside), "b.mp3")).await;
    let speech = Speech {
        voice_id: Some("v".to_owned()),
        voice_settings: Some(VoiceSettings { speed: Some(1.0), ..VoiceSettings::default() }),
        ..Speech::new("hello")
    };
    module.settled("speak", played(x, audio.speak(speech), "/api/tts?text=hello")).await;
    module
        .sent("stopAudio", async {
            let mark = x.ann.mark();
            audio.stop(None).await?;
            x.ann.hears(mark, "audio_stop_request", |_| true).await
        })
        .await;
    // A call that is dropped is a request that is cancelled: what waits is the call itself.
    for method in ["cancelAudioRequest", "cancelAllAudioRequests", "cancelAllRequests"] {
        module.local(method, dropped(x)).await;
    }
    module
        .local("handleAudioPlayResponse", async {
            let wearer = fake().await;
            wearer.session().audio().play("https://example.org/by-hand.mp3").await.map_err(Into::into)
        })
        .await;
    streams(x, &audio).await;
}

/// The phone is asked to play an address with `part` in it, and answers that it has.
async fn played(x: &Stage, play: impl Future<Output = Result<Played, Error>>, part: &str) -> Result<Played> {
    let mark = x.ann.mark();
    let answers = async {
        let is_it = |message: &serde_json::Value| message["audioUrl"].as_str().is_some_and(|url| url.contains(part));
        let request = x.ann.hears(mark, "audio_play_request", is_it).await?;
        let id = &request["requestId"];
        x.ann.tells(json!({"type": "audio_play_response", "requestId": id, "success": true, "duration": 1234})).await
    };
    let (played, answered) = tokio::join!(play, answers);
    answered?;
    Ok(played?)
}

async fn dropped(x: &Stage) -> Result {
    let mark = x.bob.mark();
    let audio = x.peer.audio();
    let given_up = tokio::select! {
        played = audio.play("https://example.org/waiting.mp3") => Err(format!("it was played: {played:?}").into()),
        asked = x.bob.hears(mark, "audio_play_request", |_| true) => asked.map(drop),
    };
    given_up?;
    x.synced(&x.peer).await
}

async fn streams(x: &Stage, audio: &Audio) {
    let (manager, module) = (x.module("session.audio"), x.module("AudioOutputStream"));
    let mut output: Option<AudioOutput> = None;
    manager
        .settled("createOutputStream", async {
            output = Some(audio.output_stream().await?);
            Ok(())
        })
        .await;
    let there = || output.as_ref().ok_or("there is no stream");
    module.local("streamId", async { equal(there()?.id().len(), 36) }).await;
    module.local("streamUrl", async { check(there()?.url().starts_with("http"), "no address") }).await;
    module.settled("open", async { Ok(x.http.get(there()?.url()).send().await?.error_for_status()?) }).await;
    module
        .sent("write", async {
            let mut body = x.http.get(there()?.url()).send().await?;
            there()?.write(&[1, 2, 3]).await?;
            equal(body.chunk().await?.as_deref(), Some(&[1, 2, 3][..]))
        })
        .await;
    module
        .settled("end", async {
            let output = output.take().ok_or("there is no stream")?;
            output.end().await?;
            x.synced(&x.session).await
        })
        .await;
    module
        .settled("flush", async {
            let another = audio.output_stream().await?;
            let mark = x.ann.mark();
            another.flush().await?;
            x.ann.hears(mark, "audio_stop_request", |_| true).await
        })
        .await;
}
