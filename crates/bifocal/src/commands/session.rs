//! `bifocal session …`: asks the running server of the data folder.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bifocal_protocol::ids::UserId;
use serde_json::{Value, json};

use crate::cli::Session;
use crate::commands::print;
use crate::config::Settings;
use crate::data;
use crate::table::table;

/// Runs one of the commands.
pub(crate) async fn session(settings: &Settings, session: Session) -> Result<ExitCode> {
    match session {
        Session::List { json } => list(settings, json).await?,
        Session::End { email, reason } => end(settings, &email, &reason).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A request to the running server.
async fn request(settings: &Settings, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
    let nobody = || format!("no server runs on the data folder {}", settings.data.display());
    let running = data::running(&settings.data).with_context(nobody)?;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let url = format!("{}{path}", running.url);
    let request = match body {
        Some(body) => client.post(url).json(&body),
        None => client.get(url),
    };
    let response = request.bearer_auth(data::admin_key(&settings.data)?).send().await;
    let response = response.map_err(|_| anyhow::anyhow!("{}: {} does not answer", nobody(), running.url))?;
    let status = response.status().as_u16();
    let answer = response.json().await.with_context(|| format!("{} did not answer with JSON", running.url))?;
    Ok((status, answer))
}

async fn list(settings: &Settings, as_json: bool) -> Result<()> {
    let (status, answer) = request(settings, "/api/admin/sessions", None).await?;
    let sessions = match (status, answer["sessions"].as_array()) {
        (200, Some(sessions)) => sessions,
        _ => bail!("the server refused with HTTP {status}; was it started with another data folder?"),
    };
    if as_json {
        print(&format!("{:#}\n", json!(sessions)));
        return Ok(());
    }
    if sessions.is_empty() {
        print("no sessions\n");
        return Ok(());
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |session: &Value| {
        let apps = session["apps"].as_array().into_iter().flatten();
        let apps: Vec<String> = apps.map(|app| format!("{}={}", text(&app["package"]), text(&app["phase"]))).collect();
        let apps = if apps.is_empty() { "-".to_owned() } else { apps.join(" ") };
        let reconnections = session["reconnections"].to_string();
        vec![
            text(&session["user"]),
            text(&session["tag"]),
            text(&session["state"]),
            text(&session["started"]),
            reconnections,
            apps,
        ]
    };
    let rows: Vec<_> = sessions.iter().map(row).collect();
    print(&table(&["USER", "LOG TAG", "STATE", "SINCE", "RECONNECTED", "APPS"], &rows));
    Ok(())
}

async fn end(settings: &Settings, email: &UserId, reason: &str) -> Result<()> {
    let body = json!({ "user": email.as_str(), "reason": reason });
    match request(settings, "/api/admin/sessions/end", Some(body)).await? {
        (200, _) => Ok(()),
        (404, _) => bail!("{email} has no session"),
        (status, _) => bail!("the server refused with HTTP {status}"),
    }
}
