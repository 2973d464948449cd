//! The RTMP listener, and one task for each connection.
//!
//! | a connection ends | how the publisher learns it | what the stream says |
//! |---|---|---|
//! | no accepted `publish` within the time for a handshake | closed | |
//! | bytes that are no RTMP, too long, or make no sense | closed | |
//! | an unknown path | `NetStream.Publish.BadName`, closed | |
//! | another codec, a broken configuration, no picture | `NetStream.Publish.BadName` with the reason, closed | the reason |
//! | nothing for so long | closed | the reason |
//! | another connection publishes the same stream | closed | |
//! | it says good-bye, or the network breaks | | |

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, warn};

use super::Inner;
use super::stream::{Kind, Stream, Took};
use crate::rtmp::server::{Event, ServerSession};

/// What is read at once.
const READ: usize = 16 << 10;
/// The first part of every publish path.
pub(crate) const APP: &str = "live";

/// Accepts until the engine stops.
pub(crate) async fn listen(listener: TcpListener, inner: Arc<Inner>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = inner.stopping.cancelled() => return,
        };
        let (socket, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of files, most likely. Accepting again at once would only heat the machine.
                warn!(%error, "cannot accept an RTMP connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(permit) = inner.connections.clone().try_acquire_owned() else {
            inner.counters.refused("too_many_connections");
            continue;
        };
        let number = inner.next_connection();
        let span = tracing::info_span!("rtmp", connection = number);
        let task = {
            let inner = inner.clone();
            async move {
                let _permit = permit;
                serve(socket, from, number, &inner).await;
            }
        };
        inner.tasks.spawn(task.instrument(span));
    }
}

/// Why a connection ended.
#[derive(Debug)]
struct Gone {
    /// For the counter.
    word: &'static str,
    /// For the publisher and for whoever owns the stream.
    text: Option<String>,
}

impl Gone {
    /// Nothing is wrong.
    const FINISHED: Gone = Gone { word: "finished", text: None };

    fn because(word: &'static str, text: impl Into<String>) -> Self {
        Self { word, text: Some(text.into()) }
    }
}

struct Publisher {
    stream: Arc<Stream>,
    /// Another connection took over, or the stream is over.
    away: CancellationToken,
    since: Instant,
    seen_key: bool,
}

async fn serve(mut socket: TcpStream, from: SocketAddr, number: u64, inner: &Inner) {
    let _ = socket.set_nodelay(true);
    let mut session = ServerSession::new();
    let mut publisher = None;
    let gone = converse(&mut socket, &mut session, &mut publisher, number, inner).await;
    if let Some(text) = &gone.text {
        session.refuse(text);
        let _ = timeout(inner.config.patience.handshake, write(&mut socket, &mut session)).await;
        inner.counters.refused(gone.word);
    }
    // The address of a stranger is worth a line where somebody looks for it.
    match &publisher {
        Some(Publisher { stream, .. }) => {
            info!(stream = %stream.id, reason = gone.word, "publisher left");
            stream.unpublish(number, gone.text);
        }
        None => debug!(%from, reason = gone.word, "not a publisher"),
    }
    let _ = socket.shutdown().await;
}

async fn converse(
    socket: &mut TcpStream,
    session: &mut ServerSession,
    publisher: &mut Option<Publisher>,
    number: u64,
    inner: &Inner,
) -> Gone {
    let patience = &inner.config.patience;
    let deadline = Instant::now() + patience.handshake;
    let mut pace = Pace::new(inner.config.limits.ingest_bytes_per_second);
    let mut buffer = vec![0; READ];
    loop {
        let until = if publisher.is_some() { Instant::now() + patience.idle } else { deadline };
        let away = publisher.as_ref().map(|publisher| publisher.away.clone());
        let read = tokio::select! {
            read = socket.read(&mut buffer) => read,
            () = sleep_until(until) => {
                return match publisher {
                    Some(_) => Gone::because("idle", "nothing came for too long"),
                    None => Gone::because("handshake", "no stream was published in time"),
                };
            }
            () = cancelled(away.as_ref(), &inner.stopping) => return Gone { word: "replaced", text: None },
        };
        let count = match read {
            Ok(0) => return Gone::FINISHED,
            Ok(count) => count,
            Err(_) => return Gone { word: "broken", text: None },
        };
        inner.counters.ingested(count);
        if let Err(refusal) = session.push(&buffer[..count]) {
            return Gone::because(refusal.word(), refusal.to_string());
        }
        if let Err(gone) = events(session, publisher, number, inner) {
            return gone;
        }
        match timeout(patience.handshake, write(socket, session)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Gone { word: "broken", text: None },
            Err(_) => return Gone::because("slow", "what is answered is not read"),
        }
        if let Some(Publisher { seen_key: false, since, .. }) = publisher
            && since.elapsed() > patience.first_picture
        {
            return Gone::because("no_picture", "no key frame of H.264 came in time");
        }
        pace.took(count).await;
    }
}

/// Does what the publisher's messages ask for.
fn events(
    session: &mut ServerSession,
    publisher: &mut Option<Publisher>,
    number: u64,
    inner: &Inner,
) -> Result<(), Gone> {
    loop {
        let event = session.next().map_err(|refusal| Gone::because(refusal.word(), refusal.to_string()))?;
        match (event, &mut *publisher) {
            (None, _) => return Ok(()),
            (Some(Event::Publish { app, key }), None) => {
                let found = inner.by_path(&app, &key).and_then(|stream| {
                    let away = stream.publish(number)?;
                    Some(Publisher { stream, away, since: Instant::now(), seen_key: false })
                });
                let Some(found) = found else { return Err(Gone::because("path", "there is no such stream")) };
                info!(stream = %found.stream.id, "publisher came");
                session.accept();
                *publisher = Some(found);
            }
            (Some(Event::Publish { .. }), Some(_)) => {
                return Err(Gone::because("command", "one connection publishes one stream"));
            }
            (Some(Event::Audio { timestamp, data }), Some(publisher)) => {
                take(publisher, Kind::Audio, timestamp, data, inner)?;
            }
            (Some(Event::Video { timestamp, data }), Some(publisher)) => {
                take(publisher, Kind::Video, timestamp, data, inner)?;
            }
            (Some(Event::Metadata(data)), Some(publisher)) => publisher.stream.live.lock().metadata(data),
            (Some(Event::Finished), _) => return Err(Gone::FINISHED),
            (Some(Event::Audio { .. } | Event::Video { .. } | Event::Metadata(_)), None) => {}
        }
    }
}

fn take(publisher: &mut Publisher, kind: Kind, timestamp: u32, data: bytes::Bytes, inner: &Inner) -> Result<(), Gone> {
    if publisher.away.is_cancelled() {
        return Err(Gone { word: "replaced", text: None });
    }
    match publisher.stream.take(kind, timestamp, data) {
        Ok(Took::Nothing) => {}
        Ok(Took::Frame { key }) => {
            publisher.seen_key |= key;
            inner.counters.frame();
        }
        Ok(Took::Segment(_)) => {
            publisher.seen_key = true;
            inner.counters.frame();
        }
        Err(bad) => return Err(Gone::because("codec", bad.to_string())),
    }
    Ok(())
}

async fn write(socket: &mut TcpStream, session: &mut ServerSession) -> std::io::Result<()> {
    let output = session.take_output();
    if output.is_empty() { Ok(()) } else { socket.write_all(&output).await }
}

async fn cancelled(away: Option<&CancellationToken>, stopping: &CancellationToken) {
    match away {
        Some(away) => away.cancelled().await,
        None => stopping.cancelled().await,
    }
}

/// Reads no faster than so many bytes a second, with a second's worth at once. Who sends more finds its own buffer full.
struct Pace {
    rate: f64,
    budget: f64,
    last: Instant,
}

impl Pace {
    fn new(rate: usize) -> Self {
        Self { rate: rate as f64, budget: rate as f64, last: Instant::now() }
    }

    async fn took(&mut self, bytes: usize) {
        let now = Instant::now();
        self.budget = (self.budget + (now - self.last).as_secs_f64() * self.rate).min(self.rate);
        self.last = now;
        self.budget -= bytes as f64;
        if self.budget < 0.0 {
            tokio::time::sleep(std::time::Duration::from_secs_f64(-self.budget / self.rate)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_sends_faster_than_the_pace() {
        let begun = Instant::now();
        let mut pace = Pace::new(1_000);
        for _ in 0..50 {
            pace.took(100).await;
        }
        let took = begun.elapsed().as_secs_f64();
        assert!((3.9..4.2).contains(&took), "{took}");
    }
}
