//! What calls the methods of one SDK, and speaks lines of JSON: a process under the runtime that the SDK needs, or, for the Rust SDK, a
//! thread of this one.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::common::rig_folder;
use crate::node::{self, Runtime};
use crate::rust;

/// One column of the table: an SDK, and which of its interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The folder in `rig/node_modules`; the crate.
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// `app` (AppServer, AppSession) or `mini` (MiniAppServer, MentraSession).
    pub(crate) api: &'static str,
    /// `None` is Rust.
    runtime: Option<Runtime>,
}

const NODE: Option<Runtime> = Some(Runtime::Node);
const BUN: Option<Runtime> = Some(Runtime::Bun);

/// The column of the Rust SDK, which has no versions yet.
pub(crate) const RUST: &str = "bifocal-sdk";

pub(crate) const STACKS: [Stack; 7] = [
    Stack { package: "sdk-2.1.28", version: "2.1.28", api: "app", runtime: NODE },
    Stack { package: "@mentra/sdk", version: "2.1.29", api: "app", runtime: NODE },
    Stack { package: "sdk-2.1.31-beta.5", version: "2.1.31-beta.5", api: "app", runtime: NODE },
    Stack { package: "sdk-3.0.0-hono.8", version: "3.0.0-hono.8", api: "app", runtime: BUN },
    Stack { package: "sdk-3.0.0-alpha.4", version: "3.0.0-alpha.4", api: "app", runtime: BUN },
    Stack { package: "bifocal-sdk", version: RUST, api: "app", runtime: None },
    Stack { package: "sdk-3.0.0-alpha.4", version: "3.0.0-alpha.4", api: "mini", runtime: BUN },
];

/// A running driver.
pub(crate) struct Driver {
    /// Killed when this is dropped.
    _child: Option<Child>,
    said: UnboundedReceiver<Value>,
    tell: UnboundedSender<Value>,
}

impl Driver {
    /// Starts it with these environment variables.
    pub(crate) fn start(stack: Stack, environment: &[(&str, &str)]) -> Driver {
        let Some(runtime) = stack.runtime else {
            let (said, tell) = rust::start(environment);
            return Driver { _child: None, said, tell };
        };
        node::installed();
        let mut command = match runtime {
            Runtime::Node => Command::new("node"),
            Runtime::Bun => Command::new(node::bun()),
        };
        match runtime {
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
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (say, said) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(line) = lines.next_line().await.expect("text") {
                let line = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not an event: {line}"));
                // A stage that is gone wants to know nothing.
                let _ = say.send(line);
            }
        });
        Driver { _child: Some(child), said, tell }
    }

    /// What it says next; `None` when it has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        self.said.recv().await
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
