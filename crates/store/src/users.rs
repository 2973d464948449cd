//! Users: what they installed, what they let run, and what they set.

use std::collections::BTreeMap;
use std::sync::Arc;

use bifocal_protocol::app::AppRecord;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::settings::{AppSetting, SystemSettings};

use crate::apps::{app_in, json, must_exist};
use crate::database::{Transaction, Value};
use crate::{Store, StoreError, now_ms};

/// Most bytes of what a user has chosen for one app, as JSON.
const MAX_APP_SETTINGS: usize = 256 << 10;

/// What a session needs to know of its user at its start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserRecord {
    /// The apps that the user installed, sorted by package.
    pub installed: Vec<Arc<AppRecord>>,
    /// The apps that run by the user's wish, sorted. Not all of them need to be installed.
    pub running: Vec<PackageName>,
    /// The system settings.
    pub settings: SystemSettings,
    /// The time zone that the phone has told, an IANA name.
    pub timezone: Option<String>,
    /// The values that the user chose, by app. They outlive an uninstall, so that a later install finds them.
    pub app_settings: BTreeMap<PackageName, Vec<AppSetting>>,
}

impl Store {
    /// Makes sure that there is such a user. True when it was created.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn ensure_user(&self, user: &UserId) -> Result<bool, StoreError> {
        let mut write = self.database.write().await?;
        let created = ensure(&mut write, user).await?;
        write.commit().await?;
        Ok(created)
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::UserExists`], and every error of the engine.
    pub async fn add_user(&self, user: &UserId) -> Result<(), StoreError> {
        if self.ensure_user(user).await? { Ok(()) } else { Err(StoreError::UserExists(user.clone())) }
    }

    /// Installs an app for a user, who is created when unknown. False when it was installed already.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`], and every error of the engine.
    pub async fn install(&self, user: &UserId, package: &PackageName) -> Result<bool, StoreError> {
        let sql = "INSERT INTO installs (user_id, package, installed_ms) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, package) DO NOTHING";
        let values = [Value::Text(user.as_str()), Value::Text(package.as_str()), Value::Number(now_ms())];
        let mut write = self.database.write().await?;
        must_exist(&mut write, package).await?;
        ensure(&mut write, user).await?;
        let installed = write.run(sql, &values).await? > 0;
        if installed {
            write.catalogue_changed().await?;
        }
        write.commit().await?;
        Ok(installed)
    }

    /// Takes an app from a user, who no longer runs it either. False when it was not installed.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn uninstall(&self, user: &UserId, package: &PackageName) -> Result<bool, StoreError> {
        let mut write = self.database.write().await?;
        let both = [Value::Text(user.as_str()), Value::Text(package.as_str())];
        write.run("DELETE FROM running WHERE user_id = $1 AND package = $2", &both).await?;
        let there = write.run("DELETE FROM installs WHERE user_id = $1 AND package = $2", &both).await? > 0;
        if there {
            write.catalogue_changed().await?;
        }
        write.commit().await?;
        Ok(there)
    }

    /// Whether a user has installed an app. False for those that do not exist.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn is_installed(&self, user: &UserId, package: &PackageName) -> Result<bool, StoreError> {
        let sql = "SELECT package FROM installs WHERE user_id = $1 AND package = $2";
        let mut read = self.database.read().await?;
        let rows = read.rows(sql, &[Value::Text(user.as_str()), Value::Text(package.as_str())]).await?;
        read.commit().await?;
        Ok(!rows.is_empty())
    }

    /// All users, sorted.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one of them cannot be read, and every error of the engine.
    pub async fn users(&self) -> Result<Vec<UserId>, StoreError> {
        let mut read = self.database.read().await?;
        let rows = read.rows("SELECT user_id FROM users", &[]).await?;
        read.commit().await?;
        let mut users = rows.iter().map(|row| row.parsed("user_id", "a user")).collect::<Result<Vec<UserId>, _>>()?;
        users.sort();
        Ok(users)
    }

    /// What a session needs at its start, all of the same moment. An unknown user is created.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a part of it cannot be read, and every error of the engine.
    pub async fn load_user(&self, user: &UserId) -> Result<UserRecord, StoreError> {
        if let Some(record) = self.known_user(user).await? {
            return Ok(record);
        }
        self.ensure_user(user).await?;
        Ok(self.known_user(user).await?.unwrap_or_default())
    }

    /// Remembers whether an app runs by the user's wish, until the user wishes otherwise; a restart of anything is no
    /// such wish. An unknown user is created. The app need not be installed; one that does not exist can be marked as
    /// not running.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`] when it should be running and does not exist, and every error of the engine.
    pub async fn set_running(&self, user: &UserId, package: &PackageName, running: bool) -> Result<(), StoreError> {
        let mut write = self.database.write().await?;
        let both = [Value::Text(user.as_str()), Value::Text(package.as_str())];
        if running {
            must_exist(&mut write, package).await?;
            ensure(&mut write, user).await?;
            let sql = "INSERT INTO running (user_id, package) VALUES ($1, $2) \
                       ON CONFLICT (user_id, package) DO NOTHING";
            write.run(sql, &both).await?;
        } else {
            write.run("DELETE FROM running WHERE user_id = $1 AND package = $2", &both).await?;
        }
        write.commit().await
    }

    /// Replaces the system settings of a user, who is created when unknown.
    ///
    /// # Errors
    /// Every error of the engine.
    pub async fn save_settings(&self, user: &UserId, settings: &SystemSettings) -> Result<(), StoreError> {
        // The condition keeps the version of the file when nothing is new.
        let sql = "INSERT INTO users (user_id, settings, created_ms) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id) DO UPDATE SET settings = excluded.settings \
                   WHERE users.settings <> excluded.settings";
        let settings = json(settings);
        let mut write = self.database.write().await?;
        write.run(sql, &[Value::Text(user.as_str()), Value::Text(&settings), Value::Number(now_ms())]).await?;
        write.commit().await
    }

    /// Replaces the values that a user chose for an app. An unknown user is created.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`], and every error of the engine.
    pub async fn save_app_settings(
        &self,
        user: &UserId,
        package: &PackageName,
        settings: &[AppSetting],
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO app_settings (user_id, package, settings) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, package) DO UPDATE SET settings = excluded.settings \
                   WHERE app_settings.settings <> excluded.settings";
        let settings = json(settings);
        let values = [Value::Text(user.as_str()), Value::Text(package.as_str()), Value::Text(&settings)];
        let mut write = self.database.write().await?;
        must_exist(&mut write, package).await?;
        ensure(&mut write, user).await?;
        write.run(sql, &values).await?;
        write.commit().await
    }

    /// Changes single values that a user chose for an app; gives all of them. An unknown user is created.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`], [`StoreError::TooMuch`], [`StoreError::Damaged`], and every error of the engine.
    pub async fn change_app_settings(
        &self,
        user: &UserId,
        package: &PackageName,
        changes: Vec<AppSetting>,
    ) -> Result<Vec<AppSetting>, StoreError> {
        let both = [Value::Text(user.as_str()), Value::Text(package.as_str())];
        let mut write = self.database.write().await?;
        must_exist(&mut write, package).await?;
        ensure(&mut write, user).await?;
        let sql = "SELECT settings FROM app_settings WHERE user_id = $1 AND package = $2";
        let rows = write.rows(sql, &both).await?;
        let owner = format!("the user {user} for the app {package}");
        let mut chosen: Vec<AppSetting> = match rows.first() {
            Some(row) => row.json("settings", &owner)?,
            None => vec![],
        };
        for change in changes {
            chosen.retain(|setting| setting.key != change.key);
            chosen.push(change);
        }
        let text = json(&chosen);
        if text.len() > MAX_APP_SETTINGS {
            return Err(StoreError::TooMuch);
        }
        let sql = "INSERT INTO app_settings (user_id, package, settings) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, package) DO UPDATE SET settings = excluded.settings";
        let values = [Value::Text(user.as_str()), Value::Text(package.as_str()), Value::Text(&text)];
        write.run(sql, &values).await?;
        write.commit().await?;
        Ok(chosen)
    }

    async fn known_user(&self, user: &UserId) -> Result<Option<UserRecord>, StoreError> {
        let id = [Value::Text(user.as_str())];
        let mut read = self.database.read().await?;
        let user_rows = read.rows("SELECT settings, client_settings FROM users WHERE user_id = $1", &id).await?;
        let installed = "SELECT apps.* FROM apps JOIN installs ON installs.package = apps.package \
                         WHERE installs.user_id = $1";
        let installed_rows = read.rows(installed, &id).await?;
        let running_rows = read.rows("SELECT package FROM running WHERE user_id = $1", &id).await?;
        let chosen_rows = read.rows("SELECT package, settings FROM app_settings WHERE user_id = $1", &id).await?;
        read.commit().await?;

        let owner = format!("the user {user}");
        let Some(row) = user_rows.first() else { return Ok(None) };
        let client: serde_json::Map<String, serde_json::Value> = row.json("client_settings", &owner)?;
        let zone = |key: &str| client.get(key).and_then(serde_json::Value::as_str).filter(|zone| !zone.is_empty());
        let timezone = zone("time_zone_override").or_else(|| zone("time_zone")).map(str::to_owned);
        let settings = row.json("settings", &owner)?;
        let mut record = UserRecord { settings, timezone, ..UserRecord::default() };
        for row in &installed_rows {
            record.installed.push(Arc::new(app_in(row)?));
        }
        record.installed.sort_by(|one, other| one.package.cmp(&other.package));
        for row in &running_rows {
            record.running.push(row.parsed("package", &owner)?);
        }
        record.running.sort();
        for row in &chosen_rows {
            let package: PackageName = row.parsed("package", &owner)?;
            let settings = row.json("settings", &format!("{owner} for the app {package}"))?;
            record.app_settings.insert(package, settings);
        }
        Ok(Some(record))
    }
}

/// Creates the user when unknown, with no settings of its own, so that it follows the defaults.
pub(crate) async fn ensure(change: &mut Transaction, user: &UserId) -> Result<bool, StoreError> {
    let sql = "INSERT INTO users (user_id, settings, created_ms) VALUES ($1, '{}', $2) \
               ON CONFLICT (user_id) DO NOTHING";
    let created = change.run(sql, &[Value::Text(user.as_str()), Value::Number(now_ms())]).await?;
    Ok(created > 0)
}
