//! Races servers that answer an upload with its MD5: the same requests from the same
//! loader, in turns, every digest checked.
//!
//! ```text
//! main ── options    what to run
//!      ── workload   what is sent          ── plan ── request, content
//!      ── contestant who answers           ── build, server (a child process)
//!      ── race       round after round     ── loader, clock, cores
//!      ── table      medians and ratios
//!
//! bin/hyper, bin/actix, go/main.go, bin/ruler: servers to race against
//! ```

pub mod build;
pub mod clock;
pub mod content;
pub mod contestant;
pub mod cores;
pub mod loader;
pub mod options;
pub mod plan;
pub mod race;
pub mod request;
pub mod server;
pub mod table;
pub mod workload;
