//! Fuzz target `audio_udp`: any bytes; nothing may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bifocal_audio::fuzzing::udp(data));
