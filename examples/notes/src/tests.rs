//! The app against a cloud for tests.

use bifocal_sdk::testing::FakeCloud;

use super::*;

#[tokio::test(start_paused = true)]
async fn notes_are_kept_read_and_taken_away() {
    let cloud = FakeCloud::new(Notes);
    let ann = cloud.start("ann@example.org").await;
    ann.sees("No notes").await;
    ann.says("Note buy milk.").await;
    ann.says("note: call Bob").await;
    ann.sees("1. buy milk\n2. call Bob").await;
    ann.says("delete one").await;
    ann.sees("1. call Bob").await;
    assert_eq!(ann.storage()[KEY], "call Bob");
}

#[tokio::test(start_paused = true)]
async fn they_are_there_in_the_next_session_and_nobody_else_sees_them() {
    let cloud = FakeCloud::new(Notes);
    let ann = cloud.start("ann@example.org").await;
    ann.says("note remember me").await;
    ann.sees("1. remember me").await;
    let ann = cloud.start("ann@example.org").await;
    ann.sees("1. remember me").await;
    cloud.start("bob@example.org").await.sees("No notes").await;
    ann.says("clear").await;
    ann.sees("No notes").await;
}

#[test]
fn only_commands_are_commands() {
    assert_eq!(command("Delete 12."), Some(Command::Delete(12)));
    assert_eq!(command("READ"), Some(Command::Read));
    for text in ["note", "notes are nice", "delete it", "delete 0", "clear the table", ""] {
        assert_eq!(command(text), None, "{text}");
    }
}
