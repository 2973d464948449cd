//! Keeps notes that the wearer speaks, from session to session.
//!
//! "Note buy milk" keeps one, "read" shows all, "delete two" takes the second away, "clear" all of them. Everything else is not for
//! this app.

use bifocal_sdk::SimpleStorage;
use bifocal_sdk::prelude::*;

#[cfg(test)]
mod tests;

/// The key of the notes: one on each line.
const KEY: &str = "notes";
const NUMBERS: [&str; 9] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// The app.
struct Notes;

/// What the wearer wants.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Keep(String),
    Read,
    /// From 1.
    Delete(usize),
    Clear,
}

impl App for Notes {
    async fn on_session(&self, session: AppSession) -> Result {
        let storage = session.simple_storage();
        let mut words = session.events().transcription("en-US").await?;
        session.layouts().show_text_wall(listed(&all(&storage).await?)).await?;
        while let Some(heard) = words.next().await {
            let Some(command) = command(&heard.text).filter(|_| heard.is_final) else { continue };
            let mut notes = all(&storage).await?;
            match command {
                Command::Keep(note) => notes.push(note),
                Command::Delete(number) if number <= notes.len() => drop(notes.remove(number - 1)),
                Command::Delete(_) | Command::Read => {}
                Command::Clear => notes.clear(),
            }
            storage.set(KEY, notes.join("\n")).await?;
            session.layouts().show_text_wall(listed(&notes)).await?;
        }
        Ok(())
    }
}

async fn all(storage: &SimpleStorage) -> Result<Vec<String>, Error> {
    let kept = storage.get(KEY).await?.unwrap_or_default();
    Ok(kept.lines().map(str::to_owned).collect())
}

fn command(text: &str) -> Option<Command> {
    // Engines write sentences: "Note buy milk."
    let text = text.trim().trim_end_matches(['.', '!', '?']);
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (verb.to_lowercase().trim_end_matches([',', ':']), rest.trim()) {
        ("note", note) if !note.is_empty() => Some(Command::Keep(note.to_owned())),
        ("read", _) => Some(Command::Read),
        ("clear", "") => Some(Command::Clear),
        ("delete", number) => {
            let spoken = NUMBERS.iter().position(|name| number.eq_ignore_ascii_case(name)).map(|at| at + 1);
            spoken.or_else(|| number.parse().ok()).filter(|number| *number > 0).map(Command::Delete)
        }
        _ => None,
    }
}

fn listed(notes: &[String]) -> String {
    if notes.is_empty() {
        return "No notes. Say: note, and what to keep".to_owned();
    }
    notes.iter().enumerate().map(|(at, note)| format!("{}. {note}", at + 1)).collect::<Vec<_>>().join("\n")
}

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Notes).await?;
    Ok(())
}
