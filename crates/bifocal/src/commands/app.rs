//! `bifocal app …`: the catalogue.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::hardware::{Hardware, Level, Requirement};
use bifocal_protocol::tools_rest::ToolSchema;
use bifocal_store::{NewApp, StoreError};
use serde_json::json;

use crate::cli::{App, AppAdd};
use crate::commands::{print, with_store};
use crate::config::{self, Settings, WrongUsage};
use crate::table::table;

/// Runs one of the commands.
pub(crate) async fn app(settings: &Settings, app: App) -> Result<ExitCode> {
    with_store(settings, async |store| {
        match app {
            App::Add(add) => {
                let key = store.add_app(new_app(add)).await?;
                print(&format!("{key}\n"));
            }
            App::RotateKey { package } => {
                let key = store.rotate_key(&package).await?;
                print(&format!("{key}\n"));
            }
            App::Remove { package } => store.remove_app(&package).await?,
            App::Install { user, package } => {
                store.install(&user, &package).await?;
            }
            App::Tools { package, file: Some(file) } => {
                let tools = tools_in(&config::read(&file)?, &file)?;
                store.set_tools(&package, &tools).await?;
            }
            App::Tools { package, file: None } => {
                let tools = store.tools(&package).await?.ok_or(StoreError::NoSuchApp(package))?;
                print(&format!("{:#}\n", json!(tools)));
            }
            App::List { json } => {
                let apps = store.apps().await?;
                print(&if json { as_json(&apps) } else { as_table(&apps) });
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn tools_in(text: &str, file: &Path) -> Result<Vec<ToolSchema>> {
    let tools: Vec<ToolSchema> = serde_json::from_str(text)
        .map_err(|error| WrongUsage(format!("{} is no list of tools: {error}", file.display())))?;
    let mut names = HashSet::new();
    match tools.iter().find(|tool| tool.id.is_empty() || !names.insert(&tool.id)) {
        Some(tool) => {
            let why = if tool.id.is_empty() { "has a tool without an id" } else { "has two tools with one id" };
            Err(WrongUsage(format!("{} {why}", file.display())).into())
        }
        None => Ok(tools),
    }
}

fn new_app(add: AppAdd) -> NewApp {
    NewApp {
        package: add.package,
        name: add.name,
        kind: add.kind,
        public_url: add.url,
        permissions: add.permissions,
        api_key: add.api_key,
        uuid_sessions: add.uuid_sessions,
        hardware: needs(&add.hardware, Level::Required).chain(needs(&add.optional_hardware, Level::Optional)).collect(),
        settings: Vec::new(),
    }
}

fn as_json(apps: &[AppRecord]) -> String {
    let describe = |app: &AppRecord| {
        json!({
            "packageName": app.package.as_str(),
            "name": app.name,
            "type": app.kind.name(),
            "publicUrl": app.public_url,
            "permissions": app.permissions,
            "uuidSessions": app.uuid_sessions,
        })
    };
    let apps: Vec<_> = apps.iter().map(describe).collect();
    format!("{:#}\n", json!(apps))
}

fn as_table(apps: &[AppRecord]) -> String {
    if apps.is_empty() {
        return "no apps; add one with: bifocal app add PACKAGE --url URL\n".to_owned();
    }
    let row = |app: &AppRecord| {
        let permissions: Vec<&str> = app.permissions.iter().map(|permission| permission.name()).collect();
        let permissions = if permissions.is_empty() { "-".to_owned() } else { permissions.join(",") };
        let kind = app.kind.name().to_owned();
        vec![app.package.to_string(), app.name.clone(), kind, app.public_url.clone(), permissions]
    };
    let rows: Vec<_> = apps.iter().map(row).collect();
    table(&["PACKAGE", "NAME", "TYPE", "URL", "PERMISSIONS"], &rows)
}

fn needs(hardware: &[Hardware], level: Level) -> impl Iterator<Item = Requirement> + '_ {
    hardware.iter().map(move |&kind| Requirement { kind, level, description: None })
}
