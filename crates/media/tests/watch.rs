//! Real media from end to end: `ffmpeg` publishes, `ffprobe` reads back what viewers get.

mod support;

use std::time::Duration;

use bifocal_media::{EndReason, ManagedProvider, NewOutput, NewStream, OutputState, Phase};
use support::{Stage, frames, phase, publish, until};

#[tokio::test]
async fn what_is_published_can_be_watched_frame_by_frame() {
    let stage = Stage::start(|config| config.patience.come_back = Duration::from_secs(1)).await;
    let mut stream = stage.stream().await;
    assert_eq!(stage.get(support::path_of(&stream.urls.hls)).await.0, 404, "nothing yet");
    let mut publisher = publish(&stream.publish_url, 8);
    phase(&mut stream.status, Phase::Live).await;
    assert!(publisher.wait().await.expect("ends").success());
    phase(&mut stream.status, Phase::Ended(EndReason::PublisherLost)).await;
    // 25 pictures a second; 44,100 samples a second in frames of 1,024, and one that primes the decoder.
    let (pictures, sounds) = frames(&stream.urls.hls).await;
    assert_eq!(pictures, 200);
    assert!((344..=346).contains(&sounds), "{sounds}");
    let numbers = stage.media.numbers();
    assert_eq!((numbers.segments, numbers.connections, numbers.streams), (4, 0, [0; 4]));
}

#[tokio::test]
async fn a_publisher_that_is_killed_and_returns_goes_on_at_the_same_address() {
    let stage = Stage::start(|config| config.patience.come_back = Duration::from_secs(20)).await;
    let mut stream = stage.stream().await;
    let mut publisher = publish(&stream.publish_url, 60);
    phase(&mut stream.status, Phase::Live).await;
    publisher.kill().await.expect("killed");
    phase(&mut stream.status, Phase::Lost).await;
    assert_eq!(stage.get(support::path_of(&stream.urls.hls)).await.0, 200, "the address stays");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut publisher = publish(&stream.publish_url, 4);
    phase(&mut stream.status, Phase::Live).await;
    publisher.wait().await.expect("ends");
    stage.media.delete(&stream.id).await.expect("deleted");
    phase(&mut stream.status, Phase::Ended(EndReason::Deleted)).await;
    let list = support::media_playlist(&stage, &stream.urls.hls).await;
    assert_eq!(list.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{list}");
    assert!(list.ends_with("#EXT-X-ENDLIST\n"), "{list}");
    let (pictures, _) = frames(&stream.urls.hls).await;
    assert!(pictures >= 100, "the second publisher alone sent 100, there are {pictures}");
}

#[tokio::test]
async fn a_second_ingest_receives_what_the_first_one_gets() {
    let stage = Stage::start(|_| {}).await;
    let target = Stage::start(|_| {}).await;
    let mut copy = target.stream().await;
    let output = NewOutput { url: copy.publish_url.clone(), name: Some("the other one".into()) };
    let new = NewStream { owner: "a".into(), outputs: vec![output], record: false };
    let mut stream = stage.media.create(new).await.expect("made");
    let mut publisher = publish(&stream.publish_url, 7);
    until(&mut stream.status, "an active output", |status| {
        status.outputs.iter().any(|output| output.state == OutputState::Active)
    })
    .await;
    phase(&mut copy.status, Phase::Live).await;
    publisher.wait().await.expect("ends");
    stage.media.delete(&stream.id).await.expect("deleted");
    phase(&mut copy.status, Phase::Lost).await;
    target.media.delete(&copy.id).await.expect("deleted");
    let (pictures, sounds) = frames(&copy.urls.hls).await;
    assert!(pictures >= 170 && sounds >= 290, "{pictures} {sounds}");
}
