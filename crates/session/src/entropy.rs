//! Randomness as data: a seed comes in once, and unguessable ids are hashed out of it.

use sha2::{Digest, Sha256};

/// Makes ids from a secret seed: `SHA-256(seed ‖ counter)`. The same seed gives the same ids, so tests are exact; without
/// the seed they cannot be guessed.
#[derive(Clone)]
pub(crate) struct Entropy {
    seed: [u8; 32],
    counter: u64,
}

impl Entropy {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    fn bytes(&mut self) -> [u8; 16] {
        self.counter += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.counter.to_be_bytes());
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        bytes
    }

    /// A number from 0 to 255, so that not everybody does the same thing at the same time.
    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes()[0]
    }

    /// A UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex::encode(bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl std::fmt::Debug for Entropy {
    /// Without the seed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entropy(#{})", self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_different_and_repeatable() {
        let mut one = Entropy::new([1; 32]);
        let mut same = Entropy::new([1; 32]);
        let (a, b) = (one.uuid(), one.uuid());
        assert_ne!(a, b);
        assert_eq!(a, same.uuid());
        assert_eq!((a.len(), &a[14..15]), (36, "4"));
        assert_ne!(a, Entropy::new([2; 32]).uuid());
    }
}
