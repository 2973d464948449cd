//! The data folder: secrets that are made on first use, and where the running server is.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::config::Settings;

const JWT_SECRET: &str = "jwt.secret";
const ADMIN_KEY: &str = "admin.key";
const RUNNING: &str = "server.json";

/// The secret of core tokens: given, or kept in the data folder.
pub(crate) fn jwt_secret(settings: &Settings) -> Result<Vec<u8>> {
    match &settings.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => secret(&settings.data, JWT_SECRET).map(String::into_bytes),
    }
}

/// The key of the operator's routes.
pub(crate) fn admin_key(data: &Path) -> Result<String> {
    secret(data, ADMIN_KEY)
}

/// Reads a secret, or makes it: 32 random bytes in hex, readable by the owner only.
fn secret(data: &Path, name: &str) -> Result<String> {
    make_folder(data)?;
    let path = data.join(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match file {
        Ok(mut file) => {
            let secret = random_hex()?;
            file.write_all(secret.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let secret = text.trim().to_owned();
            // Two processes may begin at once; the other one has made the file and is about to fill it.
            anyhow::ensure!(secret.len() >= 32, "{} is not filled; try again, or remove it", path.display());
            Ok(secret)
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

/// 32 random bytes as 64 hex digits.
pub(crate) fn random_hex() -> Result<String> {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0u8; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    Ok(hex::encode(bytes))
}

fn make_folder(data: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.with_context(|| format!("cannot make the data folder {}", data.display()))
}

/// What the running server writes for the admin commands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) url: String,
    /// Its process.
    pub(crate) pid: u32,
}

/// Says where the server is; forgotten when dropped.
pub(crate) struct RunningFile(std::path::PathBuf);

impl RunningFile {
    pub(crate) fn write(data: &Path, address: std::net::SocketAddr) -> Result<RunningFile> {
        let path = data.join(RUNNING);
        // A server that listens on every address is reached on this machine by loopback.
        let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let running = Running { url: format!("http://{host}:{}", address.port()), pid: std::process::id() };
        let text = serde_json::to_string(&running)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(RunningFile(path))
    }
}

impl Drop for RunningFile {
    fn drop(&mut self) {
        // Another server may have taken the place; its own file names its own process.
        let ours = read_running(&self.0).is_some_and(|running| running.pid == std::process::id());
        if ours {
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn read_running(path: &Path) -> Option<Running> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// The server that runs on this data folder.
pub(crate) fn running(data: &Path) -> Option<Running> {
    read_running(&data.join(RUNNING))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_is_the_owners_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let made = admin_key(&data).expect("made");
        assert_eq!(made.len(), 64);
        assert_eq!(admin_key(&data).expect("read"), made);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join(ADMIN_KEY))), (0o700, 0o600));
    }

    #[test]
    fn the_address_of_the_running_server_is_forgotten_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = RunningFile::write(folder.path(), "0.0.0.0:8002".parse().expect("an address")).expect("written");
        assert_eq!(running(folder.path()).expect("there").url, "http://127.0.0.1:8002");
        drop(file);
        assert!(running(folder.path()).is_none());
    }
}
