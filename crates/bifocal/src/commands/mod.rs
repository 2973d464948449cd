//! One file for each command.

mod app;
mod bench;
mod demo;
mod dev;
mod doctor;
mod local;
mod new;
mod serve;
mod session;
mod sim;
mod spoken;
mod user;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use bifocal_store::Store;

use crate::cli::{Arguments, Command};
use crate::config::Settings;

/// Runs the command.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let settings = Settings::load(&arguments.place)?;
    match arguments.command {
        Command::New(arguments) => new::new(&arguments),
        Command::Dev(arguments) => dev::dev(&arguments).await,
        Command::Serve(serve) => serve::serve(&settings, &serve).await,
        Command::App(app) => app::app(&settings, app).await,
        Command::User(user) => user::user(&settings, user).await,
        Command::Token { email } => user::token(&settings, &email).await,
        Command::Session(session) => session::session(&settings, session).await,
        Command::Sim(sim) => sim::sim(sim).await,
        Command::Demo(demo) => demo::demo(&demo).await,
        Command::Bench(bench) => bench::bench(bench).await,
        Command::BenchRelay => bench::bench_relay().await,
        Command::Doctor(arguments) => doctor::doctor(&settings, &arguments).await,
    }
}

/// Prints a result on stdout. A reader that is gone (`| head`) is no failure.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Runs something on the store of the data folder.
pub(crate) async fn with_store<T>(settings: &Settings, what: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let store = Store::open(&settings.data).await?;
    let result = what(&store).await;
    store.close().await;
    result
}
