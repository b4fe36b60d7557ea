//! What the tests, the fuzz targets and the benchmark share. It imports from none of them.
//!
//! | who tests | begins with |
//! |---|---|
//! | what the protocol core makes of bytes | [`cases`]: the files of `tests/cases`, and a server over the core that keeps their log; [`naive`]: the oracle, which reads requests by other code |
//! | one story of the engine | [`sim::Driver`] with [`sim::Client`]: scripted sockets, an invented clock; [`sim::Recorder`] writes down what a handler sees |
//! | what a client makes of a server's bytes | [`answers`]: the files of `tests/answers`, and a client over the core that keeps their log; [`naive::answer`]: its oracle |
//! | the engine under many peers | [`sim::world`]: from a seed, or from a fuzzer's bytes |
//! | servers over real sockets | [`serving`]: a server in a loop that can be asked and waited for; [`client`]: who talks to it |
//! | who passes uploads on | [`store`]: S3, or a plain origin, by a script, without or with sockets |
//! | how fast uploads are passed on | [`sink`]: takes them and forgets them, at next to no cost |
//! | the binary | [`binary`]: a process, its lines and signals |
//! | what holds for any input | [`checks`]: what the fuzz targets run, and their seeds |
//!
//! All of them read answers with [`response`], draw what is random from [`random`], upload
//! [`content`] and know its digest. [`scratch`] has folders for files, [`descriptors`] room
//! for many connections.

pub mod answers;
pub mod binary;
pub mod cases;
pub mod checks;
pub mod client;
pub mod content;
pub mod descriptors;
pub mod naive;
pub mod random;
pub mod response;
pub mod scratch;
pub mod serving;
pub mod sim;
pub mod sink;
pub mod store;
#[cfg(feature = "tls")]
pub mod tls;
