//! Product events as lines of JSON in a file.

use std::path::PathBuf;

use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;

use super::Event;

/// The file. It is opened for each batch, so that it may be moved away at any time.
pub(super) struct JsonLines {
    path: PathBuf,
}

impl JsonLines {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) async fn write(&self, batch: &[Event]) -> Result<(), String> {
        let mut text = String::new();
        for event in batch {
            // Our own structs: serialising them cannot fail.
            text.push_str(&serde_json::to_string(event).unwrap_or_default());
            text.push('\n');
        }
        let failed = |error: std::io::Error| format!("{}: {error}", self.path.display());
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).await.map_err(failed)?;
        file.write_all(text.as_bytes()).await.map_err(failed)?;
        file.flush().await.map_err(failed)
    }
}
