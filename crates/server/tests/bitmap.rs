//! Pictures for glasses over HTTP: what is drawn, for whom, and every refusal.

mod harness;

use std::io::Cursor;
use std::time::Duration;

use bifocal_pictures::{Dither, Fit, Rendering, render};
use harness::{ANN, App, Cloud};
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{Client, Response};
use serde_json::Value;

struct Stage {
    cloud: Cloud,
    app: App,
    http: Client,
}

impl Stage {
    async fn set() -> Stage {
        // It brings the provider of TLS along.
        let cloud = Cloud::start().await;
        let app = cloud.app(ANN, "org.example.pictures").await;
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client");
        Stage { cloud, app, http }
    }

    async fn post(&self, query: &str, file: Vec<u8>) -> Response {
        let key = format!("{}:{}", self.app.package, self.app.key);
        self.post_as(&key, query, file).await
    }

    async fn post_as(&self, key: &str, query: &str, file: Vec<u8>) -> Response {
        let url = format!("http://{}/api/sdk/bitmap{query}", self.cloud.address);
        self.http.post(url).bearer_auth(key).body(file).send().await.expect("an answer")
    }

    /// What is refused, and with which word.
    async fn refuses(&self, query: &str, file: Vec<u8>) -> (u16, String) {
        word(self.post(query, file).await).await
    }
}

async fn word(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["success"], false);
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    (status, body["error"].as_str().expect("a word").to_owned())
}

fn photo() -> Vec<u8> {
    let picture = RgbImage::from_fn(160, 90, |x, y| Rgb([(x + y) as u8, (x * 3 / 2) as u8, y as u8]));
    let mut file = Vec::new();
    picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).expect("encodes");
    file
}

#[tokio::test]
async fn a_picture_becomes_a_file_or_the_data_of_a_bitmap_view() {
    let stage = Stage::set().await;
    let expected = render(&photo(), &Rendering::default()).expect("a picture");
    let response = stage.post("", photo()).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"image/bmp".parse().expect("a header"))
    );
    assert_eq!(response.bytes().await.expect("a body"), expected.as_bmp());

    let rendering = Rendering { width: 100, height: 50, fit: Fit::Cover, dither: Dither::Ordered, invert: true };
    let expected = render(&photo(), &rendering).expect("a picture");
    let query = "?width=100&height=50&fit=cover&dither=ordered&invert=true&as=base64";
    let drawn: Value = stage.post(query, photo()).await.json().await.expect("JSON");
    assert_eq!((&drawn["width"], &drawn["height"]), (&100.into(), &50.into()));
    assert_eq!(drawn["data"], expected.to_base64());
}

#[tokio::test]
async fn what_is_no_picture_has_a_word() {
    let stage = Stage::set().await;
    let refused = |status, word: &str| (status, word.to_owned());
    assert_eq!(stage.refuses("", b"<svg/>".to_vec()).await, refused(415, "NOT_A_PICTURE"));
    assert_eq!(stage.refuses("", vec![]).await, refused(415, "NOT_A_PICTURE"));
    let mut half = photo();
    half.truncate(half.len() / 2);
    assert_eq!(stage.refuses("", half).await, refused(422, "DAMAGED"));
    assert_eq!(stage.refuses("", vec![0; (10 << 20) + 1]).await, refused(413, "FILE_TOO_LARGE"));
    for query in ["?width=x", "?width=0", "?height=9999", "?fit=", "?dither=nice", "?invert=1", "?as=png", "?size=9"] {
        assert_eq!(stage.refuses(query, photo()).await, refused(400, "BAD_QUERY"), "{query}");
    }
    let long = format!("?fit={}", "x".repeat(300));
    assert_eq!(stage.refuses(&long, photo()).await, refused(400, "BAD_QUERY"));
    // Nothing of it has taken a place away.
    assert_eq!(stage.post("", photo()).await.status(), 200);
}

#[tokio::test]
async fn only_apps_have_pictures_drawn() {
    let stage = Stage::set().await;
    let package = &stage.app.package;
    for key in ["", "nobody", &format!("{package}:wrong"), &format!("org.example.other:{}", stage.app.key), "../x:y"] {
        let response = stage.post_as(key, "", photo()).await;
        assert_eq!(word(response).await, (401, "UNAUTHORIZED".to_owned()), "{key}");
    }
}
