//! The file itself: who may read it, what happens when it is damaged, foreign or too new, and when it is closed.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_store::{NewApp, Store, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

fn demo() -> PackageName {
    PackageName::new("org.example.demo").unwrap()
}

fn ann() -> UserId {
    UserId::new("ann@example.org").unwrap()
}

/// A store with a user who has installed, runs and has set one app.
async fn filled(folder: &Path) -> Store {
    let store = Store::open(folder).await.unwrap();
    let app = NewApp {
        package: demo(),
        name: None,
        kind: AppKind::Background,
        public_url: "http://localhost:3000".to_owned(),
        permissions: Vec::new(),
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: Vec::new(),
    };
    store.add_app(app).await.unwrap();
    store.install(&ann(), &demo()).await.unwrap();
    store.set_running(&ann(), &demo(), true).await.unwrap();
    store.save_app_settings(&ann(), &demo(), &[]).await.unwrap();
    store
}

/// A connection past the store.
async fn raw(folder: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.join("bifocal.db")).foreign_keys(false).connect().await.unwrap()
}

/// Changes the file past the store.
async fn change(folder: &Path, sql: &'static str) {
    let mut connection = raw(folder).await;
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_enter_the_folder_and_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("new").join("data");
    let store = filled(&folder).await;
    assert_eq!((mode(&root.path().join("new")), mode(&folder)), (0o700, 0o700));
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["bifocal.db", "bifocal.db-shm", "bifocal.db-wal", "opening.lock"]);
    for file in files {
        assert_eq!(mode(&folder.join(&file)), 0o600, "{file:?}");
    }
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_exists_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    Store::open(folder.path()).await.unwrap();
    assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o755);
}

#[tokio::test]
async fn records_survive_closing_and_opening() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let before = (store.apps().await.unwrap(), store.load_user(&ann()).await.unwrap());
    store.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!((store.apps().await.unwrap(), store.load_user(&ann()).await.unwrap()), before);
}

#[tokio::test]
async fn the_file_uses_write_ahead_logging() {
    let folder = tempfile::tempdir().unwrap();
    let _store = filled(folder.path()).await;
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut raw(folder.path()).await).await.unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn the_key_is_nowhere_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let key = store.rotate_key(&demo()).await.unwrap().to_string();
    store.close().await;
    let bytes = std::fs::read(folder.path().join("bifocal.db")).unwrap();
    assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
}

#[tokio::test]
async fn after_closing_every_call_on_every_clone_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let clone = store.clone();
    store.close().await;
    store.close().await;
    assert!(matches!(clone.version().await, Err(StoreError::Closed { .. })));
    assert!(matches!(clone.apps().await, Err(StoreError::Closed { .. })));
    assert!(matches!(clone.ensure_user(&ann()).await, Err(StoreError::Closed { .. })));
}

/// The damage, the column it is found in, and the record that is named.
async fn assert_damaged(sql: &'static str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    change(folder.path(), sql).await;
    let error = store.load_user(&ann()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("bifocal.db is damaged") && text.contains("restore"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    match error {
        StoreError::Damaged { file, what, .. } => {
            assert_eq!((file, what.as_str()), (folder.path().join("bifocal.db"), expected), "{sql}");
        }
        other => panic!("{sql}: {other}"),
    }
}

#[tokio::test]
async fn a_damaged_app_is_a_typed_error() {
    for (sql, column) in [
        ("UPDATE apps SET settings = '{\"secret'", "settings"),
        ("UPDATE apps SET settings = '\"secret\"'", "settings"),
        ("UPDATE apps SET settings = x'00ff'", "settings"),
        ("UPDATE apps SET permissions = '[\"FLY\"]'", "permissions"),
        ("UPDATE apps SET kind = 'secret'", "kind"),
        ("UPDATE apps SET key_hash = 'secret'", "key_hash"),
        ("UPDATE apps SET key_hash = 'abcd'", "key_hash"),
        ("UPDATE apps SET uuid_sessions = 'secret'", "uuid_sessions"),
        ("UPDATE apps SET name = x'ff'", "name"),
    ] {
        assert_damaged(sql, &format!("{column} of the app org.example.demo")).await;
    }
}

#[tokio::test]
async fn a_damaged_user_is_a_typed_error() {
    assert_damaged("UPDATE users SET settings = '{'", "settings of the user ann@example.org").await;
    assert_damaged(
        "UPDATE users SET settings = '{\"brightness\": \"secret\"}'",
        "settings of the user ann@example.org",
    )
    .await;
    assert_damaged("UPDATE running SET package = '../secret'", "package of the user ann@example.org").await;
    assert_damaged(
        "UPDATE app_settings SET settings = '[1]'",
        "settings of the user ann@example.org for the app org.example.demo",
    )
    .await;
}

#[tokio::test]
async fn a_damaged_name_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    change(folder.path(), "UPDATE users SET user_id = 'nobody'").await;
    change(folder.path(), "UPDATE apps SET package = '/'").await;
    assert!(matches!(store.users().await, Err(StoreError::Damaged { .. })));
    assert!(matches!(store.apps().await, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_damaged_record_can_be_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    change(folder.path(), "UPDATE users SET settings = 'x'").await;
    change(folder.path(), "UPDATE apps SET settings = 'x'").await;
    store.save_settings(&ann(), &Default::default()).await.unwrap();
    store.remove_app(&demo()).await.unwrap();
    assert_eq!(store.load_user(&ann()).await.unwrap(), Default::default());
}

#[tokio::test]
async fn settings_of_an_older_program_read_with_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    change(folder.path(), "UPDATE users SET settings = '{\"brightness\": 7, \"unknown\": true}'").await;
    let settings = store.load_user(&ann()).await.unwrap().settings;
    assert_eq!((settings.brightness, settings.head_up_angle), (7, 20));
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await.close().await;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
               VALUES (99, 'from the future', true, x'00', 0)";
    change(folder.path(), sql).await;
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("bifocal.db") && text.contains("start the newer version"), "{text}");
}

#[tokio::test]
async fn a_schema_of_another_origin_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await.close().await;
    change(folder.path(), "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    assert!(matches!(Store::open(folder.path()).await, Err(StoreError::Schema { .. })));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bifocal.db");
    std::fs::write(&file, "these are my notes, not a database\n".repeat(100)).unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotUsable { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert!(std::fs::read_to_string(file).unwrap().starts_with("these are my notes"));
}

#[tokio::test]
async fn a_path_that_cannot_be_a_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Store::open(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::Folder { .. }), "{error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
    std::fs::create_dir(folder.path().join("bifocal.db")).unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
}

/// A task that is aborted between its statements must give the writing connection back.
#[tokio::test]
async fn a_change_dropped_half_way_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    for polls in 0..40 {
        let package = demo();
        let mut change = Box::pin(store.rotate_key(&package));
        for _ in 0..polls {
            let once = std::future::poll_fn(|context| std::task::Poll::Ready(change.as_mut().poll(context)));
            if once.await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(change);
        store.rotate_key(&demo()).await.unwrap();
    }
}
