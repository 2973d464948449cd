//! `bifocal`: the one binary. It reads the command line, runs one command, and turns its result into an exit code.
//!
//! 0 done · 1 it failed, one line on stderr says why · 2 wrong usage.

mod cli;
mod commands;
mod config;
mod data;
mod demo_script;
mod logging;
mod table;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    // The error of an earlier installation means that there is a provider, which is all that is needed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::anyhow!("cannot start the runtime: {error}")),
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

#[allow(clippy::print_stderr, reason = "stderr is where a command says why it failed")]
fn failed(error: &anyhow::Error) -> ExitCode {
    // One line, whatever the causes contain.
    let line = format!("{error:#}").replace(['\n', '\r'], " ");
    eprintln!("bifocal: {line}");
    ExitCode::from(if error.is::<config::WrongUsage>() { 2 } else { 1 })
}
