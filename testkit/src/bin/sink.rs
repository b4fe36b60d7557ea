//! Takes uploads and forgets them, until it is killed. Prints where it listens:
//!
//! ```text
//! cargo run --release -p streamsum-testkit --bin sink -- 127.0.0.1:0
//! ```

use std::{env, io};

use testkit::sink::Sink;

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let address = address.parse().map_err(|_| io::Error::other("usage: sink ADDRESS:PORT"))?;
    let mut sink = Sink::bind(address)?;
    println!("{}", sink.address()?);
    loop {
        sink.turn(None)?;
    }
}
