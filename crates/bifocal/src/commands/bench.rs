//! `bifocal bench`: sets the stage for the load driver, runs it, prints its report.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::permission::Permission;
use bifocal_server::Tokens;
use bifocal_simulator::bench::{self, Access, AppServer, Bench, BenchError, Cloud, Mint, Options, Program, Report};
use bifocal_store::{NewApp, Store};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli;
use crate::commands::print;
use crate::config::WrongUsage;
use crate::data::random_hex;

/// Of every app of a load, when the cloud is a child.
const API_KEY: &str = "bifocal-bench-key";
const LONGEST: Duration = Duration::from_secs(60);

/// Runs the load driver.
pub(crate) async fn bench(arguments: cli::Bench) -> Result<ExitCode> {
    if let Some(duration) = arguments.duration
        && !(0.1..=LONGEST.as_secs_f64()).contains(&duration)
    {
        return Err(WrongUsage(format!("--duration is between 0.1 and {} seconds", LONGEST.as_secs())).into());
    }
    // On a thread with a runtime of its own: one thread for all sockets wakes nobody but itself, so that a driver on one
    // processor can load a cloud on another.
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime")?;
        runtime.block_on(Box::pin(until_interrupted(arguments)))
    };
    tokio::task::spawn_blocking(run).await.context("the load driver")?
}

/// The children end with this, however it ends.
async fn until_interrupted(arguments: cli::Bench) -> Result<ExitCode> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        code = measure(arguments) => code,
        _ = terminate.recv() => bail!("interrupted"),
        _ = interrupt.recv() => bail!("interrupted"),
    }
}

async fn measure(arguments: cli::Bench) -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("bifocal-bench-").tempdir().context("the temporary folder")?;
    let app_address = match &arguments.app_url {
        Some(url) => loopback(url, "--app-url")?,
        None => SocketAddr::from(([127, 0, 0, 1], 0)),
    };
    let apps = Arc::new(AppServer::bind(app_address).map_err(failed)?);
    let (cloud, secret) = match &arguments.cloud {
        Some(url) => {
            let address = loopback(url, "--cloud")?;
            let secret = arguments.secret.clone().ok_or_else(|| {
                WrongUsage(
                    "--cloud needs --secret: the HS256 secret that this cloud checks core tokens with".to_owned(),
                )
            })?;
            (Cloud::Running { address, process: arguments.cloud_pid }, secret)
        }
        None => {
            let (secret, seeded) = (random_hex()?, folder.path().join("seed"));
            seed(&seeded, &apps).await.context("the store of the cloud under test")?;
            (Cloud::Child { program: serve(&secret)?, seeded }, secret)
        }
    };
    let options = Options {
        quick: arguments.quick,
        only: arguments.only.clone(),
        duration: arguments.duration.map(Duration::from_secs_f64),
        pin: arguments.pin,
        seed: arguments.seed,
    };
    let control = Program { path: this_program()?, arguments: vec!["bench-relay".into()], environment: Vec::new() };
    let api_key = arguments.app_key.clone().unwrap_or_else(|| API_KEY.to_owned());
    let access = Access { mint: mint(&secret), api_key, apps };
    let bench = Bench { options, cloud, control, access, scratch: folder.path().to_owned() };
    let report = bench.run(&mut std::io::stderr()).await.map_err(failed)?;
    tell(&arguments, &report)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(arguments: &cli::Bench, report: &Report) -> Result<()> {
    let json = format!("{:#}\n", report.json());
    match arguments.json.as_deref() {
        Some("-") => {
            print(&json);
            return Ok(());
        }
        Some(file) => std::fs::write(file, json).with_context(|| format!("cannot write {file}"))?,
        None => {}
    }
    print(&report.table());
    if arguments.quick {
        print(&format!("{}\n", report.summary()));
    }
    Ok(())
}

fn failed(error: BenchError) -> anyhow::Error {
    match error {
        BenchError::Usage(why) => WrongUsage(why).into(),
        error => error.into(),
    }
}

/// The address of a URL on this machine. Load is aimed at nobody else.
fn loopback(url: &str, option: &str) -> Result<SocketAddr> {
    let wrong = |why: &str| WrongUsage(format!("{option} {}: {why}", url.escape_debug()));
    let rest = ["http://", "ws://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or_else(|| wrong("it must begin with http:// or ws://"))?.trim_end_matches('/');
    let rest = rest.strip_prefix("localhost").map_or_else(|| rest.to_owned(), |port| format!("127.0.0.1{port}"));
    let address = rest.parse().or_else(|_| format!("{rest}:80").parse());
    let address: SocketAddr = address.map_err(|_| wrong("it must name an address and a port of this machine"))?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => Ok(address),
        IpAddr::V6(ip) if ip.is_loopback() => Ok(address),
        _ => Err(wrong("this is not a loopback address; bench loads this machine only, never somebody else's").into()),
    }
}

fn this_program() -> Result<std::path::PathBuf> {
    std::env::current_exe().context("the path of this program")
}

/// `bifocal serve`, as it is in production.
fn serve(secret: &str) -> Result<Program> {
    let environment: [(OsString, OsString); 1] = [("BIFOCAL_JWT_SECRET".into(), secret.into())];
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--allow-network", "127.0.0.0/8"].map(OsString::from);
    Ok(Program { path: this_program()?, arguments: arguments.into(), environment: environment.into() })
}

fn mint(secret: &str) -> Mint {
    let tokens = Tokens::new(secret.as_bytes());
    Arc::new(move |number| {
        let user = UserId::new(&bench::user(number)).map_err(|error| error.to_string())?;
        tokens.mint(&user, 0).map_err(|error| error.to_string())
    })
}

/// Fills a data folder with the apps and users of a load.
async fn seed(folder: &Path, server: &AppServer) -> Result<()> {
    let store = Store::open(folder).await?;
    let mut packages = Vec::new();
    for number in 0..bench::APPS {
        let package = PackageName::new(&bench::package(number))?;
        let app = NewApp {
            package: package.clone(),
            name: None,
            kind: if number == 0 { AppKind::Standard } else { AppKind::Background },
            public_url: server.url(number),
            permissions: vec![Permission::Microphone],
            api_key: Some(API_KEY.to_owned()),
            uuid_sessions: false,
            hardware: vec![],
            settings: Vec::new(),
        };
        store.add_app(app).await?;
        packages.push(package);
    }
    for number in 0..bench::USERS {
        let user = UserId::new(&bench::user(number))?;
        for package in packages.iter().take(bench::apps_of(number)) {
            store.install(&user, package).await?;
        }
    }
    store.close().await;
    Ok(())
}

/// Runs the control until its parent is gone. Prints where it listens.
pub(crate) async fn bench_relay() -> Result<ExitCode> {
    let listener = bench::relay::listen(SocketAddr::from(([127, 0, 0, 1], 0))).context("the control's listener")?;
    print(&format!("{}\n", listener.local_addr()?));
    let _ = std::io::stdout().flush();
    let (gone, parent) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Ends when the other end of the pipe is closed, however the parent ended.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = gone.send(());
    });
    tokio::select! {
        done = bench::relay::serve(listener) => done.context("the control")?,
        _ = parent => {}
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded() {
        let good = |url: &str| loopback(url, "--cloud").expect("good").to_string();
        assert_eq!(good("http://127.0.0.1:8002/"), "127.0.0.1:8002");
        assert_eq!(good("ws://localhost:8002"), "127.0.0.1:8002");
        assert_eq!(good("http://[::1]:9"), "[::1]:9");
        assert_eq!(good("http://127.0.0.9"), "127.0.0.9:80");
        for bad in ["http://192.168.1.4:8002", "https://127.0.0.1:1", "http://example.org:80", "http://0.0.0.0:1", "x"]
        {
            let error = loopback(bad, "--cloud").expect_err(bad);
            assert!(error.is::<WrongUsage>(), "{bad}");
        }
    }
}
