//! Fuzz target `audio_lc3`: any bytes; nothing may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bifocal_audio::fuzzing::lc3(data));
