//! Recognition at one engine, translation at another: for engines that do not translate by themselves.
//!
//! Finals are translated in their order, a few at a time; a translation that takes longer than three seconds, or fails, is left
//! out: the words come all the same. Of interims the newest is translated, every 700 ms at most; in between they carry the last translation there was.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::languages::base;
use super::stream::{Event, Heard, MAX_EVENTS, Stream};
use crate::translator::Translator;

/// For one final.
const DEADLINE: Duration = Duration::from_secs(3);
/// For what is under way when the stream fails: somebody wants to go on elsewhere.
const AT_FAILURE: Duration = Duration::from_millis(500);
/// Between two translations of interims.
const INTERIMS: Duration = Duration::from_millis(700);
/// Events that wait for the translation of a final before them. More are not read from the engine.
const MAX_WAITING: usize = 32;
/// A caller that takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same stream, with translations from `from` (a tag, or `auto`) into `to`.
pub(crate) fn translated(stream: Stream, translator: Arc<dyn Translator>, from: &str, to: &str) -> Stream {
    let Stream { engine, commands, events } = stream;
    let (sender, receiver) = mpsc::channel(MAX_EVENTS);
    let work = Work { translator, from: from.to_owned(), to: to.to_owned() };
    tokio::spawn(work.run(events, sender));
    Stream { engine, commands, events: receiver }
}

#[derive(Clone)]
struct Work {
    translator: Arc<dyn Translator>,
    from: String,
    to: String,
}

impl Work {
    async fn run(self, mut events: mpsc::Receiver<Event>, sender: mpsc::Sender<Event>) {
        // What has to wait for the translation of a final, in order; beside it what it is without one.
        let mut waiting: FuturesOrdered<BoxFuture<'static, Event>> = FuturesOrdered::new();
        let mut originals: VecDeque<Event> = VecDeque::new();
        let mut interim: Option<BoxFuture<'static, (u64, Option<String>)>> = None;
        let mut open: Option<Heard> = None;
        let mut last_interim: Option<Instant> = None;
        loop {
            let ready = async {
                match &mut interim {
                    Some(interim) => interim.await,
                    None => std::future::pending().await,
                }
            };
            let next = tokio::select! {
                () = sender.closed() => return,
                Some(event) = waiting.next(), if !waiting.is_empty() => {
                    originals.pop_front();
                    if give(&sender, event).await.is_err() {
                        return;
                    }
                    continue;
                }
                (utterance, translation) = ready => {
                    interim = None;
                    // It may have become a final meanwhile.
                    if let Some(heard) = open.as_mut().filter(|heard| heard.utterance == utterance) {
                        heard.translation = translation.or(heard.translation.take());
                        let _ = sender.try_send(Event::Heard(Box::new(heard.clone())));
                    }
                    continue;
                }
                event = events.recv(), if waiting.len() < MAX_WAITING => event,
            };
            match next {
                Some(Event::Heard(mut heard)) if !heard.is_final => {
                    let before = open.take().filter(|open| open.utterance == heard.utterance);
                    heard.translation = before.and_then(|open| open.translation);
                    let due = last_interim.is_none_or(|at| at.elapsed() >= INTERIMS);
                    if interim.is_none() && due && self.is_foreign(&heard) {
                        last_interim = Some(Instant::now());
                        interim = Some(self.clone().of_interim((*heard).clone()).boxed());
                    }
                    open = Some((*heard).clone());
                    // Interims of the next utterance may overtake the final of the last; they are about another one.
                    let _ = sender.try_send(Event::Heard(heard));
                }
                Some(Event::Heard(heard)) => {
                    open = None;
                    originals.push_back(Event::Heard(heard.clone()));
                    waiting.push_back(self.clone().of_final(*heard).boxed());
                }
                Some(Event::Failed(failure)) => {
                    let drained = async {
                        while let Some(event) = waiting.next().await {
                            originals.pop_front();
                            give(&sender, event).await?;
                        }
                        Ok::<(), Closed>(())
                    };
                    let _ = timeout(AT_FAILURE, drained).await;
                    for event in originals {
                        let _ = give(&sender, event).await;
                    }
                    let _ = give(&sender, Event::Failed(failure)).await;
                    return;
                }
                // What is settled and what has ended must not be told before the finals it is about.
                Some(event) => {
                    originals.push_back(event.clone());
                    waiting.push_back(std::future::ready(event).boxed());
                }
                None => {
                    while let Some(event) = waiting.next().await {
                        if give(&sender, event).await.is_err() {
                            return;
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Whoever speaks the target language already needs no translation.
    fn is_foreign(&self, heard: &Heard) -> bool {
        !heard.text.is_empty() && !base(self.source(heard)).eq_ignore_ascii_case(base(&self.to))
    }

    fn source<'a>(&'a self, heard: &'a Heard) -> &'a str {
        heard.language.as_deref().unwrap_or(&self.from)
    }

    async fn of_final(self, mut heard: Heard) -> Event {
        if self.is_foreign(&heard) {
            heard.translation = self.translate(&heard).await;
        }
        Event::Heard(Box::new(heard))
    }

    async fn of_interim(self, heard: Heard) -> (u64, Option<String>) {
        (heard.utterance, self.translate(&heard).await)
    }

    /// Why there is none is for the translator to say: its breaker and its numbers know.
    async fn translate(&self, heard: &Heard) -> Option<String> {
        let asked = self.translator.translate(&heard.text, self.source(heard), &self.to);
        timeout(DEADLINE, asked).await.ok()?.ok()
    }
}

struct Closed;

async fn give(sender: &mpsc::Sender<Event>, event: Event) -> Result<(), Closed> {
    timeout(PATIENCE, sender.send(event)).await.map_err(|_| Closed)?.map_err(|_| Closed)
}
