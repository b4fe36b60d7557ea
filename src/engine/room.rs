//! What memory there is for peers: the buffers that they are lent for a turn, and the account
//! of the bytes that are kept for them from one turn to the next.

use std::mem;
use std::sync::Arc;

use super::buffers::Buffers;
use super::config::Config;
use super::ids::Key;
use crate::buf::Buf;
use crate::handler::Account;

/// What is kept of a head grows at least by this, so that a drip of bytes costs few
/// allocations.
const LEAST_GROWTH: usize = 512;

/// An output vector that was needed for more is not kept for the next peer.
const MOST_SPARE_OUTPUT: usize = 64 << 10;

/// Bytes that are set aside for a peer in the account of a [`Room`].
#[must_use = "bytes that are not given back are lost to all peers"]
#[derive(Debug)]
pub(super) struct Lease(usize);

impl Lease {
    /// For a read after which nothing has to be kept.
    pub(super) fn nothing() -> Self {
        Self(0)
    }
}

/// Bytes of a peer that are kept from one turn to the next, in a buffer of its own.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) buf: Buf,
    /// As much as the buffer's capacity.
    pub(super) lease: Lease,
}

/// Memory for all peers.
///
/// The reserve is what one peer needs at most, and one peer at a time may have it. So if all
/// who have a lease need more before they can give it back, that one still comes to an end,
/// and after it the next. A peer that has begun its request, or waits for the handler, has
/// come so far: it returns the reserve if what it keeps fits beside it.
///
/// What the handler keeps counts as if it were leased, and nobody gets the reserve while there
/// is no room beside it for that.
#[derive(Debug)]
pub(super) struct Room {
    buffers: Buffers,
    /// Vectors for output, kept for their memory.
    outputs: Vec<Vec<u8>>,
    leased: usize,
    /// What the handler keeps.
    account: Arc<Account>,
    /// How many bytes may be in use beside the reserve.
    limit: usize,
    has_reserve: Option<Key>,
    /// Bytes of one pooled buffer.
    buffer: usize,
    /// Bytes of the longer one.
    lone_buffer: usize,
}

impl Room {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            buffers: Buffers::new(config),
            outputs: Vec::new(),
            leased: 0,
            account: Arc::new(Account::for_buffers(
                [config.buffer, config.lone_buffer],
                config.batch,
            )),
            limit: config.max_held.saturating_sub(config.most_kept()),
            has_reserve: None,
            buffer: config.buffer,
            lone_buffer: config.lone_buffer,
        }
    }

    /// Bytes that are leased, or kept by the handler.
    pub(super) fn in_use(&self) -> usize {
        self.leased + self.account.kept()
    }

    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// How many buffers are lent.
    pub(super) fn buffers_out(&self) -> usize {
        self.buffers.out()
    }

    /// Lends a buffer for the bytes of one read.
    pub(super) fn take_buffer(&mut self) -> Buf {
        self.buffers.take(|| self.account.take_spare(self.buffer))
    }

    /// Lends the longer buffer, for a peer that is served alone.
    pub(super) fn take_lone_buffer(&mut self) -> Buf {
        self.buffers.take_lone(|| self.account.take_spare(self.lone_buffer))
    }

    /// Takes back a buffer; one that was not lent is freed.
    pub(super) fn put_buffer(&mut self, buf: Buf) {
        self.buffers.put(buf, self.account.spares());
    }

    /// An empty vector for output.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        self.outputs.pop().unwrap_or_default()
    }

    pub(super) fn put_output(&mut self, mut output: Vec<u8>) {
        if output.capacity() <= MOST_SPARE_OUTPUT {
            output.clear();
            self.outputs.push(output);
        }
    }

    /// True if a peer that asks for so much may get it. Nobody asks for more than the
    /// reserve.
    pub(super) fn can_serve(&self, bytes: usize) -> bool {
        self.has_room(bytes) || self.has_reserve.is_none() && self.is_reserve_unused()
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.limit.saturating_sub(self.in_use()) >= bytes
    }

    /// Sets bytes aside, if there is room beside the reserve.
    pub(super) fn lease(&mut self, bytes: usize) -> Option<Lease> {
        self.has_room(bytes).then(|| self.set_aside(bytes))
    }

    /// Sets bytes aside from the reserve, unless another peer has it.
    pub(super) fn lend_reserve(&mut self, key: Key, bytes: usize) -> Option<Lease> {
        let may_have_it = match self.has_reserve {
            Some(holder) => holder == key,
            None => self.is_reserve_unused(),
        };
        may_have_it.then(|| {
            self.has_reserve = Some(key);
            self.set_aside(bytes)
        })
    }

    /// True if all that is in use fits beside the reserve.
    pub(super) fn is_reserve_unused(&self) -> bool {
        self.in_use() <= self.limit
    }

    /// A peer does not need the reserve, or does not need it any more.
    pub(super) fn return_reserve(&mut self, key: Key) {
        if self.has_reserve == Some(key) {
            self.has_reserve = None;
        }
    }

    fn set_aside(&mut self, bytes: usize) -> Lease {
        self.leased += bytes;
        Lease(bytes)
    }

    /// Makes a lease as large as what has to be kept, whether there is room or not.
    pub(super) fn resize(&mut self, lease: &mut Lease, bytes: usize) {
        self.leased += bytes;
        self.give_back(mem::replace(lease, Lease(bytes)));
    }

    pub(super) fn give_back(&mut self, Lease(bytes): Lease) {
        debug_assert!(bytes <= self.leased, "more was given back than was leased");
        self.leased = self.leased.saturating_sub(bytes);
    }

    /// Takes back all that a peer has, which was closed.
    pub(super) fn let_go(&mut self, key: Key, kept: Option<Kept>) {
        if let Some(kept) = kept {
            self.give_back(kept.lease);
        }
        self.return_reserve(key);
    }

    /// Makes room to read more behind what is kept; false if there is none.
    ///
    /// If more waits than what is kept would grow by, it moves into a pooled buffer, unless it
    /// takes more than half of one.
    pub(super) fn extend(&mut self, kept: &mut Kept, key: Key, more_waits: bool) -> bool {
        if !kept.buf.spare_mut().is_empty() {
            return true;
        }
        if more_waits
            && kept.buf.len() <= self.buffer / 2
            && let Some(lease) = self.lease(self.buffer)
        {
            let mut buf = self.take_buffer();
            buf.append(kept.buf.unread());
            let former = mem::replace(kept, Kept { buf, lease });
            self.give_back(former.lease);
            return true;
        }
        let growth = kept.buf.capacity().max(LEAST_GROWTH);
        let lease = self.lease(growth).or_else(|| self.lend_reserve(key, growth));
        let Some(Lease(more)) = lease else { return false };
        // By what is unread: what was used already gives way, or the room would double for
        // each lot of pipelined requests that a peer leaves behind.
        kept.buf.grow(kept.buf.len().max(LEAST_GROWTH));
        kept.lease.0 += more;
        self.resize(&mut kept.lease, kept.buf.capacity());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 24 KiB beside a reserve of 8 KiB.
    fn room() -> Room {
        let limits = crate::proto::Limits::default().head(4 << 10);
        Room::new(&Config::default().buffer(4 << 10).limits(limits).max_held(32 << 10))
    }

    #[test]
    fn leases_end_where_the_reserve_begins() {
        let mut room = room();
        let most = room.lease(24 << 10).expect("room for all of it");
        assert!(room.lease(1).is_none());
        assert!(room.lease(0).is_some_and(|nothing| nothing.0 == 0));
        assert!(room.can_serve(8 << 10));
        room.give_back(most);
        assert_eq!(room.in_use(), 0);
    }

    #[test]
    fn output_vectors_are_used_again_unless_they_are_large() {
        let mut room = room();
        for (capacity, is_kept) in [(64 << 10, true), ((64 << 10) + 1, false), (1, true)] {
            let mut output = Vec::with_capacity(capacity);
            output.push(b'x');
            assert_eq!(output.capacity(), capacity);
            room.put_output(output);
            let output = room.take_output();
            assert!(output.is_empty());
            assert_eq!(output.capacity(), if is_kept { capacity } else { 0 });
        }
    }

    #[test]
    fn the_reserve_is_lent_to_one_peer_at_a_time() {
        let mut room = room();
        let most = room.lease(24 << 10).expect("room for all of it");
        let first = room.lend_reserve(1, 100).expect("nobody has it");
        assert!(room.lend_reserve(2, 100).is_none());
        assert!(!room.can_serve(1) && !room.is_reserve_unused());
        let more = room.lend_reserve(1, 100).expect("it has it");
        room.return_reserve(2);
        assert!(room.lend_reserve(2, 100).is_none(), "it was not the peer's to return");
        room.return_reserve(1);
        assert!(room.lend_reserve(2, 100).is_none() && !room.can_serve(1), "it is still in use");
        room.give_back(more);
        room.give_back(first);
        let second = room.lend_reserve(2, 100).expect("it was returned");
        assert_eq!(room.in_use(), (24 << 10) + 100);
        for lease in [most, second] {
            room.give_back(lease);
        }
        assert_eq!(room.in_use(), 0);
    }

    #[test]
    fn what_has_to_be_kept_is_leased_whether_there_is_room_or_not() {
        let mut room = room();
        let mut lease = Lease::nothing();
        room.resize(&mut lease, 1 << 20);
        assert_eq!((lease.0, room.in_use()), (1 << 20, 1 << 20));
        room.resize(&mut lease, 10);
        assert_eq!(room.in_use(), 10);
        room.give_back(lease);
        assert_eq!(room.in_use(), 0);
    }

    fn kept(room: &mut Room, bytes: usize) -> Kept {
        let mut buf = Buf::with_capacity(bytes);
        buf.append(&vec![b'x'; bytes]);
        Kept { buf, lease: room.lease(bytes).expect("room") }
    }

    #[test]
    fn what_is_kept_grows_when_its_buffer_is_full_and_not_before() {
        let mut room = room();
        let mut small = kept(&mut room, 100);
        assert!(room.extend(&mut small, 1, false));
        assert_eq!((small.buf.capacity(), small.lease.0, room.in_use()), (612, 612, 612));
        assert!(room.extend(&mut small, 1, false));
        assert_eq!(room.in_use(), 612);
        let mut large = kept(&mut room, 1_000);
        assert!(room.extend(&mut large, 1, false));
        assert_eq!((large.buf.capacity(), large.lease.0), (2_000, 2_000));
        assert_eq!(room.in_use(), 2_612);
    }

    #[test]
    fn what_is_kept_moves_into_a_pooled_buffer_when_much_more_waits() {
        let mut room = room();
        let mut half = kept(&mut room, 2 << 10);
        assert!(room.extend(&mut half, 1, true));
        assert!(half.buf.is_lent() && half.buf.len() == 2 << 10);
        assert_eq!((half.lease.0, room.in_use(), room.buffers_out()), (4 << 10, 4 << 10, 1));
        let mut more = kept(&mut room, (2 << 10) + 1);
        assert!(room.extend(&mut more, 1, true));
        assert!(!more.buf.is_lent());
    }

    #[test]
    fn what_is_kept_grows_from_the_reserve_when_there_is_no_other_room() {
        let mut room = room();
        let mut small = kept(&mut room, 100);
        let _most = room.lease((24 << 10) - 100).expect("room for all of it");
        let other = room.lend_reserve(2, 1).expect("nobody has it");
        assert!(!room.extend(&mut small, 1, true));
        assert_eq!((small.buf.capacity(), small.lease.0), (100, 100));
        room.return_reserve(2);
        room.give_back(other);
        assert!(room.extend(&mut small, 1, true));
        assert_eq!((small.buf.capacity(), small.lease.0), (612, 612));
        assert!(room.lend_reserve(2, 1).is_none());
    }
}
