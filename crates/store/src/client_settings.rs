//! The settings that phones keep here: any key, any value.

use bifocal_protocol::ids::UserId;
use bifocal_protocol::settings::SystemSettings;
use serde_json::{Map, Value as Json};

use crate::apps::json;
use crate::database::Value;
use crate::users::ensure;
use crate::{Store, StoreError};

/// Most bytes of all settings of a user, as JSON.
const MAX_BYTES: usize = 256 << 10;

/// A user's settings after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSettings {
    /// Everything that the phone keeps here.
    pub all: Map<String, Json>,
    /// The system settings as they are now.
    pub system: SystemSettings,
    /// Whether they are others than before.
    pub system_changed: bool,
}

impl Store {
    /// Everything that a user's phone keeps here; nothing for an unknown user.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it cannot be read, and every error of the engine.
    pub async fn client_settings(&self, user: &UserId) -> Result<Map<String, Json>, StoreError> {
        let mut read = self.database.read().await?;
        let sql = "SELECT client_settings FROM users WHERE user_id = $1";
        let rows = read.rows(sql, &[Value::Text(user.as_str())]).await?;
        read.commit().await?;
        rows.first().map_or_else(|| Ok(Map::new()), |row| row.json("client_settings", &format!("the user {user}")))
    }

    /// Puts these in; `null` takes a key out. What the cloud understands changes the system settings, too. An unknown user is
    /// created.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] when there would be more than 256 KiB, and every error of the engine.
    pub async fn merge_client_settings(
        &self,
        user: &UserId,
        changes: &Map<String, Json>,
    ) -> Result<ClientSettings, StoreError> {
        let mut write = self.database.write().await?;
        ensure(&mut write, user).await?;
        let sql = "SELECT client_settings, settings FROM users WHERE user_id = $1";
        let rows = write.rows(sql, &[Value::Text(user.as_str())]).await?;
        let owner = format!("the user {user}");
        let (mut all, before): (Map<String, Json>, SystemSettings) = match rows.first() {
            Some(row) => (row.json("client_settings", &owner)?, row.json("settings", &owner)?),
            None => Default::default(),
        };
        let mut system = before.clone();
        for (key, value) in changes {
            system.apply(key, value);
            if value.is_null() {
                all.remove(key);
            } else {
                all.insert(key.clone(), value.clone());
            }
        }
        let text = json(&all);
        if text.len() > MAX_BYTES {
            return Err(StoreError::TooMuch);
        }
        let sql = "UPDATE users SET client_settings = $2, settings = $3 WHERE user_id = $1";
        let values = [Value::Text(user.as_str()), Value::Text(&text), Value::Text(&json(&system))];
        write.run(sql, &values).await?;
        write.commit().await?;
        Ok(ClientSettings { all, system_changed: system != before, system })
    }
}
