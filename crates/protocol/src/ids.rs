//! Who is who on the wire: users, packages, and the session id of an app.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A wearer: an e-mail address, trimmed and lower-cased once at every entrance. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Arc<str>);

/// Text that is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

impl UserId {
    /// Canonicalises an address: trims, lower-cases, and checks that it has one `@` with text on both sides, no spaces or
    /// control characters and at most 254 bytes.
    ///
    /// # Errors
    /// [`NotAnEmail`] otherwise.
    pub fn new(address: &str) -> Result<Self, NotAnEmail> {
        let address = address.trim().to_lowercase();
        let good = match address.split_once('@') {
            Some((name, host)) => !name.is_empty() && !host.is_empty() && !host.contains('@'),
            None => false,
        };
        let clean = address.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"\\/:?#".contains(c));
        if good && clean && address.len() <= 254 { Ok(Self(address.into())) } else { Err(NotAnEmail) }
    }

    /// The canonical address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An app: a reverse-DNS name. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(Arc<str>);

/// Text that is not a package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a package name: letters, digits, `.`, `-` and `_`, at most 128 of them, starting with a letter or digit")]
pub struct NotAPackage;

impl PackageName {
    /// Checks a package name.
    ///
    /// # Errors
    /// [`NotAPackage`] when it is empty, too long or has other characters.
    pub fn new(name: &str) -> Result<Self, NotAPackage> {
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        if first && rest && name.len() <= 128 { Ok(Self(name.into())) } else { Err(NotAPackage) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! string_like {
    ($name:ident, $error:ty) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(&text)
            }
        }
        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}
string_like!(UserId, NotAnEmail);
string_like!(PackageName, NotAPackage);

/// The constant form of an app's session id: `<user>-<package>`.
pub fn app_session_id(user: &UserId, package: &PackageName) -> String {
    format!("{user}-{package}")
}

/// Finds the user in an app's session id by cutting the suffix `-<package>`.
///
/// Cutting at the first `-`, as the reference does, breaks for `ann-marie@example.org`.
pub fn user_of_session_id(session_id: &str, package: &PackageName) -> Option<UserId> {
    let user = session_id.strip_suffix(package.as_str())?.strip_suffix('-')?;
    UserId::new(user).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_canonical() {
        assert_eq!(UserId::new("  Ann@Example.ORG ").map(String::from).as_deref(), Ok("ann@example.org"));
        for bad in ["", "ann", "@x", "ann@", "a@b@c", "a b@c", "a\n@c", "a@b/../c"] {
            assert_eq!(UserId::new(bad), Err(NotAnEmail), "{bad:?}");
        }
    }

    #[test]
    fn package_names_are_safe_anywhere() {
        assert!(PackageName::new("org.example.demo-2").is_ok());
        for bad in ["", ".hidden", "../x", "a/b", "a b", "ä"] {
            assert_eq!(PackageName::new(bad), Err(NotAPackage), "{bad:?}");
        }
    }

    #[test]
    fn a_dash_in_the_address_does_not_confuse_the_session_id() {
        let package = PackageName::new("org.example.my-app").expect("good");
        let user = UserId::new("ann-marie@example.org").expect("good");
        let id = app_session_id(&user, &package);
        assert_eq!(id, "ann-marie@example.org-org.example.my-app");
        assert_eq!(user_of_session_id(&id, &package), Some(user));
        assert_eq!(user_of_session_id("org.example.my-app", &package), None);
        assert_eq!(user_of_session_id("ann@example.org-org.other", &package), None);
    }
}
