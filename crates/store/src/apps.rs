//! The catalogue of apps.

use std::fmt;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::hardware::Requirement;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;
use bifocal_protocol::settings::AppSetting;
use url::Url;

use crate::database::{Row, Transaction, Value};
use crate::{ApiKey, Store, StoreError, now_ms};

/// An app to add to the catalogue.
#[derive(Clone)]
pub struct NewApp {
    /// Its unique name.
    pub package: PackageName,
    /// What people call it; the package when there is none.
    pub name: Option<String>,
    /// How it takes part in a session.
    pub kind: AppKind,
    /// Where its server is: `http` or `https`, without credentials, query and fragment.
    pub public_url: String,
    /// What it declares that it needs.
    pub permissions: Vec<Permission>,
    /// A key of the caller's choice, 16 to 256 visible ASCII characters; a random one when there is none.
    pub api_key: Option<String>,
    /// Give it a new UUID as session id at each start.
    pub uuid_sessions: bool,
    /// What it needs of the glasses.
    pub hardware: Vec<Requirement>,
    /// The settings it declares.
    pub settings: Vec<AppSetting>,
}

/// Everything but the key.
impl fmt::Debug for NewApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("NewApp");
        all.field("package", &self.package).field("kind", &self.kind).field("public_url", &self.public_url);
        all.finish_non_exhaustive()
    }
}

impl Store {
    /// Adds an app and gives its API key, which cannot be asked for again.
    ///
    /// # Errors
    /// [`StoreError::AppExists`] when there is one with this package, [`StoreError::BadUrl`], [`StoreError::BadKey`], and
    /// every error of the engine.
    pub async fn add_app(&self, app: NewApp) -> Result<ApiKey, StoreError> {
        let url = checked_url(&app.public_url)?;
        let key = app.api_key.map_or_else(ApiKey::random, ApiKey::chosen)?;
        let name = app.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let values = [
            Value::Text(app.package.as_str()),
            Value::Text(name.unwrap_or(app.package.as_str())),
            Value::Text(app.kind.name()),
            Value::Text(&url),
            Value::Text(&json(&app.permissions)),
            Value::Text(&hex::encode(key.hash())),
            Value::Flag(app.uuid_sessions),
            Value::Text(&json(&app.settings)),
            Value::Number(now_ms()),
            Value::Text(&json(&app.hardware)),
        ];
        let sql = "INSERT INTO apps (package, name, kind, public_url, permissions, key_hash, uuid_sessions, settings, \
                   created_ms, hardware) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (package) DO NOTHING";
        let mut write = self.database.write().await?;
        if write.run(sql, &values).await? == 0 {
            return Err(StoreError::AppExists(app.package));
        }
        write.catalogue_changed().await?;
        write.commit().await?;
        Ok(key)
    }

    /// Removes an app, and with it who installed it, who runs it, the values that users chose for it, and what it kept.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`], and every error of the engine.
    pub async fn remove_app(&self, package: &PackageName) -> Result<(), StoreError> {
        let mut write = self.database.write().await?;
        // The rows of other tables that name it go with it, by ON DELETE CASCADE.
        if write.run("DELETE FROM apps WHERE package = $1", &[Value::Text(package.as_str())]).await? == 0 {
            return Err(StoreError::NoSuchApp(package.clone()));
        }
        write.catalogue_changed().await?;
        write.commit().await
    }

    /// Gives an app a new random key. The old one is worth nothing from then on.
    ///
    /// # Errors
    /// [`StoreError::NoSuchApp`], and every error of the engine.
    pub async fn rotate_key(&self, package: &PackageName) -> Result<ApiKey, StoreError> {
        let key = ApiKey::random()?;
        let values = [Value::Text(package.as_str()), Value::Text(&hex::encode(key.hash()))];
        let mut write = self.database.write().await?;
        if write.run("UPDATE apps SET key_hash = $2 WHERE package = $1", &values).await? == 0 {
            return Err(StoreError::NoSuchApp(package.clone()));
        }
        write.catalogue_changed().await?;
        write.commit().await?;
        Ok(key)
    }

    /// All apps, sorted by package.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one of them cannot be read, and every error of the engine.
    pub async fn apps(&self) -> Result<Vec<AppRecord>, StoreError> {
        let mut read = self.database.read().await?;
        let rows = read.rows("SELECT * FROM apps", &[]).await?;
        read.commit().await?;
        let mut apps = rows.iter().map(app_in).collect::<Result<Vec<_>, _>>()?;
        // Here and not by the engine, whose idea of order depends on its locale.
        apps.sort_by(|one, other| one.package.cmp(&other.package));
        Ok(apps)
    }

    /// One app.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it cannot be read, and every error of the engine.
    pub async fn app(&self, package: &PackageName) -> Result<Option<AppRecord>, StoreError> {
        let mut read = self.database.read().await?;
        let rows = read.rows("SELECT * FROM apps WHERE package = $1", &[Value::Text(package.as_str())]).await?;
        read.commit().await?;
        rows.first().map(app_in).transpose()
    }
}

/// Fails when there is no such app. Inside a change, so that nobody can remove it before the change is done.
pub(crate) async fn must_exist(change: &mut Transaction, package: &PackageName) -> Result<(), StoreError> {
    let sql = "SELECT package FROM apps WHERE package = $1";
    let rows = change.rows(sql, &[Value::Text(package.as_str())]).await?;
    if rows.is_empty() { Err(StoreError::NoSuchApp(package.clone())) } else { Ok(()) }
}

/// The app in a row with all columns of `apps`.
pub(crate) fn app_in(row: &Row) -> Result<AppRecord, StoreError> {
    let package: PackageName = row.parsed("package", "an app")?;
    let owner = format!("the app {package}");
    let mut key_hash = [0; 32];
    hex::decode_to_slice(row.text("key_hash", &owner)?, &mut key_hash)
        .map_err(|_| row.damaged("key_hash", &owner, "is not 64 hexadecimal digits"))?;
    Ok(AppRecord {
        name: row.text("name", &owner)?.to_owned(),
        kind: row.parsed("kind", &owner)?,
        public_url: row.text("public_url", &owner)?.to_owned(),
        permissions: row.json("permissions", &owner)?,
        key_hash,
        uuid_sessions: row.flag("uuid_sessions", &owner)?,
        hardware: row.json("hardware", &owner)?,
        settings: row.json("settings", &owner)?,
        package,
    })
}

/// JSON of a value of ours: strings as keys and nothing that can fail, so it always succeeds.
pub(crate) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("settings and permissions are plain data")
}

/// Checks where an app says its server is, and writes it in the one way that all later comparisons see.
fn checked_url(text: &str) -> Result<String, StoreError> {
    let bad = |reason| Err(StoreError::BadUrl(reason));
    if text.len() > 2048 {
        return bad("it is longer than 2048 bytes");
    }
    // The parser would quietly remove or turn some of these.
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return bad("it has a space, a control character or a backslash in it");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return bad("it does not start with http:// or https://");
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return bad("it does not start with http:// or https://");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return bad("it names no host");
    }
    if authority.contains('@') {
        return bad("it has credentials in it");
    }
    let Ok(url) = Url::parse(text) else {
        return bad("its host or port cannot be read");
    };
    if url.query().is_some() || url.fragment().is_some() {
        return bad("it has a query or a fragment");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_kept_without_trailing_slashes() {
        for (given, kept) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://app.example.org/", "https://app.example.org"),
            ("https://app.example.org/captions//", "https://app.example.org/captions"),
            ("HTTPS://App.Example.org:443/A@b", "https://app.example.org/A@b"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ] {
            assert_eq!(checked_url(given).ok().as_deref(), Some(kept), "{given}");
        }
    }

    #[test]
    fn other_public_urls_are_refused() {
        let long = format!("http://a/{}", "x".repeat(2048));
        for bad in [
            "",
            "app.example.org",
            "http:app.example.org",
            "http:///path",
            "ftp://app.example.org",
            "javascript://app.example.org",
            "http://user:secret@app.example.org",
            "http://@app.example.org",
            "http://app.example.org/?",
            "http://app.example.org/x?y=1",
            "http://app.example.org#",
            "http://app.example.org\\@evil.example",
            " http://app.example.org",
            "http://app.exa\tmple.org",
            "http://app.example.org:99999",
            &long,
        ] {
            assert!(matches!(checked_url(bad), Err(StoreError::BadUrl(_))), "{bad:?}");
        }
    }

    #[test]
    fn debug_of_a_new_app_does_not_show_its_key() {
        let app = NewApp {
            package: PackageName::new("org.example.demo").unwrap(),
            name: None,
            kind: AppKind::Standard,
            public_url: "http://localhost".to_owned(),
            permissions: Vec::new(),
            api_key: Some("a-secret-of-some-length".to_owned()),
            uuid_sessions: false,
            hardware: vec![],
            settings: Vec::new(),
        };
        assert!(!format!("{app:?}").contains("secret"));
    }
}
