//! Core tokens: HS256 JWTs whose `email` claim is the user.

use bifocal_protocol::ids::UserId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::auth::provider;

/// The claims of a core token. It has no expiry unless its issuer gave it one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoreToken {
    /// Who the identity provider says it is.
    #[serde(default)]
    pub sub: String,
    /// The user.
    #[serde(default)]
    pub email: String,
    /// Organizations, for the developer console.
    #[serde(default)]
    pub organizations: Vec<String>,
    /// The first of them.
    #[serde(default)]
    pub default_org: Option<String>,
    /// Issued at, in seconds.
    #[serde(default)]
    pub iat: i64,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or not one of ours.
    #[error("invalid signature or format")]
    Invalid,
    /// Its `exp` has passed.
    #[error("jwt expired")]
    Expired,
    /// It is good, but names no user.
    #[error("the token has no e-mail address")]
    NoEmail,
}

/// The claims of an app's JWT in the header form of `/app-ws`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppToken {
    pub(crate) package_name: String,
    pub(crate) api_key: String,
}

/// Makes and checks tokens with one secret.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Tokens {
    /// With the secret that phones' tokens are signed with (`AUGMENTOS_AUTH_JWT_SECRET`).
    pub fn new(secret: &[u8]) -> Self {
        provider::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_aud = false;
        validation.leeway = 5;
        Self { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret), validation }
    }

    /// A core token for a user, without expiry, as phones expect it.
    ///
    /// # Errors
    /// None in practice; signing with HMAC cannot fail.
    pub fn mint(&self, user: &UserId, issued_at_seconds: i64) -> Result<String, TokenError> {
        let claims = CoreToken {
            sub: user.to_string(),
            email: user.to_string(),
            organizations: Vec::new(),
            default_org: None,
            iat: issued_at_seconds,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|_| TokenError::Invalid)
    }

    /// The user of a core token.
    ///
    /// # Errors
    /// [`TokenError`] when it is not ours, over, or names nobody.
    pub fn verify(&self, token: &str) -> Result<UserId, TokenError> {
        let claims: CoreToken = self.claims(token)?;
        UserId::new(&claims.email).map_err(|_| TokenError::NoEmail)
    }

    pub(crate) fn verify_app(&self, token: &str) -> Result<AppToken, TokenError> {
        self.claims(token)
    }

    fn claims<T: serde::de::DeserializeOwned + Clone>(&self, token: &str) -> Result<T, TokenError> {
        let decoded = jsonwebtoken::decode(token, &self.decoding, &self.validation);
        decoded.map(|data| data.claims).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => TokenError::Expired,
            _ => TokenError::Invalid,
        })
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(secret: &[u8], algorithm: &str, claims: &str) -> String {
        let encode = |text: &str| base64(text.as_bytes());
        let head = encode(&format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
        let signed = format!("{head}.{}", encode(claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        format!("{signed}.{}", base64(ring::hmac::sign(&key, signed.as_bytes()).as_ref()))
    }

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let mut bits = [0u8; 3];
            bits[..chunk.len()].copy_from_slice(chunk);
            let value = u32::from_be_bytes([0, bits[0], bits[1], bits[2]]);
            for digit in 0..=chunk.len() {
                text.push(char::from(DIGITS[(value >> (18 - 6 * digit)) as usize & 63]));
            }
        }
        text
    }

    #[test]
    fn a_token_of_ours_names_its_user_in_lower_case() {
        let tokens = Tokens::new(b"secret");
        let user = UserId::new("Ann@Example.org").expect("good");
        let token = tokens.mint(&user, 0).expect("signs");
        assert_eq!(tokens.verify(&token), Ok(user.clone()));
        let foreign = sign(b"secret", "HS256", r#"{"sub":"1","email":"ANN@example.org"}"#);
        assert_eq!(tokens.verify(&foreign), Ok(user));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let tokens = Tokens::new(b"secret");
        let ours = r#"{"email":"ann@example.org"}"#;
        for (token, why) in [
            (String::new(), TokenError::Invalid),
            ("a.b.c".to_owned(), TokenError::Invalid),
            (sign(b"other", "HS256", ours), TokenError::Invalid),
            (sign(b"secret", "none", ours), TokenError::Invalid),
            (sign(b"secret", "HS512", ours), TokenError::Invalid),
            (sign(b"secret", "HS256", r#"{"email":"ann@example.org","exp":1}"#), TokenError::Expired),
            (sign(b"secret", "HS256", r#"{"sub":"1"}"#), TokenError::NoEmail),
            (sign(b"secret", "HS256", r#"{"email":"  "}"#), TokenError::NoEmail),
        ] {
            assert_eq!(tokens.verify(&token), Err(why), "{token}");
        }
    }
}
