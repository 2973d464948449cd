//! Effects as lines of text.

use bifocal_session::{
    Answer, AudioOut, Call, Effect, Lane, LatestKey, Note, OutputView, PeerRequest, SessionSummary, SpeechCommand,
    Transcript, WordsLag,
};
use serde_json::{Map, Value, json};

/// One effect, one line; `everything` prints it whole.
pub(super) fn effect(effect: &Effect, everything: bool) -> String {
    match effect {
        Effect::Send { conn, lane, text } => {
            let mut message: Value = serde_json::from_str(text).expect("what is sent is JSON");
            let kind = message["type"].as_str().expect("what is sent has a type").to_owned();
            let fields = message.as_object_mut().expect("what is sent is an object");
            // Both are the same in every line: the type stands before, the time passes as the story says.
            fields.remove("type");
            fields.remove("timestamp");
            if !everything {
                simplify(&kind, fields);
            }
            format!("send {} {} {kind} {message}", conn.0, lane_name(*lane))
        }
        Effect::Audio { stream, what } => {
            let what = match what {
                AudioOut::Begin => "begins".to_owned(),
                AudioOut::Sound(sound) => hex::encode(sound),
                AudioOut::End => "ends".to_owned(),
            };
            format!("stream {} {what}", &stream[..8])
        }
        Effect::SendBinary { conn, data } if data.len() > 64 => {
            format!("send {} audio of {} bytes", conn.0, data.len())
        }
        Effect::SendBinary { conn, data } => format!("send {} audio {}", conn.0, hex::encode(data)),
        Effect::Ping { conn } => format!("ping {}", conn.0),
        Effect::Close { conn, close } => format!("close {} {} {}", conn.0, close.code(), close.reason()),
        Effect::Abort { conn } => format!("abort {}", conn.0),
        Effect::Cancel { call } => format!("cancel {}", call.0),
        Effect::Ended { reason, summary } => format!("ended {}: {}", reason.name(), self::summary(summary)),
        Effect::Call { call, what } => format!("call {} {}", call.0, self::call(what, everything)),
        Effect::Answer { ask, answer } => format!("answer {} {}", ask.0, self::answer(answer, everything)),
        Effect::Note(note) => format!("note {}", self::note(note)),
        Effect::Speech { stream, command } => format!("speech {} {}", stream.0, self::command(command)),
        Effect::Peers { package, what } => format!("peers of {package}: {}", request(what)),
    }
}

fn command(command: &SpeechCommand) -> String {
    match command {
        SpeechCommand::Open { need, preferred, avoid } => {
            let mut line = format!("open {}", need.language);
            let hints: Vec<&str> = need.hints.iter().map(|hint| &**hint).collect();
            if !hints.is_empty() {
                line.push_str(&format!(" or {}", hints.join(" or ")));
            }
            if need.fixed {
                line.push_str(" fixed");
            }
            if let Some(to) = &need.translate {
                line.push_str(&format!(" into {to}"));
            }
            if let Some(engine) = preferred {
                line.push_str(&format!(", if possible at {engine}"));
            }
            if !avoid.is_empty() {
                line.push_str(&format!(", not at {}", avoid.join(", ")));
            }
            line
        }
        SpeechCommand::Audio(data) => format!("sound {} ms", data.len() / 32),
        SpeechCommand::Finalise => "finalise".to_owned(),
        SpeechCommand::Close => "close".to_owned(),
    }
}

fn request(what: &PeerRequest) -> String {
    match what {
        PeerRequest::Here { session_id } => format!("here as {session_id}"),
        PeerRequest::Gone => "gone".to_owned(),
        PeerRequest::Broadcast { message_id, payload, room } => {
            let room = room.as_ref().map(|room| format!(" in {room}")).unwrap_or_default();
            format!("broadcast {message_id}{room} {payload}")
        }
        PeerRequest::Direct { to, message_id, payload } => format!("direct {message_id} to {to} {payload}"),
        PeerRequest::Join { room, config } => format!("join {room} {}", json!(config)),
        PeerRequest::Leave { room } => format!("leave {room}"),
    }
}

/// Leaves out what says nothing in most stories: session ids, settings, and of a snapshot all but the two lists of apps.
fn simplify(kind: &str, fields: &mut Map<String, Value>) {
    match kind {
        "tpa_connection_ack" => {
            let granted = fields["mentraosSettings"]["permissions"].as_object().expect("permissions");
            let granted: Vec<Value> =
                granted.iter().filter(|(_, on)| **on == true).map(|(name, _)| json!(name)).collect();
            fields.retain(|key, _| key == "sessionId");
            fields.insert("permissions".into(), granted.into());
            return;
        }
        "connection_ack" => {
            fields.remove("audio");
        }
        "data_stream" => {
            if let Some(data) = fields["data"].as_object_mut() {
                data.remove("type");
            }
        }
        "display_event" if fields["view"] == "main" => {
            fields.remove("view");
        }
        _ => {}
    }
    fields.remove("sessionId");
    if let Some(snapshot) = fields.remove("userSession") {
        fields.insert("active".into(), snapshot["activeAppSessions"].clone());
        fields.insert("loading".into(), snapshot["loadingApps"].clone());
    }
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Control => "control",
        Lane::Latest(LatestKey::Display(_)) => "latest-display",
        Lane::Latest(LatestKey::AppState) => "latest-apps",
        Lane::Latest(LatestKey::Mic) => "latest-mic",
        Lane::Data => "data",
        Lane::Audio => "audio",
    }
}

fn call(call: &Call, everything: bool) -> String {
    match call {
        Call::LoadUser => "load user".to_owned(),
        Call::Webhook { app, body, idempotency_key, .. } => {
            let mut body: Value = serde_json::from_str(body).expect("a webhook body is JSON");
            let url = format!("POST {}/webhook", app.public_url);
            if !everything {
                let kind = body["type"].as_str().expect("a webhook has a type");
                let reason = body["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
                // Of the id in the key the first part tells two starts apart.
                let key: Vec<&str> = idempotency_key.split('-').take(2).collect();
                return format!("{url} {kind}{reason} of {} key={}", app.package, key.join("-"));
            }
            if let Some(fields) = body.as_object_mut() {
                fields.remove("timestamp");
            }
            format!("{url} key={idempotency_key} {body}")
        }
        Call::Health { app } => format!("ask {} how it is", app.public_url),
        Call::SaveRunning { package, running } => format!("save {package} running={running}"),
        Call::SaveSettings(_) => "save settings".to_owned(),
        Call::Weather { latitude, longitude } => format!("ask for the weather at {latitude} {longitude}"),
        Call::VerifyToken { token } => format!("verify token {token}"),
        other => super::camera::call(other).expect("every call has its words"),
    }
}

fn answer(answer: &Answer, everything: bool) -> String {
    match answer {
        Answer::Started => "started".to_owned(),
        Answer::StartFailed(failure) => format!("failed {}: {}", failure.stage.name(), failure.message),
        Answer::Stopped => "stopped".to_owned(),
        Answer::NotInstalled => "not installed".to_owned(),
        Answer::NotRunning => "not running".to_owned(),
        Answer::Noted => "noted".to_owned(),
        Answer::Device { connected, model, capabilities } => {
            let can = capabilities.as_ref().map(|capabilities| capabilities.model_name.as_str());
            format!("device connected={connected} model={model:?} as {can:?}")
        }
        Answer::Settings(settings) => format!("settings {}", json!(settings)),
        Answer::NotPermitted => "not permitted".to_owned(),
        Answer::RecentSound(sound) => format!("sound of {} ms", sound.len() / 32),
        Answer::Transcripts(all) => {
            let said = |said: &Transcript| {
                let end = if said.is_final { "" } else { " …" };
                format!("{} {}: {}{end}", said.utterance, said.language, said.text)
            };
            format!("transcripts [{}]", all.iter().map(said).collect::<Vec<_>>().join("; "))
        }
        Answer::Outputs(outputs) => {
            let output = |output: &OutputView| {
                let error = output.error.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                format!("{} {} by {} {}{error}", output.id, output.url, output.added_by, output.status)
            };
            format!("outputs [{}]", outputs.iter().map(output).collect::<Vec<_>>().join("; "))
        }
        Answer::OutputAdded(id) => format!("output {id} added"),
        Answer::OutputRemoved => "output removed".to_owned(),
        Answer::OutputRefused(refused) => format!("refused {}", refused.code()),
        Answer::SessionEnded => "session ended".to_owned(),
        Answer::View(view) => {
            let apps: Vec<String> = view.apps.iter().map(|(app, phase)| format!("{app}={}", phase.name())).collect();
            let state = format!("view {} [{}]", view.state.name(), apps.join(" "));
            if everything {
                let snapshot = serde_json::to_string(&view.snapshot).expect("serialises");
                return format!("{state} {snapshot}");
            }
            // Besides: the lists of subscriptions, and what they need.
            let snapshot = &view.snapshot;
            let lists = json!(snapshot.app_subscriptions);
            let sound = if snapshot.requires_audio { " with sound" } else { "" };
            format!("{state} {lists}{sound}")
        }
    }
}

fn note(note: &Note) -> String {
    match note {
        Note::GlassesConnected { reconnection } => format!("glasses connected, reconnection={reconnection}"),
        Note::GlassesLost { code } => format!("glasses lost, code {code}"),
        Note::AppStarting(app) => format!("{app} starting"),
        Note::AppRunning { package, after, .. } => format!("{package} running after {after} ms"),
        Note::AppReturned(app) => format!("{app} is back"),
        Note::AppFailed(app, failure) => format!("{app} failed: {}", failure.stage.name()),
        Note::AppLost { package, code } => format!("{package} lost, code {code}"),
        Note::AppEnded(app) => format!("{app} has ended itself"),
        Note::AppGivenUp(app) => format!("{app} is given up"),
        Note::HeldSent { package, sent, dropped } => format!("{package}: {sent} held messages sent, {dropped} dropped"),
        Note::AppStopped(app, reason) => format!("{app} stopped: {}", reason.name()),
        Note::AppRejected(side, why) => format!("{} rejected: {why}", side.name()),
        Note::Malformed(side) => format!("malformed from {}", side.name()),
        Note::Oversized(side) => format!("oversized from {}", side.name()),
        Note::UnknownType(side) => format!("unknown type from {}", side.name()),
        Note::ForeignPackage(app) => format!("{app} spoke for another app"),
        Note::SubscriptionRefused(app) => format!("subscription of {app} refused"),
        Note::SpeechFailed { engine, fault } => format!("speech failed: {fault}, at {}", named(engine)),
        Note::SpeechGap { ms } => format!("{ms} ms of sound are lost"),
        Note::SpeechBacklog { engine, ms } => format!("{} is {ms} ms behind", named(engine)),
        Note::SpeechHeard { engine, lag, is_final } => {
            let kind = if *is_final { "final" } else { "interim" };
            let lag = lag.map_or_else(|| "of long ago".to_owned(), |lag| format!("after {lag} ms"));
            format!("{kind} words of {} {lag}", named(engine))
        }
        Note::WordsShown(WordsLag { recognised, app, shown }) => {
            format!("words shown: {recognised} ms recognised, {app} ms app, {shown} ms shown")
        }
        Note::PhotoAsked(app) => format!("{app} asks for a photo"),
        Note::PhotoEnded { package, result, after } => format!("photo of {package}: {result} after {after} ms"),
        Note::PhotoLate => "a late answer about a photo".to_owned(),
        Note::StreamBegan { package, managed } => format!("{package} begins a {} stream", kind_of(*managed)),
        Note::StreamStage { stage, after } => format!("stream: {stage} after {after} ms"),
        Note::StreamEnded { managed, reason, after } => {
            format!("{} stream over: {reason} after {after} ms", kind_of(*managed))
        }
        Note::StoreFailed(why) => format!("store failed: {why}"),
    }
}

fn named(engine: &Option<std::sync::Arc<str>>) -> &str {
    engine.as_deref().unwrap_or("nobody")
}

fn kind_of(managed: bool) -> &'static str {
    if managed { "managed" } else { "direct" }
}

fn summary(summary: &SessionSummary) -> String {
    let SessionSummary { duration_ms, connected_ms, reconnections, apps, audio_bytes, relayed, transcripts, .. } =
        summary;
    let display = format!("{} frames of {} requests", summary.display_frames, summary.display_requests);
    format!(
        "{duration_ms} ms, {connected_ms} connected, {reconnections} reconnections, {} apps, {audio_bytes} bytes of \
         sound, {relayed} relayed, {transcripts} transcripts, {display}",
        apps.len()
    )
}
