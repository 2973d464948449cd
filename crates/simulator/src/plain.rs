//! Terminal glasses for places without a terminal: every statement and every frame is printed, one after the other.

use std::io::Write;
use std::path::Path;

use crate::phone::{Phone, PhoneEvent};
use crate::script::{Outcome, Progress, Script, run};

/// Plays a script and prints it: `>` before a statement, `·` before an event, each new frame as a pair of glasses, and
/// the outcome.
///
/// What is printed is for people; a writer that fails does not change the outcome.
pub async fn run_plain(phone: &Phone, script: &Script, base_dir: &Path, mut out: impl Write) -> Outcome {
    let first = phone.state().screen;
    if !first.frame_text().trim().is_empty() {
        let _ = write!(out, "{}", first.framed());
    }
    let outcome = run(script, phone, base_dir, |progress| {
        let _ = print(&mut out, &progress);
    })
    .await;
    let _ = writeln!(out, "{outcome}");
    let _ = out.flush();
    outcome
}

fn print(out: &mut impl Write, progress: &Progress<'_>) -> std::io::Result<()> {
    match progress {
        Progress::Begins(line) => writeln!(out, "> {}", line.text)?,
        Progress::Frame(screen) => write!(out, "{}", screen.framed())?,
        // A display is printed as a frame, and the rest of them is noise to a reader.
        Progress::Event(PhoneEvent::Display { .. } | PhoneEvent::Other { .. } | PhoneEvent::Head(_)) => {}
        Progress::Event(event) => writeln!(out, "· {event}")?,
        Progress::Done(_) => {}
    }
    // Somebody may be watching.
    out.flush()
}
