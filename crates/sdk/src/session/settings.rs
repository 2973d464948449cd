//! The settings of the app, which the wearer changes on the phone, and those of the system.

use std::sync::Arc;

use bifocal_protocol::json::Object;
use bifocal_protocol::settings::AppSetting;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::hub::{EventStream, Parcel};
use crate::rest::{Call, base_of};
use crate::shared::Shared;
use crate::state::{SettingsChange, SystemSettingsChange, ValueChange};

/// Settings, as the cloud told them last: in the ack, by `settings_update`, or by `POST /settings`.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) shared: Arc<Shared>,
}

impl Settings {
    /// The value of a setting as a type of yours; `None` when there is none, or it is of another type.
    ///
    /// ```
    /// # fn example(session: bifocal_sdk::AppSession) {
    /// let theme = session.settings().get("theme").unwrap_or("light".to_owned());
    /// # let _: String = theme;
    /// # }
    /// ```
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.setting(key)?.value?).ok()
    }

    /// A setting with everything that the app declared about it.
    pub fn setting(&self, key: &str) -> Option<AppSetting> {
        self.shared.state().settings.iter().find(|setting| setting.key.as_deref() == Some(key)).cloned()
    }

    /// Whether there is such a setting.
    pub fn has(&self, key: &str) -> bool {
        self.setting(key).is_some()
    }

    /// Every setting.
    pub fn all(&self) -> Vec<AppSetting> {
        self.shared.state().settings.clone()
    }

    /// Every change of a setting. A change that comes over two ways is told once.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn changes(&self) -> Result<EventStream<SettingsChange>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Settings(change) => Some((*change).clone()),
            _ => None,
        })
    }

    /// Every change of one setting.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn value_changes(&self, key: &str) -> Result<EventStream<ValueChange>, Error> {
        let key = key.to_owned();
        EventStream::open(&self.shared, vec![], move |parcel| match parcel {
            Parcel::Settings(change) => change.changes.get(&key).cloned(),
            _ => None,
        })
    }

    /// Asks the cloud for the settings in force (`GET /appsettings/user/<package>`), and takes them over.
    ///
    /// # Errors
    /// [`Error::Rest`].
    pub async fn fetch(&self) -> Result<Vec<AppSetting>, Error> {
        const WHAT: &str = "GET /appsettings/user/<package>";
        let shared = &self.shared;
        let call = Call {
            what: WHAT,
            method: Method::GET,
            base: &base_of(&shared.url),
            path: &["appsettings", "user", &shared.identity.package],
            // No secret: the route takes the session, or the user, for its bearer.
            bearer: &shared.identity.session_id,
            body: None,
        };
        let (_, answer) = shared.rest.call(call, &[]).await?;
        let odd = || Error::Rest { what: WHAT, status: None, why: "the answer has no list of settings".to_owned() };
        let list = answer.get("settings").cloned().ok_or_else(odd)?;
        let settings: Vec<AppSetting> = serde_json::from_value(list).map_err(|_| odd())?;
        let change = shared.state().set_settings(settings.clone());
        if !change.changes.is_empty() {
            shared.hub.deliver(&Parcel::Settings(&change));
        }
        Ok(settings)
    }

    /// A setting of the system, like `metricSystemEnabled` or `brightness`; `None` when the cloud has not told it.
    pub fn system<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value: Value = self.shared.state().system.get(key)?.clone();
        serde_json::from_value(value).ok()
    }

    /// Every setting of the system.
    pub fn system_all(&self) -> Object {
        self.shared.state().system.clone()
    }

    /// Every change of the system's settings (`augmentos_settings_update`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn system_changes(&self) -> Result<EventStream<SystemSettingsChange>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::System(change) => Some((*change).clone()),
            _ => None,
        })
    }

    /// Every change of one setting of the system.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn system_value_changes(&self, key: &str) -> Result<EventStream<ValueChange>, Error> {
        let key = key.to_owned();
        EventStream::open(&self.shared, vec![], move |parcel| match parcel {
            Parcel::System(change) => change.changes.get(&key).cloned(),
            _ => None,
        })
    }
}
