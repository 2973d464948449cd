//! `bifocal demo`: cloud, app and glasses in one process. Nothing is simulated but the glasses: the app is an ordinary one,
//! reached by webhook and socket, and the glasses speak the phone's protocol.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::permission::Permission;
use bifocal_providers::SpeechConfig;
use bifocal_providers::voice::VoiceConfig;
use bifocal_server::{EventSink, Limits, NetworkPolicy, Server, ServerConfig, Tokens};
use bifocal_session::Timings;
use bifocal_simulator::terminal::TerminalOptions;
use bifocal_simulator::{Outcome, Phone, PhoneConfig, plain, script, terminal};
use bifocal_store::{NewApp, Store};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::cli::Demo;
use crate::commands::spoken;
use crate::data::random_hex;
use crate::demo_script::SCRIPT;

const PACKAGE: &str = "org.bifocal.captions";
const WEARER: &str = "you@demo.invalid";
const ONCE_LIMIT: Duration = Duration::from_secs(30);

/// Runs the demo.
pub(crate) async fn demo(demo: &Demo) -> Result<ExitCode> {
    let stage = match demo.once {
        false => Stage::open().await?,
        true => match tokio::time::timeout(ONCE_LIMIT, Stage::open()).await {
            Ok(stage) => stage?,
            Err(_) => bail!("the stage was not set within {} s", ONCE_LIMIT.as_secs()),
        },
    };
    let spoken = match (&demo.say, &demo.recording) {
        (Some(text), _) => Some(spoken::said(text).await?),
        (None, Some(file)) => Some(spoken::recorded(file)?),
        (None, None) => None,
    };
    if let Some(sound) = spoken {
        let outcome = sound.play(&stage.phone).await;
        stage.close().await;
        return outcome;
    }
    let script = script::parse(SCRIPT).map_err(|error| anyhow::anyhow!("the script of the demo: {error}"))?;
    let outcome = if demo.once || !std::io::stdout().is_terminal() {
        let play = plain::run_plain(&stage.phone, &script, Path::new("."), std::io::stdout());
        match tokio::time::timeout(ONCE_LIMIT, play).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("glasses → cloud → app → display: the last line was not shown within 30 s"),
        }
    } else {
        let title = "Bifocal demo".to_owned();
        let options = TerminalOptions { title, script: Some(script), ..TerminalOptions::default() };
        terminal::run(stage.phone.clone(), options).await.context("the terminal")?
    };
    stage.close().await;
    if let Outcome::Failed { statement, why, .. } = &outcome {
        bail!("{}: {why}", hop(statement));
    }
    Ok(ExitCode::from(outcome.exit_code()))
}

/// Which hop a statement of the script goes over.
fn hop(statement: &str) -> &'static str {
    match statement.split_whitespace().next() {
        Some("connect") => "glasses → cloud",
        Some("start") => "cloud → app (webhook, then its socket)",
        Some("expect") => "app → cloud → display",
        _ => "glasses → cloud",
    }
}

/// Everything that runs during the demo.
struct Stage {
    phone: Phone,
    server: Server,
    stop_app: oneshot::Sender<()>,
    _data: tempfile::TempDir,
}

impl Stage {
    /// Sets the stage; an error names the hop that failed.
    async fn open() -> Result<Stage> {
        let data = tempfile::Builder::new().prefix("bifocal-demo-").tempdir().context("the temporary data folder")?;
        let store = Store::open(data.path()).await.context("the store")?;
        let user = UserId::new(WEARER)?;
        let package = PackageName::new(PACKAGE)?;

        let app_listener = TcpListener::bind("127.0.0.1:0").await.context("the app's listener")?;
        let app = NewApp {
            package: package.clone(),
            name: Some("Captions".to_owned()),
            kind: AppKind::Standard,
            public_url: format!("http://{}", app_listener.local_addr()?),
            permissions: vec![Permission::Microphone],
            api_key: None,
            uuid_sessions: false,
            hardware: vec![],
            settings: Vec::new(),
        };
        let api_key = store.add_app(app).await.context("the catalogue")?.to_string();
        store.install(&user, &package).await.context("the catalogue")?;
        let (stop_app, stopped) = oneshot::channel::<()>();
        tokio::spawn(bifocal_example_captions::serve(app_listener, PACKAGE.to_owned(), api_key, async move {
            let _ = stopped.await;
        }));

        let jwt_secret = random_hex()?.into_bytes();
        let token = Tokens::new(&jwt_secret).mint(&user, 0).context("the token")?;
        let config = ServerConfig {
            listen: "127.0.0.1:0".parse()?,
            public_url: None,
            udp_listen: None,
            udp_address: None,
            data: data.path().to_owned(),
            admin_key: random_hex()?,
            jwt_secret,
            weather_url: None,
            timezone: "UTC".to_owned(),
            speech: SpeechConfig::default(),
            voice: VoiceConfig::default(),
            timings: Timings::DEFAULT,
            networks: NetworkPolicy::loopback(),
            limits: Limits::default(),
            events: EventSink::Off,
        };
        let server = Server::start(config, store).await.context("the server")?;
        let cloud = format!("ws://{}", server.address());
        let phone = Phone::connect(PhoneConfig::new(cloud, token)).await.context("glasses → cloud")?;
        Ok(Stage { phone, server, stop_app, _data: data })
    }

    async fn close(self) {
        self.phone.close().await;
        self.server.stop().await;
        let _ = self.stop_app.send(());
    }
}
