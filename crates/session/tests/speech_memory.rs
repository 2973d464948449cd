//! Ten hours of talk do not grow a session.

#[path = "speech/mod.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod speech;

use speech::Wearer;

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);

#[test]
fn ten_hours_at_fifty_frames_a_second_keep_memory_flat() {
    let mut wearer = Wearer::new(700, 400, 20);
    // Half an hour of words is kept: from then on it is level.
    wearer.talk(40 * 60_000);
    wearer.forget();
    let before = ALLOCATOR.allocated();
    wearer.talk(10 * 3_600_000);
    wearer.quiet(5_000);
    wearer.check();
    wearer.forget();
    let after = ALLOCATOR.allocated();
    assert!(after <= before + 64 * 1024, "{before} bytes after 40 minutes, {after} after ten hours more");
}
