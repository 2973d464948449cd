//! `bifocal sim`: glasses on this terminal, or a script that is played and printed.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use bifocal_simulator::{Outcome, Phone, PhoneConfig, plain, script, terminal};

use crate::cli::Sim;
use crate::config::{self, WrongUsage};

/// Runs the glasses.
pub(crate) async fn sim(sim: Sim) -> Result<ExitCode> {
    let parsed = match &sim.script {
        Some(path) => Some((script::parse(&config::read(path)?), path.clone())),
        None => None,
    };
    // A script that cannot be read is wrong whatever the cloud says.
    if let Some((Err(error), path)) = &parsed {
        return Err(WrongUsage(format!("{}: {error}", path.display())).into());
    }
    let phone = Phone::connect(PhoneConfig { sound: sim.audio, ..PhoneConfig::new(sim.cloud, sim.token) }).await?;
    if let Some((Ok(script), path)) = parsed {
        let base = path.parent().unwrap_or(Path::new("."));
        let outcome = plain::run_plain(&phone, &script, base, std::io::stdout()).await;
        phone.close().await;
        return Ok(ExitCode::from(outcome.exit_code()));
    }
    if !std::io::stdout().is_terminal() {
        return Err(WrongUsage("stdout is no terminal; give --script FILE".to_owned()).into());
    }
    let options = terminal::TerminalOptions { title: "Bifocal".to_owned(), ..Default::default() };
    let outcome = terminal::run(phone, options).await?;
    Ok(ExitCode::from(Outcome::exit_code(&outcome)))
}
