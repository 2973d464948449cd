//! The processes under test: the cloud and the control run as children, so that their memory and time can be told apart from
//! the driver's.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::bench::error::BenchError;
use crate::bench::usage::processors;

const START: Duration = Duration::from_secs(15);

/// A program with its arguments and environment.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// What it is told.
    pub arguments: Vec<OsString>,
    /// Beside the driver's own environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// Which processor is whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pins {
    /// Of the cloud or the control.
    child: usize,
    driver: usize,
}

impl Pins {
    /// Gives the driver a processor of its own.
    pub(crate) fn set() -> Result<Pins, BenchError> {
        let (child, driver) = match processors()[..] {
            [child, driver, ..] => (child, driver),
            _ => return Err(BenchError::Usage("--pin needs two processors, and there are fewer".to_owned())),
        };
        let process = std::process::id().to_string();
        let done = StdCommand::new("taskset").args(["-a", "-p", "-c", &driver.to_string(), &process]).output();
        match done {
            Ok(output) if output.status.success() => Ok(Pins { child, driver }),
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr).trim().escape_debug().to_string();
                Err(BenchError::hop("driver → taskset", why))
            }
            Err(error) => Err(BenchError::Usage(format!("--pin needs the program taskset (util-linux): {error}"))),
        }
    }

    /// For people.
    pub(crate) fn describe(self) -> String {
        format!("the cloud and the control on processor {}, the driver on processor {}", self.child, self.driver)
    }
}

/// A child that listens. It is killed when dropped.
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) address: SocketAddr,
    /// Held so that the child can see that its parent is gone.
    _child: Child,
}

#[derive(Deserialize)]
struct Running {
    url: String,
    pid: u32,
}

fn command(program: &Program, pins: Option<Pins>) -> Command {
    let mut command = match pins {
        Some(pins) => {
            let mut taskset = Command::new("taskset");
            taskset.arg("-c").arg(pins.child.to_string()).arg(&program.path);
            taskset
        }
        None => Command::new(&program.path),
    };
    command.args(&program.arguments).envs(program.environment.iter().cloned());
    command.kill_on_drop(true).stdin(Stdio::piped());
    command
}

/// Starts the control; it says on stdout where it listens.
pub(crate) async fn start_relay(program: &Program, pins: Option<Pins>) -> Result<Process, BenchError> {
    let failed = |why: &dyn std::fmt::Display| BenchError::hop("driver → control (start)", why);
    let mut child = command(program, pins).stdout(Stdio::piped()).spawn().map_err(|error| failed(&error))?;
    let id = child.id().ok_or_else(|| failed(&"it ended at once"))?;
    let stdout = child.stdout.take().ok_or_else(|| failed(&"it has no stdout"))?;
    let mut line = String::new();
    let mut stdout = BufReader::new(stdout);
    let reading = tokio::time::timeout(START, stdout.read_line(&mut line)).await;
    reading.map_err(|_| failed(&"it does not say where it listens"))?.map_err(|error| failed(&error))?;
    let address = line.trim().parse().map_err(|_| failed(&"it ended, or said something else than an address"))?;
    Ok(Process { id, address, _child: child })
}

/// Starts a cloud that writes `server.json` into its data folder when it listens. Its log goes into that folder too.
pub(crate) async fn start_cloud(program: &Program, data: &Path, pins: Option<Pins>) -> Result<Process, BenchError> {
    let failed = |why: &dyn std::fmt::Display| BenchError::hop("driver → cloud (start)", why);
    let log_file = data.join("server.log");
    let log = File::create(&log_file).map_err(|error| failed(&error))?;
    let mut command = command(program, pins);
    let mut child = command.stdout(Stdio::null()).stderr(log).spawn().map_err(|error| failed(&error))?;
    let began = Instant::now();
    loop {
        let running = fs::read(data.join("server.json")).ok();
        if let Some(running) = running.and_then(|bytes| serde_json::from_slice::<Running>(&bytes).ok()) {
            let address = running.url.strip_prefix("http://").and_then(|address| address.parse().ok());
            let address = address.ok_or_else(|| failed(&"its server.json has no address"))?;
            return Ok(Process { id: running.pid, address, _child: child });
        }
        let ended = child.try_wait().map_err(|error| failed(&error))?;
        if ended.is_some() || began.elapsed() > START {
            let log = fs::read_to_string(&log_file).unwrap_or_default();
            let last = log.lines().last().unwrap_or("it said nothing").escape_debug().to_string();
            return Err(failed(&last));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
