//! What a player must know of H.264 before the first picture: profile and size, out of the decoder's configuration.

use bytes::Bytes;

/// Longest configuration; real ones have fifty bytes.
const MAX_RECORD: usize = 4 << 10;
/// Widest and highest picture that H.264 knows.
const MAX_SIDE: u32 = 16_384;

/// The `AVCDecoderConfigurationRecord`, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AvcConfig {
    pub(crate) record: Bytes,
    /// Profile, constraints, level.
    pub(crate) profile: [u8; 3],
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadConfig {
    #[error("it is cut off")]
    CutOff,
    #[error("its lengths are not written in four bytes")]
    Lengths,
    #[error("it has no picture size")]
    Size,
}

impl AvcConfig {
    /// Reads the record of a sequence header.
    pub(crate) fn read(record: Bytes) -> Result<Self, BadConfig> {
        let Some(&[_, profile, constraints, level, lengths, sets, high, low]) = record.first_chunk::<8>() else {
            return Err(BadConfig::CutOff);
        };
        if lengths & 3 != 3 {
            return Err(BadConfig::Lengths);
        }
        let length = usize::from(high) << 8 | usize::from(low);
        if sets & 0x1f == 0 || record.len() > MAX_RECORD {
            return Err(BadConfig::Size);
        }
        let set = record.get(8..8 + length).ok_or(BadConfig::CutOff)?;
        let (width, height) = size(set).ok_or(BadConfig::Size)?;
        Ok(Self { profile: [profile, constraints, level], width, height, record })
    }

    /// As browsers want to hear it.
    pub(crate) fn codec(&self) -> String {
        format!("avc1.{}", hex::encode(self.profile))
    }
}

/// The size of the pictures, out of a sequence parameter set.
fn size(set: &[u8]) -> Option<(u16, u16)> {
    let plain = without_guards(set);
    let mut bits = Bits { bytes: &plain, at: 8 };
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.unsigned()?;
    let mut chroma = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = bits.unsigned()?;
        if chroma == 3 {
            bits.take(1)?;
        }
        bits.unsigned()?;
        bits.unsigned()?;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            let lists = if chroma == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.take(1)? == 1 {
                    bits.scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.unsigned()?;
    match bits.unsigned()? {
        0 => drop(bits.unsigned()?),
        1 => {
            bits.take(1)?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.unsigned()?.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.take(1)?;
    let wide = bits.unsigned()?.checked_add(1)?;
    let high = bits.unsigned()?.checked_add(1)?;
    let frames_only = bits.take(1)?;
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let (mut across, mut down) = (0, 0);
    if bits.take(1)? == 1 {
        // Cropping counts in units of the chroma samples, and of field pairs.
        let unit_across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
        let unit_down = (if chroma == 1 { 2 } else { 1 }) * (2 - frames_only);
        across = bits.unsigned()?.checked_add(bits.unsigned()?)?.checked_mul(unit_across)?;
        down = bits.unsigned()?.checked_add(bits.unsigned()?)?.checked_mul(unit_down)?;
    }
    let width = wide.checked_mul(16)?.checked_sub(across)?;
    let height = high.checked_mul(16 * (2 - frames_only))?.checked_sub(down)?;
    let good = |side: u32| (1..=MAX_SIDE).contains(&side);
    (good(width) && good(height)).then_some((width as u16, height as u16))
}

/// A zero byte pair is followed by a guard, so that no start code appears within.
fn without_guards(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Exp-Golomb: as many zeros as there are bits after the one.
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.take(zeros)?)
    }

    fn signed(&mut self) -> Option<i64> {
        let value = i64::from(self.unsigned()?);
        Some(if value % 2 == 0 { -value / 2 } else { (value + 1) / 2 })
    }

    fn scaling_list(&mut self, length: usize) -> Option<()> {
        let (mut last, mut next) = (8i64, 8i64);
        for _ in 0..length {
            if next != 0 {
                next = (last + self.signed()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by x264 from `testsrc`: profile high, 640x360; and baseline, 638x358, which is cropped.
    const HIGH: &str = "0164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d9601000668ebe3cb22c0fdf8f800";
    const CROPPED: &str = "0142c01effe100186742c01ed900a02fea6c0440000003004000000c83c58b9201000568cb83cb20";

    fn record(text: &str) -> Bytes {
        hex::decode(text).expect("hex").into()
    }

    #[test]
    fn reads_the_size_of_what_x264_makes() {
        let config = AvcConfig::read(record(HIGH)).expect("good");
        assert_eq!((config.width, config.height), (640, 360));
        let cropped = AvcConfig::read(record(CROPPED)).expect("good");
        assert_eq!((cropped.width, cropped.height), (638, 358));
        assert_eq!(config.codec(), "avc1.64001e");
    }

    #[test]
    fn every_cut_is_an_error_and_no_panic() {
        let whole = record(HIGH);
        for end in 0..8 + 15 {
            assert!(AvcConfig::read(whole.slice(..end)).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bent = whole.to_vec();
                bent[at] ^= 1 << bit;
                drop(AvcConfig::read(bent.into()));
            }
        }
    }
}
