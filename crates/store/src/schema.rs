//! The numbered steps of the schema, embedded in the program.
//!
//! A step that was released never changes: its checksum is kept in every database. A change is a new file and a new
//! line here.

use std::path::Path;

use sqlx::SqlSafeStr;
use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::StoreError;

const STEPS: [(i64, &str, &str); 5] = [
    (1, "users and apps", include_str!("../migrations/0001_users_and_apps.sql")),
    (2, "hardware", include_str!("../migrations/0002_hardware.sql")),
    (3, "storage", include_str!("../migrations/0003_storage.sql")),
    (4, "client settings", include_str!("../migrations/0004_client_settings.sql")),
    (5, "tools", include_str!("../migrations/0005_tools.sql")),
];

/// Runs the steps that the database has not seen. The caller holds the write lock, because SQLite has no other lock
/// that would keep two processes from running the same step.
pub(crate) async fn migrate(file: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let steps = STEPS.map(|(number, name, sql)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let known = STEPS.map(|(number, ..)| number).into_iter().max().unwrap_or_default();
    let migrator = Migrator::with_migrations(steps.into());
    // What `Migrator::run` does inside; its own future is not Send for every lifetime, so it could not be spawned.
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            StoreError::of_engine(file, source)
        }
        MigrateError::VersionMissing(found) if found > known => {
            StoreError::NewerSchema { file: file.to_path_buf(), found, known }
        }
        source => StoreError::Schema { file: file.to_path_buf(), source },
    })
}
