//! The app against a cloud for tests.

use bifocal_sdk::testing::FakeCloud;

use super::*;

#[tokio::test(start_paused = true)]
async fn it_counts_down_and_says_when_time_is_up() {
    let cloud = FakeCloud::new(Timer);
    let ann = cloud.start("ann@example.org").await;
    ann.says("Set a timer for ninety seconds").await;
    ann.says("Set a timer for 90 seconds.").await;
    ann.sees("1:30").await;
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs(80)).await;
    ann.sees("0:10").await;
    ann.sees("Time is up").await;
    assert_eq!(begun.elapsed().as_secs(), 90);
    ann.gets("rgb_led_control", |message| message["color"] == "orange" && message["count"] == 3).await;
    ann.gets("audio_play_request", |message| message["trackId"] == 2).await;
}

#[tokio::test(start_paused = true)]
async fn it_can_be_stopped_and_set_anew() {
    let cloud = FakeCloud::new(Timer);
    let ann = cloud.start("ann@example.org").await;
    ann.says("timer two hours").await;
    ann.sees("120:00").await;
    ann.says("stop").await;
    ann.sees("Stopped").await;
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    ann.sees("Stopped").await;
    ann.says("timer one second").await;
    ann.sees("Time is up").await;
}

#[test]
fn what_sets_no_timer() {
    assert_eq!(seconds("timer ten minutes"), Some(600));
    for text in [
        "timer",
        "timer five",
        "timer five apples",
        "ten minutes",
        "timer 0 seconds",
        "timer 99999999999999999999 hours",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
}
