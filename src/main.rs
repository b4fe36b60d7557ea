//! The streamsum server.

fn main() {}
