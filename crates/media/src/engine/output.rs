//! One output: connects to a target, publishes, and tries again for as long as the stream lives.
//!
//! | state | left when |
//! |---|---|
//! | waiting | a publisher is there |
//! | connecting | the target accepts; or it does not within the time for a handshake |
//! | active | the connection breaks, or the target takes nothing for too long |
//! | failed | the wait is over: 1 s, then twice as long each time, 30 s at most; after a minute of success it begins anew |
//!
//! A publisher that leaves and comes back within the target's patience is the same connection for the target: times go on.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::Inner;
use super::stream::Stream;
use super::target::{Socket, Target};
use crate::gop::{Frame, Queue, What};
use crate::managed::{OutputId, OutputState};
use crate::rtmp::client::ClientSession;

/// After so long, a connection counts as good.
const GOOD: Duration = Duration::from_secs(60);
/// What is read at once; targets have little to say.
const READ: usize = 4 << 10;
/// A step of time that is not a step of the same publisher, in milliseconds.
const JUMP_MS: i64 = 10_000;

/// Runs until the output is removed or the stream is over.
pub(crate) async fn run(
    stream: Arc<Stream>,
    id: OutputId,
    target: Target,
    removed: CancellationToken,
    inner: Arc<Inner>,
) {
    let patience = &inner.config.patience;
    let mut wait = patience.output_first;
    loop {
        tokio::select! {
            () = published(&stream) => {}
            () = removed.cancelled() => return,
        }
        stream.output_state(&id, OutputState::Connecting);
        let begun = Instant::now();
        let queue = Arc::new(Queue::new(inner.config.limits.output_bytes));
        let ended = publish(&stream, &id, &target, &queue, &removed, &inner).await;
        stream.starve(&id);
        inner.counters.dropped(queue.dropped());
        let Err(why) = ended else { return };
        debug!(stream = %stream.id, output = %id, why, "output failed");
        stream.output_state(&id, OutputState::Failed(why));
        if begun.elapsed() > GOOD {
            wait = patience.output_first;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = removed.cancelled() => return,
        }
        wait = (wait * 2).min(patience.output_longest);
    }
}

/// Waits for a publisher.
async fn published(stream: &Stream) {
    let mut publisher = stream.publisher.subscribe();
    // The sender lives in the stream: it does not go away.
    let _ = publisher.wait_for(|connection| *connection != 0).await;
}

/// One connection, from its beginning until the output is removed, or to its failure, which is fit for people.
async fn publish(
    stream: &Stream,
    id: &OutputId,
    target: &Target,
    queue: &Arc<Queue>,
    removed: &CancellationToken,
    inner: &Inner,
) -> Result<(), String> {
    let patience = &inner.config.patience;
    let mut session = ClientSession::new(&target.app, &target.key, &target.tc_url());
    let socket = tokio::select! {
        begun = timeout(patience.handshake, begin(&mut session, target, inner)) => {
            begun.map_err(|_| "it did not accept the stream in time")??
        }
        () = removed.cancelled() => return Ok(()),
    };
    stream.output_state(id, OutputState::Active);
    info!(stream = %stream.id, output = %id, "output active");
    stream.feed(id, queue);
    let (mut reader, mut writer) = tokio::io::split(socket);
    let mut times = Times::default();
    let mut buffer = vec![0; READ];
    loop {
        let done = tokio::select! {
            biased;
            frame = queue.next() => {
                send(&mut session, &mut times, frame);
                false
            }
            read = read(&mut reader, &mut buffer) => {
                session.push(read?).map_err(|error| error.to_string())?;
                false
            }
            // After what waits: the target gets the last picture, too.
            () = removed.cancelled() => {
                session.finish();
                true
            }
        };
        write(&mut session, &mut writer, patience.idle).await?;
        if done {
            let _ = timeout(patience.handshake, writer.shutdown()).await;
            return Ok(());
        }
    }
}

/// Connects, and talks until the target accepts the stream.
async fn begin(session: &mut ClientSession, target: &Target, inner: &Inner) -> Result<Socket, String> {
    let mut socket = target.connect(&inner.config.permits, &inner.tls).await?;
    let mut buffer = vec![0; READ];
    while !session.is_publishing() {
        let output = session.take_output();
        socket.write_all(&output).await.map_err(broken)?;
        socket.flush().await.map_err(broken)?;
        let count = socket.read(&mut buffer).await.map_err(broken)?;
        if count == 0 {
            return Err("it closed the connection before it accepted the stream".to_owned());
        }
        session.push(&buffer[..count]).map_err(|error| error.to_string())?;
    }
    Ok(socket)
}

async fn read<'a>(reader: &mut ReadHalf<Socket>, buffer: &'a mut [u8]) -> Result<&'a [u8], String> {
    match reader.read(buffer).await.map_err(broken)? {
        0 => Err("it closed the connection".to_owned()),
        count => Ok(&buffer[..count]),
    }
}

async fn write(session: &mut ClientSession, writer: &mut WriteHalf<Socket>, patience: Duration) -> Result<(), String> {
    let output = session.take_output();
    if output.is_empty() {
        return Ok(());
    }
    let written = timeout(patience, async {
        writer.write_all(&output).await?;
        writer.flush().await
    });
    written.await.map_err(|_| "it takes nothing any more".to_owned())?.map_err(broken)
}

fn send(session: &mut ClientSession, times: &mut Times, frame: Frame) {
    let Frame { what, timestamp, data } = frame;
    match what {
        What::Metadata => session.metadata(&data),
        // Before the first picture: the time of the set-up is that of what follows.
        What::VideoConfig => session.video(times.now, data),
        What::AudioConfig => session.audio(times.now, data),
        What::Key | What::Picture => session.video(times.of(timestamp), data),
        What::Sound => session.audio(times.of(timestamp), data),
    }
}

fn broken(error: std::io::Error) -> String {
    format!("the connection broke: {}", error.kind())
}

/// From the times of publishers to one that begins at zero and only goes on.
#[derive(Debug, Default)]
struct Times {
    now: u32,
    last: Option<u32>,
}

impl Times {
    fn of(&mut self, timestamp: u32) -> u32 {
        let step = self.last.map_or(0, |last| i64::from(timestamp.wrapping_sub(last).cast_signed()));
        self.last = Some(timestamp);
        // Sound and pictures are a little apart; another publisher begins somewhere else.
        let step = if step.abs() > JUMP_MS { 33 } else { step };
        self.now = (i64::from(self.now) + step).max(0) as u32;
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_at_zero_and_survive_another_publisher() {
        let mut times = Times::default();
        let given: Vec<u32> = [900_000, 900_040, 900_020, 900_080, 0, 40].map(|time| times.of(time)).into();
        assert_eq!(given, [0, 40, 20, 80, 113, 153]);
    }
}
