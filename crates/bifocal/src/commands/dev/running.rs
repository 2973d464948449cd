//! The app while it runs: started, watched, and started again when a file has changed and it still builds.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bifocal_simulator::terminal::Tone;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::project::Project;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Until the app listens.
const LISTEN: Duration = Duration::from_secs(20);
/// Until it has said goodbye.
const GOODBYE: Duration = Duration::from_secs(8);

/// What the app is started with.
pub(super) struct Start {
    pub(super) package: String,
    pub(super) api_key: String,
    pub(super) port: u16,
    pub(super) log: PathBuf,
    /// Whoever looks at the glasses.
    pub(super) tell: mpsc::Sender<(Tone, String)>,
}

/// The app, and who watches it.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    watching: JoinHandle<()>,
}

impl Running {
    /// Starts the app and waits until it listens.
    pub(super) async fn start(project: Project, start: Start, program: PathBuf) -> Result<Running> {
        let child = run(&start, &program, &project.folder).await?;
        let (stop, stopped) = oneshot::channel();
        let watching = tokio::spawn(watch(project, start, child, stopped));
        Ok(Running { stop, watching })
    }

    /// Stops it.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // A watcher that failed has nothing left to stop: its child was killed with it.
        let _ = self.watching.await;
    }
}

async fn watch(project: Project, start: Start, mut child: Child, mut stopped: oneshot::Receiver<()>) {
    let mut known = project.fingerprint();
    loop {
        tokio::select! {
            _ = &mut stopped => return end(child).await,
            () = sleep(LOOK) => {}
        }
        let found = project.fingerprint();
        if found == known {
            continue;
        }
        known = found;
        match again(&project, &start, child).await {
            Ok(new) => child = new,
            Err((old, error)) => {
                note(&start, Tone::Bad, &format!("{error:#}"));
                match old {
                    Some(old) => child = old,
                    // Nothing runs until the next change.
                    None => match next_start(&project, &start, &mut known, &mut stopped).await {
                        Some(new) => child = new,
                        None => return,
                    },
                }
            }
        }
    }
}

/// Builds the app anew and starts it in place of the one that runs, which goes on when it does not build.
async fn again(project: &Project, start: &Start, child: Child) -> Result<Child, (Option<Child>, anyhow::Error)> {
    let program = match build(project, start).await {
        Ok(program) => program,
        Err(error) => return Err((Some(child), error.context("the one before goes on"))),
    };
    end(child).await;
    run(start, &program, &project.folder).await.map_err(|error| (None, error))
}

/// Tries again after every change until the app runs.
async fn next_start(
    project: &Project,
    start: &Start,
    known: &mut (usize, Option<std::time::SystemTime>),
    stopped: &mut oneshot::Receiver<()>,
) -> Option<Child> {
    loop {
        tokio::select! {
            _ = &mut *stopped => return None,
            () = sleep(LOOK) => {}
        }
        let found = project.fingerprint();
        if found == *known {
            continue;
        }
        *known = found;
        let started = async { run(start, &build(project, start).await?, &project.folder).await };
        match started.await {
            Ok(child) => return Some(child),
            Err(error) => note(start, Tone::Bad, &format!("{error:#}")),
        }
    }
}

async fn build(project: &Project, start: &Start) -> Result<PathBuf> {
    note(start, Tone::News, "a file has changed: building");
    match project.build(Some(open(&start.log)?)).await? {
        Some(program) => Ok(program),
        None => bail!("the app does not build; the compiler's words are in {}", start.log.display()),
    }
}

async fn run(start: &Start, program: &Path, folder: &Path) -> Result<Child> {
    let mut child = Command::new(program)
        .current_dir(folder)
        .env("PACKAGE_NAME", &start.package)
        .env("MENTRAOS_API_KEY", &start.api_key)
        .env("PORT", start.port.to_string())
        .stdin(Stdio::null())
        .stdout(open(&start.log)?)
        .stderr(open(&start.log)?)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))?;
    let until = Instant::now() + LISTEN;
    while TcpStream::connect(("127.0.0.1", start.port)).await.is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("the app ended with {status} before it listened; see {}", start.log.display());
        }
        if Instant::now() > until {
            bail!("the app does not listen on the PORT of its environment, {}", start.port);
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(child)
}

/// Asks the app to end, so that it tells the cloud that it will be back; kills it when it does not.
async fn end(mut child: Child) {
    if let Some(id) = child.id() {
        // Where there is no such program, or the app has ended just now, it is killed below.
        let _ = Command::new("kill").args(["-TERM", &id.to_string()]).stderr(Stdio::null()).status().await;
    }
    if timeout(GOODBYE, child.wait()).await.is_err() {
        // It may have ended just now.
        let _ = child.kill().await;
    }
}

fn open(log: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(log).with_context(|| log.display().to_string())
}

/// Says it in the log, and to whoever looks at the glasses.
fn note(start: &Start, tone: Tone, text: &str) {
    use std::io::Write;
    // A log that cannot be written has nobody to tell, and who does not look is told nothing.
    let _ = open(&start.log).map(|mut log| writeln!(log, "bifocal dev: {text}"));
    let _ = start.tell.try_send((tone, text.to_owned()));
}
