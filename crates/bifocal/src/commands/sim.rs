//! `bifocal sim`: glasses on this terminal, or a script that is played and printed.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use bifocal_simulator::{Outcome, Phone, PhoneConfig, Photo, plain, script, terminal};

use crate::cli::Sim;
use crate::config::{self, WrongUsage};

/// What apps take.
const MAX_PICTURE: usize = 10 << 20;

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
    let photo = sim.camera.as_deref().map(seen).transpose()?;
    let config = PhoneConfig { sound: sim.audio, photo, ..PhoneConfig::new(sim.cloud, sim.token) };
    let phone = Phone::connect(config).await?;
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

/// The picture that the camera takes whenever it is asked.
fn seen(file: &Path) -> Result<Photo> {
    let wrong = |why: String| WrongUsage(format!("{}: {why}", file.display()));
    let picture = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    if picture.len() > MAX_PICTURE {
        return Err(wrong("a photo has 10 MiB at most".to_owned()).into());
    }
    Photo::of_picture(picture).ok_or_else(|| wrong("not a JPEG, PNG or WebP picture".to_owned()).into())
}
