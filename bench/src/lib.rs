//! Races servers that answer an upload with its MD5: the same requests from the same
//! loader, in turns, every digest checked.
//!
//! ```text
//! 7  main               the command                   ── options
//! 6  session            every work, by everybody      ── descriptors, network
//!    report             Markdown, with charts         ── environment, chart
//! 5  results, table     one for each kind of work
//!    goals              which ratios are to be reached
//!    figures            medians and ratios
//!    race               round after round             ── progress
//! 4  measure            one measurement, by kind of work
//!                       (throughput, passing, latency, memory, growth, start)
//!    crowd              connections that ask nothing
//!    settle             waits until a server rests    ── clock
//! 3  server, offline    a contestant's program        ── process
//!    kept               the folder it keeps uploads in
//! 2  loader             requests and answers
//! 1  workload           what is raced over
//!    contestant         who takes part                ── build, cores
//!    plan               what is sent, byte by byte    ── request
//! ```
//!
//! A module imports from lower floors, or on its own from those that stand below it. What
//! stands to the right needs descriptions at most: those of floor 1.
//!
//! bin/hyper, bin/hyper_pass_on, bin/actix, bin/axum, go/main.go, bin/ruler, bin/forward,
//! bin/offline: who is raced.

pub mod build;
pub mod chart;
pub mod clock;
pub mod contestant;
pub mod cores;
pub mod crowd;
pub mod descriptors;
pub mod environment;
pub mod figures;
pub mod goals;
pub mod kept;
pub mod loader;
pub mod measure;
pub mod network;
pub mod offline;
pub mod options;
pub mod plan;
pub mod process;
pub mod progress;
pub mod race;
pub mod report;
pub mod request;
pub mod results;
pub mod server;
pub mod session;
pub mod settle;
pub mod table;
pub mod workload;
