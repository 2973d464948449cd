//! Signed user tokens for the web pages of apps: RS256, with a key of the operator's.
//!
//! SDKs check them with the public key of the cloud that they were made for, unless `MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY`
//! names another one; so they are a convenience, and the temporary token is what always works.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bifocal_protocol::ids::UserId;
use bifocal_protocol::web_view_rest::UserTokenClaims;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Not one PEM block `PRIVATE KEY`.
    #[error("it is no PEM file with one block `PRIVATE KEY` (PKCS #8)")]
    NotPem,
    /// A key, but not one that can be used.
    #[error("it is no RSA key of 2048 to 4096 bits ({0})")]
    NotUsable(String),
}

/// A private RSA key.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads a PEM file, as `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048` writes it.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, SigningKeyError> {
        let (head, foot) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
        let body = pem.split_once(head).and_then(|(_, rest)| rest.split_once(foot)).ok_or(SigningKeyError::NotPem)?.0;
        let digits: String = body.split_whitespace().collect();
        let der = STANDARD.decode(digits).map_err(|_| SigningKeyError::NotPem)?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|error| SigningKeyError::NotUsable(error.to_string()))?;
        Ok(Self(pair))
    }

    /// A token that tells the server of an app who the user is. `key_hash` is that of the app's API key.
    pub(crate) fn sign(&self, user: &UserId, key_hash: &[u8; 32], now_seconds: i64) -> Option<String> {
        let claims = UserTokenClaims {
            sub: user.to_string(),
            frontend_token: format!("{user}:{}", hash_with_key(user.as_str(), key_hash)),
            iss: UserTokenClaims::ISSUER.to_owned(),
            iat: now_seconds,
            exp: now_seconds + UserTokenClaims::SECONDS,
        };
        let head = json!({ "alg": "RS256", "typ": "JWT", "kid": "v1" }).to_string();
        let body = serde_json::to_string(&claims).ok()?;
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Hex SHA-256 of a text and the hex SHA-256 of an app's key: what only the app and this server can compute.
pub(crate) fn hash_with_key(text: &str, key_hash: &[u8; 32]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::new().chain_update(text).chain_update(hex::encode(key_hash)).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rsa_key_is_refused_with_the_reason() {
        let block = |text: &str| format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        assert!(matches!(SigningKey::from_pem(""), Err(SigningKeyError::NotPem)));
        assert!(matches!(SigningKey::from_pem(&block("%%%")), Err(SigningKeyError::NotPem)));
        assert!(matches!(SigningKey::from_pem(&block("AAAA")), Err(SigningKeyError::NotUsable(_))));
    }

    /// Computed with another implementation: `printf '%s' "text$(printf '%s' key | sha256sum | cut -c1-64)" | sha256sum`.
    #[test]
    fn the_hash_is_that_of_text_and_hashed_key() {
        let hash = hash_with_key("text", &bifocal_store::key_hash("key"));
        assert_eq!(hash, "c03acdaa8ddc45656cf4cb4db18d98a841a0a7d8c739e4d01d5d3d74c7d434d1");
    }
}
