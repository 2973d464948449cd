//! The app against a cloud for tests.

use bifocal_sdk::testing::FakeCloud;
use tokio::time::Instant;

use super::*;

const SPEECH: &str = "Four score and seven years ago our fathers brought forth on this continent a new nation";

#[tokio::test(start_paused = true)]
async fn it_goes_at_the_pace_of_the_speaker_to_the_end() {
    let cloud = FakeCloud::new(Teleprompter);
    let ann = cloud.start("ann@example.org").await;
    ann.sets("words_per_minute", 60);
    ann.sets("script", SPEECH);
    ann.sees("Four score").await;
    let begun = Instant::now();
    ann.sees("The end").await;
    let words = SPEECH.split(' ').count() as u64;
    assert!((words - 1..=words + 1).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_button_pauses_goes_on_and_starts_over() {
    let cloud = FakeCloud::new(Teleprompter);
    let ann = cloud.start("ann@example.org").await;
    ann.sets("script", SPEECH);
    ann.sees("our fathers").await;
    ann.presses("main", "short").await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    ann.sees("our fathers").await;
    ann.presses("main", "short").await;
    ann.sees("The end").await;
    ann.moves_head("up").await;
    ann.sees("nation").await;
    ann.presses("main", "long").await;
    ann.sees("Four score").await;
}
