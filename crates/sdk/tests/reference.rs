//! Over real sockets: the app's web server, and a cloud that answers exactly as the reference does.

#[path = "reference/cloud.rs"]
mod cloud;

use std::time::Duration;

use bifocal_sdk::prelude::*;
use bifocal_sdk::wire::AppSetting;
use bifocal_sdk::{AppServerBuilder, PhotoOptions, RunningServer, Wearer};
use cloud::{ANN, Cloud, KEY, PACKAGE};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;

/// An app that tells what it is called with, and does what it is told.
struct Told {
    tell: UnboundedSender<String>,
    sessions: UnboundedSender<AppSession>,
}

impl App for Told {
    async fn on_session(&self, session: AppSession) -> Result {
        self.sessions.send(session)?;
        Ok(())
    }

    async fn on_stop(&self, session_id: &str, user_id: &str, reason: &str) -> Result {
        self.tell.send(format!("stop {session_id} {user_id} {reason}"))?;
        Ok(())
    }

    async fn on_settings(&self, user_id: &str, settings: &[AppSetting]) -> Result {
        self.tell.send(format!("settings {user_id} {}", settings.len()))?;
        Ok(())
    }

    async fn on_tool_call(&self, call: ToolCall) -> Result<ToolReply> {
        match call.tool_id.as_str() {
            "panic" => panic!("as the test wants"),
            "nothing" => Ok(ToolReply::Nothing),
            tool => Ok(ToolReply::Text(format!("did {tool} for {}", call.user_id))),
        }
    }
}

struct Stage {
    server: RunningServer,
    cloud: Cloud,
    told: UnboundedReceiver<String>,
    sessions: UnboundedReceiver<AppSession>,
}

impl Stage {
    async fn new() -> Stage {
        Self::with(|builder| builder).await
    }

    async fn with(build: impl FnOnce(AppServerBuilder) -> AppServerBuilder) -> Stage {
        let (tell, told) = unbounded_channel();
        let (send, sessions) = unbounded_channel();
        let builder = AppServer::builder(PACKAGE, KEY).listen_on("127.0.0.1:0".parse().expect("an address"));
        let server = build(builder).start(Told { tell, sessions: send }).await.expect("it listens");
        let cloud = Cloud::new(server.address()).await;
        Stage { server, cloud, told, sessions }
    }

    async fn start(&mut self) -> (cloud::Link, AppSession) {
        assert_eq!(self.cloud.request_session().await, (200, json!({"status": "success"})));
        let link = self.cloud.take_in().await;
        let session = self.sessions.recv().await.expect("a session");
        (link, session)
    }
}

#[tokio::test]
async fn a_session_from_the_webhook_to_the_stop() -> Result {
    let mut stage = Stage::new().await;
    let (mut link, session) = stage.start().await;
    assert_eq!(session.settings().get::<String>("theme").as_deref(), Some("dark"));
    assert_eq!(session.settings().system::<bool>("metricSystemEnabled"), Some(true));
    assert_eq!(session.user_id(), ANN);
    let mut presses = session.events().button_press().await?;
    let update = link.hear().await;
    assert_eq!((&update["type"], &update["subscriptions"]), (&"subscription_update".into(), &json!(["button_press"])));
    link.ping().await;
    link.say(json!({"type": "ping"})).await;
    link.until("pong").await;
    link.say(json!({"type": "data_stream", "streamType": "button_press", "data": {"buttonId": "main", "pressType": "short"}})).await;
    assert_eq!(presses.next().await.map(|press| press.button_id).as_deref(), Some("main"));
    session.layouts().show_text_wall("hello").await?;
    let shown = link.until("display_event").await;
    assert_eq!(shown["layout"], json!({"layoutType": "text_wall", "text": "hello"}));

    let health: Value = stage.cloud.http.get(format!("{}/health", stage.cloud.app)).send().await?.json().await?;
    assert_eq!(health, json!({"status": "healthy", "app": PACKAGE, "activeSessions": 1}));

    let stop =
        json!({"type": "stop_request", "sessionId": Cloud::session_id(), "userId": ANN, "reason": "user_disabled"});
    assert_eq!(stage.cloud.post("/webhook", stop.clone()).await, (200, json!({"status": "success"})));
    let stopped = format!("stop {} {ANN} user_disabled", Cloud::session_id());
    assert_eq!(stage.told.recv().await, Some(stopped));
    assert!(matches!(link.frame().await, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));
    assert_eq!(presses.next().await, None);
    // To stop what does not run is no error.
    assert_eq!(stage.cloud.post("/webhook", stop).await.0, 200);
    stage.server.stop().await?;
    Ok(())
}

/// The reference closes with 1008 upon a photo that is denied. SDK v2 dies of it; here the request fails and the session is back.
#[tokio::test]
async fn a_denied_photo_fails_the_request_and_not_the_session() -> Result {
    let mut stage = Stage::new().await;
    let (mut link, session) = stage.start().await;
    let _presses = session.events().button_press().await?;
    let asking = tokio::spawn({
        let camera = session.camera();
        async move { camera.photo(PhotoOptions::default()).await }
    });
    link.until("photo_request").await;
    link.refuse("PERMISSION_DENIED", "Camera permission required to take photos.").await;
    let denied = asking.await?;
    assert!(
        matches!(&denied, Err(Error::Refused { code: Some(code), .. }) if code == "PERMISSION_DENIED"),
        "{denied:?}"
    );
    let mut link = stage.cloud.take_in().await;
    assert_eq!(link.until("subscription_update").await["subscriptions"], json!(["button_press"]));
    assert!(session.is_live());
    link.close(1000, "User session ended").await;
    assert_eq!(stage.told.recv().await, Some(format!("stop {} {ANN} User session ended", Cloud::session_id())));
    Ok(())
}

/// For clouds and proxies that do not count ping frames as a sign of life.
#[tokio::test]
async fn an_app_that_wants_to_pings_with_messages() -> Result {
    let mut stage = Stage::with(AppServerBuilder::json_ping).await;
    let (mut link, session) = stage.start().await;
    assert_eq!(link.until("ping").await, json!({"type": "ping"}));
    link.say(json!({"type": "pong", "timestamp": "2026-01-02T03:04:05.678Z"})).await;
    session.layouts().show_text_wall("still here").await?;
    link.until("display_event").await;
    assert!(session.is_live());
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_ends_the_session_before_it_begins() -> Result {
    let stage = Stage::new().await;
    stage.cloud.request_session().await;
    let (link, _) = stage.cloud.accept().await;
    link.refuse("INVALID_API_KEY", "Invalid API key").await;
    // The app never knew of it.
    let mut sessions = stage.sessions;
    let stopped = stage.server.stop().await;
    assert!(stopped.is_ok() && sessions.recv().await.is_none());
    Ok(())
}

#[tokio::test]
async fn a_photo_comes_to_the_web_server() -> Result {
    let mut stage = Stage::new().await;
    let (mut link, session) = stage.start().await;
    let photo = |camera: bifocal_sdk::Camera| tokio::spawn(async move { camera.photo(PhotoOptions::default()).await });
    let url = format!("{}/photo-upload", stage.cloud.app);
    let upload = async |form: Form| -> Result<(u16, Value)> {
        let response = stage.cloud.http.post(&url).multipart(form).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    };
    let file = |mime: &str| Part::bytes(&b"a photo"[..]).file_name("photo.jpg").mime_str(mime);

    let taking = photo(session.camera());
    let id = link.until("photo_request").await["requestId"].as_str().unwrap_or_default().to_owned();
    let form =
        Form::new().text("requestId", id.clone()).text("type", "photo_upload").part("photo", file("image/jpeg")?);
    let accepted = json!({"success": true, "requestId": id, "message": "Photo received successfully"});
    assert_eq!(upload(form).await?, (200, accepted));
    let taken = taking.await??;
    assert_eq!(
        (&taken.data[..], &*taken.mime_type, taken.filename.as_deref()),
        (&b"a photo"[..], "image/jpeg", Some("photo.jpg"))
    );

    let again = Form::new().text("requestId", id).part("photo", file("image/jpeg")?);
    assert_eq!(upload(again).await?.0, 404);
    assert_eq!(upload(Form::new().text("type", "photo_error")).await?.0, 400);

    let taking = photo(session.camera());
    let id = link.until("photo_request").await["requestId"].as_str().unwrap_or_default().to_owned();
    let no_picture = Form::new().text("requestId", id.clone()).part("photo", file("text/plain")?);
    assert_eq!(upload(no_picture).await?.0, 400);
    let failed = Form::new().text("requestId", id).text("type", "photo_error").text("success", "false");
    let failed = failed.text("errorCode", "CAMERA_BUSY").text("errorMessage", "later");
    assert_eq!(upload(failed).await?.1["message"], "Photo error received successfully");
    let failed = taking.await?;
    let expected = Error::Refused { asked: "photo_request", code: Some("CAMERA_BUSY".into()), message: "later".into() };
    assert_eq!(failed, Err(expected));

    let taking = photo(session.camera());
    let id = link.until("photo_request").await["requestId"].as_str().unwrap_or_default().to_owned();
    let body = json!({"requestId": id, "success": false, "errorCode": "CAMERA_TIMEOUT", "errorMessage": "slow"});
    assert_eq!(stage.cloud.post("/photo-upload", body).await.0, 200);
    assert!(matches!(taking.await?, Err(Error::Refused { code: Some(code), .. }) if code == "CAMERA_TIMEOUT"));
    Ok(())
}

#[tokio::test]
async fn settings_and_tools_come_over_http() -> Result {
    let mut stage = Stage::new().await;
    let (_link, session) = stage.start().await;
    let mut changes = session.settings().changes()?;
    let body = json!({"userIdForSettings": ANN, "settings": [{"key": "theme", "value": "light"}]});
    let (status, answer) = stage.cloud.post("/settings", body.clone()).await;
    assert_eq!((status, &answer["sessionsUpdated"]), (200, &json!(1)));
    assert_eq!(stage.told.recv().await, Some(format!("settings {ANN} 1")));
    assert_eq!(changes.next().await.and_then(|change| change.changes["theme"].new.clone()), Some("light".into()));
    stage.cloud.post("/settings", body).await;
    assert_eq!(changes.try_next(), None, "the same once more is no change");
    assert_eq!(stage.cloud.post("/settings", json!({"settings": 1})).await.0, 400);

    let tool = async |key: &str, id: &str| -> Result<(u16, Value)> {
        let body = json!({"toolId": id, "toolParameters": {}, "userId": ANN, "timestamp": "2026-01-02T03:04:05.678Z"});
        let request = stage.cloud.http.post(format!("{}/tool", stage.cloud.app)).header("X-App-API-Key", key);
        let response = request.json(&body).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    };
    let hashed = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    assert_eq!(tool(hashed, "add").await?, (200, json!({"status": "success", "reply": format!("did add for {ANN}")})));
    assert_eq!(tool(hashed, "nothing").await?, (200, json!({"status": "success", "reply": null})));
    assert_eq!(tool(hashed, "panic").await?.0, 500);
    assert_eq!(tool("wrong", "add").await?.0, 401);

    // Bifocal signs; then the key is not needed, and does not help.
    let signed = async |body: &str, altered: &str| -> Result<u16> {
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, hashed.as_bytes());
        let signature = hex(ring::hmac::sign(&key, format!("{seconds}.{body}").as_bytes()).as_ref());
        let request = stage.cloud.http.post(format!("{}/tool", stage.cloud.app)).header("X-App-API-Key", hashed);
        let request = request.header("X-Bifocal-Timestamp", seconds);
        let request = request.header("X-Bifocal-Signature", format!("sha256={signature}")).body(altered.to_owned());
        Ok(request.send().await?.status().as_u16())
    };
    let body = r#"{"toolId":"add","userId":"u"}"#;
    assert_eq!(signed(body, body).await?, 200);
    assert_eq!(signed(body, r#"{"toolId":"add","userId":"w"}"#).await?, 401);
    Ok(())
}

#[tokio::test]
async fn what_is_no_webhook_is_told_so() {
    let stage = Stage::new().await;
    let session = |kind: &str| json!({"type": kind, "sessionId": "u-p", "userId": "u"});
    for (body, status) in [
        (json!({}), 400),
        (json!({"type": "session_request"}), 400),
        (session("server_heartbeat"), 400),
        (session("session_request"), 400),
        (json!({"type": "session_request", "sessionId": "u-p", "userId": "u", "websocketUrl": "ftp://x"}), 400),
    ] {
        let (found, answer) = stage.cloud.post("/webhook", body.clone()).await;
        assert_eq!((found, &answer["status"]), (status, &"error".into()), "{body}");
    }
    let large = json!({"type": "session_request", "sessionId": "x".repeat(300_000)});
    assert_eq!(stage.cloud.post("/webhook", large).await.0, 413);
}

#[tokio::test]
async fn only_signed_webhooks_and_only_of_our_cloud_if_the_app_wants_it() {
    let stage = Stage::with(AppServerBuilder::require_signature).await;
    assert_eq!(stage.cloud.request_session().await.0, 401);
    let stage = Stage::with(|builder| builder.cloud("https://cloud.example.org")).await;
    assert_eq!(stage.cloud.request_session().await.0, 403);
    let other = Stage::with(|builder| builder.cloud("no URL")).await;
    assert_eq!(other.cloud.request_session().await.0, 403);
}

#[tokio::test]
async fn a_page_knows_who_looks_at_it() -> Result {
    use axum::{Router, routing::get};
    let pages = Router::new()
        .route("/me", get(async |Wearer(user): Wearer| user))
        .route("/open", get(async |wearer: Option<Wearer>| format!("{}", wearer.is_some())));
    let stage = Stage::with(|builder| builder.pages(pages)).await;
    let page = async |path: &str, header: Option<(&str, &str)>| -> Result<(u16, String, Option<String>)> {
        let mut request = stage.cloud.http.get(format!("{}{path}", stage.cloud.app));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        let cookie = response.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).map(str::to_owned);
        Ok((response.status().as_u16(), response.text().await?, cookie))
    };
    assert_eq!(page("/me", None).await?.0, 401);
    assert_eq!(page("/open", None).await?.1, "false");
    let token = "ann-marie@example.org:e7d6fe8b5ecfdbf0fb30bd85a19de2d2d5e2ff25bcb0ea8ef1d70d3d4c3b3e4a";
    assert_eq!(page("/me", Some(("authorization", &format!("Bearer {token}")))).await?.0, 401);
    let good = front_end_token();
    let (status, user, cookie) = page("/me", Some(("authorization", &format!("Bearer {good}")))).await?;
    assert_eq!((status, user.as_str()), (200, ANN));
    let cookie = cookie.expect("a cookie");
    let cookie = cookie.split(';').next().expect("its value");
    assert_eq!(page("/me", Some(("cookie", cookie))).await?.1, ANN);
    assert_eq!(page("/open", Some(("cookie", cookie))).await?.1, "true");
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn front_end_token() -> String {
    let sha256 = |text: String| hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    let hashed_key = sha256(KEY.to_owned());
    format!("{ANN}:{}", sha256(format!("{ANN}{hashed_key}")))
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye() -> Result {
    let mut stage = Stage::new().await;
    let (mut link, session) = stage.start().await;
    let stopping = tokio::spawn(stage.server.stop());
    let release = link.until("ownership_release").await;
    assert_eq!(release["reason"], "clean_shutdown");
    assert!(matches!(link.frame().await, Message::Close(_)));
    drop(link);
    stopping.await??;
    assert_eq!(session.ended().await, bifocal_sdk::Ending::Shutdown);
    assert!(tokio::time::timeout(Duration::from_secs(5), stage.told.recv()).await?.is_some());
    Ok(())
}
