//! A cloud of its own for each test: the real binary on a free port with a temporary data folder.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bifocal_media::{MediaConfig, Permits};
use bifocal_simulator::{Phone, PhoneConfig};

pub(crate) const WEARER: &str = "ann-marie@example.org";

/// The binary under test.
pub(crate) fn bifocal() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bifocal"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("BIFOCAL_") || name.starts_with("AUGMENTOS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A running server.
pub(crate) struct Cloud {
    pub(crate) data: tempfile::TempDir,
    pub(crate) url: String,
    server: Child,
}

impl Cloud {
    /// Starts a server and waits until it says where it is.
    pub(crate) fn start() -> Cloud {
        Cloud::start_with("", &[])
    }

    /// With this configuration file and these further arguments.
    pub(crate) fn start_with(config: &str, arguments: &[&str]) -> Cloud {
        let data = tempfile::tempdir().expect("a folder");
        let file = data.path().join("bifocal.toml");
        std::fs::write(&file, config).expect("written");
        let log = std::fs::File::create(data.path().join("server.log")).expect("a log file");
        let mut server = bifocal()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .arg("--config")
            .arg(&file)
            .args(arguments)
            .env("BIFOCAL_LOG", "info")
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let running = data.path().join("server.json");
        let url = wait_for("the server to say where it is", || {
            assert!(server.try_wait().expect("asked").is_none(), "the server ended: {}", read_log(data.path()));
            let text = std::fs::read_to_string(&running).ok()?;
            let value: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(value["url"].as_str()?.to_owned())
        });
        Cloud { data, url, server }
    }

    /// Runs an admin command on the same data folder.
    pub(crate) fn admin(&self, arguments: &[&str]) -> Output {
        bifocal().args(arguments).arg("--data").arg(self.data.path()).output().expect("runs")
    }

    /// The same, expecting success; gives stdout without the line end.
    pub(crate) fn admin_ok(&self, arguments: &[&str]) -> String {
        let output = self.admin(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// A phone of the test's wearer.
    pub(crate) async fn phone(&self) -> Phone {
        self.phone_with(Some("Simulated Glasses")).await
    }

    /// The same with other glasses.
    pub(crate) async fn phone_with(&self, model: Option<&str>) -> Phone {
        let token = self.admin_ok(&["token", WEARER]);
        let config = PhoneConfig { model: model.map(str::to_owned), ..PhoneConfig::new(&self.url, token) };
        Phone::connect(config).await.expect("the phone connects")
    }

    pub(crate) fn log(&self) -> String {
        read_log(self.data.path())
    }

    /// SIGTERM; gives the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let pid = self.server.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success());
        wait_for("the server to end", || self.server.try_wait().expect("asked")).code()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let log = self.log();
        if !std::thread::panicking() {
            assert!(!log.contains("ERROR"), "the server logged an error:\n{log}");
        }
    }
}

fn read_log(data: &Path) -> String {
    std::fs::read_to_string(data.join("server.log")).unwrap_or_default()
}

/// Asks every few milliseconds, for at most 20 s.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An address of this machine that nobody listens at. For `--rtmp-listen`, where zero means that there is to be no media server.
pub(crate) fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").to_string()
}

/// A media server on this machine, for streams that go elsewhere than to the cloud.
pub(crate) fn media_config() -> MediaConfig {
    MediaConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        publish_base: None,
        viewer_base: "http://127.0.0.1:1".to_owned(),
        permits: Permits(Arc::new(|address| address.is_loopback())),
        tls: None,
        recording: None,
        ffmpeg: None,
        limits: Default::default(),
        patience: Default::default(),
    }
}

pub(crate) fn rig_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rig")
}
