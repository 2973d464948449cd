//! `AppServer`, as far as it can be asked while it runs; the rest is in `ending.rs`.

use bifocal_sdk::Result;
use reqwest::multipart::{Form, Part};
use ring::digest;
use serde_json::{Value, json};
use url::Url;

use super::camera;
use super::module::{check, equal};
use super::stage::{APP, Call, Stage};

pub(super) async fn rows(x: &Stage) {
    let server = x.module("AppServer");
    server
        .settled("start", async {
            let health: Value = x.http.get(format!("{}/health", x.url)).send().await?.json().await?;
            equal(&health["status"], "healthy")?;
            equal(&health["activeSessions"], 2)
        })
        .await;
    server
        .fired("onSession", async {
            let Call::Session(session) = x.calls.next("a session", 0, |_| true).await? else {
                return Err("another call came first".into());
            };
            equal(session.wire_id(), format!("{}-{APP}", x.names.ann))
        })
        .await;
    server.fired("onToolCall", tool(x)).await;
    server
        .fired("onSettingsUpdate", async {
            x.sets("from-server", 1).await?;
            let is_hers = |call: &Call| matches!(call, Call::Settings { user } if *user == x.names.ann);
            x.calls.next("on_settings", 0, is_hers).await.map(drop)
        })
        .await;
    server.local("getExpressApp", async { equal(whoami(x, &[], "").await?, Value::Null) }).await;
    server.local("getHonoApp", async { equal(whoami(x, &[], "").await?, Value::Null) }).await;

    let sessions = x.session.sessions();
    let is_hers = |found: Option<bifocal_sdk::AppSession>| {
        check(found.is_some_and(|found| found.id() == x.session.id()), "another session")
    };
    server.local("getActiveSessionById", async { is_hers(sessions.by_id(&x.session.id())) }).await;
    server.local("getActiveSessionForUser", async { is_hers(sessions.for_user(&x.names.ann)) }).await;
    web_views(x).await;
}

/// Photos as the app's server gets them. The camera takes one at a time, so that these rows are run with those of the camera.
pub(super) async fn photos(x: &Stage) {
    let server = x.module("AppServer");
    server.local("registerPhotoRequest", camera::photo(x)).await;
    server.local("getPhotoRequest", camera::photo(x)).await;
    server.local("completePhotoRequest", camera::photo(x)).await;
    server
        .local("cleanupPhotoRequestsForSession", async {
            let id = camera::given_up(x).await?;
            equal(upload(x, &id).await?, 404)
        })
        .await;
    server
        .local("unregisterPhotoRequest", async {
            let id = camera::given_up(x).await?;
            equal(upload(x, &id).await?, 404)
        })
        .await;
}

async fn tool(x: &Stage) -> Result {
    let url = format!("{}/api/tools/apps/{APP}/tool", x.names.cloud);
    let body = json!({
        "toolId": "add", "toolParameters": {"n": 1}, "userId": x.names.ann, "timestamp": "2026-01-02T03:04:05.678Z",
    });
    let response = x.http.post(url).bearer_auth(&x.names.key).json(&body).send().await?;
    equal(response.status().as_u16(), 200)?;
    let answer: Value = response.json().await?;
    equal(&answer["reply"], "did add")?;
    let is_tool = |call: &Call| matches!(call, Call::Tool(_));
    let Call::Tool(call) = x.calls.next("on_tool_call", 0, is_tool).await? else { return Ok(()) };
    equal(call.number("n"), Some(1.0))?;
    equal(call.session.map(|session| session.id()), Some(x.session.id()))
}

async fn web_views(x: &Stage) {
    let server = x.module("AppServer");
    let hers = Value::from(x.names.ann.as_str());
    server
        .local("web view: frontend token", async {
            let token = sha256(&format!("{}{}", x.names.ann, sha256(&x.names.key)));
            equal(whoami(x, &[], &format!("{}:{token}", x.names.ann)).await?, hers.clone())
        })
        .await;
    server
        .settled("web view: temporary token", async {
            let path = "/api/auth/generate-webview-token";
            let answer = x.ann.rest("POST", path, json!({"packageName": APP})).await?;
            let token = answer["token"].as_str().ok_or("no token")?;
            let checksum = sha256(&format!("{}{}", x.names.cloud, sha256(&x.names.key)));
            let query =
                [("aos_temp_token", token), ("cloudApiUrl", &x.names.cloud), ("cloudApiUrlChecksum", &checksum)];
            equal(whoami(x, &query, "").await?, hers.clone())
        })
        .await;
    server
        .settled("web view: signed token", async {
            let path = "/api/auth/generate-webview-signed-user-token";
            let answer = x.ann.rest("POST", path, json!({"packageName": APP})).await?;
            let token = answer["token"].as_str().ok_or("no token")?;
            equal(whoami(x, &[("aos_signed_user_token", token)], "").await?, hers.clone())
        })
        .await;
}

/// Whom the app's own page takes for its user.
async fn whoami(x: &Stage, query: &[(&str, &str)], bearer: &str) -> Result<Value> {
    let mut request = x.http.get(Url::parse_with_params(&format!("{}/whoami", x.url), query)?);
    if !bearer.is_empty() {
        request = request.bearer_auth(bearer);
    }
    let mut answer: Value = request.send().await?.json().await?;
    Ok(answer["user"].take())
}

/// What glasses do with a photo; gives the status.
async fn upload(x: &Stage, request_id: &str) -> Result<u16> {
    let picture = Part::bytes(&b"picture"[..]).file_name("photo.jpg").mime_str("image/jpeg")?;
    let form = Form::new().text("requestId", request_id.to_owned()).text("type", "photo_upload").part("photo", picture);
    Ok(x.http.post(format!("{}/photo-upload", x.url)).multipart(form).send().await?.status().as_u16())
}

fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}
