//! Requests to others: one story over scripted sockets and invented time, and games from seeds.

mod deadlines;
mod seeds;
mod story;
mod tries;
