//! `bifocal doctor`: looks at everything that the server needs, and says what to do.

mod speech;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use bifocal_providers::translate::{TranslatorRow, Translators};
use bifocal_providers::voice::{VoiceRow, Voices};
use bifocal_providers::{EngineRow, EngineState, Recognizers};
use bifocal_server::StreamsConfig;
use bifocal_store::Store;

use crate::cli::{Doctor, Serve};
use crate::commands::print;
use crate::config::Settings;
use crate::data;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    state: State,
    detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Works, but you may want to know.
    Note,
    Bad,
}

/// Prints every finding; exit 1 when one is bad.
pub(crate) async fn doctor(settings: &Settings, arguments: &Doctor) -> Result<ExitCode> {
    if arguments.speech {
        return speech::speech(settings, arguments).await;
    }
    let serve = Serve {
        listen: None,
        public_url: None,
        udp_listen: None,
        udp_address: None,
        allow_networks: Vec::new(),
        rtmp_listen: None,
        rtmp_url: None,
        log_format: None,
    };
    let running = data::running(&settings.data);
    let mut findings = vec![
        configuration(settings),
        folder(&settings.data),
        store(&settings.data).await,
        secret(settings),
        listen(settings, &serve, running.as_ref()),
        networks(settings, &serve),
        streams(settings, &serve, running.as_ref()),
        files(),
    ];
    findings.extend(hearing(settings));
    findings.extend(translators(settings));
    findings.extend(voices(settings));
    for finding in &findings {
        let mark = match finding.state {
            State::Good => "ok  ",
            State::Note => "note",
            State::Bad => "BAD ",
        };
        print(&format!("{mark}  {:<14} {}\n", finding.what, finding.detail));
    }
    let bad = findings.iter().filter(|finding| finding.state == State::Bad).count();
    print(&match bad {
        0 => "\nAll good. Start the server with: bifocal serve\n".to_owned(),
        bad => format!("\n{bad} to mend before the server can run.\n"),
    });
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn good(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, state: State::Good, detail: detail.into() }
}

fn note(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, state: State::Note, detail: detail.into() }
}

fn bad(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, state: State::Bad, detail: detail.into() }
}

fn configuration(settings: &Settings) -> Finding {
    match &settings.file {
        Some(path) => good("configuration", path.display().to_string()),
        None => good("configuration", "no file; defaults and environment"),
    }
}

fn folder(data: &Path) -> Finding {
    match std::fs::metadata(data) {
        Err(_) => note("data folder", format!("{} is not there yet; it is made on first use", data.display())),
        Ok(metadata) if !metadata.is_dir() => bad("data folder", format!("{} is no folder", data.display())),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            let advice = format!("others can look into {0}; run: chmod 700 {0}", data.display());
            note("data folder", advice)
        }
        Ok(_) => good("data folder", data.display().to_string()),
    }
}

async fn store(data: &Path) -> Finding {
    if !data.join("bifocal.db").exists() {
        return note("database", "not there yet; it is made on first use");
    }
    let counted = async {
        let store = Store::open(data).await?;
        let counts = (store.users().await?.len(), store.apps().await?.len());
        store.close().await;
        Ok::<_, bifocal_store::StoreError>(counts)
    };
    match counted.await {
        Ok((users, apps)) => good("database", format!("{users} users, {apps} apps")),
        Err(error) => bad("database", error.to_string()),
    }
}

fn secret(settings: &Settings) -> Finding {
    match &settings.jwt_secret {
        Some(secret) if secret.len() < 16 => {
            note("token secret", "given, but shorter than 16 bytes; a longer one is harder to guess")
        }
        Some(_) => good("token secret", "given by environment or configuration"),
        None => good("token secret", "kept in the data folder"),
    }
}

fn listen(settings: &Settings, serve: &Serve, running: Option<&data::Running>) -> Finding {
    let address = settings.listen(serve);
    match (TcpListener::bind(address), running) {
        (Ok(_), _) => good("address", format!("{address} is free")),
        (Err(_), Some(running)) => {
            good("address", format!("a server runs at {} (process {})", running.url, running.pid))
        }
        (Err(error), None) => bad("address", format!("{address}: {error}; choose another with --listen")),
    }
}

fn networks(settings: &Settings, serve: &Serve) -> Finding {
    match settings.networks(serve) {
        Err(error) => bad("webhooks", error.to_string()),
        Ok(policy) => {
            let allowed: Vec<String> = policy.allowed().iter().map(ToString::to_string).collect();
            let allowed = if allowed.is_empty() { "nothing else".to_owned() } else { allowed.join(", ") };
            good("webhooks", format!("may go to the open Internet and to {allowed}"))
        }
    }
}

/// Who carries managed streams, and whether that can work.
fn streams(settings: &Settings, serve: &Serve, running: Option<&data::Running>) -> Finding {
    match settings.streams(serve) {
        Err(error) => bad("streams", error.to_string()),
        Ok(StreamsConfig::Off) => note("streams", "off; apps that want a managed stream are told so"),
        Ok(StreamsConfig::Cloudflare { .. }) => good("streams", "carried by Cloudflare"),
        Ok(StreamsConfig::Embedded(embedded)) => {
            let pictures =
                if embedded.ffmpeg.is_some() { "" } else { "; without ffmpeg a thumbnail is a neutral picture" };
            match (TcpListener::bind(embedded.listen), running) {
                (Ok(_), _) => good("streams", format!("RTMP at {}{pictures}", embedded.listen)),
                (Err(_), Some(_)) => {
                    good("streams", format!("RTMP at {} is taken, as by the running server", embedded.listen))
                }
                (Err(error), None) => {
                    note("streams", format!("{}: {error}; choose another with --rtmp-listen", embedded.listen))
                }
            }
        }
    }
}

/// The engines that hear, and what is wrong with them.
fn hearing(settings: &Settings) -> Vec<Finding> {
    let rows = match Recognizers::new(settings.speech()) {
        Err(error) => return vec![bad("speech", error.to_string())],
        Ok(recognizers) => recognizers.table(),
    };
    let none = || vec![note("speech", "none: phones have to recognise what is said. See docs/speech.md")];
    let finding = |row: EngineRow| engine("speech", &row.name, row.state, &row.configured_by);
    if rows.is_empty() { none() } else { rows.into_iter().map(finding).collect() }
}

/// The engines that translate, and what is wrong with them.
fn translators(settings: &Settings) -> Vec<Finding> {
    match Translators::new(settings.translate()) {
        Err(error) => vec![bad("translate", error.to_string())],
        Ok(translators) => {
            let finding = |row: TranslatorRow| engine("translate", &row.name, row.state, &row.configured_by);
            translators.table().into_iter().map(finding).collect()
        }
    }
}

fn engine(what: &'static str, name: &str, state: EngineState, configured_by: &str) -> Finding {
    match state {
        EngineState::Missing(missing) => note(what, format!("{name}: {missing}")),
        _ => good(what, format!("{name} ({configured_by})")),
    }
}

/// The engines that speak, and what is wrong with them.
fn voices(settings: &Settings) -> Vec<Finding> {
    let voices = match Voices::new(settings.voice()) {
        Err(error) => return vec![bad("voice", error.to_string())],
        Ok(voices) => voices,
    };
    let rows = voices.table();
    if rows.is_empty() {
        return vec![note("voice", "none: apps cannot speak. Install flite, or see docs/speech.md")];
    }
    let finding = |row: VoiceRow| engine("voice", &row.name, row.state, &row.configured_by);
    rows.into_iter().map(finding).collect()
}

/// Each phone and each app is an open file.
fn files() -> Finding {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)).and_then(|number| number.parse::<u64>().ok());
    match soft {
        Some(soft) if soft < 4096 => {
            note("open files", format!("{soft}; enough for about {} wearers. Raise it with: ulimit -n 65536", soft / 3))
        }
        Some(soft) => good("open files", soft.to_string()),
        None => note("open files", "the limit is not known on this system"),
    }
}
