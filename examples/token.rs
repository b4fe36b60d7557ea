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
use streamsum::handler::{Finished, Handler, Piece, Refused, Reply, Report, Request, Verdict};
use streamsum::proto::{InvalidField, Response};
use streamsum::thread;

/// Stands in front of any other handler.
struct Guarded<H> {
    handler: H,
    token: Vec<u8>,
    refusal: Response,
}

impl<H> Guarded<H> {
    fn new(handler: H, token: &str) -> Result<Self, InvalidField> {
        let refusal = Response::text(401, "a token is needed")
            .field("WWW-Authenticate", "Bearer realm=\"uploads\"")?;
        Ok(Self { handler, token: token.into(), refusal })
    }

    /// Whether a value of Authorization opens (RFC 6750 §2.1), in a time that does not
    /// depend on where the tokens differ.
    fn opens(&self, authorization: &[u8]) -> bool {
        let Some((scheme, given)) = authorization.split_at_checked(b"Bearer ".len()) else {
            return false;
        };
        let differing = given.iter().zip(&self.token).fold(0, |all, (x, y)| all | (x ^ y));
        scheme.eq_ignore_ascii_case(b"Bearer ") && given.len() == self.token.len() && differing == 0
    }
}

impl<H: Handler> Handler for Guarded<H> {
    type Upload = H::Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<H::Upload> {
        match request.head().fields().get("authorization") {
            Some(given) if self.opens(given) => self.handler.begin(request),
            _ => Verdict::Answer(self.refusal.clone()),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<H::Upload>]) {
        self.handler.consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut H::Upload) -> Option<Response> {
        self.handler.verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: H::Upload) -> Reply {
        self.handler.finish(message, upload)
    }

    fn refused(&mut self, refusal: &Refused<'_, H::Upload>, response: Response) -> Response {
        self.handler.refused(refusal, response)
    }

    fn may_leave_content(&self) -> bool {
        self.handler.may_leave_content()
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<H::Upload>) {
        self.handler.ended(report, upload);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let token = env::args().nth(2).unwrap_or_else(|| "sesame".into());
    let handler = Guarded::new(Checksum::default(), &token)?;
    let server = thread::spawn(address, Config::default(), handler)?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
