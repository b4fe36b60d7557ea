//! Races servers that answer an upload with its MD5: the same requests from the same
//! loader, in turns, every digest checked.
//!
//! ```text
//! main ── options      what to run
//!      ── contestant   who takes part         ── build
//!      ── session      every work             ── workload, descriptors, progress
//!         ── race      round after round
//!         ── measure   one measurement, by kind of work
//!                      (throughput, latency, memory, growth, start)
//!            ── server, hasher   a child process          ── process, cores
//!            ── loader           requests and answers     ── plan, request, content
//!            ── crowd            connections that ask nothing
//!            ── clock, settle    the kernel's accounts
//!      ── report       Markdown and charts    ── environment, results
//!         ── table     one for each kind      ── figures: medians and ratios
//!         ── chart     SVG
//!
//! bin/hyper, bin/actix, go/main.go, bin/ruler, bin/hasher: who is raced
//! ```

pub mod build;
pub mod chart;
pub mod clock;
pub mod content;
pub mod contestant;
pub mod cores;
pub mod crowd;
pub mod descriptors;
pub mod environment;
pub mod figures;
pub mod hasher;
pub mod loader;
pub mod measure;
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
