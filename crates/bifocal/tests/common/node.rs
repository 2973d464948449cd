//! The rig's app: the unmodified npm SDK in a Node process, driven by lines of JSON.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::rig_folder;

static INSTALLED: Once = Once::new();

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
    /// Starts the app on a free port (0) or on this one.
    pub(crate) fn start(package: &str, api_key: &str, port: u16) -> NodeApp {
        NodeApp::start_driver("app.mjs", package, api_key, port)
    }

    /// The same with another file of the rig.
    pub(crate) fn start_driver(file: &str, package: &str, api_key: &str, port: u16) -> NodeApp {
        INSTALLED.call_once(|| {
            if !rig_folder().join("node_modules/@mentra/sdk").exists() {
                let status = Command::new("npm").arg("ci").current_dir(rig_folder()).stdout(Stdio::null()).status();
                assert!(status.is_ok_and(|status| status.success()), "npm ci in rig/ failed; is Node installed?");
            }
        });
        let mut child = Command::new("node")
            .args(["--require", "./preload.cjs", file])
            .current_dir(rig_folder())
            .env("PACKAGE_NAME", package)
            .env("MENTRAOS_API_KEY", api_key)
            .env("PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
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

impl Drop for NodeApp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
