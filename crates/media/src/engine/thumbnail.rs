//! A picture of what is seen now. Making one needs a decoder, which we do not have: the system's `ffmpeg` makes it where there
//! is one, from the newest key frame alone; everywhere else a neutral picture is served.
//!
//! Made when somebody asks, at most once in [`FRESH`] for each stream, one at a time in the whole process, each within
//! [`PATIENCE`]. The program reads from a pipe and may open nothing else.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::stream::Stream;
use crate::flv::{self, Tag};
use crate::managed::StreamId;
use crate::mp4::{self, Run, Sample};

/// How long a picture is good for.
const FRESH: Duration = Duration::from_secs(5);
/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The biggest picture that is taken from it, in bytes.
const MAX_PICTURE: u64 = 1 << 20;
/// Pictures that are kept, of how many streams.
const KEPT: usize = 64;
/// Served when there is nothing else: 640x360, dark, a lens.
const NEUTRAL: &[u8] = include_bytes!("../../assets/neutral.jpg");

/// Makes pictures and keeps the newest.
#[derive(Debug)]
pub(crate) struct Thumbnails {
    ffmpeg: Option<PathBuf>,
    one: Semaphore,
    kept: Mutex<Vec<(StreamId, Instant, Bytes)>>,
}

impl Thumbnails {
    pub(crate) fn new(ffmpeg: Option<PathBuf>) -> Self {
        Self { ffmpeg, one: Semaphore::new(1), kept: Mutex::default() }
    }

    /// A JPEG of the stream.
    pub(crate) async fn of(&self, stream: &Stream) -> Bytes {
        let kept = self.kept(&stream.id);
        if let Some((at, picture)) = &kept
            && at.elapsed() < FRESH
        {
            return picture.clone();
        }
        let old = kept.map(|(_, picture)| picture);
        if let (Some(ffmpeg), Ok(_permit)) = (&self.ffmpeg, self.one.try_acquire())
            && let Some(input) = still(stream)
            && let Ok(Some(picture)) = timeout(PATIENCE, decode(ffmpeg, input)).await
        {
            self.keep(&stream.id, picture.clone());
            return picture;
        }
        old.unwrap_or(Bytes::from_static(NEUTRAL))
    }

    fn kept(&self, id: &StreamId) -> Option<(Instant, Bytes)> {
        let kept = self.kept.lock();
        kept.iter().find(|(known, ..)| known == id).map(|(_, at, picture)| (*at, picture.clone()))
    }

    fn keep(&self, id: &StreamId, picture: Bytes) {
        let mut kept = self.kept.lock();
        kept.retain(|(known, ..)| known != id);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((id.clone(), Instant::now(), picture));
    }
}

/// A film of one picture: the newest key frame.
fn still(stream: &Stream) -> Option<Bytes> {
    let live = stream.live.lock();
    let header = live.segmenter.newest_header()?;
    let Ok(Tag::Video(picture)) = flv::video(live.gop.key()?.data.clone()) else { return None };
    let sample = Sample { duration: 40, offset: 0, key: true, data: picture.data };
    let run = Run { begin: 0, samples: vec![sample] };
    let fragment = mp4::fragment(0, &run, &Run::default());
    Some([&mp4::header(&header.video, None)[..], &fragment].concat().into())
}

async fn decode(ffmpeg: &PathBuf, input: Bytes) -> Option<Bytes> {
    let arguments = "-hide_banner -loglevel quiet -threads 1 -protocol_whitelist pipe -f mp4 -i pipe:0 \
                     -frames:v 1 -vf scale=640:-2 -q:v 5 -f mjpeg pipe:1";
    let mut child = Command::new(ffmpeg)
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let (mut stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
    let write = async move {
        // A program that has seen enough closes its end.
        let _ = stdin.write_all(&input).await;
    };
    let mut picture = Vec::new();
    let mut limited = stdout.take(MAX_PICTURE);
    let (read, ()) = tokio::join!(limited.read_to_end(&mut picture), write);
    read.ok()?;
    let done = child.wait().await.ok()?.success();
    (done && picture.starts_with(&[0xff, 0xd8])).then(|| picture.into())
}
