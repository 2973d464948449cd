//! `bifocal dev`: a cloud, glasses and the app of this folder, which is built and started again when one of its files changes. The app
//! is registered by itself, and nothing leaves this machine.

mod project;
mod running;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bifocal_protocol::ids::UserId;
use bifocal_server::{Server, Tokens};
use bifocal_simulator::terminal::TerminalOptions;
use bifocal_simulator::{Phone, PhoneConfig, plain, script, terminal};
use bifocal_store::{NewApp, Store};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::cli::Dev;
use crate::commands::local;
use crate::config::{self, WrongUsage};
use project::Project;
use running::{Running, Start};

const WEARER: &str = "you@dev.invalid";
/// In the folder of the app; what it and the compiler say.
const LOG: &str = "bifocal-dev.log";
/// What is told of a new build and not drawn yet; more stands in the log only.
const NOTES: usize = 16;

/// Runs everything until the glasses are taken off, or the script is over.
pub(crate) async fn dev(dev: &Dev) -> Result<ExitCode> {
    let project = Project::read(&dev.folder)?;
    // Whatever happens in a script, the app is started first.
    let said = dev.script.as_deref().map(config::read).transpose()?.unwrap_or_default();
    let script = script::parse(&format!("start {}\n{said}", project.package));
    let script = script.map_err(|error| WrongUsage(format!("the script, one line later: {error}")))?;
    if dev.script.is_none() && !std::io::stdout().is_terminal() {
        return Err(WrongUsage("stdout is no terminal; give --script FILE".to_owned()).into());
    }
    let Some(program) = project.build(None).await? else { bail!("the app does not build") };

    let data = tempfile::Builder::new().prefix("bifocal-dev-").tempdir().context("the temporary data folder")?;
    let store = Store::open(data.path()).await.context("the store")?;
    let port = TcpListener::bind("127.0.0.1:0").await.context("a port for the app")?.local_addr()?.port();
    let api_key = register(&store, &project, port).await.context("the catalogue")?;
    let log = project.folder.join(LOG);
    std::fs::write(&log, "").with_context(|| log.display().to_string())?;
    let (tell, notes) = mpsc::channel(NOTES);
    let start = Start { package: project.package.to_string(), api_key, port, log: log.clone(), tell };
    let running = Running::start(project, start, program).await?;

    let config = local::config(data.path())?;
    let token = Tokens::new(&config.jwt_secret).mint(&UserId::new(WEARER)?, 0).context("the token")?;
    let server = Server::start(config, store).await.context("the server")?;
    let cloud = format!("ws://{}", server.address());
    let phone = Phone::connect(PhoneConfig::new(cloud, token)).await.context("glasses → cloud")?;
    let outcome = if let Some(path) = &dev.script {
        let base = path.parent().unwrap_or(Path::new("."));
        plain::run_plain(&phone, &script, base, std::io::stdout()).await
    } else {
        let title = format!("bifocal dev · what the app says: {}", log.display());
        let options = TerminalOptions { title, script: Some(script), notes: Some(notes), ..TerminalOptions::default() };
        terminal::run(phone.clone(), options).await.context("the terminal")?
    };
    phone.close().await;
    running.stop().await;
    server.stop().await;
    Ok(ExitCode::from(outcome.exit_code()))
}

/// Registers the app for the one wearer; gives its key.
async fn register(store: &Store, project: &Project, port: u16) -> Result<String> {
    let app = NewApp {
        package: project.package.clone(),
        name: None,
        kind: project.kind,
        public_url: format!("http://127.0.0.1:{port}"),
        permissions: project.permissions.clone(),
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: Vec::new(),
    };
    let key = store.add_app(app).await?.to_string();
    store.install(&UserId::new(WEARER)?, &project.package).await?;
    Ok(key)
}
