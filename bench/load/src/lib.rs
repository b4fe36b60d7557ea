//! What the tools that load a server share; each of them is a program in `src/bin`.

pub mod active;
pub mod answer;
pub mod busy;
pub mod content;
pub mod process;
pub mod rate;
pub mod writing;
