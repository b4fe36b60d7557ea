//! Who sits in which lane, and how many blocks a run goes.
//!
//! A kernel takes as many blocks from every lane, but streams end where they
//! end. So the lanes go in rounds: each is as long as the shortest run, and
//! whoever is through by then makes room for the next stream at once.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "no kernel has lanes there"))]

use super::{Block, Input, Md5};
use std::{iter, slice};

/// The lanes of the widest kernel; the others use the first of these.
pub(super) const WIDEST: usize = 32;

/// The states of all lanes, word by word: first every lane's A, then every
/// lane's B, as the lanes of a vector register want them.
pub(super) type States = [[u32; WIDEST]; 4];

/// What is to be compressed, lane by lane; nothing where a lane is empty.
pub(super) type Runs<'a> = [&'a [Block]; WIDEST];

/// Feeds all `inputs` through `compress`, one after another.
pub(super) fn one_by_one<'a>(
    compress: impl Fn(&mut [u32; 4], &[Block]),
    inputs: &mut dyn Iterator<Item = Input<'a>>,
) {
    inputs.filter_map(Lane::seat).for_each(|lane| lane.finish(&compress));
}

/// Feeds all `inputs` through lanes, as many at a time as the last of `widths` has. These
/// are numbers of lanes with what compresses so many, fewest first; while few streams are
/// left, the fewest that have room for all of them are used; the last one of all goes
/// through `alone`.
///
/// Which numbers pay, `hash_rates` in `bench/load` tells. In lanes all go at the pace of one:
/// on Zen 5 that of a vector register is half as fast as alone, so that three streams gain
/// there and two don't; but two in general registers go as fast as one.
pub(super) fn run<'a>(
    widths: &[(usize, impl Fn(&mut States, &Runs<'_>, usize))],
    alone: impl Fn(&mut [u32; 4], &[Block]),
    inputs: &mut dyn Iterator<Item = Input<'a>>,
) {
    let Some(first) = inputs.next() else { return };
    let Some(second) = inputs.next() else {
        // Setting up lanes would take a quarter of the time of a short one.
        return one_by_one(alone, &mut iter::once(first));
    };
    let mut inputs = [first, second].into_iter().chain(inputs).fuse();
    let mut states = [[0; WIDEST]; 4];
    let mut lanes = [const { None::<Lane<'a>> }; WIDEST];
    let most = widths.last().map_or(0, |(count, _)| *count);
    loop {
        let mut seated = 0;
        for (at, seat) in lanes.iter_mut().enumerate().take(most) {
            if seat.is_none() {
                *seat = inputs.find_map(Lane::seat);
                if let Some(lane) = seat {
                    lane.load(&mut states, at);
                }
            }
            seated += usize::from(seat.is_some());
        }
        let fits = |(count, _): &&(usize, _)| seated <= *count;
        let Some((count, compress)) = widths.iter().find(fits).filter(|_| seated > 1) else {
            break;
        };
        move_up(&mut lanes, &mut states, *count);
        let runs = lanes.each_ref().map(|seat| seat.as_ref().map_or(&[][..], Lane::run));
        let lengths = runs.iter().map(|run| run.len());
        let blocks = lengths.filter(|len| *len > 0).min().unwrap_or(0);
        compress(&mut states, &runs, blocks);
        for (at, seat) in lanes.iter_mut().enumerate().take(*count) {
            if let Some(lane) = seat {
                lane.advance(blocks);
                if lane.step == Step::Done {
                    lane.store(&states, at);
                    *seat = None;
                }
            }
        }
    }
    for (at, seat) in lanes.into_iter().enumerate() {
        if let Some(mut lane) = seat {
            lane.store(&states, at);
            lane.finish(&alone);
        }
    }
}

/// Moves who sits behind the first `count` lanes to where these are empty.
fn move_up(lanes: &mut [Option<Lane<'_>>; WIDEST], states: &mut States, count: usize) {
    let (front, behind) = lanes.split_at_mut(count);
    let free = front.iter_mut().enumerate().filter(|(_, seat)| seat.is_none());
    let left = behind.iter_mut().enumerate().filter(|(_, seat)| seat.is_some());
    for ((to, free), (from, seat)) in free.zip(left) {
        *free = seat.take();
        for words in &mut *states {
            words[to] = words[count + from];
        }
    }
}

/// One stream in a lane, and what of its input is still to be compressed.
///
/// All blocks but those of the body stand in the stream's tail while it is
/// their turn, so a lane needs no block of its own.
struct Lane<'a> {
    stream: &'a mut Md5,
    step: Step,
    body: &'a [Block],
    /// What is behind the body and makes no block: it moves to the tail.
    rest: &'a [u8],
    last: bool,
}

/// Which blocks a lane's run is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The tail, filled up with the first bytes of the input.
    Tail,
    /// The whole blocks of the input, where the caller has them.
    Body,
    /// The tail with padding that left no room for the length.
    Padding,
    /// The tail with the length at its end.
    Length,
    Done,
}

impl<'a> Lane<'a> {
    /// Prepares the first run, or takes in all of the input if there is none.
    // Inlined wherever it is called it would take 4 KB, for nothing.
    #[inline(never)]
    fn seat(input: Input<'a>) -> Option<Self> {
        let Input { stream, bytes, last } = input;
        assert!(!stream.padded, "input for a stream after its last: the stream has ended");
        let waiting = stream.waiting();
        stream.length = stream.length.wrapping_add(bytes.len() as u64);
        // With nothing waiting the input's own blocks need no filling up.
        let open = stream.tail.iter_mut().skip(waiting);
        let wanted = if waiting == 0 { 0 } else { open.len() };
        let (head, bytes) = bytes.split_at(wanted.min(bytes.len()));
        open.zip(head).for_each(|(to, from)| *to = *from);

        let (body, rest) = bytes.as_chunks();
        let mut lane = Self { stream, step: Step::Tail, body, rest, last };
        if wanted == 0 || head.len() < wanted {
            lane.enter_body();
        }
        (lane.step != Step::Done).then_some(lane)
    }

    /// The blocks to be compressed next; none when there are no more.
    fn run(&self) -> &[Block] {
        match self.step {
            Step::Tail | Step::Padding | Step::Length => slice::from_ref(&self.stream.tail),
            Step::Body => self.body,
            Step::Done => &[],
        }
    }

    /// Leaves the first `blocks` of the run behind, and with the last of them
    /// the run.
    #[inline(never)] // As above.
    fn advance(&mut self, blocks: usize) {
        match self.step {
            Step::Tail => self.enter_body(),
            Step::Body => {
                self.body = self.body.get(blocks..).unwrap_or_default();
                self.enter_body();
            }
            Step::Padding => {
                self.stream.tail.fill(0);
                self.enter_length();
            }
            Step::Length | Step::Done => self.step = Step::Done,
        }
    }

    /// Takes in all that is left.
    fn finish(mut self, compress: &impl Fn(&mut [u32; 4], &[Block])) {
        while self.step != Step::Done {
            let mut state = self.stream.state;
            let run = self.run();
            compress(&mut state, run);
            let blocks = run.len();
            self.stream.state = state;
            self.advance(blocks);
        }
    }

    fn enter_body(&mut self) {
        self.step = Step::Body;
        if self.body.is_empty() {
            self.leave_body();
        }
    }

    fn leave_body(&mut self) {
        let tail = self.stream.tail.iter_mut();
        tail.zip(self.rest).for_each(|(to, from)| *to = *from);
        if !self.last {
            self.step = Step::Done;
        } else if self.stream.pad() {
            self.enter_length();
        } else {
            self.step = Step::Padding;
        }
    }

    fn enter_length(&mut self) {
        self.stream.put_length();
        self.step = Step::Length;
    }

    fn load(&self, states: &mut States, at: usize) {
        for (word, lanes) in self.stream.state.iter().zip(states) {
            lanes[at] = *word;
        }
    }

    fn store(&mut self, states: &States, at: usize) {
        for (word, lanes) in self.stream.state.iter_mut().zip(states) {
            *word = lanes[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kernel;
    use super::*;
    use ::md5::block_api::compress;
    use std::cell::{Cell, RefCell};

    type Compress = fn(&mut States, &Runs<'_>, usize);

    /// All lanes, one after another, to a kernel's contract.
    fn by_turns(states: &mut States, runs: &Runs<'_>, blocks: usize) {
        assert!(blocks > 0, "a round without blocks");
        for (at, run) in runs.iter().enumerate() {
            let mut state = if run.is_empty() { [0xbad; 4] } else { states.map(|lanes| lanes[at]) };
            if !run.is_empty() {
                compress(&mut state, &run[..blocks]);
            }
            for (lanes, word) in states.iter_mut().zip(state) {
                lanes[at] = word;
            }
        }
    }

    /// Marsaglia's xorshift: the same numbers at every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % limit as u64) as usize
        }

        /// A length that likes to be near the edge of a block.
        fn length(&mut self) -> usize {
            match self.below(4) {
                0 => self.below(8),
                1 => 64 * self.below(6) + 55 + self.below(12),
                2 => 64 * self.below(40),
                _ => self.below(5000),
            }
        }
    }

    /// A message, how much of it has been fed, and what fed it.
    struct Upload {
        message: Vec<u8>,
        fed: usize,
        ended: bool,
        stream: Md5,
    }

    impl Upload {
        fn new(random: &mut Random) -> Self {
            let len = random.length();
            Self {
                message: (0..len).map(|_| random.below(256) as u8).collect(),
                fed: 0,
                ended: false,
                stream: Md5::new(),
            }
        }

        /// The next bytes, `last` with them, after them or not at all.
        fn input(&mut self, random: &mut Random) -> Option<Input<'_>> {
            if self.ended || random.below(5) == 0 {
                return None;
            }
            let left = &self.message[self.fed..];
            let bytes = &left[..random.length().min(left.len())];
            self.fed += bytes.len();
            self.ended = self.fed == self.message.len() && random.below(2) == 0;
            Some(Input { stream: &mut self.stream, bytes, last: self.ended })
        }

        fn check(self, what: &str) {
            use ::md5::Digest as _;
            let expected = <[u8; 16]>::from(::md5::Md5::digest(&self.message));
            let len = self.message.len();
            assert_eq!(self.stream.len(), len as u64, "{what}");
            assert_eq!(self.stream.finish().to_bytes(), expected, "{what}, {len} bytes");
        }
    }

    /// 1 to 40 streams at a time, ragged, cut anywhere, some ended by `last`
    /// and some by `finish`.
    fn mix(what: &str, mut update_many: impl FnMut(&mut dyn Iterator<Item = Input<'_>>)) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for streams in 1..=40 {
            let mut uploads: Vec<_> = (0..streams).map(|_| Upload::new(&mut random)).collect();
            while uploads.iter().any(|it| it.fed < it.message.len()) {
                let inputs = uploads.iter_mut();
                update_many(&mut inputs.filter_map(|upload| upload.input(&mut random)));
            }
            uploads.into_iter().for_each(|upload| upload.check(what));
        }
    }

    #[test]
    fn mixed_streams_with_each_kernel() {
        for kernel in Kernel::available() {
            mix(&format!("{kernel:?}"), |inputs| kernel.update_many(inputs));
        }
    }

    #[test]
    fn mixed_streams_with_a_kernel_chosen_anew_each_time() {
        let mut kernels = Kernel::available().collect::<Vec<_>>().into_iter().cycle();
        let mut next = || kernels.next().unwrap();
        mix("all kernels in turn", |inputs| next().update_many(inputs));
    }

    #[test]
    fn mixed_streams_over_many_lanes() {
        mix("3 lanes", |inputs| run(&[(3, by_turns)], compress, inputs));
        mix("4 lanes", |inputs| run(&[(4, by_turns)], compress, inputs));
        mix("16 lanes", |inputs| run(&[(16, by_turns)], compress, inputs));
        let widths = [2, 5, 16, 32].map(|lanes| (lanes, by_turns));
        mix("2 to 32 lanes", |inputs| run(&widths, compress, inputs));
    }

    #[test]
    fn a_lane_takes_its_next_stream_as_soon_as_it_is_free() {
        let body = [0; 640];
        let mut streams = [(); 13].map(|()| Md5::new());
        let inputs = streams.iter_mut().enumerate().map(|(at, stream)| Input {
            stream,
            bytes: if at < 3 { &body } else { &body[..64] },
            last: false,
        });
        let (pulled, rounds) = (Cell::new(0), Cell::new(0));
        run(
            &[(4, |states: &mut States, runs: &Runs<'_>, blocks| {
                by_turns(states, runs, blocks);
                rounds.set(rounds.get() + 1);
                assert_eq!(pulled.get(), rounds.get() + 3, "pulled too early or late");
            })],
            |_, _| panic!("streams left over"),
            &mut inputs.inspect(|_| pulled.set(pulled.get() + 1)),
        );
        assert_eq!(rounds.get(), 10, "ten blocks beside ten times one");
    }

    #[test]
    fn equal_streams_go_in_few_rounds() {
        let body = [0; 1024];
        let mut streams = [(); 16].map(|()| Md5::new());
        let inputs = streams.iter_mut().map(|stream| Input { stream, bytes: &body, last: true });
        let rounds = Cell::new(0);
        run(
            &[(16, |states: &mut States, runs: &Runs<'_>, blocks| {
                by_turns(states, runs, blocks);
                rounds.set(rounds.get() + 1);
            })],
            |_, _| panic!("streams left over"),
            &mut { inputs },
        );
        assert_eq!(rounds.get(), 2, "the bodies, then the padding");
    }

    /// Who sits behind the lanes that are used next moves to the front of them.
    #[test]
    fn the_fewest_lanes_that_have_room_are_used_and_the_last_stream_goes_alone() {
        let body = [7; 9 * 64];
        let blocks = [1, 1, 2, 2, 3, 5, 9];
        let mut streams = blocks.map(|_| Md5::new());
        let inputs = streams.iter_mut().zip(blocks);
        let mut inputs =
            inputs.map(|(stream, n)| Input { stream, bytes: &body[..64 * n], last: false });
        let rounds = RefCell::new(Vec::new());
        let widths = [2, 4, 8].map(|lanes| {
            let rounds = &rounds;
            (lanes, move |states: &mut States, runs: &Runs<'_>, blocks| {
                assert!(runs[lanes..].iter().all(|run| run.is_empty()), "out of {lanes} lanes");
                rounds.borrow_mut().push((lanes, blocks));
                by_turns(states, runs, blocks);
            })
        });
        let alone = |state: &mut [u32; 4], run: &[Block]| {
            assert_eq!(run.len(), 4, "five of nine blocks went in lanes");
            compress(state, run);
        };
        run(&widths, alone, &mut inputs);
        assert_eq!(rounds.take(), [(8, 1), (8, 1), (4, 1), (2, 2)]);
        for (stream, n) in streams.into_iter().zip(blocks) {
            let mut expected = Md5::new();
            expected.update(&body[..64 * n]);
            assert_eq!(stream.finish(), expected.finish(), "{n} blocks");
        }
    }

    #[test]
    fn one_stream_goes_alone_from_the_beginning() {
        let lanes: Compress = |_, _, _| panic!("one stream in lanes");
        let mut stream = Md5::new();
        let input = Input { stream: &mut stream, bytes: &[7; 100], last: true };
        run(&[(2, lanes)], compress, &mut [input].into_iter());
        let mut expected = Md5::new();
        expected.update(&[7; 100]);
        assert_eq!(stream.finish(), expected.finish());
    }

    #[test]
    fn no_round_without_a_whole_block() {
        let lanes: Compress = |_, _, _| panic!("nothing to compress");
        let alone = |_: &mut [u32; 4], _: &[Block]| panic!("nothing to compress");
        let mut stream = Md5::new();
        run(&[(4, lanes)], alone, &mut [].into_iter());
        for (len, byte) in (1..64).zip([7; 63]) {
            let input = Input { stream: &mut stream, bytes: &[byte], last: false };
            run(&[(4, lanes)], alone, &mut [input].into_iter());
            assert_eq!(stream.len(), len);
        }
    }
}
