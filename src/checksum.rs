//! The handler that hashes: every request is answered with the MD5 of its content.

use crate::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use crate::md5::{Input, Kernel, Md5};
use crate::proto::Response;
use crate::resident::Resident;

/// Takes every request, whatever its method and target, and answers `200 OK` with the
/// MD5 of its content as 32 lower-case hexadecimal digits.
///
/// # Example
///
/// ```no_run
/// use streamsum::{checksum::Checksum, engine::Config, thread};
///
/// let server = thread::spawn("127.0.0.1:8080", Config::default(), Checksum::default())?;
/// println!("listening on {}", server.address());
/// server.join()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Checksum {
    kernel: Kernel,
}

impl Checksum {
    /// Hashes with [`Kernel::detect`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_kernel(Kernel::detect())
    }

    /// Hashes with a kernel of the caller's choice, for comparisons.
    #[must_use]
    pub fn with_kernel(kernel: Kernel) -> Self {
        Self { kernel }
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl Handler for Checksum {
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

    fn finish(&mut self, _: Finished<'_>, upload: Md5) -> Reply {
        Reply::Now(Response::text(200, upload.finish().to_string()))
    }
}

/// It does nothing between two turns.
impl Resident for Checksum {}
