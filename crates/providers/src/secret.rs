//! Keys: where they come from, and that they are never printed.

use std::fmt;
use std::path::PathBuf;

/// A key. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key; white space around it goes.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The key itself, for the header of a request and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// An environment variable.
    Env(String),
    /// A file. It is read again for each connection, so a key can be changed while the server runs.
    File(PathBuf),
}

impl KeySource {
    /// Where a configuration says that a key is: the file wins. `None` when it says nothing.
    pub(crate) fn given(file: Option<&PathBuf>, variable: Option<&String>) -> Option<Self> {
        file.map(|path| Self::File(path.clone())).or_else(|| variable.map(|name| Self::Env(name.clone())))
    }

    /// Reads the key.
    ///
    /// # Errors
    /// One line that names the variable or the file, and what is wrong with it.
    pub fn read(&self) -> Result<Secret, String> {
        let text = match self {
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?
            }
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| format!("the key file {} cannot be read: {}", path.display(), error.kind()))?,
        };
        let secret = Secret::new(&text);
        // A key travels in a header: anything else in it is a mistake, and would break the request.
        if secret.0.is_empty() || !secret.0.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!("what is in {self} is not a key"));
        }
        Ok(secret)
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_in_its_debug_output() {
        assert!(!format!("{:?}", Secret::new(" abc \n")).contains("abc"));
        assert_eq!(Secret::new(" abc \n").expose(), "abc");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = KeySource::File("/nowhere/key".into()).read().expect_err("there is no such file");
        assert!(error.contains("/nowhere/key"), "{error}");
        let error = KeySource::Env("BIFOCAL_NO_SUCH_KEY".into()).read().expect_err("there is no such variable");
        assert!(error.contains("BIFOCAL_NO_SUCH_KEY"), "{error}");
    }
}
