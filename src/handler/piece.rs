//! Content of one upload, as the handler gets it.

use std::ops::Range;
use std::sync::Arc;

use super::{Account, Content, UploadId};
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
    /// What is offered: positions in `buf`.
    pub(crate) range: Range<usize>,
    /// Bytes behind it that are not offered yet, as the credit does not cover them.
    pub(crate) held_back: usize,
    /// How much of the range is taken.
    pub(crate) taken: usize,
    /// Bytes that were in front of the range, and that the handler keeps.
    pub(crate) kept: usize,
    /// True if the buffer may be given away: nothing of what was in it is kept yet.
    pub(crate) may_move: bool,
    pub(crate) last: bool,
    /// For what the handler keeps; `None` if it never
    /// [leaves content](super::Handler::may_leave_content).
    pub(crate) account: Option<Arc<Account>>,
    /// How much more may be read, if the handler has said so.
    pub(crate) credit: Option<u64>,
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
            n == length || self.account.is_some(),
            "cannot leave content: `Handler::may_leave_content` is false"
        );
        self.taken = n;
    }

    /// Takes the bytes and keeps them for longer than [`Handler::consume`], for example for
    /// another thread. The piece has none then, or those that [`Piece::take`] has left.
    ///
    /// The memory counts for [`Config::max_held`](crate::engine::Config::max_held) until the
    /// [`Content`] is dropped: when all of that is in use, no more is read. Who wants less than
    /// that sets a [credit](Piece::credit). Content that fills more than half of a buffer moves
    /// with it, if nothing else of use is in there; else it is a copy.
    ///
    /// # Panics
    ///
    /// Unless the handler has said that it [may leave content].
    ///
    /// [`Handler::consume`]: super::Handler::consume
    /// [may leave content]: super::Handler::may_leave_content
    pub fn keep(&mut self) -> Content {
        let Some(account) = &self.account else {
            panic!("cannot keep content: `Handler::may_leave_content` is false")
        };
        let kept = self.range.start..self.range.start + self.taken;
        let left = kept.end..self.range.end;
        self.kept += kept.len();
        self.taken = 0;
        // What is kept, now and before, and what is left are to take no more memory together than
        // the buffer does.
        let is_all = left.is_empty() && self.held_back == 0 && self.buf.is_empty();
        if self.may_move && is_all && kept.len() > self.buf.capacity() / 2 {
            self.range = 0..0;
            Content::new(self.buf.give_away(), kept, account)
        } else {
            let copy = Buf::copied(self.buf.range(kept.clone()));
            self.range = left;
            self.may_move = false;
            Content::new(copy, 0..kept.len(), account)
        }
    }

    /// Sets how many bytes of content may come after this piece before the upload pauses. It
    /// then waits for [`resume`](crate::engine::Engine::resume), as after a
    /// [partial take](Piece::take), and may send without bound again until a piece gets another
    /// credit. With 0 it pauses at once: it is not read, and TCP holds its client back.
    ///
    /// No piece is longer than what is left of the credit. A message that has ended is finished
    /// without any: the credit of its [`last`](Piece::last) piece means nothing.
    ///
    /// # Panics
    ///
    /// Unless the handler has said that it [may leave content].
    ///
    /// # Example
    ///
    /// Parts of 8 MiB, each of which waits for the one before it.
    ///
    /// ```
    /// use streamsum::handler::Piece;
    ///
    /// const PART: u64 = 8 << 20;
    ///
    /// fn consume(pieces: &mut [Piece<Vec<u8>>]) {
    ///     for piece in pieces {
    ///         let (part, data) = piece.parts();
    ///         part.extend(data);
    ///         // At 0 somebody sends the part, and resumes the upload.
    ///         let left = PART - part.len() as u64;
    ///         piece.credit(left);
    ///     }
    /// }
    /// # let _ = consume;
    /// ```
    ///
    /// [may leave content]: super::Handler::may_leave_content
    pub fn credit(&mut self, bytes: u64) {
        assert!(
            self.account.is_some(),
            "cannot hold content back: `Handler::may_leave_content` is false"
        );
        self.credit = Some(bytes);
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
            held_back: 0,
            taken: 3,
            kept: 0,
            may_move: true,
            last: false,
            account: may_leave_content.then(Arc::default),
            credit: None,
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
