//! Encryption of packets, for phones that ask for it: NaCl's secretbox, a key for each connection.

use std::fmt;

use crypto_secretbox::XSalsa20Poly1305;
use crypto_secretbox::aead::{Aead, KeyInit};

/// Its name in `connection_ack`.
pub const ALGORITHM: &str = "xsalsa20-poly1305";
/// Bytes of a nonce.
const NONCE: usize = 24;

/// The key of a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these bytes, which must be random and secret.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be told to the phone.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What is in the body of a packet, nonce first; `None` when it was not made with this key or was changed on its way.
    pub fn open(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = body.split_first_chunk::<NONCE>()?;
        self.cipher().decrypt(&(*nonce).into(), sealed).ok()
    }

    /// The body of a packet. A nonce must never be used twice with a key.
    pub fn seal(&self, nonce: &[u8; NONCE], sound: &[u8]) -> Vec<u8> {
        // Fails only at a length that no packet has.
        let sealed = self.cipher().encrypt(&(*nonce).into(), sound).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    fn cipher(&self) -> XSalsa20Poly1305 {
        XSalsa20Poly1305::new(&self.0.into())
    }
}

impl fmt::Debug for Key {
    /// Without the key: debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `nacl.secret.SecretBox(bytes(range(32))).encrypt(b"PING", bytes(range(24)))` of PyNaCl, nonce first.
    const FROM_NACL: &str = "000102030405060708090a0b0c0d0e0f1011121314151617dd3d1d6a2f7cdd04f46db88d4d66429f0eb67608";

    #[test]
    fn it_is_the_secretbox_of_nacl() {
        let key = Key::new(std::array::from_fn(|n| n as u8));
        let body = key.seal(&std::array::from_fn(|n| n as u8), b"PING");
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, FROM_NACL);
        assert_eq!(key.open(&body).as_deref(), Some(b"PING".as_slice()));
    }

    #[test]
    fn a_changed_packet_is_none() {
        let key = Key::new([7; 32]);
        let good = key.seal(&[1; 24], b"sound");
        assert_eq!(good.len(), 24 + 16 + 5);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(key.open(&bad), None, "byte {at}");
        }
        assert_eq!(Key::new([8; 32]).open(&good), None);
        assert_eq!(key.open(&good[..10]), None);
    }
}
