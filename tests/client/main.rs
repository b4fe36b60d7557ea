//! Requests to others: one story over scripted sockets and invented time, and games from seeds.

mod asking;
mod content;
mod deadlines;
mod seeds;
mod story;
mod tries;
