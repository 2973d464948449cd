//! Timers that are set by voice: "timer five minutes", "timer 90 seconds". The display counts down; at the end the glasses blink and
//! say so. "Stop" ends it.

use std::time::Duration;

use bifocal_sdk::LedColor;
use bifocal_sdk::prelude::*;
use tokio::time::{Instant, sleep_until};

#[cfg(test)]
mod tests;

const NUMBERS: [&str; 10] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
/// Nobody waits longer in front of their glasses.
const LONGEST: u64 = 24 * 60 * 60;

/// The app.
struct Timer;

impl App for Timer {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut words = session.events().transcription("en-US").await?;
        session.layouts().show_text_wall("Say: timer five minutes").await?;
        let mut end: Option<Instant> = None;
        loop {
            let next = end.map(|end| end - Duration::from_secs(left(end).saturating_sub(1)));
            tokio::select! {
                heard = words.next() => {
                    let Some(heard) = heard else { return Ok(()) };
                    if !heard.is_final {
                        continue;
                    }
                    if let Some(seconds) = seconds(&heard.text) {
                        end = Some(Instant::now() + Duration::from_secs(seconds));
                    } else if heard.text.to_lowercase().starts_with("stop") {
                        end = None;
                        session.layouts().show_text_wall("Stopped").await?;
                    }
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            match end {
                Some(at) if left(at) == 0 => {
                    end = None;
                    time_is_up(&session).await?;
                }
                Some(at) => session.layouts().show_text_wall(clock(left(at))).await?,
                None => {}
            }
        }
    }
}

async fn time_is_up(session: &AppSession) -> Result {
    session.layouts().show_text_wall("Time is up").await?;
    session.led().blink(LedColor::Orange, Duration::from_millis(300), Duration::from_millis(300), 3).await?;
    // Not all glasses can speak, and the next timer does not wait for it.
    let audio = session.audio();
    session.spawn(async move {
        // The display has said it already.
        let _ = audio.speak("Time is up").await;
    });
    Ok(())
}

/// Seconds that are left, begun ones counted.
fn left(end: Instant) -> u64 {
    let left = end.saturating_duration_since(Instant::now());
    left.as_secs() + u64::from(left.subsec_millis() > 0)
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// How long, if the text sets a timer.
fn seconds(text: &str) -> Option<u64> {
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.find(|word| *word == "timer")?;
    let mut words = words.skip_while(|word| matches!(*word, "for" | "of"));
    let number = words.next()?;
    let spoken = NUMBERS.iter().position(|name| *name == number).map(|at| at as u64 + 1);
    let number = spoken.or_else(|| number.parse().ok())?;
    let unit = match words.next()?.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        _ => return None,
    };
    number.checked_mul(unit).filter(|seconds| (1..=LONGEST).contains(seconds))
}

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Timer).await?;
    Ok(())
}
