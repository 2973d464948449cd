//! The engine: connections, transactions, rows. The only file that says SQLite; another engine is a second arm here.
//!
//! SQLite has one writer. A transaction that reads first and writes later fails at once when another process wrote in
//! between, whatever the timeout, so every change starts with BEGIN IMMEDIATE on the one writing connection, and reads
//! have connections of their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row as _, Sqlite};
use tokio::sync::Mutex;

use crate::{StoreError, schema};

/// How long SQLite waits for a writer in another process.
const BUSY: Duration = Duration::from_secs(5);
/// Reads beside each other. Each connection is a thread.
const READERS: u32 = 4;

/// All connections to one file.
#[derive(Debug)]
pub(crate) struct Database {
    file: Arc<Path>,
    write: SqlitePool,
    read: SqlitePool,
    /// Only asks for the data version, which counts the changes that *other* connections made. None: closed.
    watch: Mutex<Option<SqliteConnection>>,
}

impl Database {
    /// Connects to a file that exists.
    pub(crate) async fn open(file: &Path) -> Result<Database, StoreError> {
        // Here and not by statements, which would reach only one connection of a pool.
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let watch = options.connect().await.map_err(|error| StoreError::of_engine(file, error))?;
        let pool = |connections| {
            let pool = SqlitePoolOptions::new().max_connections(connections);
            pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false).connect_lazy_with(options.clone())
        };
        Ok(Database { file: file.into(), write: pool(1), read: pool(READERS), watch: Mutex::new(Some(watch)) })
    }

    /// Brings the schema up to date.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        schema::migrate(&self.file, &mut write.inner).await?;
        write.commit().await
    }

    /// Starts a change. Dropped without [`Transaction::commit`], it did not happen.
    pub(crate) async fn write(&self) -> Result<Transaction, StoreError> {
        let inner = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.failed(error))?;
        Ok(Transaction { file: self.file.clone(), inner })
    }

    /// Starts to read: all statements see the same state of the file.
    pub(crate) async fn read(&self) -> Result<Transaction, StoreError> {
        let inner = self.read.begin().await.map_err(|error| self.failed(error))?;
        Ok(Transaction { file: self.file.clone(), inner })
    }

    pub(crate) async fn version(&self) -> Result<i64, StoreError> {
        let mut watch = self.watch.lock().await;
        let Some(connection) = watch.as_mut() else {
            return Err(StoreError::Closed { file: self.file.to_path_buf() });
        };
        let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await;
        version.map_err(|error| self.failed(error))
    }

    pub(crate) async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
        if let Some(connection) = self.watch.lock().await.take() {
            // An error here is about a file that nobody uses any more; everything committed is in it.
            let _ = connection.close().await;
        }
    }

    fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::of_engine(&self.file, error)
    }
}

/// A value for a `$1` of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Flag(bool),
}

/// Statements that happen together.
pub(crate) struct Transaction {
    file: Arc<Path>,
    inner: sqlx::Transaction<'static, Sqlite>,
}

impl Transaction {
    /// Runs a statement and counts the rows it changed.
    pub(crate) async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let result = statement(sql, values).execute(&mut *self.inner).await;
        result.map(|done| done.rows_affected()).map_err(|error| StoreError::of_engine(&self.file, error))
    }

    /// Counts a change of apps or installs, so that live sessions hear of it.
    pub(crate) async fn catalogue_changed(&mut self) -> Result<(), StoreError> {
        self.run("UPDATE catalogue SET version = version + 1", &[]).await.map(drop)
    }

    /// Runs a statement and gives its rows.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let rows = statement(sql, values).fetch_all(&mut *self.inner).await;
        let rows = rows.map_err(|error| StoreError::of_engine(&self.file, error))?;
        Ok(rows.into_iter().map(|inner| Row { file: self.file.clone(), inner }).collect())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await.map_err(|error| StoreError::of_engine(&self.file, error))
    }
}

fn statement<'q>(sql: &'static str, values: &[Value<'_>]) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match *value {
        Value::Text(text) => query.bind(text.to_owned()),
        Value::Number(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
    })
}

/// A row that was read. What it holds is checked: other programs write to the file too.
pub(crate) struct Row {
    file: Arc<Path>,
    inner: SqliteRow,
}

impl Row {
    /// The text of a column; `owner` says in an error whose it is.
    pub(crate) fn text(&self, column: &str, owner: &str) -> Result<&str, StoreError> {
        self.inner.try_get(column).map_err(|_| self.damaged(column, owner, "is no text"))
    }

    pub(crate) fn number(&self, column: &str, owner: &str) -> Result<i64, StoreError> {
        self.inner.try_get(column).map_err(|_| self.damaged(column, owner, "is no whole number"))
    }

    pub(crate) fn flag(&self, column: &str, owner: &str) -> Result<bool, StoreError> {
        self.inner.try_get(column).map_err(|_| self.damaged(column, owner, "is neither true nor false"))
    }

    /// A column whose text has a grammar of its own.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, column: &str, owner: &str) -> Result<T, StoreError> {
        self.text(column, owner)?.parse().map_err(|_| self.damaged(column, owner, "has a value that is not known"))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str, owner: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(column, owner)?).map_err(|error| {
            // Not the error's own text: it would repeat what a user wrote.
            let kind = if error.is_data() { "is not the expected JSON" } else { "is no JSON" };
            self.damaged(column, owner, &format!("{kind} (from line {}, column {})", error.line(), error.column()))
        })
    }

    /// The error for a column that cannot be what it is.
    pub(crate) fn damaged(&self, column: &str, owner: &str, reason: &str) -> StoreError {
        let what = format!("{column} of {owner}");
        StoreError::Damaged { file: self.file.to_path_buf(), what, reason: reason.to_owned() }
    }
}
