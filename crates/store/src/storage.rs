//! What apps keep for their users: text under keys, for each user and app apart.
//!
//! It is flat: a key is any text, and one key says nothing about another. It outlives an uninstall, as settings do, so that
//! a later install finds it; it goes with the app.

use std::collections::BTreeMap;

use bifocal_protocol::ids::{PackageName, UserId};

use crate::apps::must_exist;
use crate::database::{Row, Transaction, Value};
use crate::users::ensure;
use crate::{Store, StoreError, now_ms};

/// What an app may keep for one user, and what it has passed. The texts say the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StorageLimit {
    /// A key without a character in it.
    #[error("a key is empty")]
    EmptyKey,
    /// [`StorageLimit::KEY_BYTES`].
    #[error("a key has more than 256 bytes")]
    Key,
    /// [`StorageLimit::VALUE_LENGTH`].
    #[error("a value is longer than 100000 characters")]
    Value,
    /// [`StorageLimit::KEYS`].
    #[error("an app keeps at most 10000 keys for a user")]
    Keys,
    /// [`StorageLimit::TOTAL_BYTES`].
    #[error("an app keeps at most 1000000 bytes for a user, keys and values together")]
    Total,
}

impl StorageLimit {
    /// The longest key.
    pub const KEY_BYTES: usize = 256;
    /// The longest value, in units of UTF-16: what JavaScript calls its length. SDKs check just this before they send, and
    /// report nothing to the app when the server is stricter later.
    pub const VALUE_LENGTH: usize = 100_000;
    /// The most keys. Empty values would make very many rows within the other limits.
    pub const KEYS: i64 = 10_000;
    /// The most for one user and app, in bytes of UTF-8.
    pub const TOTAL_BYTES: i64 = 1_000_000;

    /// Checks what can be checked without knowing what is there.
    fn check(entries: &BTreeMap<String, String>) -> Result<(), StorageLimit> {
        for (key, value) in entries {
            if key.is_empty() {
                return Err(StorageLimit::EmptyKey);
            }
            if key.len() > Self::KEY_BYTES {
                return Err(StorageLimit::Key);
            }
            // A text has no more units of UTF-16 than bytes, so most need not be counted.
            if value.len() > Self::VALUE_LENGTH && value.encode_utf16().count() > Self::VALUE_LENGTH {
                return Err(StorageLimit::Value);
            }
        }
        // The sum is checked here too: without it a request could write very much only to take it back.
        let total = entries.iter().map(|(key, value)| size(key, value)).fold(0, i64::saturating_add);
        Self::check_all(i64::try_from(entries.len()).unwrap_or(i64::MAX), total)
    }

    fn check_all(keys: i64, bytes: i64) -> Result<(), StorageLimit> {
        if keys > Self::KEYS {
            return Err(StorageLimit::Keys);
        }
        if bytes > Self::TOTAL_BYTES { Err(StorageLimit::Total) } else { Ok(()) }
    }
}

impl Store {
    /// Everything that an app keeps for a user.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a part of it cannot be read, and every error of the engine.
    pub async fn storage(&self, user: &UserId, package: &PackageName) -> Result<BTreeMap<String, String>, StoreError> {
        let sql = "SELECT key, value FROM storage WHERE user_id = $1 AND package = $2";
        let owner = owner(package);
        let mut read = self.database.read().await?;
        let rows = read.rows(sql, &[Value::Text(user.as_str()), Value::Text(package.as_str())]).await?;
        read.commit().await?;
        let entry = |row: &Row| Ok((row.text("key", &owner)?.to_owned(), row.text("value", &owner)?.to_owned()));
        rows.iter().map(entry).collect()
    }

    /// What an app keeps for a user under one key.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it cannot be read, and every error of the engine.
    pub async fn storage_value(
        &self,
        user: &UserId,
        package: &PackageName,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM storage WHERE user_id = $1 AND package = $2 AND key = $3";
        let values = [Value::Text(user.as_str()), Value::Text(package.as_str()), Value::Text(key)];
        let mut read = self.database.read().await?;
        let rows = read.rows(sql, &values).await?;
        read.commit().await?;
        rows.first().map(|row| row.text("value", &owner(package)).map(str::to_owned)).transpose()
    }

    /// Keeps values of an app for a user, all of them or none. Other keys stay as they are. An unknown user is created.
    ///
    /// # Errors
    /// [`StoreError::Storage`] when it would be too much, [`StoreError::NoSuchApp`], and every error of the engine.
    pub async fn put_storage(
        &self,
        user: &UserId,
        package: &PackageName,
        entries: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO storage (user_id, package, key, bytes, updated_ms, value) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, package, key) DO UPDATE \
                   SET bytes = excluded.bytes, updated_ms = excluded.updated_ms, value = excluded.value";
        StorageLimit::check(entries).map_err(StoreError::Storage)?;
        let now = now_ms();
        let mut write = self.database.write().await?;
        must_exist(&mut write, package).await?;
        ensure(&mut write, user).await?;
        for (key, value) in entries {
            let values = [
                Value::Text(user.as_str()),
                Value::Text(package.as_str()),
                Value::Text(key),
                Value::Number(size(key, value)),
                Value::Number(now),
                Value::Text(value),
            ];
            write.run(sql, &values).await?;
        }
        let (keys, bytes) = held(&mut write, user, package).await?;
        StorageLimit::check_all(keys, bytes).map_err(StoreError::Storage)?;
        write.commit().await
    }

    /// Deletes one key, which need not be there. False when the app keeps nothing at all for this user.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn delete_storage(&self, user: &UserId, package: &PackageName, key: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM storage WHERE user_id = $1 AND package = $2 AND key = $3";
        let values = [Value::Text(user.as_str()), Value::Text(package.as_str()), Value::Text(key)];
        let mut write = self.database.write().await?;
        if held(&mut write, user, package).await?.0 == 0 {
            return Ok(false);
        }
        write.run(sql, &values).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Deletes everything that an app keeps for a user. False when there was nothing.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn clear_storage(&self, user: &UserId, package: &PackageName) -> Result<bool, StoreError> {
        let sql = "DELETE FROM storage WHERE user_id = $1 AND package = $2";
        let mut write = self.database.write().await?;
        let deleted = write.run(sql, &[Value::Text(user.as_str()), Value::Text(package.as_str())]).await?;
        write.commit().await?;
        Ok(deleted > 0)
    }
}

/// How many keys there are, and how many bytes.
async fn held(change: &mut Transaction, user: &UserId, package: &PackageName) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT COUNT(*) AS entries, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes \
               FROM storage WHERE user_id = $1 AND package = $2";
    let rows = change.rows(sql, &[Value::Text(user.as_str()), Value::Text(package.as_str())]).await?;
    let owner = owner(package);
    rows.first().map_or(Ok((0, 0)), |row| Ok((row.number("entries", &owner)?, row.number("bytes", &owner)?)))
}

fn size(key: &str, value: &str) -> i64 {
    i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX)
}

/// Whose a damaged record is. Without the user and the key: the error goes into logs.
fn owner(package: &PackageName) -> String {
    format!("the storage of the app {package}")
}
