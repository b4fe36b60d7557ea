//! A proxy that hashes: passes uploads on to another HTTP server by PUT, and answers with their
//! MD5.
//!
//! ```sh
//! cargo run --release --example pass_on -- 127.0.0.1:8080 http://127.0.0.1:9000
//! ```
//!
//! With `--features outgoing-tls` the server may be an `https` one.
//!
//! Nothing is stored between the two. The client is asked for its content when the server has
//! asked for it; what the server takes no more of is not read from the client; a refusal by the
//! server has its status.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::{env, time::Instant};

use streamsum::client::{self, Client, Event, ExchangeId, Origin};
use streamsum::engine::Ready;
use streamsum::handler::{Finished, Handler, Piece, Reply, Report, Request, UploadId, Verdict};
use streamsum::md5::{Digest, Input, Kernel, Md5};
use streamsum::outgoing::Dialer;
use streamsum::proto::client::{InvalidRequest, Request as Put};
use streamsum::resident::{Decisions, Resident};
use streamsum::run::Runner;
use streamsum::{Config, Now, Response};

struct PassOn {
    kernel: Kernel,
    client: Client<Dialer>,
    origin: Arc<Origin>,
    /// Which upload is passed on by which exchange, and what it was, once it has ended.
    uploads: HashMap<ExchangeId, (UploadId, Option<Digest>)>,
    /// The other way round.
    exchanges: HashMap<UploadId, ExchangeId>,
}

struct Upload {
    exchange: ExchangeId,
    md5: Md5,
    /// Bytes that are hashed, and that the server has not taken yet.
    ahead: usize,
}

impl PassOn {
    fn put(&self, request: &Request<'_>) -> Result<Put, InvalidRequest> {
        let head = request.head();
        let put = Put::new("PUT", head.target(), self.origin.authority())?.content(head.framing());
        match head.fields().get("content-type") {
            Some(of) => put.field("Content-Type", of),
            None => Ok(put),
        }
    }
}

impl Handler for PassOn {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        let Ok(put) = self.put(&request) else {
            return Response::text(400, "this target cannot be passed on").into();
        };
        let Ok(exchange) = self.client.start(&self.origin, put) else {
            return Response::text(503, "too many uploads wait").into();
        };
        self.uploads.insert(exchange, (request.id(), None));
        self.exchanges.insert(request.id(), exchange);
        let upload = Upload { exchange, md5: Md5::new(), ahead: 0 };
        match request.head().framing().has_content() {
            true => Verdict::Wait(upload),
            false => Verdict::Take(upload),
        }
    }

    fn may_leave_content(&self) -> bool {
        true
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.kernel.update_many(pieces.iter_mut().map(|piece| {
            let (upload, data) = piece.parts();
            let bytes = data.get(upload.ahead..).unwrap_or_default();
            Input { stream: &mut upload.md5, bytes, last: false }
        }));
        for piece in pieces {
            let (upload, data) = piece.parts();
            let taken = self.client.write(upload.exchange, data);
            upload.ahead = upload.ahead.max(data.len()) - taken;
            piece.take(taken);
        }
    }

    fn finish(&mut self, _: Finished<'_>, upload: Upload) -> Reply {
        self.client.finish(upload.exchange);
        if let Some((_, digest)) = self.uploads.get_mut(&upload.exchange) {
            *digest = Some(upload.md5.finish());
        }
        // The client's own deadlines end it.
        Reply::LaterWithin(None)
    }

    fn ended(&mut self, report: &Report<'_>, _: Option<Upload>) {
        if let Some(exchange) = report.id.and_then(|id| self.exchanges.remove(&id)) {
            self.uploads.remove(&exchange);
            self.client.give_up(exchange);
        }
    }
}

impl Resident for PassOn {
    fn places(&self) -> usize {
        self.client.places()
    }

    fn note(&mut self, place: usize, ready: Ready) {
        self.client.note(place, ready);
    }

    fn deadline(&self, _: Now) -> Option<Instant> {
        self.client.deadline()
    }

    fn work(&mut self, now: Now, decisions: &mut Decisions) {
        self.client.work(now);
        while let Some((exchange, event)) = self.client.next_event() {
            let Some((upload, digest)) = self.uploads.get(&exchange) else { continue };
            match event {
                Event::Room => decisions.resume(*upload),
                Event::Answered(answer) => decisions.answer(
                    *upload,
                    match (answer.status(), digest) {
                        (200..300, Some(digest)) => Response::text(200, digest.to_string()),
                        (status @ 400..500, _) => Response::text(status, "the server refused it"),
                        (status, _) => Response::text(502, format!("the server answered {status}")),
                    },
                ),
                Event::Failed(failure) => {
                    let status = if failure.is_timeout() { 504 } else { 502 };
                    decisions.answer(*upload, Response::text(status, failure.to_string()));
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.client.is_idle()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let origin = env::args().nth(2).unwrap_or_else(|| "http://127.0.0.1:9000".into());
    let origin: Arc<Origin> = Arc::new(origin.parse()?);
    let config = client::Config::default();
    let mut runner = Runner::new(Config::default(), config.connections)?;
    let dialer = Dialer::in_runner(&runner)?;
    #[cfg(feature = "outgoing-tls")]
    let dialer = match origin.is_tls() {
        true => dialer.with_tls(streamsum::tls::Trust::system()?),
        false => dialer,
    };
    let client = Client::new(config, dialer, Now::now());
    let (kernel, uploads, exchanges) = (Kernel::detect(), HashMap::new(), HashMap::new());
    println!("listening on {}", runner.server_mut().bind(address)?);
    runner.run(&mut PassOn { kernel, client, origin, uploads, exchanges })?;
    Ok(())
}
