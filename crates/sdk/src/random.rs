//! Names that nobody can guess: `/photo-upload` knows its callers by nothing else.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

/// `prefix` and 128 random bits in hex.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}{}", hex(&bytes()))
}

/// A random UUID (version 4), 36 characters.
pub(crate) fn uuid() -> String {
    let mut bytes = bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A number for what need only differ.
pub(crate) fn seed() -> u64 {
    let bytes = bytes();
    u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes() -> [u8; 16] {
    static FALLBACK: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Without the system's randomness ids are at least different ones.
        let number = FALLBACK.fetch_add(1, Ordering::Relaxed);
        bytes[..8].copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_uuids_have_their_form() {
        assert_ne!(id("a_"), id("a_"));
        assert_eq!(id("a_").len(), 34);
        let uuid = uuid();
        assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'4'));
    }
}
