//! API keys of apps: made here, shown once, and kept only as a hash.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use crate::StoreError;

/// An API key. `Display` prints it, for the one time that its developer sees it; `Debug` does not, so that it stays out
/// of logs.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// 32 random bytes as 64 lower-case hexadecimal digits.
    pub(crate) fn random() -> Result<ApiKey, StoreError> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::NoRandomness)?;
        Ok(ApiKey(hex::encode(bytes)))
    }

    /// A key that the caller chose: 16 to 256 visible ASCII characters, so that it survives an HTTP header.
    pub(crate) fn chosen(key: String) -> Result<ApiKey, StoreError> {
        let good = (16..=256).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(ApiKey(key)) } else { Err(StoreError::BadKey) }
    }

    /// What the record of the app keeps.
    pub fn hash(&self) -> [u8; 32] {
        key_hash(&self.0)
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// SHA-256 of the key as it is written. A key has 256 random bits, so a slow hash would protect nothing more.
pub fn key_hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_random_key_is_64_lower_case_hex_digits_and_never_the_same() {
        let (one, two) = (ApiKey::random().unwrap().to_string(), ApiKey::random().unwrap().to_string());
        assert_eq!(one.len(), 64);
        assert!(one.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_ne!(one, two);
    }

    #[test]
    fn a_chosen_key_has_16_to_256_visible_characters() {
        for good in ["0123456789abcdef".to_owned(), "!".repeat(16), "~".repeat(256)] {
            assert_eq!(ApiKey::chosen(good.clone()).unwrap().to_string(), good);
        }
        let long = "x".repeat(257);
        for bad in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\n", "0123456789abcdéf", &long] {
            assert!(matches!(ApiKey::chosen(bad.to_owned()), Err(StoreError::BadKey)), "{bad:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let key = ApiKey::chosen("0123456789abcdef".to_owned()).unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
    }

    /// The vector of FIPS 180-2.
    #[test]
    fn the_hash_is_sha_256_of_the_text() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(key_hash("abc")), expected);
    }
}
