//! A story in the language of the session's scenarios: input lines, ready to be committed. What that language has no words
//! for becomes a comment.

use bifocal_session::EndReason;

use crate::cast::{self, APPS, RAW_SOUND, STRANGER, Wearer};
use crate::step::{Act, AppSays, CallKind, Change, Ending, EngineSays};

/// The lines before the first step.
pub fn head(wearer: &Wearer) -> Vec<String> {
    let mut lines = vec!["show speech".to_owned()];
    for (no, app) in APPS.iter().enumerate() {
        if wearer.installed[no].is_some() {
            lines.push(format!("app {}", declaration(no, wearer)));
        }
        if wearer.ran[no] {
            lines.push(format!("ran {}", app.package));
        }
    }
    lines
}

fn declaration(no: usize, wearer: &Wearer) -> String {
    let app = &APPS[no];
    let mut words = vec![app.package, app.kind.name()];
    words.extend(wearer.installed[no].unwrap_or_default().iter().map(|permission| permission.name()));
    words.extend(app.uuid.then_some("uuid"));
    words.join(" ")
}

/// A change of the record.
pub fn change(change: Change, after: &Wearer) -> String {
    match change {
        Change::Uninstall(app) => format!("uninstall {}", cast::package(app)),
        Change::Install(app, _) => format!("install {}", declaration(app, after)),
        // There are no words for that; the record is read again, as it is when somebody else's app goes.
        Change::Sensing(on) => format!("# sensingEnabled is {on} from now on:\nuninstall {}", cast::package(STRANGER)),
    }
}

/// One input; `load` is the call that reads the record, while it is awaited.
pub fn act(act: &Act, calls: &[(u32, CallKind)], load: Option<u32>) -> String {
    match act {
        Act::GlassesConnect(conn) => format!("glasses {conn} connects"),
        Act::PhoneSays(conn, what) => {
            let text = what.text();
            let word = if text.ends_with('}') { "says" } else { "says text" };
            format!("glasses {conn} {word} {text}")
        }
        Act::PhoneSound(conn, bytes) => format!("glasses {conn} sends {}", "11".repeat(*bytes)),
        Act::AppConnect { conn, app, good } => {
            let key = if *good { "" } else { " with a wrong key" };
            format!("app {conn} connects as {}{key}", cast::package(*app))
        }
        Act::AppSays(conn, what) => match what {
            AppSays::Wants(list) if list.is_empty() => format!("app {conn} wants nothing"),
            AppSays::Wants(list) if list == &[RAW_SOUND] => format!("app {conn} wants audio_chunk"),
            AppSays::WantsGestures => format!("app {conn} wants 150 gestures"),
            other => format!("app {conn} says {}", other.text()),
        },
        Act::AppBinary(conn) => format!("app {conn} sends 22"),
        Act::TooMuch(conn) => format!("glasses {conn} sends too much"),
        Act::Pong(conn) => format!("glasses {conn} pongs"),
        Act::Confirms(conn, count) => format!("app {conn} confirms {count}"),
        Act::Closed(conn, code) => format!("glasses {conn} closes {code}"),
        Act::CallEnds(call, ending) => call_ends(*call, *ending, calls, load),
        Act::AskStart(ask, app) => format!("ask {ask} start {}", cast::package(*app)),
        Act::AskStop(ask, app) => format!("ask {ask} stop {}", cast::package(*app)),
        Act::AskView(ask) => format!("ask {ask} view"),
        Act::EngineSays(stream, what) => match what {
            EngineSays::Lost => format!("speech {stream} fails lost at engine-{}", stream % 3),
            EngineSays::Busy => format!("speech {stream} fails busy at engine-{}", stream % 3),
            EngineSays::Ends => format!("speech {stream} ends"),
            EngineSays::Consumed(ms) => format!("speech {stream} has consumed {ms}ms"),
        },
        Act::UserChanged => "# the record is read again".to_owned(),
        Act::End(reason) => format!("end {}", EndReason::name(*reason)),
    }
}

fn call_ends(call: u32, ending: Ending, calls: &[(u32, CallKind)], load: Option<u32>) -> String {
    let is_load = calls.iter().any(|(number, kind)| *number == call && *kind == CallKind::Load);
    match ending {
        Ending::Loaded | Ending::Failed if is_load && load != Some(call) => {
            format!("# call {call}, a load of the user that nobody waits for any more, ends: {ending:?}")
        }
        Ending::Loaded => "user loads".to_owned(),
        Ending::Failed if is_load => "user load fails".to_owned(),
        Ending::Status(status) => format!("webhook {call} answers {status}"),
        Ending::Failed => format!("webhook {call} fails refused"),
        Ending::Health { well, others } => {
            let well = if well { "well" } else { "ill" };
            let others = if others { " and others closed, too" } else { "" };
            format!("server {call} is {well}{others}")
        }
        Ending::Token(good) => format!("token {call} is {}", if good { "good" } else { "bad" }),
        Ending::Photo => format!("photo {call} arrives"),
        Ending::Saved => format!("# call {call} is saved"),
    }
}
