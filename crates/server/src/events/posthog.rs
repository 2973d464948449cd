//! Product events to PostHog: `POST <url>/batch/`, as its documentation describes. Tested against a scripted server only.

use std::time::Duration;

use reqwest::{Client, redirect};
use serde_json::{Value, json};

use super::Event;
use crate::auth::provider;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP client and where it goes.
pub(super) struct PostHog {
    http: Client,
    url: String,
    key: String,
}

impl PostHog {
    pub(super) fn new(url: &str, key: &str) -> Result<Self, String> {
        provider::install();
        let http = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        let http = http.map_err(|error| format!("cannot make the HTTP client: {error}"))?;
        Ok(Self { http, url: format!("{}/batch/", url.trim_end_matches('/')), key: key.to_owned() })
    }

    pub(super) async fn send(&self, batch: &[Event]) -> Result<(), String> {
        let body = json!({ "api_key": self.key, "batch": batch.iter().map(entry).collect::<Vec<_>>() });
        let response = self.http.post(&self.url).json(&body).send().await;
        match response {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("PostHog answered HTTP {}", response.status().as_u16())),
            Err(error) if error.is_timeout() => Err("PostHog did not answer".to_owned()),
            Err(_) => Err("PostHog could not be reached".to_owned()),
        }
    }
}

fn entry(event: &Event) -> Value {
    let mut properties = event.properties.clone();
    if let Some(fields) = properties.as_object_mut() {
        fields.insert("distinct_id".to_owned(), json!(event.user));
        // No profile of a person is made of it.
        fields.insert("$process_person_profile".to_owned(), json!(false));
    }
    json!({ "event": event.event, "properties": properties, "timestamp": event.timestamp })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::routing::post;
    use axum::{Json, Router};
    use bifocal_protocol::Timestamp;

    use super::*;

    type Seen = Arc<Mutex<Vec<Value>>>;

    /// A server that writes down what it gets, and answers with this status.
    async fn scripted(status: StatusCode) -> (String, Seen) {
        let seen = Seen::default();
        let take = async move |State(seen): State<Seen>, Json(body): Json<Value>| {
            seen.lock().expect("unpoisoned").push(body);
            status
        };
        let router = Router::new().route("/batch/", post(take)).with_state(seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, seen)
    }

    fn event() -> Event {
        let properties = json!({ "package": "org.example.demo" });
        Event { event: "app_start", user: "0123abcd".to_owned(), timestamp: Timestamp(0), properties }
    }

    #[tokio::test]
    async fn a_batch_has_the_form_of_the_documentation() {
        let (url, seen) = scripted(StatusCode::OK).await;
        let posthog = PostHog::new(&url, "phc_key").expect("made");
        posthog.send(&[event(), event()]).await.expect("taken");
        let body = seen.lock().expect("unpoisoned").remove(0);
        assert_eq!((&body["api_key"], body["batch"].as_array().map(Vec::len)), (&json!("phc_key"), Some(2)));
        let expected = json!({
            "event": "app_start",
            "properties": { "package": "org.example.demo", "distinct_id": "0123abcd", "$process_person_profile": false },
            "timestamp": "1970-01-01T00:00:00.000Z",
        });
        assert_eq!(body["batch"][0], expected);
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_that_says_so() {
        let (url, _) = scripted(StatusCode::UNAUTHORIZED).await;
        let posthog = PostHog::new(&url, "wrong").expect("made");
        assert_eq!(posthog.send(&[event()]).await, Err("PostHog answered HTTP 401".to_owned()));
    }
}
