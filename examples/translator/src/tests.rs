//! The app against a cloud for tests.

use bifocal_sdk::testing::FakeCloud;

use super::Translator;

#[tokio::test(start_paused = true)]
async fn words_are_shown_with_their_translation() {
    let cloud = FakeCloud::new(Translator);
    let ann = cloud.start("ann@example.org").await;
    ann.is_translated("en-US", "good day", "es-ES", "buenos días").await;
    ann.sees("good day\nbuenos días").await;
}

#[tokio::test(start_paused = true)]
async fn another_setting_is_another_stream_and_a_bad_one_is_told() {
    let cloud = FakeCloud::new(Translator);
    let ann = cloud.start("ann@example.org").await;
    assert_eq!(ann.subscriptions(1).await, ["translation:auto-to-es-ES"]);
    ann.sets("to", "fr-FR");
    ann.sees("auto → fr-FR").await;
    ann.is_translated("en-US", "good day", "fr-FR", "bonjour").await;
    ann.sees("bonjour").await;
    ann.sets("to", "klingon");
    ann.sees("Please look at the settings").await;
    ann.sets("to", "de-DE");
    ann.sees("auto → de-DE").await;
}
