//! Any hash with the traits of the crate `digest`: SHA-256 here.
//!
//! ```text
//! cargo run --no-default-features --example digests -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/
//! ```
//!
//! One stream after another: only MD5 has lanes.

use std::env;
use std::error::Error;
use std::marker::PhantomData;

use sha2::{Digest, Sha256};
use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::proto::Response;
use streamsum::thread;

/// Answers with the digest of the content.
struct Digests<D>(PhantomData<D>);

impl<D: Digest> Handler for Digests<D> {
    type Upload = D;

    fn begin(&mut self, _: Request<'_>) -> Verdict<D> {
        Verdict::Take(D::new())
    }

    fn consume(&mut self, pieces: &mut [Piece<D>]) {
        for piece in pieces {
            let (digest, data) = piece.parts();
            digest.update(data);
        }
    }

    fn finish(&mut self, _: Finished<'_>, digest: D) -> Reply {
        let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Reply::Now(Response::text(200, hex))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let handler = Digests::<Sha256>(PhantomData);
    let server = thread::spawn(address, Config::default(), handler)?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
