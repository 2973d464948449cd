//! The app against a cloud for tests.

use bifocal_sdk::testing::{FakeCloud, Setting};
use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn the_next_appointment_and_the_battery_are_on_the_dashboard() {
    let cloud = FakeCloud::new(Widget);
    let setting = Setting { timezone: Some("Europe/Berlin".to_owned()), ..Setting::default() };
    let ann = cloud.start_with("ann@example.org", setting).await;
    let event =
        |id: &str, title: &str, start: &str| json!({"eventId": id, "title": title, "dtStart": start, "dtEnd": start});
    let content = |text: &'static str| move |message: &serde_json::Value| message["content"] == text;
    ann.sends("calendar_event", event("2", "dinner", "2026-01-05T18:00:00Z")).await;
    ann.gets("dashboard_content_update", content("19:00 dinner")).await;
    ann.sends("calendar_event", event("1", "dentist", "2026-01-05T12:00:00Z")).await;
    ann.gets("dashboard_content_update", content("13:00 dentist")).await;
    ann.sends("glasses_battery_update", json!({"level": 66, "charging": false})).await;
    ann.gets("dashboard_content_update", content("13:00 dentist\nglasses 66 %")).await;
    // It was put off.
    ann.sends("calendar_event", event("1", "dentist", "2026-01-06T12:00:00Z")).await;
    ann.gets("dashboard_content_update", content("19:00 dinner\nglasses 66 %")).await;
}

#[test]
fn nothing_known_is_nothing_shown() {
    assert_eq!(widget(&[], None, "UTC"), "");
}
