//! Randomness as data: a seed comes in once, and unguessable ids are hashed out of it.

use bifocal_protocol::Timestamp;
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

    /// A UUID, version 7: those of later are greater.
    pub(crate) fn uuid7(&mut self, now: Timestamp) -> String {
        let mut bytes = self.bytes();
        bytes[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        written(bytes)
    }

    /// A UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        written(bytes)
    }
}

fn written(mut bytes: [u8; 16]) -> String {
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
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

    /// W-52: a stream of a later millisecond sorts behind, and no two are the same.
    #[test]
    fn version_7_ids_are_in_the_order_of_time() {
        let mut entropy = Entropy::new([1; 32]);
        let mut ids: Vec<String> = (0..1_000).map(|n| entropy.uuid7(Timestamp(1_767_600_000_000 + n / 10))).collect();
        assert!(ids[0].starts_with("019b8d") && ids[0][14..].starts_with('7'), "{}", ids[0]);
        assert!(ids[0] < ids[10] && ids[989] < ids[999]);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1_000);
    }
}
