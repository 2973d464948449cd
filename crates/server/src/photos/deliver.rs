//! Photos on their way out: to the app's own server, as SDK v2 wants them, or to a URL that the app has named. And the word that
//! there is none. Under the same guard as webhooks.

use std::time::Duration;

use bifocal_protocol::app::AppRecord;
use bifocal_session::{Outcome, PhotoFailure};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Client};
use tokio_util::io::ReaderStream;
use url::{Host, Url};

use crate::calls::guard::NetworkPolicy;
use crate::calls::webhook::{advice, client, explain, sign};
use crate::clock::wall;
use crate::photos::Incoming;

/// For a photo.
const PHOTO_TIMEOUT: Duration = Duration::from_secs(15);
/// For the word that there is none.
const WORD_TIMEOUT: Duration = Duration::from_secs(5);
/// Between its two attempts.
const WORD_PAUSE: Duration = Duration::from_secs(1);

/// The HTTP client for photos.
#[derive(Debug)]
pub(crate) struct Delivery {
    http: Client,
    policy: NetworkPolicy,
}

impl Delivery {
    pub(crate) fn new(policy: NetworkPolicy) -> Result<Self, reqwest::Error> {
        Ok(Self { http: client(&policy)?, policy })
    }

    /// Whether a photo may go to this URL of an app. Plain HTTP only to places that the operator has named.
    pub(crate) fn check(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|_| "customWebhookUrl is not a URL".to_owned())?;
        self.policy.check(&url).map_err(|refused| advice(&refused))?;
        let near = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => self.policy.lists(address.into()),
            Some(Host::Ipv6(address)) => self.policy.lists(address.into()),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(url),
            "http" if near => Ok(url),
            _ => Err("customWebhookUrl must begin with https://".to_owned()),
        }
    }

    /// `POST <app url>/photo-upload`, the file unchanged.
    pub(crate) async fn to_app(&self, app: &AppRecord, request_id: &str, photo: &Incoming) -> Result<(), String> {
        let url = self.of_app(app)?;
        self.send(url, None, request_id, photo).await
    }

    /// The same to a URL of the app's.
    pub(crate) async fn to_url(
        &self,
        url: &str,
        auth_token: Option<&str>,
        request_id: &str,
        photo: &Incoming,
    ) -> Result<(), String> {
        let url = self.check(url)?;
        self.send(url, auth_token, request_id, photo).await
    }

    async fn send(&self, url: Url, auth_token: Option<&str>, request_id: &str, photo: &Incoming) -> Result<(), String> {
        let file = tokio::fs::File::open(&photo.path).await.map_err(|_| "the photo is gone".to_owned())?;
        let boundary = boundary();
        let mut head = fields(&boundary, &[("requestId", request_id), ("type", "photo_upload"), ("success", "true")]);
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            photo.name, photo.mime
        ));
        let tail = format!("\r\n--{boundary}--\r\n");
        let length = head.len() as u64 + photo.bytes + tail.len() as u64;
        let part = |text: String| futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(text))]);
        let body = futures_util::StreamExt::chain(part(head), ReaderStream::new(file));
        let body = futures_util::StreamExt::chain(body, part(tail));
        let mut request = self
            .http
            .post(url)
            .timeout(PHOTO_TIMEOUT)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
            .header(CONTENT_LENGTH, length)
            .body(Body::wrap_stream(body));
        if let Some(token) = auth_token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = request.send().await.map_err(|error| explain(&error, PHOTO_TIMEOUT))?;
        let status = response.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered HTTP {}", status.as_u16())) }
    }

    /// Tells an app's server that there is no photo, in the one form that every SDK with such a route understands; signed like
    /// a webhook, and tried twice.
    pub(crate) async fn no_photo(&self, failure: &PhotoFailure) -> Outcome {
        let url = match self.of_app(&failure.app) {
            Ok(url) => url,
            Err(why) => return Outcome::Failed { why },
        };
        let boundary = boundary();
        let told = [
            ("requestId", failure.request_id.as_str()),
            ("type", "photo_error"),
            ("success", "false"),
            ("errorCode", &failure.code),
            ("errorMessage", &failure.message),
        ];
        let body = format!("{}--{boundary}--\r\n", fields(&boundary, &told));
        let mut outcome = self.word(&url, &failure.app, &boundary, &body).await;
        if !matches!(outcome, Outcome::Webhook { status: 200..=499 }) {
            tokio::time::sleep(WORD_PAUSE).await;
            outcome = self.word(&url, &failure.app, &boundary, &body).await;
        }
        outcome
    }

    async fn word(&self, url: &Url, app: &AppRecord, boundary: &str, body: &str) -> Outcome {
        let timestamp = (wall().0 / 1000).to_string();
        let request = self
            .http
            .post(url.clone())
            .timeout(WORD_TIMEOUT)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
            .header("X-Bifocal-Signature", sign(&app.key_hash, &timestamp, body))
            .header("X-Bifocal-Timestamp", timestamp)
            .body(body.to_owned());
        match request.send().await {
            Ok(response) => Outcome::Webhook { status: response.status().as_u16() },
            Err(error) => Outcome::Failed { why: explain(&error, WORD_TIMEOUT) },
        }
    }

    fn of_app(&self, app: &AppRecord) -> Result<Url, String> {
        let url = Url::parse(&format!("{}/photo-upload", app.public_url));
        let url = url.map_err(|_| "its URL is not one".to_owned())?;
        self.policy.check(&url).map_err(|refused| advice(&refused))?;
        Ok(url)
    }
}

/// Nothing that a photo or a text of a phone could contain.
fn boundary() -> String {
    format!("bifocal-{}", super::incoming::random_name())
}

/// The text fields of a form. A value cannot leave its place: the boundary cannot be guessed.
fn fields(boundary: &str, fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    fields.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_go_to_the_open_internet_encrypted_or_to_places_that_were_named() {
        let home = NetworkPolicy::allowing(["192.168.1.0/24".parse().expect("a network")]);
        let delivery = Delivery::new(home).expect("a client");
        let good = |url: &str| delivery.check(url).is_ok();
        assert!(good("https://app.example/in") && good("http://192.168.1.7/in") && good("https://192.168.1.7/in"));
        for bad in ["http://app.example/in", "http://93.184.215.14/in", "https://10.0.0.1/", "file:///etc/passwd", "x"]
        {
            assert!(!good(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_into_the_house_is_refused_when_it_is_looked_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("photo.part");
        std::fs::write(&path, b"photo").expect("written");
        let photo = Incoming {
            path,
            bytes: 5,
            mime: "image/png",
            extension: "png",
            name: "photo.png".to_owned(),
            width: 1,
            height: 1,
        };
        let delivery = Delivery::new(NetworkPolicy::allowing([])).expect("a client");
        let why = delivery.to_url("https://localhost/in", None, "p1", &photo).await.expect_err("refused");
        assert!(why.contains("allow_networks"), "{why}");
    }
}
