//! Terminal glasses for places without a terminal: every statement and every frame is printed, one after the other.

use std::io::Write;
use std::path::Path;

use crate::phone::{Phone, PhoneEvent, PhoneState};
use crate::script::{Outcome, Progress, Script, run};

/// Plays a script and prints it: `>` before a statement, `·` before an event, each new frame as a pair of glasses, and
/// the outcome.
///
/// What is printed is for people; a writer that fails does not change the outcome.
pub async fn run_plain(phone: &Phone, script: &Script, base_dir: &Path, mut out: impl Write) -> Outcome {
    let mut state = phone.state();
    if !state.screen.frame_text().trim().is_empty() {
        let _ = write!(out, "{}", state.screen.framed());
    }
    let outcome = run(script, phone, base_dir, |progress| {
        let _ = print(&mut out, &progress, &mut state);
    })
    .await;
    let _ = writeln!(out, "{outcome}");
    let _ = out.flush();
    outcome
}

fn print(out: &mut impl Write, progress: &Progress<'_>, state: &mut PhoneState) -> std::io::Result<()> {
    match progress {
        Progress::Begins(line) => writeln!(out, "> {}", line.text)?,
        Progress::Frame(screen) => write!(out, "{}", screen.framed())?,
        // A display is printed as a frame when it is seen; the rest of them is noise to a reader.
        Progress::Event(
            PhoneEvent::Display { .. } | PhoneEvent::Other { .. } | PhoneEvent::Head(_) | PhoneEvent::Battery(_),
        ) => {}
        Progress::Event(event) => {
            if state.is_news(event) {
                writeln!(out, "· {event}")?;
            }
            state.apply(event);
        }
        Progress::Done(_) => {}
    }
    // Somebody may be watching.
    out.flush()
}
