//! Takes uploads only from those who show a token, and tells the others before they send
//! theirs: to `Expect: 100-continue` the answer is 401 instead of 100.
//!
//! ```text
//! cargo run --no-default-features --example token -- 127.0.0.1:8080 sesame
//! curl -H 'Authorization: Bearer sesame' -T file http://127.0.0.1:8080/
//! ```

use std::env;
use std::error::Error;

use streamsum::checksum::Checksum;
use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Report, Request, Verdict};
use streamsum::proto::{InvalidField, Response};
use streamsum::thread;

/// Stands in front of any other handler.
struct Guarded<H> {
    handler: H,
    /// The value of Authorization that opens.
    expected: Vec<u8>,
    refusal: Response,
}

impl<H> Guarded<H> {
    fn new(handler: H, token: &str) -> Result<Self, InvalidField> {
        let refusal = Response::text(401, "a token is needed")
            .field("WWW-Authenticate", "Bearer realm=\"uploads\"")?;
        Ok(Self { handler, expected: format!("Bearer {token}").into_bytes(), refusal })
    }

    /// In a time that does not depend on where they differ.
    fn is_expected(&self, given: &[u8]) -> bool {
        let differing = given.iter().zip(&self.expected).fold(0, |all, (x, y)| all | (x ^ y));
        given.len() == self.expected.len() && differing == 0
    }
}

impl<H: Handler> Handler for Guarded<H> {
    type Upload = H::Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<H::Upload> {
        match request.head().fields().get("authorization") {
            Some(given) if self.is_expected(given) => self.handler.begin(request),
            _ => Verdict::Answer(self.refusal.clone()),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<H::Upload>]) {
        self.handler.consume(pieces);
    }

    fn finish(&mut self, message: Finished<'_>, upload: H::Upload) -> Reply {
        self.handler.finish(message, upload)
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<H::Upload>) {
        self.handler.ended(report, upload);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into()).parse()?;
    let token = env::args().nth(2).ok_or("usage: token ADDRESS TOKEN")?;
    let handler = Guarded::new(Checksum::default(), &token)?;
    let server = thread::spawn(address, Config::default(), handler)?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
