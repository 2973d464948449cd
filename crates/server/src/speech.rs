//! Speech between a session and the engines: the session's streams, each pumped by a task of its own, and the news whether any
//! engine is well.

use std::collections::HashMap;
use std::sync::Arc;

use bifocal_providers::{Commands, Event, Failure, FailureKind, Need, Stream};
use bifocal_session::{Heard, Input, SpeechCommand, SpeechEvent, SpeechFailure, SpeechFault, SpeechId, SpeechNeed};
use tracing::{Instrument, debug, info};

use crate::actor::Mail;
use crate::mailbox::Mailbox;
use crate::shared::Shared;

/// The streams of one session. Those that are dropped are closed.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: HashMap<SpeechId, Commands>,
    /// What the wearer prefers and nobody knows here; said once.
    unknown: Option<Arc<str>>,
}

impl Streams {
    /// Does what the session wants; what it must know of that at once.
    pub(crate) fn command(
        &mut self,
        stream: SpeechId,
        command: SpeechCommand,
        shared: &Arc<Shared>,
        mailbox: &Mailbox,
    ) -> Option<Input> {
        let failure = match command {
            SpeechCommand::Open { need, preferred, avoid } => {
                let preferred = self.known(preferred, shared);
                match shared.recognizers.open(&need_of(&need), preferred.as_deref(), &avoid) {
                    Ok(opened) => {
                        self.open.insert(stream, pump(opened, stream, shared, mailbox));
                        return None;
                    }
                    Err(failure) => failure,
                }
            }
            SpeechCommand::Audio(data) => self.open.get(&stream)?.try_audio(data).err()?,
            SpeechCommand::Finalise => self.open.get(&stream)?.finalise().err()?,
            SpeechCommand::Close => {
                self.open.remove(&stream);
                return None;
            }
        };
        // One that has ended says so itself; that it takes no more is known here only.
        let known = failure.kind == FailureKind::Lost;
        if known {
            return None;
        }
        self.open.remove(&stream);
        Some(said(stream, SpeechEvent::Failed(failed(failure))))
    }

    /// The engine that the wearer prefers, if there is such a one; else the usual order counts.
    fn known(&mut self, preferred: Option<Arc<str>>, shared: &Shared) -> Option<Arc<str>> {
        let name = preferred?;
        if shared.recognizers.has(&name) {
            self.unknown = None;
            return Some(name);
        }
        if self.unknown.as_ref() != Some(&name) {
            // Its name is outside text.
            info!("the wearer prefers a speech engine that is not configured; the usual order counts. See [speech]");
            self.unknown = Some(name);
        }
        None
    }

    /// The stream is over.
    pub(crate) fn ended(&mut self, stream: SpeechId) {
        self.open.remove(&stream);
    }
}

/// Carries what a stream says to its session.
fn pump(stream: Stream, id: SpeechId, shared: &Arc<Shared>, mailbox: &Mailbox) -> Commands {
    let Stream { engine, commands, mut events } = stream;
    let mailbox = mailbox.clone();
    let task = async move {
        while let Some(event) = events.recv().await {
            let event = event_of(event, &engine);
            // The session may have ended; then the stream is dropped, and ends too.
            if mailbox.send(Mail::Input(said(id, event))).await.is_err() {
                break;
            }
        }
    };
    shared.tasks.spawn(task.in_current_span());
    commands
}

fn said(stream: SpeechId, event: SpeechEvent) -> Input {
    Input::Speech { stream, event: Box::new(event) }
}

fn need_of(need: &SpeechNeed) -> Need {
    Need {
        language: need.language.to_string(),
        hints: need.hints.iter().map(|hint| hint.to_string()).collect(),
        fixed: need.fixed,
        translate: need.translate.as_deref().map(str::to_owned),
    }
}

fn event_of(event: Event, engine: &Arc<str>) -> SpeechEvent {
    match event {
        Event::Opened => SpeechEvent::Opened { engine: engine.clone() },
        Event::Heard(heard) => {
            let bifocal_providers::Heard { utterance, text, is_final, start_ms, end_ms, .. } = *heard;
            let bifocal_providers::Heard { language, speaker, confidence, translation, .. } = *heard;
            SpeechEvent::Heard(Heard {
                utterance,
                text,
                is_final,
                start_ms,
                end_ms,
                language,
                speaker,
                confidence,
                translation,
            })
        }
        Event::Consumed { ms } => SpeechEvent::Consumed { ms },
        Event::Failed(failure) => SpeechEvent::Failed(failed(failure)),
        Event::Closed => SpeechEvent::Closed,
    }
}

fn failed(failure: Failure) -> SpeechFailure {
    let Failure { engine, kind, why } = failure;
    debug!(engine = &*engine, why, "a stream of a speech engine failed");
    let kind = match kind {
        FailureKind::Refused => SpeechFault::Refused,
        FailureKind::Busy { retry_after } => SpeechFault::Busy { retry_after },
        FailureKind::Lost => SpeechFault::Lost,
        FailureKind::Stalled => SpeechFault::Stalled,
        FailureKind::Unsupported { suggestions } => SpeechFault::Unsupported { suggestions },
        FailureKind::Unavailable => SpeechFault::Unavailable,
    };
    SpeechFailure { engine: Some(engine), kind, why }
}

/// Tells every session when some engine is well again, or none is any more; until the server stops.
pub(crate) async fn tell_health(shared: Arc<Shared>) {
    let mut health = shared.recognizers.watch();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            changed = health.changed() => if changed.is_err() { return },
        }
        let available = *health.borrow_and_update();
        for (_, handle) in shared.sessions.list() {
            // A session that has ended meanwhile needs no news.
            let _ = handle.mailbox.send(Mail::Input(Input::SpeechEngines { available })).await;
        }
    }
}
