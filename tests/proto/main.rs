//! The protocol core without sockets and without a clock, and what fuzzing has found.

mod answers;
mod cases;
mod connection;
mod fields;
mod head_begun;
mod mutants;
mod regressions;
