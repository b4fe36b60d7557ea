//! Servers over real sockets: the library in a loop of the tests', or on a thread of its own.

mod adopt;
mod clients;
mod curl;
mod early_answers;
mod embed;
mod handle;
mod hostile;
#[cfg(target_os = "linux")]
mod listeners;
mod loopback;
mod outgoing;
mod outgoing_tls;
mod places;
mod residents;
mod short_reads;
mod workers;
mod wrapped;
