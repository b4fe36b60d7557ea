//! The shortest server: hashes whatever is uploaded to it.
//!
//! ```text
//! cargo run --release --no-default-features --example serve -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/
//! ```

use std::error::Error;

use streamsum::{checksum::Checksum, engine::Config, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let server = thread::spawn(address, Config::default(), Checksum::default())?;
    println!("listening on {}, process {}", server.address(), std::process::id());
    Ok(server.join()?)
}
