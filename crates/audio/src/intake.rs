//! Where the sound of one wearer comes in: two ways, two formats, one stream of samples.
//!
//! Only one way counts at a time. A way that is announced takes over with its first sound, and the other one is thrown away
//! from then on:
//!
//! | way in use | what comes | what happens |
//! |---|---|---|
//! | socket | UDP, announced | UDP takes over |
//! | socket | UDP, not announced | thrown away |
//! | UDP | socket, announced | the socket takes over |
//! | UDP | socket, not announced | thrown away, unless UDP has been silent for a second: then the phone has fallen back |

use bytes::Bytes;

use crate::lc3::{self, FRAME_MS, FrameSize};
use crate::pcm::{self, Aligner, BYTES_PER_MS, SAMPLE_BYTES};
use crate::udp::{Key, Ordered, PING, Packet, Reorder};

/// After so long without sound over UDP, sound on the socket is the phone's way to say that UDP does not work.
const UDP_SILENT_MS: u64 = 1_000;
/// Longest gap that is filled, in milliseconds; behind it the stream simply goes on.
const LONGEST_FILLED_MS: u64 = 500;

/// How sound is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As it is.
    #[default]
    Pcm,
    /// LC3 frames of 10 ms, any number of them one behind the other.
    Lc3(FrameSize),
}

/// How sound travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Binary frames of the phone's WebSocket.
    #[default]
    Socket,
    /// UDP.
    Udp,
}

/// What a packet was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A question whether packets arrive: to be answered on the socket.
    Ping,
    /// Sound, as PCM; empty when it must wait for what is missing, or counts for nothing.
    Sound(Bytes),
}

/// What has come in so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames and packets that were taken.
    pub frames: u64,
    /// Packets that did not come.
    pub lost: u64,
    /// Packets that came twice or too late.
    pub duplicates: u64,
    /// LC3 that could not be decoded, packets that could not be decrypted.
    pub undecodable: u64,
    /// What came by the way that does not count.
    pub discarded: u64,
}

/// The intake of one connection.
#[derive(Debug, Default)]
pub struct Intake {
    format: Format,
    used: Transport,
    announced: Transport,
    aligner: Aligner,
    decoder: Option<lc3::Decoder>,
    reorder: Reorder,
    key: Option<Key>,
    udp_heard_ms: u64,
    /// How much sound the last packet had: so much is missing for one that did not come.
    packet_ms: u64,
    counts: Counts,
}

impl Intake {
    /// For a connection that begins: PCM by the socket. With a key, packets must be encrypted with it.
    pub fn new(key: Option<Key>) -> Self {
        Self { key, ..Self::default() }
    }

    /// The phone says how it packs sound from now on.
    pub fn configure(&mut self, format: Format) {
        if self.format != format {
            self.format = format;
            self.restart();
        }
    }

    /// The phone says which way its sound will take.
    pub fn announce(&mut self, transport: Transport) {
        self.announced = transport;
    }

    /// The way that counts.
    pub fn transport(&self) -> Transport {
        self.used
    }

    /// What has come in so far.
    pub fn counts(&self) -> Counts {
        Counts { duplicates: self.counts.duplicates + self.reorder.duplicates(), ..self.counts }
    }

    /// A binary frame of the socket: gives its sound as PCM, whole samples, maybe none.
    pub fn socket(&mut self, frame: Bytes, now_ms: u64) -> Bytes {
        if self.used == Transport::Udp {
            let fallen_back = now_ms.saturating_sub(self.udp_heard_ms) >= UDP_SILENT_MS;
            if self.announced == Transport::Udp && !fallen_back {
                self.counts.discarded += 1;
                return Bytes::new();
            }
            // The phone asks again before it uses UDP again.
            self.announced = Transport::Socket;
            self.switch(Transport::Socket);
        }
        self.counts.frames += 1;
        match self.format {
            Format::Pcm => self.aligner.push(frame),
            Format::Lc3(size) => self.decode(&frame, size).into(),
        }
    }

    /// A packet that belongs to this connection.
    pub fn packet(&mut self, packet: Packet<'_>, now_ms: u64) -> Heard {
        let opened = match &self.key {
            // Phones ask before they have to keep anything secret.
            Some(_) if packet.body == PING => Some(packet.body.to_vec()),
            Some(key) => key.open(packet.body),
            None => Some(packet.body.to_vec()),
        };
        let Some(body) = opened else {
            self.counts.undecodable += 1;
            return Heard::Sound(Bytes::new());
        };
        if packet.number == 0 && body == PING {
            self.announced = Transport::Udp;
            return Heard::Ping;
        }
        if self.used == Transport::Socket {
            if self.announced == Transport::Socket {
                self.counts.discarded += 1;
                return Heard::Sound(Bytes::new());
            }
            self.switch(Transport::Udp);
        }
        self.udp_heard_ms = now_ms;
        self.counts.frames += 1;
        let ordered = self.reorder.push(packet.number, body.into(), now_ms);
        Heard::Sound(self.unpack(ordered))
    }

    /// When [`Intake::expire`] is worth a call.
    pub fn expires(&self) -> Option<u64> {
        self.reorder.expires()
    }

    /// Time has passed: packets that waited for others do not wait any more.
    pub fn expire(&mut self, now_ms: u64) -> Bytes {
        let ordered = self.reorder.expire(now_ms);
        self.unpack(ordered)
    }

    fn switch(&mut self, to: Transport) {
        self.used = to;
        self.restart();
    }

    /// Another stream begins: nothing of the last one is in it.
    fn restart(&mut self) {
        self.aligner.reset();
        self.decoder = None;
        self.counts.duplicates += self.reorder.duplicates();
        self.reorder = Reorder::default();
        self.packet_ms = 0;
    }

    fn unpack(&mut self, ordered: Vec<Ordered>) -> Bytes {
        let mut pcm = Vec::new();
        for one in ordered {
            match one {
                Ordered::Gap(packets) => {
                    self.counts.lost += packets;
                    self.fill(packets, &mut pcm);
                }
                Ordered::Packet(body) => {
                    let before = pcm.len();
                    match self.format {
                        // Half a sample of a packet has its other half nowhere: to carry it would shift all that follows.
                        Format::Pcm => pcm.extend_from_slice(&body[..body.len() / SAMPLE_BYTES * SAMPLE_BYTES]),
                        Format::Lc3(size) => pcm.extend(self.decode(&body, size)),
                    }
                    self.packet_ms = pcm::duration_ms(pcm.len() - before);
                }
            }
        }
        pcm.into()
    }

    fn decode(&mut self, frames: &[u8], size: FrameSize) -> Vec<u8> {
        let decoder = self.decoder.get_or_insert_default();
        let mut pcm = Vec::with_capacity(frames.len() / size.bytes() * FRAME_MS as usize * BYTES_PER_MS);
        let mut whole = frames.chunks_exact(size.bytes());
        for frame in whole.by_ref() {
            let samples = decoder.decode(frame).unwrap_or_else(|_| {
                self.counts.undecodable += 1;
                decoder.conceal()
            });
            pcm.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        self.counts.undecodable += u64::from(!whole.remainder().is_empty());
        pcm
    }

    /// Sound for packets that did not come, so that what follows comes at its time.
    fn fill(&mut self, packets: u64, pcm: &mut Vec<u8>) {
        let ms = packets.saturating_mul(self.packet_ms).min(LONGEST_FILLED_MS);
        match (self.format, &mut self.decoder) {
            (Format::Lc3(_), Some(decoder)) => {
                for _ in 0..ms / FRAME_MS {
                    pcm.extend(decoder.conceal().iter().flat_map(|sample| sample.to_le_bytes()));
                }
            }
            _ => pcm.resize(pcm.len() + ms as usize * BYTES_PER_MS, 0),
        }
    }
}

#[cfg(test)]
mod tests;
