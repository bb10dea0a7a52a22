//! Ctrl-C and the end of the system.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit status that shells report after a Ctrl-C.
pub(super) const INTERRUPTED: u8 = 130;

/// Sets `stop` at the first SIGINT or SIGTERM, and ends the process at the second.
pub(super) fn stop_on_signals(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag not set.
        flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}
