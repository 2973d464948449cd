//! Shows a speech line by line, as fast as the wearer speaks.
//!
//! Settings of the app: `script` (the text) and `words_per_minute` (120). A short press of any button pauses and goes on, a long
//! press starts over. The head up goes a line back.

use std::time::Duration;

use bifocal_sdk::prelude::*;
use tokio::time::sleep;

#[cfg(test)]
mod tests;

/// The app.
struct Teleprompter;

/// Characters of a line, and lines on the display.
const WIDTH: usize = 32;
const HEIGHT: usize = 4;

impl App for Teleprompter {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut presses = session.events().button_press().await?;
        let mut heads = session.events().head_position().await?;
        let mut changes = session.settings().changes()?.latest();
        let mut lines = script(&session);
        let (mut at, mut running) = (0, true);
        loop {
            let shown = lines[at.min(lines.len())..].iter().take(HEIGHT).cloned().collect::<Vec<_>>().join("\n");
            let shown = if shown.is_empty() { "The end".to_owned() } else { shown };
            session.layouts().show_text_wall(shown).await?;
            let pace = lines.get(at).map(|line| time_for(line, &session));
            tokio::select! {
                () = sleep(pace.unwrap_or_default()), if running && pace.is_some() => at += 1,
                press = presses.next() => match press {
                    Some(press) if press.press_type == "long" => (at, running) = (0, true),
                    Some(_) => running = !running,
                    None => return Ok(()),
                },
                head = heads.next() => match head {
                    Some(head) if head.position == "up" => at = at.saturating_sub(1),
                    Some(_) => {}
                    None => return Ok(()),
                },
                changed = changes.next() => match changed {
                    Some(change) if change.changes.contains_key("script") => (lines, at) = (script(&session), 0),
                    Some(_) => {}
                    None => return Ok(()),
                },
            }
        }
    }
}

/// How long it takes to say a line.
fn time_for(line: &str, session: &AppSession) -> Duration {
    let words = line.split_whitespace().count().max(1);
    let pace: f64 = session.settings().get("words_per_minute").unwrap_or(120.0);
    Duration::from_secs_f64(words as f64 * 60.0 / pace.clamp(20.0, 600.0))
}

/// The script in lines that fit.
fn script(session: &AppSession) -> Vec<String> {
    let text: String =
        session.settings().get("script").unwrap_or("Put your speech into the app's settings.".to_owned());
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is always one");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= WIDTH {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Teleprompter).await?;
    Ok(())
}
