//! The weather on the dashboard, from a scripted provider to the glasses.

mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use harness::{ANN, Cloud, Socket};
use serde_json::{Value, json};

/// A provider for whom it rains everywhere; it counts how often it was asked, and refuses a question of another form.
async fn provider() -> (url::Url, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = async move |RawQuery(query): RawQuery| {
        count.fetch_add(1, Ordering::SeqCst);
        assert_eq!(query.as_deref(), Some("latitude=48.1&longitude=11.6&current=temperature_2m%2Cweather_code"));
        r#"{"current":{"time":"2026-01-05T08:00","temperature_2m":11.6,"weather_code":61}}"#
    };
    let router = Router::new().route("/v1/forecast", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1/forecast", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, router).into_future());
    (url.parse().expect("a URL"), asked)
}

/// The next dashboard.
async fn dashboard(phone: &mut Socket) -> Value {
    loop {
        let event = phone.until("display_event").await;
        if event["view"] == "dashboard" {
            return event["layout"].clone();
        }
    }
}

#[tokio::test]
async fn the_wearer_sees_the_weather_of_the_place() {
    let (url, asked) = provider().await;
    let cloud = Cloud::with(|config| config.weather_url = Some(url)).await;
    let mut phone = cloud.phone(ANN).await;
    assert_eq!(dashboard(&mut phone).await["bottomText"], "$GBATT$");
    phone.send(json!({ "type": "location_update", "lat": 48.137, "lng": 11.575 })).await;
    assert_eq!(dashboard(&mut phone).await["bottomText"], "$GBATT$ 53\u{b0}F Rain");
    let body = json!({ "settings": { "metric_system": true } });
    let authorization = format!("Bearer {}", harness::token::good(ANN));
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let path = "/api/client/user/settings";
    let reply = harness::http::request(cloud.address, "POST", path, &headers, &body.to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(dashboard(&mut phone).await["bottomText"], "$GBATT$ 12\u{b0}C Rain");
    let metrics = cloud.get("/metrics").await.body;
    assert!(metrics.contains(r#"bifocal_calls_total{call="weather",outcome="ok"} 1"#), "{metrics}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
