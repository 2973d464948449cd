//! The rig's app: an unmodified npm SDK in a process of its own, driven by lines of JSON.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::rig_folder;

static INSTALLED: Once = Once::new();

/// A version of the SDK, one of its interfaces, and what runs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    /// The package in `rig/node_modules`.
    pub(crate) sdk: &'static str,
    /// The app in `rig/`.
    pub(crate) file: &'static str,
    pub(crate) runtime: Runtime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    Node,
    Bun,
}

const SDK_2_1_29: Stack = Stack { name: "2.1.29", sdk: "@mentra/sdk", file: "app.mjs", runtime: Runtime::Node };

/// A running app server.
pub(crate) struct NodeApp {
    child: Child,
    stdin: ChildStdin,
    events: Receiver<Value>,
    /// What has been heard and not been asked for yet.
    pending: Vec<Value>,
    pub(crate) port: u16,
}

impl NodeApp {
    /// Starts the app over SDK 2.1.29 on a free port (0) or on this one.
    pub(crate) fn start(package: &str, api_key: &str, port: u16) -> NodeApp {
        NodeApp::start_stack(&SDK_2_1_29, package, api_key, port)
    }

    /// The same with another app of the rig.
    pub(crate) fn start_driver(file: &'static str, package: &str, api_key: &str, port: u16) -> NodeApp {
        NodeApp::start_stack(&Stack { file, ..SDK_2_1_29 }, package, api_key, port)
    }

    /// The same over any SDK.
    pub(crate) fn start_stack(stack: &Stack, package: &str, api_key: &str, port: u16) -> NodeApp {
        installed();
        let mut command = match stack.runtime {
            Runtime::Node => Command::new("node"),
            Runtime::Bun => Command::new(bun()),
        };
        match stack.runtime {
            Runtime::Node => command.args(["--require", "./preload.cjs"]),
            Runtime::Bun => command.args(["--no-install", "--preload", "./preload-bun.cjs"]),
        };
        let mut child = command
            .arg(stack.file)
            .current_dir(rig_folder())
            .env("SDK", stack.sdk)
            .env("PACKAGE_NAME", package)
            .env("MENTRAOS_API_KEY", api_key)
            .env("PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", stack.name));
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (heard, events) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not an event: {line}"));
                if heard.send(event).is_err() {
                    return;
                }
            }
        });
        let mut app = NodeApp { child, stdin, events, pending: Vec::new(), port: 0 };
        let listening = app.expect("listening");
        app.port = u16::try_from(listening["port"].as_u64().expect("a port")).expect("a port");
        app
    }

    /// The next event with this name, within 20 s; events of other names stay.
    pub(crate) fn expect(&mut self, name: &str) -> Value {
        self.expect_within(name, Duration::from_secs(20))
    }

    /// The same with a limit of its own.
    pub(crate) fn expect_within(&mut self, name: &str, limit: Duration) -> Value {
        let until = Instant::now() + limit;
        loop {
            if let Some(at) = self.pending.iter().position(|event| event["event"] == name) {
                return self.pending.remove(at);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.pending.push(event),
                Err(_) => panic!("no `{name}` came; heard {:?}", self.pending),
            }
        }
    }

    /// Every event that has been heard until now and was not asked for.
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        self.pending.extend(self.events.try_iter());
        std::mem::take(&mut self.pending)
    }

    pub(crate) fn command(&mut self, command: &Value) {
        writeln!(self.stdin, "{command}").expect("the app listens");
    }
}

/// Installs what the lock file names, when something is not there.
pub(crate) fn installed() {
    INSTALLED.call_once(install);
}

fn install() {
    let there = |package: &&str| rig_folder().join("node_modules").join(package).exists();
    if !["@mentra/sdk", "sdk-3.0.0-alpha.4", "bun"].iter().all(there) {
        let status = Command::new("npm").arg("ci").current_dir(rig_folder()).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "npm ci in rig/ failed; is Node installed?");
    }
}

/// Bun itself: npm has a package for each kind of machine and installs those that may fit. The package `bun` finds the one that
/// does in its install script, which need not have run.
pub(crate) fn bun() -> PathBuf {
    let packages = std::fs::read_dir(rig_folder().join("node_modules/@oven")).expect("npm has installed Bun");
    let mut found: Vec<_> = packages.map(|package| package.expect("read").path().join("bin/bun")).collect();
    found.sort();
    // Where its install script has put it, if npm has let that run.
    found.push(rig_folder().join("node_modules/bun/bin/bun.exe"));
    let runs = |bun: &PathBuf| {
        Command::new(bun).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    found.iter().find(|bun| runs(bun)).cloned().unwrap_or_else(|| panic!("none of these runs: {found:?}"))
}

impl Drop for NodeApp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
