//! The words about photos, and about whoever carries managed streams.

use bifocal_session::{
    Ask, AskId, Call, Effect, Input, MediaCall, MediaMade, MediaOutput, MediaPhase, MediaReport, MediaUrls, Outcome,
    OutputAsk, OutputRefused, OutputState, PhoneReport, PhotoGoes, PhotoTaken, StreamAsk,
};

use super::words::{done, name, number};

/// What happens to a photo or a managed stream outside of the session.
pub(super) fn input(words: &[&str], line: &str) -> Result<Input, String> {
    let failed = || Outcome::Failed { why: line.split_once("fails ").map_or("refused", |(_, why)| why).to_owned() };
    match *words {
        ["photo", name, "is", "here"] => Ok(Input::Asked {
            ask: AskId(0),
            what: Box::new(Ask::Report(Box::new(PhoneReport::PhotoHere(name.to_owned())))),
        }),
        ["photo", call, "arrives", ref rest @ ..] => {
            let url = rest.get(1).map(|url| (*url).to_owned());
            done(call, Outcome::Photo(PhotoTaken { url, width: 640, height: 480, saved: false }))
        }
        ["photo", call, "cannot", ..] => {
            let why = line.split_once(": ").ok_or("why?")?.1.to_owned();
            done(call, Outcome::Failed { why })
        }
        ["media", call, "makes", media, "for", stream, ref outputs @ ..] => {
            let made = MediaMade {
                stream: stream.to_owned(),
                media: media.to_owned(),
                publish_url: format!("rtmp://in.example/live/{media}"),
                urls: MediaUrls {
                    hls: format!("https://out.example/{media}/live.m3u8"),
                    dash: format!("https://out.example/{media}/live.mpd"),
                    webrtc: None,
                    preview: format!("https://out.example/{media}"),
                    thumbnail: format!("https://out.example/{media}.jpg"),
                },
                outputs: outputs.iter().map(|id| (*id).to_owned()).collect(),
            };
            done(call, Outcome::Media(Box::new(made)))
        }
        ["media" | "output", call, "fails", ..] => done(call, failed()),
        ["media", media, "is", phase, ref rest @ ..] => {
            let phase = match phase {
                "waiting" => MediaPhase::Waiting,
                "preparing" => MediaPhase::Preparing,
                "live" => MediaPhase::Live,
                "lost" => MediaPhase::Lost,
                "over" => MediaPhase::Ended("provider"),
                _ => return Err(format!("`{phase}` is no phase")),
            };
            let (mut viewers, mut outputs) = (0, Vec::new());
            for pair in rest.chunks_exact(2) {
                match *pair {
                    [count, "watch"] => viewers = number(count)?,
                    [output, "works"] => outputs.push((output.to_owned(), OutputState::Active)),
                    [output, "fails"] => outputs.push((output.to_owned(), OutputState::Failed("refused".to_owned()))),
                    _ => return Err(format!("`{}` says nothing about a stream", pair.join(" "))),
                }
            }
            let report = MediaReport { media: media.to_owned(), phase, viewers, outputs, trouble: None };
            Ok(Input::Media(Box::new(report)))
        }
        ["output", call, "is", "refused"] => done(call, Outcome::Output(Err(OutputRefused::InvalidUrl))),
        ["output", call, "is", "gone"] => done(call, Outcome::Saved),
        ["output", call, "is", id] => done(call, Outcome::Output(Ok(id.to_owned()))),
        _ => Err("not a statement".to_owned()),
    }
}

/// An app's server asks about the copies of a stream.
pub(super) fn outputs(stream: &str, package: &str, what: &[&str]) -> Result<Ask, String> {
    let what = match *what {
        [] => OutputAsk::List,
        ["add", url] => OutputAsk::Add(MediaOutput { url: url.to_owned(), name: None }),
        ["remove", id] => OutputAsk::Remove(id.to_owned()),
        _ => return Err("add what, remove what?".to_owned()),
    };
    Ok(Ask::Stream(Box::new(StreamAsk { app: name(package)?, stream: stream.to_owned(), what })))
}

/// The word by which a story calls what an effect has just given a number or a name.
pub(super) fn newest(effect: &Effect) -> Option<(&'static str, String)> {
    match effect {
        Effect::Call { call, what: Call::Photo(_) } => Some(("UPLOAD", call.0.to_string())),
        Effect::Call { call, what: Call::Media(what) } => match &**what {
            MediaCall::Create { .. } => Some(("MEDIA", call.0.to_string())),
            MediaCall::AddOutput { .. } | MediaCall::RemoveOutput { .. } => Some(("OUTPUT", call.0.to_string())),
            MediaCall::Delete { .. } => None,
        },
        Effect::Send { text, .. } => {
            let message: serde_json::Value = serde_json::from_str(text).ok()?;
            let begins =
                ["start_rtmp_stream", "start_stream", "managed_stream_status"].contains(&message["type"].as_str()?);
            Some(("STREAM", message["streamId"].as_str().filter(|_| begins)?.to_owned()))
        }
        _ => None,
    }
}

/// A call as a line; `None` when it is about something else.
pub(super) fn call(call: &Call) -> Option<String> {
    Some(match call {
        Call::Photo(upload) => {
            let goes = match &upload.goes {
                PhotoGoes::ToApp => format!("for {}/photo-upload", upload.app.public_url),
                PhotoGoes::ToUrl { url, auth_token } => {
                    let token = auth_token.as_ref().map(|token| format!(" with {token}")).unwrap_or_default();
                    format!("for {url}{token}")
                }
                PhotoGoes::Stays => "that stays".to_owned(),
            };
            let gallery = if upload.save_to_gallery { " and the gallery" } else { "" };
            format!("await upload {} of {} {} {goes}{gallery}", upload.token, upload.app.package, upload.request_id)
        }
        Call::PhotoFailed(failure) => format!(
            "POST {}/photo-upload photo_error {} {}: {}",
            failure.app.public_url, failure.request_id, failure.code, failure.message
        ),
        Call::Media(call) => match &**call {
            MediaCall::Create { stream, outputs } => {
                let outputs: Vec<String> = outputs.iter().map(|output| format!(" and {}", output.url)).collect();
                format!("make stream {stream}{}", outputs.concat())
            }
            MediaCall::AddOutput { media, output } => format!("send {media} to {}", output.url),
            MediaCall::RemoveOutput { media, output } => format!("send {media} no more to {output}"),
            MediaCall::Delete { media, .. } => format!("delete stream {media}"),
        },
        _ => return None,
    })
}
