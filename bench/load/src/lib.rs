//! What the tools that load a server share; each of them is a program in `src/bin`.

pub mod answer;
pub mod process;
