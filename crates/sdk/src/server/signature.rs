//! Whether a webhook is from the cloud of this app: `X-Bifocal-Signature` is `sha256=` and the hex HMAC-SHA-256 of
//! `<X-Bifocal-Timestamp>.<body>`, with the hex SHA-256 of the API key as key.

use axum::http::HeaderMap;
use ring::{digest, hmac};

use crate::message::now;
use crate::random::hex;

/// How old, or how far ahead, a signed request may be.
const MAX_AGE_SECONDS: i64 = 300;

/// What a request turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    /// By our cloud, just now.
    Good,
    /// Not signed at all: other clouds do not.
    No,
    /// By somebody else, or long ago.
    Bad,
}

/// The hashed API key, which clouds know the app by.
pub(super) fn hashed_key(api_key: &str) -> String {
    hex(digest::digest(&digest::SHA256, api_key.as_bytes()).as_ref())
}

/// Looks at the signature of a request.
pub(super) fn check(headers: &HeaderMap, body: &[u8], api_key: &str) -> Signed {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(signature) = header("x-bifocal-signature") else { return Signed::No };
    let Some(timestamp) = header("x-bifocal-timestamp") else { return Signed::Bad };
    let fresh =
        timestamp.parse::<i64>().is_ok_and(|at| (now().0 / 1000).abs_diff(at) <= MAX_AGE_SECONDS.unsigned_abs());
    let Some(signature) = signature.strip_prefix("sha256=").and_then(unhex) else { return Signed::Bad };
    let key = hmac::Key::new(hmac::HMAC_SHA256, hashed_key(api_key).as_bytes());
    let mut signed = Vec::with_capacity(timestamp.len() + 1 + body.len());
    signed.extend_from_slice(timestamp.as_bytes());
    signed.push(b'.');
    signed.extend_from_slice(body);
    match fresh && hmac::verify(&key, &signed, &signature).is_ok() {
        true => Signed::Good,
        false => Signed::Bad,
    }
}

/// Reads hex.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(timestamp: i64, key: &str, body: &str) -> HeaderMap {
        let key = hmac::Key::new(hmac::HMAC_SHA256, hashed_key(key).as_bytes());
        let signature = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("x-bifocal-timestamp", timestamp.into());
        let value = format!("sha256={}", hex(signature.as_ref()));
        headers.insert("x-bifocal-signature", value.parse().expect("a header"));
        headers
    }

    #[test]
    fn only_the_right_key_the_right_body_and_the_right_time_are_good() {
        let seconds = now().0 / 1000;
        let good = headers(seconds, "key", "body");
        assert_eq!(check(&good, b"body", "key"), Signed::Good);
        assert_eq!(check(&good, b"other", "key"), Signed::Bad);
        assert_eq!(check(&good, b"body", "other"), Signed::Bad);
        assert_eq!(check(&headers(seconds - 400, "key", "body"), b"body", "key"), Signed::Bad);
        assert_eq!(check(&headers(seconds + 400, "key", "body"), b"body", "key"), Signed::Bad);
        assert_eq!(check(&HeaderMap::new(), b"body", "key"), Signed::No);
        let mut odd = good.clone();
        odd.insert("x-bifocal-signature", "sha256=xyz".parse().expect("a header"));
        assert_eq!(check(&odd, b"body", "key"), Signed::Bad);
    }

    #[test]
    fn hex_is_read_as_it_is_written() {
        assert_eq!(unhex("00ff7A"), Some(vec![0, 255, 0x7a]));
        assert!(unhex("0").is_none() && unhex("0g").is_none());
    }
}
