//! Recordings: the segments of a stream, one after the other, in a file that every player opens. Off unless the operator says
//! where they go and how long they stay.
//!
//! A file holds what has one header; when the pictures change their form, the next file begins. A disk that is slow or full
//! costs the recording some segments, and the stream nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::{info, warn};

use super::stream::Stream;
use crate::config::Recording;
use crate::hls::Segment;

/// How often old recordings are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Writes what comes until the stream is over.
pub(crate) async fn run(stream: Arc<Stream>, mut segments: Receiver<Segment>, folder: PathBuf) {
    if let Err(error) = write_all(&stream, &mut segments, &folder).await {
        warn!(stream = %stream.id, %error, "the recording ends early");
    }
}

async fn write_all(stream: &Stream, segments: &mut Receiver<Segment>, folder: &Path) -> std::io::Result<()> {
    let mut open: Option<(u32, File)> = None;
    loop {
        let segment = tokio::select! {
            biased;
            segment = segments.recv() => segment,
            () = stream.ended.cancelled() => match segments.try_recv() {
                Ok(segment) => Ok(segment),
                Err(_) => return Ok(()),
            },
        };
        let segment = match segment {
            Ok(segment) => segment,
            Err(RecvError::Lagged(missed)) => {
                warn!(stream = %stream.id, missed, "the disk is too slow for the recording");
                continue;
            }
            Err(RecvError::Closed) => return Ok(()),
        };
        let file = match &mut open {
            Some((header, file)) if *header == segment.header => file,
            _ => {
                let header = stream.live.lock().segmenter.header(segment.header).map(|header| header.data.clone());
                let Some(header) = header else { continue };
                // Both parts are our own: letters, digits, a number.
                let path = folder.join(format!("{}-{}.mp4", stream.id, segment.header));
                let mut file = fs::OpenOptions::new().create_new(true).write(true).open(&path).await?;
                file.write_all(&header).await?;
                info!(stream = %stream.id, path = %path.display(), "recording");
                &mut open.insert((segment.header, file)).1
            }
        };
        file.write_all(&segment.data).await?;
        file.flush().await?;
    }
}

/// Deletes recordings that have been kept long enough, now and every hour.
pub(crate) async fn sweep(recording: Recording) {
    loop {
        match sweep_once(&recording).await {
            Ok(0) => {}
            Ok(count) => info!(count, "old recordings deleted"),
            Err(error) => warn!(%error, "old recordings cannot be deleted"),
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

async fn sweep_once(recording: &Recording) -> std::io::Result<usize> {
    let mut entries = fs::read_dir(&recording.folder).await?;
    let mut deleted = 0;
    while let Some(entry) = entries.next_entry().await? {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.ends_with(".mp4"));
        let modified = entry.metadata().await?.modified()?;
        let age = SystemTime::now().duration_since(modified).unwrap_or_default();
        if is_ours && age > recording.keep {
            fs::remove_file(entry.path()).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_old_recordings_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, age) in [("old.mp4", 100), ("new.mp4", 0), ("old.txt", 100)] {
            let file = std::fs::File::create(folder.path().join(name)).expect("made");
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("aged");
        }
        let recording = Recording { folder: folder.path().to_owned(), keep: Duration::from_secs(50) };
        assert_eq!(sweep_once(&recording).await.expect("swept"), 1);
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).expect("read").flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["new.mp4", "old.txt"]);
    }
}
