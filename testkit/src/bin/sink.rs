//! Takes uploads and forgets them, until it is killed. Prints where it listens. With a
//! certificate and its key in files of PEM it speaks TLS (feature `tls`):
//!
//! ```text
//! cargo run --release -p streamsum-testkit --bin sink -- 127.0.0.1:0 [CERTIFICATE KEY]
//! ```

use std::{env, io};

use testkit::sink::Sink;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let usage = || io::Error::other("usage: sink ADDRESS:PORT [CERTIFICATE KEY]");
    let (address, files) = arguments.split_first().ok_or_else(usage)?;
    let sink = Sink::bind(address.parse().map_err(|_| usage())?)?;
    let mut sink = match files {
        [] => sink,
        [certificate, key] => with_tls(sink, certificate, key)?,
        _ => return Err(usage()),
    };
    println!("{}", sink.address()?);
    loop {
        sink.turn(None)?;
    }
}

#[cfg(feature = "tls")]
fn with_tls(sink: Sink, certificate: &str, key: &str) -> io::Result<Sink> {
    Ok(sink.with_tls(testkit::tls::server_config(certificate.as_ref(), key.as_ref())?))
}

#[cfg(not(feature = "tls"))]
fn with_tls(_: Sink, _: &str, _: &str) -> io::Result<Sink> {
    Err(io::Error::other("this was built without the feature tls"))
}
