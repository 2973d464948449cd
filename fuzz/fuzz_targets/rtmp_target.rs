//! Fuzz target `rtmp_target`: any bytes; nothing may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bifocal_media::fuzzing::rtmp_target(data));
