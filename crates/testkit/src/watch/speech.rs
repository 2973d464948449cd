//! Streams of speech engines: only those that are wanted, each closed once, and none is given anything that is not open.

use std::collections::BTreeMap;
use std::sync::Arc;

use bifocal_session::{Effect, SessionState, SessionView, SpeechCommand, SpeechNeed};

use super::{Held, Moment, broken};
use crate::cast::ENTRIES;
use crate::step::{Act, EngineSays};

#[derive(Debug, Default)]
pub(super) struct Speech {
    newest: u32,
    open: BTreeMap<u32, Arc<SpeechNeed>>,
}

impl Speech {
    /// One that has ended by itself is not open.
    pub(super) fn before(&mut self, act: &Act) {
        if let Act::EngineSays(stream, EngineSays::Lost | EngineSays::Busy | EngineSays::Ends) = act {
            self.open.remove(stream);
        }
    }

    pub(super) fn newest(&self) -> u32 {
        self.newest
    }

    pub(super) fn effect(&mut self, effect: &Effect) -> Held {
        let Effect::Speech { stream, command } = effect else { return Ok(()) };
        let id = stream.0;
        match command {
            SpeechCommand::Open { need, .. } if id > self.newest => {
                self.newest = id;
                self.open.insert(id, need.clone());
                Ok(())
            }
            SpeechCommand::Open { .. } => {
                broken("the number of a stream is used once", format!("{id} after {}", self.newest))
            }
            _ if !self.open.contains_key(&id) => {
                broken("only an open stream is told something", format!("{id}: {command:?}"))
            }
            SpeechCommand::Close => {
                self.open.remove(&id);
                Ok(())
            }
            SpeechCommand::Audio(data) if data.is_empty() || data.len() % 2 == 1 => {
                broken("a stream is given whole samples", format!("{} bytes", data.len()))
            }
            SpeechCommand::Audio(_) | SpeechCommand::Finalise => Ok(()),
        }
    }

    /// No stream serves what nobody wants, and never two the same need.
    pub(super) fn after(&self, view: &SessionView, moment: Moment<'_>) -> Held {
        let ended = view.state == SessionState::Disposed;
        let lists: Vec<&String> = view.snapshot.app_subscriptions.values().flatten().collect();
        for (id, need) in &self.open {
            let serves = |entry: &&crate::cast::Entry| {
                let name = match &need.translate {
                    Some(to) => format!("translation:{}-to-{to}", need.language),
                    None => format!("transcription:{}", need.language),
                };
                entry.delivered == name || (entry.delivered == "transcription" && name == "transcription:en-US")
            };
            let mut names = ENTRIES.iter().filter(serves).map(|entry| entry.delivered);
            let wanted = names.any(|name| lists.iter().any(|listed| *listed == name));
            if ended || !wanted || !moment.model.wearer().sensing {
                return broken("no engine listens when nobody wants it", format!("{id} for {need:?}"));
            }
            if self.open.iter().any(|(other, same)| other > id && same == need) {
                return broken("one need has one stream", format!("{id} for {need:?}"));
            }
        }
        Ok(())
    }
}
