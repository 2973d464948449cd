//! The app against a cloud for tests.

use bifocal_sdk::testing::FakeCloud;

use super::*;

#[tokio::test(start_paused = true)]
async fn everybody_sees_what_one_says() {
    let cloud = FakeCloud::new(Chat::default());
    let ann = cloud.start("ann@example.org").await;
    let bob = cloud.start("bob@example.org").await;
    bob.sees("2 here").await;
    ann.says("Hello!").await;
    ann.sees("ann: Hello!").await;
    bob.sees("ann: Hello!").await;
    bob.says("Hello, Ann.").await;
    ann.sees("bob: Hello, Ann.").await;
    let count = cloud.call_tool("count", Default::default(), "ann@example.org").await.expect("an answer");
    assert_eq!(count, ToolReply::Text("2 sentences so far".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn who_has_left_disturbs_nobody() {
    let cloud = FakeCloud::new(Chat::default());
    let ann = cloud.start("ann@example.org").await;
    cloud.start("bob@example.org").await;
    cloud.stop("bob@example.org").await;
    ann.speaks("en-US", "still chang", false).await;
    ann.says("alone").await;
    ann.sees("ann: alone").await;
    assert!(!ann.saw().iter().any(|text| text.contains("chang")), "{:?}", ann.saw());
}
