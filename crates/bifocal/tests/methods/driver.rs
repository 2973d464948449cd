//! The process that calls the methods of one SDK, under the runtime that the SDK needs. It speaks lines of JSON.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::common::rig_folder;
use crate::node::{self, Runtime};

/// One column of the table: an SDK, and which of its interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The folder in `rig/node_modules`.
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// `app` (AppServer, AppSession) or `mini` (MiniAppServer, MentraSession).
    pub(crate) api: &'static str,
    runtime: Runtime,
}

pub(crate) const STACKS: [Stack; 6] = [
    Stack { package: "sdk-2.1.28", version: "2.1.28", api: "app", runtime: Runtime::Node },
    Stack { package: "@mentra/sdk", version: "2.1.29", api: "app", runtime: Runtime::Node },
    Stack { package: "sdk-2.1.31-beta.5", version: "2.1.31-beta.5", api: "app", runtime: Runtime::Node },
    Stack { package: "sdk-3.0.0-hono.8", version: "3.0.0-hono.8", api: "app", runtime: Runtime::Bun },
    Stack { package: "sdk-3.0.0-alpha.4", version: "3.0.0-alpha.4", api: "app", runtime: Runtime::Bun },
    Stack { package: "sdk-3.0.0-alpha.4", version: "3.0.0-alpha.4", api: "mini", runtime: Runtime::Bun },
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
        node::installed();
        let mut command = match stack.runtime {
            Runtime::Node => Command::new("node"),
            Runtime::Bun => Command::new(node::bun()),
        };
        match stack.runtime {
            Runtime::Node => command.args(["--require", "./preload.cjs"]),
            Runtime::Bun => command.args(["--no-install", "--preload", "./preload-bun.cjs"]),
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
