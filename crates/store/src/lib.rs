//! Durable records: who the users are, which apps exist, who installed what, every setting, and what apps keep.
//!
//! One SQLite file, `bifocal.db`, that several processes may use at once. Each method of [`Store`] is one intent and one
//! transaction: it happens completely or not at all. The SQL (`$1` placeholders, text identifiers, times as BIGINT
//! milliseconds, JSON as TEXT) is also PostgreSQL; only `database.rs` knows which engine runs it.

mod apps;
mod client_settings;
mod database;
mod error;
mod folder;
mod key;
mod schema;
mod storage;
mod tools;
mod users;

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use apps::NewApp;
pub use client_settings::ClientSettings;
pub use error::StoreError;
pub use key::{ApiKey, key_hash};
pub use storage::StorageLimit;
pub use users::UserRecord;

use database::Database;

/// The durable records. Cheap to clone; all clones share the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<Database>,
}

impl Store {
    /// Opens `<folder>/bifocal.db`. On first use it makes the folder (only its owner may enter), the file (only its
    /// owner may read it) and the schema; a file with an older schema is brought up to date.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when the folder or file cannot be made, [`StoreError::NewerSchema`] when a newer program
    /// has written the file, [`StoreError::NotUsable`] when it is no SQLite database, and every error of the engine.
    pub async fn open(folder: &Path) -> Result<Store, StoreError> {
        let opening = folder::prepare(folder).await?;
        let database = Database::open(opening.file()).await?;
        if let Err(error) = database.migrate().await {
            database.close().await;
            return Err(error);
        }
        Ok(Store { database: Arc::new(database) })
    }

    /// Closes every connection, after what is running has finished. Later calls on any clone fail with
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// A number that is different after any process, this one included, has changed the file. It means something only in
    /// comparison with an earlier answer of the same `Store`. It reads no table and can be asked twice a second.
    ///
    /// # Errors
    /// [`StoreError::Closed`] after [`Store::close`], and every error of the engine.
    pub async fn version(&self) -> Result<i64, StoreError> {
        self.database.version().await
    }

    /// How often apps and installs were changed, by any process. Asked when [`Store::version`] says that something was.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn catalogue_version(&self) -> Result<i64, StoreError> {
        let mut read = self.database.read().await?;
        let rows = read.rows("SELECT version FROM catalogue", &[]).await?;
        read.commit().await?;
        rows.first().map_or(Ok(0), |row| row.number("version", "the catalogue"))
    }
}

/// Now, as the tables keep it.
fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
