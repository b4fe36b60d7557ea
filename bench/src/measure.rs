//! One measurement of one contestant, for each kind of work.
//!
//! Every measurement starts the server afresh.

pub mod growth;
pub mod latency;
pub mod memory;
pub mod passing;
pub mod start;
pub mod throughput;

use std::time::Duration;

/// For one measurement: ten times what the slowest of servers needs.
const PATIENCE: Duration = Duration::from_secs(60);
