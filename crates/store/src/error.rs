//! Everything that can go wrong with the records, in one enum.
//!
//! Messages are for the person at the keyboard: they name the file and say what to do. They never hold a key or a value
//! that a user chose.

use std::path::{Path, PathBuf};

use bifocal_protocol::ids::{PackageName, UserId};

use crate::StorageLimit;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is an app with this package already.
    #[error("the app {0} exists already; remove it first, or choose another package name")]
    AppExists(PackageName),
    /// There is no app with this package.
    #[error("there is no app {0}; add it first")]
    NoSuchApp(PackageName),
    /// There is such a user already.
    #[error("the user {0} exists already")]
    UserExists(UserId),
    /// There is no room for so much of one user.
    #[error("more settings than a user may have: 256 KiB")]
    TooMuch,
    /// There is no room for so many tools of one app.
    #[error("more tools than an app may have: 256 KiB")]
    TooManyTools,
    /// The public URL of an app cannot be used.
    #[error("not a usable public URL: {0}; give the address of the app's server, for example https://app.example.org")]
    BadUrl(&'static str),
    /// The API key given for an app cannot be used. The key itself is not repeated here.
    #[error("not a usable API key: give 16 to 256 visible ASCII characters without spaces, or none to have one made")]
    BadKey,
    /// What an app wants to keep for a user is too much, or has no key. Nothing of it was kept.
    #[error("not kept: {0}")]
    Storage(StorageLimit),
    /// The folder or the file in it cannot be made.
    #[error("{} cannot be used as data folder: {source}; check the path and its permissions", path.display())]
    Folder {
        /// The folder, or the file in it, that failed.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A newer program has written the file.
    #[error(
        "{} was written by a newer version of this program (schema {found}, this one knows up to {known}); \
         start the newer version, or restore an older file from a backup",
        file.display()
    )]
    NewerSchema {
        /// The database file.
        file: PathBuf,
        /// The newest schema number in the file.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The schema in the file is not one that a released program makes.
    #[error("the schema of {} cannot be brought up to date: {source}; restore the file from a backup", file.display())]
    Schema {
        /// The database file.
        file: PathBuf,
        /// What the migration found.
        source: sqlx::migrate::MigrateError,
    },
    /// A record in the file is not readable. Other records are.
    #[error("{} is damaged: {what} {reason}; write that record anew, or restore the file from a backup", file.display())]
    Damaged {
        /// The database file.
        file: PathBuf,
        /// The column and the record, `settings of the app org.example.demo`.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is no SQLite database, or a damaged one.
    #[error(
        "{} is not a sound SQLite database: {source}; restore it from a backup, or move it away to start empty",
        file.display()
    )]
    NotUsable {
        /// The database file.
        file: PathBuf,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// The file may not be opened or written.
    #[error("{} may not be opened or written: {source}; check the owner of the file and its folder", file.display())]
    NotWritable {
        /// The database file.
        file: PathBuf,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// The disk is full.
    #[error("no room left on the disk of {}; make room and try again", file.display())]
    Full {
        /// The database file.
        file: PathBuf,
    },
    /// Others kept the file busy for longer than the store waits.
    #[error("{} was busy for too long; end the program that keeps it busy, or try again", file.display())]
    Busy {
        /// The database file.
        file: PathBuf,
    },
    /// The store was closed.
    #[error("{} was closed by this program", file.display())]
    Closed {
        /// The database file.
        file: PathBuf,
    },
    /// The operating system gave no random bytes for a key.
    #[error("the operating system gives no random bytes; no key was made")]
    NoRandomness,
    /// Anything else that the engine reports.
    #[error("the database {} failed: {source}", file.display())]
    Database {
        /// The database file.
        file: PathBuf,
        /// What the engine said.
        source: sqlx::Error,
    },
}

impl StoreError {
    /// Sorts an error of the engine by what a person can do about it.
    pub(crate) fn of_engine(file: &Path, source: sqlx::Error) -> StoreError {
        let file = file.to_path_buf();
        match source {
            sqlx::Error::PoolClosed => return StoreError::Closed { file },
            sqlx::Error::PoolTimedOut => return StoreError::Busy { file },
            _ => {}
        }
        // SQLite's extended code; the low byte is the primary one, https://www.sqlite.org/rescode.html.
        let code = source.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => StoreError::Busy { file },
            Some(3 | 8 | 14) => StoreError::NotWritable { file, source },
            Some(11 | 26) => StoreError::NotUsable { file, source },
            Some(13) => StoreError::Full { file },
            _ => StoreError::Database { file, source },
        }
    }
}
