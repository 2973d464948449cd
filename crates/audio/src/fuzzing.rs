//! The bodies of the fuzz targets, so that tests can replay their corpus. Each takes any bytes and panics when a promise of
//! this crate does not hold.

use bytes::Bytes;

use crate::intake::{Format, Intake, Transport};
use crate::lc3::{Decoder, FrameSize};
use crate::udp::{Key, Packet, build};
use crate::wav;

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, under the name of its corpus.
pub const TARGETS: [(&str, Target); 3] = [("audio_udp", udp), ("audio_lc3", lc3), ("audio_wav", wav)];

/// Datagrams, each behind a byte that says how long it is and another that says how much later it comes: what comes out is
/// whole samples.
pub fn udp(data: &[u8]) {
    let mut plain = Intake::default();
    let mut secret = Intake::new(Some(Key::new([0; 32])));
    plain.announce(Transport::Udp);
    secret.announce(Transport::Udp);
    let (mut rest, mut now) = (data, 0);
    while let [length, later, more @ ..] = rest {
        let (datagram, more) = more.split_at(usize::from(*length).min(more.len()));
        rest = more;
        now += u64::from(*later) * 4;
        let Some(packet) = Packet::read(datagram) else { continue };
        assert_eq!(build(packet.hash, packet.number, packet.body), datagram, "read, written, and read as another");
        if packet.number % 16 == 15 {
            plain.configure(Format::Lc3(FrameSize::ALL[usize::from(*later) % 3]));
        }
        for intake in [&mut plain, &mut secret] {
            let _ = intake.packet(packet, now);
            assert_eq!(intake.expire(now).len() % 2, 0, "half a sample");
            assert!(intake.expires().is_none_or(|at| at > now), "something waits for too long");
        }
    }
}

/// LC3 frames, of 20, 40 and 60 bytes, all of them, and the whole as one: no frame makes the decoder panic or fall silent.
pub fn lc3(data: &[u8]) {
    let mut decoder = Decoder::new();
    let _ = decoder.decode(data);
    for size in FrameSize::ALL {
        for frame in data.chunks_exact(size.bytes()) {
            let _ = decoder.decode(frame);
        }
        let mut intake = Intake::default();
        intake.configure(Format::Lc3(size));
        let pcm = intake.socket(Bytes::copy_from_slice(data), 0);
        assert_eq!(pcm.len(), data.len() / size.bytes() * 320, "10 ms for each frame");
    }
}

/// A WAV file: read or refused; what is read can be written and read again.
pub fn wav(data: &[u8]) {
    if let Ok(read) = wav::read(data) {
        assert_eq!(wav::read(&wav::write(&read.samples, read.rate)), Ok(read));
    }
}
