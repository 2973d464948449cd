//! Effects as lines of text.

use bifocal_session::{Answer, Call, Effect, Lane, LatestKey, Note, SessionSummary};
use serde_json::Value;

/// One effect, one line.
pub(super) fn effect(effect: &Effect, show_snapshot: bool) -> String {
    match effect {
        Effect::Send { conn, lane, text } => {
            let mut message: Value = serde_json::from_str(text).expect("what is sent is JSON");
            let kind = message["type"].as_str().expect("what is sent has a type").to_owned();
            simplify(&mut message, show_snapshot);
            format!("send {} {} {kind} {message}", conn.0, lane_name(*lane))
        }
        Effect::SendBinary { conn, data } => format!("send {} audio {}", conn.0, hex::encode(data)),
        Effect::Ping { conn } => format!("ping {}", conn.0),
        Effect::Close { conn, close } => format!("close {} {} {}", conn.0, close.code(), close.reason()),
        Effect::Abort { conn } => format!("abort {}", conn.0),
        Effect::Cancel { call } => format!("cancel {}", call.0),
        Effect::Ended { reason, summary } => format!("ended {}: {}", reason.name(), self::summary(summary)),
        Effect::Call { call, what } => format!("call {} {}", call.0, self::call(what)),
        Effect::Answer { ask, answer } => format!("answer {} {}", ask.0, self::answer(answer)),
        Effect::Note(note) => format!("note {}", self::note(note)),
    }
}

/// Leaves out what is the same everywhere: the type (it stands before), the time, the defaults of the system settings, and
/// of a snapshot all but the two lists of apps.
fn simplify(message: &mut Value, show_snapshot: bool) {
    let Some(fields) = message.as_object_mut() else { return };
    fields.remove("type");
    fields.remove("timestamp");
    if let (Some(snapshot), false) = (fields.get_mut("userSession"), show_snapshot) {
        let lists = [("active", &snapshot["activeAppSessions"]), ("loading", &snapshot["loadingApps"])];
        *snapshot = lists.into_iter().map(|(key, list)| (key.to_owned(), list.clone())).collect();
    }
    if !show_snapshot {
        fields.remove("augmentosSettings");
        if let Some(settings) = fields.get_mut("mentraosSettings").and_then(Value::as_object_mut) {
            settings.retain(|key, _| key == "permissions");
        }
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

fn call(call: &Call) -> String {
    match call {
        Call::LoadUser => "load user".to_owned(),
        Call::Webhook { app, body, idempotency_key, .. } => {
            let mut body: Value = serde_json::from_str(body).expect("a webhook body is JSON");
            if let Some(fields) = body.as_object_mut() {
                fields.remove("timestamp");
            }
            format!("POST {}/webhook key={idempotency_key} {body}", app.public_url)
        }
        Call::Health { app } => format!("ask {} how it is", app.public_url),
        Call::SaveRunning { package, running } => format!("save {package} running={running}"),
        Call::SaveSettings(_) => "save settings".to_owned(),
        Call::VerifyToken { token } => format!("verify token {token}"),
    }
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Started => "started".to_owned(),
        Answer::StartFailed(failure) => format!("failed {}: {}", failure.stage.name(), failure.message),
        Answer::Stopped => "stopped".to_owned(),
        Answer::NotInstalled => "not installed".to_owned(),
        Answer::SessionEnded => "session ended".to_owned(),
        Answer::View(view) => {
            let apps: Vec<String> = view.apps.iter().map(|(app, phase)| format!("{app}={}", phase.name())).collect();
            let snapshot = serde_json::to_string(&view.snapshot).expect("serialises");
            format!("view {} [{}] {snapshot}", view.state.name(), apps.join(" "))
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
        Note::StoreFailed(why) => format!("store failed: {why}"),
    }
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
