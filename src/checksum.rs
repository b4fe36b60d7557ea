//! The handler that hashes: every request is answered with the digest of its content.

mod form;

use std::any::Any;
use std::{fmt, iter, mem};

use crate::digest::{Algorithm, Algorithms, Declared, Fault, Running, Value};
use crate::handler::{Finished, Handler, Piece, Refused, Reply, Request, Verdict};
use crate::md5::{Input, Kernel, Md5};
use crate::proto::Response;
use crate::resident::Resident;
use form::Form;

/// Takes every request, whatever its method and target, and answers `200 OK` with the digest of
/// its content in lower-case hexadecimal digits: the MD5, unless it was made for
/// [others](Checksum::of).
///
/// What a client [declares](crate::digest) of its content is verified, and content that is
/// damaged is 400. A client whose `Accept` names `application/json` gets an object of the length
/// and of all digests, and its refusals as objects.
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
    /// What is computed of all content.
    algorithms: Algorithms,
    /// True if that is the MD5 alone.
    is_plain: bool,
}

impl Checksum {
    /// Computes the MD5 with [`Kernel::detect`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_kernel(Kernel::detect())
    }

    /// Computes the MD5 with a kernel of the caller's choice, for comparisons.
    #[must_use]
    pub fn with_kernel(kernel: Kernel) -> Self {
        let algorithms = Algorithms::from_iter([Algorithm::Md5]);
        Self { kernel, algorithms, is_plain: true }
    }

    /// Computes these digests of all content, in one pass. The first is the answer's text. With
    /// none it is the MD5.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::{Checksum, digest::Algorithm};
    ///
    /// let checksum = Checksum::of([Algorithm::Md5]);
    /// # #[cfg(feature = "digests")]
    /// let checksum = Checksum::of([Algorithm::Sha256, Algorithm::Md5, Algorithm::Crc32c]);
    /// # let _ = checksum;
    /// ```
    #[must_use]
    pub fn of(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut all: Algorithms = algorithms.into_iter().collect();
        if all.is_empty() {
            all.insert(Algorithm::Md5);
        }
        let is_plain = all.iter().eq([Algorithm::Md5]);
        Self { algorithms: all, is_plain, ..Self::new() }
    }

    /// Computes this digest, too, if it did not.
    #[must_use]
    pub fn and(self, algorithm: Algorithm) -> Self {
        let of_all = Self::of(self.algorithms.iter().chain([algorithm]));
        Self { kernel: self.kernel, ..of_all }
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

/// What [`Checksum`] keeps of a request from its head to its answer: at most 96 bytes, and a box
/// if it is more than the MD5 of content of which nothing is declared.
///
/// # Example
///
/// ```
/// use streamsum::{Checksum, checksum::Upload, handler::Handler};
///
/// /// Whatever stands in front of a [`Checksum`].
/// fn takes(_: impl Handler<Upload = Upload>) {}
/// takes(Checksum::new());
/// ```
///
/// A handler that stands in front of a [`Checksum`] may [attach](Upload::attach) what it keeps of
/// the request itself.
#[derive(Debug)]
pub struct Upload(Work);

const _: () = assert!(size_of::<Upload>() <= 96);

#[derive(Debug)]
enum Work {
    Plain(Md5),
    Full(Box<Full>),
}

/// An upload of which more is wanted than its MD5 as text.
#[derive(Default)]
struct Full {
    /// Of another handler.
    attached: Option<Box<dyn Any + Send>>,
    form: Form,
    declared: Declared,
    running: Running,
    /// What came of `running`, and what of it was declared, once the message has ended.
    values: Box<[Value]>,
    verified: Algorithms,
    /// What is wrong with them.
    fault: Option<Fault>,
}

impl Upload {
    /// Keeps this with the upload, in place of what was attached before.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::checksum::{Checksum, Upload};
    /// use streamsum::handler::{Handler, Request, Verdict};
    ///
    /// struct Named(String);
    ///
    /// fn begin(checksum: &mut Checksum, request: Request<'_>) -> Verdict<Upload> {
    ///     let name = Named(request.head().target().to_owned());
    ///     let mut verdict = checksum.begin(request);
    ///     if let Verdict::Take(upload) = &mut verdict {
    ///         upload.attach(name);
    ///     }
    ///     verdict
    /// }
    ///
    /// fn name(upload: &Upload) -> Option<&str> {
    ///     Some(&upload.attached::<Named>()?.0)
    /// }
    /// # let _ = (begin, name);
    /// ```
    pub fn attach(&mut self, what: impl Any + Send) {
        self.full().attached = Some(Box::new(what));
    }

    /// What was attached, if it is of this type.
    #[must_use]
    pub fn attached<T: Any>(&self) -> Option<&T> {
        match &self.0 {
            Work::Plain(_) => None,
            Work::Full(full) => full.attached.as_ref()?.downcast_ref(),
        }
    }

    /// The same, to be changed.
    pub fn attached_mut<T: Any>(&mut self) -> Option<&mut T> {
        match &mut self.0 {
            Work::Plain(_) => None,
            Work::Full(full) => full.attached.as_mut()?.downcast_mut(),
        }
    }

    /// The digests of the content, once [`Handler::verify`] has seen the message; until then none.
    /// Those that the [`Checksum`] was made for come first, in their order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        match &self.0 {
            Work::Plain(_) => &[],
            Work::Full(full) => &full.values,
        }
    }

    /// What [`Handler::verify`] has found to be wrong with the digests that the client has
    /// declared; `None` if nothing is.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match &self.0 {
            Work::Plain(_) => None,
            Work::Full(full) => full.fault,
        }
    }

    fn full(&mut self) -> &mut Full {
        if let Work::Plain(md5) = &mut self.0 {
            let running = Running::from(mem::take(md5));
            self.0 = Work::Full(Box::new(Full { running, ..Full::default() }));
        }
        let Work::Full(full) = &mut self.0 else { unreachable!("it was made so") };
        full
    }

    /// False if its digests are still to be compared with those that were declared.
    fn is_verified(&self) -> bool {
        matches!(&self.0, Work::Full(full) if !full.values.is_empty())
    }
}

impl fmt::Debug for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, declared, running, .. } = self;
        let mut shown = f.debug_struct("Full");
        shown.field("form", form).field("declared", declared).field("running", running);
        shown.finish_non_exhaustive()
    }
}

impl Handler for Checksum {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        let head = request.head();
        // Most requests: neither is costly, but there are many.
        if self.is_plain && !Declared::may_be_in(head) && !Form::may_be_json(head) {
            return Verdict::Take(Upload(Work::Plain(Md5::new())));
        }
        let form = Form::of(head);
        let declared = match Declared::of(head) {
            Ok(declared) => declared,
            Err(fault) => return Verdict::Answer(form.fault(fault)),
        };
        if self.is_plain && declared.is_empty() && form == Form::Text {
            return Verdict::Take(Upload(Work::Plain(Md5::new())));
        }
        let mut algorithms = self.algorithms;
        algorithms.extend(declared.algorithms().iter());
        let running = Running::new(algorithms);
        let full = Full { form, declared, running, ..Full::default() };
        Verdict::Take(Upload(Work::Full(Box::new(full))))
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        let mut rest = pieces.iter_mut();
        let mut has_full = false;
        // A `filter_map` is not made one with the loop that asks it, where code is built for size.
        self.kernel.update_many(iter::from_fn(|| {
            loop {
                let piece = rest.next()?;
                let last = piece.last();
                let (upload, bytes) = piece.parts();
                let stream = match &mut upload.0 {
                    Work::Plain(md5) => md5,
                    Work::Full(full) => {
                        has_full = true;
                        let Some(md5) = full.running.md5() else { continue };
                        md5
                    }
                };
                return Some(Input { stream, bytes, last });
            }
        }));
        if has_full {
            // By now the bytes are warm.
            for piece in pieces {
                let (upload, bytes) = piece.parts();
                if let Work::Full(full) = &mut upload.0 {
                    full.running.update_others(bytes);
                }
            }
        }
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        if matches!(upload.0, Work::Plain(_)) && message.trailers().is_empty() {
            return None;
        }
        let full = upload.full();
        full.values = mem::take(&mut full.running).finish();
        match full.declared.verify(&full.values, message.trailers()) {
            Ok(verified) => {
                full.verified = verified;
                None
            }
            Err(fault) => {
                full.fault = Some(fault);
                Some(full.form.fault(fault))
            }
        }
    }

    fn finish(&mut self, message: Finished<'_>, mut upload: Upload) -> Reply {
        // A handler in front of this one may not have passed `verify` on.
        if !upload.is_verified()
            && let Some(response) = self.verify(&message, &mut upload)
        {
            return response.into();
        }
        let full = match upload.0 {
            Work::Plain(md5) => return Response::text(200, md5.finish().to_string()).into(),
            Work::Full(full) => full,
        };
        let is_asked = |value: &&Value| self.algorithms.contains(value.algorithm());
        let values = full.values.iter().filter(is_asked);
        full.form.answer(message.received(), values, full.verified).into()
    }

    fn refused(&mut self, refusal: &Refused<'_, Upload>, response: Response) -> Response {
        match refusal.upload {
            Some(Upload(Work::Full(full))) => full.form.refusal(refusal.reject, response),
            _ => response,
        }
    }
}

/// It does nothing between two turns.
impl Resident for Checksum {}
