//! One side of one scenario: the process under test, freshly started, and how to reach it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::error::BenchError;
use crate::bench::process::{self, Pins, Process, Program};
use crate::bench::schedule::Clock;
use crate::bench::sizes::Sizes;
use crate::bench::target::{Access, Target};
use crate::bench::usage::Usage;

/// The cloud under test.
#[derive(Debug, Clone)]
pub enum Cloud {
    /// A child that is started anew for each scenario.
    Child {
        /// `bifocal serve`, without the data folder.
        program: Program,
        /// A data folder with the apps and users; each child gets a copy.
        seeded: PathBuf,
    },
    /// One that runs already.
    Running {
        /// Where it listens.
        address: SocketAddr,
        /// Its process, when its memory and time are to be measured.
        process: Option<u32>,
    },
}

/// Which side of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Cloud,
    Control,
}

/// What a scenario works with.
pub(crate) struct Stage {
    pub(crate) target: Target,
    pub(crate) clock: Clock,
    pub(crate) sizes: Sizes,
    pub(crate) seed: u64,
    /// How long the cloud keeps a session whose phone is away; `None` when it is not ours to say.
    pub(crate) grace: Option<Duration>,
    process: Option<u32>,
    _child: Option<Process>,
}

/// What every stage of a run has in common.
pub(crate) struct Setting<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) control: &'a Program,
    pub(crate) access: &'a Access,
    /// For the data folders.
    pub(crate) scratch: &'a Path,
    pub(crate) pins: Option<Pins>,
    pub(crate) clock: Clock,
    pub(crate) sizes: Sizes,
    pub(crate) seed: u64,
}

impl Stage {
    /// Starts the process under test. `grace` is how long a session waits for its phone.
    pub(crate) async fn set(
        setting: &Setting<'_>,
        side: Side,
        name: &str,
        grace: Duration,
    ) -> Result<Stage, BenchError> {
        let (target, process, child, grace) = match (side, setting.cloud) {
            (Side::Control, _) => {
                let child = process::start_relay(setting.control, setting.pins).await?;
                (Target::Relay { address: child.address }, Some(child.id), Some(child), Some(Duration::ZERO))
            }
            (Side::Cloud, Cloud::Running { address, process }) => {
                (Target::Cloud { address: *address, access: setting.access.clone() }, *process, None, None)
            }
            (Side::Cloud, Cloud::Child { program, seeded }) => {
                let data = setting.scratch.join(name);
                let program = furnish(program, seeded, &data, grace)
                    .map_err(|error| BenchError::hop(format!("driver → {} (copy)", data.display()), error))?;
                let child = process::start_cloud(&program, &data, setting.pins).await?;
                let target = Target::Cloud { address: child.address, access: setting.access.clone() };
                (target, Some(child.id), Some(child), Some(grace))
            }
        };
        let Setting { clock, sizes, seed, .. } = *setting;
        Ok(Stage { target, clock, sizes, seed, grace, process, _child: child })
    }

    /// Whether it is the cloud, and not the control.
    pub(crate) fn is_cloud(&self) -> bool {
        matches!(self.target, Target::Cloud { .. })
    }

    /// A control that runs already, in no process of its own.
    pub(crate) fn of_relay(address: SocketAddr, sizes: Sizes) -> Stage {
        let (target, grace) = (Target::Relay { address }, Some(Duration::ZERO));
        Stage { target, clock: Clock::start(), sizes, seed: 1, grace, process: None, _child: None }
    }

    /// What the process has used so far; `None` when nobody said which it is.
    pub(crate) fn usage(&self) -> Result<Option<Usage>, BenchError> {
        let read = |process| {
            Usage::of(process).map_err(|error| BenchError::hop(format!("driver → process {process} (/proc)"), error))
        };
        self.process.map(read).transpose()
    }
}

/// What recognises speech under load: a word every half second, which says when its sound was sent.
const ENGINE: &str = "[[speech.engines]]\nkind = \"fake\"\nscript = { every_ms = 500, marks = true, sentence = 1 }\n";

/// A data folder of its own: nothing that one scenario leaves behind changes the next.
fn furnish(program: &Program, seeded: &Path, data: &Path, grace: Duration) -> std::io::Result<Program> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(data)?;
    for entry in fs::read_dir(seeded)? {
        let entry = entry?;
        fs::copy(entry.path(), data.join(entry.file_name()))?;
    }
    let config = data.join("bench.toml");
    fs::write(&config, format!("glasses_grace_seconds = {}\n{ENGINE}", grace.as_secs()))?;
    let mut program = program.clone();
    program.arguments.extend(["--data".into(), data.into(), "--config".into(), config.into()]);
    Ok(program)
}
