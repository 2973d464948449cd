//! Photos from a request to where they should be, over real sockets: the upload of a phone, the delivery to an app, what stays
//! here and who may see it, and everything that is refused on the way.

mod harness;

use std::io::Cursor;
use std::time::Duration;

use bifocal_protocol::permission::Permission;
use bifocal_server::PhotoRetention;
use harness::app_server::{Hook, Manner};
use harness::http::{Reply, request, send};
use harness::{ANN, App, Cloud, Running, Socket, eventually, token};
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

const SNAP: &str = "org.example.snap";
const BEN: &str = "ben@example.org";
const BOUNDARY: &str = "a-line-between";

fn png() -> Vec<u8> {
    let mut file = Vec::new();
    let picture = RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
    picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).expect("encodes");
    file
}

/// A form with a file in it, and text fields.
fn form(fields: &[(&str, &str)], file: Option<&[u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some(file) = file {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"../p 1.jpg\"\r\n\
             Content-Type: text/html\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Uploads as a phone does.
async fn upload(cloud: &Cloud, path: &str, user: Option<&str>, body: &[u8]) -> Reply {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let bearer = user.map(|user| format!("Bearer {}", token::good(user)));
    let mut headers = vec![("Content-Type", kind.as_str())];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    send(cloud.address, "POST", path, &headers, body).await
}

struct Scene {
    cloud: Cloud,
    app: App,
    phone: Socket,
    running: Running,
}

/// An app with a camera that runs for Ann, and her phone.
async fn scene() -> Scene {
    scene_like(|_| {}).await
}

async fn scene_like(change: impl FnOnce(&mut bifocal_server::ServerConfig)) -> Scene {
    let cloud = Cloud::with(change).await;
    let mut app = cloud.app_like(ANN, SNAP, |app| app.permissions = vec![Permission::Camera]).await;
    let phone = cloud.phone(ANN).await;
    let running = cloud.run(ANN, &mut app).await;
    Scene { cloud, app, phone, running }
}

/// The path of a URL of this server.
fn path(url: &Value) -> String {
    let url = url.as_str().expect("a URL");
    let at = url.find("/photos/").expect("a photo's URL");
    url[at..].to_owned()
}

impl Scene {
    /// The app asks; what the phone is told.
    async fn ask(&mut self, request: Value) -> Value {
        self.running.socket.send(request).await;
        self.phone.until("photo_request").await
    }

    /// The next request to the app's server that is about photos.
    async fn photo_hook(&mut self) -> Hook {
        loop {
            let hook = self.app.server.hook().await;
            if hook.path != "/webhook" && hook.path != "/health" {
                return hook;
            }
        }
    }
}

#[tokio::test]
async fn an_app_of_the_second_generation_gets_the_file_unchanged() {
    let mut scene = scene().await;
    let asked = scene.ask(json!({"type": "photo_request", "requestId": "p1", "size": "large"})).await;
    assert_eq!(
        (&asked["appId"], &asked["size"], &asked["saveToGallery"]),
        (&json!(SNAP), &json!("large"), &json!(false))
    );
    let (to, file) = (path(&asked["webhookUrl"]), png());
    let body = form(&[("requestId", "p1"), ("source", "ble_transfer"), ("success", "true")], Some(&file));
    let reply = upload(&scene.cloud, &to, None, &body).await;
    reply.is(200, r#"{"success":true,"requestId":"p1","message":"Photo received successfully"}"#);
    let hook = scene.photo_hook().await;
    assert_eq!((hook.method.as_str(), hook.path.as_str()), ("POST", "/photo-upload"));
    let at = hook.bytes.windows(file.len()).position(|part| part == file).expect("the bytes of the file");
    let head = String::from_utf8_lossy(&hook.bytes[..at]).into_owned();
    for part in [
        "name=\"requestId\"\r\n\r\np1\r\n",
        "\r\n\r\nphoto_upload\r\n",
        "filename=\"p1.png\"\r\nContent-Type: image/png",
    ] {
        assert!(head.contains(part), "{part} in {head}");
    }
    // Once.
    let again = upload(&scene.cloud, &to, None, &body).await;
    assert_eq!(again.status, 404, "{again:?}");
    let metrics = scene.cloud.get("/metrics").await.body;
    for stage in ["taking", "transfer", "delivery"] {
        assert!(metrics.contains(&format!("bifocal_photo_seconds_count{{stage=\"{stage}\"}} 1")), "{metrics}");
    }
    eventually("the photo is counted", || async {
        scene.cloud.get("/metrics").await.body.contains("bifocal_photos_total{result=\"ok\"} 1")
    })
    .await;
    nothing_is_left(&scene.cloud);
}

/// No file of an upload stays behind.
fn nothing_is_left(cloud: &Cloud) {
    let folder = cloud.folder.path().join("photos/incoming");
    let left = std::fs::read_dir(folder).map(|files| files.count()).unwrap_or_default();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_app_of_the_third_generation_gets_a_url_that_nobody_can_make_up() {
    let cloud = Cloud::start().await;
    let mut app = cloud.app_like(ANN, SNAP, |app| app.permissions = vec![Permission::Camera]).await;
    let mut phone = cloud.phone(ANN).await;
    let session = format!("{ANN}-{SNAP}");
    let started = async {
        app.server.hook().await;
        let mut socket = cloud.open_app().await;
        let mut init = harness::init(&session, SNAP, &app.key);
        init["sdkVersion"] = "3.0.0".into();
        socket.send(init).await;
        socket.until("tpa_connection_ack").await;
        socket
    };
    let (reply, mut socket) = tokio::join!(cloud.start_app(ANN, SNAP), started);
    assert_eq!(reply.status, 200);
    socket.send(json!({"type": "photo_request", "requestId": "p1", "saveToGallery": true})).await;
    let asked = phone.until("photo_request").await;
    let file = png();
    upload(&cloud, &path(&asked["webhookUrl"]), None, &form(&[], Some(&file))).await;
    let answer = socket.until("photo_response").await;
    assert_eq!(
        (&answer["success"], &answer["width"], &answer["savedToGallery"]),
        (&json!(true), &json!(64), &json!(true))
    );
    let url = path(&answer["photoUrl"]);
    let got = cloud.get(&url).await;
    assert_eq!((got.status, got.header("content-type"), &got.bytes), (200, Some("image/png"), &file));
    // W-48: without the signature, or with another, nobody sees it.
    let (bare, _) = url.split_once('?').expect("signed");
    let forged = url.replace("signature=", "signature=0");
    let longer = url.replace("expires=1", "expires=9");
    for bad in [bare, &forged, &longer, "/photos/../bifocal.db", "/photos/a/b?expires=9999999999&signature=00"] {
        let reply = cloud.get(bad).await;
        assert!(matches!(reply.status, 403 | 404), "{bad}: {reply:?}");
    }
}

#[tokio::test]
async fn what_is_no_photo_is_not_taken_and_can_be_sent_again() {
    let mut scene = scene().await;
    let asked = scene.ask(json!({"type": "photo_request", "requestId": "p1"})).await;
    let to = path(&asked["webhookUrl"]);
    let cloud = &scene.cloud;
    let mut huge = png();
    huge.resize((10 << 20) + 1, 0);
    for (body, status) in [
        (form(&[], Some(b"<script>alert(1)</script>")), 415),
        (form(&[], Some(&huge)), 413),
        (form(&[], None), 400),
        (form(&[("requestId", "other")], Some(&png())), 400),
        (form(&[("requestId", &"x".repeat(5_000))], Some(&png())), 400),
        (b"no form".to_vec(), 400),
    ] {
        let reply = upload(cloud, &to, None, &body).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    let plain = request(cloud.address, "POST", &to, &[("Content-Type", "application/json")], "{}").await;
    assert_eq!(plain.status, 400, "{plain:?}");
    nothing_is_left(cloud);
    assert_eq!(upload(cloud, &format!("{to}0"), None, &form(&[], Some(&png()))).await.status, 404);
    assert_eq!(upload(cloud, &to, None, &form(&[], Some(&png()))).await.status, 200);
}

#[tokio::test]
async fn a_failure_of_the_phone_reaches_the_app_in_both_ways() {
    let mut scene = scene().await;
    let asked = scene.ask(json!({"type": "photo_request", "requestId": "p1"})).await;
    let fields = [
        ("requestId", "p1"),
        ("type", "photo_error"),
        ("errorCode", "CAMERA_CAPTURE_FAILED"),
        ("errorMessage", "dark"),
    ];
    upload(&scene.cloud, &path(&asked["webhookUrl"]), None, &form(&fields, None)).await;
    let told = scene.running.socket.until("photo_response").await;
    assert_eq!((&told["success"], &told["error"]["code"]), (&json!(false), &json!("CAMERA_CAPTURE_FAILED")));
    let hook = scene.photo_hook().await;
    for part in ["\r\n\r\nphoto_error\r\n", "\r\n\r\np1\r\n", "\r\n\r\nCAMERA_CAPTURE_FAILED\r\n", "\r\n\r\ndark\r\n"] {
        assert!(hook.raw.contains(part), "{part} in {}", hook.raw);
    }
    // Signed as a webhook is.
    assert!(hook.header("x-bifocal-signature").is_some_and(|value| value.starts_with("sha256=")));

    // The same over REST, from later phones.
    scene.ask(json!({"type": "photo_request", "requestId": "p2"})).await;
    let bearer = format!("Bearer {}", token::good(ANN));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let body = r#"{"requestId":"p2","success":false,"errorCode":"CAMERA_BUSY","errorMessage":"m"}"#;
    let reply = request(scene.cloud.address, "POST", "/api/client/photo/response", &headers, body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(scene.running.socket.until("photo_response").await["error"]["code"], "CAMERA_BUSY");
}

#[tokio::test]
async fn an_app_server_that_does_not_take_the_photo_is_named() {
    let mut scene = scene().await;
    let asked = scene.ask(json!({"type": "photo_request", "requestId": "p1"})).await;
    scene.app.server.be(Manner::Status(500));
    let reply = upload(&scene.cloud, &path(&asked["webhookUrl"]), None, &form(&[], Some(&png()))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = scene.running.socket.until("photo_response").await;
    assert_eq!(told["error"]["code"], "UPLOAD_FAILED");
    assert_eq!(told["error"]["message"], "it answered HTTP 500");
    // The photo; then twice that there is none.
    assert_eq!(scene.photo_hook().await.path, "/photo-upload");
    for _ in 0..2 {
        assert!(scene.photo_hook().await.raw.contains("photo_error"));
    }
}

#[tokio::test]
async fn a_slow_app_server_does_not_keep_the_camera() {
    let mut scene = scene().await;
    let asked = scene.ask(json!({"type": "photo_request", "requestId": "p1"})).await;
    scene.app.server.be(Manner::Hang);
    let reply = upload(&scene.cloud, &path(&asked["webhookUrl"]), None, &form(&[], Some(&png()))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    // The first one is still on its way.
    let next = scene.ask(json!({"type": "photo_request", "requestId": "p2"})).await;
    assert_eq!(next["requestId"], "p2");
    assert_eq!(scene.photo_hook().await.path, "/photo-upload");
    assert!(scene.cloud.get("/metrics").await.body.contains("bifocal_photo_seconds_count{stage=\"transfer\"} 1"));
}

#[tokio::test]
async fn an_own_url_gets_the_photo_with_its_token_and_only_where_it_may() {
    let mut scene = scene().await;
    let own = format!("{}/in", scene.app.server.url);
    let request = json!({"type": "photo_request", "requestId": "p1", "customWebhookUrl": own, "authToken": "t"});
    let asked = scene.ask(request).await;
    upload(&scene.cloud, &path(&asked["webhookUrl"]), None, &form(&[], Some(&png()))).await;
    let hook = scene.photo_hook().await;
    assert_eq!((hook.path.as_str(), hook.header("authorization")), ("/in", Some("Bearer t")));
    let told = scene.running.socket.until("photo_response").await;
    assert_eq!((&told["success"], &told["photoUrl"]), (&json!(true), &json!(own)));
    // Into the house: refused, whatever it is called.
    let inside = json!({"type": "photo_request", "requestId": "p2", "customWebhookUrl": "http://169.254.169.254/x"});
    scene.running.socket.send(inside).await;
    let told = scene.running.socket.until("photo_response").await;
    assert_eq!(told["error"]["code"], "BAD_REQUEST", "{told}");
    assert!(told["error"]["message"].as_str().is_some_and(|why| why.contains("may not reach")), "{told}");
}

#[tokio::test]
async fn w_48_a_gallery_belongs_to_its_wearer() {
    let cloud = Cloud::start().await;
    let file = png();
    let body = form(&[("metadata", r#"{"requestId":"mine"}"#)], Some(&file));
    assert_eq!(upload(&cloud, "/api/photos/upload", None, &body).await.status, 401);
    let kept = upload(&cloud, "/api/photos/upload", Some(ANN), &body).await;
    assert_eq!((kept.status, &kept.json()["requestId"]), (200, &json!("mine")), "{kept:?}");
    assert_eq!(cloud.get(&path(&kept.json()["photoUrl"])).await.bytes, file);

    let gallery = async |user: &str| {
        let bearer = format!("Bearer {}", token::good(user));
        request(cloud.address, "GET", "/api/gallery", &[("Authorization", &bearer)], "").await.json()
    };
    let delete = async |user: &str, id: &str| {
        let bearer = format!("Bearer {}", token::good(user));
        request(cloud.address, "DELETE", &format!("/api/gallery/{id}"), &[("Authorization", &bearer)], "").await
    };
    assert_eq!(cloud.get("/api/gallery").await.status, 401);
    assert_eq!(gallery(BEN).await, json!({"success": true, "photos": []}));
    let photos = gallery(ANN).await;
    let id = photos["photos"][0]["_id"].as_str().expect("a photo").to_owned();
    assert_eq!(photos["photos"][0]["bytes"], file.len());
    assert_eq!(delete(BEN, &id).await.status, 404);
    assert_eq!(delete(ANN, "../../x").await.status, 404);
    assert_eq!(delete(ANN, &id).await.status, 200);
    assert_eq!(delete(ANN, &id).await.status, 404);
    assert_eq!(cloud.get(&path(&kept.json()["photoUrl"])).await.status, 404);
}

#[tokio::test]
async fn a_photo_that_was_asked_for_may_come_with_the_wearers_token() {
    let mut scene = scene().await;
    scene.ask(json!({"type": "photo_request", "requestId": "p1"})).await;
    let body = form(&[("metadata", r#"{"requestId":"p1"}"#)], Some(&png()));
    // Another wearer's photo of the same name is not this one.
    assert!(upload(&scene.cloud, "/api/photos/upload", Some(BEN), &body).await.json()["photoUrl"].is_string());
    assert_eq!(upload(&scene.cloud, "/api/photos/upload", Some(ANN), &body).await.status, 200);
    assert_eq!(scene.photo_hook().await.path, "/photo-upload");
}

#[tokio::test]
async fn a_photo_whose_time_is_over_cannot_be_fetched() {
    let keep = PhotoRetention { shared: Duration::ZERO, gallery: Duration::ZERO };
    let cloud = Cloud::with(|config| config.photos = keep).await;
    let kept = upload(&cloud, "/api/photos/upload", Some(ANN), &form(&[], Some(&png()))).await;
    assert_eq!(cloud.get(&path(&kept.json()["photoUrl"])).await.status, 403);
}

#[tokio::test]
async fn photos_may_go_straight_to_the_app() {
    let mut scene = scene_like(|config| config.direct_photos = true).await;
    let asked = scene.ask(json!({"type": "photo_request", "requestId": "p1", "authToken": "t"})).await;
    assert_eq!(asked["webhookUrl"], format!("{}/photo-upload", scene.app.server.url));
    assert_eq!(asked["authToken"], "t");
}
