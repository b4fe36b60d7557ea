//! Content of one upload, as the handler gets it.

use std::ops::Range;

use super::UploadId;
use crate::buf::Buf;
use crate::proto::Response;

/// Content of one upload, lent to [`Handler::consume`](super::Handler::consume).
///
/// It owns its upload and its bytes meanwhile, so that all pieces of a batch are mutable at
/// once. The [module page](super) has an example.
#[derive(Debug)]
pub struct Piece<U> {
    pub(crate) id: UploadId,
    /// Its place in the batch, which finds its peer even if the handler has sorted the
    /// pieces.
    pub(crate) slot: usize,
    pub(crate) upload: U,
    pub(crate) buf: Buf,
    /// Positions in `buf`.
    pub(crate) range: Range<usize>,
    pub(crate) taken: usize,
    pub(crate) last: bool,
    /// See [`Handler::may_leave_content`](super::Handler::may_leave_content).
    pub(crate) may_leave_content: bool,
    /// What the handler ends the request with.
    pub(crate) answer: Option<Box<Response>>,
}

impl<U> Piece<U> {
    /// The id of the request that the content belongs to.
    pub fn id(&self) -> UploadId {
        self.id
    }

    /// The bytes. They are offered once; what [`Piece::take`] leaves comes again.
    pub fn data(&self) -> &[u8] {
        self.buf.range(self.range.clone())
    }

    /// What [`Handler::begin`](super::Handler::begin) made for this request.
    pub fn upload(&mut self) -> &mut U {
        &mut self.upload
    }

    /// The upload and the bytes, both at once.
    pub fn parts(&mut self) -> (&mut U, &[u8]) {
        (&mut self.upload, self.buf.range(self.range.clone()))
    }

    /// True if these are the message's last bytes, and all of them are taken: after
    /// [`Piece::take`] of fewer it is not the last piece any more.
    pub fn last(&self) -> bool {
        self.last && self.taken == self.range.len()
    }

    /// Takes only the first `n` bytes. The others wait, and nothing more is read from
    /// this peer until [`resume`](crate::engine::Engine::resume); then they come again. No
    /// deadline ends this pause. Without this call all are taken.
    ///
    /// # Panics
    ///
    /// If there are fewer than `n`; and if there are more, unless the handler has said that it
    /// [may leave content](super::Handler::may_leave_content).
    pub fn take(&mut self, n: usize) {
        let length = self.range.len();
        assert!(n <= length, "cannot take {n} of {length} bytes");
        assert!(
            n == length || self.may_leave_content,
            "cannot leave content: `Handler::may_leave_content` is false"
        );
        self.taken = n;
    }

    /// Answers the request at once, for example because the disk is full. When
    /// [`Handler::consume`](super::Handler::consume) has returned the request is over: no more of its content comes,
    /// [`Handler::finish`](super::Handler::finish) is not called, and [`Handler::ended`](super::Handler::ended) has the upload back.
    ///
    /// If this piece is the [`last`](Piece::last), the connection may be kept. Otherwise it
    /// closes after the answer, in a way that lets the client read it. Called twice, the
    /// second answer is sent.
    ///
    /// # Example
    ///
    /// ```
    /// use std::{fs::File, io::Write};
    /// use streamsum::{handler::Piece, proto::Response};
    ///
    /// fn consume(pieces: &mut [Piece<File>]) {
    ///     for piece in pieces {
    ///         let (file, data) = piece.parts();
    ///         if file.write_all(data).is_err() {
    ///             piece.answer(Response::text(507, "there is no room for it"));
    ///         }
    ///     }
    /// }
    /// # consume(&mut []);
    /// ```
    pub fn answer(&mut self, response: Response) {
        self.answer = Some(Box::new(response));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn piece(may_leave_content: bool) -> Piece<()> {
        let mut buf = Buf::with_capacity(3);
        buf.append(b"abc");
        Piece {
            id: UploadId { engine: NonZeroU32::MIN, key: 0, serial: 0 },
            slot: 0,
            upload: (),
            buf,
            range: 0..3,
            taken: 3,
            last: false,
            may_leave_content,
            answer: None,
        }
    }

    #[test]
    #[should_panic(expected = "cannot take 4 of 3 bytes")]
    fn taking_more_than_a_piece_has_panics() {
        piece(true).take(4);
    }

    #[test]
    #[should_panic(expected = "`Handler::may_leave_content` is false")]
    fn leaving_content_without_having_said_so_panics() {
        let mut piece = piece(false);
        piece.take(3);
        piece.take(2);
    }
}
