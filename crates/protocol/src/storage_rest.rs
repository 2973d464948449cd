//! Bodies of `/api/sdk/simple-storage`: what an app keeps for a user, as text under keys.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::json;

/// `200` of `GET …/<e-mail>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageData {
    /// Always true.
    pub success: bool,
    /// Everything; `{}` when nothing is kept.
    pub data: BTreeMap<String, String>,
}

impl StorageData {
    /// With this content.
    pub fn new(data: BTreeMap<String, String>) -> Self {
        Self { success: true, data }
    }
}

/// `200` of `GET …/<e-mail>/<key>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageItem {
    /// Always true.
    pub success: bool,
    /// The value.
    pub data: StorageValue,
}

/// A value: in an answer, and the body of `PUT …/<e-mail>/<key>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageValue {
    /// The text.
    pub value: String,
}

impl StorageItem {
    /// With this value.
    pub fn new(value: String) -> Self {
        Self { success: true, data: StorageValue { value } }
    }
}

/// `200` of everything that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageDone {
    /// Always true.
    pub success: bool,
    /// For a person.
    pub message: String,
}

impl StorageDone {
    /// Of `PUT …/<e-mail>`.
    pub fn updated() -> Self {
        Self::new("Storage updated")
    }

    /// Of `DELETE …/<e-mail>`.
    pub fn cleared() -> Self {
        Self::new("Storage cleared")
    }

    /// Of `PUT …/<e-mail>/<key>`.
    pub fn set(key: &str) -> Self {
        Self::new(format!("Key \"{key}\" set"))
    }

    /// Of `DELETE …/<e-mail>/<key>`.
    pub fn deleted(key: &str) -> Self {
        Self::new(format!("Key \"{key}\" deleted"))
    }

    fn new(message: impl Into<String>) -> Self {
        Self { success: true, message: message.into() }
    }
}

/// Reads the body of `PUT …/<e-mail>`: `{"data":{"key":"value"}}`.
///
/// # Errors
/// [`StorageRefusal::BadBody`], and [`StorageRefusal::NotText`] with the first key whose value is no string.
pub fn read_data(body: &str) -> Result<BTreeMap<String, String>, StorageRefusal> {
    #[derive(Deserialize)]
    struct Body {
        data: BTreeMap<String, Given>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Other(IgnoredAny),
    }
    let bad = StorageRefusal::BadBody("Invalid body: expected { data: Record<string,string> }");
    let body: Body = read_object(body).ok_or(bad)?;
    let text = |(key, value)| match value {
        Given::Text(value) => Ok((key, value)),
        Given::Other(_) => Err(StorageRefusal::NotText { key }),
    };
    body.data.into_iter().map(text).collect()
}

/// Reads the body of `PUT …/<e-mail>/<key>`: `{"value":"text"}`.
///
/// # Errors
/// [`StorageRefusal::BadBody`].
pub fn read_value(body: &str) -> Result<String, StorageRefusal> {
    let body: Option<StorageValue> = read_object(body);
    body.map(|body| body.value).ok_or(StorageRefusal::BadBody("Invalid body: expected { value: string }"))
}

/// serde reads a struct from an array as well, so the first character is looked at.
fn read_object<T: DeserializeOwned>(body: &str) -> Option<T> {
    if body.trim_start().starts_with('{') { json::decode(body).ok() } else { None }
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageRefusal {
    /// No `Authorization`.
    NoHeader,
    /// It is not `Bearer …`.
    NotBearer,
    /// It is not two parts with a `:` between them.
    NotTwoParts,
    /// One of the parts is empty.
    EmptyPart,
    /// Not the key of this app, or no such app.
    BadKey,
    /// The user has not installed the app, or there is no such user.
    NotInstalled,
    /// The body is another one than the route's.
    BadBody(&'static str),
    /// A value is no string.
    NotText {
        /// Its key.
        key: String,
    },
    /// The body is larger than any that could be kept.
    BodyTooLarge,
    /// A key is empty.
    EmptyKey,
    /// A limit is passed; which one, for a person.
    OverLimit(String),
    /// More writes than a minute may have.
    TooManyWrites,
    /// The app keeps nothing for this user.
    NoStorage,
    /// It keeps nothing under this key.
    NoKey,
    /// This server failed at it.
    Failed(&'static str),
}

/// The body of a refusal. Which of the fields are there depends on the refusal; SDKs show all of it to the developer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageRefused {
    /// False where something was not found, otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// More about it, or what was not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Which value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl StorageRefusal {
    /// The HTTP status. Existing SDKs tell 413 and 429 apart from all others.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NoHeader | Self::NotBearer | Self::NotTwoParts | Self::EmptyPart | Self::BadKey => 401,
            // To an SDK every status but those above is the same failure, whose body it shows. 404 would do as well, but that
            // is the answer for a user who has the app and nothing kept.
            Self::NotInstalled => 403,
            Self::BadBody(_) | Self::NotText { .. } | Self::EmptyKey => 400,
            Self::BodyTooLarge | Self::OverLimit(_) => 413,
            Self::TooManyWrites => 429,
            Self::NoStorage | Self::NoKey => 404,
            Self::Failed(_) => 500,
        }
    }

    /// The body.
    pub fn body(self) -> StorageRefused {
        const FORM: &str = "send Authorization: Bearer <packageName>:<apiKey>";
        let (error, message) = match self {
            Self::NoHeader => ("Missing Authorization header", FORM),
            Self::NotBearer => ("Invalid Authorization format", FORM),
            Self::NotTwoParts => ("Invalid token format", FORM),
            Self::EmptyPart => ("Invalid credentials", FORM),
            Self::BadKey => ("Invalid API key", "there is no app with this package name and this key"),
            Self::NotInstalled => ("App not installed", "the user of this storage has not installed this app"),
            Self::EmptyKey => ("Invalid key", "a key has 1 to 256 bytes"),
            Self::BodyTooLarge => ("Storage limit exceeded", "the request is larger than 2 MB"),
            Self::TooManyWrites => ("Too many writes", "an app writes at most 100 times a minute for a user"),
            Self::OverLimit(limit) => return StorageRefused::error("Storage limit exceeded", Some(limit)),
            Self::BadBody(error) | Self::Failed(error) => return StorageRefused::error(error, None),
            Self::NoStorage => return StorageRefused::missing("Storage not found"),
            Self::NoKey => return StorageRefused::missing("Key not found"),
            Self::NotText { key } => {
                let detail = Some(format!("Invalid value for key \"{key}\""));
                return StorageRefused { detail, ..StorageRefused::error("All values must be strings", None) };
            }
        };
        StorageRefused::error(error, Some(message.to_owned()))
    }
}

impl StorageRefused {
    fn error(error: &str, message: Option<String>) -> Self {
        Self { error: Some(error.to_owned()), message, ..Self::default() }
    }

    fn missing(what: &str) -> Self {
        Self { success: Some(false), message: Some(what.to_owned()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(refusal: StorageRefusal) -> (u16, String) {
        (refusal.status(), serde_json::to_string(&refusal.body()).expect("serialises"))
    }

    fn written(body: &impl Serialize) -> String {
        serde_json::to_string(body).expect("serialises")
    }

    #[test]
    fn answers_are_what_the_sdk_reads() {
        let data = BTreeMap::from([("a.b".to_owned(), "1".to_owned())]);
        assert_eq!(written(&StorageData::new(data)), r#"{"success":true,"data":{"a.b":"1"}}"#);
        assert_eq!(written(&StorageItem::new("v".into())), r#"{"success":true,"data":{"value":"v"}}"#);
        assert_eq!(written(&StorageDone::set("k")), r#"{"success":true,"message":"Key \"k\" set"}"#);
    }

    #[test]
    fn refusals_have_the_bodies_of_the_reference() {
        let missing = (404, r#"{"success":false,"message":"Storage not found"}"#.to_owned());
        assert_eq!(refused(StorageRefusal::NoStorage), missing);
        let (status, body) = refused(StorageRefusal::NotText { key: "k".into() });
        let expected = r#"{"error":"All values must be strings","detail":"Invalid value for key \"k\""}"#;
        assert_eq!((status, body.as_str()), (400, expected));
        assert_eq!(refused(StorageRefusal::Failed("Failed to get storage")).1, r#"{"error":"Failed to get storage"}"#);
    }

    #[test]
    fn bodies_are_read() {
        let data = read_data(r#" {"data":{"a.b":"1","cut":"\ud83d"},"more":1}"#).expect("good");
        let expected = [("a.b", "1"), ("cut", "\u{fffd}")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(data, BTreeMap::from(expected));
        assert_eq!(read_value(r#"{"value":""}"#).as_deref(), Ok(""));
    }

    #[test]
    fn other_bodies_are_refused() {
        for body in ["", "{}", "[]", "x", r#"{"data":1}"#, r#"{"data":null}"#, r#"{"data":["a"]}"#, r#"[{"a":"b"}]"#] {
            assert!(matches!(read_data(body), Err(StorageRefusal::BadBody(_))), "{body}");
            assert!(matches!(read_value(body), Err(StorageRefusal::BadBody(_))), "{body}");
        }
        for value in ["1", "null", "{}", "[\"x\"]", "true"] {
            let body = format!(r#"{{"data":{{"a":"x","b":{value}}}}}"#);
            assert_eq!(read_data(&body), Err(StorageRefusal::NotText { key: "b".into() }), "{body}");
            assert!(read_value(&format!(r#"{{"value":{value}}}"#)).is_err(), "{value}");
        }
    }
}
