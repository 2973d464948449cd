//! What is kept: recordings, off by default, and thumbnails, with `ffmpeg` and without.

mod support;

use bifocal_media::{ManagedProvider, NewStream, Phase, Recording};
use std::time::Duration;
use support::{LIMIT, Stage, frames, phase, publish};

async fn recorded(folder: Option<&std::path::Path>, record: bool) -> Vec<std::path::PathBuf> {
    let keep = Duration::from_secs(3600);
    let stage = Stage::start(|config| {
        config.recording = folder.map(|folder| Recording { folder: folder.to_owned(), keep });
    })
    .await;
    let new = NewStream { record, ..NewStream::default() };
    let mut stream = stage.media.create(new).await.expect("made");
    let mut publisher = publish(&stream.publish_url, 4);
    publisher.wait().await.expect("ends");
    phase(&mut stream.status, Phase::Lost).await;
    // Stopping waits for what is still to be written.
    stage.media.stop().await;
    let folder = folder.map(std::fs::read_dir).into_iter().flatten().flatten();
    folder.flatten().map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn a_recording_has_every_picture_and_needs_to_be_asked_for_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("made/by/us");
    let files = recorded(Some(&inside), true).await;
    assert_eq!(files.len(), 1);
    let (pictures, sounds) = frames(files[0].to_str().expect("a path")).await;
    assert!(pictures == 100 && sounds >= 170, "{pictures} {sounds}");
    // The operator alone, or the app alone, is not enough.
    assert!(recorded(Some(&folder.path().join("other")), false).await.is_empty());
    assert!(recorded(None, true).await.is_empty());
}

#[tokio::test]
async fn a_thumbnail_is_a_picture_of_now_or_a_neutral_one() {
    let with = Stage::start(|config| config.ffmpeg = Some("/usr/bin/ffmpeg".into())).await;
    let without = Stage::start(|_| {}).await;
    let (mut one, mut other) = (with.stream().await, without.stream().await);
    let neutral = with.get(support::path_of(&one.urls.thumbnail)).await.1;
    let _publishers = (publish(&one.publish_url, 60), publish(&other.publish_url, 60));
    phase(&mut one.status, Phase::Live).await;
    phase(&mut other.status, Phase::Live).await;
    let picture = async {
        loop {
            let (status, picture) = with.get(support::path_of(&one.urls.thumbnail)).await;
            assert_eq!((status, &picture[..2]), (200, &[0xff, 0xd8][..]));
            // Between two groups of pictures there is nothing to show.
            if picture != neutral {
                return picture;
            }
        }
    };
    let picture = tokio::time::timeout(LIMIT, picture).await.expect("a picture");
    assert!(picture.len() > 2_000);
    assert_eq!(without.get(support::path_of(&other.urls.thumbnail)).await.1, neutral);
}
