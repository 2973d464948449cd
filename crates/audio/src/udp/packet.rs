//! One packet: whose it is, which it is, what is in it.

/// Bytes before the sound.
pub const HEADER: usize = 6;

/// A packet as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Whose: [`user_hash`].
    pub hash: u32,
    /// Which.
    pub number: u16,
    /// What is in it; may be encrypted.
    pub body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when it is too short to be one.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<HEADER>()?;
        let [a, b, c, d, e, f] = *header;
        Some(Self { hash: u32::from_be_bytes([a, b, c, d]), number: u16::from_be_bytes([e, f]), body })
    }
}

/// Writes a packet.
pub fn build(hash: u32, number: u16, body: &[u8]) -> Vec<u8> {
    [hash.to_be_bytes().as_slice(), &number.to_be_bytes(), body].concat()
}

/// FNV-1a, 32 bits, of the bytes of a user id.
pub fn user_hash(user: &str) -> u32 {
    user.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The published test vectors of FNV-1a.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(user_hash(""), 0x811C_9DC5);
        assert_eq!(user_hash("a"), 0xE40C_292C);
        assert_eq!(user_hash("foobar"), 0xBF9C_F968);
    }

    #[test]
    fn a_packet_says_whose_and_which_it_is() {
        let bytes = build(0x0102_0304, 0x0506, b"PING");
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6, b'P', b'I', b'N', b'G']);
        assert_eq!(Packet::read(&bytes), Some(Packet { hash: 0x0102_0304, number: 0x0506, body: b"PING" }));
        assert_eq!(Packet::read(&bytes[..5]), None);
    }

    proptest! {
        #[test]
        fn what_was_built_is_read(hash: u32, number: u16, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = build(hash, number, &body);
            prop_assert_eq!(Packet::read(&bytes), Some(Packet { hash, number, body: &body }));
        }
    }
}
