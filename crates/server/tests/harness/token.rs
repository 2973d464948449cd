//! Tokens made by hand, good ones and bad ones, without the code that checks them.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::SECRET;

/// A core token of a user, signed with the server's secret.
pub fn good(user: &str) -> String {
    jwt(SECRET, "HS256", &json!({ "sub": user, "email": user, "organizations": [] }))
}

/// A JWT. The signature is always HMAC-SHA-256, whatever `algorithm` claims.
pub fn jwt(secret: &[u8], algorithm: &str, claims: &Value) -> String {
    let head = json!({ "alg": algorithm, "typ": "JWT" });
    let signed = format!("{}.{}", base64(head.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    format!("{signed}.{}", base64(&hmac_sha256(secret, signed.as_bytes())))
}

/// A JWT that says it needs no signature, and has none.
pub fn unsigned(claims: &Value) -> String {
    let head = json!({ "alg": "none", "typ": "JWT" });
    format!("{}.{}.", base64(head.to_string().as_bytes()), base64(claims.to_string().as_bytes()))
}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is good");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Base64 for URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0u8; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let value = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(value >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}
