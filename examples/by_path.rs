//! Hashes uploads, and counts them by their path; `GET /counts` shows the table.
//!
//! ```text
//! cargo run --no-default-features --example by_path -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/reports/
//! curl http://127.0.0.1:8080/counts
//! ```

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write;

use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::md5::{Input, Kernel, Md5};
use streamsum::proto::Response;
use streamsum::thread;

/// Paths are the clients' choice: those beyond so many are counted as one.
const MOST_PATHS: usize = 1_000;
const OTHERS: &str = "(others)";

struct ByPath {
    kernel: Kernel,
    counts: BTreeMap<String, Count>,
}

#[derive(Default)]
struct Count {
    uploads: u64,
    bytes: u64,
}

struct Upload {
    path: String,
    stream: Md5,
}

impl ByPath {
    /// The name under which an upload to this target is counted.
    fn path(&self, target: &str) -> String {
        let path = target.split('?').next().unwrap_or_default();
        let is_known = self.counts.contains_key(path) || self.counts.len() < MOST_PATHS;
        if is_known { path.to_owned() } else { OTHERS.to_owned() }
    }

    fn table(&self) -> String {
        self.counts.iter().fold(String::new(), |mut table, (path, count)| {
            let Count { uploads, bytes } = count;
            // A string takes all that it is given.
            let _ = writeln!(table, "{path} {uploads} uploads, {bytes} bytes");
            table
        })
    }
}

impl Handler for ByPath {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        match (request.head().method(), request.head().target()) {
            ("GET", "/counts") => Verdict::Answer(Response::text(200, self.table())),
            ("PUT" | "POST", target) => {
                Verdict::Take(Upload { path: self.path(target), stream: Md5::new() })
            }
            _ => Verdict::Answer(Response::text(404, "PUT a file, or GET /counts")),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.kernel.update_many(pieces.iter_mut().map(|piece| {
            let last = piece.last();
            let (upload, bytes) = piece.parts();
            Input { stream: &mut upload.stream, bytes, last }
        }));
    }

    fn finish(&mut self, message: Finished<'_>, upload: Upload) -> Reply {
        let count = self.counts.entry(upload.path).or_default();
        count.uploads += 1;
        count.bytes += message.received();
        Reply::Now(Response::text(200, upload.stream.finish().to_string()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let handler = ByPath { kernel: Kernel::detect(), counts: BTreeMap::new() };
    let server = thread::spawn(address, Config::default(), handler)?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
