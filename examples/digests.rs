//! Other digests than MD5: the first is the answer's text, and JSON has them all.
//!
//! ```text
//! cargo run --no-default-features --features digests --example digests -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/
//! curl -T file -H 'Accept: application/json' http://127.0.0.1:8080/
//! ```

use std::env;
use std::io;

use streamsum::digest::Algorithm;
use streamsum::{Checksum, Config, spawn};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let checksum = Checksum::of([Algorithm::Sha256, Algorithm::Md5]);
    let server = spawn(address, Config::default(), checksum)?;
    println!("listening on {}", server.address());
    server.join()
}
