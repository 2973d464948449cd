//! The app against a cloud for tests.

use std::time::Duration;

use bifocal_sdk::testing::FakeCloud;

use super::Captions;

#[tokio::test(start_paused = true)]
async fn words_are_shown_while_they_are_spoken_and_a_long_press_clears() {
    let cloud = FakeCloud::new(Captions);
    let ann = cloud.start("ann@example.org").await;
    ann.sees("Listening …").await;
    ann.speaks("en-US", "hel", false).await;
    ann.sees("hel").await;
    ann.says("hello").await;
    ann.sees("hello").await;
    ann.presses("main", "short").await;
    ann.presses("main", "long").await;
    ann.gets("display_event", |message| message["layout"]["layoutType"] == "clear_view").await;
}

#[tokio::test(start_paused = true)]
async fn the_setting_chooses_the_language() {
    let cloud = FakeCloud::new(Captions);
    let ann = cloud.start("ann@example.org").await;
    ann.sets("language", "fr-FR");
    ann.speaks("fr-FR", "bonjour", true).await;
    ann.sees("bonjour").await;
}

#[tokio::test(start_paused = true)]
async fn captions_go_on_after_a_lost_connection() {
    let cloud = FakeCloud::new(Captions);
    let ann = cloud.start("ann@example.org").await;
    ann.sees("Listening …").await;
    ann.cut_for(Duration::from_secs(5)).await;
    ann.is_back(1).await;
    ann.says("back again").await;
    ann.sees("back again").await;
}
