//! The data folder: made on first use, private to its owner, and opened by one process at a time.
//!
//! Only the opening is exclusive. Two programs that both make a new database would meet in the switch to write-ahead
//! logging, which SQLite refuses at once instead of waiting, so they queue at a lock file first.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The right to open the database. Others wait until it is dropped.
#[derive(Debug)]
pub(crate) struct Opening {
    file: PathBuf,
    _lock: File,
}

impl Opening {
    /// The database file. It exists.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

/// Makes the folder and an empty database file where they are missing, and waits for its turn.
pub(crate) async fn prepare(folder: &Path) -> Result<Opening, StoreError> {
    let folder = folder.to_path_buf();
    // Waiting for the lock blocks its thread, so this is no place for an async worker.
    let prepared = tokio::task::spawn_blocking(move || prepare_blocking(&folder)).await;
    prepared.unwrap_or_else(|gone| std::panic::resume_unwind(gone.into_panic()))
}

fn prepare_blocking(folder: &Path) -> Result<Opening, StoreError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| StoreError::Folder { path, source }
    };
    make_folder(folder).map_err(failed(folder))?;
    let lock = folder.join("opening.lock");
    let _lock = take(&lock).map_err(failed(&lock))?;
    let file = folder.join("bifocal.db");
    make_file(&file).map_err(failed(&file))?;
    Ok(Opening { file, _lock })
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn take(path: &Path) -> io::Result<File> {
    let mut options = private();
    let file = options.create(true).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Makes the database file, empty, which SQLite takes for a new database. It is never opened here when it exists:
/// closing any descriptor of a file drops all POSIX locks of the process on it, and with them those of SQLite.
fn make_file(path: &Path) -> io::Result<()> {
    match private().create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Files that only their owner may read. SQLite gives its `-wal` and `-shm` files the mode of the database.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
