//! Answers from another thread: what takes long, or blocks, is no business of the loop.
//!
//! ```text
//! cargo run --no-default-features --example later -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/
//! ```

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, UploadId, Verdict};
use streamsum::md5::{Digest, Input, Kernel, Md5};
use streamsum::proto::Response;
use streamsum::thread::{self, Handle};

/// How many finished uploads may wait for the other thread.
const QUEUE: usize = 1_000;

/// Hashes, and leaves the answer to others.
struct Later {
    kernel: Kernel,
    finished: SyncSender<(UploadId, Digest)>,
}

impl Handler for Later {
    type Upload = Md5;

    fn begin(&mut self, _: Request<'_>) -> Verdict<Md5> {
        Verdict::Take(Md5::new())
    }

    fn consume(&mut self, pieces: &mut [Piece<Md5>]) {
        self.kernel.update_many(pieces.iter_mut().map(|piece| {
            let last = piece.last();
            let (stream, bytes) = piece.parts();
            Input { stream, bytes, last }
        }));
    }

    fn finish(&mut self, message: Finished<'_>, stream: Md5) -> Reply {
        match self.finished.try_send((message.id(), stream.finish())) {
            Ok(()) => Reply::Later,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                Reply::Now(Response::text(503, "too many uploads wait to be looked at"))
            }
        }
    }
}

/// Says whether the same content came before, as a database would that takes its time.
fn look_up(finished: Receiver<(UploadId, Digest)>, handle: &Handle) {
    let mut seen = HashSet::new();
    for (id, digest) in finished {
        let response = match seen.insert(digest) {
            true => Response::text(201, format!("{digest} is new")),
            false => Response::text(200, format!("{digest} was here before")),
        };
        // The client may be gone by now; nobody else gets its answer.
        handle.answer(id, response);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address)?;
    let server = thread::spawn_on([listener.into()], Config::default(), |handle| {
        let (finished, waiting) = sync_channel(QUEUE);
        std::thread::spawn(move || look_up(waiting, &handle));
        Later { kernel: Kernel::detect(), finished }
    })?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
