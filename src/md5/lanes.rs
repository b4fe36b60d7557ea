//! Who sits in which lane, and how many blocks a run goes.
//!
//! A kernel takes as many blocks from every lane, but streams end where they
//! end. So the lanes go in rounds: each is as long as the shortest run, and
//! whoever is through by then makes room for the next stream at once.

use super::{Block, Input, Md5, kernel::States};
use std::slice;

/// Feeds all `inputs` through `N` lanes of `compress`, which is given every
/// lane's state and as many blocks for each of them, one at least.
pub(super) fn run<'a, const N: usize>(
    compress: impl Fn(&mut States<N>, [&[Block]; N]),
    inputs: impl IntoIterator<Item = Input<'a>>,
) {
    let mut inputs = inputs.into_iter().fuse();
    let mut states = [[0; N]; 4];
    let mut lanes = [const { None::<Lane<'a>> }; N];
    loop {
        for (at, lane) in lanes.iter_mut().enumerate() {
            if lane.is_none() {
                *lane = inputs.find_map(Lane::seat);
                if let Some(lane) = lane {
                    lane.load(&mut states, at);
                }
            }
        }
        let runs = lanes.iter().flatten().map(Lane::run);
        let Some(shortest) = runs.min_by_key(|run| run.len()) else {
            return;
        };
        let blocks = shortest.len();
        // An empty lane has no run: it goes along on another's, for nothing.
        let runs = lanes.each_ref().map(|lane| {
            let run = lane.as_ref().map(Lane::run);
            run.and_then(|run| run.get(..blocks)).unwrap_or(shortest)
        });
        compress(&mut states, runs);
        for (at, seat) in lanes.iter_mut().enumerate() {
            if let Some(lane) = seat {
                lane.advance(blocks);
                if lane.step == Step::Done {
                    lane.store(&states, at);
                    *seat = None;
                }
            }
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

    fn load<const N: usize>(&self, states: &mut States<N>, at: usize) {
        for (word, lanes) in self.stream.state.iter().zip(states) {
            lanes[at] = *word;
        }
    }

    fn store<const N: usize>(&mut self, states: &States<N>, at: usize) {
        for (word, lanes) in self.stream.state.iter_mut().zip(states) {
            *word = lanes[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kernel;
    use super::*;
    use std::cell::Cell;

    /// `N` lanes, one after another, to a kernel's contract.
    fn by_turns<const N: usize>(states: &mut States<N>, runs: [&[Block]; N]) {
        let blocks = runs.first().map_or(0, |run| run.len());
        assert!(blocks > 0, "a round without blocks");
        for (at, run) in runs.into_iter().enumerate() {
            assert_eq!(run.len(), blocks, "lane {at} out of step");
            let mut state = states.map(|lanes| lanes[at]);
            ::md5::block_api::compress(&mut state, run);
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
                _ => self.below(2000),
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

        fn check(self) {
            use ::md5::Digest as _;
            let expected = <[u8; 16]>::from(::md5::Md5::digest(&self.message));
            assert_eq!(self.stream.len(), self.message.len() as u64);
            assert_eq!(self.stream.finish().to_bytes(), expected);
        }
    }

    /// 1 to 40 streams at a time, ragged, cut anywhere, some ended by `last`
    /// and some by `finish`.
    fn mix(update_many: impl Fn(&mut dyn Iterator<Item = Input<'_>>)) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for streams in 1..=40 {
            let mut uploads: Vec<_> = (0..streams).map(|_| Upload::new(&mut random)).collect();
            while uploads.iter().any(|it| it.fed < it.message.len()) {
                let inputs = uploads.iter_mut();
                update_many(&mut inputs.filter_map(|upload| upload.input(&mut random)));
            }
            uploads.into_iter().for_each(Upload::check);
        }
    }

    #[test]
    fn mixed_streams_with_the_kernels() {
        mix(|inputs| Kernel::scalar().update_many(inputs));
        mix(|inputs| Kernel::detect().update_many(inputs));
    }

    #[test]
    fn mixed_streams_over_many_lanes() {
        mix(|inputs| run(by_turns::<2>, inputs));
        mix(|inputs| run(by_turns::<3>, inputs));
        mix(|inputs| run(by_turns::<16>, inputs));
    }

    #[test]
    fn a_lane_takes_its_next_stream_as_soon_as_it_is_free() {
        let body = [0; 640];
        let mut streams = [(); 11].map(|()| Md5::new());
        let inputs = streams.iter_mut().enumerate().map(|(at, stream)| Input {
            stream,
            bytes: if at == 0 { &body } else { &body[..64] },
            last: false,
        });
        let (pulled, rounds) = (Cell::new(0), Cell::new(0));
        run::<2>(
            |states, runs| {
                by_turns(states, runs);
                rounds.set(rounds.get() + 1);
                assert_eq!(pulled.get(), rounds.get() + 1, "pulled too early or late");
            },
            inputs.inspect(|_| pulled.set(pulled.get() + 1)),
        );
        assert_eq!(rounds.get(), 10, "ten blocks beside ten times one");
    }

    #[test]
    fn equal_streams_go_in_few_rounds() {
        let body = [0; 1024];
        let mut streams = [(); 16].map(|()| Md5::new());
        let inputs = streams.iter_mut().map(|stream| Input { stream, bytes: &body, last: true });
        let rounds = Cell::new(0);
        run::<16>(
            |states, runs| {
                by_turns(states, runs);
                rounds.set(rounds.get() + 1);
            },
            inputs,
        );
        assert_eq!(rounds.get(), 2, "the bodies, then the padding");
    }

    #[test]
    fn no_round_without_a_whole_block() {
        let mut stream = Md5::new();
        run::<4>(|_, _| panic!("nothing to compress"), []);
        for (len, byte) in (1..64).zip([7; 63]) {
            let input = Input { stream: &mut stream, bytes: &[byte], last: false };
            run::<4>(|_, _| panic!("nothing to compress"), [input]);
            assert_eq!(stream.len(), len);
        }
    }
}
