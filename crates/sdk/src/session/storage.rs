//! What the app keeps for a wearer, in the cloud: text under keys, at most 100,000 characters each.
//!
//! The first access loads everything, later ones read what was loaded. A write is kept by the cloud when its call returns.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use crate::error::Error;
use crate::rest::{Call, base_of, object};
use crate::shared::Shared;

const MAX_VALUE: usize = 100_000;

/// What was loaded.
pub(crate) type Cache = Option<BTreeMap<String, String>>;

/// The storage (`/api/sdk/simple-storage`). Every method gives [`Error::Rest`]: 401 wrong key, 413 more than a cloud keeps, 429 too
/// many writes.
#[derive(Debug, Clone)]
pub struct SimpleStorage {
    pub(crate) shared: Arc<Shared>,
}

impl SimpleStorage {
    /// The value of a key.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.all().await?.get(key).cloned())
    }

    /// Keeps a value.
    ///
    /// # Errors
    /// See [`SimpleStorage`]; [`Error::Invalid`] for a value that is too long.
    pub async fn set(&self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        self.set_many([(key.to_owned(), value.into())]).await
    }

    /// Keeps several values at once.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn set_many(&self, data: impl IntoIterator<Item = (String, String)>) -> Result<(), Error> {
        let data: BTreeMap<String, String> = data.into_iter().collect();
        if let Some((key, _)) = data.iter().find(|(_, value)| value.chars().count() > MAX_VALUE) {
            return Err(Error::Invalid(format!("the value of {key:?} has more than {MAX_VALUE} characters")));
        }
        let mut cache = self.shared.storage.lock().await;
        self.call("PUT /api/sdk/simple-storage", Method::PUT, None, Some(json!({ "data": data })), &[]).await?;
        if let Some(known) = &mut *cache {
            known.extend(data);
        }
        Ok(())
    }

    /// Forgets a key; whether it was there.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        let mut cache = self.shared.storage.lock().await;
        let what = "DELETE /api/sdk/simple-storage";
        let (status, _) = self.call(what, Method::DELETE, Some(key), None, &[404]).await?;
        let was_known = cache.as_mut().and_then(|known| known.remove(key)).is_some();
        Ok(status != 404 && (was_known || cache.is_none()))
    }

    /// Forgets everything; whether there was anything.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn clear(&self) -> Result<bool, Error> {
        let mut cache = self.shared.storage.lock().await;
        let what = "DELETE /api/sdk/simple-storage";
        let (status, _) = self.call(what, Method::DELETE, None, None, &[404]).await?;
        *cache = Some(BTreeMap::new());
        Ok(status != 404)
    }

    /// Every key.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn keys(&self) -> Result<Vec<String>, Error> {
        Ok(self.all().await?.into_keys().collect())
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn size(&self) -> Result<usize, Error> {
        Ok(self.all().await?.len())
    }

    /// Whether there is such a key.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn has_key(&self, key: &str) -> Result<bool, Error> {
        Ok(self.all().await?.contains_key(key))
    }

    /// Everything.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn all(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut cache = self.shared.storage.lock().await;
        if let Some(known) = &*cache {
            return Ok(known.clone());
        }
        self.load(&mut cache).await
    }

    /// Loads everything again, for what another session of the wearer may have changed.
    ///
    /// # Errors
    /// See [`SimpleStorage`].
    pub async fn reload(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut cache = self.shared.storage.lock().await;
        self.load(&mut cache).await
    }

    async fn load(&self, cache: &mut MutexGuard<'_, Cache>) -> Result<BTreeMap<String, String>, Error> {
        const WHAT: &str = "GET /api/sdk/simple-storage";
        let (_, answer) = self.call(WHAT, Method::GET, None, None, &[]).await?;
        let data = object(WHAT, answer, "data")?;
        let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
        let data: BTreeMap<String, String> = data.into_iter().filter_map(text).collect();
        **cache = Some(data.clone());
        Ok(data)
    }

    async fn call(
        &self,
        what: &'static str,
        method: Method,
        key: Option<&str>,
        body: Option<Value>,
        expected: &[u16],
    ) -> Result<(u16, Value), Error> {
        let shared = &self.shared;
        let mut path = vec!["api", "sdk", "simple-storage", &*shared.user];
        path.extend(key);
        let bearer = format!("{}:{}", shared.identity.package, shared.identity.api_key);
        let call = Call { what, method, base: &base_of(&shared.url), path: &path, bearer: &bearer, body };
        shared.rest.call(call, expected).await
    }
}
