//! The process that calls the methods of one SDK, under the runtime that the SDK needs. It speaks lines of JSON.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Once;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::common::rig_folder;

/// One column of the table: an SDK, and which of its interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The folder in `rig/node_modules`.
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// `app` (AppServer, AppSession) or `mini` (MiniAppServer, MentraSession).
    pub(crate) api: &'static str,
    bun: bool,
}

const fn stack(package: &'static str, version: &'static str, api: &'static str, bun: bool) -> Stack {
    Stack { package, version, api, bun }
}

pub(crate) const STACKS: [Stack; 6] = [
    stack("sdk-2.1.28", "2.1.28", "app", false),
    stack("@mentra/sdk", "2.1.29", "app", false),
    stack("sdk-2.1.31-beta.5", "2.1.31-beta.5", "app", false),
    stack("sdk-3.0.0-hono.8", "3.0.0-hono.8", "app", true),
    stack("sdk-3.0.0-alpha.4", "3.0.0-alpha.4", "app", true),
    stack("sdk-3.0.0-alpha.4", "3.0.0-alpha.4", "mini", true),
];

/// A running driver.
pub(crate) struct Driver {
    /// Killed when this is dropped.
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    tell: UnboundedSender<Value>,
}

impl Driver {
    /// Starts it with these environment variables.
    pub(crate) fn start(stack: Stack, environment: &[(&str, &str)]) -> Driver {
        install();
        let mut command = if stack.bun {
            // Its stdout is the SDK's; the preload says why.
            let mut bun = Command::new("sh");
            bun.args(["-c", r#"exec "$0" "$@" 3>&1 1>&2"#]).arg(self::bun());
            bun.args(["run", "--preload", "./methods/bun-preload.cjs"]);
            bun
        } else {
            let mut node = Command::new("node");
            node.args(["--require", "./preload.cjs"]);
            node
        };
        let mut child = command
            .args(["methods/drive.mjs", stack.package, stack.api])
            .current_dir(rig_folder())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log(stack))
            .kill_on_drop(true)
            .spawn()
            .expect("the driver starts");
        let mut stdin = child.stdin.take().expect("piped");
        let (tell, mut told) = unbounded_channel::<Value>();
        tokio::spawn(async move {
            while let Some(line) = told.recv().await {
                // When the driver is gone its end of stdout says so.
                let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
            }
        });
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Driver { _child: child, lines, tell }
    }

    /// What it says next; `None` when it has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.expect("text")?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not an event: {line}")))
    }

    /// Where it takes lines. All of them dropped, it ends.
    pub(crate) fn ear(&self) -> UnboundedSender<Value> {
        self.tell.clone()
    }
}

/// Where its log goes: nowhere, or into the folder that `METHODS_LOG` names.
fn log(stack: Stack) -> Stdio {
    let Ok(folder) = std::env::var("METHODS_LOG") else { return Stdio::null() };
    let file = PathBuf::from(folder).join(format!("{}-{}.log", stack.version, stack.api));
    std::fs::File::create(file).expect("a log file").into()
}

/// What the lock file of the rig names, if it is not there yet.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let missing = STACKS.iter().any(|stack| !rig_folder().join("node_modules").join(stack.package).exists());
        if missing {
            let mut npm = std::process::Command::new("npm");
            let status = npm.arg("ci").current_dir(rig_folder()).stdout(Stdio::null()).status();
            assert!(status.is_ok_and(|status| status.success()), "npm ci in rig/ failed; is Node installed?");
        }
    });
}

/// The Bun of the rig: the one that npm chose for this machine. It needs no install script.
fn bun() -> PathBuf {
    let modules = rig_folder().join("node_modules");
    let chosen = std::fs::read_dir(modules.join("@oven")).into_iter().flatten().flatten();
    let mut candidates: Vec<PathBuf> = chosen.map(|folder| folder.path().join("bin/bun")).collect();
    candidates.sort();
    candidates.push(modules.join(".bin/bun"));
    let runs = |bun: &PathBuf| {
        let version = std::process::Command::new(bun).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    candidates.into_iter().find(runs).expect("Bun is in rig/node_modules; `npm ci` in rig/ installs it")
}
