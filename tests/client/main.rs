//! Requests to others: one story over scripted sockets and invented time.

mod deadlines;
mod story;
mod tries;
