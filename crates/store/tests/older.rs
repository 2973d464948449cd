//! Databases of older programs: each is made with the first steps of the schema only, filled as that program could, and
//! opened by this one. Nothing of it is lost, and the schema is the one that a new database has.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_store::Store;
use serde_json::json;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr};

/// Every step of the schema, as the files have them: the number is the beginning of the name.
fn steps() -> Vec<(i64, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let step = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name[..4].parse().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
    };
    let mut steps: Vec<(i64, String)> = entries.map(step).collect();
    steps.sort();
    steps
}

async fn raw(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("bifocal.db")).create_if_missing(true);
    options.foreign_keys(true).connect().await.unwrap()
}

/// What a program of that time has written: an app, a user who has installed, runs and has set it; later a kept value, and what the
/// phone keeps.
const FILLING: [(i64, &str); 7] = [
    (
        1,
        "INSERT INTO apps VALUES ('org.example.demo', 'Demo', 'background', 'http://localhost:3000', '[\"MICROPHONE\"]', \
         '0000000000000000000000000000000000000000000000000000000000000000', FALSE, '[]', 1)",
    ),
    (1, "INSERT INTO users VALUES ('ann@example.org', '{\"brightness\": 7}', 1)"),
    (1, "INSERT INTO installs VALUES ('ann@example.org', 'org.example.demo', 1)"),
    (1, "INSERT INTO running VALUES ('ann@example.org', 'org.example.demo')"),
    (
        1,
        "INSERT INTO app_settings VALUES ('ann@example.org', 'org.example.demo', '[{\"key\": \"hd\", \"value\": true}]')",
    ),
    (3, "INSERT INTO storage VALUES ('ann@example.org', 'org.example.demo', 'a.b', 8, 1, '\"kept\"')"),
    (4, "UPDATE users SET client_settings = '{\"theme\": \"dark\"}'"),
];

/// A database as the program had it whose newest step was this one.
async fn database_of(version: i64, folder: &Path) {
    let mut connection = raw(folder).await;
    for (number, sql) in steps().into_iter().filter(|(number, _)| *number <= version) {
        let sql = AssertSqlSafe(sql).into_sql_str();
        let step = Migration::new(number, "a step".into(), MigrationType::Simple, sql, false);
        let mut migrator = Migrator::with_migrations(vec![step]);
        migrator.set_ignore_missing(true);
        migrator.run_direct(None, &mut connection, false).await.unwrap();
        for (_, sql) in FILLING.iter().filter(|(since, _)| *since == number) {
            sqlx::query(*sql).execute(&mut connection).await.unwrap();
        }
    }
    connection.close().await.unwrap();
}

/// Every table and index as SQLite keeps them, without the spelling of the statements.
async fn schema(folder: &Path) -> Vec<String> {
    let statement = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let all: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut raw(folder).await).await.unwrap();
    all.iter().map(|sql| sql.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn a_database_of_every_older_program_opens_and_has_lost_nothing() {
    let steps = steps();
    let numbers: Vec<i64> = steps.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "the steps are numbered one by one");
    let fresh = tempfile::tempdir().unwrap();
    Store::open(fresh.path()).await.unwrap().close().await;
    let newest = schema(fresh.path()).await;
    let (ann, demo) = (UserId::new("ann@example.org").unwrap(), PackageName::new("org.example.demo").unwrap());
    for version in numbers {
        let folder = tempfile::tempdir().unwrap();
        database_of(version, folder.path()).await;
        let store = Store::open(folder.path()).await.unwrap_or_else(|error| panic!("step {version}: {error}"));
        assert_eq!(schema(folder.path()).await, newest, "step {version}");
        let user = store.load_user(&ann).await.unwrap();
        assert_eq!((user.running, user.settings.brightness), (vec![demo.clone()], 7), "step {version}");
        assert_eq!(user.installed[0].name, "Demo", "step {version}");
        assert_eq!(user.app_settings[&demo][0].value, Some(json!(true)), "step {version}");
        let kept = store.storage(&ann, &demo).await.unwrap();
        assert_eq!(kept.get("a.b").map(String::as_str), (version >= 3).then_some("\"kept\""), "step {version}");
        let theme = store.client_settings(&ann).await.unwrap().get("theme").cloned();
        assert_eq!(theme, (version >= 4).then(|| json!("dark")), "step {version}");
        // It can be written, too.
        store.set_running(&ann, &demo, false).await.unwrap();
        store.close().await;
        let again = Store::open(folder.path()).await.unwrap();
        assert!(again.load_user(&ann).await.unwrap().running.is_empty(), "step {version}");
    }
}
