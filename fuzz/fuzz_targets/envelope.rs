//! Fuzz target `envelope`: any bytes; nothing may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bifocal_protocol::fuzzing::envelope(data));
