//! Crates that hash, each called as its own documentation would have it.

use streamsum::md5::{Input, Kernel, Md5};

pub(crate) type Digest = [u8; 16];

/// What is raced over.
pub(crate) trait Rival {
    const NAME: &'static str;

    /// Streams under way.
    type Streams;

    /// One message.
    fn one(message: &[u8]) -> Digest;

    /// Many messages, which are all there.
    fn whole(messages: &[&[u8]], digests: &mut [Digest]);

    fn streams(count: usize) -> Self::Streams;

    /// A piece more of each stream.
    fn update(streams: &mut Self::Streams, pieces: &[&[u8]]);

    fn digests(streams: Self::Streams) -> Vec<Digest>;
}

/// The peer: portable Rust, one stream after the other.
pub(crate) struct RustCrypto;

impl Rival for RustCrypto {
    const NAME: &'static str = "md-5";
    type Streams = Vec<md5::Md5>;

    fn one(message: &[u8]) -> Digest {
        use md5::Digest as _;
        md5::Md5::digest(message).into()
    }

    fn whole(messages: &[&[u8]], digests: &mut [Digest]) {
        one_by_one::<Self>(messages, digests);
    }

    fn streams(count: usize) -> Self::Streams {
        vec![md5::Md5::default(); count]
    }

    fn update(streams: &mut Self::Streams, pieces: &[&[u8]]) {
        use md5::Digest as _;
        streams.iter_mut().zip(pieces).for_each(|(stream, piece)| stream.update(piece));
    }

    fn digests(streams: Self::Streams) -> Vec<Digest> {
        use md5::Digest as _;
        streams.into_iter().map(|stream| stream.finalize().into()).collect()
    }
}

pub(crate) struct Streamsum;

impl Rival for Streamsum {
    const NAME: &'static str = "streamsum";
    type Streams = (Kernel, Vec<Md5>);

    fn one(message: &[u8]) -> Digest {
        let mut stream = Md5::new();
        stream.update(message);
        stream.finish().to_bytes()
    }

    fn whole(messages: &[&[u8]], digests: &mut [Digest]) {
        let mut streams = vec![Md5::new(); messages.len()];
        let inputs = streams.iter_mut().zip(messages);
        let inputs = inputs.map(|(stream, bytes)| Input { stream, bytes, last: true });
        Kernel::detect().update_many(inputs);
        for (digest, stream) in digests.iter_mut().zip(streams) {
            *digest = stream.finish().to_bytes();
        }
    }

    fn streams(count: usize) -> Self::Streams {
        (Kernel::detect(), vec![Md5::new(); count])
    }

    fn update((kernel, streams): &mut Self::Streams, pieces: &[&[u8]]) {
        let inputs = streams.iter_mut().zip(pieces);
        kernel.update_many(inputs.map(|(stream, bytes)| Input { stream, bytes, last: false }));
    }

    fn digests((_, streams): Self::Streams) -> Vec<Digest> {
        streams.into_iter().map(|stream| stream.finish().to_bytes()).collect()
    }
}

/// Assembly, one stream after the other.
pub(crate) struct FastMd5;

impl Rival for FastMd5 {
    const NAME: &'static str = "fast-md5";
    type Streams = Vec<fast_md5::Md5>;

    fn one(message: &[u8]) -> Digest {
        fast_md5::digest(message)
    }

    fn whole(messages: &[&[u8]], digests: &mut [Digest]) {
        one_by_one::<Self>(messages, digests);
    }

    fn streams(count: usize) -> Self::Streams {
        (0..count).map(|_| fast_md5::Md5::new()).collect()
    }

    fn update(streams: &mut Self::Streams, pieces: &[&[u8]]) {
        streams.iter_mut().zip(pieces).for_each(|(stream, piece)| stream.update(piece));
    }

    fn digests(streams: Self::Streams) -> Vec<Digest> {
        streams.into_iter().map(fast_md5::Md5::finalize).collect()
    }
}

/// Messages of equal length side by side; streams under way one after the other.
pub(crate) struct Md5Simd;

impl Rival for Md5Simd {
    const NAME: &'static str = "md5-simd";
    type Streams = (md5_simd::Md5Engine, Vec<md5_simd::Md5State>);

    fn one(message: &[u8]) -> Digest {
        md5_simd::digest(message)
    }

    fn whole(messages: &[&[u8]], digests: &mut [Digest]) {
        md5_simd::Md5Engine::new().hash_many(messages, digests);
    }

    fn streams(count: usize) -> Self::Streams {
        (md5_simd::Md5Engine::new(), vec![md5_simd::Md5State::new(); count])
    }

    fn update((engine, states): &mut Self::Streams, pieces: &[&[u8]]) {
        engine.update_many(states, pieces);
    }

    fn digests((engine, states): Self::Streams) -> Vec<Digest> {
        let mut digests = vec![[0; 16]; states.len()];
        engine.finalize_many(&states, &mut digests);
        digests
    }
}

/// Messages and streams side by side.
pub(crate) struct Md5Many;

impl Rival for Md5Many {
    const NAME: &'static str = "md5-many";
    type Streams = (md5_many::Md5Many, Vec<md5_many::Md5State>);

    fn one(message: &[u8]) -> Digest {
        md5_many::md5(message)
    }

    fn whole(messages: &[&[u8]], digests: &mut [Digest]) {
        md5_many::md5_many(messages, digests);
    }

    fn streams(count: usize) -> Self::Streams {
        (md5_many::Md5Many::new(), vec![md5_many::Md5State::new(); count])
    }

    fn update((engine, states): &mut Self::Streams, pieces: &[&[u8]]) {
        engine.update_many(states, pieces);
    }

    fn digests((engine, states): Self::Streams) -> Vec<Digest> {
        let mut digests = vec![[0; 16]; states.len()];
        engine.finalize_many(&states, &mut digests);
        digests
    }
}

fn one_by_one<R: Rival>(messages: &[&[u8]], digests: &mut [Digest]) {
    digests.iter_mut().zip(messages).for_each(|(digest, message)| *digest = R::one(message));
}
