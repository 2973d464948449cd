//! What apps declare that an assistant may have them do. Apart from the record of an app, because no session needs it.

use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::tools_rest::{ToolSchema, UserTool};

use crate::apps::json;
use crate::database::{Row, Value};
use crate::{Store, StoreError};

/// Most bytes of all tools of an app, as JSON.
const MAX_BYTES: usize = 256 << 10;

impl Store {
    /// The tools of an app; `None` when there is no such app.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when they cannot be read, and every error of the engine.
    pub async fn tools(&self, package: &PackageName) -> Result<Option<Vec<ToolSchema>>, StoreError> {
        let mut read = self.database.read().await?;
        let sql = "SELECT tools FROM apps WHERE package = $1";
        let rows = read.rows(sql, &[Value::Text(package.as_str())]).await?;
        read.commit().await?;
        rows.first().map(|row| row.json("tools", &format!("the app {package}"))).transpose()
    }

    /// The tools of every app that a user has, sorted by app.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when they cannot be read, and every error of the engine.
    pub async fn tools_of_user(&self, user: &UserId) -> Result<Vec<UserTool>, StoreError> {
        let mut read = self.database.read().await?;
        let sql = "SELECT apps.package, apps.tools FROM apps JOIN installs ON installs.package = apps.package \
                   WHERE installs.user_id = $1";
        let rows = read.rows(sql, &[Value::Text(user.as_str())]).await?;
        read.commit().await?;
        let of_app = |row: &Row| -> Result<Vec<UserTool>, StoreError> {
            let package: PackageName = row.parsed("package", "an app")?;
            let tools: Vec<ToolSchema> = row.json("tools", &format!("the app {package}"))?;
            let app_package_name = package.to_string();
            Ok(tools.into_iter().map(|tool| UserTool { tool, app_package_name: app_package_name.clone() }).collect())
        };
        let mut tools = rows.iter().map(of_app).collect::<Result<Vec<_>, _>>()?.concat();
        // Stable: the tools of an app stay in its own order.
        tools.sort_by(|one, other| one.app_package_name.cmp(&other.app_package_name));
        Ok(tools)
    }

    /// Says what tools an app has, in place of those that it had.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`], [`StoreError::TooManyTools`] when they are more than 256 KiB, and every error of the engine.
    pub async fn set_tools(&self, package: &PackageName, tools: &[ToolSchema]) -> Result<(), StoreError> {
        let text = json(tools);
        if text.len() > MAX_BYTES {
            return Err(StoreError::TooManyTools);
        }
        let mut write = self.database.write().await?;
        let values = [Value::Text(package.as_str()), Value::Text(&text)];
        if write.run("UPDATE apps SET tools = $2 WHERE package = $1", &values).await? == 0 {
            return Err(StoreError::NoSuchApp(package.clone()));
        }
        write.commit().await
    }
}
