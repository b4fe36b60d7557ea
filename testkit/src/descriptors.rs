//! Room for a test that opens many connections, both ends of each within one process.

/// What the tests of one process may have open together.
const ENOUGH: u64 = 1 << 14;

/// Raises this process's limit of descriptors, which is often 1,024, as far as it may be.
/// Other tests of the process have it raised as well; it is never lowered.
///
/// # Panics
///
/// If fewer than `needed` are to be had.
pub fn make_room_for(needed: u64) {
    let most = rlimit::increase_nofile_limit(ENOUGH.max(needed)).expect("a limit");
    assert!(most >= needed, "needs {needed} descriptors, and may have {most}: see `ulimit -Hn`");
}
